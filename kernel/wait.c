/*
 * wait.c - waiting for children.
 *
 * A waiter reads the count of events, looks at its children under proc_lock,
 * and sleeps on the count: a child that changes state raises it after the
 * change (signal_parent).
 */
#include <fs/vfs.h>
#include <process.h>
#include <syscall.h>

struct wait {
	int kind, id;			/* P_ALL, P_PID, P_PGID */
	unsigned options;
	/* Found. */
	int pid, code, status;		/* CLD_...; exit status or signal */
	int wstatus;			/* as wait4 encodes it */
	uint32_t uid;
	struct rusage usage;
	struct process *dead;		/* to be freed */
};

static bool
is_meant(const struct wait *w, const struct process *c)
{
	/* __WCLONE asks for those that do not send SIGCHLD, __WALL for all. */
	if (!(w->options & WALL) &&
	    (c->exit_signal != SIGCHLD) != ((w->options & WCLONE) != 0))
		return false;
	return w->kind == P_ALL || (w->kind == P_PID && c->pid == w->id) ||
	    (w->kind == P_PGID && c->pgid == w->id);
}

static void
usage_add(struct rusage *to, const struct rusage *u)
{
	uint64_t us = (uint64_t)(to->utime.usec + u->utime.usec);

	to->utime.sec += u->utime.sec + (int64_t)(us / 1000000);
	to->utime.usec = (int64_t)(us % 1000000);
	to->minflt += u->minflt;
	to->majflt += u->majflt;
	to->inblock += u->inblock;
}

static void
report(struct wait *w, const struct process *c, int code, int status,
    int wstatus)
{
	w->pid = c->pid;
	w->uid = c->cred.uid;
	w->code = code;
	w->status = status;
	w->wstatus = wstatus;
}

/* proc_lock held, as for the next two. */
static void
take_dead(struct wait *w, struct process *c)
{
	struct process *me = current_process();
	int s = c->exit_status;

	report(w, c, (s & 0x7f) == 0 ? CLD_EXITED : CLD_KILLED,
	    (s & 0x7f) == 0 ? s >> 8 & 0xff : s & 0x7f, s);
	process_usage(c, &w->usage);
	usage_add(&w->usage, &c->children_usage);
	if (w->options & WNOWAIT)
		return;
	usage_add(&me->children_usage, &w->usage);
	process_unlink(c);
	w->dead = c;
}

static bool
take(struct wait *w, struct process *c)
{
	if (c->zombie) {
		if (!(w->options & WEXITED))
			return false;
		take_dead(w, c);
	} else if (c->report_stop && (w->options & WUNTRACED)) {
		report(w, c, CLD_STOPPED, c->stop_signal,
		    c->stop_signal << 8 | 0x7f);
		c->report_stop = (w->options & WNOWAIT) != 0;
	} else if (c->report_continue && (w->options & WCONTINUED)) {
		report(w, c, CLD_CONTINUED, SIGCONT, 0xffff);
		c->report_continue = (w->options & WNOWAIT) != 0;
	} else {
		return false;
	}
	return true;
}

/* 1: found. 0: none yet. -ECHILD. */
static int
look(struct wait *w)
{
	struct process *me = current_process(), *c;
	bool any = false;

	list_each(c, &me->children, sibling) {
		if (!is_meant(w, c))
			continue;
		any = true;
		if (take(w, c))
			return 1;
	}
	return any ? 0 : -ECHILD;
}

/* 1: found, 0: none and WNOHANG; else an error. */
static int
wait_child(struct wait *w)
{
	struct process *me = current_process();
	uint32_t seen;
	uintptr_t irq;
	int found;

	for (;;) {
		seen = me->child_event;
		irq = spin_lock_irq(&proc_lock);
		found = look(w);
		spin_unlock_irq(&proc_lock, irq);
		if (w->dead != NULL)
			process_reap(w->dead);
		if (found != 0 || (w->options & WNOHANG))
			return found;
		if (word_wait(&me->child_event, seen, TOME_FOREVER, true) ==
		    WAKE_INTERRUPTED)
			return -ERESTART;
	}
}

SYSCALL(wait4)
{
	int pid = (int)a[0], found;
	struct wait w = {
		.kind = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID,
		.id = pid > 0 ? pid : pid == 0 ? current_process()->pgid : -pid,
		.options = (unsigned)a[2] | WEXITED,
	};
	int32_t status;

	if ((unsigned)a[2] & ~(WNOHANG | WUNTRACED | WCONTINUED |
	    WAIT_THREADS_FLAGS))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	found = wait_child(&w);
	if (found <= 0)
		return found;
	status = w.wstatus;
	if (a[1] != 0 && copy_out(a[1], &status, sizeof status) != 0)
		return -EFAULT;
	if (a[3] != 0 && copy_out(a[3], &w.usage, sizeof w.usage) != 0)
		return -EFAULT;
	return w.pid;
}

static int
waitid_info(const struct wait *w, uint64_t user)
{
	struct siginfo info = {.signo = 0};

	if (user == 0)
		return 0;
	if (w->pid != 0) {
		info.signo = SIGCHLD;
		info.code = w->code;
		info.child.pid = w->pid;
		info.child.uid = w->uid;
		info.child.status = w->status;
	}
	return copy_out(user, &info, sizeof info);
}

/* The pid that a pidfd stands for. */
static int
pid_of(int fd)
{
	struct fd f = fd_borrow(fd);
	struct process *p;
	uintptr_t irq;
	int pid;

	if (f.file == NULL)
		return -EBADF;
	irq = spin_lock_irq(&proc_lock);
	p = pidfd_process(f.file);
	pid = p != NULL ? p->pid : -ECHILD;
	spin_unlock_irq(&proc_lock, irq);
	fd_return(f);
	return pid;
}

SYSCALL(waitid)
{
	struct wait w = {.kind = (int)a[0], .id = (int)a[1],
		.options = (unsigned)a[3]};
	int found;

	if (w.options & ~(WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT |
	    WAIT_THREADS_FLAGS) ||
	    !(w.options & (WUNTRACED | WEXITED | WCONTINUED)))
		return -EINVAL;
	if (w.kind == P_PIDFD) {
		found = pid_of((int)a[1]);
		if (found < 0)
			return found;
		w.kind = P_PID;
		w.id = found;
	}
	if (w.kind < P_ALL || w.kind > P_PGID ||
	    (w.kind == P_PID && w.id <= 0) || (w.kind == P_PGID && w.id < 0))
		return -EINVAL;
	if (w.kind == P_PGID && w.id == 0)
		w.id = current_process()->pgid;
	found = wait_child(&w);
	if (found < 0)
		return found;
	if (found > 0 && a[4] != 0 &&
	    copy_out(a[4], &w.usage, sizeof w.usage) != 0)
		return -EFAULT;
	return waitid_info(&w, a[2]);
}
