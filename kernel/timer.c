/*
 * timer.c - timers, one sorted list per CPU, and the one-shot interrupt.
 *
 * The interrupt is armed for the earliest of the list and the running thread's
 * slice, and only ever made earlier: when it comes too early it costs one
 * interrupt, which is rarer than the moves it saves. A CPU with neither has none.
 *
 * Locks: each list has one, taken with interrupts off; fire() runs without it.
 */
#include <lib.h>
#include <machine.h>
#include <sched_i.h>

struct timers {
	struct spinlock lock;
	/* Under lock. */
	struct timer *first;
	struct timer *firing;
	/* This CPU's own, interrupts off. */
	uint64_t armed;			/* TOME_FOREVER: not */
	uint64_t slice;			/* 0: none */
} __attribute__((aligned(64)));

static struct timers timers[KERNEL_MAX_CPUS];

/* `armed` starts as 0, which reads as "armed for the past": see arm(). */
static void
arm(struct timers *q, uint64_t deadline)
{
	uint64_t now;

	if (q->armed != 0 && q->armed <= deadline)
		return;
	q->armed = deadline;
	now = clock_ns();
	machine_arm(deadline > now ? deadline - now : 1);
}

static void
insert(struct timers *q, struct timer *t)
{
	struct timer **at = &q->first, *prev = NULL;

	while (*at != NULL && (*at)->deadline <= t->deadline) {
		prev = *at;
		at = &prev->next;
	}
	t->prev = prev;
	t->next = *at;
	if (t->next != NULL)
		t->next->prev = t;
	*at = t;
}

static void
unlink(struct timers *q, struct timer *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		q->first = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	atomic_store(&t->cpu, 0);
}

void
timer_start(struct timer *t, uint64_t deadline, void (*fire)(struct timer *))
{
	uintptr_t irq = tome_host_irq_save();
	struct timers *q = &timers[cpu_number()];

	t->deadline = deadline;
	t->fire = fire;
	spin_lock(&q->lock);
	atomic_store(&t->cpu, cpu_number() + 1);
	insert(q, t);
	spin_unlock(&q->lock);
	if (deadline != TOME_FOREVER)
		arm(q, deadline);
	tome_host_irq_restore(irq);
}

/* It fired, or is firing: wait for the end unless we are inside it. */
static void
wait_fired(struct timer *t)
{
	for (unsigned c = 0; c < KERNEL_MAX_CPUS; c++)
		while (c != cpu_number() &&
		    __atomic_load_n(&timers[c].firing, __ATOMIC_ACQUIRE) == t)
			tome_host_relax();
}

bool
timer_stop(struct timer *t)
{
	uint32_t owner;

	while ((owner = atomic_load(&t->cpu)) != 0) {
		struct timers *q = &timers[owner - 1];
		uintptr_t irq = spin_lock_irq(&q->lock);
		bool pending = atomic_load(&t->cpu) == owner;

		if (pending)
			unlink(q, t);
		spin_unlock_irq(&q->lock, irq);
		if (pending)
			return true;
	}
	wait_fired(t);
	return false;
}

static struct timer *
take_expired(struct timers *q, uint64_t now)
{
	struct timer *t;

	spin_lock(&q->lock);
	t = q->first;
	if (t != NULL && t->deadline <= now) {
		/* Before cpu is 0: timer_stop() must find one or the other. */
		__atomic_store_n(&q->firing, t, __ATOMIC_SEQ_CST);
		unlink(q, t);
	} else {
		t = NULL;
		__atomic_store_n(&q->firing, NULL, __ATOMIC_RELEASE);
	}
	spin_unlock(&q->lock);
	return t;
}

/* The earliest thing this CPU waits for. */
static uint64_t
next_deadline(struct timers *q)
{
	uint64_t next = q->slice != 0 ? q->slice : TOME_FOREVER;

	spin_lock(&q->lock);
	if (q->first != NULL && q->first->deadline < next)
		next = q->first->deadline;
	spin_unlock(&q->lock);
	return next;
}

void
timer_interrupt(void)
{
	struct timers *q = &timers[cpu_number()];
	uint64_t now = clock_ns(), next;
	struct timer *t;

	while ((t = take_expired(q, now)) != NULL)
		t->fire(t);
	if (q->slice != 0 && q->slice <= now) {
		q->slice = 0;
		sched_slice_over();
	}
	q->armed = TOME_FOREVER;
	next = next_deadline(q);
	if (next != TOME_FOREVER)
		arm(q, next);
}

void
timer_set_slice(uint64_t deadline)
{
	struct timers *q = &timers[cpu_number()];

	q->slice = deadline;
	if (deadline != 0)
		arm(q, deadline);
}

void
timer_start_slice(uint64_t deadline)
{
	if (timers[cpu_number()].slice == 0)
		timer_set_slice(deadline);
}
