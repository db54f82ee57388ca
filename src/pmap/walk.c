/*
 * walk.c - the radix walker: finding, publishing and detaching tables.
 *
 * Who may do what to an upper entry, without a lock in common:
 *  - A missing unit is published by a seq_cst compare-and-swap of its group's
 *    first entry, the unit born locked; the rest of the group follows, then the
 *    unlock. Readers load seq_cst and go by the first entry alone.
 *  - A leaf is detached under its lock, empty: stray first, then the entries.
 *  - An upper unit is detached when its count is 0: stray, then the count again,
 *    both seq_cst. A publisher counts up, publishes, then looks for stray: so
 *    one of the two sees the other, and a publisher that came too late takes its
 *    unit back by exchange.
 * Hence: a unit that is not stray is reachable from the root, and a stray one
 * holds nothing. [checked: tome_pmaps_check()]
 *
 * Whoever decides whether a unit stays holds its lock meanwhile (a born-locked
 * unit: its publisher), so a publisher below waits for that.
 * Frames of detached units go back after a flush round and then an epoch.
 */
#include <phys/phys.h>
#include <pmap/side.h>

static enum tome_err leaf_walk(struct tome_pmap *, tome_va_t, bool create,
    struct tome_pmap_cpu *) TOME_NODISCARD;
static struct tome_leaf *leaf_made(struct tome_pmap *, tome_va_t,
    struct tome_pmap_cpu *);
static bool leaf_reach(struct tome_pmap *, tome_va_t, struct tome_leaf *out);
static enum tome_err table_frame(struct tome_vm *, tome_pfn_t *out)
    TOME_NODISCARD;
static enum tome_err walk_publish(const struct tome_walk *, tome_va_t);
static bool publish_allowed(const struct tome_walk *);
static bool publish_stands(const struct tome_page *parent);
static void publish_take_back(const struct tome_walk *, tome_va_t,
    tome_pfn_t unit);
static bool walk_skip(const struct tome_walk *, tome_va_t *va, tome_va_t end);
static bool upper_detach(struct tome_pmap *, struct tome_gather *, tome_va_t,
    unsigned level);
static void gather_unit(struct tome_gather *, struct tome_page *, tome_pfn_t,
    tome_va_t);
static tome_pte_t unit_entry(struct tome_pmap *, unsigned level, tome_pfn_t,
    size_t k);
static void group_store(struct tome_pmap *, tome_pte_t *, tome_pte_t);
static void leaf_free(struct tome_vm *, struct tome_retired *);
static void upper_free(struct tome_vm *, struct tome_retired *);
static void frames_back(struct tome_vm *, tome_pfn_t first, unsigned order);

/* ---- finding ---- */

struct tome_walk
tome_walk_to(struct tome_pmap *p, tome_va_t va, unsigned level)
{
	return tome_walk_down(p, va, level);
}

void
tome_leaf_fill(struct tome_pmap *p, tome_va_t va, tome_pfn_t frame,
    tome_pte_t *ptes, struct tome_leaf *out)
{
	out->vm = p->vm;
	out->pmap = p;
	out->table = tome_page(p->vm, frame);
	out->frame = frame;
	out->ptes = ptes;
	out->base = va & ~(tome_unit_span(0) - 1);
	out->end = out->base + tome_unit_span(0);
}

/*
 * Faults mostly come where the last one came. A leaf that went stray meanwhile is
 * looked for again from the root. Inside an epoch: the hint is this CPU's.
 */
static inline bool
leaf_hinted(struct tome_pmap_cpu *cpu, struct tome_pmap *p, tome_va_t va)
{
	tome_rank_section(p->vm);
	return tome_likely(cpu->hint_epoch ==
	    tome_rd_relaxed(&tome_this_cpu(p->vm)->epoch.seen) &&
	    cpu->hint.pmap == p &&
	    va - cpu->hint.base < tome_unit_span(0) &&
	    !tome_leaf_stray(&cpu->hint));
}

