/*
 * move.c - moving translations to other addresses of the same pmap (mremap).
 *
 * A leaf that moves whole is relinked: its base changes, its entries and records
 * stay as they are. Otherwise each translation moves from slot to slot under both
 * leaves' locks, its pv record renamed in place, so that a reverse walk never sees
 * the page with fewer translations than it has.
 *
 * The caller's map lock keeps faults in both ranges out (their numbers are odd)
 * and the tables in place between reserve and move.
 */
#include <pmap/slot.h>

static bool moves_whole(tome_va_t from, tome_va_t to, tome_va_t len);
static tome_va_t move_step(tome_va_t from, tome_va_t to, tome_va_t len);
static bool leaf_vacant(struct tome_leaf *);
static void move_leaf(struct tome_gather *, struct tome_leaf *, tome_va_t to);
static void drop_spare_leaf(struct tome_gather *, tome_va_t);
static bool part_vacant(const struct tome_leaf *, size_t i, tome_va_t len);
static void move_part(struct tome_gather *, struct tome_leaf *,
    tome_va_t from, tome_va_t to, tome_va_t len);
static void move_slot(struct tome_leaf *, size_t i, struct tome_leaf *to,
    size_t j);

/* From here to there in one go: the next stretch within one leaf on each side,
 * or, where it is a whole leaf on both, that leaf. */
static tome_va_t
move_step(tome_va_t from, tome_va_t to, tome_va_t len)
{
	tome_va_t span = tome_unit_span(0);
	tome_va_t a = span - (from & (span - 1)), b = span - (to & (span - 1));
	tome_va_t step = a < b ? a : b;

	return step < len ? step : len;
}

static bool
moves_whole(tome_va_t from, tome_va_t to, tome_va_t len)
{
	return ((from | to) & (tome_unit_span(0) - 1)) == 0 &&
	    len == tome_unit_span(0);
}

enum tome_err
tome_range_move_reserve(struct tome_pmap *p, tome_va_t from, tome_va_t to,
    tome_va_t len)
{
	enum tome_err err = TOME_OK;
	struct tome_leaf l;
	tome_va_t va, step;

	tome_epoch_enter(p->vm);
	for (; len > 0 && err == TOME_OK; from += step, to += step, len -= step) {
		step = move_step(from, to, len);
		va = from;
		if (tome_walk_next(p, &va, from + step, &l))
			err = tome_walk_make(p, to,
			    moves_whole(from, to, step) ? 1 : 0);
	}
	tome_epoch_leave(p->vm);
	return err;
}

void
tome_range_move(struct tome_gather *g, tome_va_t from, tome_va_t to,
    tome_va_t len)
{
	struct tome_leaf l;
	tome_va_t va, step;

	for (; len > 0; from += step, to += step, len -= step) {
		step = move_step(from, to, len);
		va = from;
		if (!tome_walk_next(g->pmap, &va, from + step, &l) ||
		    leaf_vacant(&l))
			continue;
		if (moves_whole(from, to, step))
			move_leaf(g, &l, to);
		else
			move_part(g, &l, from, to, step);
	}
}

/*
 * A fault that came too late may have left an empty leaf since the reserve. One
 * that is still to change it must have looked at its entry's number under the
 * leaf's lock, so looking means taking that lock.
 */
static bool
leaf_vacant(struct tome_leaf *l)
{
	bool vacant;

	tome_leaf_lock(l);
	vacant = l->table->index == 0;
	tome_leaf_unlock(l);
	return vacant;
}

/* ---- whole ---- */

