/*
 * sched.c - which thread runs where.
 *
 * One run queue per CPU, first come first served, with slices when more than
 * one thread wants the CPU: a lone thread is never interrupted. A woken thread
 * goes to an idle CPU if it may; a CPU that runs dry steals; a CPU whose slice
 * ends gives a thread to one that has two fewer.
 *
 * A queue's lock is held from the decision to leave a thread until the next
 * thread runs, and released by that one (finish_switch). So whoever holds it
 * sees every thread of the queue either running or with its registers saved:
 * no thread is ever run by two CPUs.
 *
 * Locks: sleep queue -> run queue; two run queues are never held at once.
 */
#include <asm.h>
#include <lib.h>
#include <machine.h>
#include <sched_i.h>

#define SLICE_NS 4000000u

struct run_queue {
	struct spinlock lock;
	/* Under lock. */
	struct thread *first, *last;
	unsigned waiting;		/* in the list */
	struct thread *running;
	/* The CPU's own. */
	struct thread *idle;
} __attribute__((aligned(64)));

static struct run_queue queues[KERNEL_MAX_CPUS];
/* Idle CPUs. Whoever clears a bit owes that CPU a thread. */
static _Atomic uint32_t idle_cpus;
static _Atomic uint32_t online_cpus;
static _Atomic uint32_t ncpus;

static void schedule(struct run_queue *);
static struct thread *choose_next(struct run_queue *);
static void finish_switch(struct thread *prev);
static void place(struct thread *);

/* Interrupts are off already. */
static inline void
queue_lock(struct run_queue *q)
{
	if (atomic_exchange_explicit(&q->lock.held, 1, memory_order_acquire))
		spin_contended(&q->lock);
}

static inline void
queue_unlock(struct run_queue *q)
{
	atomic_store_explicit(&q->lock.held, 0, memory_order_release);
}

static inline struct run_queue *
this_queue(void)
{
	return &queues[cpu_number()];
}

static void
queue_append(struct run_queue *q, struct thread *t)
{
	t->next = NULL;
	if (q->last != NULL)
		q->last->next = t;
	else
		q->first = t;
	q->last = t;
	q->waiting++;
}

/* Out of the list, if it is in it. */
static bool
queue_remove(struct run_queue *q, struct thread *t)
{
	struct thread **at = &q->first, *prev = NULL;

	while (*at != NULL && *at != t) {
		prev = *at;
		at = &prev->next;
	}
	if (*at == NULL)
		return false;
	*at = t->next;
	if (q->last == t)
		q->last = prev;
	q->waiting--;
	return true;
}

/* The first that may run on `cpu`, out of the list; NULL: none. */
static struct thread *
queue_take(struct run_queue *q, unsigned cpu)
{
	struct thread *t = q->first;

	while (t != NULL && !(t->allowed >> cpu & 1))
		t = t->next;
	if (t != NULL)
		queue_remove(q, t);
	return t;
}

/* Lock the queue that a thread belongs to. */
static struct run_queue *
lock_queue_of(struct thread *t)
{
	for (;;) {
		uint32_t cpu = atomic_load(&t->cpu);
		struct run_queue *q = &queues[cpu];

		queue_lock(q);
		if (atomic_load(&t->cpu) == cpu)
			return q;
		queue_unlock(q);
	}
}

/* ---- switching ---- */

static void
account(struct thread *prev, struct thread *next)
{
	uint64_t now = clock_ns();

	prev->ran += now - prev->since;
	next->since = now;
}

/* Interrupts off, q locked, q this CPU's. Unlocked on return. */
static void
schedule(struct run_queue *q)
{
	struct thread *prev = q->running, *next;

	cpu_clear_resched();
	if (prev->state == THREAD_RUNNABLE && prev != q->idle &&
	    (prev->allowed >> cpu_number() & 1))
		queue_append(q, prev);
	next = choose_next(q);
	timer_set_slice(q->waiting > 0 ? clock_ns() + SLICE_NS : 0);
	if (next == prev) {
		queue_unlock(q);
		return;
	}
	account(prev, next);
	prev->running = false;
	next->running = true;
	q->running = next;
	finish_switch(machine_switch(prev, next));
}

static struct thread *
choose_next(struct run_queue *q)
{
	struct thread *next = queue_take(q, cpu_number());

	return next != NULL ? next : q->idle;
}

/* The other half of schedule(), on the next thread's stack. */
static void
finish_switch(struct thread *prev)
{
	enum thread_state state = prev->state;
	bool moves = state == THREAD_RUNNABLE && prev != this_queue()->idle &&
	    !(prev->allowed >> cpu_number() & 1);

	queue_unlock(this_queue());
	if (moves)
		place(prev);
	else if (state == THREAD_DEAD)
		thread_recycle(prev);
}

void
thread_begin(struct thread *prev)
{
	struct thread *t = current();

	finish_switch(prev);
	irq_on();
	if (t->start != NULL) {
		t->start(t->arg);
		thread_exit();
	}
}

void
sched_preempt_irq(void)
{
	struct run_queue *q = this_queue();

	queue_lock(q);
	schedule(q);
}

