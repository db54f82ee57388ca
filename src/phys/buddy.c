/*
 * buddy.c - blocks of 2^order frames, split and merged (Knuth, TAOCP 2.5).
 *
 * Invariant: a block is aligned to its size; its first frame has HEAD, its
 *   order in index and its links in next and prev; its other frames are FREE
 *   and nothing else. Two buddies are never both free.  [tome_buddy_check()]
 * Locks: everything here is under the zone's lock.
 */
#include <base/text.h>
#include <phys/phys_i.h>

static unsigned buddy_find_order(const struct tome_zone *, unsigned least);
static tome_pfn_t buddy_find(struct tome_vm *, struct tome_zone *,
    unsigned order, unsigned align, tome_pfn_t end, unsigned *found);
static bool buddy_is_block(struct tome_vm *, const struct tome_zone *,
    tome_pfn_t, unsigned order);
static bool buddy_containing(struct tome_vm *, const struct tome_zone *,
    tome_pfn_t, tome_pfn_t *block, unsigned *order);
static bool buddy_has_run(struct tome_vm *, const struct tome_zone *,
    tome_pfn_t first, tome_pfn_t end);
static void buddy_cut_run(struct tome_vm *, struct tome_zone *,
    tome_pfn_t first, tome_pfn_t end);
static void buddy_insert(struct tome_vm *, struct tome_zone *, tome_pfn_t,
    unsigned order);
static void buddy_remove(struct tome_vm *, struct tome_zone *, tome_pfn_t,
    unsigned order);
static unsigned buddy_fit(tome_pfn_t first, tome_pfn_t end);

static inline tome_pfn_t
order_size(unsigned order)
{
	return (tome_pfn_t)1 << order;
}

/* ---- taking ---- */

tome_pfn_t
tome_buddy_take(struct tome_vm *vm, struct tome_zone *z, unsigned order,
    unsigned align, tome_pfn_t end)
{
	unsigned have;
	tome_pfn_t pfn = buddy_find(vm, z, order, align, end, &have);

	if (pfn == TOME_PFN_NONE)
		return TOME_PFN_NONE;
	buddy_remove(vm, z, pfn, have);
	while (have > order) {
		have--;
		buddy_insert(vm, z, pfn + order_size(have), have);
	}
	return pfn;
}

/*
 * A block whose first 2^order frames do. Only a limit inside the zone makes the
 * lists be searched; those of DMA zones begin where limits do.
 */
static tome_pfn_t
buddy_find(struct tome_vm *vm, struct tome_zone *z, unsigned order,
    unsigned align, tome_pfn_t end, unsigned *found)
{
	unsigned o = order > align ? order : align;
	tome_pfn_t pfn;

	for (; (o = buddy_find_order(z, o)) < TOME_ORDERS; o++) {
		*found = o;
		pfn = z->head[o];
		while (pfn != TOME_PFN_NONE && end < z->end &&
		    (pfn >= end || end - pfn < order_size(order)))
			pfn = tome_page(vm, pfn)->next;
		if (pfn != TOME_PFN_NONE)
			return pfn;
	}
	return TOME_PFN_NONE;
}

/* TOME_ORDERS: none. */
static unsigned
buddy_find_order(const struct tome_zone *z, unsigned least)
{
	while (least < TOME_ORDERS && z->head[least] == TOME_PFN_NONE)
		least++;
	return least;
}

/* Smallest blocks first: the large ones stay whole. What a block has left over
 * merges with nothing: it follows frames that were just taken. */
unsigned
tome_buddy_take_batch(struct tome_vm *vm, struct tome_zone *z, unsigned n,
    tome_pfn_t *out)
{
	unsigned left = n, o;

	while (left > 0 && (o = buddy_find_order(z, 0)) < TOME_ORDERS) {
		tome_pfn_t pfn = z->head[o], end = pfn + order_size(o);

		buddy_remove(vm, z, pfn, o);
		while (pfn < end && left > 0)
			out[--left] = pfn++;
		for (; pfn < end; pfn += order_size(o)) {
			o = buddy_fit(pfn, end);
			buddy_insert(vm, z, pfn, o);
		}
	}
	return n - left;
}

/* ---- giving ---- */

void
tome_buddy_give(struct tome_vm *vm, struct tome_zone *z, tome_pfn_t pfn,
    unsigned order)
{
	while (order < TOME_MAX_ORDER &&
	    buddy_is_block(vm, z, pfn ^ order_size(order), order)) {
		buddy_remove(vm, z, pfn ^ order_size(order), order);
		pfn &= ~order_size(order);
		order++;
	}
	buddy_insert(vm, z, pfn, order);
}

void
tome_buddy_give_run(struct tome_vm *vm, struct tome_zone *z, tome_pfn_t first,
    tome_pfn_t end)
{
	while (first < end) {
		unsigned order = buddy_fit(first, end);

		tome_buddy_give(vm, z, first, order);
		first += order_size(order);
	}
}

/* Largest block that can start a run. */
static unsigned
buddy_fit(tome_pfn_t first, tome_pfn_t end)
{
	unsigned order = 0;

	while (order < TOME_MAX_ORDER &&
	    (first & order_size(order)) == 0 &&
	    end - first >= order_size(order + 1))
		order++;
	return order;
}

