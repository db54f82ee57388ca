/*
 * op_paging.c - pages leave: no effect that a program sees, but that they are not
 * resident.
 */
#include <stdlib.h>
#include <string.h>

#include <tome/paging.h>

#include "operate.h"

#define SWAP_PAGES 2048u

static void
swap_transfer(void *ctx, struct tome_io *io)
{
	unsigned char *swap = ctx;
	size_t at = (size_t)io->at;

	for (unsigned i = 0; i < io->n; i++, at += M_BYTES) {
		unsigned char *page = tome_frame_window(io->vm, io->vec[i].pfn);

		if (io->op == TOME_IO_READ)
			memcpy(page, swap + at, M_BYTES);
		else
			memcpy(swap + at, page, M_BYTES);
		tome_frame_window_end(io->vm, io->vec[i].pfn, page);
	}
	tome_io_done(io, TOME_OK);
}

bool
paging_start(struct world *w, uint64_t seed)
{
	const struct tome_swap_device device = { .max_pages = 8,
		.fast = seed & 1, .start = swap_transfer };

	w->swap = malloc((size_t)SWAP_PAGES * M_BYTES);
	return w->swap != NULL && tome_paging_start(w->vm) == TOME_OK &&
	    tome_swap_add(w->vm, &device, w->swap, SWAP_PAGES, 1, 0,
	    &w->swap_id) == TOME_OK;
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
	w->paged = true;
	return true;
}

/* All that left comes home; there is room for it here. */
bool
op_swapoff(struct world *w, const struct op *op)
{
	const struct tome_swap_device device = { .max_pages = 1 +
		op->value % 32, .start = swap_transfer };
	enum tome_err err = tome_swap_remove(w->vm, w->swap_id);

	if (err != TOME_OK && !(op->fail != 0 && is_shortage(err)))
		return w_differ(w, "swapoff: %d", err);
	if (err != TOME_OK)
		return true;
	if (op->fail != 0)
		hosted_fail_alloc(w->m, NULL, 0, false);
	memset(w->swap, 0xdb, (size_t)SWAP_PAGES * M_BYTES);
	err = tome_swap_add(w->vm, &device, w->swap, SWAP_PAGES, 1, 0,
	    &w->swap_id);
	return err == TOME_OK || w_differ(w, "swapon: %d", err);
}
