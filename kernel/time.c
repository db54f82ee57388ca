/*
 * time.c - clocks, sleeping, the interval timer.
 *
 * Only ITIMER_REAL (and alarm) exists as a timer that signals; it is made when
 * first set. Its lock is taken before proc_lock, and by its own interrupt.
 */
#include <process.h>
#include <syscall.h>

struct itimer {
	struct timer timer;
	struct mutex setting;		/* one starts it at a time */
	struct spinlock lock;
	int pid;			/* constant */
	uint64_t deadline, interval;	/* deadline 0: not running */
};

int
timespec_ns(const struct timespec *ts, uint64_t *ns)
{
	if (ts->sec < 0 || ts->nsec < 0 || ts->nsec >= NSEC_PER_SEC)
		return -EINVAL;
	/* Beyond 292 years is never. */
	*ns = ts->sec > INT64_MAX / NSEC_PER_SEC - 1 ? INT64_MAX :
	    (uint64_t)(ts->sec * NSEC_PER_SEC + ts->nsec);
	return 0;
}

int
deadline_in(uint64_t user, uint64_t *deadline)
{
	struct timespec ts;
	uint64_t ns;
	int err;

	*deadline = TOME_FOREVER;
	if (user == 0)
		return 0;
	err = timespecs_in(&ts, user, 1);
	if (err == 0)
		err = timespec_ns(&ts, &ns);
	if (err == 0)
		*deadline = clock_ns() + ns;
	return err;
}

/* ---- clocks ---- */

static uint64_t
own_cpu_ns(bool whole)
{
	uint64_t ns;
	uintptr_t irq;

	if (!whole)
		return thread_cpu_ns(current());
	irq = spin_lock_irq(&proc_lock);
	ns = process_cpu_ns(current_process());
	spin_unlock_irq(&proc_lock, irq);
	return ns;
}

static int
clock_read(int clock, uint64_t *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = clock_wall_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = clock_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = own_cpu_ns(clock == CLOCK_PROCESS_CPUTIME_ID);
		return 0;
	default:
		return -EINVAL;
	}
}

SYSCALL(clock_gettime)
{
	struct timespec ts;
	uint64_t ns;
	int err = clock_read((int)a[0], &ns);

	if (err != 0)
		return err;
	ts = ns_timespec(ns);
	return timespecs_out(a[1], &ts, 1);
}

SYSCALL(clock_getres)
{
	const struct timespec ts = {0, 1};
	uint64_t ns;
	int err = clock_read((int)a[0], &ns);

	return err != 0 || a[1] == 0 ? err : timespecs_out(a[1], &ts, 1);
}

SYSCALL(clock_settime)
{
	return !cred_can(&current_process()->cred, CAP_SYS_TIME) ? -EPERM : -EINVAL;
}

SYSCALL(gettimeofday)
{
	struct timeval tv = ns_timeval(clock_wall_ns());
	const int32_t zone[2] = {0, 0};

	if (a[0] != 0 && copy_out(a[0], &tv, sizeof tv) != 0)
		return -EFAULT;
	return a[1] != 0 ? copy_out(a[1], zone, sizeof zone) : 0;
}

SYSCALL(time)
{
	abi_long now = (abi_long)(clock_wall_ns() / 1000000000u);

	if (a[0] != 0 && copy_out(a[0], &now, sizeof now) != 0)
		return -EFAULT;
	return now;
}

SYSCALL(times)
{
	struct process *p = current_process();
	const uint64_t tick = 1000000000u / CLK_TCK;
	struct tms t = {.utime = (int64_t)(own_cpu_ns(true) / tick)};

	t.cutime = p->children_usage.utime.sec * CLK_TCK +
	    p->children_usage.utime.usec * CLK_TCK / 1000000;
	if (a[0] != 0 && copy_out(a[0], &t, sizeof t) != 0)
		return -EFAULT;
	return (int64_t)(clock_ns() / tick);
}

/* ---- sleeping ---- */

/*
 * An interrupted relative sleep tells what is left, and goes on by
 * restart_syscall(2) if no handler runs.
 */
int64_t
sleep_until(uint64_t deadline, uint64_t remain_user)
{
	struct restart *r = &current_task()->restart;
	struct timespec left;
	uint64_t now;

	if (thread_sleep_until(deadline, true))
		return 0;
	now = clock_ns();
	if (now >= deadline)
		return 0;
	left = ns_timespec(deadline - now);
	if (remain_user != 0 && timespecs_out(remain_user, &left, 1) != 0)
		return -EFAULT;
	r->deadline = deadline;
	r->remain = remain_user;
	r->old_time = current_task()->old_time;
	return -ERESTART_BLOCK;
}

SYSCALL(restart_syscall)
{
	struct task *t = current_task();
	const struct restart *r = &t->restart;
	int64_t result;

	t->old_time = r->old_time;
	result = r->deadline == 0 ? -EINTR : sleep_until(r->deadline, r->remain);
	t->old_time = false;
	return result;
}

SYSCALL(nanosleep)
{
	uint64_t deadline;
	int err = a[0] == 0 ? -EFAULT : deadline_in(a[0], &deadline);

	return err != 0 ? err : sleep_until(deadline, a[1]);
}

