/*
 * reverse.h - a walk over all translations of a page, for what layer 2 does on its
 * way (reverse.c).
 */
#ifndef TOME_PMAP_REVERSE_H
#define TOME_PMAP_REVERSE_H

#include <pmap/slot.h>

/* Begins with all that is not said 0. */
struct tome_reverse {
	struct tome_vm *vm;
	tome_pfn_t pfn;
	/* Acts on slot i of a locked leaf; true: the entry must be flushed. */
	bool (*act)(struct tome_reverse *, struct tome_leaf *, size_t i);
	struct tome_pmap *hit;		/* what was changed last, or NULL */
	tome_va_t va;
	struct tome_pmap *pmap;		/* what is yet to be flushed; NULL: nothing */
	tome_va_t start, end;
	uint16_t want;			/* TOME_LEAF_ flags asked for, */
	uint16_t found;			/* and seen */
	tome_prot_t prot;
};

/* Of n pages, one after the other; what must be flushed is, at the end. */
void tome_reverse_walk(struct tome_reverse *, const tome_pfn_t *, unsigned n);

#endif
