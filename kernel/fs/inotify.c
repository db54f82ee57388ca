/*
 * inotify.c - who watches files and directories is told what happens to them.
 *
 * A watch names an inode. What happens to a file is told to the watches of the file, and with
 * its name to those of the directory the name is in. Told are: opened, closed, written, made,
 * removed, renamed, new attributes (of the file alone).
 *
 * Locks: inotify_lock, a sleeping lock, over all of it; innermost but for memory's.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

#define IN_ALL 0xfffu
#define IN_MASK_ADD 0x20000000u
#define IN_MASK_CREATE 0x10000000u
#define IN_ONLYDIR 0x01000000u
#define IN_DONT_FOLLOW 0x02000000u
#define IN_ONESHOT 0x80000000u
#define QUEUE_MAX 16384u

struct event {				/* as it is read, and its place in the queue */
	struct list link;
	struct {
		int32_t watch;
		uint32_t mask, cookie, n;
	} told;
	char name[];			/* told.n bytes, zeroes at the end */
};

struct watch {
	struct list link;		/* of the instance */
	struct list all;		/* of every instance */
	struct instance *instance;
	struct inode *inode;		/* counted */
	int32_t number;
	uint32_t mask;
};

struct instance {
	struct list watches, events;
	unsigned queued;
	int32_t last;
	_Atomic uint32_t event;
};

static struct mutex inotify_lock;
static struct list watches = {&watches, &watches};
static _Atomic uint32_t nwatches;
static uint32_t last_cookie;

static int64_t inotify_read(struct file *, struct ubuf, size_t, uint64_t *);
static int64_t inotify_ioctl(struct file *, unsigned, uint64_t);
static unsigned inotify_poll(struct file *);
static uint32_t inotify_event(struct file *);
static void inotify_release(struct file *);

static const struct file_ops inotify_ops = {
	.name = "anon_inode:inotify", .read = inotify_read,
	.ioctl = inotify_ioctl, .poll = inotify_poll, .event = inotify_event,
	.release = inotify_release,
};
/* It has no name by which to open it again but /proc's, which will not do. */
static int
inotify_open(struct inode *i, struct file *f)
{
	(void)i, (void)f;
	return -ENXIO;
}
static const struct inode_ops inotify_inode_ops = {
	.file = &inotify_ops, .open = inotify_open,
};
static const struct filesystem anon_fs = {
	.name = "anon_inodefs", .magic = 0x09041934, .dev = 5,
};

/* ---- telling ---- */

static bool
is_last(struct instance *in, const struct event *e)
{
	const struct event *last = list_empty(&in->events) ? NULL :
	    container_of(in->events.prev, struct event, link);

	return last != NULL && memcmp(&last->told, &e->told,
	    sizeof e->told) == 0 && memcmp(last->name, e->name,
	    e->told.n) == 0;
}

/* The same again is told once. What there is no room for is not told. */
static void
queue(struct instance *in, int32_t number, uint32_t mask, uint32_t cookie,
    const char *name)
{
	size_t len = name == NULL ? 0 : strlen(name) + 1;
	size_t n = (len + 15) & ~(size_t)15;
	struct event *e = in->queued >= QUEUE_MAX ? NULL :
	    tome_kzalloc(the_vm, sizeof *e + n);

	if (e == NULL)
		return;
	e->told.watch = number;
	e->told.mask = mask;
	e->told.cookie = cookie;
	e->told.n = (uint32_t)n;
	if (len > 0)
		memcpy(e->name, name, len);
	if (is_last(in, e)) {
		tome_kfree(the_vm, e);
		return;
	}
	list_add_tail(&in->events, &e->link);
	in->queued++;
	atomic_fetch_add(&in->event, 1);
	word_wake(&in->event, UINT32_MAX);
	poll_notify();
}

static void
watch_end(struct watch *w)
{
	queue(w->instance, w->number, IN_IGNORED, 0, NULL);
	list_remove(&w->link);
	list_remove(&w->all);
	atomic_fetch_sub(&nwatches, 1);
	inode_unref(w->inode);
	tome_kfree(the_vm, w);
}

