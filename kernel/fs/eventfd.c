/*
 * eventfd.c - a counter behind a descriptor, which one can wait for.
 *
 * Locks: eventfd->lock for the count; `event` is raised after each change.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

#define EFD_SEMAPHORE 1u
#define COUNT_MAX (UINT64_MAX - 1)

struct eventfd {
	struct mutex lock;
	_Atomic uint64_t count;
	_Atomic uint32_t event;
	bool semaphore;
};

static const struct filesystem anon_fs = {
	.name = "anon_inodefs", .magic = 0x09041934, .dev = 5,
};

static void
changed(struct eventfd *e)
{
	atomic_fetch_add(&e->event, 1);
	word_wake(&e->event, UINT32_MAX);
	poll_notify();
}

/* Add (n > 0) or take; 0: not now. */
static uint64_t
try_move(struct eventfd *e, uint64_t add)
{
	uint64_t moved = 0;

	mutex_lock(&e->lock);
	if (add > 0 && e->count <= COUNT_MAX - add) {
		e->count += add;
		moved = add;
	} else if (add == 0 && e->count > 0) {
		moved = e->semaphore ? 1 : e->count;
		e->count -= moved;
	}
	mutex_unlock(&e->lock);
	return moved;
}

static int64_t
move(struct file *f, uint64_t add, uint64_t *moved)
{
	struct eventfd *e = f->data;
	uint32_t seen;

	for (;;) {
		seen = e->event;
		*moved = try_move(e, add);
		if (*moved != 0) {
			changed(e);
			return 0;
		}
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (word_wait(&e->event, seen, TOME_FOREVER, true) ==
		    WAKE_INTERRUPTED)
			return -ERESTART;
	}
}

static int64_t
eventfd_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	uint64_t value;
	int64_t err;

	(void)pos;
	if (n < sizeof value)
		return -EINVAL;
	err = move(f, 0, &value);
	if (err == 0)
		err = ubuf_put(to, 0, &value, sizeof value);
	return err != 0 ? err : (int64_t)sizeof value;
}

static int64_t
eventfd_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	uint64_t value, moved;
	int64_t err;

	(void)pos;
	if (n < sizeof value)
		return -EINVAL;
	err = ubuf_get(from, 0, &value, sizeof value);
	if (err == 0 && value == UINT64_MAX)
		err = -EINVAL;
	if (err == 0 && value != 0)
		err = move(f, value, &moved);
	return err != 0 ? err : (int64_t)sizeof value;
}

static unsigned
eventfd_poll(struct file *f)
{
	struct eventfd *e = f->data;
	uint64_t count = e->count;

	return (count > 0 ? POLLIN | POLLRDNORM : 0) |
	    (count < COUNT_MAX ? POLLOUT | POLLWRNORM : 0);
}

static uint32_t
eventfd_event(struct file *f)
{
	const struct eventfd *e = f->data;

	return e->event;
}

static void
eventfd_release(struct file *f)
{
	tome_kfree(the_vm, f->data);
}

static const struct file_ops eventfd_ops = {
	.name = "anon_inode:[eventfd]", .read = eventfd_read,
	.write = eventfd_write, .poll = eventfd_poll, .event = eventfd_event,
	.release = eventfd_release,
};
/* It has no name by which to open it again but /proc's, which will not do. */
static int
eventfd_open(struct inode *i, struct file *f)
{
	(void)i, (void)f;
	return -ENXIO;
}

static const struct inode_ops eventfd_inode_ops = {
	.file = &eventfd_ops, .open = eventfd_open,
};

static struct file *
eventfd_new(uint64_t count, unsigned flags)
{
	struct eventfd *e = tome_kzalloc(the_vm, sizeof *e);
	struct inode *i = e == NULL ? NULL :
	    inode_new(&anon_fs, &eventfd_inode_ops, 0600);
	struct file *f = i == NULL ? NULL :
	    file_new(&eventfd_ops, i, NULL, O_RDWR | (flags & O_NONBLOCK));

	inode_unref(i);
	if (f == NULL) {
		tome_kfree(the_vm, e);
		return NULL;
	}
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	f->data = e;
	return f;
}

SYSCALL(eventfd2)
{
	unsigned flags = (unsigned)a[1];
	struct file *f;
	int fd;

	if (flags & ~(unsigned)(EFD_SEMAPHORE | O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	f = eventfd_new((unsigned)a[0], flags);
	if (f == NULL)
		return -ENOMEM;
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_unref(f);
	return fd;
}

SYSCALL(eventfd)
{
	const uint64_t args[6] = {a[0], 0};

	return sys_eventfd2(args);
}
