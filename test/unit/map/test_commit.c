/*
 * test_commit.c - the commit account: who is charged, and what each mode refuses.
 */
#include "rig.h"

static enum tome_err
enter(struct tome_map *map, tome_va_t va, unsigned pages, tome_prot_t prot,
    unsigned flags)
{
	struct tome_map_request rq = { .addr = va, .len = pages * PG,
		.prot = prot, .flags = flags | TOME_MAP_FIXED };

	return tome_map_enter(map, &rq, &va);
}

static void
expect(struct rig *r, uint64_t pages)
{
	assert_int_equal(tome_commit_pages(r->vm), pages);
	rig_check(r);
}

static void
test_who_is_charged(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;

	assert_int_equal(enter(map, AT, 10, RW, 0), TOME_OK);
	expect(r, 10);
	assert_int_equal(enter(map, AT + 10 * PG, 10, TOME_PROT_READ, 0),
	    TOME_OK);
	assert_int_equal(enter(map, AT + 20 * PG, 10, RW, TOME_MAP_NORESERVE),
	    TOME_OK);
	expect(r, 10);
	/* Once writable, for life. */
	assert_int_equal(tome_map_protect(map, AT + 12 * PG, 2 * PG, RW),
	    TOME_OK);
	expect(r, 12);
	assert_int_equal(tome_map_protect(map, AT, 14 * PG, TOME_PROT_READ),
	    TOME_OK);
	expect(r, 12);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	expect(r, 24);
	tome_map_unref(child);
	expect(r, 12);
	assert_int_equal(tome_map_remove(map, AT + 5 * PG, 8 * PG), TOME_OK);
	expect(r, 6);
	assert_int_equal(enter(map, AT + 40 * PG, 8, RW, TOME_MAP_SHARED),
	    TOME_OK);
	expect(r, 14);
	/* A shared object is charged as long as anybody has it, and once. */
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	expect(r, 20);
	tome_map_unref(map);
	expect(r, 14);
	tome_map_unref(child);
	expect(r, 0);
}

static void
test_heuristic(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	tome_commit_set(r->vm, TOME_OVERCOMMIT_HEURISTIC, 20);
	assert_int_equal(enter(map, AT, 21, RW, 0), TOME_ENOMEM);
	assert_int_equal(enter(map, AT, 21, RW, TOME_MAP_SHARED), TOME_ENOMEM);
	assert_int_equal(enter(map, AT, 20, RW, 0), TOME_OK);
	assert_int_equal(enter(map, AT + 20 * PG, 20, RW, 0), TOME_OK);
	assert_int_equal(enter(map, AT + 40 * PG, 90, RW, TOME_MAP_NORESERVE),
	    TOME_OK);
	expect(r, 40);
	tome_map_unref(map);
}

static void
test_never(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	tome_va_t to;

	tome_commit_set(r->vm, TOME_OVERCOMMIT_NEVER, 20);
	assert_int_equal(enter(map, AT, 12, RW, 0), TOME_OK);
	assert_int_equal(enter(map, AT + 12 * PG, 9, RW, TOME_MAP_NORESERVE),
	    TOME_ENOMEM);
	assert_int_equal(tome_map_fork(map, &child), TOME_ENOMEM);
	expect(r, 12);
	assert_int_equal(enter(map, AT + 20 * PG, 9, TOME_PROT_READ, 0),
	    TOME_OK);
	assert_int_equal(tome_map_protect(map, AT + 20 * PG, 9 * PG, RW),
	    TOME_ENOMEM);
	expect(r, 12);
	assert_int_equal(tome_map_move(map, AT, 12 * PG, 21 * PG,
	    TOME_MOVE_MAY, 0, &to), TOME_ENOMEM);
	expect(r, 12);
	assert_int_equal(tome_map_move(map, AT, 12 * PG, 20 * PG,
	    TOME_MOVE_MAY, 0, &to), TOME_OK);
	expect(r, 20);
	/* What is replaced is no longer promised. */
	assert_int_equal(enter(map, to, 20, RW, 0), TOME_OK);
	expect(r, 20);
	tome_map_unref(map);
	expect(r, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_who_is_charged),
		RIG_TEST(test_heuristic),
		RIG_TEST(test_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