void
sched_preempt(void)
{
	uintptr_t irq = tome_host_irq_save();

	if (irq_was_on(irq))
		sched_preempt_irq();
	tome_host_irq_restore(irq);
}

void
thread_yield(void)
{
	uintptr_t irq = tome_host_irq_save();

	sched_preempt_irq();
	tome_host_irq_restore(irq);
}

void
sched_end(void)
{
	struct run_queue *q;

	tome_host_irq_save();
	q = this_queue();
	queue_lock(q);
	current()->state = THREAD_DEAD;
	schedule(q);
	panic("a dead thread runs");
}

/* ---- placing runnable threads ---- */

/* An idle CPU that the thread may use, claimed; else where it was. */
static unsigned
choose_cpu(struct thread *t)
{
	uint32_t was = atomic_load(&t->cpu);
	uint32_t idle = atomic_load(&idle_cpus) & t->allowed;

	while (idle != 0) {
		unsigned cpu = idle >> was & 1 ? was :
		    (unsigned)__builtin_ctz(idle);

		if (atomic_fetch_and(&idle_cpus, ~(1u << cpu)) >> cpu & 1)
			return cpu;
		idle = atomic_load(&idle_cpus) & t->allowed;
	}
	return t->allowed >> was & 1 ? was :
	    (unsigned)__builtin_ctz(t->allowed);
}

/* The queue of `cpu` is no longer empty. */
static void
notify(unsigned cpu)
{
	if (cpu == cpu_number())
		sched_kicked();
	else
		machine_kick(cpu);
}

/* Put a runnable thread that is in no list into one. Interrupts off. */
static void
place(struct thread *t)
{
	unsigned cpu = choose_cpu(t);
	struct run_queue *q = &queues[cpu];
	bool first;

	atomic_store(&t->cpu, cpu);
	queue_lock(q);
	queue_append(q, t);
	first = q->waiting == 1;
	queue_unlock(q);
	if (first)
		notify(cpu);
}

void
sched_kicked(void)
{
	struct run_queue *q = this_queue();

	if (q->running == q->idle)
		cpu_set_resched();
	else
		timer_start_slice(clock_ns() + SLICE_NS);
}

/* If it sleeps (and may be interrupted, where that is the reason): run it. */
static void
wake(struct thread *t, bool interrupt)
{
	uintptr_t irq = tome_host_irq_save();
	struct run_queue *q = lock_queue_of(t);
	bool asleep = t->state == THREAD_SLEEPING &&
	    (!interrupt || t->interruptible);

	if (asleep)
		t->state = THREAD_RUNNABLE;
	queue_unlock(q);
	if (asleep)
		place(t);
	tome_host_irq_restore(irq);
}

void
thread_start(struct thread *t)
{
	uintptr_t irq = tome_host_irq_save();

	t->state = THREAD_RUNNABLE;
	place(t);
	tome_host_irq_restore(irq);
}

void
sched_wake(struct thread *t)
{
	atomic_store(&t->woken, true);
	wake(t, false);
}

void
thread_interrupt(struct thread *t, uint32_t work)
{
	unsigned cpu;

	atomic_fetch_or(&t->work, work);
	wake(t, true);
	cpu = atomic_load(&t->cpu);
	if (t != current() && cpu != tome_host_cpu() &&
	    __atomic_load_n(&queues[cpu].running, __ATOMIC_RELAXED) == t)
		machine_kick(cpu);
}

/* ---- sleeping ---- */

static bool
why_awake(struct thread *t, bool interruptible, const _Atomic bool *late,
    enum wake_reason *why)
{
	if (atomic_exchange(&t->woken, false))
		*why = WAKE_EVENT;
	else if (interruptible && (atomic_load(&t->work) & WORK_SIGNAL))
		*why = WAKE_INTERRUPTED;
	else if (atomic_load(late))
		*why = WAKE_TIMEOUT;
	else
		return false;
	return true;
}

struct alarm {
	struct timer timer;
	struct thread *thread;
	_Atomic bool late;
};

static void
alarm_fire(struct timer *t)
{
	struct alarm *a = (struct alarm *)(void *)t;

	atomic_store(&a->late, true);
	wake(a->thread, false);
}

enum wake_reason
sleep_wait(uint64_t deadline, bool interruptible)
{
	struct thread *t = current();
	struct alarm a = { .thread = t, .late = deadline <= clock_ns() };
	enum wake_reason why;
	uintptr_t irq;

	if (cpu_preempt_depth() != 0)
		panic("sleep with preemption off");
	if (why_awake(t, interruptible, &a.late, &why))
		return why;
	if (deadline != TOME_FOREVER)
		timer_start(&a.timer, deadline, alarm_fire);
	irq = tome_host_irq_save();
	for (;;) {
		struct run_queue *q = this_queue();

		queue_lock(q);
		if (why_awake(t, interruptible, &a.late, &why)) {
			queue_unlock(q);
			break;
		}
		t->interruptible = interruptible;
		t->state = THREAD_SLEEPING;
		schedule(q);
	}
	tome_host_irq_restore(irq);
	if (deadline != TOME_FOREVER)
		timer_stop(&a.timer);
	return why;
}

