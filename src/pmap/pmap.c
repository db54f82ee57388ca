/*
 * pmap.c - address spaces as a whole: <tome/pmap.h>, but the kernel's own, the
 * switch (asid.c) and the page side (reverse.c).
 *
 * Owns: the root and every table below it, until their epoch has ended.
 */
#include <base/memory.h>
#include <pmap/run.h>

static void pmap_link(struct tome_pmaps *, struct tome_pmap *);
static void pmap_unlink(struct tome_pmaps *, struct tome_pmap *);
static void poll_if_due(struct tome_vm *);
static void pmap_empty(struct tome_pmap *);
static void pmap_free(struct tome_vm *, struct tome_retired *);
static enum tome_err enter_locked(struct tome_leaf *, tome_va_t, tome_pfn_t,
    tome_prot_t, enum tome_memtype, unsigned flags);

enum tome_err
tome_pmap_create(struct tome_vm *vm, struct tome_pmap **out)
{
	struct tome_pmaps *s = vm->pmaps;
	struct tome_pmap *p = tome_pool_alloc(vm, &s->pmaps);
	enum tome_err err;

	if (p == NULL)
		return TOME_ENOMEM;
	memset(p, 0, sizeof(*p));
	p->flags = TOME_LEAF_USER;
	p->min = s->mmu.user_min;
	p->max = s->mmu.user_max;
	err = tome_root_alloc(vm, p);
	if (err != TOME_OK) {
		tome_pool_free(vm, &s->pmaps, p);
		return err;
	}
	if (TOME_PORT_ROOTS == 1)
		tome_kernel_root_copy(p);
	pmap_link(s, p);
	tome_count(vm, TOME_N_PMAPS, 1);
	*out = p;
	return TOME_OK;
}

enum tome_err
tome_root_alloc(struct tome_vm *vm, struct tome_pmap *p)
{
	unsigned levels = vm->pmaps->mmu.levels;
	struct tome_page *pg;
	enum tome_err err;

	err = tome_table_frames(vm, tome_root_order(levels), &p->root_frame);
	if (err != TOME_OK)
		return err;
	p->vm = vm;
	p->top = levels - 1;
	p->root = tome_table_va(vm, tome_pfn_pa(p->root_frame));
	pg = tome_page(vm, p->root_frame);
	tome_wr(&pg->owner, p);
	tome_wr_relaxed(&pg->pv, p->top);
	if (TOME_PORT_VISIBLE)
		tome_mmu_visible(&vm->pmaps->mmu, p->root,
		    tome_unit_entries(p, p->top));
	return TOME_OK;
}

/* Readers inside an epoch may still hold the pmap and its tables. */
void
tome_pmap_destroy(struct tome_pmap *p)
{
	struct tome_vm *vm = p->vm;

	TOME_CHECK(vm, tome_pmap_is_user(p));
	TOME_CHECK(vm, tome_rd_sc(&p->running) == 0);
	tome_epoch_enter(vm);
	pmap_empty(p);
	pmap_unlink(vm->pmaps, p);
	tome_root_retire(p);
	tome_epoch_retire(vm, &p->retired, pmap_free);
	tome_epoch_leave(vm);
	tome_count(vm, TOME_N_PMAPS, -1);
	poll_if_due(vm);
}

/* Tables have been retired; without maps above, nobody else looks after them. */
static void
poll_if_due(struct tome_vm *vm)
{
	uint32_t pending;

	tome_host_preempt_off();
	pending = tome_rd_relaxed(&tome_this_cpu(vm)->epoch.pending);
	tome_host_preempt_on();
	if (pending >= TOME_EPOCH_BATCH)
		tome_epoch_poll(vm);
}

/*
 * No CPU runs it, so the gather finds nobody to interrupt. A root without entries
 * is the common case: whoever unmapped everything collected every table.
 */
static void
pmap_empty(struct tome_pmap *p)
{
	const struct tome_page *root = tome_page(p->vm, p->root_frame);
	struct tome_gather g;

	if (tome_rd_relaxed(&root->index) == 0)
		return;
	tome_gather_begin(&g, p);
	tome_range_remove(&g, p->min, p->max);
	tome_upper_sweep(p, &g);
	tome_gather_finish(&g);
	TOME_CHECK(p->vm, root->index == 0);
}

static void
pmap_free(struct tome_vm *vm, struct tome_retired *r)
{
	tome_pool_free(vm, &vm->pmaps->pmaps,
	    tome_container(r, struct tome_pmap, retired));
}

static void
pmap_link(struct tome_pmaps *s, struct tome_pmap *p)
{
	struct tome_vm *vm = p->vm;
	uintptr_t irq = tome_spin_lock(vm, &s->list_lock, TOME_RANK_ARENA);

	s->user_made = true;
	p->prev = NULL;
	p->next = s->list;
	if (p->next != NULL)
		p->next->prev = p;
	s->list = p;
	tome_spin_unlock(vm, &s->list_lock, TOME_RANK_ARENA, irq);
}

static void
pmap_unlink(struct tome_pmaps *s, struct tome_pmap *p)
{
	struct tome_vm *vm = p->vm;
	uintptr_t irq = tome_spin_lock(vm, &s->list_lock, TOME_RANK_ARENA);

	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		s->list = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	tome_spin_unlock(vm, &s->list_lock, TOME_RANK_ARENA, irq);
}

void
tome_pmap_user_span(struct tome_vm *vm, tome_va_t *min, tome_va_t *max)
{
	*min = vm->pmaps->mmu.user_min;
	*max = vm->pmaps->mmu.user_max;
}

/* ---- translations ---- */

