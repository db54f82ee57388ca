/*
 * signal.c - signals: posting, stopping, choosing, delivering.
 *
 * Invariant: a task whose WORK_SIGNAL bit is clear has nothing to deliver and
 *   no change of state to notice. [signal_check() sets it, user_return()
 *   clears]
 * Locks: all state here is under proc_lock.
 *
 * PID 1 gets only the signals it has a handler for; a fault of its own ends it.
 */
#include <caches.h>
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <personality.h>
#include <process.h>

#define STOPS                                                                  \
	((sigset_t)1 << (SIGSTOP - 1) | (sigset_t)1 << (SIGTSTP - 1) |         \
	    (sigset_t)1 << (SIGTTIN - 1) | (sigset_t)1 << (SIGTTOU - 1))
#define IGNORED                                                                \
	((sigset_t)1 << (SIGCHLD - 1) | (sigset_t)1 << (SIGCONT - 1) |         \
	    (sigset_t)1 << (SIGURG - 1) | (sigset_t)1 << (SIGWINCH - 1))
#define FAULTS                                                                 \
	((sigset_t)1 << (SIGSEGV - 1) | (sigset_t)1 << (SIGBUS - 1) |          \
	    (sigset_t)1 << (SIGILL - 1) | (sigset_t)1 << (SIGTRAP - 1) |       \
	    (sigset_t)1 << (SIGFPE - 1))
#define UNBLOCKABLE                                                            \
	((sigset_t)1 << (SIGKILL - 1) | (sigset_t)1 << (SIGSTOP - 1))

static struct tome_cache *queue_cache, *sighand_cache;

void
signal_start(void)
{
	queue_cache = cache_new("sigqueue", sizeof(struct sigqueue));
	sighand_cache = cache_new("sighand", sizeof(struct sighand));
}

/* ---- actions ---- */

struct sighand *
sighand_new(void)
{
	struct sighand *h = tome_cache_alloc(sighand_cache);

	if (h != NULL) {
		memset(h, 0, sizeof *h);
		h->refs = 1;
	}
	return h;
}

struct sighand *
sighand_copy(struct sighand *from)
{
	struct sighand *h = tome_cache_alloc(sighand_cache);
	uintptr_t irq;

	if (h == NULL)
		return NULL;
	irq = spin_lock_irq(&proc_lock);
	memcpy(h, from, sizeof *h);
	spin_unlock_irq(&proc_lock, irq);
	h->refs = 1;
	return h;
}

void
sighand_unref(struct sighand *h)
{
	if (atomic_fetch_sub(&h->refs, 1) == 1)
		tome_cache_free(sighand_cache, h);
}

void
sighand_exec(struct sighand *h)
{
	uintptr_t irq = spin_lock_irq(&proc_lock);

	for (int s = 1; s < NSIG; s++)
		h->action[s] = (struct sigaction){
			.handler = h->action[s].handler == SIG_IGN ? SIG_IGN :
			    SIG_DFL,
		};
	spin_unlock_irq(&proc_lock, irq);
}

/* ---- queue entries ---- */

struct sigqueue *
sigqueue_new(int signo, int code, int pid, uint32_t uid, uint64_t value)
{
	struct sigqueue *q;

	do
		q = tome_cache_alloc(queue_cache);
	while (q == NULL && oom_make_room());
	if (q != NULL)
		*q = (struct sigqueue){.allocated = true, .signo = signo,
			.code = code, .pid = pid, .uid = uid, .value = value};
	return q;
}

void
sigqueue_free(struct sigqueue *q)
{
	if (q != NULL && q->allocated)
		tome_cache_free(queue_cache, q);
}

void
pending_init(struct pending *p)
{
	p->set = 0;
	list_init(&p->queue);
}

void
pending_flush(struct pending *p, sigset_t set)
{
	struct sigqueue *q, *next;

	if ((p->set & set) == 0)
		return;
	p->set &= ~set;
	list_each_safe(q, next, &p->queue, link)
		if (sigbit(q->signo) & set) {
			list_remove(&q->link);
			q->queued = false;
			sigqueue_free(q);
		}
}

/* True: the entry was taken over. */
static bool
pending_add(struct pending *p, int signo, struct sigqueue *q)
{
	bool first = (p->set & sigbit(signo)) == 0;

	p->set |= sigbit(signo);
	poll_notify();		/* a signalfd may tell of it */
	if (q == NULL || q->queued || (!first && signo <= SIGRTMIN - 1))
		return false;
	q->queued = true;
	list_add_tail(&p->queue, &q->link);
	return true;
}

