/*
 * radix.h - the walk that most architectures share: from a root down through
 * tables of entries, each none, a table, or a translation.
 *
 * A format says where a walk begins and what an entry means (struct radix), both
 * by its manual and not by the port; radix.c walks, caches, and sets the bits that
 * the hardware sets.
 */
#ifndef HOSTED_RADIX_H
#define HOSTED_RADIX_H

#include "hosted_i.h"

enum radix_kind {
	RADIX_NONE, RADIX_TABLE, RADIX_LEAF, RADIX_BAD,
};

/* What an entry means. */
struct radix_entry {
	enum radix_kind kind;
	const char *why;	/* of BAD */
	tome_pa_t pa;
	uint8_t rights;		/* a table's restrict all below it */
	uint8_t type;
	uint8_t shift;		/* of a leaf larger than its entry; else 0 */
	uint8_t run;		/* log2 of the entries alike that a TLB may take for
				 * one; 0: it is alone */
	bool global, accessed, dirty;
};

/* A level of tables: what an entry covers, how many there are. */
struct radix_level {
	uint8_t shift, bits;
};

/* A walk on its way. */
struct radix_trip {
	struct hosted_cpu *c;
	tome_va_t va;
	unsigned how;			/* HOSTED_WALK_ */
	const struct radix_level *level;
	tome_pa_t table;
	uint32_t asid;
	bool global;			/* upper entries are of no ASID */
	uint8_t rights;
	struct radix_entry entry;	/* the last one read */
	uint64_t raw[HOSTED_LEVELS];
	tome_pa_t at[HOSTED_LEVELS];
	struct radix_entry seen[HOSTED_LEVELS];
	unsigned n;
};

struct radix {
	unsigned entry_bytes;		/* 4 or 8 */
	/*
	 * Where a walk for t->va begins: table, level (the root's; the deepest has
	 * its own shift lowest), asid, global. FOUND, or why not.
	 */
	enum hosted_walk (*begin)(struct radix_trip *t);
	/* t->level is the entry's own. */
	void (*decode)(const struct radix_trip *t, uint64_t raw,
	    struct radix_entry *);
	/* The entry as the hardware marks it when it is used. */
	uint64_t (*marked)(const struct radix_trip *t, uint64_t raw,
	    const struct radix_entry *, bool write, bool late);
	/* As marked, for a leaf of old. */
	uint64_t accessed;
	/* Any address of the half to look into, by the dice; and one that was
	 * put together from indexes, as the CPU would have it. */
	tome_va_t (*anywhere)(struct hosted_cpu *);
	tome_va_t (*canonical)(struct hosted_cpu *, tome_va_t);
};
/* The format's own. */
extern const struct radix hosted_radix;

/* For struct hosted_mmu. */
enum hosted_walk hosted_radix_walk(struct hosted_cpu *, tome_va_t, unsigned how,
    struct hosted_leaf *);
void hosted_radix_settle(struct hosted_cpu *, const struct hosted_leaf *);
bool hosted_radix_upper(struct hosted_cpu *, const struct hosted_upper *,
    struct hosted_upper *now);
bool hosted_radix_pick(struct hosted_cpu *, tome_va_t *);

static inline uint64_t
radix_reg(struct hosted_cpu *c, unsigned i)
{
	return atomic_load(hosted_reg(c, i));
}

static inline bool
radix_is(struct hosted_cpu *c, unsigned what)
{
	return (hosted_cpu_kind(c) & what) != 0;
}

#endif
