/*
 * posix_timer.c - timers of a process that signal: timer_create and its kin.
 *
 * Locks: timers_lock, a sleeping lock, guards every process's list and who sets
 *   a timer; timer->lock, taken by the timer's interrupt too and before
 *   proc_lock, guards its figures.
 * Invariant: a timer has one queue entry: while that is queued, what fires adds
 *   to the overrun.
 */
#include <process.h>
#include <syscall.h>

enum { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID = 4 };
#define TIMERS_MAX 1024
#define OVERRUN_MAX 0x3fffffff
#define INTERVAL_MIN 50000u	/* ns: a program gets to run in between */

struct sigevent {
	abi_ulong value;
	int32_t signo, notify, tid, pad[ABI_WORDS_32 ? 12 : 11];
};

struct posix_timer {
	/* Under timers_lock. */
	struct posix_timer *next;
	struct timer timer;
	/* Constant. */
	int id, pid, tid;		/* tid 0: the process */
	int signo;			/* 0: none */
	bool wall;
	struct spinlock lock;
	/* Under lock. */
	uint64_t deadline, interval;	/* clock_ns(); deadline 0: not set */
	/* Under proc_lock. */
	struct sigqueue queue;
	int overrun, told_overrun;
};

static struct mutex timers_lock;

/* A signal for n periods, unless the last one still waits. */
static void
notify(struct posix_timer *t, uint64_t n)
{
	struct process *p = process_find(t->pid);
	struct task *task = t->tid != 0 ? task_find(t->tid) : NULL;

	if (p == NULL || t->signo == 0 || (t->tid != 0 && task == NULL))
		return;
	t->overrun += n < OVERRUN_MAX ? (int)n : OVERRUN_MAX;
	if (t->overrun > OVERRUN_MAX)
		t->overrun = OVERRUN_MAX;
	if (t->queue.queued)
		return;
	t->told_overrun = t->overrun - 1;
	t->overrun = 0;
	if (task != NULL)
		(void)signal_post_task(task, t->signo, &t->queue);
	else
		(void)signal_post(p, t->signo, &t->queue);
}

/* Interrupt context. */
static void
fire(struct timer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, timer);

	uint64_t now = clock_ns(), n = 1;

	spin_lock(&t->lock);
	if (t->interval != 0 && now > t->deadline)
		n += (now - t->deadline) / t->interval;
	spin_lock(&proc_lock);
	notify(t, n);
	spin_unlock(&proc_lock);
	if (t->interval != 0) {
		t->deadline += n * t->interval;
		timer_start(&t->timer, t->deadline, fire);
	} else {
		t->deadline = 0;
	}
	spin_unlock(&t->lock);
}

/* Neither pending nor firing afterwards. */
static void
stop(struct posix_timer *t)
{
	uintptr_t irq = spin_lock_irq(&t->lock);

	t->interval = t->deadline = 0;
	spin_unlock_irq(&t->lock, irq);
	(void)timer_stop(&t->timer);
}

static void
discard(struct posix_timer *t)
{
	uintptr_t irq;

	stop(t);
	irq = spin_lock_irq(&proc_lock);
	if (t->queue.queued)
		list_remove(&t->queue.link);
	spin_unlock_irq(&proc_lock, irq);
	tome_kfree(the_vm, t);
}

void
posix_timers_discard(struct process *p)
{
	struct posix_timer *t;

	if (p->timers == NULL)
		return;
	mutex_lock(&timers_lock);
	while ((t = p->timers) != NULL) {
		p->timers = t->next;
		discard(t);
	}
	mutex_unlock(&timers_lock);
}