/*
 * Take signo's first entry out, as *out; without one it is the kernel's. The
 * bit stays while another entry of a real-time signal is queued.
 */
static void
pending_take(struct pending *p, int signo, struct sigqueue *out)
{
	struct sigqueue *q, *next;
	bool found = false, more = false;

	*out = (struct sigqueue){.signo = signo, .code = SI_KERNEL};
	list_each_safe(q, next, &p->queue, link) {
		if (q->signo != signo)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = true;
		*out = *q;
		list_remove(&q->link);
		q->queued = false;
		sigqueue_free(q);
	}
	if (!more)
		p->set &= ~sigbit(signo);
}

void
siginfo_fill(struct siginfo *i, const struct sigqueue *q)
{
	memset(i, 0, sizeof *i);
	i->signo = q->signo;
	i->code = q->code;
	if (q->signo == SIGCHLD && q->code > 0 && q->code != SI_KERNEL) {
		i->child.pid = q->pid;
		i->child.uid = q->uid;
		i->child.status = q->status;
	} else if (q->code > 0) {
		i->fault.addr = q->value;
	} else if (q->code == SI_TIMER) {
		i->timer.timer = q->pid;
		i->timer.value = q->value;
	} else {
		i->kill.pid = q->pid;
		i->kill.uid = q->uid;
		i->kill.value = q->value;
	}
}

/* ---- posting: proc_lock held ---- */

static void
wake_task(struct task *t)
{
	thread_interrupt(t->thread, WORK_SIGNAL);
}

static bool
wants(const struct task *t, int signo)
{
	return ((~t->blocked | t->awaited) & sigbit(signo)) != 0;
}

void
signal_check(struct task *t)
{
	struct process *p = t->process;
	sigset_t set = t->pending.set | p->pending.set;

	if ((set & ~t->blocked) != 0 || p->group_exit || p->stop != RUNNING ||
	    p->exec_task != NULL)
		wake_task(t);
}

bool
signal_waiting(void)
{
	return (current()->work & WORK_SIGNAL) != 0;
}

static bool
is_ignored(struct process *p, const struct task *t, int signo)
{
	uint64_t handler = p->sighand->action[signo].handler;

	/* A blocked signal stays: its action may change before it is taken. */
	if (t != NULL && ((t->blocked | t->awaited) & sigbit(signo)))
		return false;
	if (p == init_process && handler == SIG_DFL && signo != SIGCHLD &&
	    signo != SIGCONT)
		return true;
	return handler == SIG_IGN ||
	    (handler == SIG_DFL && (IGNORED & sigbit(signo)));
}

static void
flush_everywhere(struct process *p, sigset_t set)
{
	struct task *t;

	pending_flush(&p->pending, set);
	list_each(t, &p->tasks, peers)
		pending_flush(&t->pending, set);
}

static void
resume(struct process *p)
{
	if (p->stop == RUNNING)
		return;
	if (p->stop == STOPPED) {
		p->report_stop = false;
		p->report_continue = true;
		signal_parent(p, CLD_CONTINUED, SIGCONT);
	}
	p->stop = RUNNING;
	p->stopped_tasks = 0;
	atomic_fetch_add(&p->stop_word, 1);
	word_wake(&p->stop_word, UINT32_MAX);
}

/* What a signal does as it comes, whoever will take it. */
static void
on_arrival(struct process *p, int signo)
{
	if (signo == SIGCONT) {
		flush_everywhere(p, STOPS);
		resume(p);
	} else if (STOPS & sigbit(signo)) {
		flush_everywhere(p, sigbit(SIGCONT));
	}
}

static struct task *
choose_task(struct process *p, int signo)
{
	struct task *t;

	list_each(t, &p->tasks, peers)
		if (wants(t, signo))
			return t;
	return NULL;
}

bool
signal_post(struct process *p, int signo, struct sigqueue *q)
{
	struct task *t;
	bool taken;

	if (p->zombie || p->group_exit || list_empty(&p->tasks))
		return false;
	if (signo == SIGKILL) {
		if (p != init_process)
			process_kill(p, SIGKILL);
		return false;
	}
	on_arrival(p, signo);
	t = choose_task(p, signo);
	if (is_ignored(p, t != NULL ? t : container_of(p->tasks.next,
	    struct task, peers), signo))
		return false;
	taken = pending_add(&p->pending, signo, q);
	if (t != NULL)
		wake_task(t);
	return taken;
}

