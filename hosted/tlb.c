/*
 * tlb.c - a CPU's TLB and walk cache, how they fill, and how they empty.
 *
 * Invariant: an entry is what some walk of this CPU found since the last flush
 * that covers it. Fills hold tlb_lock over the walk, flushes hold it over the
 * removal: a fill is wholly before or wholly after a flush.
 *
 * Without a mode a TLB keeps CAPACITY entries and drops the oldest bucket's;
 * the modes stretch what the architectures allow.
 */
#include <stdlib.h>
#include <string.h>

#include "hosted_i.h"

#define CAPACITY 64

static void speculate(struct hosted_machine *, struct hosted_cpu *self);

static bool
is_small(const struct hosted_leaf *leaf)
{
	return leaf->shift == TOME_PAGE_SHIFT;
}

static struct hosted_tlbe **
bucket_of(struct hosted_tlb *t, tome_va_t va)
{
	return &t->bucket[(va >> TOME_PAGE_SHIFT) % HOSTED_TLB_BUCKETS];
}

static bool
covers(const struct hosted_leaf *leaf, tome_va_t va)
{
	return (va - leaf->va) >> leaf->shift == 0;
}

/* Unlink *link and keep it as a spare. An owed A bit may be set now. */
static void
discard(struct hosted_cpu *c, struct hosted_tlbe **link)
{
	struct hosted_tlbe *e = *link;

	if (!e->leaf.accessed)
		hosted_mmu.settle(c, &e->leaf);
	*link = e->next;
	e->next = c->tlb.spare;
	c->tlb.spare = e;
	c->tlb.nentries--;
}

static struct hosted_tlbe *
search(struct hosted_tlbe *e, tome_va_t va, uint32_t asid)
{
	for (; e != NULL; e = e->next)
		if (covers(&e->leaf, va) &&
		    (e->leaf.global || e->leaf.asid == asid))
			return e;
	return NULL;
}

struct hosted_tlbe *
hosted_tlb_find(struct hosted_cpu *c, tome_va_t va, uint32_t asid)
{
	struct hosted_tlbe *e = search(*bucket_of(&c->tlb, va), va, asid);

	return e != NULL ? e : search(c->tlb.large, va, asid);
}

/* Make room: everything in one bucket goes. */
static void
evict(struct hosted_cpu *c)
{
	uint32_t b = hosted_roll(c, HOSTED_TLB_BUCKETS);
	uint32_t i;

	for (i = 0; i < HOSTED_TLB_BUCKETS; i++) {
		struct hosted_tlbe **link =
		    &c->tlb.bucket[(b + i) % HOSTED_TLB_BUCKETS];

		if (*link == NULL)
			continue;
		while (*link != NULL)
			discard(c, link);
		return;
	}
	while (c->tlb.large != NULL)
		discard(c, &c->tlb.large);
}

static struct hosted_tlbe *
entry_new(struct hosted_cpu *c)
{
	struct hosted_tlbe *e = c->tlb.spare;

	if (e != NULL)
		c->tlb.spare = e->next;
	else
		e = malloc(sizeof *e);
	if (e == NULL)
		abort();
	return e;
}

struct hosted_tlbe *
hosted_tlb_add(struct hosted_cpu *c, const struct hosted_leaf *leaf)
{
	struct hosted_tlbe **link, *e;

	hosted_tlb_drop(c, leaf->va, leaf->asid);
	if (c->tlb.nentries >= CAPACITY &&
	    !hosted_mode(c->m, HOSTED_NEVER_EVICT))
		evict(c);
	e = entry_new(c);
	e->leaf = *leaf;
	link = is_small(leaf) ? bucket_of(&c->tlb, leaf->va) : &c->tlb.large;
	e->next = *link;
	*link = e;
	c->tlb.nentries++;
	HOSTED_COUNT(c->m, fills);
	return e;
}

static void
drop_from(struct hosted_cpu *c, struct hosted_tlbe **link, tome_va_t va,
    uint32_t asid)
{
	while (*link != NULL)
		if (covers(&(*link)->leaf, va) &&
		    ((*link)->leaf.global || (*link)->leaf.asid == asid))
			discard(c, link);
		else
			link = &(*link)->next;
}

