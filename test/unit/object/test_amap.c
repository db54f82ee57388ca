/*
 * test_amap.c - the directory, sharing, cloning and wiping.
 */
#include "rig.h"

static void
directory_grows(void **state)
{
	static const uint64_t slot[] = { 5, 0, 31, 32, 2047, 2048, 131072,
		(uint64_t)1 << 36, ((uint64_t)1 << 36) + 77 };
	struct rig *r = *state;
	struct tome_amap *am;
	struct tome_dirent d;
	uint64_t at = 0;
	unsigned n = 0;

	assert_int_equal(tome_amap_create(r->vm, false, &am), TOME_OK);
	for (unsigned i = 0; i < sizeof slot / sizeof slot[0]; i++) {
		assert_int_equal(rig_look(am, slot[i]), -1);
		rig_fill(am, slot[i], (uint8_t)(i + 1));
	}
	for (unsigned i = 0; i < sizeof slot / sizeof slot[0]; i++)
		assert_int_equal(rig_look(am, slot[i]), i + 1);
	while (tome_amap_next(am, &at, UINT64_MAX, &d))
		n++;
	assert_int_equal(n, 7);
	rig_recount(r, &am, 1);
	rig_expect(r, 1, 7, 9);
	tome_amap_unref(am);
	rig_expect(r, 0, 0, 0);
}

static void
walk_is_bounded(void **state)
{
	struct rig *r = *state;
	struct tome_amap *am;
	struct tome_dirent d;
	uint64_t at;

	assert_int_equal(tome_amap_create(r->vm, false, &am), TOME_OK);
	at = 0;
	assert_false(tome_amap_next(am, &at, UINT64_MAX, &d));
	rig_fill(am, 1000, 1);
	at = 1001;		/* the same chunk: it covers the slot */
	assert_true(tome_amap_next(am, &at, 1001, &d));
	assert_int_equal(at, 1024);
	at = 1024;
	assert_false(tome_amap_next(am, &at, UINT64_MAX, &d));
	rig_fill(am, 900000, 2);
	at = 0;
	assert_false(tome_amap_next(am, &at, 991, &d));
	at = 1024;
	assert_false(tome_amap_next(am, &at, 899999 - 40, &d));
	assert_true(tome_amap_next(am, &at, 900000, &d));
	tome_amap_unref(am);
}

static void
sharing_clones_on_write(void **state)
{
	struct rig *r = *state;
	struct tome_amap *am[2];
	struct tome_chunk *old;
	struct tome_dirent d;

	assert_int_equal(tome_amap_create(r->vm, false, &am[0]), TOME_OK);
	for (unsigned i = 0; i < 40; i++)
		rig_fill(am[0], i, (uint8_t)i);
	assert_int_equal(tome_amap_share(am[0], 0, 39, &am[1]), TOME_OK);
	rig_recount(r, am, 2);
	rig_expect(r, 2, 2, 40);

	tome_epoch_enter(r->vm);
	d = tome_amap_lookup(am[1], 3);
	assert_true(tome_dirent_lock(am[1], &d));
	assert_int_equal(d.chunk->count, 2);
	assert_int_equal(tome_dirent_clone(am[1], &d, 0, 2, &old), TOME_OK);
	tome_chunk_drop_locked(am[1], old);
	assert_null(d.chunk->anon[0]);
	assert_null(d.chunk->anon[1]);
	assert_true(tome_anon_shared(d.chunk, d.chunk->anon[2]));
	tome_chunk_unlock(am[1], d.chunk);
	tome_epoch_leave(r->vm);

	rig_recount(r, am, 2);
	rig_expect(r, 2, 3, 40);
	tome_amap_unref(am[0]);
	rig_expect(r, 1, 2, 38);
	assert_int_equal(rig_look(am[1], 1), -1);
	assert_int_equal(rig_look(am[1], 2), 2);
	tome_amap_unref(am[1]);
}

static void
sharing_takes_only_the_range(void **state)
{
	struct rig *r = *state;
	struct tome_amap *am[2];

	assert_int_equal(tome_amap_create(r->vm, false, &am[0]), TOME_OK);
	for (unsigned i = 0; i < 4; i++)
		rig_fill(am[0], i * 32, (uint8_t)i);
	assert_int_equal(tome_amap_share(am[0], 40, 70, &am[1]), TOME_OK);
	assert_int_equal(rig_look(am[1], 0), -1);
	assert_int_equal(rig_look(am[1], 32), -1);
	assert_int_equal(rig_look(am[1], 64), 2);
	assert_int_equal(rig_look(am[1], 96), -1);
	rig_recount(r, am, 2);
	tome_amap_unref(am[0]);
	tome_amap_unref(am[1]);
}

/* Sharing with every allocation failing in turn leaves the source alone. */
static void
sharing_fails_cleanly(void **state)
{
	struct rig *r = *state;
	struct tome_amap *am[2];
	unsigned n = 0, refused = 0;
	bool asked;

	assert_int_equal(tome_amap_create(r->vm, false, &am[0]), TOME_OK);
	for (unsigned i = 0; i < 4; i++)
		rig_fill(am[0], (uint64_t)i * 4096, (uint8_t)i);
	do {
		enum tome_err err;

		hosted_fail_alloc(r->machine, NULL, ++n, false);
		err = tome_amap_share(am[0], 0, 3 * 4096, &am[1]);
		asked = hosted_allocs(r->machine) >= n;
		hosted_fail_alloc(r->machine, NULL, 0, false);
		rig_recount(r, am, err == TOME_OK ? 2 : 1);
		if (err == TOME_OK)
			tome_amap_unref(am[1]);
		else
			refused++;
	} while (asked);
	assert_true(refused > 3);
	tome_amap_unref(am[0]);
}

