/*
 * far.h - for tests of packs: marked pages, and what is left of them.
 */
#ifndef TEST_PAGING_FAR_H
#define TEST_PAGING_FAR_H

#include <object/far.h>

#include "rig.h"

#define ALL 1536u			/* 48 chunks: a whole pack, and half of one */
#define PACKS 2u

static inline uint8_t
mark(unsigned pg)
{
	return (uint8_t)(pg * 31 + pg / 256) | 1;
}

static inline struct tome_paging_stats
stats(struct rig *r)
{
	struct tome_paging_stats s;

	tome_paging_stats(r->vm, &s);
	return s;
}

static inline uint64_t
chunks(struct rig *r)
{
	struct tome_stats s;

	tome_vm_quiesce(r->vm, true);
	tome_vm_stats(r->vm, &s);
	return s.chunks;
}

static inline uint64_t
used(struct rig *r)
{
	return rig_swap(r, 0).used;
}

/* When what ended on disk is freed. */
static inline uint64_t
used_after(struct rig *r)
{
	for (unsigned i = 0; i < 4; i++) {
		rig_check(r);
		(void)tome_desk_bury(r->vm->paging, true);
	}
	rig_check(r);
	return used(r);
}

#endif
