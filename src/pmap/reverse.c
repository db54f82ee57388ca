/*
 * reverse.c - from a page to all its translations, wherever they are.
 *
 * A walk runs inside an epoch. It collects records in ascending order under the
 * page's PV lock, drops it, then for each locks the leaf the record names, checks
 * that this still is a leaf and its slot still names the frame, and acts. A record
 * that was there throughout is always seen; one that moved to another slot
 * meanwhile (tome_range_move) may not be, and then the stamp has changed and the
 * walk is done again: every action may be done twice. One record alone is the page's
 * word, which is its own stamp, and read without the lock.
 *
 * What a walk changed is flushed before it ends, with no leaf locked, in one round as
 * long as it is the same pmap's; that is there until the epoch ends.
 */
#include <pmap/reverse.h>

#define REVERSE_BATCH 4u

static bool reverse_pass(struct tome_reverse *, struct tome_page *);
static bool reverse_many(struct tome_reverse *, struct tome_page *);
static void reverse_visit(struct tome_reverse *, uint64_t rec);
static void reverse_gather(struct tome_reverse *);
static void reverse_flush(const struct tome_reverse *);
static bool act_test(struct tome_reverse *, struct tome_leaf *, size_t i);
static bool act_clear(struct tome_reverse *, struct tome_leaf *, size_t i);
static bool act_narrow(struct tome_reverse *, struct tome_leaf *, size_t i);
static bool act_drop(struct tome_reverse *, struct tome_leaf *, size_t i);
static bool page_bit(struct tome_vm *, tome_pfn_t, unsigned flag,
    uint32_t saved, bool clear);

bool
tome_page_modified(struct tome_vm *vm, tome_pfn_t pfn, bool clear)
{
	return page_bit(vm, pfn, TOME_LEAF_MODIFIED, TOME_PAGE_MODIFIED,
	    clear);
}

bool
tome_page_accessed(struct tome_vm *vm, tome_pfn_t pfn, bool clear)
{
	return page_bit(vm, pfn, TOME_LEAF_ACCESSED, TOME_PAGE_ACCESSED,
	    clear);
}

/* Entries first: one that goes meanwhile leaves its bit in the page. */
static bool
page_bit(struct tome_vm *vm, tome_pfn_t pfn, unsigned flag, uint32_t saved,
    bool clear)
{
	struct tome_page *pg = tome_page(vm, pfn);
	struct tome_reverse r = {.vm = vm, .want = flag};
	uint32_t state;

	r.act = clear ? act_clear : act_test;
	tome_reverse_walk(&r, &pfn, 1);
	state = clear && (tome_rd(&pg->state) & saved) ?
	    tome_and(&pg->state, ~saved) : tome_rd(&pg->state);
	return r.found != 0 || (state & saved) != 0;
}

void
tome_page_protect(struct tome_vm *vm, tome_pfn_t pfn, tome_prot_t prot)
{
	struct tome_reverse r = {.vm = vm, .prot = prot};

	r.act = prot == TOME_PROT_NONE ? act_drop : act_narrow;
	tome_reverse_walk(&r, &pfn, 1);
}

void
tome_pages_unmap(struct tome_vm *vm, const tome_pfn_t *pfn, unsigned n)
{
	struct tome_reverse r = {.vm = vm, .act = act_drop};

	tome_reverse_walk(&r, pfn, n);
}

unsigned
tome_page_mappings(struct tome_vm *vm, tome_pfn_t pfn)
{
	return tome_pv_count(vm, tome_page(vm, pfn));
}

void
tome_reverse_walk(struct tome_reverse *r, const tome_pfn_t *pfn, unsigned n)
{
	struct tome_page *pg;

	tome_epoch_enter(r->vm);
	for (unsigned i = 0; i < n; i++) {
		r->pfn = pfn[i];
		pg = tome_page(r->vm, r->pfn);
		while (!reverse_pass(r, pg))
			;
	}
	reverse_flush(r);
	tome_epoch_leave(r->vm);
}

