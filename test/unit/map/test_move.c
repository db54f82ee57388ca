/*
 * test_move.c - moving and resizing: results, contents, errors.
 */
#include "rig.h"

static void
fill(struct tome_map *map, tome_va_t va, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rig_poke(map, va + i * PG, (uint8_t)(i + 1));
}

static void
expect_filled(struct tome_map *map, tome_va_t va, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(rig_peek(map, va + i * PG), i + 1);
}

static void
test_grow_in_place_and_shrink(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	tome_va_t va;

	rig_enter(map, AT, 4, RW);
	fill(map, AT, 4);
	assert_int_equal(tome_map_move(map, AT, 4 * PG, 9 * PG, 0, 0, &va),
	    TOME_OK);
	assert_int_equal(va, AT);
	rig_expect(map, "0-9 rw-");
	expect_filled(map, AT, 4);
	assert_int_equal(rig_peek(map, AT + 8 * PG), 0);
	assert_int_equal(tome_map_move(map, AT, 9 * PG, 2 * PG, 0, 0, &va),
	    TOME_OK);
	rig_expect(map, "0-2 rw-");
	assert_int_equal(rig_anon_frames(r), 2);
	rig_enter(map, AT + 3 * PG, 1, RO);
	assert_int_equal(tome_map_move(map, AT, 2 * PG, 4 * PG, 0, 0, &va),
	    TOME_ENOMEM);
	rig_check(r);
	tome_map_unref(map);
}

/* A block that merged with its neighbours moves out of the middle, again and again,
 * as realloc() has it. */
static void
test_grow_by_moving(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	tome_va_t va = AT + 4 * PG, was;

	rig_enter(map, AT, 12, RW);
	fill(map, AT, 12);
	for (unsigned n = 4; n < 64; n *= 2) {
		was = va;
		assert_int_equal(tome_map_move(map, was, n * PG, 2 * n * PG,
		    TOME_MOVE_MAY, 0, &va), TOME_OK);
		rig_check(r);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(rig_peek(map, va + i * PG), i + 5);
		for (unsigned i = n; i < 2 * n; i++)
			assert_int_equal(rig_peek(map, va + i * PG),
			    0);
		rig_poke(map, va + (2 * n - 1) * PG, 0);
	}
	assert_int_equal(rig_peek(map, AT + 3 * PG), 4);
	assert_int_equal(rig_peek(map, AT + 4 * PG), -1);
	assert_int_equal(rig_peek(map, AT + 8 * PG), 9);
	tome_map_unref(map);
}

static void
test_fixed_and_dontunmap(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	tome_va_t va;

	rig_enter(map, AT, 4, RW);
	rig_enter(map, AT + 16 * PG, 8, RO);
	fill(map, AT, 4);
	assert_int_equal(tome_map_move(map, AT, 4 * PG, 4 * PG,
	    TOME_MOVE_MAY | TOME_MOVE_FIXED, AT + 18 * PG, &va), TOME_OK);
	rig_expect(map, "10-12 r--, 12-16 rw-, 16-18 r--");
	expect_filled(map, AT + 18 * PG, 4);
	assert_int_equal(tome_map_move(map, AT + 18 * PG, 4 * PG, 4 * PG,
	    TOME_MOVE_MAY | TOME_MOVE_DONTUNMAP, 0, &va), TOME_OK);
	expect_filled(map, va, 4);
	assert_int_equal(rig_peek(map, AT + 18 * PG), 0);
	rig_check(r);
	tome_map_unref(map);
}

static void
test_second_mapping(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_request rq = { .addr = AT, .len = 4 * PG, .prot = RW,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED };
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	fill(map, AT, 4);
	assert_int_equal(tome_map_move(map, AT + PG, 0, 2 * PG, TOME_MOVE_MAY,
	    0, &va), TOME_OK);
	assert_int_equal(rig_peek(map, va), 2);
	rig_poke(map, va + PG, 99);
	assert_int_equal(rig_peek(map, AT + 2 * PG), 99);
	rig_enter(map, AT + 8 * PG, 1, RW);
	assert_int_equal(tome_map_move(map, AT + 8 * PG, 0, PG, TOME_MOVE_MAY,
	    0, &va), TOME_EINVAL);
	rig_check(r);
	tome_map_unref(map);
}

