/*
 * lock.h - ranked locks in two classes (docs/locking.md).
 *
 * Flush-side locks (map .. page table) are held across flush rounds: taken with
 * interrupts on, never from an interrupt, and spinning on one serves flush
 * requests (tome_host_relax). They turn preemption off.
 * Leaf-side locks (pv .. zone) may be taken from interrupts: they turn
 * interrupts off, and no flush round runs under one.
 * Both kinds are one bit of a 32-bit word that may hold other state in its
 * other bits, so that a descriptor needs no separate lock word.
 *
 * Debug builds keep a stack of held ranks per CPU and panic when a lock is
 * taken out of order, in the wrong class, or from the wrong context.
 */
#ifndef TOME_BASE_LOCK_H
#define TOME_BASE_LOCK_H

#include <base/atomic.h>
#include <base/check.h>
#include <tome/lock.h>

/* Downward order: a thread takes a lock only of a higher rank than it holds,
 * or of an equal rank where the comment says so. */
enum tome_rank {
	TOME_RANK_POSIX,	/* sleepable; layer 7, across calls to layer 5 */
	TOME_RANK_MAP,		/* sleepable; two maps: by address */
	TOME_RANK_ENTRY,	/* odd sequence number */
	TOME_RANK_CHUNK,	/* a map's own chunk; two: old, then its clone */
	TOME_RANK_ANON,
	TOME_RANK_OBJECT,	/* an object's lock, and its amap's chunks */
	TOME_RANK_OBJECT_ANON,	/* and a file's page */
	TOME_RANK_BUSY,		/* a file's tree of pages */
	TOME_RANK_TABLE,	/* page table; two: lower address first */
	TOME_RANK_FLUSH_LAST = TOME_RANK_TABLE,
	TOME_RANK_ASID,
	TOME_RANK_PV,		/* one bit of the page */
	TOME_RANK_PVPOOL,
	TOME_RANK_QUEUE,
	TOME_RANK_TIER,		/* a shard of the compressed tier */
	TOME_RANK_ARENA,
	TOME_RANK_SLAB,
	TOME_RANK_EPOCH,
	TOME_RANK_ZONE,
	TOME_RANKS,
};

/*
 * What the functions below call; a lock that is no bit (an odd sequence number)
 * calls them itself, preemption off. `trying`: taken without waiting, or born
 * locked, so any order is good.
 */
#ifdef TOME_DEBUG
void tome_rank_acquire(struct tome_vm *, enum tome_rank, const void *lock,
    bool trying);
void tome_rank_release(struct tome_vm *, enum tome_rank, const void *lock);
/* Panics if this CPU holds a lock of rank `from` or higher: before sleeping
 * (TOME_RANK_MAP), before a flush round (TOME_RANK_ASID). */
void tome_rank_none(struct tome_vm *, enum tome_rank from);
/* Between the two a flush-side lock is a mistake: interrupts. */
void tome_rank_interrupt(struct tome_vm *, bool enter);
/* Panics outside a section of the epoch. */
void tome_rank_section(struct tome_vm *);
#else
static inline void
tome_rank_acquire(struct tome_vm *vm, enum tome_rank r, const void *lock,
    bool trying)
{
	(void)vm, (void)r, (void)lock, (void)trying;
}
static inline void
tome_rank_release(struct tome_vm *vm, enum tome_rank r, const void *lock)
{
	(void)vm, (void)r, (void)lock;
}
static inline void
tome_rank_none(struct tome_vm *vm, enum tome_rank from)
{
	(void)vm, (void)from;
}
static inline void
tome_rank_interrupt(struct tome_vm *vm, bool enter)
{
	(void)vm, (void)enter;
}
static inline void
tome_rank_section(struct tome_vm *vm)
{
	(void)vm;
}
#endif

/* The contended path; spins until the bit was clear and is now ours. */
void tome_bit_spin(_Atomic uint32_t *word, uint32_t bit);

static inline bool
tome_bit_try_raw(_Atomic uint32_t *word, uint32_t bit)
{
	return !(__atomic_fetch_or((uint32_t *)word, bit, __ATOMIC_ACQUIRE) &
	    bit);
}

/* ---- flush side ---- */

