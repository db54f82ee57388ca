/*
 * ops.c - each operation, on the instance and on the model.
 *
 * An operation that means nothing here (no such space, say) is skipped: so any
 * part of a stream is a stream. What the contracts leave open is not tried.
 * With an injected failure ENOMEM and EAGAIN are right too, and then nothing may
 * have changed.
 */
#include <inttypes.h>
#include <string.h>

#include <tome_host_inline.h>

#include "world.h"

#define BUFFER (3 * M_BYTES)

typedef bool operate_fn(struct world *, const struct op *);

static unsigned char bytes[BUFFER];

/* ---- what all need ---- */

static bool
is_shortage(enum tome_err err)
{
	return err == TOME_ENOMEM || err == TOME_EAGAIN;
}

/* Results agree; *apply: the model does it too. */
static bool
agree(struct world *w, const struct op *op, enum tome_err got,
    enum tome_err want, bool *apply)
{
	*apply = want == TOME_OK;
	if (got == want)
		return true;
	*apply = false;
	if (op->fail != 0 && is_shortage(got))
		return true;
	return w_differ(w, "result %d, not %d", got, want);
}

static struct m_space *
space_of(struct world *w, const struct op *op)
{
	return &w->model.space[op->space];
}

/* Pages of op's range that the space can have. */
static unsigned
span(const struct op *op)
{
	return op->npages < M_PAGES - op->page ? op->npages :
	    M_PAGES - op->page;
}

static tome_va_t
bytes_of(unsigned npages)
{
	return (tome_va_t)npages << TOME_PAGE_SHIFT;
}

static bool
all_access(const struct m_space *s, unsigned first, unsigned n,
    tome_prot_t access)
{
	unsigned i;

	for (i = first; i < first + n; i++)
		if (model_access(s, i, access) != TOME_OK)
			return false;
	return true;
}

/* ---- spaces ---- */

static bool
op_space(struct world *w, const struct op *op)
{
	struct tome_map_config config = { .lo = w_va(0),
		.hi = w_va(M_PAGES) };
	bool apply;

	if (w->map[op->space] != NULL)
		return true;
	return agree(w, op, tome_map_create(w->vm, &config,
	    &w->map[op->space]), TOME_OK, &apply);
}

static void
unmap_all(struct m_space *s)
{
	unsigned i;

	for (i = 0; i < M_PAGES; i++)
		model_unmap(&s->page[i]);
}

static bool
op_exit(struct world *w, const struct op *op)
{
	w_stop(w, w->map[op->space]);
	tome_map_unref(w->map[op->space]);
	w->map[op->space] = NULL;
	unmap_all(space_of(w, op));
	return true;
}

static bool
op_clear(struct world *w, const struct op *op)
{
	tome_map_clear(w->map[op->space]);
	unmap_all(space_of(w, op));
	return true;
}

/* What a private mapping of an object becomes, when it is to be shared, is left
 * open. */
static bool
forkable(const struct m_space *s)
{
	unsigned i;

	for (i = 0; i < M_PAGES; i++)
		if (s->page[i].mapped && !s->page[i].shared &&
		    s->page[i].inherit == TOME_INHERIT_SHARE &&
		    s->page[i].object != NULL)
			return false;
	return true;
}

static bool
will_share(const struct m_space *s)
{
	unsigned i;

	for (i = 0; i < M_PAGES; i++)
		if (s->page[i].mapped && !s->page[i].shared &&
		    s->page[i].inherit == TOME_INHERIT_SHARE)
			return true;
	return false;
}

static bool
op_fork(struct world *w, const struct op *op)
{
	bool apply;

	if (w->map[op->other] != NULL || !forkable(space_of(w, op)))
		return true;
	/* What was made common stays so, even if the fork then fails. */
	if (will_share(space_of(w, op)))
		hosted_fail_alloc(w->m, NULL, 0, false);
	if (!agree(w, op, tome_map_fork(w->map[op->space],
	    &w->map[op->other]), TOME_OK, &apply))
		return false;
	if (apply)
		model_fork(space_of(w, op), &w->model.space[op->other]);
	return true;
}

static bool
op_leave(struct world *w, const struct op *op)
{
	if (w->running[op->cpu] != NULL)
		w_stop(w, w->running[op->cpu]);
	return true;
}

static bool
op_quiesce(struct world *w, const struct op *op)
{
	tome_vm_quiesce(w->vm, op->flags & 1);
	return true;
}

/* ---- mapping ---- */

struct mapping {
	struct tome_map_request req;
	struct m_page proto;
	unsigned page, n;
};

static unsigned
flag(const struct op *op, unsigned shift, unsigned bits)
{
	return op->flags >> shift & ((1u << bits) - 1);
}

static void
choose_rights(struct mapping *g, const struct op *op)
{
	tome_prot_t max = TOME_PROT_ALL;

	if (flag(op, 21, 3) == 0)
		g->req.max_prot = max = op->prot | TOME_PROT_READ;
	else if (flag(op, 21, 3) == 1)
		g->req.max_prot = max = TOME_PROT_READ | TOME_PROT_WRITE;
	g->req.prot = g->proto.prot = op->prot;
	g->proto.max_prot = max;
}