/* inotify_lock held. */
static void
tell(struct inode *i, uint32_t mask, uint32_t cookie, const char *name)
{
	struct watch *w, *next;

	list_each_safe(w, next, &watches, all) {
		if (w->inode != i)
			continue;
		if (w->mask & mask & IN_ALL)
			queue(w->instance, w->number, mask, cookie, name);
		if ((mask & IN_DELETE_SELF) ||
		    (w->mask & mask & IN_ALL && w->mask & IN_ONESHOT))
			watch_end(w);
	}
}

void
inotify_tell_inode(struct inode *i, uint32_t mask)
{
	if (atomic_load(&nwatches) == 0)
		return;
	mutex_lock(&inotify_lock);
	tell(i, mask, 0, NULL);
	mutex_unlock(&inotify_lock);
}

void
inotify_tell_name(struct dentry *dir, const char *name, struct inode *i,
    uint32_t mask, uint32_t cookie)
{
	if (atomic_load(&nwatches) == 0)
		return;
	if (inode_is(i, S_IFDIR))
		mask |= IN_ISDIR;
	mutex_lock(&inotify_lock);
	tell(dir->inode, mask, cookie, name);
	mutex_unlock(&inotify_lock);
}

void
inotify_tell_file(struct dentry *d, uint32_t mask)
{
	if (d == NULL || atomic_load(&nwatches) == 0)
		return;
	mutex_lock(&tree_lock);
	if (d->linked)
		inotify_tell_name(d->parent, d->name, d->inode, mask, 0);
	mutex_unlock(&tree_lock);
	inotify_tell_inode(d->inode, mask |
	    (inode_is(d->inode, S_IFDIR) ? IN_ISDIR : 0));
}

uint32_t
inotify_cookie(void)
{
	uint32_t cookie;

	mutex_lock(&inotify_lock);
	cookie = ++last_cookie;
	mutex_unlock(&inotify_lock);
	return cookie;
}

/* ---- the file ---- */

/* The first event if it fits, taken out. -EAGAIN: there is none. */
static int64_t
take(struct instance *in, size_t room, struct event **out)
{
	int64_t err = 0;

	mutex_lock(&inotify_lock);
	if (list_empty(&in->events))
		err = -EAGAIN;
	else {
		*out = container_of(in->events.next, struct event, link);
		if (sizeof (*out)->told + (*out)->told.n > room)
			err = -EINVAL;
	}
	if (err == 0) {
		list_remove(&(*out)->link);
		in->queued--;
	}
	mutex_unlock(&inotify_lock);
	return err;
}

static int64_t
inotify_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	struct instance *in = f->data;
	struct event *e = NULL;
	size_t done = 0;
	uint32_t seen;
	int64_t err;

	(void)pos;
	for (;;) {
		seen = in->event;
		err = take(in, n - done, &e);
		if (err == 0) {
			size_t bytes = sizeof e->told + e->told.n;

			/* What is told and the name follow each other. */
			err = ubuf_put(to, done, &e->told, bytes);
			tome_kfree(the_vm, e);
			if (err != 0)
				return err;
			done += bytes;
			continue;
		}
		if (done > 0)
			return (int64_t)done;
		if (err != -EAGAIN || (f->flags & O_NONBLOCK))
			return err;
		if (word_wait(&in->event, seen, TOME_FOREVER, true) ==
		    WAKE_INTERRUPTED)
			return -ERESTART;
	}
}

#define FIONREAD 0x541bu

static int64_t
inotify_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct instance *in = f->data;
	struct event *e;
	int32_t bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&inotify_lock);
	list_each(e, &in->events, link)
		bytes += (int32_t)(sizeof e->told + e->told.n);
	mutex_unlock(&inotify_lock);
	return copy_out(arg, &bytes, sizeof bytes);
}

static unsigned
inotify_poll(struct file *f)
{
	const struct instance *in = f->data;

	return in->queued > 0 ? POLLIN | POLLRDNORM : 0;
}

static uint32_t
inotify_event(struct file *f)
{
	const struct instance *in = f->data;

	return in->event;
}

static void
inotify_release(struct file *f)
{
	struct instance *in = f->data;
	struct watch *w, *next_watch;
	struct event *e, *next;

	mutex_lock(&inotify_lock);
	list_each_safe(w, next_watch, &in->watches, link)
		watch_end(w);
	list_each_safe(e, next, &in->events, link)
		tome_kfree(the_vm, e);
	mutex_unlock(&inotify_lock);
	tome_kfree(the_vm, in);
}