enum tome_err
tome_leaf_find(struct tome_pmap *p, tome_va_t va, bool create,
    struct tome_leaf *out)
{
	struct tome_pmap_cpu *cpu = tome_pmap_cpu(p->vm);
	enum tome_err err;

	if (!leaf_hinted(cpu, p, va)) {
		err = leaf_walk(p, va, create, cpu);
		if (err != TOME_OK)
			return err;
	}
	*out = cpu->hint;
	return TOME_OK;
}

struct tome_leaf *
tome_leaf_make(struct tome_pmap *p, tome_va_t va)
{
	struct tome_pmap_cpu *cpu = tome_pmap_cpu(p->vm);

	tome_keep(cpu);
	return leaf_hinted(cpu, p, va) ? &cpu->hint : leaf_made(p, va, cpu);
}

static tome_noinline struct tome_leaf *
leaf_made(struct tome_pmap *p, tome_va_t va, struct tome_pmap_cpu *cpu)
{
	return leaf_walk(p, va, true, cpu) == TOME_OK ? &cpu->hint : NULL;
}

/* Into the CPU's hint. */
static tome_noinline enum tome_err
leaf_walk(struct tome_pmap *p, tome_va_t va, bool create,
    struct tome_pmap_cpu *cpu)
{
	enum tome_err err;

	TOME_ASSERT(p->vm, va >= p->min && va < p->max);
	while (!leaf_reach(p, va, &cpu->hint)) {
		if (!create)
			return TOME_ENOENT;
		err = tome_walk_make(p, va, 0);
		if (err != TOME_OK)
			return err;
	}
	cpu->hint_epoch = tome_rd_relaxed(&tome_this_cpu(p->vm)->epoch.seen);
	return TOME_OK;
}

static tome_noinline bool
leaf_reach(struct tome_pmap *p, tome_va_t va, struct tome_leaf *out)
{
	struct tome_walk w = tome_walk_down(p, va, 0);

	if (tome_unlikely(w.level != 0))
		return false;
	tome_leaf_fill(p, va, w.frame, w.table, out);
	return true;
}

bool
tome_walk_units(struct tome_pmap *p, tome_va_t *va, tome_va_t end,
    unsigned level, struct tome_walk *out)
{
	while (*va < end) {
		*out = tome_walk_to(p, *va, level);
		if (out->level == level)
			return true;
		if (!walk_skip(out, va, end))
			return false;
	}
	return false;
}

bool
tome_walk_step(tome_va_t *va, tome_va_t end, unsigned level)
{
	tome_va_t span = tome_unit_span(level), base = *va & ~(span - 1);

	if (end - base <= span)
		return false;
	*va = base + span;
	return true;
}

bool
tome_walk_next(struct tome_pmap *p, tome_va_t *va, tome_va_t end,
    struct tome_leaf *out)
{
	struct tome_walk w;

	if (!tome_walk_units(p, va, end, 0, &w))
		return false;
	tome_leaf_fill(p, *va, w.frame, w.table, out);
	return true;
}

/* Step over what is empty (or a large leaf) in the unit where a walk stopped. */
static bool
walk_skip(const struct tome_walk *w, tome_va_t *va, tome_va_t end)
{
	tome_va_t step = tome_unit_span(w->level - 1);
	size_t group = (size_t)1 << TOME_GROUP_BITS(w->level - 1);
	size_t n = tome_unit_entries(w->pmap, w->level);
	size_t i = tome_group_index(w->pmap, w->level, *va);
	tome_va_t at = *va & ~(step - 1);

	do {
		if (end - at <= step)
			return false;
		at += step;
		i += group;
	} while (i < n &&
	    !tome_pte_is_table(w->level, tome_insn_pte_load(&w->table[i])));
	*va = at;
	return true;
}

/* ---- publishing ---- */

enum tome_err
tome_walk_make(struct tome_pmap *p, tome_va_t va, unsigned level)
{
	enum tome_err err = TOME_OK;
	struct tome_walk w;

	tome_epoch_enter(p->vm);
	for (;;) {
		w = tome_walk_to(p, va, level);
		if (w.level == level)
			break;
		err = walk_publish(&w, va);
		if (err != TOME_OK)
			break;
	}
	tome_epoch_leave(p->vm);
	return err;
}

