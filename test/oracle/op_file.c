/*
 * op_file.c - files: objects whose content is kept by a pager in memory, and written
 * back to it.
 */
#include <stdlib.h>
#include <string.h>

#include "operate.h"

#define STORE_BYTES ((size_t)M_OBJECT_PAGES * M_BYTES)

/* What lies beyond the file's end is zero, as its file system would give it. */
static void
store_transfer(void *ctx, struct tome_io *io)
{
	unsigned char *store = ctx;
	size_t at = (size_t)io->at;

	for (unsigned i = 0; i < io->n; i++) {
		unsigned char *page = tome_frame_window(io->vm, io->vec[i].pfn);

		if (io->op == TOME_IO_READ)
			memcpy(page, store + at, io->vec[i].len);
		else
			memcpy(store + at, page, io->vec[i].len);
		tome_frame_window_end(io->vm, io->vec[i].pfn, page);
		at += io->vec[i].len;
	}
	tome_io_done(io, TOME_OK);
}

static enum tome_err
store_notify(void *ctx, tome_pgoff_t pg)
{
	(void)ctx, (void)pg;
	return TOME_OK;
}

bool
op_file(struct world *w, const struct op *op)
{
	const struct tome_pager pager = { .max_pages = 1 + op->value % 8,
		.read = store_transfer, .write = store_transfer,
		.write_notify = flag(op, 3, 1) ? store_notify : NULL,
		.gone = free };
	unsigned o = op->other % M_OBJECTS;
	/* Whole pages: what a mapping writes behind the end of the last one is kept only
	 * as long as the page is. */
	uint64_t len = (uint64_t)(op->npages % M_OBJECT_PAGES) * M_BYTES;
	unsigned char *store;
	bool apply;

	if (w->object[o] != NULL)
		return true;
	store = calloc(1, STORE_BYTES);
	if (store == NULL)
		return w_differ(w, "no memory for a store");
	if (!agree(w, op, tome_object_create_vnode(w->vm, &pager, store, len,
	    &w->object[o]), TOME_OK, &apply) || !apply) {
		free(store);
		return w->why[0] == '\0';
	}
	w->model.object[o] = model_object(len);
	w->model.object[o]->store = store;
	w->model.object[o]->id = tome_object_id(w->object[o]);
	return true;
}

void
file_forget(struct m_object *mo, uint64_t from, uint64_t to)
{
	if (mo->store != NULL && to > STORE_BYTES)
		to = STORE_BYTES;
	if (mo->store != NULL && from < to)
		memset(mo->store + from, 0, (size_t)(to - from));
}

/* After it the store has what the file shows. */
bool
op_object_sync(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS;
	struct m_object *mo = w->model.object[o];
	enum tome_err err;

	if (w->object[o] == NULL || mo->store == NULL)
		return true;
	err = tome_object_sync(w->object[o], 0, 0, true);
	if (err != TOME_OK)
		return w_differ(w, "sync: %d", err);
	for (size_t at = 0; at < mo->len; at += M_BYTES) {
		struct m_page p = { .shared = true, .object = mo,
			.index = (unsigned)(at / M_BYTES) };
		size_t n = mo->len - at < M_BYTES ? (size_t)(mo->len - at) :
		    M_BYTES;

		if (memcmp(mo->store + at, model_bytes(&p), n) != 0)
			return w_differ(w, "page %u of a store differs",
			    p.index);
	}
	return true;
}
