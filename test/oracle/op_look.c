/*
 * op_look.c - what the instance tells: residence, keys.
 */
#include <inttypes.h>
#include <string.h>

#include "operate.h"

/* What was written is resident, unless pages left; what never was need not be. */
bool
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

		if (vec[i] > 1 || (c != NULL && vec[i] == 0 && !w->paged &&
		    (!p->shared || (uint64_t)p->index * M_BYTES <
			p->object->len)))
			return w_differ(w, "page %u: incore %u", op->page + i,
			    vec[i]);
	}
	return true;
}

/* Shared memory by what it is, private memory by where it is. */
bool
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
