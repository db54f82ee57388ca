/*
 * tome_file.c - see tome_file.h.
 */
#include "tome_file.h"

#include <stdlib.h>
#include <string.h>

#define STORE_BYTES ((size_t)(STREAM_FILE_PAGES * STREAM_PAGE))
#define SWAP_PAGES 1024u

/* ---- the two stores ---- */

static void
transfer(void *ctx, struct tome_io *io)
{
	uint8_t *at = (uint8_t *)ctx + io->at;

	for (unsigned i = 0; i < io->n; i++) {
		const struct tome_io_vec *v = &io->vec[i];
		uint8_t *page = tome_frame_window(io->vm, v->pfn);

		if (io->op == TOME_IO_READ)
			memcpy(page + v->offset, at, v->len);
		else
			memcpy(at, page + v->offset, v->len);
		tome_frame_window_end(io->vm, v->pfn, page);
		at += v->len;
	}
	tome_io_done(io, TOME_OK);
}

static enum tome_err
notify(void *ctx, tome_pgoff_t pg)
{
	(void)ctx, (void)pg;
	return TOME_OK;
}

/* What the store has of [from, to) is gone. */
static void
forget(uint8_t *store, uint64_t from, uint64_t to)
{
	if (to > STORE_BYTES)
		to = STORE_BYTES;
	if (from < to)
		memset(store + from, 0, (size_t)(to - from));
}

static enum tome_err
forget_pages(void *ctx, tome_pgoff_t first, tome_pgoff_t n)
{
	forget(ctx, first * STREAM_PAGE, (first + n) * STREAM_PAGE);
	return TOME_OK;
}

enum tome_err
tome_file_create(struct tome_file *f, struct tome_vm *vm, bool paged)
{
	static const struct tome_pager pager = { .max_pages = 4,
		.read = transfer, .write = transfer, .write_notify = notify,
		.punch = forget_pages };

	*f = (struct tome_file){ .vm = vm };
	if (!paged)
		return tome_object_create_anon(vm, STREAM_FILE_BYTES, NULL, 0,
		    &f->object);
	f->store = calloc(1, STORE_BYTES);
	if (f->store == NULL)
		return TOME_ENOMEM;
	return tome_object_create_vnode(vm, &pager, f->store,
	    STREAM_FILE_BYTES, &f->object);
}

enum tome_err
tome_file_swapon(struct tome_file *f)
{
	static const struct tome_swap_device device = { .max_pages = 8,
		.start = transfer };
	enum tome_err err = tome_paging_start(f->vm);
	unsigned id;

	f->swap = malloc(SWAP_PAGES * STREAM_PAGE);
	if (f->swap == NULL)
		return TOME_ENOMEM;
	if (err == TOME_OK)
		err = tome_swap_add(f->vm, &device, f->swap, SWAP_PAGES, 1, 0,
		    &id);
	return err;
}

enum tome_err
tome_file_fill(struct tome_file *f)
{
	enum tome_err err = TOME_OK;
	uint8_t block[512];
	size_t done;

	for (uint64_t at = 0; at < STREAM_FILE_BYTES && err == TOME_OK;
	    at += sizeof block) {
		memset(block, stream_file_byte(at), sizeof block);
		err = tome_object_write(f->object, at, block, sizeof block,
		    &done);
	}
	return err;
}

void
tome_file_end(struct tome_file *f)
{
	tome_object_unref(f->object);
	(void)tome_writeback(f->vm, UINT64_MAX, TOME_FOREVER);
	tome_io_run(f->vm);
	tome_vm_quiesce(f->vm, true);
}

void
tome_file_free(struct tome_file *f)
{
	free(f->store);
	free(f->swap);
}

/* ---- calls ---- */

static int64_t
truncate_to(struct tome_file *f, uint64_t len)
{
	enum tome_err err = tome_object_resize(f->object, len);

	if (err == TOME_OK && f->store != NULL)
		forget(f->store, len, STORE_BYTES);
	return -(int64_t)err;
}

static int64_t
file_write(struct tome_file *f, const void *bytes, uint64_t n, uint64_t at)
{
	enum tome_err err = TOME_OK;
	size_t done = 0;

	if (tome_object_size(f->object) < at + n)
		err = tome_object_resize(f->object, at + n);
	if (err == TOME_OK)
		err = tome_object_write(f->object, at, bytes, (size_t)n, &done);
	return err == TOME_OK ? (int64_t)done : -(int64_t)err;
}

static int64_t
file_read(struct tome_file *f, void *bytes, uint64_t n, uint64_t at)
{
	size_t done = 0;
	enum tome_err err = tome_object_read(f->object, at, bytes, (size_t)n,
	    &done);

	return err == TOME_OK ? (int64_t)done : -(int64_t)err;
}

/* Within what there is of the file; a part of a page. */
static int64_t
zero(struct tome_file *f, uint64_t from, uint64_t to)
{
	static const uint8_t zeroes[STREAM_PAGE];
	size_t done;

	if (to > tome_object_size(f->object))
		to = tome_object_size(f->object);
	return from >= to ? 0 : -(int64_t)tome_object_write(f->object, from,
	    zeroes, (size_t)(to - from), &done);
}

/* Whole pages go; what is left of others is zeroed. */
static int64_t
punch(struct tome_file *f, uint64_t at, uint64_t len)
{
	uint64_t end = at + len, first = (at + STREAM_PAGE - 1) / STREAM_PAGE;
	uint64_t last = end / STREAM_PAGE;
	int64_t got = 0;

	if (first > last)
		return zero(f, at, end);
	if (last > first)
		got = -(int64_t)tome_object_punch(f->object, first,
		    last - first);
	if (got == 0)
		got = zero(f, at, first * STREAM_PAGE);
	return got == 0 ? zero(f, last * STREAM_PAGE, end) : got;
}

static int64_t
pressure(struct tome_file *f, uint64_t n)
{
	(void)tome_writeback(f->vm, n, TOME_FOREVER);
	(void)tome_reclaim(f->vm, n);
	return 0;
}

int64_t
tome_file_call(struct tome_file *f, enum stream_call call, const uint64_t a[6])
{
	void *bytes = (void *)(uintptr_t)a[0];

	switch (call) {
	case STREAM_TRUNCATE:
		return truncate_to(f, a[0]);
	case STREAM_PREAD:
		return file_read(f, bytes, a[1], a[2]);
	case STREAM_PWRITE:
		return file_write(f, bytes, a[1], a[2]);
	case STREAM_PUNCH:
		return punch(f, a[0], a[1]);
	case STREAM_SIZE:
		return (int64_t)tome_object_size(f->object);
	case STREAM_PRESSURE:
		return f->swap != NULL ? pressure(f, a[0]) : 0;
	default:
		return -TOME_ENOSYS;
	}
}
