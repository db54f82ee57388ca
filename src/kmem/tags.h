/*
 * tags.h - boundary tags: one per segment of an arena, and one per span.
 *
 * Segments and span markers lie on one list in address order; a span's segments
 * follow its marker. Free segments lie on power-of-two lists by size, allocated
 * ones in a hash by base, markers on the list of spans.
 *
 * The lowest segment of a span keeps the tag the span was born with: a split
 * leaves it the lower part, a merge drops the upper tag. So an arena that
 * empties holds the very tags it began with, and the others' slabs can go.
 *
 * Everything here is called with the arena locked (but tags are taken from and
 * given to their cache with it free: the reserve).
 */
#ifndef TOME_KMEM_TAGS_H
#define TOME_KMEM_TAGS_H

#include <kmem/kmem_i.h>

enum tome_tag_kind { TOME_TAG_SPAN, TOME_TAG_FREE, TOME_TAG_ALLOCATED };

struct tome_tag {
	tome_span_t base, size;
	struct tome_tag *next, *prev;	/* by address; NULL at the ends */
	struct tome_tag *after;		/* on its list, chain, spans, reserve */
	union {
		struct tome_tag *before;	/* free */
		uint64_t note;			/* allocated */
	};
	uint8_t kind;
	bool imported;			/* span: from the source */
	bool cached;			/* allocated, lies in a quantum cache
					 * (debug builds) */
};

#define TOME_ARENA_LISTS 64
#define TOME_ARENA_QUANTA 16u		/* largest quantum cache */
#define TOME_ARENA_SMALL_BITS 4u	/* the hash that is built in */

struct tome_arena {
	struct tome_vm *vm;
	struct tome_arena_config config;
	unsigned shift;			/* log2 of the quantum */
	unsigned ncached;		/* quantum caches: 1..ncached quanta */
	struct tome_magazines *quantum[TOME_ARENA_QUANTA];
	struct tome_listed listed;

	struct tome_spin lock;		/* rank ARENA; for all that follows */
	struct tome_tag *first, *last, *spans;
	struct tome_tag *free[TOME_ARENA_LISTS];
	uint64_t nonempty;		/* bit i: free[i] has one */
	struct tome_tag **hash;
	unsigned hash_bits;
	struct tome_tag *small[1u << TOME_ARENA_SMALL_BITS];
	struct tome_tag *reserve;
	uint32_t nreserve;
	uint32_t nallocated, nfree, nspans;
	tome_span_t total, used, rotor;
};

static inline tome_span_t
tome_tag_last(const struct tome_tag *t)
{
	return t->base + (t->size - 1);
}

/* Position of the highest bit set; n > 0. */
unsigned tome_log2(uint64_t n);

/* ---- the reserve ---- */

struct tome_tag *tome_tag_take(struct tome_arena *);	/* it has one */
void tome_tag_give(struct tome_arena *, struct tome_tag *);

/* ---- segments ---- */

/* Of the free list for segments of `size`. */
unsigned tome_tags_list(const struct tome_arena *, tome_span_t size);
/* A new span, all free; takes two tags. False: it overlaps one. */
bool tome_tags_add_span(struct tome_arena *, tome_span_t base,
    tome_span_t size, bool imported);
/* Remove a wholly free span, named by its marker, and give its tags. */
void tome_tags_remove_span(struct tome_arena *, struct tome_tag *span);
/* Allocate [at, at+size) of a free segment; takes up to two tags. */
void tome_tags_carve(struct tome_arena *, struct tome_tag *, tome_span_t at,
    tome_span_t size);
/* Free an allocated segment, merging; the free segment that results. */
struct tome_tag *tome_tags_release(struct tome_arena *, struct tome_tag *);
/* The allocated segment that starts at base, or NULL. */
struct tome_tag *tome_tags_find(struct tome_arena *, tome_span_t base);
/* Move to another table of 2^bits chains, all empty; the old one. */
struct tome_tag **tome_tags_rehash(struct tome_arena *,
    struct tome_tag **table, unsigned bits);
const char *tome_tags_check(struct tome_arena *);

#endif
