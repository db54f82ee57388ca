/*
 * tome/lock.h - the sleeping lock, for what an embedder builds on layers 1-5.
 *
 * It waits through the host's hooks, serves what the core defers when it is
 * released, and checks in debug builds that no lock of the core's is held. Threads
 * only, interrupts and preemption on. Taken before any call into the core and held
 * across calls; the order of several is their owner's business.
 */
#ifndef TOME_LOCK_H
#define TOME_LOCK_H

#include <tome/vm.h>

/* All zero: free. */
struct tome_mutex {
	_Atomic uint32_t word;
};

void tome_lock(struct tome_vm *, struct tome_mutex *);
/* Never waits; false: somebody has it. */
bool tome_try_lock(struct tome_vm *, struct tome_mutex *) TOME_NODISCARD;
void tome_unlock(struct tome_vm *, struct tome_mutex *);

#endif