static struct file *
inotify_new(unsigned flags)
{
	struct instance *in = tome_kzalloc(the_vm, sizeof *in);
	struct inode *i = in == NULL ? NULL :
	    inode_new(&anon_fs, &inotify_inode_ops, 0600);
	struct file *f = i == NULL ? NULL :
	    file_new(&inotify_ops, i, NULL, O_RDONLY | (flags & O_NONBLOCK));

	inode_unref(i);
	if (f == NULL) {
		tome_kfree(the_vm, in);
		return NULL;
	}
	list_init(&in->watches);
	list_init(&in->events);
	f->data = in;
	return f;
}

SYSCALL(inotify_init1)
{
	unsigned flags = (unsigned)a[0];
	struct file *f;
	int fd;

	if (flags & ~(unsigned)(O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	f = inotify_new(flags);
	if (f == NULL)
		return -ENOMEM;
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_unref(f);
	return fd;
}

SYSCALL(inotify_init)
{
	const uint64_t args[6] = {0};

	(void)a;
	return sys_inotify_init1(args);
}

/* ---- watches ---- */

/* `spare` is a new one, used if there is none of this inode. inotify_lock held. */
static int64_t
watch(struct instance *in, struct inode *i, uint32_t mask,
    struct watch **spare)
{
	struct watch *w;

	list_each(w, &in->watches, link) {
		if (w->inode != i)
			continue;
		if (mask & IN_MASK_CREATE)
			return -EEXIST;
		w->mask = mask & IN_MASK_ADD ? w->mask | mask : mask;
		return w->number;
	}
	w = *spare;
	*spare = NULL;
	*w = (struct watch){.instance = in, .inode = i, .mask = mask,
		.number = ++in->last};
	inode_ref(i);
	list_add_tail(&in->watches, &w->link);
	list_add_tail(&watches, &w->all);
	atomic_fetch_add(&nwatches, 1);
	return w->number;
}

static int64_t
watch_inode(struct instance *in, struct inode *i, uint32_t mask)
{
	struct watch *spare;
	int64_t result = inode_access(i, &current_process()->cred, 4);

	if (result != 0)
		return result;
	if ((mask & IN_ONLYDIR) && !inode_is(i, S_IFDIR))
		return -ENOTDIR;
	spare = tome_kzalloc(the_vm, sizeof *spare);
	if (spare == NULL)
		return -ENOMEM;
	mutex_lock(&inotify_lock);
	result = watch(in, i, mask, &spare);
	mutex_unlock(&inotify_lock);
	tome_kfree(the_vm, spare);
	return result;
}

static int64_t
watch_path(struct instance *in, uint64_t user, uint32_t mask)
{
	struct dentry *d;
	char *path;
	int64_t err = path_in(user, &path);

	if (err != 0)
		return err;
	err = path_lookup(NULL, path, mask & IN_DONT_FOLLOW ? 0 : WALK_FOLLOW,
	    &d);
	path_free(path);
	if (err != 0)
		return err;
	err = watch_inode(in, d->inode, mask);
	dentry_unref(d);
	return err;
}

SYSCALL(inotify_add_watch)
{
	uint32_t mask = (uint32_t)a[2];
	struct fd f;
	int64_t result;

	if ((mask & IN_ALL) == 0 ||
	    (mask & IN_MASK_ADD && mask & IN_MASK_CREATE))
		return -EINVAL;
	f = fd_borrow((int)a[0]);
	if (f.file == NULL)
		return -EBADF;
	result = f.file->ops != &inotify_ops ? -EINVAL :
	    watch_path(f.file->data, a[1], mask);
	fd_return(f);
	return result;
}

static int64_t
unwatch(struct instance *in, int32_t number)
{
	struct watch *w, *next;
	int64_t err = -EINVAL;

	mutex_lock(&inotify_lock);
	list_each_safe(w, next, &in->watches, link)
		if (w->number == number) {
			watch_end(w);
			err = 0;
		}
	mutex_unlock(&inotify_lock);
	return err;
}

SYSCALL(inotify_rm_watch)
{
	struct fd f = fd_borrow((int)a[0]);
	int64_t err;

	if (f.file == NULL)
		return -EBADF;
	err = f.file->ops != &inotify_ops ? -EINVAL :
	    unwatch(f.file->data, (int32_t)a[1]);
	fd_return(f);
	return err;
}
