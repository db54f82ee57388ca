/*
 * pidfd.c - descriptors that stand for a process.
 *
 * One holds no reference: it remembers pid and start, and a process that has
 * another start is not the one meant. Ready when that one is dead or gone.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

struct pidfd {
	int pid;
	uint64_t start_ns;
};

static const struct filesystem anon_fs = {
	.name = "anon_inodefs", .magic = 0x09041934, .dev = 5,
};

static unsigned
pidfd_poll(struct file *f)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	const struct process *p = pidfd_process(f);
	bool dead = p == NULL || p->zombie;

	spin_unlock_irq(&proc_lock, irq);
	return dead ? POLLIN | POLLRDNORM : 0;
}

static void
pidfd_release(struct file *f)
{
	tome_kfree(the_vm, f->data);
}

static int
pidfd_open(struct inode *i, struct file *f)
{
	(void)i, (void)f;
	return -ENXIO;
}

static const struct file_ops pidfd_ops = {
	.name = "anon_inode:[pidfd]", .poll = pidfd_poll,
	.release = pidfd_release,
};
static const struct inode_ops pidfd_inode_ops = {
	.file = &pidfd_ops, .open = pidfd_open,
};

struct process *
pidfd_process(const struct file *f)
{
	const struct pidfd *d = f->data;
	struct process *p;

	if (f->ops != &pidfd_ops)
		return NULL;
	p = process_find(d->pid);
	return p != NULL && p->start_ns == d->start_ns ? p : NULL;
}

void
pidfd_set(struct file *f, const struct process *p)
{
	struct pidfd *d = f->data;

	d->pid = p->pid;
	d->start_ns = p->start_ns;
}

struct file *
pidfd_new(uint32_t flags)
{
	struct pidfd *d = tome_kzalloc(the_vm, sizeof *d);
	struct inode *i = d == NULL ? NULL :
	    inode_new(&anon_fs, &pidfd_inode_ops, 0600);
	struct file *f = i == NULL ? NULL :
	    file_new(&pidfd_ops, i, NULL, O_RDWR | flags);

	inode_unref(i);
	if (f == NULL)
		tome_kfree(the_vm, d);
	else
		f->data = d;
	return f;
}

SYSCALL(pidfd_open)
{
	struct process *p;
	struct file *f;
	uintptr_t irq;
	int fd = -ESRCH;

	if ((int)a[0] <= 0 || (a[1] & ~(uint64_t)O_NONBLOCK))
		return -EINVAL;
	f = pidfd_new((uint32_t)a[1]);
	if (f == NULL)
		return -ENOMEM;
	irq = spin_lock_irq(&proc_lock);
	p = process_find((int)a[0]);
	if (p != NULL)
		pidfd_set(f, p);
	spin_unlock_irq(&proc_lock, irq);
	if (p != NULL)
		fd = fd_install(f, 0, true);
	if (fd < 0)
		file_unref(f);
	return fd;
}
