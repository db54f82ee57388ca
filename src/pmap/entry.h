/*
 * entry.h - an entry of a page table as one word of the CPU's: four of the functions
 * of <tome/port.h>, for every port whose CPU reads and writes such a word at once.
 */
#ifndef TOME_PMAP_ENTRY_H
#define TOME_PMAP_ENTRY_H

#include <tome/types.h>

static inline tome_pte_t
tome_insn_pte_load(const tome_pte_t *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

/* Of an entry no CPU can reach. */
static inline void
tome_insn_pte_store(tome_pte_t *p, tome_pte_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline tome_pte_t
tome_insn_pte_xchg(tome_pte_t *p, tome_pte_t v)
{
	return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}

/* False: *seen is what was there. */
static inline bool
tome_insn_pte_cas(tome_pte_t *p, tome_pte_t *seen, tome_pte_t v)
{
	return __atomic_compare_exchange_n(p, seen, v, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST);
}

#endif
