/*
 * sync.c - sleep queues, sleeping on a word, mutexes.
 *
 * A word's sleepers are found by hashing its address to one of a fixed number
 * of sleep queues. To sleep: enter the queue, full barrier, read the word. To
 * wake: (the word was changed,) full barrier, look at the queue. One of the two
 * sees the other.
 */
#include <sched_i.h>
#include <machine.h>

#define BUCKET_BITS 8

static struct sleep_queue buckets[1u << BUCKET_BITS];

void
spin_contended(struct spinlock *l)
{
	do {
		while (atomic_load_explicit(&l->held, memory_order_relaxed))
			tome_host_relax();
	} while (atomic_exchange_explicit(&l->held, 1, memory_order_acquire));
}

/* ---- sleep queues ---- */

static void
append(struct sleep_queue *q, struct sleeper *s)
{
	s->next = NULL;
	s->prev = q->last;
	if (q->last != NULL)
		q->last->next = s;
	else
		q->first = s;
	q->last = s;
	s->queued = true;
}

static void
detach(struct sleep_queue *q, struct sleeper *s)
{
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		q->first = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	else
		q->last = s->prev;
	s->queued = false;
}

void
sleep_enter(struct sleep_queue *q, struct sleeper *s)
{
	uintptr_t irq;

	s->thread = current();
	atomic_store(&s->thread->woken, false);
	irq = spin_lock_irq(&q->lock);
	append(q, s);
	spin_unlock_irq(&q->lock, irq);
}

/* True: it was still in the queue. */
static bool
leave(struct sleep_queue *q, struct sleeper *s)
{
	uintptr_t irq = spin_lock_irq(&q->lock);
	bool queued = s->queued;

	if (queued)
		detach(q, s);
	spin_unlock_irq(&q->lock, irq);
	return queued;
}

void
sleep_leave(struct sleep_queue *q, struct sleeper *s)
{
	leave(q, s);
}

void
sleep_wake(struct sleep_queue *q)
{
	uintptr_t irq = spin_lock_irq(&q->lock);

	for (struct sleeper *s = q->first; s != NULL; s = s->next)
		sched_wake(s->thread);
	spin_unlock_irq(&q->lock, irq);
}

/* ---- words ---- */

static struct sleep_queue *
bucket_of(const void *word)
{
	uint64_t hash = (uint64_t)(uintptr_t)word * 0x9e3779b97f4a7c15u;

	return &buckets[hash >> (64 - BUCKET_BITS)];
}

enum wake_reason
word_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t deadline,
    bool interruptible)
{
	struct sleep_queue *q = bucket_of(word);
	struct sleeper s = { .key = word };
	enum wake_reason why = WAKE_EVENT;

	sleep_enter(q, &s);
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(word) == seen)
		why = sleep_wait(deadline, interruptible);
	/* A wake that chose us must not be lost to a late timeout. */
	if (!leave(q, &s))
		why = WAKE_EVENT;
	return why;
}

unsigned
word_wake(_Atomic uint32_t *word, unsigned n)
{
	struct sleep_queue *q = bucket_of(word);
	struct sleeper *s, *next;
	unsigned woken = 0;
	uintptr_t irq;

	atomic_thread_fence(memory_order_seq_cst);
	if (__atomic_load_n(&q->first, __ATOMIC_RELAXED) == NULL)
		return 0;
	irq = spin_lock_irq(&q->lock);
	for (s = q->first; s != NULL && woken < n; s = next) {
		next = s->next;
		if (s->key != word)
			continue;
		detach(q, s);
		sched_wake(s->thread);
		woken++;
	}
	spin_unlock_irq(&q->lock, irq);
	return woken;
}

/* ---- mutexes: word 0 free, 1 held, 2 held and somebody sleeps ---- */

bool
mutex_trylock(struct mutex *m)
{
	uint32_t free = 0;

	return atomic_compare_exchange_strong(&m->word, &free, 1);
}

void
mutex_lock(struct mutex *m)
{
	if (mutex_trylock(m))
		return;
	while (atomic_exchange(&m->word, 2) != 0)
		word_wait(&m->word, 2, TOME_FOREVER, false);
}

void
mutex_unlock(struct mutex *m)
{
	if (atomic_exchange(&m->word, 0) == 2)
		word_wake(&m->word, 1);
}