/* Large and skewed: whole leaf tables move, contents with them. */
static void
test_large(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	unsigned n = (unsigned)(2 * tome_leaf_span() / PG);
	tome_va_t at = AT + 7 * PG, va;

	rig_enter(map, at, n, RW);
	for (unsigned i = 0; i < n; i += 50)
		rig_poke(map, at + i * PG, (uint8_t)(i / 50 + 1));
	assert_int_equal(tome_map_move(map, at, n * PG, (n + 1) * PG,
	    TOME_MOVE_MAY | TOME_MOVE_FIXED, at + 8 * tome_leaf_span(), &va),
	    TOME_OK);
	rig_check(r);
	assert_int_equal(tome_map_move(map, va, (n + 1) * PG, (n + 1) * PG,
	    TOME_MOVE_MAY | TOME_MOVE_DONTUNMAP, 0, &va), TOME_OK);
	assert_int_equal((va - at) & (tome_leaf_span() - 1), 0);
	for (unsigned i = 0; i < n; i += 50)
		assert_int_equal(rig_peek(map, va + i * PG),
		    (uint8_t)(i / 50 + 1));
	rig_check(r);
	tome_map_unref(map);
}

static void
test_errors(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	tome_va_t va;

	rig_enter(map, AT, 2, RW);
	rig_enter(map, AT + 2 * PG, 2, RO);
	assert_int_equal(tome_map_move(map, AT, 4 * PG, 8 * PG, TOME_MOVE_MAY,
	    0, &va), TOME_EFAULT);
	assert_int_equal(tome_map_move(map, AT + 4 * PG, PG, 2 * PG,
	    TOME_MOVE_MAY, 0, &va), TOME_EFAULT);
	assert_int_equal(tome_map_move(map, AT, PG, PG, TOME_MOVE_FIXED,
	    AT + 8 * PG, &va), TOME_EINVAL);
	assert_int_equal(tome_map_move(map, AT, 2 * PG, 2 * PG,
	    TOME_MOVE_FIXED | TOME_MOVE_MAY, AT + PG, &va), TOME_EINVAL);
	assert_int_equal(tome_map_move(map, AT, PG, 2 * PG, TOME_MOVE_MAY |
	    TOME_MOVE_DONTUNMAP, 0, &va), TOME_EINVAL);
	assert_int_equal(tome_map_move(map, AT, PG, 0, 0, 0, &va),
	    TOME_EINVAL);
	assert_int_equal(tome_map_move(map, AT + 1, PG, PG, 0, 0, &va),
	    TOME_EINVAL);
	rig_expect(map, "0-2 rw-, 2-4 r--");
	tome_map_unref(map);
}

/* Every allocation fails once: nothing has changed. */
static void
test_out_of_memory(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	enum tome_err err = TOME_ENOMEM;
	tome_va_t va;

	rig_enter(map, AT, 12, RW);
	fill(map, AT, 12);
	rig_enter(map, AT + 32 * PG, 12, RO);
	for (unsigned n = 1; err != TOME_OK && n < 100; n++) {
		hosted_fail_alloc(r->machine, NULL, n, false);
		err = tome_map_move(map, AT + 2 * PG, 4 * PG, 6 * PG,
		    TOME_MOVE_MAY | TOME_MOVE_FIXED, AT + 34 * PG, &va);
		hosted_fail_alloc(r->machine, NULL, 0, false);
		rig_check(r);
		if (err == TOME_OK)
			break;
		assert_int_equal(err, TOME_ENOMEM);
		rig_expect(map, "0-c rw-, 20-2c r--");
		expect_filled(map, AT, 12);
	}
	assert_int_equal(err, TOME_OK);
	rig_expect(map, "0-2 rw-, 6-c rw-, 20-22 r--, 22-26 rw-, 26-28 rw-, "
	    "28-2c r--");
	tome_map_unref(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_grow_in_place_and_shrink),
		RIG_TEST(test_grow_by_moving),
		RIG_TEST(test_fixed_and_dontunmap),
		RIG_TEST(test_second_mapping),
		RIG_TEST(test_large),
		RIG_TEST(test_errors),
		RIG_TEST(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
