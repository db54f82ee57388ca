/*
 * test_ahead.c - how many anons come at once: by who touches them in what order.
 */
#include "rig.h"

static struct tome_map *
paged_out(struct rig *r, unsigned first, unsigned pages)
{
	struct tome_map *map = rig_map(r);

	rig_enter(map, first, pages, 0);
	for (unsigned i = 0; i < pages; i++)
		rig_poke(map, first + i, (uint8_t)(first + i + 1));
	rig_page_out(r, map, first, pages);
	assert_int_equal(rig_anon_frames(r), 0);
	return map;
}

static void
touch(struct tome_map *map, unsigned n)
{
	assert_int_equal(rig_peek(map, n), (uint8_t)(n + 1));
}

/* 1, 2, 4 and then 8 at once, which is the device's most; less where a chunk ends. */
static void
test_onward(void **state)
{
	struct rig *r = *state;
	struct tome_map *map;

	rig_swapon(r, 0, 256, 0);
	map = paged_out(r, 0, 128);
	for (unsigned i = 0; i < 15; i++)
		touch(map, i);
	assert_int_equal(r->disk[0].reads, 4);
	for (unsigned i = 15; i < 128; i++)
		touch(map, i);
	assert_in_range(r->disk[0].reads, 4 + 113 / 8, 24);
	assert_int_equal(rig_swap(r, 0).read, 128);
	tome_map_unref(map);
}

static void
test_backwards(void **state)
{
	struct rig *r = *state;
	struct tome_map *map;

	rig_swapon(r, 0, 256, 0);
	map = paged_out(r, 0, 128);
	for (unsigned i = 128; i > 0; i--)
		touch(map, i - 1);
	assert_in_range(r->disk[0].reads, 128 / 8, 24);
	tome_map_unref(map);
}

/* Who jumps gets what he asked for, and nothing else. */
static void
test_to_and_fro(void **state)
{
	static const unsigned order[] = { 3, 90, 40, 120, 10, 70, 25, 100 };
	struct rig *r = *state;
	struct tome_map *map;

	rig_swapon(r, 0, 256, 0);
	map = paged_out(r, 0, 128);
	for (unsigned i = 0; i < sizeof order / sizeof *order; i++)
		touch(map, order[i]);
	assert_int_equal(r->disk[0].reads, sizeof order / sizeof *order);
	assert_int_equal(rig_swap(r, 0).read, sizeof order / sizeof *order);
	tome_map_unref(map);
}

/* What was learnt is forgotten by jumping. */
static void
test_a_runner_who_stops(void **state)
{
	static const unsigned order[] = { 100, 60, 120, 80, 110 };
	struct rig *r = *state;
	struct tome_map *map;
	uint64_t was;

	rig_swapon(r, 0, 256, 0);
	map = paged_out(r, 0, 128);
	for (unsigned i = 0; i < 31; i++)
		touch(map, i);
	for (unsigned i = 0; i < 4; i++)
		touch(map, order[i]);
	was = rig_swap(r, 0).read;
	touch(map, order[4]);
	assert_int_equal(rig_swap(r, 0).read, was + 1);
	tome_map_unref(map);
}

/* Two who run through parts of one area that lie apart. */
static void
test_two_runners(void **state)
{
	struct rig *r = *state;
	struct tome_map *map;

	rig_swapon(r, 0, 512, 0);
	map = rig_map(r);
	rig_enter(map, 0, 1024, 0);
	for (unsigned i = 0; i < 64; i++) {
		rig_poke(map, i, (uint8_t)(i + 1));
		rig_poke(map, 512 + i, (uint8_t)(512 + i + 1));
	}
	rig_page_out(r, map, 0, 1024);
	for (unsigned i = 0; i < 64; i++) {
		touch(map, i);
		touch(map, 512 + i);
	}
	assert_in_range(r->disk[0].reads, 2 * 64 / 8, 2 * 14);
	tome_map_unref(map);
}

/* Nothing is gained from a fast device's neighbours. */
static void
test_fast(void **state)
{
	struct rig *r = *state;
	struct tome_map *map;

	rig_swapon(r, 0, 256, 0);
	r->vm->paging->area[r->disk[0].id]->device.fast = true;
	map = paged_out(r, 0, 64);
	for (unsigned i = 0; i < 32; i++)
		touch(map, i);
	assert_int_equal(r->disk[0].reads, 32);
	tome_map_unref(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_onward),
		RIG_TEST(test_backwards),
		RIG_TEST(test_to_and_fro),
		RIG_TEST(test_a_runner_who_stops),
		RIG_TEST(test_two_runners),
		RIG_TEST(test_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