void
hosted_tlb_drop(struct hosted_cpu *c, tome_va_t va, uint32_t asid)
{
	drop_from(c, bucket_of(&c->tlb, va), va, asid);
	drop_from(c, &c->tlb.large, va, asid);
}

void
hosted_tlb_each(struct hosted_cpu *c, bool (*fn)(void *arg,
    struct hosted_cpu *, struct hosted_tlbe *), void *arg)
{
	struct hosted_tlbe *e, *next;
	unsigned b;

	for (b = 0; b <= HOSTED_TLB_BUCKETS; b++) {
		e = b < HOSTED_TLB_BUCKETS ? c->tlb.bucket[b] : c->tlb.large;
		for (; e != NULL; e = next) {
			next = e->next;
			if (!fn(arg, c, e))
				return;
		}
	}
}

/* One of number 0 and one of every number, where there are such. */
void
hosted_tlb_leave(struct hosted_cpu *c)
{
	struct hosted_leaf leaf = { .va = c->m->kernel_start, .pa = c->m->lo,
		.shift = TOME_PAGE_SHIFT, .accessed = true, .dirty = true,
		.rights = HOSTED_R | HOSTED_W | HOSTED_X };

	hosted_lock(&c->tlb_lock);
	hosted_tlb_add(c, &leaf);
	leaf.va += TOME_PAGE_SIZE;
	leaf.global = true;
	if (hosted_mmu.has_globals == NULL || hosted_mmu.has_globals(c))
		hosted_tlb_add(c, &leaf);
	hosted_unlock(&c->tlb_lock);
}

static void
free_list(struct hosted_tlbe *e)
{
	struct hosted_tlbe *next;

	for (; e != NULL; e = next) {
		next = e->next;
		free(e);
	}
}

void
hosted_tlb_fini(struct hosted_cpu *c)
{
	unsigned b;

	for (b = 0; b < HOSTED_TLB_BUCKETS; b++)
		free_list(c->tlb.bucket[b]);
	free_list(c->tlb.large);
	free_list(c->tlb.spare);
	free(c->tlb.upper);
	memset(&c->tlb, 0, sizeof c->tlb);
}

/* ---- the walk cache ---- */

static bool
upper_is(const struct hosted_upper *u, tome_va_t va, uint32_t asid)
{
	return (va - u->va) >> u->shift == 0 && (u->global || u->asid == asid);
}

bool
hosted_upper_find(struct hosted_cpu *c, tome_va_t va, uint32_t asid,
    unsigned min_shift, struct hosted_upper *out)
{
	const struct hosted_upper *best = NULL;
	unsigned i;

	if (!hosted_mode(c->m, HOSTED_WALK_CACHE))
		return false;
	for (i = 0; i < c->tlb.nupper; i++) {
		const struct hosted_upper *u = &c->tlb.upper[i];

		if (upper_is(u, va, asid) && u->shift >= min_shift &&
		    (best == NULL || u->shift < best->shift))
			best = u;
	}
	if (best != NULL)
		*out = *best;
	return best != NULL;
}

void
hosted_upper_add(struct hosted_cpu *c, const struct hosted_upper *u)
{
	struct hosted_tlb *t = &c->tlb;
	unsigned i;

	if (!hosted_mode(c->m, HOSTED_WALK_CACHE))
		return;
	for (i = 0; i < t->nupper; i++)
		if (upper_is(&t->upper[i], u->va, u->asid) &&
		    t->upper[i].shift == u->shift)
			break;
	if (i == t->upper_room) {
		t->upper_room = t->upper_room == 0 ? 32 : t->upper_room * 2;
		t->upper = realloc(t->upper,
		    t->upper_room * sizeof t->upper[0]);
		if (t->upper == NULL)
			abort();
	}
	t->upper[i] = *u;
	if (i == t->nupper)
		t->nupper++;
}