static void
choose_place(struct mapping *g, const struct op *op)
{
	if (flag(op, 0, 2) != 0)
		g->req.addr = w_va(g->page);
	if (flag(op, 0, 2) >= 2)
		g->req.flags |= TOME_MAP_FIXED;
	if (flag(op, 0, 2) >= 2 && flag(op, 2, 1))
		g->req.flags |= TOME_MAP_NOREPLACE;
	if (flag(op, 17, 2) == 0)
		g->req.flags |= TOME_MAP_BOTTOMUP;
	g->req.len = bytes_of(g->n);
}

static void
choose_kind(struct mapping *g, const struct op *op, bool object)
{
	static const enum tome_inherit inherits[8] = { TOME_INHERIT_SHARE,
		TOME_INHERIT_NONE, TOME_INHERIT_ZERO };
	bool guard = flag(op, 5, 4) == 0 && !object;
	bool shared = !guard && flag(op, 3, object ? 1 : 2) == 0;

	g->proto.guard = guard;
	g->proto.shared = shared;
	g->proto.keep = flag(op, 9, 3) == 0;
	g->proto.tag = g->req.tag = flag(op, 27, 2);
	g->proto.inherit = g->req.inherit =
	    shared ? TOME_INHERIT_COPY : inherits[flag(op, 24, 3)];
	g->proto.wired = !guard && !object && flag(op, 14, 3) == 0 &&
	    (op->prot & TOME_PROT_READ);
	g->req.flags |= (guard ? TOME_MAP_GUARD : 0) |
	    (shared ? TOME_MAP_SHARED : 0) |
	    (g->proto.keep ? TOME_MAP_KEEP : 0) |
	    (g->proto.wired ? TOME_MAP_LOCKED : 0) |
	    (!guard && flag(op, 12, 2) == 0 ? TOME_MAP_POPULATE : 0) |
	    /* Over an object it may take its page early: left open. */
	    (!object && flag(op, 19, 2) == 0 ? TOME_MAP_ZERO_SHARED_READ : 0);
}

/* Where it must go, or why it must not. */
static enum tome_err
expect_map(const struct m_space *s, const struct mapping *g, unsigned *at)
{
	bool fixed = g->req.flags & TOME_MAP_FIXED;

	if ((g->proto.prot & ~g->proto.max_prot) != 0)
		return TOME_EINVAL;
	*at = g->page;
	if (fixed && g->page + g->n > M_PAGES)
		return TOME_ENOMEM;
	if (fixed && (g->req.flags & TOME_MAP_NOREPLACE) &&
	    !model_none_mapped(s, g->page, g->n))
		return TOME_EEXIST;
	if (fixed || (g->req.addr != 0 &&
	    model_none_mapped(s, g->page, g->n)))
		return TOME_OK;
	*at = model_place(s, g->n, g->req.flags & TOME_MAP_BOTTOMUP);
	return *at == M_PAGES ? TOME_ENOMEM : TOME_OK;
}

static void
fill(struct m_space *s, unsigned first, unsigned n)
{
	unsigned i;

	for (i = first; i < first + n; i++) {
		if (model_access(s, i, TOME_PROT_READ) != TOME_OK)
			return;
		model_fill(&s->page[i]);
	}
}

static bool
enter(struct world *w, const struct op *op, struct mapping *g)
{
	struct m_space *s = space_of(w, op);
	struct m_object *fresh = NULL;
	unsigned at;
	enum tome_err want = expect_map(s, g, &at);
	tome_va_t out = 0;
	bool apply;

	if (!agree(w, op, tome_map_enter(w->map[op->space], &g->req, &out),
	    want, &apply))
		return false;
	if (!apply)
		return true;
	if (out != w_va(at))
		return w_differ(w, "placed at %#" PRIx64 ", not page %u",
		    (uint64_t)out, at);
	if (g->proto.shared && g->proto.object == NULL)
		fresh = g->proto.object = model_object(bytes_of(g->n));
	model_map(s, at, g->n, &g->proto);
	model_object_unref(fresh);
	/* A population that ran out of memory stops early, unseen. */
	if (g->req.flags & (TOME_MAP_POPULATE | TOME_MAP_LOCKED))
		fill(s, at, g->n);
	return true;
}

static bool
op_map(struct world *w, const struct op *op)
{
	struct mapping g = { .page = op->page, .n = op->npages };

	choose_rights(&g, op);
	choose_place(&g, op);
	choose_kind(&g, op, false);
	return enter(w, op, &g);
}

static bool
op_map_object(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS;
	struct mapping g = { .page = op->page, .n = op->npages };

	if (w->object[o] == NULL)
		return true;
	g.proto.object = w->model.object[o];
	g.proto.index = op->to % M_OBJECT_PAGES;
	if (g.n > M_OBJECT_PAGES - g.proto.index)
		g.n = M_OBJECT_PAGES - g.proto.index;
	g.req.object = w->object[o];
	g.req.offset = bytes_of(g.proto.index);
	choose_rights(&g, op);
	choose_place(&g, op);
	choose_kind(&g, op, true);
	return enter(w, op, &g);
}

