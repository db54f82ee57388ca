/*
 * check.c - recounting layer 2: invariant 4 both ways, 9 as far as page tables
 * know (a page has at least as many wires as wired translations; the rest are
 * pins), and the counts kept in tables.
 *
 * The other CPUs are outside the VM. Costs a walk over all tables and all frames.
 */
#include <pmap/run.h>

static const char *check_units(struct tome_pmap *, unsigned level);
static const char *check_unit(const struct tome_walk *, tome_va_t);
static const char *check_slots(const struct tome_walk *, uint64_t *managed);
static const char *check_root(struct tome_pmap *);
static const char *check_pmap(struct tome_pmap *, uint64_t *managed);
static const char *check_pages(struct tome_vm *, uint64_t *records);
static const char *check_page(struct tome_vm *, tome_pfn_t, uint64_t *records);
static const char *check_record(struct tome_vm *, tome_pfn_t, uint64_t rec,
    unsigned *wired);
static size_t count_groups(const struct tome_walk *, size_t entries);

tome_cold const char *
tome_pmaps_check(struct tome_vm *vm)
{
	uint64_t managed = 0, records = 0;
	const char *why = NULL;
	struct tome_pmap *p;

	for (p = vm->pmaps->list; p != NULL && why == NULL; p = p->next)
		why = check_pmap(p, &managed);
	if (why == NULL)
		why = check_pages(vm, &records);
	if (why == NULL && managed != records)
		why = "a pv record has no translation (invariant 4)";
	if (TOME_PORT_RUN_BITS != 0 && why == NULL)
		why = tome_runs_check(&vm->pmaps->kernel);
	return why;
}

/* ---- from the tables ---- */

static tome_cold const char *
check_pmap(struct tome_pmap *p, uint64_t *managed)
{
	const char *why = check_root(p);
	tome_va_t va = p->min;
	struct tome_walk w;
	unsigned level;

	for (level = 0; level < p->top && why == NULL; level++)
		why = check_units(p, level);
	while (why == NULL && tome_walk_units(p, &va, p->max, 0, &w)) {
		why = check_slots(&w, managed);
		if (!tome_walk_step(&va, p->max, 0))
			break;
	}
	return why;
}

static tome_cold const char *
check_root(struct tome_pmap *p)
{
	struct tome_walk w = tome_walk_to(p, p->min, p->top);
	size_t last = tome_unit_index(p, p->top, p->max - 1);

	if (count_groups(&w, last + 1) !=
	    tome_page(p->vm, p->root_frame)->index)
		return "a root's count differs from its entries";
	return NULL;
}

static tome_cold const char *
check_units(struct tome_pmap *p, unsigned level)
{
	const char *why = NULL;
	tome_va_t va = p->min;
	struct tome_walk w;

	while (why == NULL && tome_walk_units(p, &va, p->max, level, &w)) {
		why = check_unit(&w, va & ~(tome_unit_span(level) - 1));
		if (!tome_walk_step(&va, p->max, level))
			break;
	}
	return why;
}

static tome_cold const char *
check_unit(const struct tome_walk *w, tome_va_t base)
{
	struct tome_page *pg = tome_page(w->pmap->vm, w->frame);

	if (tome_page_identity(pg) != TOME_PAGE_TABLE)
		return "a table's frame is no page table (invariant 3)";
	if (pg->owner != w->pmap || tome_unit_base(pg) != base ||
	    tome_unit_level(pg) != w->level)
		return "a table's descriptor names another place";
	if (pg->state & (TOME_PAGE_STRAY | TOME_PAGE_TABLE_LOCK))
		return "a table in use is stray or locked";
	if (w->level > 0 && count_groups(w,
	    tome_unit_entries(w->pmap, w->level)) != pg->index)
		return "an upper table's count differs from its entries";
	return NULL;
}