/* True: every record was seen, none changed its number meanwhile. */
static bool
reverse_pass(struct tome_reverse *r, struct tome_page *pg)
{
	uint64_t word = tome_rd_sc(&pg->pv), now;

	if (!(word & 1))
		return word == 0 || reverse_many(r, pg);
	reverse_visit(r, word >> 1);
	if (r->hit != NULL)
		reverse_gather(r);
	now = tome_rd_sc(&pg->pv);
	return now == word || now == 0;
}

static bool
reverse_many(struct tome_reverse *r, struct tome_page *pg)
{
	struct tome_pv_stamp stamp;
	uint64_t rec[REVERSE_BATCH];
	unsigned n, i;

	n = tome_pv_collect(r->vm, pg, 0, rec, REVERSE_BATCH, &stamp);
	while (n > 0) {
		for (i = 0; i < n; i++) {
			reverse_visit(r, rec[i]);
			if (r->hit != NULL)
				reverse_gather(r);
		}
		n = tome_pv_collect(r->vm, pg, rec[n - 1], rec, REVERSE_BATCH,
		    &stamp);
		if (n == 0 && stamp.changed)
			return false;
	}
	return true;
}

/* A table frame named by a record is not freed before our epoch ends. */
static tome_noinline void
reverse_visit(struct tome_reverse *r, uint64_t rec)
{
	struct tome_page *table = tome_page(r->vm, tome_pv_frame(rec));
	size_t i = tome_pv_index(rec);
	bool flush = false;
	struct tome_leaf l;
	tome_pte_t pte;

	l.pmap = NULL;
	tome_bit_lock(r->vm, &table->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
	if (!(tome_rd(&table->state) & TOME_PAGE_STRAY)) {
		tome_leaf_fill(table->owner, tome_unit_base(table),
		    tome_pv_frame(rec), tome_table_va(r->vm,
		    tome_pfn_pa(tome_pv_frame(rec))), &l);
		pte = tome_insn_pte_load(&l.ptes[i]);
		if (pte != 0 && tome_pa_pfn(tome_pte_pa(0, pte)) == r->pfn)
			flush = r->act(r, &l, i);
	}
	tome_bit_unlock(r->vm, &table->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
	r->hit = flush ? l.pmap : NULL;
	r->va = l.base + ((tome_va_t)i << TOME_PAGE_SHIFT);
}

/* What was hit is flushed too, in the end; what is another pmap's now. */
static tome_noinline void
reverse_gather(struct tome_reverse *r)
{
	if (r->pmap != r->hit) {
		reverse_flush(r);
		r->pmap = r->hit;
		r->start = r->end = r->va;
	}
	if (r->va < r->start)
		r->start = r->va;
	if (r->va >= r->end)
		r->end = r->va + TOME_PAGE_SIZE;
}

static void
reverse_flush(const struct tome_reverse *r)
{
	if (r->pmap != NULL)
		tome_round(r->pmap, r->start, r->end);
}

static bool
act_test(struct tome_reverse *r, struct tome_leaf *l, size_t i)
{
	r->found |= tome_slot_flags(l, i, tome_insn_pte_load(&l->ptes[i])) &
	    r->want;
	return false;
}

/*
 * A TLB that remembers "modified" would not set it again: flush. One that
 * remembers "accessed" forgets it soon enough, and an interrupt to every CPU for
 * each page looked at would cost more than the knowledge is worth; but where
 * software keeps the bits, the right just withheld must be withheld everywhere.
 */
static bool
act_clear(struct tome_reverse *r, struct tome_leaf *l, size_t i)
{
	unsigned had = tome_slot_clear(l, i, r->want);

	r->found |= had;
	return had != 0 && (TOME_SIDE || (had & TOME_LEAF_MODIFIED));
}

static bool
act_narrow(struct tome_reverse *r, struct tome_leaf *l, size_t i)
{
	return tome_slot_narrow(l, i, tome_insn_pte_load(&l->ptes[i]),
	    r->prot, tome_pte_narrowing(tome_pmap_mmu(l->pmap), r->prot));
}

static bool
act_drop(struct tome_reverse *r, struct tome_leaf *l, size_t i)
{
	(void)r;
	tome_slot_drop(l, i);
	tome_slot_count(l->table, -1);
	return true;
}