static bool
op_unmap(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op), i;
	bool apply;

	if (!agree(w, op, tome_map_remove(w->map[op->space], w_va(op->page),
	    bytes_of(n)), TOME_OK, &apply))
		return false;
	for (i = 0; apply && i < n; i++)
		model_unmap(&s->page[op->page + i]);
	return true;
}

/* ---- changing ---- */

/* Wired copies of an object's pages that protect may or may not make. */
static bool
is_open(const struct m_space *s, unsigned first, unsigned n)
{
	unsigned i;

	for (i = first; i < first + n; i++)
		if (s->page[i].wired && s->page[i].object != NULL &&
		    !s->page[i].shared && s->page[i].cell == NULL)
			return true;
	return false;
}

static bool
op_protect(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op), i;
	enum tome_err want = TOME_OK, got;
	bool apply;

	if (is_open(s, op->page, n) ||
	    (op->fail != 0 && !model_all_mapped(s, op->page, n)))
		return true;
	for (i = op->page; i < op->page + n && want == TOME_OK; i++)
		if (!s->page[i].mapped)
			want = TOME_ENOMEM;
		else if (op->prot & ~s->page[i].max_prot)
			want = TOME_EACCES;
	got = tome_map_protect(w->map[op->space], w_va(op->page), bytes_of(n),
	    op->prot);
	if (!agree(w, op, got, want, &apply))
		return false;
	if (got != want)
		return true;
	for (i = op->page; i < op->page + n; i++) {
		struct m_page *p = &s->page[i];

		if (!p->mapped || (op->prot & ~p->max_prot))
			break;
		p->prot = op->prot;
	}
	return true;
}

static bool
op_max_prot(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op), i;
	bool apply;

	/* Only the plain case: everything there, and only less is allowed. */
	for (i = op->page; i < op->page + n; i++)
		if (!s->page[i].mapped || (s->page[i].prot & ~op->prot) ||
		    (op->prot & ~s->page[i].max_prot))
			return true;
	if (!agree(w, op, tome_map_set_max_prot(w->map[op->space],
	    w_va(op->page), bytes_of(n), op->prot), TOME_OK, &apply))
		return false;
	for (i = op->page; apply && i < op->page + n; i++)
		s->page[i].max_prot = op->prot;
	return true;
}

static bool
op_inherit(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	enum tome_inherit how = (enum tome_inherit)(op->value % 5);
	unsigned n = span(op), i;
	enum tome_err want = TOME_OK, got;
	bool apply;

	if (!model_all_mapped(s, op->page, n))
		want = TOME_ENOMEM;
	if (op->fail != 0 && want != TOME_OK)
		return true;
	got = tome_map_inherit(w->map[op->space], w_va(op->page), bytes_of(n),
	    how);
	if (!agree(w, op, got, want, &apply))
		return false;
	/* Beyond a hole too. */
	for (i = op->page; got == want && i < op->page + n; i++)
		if (s->page[i].mapped)
			s->page[i].inherit = how;
	return true;
}

/* As far as it is mapped; guards have nothing to wire. */
static unsigned
set_wired(struct m_space *s, unsigned first, unsigned n, bool wired)
{
	unsigned i;

	for (i = first; i < first + n && s->page[i].mapped; i++)
		if (!s->page[i].guard)
			s->page[i].wired = wired;
	return i - first;
}

/* Fill what was wired; false: a page nobody may touch. */
static bool
fill_wired(struct m_space *s, unsigned first, unsigned n)
{
	unsigned i;

	for (i = first; i < first + n; i++) {
		if (s->page[i].guard)
			continue;
		if (model_access(s, i, TOME_PROT_READ) != TOME_OK)
			return false;
		model_fill(&s->page[i]);
	}
	return true;
}

/* Who owns a private copy of an object's page, when filling stopped half way, is
 * not known. */
static bool
has_private_objects(const struct m_space *s, unsigned first, unsigned n)
{
	unsigned i;

	for (i = first; i < first + n; i++)
		if (s->page[i].mapped && s->page[i].object != NULL &&
		    !s->page[i].shared)
			return true;
	return false;
}

static bool
op_wire(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op);
	enum tome_err got, want = TOME_OK;

	/* ENOMEM must then mean one thing only. */
	if (op->fail != 0 && (has_private_objects(s, op->page, n) ||
	    !all_access(s, op->page, n, TOME_PROT_READ)))
		return true;
	got = tome_map_wire(w->map[op->space], w_va(op->page), bytes_of(n),
	    false);
	if (op->fail != 0 && got == TOME_ENOMEM)
		return true;
	if (set_wired(s, op->page, n, true) < n ||
	    !fill_wired(s, op->page, n))
		want = TOME_ENOMEM;
	if (got != want && !(op->fail != 0 && got == TOME_EAGAIN))
		return w_differ(w, "wire: %d, not %d", got, want);
	return true;
}

