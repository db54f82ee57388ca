/*
 * judge.c - what TLBs and walk caches hold, against tables and frames.
 *
 * For moments when no operation is in progress. Only what a CPU could use now is
 * judged: entries under a tag it does not run may be stale, because a switch
 * flushes a tag that is behind (DESIGN.md section 6).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "hosted_i.h"

struct verdict {
	struct hosted_machine *m;
	uint8_t *type;		/* per frame from lo: type + 1, as seen cached */
	bool ok;
};

static bool
is_live(struct hosted_cpu *c, const struct hosted_leaf *leaf)
{
	return leaf->global || leaf->asid == hosted_mmu.asid(c, leaf->va);
}

static bool
blame(struct verdict *v, enum hosted_kind kind, struct hosted_cpu *c,
    const struct hosted_leaf *leaf)
{
	hosted_violation(v->m, kind, "CPU %u's TLB: va %#" PRIx64 " frame %#"
	    PRIx64 " rights %#x", c->core.id, (uint64_t)leaf->va,
	    (uint64_t)leaf->pa, leaf->rights);
	v->ok = false;
	return false;
}

static bool
judge_type(struct verdict *v, const struct hosted_leaf *leaf)
{
	uint8_t *seen;

	if (hosted_ram(v->m, leaf->pa) == NULL ||
	    leaf->shift != TOME_PAGE_SHIFT || v->type == NULL)
		return true;
	seen = &v->type[(leaf->pa - v->m->lo) >> TOME_PAGE_SHIFT];
	if (*seen == 0)
		*seen = (uint8_t)(leaf->type + 1);
	return *seen == leaf->type + 1;
}

static bool
is_dead(struct hosted_machine *m, const struct hosted_leaf *leaf)
{
	enum tome_identity id;

	if (m->vm == NULL || m->identity == NULL ||
	    leaf->shift != TOME_PAGE_SHIFT || !(leaf->rights & HOSTED_U))
		return false;
	id = m->identity(m->vm, tome_pa_pfn(leaf->pa));
	return id == TOME_PAGE_FREE || id == TOME_PAGE_TABLE;
}

/* Do the tables say now what it says of its nth place? */
static bool
is_true(struct hosted_cpu *c, const struct hosted_leaf *leaf, unsigned n,
    struct hosted_leaf *now)
{
	tome_va_t at = (tome_va_t)n << (leaf->shift - leaf->run);

	return hosted_mmu.walk(c, leaf->va + at, HOSTED_WALK_FRESH, now) ==
	    HOSTED_FOUND && now->pa + (tome_pa_t)(leaf->va + at - now->va) ==
	    leaf->pa + (tome_pa_t)at && (leaf->rights & ~now->rights) == 0;
}

static bool
judge_entry(void *arg, struct hosted_cpu *c, struct hosted_tlbe *e)
{
	struct verdict *v = arg;
	struct hosted_leaf *leaf = &e->leaf, now;
	unsigned n = 1u << leaf->run;

	if (!is_live(c, leaf))
		return true;
	if (is_dead(v->m, leaf))
		return blame(v, HOSTED_FREED, c, leaf);
	/* Of a run, each place; the first comes last and is `now` below. */
	while (n-- > 0)
		if (!is_true(c, leaf, n, &now))
			return blame(v, HOSTED_STALE, c, leaf);
	if (leaf->dirty && !now.dirty && (leaf->rights & HOSTED_W) &&
	    (v->m->mmu_flags & HOSTED_MMU_WRITE_WALKS))
		return blame(v, HOSTED_MODIFIED, c, leaf);
	if (!judge_type(v, leaf))
		return blame(v, HOSTED_TYPES, c, leaf);
	return true;
}

/* A cached upper entry must still be what the tables say there. */
static void
judge_upper(struct verdict *v, struct hosted_cpu *c,
    const struct hosted_upper *u)
{
	struct hosted_upper now;

	if (!u->global && u->asid != hosted_mmu.asid(c, u->va))
		return;
	if (hosted_mmu.upper(c, u, &now) && now.table == u->table &&
	    (u->rights & ~now.rights) == 0)
		return;
	hosted_violation(v->m, HOSTED_STALE, "CPU %u's walk cache: va %#" PRIx64
	    " table %#" PRIx64, c->core.id, (uint64_t)u->va,
	    (uint64_t)u->table);
	v->ok = false;
}

bool
hosted_judge(struct hosted_machine *m)
{
	struct verdict v = { .m = m, .ok = true };
	unsigned i, j;

	v.type = calloc((m->hi - m->lo) >> TOME_PAGE_SHIFT, 1);
	for (i = 0; i < m->ncpus && v.ok; i++) {
		struct hosted_cpu *c = &m->cpu[i];

		hosted_lock(&c->tlb_lock);
		hosted_tlb_each(c, judge_entry, &v);
		for (j = 0; j < c->tlb.nupper && v.ok; j++)
			judge_upper(&v, c, &c->tlb.upper[j]);
		hosted_unlock(&c->tlb_lock);
	}
	free(v.type);
	return v.ok;
}

/* ---- who names a frame ---- */

struct naming {
	tome_pa_t pa;
	unsigned n;
};

static bool
count_naming(void *arg, struct hosted_cpu *c, struct hosted_tlbe *e)
{
	struct naming *n = arg;

	(void)c;
	if ((n->pa - e->leaf.pa) >> e->leaf.shift == 0)
		n->n++;
	return true;
}

unsigned
hosted_cached(struct hosted_machine *m, tome_pfn_t pfn)
{
	struct naming n = { .pa = tome_pfn_pa(pfn) };
	unsigned i, j;

	for (i = 0; i < m->ncpus; i++) {
		struct hosted_cpu *c = &m->cpu[i];

		hosted_lock(&c->tlb_lock);
		hosted_tlb_each(c, count_naming, &n);
		for (j = 0; j < c->tlb.nupper; j++)
			n.n += tome_pa_pfn(c->tlb.upper[j].table) == pfn;
		hosted_unlock(&c->tlb_lock);
	}
	return n.n;
}