/* ---- flushing ---- */

static bool
in_range(tome_va_t first, unsigned shift, const struct hosted_flush *f)
{
	tome_va_t last = first + (((tome_va_t)1 << shift) - 1);
	tome_va_t end = f->va + (f->len == 0 ? 0 : f->len - 1);

	return f->any_va || (first <= end && last >= f->va);
}

static bool
leaf_matches(const struct hosted_leaf *leaf, const struct hosted_flush *f)
{
	bool who = leaf->global ? f->globals :
	    f->any_asid || leaf->asid == f->asid;

	return who && in_range(leaf->va, leaf->shift, f);
}

static void
flush_list(struct hosted_cpu *c, struct hosted_tlbe **link,
    const struct hosted_flush *f)
{
	while (*link != NULL)
		if (leaf_matches(&(*link)->leaf, f))
			discard(c, link);
		else
			link = &(*link)->next;
}

static void
flush_upper(struct hosted_tlb *t, const struct hosted_flush *f)
{
	unsigned i;

	if (f->leaves)
		return;
	for (i = 0; i < t->nupper;) {
		const struct hosted_upper *u = &t->upper[i];
		bool who = u->global ? f->globals :
		    f->any_asid || u->asid == f->asid;

		if (who && (f->any_walk || in_range(u->va, u->shift, f)))
			t->upper[i] = t->upper[--t->nupper];
		else
			i++;
	}
}

static void
count_flush(struct hosted_machine *m, const struct hosted_flush *f)
{
	if (!f->any_va)
		HOSTED_COUNT(m, flush_page);
	else if (!f->any_asid)
		HOSTED_COUNT(m, flush_asid);
	else
		HOSTED_COUNT(m, flush_all);
}

void
hosted_flush(struct hosted_cpu *c, const struct hosted_flush *f)
{
	unsigned b;

	hosted_lock(&c->tlb_lock);
	for (b = 0; b < HOSTED_TLB_BUCKETS; b++)
		flush_list(c, &c->tlb.bucket[b], f);
	flush_list(c, &c->tlb.large, f);
	flush_upper(&c->tlb, f);
	hosted_unlock(&c->tlb_lock);
	count_flush(c->m, f);
}

void
hosted_flush_all_cpus(struct hosted_cpu *c, const struct hosted_flush *f)
{
	unsigned i;

	for (i = 0; i < c->m->ncpus; i++)
		hosted_flush(&c->m->cpu[i], f);
}

/* ---- what a CPU may do by itself ---- */

/* Fill c's TLB for va by a walk of its own, as speculation would. */
static void
guess(struct hosted_cpu *c, tome_va_t va)
{
	struct hosted_leaf leaf;

	hosted_lock(&c->tlb_lock);
	if (hosted_mmu.walk(c, va, HOSTED_WALK_ACCESS, &leaf) ==
	    HOSTED_FOUND && leaf.rights != 0) {
		hosted_tlb_add(c, &leaf);
		HOSTED_COUNT(c->m, speculated);
	}
	hosted_unlock(&c->tlb_lock);
}

static void
forget(struct hosted_cpu *self, struct hosted_cpu *c)
{
	hosted_lock(&c->tlb_lock);
	if (c->tlb.nentries != 0)
		evict(c);
	if (c->tlb.nupper != 0) {
		uint32_t gone = hosted_roll(self, c->tlb.nupper--);

		c->tlb.upper[gone] = c->tlb.upper[c->tlb.nupper];
	}
	hosted_unlock(&c->tlb_lock);
}

/* Addresses of late, and now and then one out of the tables. */
static void
speculate(struct hosted_machine *m, struct hosted_cpu *self)
{
	struct hosted_cpu *c = &m->cpu[hosted_roll(self, m->ncpus)];
	unsigned i, n = hosted_roll(self, 4);
	tome_va_t va;
	bool any;

	for (i = 0; i < n; i++)
		guess(c, (tome_va_t)atomic_load(
		    &m->recent[hosted_roll(self, HOSTED_RECENT)]));
	if (hosted_roll(self, 8) != 0)
		return;
	hosted_lock(&c->tlb_lock);
	any = hosted_mmu.pick(c, &va);
	hosted_unlock(&c->tlb_lock);
	if (any)
		guess(c, va);
}