static bool
op_unwire(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op);
	enum tome_err want, got;
	bool apply;

	want = model_all_mapped(s, op->page, n) ? TOME_OK : TOME_ENOMEM;
	if (op->fail != 0 && want != TOME_OK)
		return true;
	got = tome_map_unwire(w->map[op->space], w_va(op->page), bytes_of(n));
	if (!agree(w, op, got, want, &apply))
		return false;
	if (got == want)
		(void)set_wired(s, op->page, n, false);
	return true;
}

/* ---- advice ---- */

/* FREE drops at once, too, as long as nothing else wants the memory back. */
static bool
discards(const struct m_page *p, enum tome_advice advice)
{
	if (advice == TOME_ADV_FREE && p->object != NULL)
		return false;
	return !p->wired || advice == TOME_ADV_DONTNEED_LOCKED;
}

static bool
advise_discard(struct world *w, const struct op *op, enum tome_advice advice)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op), i;
	enum tome_err want = TOME_OK, got;
	bool apply;

	for (i = op->page; i < op->page + n; i++) {
		if (!s->page[i].mapped) {
			want = TOME_ENOMEM;
		} else if (!discards(&s->page[i], advice)) {
			want = TOME_EINVAL;
			break;
		}
	}
	if (op->fail != 0 && want != TOME_OK)
		return true;
	got = tome_map_advise(w->map[op->space], w_va(op->page), bytes_of(n),
	    advice);
	if (!agree(w, op, got, want, &apply))
		return false;
	for (n = i, i = op->page; got == want && i < n; i++)
		model_discard(&s->page[i]);
	return true;
}

static bool
advise_populate(struct world *w, const struct op *op, bool write)
{
	struct m_space *s = space_of(w, op);
	tome_prot_t access = write ? TOME_PROT_WRITE : TOME_PROT_READ;
	unsigned n = span(op), i;
	enum tome_err got;
	bool want;

	want = all_access(s, op->page, n, access);
	got = tome_map_advise(w->map[op->space], w_va(op->page), bytes_of(n),
	    write ? TOME_ADV_POPULATE_WRITE : TOME_ADV_POPULATE_READ);
	if (op->fail != 0 && got != TOME_OK)
		return true;
	if ((got == TOME_OK) != want)
		return w_differ(w, "populate: %d", got);
	for (i = op->page; write && i < op->page + n &&
	    model_access(s, i, access) == TOME_OK; i++)
		(void)model_own(&s->page[i]);
	return true;
}

/* Where everything there is shared, writable and not wired. */
static bool
advise_remove(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op), i;
	bool apply;

	for (i = op->page; i < op->page + n; i++)
		if (!s->page[i].mapped || !s->page[i].shared ||
		    s->page[i].wired ||
		    model_access(s, i, TOME_PROT_WRITE) != TOME_OK)
			return true;
	if (!agree(w, op, tome_map_advise(w->map[op->space], w_va(op->page),
	    bytes_of(n), TOME_ADV_REMOVE), TOME_OK, &apply))
		return false;
	for (i = op->page; apply && i < op->page + n; i++)
		model_punch(s->page[i].object, s->page[i].index, 1);
	return true;
}

/* Advice without effect on contents; holes are told of, and wired pages. */
static bool
advise_hint(struct world *w, const struct op *op, enum tome_advice advice)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op), i;
	enum tome_err want = TOME_OK;
	bool apply;

	for (i = op->page; i < op->page + n && want != TOME_EINVAL; i++)
		if (!s->page[i].mapped)
			want = TOME_ENOMEM;
		else if (advice == TOME_ADV_COLD && s->page[i].wired)
			want = TOME_EINVAL;
	return agree(w, op, tome_map_advise(w->map[op->space], w_va(op->page),
	    bytes_of(n), advice), want, &apply);
}

static bool
op_advise(struct world *w, const struct op *op)
{
	static const enum tome_advice hints[] = { TOME_ADV_NORMAL,
		TOME_ADV_RANDOM, TOME_ADV_SEQUENTIAL, TOME_ADV_WILLNEED,
		TOME_ADV_COLD, TOME_ADV_DUMP, TOME_ADV_NODUMP };
	unsigned which = op->value % 12;

	if (which < 4)
		return advise_discard(w, op, TOME_ADV_DONTNEED);
	if (which == 4)
		return advise_discard(w, op, TOME_ADV_FREE);
	if (which == 5)
		return advise_discard(w, op, TOME_ADV_DONTNEED_LOCKED);
	if (which < 8)
		return advise_populate(w, op, which == 7);
	if (which == 8)
		return advise_remove(w, op);
	return advise_hint(w, op, hints[op->value / 12 %
	    (sizeof hints / sizeof hints[0])]);
}

/* ---- moving ---- */

struct move {
	unsigned page, n, to, nto;
	unsigned flags;
	bool single;		/* the old range lies in one entry ... */
	bool at_end;		/* ... and ends with it */
};