bool
signal_post_task(struct task *t, int signo, struct sigqueue *q)
{
	struct process *p = t->process;
	bool taken;

	if (p->group_exit)
		return false;
	if (signo == SIGKILL) {
		if (p != init_process)
			process_kill(p, SIGKILL);
		return false;
	}
	on_arrival(p, signo);
	if (is_ignored(p, t, signo))
		return false;
	taken = pending_add(&t->pending, signo, q);
	if (wants(t, signo))
		wake_task(t);
	return taken;
}

void
signal_group(int pgid, int signo)
{
	struct process *p;
	uintptr_t irq = spin_lock_irq(&proc_lock);

	list_each(p, &process_list, all)
		if (p->pgid == pgid)
			(void)signal_post(p, signo, NULL);
	spin_unlock_irq(&proc_lock, irq);
}

/* Blocked or ignored, it would come again at once: then it is deadly. */
void
signal_force(int signo, int code, uint64_t address)
{
	struct task *t = current_task();
	struct sigaction *act = &t->process->sighand->action[signo];
	uintptr_t irq = spin_lock_irq(&proc_lock);

	if (act->handler == SIG_IGN || (t->blocked & sigbit(signo))) {
		act->handler = SIG_DFL;
		t->blocked &= ~sigbit(signo);
	}
	if (!t->fault_queue.queued) {
		t->fault_queue = (struct sigqueue){.signo = signo,
			.code = code, .value = address};
		pending_flush(&t->pending, sigbit(signo));
	}
	(void)pending_add(&t->pending, signo, &t->fault_queue);
	wake_task(t);
	spin_unlock_irq(&proc_lock, irq);
}

void
signal_parent(struct process *p, int code, int status)
{
	struct process *to = p->parent;
	struct sigqueue *q;
	bool exited = code == CLD_EXITED || code == CLD_KILLED;
	int signo = exited ? p->exit_signal : SIGCHLD;

	if (to == NULL)
		return;
	atomic_fetch_add(&to->child_event, 1);
	word_wake(&to->child_event, UINT32_MAX);
	if (signo == 0 || (!exited &&
	    (to->sighand->action[SIGCHLD].flags & SA_NOCLDSTOP)))
		return;
	q = &to->child_queue;
	if (!q->queued)
		*q = (struct sigqueue){.signo = signo, .code = code,
			.pid = p->pid, .uid = p->cred.uid, .status = status};
	(void)signal_post(to, signo, q);
}

/* ---- the caller's mask ---- */

void
signal_set_blocked(sigset_t set)
{
	struct task *t = current_task();
	uintptr_t irq = spin_lock_irq(&proc_lock);

	t->blocked = set & ~UNBLOCKABLE;
	signal_check(t);
	spin_unlock_irq(&proc_lock, irq);
}

void
signal_suspend_blocked(sigset_t set)
{
	struct task *t = current_task();

	t->saved_blocked = t->blocked;
	t->restore_blocked = true;
	signal_set_blocked(set);
}

void
signal_resume_blocked(void)
{
	struct task *t = current_task();

	if (!t->restore_blocked)
		return;
	t->restore_blocked = false;
	signal_set_blocked(t->saved_blocked);
}

/* ---- delivery ---- */

/* Faults first: they belong to the instruction the frame stands at. */
int
signal_take(struct task *t, sigset_t from, struct sigqueue *info)
{
	sigset_t own = t->pending.set & from;
	sigset_t shared = t->process->pending.set & from;
	int signo;

	if (own & FAULTS)
		own &= FAULTS;
	if (own != 0) {
		signo = __builtin_ctzll(own) + 1;
		pending_take(&t->pending, signo, info);
		return signo;
	}
	if (shared == 0)
		return 0;
	signo = __builtin_ctzll(shared) + 1;
	pending_take(&t->process->pending, signo, info);
	return signo;
}

static void
begin_stop(struct process *p, int signo)
{
	struct task *t;

	if (p->stop != RUNNING)
		return;
	p->stop = STOPPING;
	p->stop_signal = signo;
	p->stopped_tasks = 0;
	list_each(t, &p->tasks, peers)
		wake_task(t);
}

void
signal_stop_progress(struct process *p)
{
	if (p->stop != STOPPING || p->stopped_tasks < p->ntasks)
		return;
	p->stop = STOPPED;
	p->report_stop = true;
	p->report_continue = false;
	signal_parent(p, CLD_STOPPED, p->stop_signal);
}

