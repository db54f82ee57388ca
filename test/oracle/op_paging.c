/*
 * op_paging.c - pages leave: no effect that a program sees, but that they are not
 * resident.
 */
#include <stdlib.h>
#include <string.h>

#include <tome/paging.h>

#include "operate.h"

#define SWAP_PAGES 2048u
#define GROUP_PAGES 24u

static void
swap_transfer(void *ctx, struct tome_io *io)
{
	const struct w_area *a = ctx;
	size_t at = (size_t)io->at;

	for (unsigned i = 0; i < io->n; i++, at += M_BYTES) {
		unsigned char *page = tome_frame_window(io->vm, io->vec[i].pfn);
		bool lost = a->bad && at / M_BYTES % 32 == 9;

		if (io->op == TOME_IO_READ)
			memcpy(page, a->bytes + at, M_BYTES);
		else if (!lost)
			memcpy(a->bytes + at, page, M_BYTES);
		tome_frame_window_end(io->vm, io->vec[i].pfn, page);
		if (io->op == TOME_IO_WRITE && lost) {
			tome_io_done(io, TOME_EIO);
			return;
		}
	}
	tome_io_done(io, TOME_OK);
}

static enum tome_err
area_on(struct world *w, struct w_area *a, unsigned max_pages, bool fast)
{
	const struct tome_swap_device device = { .max_pages = max_pages,
		.fast = fast, .start = swap_transfer };

	return tome_swap_add(w->vm, &device, a, SWAP_PAGES, 1, a->priority,
	    &a->id);
}

/* What cannot leave may be more: the limit gives way, no call fails for it. */
static bool
limit_grows(void *arg)
{
	struct world *w = arg;
	struct tome_ledger_state s;

	tome_ledger_state(w->ledger, &s);
	s.limit.resident += GROUP_PAGES;
	tome_ledger_limit(w->ledger, &s.limit);
	return true;
}

static bool
group_start(struct world *w)
{
	const struct tome_ledger_limits limit = { GROUP_PAGES, UINT64_MAX };

	if (tome_ledger_create(w->vm, NULL, &w->ledger) != TOME_OK)
		return false;
	tome_ledger_limit(w->ledger, &limit);
	tome_ledger_full(w->ledger, limit_grows, w);
	w->paged = w->chose = true;
	return true;
}

/* Two areas: of one priority, or the second behind the first; one may be bad. */
bool
paging_start(struct world *w, uint64_t seed)
{
	bool ok = tome_paging_start(w->vm) == TOME_OK;

	for (unsigned i = 0; ok && i < W_AREAS; i++) {
		struct w_area *a = &w->area[i];

		a->bytes = malloc((size_t)SWAP_PAGES * M_BYTES);
		a->priority = seed / 2 % 2 == 0 ? 0 : -(int)i;
		a->bad = i == 0 && seed / 4 % 2 != 0;
		ok = a->bytes != NULL && area_on(w, a, 8, seed & 1) == TOME_OK;
	}
	return ok && (seed / 8 % 4 != 1 || group_start(w));
}

bool
paging_end(struct world *w)
{
	struct tome_ledger_state s;

	if (w->ledger == NULL)
		return true;
	tome_ledger_state(w->ledger, &s);
	if (s.resident != 0 || s.swapped != 0)
		return w_differ(w, "a ledger is charged for what is gone");
	return tome_ledger_destroy(w->ledger) == TOME_OK ||
	    w_differ(w, "a ledger stays");
}

bool
op_page_out(struct world *w, const struct op *op)
{
	(void)tome_map_page_out(w->map[op->space], w_va(op->page),
	    bytes_of(span(op)));
	w->paged = true;
	return true;
}

bool
op_reclaim(struct world *w, const struct op *op)
{
	(void)tome_reclaim(w->vm, 1 + op->value % 64);
	w->paged = w->chose = true;
	return true;
}

/* All that left comes home; there is room for it here. */
bool
op_swapoff(struct world *w, const struct op *op)
{
	struct w_area *a = &w->area[op->flags % W_AREAS];
	enum tome_err err = tome_swap_remove(w->vm, a->id);

	if (err != TOME_OK && !(op->fail != 0 && is_shortage(err)))
		return w_differ(w, "swapoff: %d", err);
	if (err != TOME_OK)
		return true;
	if (op->fail != 0)
		hosted_fail_alloc(w->m, NULL, 0, false);
	memset(a->bytes, 0xdb, (size_t)SWAP_PAGES * M_BYTES);
	err = area_on(w, a, 1 + op->value % 32, op->value & 32);
	return err == TOME_OK || w_differ(w, "swapon: %d", err);
}
