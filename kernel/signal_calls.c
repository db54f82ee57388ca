/*
 * signal_calls.c - system calls on signals.
 */
#include <fs/vfs.h>
#include <process.h>
#include <syscall.h>

SYSCALL(rt_sigaction)
{
	int signo = (int)a[0];
	struct sighand *h = current_process()->sighand;
	struct sigaction new, old;
	uintptr_t irq;

	if (a[3] != sizeof(sigset_t) || signo < 1 || signo >= NSIG)
		return -EINVAL;
	if (a[1] != 0 && (signo == SIGKILL || signo == SIGSTOP))
		return -EINVAL;
	if (a[1] != 0 && copy_in(&new, a[1], sizeof new) != 0)
		return -EFAULT;
	irq = spin_lock_irq(&proc_lock);
	old = h->action[signo];
	if (a[1] != 0) {
		new.mask &= ~(sigbit(SIGKILL) | sigbit(SIGSTOP));
		h->action[signo] = new;
		signal_action_changed(current_process(), signo);
	}
	spin_unlock_irq(&proc_lock, irq);
	return a[2] != 0 ? copy_out(a[2], &old, sizeof old) : 0;
}

SYSCALL(rt_sigprocmask)
{
	sigset_t old = current_task()->blocked, set;

	if (a[3] != sizeof set)
		return -EINVAL;
	if (a[1] != 0) {
		if (copy_in(&set, a[1], sizeof set) != 0)
			return -EFAULT;
		switch ((int)a[0]) {
		case SIG_BLOCK:
			set |= old;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		signal_set_blocked(set);
	}
	return a[2] != 0 ? copy_out(a[2], &old, sizeof old) : 0;
}

SYSCALL(rt_sigpending)
{
	struct task *t = current_task();
	sigset_t set;
	uintptr_t irq;

	if (a[1] > sizeof set)
		return -EINVAL;
	irq = spin_lock_irq(&proc_lock);
	set = (t->pending.set | t->process->pending.set) & t->blocked;
	spin_unlock_irq(&proc_lock, irq);
	return copy_out(a[0], &set, a[1]);
}

static int64_t
await_signal(void)
{
	while (!signal_waiting())
		(void)thread_sleep_until(TOME_FOREVER, true);
	return -ERESTARTNOHAND;
}

SYSCALL(rt_sigsuspend)
{
	sigset_t set;

	if (a[1] != sizeof set)
		return -EINVAL;
	if (copy_in(&set, a[0], sizeof set) != 0)
		return -EFAULT;
	signal_suspend_blocked(set);
	return await_signal();
}

SYSCALL(pause)
{
	return await_signal();
}

/* Take one of the set if it is there; else say that it is awaited. */
static int
try_take(sigset_t set, bool await, struct sigqueue *q)
{
	struct task *t = current_task();
	uintptr_t irq = spin_lock_irq(&proc_lock);
	int signo = signal_take(t, set, q);

	t->awaited = signo == 0 && await ? set : 0;
	/* The bit may have been for what was just taken. */
	atomic_fetch_and(&t->thread->work, ~WORK_SIGNAL);
	signal_check(t);
	spin_unlock_irq(&proc_lock, irq);
	return signo;
}

SYSCALL(rt_sigtimedwait)
{
	struct sigqueue q;
	struct siginfo info;
	uint64_t deadline;
	bool timeout;
	sigset_t set;
	int signo, err;

	if (a[3] != sizeof set)
		return -EINVAL;
	if (copy_in(&set, a[0], sizeof set) != 0)
		return -EFAULT;
	err = deadline_in(a[2], &deadline);
	if (err != 0)
		return err;
	set &= ~(sigbit(SIGKILL) | sigbit(SIGSTOP));
	signo = try_take(set, true, &q);
	if (signo == 0) {
		timeout = thread_sleep_until(deadline, true);
		signo = try_take(set, false, &q);
		if (signo == 0)
			return timeout ? -EAGAIN : -EINTR;
	}
	siginfo_fill(&info, &q);
	if (a[1] != 0 && copy_out(a[1], &info, sizeof info) != 0)
		return -EFAULT;
	return signo;
}

SYSCALL(rt_sigreturn)
{
	struct trap_frame *f = current()->frame;
	sigset_t blocked;

	atomic_fetch_or(&current()->work, WORK_FRAME);
	if (sigframe_pop(f, &blocked))
		signal_set_blocked(blocked);
	else
		signal_force(SIGSEGV, SI_KERNEL, 0);
	return frame_result(f);
}

SYSCALL(sigaltstack)
{
	struct task *t = current_task();
	struct sigaltstack new, old = t->altstack;
	uint64_t sp = frame_stack(current()->frame);
	bool on = !(old.flags & SS_DISABLE) && sp - old.sp < old.size;
	unsigned flags;

	if (a[0] != 0) {
		if (copy_in(&new, a[0], sizeof new) != 0)
			return -EFAULT;
		flags = (unsigned)new.flags & ~SS_AUTODISARM;
		if (on)
			return -EPERM;
		if (flags != 0 && flags != SS_DISABLE && flags != SS_ONSTACK)
			return -EINVAL;
		if (flags != SS_DISABLE && new.size < SIGSTACK_MIN)
			return -ENOMEM;
		if (flags == SS_DISABLE)
			new.sp = new.size = 0;
		new.flags = (int32_t)((flags & SS_DISABLE) |
		    ((unsigned)new.flags & SS_AUTODISARM));
		t->altstack = new;
	}
	if (a[1] == 0)
		return 0;
	old.flags = (int32_t)(((unsigned)old.flags & (SS_DISABLE |
	    SS_AUTODISARM)) | (on ? SS_ONSTACK : 0));
	return copy_out(a[1], &old, sizeof old);
}

/* ---- sending ---- */

static bool
may_signal(const struct process *p, int signo)
{
	const struct cred *c = &current_process()->cred;

	if (cred_can(c, CAP_KILL) || c->euid == p->cred.suid ||
	    c->euid == p->cred.uid || c->uid == p->cred.suid ||
	    c->uid == p->cred.uid)
		return true;
	return signo == SIGCONT && p->sid == current_process()->sid;
}

static struct sigqueue *
entry(int signo, int code, uint64_t value)
{
	const struct process *p = current_process();

	return signo == 0 ? NULL :
	    sigqueue_new(signo, code, p->pid, p->cred.uid, value);
}

/* To one process. proc_lock held; takes the entry over. */
static int
send(struct process *p, int signo, struct sigqueue *q)
{
	if (!may_signal(p, signo)) {
		sigqueue_free(q);
		return -EPERM;
	}
	if (signo == 0 || !signal_post(p, signo, q))
		sigqueue_free(q);
	return 0;
}

static int
kill_one(int pid, int signo, struct sigqueue *q)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	struct process *p = process_find(pid);
	int err = -ESRCH;

	if (p != NULL)
		err = send(p, signo, q);
	else
		sigqueue_free(q);
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

/* To a group, or (pgid -1) to all but PID 1 and the caller. */
static int
kill_many(int pgid, int signo)
{
	struct process *p, *me = current_process();
	uintptr_t irq = spin_lock_irq(&proc_lock);
	int err = -ESRCH, one;

	list_each(p, &process_list, all) {
		if (pgid == -1 ? p == init_process || p == me : p->pgid != pgid)
			continue;
		one = send(p, signo, entry(signo, SI_USER, 0));
		if (err != 0)
			err = one;
	}
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

SYSCALL(kill)
{
	int pid = (int)a[0], signo = (int)a[1];

	if (signo < 0 || signo >= NSIG)
		return -EINVAL;
	if (pid > 0)
		return kill_one(pid, signo, entry(signo, SI_USER, 0));
	if (pid == INT32_MIN)
		return -ESRCH;
	return kill_many(pid == 0 ? current_process()->pgid :
	    pid == -1 ? -1 : -pid, signo);
}

/* tgid 0: whatever process the task is of. */
static int64_t
kill_task(int tgid, int tid, int signo, struct sigqueue *q)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);
	struct task *t = task_find(tid);
	int err = 0;

	if (t == NULL || (tgid != 0 && t->process->pid != tgid))
		err = -ESRCH;
	else if (!may_signal(t->process, signo))
		err = -EPERM;
	if (err != 0 || signo == 0 || !signal_post_task(t, signo, q))
		sigqueue_free(q);
	spin_unlock_irq(&proc_lock, irq);
	return err;
}

