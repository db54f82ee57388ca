/*
 * epoll.c - sets of files that one waits for.
 *
 * A set looks at all its files when it is asked, as poll does: what it saves is
 * the list in every call, not the look. Edges (EPOLLET) are told apart by
 * file_ops.event.
 *
 * A set may hold sets, a few deep and in no circle: is one ready in it, so is it.
 *
 * Locks: epoll_lock, a sleeping lock, guards every set. Under it the files of
 *   the sets are asked; a set among them is looked through instead.
 * Invariant: an item's file is not freed before epoll_forget() has taken the
 *   item out; items do not count their files.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL, EPOLL_CTL_MOD };
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
#define EPOLL_PRIVATE (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EVENTS_MAX 256u			/* told by one call; more wait */

struct epoll_event {
	uint32_t events;
	abi_u64 data;
} ABI_EPOLL_EVENT;

struct item {
	struct list link;
	struct file *file;
	int fd;
	struct epoll_event want;
	bool told;			/* of what it was when... */
	uint32_t event;			/* ...the file's event was this */
	unsigned ready;			/* ...and poll said this */
};

struct epoll {
	struct list link;		/* in sets */
	struct list items;
};

static struct mutex epoll_lock;
static struct list sets = {&sets, &sets};

static unsigned epoll_poll(struct file *);
static void epoll_release(struct file *);

static const struct file_ops epoll_ops = {
	.name = "anon_inode:[eventpoll]", .poll = epoll_poll,
	.release = epoll_release,
};
/* It has no name by which to open it again but /proc's, which will not do. */
static int
epoll_open(struct inode *i, struct file *f)
{
	(void)i, (void)f;
	return -ENXIO;
}
static const struct inode_ops epoll_inode_ops = {
	.file = &epoll_ops, .open = epoll_open,
};
static const struct filesystem anon_fs = {
	.name = "anon_inodefs", .magic = 0x09041934, .dev = 5,
};

/* ---- sets in sets ---- */

#define NEST_MAX 5u

static struct epoll *
set_of(const struct file *f)
{
	return f->ops == &epoll_ops ? f->data : NULL;
}

/*
 * All items of a set and of the sets in it, one after the other. `below`: also of the
 * set that the last one is.
 */
struct nest {
	struct epoll *set[NEST_MAX];
	struct list *at[NEST_MAX];
	unsigned depth, deepest;
	bool too_deep;
};

static struct nest
nest_begin(struct epoll *set)
{
	return (struct nest){.set = {set}, .at = {&set->items}};
}

static struct item *
nest_next(struct nest *n, bool below)
{
	struct epoll *inner = below ? set_of(container_of(n->at[n->depth],
	    struct item, link)->file) : NULL;

	if (inner != NULL && n->depth == NEST_MAX - 1)
		n->too_deep = true;
	else if (inner != NULL) {
		n->set[++n->depth] = inner;
		n->at[n->depth] = &inner->items;
	}
	if (n->depth > n->deepest)
		n->deepest = n->depth;
	for (;;) {
		n->at[n->depth] = n->at[n->depth]->next;
		if (n->at[n->depth] != &n->set[n->depth]->items)
			return container_of(n->at[n->depth], struct item,
			    link);
		if (n->depth-- == 0)
			return NULL;
	}
}

/* May this set go into that one? epoll_lock held. */
static int
nest_check(struct epoll *outer, struct epoll *inner)
{
	struct nest n = nest_begin(inner);
	struct item *it = nest_next(&n, false);

	if (inner == outer)
		return -EINVAL;
	while (it != NULL && !n.too_deep) {
		if (set_of(it->file) == outer)
			return -ELOOP;
		it = nest_next(&n, true);
	}
	return n.too_deep || n.deepest == NEST_MAX - 1 ? -ELOOP : 0;
}

/* ---- what is ready ---- */

/* What an item may tell. */
static unsigned
mask_of(const struct item *it)
{
	/* Disarmed by its one shot. */
	if ((it->want.events & ~EPOLL_PRIVATE) == 0 &&
	    (it->want.events & EPOLLONESHOT))
		return 0;
	return (it->want.events & ~EPOLL_PRIVATE) | POLLERR | POLLHUP;
}

static uint32_t
event_of(const struct item *it)
{
	const struct file_ops *ops = it->file->ops;

	return ops->event != NULL ? ops->event(it->file) : 0;
}

/* Of what is ready, what it has not told before. */
static unsigned
news(const struct item *it, uint32_t event, unsigned ready)
{
	if ((it->want.events & EPOLLET) && it->told && it->event == event &&
	    (ready & ~it->ready) == 0)
		return 0;
	return ready;
}

