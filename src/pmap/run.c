/*
 * run.c - making, undoing and recounting runs (run.h).
 */
#include <pmap/run.h>

#if TOME_PORT_RUN_BITS > 0

#define KERNEL_LEAF \
	(TOME_LEAF_KERNEL | TOME_LEAF_ACCESSED | TOME_LEAF_MODIFIED)

static void undo_at(struct tome_leaf *, tome_va_t);
static const char *check_leaf(const struct tome_walk *);
static const char *check_run(const struct tome_mmu *, const tome_pte_t *first,
    tome_pte_t sample);

bool
tome_run_make(struct tome_leaf *l, tome_va_t va, tome_pa_t pa,
    tome_prot_t prot, enum tome_memtype type)
{
	const struct tome_mmu *m = tome_pmap_mmu(l->pmap);
	size_t i = tome_leaf_index(va), k;

	for (k = 0; k < TOME_RUN_LEAVES; k++)
		if (tome_insn_pte_load(&l->ptes[i + k]) != 0)
			return false;
	for (k = 0; k < TOME_RUN_LEAVES; k++, pa += TOME_PAGE_SIZE)
		tome_slot_xchg(l, i + k, tome_pte_run(m, tome_pte_leaf(m, 0,
		    pa, prot, type, KERNEL_LEAF)));
	tome_slot_count(l->table, (int)TOME_RUN_LEAVES);
	return true;
}

/*
 * A TLB that holds the run must not find one of it changed: none is valid from the
 * flush on until all are leaves of their own. Other CPUs that use it then would
 * fault; whose mapping it is sees to it that they do not (<tome/pmap.h>).
 */
void
tome_run_undo(struct tome_leaf *l, size_t i)
{
	const struct tome_mmu *m = tome_pmap_mmu(l->pmap);
	tome_pte_t old = tome_insn_pte_load(&l->ptes[i]);
	tome_prot_t prot = tome_pte_prot(m, old);
	enum tome_memtype type = tome_pte_type(m, 0, old);
	size_t first = i & ~(TOME_RUN_LEAVES - 1), k;
	tome_va_t va = l->base + ((tome_va_t)first << TOME_PAGE_SHIFT);
	tome_pa_t pa = tome_run_pa(old);

	for (k = 0; k < TOME_RUN_LEAVES; k++)
		tome_slot_xchg(l, first + k, 0);
	tome_round(l->pmap, va, va + TOME_RUN_SPAN);
	for (k = 0; k < TOME_RUN_LEAVES; k++, pa += TOME_PAGE_SIZE)
		tome_slot_xchg(l, first + k, tome_pte_leaf(m, 0, pa, prot,
		    type, KERNEL_LEAF));
}

void
tome_run_edges(struct tome_leaf *l, tome_va_t start, tome_va_t end)
{
	undo_at(l, start);
	undo_at(l, end);
}

/* If a run goes on across va. */
static void
undo_at(struct tome_leaf *l, tome_va_t va)
{
	size_t i = tome_leaf_index(va);

	if ((i & (TOME_RUN_LEAVES - 1)) != 0 &&
	    tome_pte_is_run(tome_insn_pte_load(&l->ptes[i])))
		tome_run_undo(l, i);
}

/* ---- the recount ---- */

tome_cold const char *
tome_runs_check(struct tome_pmap *kernel)
{
	tome_va_t va = kernel->min;
	const char *why = NULL;
	struct tome_walk w;

	while (why == NULL &&
	    tome_walk_units(kernel, &va, kernel->max, 0, &w)) {
		why = check_leaf(&w);
		if (!tome_walk_step(&va, kernel->max, 0))
			break;
	}
	return why;
}

static tome_cold const char *
check_leaf(const struct tome_walk *w)
{
	const char *why = NULL;
	tome_pte_t pte;
	size_t i;

	for (i = 0; i < TOME_LEAF_ENTRIES && why == NULL; i++) {
		pte = tome_insn_pte_load(&w->table[i]);
		if (tome_pte_is_run(pte))
			why = check_run(tome_pmap_mmu(w->pmap),
			    &w->table[i & ~(TOME_RUN_LEAVES - 1)], pte);
	}
	return why;
}

/* Each is what tome_run_make() would make of the one that was met. */
static tome_cold const char *
check_run(const struct tome_mmu *m, const tome_pte_t *first, tome_pte_t sample)
{
	tome_prot_t prot = tome_pte_prot(m, sample);
	enum tome_memtype type = tome_pte_type(m, 0, sample);
	tome_pa_t pa = tome_run_pa(sample);
	size_t k;

	for (k = 0; k < TOME_RUN_LEAVES; k++, pa += TOME_PAGE_SIZE)
		if (tome_insn_pte_load(&first[k]) != tome_pte_run(m,
		    tome_pte_leaf(m, 0, pa, prot, type, KERNEL_LEAF)))
			return "a run of leaves is not whole, or not of one "
			    "kind";
	return NULL;
}

#endif
