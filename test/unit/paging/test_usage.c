/*
 * test_usage.c - how much of a range is swapped out: wherever it is, and of whom.
 */
#include "far.h"

#define MIDDLE 37u			/* in no chunk's first or last page */

static struct tome_usage
usage(struct tome_map *map, unsigned first, unsigned n)
{
	struct tome_usage u;

	tome_map_usage(map, AT + first * PG, AT + (first + n) * PG, &u);
	return u;
}

static struct tome_stats
stats_of(struct rig *r)
{
	struct tome_stats s;

	tome_vm_stats(r->vm, &s);
	return s;
}

/* Of pages that all were touched: each is in memory or out, once. */
static void
expect_out(struct rig *r, struct tome_map *map)
{
	struct tome_usage all = usage(map, 0, ALL);
	uint64_t parts = usage(map, 0, MIDDLE).swapped +
	    usage(map, MIDDLE, 1).swapped +
	    usage(map, MIDDLE + 1, ALL - MIDDLE - 1).swapped;

	assert_int_equal(all.resident + all.swapped, ALL);
	assert_int_equal(all.swapped, ALL - rig_anon_frames(r));
	assert_int_equal(all.swapped_shared, 0);
	assert_int_equal(parts, all.swapped);
}

static void
mark_all(struct rig *r, struct tome_map *map)
{
	rig_swapon(r, 0, 4096, 0);
	for (unsigned i = 0; i < ALL; i++) {
		rig_poke(map, i, mark(i));
		assert_int_equal(rig_peek(map, i), mark(i));
		if (i % 256 == 255)
			rig_page_out(r, map, i - 255, 256);
	}
}

/* Slots, then slot numbers, then pages of slot numbers; and all the way back. */
static void
wherever_it_is(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_enter(map, 0, ALL, 0);
	mark_all(r, map);
	expect_out(r, map);
	assert_int_equal(usage(map, MIDDLE, 64).swapped, 64);
	(void)tome_pack_all(r->vm->paging);
	assert_int_equal(stats_of(r).anons, 0);
	expect_out(r, map);
	assert_int_equal(usage(map, MIDDLE, 64).swapped, 64);
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(chunks(r), PACKS);
	expect_out(r, map);
	assert_int_equal(usage(map, MIDDLE, 64).swapped, 64);
	assert_int_equal(rig_peek(map, MIDDLE), mark(MIDDLE));
	expect_out(r, map);
	assert_int_equal(usage(map, MIDDLE, 1).swapped, 0);
	rig_check(r);
	tome_map_unref(map);
}

/* What nobody touched is nowhere. */
static void
holes_are_not(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, ALL, 0);
	rig_poke(map, MIDDLE, 1);
	rig_poke(map, 5 * MIDDLE, 1);
	assert_int_equal(usage(map, 0, ALL).swapped, 0);
	rig_page_out(r, map, 0, ALL);
	assert_int_equal(usage(map, 0, ALL).swapped, 2);
	assert_int_equal(usage(map, 0, MIDDLE).swapped, 0);
	assert_int_equal(usage(map, 0, MIDDLE + 1).swapped, 1);
	assert_int_equal(tome_pack_all(r->vm->paging), 2);
	assert_int_equal(usage(map, MIDDLE + 1, ALL - MIDDLE - 1).swapped, 1);
	tome_map_unref(map);
}

/* The page of an object that two map is each one's, and is told apart. */
static void
shared_is_told_apart(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 40, TOME_MAP_SHARED);
	for (unsigned i = 0; i < 40; i++)
		rig_poke(map, i, 1);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	for (unsigned i = 0; i < 16 && rig_anon_frames(r) > 0; i++)
		(void)tome_reclaim(r->vm, 512);
	assert_int_equal(usage(map, 0, 40).swapped, 0);
	assert_int_equal(usage(map, 3, 30).swapped_shared, 30);
	assert_int_equal(usage(child, 0, 40).swapped_shared, 40);
	tome_map_unref(child);
	tome_map_unref(map);
}

/* Who has everything out is the larger, though nothing of his is in memory. */
static void
victims_are_weighed_whole(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *small = rig_map(r);
	struct tome_oom_candidate out = { .map = map }, in = { .map = small };

	rig_enter(map, 0, ALL, 0);
	mark_all(r, map);
	rig_enter(small, 0, 64, 0);
	for (unsigned i = 0; i < 64; i++)
		rig_poke(small, i, 1);
	assert_true(tome_oom_score(&out) >= ALL);
	assert_true(tome_oom_score(&out) > tome_oom_score(&in));
	tome_map_unref(small);
	tome_map_unref(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(wherever_it_is),
		RIG_TEST(holes_are_not),
		RIG_TEST(shared_is_told_apart),
		RIG_TEST(victims_are_weighed_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
