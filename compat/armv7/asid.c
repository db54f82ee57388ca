/*
 * asid.c - numbers of address spaces, and whose turn it is.
 *
 * turn[a] counts how often number a has changed hands; a descriptor with that count
 * is its owner's. The TLBs themselves are the core's, which has numbers of its own
 * beneath: what is decided here is when a flush is asked for.
 *
 * Invariant: no two descriptors ever hold one number and one count: at its end a count
 *   stays, and nobody is believed any more.
 * Locks: none; counts are atomic.
 */
#include <asid_allocator.h>

#include "armv7.h"

#define ASIDS 255u		/* 1 to 255: 0 is the kernel's */
/* Where a count ends; tests have an end that they reach. */
#ifndef ASID_LAST_TURN
#define ASID_LAST_TURN UINT32_MAX
#endif

static _Atomic uint32_t turn[ASIDS + 1];
static _Atomic uint32_t next_asid;
bool tlb_everything_allocated;

void
armv7_asid_start(void)
{
	for (unsigned i = 0; i <= ASIDS; i++)
		atomic_store(&turn[i], 0);
	atomic_store(&next_asid, 1);
	__atomic_store_n(&tlb_everything_allocated, false, __ATOMIC_RELAXED);
}

/* Somebody else's turn, for as long as there are any. */
static uint32_t
next_turn(uint8_t asid)
{
	uint32_t now = atomic_load(&turn[asid]);

	while (now != ASID_LAST_TURN &&
	    !atomic_compare_exchange_weak(&turn[asid], &now, now + 1))
		;
	return now != ASID_LAST_TURN ? now + 1 : now;
}

struct ASIDDescriptor
asid_request_descriptor(void)
{
	uint32_t n = atomic_load(&next_asid);
	struct ASIDDescriptor d;

	while (!atomic_compare_exchange_weak(&next_asid, &n,
	    n == ASIDS ? 1 : n + 1))
		;
	if (n == ASIDS)
		__atomic_store_n(&tlb_everything_allocated, true,
		    __ATOMIC_RELAXED);
	d.asid = (uint8_t)n;
	d.cache_iteration = next_turn(d.asid);
	return d;
}

/* Of two CPUs with one descriptor, the later turn is what stays in it. */
bool
asid_check_and_update(struct ASIDDescriptor *d)
{
	uint32_t mine = __atomic_load_n(&d->cache_iteration, __ATOMIC_RELAXED);
	uint32_t now;

	if (mine == atomic_load(&turn[d->asid]) && mine != ASID_LAST_TURN)
		return false;
	now = next_turn(d->asid);
	while (mine < now && !__atomic_compare_exchange_n(&d->cache_iteration,
	    &mine, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return true;
}

void
asid_set(uint8_t asid)
{
	if (armv7_vm.hooks.running != NULL)
		armv7_vm.hooks.running(asid);
}