SYSCALL(clock_nanosleep)
{
	struct timespec ts;
	uint64_t ns, now;
	int err = clock_read((int)a[0], &now);

	if (err == 0)
		err = timespecs_in(&ts, a[2], 1);
	if (err == 0)
		err = timespec_ns(&ts, &ns);
	if (err != 0)
		return err;
	if (!(a[1] & TIMER_ABSTIME))
		return sleep_until(clock_ns() + ns, a[3]);
	if (ns <= now)
		return 0;
	return thread_sleep_until(clock_ns() + (ns - now), true) ? 0 :
	    -ERESTARTNOHAND;
}

/* ---- the interval timer ---- */

/*
 * Interrupt context. The process may be gone: then nobody is there to signal.
 */
static void
itimer_fire(struct timer *timer)
{
	struct itimer *it = container_of(timer, struct itimer, timer);
	struct process *p;

	spin_lock(&it->lock);
	spin_lock(&proc_lock);
	p = process_find(it->pid);
	if (p != NULL)
		(void)signal_post(p, SIGALRM, NULL);
	spin_unlock(&proc_lock);
	if (it->interval != 0) {
		it->deadline += it->interval;
		timer_start(&it->timer, it->deadline, itimer_fire);
	} else {
		it->deadline = 0;
	}
	spin_unlock(&it->lock);
}

void
itimer_discard(struct process *p)
{
	struct itimer *it = p->itimer;
	uintptr_t irq;

	if (it == NULL)
		return;
	/* Not periodic from now on: so at most one more comes. */
	irq = spin_lock_irq(&it->lock);
	it->interval = 0;
	spin_unlock_irq(&it->lock, irq);
	(void)timer_stop(&it->timer);
	p->itimer = NULL;
	tome_kfree(the_vm, it);
}

/* The process's timer, made if it has none. NULL: no memory. */
static struct itimer *
itimer_of(struct process *p)
{
	struct itimer *it = p->itimer, *none = NULL;

	if (it != NULL)
		return it;
	it = tome_kzalloc(the_vm, sizeof *it);
	if (it == NULL)
		return NULL;
	it->pid = p->pid;
	if (!__atomic_compare_exchange_n(&p->itimer, &none, it, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		tome_kfree(the_vm, it);
		it = none;
	}
	return it;
}

static void
itimer_read(struct itimer *it, struct itimerval *v)
{
	uint64_t now = clock_ns();

	v->interval = ns_timeval(it->interval);
	v->value = ns_timeval(it->deadline > now ? it->deadline - now :
	    it->deadline != 0 ? 1000 : 0);
}

/* Start over with these; 0 stops. What was goes to *old. */
static int
itimer_set(uint64_t value, uint64_t interval, struct itimerval *old)
{
	struct itimer *it = itimer_of(current_process());
	uint64_t periodic;
	uintptr_t irq;

	if (it == NULL)
		return -ENOMEM;
	mutex_lock(&it->setting);
	irq = spin_lock_irq(&it->lock);
	periodic = it->interval;
	itimer_read(it, old);
	it->interval = 0;
	spin_unlock_irq(&it->lock, irq);
	old->interval = ns_timeval(periodic);
	(void)timer_stop(&it->timer);
	irq = spin_lock_irq(&it->lock);
	it->interval = interval;
	it->deadline = value == 0 ? 0 : clock_ns() + value;
	if (value != 0)
		timer_start(&it->timer, it->deadline, itimer_fire);
	spin_unlock_irq(&it->lock, irq);
	mutex_unlock(&it->setting);
	return 0;
}

SYSCALL(alarm)
{
	struct itimerval old;
	int err = itimer_set((unsigned)a[0] * (uint64_t)1000000000u, 0, &old);

	if (err != 0)
		return err;
	return old.value.sec + (old.value.usec >= 500000 ||
	    (old.value.sec == 0 && old.value.usec > 0));
}

static int
timeval_ns(const struct timeval *tv, uint64_t *ns)
{
	const struct timespec ts = {tv->sec, tv->usec * 1000};

	return tv->usec < 0 || tv->usec >= 1000000 ? -EINVAL :
	    timespec_ns(&ts, ns);
}

SYSCALL(setitimer)
{
	struct itimerval new = {{0, 0}, {0, 0}}, old;
	uint64_t value, interval;
	int err = a[0] > 2 ? -EINVAL : 0;

	if (err == 0 && a[1] != 0)
		err = copy_in(&new, a[1], sizeof new);
	if (err == 0)
		err = timeval_ns(&new.value, &value);
	if (err == 0)
		err = timeval_ns(&new.interval, &interval);
	if (err == 0 && a[0] != 0)
		err = -EOPNOTSUPP;	/* ITIMER_VIRTUAL, ITIMER_PROF */
	if (err == 0)
		err = itimer_set(value, interval, &old);
	return err != 0 || a[2] == 0 ? err : copy_out(a[2], &old, sizeof old);
}

SYSCALL(getitimer)
{
	struct itimer *it = current_process()->itimer;
	struct itimerval v = {{0, 0}, {0, 0}};
	uintptr_t irq;

	if (a[0] > 2)
		return -EINVAL;
	if (a[0] == 0 && it != NULL) {
		irq = spin_lock_irq(&it->lock);
		itimer_read(it, &v);
		spin_unlock_irq(&it->lock, irq);
	}
	return copy_out(a[1], &v, sizeof v);
}
