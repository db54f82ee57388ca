/*
 * op_object.c - objects, and transfers that no mapping is needed for.
 */
#include <string.h>

#include "operate.h"

static uint64_t
object_len(const struct op *op)
{
	uint64_t len = (uint64_t)(op->npages % M_OBJECT_PAGES) * M_BYTES;

	return op->flags & 1 ? len + op->off : len;
}

bool
op_object(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS, up = op->space % M_OBJECTS;
	unsigned first = op->to % M_OBJECT_PAGES;
	struct tome_object *parent = flag(op, 4, 2) ? NULL : w->object[up];
	struct m_object *above = w->model.object[up], *mo;
	uint64_t len = object_len(op);
	bool apply;

	if (w->object[o] != NULL || (parent != NULL && above->device))
		return true;
	if (!agree(w, op, tome_object_create_anon(w->vm, len, parent, first,
	    &w->object[o]), parent != NULL && above->parent != NULL ?
	    TOME_EINVAL : TOME_OK, &apply))
		return false;
	if (!apply)
		return true;
	w->model.object[o] = mo = model_object(len);
	mo->id = tome_object_id(w->object[o]);
	if (parent != NULL)
		model_adopt(mo, above, first);
	return true;
}

/* Frames that were free hold anything. */
static void
wipe_frames(struct world *w, tome_pfn_t first, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		void *va = tome_frame_window(w->vm, first + i);

		memset(va, 0, M_BYTES);
		tome_frame_window_end(w->vm, first + i, va);
	}
}

/* EBUSY: something else lies there. Where, the format decides: so look on. */
#define DEVICE_TRIES 64u
static enum tome_err
claim_somewhere(struct world *w, const struct op *op, unsigned n,
    tome_pfn_t *first, struct tome_object **out)
{
	enum tome_err err = TOME_EBUSY;
	unsigned i;

	for (i = 0; i < DEVICE_TRIES && err == TOME_EBUSY; i++) {
		*first = W_FIRST_FRAME + (op->value % W_FRAMES + 97 * i) %
		    (W_FRAMES - 8);
		err = tome_object_create_device(w->vm, *first, n, TOME_MEM_WB,
		    true, out);
	}
	return err;
}

/* Memory claimed for a device. */
bool
op_device(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS, n = 1 + op->npages % 8;
	tome_pfn_t first;
	enum tome_err got;
	bool apply;

	if (w->object[o] != NULL)
		return true;
	got = claim_somewhere(w, op, n, &first, &w->object[o]);
	if (got == TOME_EBUSY)
		return true;
	if (!agree(w, op, got, TOME_OK, &apply))
		return false;
	if (!apply)
		return true;
	wipe_frames(w, first, n);
	w->model.object[o] = model_object(bytes_of(n));
	w->model.object[o]->device = true;
	w->model.object[o]->id = tome_object_id(w->object[o]);
	return true;
}

bool
op_object_drop(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS;

	if (w->object[o] == NULL)
		return true;
	tome_object_unref(w->object[o]);
	model_object_unref(w->model.object[o]);
	w->object[o] = NULL;
	w->model.object[o] = NULL;
	return true;
}

bool
op_object_resize(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS;
	struct m_object *mo = w->model.object[o];
	uint64_t len = object_len(op);
	bool apply;

	if (w->object[o] == NULL)
		return true;
	if (mo->store != NULL)
		len -= len % M_BYTES;		/* see op_file */
	if (!agree(w, op, tome_object_resize(w->object[o], len), mo->device ?
	    TOME_EINVAL : TOME_OK, &apply))
		return false;
	if (apply) {
		file_forget(mo, len, UINT64_MAX);
		model_resize(&w->model, mo, len);
	}
	return true;
}

bool
op_object_punch(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS;
	unsigned first = op->to % M_OBJECT_PAGES, n = op->nto;
	bool apply;

	if (w->object[o] == NULL || w->model.object[o]->device)
		return true;
	if (n > M_OBJECT_PAGES - first)
		n = M_OBJECT_PAGES - first;
	if (!agree(w, op, tome_object_punch(w->object[o], first, n), TOME_OK,
	    &apply))
		return false;
	if (!apply)
		return true;
	file_forget(w->model.object[o], (uint64_t)first * M_BYTES,
	    (uint64_t)(first + n) * M_BYTES);
	model_punch(w->model.object[o], first, n);
	return true;
}

/* Bytes of the object that a transfer at `at` reaches. */
static size_t
object_reach(const struct m_object *o, uint64_t at, size_t n)
{
	if (at >= o->len)
		return 0;
	return o->len - at < n ? (size_t)(o->len - at) : n;
}

bool
op_object_io(struct world *w, const struct op *op)
{
	unsigned o = op->other % M_OBJECTS;
	uint64_t at = (uint64_t)(op->to % M_OBJECT_PAGES) * M_BYTES + op->off;
	bool write = op->kind == OP_OBJECT_WRITE;
	struct m_object *mo = w->model.object[o];
	size_t n, i, done = 0;
	enum tome_err err;

	if (w->object[o] == NULL || mo->device)
		return true;
	n = object_reach(mo, at, op->len);
	make_pattern(op);
	if (op->fail != 0)
		hosted_fail_alloc(w->m, NULL, 0, false);
	err = write ? tome_object_write(w->object[o], at, bytes, op->len,
	    &done) : tome_object_read(w->object[o], at, bytes, op->len, &done);
	if (err != TOME_OK || done != n)
		return w_differ(w, "object: %d after %zu of %zu", err, done,
		    n);
	for (i = 0; i < n; i++) {
		struct m_page p = { .shared = true, .object = mo,
			.index = (unsigned)((at + i) / M_BYTES) };
		size_t byte = (size_t)((at + i) % M_BYTES);

		if (write)
			model_own(&p)[byte] = bytes[i];
		else if (bytes[i] != model_bytes(&p)[byte])
			return w_differ(w, "object byte %zu differs", i);
	}
	return true;
}
