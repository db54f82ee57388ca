/*
 * kernel.c - the kernel's own pmap.
 *
 * With one root, user roots copy its upper half when they are made and never
 * look again: so every top-level entry it will ever need is filled at init, and
 * the root is closed once a user pmap exists. Its tables are never detached: the
 * walk caches of every CPU, under every tag, may hold them.
 *
 * It has no pv records and its frames are not managed. Large leaves are made, changed,
 * split and removed by one thread at a time (the embedder's own mappings).
 */
#include <base/memory.h>
#include <pmap/run.h>

#define KERNEL_LEAF \
	(TOME_LEAF_KERNEL | TOME_LEAF_ACCESSED | TOME_LEAF_MODIFIED)

static void copy_boot_root(struct tome_vm *, struct tome_pmap *, tome_pa_t);
static enum tome_err fill_root(struct tome_pmap *, tome_va_t start,
    tome_va_t end);
static unsigned large_level(const struct tome_pmap *, tome_va_t, tome_pa_t,
    tome_pa_t len);
static bool run_fits(tome_va_t, tome_pa_t, tome_pa_t len);
static bool enter_run(struct tome_pmap *, tome_va_t, tome_pa_t, tome_prot_t,
    enum tome_memtype);
static enum tome_err enter_large(struct tome_pmap *, tome_va_t, tome_pa_t,
    unsigned level, tome_prot_t, enum tome_memtype);
static bool is_ours(const struct tome_pmap *, const struct tome_walk *);
static void change_large(struct tome_gather *, const struct tome_walk *,
    tome_va_t, const struct tome_narrow *);
static enum tome_err split_large(struct tome_pmap *, tome_va_t,
    const struct tome_translation *);
static void fill_table(struct tome_pmap *, tome_va_t, tome_pa_t, unsigned level,
    const struct tome_translation *);
static void free_units(struct tome_pmap *, unsigned level);

struct tome_pmap *
tome_pmap_kernel(struct tome_vm *vm)
{
	return &vm->pmaps->kernel;
}

tome_cold enum tome_err
tome_kernel_pmap_init(struct tome_vm *vm, const struct tome_boot *boot)
{
	struct tome_pmap *p = &vm->pmaps->kernel;
	enum tome_err err;

	p->flags = TOME_LEAF_KERNEL;
	p->min = vm->pmaps->mmu.kernel_min;
	p->max = (tome_va_t)0 - TOME_PAGE_SIZE;
	err = tome_root_alloc(vm, p);
	if (err != TOME_OK)
		return err;
	if (boot->kernel_root != 0)
		copy_boot_root(vm, p, boot->kernel_root);
	vm->pmaps->boot_root = boot->kernel_root;
	if (TOME_PORT_ROOTS > 1 || boot->kernel_start == boot->kernel_end)
		return TOME_OK;
	return fill_root(p, boot->kernel_start, boot->kernel_end);
}

static tome_cold void
copy_boot_root(struct tome_vm *vm, struct tome_pmap *p, tome_pa_t boot_root)
{
	const tome_pte_t *from = tome_table_va(vm, boot_root);
	size_t i, n = tome_unit_entries(p, p->top);

	for (i = 0; i < n; i++)
		tome_insn_pte_store(&p->root[i], tome_insn_pte_load(&from[i]));
	if (TOME_PORT_VISIBLE)
		tome_mmu_visible(tome_pmap_mmu(p), p->root, n);
}

/* A unit for every top-level entry; none of them the boot code's. */
static tome_cold enum tome_err
fill_root(struct tome_pmap *p, tome_va_t start, tome_va_t end)
{
	unsigned level = p->top - 1;
	enum tome_err err = TOME_OK;
	struct tome_walk w;

	do {
		err = tome_walk_make(p, start, level);
		if (err != TOME_OK)
			return err;
		w = tome_walk_to(p, start, level);
		if (!is_ours(p, &w))
			return TOME_EINVAL;
	} while (tome_walk_step(&start, end, level));
	return err;
}

void
tome_kernel_root_copy(struct tome_pmap *p)
{
	const struct tome_pmap *k = &p->vm->pmaps->kernel;
	size_t first = tome_unit_index(k, k->top, k->min);
	size_t n = tome_unit_entries(k, k->top) - first;

	memcpy(&p->root[first], &k->root[first], n * sizeof(tome_pte_t));
	if (TOME_PORT_VISIBLE)
		tome_mmu_visible(tome_pmap_mmu(p), &p->root[first], n);
}

/* ---- large leaves ---- */

