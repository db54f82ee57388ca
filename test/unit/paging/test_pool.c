/*
 * test_pool.c - pieces keep their bytes wherever they lie, in however many halves;
 * frames come one at a time and go when they are empty.
 */
#include <paging/pool.h>

#include "rig.h"

#define KEYS 4000u
/* Lengths are said for pages of 4 KiB. */
#define SCALE ((uint32_t)(TOME_PAGE_SIZE >> 12))

/* A pool, and what should be in it. */
struct kept {
	struct rig *rig;
	struct tome_pieces_budget budget;
	struct tome_pieces pool;
	tome_pfn_t at[KEYS];		/* NONE: not there */
	uint16_t len[KEYS];
	uint8_t salt[KEYS];
	uint64_t seed, free;		/* frames free before */
	unsigned moves;
};

static uint8_t piece[TOME_PAGE_SIZE], got[TOME_PAGE_SIZE];

static uint32_t
roll(struct kept *k, uint32_t n)
{
	k->seed = k->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(k->seed >> 33) % n;
}

static void
make(uint32_t key, size_t len, uint8_t salt)
{
	for (size_t i = 0; i < len; i++)
		piece[i] = (uint8_t)(key * 31 + i * 7 + (i >> 8) + salt);
}

static int
setup(void **state)
{
	struct kept *k = calloc(1, sizeof *k);
	void *rig;

	rig_setup(&rig);
	k->rig = rig;
	k->budget.limit = 400;
	tome_pieces_init(&k->pool, k->rig->vm, &k->budget);
	k->free = tome_frames_free_count(k->rig->vm);
	*state = k;
	return 0;
}

static void
expect_sound(struct kept *k)
{
	assert_null(tome_pieces_check(&k->pool));
	assert_int_equal(k->budget.frames, k->pool.frames);
}

static bool
put(struct kept *k, uint32_t key, size_t len)
{
	enum tome_err err;

	k->salt[key] = (uint8_t)roll(k, 256);
	make(key, len, k->salt[key]);
	err = tome_pieces_put(&k->pool, key, piece, len, &k->at[key]);
	if (err == TOME_OK)
		k->len[key] = (uint16_t)len;
	else
		assert_int_equal(err, TOME_ENOMEM);
	return err == TOME_OK;
}

static void
expect(struct kept *k, uint32_t key)
{
	size_t len = tome_pieces_get(&k->pool, key, k->at[key], got);

	assert_int_equal(len, (k->len[key] + 3u) & ~3u);
	make(key, k->len[key], k->salt[key]);
	assert_memory_equal(got, piece, k->len[key]);
}

static void
expect_all(struct kept *k)
{
	for (uint32_t key = 0; key < KEYS; key++)
		if (k->at[key] != TOME_PFN_NONE)
			expect(k, key);
	expect_sound(k);
}

static void
drop(struct kept *k, uint32_t key)
{
	tome_pieces_drop(&k->pool, key, k->at[key]);
	k->at[key] = TOME_PFN_NONE;
}

static void
moved(void *arg, uint32_t key, tome_pfn_t pfn)
{
	struct kept *k = arg;

	assert_int_not_equal(k->at[key], TOME_PFN_NONE);
	k->at[key] = pfn;
	k->moves++;
}

static int
teardown(void **state)
{
	struct kept *k = *state;
	void *rig = k->rig;

	for (uint32_t key = 0; key < KEYS; key++)
		if (k->at[key] != TOME_PFN_NONE)
			drop(k, key);
	expect_sound(k);
	assert_int_equal(k->pool.frames, 0);
	assert_int_equal(k->pool.bytes, 0);
	assert_int_equal(tome_frames_free_count(k->rig->vm), k->free);
	free(k);
	return rig_teardown(&rig);
}

/* From 1 on, evenly, but no multiples of anything. */
static size_t
length(uint32_t i)
{
	return i * SCALE - i % SCALE;
}

static void
every_size(void **state)
{
	struct kept *k = *state;
	const uint32_t most = (uint32_t)TOME_PIECE_MOST / SCALE;

	for (uint32_t i = 1; i <= most; i += 5)
		assert_true(put(k, i, length(i)));
	expect_all(k);
	for (uint32_t i = 1; i <= most; i += 10)
		drop(k, i);
	expect_all(k);
	for (uint32_t i = 1; i <= most; i += 10)
		assert_true(put(k, i, TOME_PIECE_MOST - length(i) + 1));
	expect_all(k);
}