/* Entries are the instance's own affair: ask it. */
static void
look_at_entry(struct world *w, const struct op *op, struct move *v)
{
	struct tome_region r;
	tome_va_t end = w_va(v->page + v->n);

	v->single = tome_map_lookup(w->map[op->space], w_va(v->page), &r) ==
	    TOME_OK && r.start <= w_va(v->page) && r.end >= end;
	v->at_end = v->single && r.end == end;
}

static bool
can_grow(const struct m_space *s, const struct move *v)
{
	return v->at_end && model_none_mapped(s, v->page + v->n,
	    v->nto - v->n);
}

/* What must come of a move of one entry; *at: where to, M_PAGES: any gap. */
static enum tome_err
expect_move(const struct m_space *s, const struct move *v, unsigned *at)
{
	*at = v->page;
	if (v->flags & TOME_MOVE_FIXED) {
		*at = v->to;
		if (v->to < v->page + v->n && v->page < v->to + v->nto)
			return TOME_EINVAL;
		return TOME_OK;
	}
	if (!(v->flags & TOME_MOVE_DONTUNMAP) &&
	    (v->nto <= v->n || can_grow(s, v)))
		return TOME_OK;
	*at = M_PAGES;
	if (!(v->flags & TOME_MOVE_MAY) ||
	    model_place(s, v->nto, false) == M_PAGES)
		return TOME_ENOMEM;
	return TOME_OK;
}

/* Pages [at+n, at+nto) continue what ends at page at+n-1. */
static void
grow(struct m_space *s, unsigned at, unsigned n, unsigned nto)
{
	struct m_page proto = s->page[at + n - 1];

	if (nto <= n)
		return;
	proto.index++;
	proto.cell = NULL;
	model_map(s, at + n, nto - n, &proto);
	if (proto.wired)
		fill(s, at + n, nto - n);
}

static void
apply_move(struct m_space *s, const struct move *v, unsigned at)
{
	unsigned n = v->n < v->nto ? v->n : v->nto, i;

	for (i = v->page + n; i < v->page + v->n; i++)
		model_unmap(&s->page[i]);
	if (at != v->page) {
		for (i = at; i < at + v->nto; i++)
			model_unmap(&s->page[i]);
		model_move(s, v->page, at, n,
		    v->flags & TOME_MOVE_DONTUNMAP);
	}
	grow(s, at, n, v->nto);
}

/* A wired or object's range whose growth the contract leaves open, or that
 * would leave the model's objects. */
static bool
move_is_open(const struct m_space *s, const struct move *v)
{
	const struct m_page *first = &s->page[v->page];

	if (!first->mapped)
		return false;
	if (first->object != NULL && (first->index + v->nto > M_OBJECT_PAGES ||
	    (first->object->common && v->nto > v->n)))
		return true;
	return first->wired && (first->object != NULL ||
	    (v->flags & TOME_MOVE_DONTUNMAP));
}

static bool
moved_to(struct world *w, const struct m_space *s, const struct move *v,
    tome_va_t out, unsigned *at)
{
	unsigned got = (unsigned)((out - W_LO) >> TOME_PAGE_SHIFT);

	if (out < W_LO || got + v->nto > M_PAGES ||
	    (*at != M_PAGES && got != *at) ||
	    (*at == M_PAGES && !model_none_mapped(s, got, v->nto)))
		return w_differ(w, "moved to %#" PRIx64, (uint64_t)out);
	*at = got;
	return true;
}

static void
choose_move(struct move *v, const struct op *op)
{
	static const unsigned kinds[8] = { 0, 0, TOME_MOVE_MAY, TOME_MOVE_MAY,
		TOME_MOVE_MAY, TOME_MOVE_MAY | TOME_MOVE_FIXED,
		TOME_MOVE_MAY | TOME_MOVE_FIXED,
		TOME_MOVE_MAY | TOME_MOVE_DONTUNMAP };

	*v = (struct move){ .page = op->page, .n = span(op), .to = op->to,
		.nto = op->nto, .flags = kinds[op->flags % 8] };
	if (v->flags & TOME_MOVE_DONTUNMAP)
		v->nto = v->n;
	if ((v->flags & TOME_MOVE_FIXED) && v->nto > M_PAGES - v->to)
		v->nto = M_PAGES - v->to;
}

static bool
op_move(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	struct move v;
	enum tome_err want, got;
	tome_va_t out = 0;
	unsigned at;
	bool apply;

	choose_move(&v, op);
	if (move_is_open(s, &v))
		return true;
	look_at_entry(w, op, &v);
	/* Several entries, shrunk in place: Linux allows it, UVM does not. */
	if (!v.single && !(v.flags & TOME_MOVE_FIXED) && v.nto <= v.n)
		return true;
	want = expect_move(s, &v, &at);
	if (want != TOME_EINVAL && !v.single)
		want = TOME_EFAULT;
	got = tome_map_move(w->map[op->space], w_va(v.page), bytes_of(v.n),
	    bytes_of(v.nto), v.flags, w_va(v.to), &out);
	if (!agree(w, op, got, want, &apply))
		return false;
	if (!apply)
		return true;
	if (!moved_to(w, s, &v, out, &at))
		return false;
	apply_move(s, &v, at);
	return true;
}