/* timers_lock held. */
static struct posix_timer **
find(int id)
{
	struct posix_timer **at = &current_process()->timers;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static int
check_event(const struct sigevent *e)
{
	uintptr_t irq;
	struct task *t;
	bool own;

	if (e->notify == SIGEV_NONE)
		return 0;
	if (e->signo <= 0 || e->signo >= NSIG)
		return -EINVAL;
	if (e->notify == SIGEV_SIGNAL || e->notify == SIGEV_THREAD)
		return 0;
	if (e->notify != SIGEV_THREAD_ID)
		return -EINVAL;
	irq = spin_lock_irq(&proc_lock);
	t = task_find(e->tid);
	own = t != NULL && t->process == current_process();
	spin_unlock_irq(&proc_lock, irq);
	return own ? 0 : -EINVAL;
}

/* Give it the lowest id that is free, and tell the user. */
static int
enter(struct posix_timer *t, const struct sigevent *e, bool own_value,
    uint64_t user)
{
	int err;

	mutex_lock(&timers_lock);
	while (t->id < TIMERS_MAX && *find(t->id) != NULL)
		t->id++;
	err = t->id == TIMERS_MAX ? -EAGAIN :
	    copy_out(user, &t->id, sizeof t->id);
	if (err == 0) {
		t->queue = (struct sigqueue){.signo = t->signo,
			.code = SI_TIMER, .pid = t->id,
			.value = own_value ? e->value : (uint64_t)t->id};
		list_init(&t->queue.link);
		t->next = current_process()->timers;
		current_process()->timers = t;
	}
	mutex_unlock(&timers_lock);
	return err;
}

SYSCALL(timer_create)
{
	struct sigevent e = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
	int clock = (int)a[0], err = 0;
	struct posix_timer *t;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	    clock != CLOCK_BOOTTIME)
		return clock < 0 || clock > 11 ? -EINVAL : -EOPNOTSUPP;
	if (a[1] != 0)
		err = copy_in(&e, a[1], sizeof e);
	if (err == 0)
		err = check_event(&e);
	if (err != 0)
		return err;
	t = tome_kzalloc(the_vm, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	t->pid = current_process()->pid;
	t->tid = e.notify == SIGEV_THREAD_ID ? e.tid : 0;
	t->signo = e.notify == SIGEV_NONE ? 0 : e.signo;
	t->wall = clock == CLOCK_REALTIME;
	err = enter(t, &e, a[1] != 0, a[2]);
	if (err != 0)
		tome_kfree(the_vm, t);
	return err;
}

static void
remaining(struct posix_timer *t, struct itimerspec *v)
{
	uintptr_t irq = spin_lock_irq(&t->lock);
	uint64_t now = clock_ns();

	v->interval = ns_timespec(t->interval);
	v->value = ns_timespec(t->deadline > now ? t->deadline - now :
	    t->deadline != 0 ? 1 : 0);
	spin_unlock_irq(&t->lock, irq);
}

static void
start(struct posix_timer *t, uint64_t value, uint64_t interval,
    bool absolute)
{
	uint64_t now = clock_ns(), clock = t->wall ? clock_wall_ns() : now;
	uintptr_t irq;

	if (absolute)
		value = value > clock ? value - clock : 1;
	irq = spin_lock_irq(&t->lock);
	t->interval = interval != 0 && interval < INTERVAL_MIN ? INTERVAL_MIN :
	    interval;
	t->deadline = now + value;
	timer_start(&t->timer, t->deadline, fire);
	spin_unlock_irq(&t->lock, irq);
}

SYSCALL(timer_settime)
{
	struct itimerspec new, old;
	uint64_t value, interval;
	struct posix_timer *t;
	int err = timespecs_in((void *)&new, a[2], 2);

	if (err == 0)
		err = timespec_ns(&new.value, &value);
	if (err == 0)
		err = timespec_ns(&new.interval, &interval);
	if (err != 0)
		return err;
	mutex_lock(&timers_lock);
	t = *find((int)a[0]);
	if (t != NULL) {
		remaining(t, &old);
		stop(t);
		if (value != 0)
			start(t, value, interval, a[1] & TIMER_ABSTIME);
	}
	mutex_unlock(&timers_lock);
	if (t == NULL)
		return -EINVAL;
	return a[3] != 0 ? timespecs_out(a[3], (void *)&old, 2) : 0;
}

SYSCALL(timer_gettime)
{
	struct itimerspec now;
	struct posix_timer *t;

	mutex_lock(&timers_lock);
	t = *find((int)a[0]);
	if (t != NULL)
		remaining(t, &now);
	mutex_unlock(&timers_lock);
	return t == NULL ? -EINVAL :
	    timespecs_out(a[1], (void *)&now, 2);
}

SYSCALL(timer_getoverrun)
{
	struct posix_timer *t;
	int64_t n;

	mutex_lock(&timers_lock);
	t = *find((int)a[0]);
	n = t == NULL ? -EINVAL : t->told_overrun;
	mutex_unlock(&timers_lock);
	return n;
}

SYSCALL(timer_delete)
{
	struct posix_timer **at, *t;

	mutex_lock(&timers_lock);
	at = find((int)a[0]);
	t = *at;
	if (t != NULL) {
		*at = t->next;
		discard(t);
	}
	mutex_unlock(&timers_lock);
	return t == NULL ? -EINVAL : 0;
}