/* Unlinked there, linked here: the walk caches of the old place are flushed. */
static void
move_leaf(struct tome_gather *g, struct tome_leaf *l, tome_va_t to)
{
	struct tome_pmap *p = g->pmap;
	tome_va_t from = l->base;
	struct tome_walk up;

	drop_spare_leaf(g, to);
	tome_leaf_lock(l);
	tome_unit_unlink(p, from, 0);
	tome_wr_relaxed(&l->table->pv, to);
	up = tome_walk_to(p, to, 1);
	TOME_CHECK(p->vm, up.level == 1);
	__atomic_fetch_add(&tome_page(p->vm, up.frame)->index, 1,
	    __ATOMIC_SEQ_CST);
	tome_group_link(p, 1, &up.table[tome_group_index(p, 1, to)],
	    l->frame);
	g->npages += l->table->index;
	tome_bit_unlock(p->vm, &l->table->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
	tome_upper_collect(p, g, from);
	g->tables = true;
	tome_gather_range(g, from, from + tome_unit_span(0));
}

/* A fault that came too late may have left an empty leaf at the destination. */
static void
drop_spare_leaf(struct tome_gather *g, tome_va_t to)
{
	struct tome_leaf spare;

	if (tome_leaf_find(g->pmap, to, false, &spare) != TOME_OK)
		return;
	tome_leaf_lock(&spare);
	tome_leaf_detach(&spare, g);
	tome_leaf_unlock(&spare);
}

/* ---- slot by slot ---- */

/* Two locks of one rank: the lower address first. */
static void
leaves_lock(struct tome_leaf *a, struct tome_leaf *b)
{
	tome_leaf_lock(a->table < b->table ? a : b);
	tome_leaf_lock(a->table < b->table ? b : a);
}

static bool
part_vacant(const struct tome_leaf *l, size_t i, tome_va_t len)
{
	size_t stop = i + (size_t)(len >> TOME_PAGE_SHIFT);

	while (i < stop && tome_insn_pte_load(&l->ptes[i]) == 0)
		i++;
	return i == stop;
}

static void
move_part(struct tome_gather *g, struct tome_leaf *l, tome_va_t from,
    tome_va_t to, tome_va_t len)
{
	size_t i = tome_leaf_index(from), j = tome_leaf_index(to), n;
	struct tome_leaf dest;
	bool empty;

	/* Made since the reserve, by a fault beside the range: nothing in it. */
	if (tome_leaf_find(g->pmap, to, false, &dest) != TOME_OK) {
		TOME_CHECK(g->pmap->vm, part_vacant(l, i, len));
		return;
	}
	if (dest.table != l->table)
		leaves_lock(l, &dest);
	else
		tome_leaf_lock(l);
	for (n = (size_t)(len >> TOME_PAGE_SHIFT); n > 0; n--, i++, j++) {
		if (tome_insn_pte_load(&l->ptes[i]) == 0)
			continue;
		move_slot(l, i, &dest, j);
		g->npages++;
	}
	empty = l->table->index == 0;
	if (empty)
		tome_leaf_detach(l, g);
	if (dest.table != l->table)
		tome_leaf_unlock(&dest);
	tome_leaf_unlock(l);
	if (empty)
		tome_upper_collect(g->pmap, g, l->base);
	tome_gather_range(g, from, from + len);
}

/*
 * What the hardware has noted goes along. No CPU can note more through the old
 * entry: a TLB that still holds it must walk again to set a bit.
 */
static void
move_slot(struct tome_leaf *l, size_t i, struct tome_leaf *to, size_t j)
{
	tome_pte_t pte = tome_slot_xchg(l, i, 0);
	struct tome_page *pg =
	    tome_managed(l->pmap, tome_pa_pfn(tome_pte_pa(0, pte)));

	tome_slot_note(to, j, tome_slot_granted(l, i, pte),
	    tome_slot_flags(l, i, pte));
	tome_slot_note(l, i, TOME_PROT_NONE, 0);
	if (pg != NULL)
		tome_pv_replace(l->vm, pg,
		    tome_pv_record(l->frame, i), tome_pv_record(to->frame, j));
	tome_slot_xchg(to, j, pte);
	tome_slot_count(l->table, -1);
	tome_slot_count(to->table, 1);
}