/* At PTE changes and accesses: what the modes let CPUs do at any time. */
void
hosted_mischief(struct hosted_cpu *self)
{
	struct hosted_machine *m = self->m;
	unsigned i;

	if (hosted_mode(m, HOSTED_SPECULATE))
		for (i = 0; i < m->ncpus; i++)
			speculate(m, self);
	if (hosted_mode(m, HOSTED_RANDOM_EVICT) && hosted_roll(self, 4) == 0)
		forget(self, &m->cpu[hosted_roll(self, m->ncpus)]);
}

void
hosted_pte_before(const volatile void *pte)
{
	struct hosted_cpu *self = hosted_cpu();

	(void)pte;
	if (self != NULL)
		hosted_mischief(self);
}

/* A CPU holds, for an address it uses now, what an entry said before. */
struct held {
	tome_pa_t pte;
	uint64_t now;
	bool found;
};

/* Was it read from that entry, or from a run that this is one of? */
static bool
is_of(const struct hosted_leaf *leaf, tome_pa_t pte)
{
	tome_pa_t run = ((tome_pa_t)hosted_mmu.entry_bytes << leaf->run) - 1;

	return leaf->run == 0 ? leaf->pte == pte : ((leaf->pte ^ pte) & ~run) == 0;
}

/* Does it say of that entry's place what the entry says now? */
static bool
says(const struct hosted_leaf *leaf, tome_pa_t pte, uint64_t now)
{
	int n = leaf->run == 0 ? 0 : (int)((int64_t)(pte - leaf->pte) /
	    (int)hosted_mmu.entry_bytes);

	return hosted_mmu.same(n == 0 ? leaf->raw :
	    hosted_mmu.in_run(leaf->raw, n), now);
}

static bool
holds(void *arg, struct hosted_cpu *c, struct hosted_tlbe *e)
{
	struct held *h = arg;

	if (is_of(&e->leaf, h->pte) && !says(&e->leaf, h->pte, h->now) &&
	    (e->leaf.global ||
		e->leaf.asid == hosted_mmu.asid(c, e->leaf.va)))
		h->found = true;
	return !h->found;
}

/* An entry became valid, and names what it did not name before. */
static void
judge_replaced(struct hosted_machine *m, tome_pa_t pte, uint64_t old,
    uint64_t now)
{
	struct held h = { .pte = pte, .now = now };
	unsigned i;

	for (i = 0; i < m->ncpus && !h.found; i++) {
		hosted_lock(&m->cpu[i].tlb_lock);
		hosted_tlb_each(&m->cpu[i], holds, &h);
		hosted_unlock(&m->cpu[i].tlb_lock);
	}
	if (h.found || hosted_mmu.valid(old))
		hosted_violation(m, HOSTED_BBM,
		    "entry at %#llx: %#llx replaced by %#llx",
		    (unsigned long long)pte, (unsigned long long)old,
		    (unsigned long long)now);
}

void
hosted_pte_after(const volatile void *pte, uint64_t old, uint64_t now)
{
	struct hosted_cpu *self = hosted_cpu();
	tome_pa_t pa;

	if (self == NULL || old == now ||
	    !hosted_pointer_pa(self->m, (const void *)pte, &pa))
		return;
	if (hosted_mmu.valid(old))
		hosted_kva_pte(self->m, pa);
	if (self->m->mmu_flags & HOSTED_MMU_WEAK)
		hosted_pte_pending(self->m, pa, old);
	if (((self->m->mmu_flags & HOSTED_MMU_BBM) ||
	    hosted_mode(self->m, HOSTED_STRICT)) && hosted_mmu.valid(now) &&
	    !(hosted_mmu.valid(old) && hosted_mmu.same(old, now)))
		judge_replaced(self->m, pa, old, now);
	hosted_mischief(self);
}