/* The same of one that is no set, while nobody is told. */
static bool
has_news(const struct item *it)
{
	uint32_t event = event_of(it);

	return news(it, event, file_poll(it->file) & mask_of(it)) != 0;
}

static bool
wants_input(const struct item *it)
{
	return it->want.events & (POLLIN | POLLRDNORM);
}

/* epoll_lock held. */
static unsigned
look_set(struct epoll *set)
{
	struct nest n = nest_begin(set);
	struct item *it = nest_next(&n, false);
	bool inner;

	while (it != NULL) {
		inner = set_of(it->file) != NULL;
		if (!inner && has_news(it))
			return POLLIN | POLLRDNORM;
		it = nest_next(&n, inner && wants_input(it));
	}
	return 0;
}

/* What an item has to tell now; 0: nothing new. epoll_lock held. */
static unsigned
look_item(struct item *it)
{
	struct epoll *inner = set_of(it->file);
	uint32_t event = event_of(it);
	unsigned ready = mask_of(it) & (inner != NULL ? look_set(inner) :
	    file_poll(it->file));
	unsigned told = news(it, event, ready);

	if (it->want.events & EPOLLET) {
		it->told = told != 0 || (it->told && it->event == event);
		it->event = event;
		it->ready = ready;
	}
	return told;
}

struct wanted {
	struct epoll *set;
	struct epoll_event *out;
	size_t max;
};

/* Fair: what was told goes behind what was not. */
static int64_t
look(void *arg)
{
	const struct wanted *w = arg;
	struct item *it, *next;
	struct list told;
	size_t n = 0;
	unsigned ready;

	list_init(&told);
	mutex_lock(&epoll_lock);
	list_each_safe(it, next, &w->set->items, link) {
		if (n == w->max)
			break;
		ready = look_item(it);
		if (ready == 0)
			continue;
		w->out[n].events = ready;
		w->out[n++].data = it->want.data;
		if (it->want.events & EPOLLONESHOT)
			it->want.events &= EPOLL_PRIVATE;
		list_remove(&it->link);
		list_add_tail(&told, &it->link);
	}
	list_each_safe(it, next, &told, link) {
		list_remove(&it->link);
		list_add_tail(&w->set->items, &it->link);
	}
	mutex_unlock(&epoll_lock);
	return (int64_t)n;
}

static unsigned
epoll_poll(struct file *f)
{
	unsigned ready;

	mutex_lock(&epoll_lock);
	ready = look_set(f->data);
	mutex_unlock(&epoll_lock);
	return ready;
}

/* ---- the sets ---- */

static void
drop(struct item *it)
{
	list_remove(&it->link);
	tome_kfree(the_vm, it);
}

static void
epoll_release(struct file *f)
{
	struct epoll *set = f->data;
	struct item *it, *next;

	mutex_lock(&epoll_lock);
	list_each_safe(it, next, &set->items, link)
		drop(it);
	list_remove(&set->link);
	mutex_unlock(&epoll_lock);
	tome_kfree(the_vm, set);
}

void
epoll_forget(struct file *f)
{
	struct item *it, *next;
	struct epoll *set;

	mutex_lock(&epoll_lock);
	list_each(set, &sets, link)
		list_each_safe(it, next, &set->items, link)
			if (it->file == f)
				drop(it);
	mutex_unlock(&epoll_lock);
}

static struct file *
epoll_new(void)
{
	struct epoll *set = tome_kzalloc(the_vm, sizeof *set);
	struct inode *i = set == NULL ? NULL :
	    inode_new(&anon_fs, &epoll_inode_ops, 0600);
	struct file *f = i == NULL ? NULL :
	    file_new(&epoll_ops, i, NULL, O_RDWR);

	inode_unref(i);
	if (f == NULL) {
		tome_kfree(the_vm, set);
		return NULL;
	}
	list_init(&set->items);
	f->data = set;
	mutex_lock(&epoll_lock);
	list_add_tail(&sets, &set->link);
	mutex_unlock(&epoll_lock);
	return f;
}

SYSCALL(epoll_create1)
{
	struct file *f;
	int fd;

	if ((unsigned)a[0] & ~(unsigned)O_CLOEXEC)
		return -EINVAL;
	f = epoll_new();
	if (f == NULL)
		return -ENOMEM;
	fd = fd_install(f, 0, a[0] & O_CLOEXEC);
	if (fd < 0)
		file_unref(f);
	return fd;
}

SYSCALL(epoll_create)
{
	const uint64_t args[6] = {0};

	return (int)a[0] <= 0 ? -EINVAL : sys_epoll_create1(args);
}

static struct item *
find(struct epoll *set, const struct file *f, int fd)
{
	struct item *it;

	list_each(it, &set->items, link)
		if (it->file == f && it->fd == fd)
			return it;
	return NULL;
}

