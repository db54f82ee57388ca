/*
 * io.h - waiting for transfers.
 *
 * Whoever needs something that a transfer will bring looks at it under its lock,
 * takes the number of its bucket (tome_io_seen) while he still holds that lock,
 * unlocks and waits for the number to change. Whoever changes such a thing calls
 * tome_io_progress() after he has unlocked it. Buckets are few and shared: a waiter
 * that wakes looks again.
 *
 * Completion (tome_io_done) pushes on one lock-free list, from any context; what
 * waits runs the list (models: pagein.pml, the worker).
 */
#ifndef TOME_BASE_IO_H
#define TOME_BASE_IO_H

#include <tome/io.h>
#include <base/vm_i.h>

static inline unsigned
tome_io_bucket(const void *what)
{
	return (unsigned)((uintptr_t)what >> 5 ^ (uintptr_t)what >> 11) &
	    (TOME_IO_BUCKETS - 1);
}

static inline uint32_t
tome_io_seen(struct tome_vm *vm, unsigned bucket)
{
	return tome_rd(&vm->io.bucket[bucket]);
}

/* Any context. */
void tome_io_progress(struct tome_vm *, unsigned bucket);
/*
 * Until the bucket's number is no longer `seen`, or clock_ns() is at the deadline;
 * finishes what is done meanwhile. May return early. Threads, nothing locked.
 */
void tome_io_wait(struct tome_vm *, unsigned bucket, uint32_t seen,
    uint64_t deadline);

#endif