/* ---- accesses ---- */

static enum tome_err
fault(void *arg, tome_va_t va, tome_prot_t access)
{
	return tome_fault(arg, va, access);
}

/* Bytes of [page:off, len) before the first page that refuses, and why. */
static size_t
reach(const struct m_space *s, const struct op *op, tome_prot_t access,
    enum tome_err *err)
{
	size_t done = 0;

	*err = TOME_OK;
	while (done < op->len) {
		unsigned page = op->page +
		    (unsigned)((op->off + done) / M_BYTES);

		*err = model_access(s, page, access);
		if (*err != TOME_OK)
			break;
		done += M_BYTES - (op->off + done) % M_BYTES;
	}
	return done < op->len ? done : op->len;
}

static bool
bytes_agree(struct world *w, const struct m_space *s, const struct op *op,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned page = op->page +
		    (unsigned)((op->off + i) / M_BYTES);
		size_t at = (op->off + i) % M_BYTES;
		unsigned char want = model_bytes(&s->page[page])[at];

		if (bytes[i] != want)
			return w_differ(w, "page %u byte %zu: %#x, not %#x",
			    page, at, bytes[i], want);
	}
	return true;
}

static void
make_pattern(const struct op *op)
{
	size_t i;

	for (i = 0; i < op->len; i++)
		bytes[i] = (unsigned char)(op->value + i * 7 + (i >> 8));
}

static void
store_pattern(struct m_space *s, const struct op *op, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		model_own(&s->page[op->page + (op->off + i) / M_BYTES])
		    [(op->off + i) % M_BYTES] = bytes[i];
}

static tome_va_t
target(const struct op *op)
{
	return w_va(op->page) + op->off;
}

/* Run it; again without the injected failure if that was what it met. */
static enum tome_err
access(struct world *w, const struct op *op)
{
	struct tome_map *map = w->map[op->space];
	enum tome_err err = TOME_OK;
	unsigned try;

	for (try = 0; try < 2; try++) {
		if (op->kind == OP_WRITE)
			err = hosted_write(target(op), bytes, op->len, fault,
			    map);
		else if (op->kind == OP_EXEC)
			err = hosted_exec(target(op), bytes, op->len, fault,
			    map);
		else
			err = hosted_read(target(op), bytes, op->len, fault,
			    map);
		if (!is_shortage(err) || op->fail == 0)
			break;
		hosted_fail_alloc(w->m, NULL, 0, false);
	}
	return err;
}

static bool
op_access(struct world *w, const struct op *op)
{
	tome_prot_t right = op->kind == OP_WRITE ? TOME_PROT_WRITE :
	    op->kind == OP_EXEC ? TOME_PROT_EXEC : TOME_PROT_READ;
	struct m_space *s = space_of(w, op);
	enum tome_err want, got;
	size_t n;

	w_run(w, op->cpu, op->space);
	n = reach(s, op, right, &want);
	make_pattern(op);
	got = access(w, op);
	if (got != want)
		return w_differ(w, "access: %d, not %d", got, want);
	if (op->kind != OP_WRITE)
		return bytes_agree(w, s, op, n);
	store_pattern(s, op, n);
	return true;
}

/* ---- the kernel's accesses ---- */

static bool
op_copy(struct world *w, const struct op *op)
{
	struct tome_map *map = w->map[op->space];
	bool out = op->kind == OP_COPYOUT;
	struct m_space *s = space_of(w, op);
	enum tome_err want, got;
	size_t n;

	/* Beyond the map's bounds nothing need be copied at all. */
	if (op->page + (op->off + op->len - 1) / M_BYTES >= M_PAGES)
		return true;
	/* From where it runs, and from where it does not. */
	if (op->flags & 1)
		w_run(w, op->cpu, op->space);
	hosted_on_fault(fault, map);
	n = reach(s, op, out ? TOME_PROT_WRITE : TOME_PROT_READ, &want);
	make_pattern(op);
	if (op->fail != 0)
		hosted_fail_alloc(w->m, NULL, 0, false);
	got = out ? tome_copyout(map, target(op), bytes, op->len) :
	    tome_copyin(map, bytes, target(op), op->len);
	hosted_on_fault(NULL, NULL);
	if ((got == TOME_OK) != (want == TOME_OK) ||
	    (got != TOME_OK && got != TOME_EFAULT))
		return w_differ(w, "copy: %d, not %d", got, want);
	if (!out)
		return bytes_agree(w, s, op, n);
	store_pattern(s, op, n);
	return true;
}