enum tome_err
tome_pmap_enter(struct tome_pmap *p, tome_va_t va, tome_pfn_t pfn,
    tome_prot_t prot, enum tome_memtype type, unsigned flags)
{
	enum tome_err err = TOME_RETRY;
	struct tome_leaf l;

	if ((va & TOME_PAGE_MASK) || va < p->min || va >= p->max)
		return TOME_EINVAL;
	tome_epoch_enter(p->vm);
	while (err == TOME_RETRY) {
		err = tome_leaf_find(p, va, true, &l);
		if (err != TOME_OK)
			break;
		tome_leaf_lock(&l);
		err = tome_leaf_stray(&l) ? TOME_RETRY :
		    enter_locked(&l, va, pfn, prot, type, flags);
		tome_leaf_unlock(&l);
	}
	tome_epoch_leave(p->vm);
	return err;
}

static enum tome_err
enter_locked(struct tome_leaf *l, tome_va_t va, tome_pfn_t pfn,
    tome_prot_t prot, enum tome_memtype type, unsigned flags)
{
	size_t i = tome_leaf_index(va);
	tome_pte_t pte = tome_insn_pte_load(&l->ptes[i]);
	enum tome_err err = tome_leaf_reserve(l, 1);

	if (err != TOME_OK)
		return err;
	if (tome_pte_is_run(pte)) {
		tome_run_undo(l, i);
		pte = tome_insn_pte_load(&l->ptes[i]);
	}
	if (pte == 0 || (tome_pa_pfn(tome_pte_pa(0, pte)) == pfn &&
	    (tome_slot_granted(l, i, pte) & ~prot) == 0 &&
	    tome_pte_type(tome_pmap_mmu(l->pmap), 0, pte) == type))
		tome_leaf_enter(l, va, pfn, prot, type, flags);
	else
		tome_leaf_replace(l, va, pfn, prot, type, flags);
	/* More rights than this CPU knows of: it would fault for ever. */
	if (!TOME_PORT_FAULT_FLUSHES && pte != 0)
		tome_leaf_flush_local(l, va);
	return TOME_OK;
}

void
tome_pmap_remove(struct tome_pmap *p, tome_va_t start, tome_va_t end)
{
	struct tome_gather g;

	tome_gather_begin(&g, p);
	tome_epoch_enter(p->vm);
	tome_range_remove(&g, start, end);
	if (!tome_pmap_is_user(p))
		tome_large_change(&g, start, end, NULL);
	tome_gather_finish(&g);
	tome_epoch_leave(p->vm);
	if (tome_pmap_is_user(p))
		poll_if_due(p->vm);
}

void
tome_pmap_protect(struct tome_pmap *p, tome_va_t start, tome_va_t end,
    tome_prot_t prot)
{
	struct tome_narrow how = tome_pte_narrowing(tome_pmap_mmu(p), prot);
	struct tome_gather g;

	tome_gather_begin(&g, p);
	tome_epoch_enter(p->vm);
	tome_range_protect(&g, start, end, prot);
	if (!tome_pmap_is_user(p))
		tome_large_change(&g, start, end, &how);
	tome_gather_finish(&g);
	tome_epoch_leave(p->vm);
}

bool
tome_pmap_extract(struct tome_pmap *p, tome_va_t va,
    struct tome_translation *out)
{
	tome_pte_t pte = 0;
	struct tome_walk w;
	struct tome_leaf l;
	unsigned flags = 0;

	if (va < p->min || va >= p->max)
		return false;
	tome_epoch_enter(p->vm);
	w = tome_walk_to(p, va, 0);
	pte = tome_insn_pte_load(&w.table[tome_unit_index(p, w.level, va)]);
	if (pte != 0 && w.level == 0) {
		tome_leaf_fill(p, va, w.frame, w.table, &l);
		flags = tome_slot_flags(&l, tome_leaf_index(va), pte);
		out->prot = tome_slot_granted(&l, tome_leaf_index(va), pte);
	} else if (pte != 0) {
		out->prot = tome_pte_prot(tome_pmap_mmu(p), pte);
	}
	tome_epoch_leave(p->vm);
	if (pte == 0)
		return false;
	out->page_shift = TOME_PT_SHIFT(w.level);
	out->pa = tome_pte_pa(w.level, pte);
	if (w.level == 0 && tome_pte_is_run(pte)) {
		out->page_shift += TOME_PORT_RUN_BITS;
		out->pa = tome_run_pa(pte);
	}
	out->pa += va & (((tome_va_t)1 << out->page_shift) - 1);
	out->type = tome_pte_type(tome_pmap_mmu(p), w.level, pte);
	out->accessed = flags & TOME_LEAF_ACCESSED;
	out->modified = flags & TOME_LEAF_MODIFIED;
	out->wired = flags & TOME_LEAF_WIRED;
	return true;
}

/* ---- counts, by recount ---- */

tome_cold uint64_t
tome_pmap_resident(struct tome_pmap *p)
{
	tome_va_t va = p->min;
	struct tome_leaf l;
	uint64_t n = 0;

	tome_epoch_enter(p->vm);
	while (tome_walk_next(p, &va, p->max, &l)) {
		n += tome_rd_relaxed(&l.table->index);
		if (p->max - l.base <= tome_unit_span(0))
			break;
		va = l.end;
	}
	tome_epoch_leave(p->vm);
	return n;
}

tome_cold uint64_t
tome_pmap_tables(struct tome_pmap *p)
{
	struct tome_walk w;
	uint64_t n = 1;
	unsigned level;
	tome_va_t va;

	tome_epoch_enter(p->vm);
	for (level = 0; level < p->top; level++) {
		va = p->min;
		while (tome_walk_units(p, &va, p->max, level, &w)) {
			n++;
			if (!tome_walk_step(&va, p->max, level))
				break;
		}
	}
	tome_epoch_leave(p->vm);
	return n;
}