static void
arm(struct item *it, const struct epoll_event *want)
{
	it->want = *want;
	it->told = false;
	it->ready = 0;
}

/* `spare` is a new item for an addition. Returns what is left to free. */
static int
change(struct epoll *set, unsigned op, struct file *f, int fd,
    const struct epoll_event *want, struct item **spare)
{
	struct item *it = find(set, f, fd);

	if (op == EPOLL_CTL_ADD) {
		if (it != NULL)
			return -EEXIST;
		it = *spare;
		*spare = NULL;
		it->file = f;
		it->fd = fd;
		arm(it, want);
		f->watched = true;
		list_add_tail(&set->items, &it->link);
		return 0;
	}
	if (it == NULL)
		return -ENOENT;
	if (op == EPOLL_CTL_MOD) {
		if (it->want.events & EPOLLEXCLUSIVE)
			return -EINVAL;
		arm(it, want);
	} else {
		list_remove(&it->link);
		*spare = it;
	}
	return 0;
}

static int64_t
control(struct file *ep, unsigned op, struct file *f, int fd,
    const struct epoll_event *want)
{
	struct item *spare = NULL;
	int err;

	if (f->ops->poll == NULL)
		return -EPERM;
	if (ep == f || ep->ops != &epoll_ops)
		return -EINVAL;
	if (op == EPOLL_CTL_ADD) {
		spare = tome_kzalloc(the_vm, sizeof *spare);
		if (spare == NULL)
			return -ENOMEM;
		list_init(&spare->link);
	}
	mutex_lock(&epoll_lock);
	err = op == EPOLL_CTL_ADD && set_of(f) != NULL ?
	    nest_check(ep->data, set_of(f)) : 0;
	if (err == 0)
		err = change(ep->data, op, f, fd, want, &spare);
	mutex_unlock(&epoll_lock);
	tome_kfree(the_vm, spare);
	poll_notify();		/* who waits already looks at it too */
	return err;
}

SYSCALL(epoll_ctl)
{
	struct fd ep, f;
	struct epoll_event want = {0, 0};
	unsigned op = (unsigned)a[1];
	int64_t result = -EBADF;

	if (op != EPOLL_CTL_DEL && copy_in(&want, a[3], sizeof want) != 0)
		return -EFAULT;
	ep = fd_borrow((int)a[0]);
	f = fd_borrow((int)a[2]);
	if (ep.file != NULL && f.file != NULL)
		result = op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD ? -EINVAL :
		    control(ep.file, op, f.file, (int)a[2], &want);
	if (ep.file != NULL)
		fd_return(ep);
	if (f.file != NULL)
		fd_return(f);
	return result;
}

/* ---- waiting ---- */

static int64_t
wait_in(struct file *ep, uint64_t user, int max, uint64_t deadline)
{
	struct wanted w = {ep->data, NULL, (size_t)max};
	int64_t n;

	if (max <= 0 || ep->ops != &epoll_ops)
		return -EINVAL;
	if (w.max > EVENTS_MAX)
		w.max = EVENTS_MAX;
	w.out = tome_kmalloc(the_vm, w.max * sizeof *w.out);
	if (w.out == NULL)
		return -ENOMEM;
	n = poll_wait(look, &w, deadline);
	if (n > 0 && copy_out(user, w.out, (size_t)n * sizeof *w.out) != 0)
		n = -EFAULT;
	tome_kfree(the_vm, w.out);
	return n;
}

static int64_t
wait_call(const uint64_t *a, uint64_t deadline)
{
	struct fd ep = fd_borrow((int)a[0]);
	int64_t n;

	if (ep.file == NULL)
		return -EBADF;
	n = wait_in(ep.file, a[1], (int)a[2], deadline);
	fd_return(ep);
	return n;
}

static uint64_t
deadline_ms(int ms)
{
	return ms < 0 ? TOME_FOREVER : clock_ns() + (uint64_t)ms * 1000000u;
}

static int64_t
masked_wait(const uint64_t *a, uint64_t deadline)
{
	int64_t n = poll_suspend_mask(a[4], a[5]);

	if (n != 0)
		return n;
	n = wait_call(a, deadline);
	if (n != -EINTR)
		signal_resume_blocked();
	return n;
}

SYSCALL(epoll_wait)
{
	return wait_call(a, deadline_ms((int)a[3]));
}

SYSCALL(epoll_pwait)
{
	return masked_wait(a, deadline_ms((int)a[3]));
}

SYSCALL(epoll_pwait2)
{
	uint64_t deadline;
	int err = deadline_in(a[3], &deadline);

	return err != 0 ? err : masked_wait(a, deadline);
}