/* All entries of a group are there, or none. */
static tome_cold size_t
count_groups(const struct tome_walk *w, size_t entries)
{
	size_t group = (size_t)1 << TOME_GROUP_BITS(w->level - 1);
	size_t i, n = 0;

	for (i = 0; i < entries; i++) {
		if (tome_insn_pte_load(&w->table[i]) == 0)
			continue;
		n++;
	}
	return n % group == 0 ? n / group : SIZE_MAX;
}

static tome_cold const char *
check_slots(const struct tome_walk *w, uint64_t *managed)
{
	struct tome_vm *vm = w->pmap->vm;
	uint32_t used = 0;
	tome_pte_t pte;
	struct tome_page *pg;
	size_t i;

	for (i = 0; i < TOME_LEAF_ENTRIES; i++) {
		pte = tome_insn_pte_load(&w->table[i]);
		if (TOME_SIDE && pte == 0 && tome_side_array(vm,
		    tome_page(vm, w->frame))[i] != 0)
			return "an empty entry remembers what it was";
		if (pte == 0)
			continue;
		used++;
		pg = tome_managed(w->pmap, tome_pa_pfn(tome_pte_pa(0, pte)));
		if (pg == NULL)
			continue;
		(*managed)++;
		if (tome_pv_matches(vm, pg, tome_pv_record(w->frame, i)) != 1)
			return "a translation lacks its pv record, or has two "
			    "(invariant 4)";
	}
	if (used != tome_page(vm, w->frame)->index)
		return "a leaf table's count differs from its entries";
	return NULL;
}

/* ---- from the pages ---- */

static tome_cold const char *
check_pages(struct tome_vm *vm, uint64_t *records)
{
	const char *why = NULL;
	struct tome_page *pg;
	tome_pfn_t pfn;

	for (pfn = 0; pfn < vm->npfn && why == NULL; pfn++) {
		pg = tome_page_try(vm, pfn);
		if (pg == NULL)
			continue;
		switch (tome_page_identity(pg)) {
		case TOME_PAGE_ANON:
		case TOME_PAGE_CACHE:
		case TOME_PAGE_DEVICE:
			why = check_page(vm, pfn, records);
			break;
		default:
			break;
		}
	}
	return why;
}

static tome_cold const char *
check_page(struct tome_vm *vm, tome_pfn_t pfn, uint64_t *records)
{
	struct tome_page *pg = tome_page(vm, pfn);
	struct tome_pv_stamp stamp;
	const char *why = NULL;
	unsigned wired = 0;
	uint64_t rec = 0;

	if (!tome_pv_is_sound(vm, pg))
		return "a page's chunks of pv records are not filled as they "
		    "should be";
	while (why == NULL &&
	    tome_pv_collect(vm, pg, rec, &rec, 1, &stamp) == 1) {
		(*records)++;
		why = check_record(vm, pfn, rec, &wired);
	}
	if (why == NULL && wired > tome_page_wired(pg))
		why = "a page's wire count is below its wired translations "
		    "(invariant 9)";
	return why;
}

static tome_cold const char *
check_record(struct tome_vm *vm, tome_pfn_t pfn, uint64_t rec, unsigned *wired)
{
	struct tome_page *table = tome_page_try(vm, tome_pv_frame(rec));
	size_t i = tome_pv_index(rec);
	struct tome_leaf l;
	tome_pte_t pte;

	if (table == NULL || tome_page_identity(table) != TOME_PAGE_TABLE ||
	    (table->state & TOME_PAGE_STRAY) || tome_unit_level(table) != 0)
		return "a pv record names no leaf table (invariant 4)";
	tome_leaf_fill(table->owner, tome_unit_base(table),
	    tome_pv_frame(rec),
	    tome_table_va(vm, tome_pfn_pa(tome_pv_frame(rec))), &l);
	pte = tome_insn_pte_load(&l.ptes[i]);
	if (pte == 0 || tome_pa_pfn(tome_pte_pa(0, pte)) != pfn)
		return "a pv record's slot names another frame (invariant 4)";
	if (tome_slot_flags(&l, i, pte) & TOME_LEAF_WIRED)
		(*wired)++;
	return NULL;
}
