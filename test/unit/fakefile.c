/*
 * fakefile.c - a file system of one file in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fakefile.h"

/* One read or write of the whole request. */
static void
transfer(struct fakefile *f, struct tome_io *io)
{
	bool read = io->op == TOME_IO_READ;
	unsigned *fail = read ? &f->fail_read : &f->fail_write;
	uint64_t at = io->at;

	if (*fail > 0 && --*fail == 0) {
		tome_io_done(io, f->fail_with);
		return;
	}
	for (unsigned i = 0; i < io->n; i++) {
		struct tome_io_vec *v = &io->vec[i];
		uint8_t *page = tome_frame_window(io->vm, v->pfn);

		assert_true(at + v->len <= FAKEFILE_BYTES);
		if (read) {
			memset(page + v->offset, 0, v->len);
			if (at < f->len)
				memcpy(page + v->offset, f->store + at,
				    at + v->len <= f->len ? v->len :
				    (size_t)(f->len - at));
		} else {
			memcpy(f->store + at, page + v->offset, v->len);
			if (at + v->len > f->len)
				f->len = at + v->len;
		}
		tome_frame_window_end(io->vm, v->pfn, page);
		at += v->len;
	}
	tome_io_done(io, TOME_OK);
}

static void
take(struct fakefile *f, struct tome_io *io)
{
	if (!f->queued) {
		transfer(f, io);
		return;
	}
	assert_true(f->nqueue < FAKEFILE_QUEUE);
	f->queue[f->nqueue] = io;
	f->nqueue++;
}

static void
file_read(void *ctx, struct tome_io *io)
{
	struct fakefile *f = ctx;

	f->reads++;
	f->pages_read += io->n;
	take(f, io);
}

static void
file_write(void *ctx, struct tome_io *io)
{
	struct fakefile *f = ctx;

	f->writes++;
	f->pages_written += io->n;
	take(f, io);
}

static enum tome_err
file_notify(void *ctx, tome_pgoff_t pg)
{
	struct fakefile *f = ctx;

	(void)pg;
	f->notified++;
	return f->notify;
}

static void
file_cancel(void *ctx, struct tome_io *io)
{
	struct fakefile *f = ctx;

	(void)io;
	f->cancelled++;
}

static void
file_gone(void *ctx)
{
	struct fakefile *f = ctx;

	f->gone = true;
}

void
fakefile_open(struct fakefile *f, struct tome_vm *vm, uint64_t len)
{
	memset(f, 0, sizeof *f);
	f->pager = (struct tome_pager){ .max_pages = 16, .read = file_read,
		.write = file_write, .write_notify = file_notify,
		.cancel = file_cancel, .gone = file_gone };
	f->fail_with = TOME_EIO;
	f->len = len;
	f->store = malloc(FAKEFILE_BYTES);
	assert_non_null(f->store);
	for (size_t i = 0; i < FAKEFILE_BYTES; i++)
		f->store[i] = (uint8_t)((i >> TOME_PAGE_SHIFT) + 1);
	assert_int_equal(tome_object_create_vnode(vm, &f->pager, f, len,
	    &f->object), TOME_OK);
}

unsigned
fakefile_run(struct fakefile *f, bool reversed)
{
	unsigned n = f->nqueue;

	f->nqueue = 0;
	for (unsigned i = 0; i < n; i++)
		transfer(f, f->queue[reversed ? n - 1 - i : i]);
	return n;
}

void
fakefile_close(struct fakefile *f, struct tome_vm *vm)
{
	tome_object_unref(f->object);
	fakefile_run(f, false);
	tome_io_run(vm);
	tome_vm_quiesce(vm, true);
	assert_true(f->gone);
	free(f->store);
	assert_null(tome_vm_check(vm));
}

struct tome_object_pages
fakefile_pages(struct fakefile *f)
{
	struct tome_object_pages p;

	tome_object_pages(f->object, &p);
	return p;
}