/* Publish one unit, or find that somebody else did; either way walk again. */
static enum tome_err
walk_publish(const struct tome_walk *w, tome_va_t va)
{
	struct tome_pmap *p = w->pmap;
	struct tome_page *parent = tome_page_try(p->vm, w->frame), *pg;
	tome_pte_t *first = &w->table[tome_group_index(p, w->level, va)];
	tome_pte_t seen = 0;
	enum tome_err err;
	tome_pfn_t unit;
	size_t k;

	if (!publish_allowed(w))
		return TOME_EINVAL;
	err = tome_unit_alloc(p, w->level - 1, va, &unit);
	if (err != TOME_OK)
		return err;
	pg = tome_page(p->vm, unit);
	__atomic_fetch_add(&parent->index, 1, __ATOMIC_SEQ_CST);
	if (!tome_insn_pte_cas(first, &seen,
		unit_entry(p, w->level, unit, 0))) {
		__atomic_fetch_sub(&parent->index, 1, __ATOMIC_SEQ_CST);
		tome_unit_free_unseen(p->vm, unit);
		return tome_pte_is_table(w->level, seen) ? TOME_OK :
		    TOME_EINVAL;
	}
	for (k = 1; k >> TOME_GROUP_BITS(w->level - 1) == 0; k++)
		tome_insn_pte_xchg(first + k,
		    unit_entry(p, w->level, unit, k));
	if (TOME_PORT_VISIBLE)
		tome_mmu_visible(tome_pmap_mmu(p), first,
		    (size_t)1 << TOME_GROUP_BITS(w->level - 1));
	if (tome_unlikely(!publish_stands(parent))) {
		publish_take_back(w, va, unit);
		return TOME_OK;
	}
	tome_bit_unlock(p->vm, &pg->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
	return TOME_OK;
}

/*
 * Not where the boot code's own tables are, and not in the kernel's only root
 * once user roots hold a copy of it.
 */
static bool
publish_allowed(const struct tome_walk *w)
{
	struct tome_vm *vm = w->pmap->vm;
	const struct tome_page *parent = tome_page_try(vm, w->frame);

	if (parent == NULL || tome_page_identity(parent) != TOME_PAGE_TABLE)
		return false;
	return TOME_PORT_ROOTS > 1 || tome_pmap_is_user(w->pmap) ||
	    w->level < w->pmap->top || !vm->pmaps->user_made;
}

/* Whoever holds the parent's lock is deciding whether it stays. */
static bool
publish_stands(const struct tome_page *parent)
{
	uint32_t state;

	while ((state = tome_rd_sc(&parent->state)) & TOME_PAGE_TABLE_LOCK)
		tome_host_relax();
	return !(state & TOME_PAGE_STRAY);
}

/*
 * The parent was detached. A CPU may have walked through it to the unit until
 * that detachment's flush, which may be still to come: so flush here as well.
 */
static void
publish_take_back(const struct tome_walk *w, tome_va_t va, tome_pfn_t unit)
{
	struct tome_pmap *p = w->pmap;
	struct tome_page *pg = tome_page(p->vm, unit);

	tome_or(&pg->state, TOME_PAGE_STRAY);
	tome_group_clear(p, w->level,
	    &w->table[tome_group_index(p, w->level, va)]);
	__atomic_fetch_sub(&tome_page(p->vm, w->frame)->index, 1,
	    __ATOMIC_SEQ_CST);
	tome_bit_unlock(p->vm, &pg->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
	tome_round_tables(p, tome_page_floor(va));
	tome_unit_retire(p->vm, unit);
}

/* ---- upper entries ---- */

/* The k-th entry of the group that points to a unit. */
static tome_pte_t
unit_entry(struct tome_pmap *p, unsigned level, tome_pfn_t unit, size_t k)
{
	tome_pa_t pa = tome_pfn_pa(unit) + ((tome_pa_t)k
	    << (TOME_PT_BITS(level - 1) + TOME_PTE_SHIFT));

	return tome_pte_table(tome_pmap_mmu(p), level, pa,
	    p->flags & TOME_LEAF_USER);
}

void
tome_group_link(struct tome_pmap *p, unsigned level, tome_pte_t *first,
    tome_pfn_t unit)
{
	size_t k;

	for (k = 0; k >> TOME_GROUP_BITS(level - 1) == 0; k++)
		group_store(p, first + k, unit_entry(p, level, unit, k));
}

void
tome_group_clear(struct tome_pmap *p, unsigned level, tome_pte_t *first)
{
	size_t k = (size_t)1 << TOME_GROUP_BITS(level - 1);

	/* The first last: from then on others may publish here. */
	while (k-- > 0)
		group_store(p, first + k, 0);
}

static void
group_store(struct tome_pmap *p, tome_pte_t *slot, tome_pte_t v)
{
	tome_insn_pte_xchg(slot, v);
	if (TOME_PORT_VISIBLE)
		tome_mmu_visible(tome_pmap_mmu(p), slot, 1);
}

/* ---- detaching ---- */

void
tome_leaf_detach(struct tome_leaf *l, struct tome_gather *g)
{
	TOME_CHECK(l->vm, l->table->index == 0);
	tome_or(&l->table->state, TOME_PAGE_STRAY);
	tome_unit_unlink(l->pmap, l->base, 0);
	gather_unit(g, l->table, l->frame, l->base);
}

void
tome_upper_collect(struct tome_pmap *p, struct tome_gather *g, tome_va_t va)
{
	unsigned level;

	for (level = 1; level < p->top; level++)
		if (!upper_detach(p, g, va, level))
			break;
}

/* All empty upper tables, wherever: what failed or late publications left. */
void
tome_upper_sweep(struct tome_pmap *p, struct tome_gather *g)
{
	struct tome_walk w;
	unsigned level;
	tome_va_t va;

	for (level = 1; level < p->top; level++) {
		va = p->min;
		while (tome_walk_units(p, &va, p->max, level, &w)) {
			upper_detach(p, g, va, level);
			if (!tome_walk_step(&va, p->max, level))
				break;
		}
	}
}

static bool
upper_detach(struct tome_pmap *p, struct tome_gather *g, tome_va_t va,
    unsigned level)
{
	struct tome_walk w = tome_walk_to(p, va, level);
	struct tome_page *pg;
	bool gone;

	if (w.level != level)
		return false;
	pg = tome_page(p->vm, w.frame);
	if (tome_rd_relaxed(&pg->index) != 0)
		return false;
	tome_bit_lock(p->vm, &pg->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
	gone = !(__atomic_fetch_or(tome_plain(&pg->state), TOME_PAGE_STRAY,
	    __ATOMIC_SEQ_CST) & TOME_PAGE_STRAY);
	if (gone && tome_rd_sc(&pg->index) != 0) {
		tome_and(&pg->state, ~TOME_PAGE_STRAY);
		gone = false;
	}
	if (gone) {
		tome_unit_unlink(p, va, level);
		gather_unit(g, pg, w.frame, tome_page_floor(va));
	}
	tome_bit_unlock(p->vm, &pg->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
	return gone;
}

void
tome_unit_unlink(struct tome_pmap *p, tome_va_t va, unsigned level)
{
	struct tome_walk up = tome_walk_to(p, va, level + 1);

	TOME_CHECK(p->vm, up.level == level + 1);
	tome_group_clear(p, up.level,
	    &up.table[tome_group_index(p, up.level, va)]);
	__atomic_fetch_sub(&tome_page(p->vm, up.frame)->index, 1,
	    __ATOMIC_SEQ_CST);
}

static void
gather_unit(struct tome_gather *g, struct tome_page *pg, tome_pfn_t frame,
    tome_va_t va)
{
	pg->next = g->detached_pfn;
	g->detached = pg;
	g->detached_pfn = frame;
	g->tables = true;
	tome_gather_range(g, va, va + TOME_PAGE_SIZE);
}

/* ---- units ---- */

enum tome_err
tome_unit_alloc(struct tome_pmap *p, unsigned level, tome_va_t va,
    tome_pfn_t *out)
{
	unsigned order = tome_unit_order(level);
	struct tome_vm *vm = p->vm;
	struct tome_page *pg;
	enum tome_err err;

	err = tome_table_frames(vm, order, out);
	if (err != TOME_OK)
		return err;
	pg = tome_page(vm, *out);
	if (TOME_SIDE && level == 0 && tome_side_alloc(vm, pg) != TOME_OK) {
		tome_frames_free(vm, *out, order);
		return TOME_ENOMEM;
	}
	tome_wr(&pg->owner, p);
	tome_wr_relaxed(&pg->pv, (va & ~(tome_unit_span(level) - 1)) | level);
	if (TOME_PORT_VISIBLE)
		tome_mmu_visible(tome_pmap_mmu(p),
		    tome_table_va(vm, tome_pfn_pa(*out)),
		    (size_t)1 << TOME_PT_UNIT_BITS(level));
	tome_bit_born_locked(vm, &pg->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
	return TOME_OK;
}

/* Zeroed frames for tables, in the direct map. */
enum tome_err
tome_table_frames(struct tome_vm *vm, unsigned order, tome_pfn_t *out)
{
	unsigned flags = TOME_FRAME_ZERO | TOME_FRAME_DIRECT;

	if (order == 0)
		return table_frame(vm, out);
	return tome_frames_alloc(vm, TOME_PAGE_TABLE, order,
	    (tome_pfn_t)1 << order, 0, flags, out);
}

static enum tome_err
table_frame(struct tome_vm *vm, tome_pfn_t *out)
{
	enum tome_err err = tome_frame_alloc_even(vm, TOME_PAGE_TABLE, out);

	if (err == TOME_OK)
		tome_frame_zero(vm, *out);
	return err;
}

/*
 * What the end of the epoch needs to know lies where no late publisher writes:
 * it may still count up and down in a detached upper unit.
 */
void
tome_unit_free_unseen(struct tome_vm *vm, tome_pfn_t unit)
{
	struct tome_page *pg = tome_page(vm, unit);
	unsigned level = tome_unit_level(pg);

	tome_bit_unlock(vm, &pg->state, TOME_PAGE_TABLE_LOCK, TOME_RANK_TABLE);
	pg->next = unit;
	if (level == 0) {
		leaf_free(vm, &pg->retired);
	} else {
		tome_wr_relaxed(&pg->prev, tome_unit_order(level));
		upper_free(vm, &pg->retired);
	}
}

void
tome_unit_retire(struct tome_vm *vm, tome_pfn_t unit)
{
	struct tome_page *pg = tome_page(vm, unit);
	unsigned level = tome_unit_level(pg);

	pg->next = unit;
	if (level > 0)
		tome_wr_relaxed(&pg->prev, tome_unit_order(level));
	tome_epoch_retire(vm, &pg->retired,
	    level == 0 ? leaf_free : upper_free);
}

void
tome_root_retire(struct tome_pmap *p)
{
	struct tome_page *pg = tome_page(p->vm, p->root_frame);

	pg->next = p->root_frame;
	tome_wr_relaxed(&pg->prev, tome_root_order(p->top + 1));
	tome_epoch_retire(p->vm, &pg->retired, upper_free);
}

/* prev: the side array, as ever. */
static void
leaf_free(struct tome_vm *vm, struct tome_retired *r)
{
	struct tome_page *pg = tome_container(r, struct tome_page, retired);

	if (TOME_SIDE)
		tome_side_free(vm, pg);
	frames_back(vm, pg->next, tome_unit_order(0));
}

/* prev: log2 of its frames. */
static void
upper_free(struct tome_vm *vm, struct tome_retired *r)
{
	struct tome_page *pg = tome_container(r, struct tome_page, retired);

	frames_back(vm, pg->next, pg->prev);
}

static void
frames_back(struct tome_vm *vm, tome_pfn_t first, unsigned order)
{
	if (order == 0)
		tome_frame_free(vm, first);
	else
		tome_frames_free(vm, first, order);
}