/* Sleep while the process is stopped. proc_lock held; dropped meanwhile. */
static uintptr_t
stay_stopped(struct process *p, uintptr_t irq)
{
	uint32_t seen;

	p->stopped_tasks++;
	signal_stop_progress(p);
	while (p->stop != RUNNING && !p->group_exit && p->exec_task == NULL) {
		seen = p->stop_word;
		spin_unlock_irq(&proc_lock, irq);
		(void)word_wait(&p->stop_word, seen, TOME_FOREVER, false);
		irq = spin_lock_irq(&proc_lock);
	}
	return irq;
}

/* Default action of a signal that is not ignored. proc_lock held. */
static void
act_default(struct process *p, int signo, bool forced)
{
	if (p == init_process && !forced)
		return;
	if (STOPS & sigbit(signo)) {
		if (signo == SIGSTOP || !group_is_orphaned_locked(p->pgid))
			begin_stop(p, signo);
		return;
	}
	process_kill(p, signo);
}

/*
 * Take the next signal that has a handler, acting on those that have not. 0:
 * none is left. Does not return if the task is to end.
 */
static int
next_handled(struct task *t, struct sigqueue *info, struct sigaction *act)
{
	struct process *p = t->process;
	uintptr_t irq = spin_lock_irq(&proc_lock);
	int signo;

	for (;;) {
		atomic_fetch_and(&t->thread->work, ~WORK_SIGNAL);
		if (p->group_exit || (p->exec_task != NULL &&
		    p->exec_task != t)) {
			spin_unlock_irq(&proc_lock, irq);
			task_exit(p->exit_status);
		}
		if (p->stop != RUNNING) {
			irq = stay_stopped(p, irq);
			continue;
		}
		signo = signal_take(t, ~t->blocked, info);
		if (signo == 0)
			break;
		*act = p->sighand->action[signo];
		if (act->handler > SIG_IGN)
			break;
		if (act->handler == SIG_DFL && !(IGNORED & sigbit(signo)))
			act_default(p, signo, FAULTS & sigbit(signo));
	}
	if (signo != 0 && (act->flags & SA_RESETHAND))
		p->sighand->action[signo].handler = SIG_DFL;
	spin_unlock_irq(&proc_lock, irq);
	return signo;
}

/* The interrupted call, now that this handler (NULL: none) is to run. */
static void
settle_restart(struct task *t, struct trap_frame *f,
    const struct sigaction *act)
{
	int code = t->restart.code;

	t->restart.code = 0;
	if (code == 0)
		return;
	if (act == NULL)
		frame_restart(f, code == ERESTART_BLOCK);
	else if (code == ERESTART && (act->flags & SA_RESTART))
		frame_restart(f, false);
	else
		frame_set_result(f, -EINTR);
}

static void
run_handler(struct task *t, struct trap_frame *f, int signo,
    const struct sigqueue *q, const struct sigaction *act)
{
	sigset_t old = t->restore_blocked ? t->saved_blocked : t->blocked;
	sigset_t blocked = t->blocked | act->mask;
	struct siginfo info;

	t->restore_blocked = false;
	siginfo_fill(&info, q);
	if (!sigframe_push(f, signo, &info, act, old)) {
		uintptr_t irq = spin_lock_irq(&proc_lock);

		/* The frame of SIGSEGV itself did not fit: no way out. */
		if (signo == SIGSEGV)
			t->process->sighand->action[SIGSEGV].handler = SIG_DFL;
		spin_unlock_irq(&proc_lock, irq);
		signal_force(SIGSEGV, SI_KERNEL, 0);
		return;
	}
	if (!(act->flags & SA_NODEFER))
		blocked |= sigbit(signo);
	signal_set_blocked(blocked);
}

void
user_return(struct trap_frame *f)
{
	struct task *t = current_task();
	struct sigqueue info;
	struct sigaction act;
	int signo;

	if (t->set_tid != 0) {
		int32_t tid = t->tid;

		(void)copy_out(t->set_tid, &tid, sizeof tid);
		t->set_tid = 0;
	}
	signo = next_handled(t, &info, &act);
	settle_restart(t, f, signo != 0 ? &act : NULL);
	if (signo != 0)
		run_handler(t, f, signo, &info, &act);
	else
		signal_resume_blocked();
}

void
user_exception(struct trap_frame *f, int signo, int code, uint64_t address)
{
	(void)f;
	signal_force(signo, code, address);
}

void
signal_action_changed(struct process *p, int signo)
{
	uint64_t handler = p->sighand->action[signo].handler;

	/* What is pending is discarded when it becomes ignored. */
	if (handler == SIG_IGN ||
	    (handler == SIG_DFL && (IGNORED & sigbit(signo))))
		flush_everywhere(p, sigbit(signo));
}
