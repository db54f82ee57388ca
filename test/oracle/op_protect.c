/*
 * op_protect.c - what a range allows, and what a child gets of it.
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

bool
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