static inline void
tome_bit_lock(struct tome_vm *vm, _Atomic uint32_t *word, uint32_t bit,
    enum tome_rank rank)
{
	tome_host_preempt_off();
	tome_rank_acquire(vm, rank, word, false);
	tome_host_point();
	if (tome_unlikely(!tome_bit_try_raw(word, bit)))
		tome_bit_spin(word, bit);
}

static inline bool
tome_bit_trylock(struct tome_vm *vm, _Atomic uint32_t *word, uint32_t bit,
    enum tome_rank rank)
{
	tome_host_preempt_off();
	tome_host_point();
	if (!tome_bit_try_raw(word, bit)) {
		tome_host_preempt_on();
		return false;
	}
	tome_rank_acquire(vm, rank, word, true);
	return true;
}

static inline void
tome_bit_unlock(struct tome_vm *vm, _Atomic uint32_t *word, uint32_t bit,
    enum tome_rank rank)
{
	tome_host_point();
	__atomic_fetch_and((uint32_t *)word, ~bit, __ATOMIC_RELEASE);
	tome_rank_release(vm, rank, word);
	tome_host_preempt_on();
}

/*
 * The same by who is inside a section of the epoch, and stays there: preemption is off
 * already, and is not counted again. What one of a pair does, the other must.
 */
static inline void
tome_bit_lock_in(struct tome_vm *vm, _Atomic uint32_t *word, uint32_t bit,
    enum tome_rank rank)
{
	tome_rank_section(vm);
	tome_rank_acquire(vm, rank, word, false);
	tome_host_point();
	if (tome_unlikely(!tome_bit_try_raw(word, bit)))
		tome_bit_spin(word, bit);
}

static inline void
tome_bit_unlock_in(struct tome_vm *vm, _Atomic uint32_t *word, uint32_t bit,
    enum tome_rank rank)
{
	tome_rank_section(vm);
	tome_host_point();
	__atomic_fetch_and((uint32_t *)word, ~bit, __ATOMIC_RELEASE);
	tome_rank_release(vm, rank, word);
}

/* A descriptor nobody else can see yet is born locked. */
static inline void
tome_bit_born_locked(struct tome_vm *vm, _Atomic uint32_t *word, uint32_t bit,
    enum tome_rank rank)
{
	tome_host_preempt_off();
	tome_rank_acquire(vm, rank, word, true);
	__atomic_fetch_or((uint32_t *)word, bit, __ATOMIC_RELAXED);
}

/* ---- leaf side ---- */

static inline uintptr_t
tome_bit_lock_irq(struct tome_vm *vm, _Atomic uint32_t *word, uint32_t bit,
    enum tome_rank rank)
{
	uintptr_t irq = tome_host_irq_save();

	tome_rank_acquire(vm, rank, word, false);
	if (tome_unlikely(!tome_bit_try_raw(word, bit)))
		tome_bit_spin(word, bit);
	return irq;
}

static inline void
tome_bit_unlock_irq(struct tome_vm *vm, _Atomic uint32_t *word, uint32_t bit,
    enum tome_rank rank, uintptr_t irq)
{
	__atomic_fetch_and((uint32_t *)word, ~bit, __ATOMIC_RELEASE);
	tome_rank_release(vm, rank, word);
	tome_host_irq_restore(irq);
}

/* A whole leaf-side lock, where there is no word to share. */
struct tome_spin {
	_Atomic uint32_t word;
};

static inline uintptr_t
tome_spin_lock(struct tome_vm *vm, struct tome_spin *s, enum tome_rank rank)
{
	return tome_bit_lock_irq(vm, &s->word, 1, rank);
}

static inline void
tome_spin_unlock(struct tome_vm *vm, struct tome_spin *s, enum tome_rank rank,
    uintptr_t irq)
{
	tome_bit_unlock_irq(vm, &s->word, 1, rank, irq);
}

/*
 * A sleeping lock: the map's, and <tome/lock.h>'s. Word: 0 free, 1 held, 2 held with sleepers.
 * Only threads take it, with nothing else held but lower-ranked sleeping locks.
 * It belongs to the thread, which may move while it holds it: so it is on no
 * CPU's stack of ranks, and what is checked is that no spinning lock is held.
 */
void tome_mutex_lock(struct tome_vm *, struct tome_mutex *, enum tome_rank);
void tome_mutex_unlock(struct tome_vm *, struct tome_mutex *, enum tome_rank);

#endif