tome_cold enum tome_err
tome_pmap_enter_range(struct tome_pmap *p, tome_va_t va, tome_pa_t pa,
    tome_pa_t len, tome_prot_t prot, enum tome_memtype type)
{
	enum tome_err err = TOME_OK;
	unsigned level;
	tome_pa_t step;

	if (((va | pa | len) & TOME_PAGE_MASK) || tome_pmap_is_user(p) ||
	    va < p->min || va >= p->max || len > p->max - va)
		return TOME_EINVAL;
	for (; len > 0 && err == TOME_OK; va += step, pa += step, len -= step) {
		level = large_level(p, va, pa, len);
		step = (tome_pa_t)1 << TOME_PT_SHIFT(level);
		if (level == 0 && run_fits(va, pa, len) &&
		    enter_run(p, va, pa, prot, type)) {
			step = TOME_RUN_SPAN;
			continue;
		}
		if (level > 0)
			err = enter_large(p, va, pa, level, prot, type);
		else if (tome_pfn_pa(tome_pa_pfn(pa)) == pa)
			err = tome_pmap_enter(p, va, tome_pa_pfn(pa), prot,
			    type, 0);
		else	/* more than a frame's number can say */
			err = TOME_EINVAL;
	}
	return err;
}

/* The highest level with leaves whose span fits here. */
static tome_cold unsigned
large_level(const struct tome_pmap *p, tome_va_t va, tome_pa_t pa,
    tome_pa_t len)
{
	unsigned level = tome_pmap_mmu(p)->large_level;
	tome_pa_t span;

	for (; level > 0; level--) {
		span = (tome_pa_t)1 << TOME_PT_SHIFT(level);
		if (len >= span && ((va | pa) & (span - 1)) == 0)
			break;
	}
	return level;
}

static bool
run_fits(tome_va_t va, tome_pa_t pa, tome_pa_t len)
{
	return TOME_PORT_RUN_BITS != 0 && len >= TOME_RUN_SPAN &&
	    ((va | pa) & (TOME_RUN_SPAN - 1)) == 0;
}

/* False: something is there, or a table lacks memory. Page by page is left. */
static tome_cold bool
enter_run(struct tome_pmap *p, tome_va_t va, tome_pa_t pa, tome_prot_t prot,
    enum tome_memtype type)
{
	struct tome_leaf l;
	bool made = false;

	tome_epoch_enter(p->vm);
	if (tome_leaf_find(p, va, true, &l) == TOME_OK) {
		tome_leaf_lock(&l);
		made = tome_run_make(&l, va, pa, prot, type);
		tome_leaf_unlock(&l);
	}
	tome_epoch_leave(p->vm);
	return made;
}

/* EINVAL: something is there, or the tables are the boot code's. */
static tome_cold enum tome_err
enter_large(struct tome_pmap *p, tome_va_t va, tome_pa_t pa, unsigned level,
    tome_prot_t prot, enum tome_memtype type)
{
	enum tome_err err = tome_walk_make(p, va, level);
	tome_pte_t none = 0;
	struct tome_walk w;

	if (err != TOME_OK)
		return err;
	w = tome_walk_to(p, va, level);
	if (!is_ours(p, &w) ||
	    !tome_insn_pte_cas(&w.table[tome_unit_index(p, level, va)], &none,
		tome_pte_leaf(tome_pmap_mmu(p), level, pa, prot, type,
		    KERNEL_LEAF)))
		return TOME_EINVAL;
	if (TOME_PORT_VISIBLE)
		tome_mmu_visible(tome_pmap_mmu(p),
		    &w.table[tome_unit_index(p, level, va)], 1);
	__atomic_fetch_add(&tome_page(p->vm, w.frame)->index, 1,
	    __ATOMIC_SEQ_CST);
	return TOME_OK;
}

/* Not the boot code's. */
static bool
is_ours(const struct tome_pmap *p, const struct tome_walk *w)
{
	const struct tome_page *pg = tome_page_try(p->vm, w->frame);

	return pg != NULL && tome_page_identity(pg) == TOME_PAGE_TABLE;
}

/* Each wholly inside (checked): no right beyond what is left, or without `how` none of
 * it. */
void
tome_large_change(struct tome_gather *g, tome_va_t start, tome_va_t end,
    const struct tome_narrow *how)
{
	struct tome_pmap *p = g->pmap;
	struct tome_walk w;
	tome_va_t va = start, span;

	while (va < end) {
		w = tome_walk_to(p, va, 0);
		span = (tome_va_t)1 << TOME_PT_SHIFT(w.level);
		if (w.level == 0)
			span = tome_unit_span(0);
		else if (tome_insn_pte_load(
		    &w.table[tome_unit_index(p, w.level, va)]) != 0) {
			TOME_CHECK(p->vm, (va & (span - 1)) == 0 &&
			    end - va >= span);
			change_large(g, &w, va, how);
		}
		va &= ~(span - 1);
		if (end - va <= span)
			break;
		va += span;
	}
}