bool
thread_sleep_until(uint64_t deadline, bool interruptible)
{
	struct thread *t = current();
	enum wake_reason why;

	atomic_store(&t->woken, false);
	do
		why = sleep_wait(deadline, interruptible);
	while (why == WAKE_EVENT);
	return why == WAKE_TIMEOUT;
}

/* ---- sharing the load ---- */

/* Take a waiting thread from another CPU; NULL: none to be had. */
static struct thread *
steal(void)
{
	unsigned me = cpu_number(), n = cpu_count();

	for (unsigned i = 1; i < n; i++) {
		struct run_queue *q = &queues[(me + i) % n];
		struct thread *t;

		if (__atomic_load_n(&q->waiting, __ATOMIC_RELAXED) == 0)
			continue;
		queue_lock(q);
		t = queue_take(q, me);
		if (t != NULL)
			atomic_store(&t->cpu, me);
		queue_unlock(q);
		if (t != NULL)
			return t;
	}
	return NULL;
}

static unsigned
load_of(unsigned cpu)
{
	struct run_queue *q = &queues[cpu];

	return __atomic_load_n(&q->waiting, __ATOMIC_RELAXED) +
	    (__atomic_load_n(&q->running, __ATOMIC_RELAXED) != q->idle);
}

/* Give one thread to a CPU with at least two fewer. Interrupts off. */
static void
give_away(struct run_queue *q)
{
	unsigned me = cpu_number(), least = me;
	struct thread *t = NULL;

	for (unsigned c = 0; c < cpu_count(); c++)
		if (load_of(c) < load_of(least))
			least = c;
	if (load_of(me) < load_of(least) + 2)
		return;
	queue_lock(q);
	t = queue_take(q, least);
	if (t != NULL)
		atomic_store(&t->cpu, least);
	queue_unlock(q);
	if (t != NULL)
		place(t);
}

void
sched_slice_over(void)
{
	struct run_queue *q = this_queue();

	if (q->waiting == 0 && (q->running->allowed >> cpu_number() & 1))
		return;
	if (cpu_count() > 1)
		give_away(q);
	cpu_set_resched();
}

bool
thread_set_affinity(struct thread *t, uint64_t set)
{
	uint32_t allowed = (uint32_t)set & atomic_load(&online_cpus);
	uintptr_t irq;
	struct run_queue *q;
	bool waited;

	if (allowed == 0)
		return false;
	irq = tome_host_irq_save();
	q = lock_queue_of(t);
	t->allowed = allowed;
	waited = queue_remove(q, t);
	queue_unlock(q);
	if (waited)
		place(t);
	else if (t == current())
		sched_preempt_irq();
	else if (t->running)
		machine_kick(atomic_load(&t->cpu));
	tome_host_irq_restore(irq);
	return true;
}

/* ---- idle ---- */

void
sched_adopt_idle(struct thread *t)
{
	unsigned cpu = cpu_number();
	struct run_queue *q = &queues[cpu];

	t->state = THREAD_RUNNABLE;
	t->running = true;
	t->allowed = 1u << cpu;
	t->since = clock_ns();
	atomic_store(&t->cpu, cpu);
	q->idle = t;
	q->running = t;
	atomic_fetch_or(&online_cpus, 1u << cpu);
	atomic_fetch_add(&ncpus, 1);
}

/* Nothing waits here: announce it, then look around once more. */
static void
idle_once(struct run_queue *q, unsigned cpu)
{
	struct thread *stolen;

	atomic_fetch_or(&idle_cpus, 1u << cpu);
	stolen = __atomic_load_n(&q->waiting, __ATOMIC_SEQ_CST) == 0 ?
	    steal() : NULL;
	if (stolen != NULL) {
		queue_lock(q);
		queue_append(q, stolen);
		queue_unlock(q);
	}
	if (__atomic_load_n(&q->waiting, __ATOMIC_SEQ_CST) == 0) {
		irq_on_and_halt();
		irq_off();
		return;
	}
	atomic_fetch_and(&idle_cpus, ~(1u << cpu));
	queue_lock(q);
	schedule(q);
}

void
sched_idle(void)
{
	unsigned cpu = cpu_number();

	for (;;)
		idle_once(&queues[cpu], cpu);
}

/* ---- counts ---- */

unsigned
cpu_count(void)
{
	return atomic_load_explicit(&ncpus, memory_order_relaxed);
}

unsigned
sched_runnable(void)
{
	unsigned n = 0;

	for (unsigned c = 0; c < cpu_count(); c++)
		n += load_of(c);
	return n;
}

uint64_t
thread_cpu_ns(struct thread *t)
{
	uintptr_t irq = tome_host_irq_save();
	struct run_queue *q = lock_queue_of(t);
	uint64_t ns = t->ran + (t->running ? clock_ns() - t->since : 0);

	queue_unlock(q);
	tome_host_irq_restore(irq);
	return ns;
}

uint64_t
cpu_idle_ns(unsigned cpu)
{
	return thread_cpu_ns(queues[cpu].idle);
}
