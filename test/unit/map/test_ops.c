/*
 * test_ops.c - enter, remove, protect: which entries there are afterwards, and
 * what memory holds.
 */
#include "rig.h"

static void
test_enter_and_touch(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	tome_va_t va = rig_enter(map, 0, 4, RW);

	assert_int_equal(va, map->hi - 4 * PG);
	assert_int_equal(rig_peek(map, va), 0);
	rig_poke(map, va + PG, 7);
	assert_int_equal(rig_peek(map, va + PG), 7);
	assert_int_equal(rig_peek(map, va - 1), -1);
	rig_check(r);
	tome_map_unref(map);
}

static void
test_neighbours_merge(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_enter(map, AT, 2, RW);
	rig_enter(map, AT + 4 * PG, 2, RW);
	rig_expect(map, "0-2 rw-, 4-6 rw-");
	rig_poke(map, AT, 1);
	rig_enter(map, AT + 2 * PG, 2, RW);
	rig_expect(map, "0-6 rw-");
	rig_enter(map, AT + 6 * PG, 1, RO);
	rig_expect(map, "0-6 rw-, 6-7 r--");
	rig_poke(map, AT + 5 * PG, 2);
	assert_int_equal(rig_peek(map, AT), 1);
	assert_int_equal(rig_peek(map, AT + 5 * PG), 2);
	rig_check(r);
	tome_map_unref(map);
}

/* Unmapping frees frames at once, and the range reads as zero when mapped again. */
static void
test_remove_splits_and_frees(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_enter(map, AT, 8, RW);
	for (unsigned i = 0; i < 8; i++)
		rig_poke(map, AT + i * PG, (uint8_t)(i + 1));
	assert_int_equal(rig_anon_frames(r), 8);
	assert_int_equal(tome_map_remove(map, AT + 2 * PG, 3 * PG), TOME_OK);
	rig_expect(map, "0-2 rw-, 5-8 rw-");
	assert_int_equal(rig_anon_frames(r), 5);
	assert_int_equal(rig_peek(map, AT + 2 * PG), -1);
	assert_int_equal(rig_peek(map, AT + 5 * PG), 6);
	rig_check(r);
	rig_enter(map, AT + 2 * PG, 3, RW);
	for (unsigned i = 2; i < 5; i++)
		assert_int_equal(rig_peek(map, AT + i * PG), 0);
	rig_check(r);
	assert_int_equal(tome_map_remove(map, AT - PG, 4 * PG), TOME_OK);
	assert_int_equal(tome_map_remove(map, AT + 7 * PG, 40 * PG), TOME_OK);
	assert_int_equal(rig_peek(map, AT + 6 * PG), 7);
	assert_int_equal(rig_peek(map, AT + 7 * PG), -1);
	rig_check(r);
	assert_int_equal(tome_map_remove(map, AT, 8 * PG), TOME_OK);
	rig_expect(map, "");
	assert_int_equal(rig_anon_frames(r), 0);
	tome_map_unref(map);
}

static void
test_fixed_replaces(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_request rq = { .addr = AT + 2 * PG, .len = 2 * PG,
		.prot = RO, .flags = TOME_MAP_FIXED | TOME_MAP_NOREPLACE };
	tome_va_t va;

	rig_enter(map, AT, 8, RW);
	for (unsigned i = 0; i < 8; i++)
		rig_poke(map, AT + i * PG, 9);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_EEXIST);
	rig_enter(map, AT + 2 * PG, 2, RO);
	rig_expect(map, "0-2 rw-, 2-4 r--, 4-8 rw-");
	assert_int_equal(rig_peek(map, AT + 3 * PG), 0);
	assert_int_equal(rig_peek(map, AT + 4 * PG), 9);
	rig_enter(map, AT, 8, RO);
	rig_expect(map, "0-8 r--");
	assert_int_equal(rig_peek(map, AT + 7 * PG), 0);
	rig_check(r);
	tome_map_unref(map);
}

static void
test_protect(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	uint8_t byte = 3;
	size_t done;

	rig_enter(map, AT, 8, RW);
	for (unsigned i = 0; i < 8; i++)
		rig_poke(map, AT + i * PG, (uint8_t)i);
	assert_int_equal(tome_map_protect(map, AT + 3 * PG, PG, RO), TOME_OK);
	rig_expect(map, "0-3 rw-, 3-4 r--, 4-8 rw-");
	assert_int_equal(tome_map_write(map, AT + 3 * PG, &byte, 1, false,
	    &done), TOME_EFAULT);
	rig_check(r);
	assert_int_equal(tome_map_protect(map, AT + 3 * PG, PG, RW), TOME_OK);
	rig_expect(map, "0-8 rw-");
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(rig_peek(map, AT + i * PG), i);
	rig_poke(map, AT + 3 * PG, 33);
	assert_int_equal(tome_map_protect(map, AT + 6 * PG, 4 * PG,
	    TOME_PROT_NONE), TOME_ENOMEM);
	rig_expect(map, "0-6 rw-, 6-8 ---");
	assert_int_equal(rig_peek(map, AT + 6 * PG), -1);
	assert_int_equal(tome_map_set_max_prot(map, AT, 2 * PG, RO), TOME_OK);
	assert_int_equal(tome_map_protect(map, AT, 8 * PG, RW), TOME_EACCES);
	rig_expect(map, "0-2 r--, 2-6 rw-, 6-8 ---");
	rig_check(r);
	tome_map_unref(map);
}

static void
test_bad_arguments(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_request rq = { .len = 0, .prot = RW };
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_EINVAL);
	rq.len = PG + 1;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_EINVAL);
	rq.len = map->hi + PG;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_ENOMEM);
	rq.len = PG, rq.prot = RW, rq.max_prot = RO;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_EINVAL);
	rq.max_prot = 0, rq.flags = TOME_MAP_FIXED, rq.addr = map->hi;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_ENOMEM);
	assert_int_equal(tome_map_remove(map, AT + 1, PG), TOME_EINVAL);
	assert_int_equal(tome_map_remove(map, AT, 0), TOME_EINVAL);
	assert_int_equal(tome_map_remove(map, map->hi, PG), TOME_EINVAL);
	assert_int_equal(tome_map_protect(map, AT, PG, RW), TOME_ENOMEM);
	rig_expect(map, "");
	tome_map_unref(map);
}

static void
test_limits(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_limits l = { .as = 8 * PG, .data = 4 * PG,
		.locked = PG, .stack = UINT64_MAX };
	struct tome_map_request rq = { .len = 4 * PG, .prot = RW };
	tome_va_t va;

	tome_map_set_limits(map, &l);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_ENOMEM);
	rq.prot = RO;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(tome_map_protect(map, va, PG, RW), TOME_ENOMEM);
	rq.len = PG;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_ENOMEM);
	/* What a fixed mapping replaces does not count. */
	rq.flags = TOME_MAP_FIXED, rq.addr = va;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	rq.flags |= TOME_MAP_LOCKED, rq.len = 2 * PG;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_EAGAIN);
	rig_check(r);
	tome_map_unref(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_enter_and_touch),
		RIG_TEST(test_neighbours_merge),
		RIG_TEST(test_remove_splits_and_frees),
		RIG_TEST(test_fixed_replaces),
		RIG_TEST(test_protect),
		RIG_TEST(test_bad_arguments),
		RIG_TEST(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
