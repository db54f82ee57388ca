/*
 * test_content.c - objects: reading, writing, borrowing, parents, truncation.
 */
#include <tome/paging.h>
#include "rig.h"

#define PAGE ((uint64_t)TOME_PAGE_SIZE)

static struct tome_object *
make(struct rig *r, uint64_t len, struct tome_object *parent)
{
	struct tome_object *ob;

	assert_int_equal(tome_object_create_anon(r->vm, len, parent, 0, &ob),
	    TOME_OK);
	return ob;
}

static void
put(struct tome_object *ob, uint64_t off, const char *text)
{
	size_t done;

	assert_int_equal(tome_object_write(ob, off, text, strlen(text), &done),
	    TOME_OK);
	assert_int_equal(done, strlen(text));
}

static void
expect(struct tome_object *ob, uint64_t off, const char *text)
{
	char buf[64];
	size_t done;

	assert_int_equal(tome_object_read(ob, off, buf, strlen(text), &done),
	    TOME_OK);
	assert_int_equal(done, strlen(text));
	assert_memory_equal(buf, text, done);
}

static void
reads_what_was_written(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = make(r, 3 * PAGE + 5, NULL);
	char buf[16];
	size_t done;

	put(ob, PAGE - 3, "abcdef");		/* across a page's end */
	expect(ob, PAGE - 3, "abcdef");
	assert_int_equal(tome_object_resident(ob), 2);
	assert_int_equal(tome_object_read(ob, 3 * PAGE, buf, 16, &done),
	    TOME_OK);
	assert_int_equal(done, 5);		/* stops at the end */
	assert_int_equal(buf[0], 0);		/* a hole, and not filled */
	assert_int_equal(tome_object_resident(ob), 2);
	assert_int_equal(tome_object_read(ob, 4 * PAGE, buf, 1, &done),
	    TOME_OK);
	assert_int_equal(done, 0);
	rig_recount(r, NULL, 0);
	tome_object_unref(ob);
}

static void
parent_shows_until_written(void **state)
{
	struct rig *r = *state;
	struct tome_object *parent = make(r, 2 * PAGE, NULL);
	struct tome_object *ob = make(r, 4 * PAGE, parent), *bad;

	put(parent, 0, "one");
	put(parent, PAGE, "two");
	expect(ob, 0, "one");
	put(parent, 0, "ONE");			/* still tracked */
	expect(ob, 0, "ONE");
	put(ob, 1, "x");			/* no longer */
	put(parent, 0, "tri");
	expect(ob, 0, "OxE");
	expect(parent, 0, "tri");
	expect(ob, PAGE, "two");
	expect(ob, 2 * PAGE, "\0\0");
	assert_int_equal(tome_object_resident(ob), 1);
	/* One level only. */
	assert_int_equal(tome_object_create_anon(r->vm, PAGE, ob, 0, &bad),
	    TOME_EINVAL);
	rig_recount(r, NULL, 0);
	tome_object_unref(parent);		/* ob keeps it */
	expect(ob, PAGE, "two");
	tome_object_unref(ob);
}

static void
shrinking_drops_and_zeroes(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = make(r, 100 * PAGE, NULL);
	tome_pfn_t pfn;

	for (unsigned i = 0; i < 100; i++)
		put(ob, i * PAGE + 10, "x");
	assert_int_equal(tome_object_resize(ob, 50 * PAGE + 10), TOME_OK);
	assert_int_equal(tome_object_resident(ob), 51);
	assert_int_equal(tome_object_get(ob, 51, true, &pfn), TOME_ENXIO);
	assert_int_equal(tome_object_resize(ob, 100 * PAGE), TOME_OK);
	expect(ob, 49 * PAGE + 10, "x");
	expect(ob, 50 * PAGE + 10, "\0");
	expect(ob, 70 * PAGE + 10, "\0");
	assert_int_equal(tome_object_punch(ob, 0, 49), TOME_OK);
	assert_int_equal(tome_object_resident(ob), 2);
	assert_int_equal(tome_object_punch(ob, 1, 0), TOME_EINVAL);
	rig_recount(r, NULL, 0);
	tome_object_unref(ob);
}

