/*
 * sync.h - spinlocks, sleeping on a word, mutexes, sleep queues.
 *
 * A spinlock is never held across a call into Tome that may flush or sleep (all
 * of <tome/map.h>, kunmap): the CPU that waits for a flush round would wait for
 * one that spins. kmalloc, caches and frames are fine.
 */
#ifndef KERNEL_SYNC_H
#define KERNEL_SYNC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <tome/host.h>
#include <tome_host_inline.h>

struct spinlock {
	_Atomic uint32_t held;
};

void spin_contended(struct spinlock *);

/* For data that no interrupt handler touches. Preemption is off between. */
static inline void
spin_lock(struct spinlock *l)
{
	tome_host_preempt_off();
	if (__builtin_expect(atomic_exchange_explicit(&l->held, 1,
	    memory_order_acquire), 0))
		spin_contended(l);
}

static inline void
spin_unlock(struct spinlock *l)
{
	atomic_store_explicit(&l->held, 0, memory_order_release);
	tome_host_preempt_on();
}

/* For data that an interrupt handler touches too. Interrupts are off between. */
static inline uintptr_t
spin_lock_irq(struct spinlock *l)
{
	uintptr_t irq = tome_host_irq_save();

	if (__builtin_expect(atomic_exchange_explicit(&l->held, 1,
	    memory_order_acquire), 0))
		spin_contended(l);
	return irq;
}

static inline void
spin_unlock_irq(struct spinlock *l, uintptr_t irq)
{
	atomic_store_explicit(&l->held, 0, memory_order_release);
	tome_host_irq_restore(irq);
}

/* Why a sleep ended. */
enum wake_reason {
	WAKE_EVENT,		/* the word changed, or a wake came */
	WAKE_TIMEOUT,		/* the deadline passed */
	WAKE_INTERRUPTED,	/* interruptible, and thread_interrupt() came */
};

/*
 * Sleep until *word != seen, a wake on it, or clock_ns() >= deadline
 * (TOME_FOREVER: none). Returns at once if *word != seen; may return WAKE_EVENT
 * early; callers loop. Threads, interrupts and preemption on.
 */
enum wake_reason word_wait(_Atomic uint32_t *word, uint32_t seen,
    uint64_t deadline, bool interruptible);
/* Wake up to n threads waiting on word; returns how many. Any context. */
unsigned word_wake(_Atomic uint32_t *word, unsigned n);

/* A sleeping lock. All zero is free. Word: 0 free, 1 held, 2 with sleepers. */
struct mutex {
	_Atomic uint32_t word;
};
void mutex_lock(struct mutex *);
bool mutex_trylock(struct mutex *);
void mutex_unlock(struct mutex *);

/*
 * A queue of threads that sleep for one event source, for those who wait on
 * several sources at once or for a condition under a lock. The pattern:
 *
 *	struct sleeper s;
 *	sleep_enter(&q, &s);
 *	while (!condition && why == WAKE_EVENT)
 *		why = sleep_wait(deadline, interruptible);
 *	sleep_leave(&q, &s);
 *
 * Whoever makes the condition true then calls sleep_wake(). A wake between the
 * test and the wait is not lost: sleep_wait() returns at once if a wake on any
 * queue this thread has entered came since it last returned (or since the
 * first sleep_enter()).
 */
struct sleep_queue {		/* all zero is empty */
	struct spinlock lock;
	struct sleeper *first, *last;
};

struct sleeper {
	struct thread *thread;
	const void *key;	/* for queues shared by many sources */
	struct sleeper *next, *prev;
	bool queued;
};

void sleep_enter(struct sleep_queue *, struct sleeper *);
void sleep_leave(struct sleep_queue *, struct sleeper *);
enum wake_reason sleep_wait(uint64_t deadline, bool interruptible);
/* Wake every thread in the queue. They stay in it until they leave. Any context. */
void sleep_wake(struct sleep_queue *);

#endif
