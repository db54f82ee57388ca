/*
 * run.h - runs: aligned groups of leaves of pages, of consecutive frames, that a TLB
 * may hold as one entry (AArch64's contiguous hint, RISC-V's Svnapot).
 *
 * Invariant: a run is whole, and its leaves have equal rights and type; the hardware
 *   may take any of them for all.		[checked: tome_runs_check()]
 * So what changes a part of one undoes it first, through invalid and a flush; what
 * changes all of it changes leaf by leaf, and is flushed as ever. Only the kernel's
 * pmap has runs: tome_pmap_enter_range() makes them. There accessed and modified are
 * always set, so that a run has no bits to gather.
 * Locks: the leaf's.
 */
#ifndef TOME_PMAP_RUN_H
#define TOME_PMAP_RUN_H

#include <pmap/slot.h>

#ifndef TOME_PORT_RUN_BITS
#define TOME_PORT_RUN_BITS 0
#define TOME_PORT_RUN ((tome_pte_t)0)
#define tome_pte_run(m, pte) ((void)(m), (pte))
#endif

/* Its leaves are made anew, without a look at what is kept beside them. */
_Static_assert(TOME_PORT_RUN_BITS == 0 || !TOME_SIDE, "runs, no side array");

#define TOME_RUN_LEAVES ((size_t)1 << TOME_PORT_RUN_BITS)
#define TOME_RUN_SPAN (TOME_PAGE_SIZE << TOME_PORT_RUN_BITS)

/* An entry of level 0: is it one of a run? */
static inline bool
tome_pte_is_run(tome_pte_t pte)
{
	return TOME_PORT_RUN_BITS != 0 && (pte & TOME_PORT_RUN) != 0;
}

/* Where the run's frames begin. */
static inline tome_pa_t
tome_run_pa(tome_pte_t pte)
{
	return tome_pte_pa(0, pte) & ~(tome_pa_t)(TOME_RUN_SPAN - 1);
}

/* The leaves of one run; false: something is there already, nothing was done. */
bool tome_run_make(struct tome_leaf *, tome_va_t, tome_pa_t, tome_prot_t,
    enum tome_memtype);
/* Of the run with slot i: single leaves. Flushes. */
void tome_run_undo(struct tome_leaf *, size_t i);
/* Undo what [start, end) has a part of. */
void tome_run_edges(struct tome_leaf *, tome_va_t start, tome_va_t end);
/* The kernel's; NULL, or a sentence. */
const char *tome_runs_check(struct tome_pmap *);

#endif