/* A page that somebody borrowed outlives truncation, and is freed when put. */
static void
borrowed_page_is_orphaned(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = make(r, 4 * PAGE, NULL);
	struct tome_stats s;
	tome_pfn_t pfn, again;

	assert_int_equal(tome_object_get(ob, 2, false, &pfn), TOME_ENOENT);
	assert_int_equal(tome_object_get(ob, 2, true, &pfn), TOME_OK);
	assert_int_equal(tome_object_get(ob, 2, false, &again), TOME_OK);
	assert_int_equal(pfn, again);
	assert_int_equal(tome_object_resize(ob, 0), TOME_OK);
	tome_vm_stats(r->vm, &s);
	assert_int_equal(s.anons, 0);
	assert_int_equal(s.frames_anon, 1);
	tome_object_put(ob, pfn, true);
	tome_vm_stats(r->vm, &s);
	assert_int_equal(s.frames_anon, 1);
	tome_object_put(ob, pfn, true);
	tome_object_unref(ob);
}

/* An object whose memory a private copy shares leaves that copy alone. */
static void
write_leaves_a_sharer_alone(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = make(r, 64 * PAGE, NULL);
	struct tome_amap *copy;

	for (unsigned i = 0; i < 64; i++)
		put(ob, i * PAGE, "a");
	assert_int_equal(tome_amap_share(ob->amap, 0, 63, &copy), TOME_OK);
	put(ob, 0, "b");
	assert_int_equal(rig_look(copy, 0), 'a');
	expect(ob, 0, "b");
	assert_int_equal(tome_object_resize(ob, 40 * PAGE + 1), TOME_OK);
	assert_int_equal(tome_object_punch(ob, 0, 33), TOME_OK);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(rig_look(copy, i), 'a');
	assert_int_equal(tome_object_resident(ob), 8);
	rig_recount(r, &copy, 1);
	tome_object_unref(ob);
	rig_recount(r, &copy, 1);
	tome_amap_unref(copy);
}

static void
device_claims_its_frames(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob, *second;
	tome_pfn_t pfn;

	assert_int_equal(tome_frames_alloc(r->vm, TOME_PAGE_KERNEL, 3, 0, 0,
	    0, &pfn), TOME_OK);
	assert_int_equal(tome_object_create_device(r->vm, pfn, 8,
	    TOME_MEM_WB, true, &ob), TOME_EBUSY);
	tome_frames_free(r->vm, pfn, 3);
	tome_frames_drain(r->vm, true);
	assert_int_equal(tome_object_create_device(r->vm, pfn, 8,
	    TOME_MEM_WB, true, &ob), TOME_OK);
	assert_int_equal(tome_object_create_device(r->vm, pfn + 4, 1,
	    TOME_MEM_WB, true, &second), TOME_EBUSY);
	assert_int_equal(tome_object_create_device(r->vm, pfn, 0,
	    TOME_MEM_WB, false, &second), TOME_EINVAL);
	assert_int_equal(tome_object_kind(ob), TOME_OBJECT_DEVICE);
	assert_int_equal(tome_object_size(ob), 8 * PAGE);
	assert_int_equal(tome_object_resize(ob, PAGE), TOME_EINVAL);
	tome_object_unref(ob);
}

/* Every allocation failing in turn: an error, and the content as it was. */
static void
failures_change_nothing(void **state)
{
	struct rig *r = *state;
	unsigned n = 0, refused = 0;
	bool asked;

	do {
		struct tome_object *parent = make(r, 2 * PAGE, NULL);
		struct tome_object *ob = make(r, 4 * PAGE, parent);
		enum tome_err err;
		size_t done;

		put(parent, PAGE, "keep");
		hosted_fail_alloc(r->machine, NULL, ++n, false);
		err = tome_object_write(ob, PAGE, "K", 1, &done);
		asked = hosted_allocs(r->machine) >= n;
		hosted_fail_alloc(r->machine, NULL, 0, false);
		refused += err != TOME_OK;
		rig_recount(r, NULL, 0);
		expect(parent, PAGE, "keep");
		expect(ob, PAGE, err == TOME_OK ? "Keep" : "keep");
		tome_object_unref(parent);
		tome_object_unref(ob);
	} while (asked);
	assert_true(refused > 2);
}

/* The last sharer goes while memory for a copy is sought: the page is the object's
 * own after all, and the copy goes back. */
static struct tome_chunk *sharers;

