/*
 * signalfd.c - signals that one reads. It is about whoever reads or polls: the
 * signals pending for that task.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

/* struct signalfd_siginfo. */
struct record {
	uint32_t signo;
	int32_t err, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trapno;
	int32_t status, value;
	uint64_t ptr, utime, stime, addr;
	uint16_t addr_lsb, pad2;
	int32_t syscall;
	uint64_t call_addr;
	uint32_t arch;
	uint8_t pad[28];
};
_Static_assert(sizeof(struct record) == 128, "128 bytes each");

static const struct filesystem anon_fs = {
	.name = "anon_inodefs", .magic = 0x09041934, .dev = 5,
};

static bool
is_pending(sigset_t set)
{
	struct task *t = current_task();
	uintptr_t irq = spin_lock_irq(&proc_lock);
	bool pending = ((t->pending.set | t->process->pending.set) & set) != 0;

	spin_unlock_irq(&proc_lock, irq);
	return pending;
}

static unsigned
signalfd_poll(struct file *f)
{
	return is_pending(f->word) ? POLLIN | POLLRDNORM : 0;
}

static int64_t
look(void *arg)
{
	struct file *f = arg;

	return is_pending(f->word);
}

static int
take(sigset_t set, struct sigqueue *q)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	int signo = signal_take(current_task(), set, q);

	signal_check(current_task());
	spin_unlock_irq(&proc_lock, irq);
	return signo;
}

static int
put(struct ubuf to, uint64_t off, const struct sigqueue *q)
{
	const struct record r = {
		.signo = (uint32_t)q->signo, .code = q->code,
		.pid = (uint32_t)q->pid, .uid = q->uid, .status = q->status,
		.value = (int32_t)q->value, .ptr = q->value,
	};

	return ubuf_put(to, off, &r, sizeof r);
}

static int64_t
signalfd_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	struct sigqueue q;
	int64_t err = 0;
	size_t done;

	(void)pos;
	if (n < sizeof(struct record))
		return -EINVAL;
	for (done = 0; n - done >= sizeof(struct record);) {
		if (take(f->word, &q) != 0) {
			err = put(to, done, &q);
			if (err != 0)
				break;
			done += sizeof(struct record);
			continue;
		}
		if (done > 0)
			break;
		err = (f->flags & O_NONBLOCK) ? -EAGAIN :
		    poll_wait(look, f, TOME_FOREVER);
		if (err < 0)
			break;
	}
	if (done > 0)
		return (int64_t)done;
	return err == -EINTR ? -ERESTART : err;
}

static const struct file_ops signalfd_ops = {
	.name = "anon_inode:[signalfd]", .read = signalfd_read,
	.poll = signalfd_poll,
};
/* It has no name by which to open it again but /proc's, which will not do. */
static int
signalfd_open(struct inode *i, struct file *f)
{
	(void)i, (void)f;
	return -ENXIO;
}
static const struct inode_ops signalfd_inode_ops = {
	.file = &signalfd_ops, .open = signalfd_open,
};

static int64_t
create(sigset_t set, unsigned flags)
{
	struct inode *i = inode_new(&anon_fs, &signalfd_inode_ops, 0600);
	struct file *f = i == NULL ? NULL : file_new(&signalfd_ops, i, NULL,
	    O_RDWR | (flags & O_NONBLOCK));
	int fd;

	inode_unref(i);
	if (f == NULL)
		return -ENOMEM;
	f->word = set;
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_unref(f);
	return fd;
}

static int64_t
change(int fd, sigset_t set)
{
	struct fd f = fd_borrow(fd);
	int64_t result = fd;

	if (f.file == NULL)
		return -EBADF;
	if (f.file->ops == &signalfd_ops)
		f.file->word = set;
	else
		result = -EINVAL;
	fd_return(f);
	poll_notify();
	return result;
}

SYSCALL(signalfd4)
{
	sigset_t set;

	if (a[2] != sizeof set ||
	    (a[3] & ~(uint64_t)(O_NONBLOCK | O_CLOEXEC)))
		return -EINVAL;
	if (copy_in(&set, a[1], sizeof set) != 0)
		return -EFAULT;
	set &= ~(sigbit(SIGKILL) | sigbit(SIGSTOP));
	return (int)a[0] == -1 ? create(set, (unsigned)a[3]) :
	    change((int)a[0], set);
}

SYSCALL(signalfd)
{
	const uint64_t args[6] = {a[0], a[1], a[2], 0};

	return sys_signalfd4(args);
}
