/*
 * op_move.c - moving and resizing.
 */
#include <inttypes.h>

#include "operate.h"

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
	if ((v->flags & TOME_MOVE_DONTUNMAP) &&
	    model_none_mapped(s, v->to, v->nto) &&
	    !model_below_stack(s, v->to, v->nto)) {
		*at = v->to;	/* a hint */
		return TOME_OK;
	}
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
		model_fill_range(s, at + n, nto - n);
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

/* What shrinks in place is not asked. */
static bool
beyond_limits(const struct m_space *s, const struct move *v)
{
	const struct m_page *p = &s->page[v->page];
	unsigned more = v->nto > v->n ? v->nto - v->n : 0;

	if (!(v->flags & (TOME_MOVE_FIXED | TOME_MOVE_DONTUNMAP)) &&
	    v->nto <= v->n)
		return false;
	if (v->flags & TOME_MOVE_DONTUNMAP)
		more = v->nto;
	return model_exceeds(s, more, model_is_data(p, p->prot));
}

bool
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
	if (want == TOME_OK && beyond_limits(s, &v))
		want = TOME_ENOMEM;
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
