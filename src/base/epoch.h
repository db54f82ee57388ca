/*
 * epoch.h - grace periods for lock-free readers.
 *
 * A reader enters (preemption goes off), may then follow any pointer published
 * in the structures of its instance, and leaves. Something unlinked and retired
 * is freed when every CPU has left the epoch in which it was retired.
 *
 * Mechanism: a global number; each CPU's word holds the number it saw on entry,
 * or 0 outside. The number advances from e to e+1 only when no CPU's word is
 * below e. What was retired at e is freed once the number reaches e+2. Retiring
 * is per CPU and batched: nothing waits for a grace period, but for
 * tome_epoch_wait().
 *
 * So a pointer remembered from a section entered at e is still good in another
 * section entered at the same e (per-CPU lookup hints rely on this).
 */
#ifndef TOME_BASE_EPOCH_H
#define TOME_BASE_EPOCH_H

#include <base/lock.h>

/* Lies in memory that readers no longer look at once the thing is retired. */
struct tome_retired {
	struct tome_retired *next;
	void (*free)(struct tome_vm *, struct tome_retired *);
};

/* Cache-line sized, one per CPU, inside struct tome_vm. */
struct tome_epoch_cpu {
	_Atomic uint64_t seen;		/* 0: outside. Nested sections count: */
	uint32_t depth;
	/* What this CPU retired, by epoch modulo 4, under the lock (rank EPOCH);
	 * a list's stamp is the epoch of its youngest. */
	struct tome_spin lock;
	uint32_t pending;		/* items on the lists */
	struct tome_retired *list[4];
	uint64_t stamp[4];
} __attribute__((aligned(64)));

struct tome_epoch {
	_Atomic uint64_t now __attribute__((aligned(64)));	/* starts at 2 */
};

/* Returns the number of the section. Nests on one CPU. Not in interrupts. */
static inline uint64_t tome_epoch_enter(struct tome_vm *);
static inline void tome_epoch_leave(struct tome_vm *);
/*
 * Call only with the thing unlinked from all that readers follow. Only queues:
 * inside a section or out, whatever is held. `free` runs with no spinning lock
 * held and preemption off, in no section; it may retire more, and must neither
 * sleep nor take a sleeping lock.
 */
void tome_epoch_retire(struct tome_vm *, struct tome_retired *,
    void (*free)(struct tome_vm *, struct tome_retired *));
/*
 * Run what is ripe on this CPU, advancing the number if it can be. Holding no
 * spinning lock; does nothing inside a section. Unlocking a sleeping lock calls
 * it when a batch has gathered: every operation that unlinks ends so.
 */
void tome_epoch_poll(struct tome_vm *);
#define TOME_EPOCH_BATCH 64u
/*
 * Everything on every CPU's lists, as far as readers allow; true if all. Called
 * as poll is. Legal at any time: it takes over other CPUs' lists under their
 * locks; what these retire meanwhile may be left, and then it says false.
 */
bool tome_epoch_drain(struct tome_vm *);
/* Items on all lists; exact when the other CPUs are outside the VM. */
/*
 * Until every section that is entered now has been left. Spins; threads only,
 * outside a section, nothing spinning held. For what cannot be retired because
 * others may still look at it: never on the way of munmap, exit or a fault.
 */
void tome_epoch_wait(struct tome_vm *);
uint64_t tome_epoch_pending(struct tome_vm *);

#endif
