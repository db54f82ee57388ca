/*
 * op_protect.c - what a range allows, what a child gets of it, and its name.
 */
#include "operate.h"

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

/* The first page of the entry with which there is too much data; M_PAGES: none.
 * Entries are the instance's own affair: ask it. */
static unsigned
too_much_data(struct world *w, const struct op *op, unsigned end)
{
	const struct m_space *s = space_of(w, op);
	unsigned page = op->page, more = 0, to;
	struct tome_region r;

	for (; page < end && s->page[page].mapped; page = to) {
		const struct m_page *p = &s->page[page];

		if (tome_map_lookup(w->map[op->space], w_va(page), &r) !=
		    TOME_OK)
			break;
		to = (unsigned)((r.end - W_LO) >> TOME_PAGE_SHIFT);
		to = to < end ? to : end;
		if (!model_is_data(p, op->prot) || model_is_data(p, p->prot))
			continue;
		more += to - page;
		if (s->data != 0 && model_data(s) + more > s->data)
			return page;
	}
	return M_PAGES;
}

bool
op_protect(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op), i, stop;
	enum tome_err want = TOME_OK, got;
	bool apply;

	if (is_open(s, op->page, n) ||
	    (op->fail != 0 && !model_all_mapped(s, op->page, n)))
		return true;
	stop = too_much_data(w, op, op->page + n);
	if (op->fail != 0 && stop < M_PAGES)
		return true;
	for (i = op->page; i < op->page + n && want == TOME_OK; i++)
		if (!s->page[i].mapped || i == stop)
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

		if (!p->mapped || i == stop || (op->prot & ~p->max_prot))
			break;
		p->prot = op->prot;
	}
	return true;
}

bool
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

bool
op_inherit(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	enum tome_inherit how = (enum tome_inherit)(op->value % 5);
	unsigned n = span(op), i;
	enum tome_err want = TOME_OK, got;
	bool apply;

	/* What a stack that children share grows into is left open. */
	for (i = op->page; i < op->page + n; i++)
		if (s->page[i].grows && how == TOME_INHERIT_SHARE)
			return true;
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

bool
op_name(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	unsigned n = span(op), i;
	enum tome_err want = TOME_OK, got;
	bool apply;

	if (!model_all_mapped(s, op->page, n))
		want = TOME_ENOMEM;
	if (op->fail != 0 && want != TOME_OK)
		return true;
	got = tome_map_set_name(w->map[op->space], w_va(op->page), bytes_of(n),
	    w_names[op->value & 3]);
	if (!agree(w, op, got, want, &apply))
		return false;
	/* Beyond a hole too. */
	for (i = op->page; got == want && i < op->page + n; i++)
		if (s->page[i].mapped)
			s->page[i].name = op->value & 3;
	return true;
}
