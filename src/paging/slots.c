/*
 * slots.c - which slots of swap areas are taken.
 *
 * Next fit: a run begins where the last one ended, or else at the next word of the
 * map that is wholly free, so that neighbours in time are neighbours on the device;
 * only when there is none any free slot will do.
 *
 * Invariants: room is the number of free slots of areas that are not closing; n.used
 *   is the number of bits set that are not retired; what was allocated is used, or has
 *   ended in one of the ways counted.
 * Locks: layer 6's.
 */
#include <paging/paging_i.h>

#define WORD TOME_SLOT_WORD

static bool
is_taken(const struct tome_swap_area *a, uint64_t i)
{
	return a->taken[i / WORD] >> i % WORD & 1;
}

/* The first slot of a wholly free word, going round from the hint; or any free slot.
 * There is one. */
static uint64_t
run_begin(const struct tome_swap_area *a)
{
	uint64_t words = (a->slots + WORD - 1) / WORD, w = a->hint / WORD;
	uint64_t any = UINT64_MAX;

	if (a->hint < a->slots && !is_taken(a, a->hint))
		return a->hint;
	for (uint64_t i = 0; i < words; i++) {
		if (++w >= words)
			w = 0;
		if (a->taken[w] == 0)
			return w * WORD;
		if (any >= a->slots && ~a->taken[w] != 0)
			any = w * WORD +	/* beyond the end: no slot */
			    (unsigned)__builtin_ctzl(~a->taken[w]);
	}
	return any;
}

static uint32_t
area_take(struct tome_paging *p, struct tome_swap_area *a, unsigned *n)
{
	uint64_t first = run_begin(a), i = first;
	unsigned most = *n;

	if (a->careful > 0) {
		a->careful--;
		most = 1;
	}
	if (most > a->device.max_pages)
		most = a->device.max_pages;
	for (; i < a->slots && i - first < most && !is_taken(a, i); i++)
		a->taken[i / WORD] |= 1ul << i % WORD;
	*n = (unsigned)(i - first);
	a->hint = i;
	tome_wr_relaxed(&a->n.used, a->n.used + *n);
	a->n.allocated += *n;
	tome_wr_relaxed(&p->room, p->room - *n);
	return (uint32_t)((a->id + 1) << TOME_SLOT_BITS | first);
}

/* Areas of equal priority take turns: the one used goes behind them. */
static void
area_turn(struct tome_paging *p, struct tome_swap_area *a)
{
	struct tome_swap_area **at = &p->areas;

	while (*at != a)
		at = &(*at)->next;
	if (a->next == NULL || a->next->priority != a->priority)
		return;
	*at = a->next;
	while (*at != NULL && (*at)->priority == a->priority)
		at = &(*at)->next;
	a->next = *at;
	*at = a;
}

uint32_t
tome_slots_take(struct tome_paging *p, unsigned *n)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	struct tome_swap_area *a = p->areas;
	uint32_t slot = 0;

	while (a != NULL && (a->closing || a->silent ||
	    tome_area_free(a) == 0))
		a = a->next;
	if (a != NULL) {
		slot = area_take(p, a, n);
		area_turn(p, a);
	}
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	return slot;
}

struct tome_swap_area *
tome_slot_area(struct tome_paging *p, uint32_t slot)
{
	return p->area[(slot >> TOME_SLOT_BITS) - 1];
}

void
tome_slot_ends(struct tome_paging *p, uint32_t slot, enum tome_slot_end why)
{
	struct tome_swap_area *a = tome_slot_area(p, slot);
	uint32_t i = slot & TOME_SLOT_MASK;
	uint64_t *ends[] = {
		[TOME_SLOT_SUPERSEDED] = &a->n.superseded,
		[TOME_SLOT_DROPPED] = &a->n.dropped,
		[TOME_SLOT_UNWRITTEN] = &a->n.unwritten,
		[TOME_SLOT_HOME] = &a->n.home,
		[TOME_SLOT_RETIRED] = &a->n.retired,
	};

	TOME_CHECK(p->vm, is_taken(a, i));
	if (why != TOME_SLOT_RETIRED && !a->closing)
		tome_wr_relaxed(&p->room, p->room + 1);
	if (why != TOME_SLOT_RETIRED)
		a->taken[i / WORD] &= ~(1ul << i % WORD);
	tome_wr_relaxed(&a->n.used, a->n.used - 1);
	++*ends[why];
}

static tome_noinline void
slot_end(struct tome_paging *p, uint32_t slot, enum tome_slot_end why)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);

	if (!tome_behind_defers(p, slot, why))
		tome_slot_ends(p, slot, why);
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
}

void
tome_slot_free(struct tome_paging *p, uint32_t slot, enum tome_slot_end why)
{
	tome_compress_drop(p, slot);
	slot_end(p, slot, why);
}

void
tome_slots_careful(struct tome_paging *p, struct tome_swap_area *a)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);

	a->careful = 2 * TOME_SWAP_MAX;
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
}

bool
tome_slots_scarce(struct tome_paging *p)
{
	return tome_rd_relaxed(&p->room) < tome_rd_relaxed(&p->slots) / 2;
}

/*
 * The map's own bits are the scratch space: an owner that is seen clears his, and sets
 * it again at the end. In between those are left that are retired, or a transfer's.
 */
bool
tome_slots_recount(struct tome_paging *p, uint32_t slot,
    enum tome_recount what)
{
	uint64_t left = 0, others = tome_rd(&p->writing) + tome_behind_orphans(p) +
	    tome_rd(&p->vm->objects->far_orphans) + p->vm->objects->far_seen;
	uint32_t i = slot & TOME_SLOT_MASK;
	struct tome_swap_area *a;
	unsigned at;
	bool was;

	if (what != TOME_RECOUNT_VERIFY) {
		a = tome_slot_area(p, slot);
		was = is_taken(a, i);
		if (was == (what == TOME_RECOUNT_SUB))
			a->taken[i / WORD] ^= 1ul << i % WORD;
		return was == (what == TOME_RECOUNT_SUB);
	}
	for (a = p->areas; a != NULL; a = a->next) {
		left += tome_slots_taken(a);
		others += a->n.retired;
		for (at = 0; tome_pagein_orphan(a, &at) != NULL; )
			others++;
	}
	return left == others;
}

uint64_t
tome_slots_taken(const struct tome_swap_area *a)
{
	uint64_t n = 0;

	for (uint64_t w = 0; w <= a->slots / WORD; w++)
		for (unsigned long left = a->taken[w]; left != 0;
		    left &= left - 1)
			n++;
	return n;
}
