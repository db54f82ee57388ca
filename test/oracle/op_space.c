/*
 * op_space.c - spaces: made, forked, emptied, left; their limits.
 */
#include "operate.h"

bool
op_space(struct world *w, const struct op *op)
{
	struct tome_map_config config = { .lo = w_va(0),
		.hi = w_va(M_PAGES) };
	bool apply, same;

	if (w->map[op->space] != NULL)
		return true;
	space_of(w, op)->as = space_of(w, op)->data = 0;
	same = agree(w, op, tome_map_create(w->vm, &config,
	    &w->map[op->space]), TOME_OK, &apply);
	if (w->map[op->space] != NULL)
		tome_map_set_ledger(w->map[op->space], w->ledger);
	return same;
}

static void
unmap_all(struct m_space *s)
{
	unsigned i;

	for (i = 0; i < M_PAGES; i++)
		model_unmap(&s->page[i]);
}

bool
op_exit(struct world *w, const struct op *op)
{
	w_stop(w, w->map[op->space]);
	tome_map_unref(w->map[op->space]);
	w->map[op->space] = NULL;
	unmap_all(space_of(w, op));
	return true;
}

bool
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

bool
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

bool
op_leave(struct world *w, const struct op *op)
{
	if (w->running[op->cpu] != NULL)
		w_stop(w, w->running[op->cpu]);
	return true;
}

bool
op_quiesce(struct world *w, const struct op *op)
{
	tome_vm_quiesce(w->vm, op->flags & 1);
	return true;
}

static uint64_t
limit_of(unsigned npages)
{
	return npages == 0 ? UINT64_MAX : bytes_of(npages);
}

/* What is mapped already stays, also beyond the limit. */
bool
op_limit(struct world *w, const struct op *op)
{
	struct m_space *s = space_of(w, op);
	struct tome_map_limits limits = { .locked = UINT64_MAX,
		.stack = UINT64_MAX };

	s->as = flag(op, 0, 2) == 0 ? 1 + op->page : 0;
	s->data = flag(op, 2, 2) == 0 ? 1 + op->to : 0;
	limits.as = limit_of(s->as);
	limits.data = limit_of(s->data);
	tome_map_set_limits(w->map[op->space], &limits);
	return true;
}