SYSCALL(tgkill)
{
	int signo = (int)a[2];

	if ((int)a[0] <= 0 || (int)a[1] <= 0 || signo < 0 || signo >= NSIG)
		return -EINVAL;
	return kill_task((int)a[0], (int)a[1], signo,
	    entry(signo, SI_TKILL, 0));
}

SYSCALL(tkill)
{
	int signo = (int)a[1];

	if ((int)a[0] <= 0 || signo < 0 || signo >= NSIG)
		return -EINVAL;
	return kill_task(0, (int)a[0], signo, entry(signo, SI_TKILL, 0));
}

static int
queue_in(int signo, uint64_t user, struct sigqueue **out)
{
	struct siginfo info;
	int err = copy_in(&info, user, sizeof info);

	if (err != 0)
		return err;
	if (signo < 1 || signo >= NSIG)
		return -EINVAL;
	if (info.code >= 0 || info.code == SI_TKILL)
		return -EPERM;
	*out = sigqueue_new(signo, info.code, info.kill.pid, info.kill.uid,
	    info.kill.value);
	return *out == NULL ? -EAGAIN : 0;
}

SYSCALL(rt_sigqueueinfo)
{
	struct sigqueue *q;
	int err = queue_in((int)a[1], a[2], &q);

	return err != 0 ? err : kill_one((int)a[0], (int)a[1], q);
}

SYSCALL(rt_tgsigqueueinfo)
{
	struct sigqueue *q;
	int err = queue_in((int)a[2], a[3], &q);

	return err != 0 ? err :
	    kill_task((int)a[0], (int)a[1], (int)a[2], q);
}

SYSCALL(pidfd_send_signal)
{
	int signo = (int)a[1], err = 0;
	struct sigqueue *q = NULL;
	struct process *p;
	uintptr_t irq;
	struct fd f;

	if (a[3] != 0 || signo < 0 || signo >= NSIG)
		return -EINVAL;
	f = fd_borrow((int)a[0]);
	if (f.file == NULL)
		return -EBADF;
	if (a[2] != 0 && signo != 0)
		err = queue_in(signo, a[2], &q);
	else
		q = entry(signo, SI_USER, 0);
	if (err == 0) {
		irq = spin_lock_irq(&proc_lock);
		p = pidfd_process(f.file);
		err = p != NULL ? send(p, signo, q) : -ESRCH;
		spin_unlock_irq(&proc_lock, irq);
		if (p == NULL)
			sigqueue_free(q);
	}
	fd_return(f);
	return err;
}
