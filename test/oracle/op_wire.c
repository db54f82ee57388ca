/*
 * op_wire.c - wiring.
 */
#include "operate.h"

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

bool
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
	w_answer(w, got, 0);
	if (op->fail != 0 && got == TOME_ENOMEM)
		return true;
	if (set_wired(s, op->page, n, true) < n ||
	    !fill_wired(s, op->page, n))
		want = TOME_ENOMEM;
	if (got != want && !(op->fail != 0 && got == TOME_EAGAIN))
		return w_differ(w, "wire: %d, not %d", got, want);
	return true;
}

bool
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
