/*
 * op_map.c - mapping and unmapping.
 */
#include <inttypes.h>

#include "operate.h"

struct mapping {
	struct tome_map_request req;
	struct m_page proto;
	unsigned page, n;
};

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
	g->proto.name = op->value & 3;
	g->req.name = w_names[g->proto.name];
	g->proto.grows = !guard && !shared && !object && flag(op, 29, 3) == 0;
	g->proto.inherit = g->req.inherit =
	    shared ? TOME_INHERIT_COPY : inherits[flag(op, 24, 3)];
	g->proto.wired = !guard && !object && flag(op, 14, 3) == 0 &&
	    (op->prot & TOME_PROT_READ);
	/* What a stack that children share grows into is left open. */
	if (g->proto.grows && g->req.inherit == TOME_INHERIT_SHARE)
		g->proto.inherit = g->req.inherit = TOME_INHERIT_COPY;
	g->req.flags |= (guard ? TOME_MAP_GUARD : 0) |
	    (shared ? TOME_MAP_SHARED : 0) |
	    (g->proto.grows ? TOME_MAP_GROWSDOWN : 0) |
	    (g->proto.keep ? TOME_MAP_KEEP : 0) |
	    (g->proto.wired ? TOME_MAP_LOCKED : 0) |
	    (!guard && flag(op, 12, 2) == 0 ? TOME_MAP_POPULATE : 0) |
	    /* Over an object it may take its page early: left open. */
	    (!object && flag(op, 19, 2) == 0 ? TOME_MAP_ZERO_SHARED_READ : 0);
}

/* Where it must go, or why nowhere. */
static enum tome_err
expect_place(const struct m_space *s, const struct mapping *g, unsigned *at)
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
	    model_none_mapped(s, g->page, g->n) &&
	    !model_below_stack(s, g->page, g->n)))
		return TOME_OK;
	*at = model_place(s, g->n, g->req.flags & TOME_MAP_BOTTOMUP);
	return *at == M_PAGES ? TOME_ENOMEM : TOME_OK;
}

/* What a fixed mapping replaces no longer counts. */
static enum tome_err
expect_map(const struct m_space *s, const struct mapping *g, unsigned *at)
{
	enum tome_err err = expect_place(s, g, at);
	unsigned more = g->n, i;

	if (err != TOME_OK)
		return err;
	for (i = *at; i < *at + g->n; i++)
		more -= s->page[i].mapped;
	return model_exceeds(s, more, model_is_data(&g->proto, g->proto.prot)) ?
	    TOME_ENOMEM : TOME_OK;
}

static bool
enter(struct world *w, const struct op *op, struct mapping *g)
{
	struct m_space *s = space_of(w, op);
	struct m_object *fresh = NULL;
	unsigned at = M_PAGES;
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
		model_fill_range(s, at, g->n);
	return true;
}

bool
op_map(struct world *w, const struct op *op)
{
	struct mapping g = { .page = op->page, .n = op->npages };

	choose_rights(&g, op);
	choose_place(&g, op);
	choose_kind(&g, op, false);
	return enter(w, op, &g);
}

bool
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

bool
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