static bool
sharer_goes(void *ctx, const char *what)
{
	struct tome_anon *an = sharers->anon[0];

	(void)ctx, (void)what;
	if (an != NULL && tome_rd(&an->count) == 2) {
		sharers->anon[0] = NULL;
		tome_add(&an->count, -1u);
	}
	return true;
}

static void
copy_is_not_needed(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = make(r, PAGE, NULL);
	struct tome_host host = *r->vm->host;
	const struct tome_host *was = r->vm->host;
	struct tome_amap *sharer;
	tome_pfn_t got;

	put(ob, 0, "abc");
	assert_int_equal(tome_amap_share(ob->amap, 0, 31, &sharer), TOME_OK);
	sharers = tome_amap_lookup(sharer, 0).chunk;
	host.may_alloc = sharer_goes;
	r->vm->host = &host;
	assert_int_equal(tome_object_get(ob, 0, true, &got), TOME_OK);
	r->vm->host = was;
	assert_null(sharers->anon[0]);
	tome_object_put(ob, got, true);
	expect(ob, 0, "abc");
	rig_expect(r, 2, 2, 1);
	tome_amap_unref(sharer);
	tome_object_unref(ob);
}

/* ---- content that is not resident ---- */

static enum tome_err
refuse(struct tome_vm *vm, unsigned n, struct tome_pagein **out)
{
	(void)vm, (void)n, (void)out;
	return TOME_EIO;
}

static unsigned
ask_for_one(struct tome_amap *am, struct tome_chunk *ch, unsigned i)
{
	(void)am, (void)ch, (void)i;
	return 1;
}

static const struct tome_anon_pager refusing = {
	.window = ask_for_one, .prepare = refuse,
};

static struct tome_anon *
anon_of(struct tome_object *ob, uint64_t slot)
{
	return tome_amap_lookup(ob->amap, slot).chunk->anon[slot];
}

/* A page that cannot be had is an error, with nothing left locked. */
static void
page_that_cannot_be_read(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = make(r, PAGE, NULL);
	struct tome_anon *an;
	tome_pfn_t frame, got;

	put(ob, 0, "abc");
	an = anon_of(ob, 0);
	frame = an->pfn;
	r->vm->objects->anon_pager = &refusing;
	an->pfn = TOME_PFN_NONE;
	an->slot = 7;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tome_object_get(ob, 0, i, &got), TOME_EIO);
		assert_int_equal(an->word & TOME_ANON_LOCK, 0);
	}
	assert_int_equal(tome_object_resize(ob, 2), TOME_EIO);
	assert_int_equal(tome_object_size(ob), PAGE);
	an->pfn = frame;
	an->slot = 0;
	r->vm->objects->anon_pager = NULL;
	expect(ob, 0, "abc");
	tome_object_unref(ob);
}

/* Memory for a copy that a write to shared content needs, refused each time. */
static void
copy_is_refused(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = make(r, PAGE, NULL);
	struct tome_amap *sharer;
	enum tome_err err = TOME_ENOMEM;
	tome_pfn_t got;
	unsigned n;

	put(ob, 0, "abc");
	assert_int_equal(tome_amap_share(ob->amap, 0, 31, &sharer), TOME_OK);
	for (n = 1; err == TOME_ENOMEM; n++) {
		hosted_fail_alloc(r->machine, NULL, n, false);
		err = tome_object_get(ob, 0, true, &got);
		hosted_fail_alloc(r->machine, NULL, 0, false);
		rig_recount(r, &sharer, 1);
	}
	assert_int_equal(err, TOME_OK);
	assert_true(n > 3);
	tome_object_put(ob, got, true);
	tome_amap_unref(sharer);
	tome_object_unref(ob);
}

/* Layer 6 has not started: its figures are noughts. */
static void
nothing_is_paged(void **state)
{
	struct rig *r = *state;
	struct tome_paging_stats s, none;

	memset(&s, 0xff, sizeof s);
	memset(&none, 0, sizeof none);
	tome_paging_stats(r->vm, &s);
	assert_memory_equal(&s, &none, sizeof s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_start, rig_end)
		T(reads_what_was_written),
		T(parent_shows_until_written),
		T(shrinking_drops_and_zeroes),
		T(borrowed_page_is_orphaned),
		T(write_leaves_a_sharer_alone),
		T(device_claims_its_frames),
		T(failures_change_nothing),
		T(copy_is_not_needed),
		T(page_that_cannot_be_read),
		T(copy_is_refused),
		T(nothing_is_paged),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