static void
change_large(struct tome_gather *g, const struct tome_walk *w, tome_va_t va,
    const struct tome_narrow *how)
{
	struct tome_pmap *p = g->pmap;
	tome_pte_t *slot = &w->table[tome_unit_index(p, w->level, va)];
	tome_pte_t now = 0;

	if (how != NULL)
		now = tome_pte_narrowed(tome_insn_pte_load(slot), *how);
	else
		__atomic_fetch_sub(&tome_page(p->vm, w->frame)->index, 1,
		    __ATOMIC_SEQ_CST);
	tome_insn_pte_xchg(slot, now);
	if (TOME_PORT_VISIBLE == 1)
		tome_mmu_visible(tome_pmap_mmu(p), slot, 1);
	tome_gather_range(g, va,
	    va + ((tome_va_t)1 << TOME_PT_SHIFT(w->level)));
	g->npages++;
}

/* ---- and apart ---- */

tome_cold enum tome_err
tome_pmap_split(struct tome_pmap *p, tome_va_t va)
{
	enum tome_err err = TOME_OK;
	struct tome_translation t;

	if ((va & TOME_PAGE_MASK) || tome_pmap_is_user(p))
		return TOME_EINVAL;
	while (err == TOME_OK && tome_pmap_extract(p, va, &t) &&
	    t.page_shift >= TOME_PT_SHIFT(1) &&
	    (va & (((tome_va_t)1 << t.page_shift) - 1)) != 0)
		err = split_large(p, va, &t);
	return err;
}

/*
 * Into a table of the next smaller. The same must not be cached twice, as one and as
 * many: so it is away, and flushed, before the table comes. Where none can be had, it
 * comes back.
 */
static tome_cold enum tome_err
split_large(struct tome_pmap *p, tome_va_t va, const struct tome_translation *t)
{
	tome_va_t span = (tome_va_t)1 << t->page_shift, base = va & ~(span - 1);
	tome_pa_t pa = t->pa - (va - base);
	unsigned level = 1;
	enum tome_err err;
	struct tome_walk w;

	while (TOME_PT_SHIFT(level) < t->page_shift)
		level++;
	w = tome_walk_to(p, va, level);
	if (!is_ours(p, &w) ||
	    (level == 1 && tome_pfn_pa(tome_pa_pfn(pa)) != pa))
		return TOME_EINVAL;
	tome_pmap_remove(p, base, base + span);
	err = tome_walk_make(p, base, level - 1);
	if (err == TOME_OK)
		fill_table(p, base, pa, level - 1, t);
	else
		TOME_CHECK(p->vm, enter_large(p, base, pa, level, t->prot,
		    t->type) == TOME_OK);
	return err;
}

static tome_cold void
fill_table(struct tome_pmap *p, tome_va_t va, tome_pa_t pa, unsigned level,
    const struct tome_translation *t)
{
	struct tome_walk w = tome_walk_to(p, va, level);
	size_t i, n = tome_unit_entries(p, level);

	for (i = 0; i < n; i++) {
		tome_insn_pte_xchg(&w.table[i], tome_pte_leaf(tome_pmap_mmu(p),
		    level, pa, t->prot, t->type, KERNEL_LEAF));
		if (TOME_PORT_VISIBLE)
			tome_mmu_visible(tome_pmap_mmu(p), &w.table[i], 1);
		pa += (tome_pa_t)1 << TOME_PT_SHIFT(level);
	}
	tome_wr_relaxed(&tome_page(p->vm, w.frame)->index, (uint32_t)n);
}

/* ---- teardown ---- */

/* Every table of ours, whatever it still maps, and the root. */
tome_cold void
tome_kernel_pmap_fini(struct tome_vm *vm)
{
	struct tome_pmap *p = &vm->pmaps->kernel;
	unsigned level, order = tome_root_order(p->top + 1);

	for (level = 0; level < p->top; level++)
		free_units(p, level);
	if (order == 0)
		tome_frame_free(vm, p->root_frame);
	else
		tome_frames_free(vm, p->root_frame, order);
}

static tome_cold void
free_units(struct tome_pmap *p, unsigned level)
{
	tome_va_t va = p->min;
	struct tome_walk w;

	while (tome_walk_units(p, &va, p->max, level, &w)) {
		if (is_ours(p, &w)) {
			tome_unit_unlink(p, va, level);
			tome_unit_retire(p->vm, w.frame);
		}
		if (!tome_walk_step(&va, p->max, level))
			break;
	}
}