static void
wipe_empties_what_is_ours(void **state)
{
	struct rig *r = *state;
	struct tome_amap *am;
	struct tome_wipe w;

	assert_int_equal(tome_amap_create(r->vm, false, &am), TOME_OK);
	for (unsigned i = 0; i < 100; i++)
		rig_fill(am, i, (uint8_t)i);
	assert_int_equal(tome_amap_wipe_reserve(am, 10, 60, &w), TOME_OK);
	assert_null(w.spare[0]);	/* nothing is shared */
	tome_amap_wipe(am, 10, 60, &w);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(rig_look(am, i),
		    i < 10 || i >= 70 ? (int)i : -1);
	rig_recount(r, &am, 1);
	rig_expect(r, 1, 4, 40);
	tome_amap_unref(am);
}

static void
wipe_leaves_the_sharer_alone(void **state)
{
	struct rig *r = *state;
	struct tome_amap *am[2];
	struct tome_wipe w;

	assert_int_equal(tome_amap_create(r->vm, false, &am[0]), TOME_OK);
	for (unsigned i = 0; i < 128; i++)
		rig_fill(am[0], i, (uint8_t)i);
	assert_int_equal(tome_amap_share(am[0], 0, 127, &am[1]), TOME_OK);
	assert_int_equal(tome_amap_wipe_reserve(am[0], 10, 100, &w), TOME_OK);
	assert_non_null(w.spare[0]);
	assert_non_null(w.spare[1]);
	tome_amap_wipe(am[0], 10, 100, &w);
	for (unsigned i = 0; i < 128; i++) {
		assert_int_equal(rig_look(am[1], i), i);
		assert_int_equal(rig_look(am[0], i),
		    i < 10 || i >= 110 ? (int)i : -1);
	}
	rig_recount(r, am, 2);
	rig_expect(r, 2, 6, 128);
	tome_amap_unref(am[1]);
	rig_expect(r, 1, 2, 28);
	tome_amap_unref(am[0]);
}

/* Without a reserve, a shared chunk that the range cuts stays; others go. */
static void
wipe_without_reserve(void **state)
{
	struct rig *r = *state;
	struct tome_wipe none = { { NULL, NULL } };
	struct tome_amap *am[2];

	assert_int_equal(tome_amap_create(r->vm, false, &am[0]), TOME_OK);
	for (unsigned i = 0; i < 96; i++)
		rig_fill(am[0], i, (uint8_t)i);
	assert_int_equal(tome_amap_share(am[0], 0, 95, &am[1]), TOME_OK);
	tome_amap_wipe(am[0], 0, 40, &none);
	assert_int_equal(rig_look(am[0], 31), -1);
	assert_int_equal(rig_look(am[0], 33), 33);
	assert_int_equal(rig_look(am[1], 31), 31);
	rig_recount(r, am, 2);
	tome_amap_unref(am[0]);
	tome_amap_unref(am[1]);
}

/* A recount that meets a planted wrong count says so, and mends nothing. */
/* A reserve that fails half-way, and one that was not needed after all. */
static void
wipe_reserve_goes_back(void **state)
{
	struct rig *r = *state;
	struct tome_amap *am[2];
	struct tome_wipe w;

	assert_int_equal(tome_amap_create(r->vm, false, &am[0]), TOME_OK);
	for (unsigned i = 0; i < 64; i++)
		rig_fill(am[0], i, (uint8_t)i);
	assert_int_equal(tome_amap_share(am[0], 0, 63, &am[1]), TOME_OK);
	hosted_fail_alloc(r->machine, NULL, 2, false);
	assert_int_equal(tome_amap_wipe_reserve(am[0], 1, 62, &w), TOME_ENOMEM);
	hosted_fail_alloc(r->machine, NULL, 0, false);
	rig_expect(r, 2, 2, 64);
	assert_int_equal(tome_amap_wipe_reserve(am[0], 1, 62, &w), TOME_OK);
	rig_expect(r, 2, 4, 64);
	tome_amap_unref(am[1]);
	rig_expect(r, 1, 4, 64);
	tome_amap_wipe(am[0], 1, 62, &w);
	rig_expect(r, 1, 2, 2);
	tome_amap_unref(am[0]);
}

static void
recount_catches(void **state)
{
	struct rig *r = *state;
	struct tome_amap *am;
	struct tome_dirent d;

	assert_int_equal(tome_amap_create(r->vm, false, &am), TOME_OK);
	rig_fill(am, 7, 1);
	d = tome_amap_lookup(am, 7);
	d.chunk->anon[7]->count = 2;
	assert_null(tome_recount_amap(am, TOME_RECOUNT_SUB));
	assert_non_null(tome_recount_amap(am, TOME_RECOUNT_VERIFY));
	assert_null(tome_recount_amap(am, TOME_RECOUNT_ADD));
	d.chunk->anon[7]->count = 1;
	d.chunk->count = 2;
	assert_null(tome_recount_amap(am, TOME_RECOUNT_SUB));
	assert_non_null(tome_recount_amap(am, TOME_RECOUNT_VERIFY));
	assert_null(tome_recount_amap(am, TOME_RECOUNT_ADD));
	d.chunk->count = 1;
	tome_amap_unref(am);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, rig_start, rig_end)
		T(directory_grows),
		T(walk_is_bounded),
		T(sharing_clones_on_write),
		T(sharing_takes_only_the_range),
		T(sharing_fails_cleanly),
		T(wipe_empties_what_is_ours),
		T(wipe_leaves_the_sharer_alone),
		T(wipe_without_reserve),
		T(wipe_reserve_goes_back),
		T(recount_catches),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