/* Whatever their size, pieces leave little of the frames unused. */
static void
frames_are_full(void **state)
{
	static const size_t sizes[] = { 300, 700, 1365, 1400, 2030, 2100, 2800,
		TOME_PIECE_MOST / SCALE };
	struct kept *k = *state;

	for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		uint32_t key = 0;
		uint64_t room;

		while (key < KEYS && put(k, key, sizes[s] * SCALE))
			key++;
		expect_all(k);
		room = (uint64_t)k->pool.frames * PG;
		assert_true(k->pool.bytes > room - room / 10);
		while (key-- > 0)
			drop(k, key);
		assert_int_equal(k->pool.frames, 0);
	}
}

static void
at_random(void **state)
{
	struct kept *k = *state;

	for (unsigned i = 0; i < 30000; i++) {
		uint32_t key = roll(k, KEYS);

		if (k->at[key] != TOME_PFN_NONE) {
			expect(k, key);
			drop(k, key);
			if (i % 3 == 0)
				tome_pieces_compact(&k->pool, moved, k);
		} else if (!put(k, key, 1 + roll(k, i % 4 == 0 ? 40 * SCALE :
		    (uint32_t)TOME_PIECE_MOST))) {
			k->at[key] = TOME_PFN_NONE;
		}
		if (i % 1000 == 0)
			expect_all(k);
	}
	expect_all(k);
}

/* What is left of a pool is brought together, halves included. */
static void
compaction_gives_frames_back(void **state)
{
	struct kept *k = *state;
	uint32_t before;

	for (uint32_t key = 0; key < 1000; key++)
		assert_true(put(k, key, (1200 + key % 300) * SCALE));
	before = k->pool.frames;
	for (uint32_t key = 0; key < 1000; key++)
		if (key % 4 != 0) {
			drop(k, key);
			tome_pieces_compact(&k->pool, moved, k);
			if (key % 64 == 1)
				expect_sound(k);
		}
	assert_true(k->moves > 50);
	/* A quarter of the pieces; larger frames are harder to empty. */
	assert_true(SCALE == 1 ? 8 * k->pool.frames < 3 * before :
	    5 * k->pool.frames < 2 * before);
	expect_all(k);
	before = k->pool.frames;			/* nothing to gain */
	if (k->pool.free < (uint64_t)before * PG / 16)
		tome_pieces_compact(&k->pool, moved, k);
	assert_int_equal(k->pool.frames, before);
}

/* The budget, and every allocation: what is refused changes nothing. */
static void
refusals_change_nothing(void **state)
{
	struct kept *k = *state;
	uint32_t key = 0, frames;
	uint64_t bytes;

	k->budget.limit = 5;
	while (put(k, key, 1500 * SCALE))
		key++;
	k->at[key] = TOME_PFN_NONE;
	assert_int_equal(k->pool.frames, 5);
	assert_true(key >= 13);
	expect_all(k);
	k->budget.limit = 400;
	for (unsigned i = 0; i < 200; i++) {
		frames = k->pool.frames;
		bytes = k->pool.bytes;
		hosted_fail_alloc(k->rig->machine, "frame", 1, true);
		if (!put(k, key, 1500 * SCALE)) {
			k->at[key] = TOME_PFN_NONE;
			assert_int_equal(k->pool.frames, frames);
			assert_int_equal(k->pool.bytes, bytes);
			expect_sound(k);
			hosted_fail_alloc(k->rig->machine, NULL, 0, false);
			assert_true(put(k, key, 1500 * SCALE));
			assert_int_equal(k->pool.frames, frames + 1);
		}
		key++;
	}
	hosted_fail_alloc(k->rig->machine, NULL, 0, false);
	expect_all(k);
}

/* A planted error is seen. */
static void
the_recount_counts(void **state)
{
	struct kept *k = *state;

	assert_true(put(k, 1, 500) && put(k, 2, 900));
	k->pool.pieces++;
	assert_non_null(tome_pieces_check(&k->pool));
	k->pool.pieces--;
	tome_page(k->rig->vm, k->at[1])->index--;
	assert_non_null(tome_pieces_check(&k->pool));
	tome_page(k->rig->vm, k->at[1])->index++;
	expect_sound(k);
}

#define POOL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		POOL_TEST(every_size),
		POOL_TEST(frames_are_full),
		POOL_TEST(at_random),
		POOL_TEST(compaction_gives_frames_back),
		POOL_TEST(refusals_change_nothing),
		POOL_TEST(the_recount_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