static bool
op_alien(struct world *w, const struct op *op)
{
	struct tome_map *map = w->map[op->space];
	bool write = op->kind == OP_ALIEN_WRITE;
	struct m_space *s = space_of(w, op);
	enum tome_err want, got;
	size_t n, done = 0;

	n = reach(s, op, write ? TOME_PROT_WRITE : TOME_PROT_READ, &want);
	make_pattern(op);
	if (op->fail != 0)
		hosted_fail_alloc(w->m, NULL, 0, false);
	got = write ? tome_map_write(map, target(op), bytes, op->len, false,
	    &done) : tome_map_read(map, target(op), bytes, op->len, false,
	    &done);
	if ((got == TOME_OK) != (want == TOME_OK) || done != n)
		return w_differ(w, "alien: %d after %zu, not %d after %zu",
		    got, done, want, n);
	if (!write)
		return bytes_agree(w, s, op, n);
	store_pattern(s, op, n);
	return true;
}

static uint32_t
model_word(const struct m_space *s, const struct op *op)
{
	uint32_t v;

	memcpy(&v, model_bytes(&s->page[op->page]) + (op->off & ~3u), 4);
	return v;
}

static bool
op_word(struct world *w, const struct op *op)
{
	struct tome_map *map = w->map[op->space];
	tome_va_t va = w_va(op->page) + (op->off & ~3u);
	struct m_space *s = space_of(w, op);
	bool cas = op->kind == OP_CAS;
	uint32_t was = 0, seen = 0, expect;
	enum tome_err want, got;

	if (op->flags & 1)
		w_run(w, op->cpu, op->space);
	hosted_on_fault(fault, map);
	if (op->fail != 0)
		hosted_fail_alloc(w->m, NULL, 0, false);
	want = model_access(s, op->page, cas ? TOME_PROT_WRITE :
	    TOME_PROT_READ) == TOME_OK ? TOME_OK : TOME_EFAULT;
	if (want == TOME_OK)
		was = model_word(s, op);
	expect = op->flags & 2 ? was : was + 1;
	got = cas ? tome_cas_u32(map, va, expect, op->value, &seen) :
	    tome_fetch_u32(map, va, &seen);
	hosted_on_fault(NULL, NULL);
	if (got != want || (got == TOME_OK && seen != was))
		return w_differ(w, "word: %d %#x, not %d %#x", got, seen,
		    want, was);
	if (want == TOME_OK && cas) {
		unsigned char *own = model_own(&s->page[op->page]);

		if (expect == was)
			memcpy(own + (op->off & ~3u), &op->value, 4);
	}
	return true;
}

/* ---- objects ---- */

static uint64_t
object_len(const struct op *op)
{
	uint64_t len = (uint64_t)(op->npages % M_OBJECT_PAGES) * M_BYTES;

	return op->flags & 1 ? len + op->off : len;
}

static bool
op_object(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS, up = op->space % M_OBJECTS;
	unsigned first = op->to % M_OBJECT_PAGES;
	struct tome_object *parent = flag(op, 4, 2) ? NULL : w->object[up];
	struct m_object *above = w->model.object[up], *mo;
	uint64_t len = object_len(op);
	bool apply;

	if (w->object[o] != NULL)
		return true;
	if (!agree(w, op, tome_object_create_anon(w->vm, len, parent, first,
	    &w->object[o]), parent != NULL && above->parent != NULL ?
	    TOME_EINVAL : TOME_OK, &apply))
		return false;
	if (!apply)
		return true;
	w->model.object[o] = mo = model_object(len);
	mo->id = tome_object_id(w->object[o]);
	if (parent != NULL)
		model_adopt(mo, above, first);
	return true;
}

static bool
op_object_drop(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS;

	if (w->object[o] == NULL)
		return true;
	tome_object_unref(w->object[o]);
	model_object_unref(w->model.object[o]);
	w->object[o] = NULL;
	w->model.object[o] = NULL;
	return true;
}

static bool
op_object_resize(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS;
	bool apply;

	if (w->object[o] == NULL)
		return true;
	if (!agree(w, op, tome_object_resize(w->object[o], object_len(op)),
	    TOME_OK, &apply))
		return false;
	if (apply)
		model_resize(&w->model, w->model.object[o], object_len(op));
	return true;
}

static bool
op_object_punch(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS;
	unsigned first = op->to % M_OBJECT_PAGES, n = op->nto;
	bool apply;

	if (w->object[o] == NULL)
		return true;
	if (n > M_OBJECT_PAGES - first)
		n = M_OBJECT_PAGES - first;
	if (!agree(w, op, tome_object_punch(w->object[o], first, n), TOME_OK,
	    &apply))
		return false;
	if (apply)
		model_punch(w->model.object[o], first, n);
	return true;
}

/* Bytes of the object that a transfer at `at` reaches. */
static size_t
object_reach(const struct m_object *o, uint64_t at, size_t n)
{
	if (at >= o->len)
		return 0;
	return o->len - at < n ? (size_t)(o->len - at) : n;
}