/* Zones need not begin or end at a block's edge. */
static bool
buddy_is_block(struct tome_vm *vm, const struct tome_zone *z, tome_pfn_t pfn,
    unsigned order)
{
	const struct tome_page *pg;

	if (pfn < z->first || pfn >= z->end)
		return false;
	pg = tome_page(vm, pfn);
	return (tome_rd_relaxed(&pg->state) &
	    (TOME_PAGE_IDENTITY | TOME_PAGE_HEAD)) ==
	    (TOME_PAGE_FREE | TOME_PAGE_HEAD) && pg->index == order;
}

/* ---- claiming ---- */

bool
tome_buddy_claim(struct tome_vm *vm, struct tome_zone *z, tome_pfn_t first,
    tome_pfn_t end)
{
	if (!buddy_has_run(vm, z, first, end))
		return false;
	buddy_cut_run(vm, z, first, end);
	return true;
}

static bool
buddy_has_run(struct tome_vm *vm, const struct tome_zone *z,
    tome_pfn_t first, tome_pfn_t end)
{
	tome_pfn_t block;
	unsigned order;

	for (; first < end; first = block + order_size(order))
		if (!buddy_containing(vm, z, first, &block, &order))
			return false;
	return true;
}

/* Take each block the run touches; give back what sticks out of it. */
static void
buddy_cut_run(struct tome_vm *vm, struct tome_zone *z, tome_pfn_t first,
    tome_pfn_t end)
{
	tome_pfn_t pfn = first, block, past;
	unsigned order;

	while (pfn < end) {
		TOME_CHECK(vm, buddy_containing(vm, z, pfn, &block, &order));
		past = block + order_size(order);
		buddy_remove(vm, z, block, order);
		tome_buddy_give_run(vm, z, block, pfn);
		if (past > end)
			tome_buddy_give_run(vm, z, end, past);
		pfn = past;
	}
}

static bool
buddy_containing(struct tome_vm *vm, const struct tome_zone *z,
    tome_pfn_t pfn, tome_pfn_t *block, unsigned *order)
{
	for (*order = 0; *order < TOME_ORDERS; ++*order) {
		*block = pfn & ~(order_size(*order) - 1);
		if (buddy_is_block(vm, z, *block, *order))
			return true;
	}
	return false;
}

/* ---- lists ---- */

static void
buddy_insert(struct tome_vm *vm, struct tome_zone *z, tome_pfn_t pfn,
    unsigned order)
{
	struct tome_page *pg = tome_page(vm, pfn);

	TOME_ASSERT(vm, tome_page_identity(pg) == TOME_PAGE_FREE);
	tome_wr_relaxed(&pg->state, TOME_PAGE_FREE | TOME_PAGE_HEAD);
	pg->index = order;
	tome_wr_relaxed(&pg->prev, TOME_PFN_NONE);
	pg->next = z->head[order];
	if (pg->next != TOME_PFN_NONE)
		tome_wr_relaxed(&tome_page(vm, pg->next)->prev, pfn);
	z->head[order] = pfn;
	tome_wr_relaxed(&z->free, z->free + order_size(order));
}

static void
buddy_remove(struct tome_vm *vm, struct tome_zone *z, tome_pfn_t pfn,
    unsigned order)
{
	struct tome_page *pg = tome_page(vm, pfn);

	if (pg->next != TOME_PFN_NONE)
		tome_wr_relaxed(&tome_page(vm, pg->next)->prev, pg->prev);
	if (pg->prev != TOME_PFN_NONE)
		tome_page(vm, pg->prev)->next = pg->next;
	else
		z->head[order] = pg->next;
	tome_wr_relaxed(&pg->state, TOME_PAGE_FREE);
	pg->index = 0;
	pg->next = TOME_PFN_NONE;
	tome_wr_relaxed(&pg->prev, TOME_PFN_NONE);
	tome_wr_relaxed(&z->free, z->free - order_size(order));
}

/* ---- checking ---- */

static const char *buddy_check_block(struct tome_vm *,
    const struct tome_zone *, tome_pfn_t, unsigned order);

tome_cold const char *
tome_buddy_check(struct tome_vm *vm, struct tome_zone *z)
{
	const char *why = NULL;
	tome_pfn_t sum = 0, pfn;
	unsigned o;

	for (o = 0; o < TOME_ORDERS; o++) {
		for (pfn = z->head[o]; pfn != TOME_PFN_NONE && why == NULL;
		    pfn = tome_page(vm, pfn)->next) {
			why = buddy_check_block(vm, z, pfn, o);
			sum += order_size(o);
		}
	}
	if (why == NULL && sum != z->free)
		why = tome_why(vm, "zone's free frames", z->kind, z->free, sum);
	return why;
}

static tome_cold const char *
buddy_check_block(struct tome_vm *vm, const struct tome_zone *z,
    tome_pfn_t pfn, unsigned order)
{
	tome_pfn_t i;

	if (!buddy_is_block(vm, z, pfn, order) ||
	    (pfn & (order_size(order) - 1)) != 0)
		return tome_why(vm, "listed block is none of its order", pfn,
		    tome_page(vm, pfn)->index, order);
	if (order < TOME_MAX_ORDER &&
	    buddy_is_block(vm, z, pfn ^ order_size(order), order))
		return tome_why(vm, "buddies both free", pfn, order, order + 1);
	for (i = 1; i < order_size(order); i++)
		if (tome_rd_relaxed(&tome_page(vm, pfn + i)->state) !=
		    TOME_PAGE_FREE)
			return tome_why(vm, "state inside a free block",
			    pfn + i, tome_page(vm, pfn + i)->state,
			    TOME_PAGE_FREE);
	return NULL;
}
