/*
 * timerfd.c - timers that one reads.
 *
 * Locks: setting, a sleeping lock, lets one set it at a time; lock, a spinlock
 *   that the timer's interrupt takes too, guards the figures.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

#define INTERVAL_MIN 50000u	/* ns: a program gets to run in between */
#define TFD_TIMER_ABSTIME 1u
#define TFD_TIMER_CANCEL_ON_SET 2u

struct timerfd {
	struct timer timer;
	struct mutex setting;
	bool wall;			/* constant: of CLOCK_REALTIME */
	_Atomic uint32_t event;
	struct spinlock lock;
	/* Under lock. */
	uint64_t deadline, interval;	/* clock_ns(); deadline 0: not set */
	_Atomic uint64_t expired;	/* since it was last read */
};

static const struct filesystem anon_fs = {
	.name = "anon_inodefs", .magic = 0x09041934, .dev = 5,
};

/* Interrupt context. Periods that were missed count too. */
static void
fire(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	uint64_t now = clock_ns(), n = 1;

	spin_lock(&t->lock);
	if (t->interval != 0) {
		if (now > t->deadline)
			n += (now - t->deadline) / t->interval;
		t->deadline += n * t->interval;
		timer_start(&t->timer, t->deadline, fire);
	} else {
		t->deadline = 0;
	}
	t->expired += n;
	spin_unlock(&t->lock);
	atomic_fetch_add(&t->event, 1);
	word_wake(&t->event, UINT32_MAX);
	poll_notify();
}

static uint64_t
take(struct timerfd *t)
{
	return atomic_exchange(&t->expired, 0);
}

static int64_t
timerfd_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	struct timerfd *t = f->data;
	uint64_t count;
	uint32_t seen;

	(void)pos;
	if (n < sizeof count)
		return -EINVAL;
	for (;;) {
		seen = t->event;
		count = take(t);
		if (count != 0)
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (word_wait(&t->event, seen, TOME_FOREVER, true) ==
		    WAKE_INTERRUPTED)
			return -ERESTART;
	}
	return ubuf_put(to, 0, &count, sizeof count) != 0 ? -EFAULT :
	    (int64_t)sizeof count;
}

static unsigned
timerfd_poll(struct file *f)
{
	const struct timerfd *t = f->data;

	return t->expired != 0 ? POLLIN | POLLRDNORM : 0;
}

static uint32_t
timerfd_event(struct file *f)
{
	const struct timerfd *t = f->data;

	return t->event;
}

/* Not pending, nor firing, afterwards. */
static void
stop(struct timerfd *t)
{
	uintptr_t irq = spin_lock_irq(&t->lock);

	t->interval = 0;
	spin_unlock_irq(&t->lock, irq);
	(void)timer_stop(&t->timer);
}

static void
timerfd_release(struct file *f)
{
	stop(f->data);
	tome_kfree(the_vm, f->data);
}

static const struct file_ops timerfd_ops = {
	.name = "anon_inode:[timerfd]", .read = timerfd_read,
	.poll = timerfd_poll, .event = timerfd_event,
	.release = timerfd_release,
};
/* It has no name by which to open it again but /proc's, which will not do. */
static int
timerfd_open(struct inode *i, struct file *f)
{
	(void)i, (void)f;
	return -ENXIO;
}
static const struct inode_ops timerfd_inode_ops = {
	.file = &timerfd_ops, .open = timerfd_open,
};

SYSCALL(timerfd_create)
{
	int clock = (int)a[0], fd;
	struct timerfd *t;
	struct inode *i;
	struct file *f;

	if ((a[1] & ~(uint64_t)(O_NONBLOCK | O_CLOEXEC)) ||
	    (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_BOOTTIME))
		return -EINVAL;
	t = tome_kzalloc(the_vm, sizeof *t);
	i = t == NULL ? NULL : inode_new(&anon_fs, &timerfd_inode_ops, 0600);
	f = i == NULL ? NULL : file_new(&timerfd_ops, i, NULL,
	    O_RDWR | ((uint32_t)a[1] & O_NONBLOCK));
	inode_unref(i);
	if (f == NULL) {
		tome_kfree(the_vm, t);
		return -ENOMEM;
	}
	t->wall = clock == CLOCK_REALTIME;
	f->data = t;
	fd = fd_install(f, 0, a[1] & O_CLOEXEC);
	if (fd < 0)
		file_unref(f);
	return fd;
}

/* lock held. */
static void
remaining(const struct timerfd *t, struct itimerspec *v)
{
	uint64_t now = clock_ns();

	v->interval = ns_timespec(t->interval);
	v->value = ns_timespec(t->deadline > now ? t->deadline - now :
	    t->deadline != 0 ? 1 : 0);
}

/* When it fires first; 0: never. */
static uint64_t
first(const struct timerfd *t, uint64_t value, bool absolute)
{
	uint64_t now = clock_ns(), clock = t->wall ? clock_wall_ns() : now;

	if (value == 0)
		return 0;
	if (!absolute)
		return now + value;
	return value > clock ? now + (value - clock) : now;
}

static void
set(struct timerfd *t, uint64_t value, uint64_t interval, bool absolute,
    struct itimerspec *old)
{
	uintptr_t irq;

	mutex_lock(&t->setting);
	irq = spin_lock_irq(&t->lock);
	remaining(t, old);
	spin_unlock_irq(&t->lock, irq);
	stop(t);
	irq = spin_lock_irq(&t->lock);
	t->expired = 0;
	t->interval = value == 0 || interval == 0 ? 0 :
	    interval < INTERVAL_MIN ? INTERVAL_MIN : interval;
	t->deadline = first(t, value, absolute);
	if (t->deadline != 0)
		timer_start(&t->timer, t->deadline, fire);
	spin_unlock_irq(&t->lock, irq);
	mutex_unlock(&t->setting);
}

static struct timerfd *
borrow(uint64_t fd, struct fd *f, int64_t *err)
{
	*f = fd_borrow((int)fd);
	*err = f->file == NULL ? -EBADF : 0;
	if (f->file == NULL)
		return NULL;
	if (f->file->ops == &timerfd_ops)
		return f->file->data;
	*err = -EINVAL;
	fd_return(*f);
	return NULL;
}

SYSCALL(timerfd_settime)
{
	struct itimerspec new, old;
	uint64_t value, interval;
	struct timerfd *t;
	struct fd f;
	int64_t err;

	if (a[1] & ~(uint64_t)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	err = timespecs_in((void *)&new, a[2], 2);
	if (err == 0)
		err = timespec_ns(&new.value, &value);
	if (err == 0)
		err = timespec_ns(&new.interval, &interval);
	if (err != 0)
		return err;
	t = borrow(a[0], &f, &err);
	if (t == NULL)
		return err;
	set(t, value, interval, a[1] & TFD_TIMER_ABSTIME, &old);
	fd_return(f);
	return a[3] != 0 ? timespecs_out(a[3], (void *)&old, 2) : 0;
}

SYSCALL(timerfd_gettime)
{
	struct itimerspec now;
	struct fd f;
	int64_t err;
	struct timerfd *t = borrow(a[0], &f, &err);
	uintptr_t irq;

	if (t == NULL)
		return err;
	irq = spin_lock_irq(&t->lock);
	remaining(t, &now);
	spin_unlock_irq(&t->lock, irq);
	fd_return(f);
	return timespecs_out(a[1], (void *)&now, 2);
}