static bool
op_object_io(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS;
	uint64_t at = (uint64_t)(op->to % M_OBJECT_PAGES) * M_BYTES + op->off;
	bool write = op->kind == OP_OBJECT_WRITE;
	struct m_object *mo = w->model.object[o];
	size_t n, i, done = 0;
	enum tome_err err;

	if (w->object[o] == NULL)
		return true;
	n = object_reach(mo, at, op->len);
	make_pattern(op);
	if (op->fail != 0)
		hosted_fail_alloc(w->m, NULL, 0, false);
	err = write ? tome_object_write(w->object[o], at, bytes, op->len,
	    &done) : tome_object_read(w->object[o], at, bytes, op->len, &done);
	if (err != TOME_OK || done != n)
		return w_differ(w, "object: %d after %zu of %zu", err, done,
		    n);
	for (i = 0; i < n; i++) {
		struct m_page p = { .shared = true, .object = mo,
			.index = (unsigned)((at + i) / M_BYTES) };
		size_t byte = (size_t)((at + i) % M_BYTES);

		if (write)
			model_own(&p)[byte] = bytes[i];
		else if (bytes[i] != model_bytes(&p)[byte])
			return w_differ(w, "object byte %zu differs", i);
	}
	return true;
}

/* ---- looking ---- */

/* What was written is resident; what never was need not be. */
static bool
op_incore(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op), i;
	uint8_t vec[M_PAGES];
	bool apply;

	memset(vec, 0xff, sizeof vec);
	if (!agree(w, op, tome_map_incore(w->map[op->space], w_va(op->page),
	    bytes_of(n), vec), model_all_mapped(s, op->page, n) ? TOME_OK :
	    TOME_ENOMEM, &apply))
		return false;
	for (i = 0; apply && i < n; i++) {
		struct m_page *p = &s->page[op->page + i];
		struct cell *c = p->shared ? p->object->page[p->index] :
		    p->cell;

		if (vec[i] > 1 || (c != NULL && vec[i] == 0 &&
		    (!p->shared || (uint64_t)p->index * M_BYTES <
			p->object->len)))
			return w_differ(w, "page %u: incore %u", op->page + i,
			    vec[i]);
	}
	return true;
}

/* Shared memory by what it is, private memory by where it is. */
static bool
op_key(struct world *w, const struct op *op)
{
	const struct m_page *p = &space_of(w, op)->page[op->page];
	uint64_t in_object = (uint64_t)p->index * M_BYTES + op->off;
	struct tome_key key;
	bool apply;

	if (p->guard)
		return true;
	if (!agree(w, op, tome_map_key(w->map[op->space], target(op), &key),
	    p->mapped ? TOME_OK : TOME_EFAULT, &apply))
		return false;
	if (!apply || (p->shared && p->object->common))
		return true;
	if (p->shared ? key.space != p->object->id ||
	    key.offset != in_object : key.space >> 63 == 0 ||
	    key.offset != target(op))
		return w_differ(w, "key %#" PRIx64 " %#" PRIx64, key.space,
		    key.offset);
	return true;
}

/* ---- all ---- */

static operate_fn *const operations[OP_KINDS] = {
	[OP_SPACE] = op_space, [OP_MAP] = op_map,
	[OP_MAP_OBJECT] = op_map_object, [OP_UNMAP] = op_unmap,
	[OP_PROTECT] = op_protect, [OP_MAX_PROT] = op_max_prot,
	[OP_ADVISE] = op_advise, [OP_INHERIT] = op_inherit,
	[OP_WIRE] = op_wire, [OP_UNWIRE] = op_unwire, [OP_MOVE] = op_move,
	[OP_FORK] = op_fork, [OP_EXIT] = op_exit, [OP_CLEAR] = op_clear,
	[OP_READ] = op_access, [OP_WRITE] = op_access, [OP_EXEC] = op_access,
	[OP_COPYIN] = op_copy, [OP_COPYOUT] = op_copy, [OP_FETCH] = op_word,
	[OP_CAS] = op_word, [OP_ALIEN_READ] = op_alien,
	[OP_ALIEN_WRITE] = op_alien, [OP_OBJECT] = op_object,
	[OP_OBJECT_DROP] = op_object_drop,
	[OP_OBJECT_RESIZE] = op_object_resize,
	[OP_OBJECT_PUNCH] = op_object_punch, [OP_OBJECT_READ] = op_object_io,
	[OP_OBJECT_WRITE] = op_object_io, [OP_INCORE] = op_incore,
	[OP_KEY] = op_key, [OP_LEAVE] = op_leave,
	[OP_QUIESCE] = op_quiesce,
};

static bool
needs_space(uint32_t kind)
{
	return kind != OP_SPACE && kind != OP_LEAVE && kind != OP_QUIESCE &&
	    !(kind >= OP_OBJECT && kind <= OP_OBJECT_WRITE);
}

bool
w_operate(struct world *w, const struct op *op)
{
	bool ok;

	if (needs_space(op->kind) && w->map[op->space] == NULL)
		return true;
	hosted_become(w->m, op->cpu);
	hosted_fail_alloc(w->m, NULL, op->fail, false);
	ok = operations[op->kind](w, op);
	hosted_fail_alloc(w->m, NULL, 0, false);
	return ok;
}
