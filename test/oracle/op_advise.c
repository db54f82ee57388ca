/*
 * op_advise.c - advice.
 */
#include "operate.h"

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
	w_answer(w, got, 0);
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
		    s->page[i].wired || s->page[i].object->device ||
		    s->page[i].object->store != NULL ||
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

bool
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
