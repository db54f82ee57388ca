/*
 * test_pageout.c - every transfer of a program failing in turn: a write costs nobody
 * anything, a read only who touched that page then; and nothing is lost.
 */
#include "rig.h"

#define PAGES 40u

static uint8_t
content(unsigned page, unsigned round)
{
	return (uint8_t)(1 + page * 3 + round * 101);
}

/* Each page; how many could not be read at first. Those can be, later. */
static unsigned
look(struct tome_map *map, unsigned round)
{
	unsigned failed = 0;
	int got;

	for (unsigned i = 0; i < PAGES; i++) {
		got = rig_peek(map, i);
		if (got == -TOME_EIO) {
			failed++;
			got = rig_peek(map, i);
		}
		assert_int_equal(got, content(i, round));
	}
	return failed;
}

static void
fill(struct tome_map *map, unsigned round)
{
	for (unsigned i = 0; i < PAGES; i++)
		rig_poke(map, i, content(i, round));
}

/* Out, in, modified, out, shared, packed, in from both sides. Who saw an error. */
static unsigned
program(struct rig *r, bool *ended)
{
	struct tome_map *map = rig_map(r), *child;
	unsigned failed;

	rig_enter(map, 0, PAGES, 0);
	fill(map, 0);
	rig_page_out(r, map, 0, PAGES);
	failed = look(map, 0);
	fill(map, 1);
	rig_page_out(r, map, 0, PAGES);
	(void)tome_pack_all(r->vm->paging);
	rig_check(r);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	failed += look(child, 1);
	failed += look(map, 1);
	*ended = r->disk[0].fail_read == 0 && r->disk[0].fail_write == 0;
	r->disk[0].fail_read = r->disk[0].fail_write = 0;
	rig_check(r);
	tome_map_unref(child);
	tome_map_unref(map);
	rig_check(r);
	assert_int_equal(rig_swap(r, 0).used, 0);
	return failed;
}

/* With the n-th failing; false: there is no n-th. */
static bool
with_failure(unsigned n, bool read, unsigned max_pages)
{
	bool happened;
	unsigned failed;
	struct rig *r;
	void *state;

	assert_int_equal(rig_setup(&state), 0);
	r = state;
	rig_swapon(r, 0, 256, 0);
	r->vm->paging->area[r->disk[0].id]->device.max_pages = max_pages;
	*(read ? &r->disk[0].fail_read : &r->disk[0].fail_write) = n;
	failed = program(r, &happened);
	if (read)
		assert_in_range(failed, 0, 1);
	else
		assert_int_equal(failed, 0);
	/* Several that fail together are read one by one, and then they can be. */
	assert_true(max_pages > 1 || !read || failed == (unsigned)happened);
	assert_int_equal(rig_swap(r, 0).read_errors, read && happened);
	assert_int_equal(rig_swap(r, 0).write_errors, !read && happened);
	assert_int_equal(rig_teardown(&state), 0);
	return happened;
}

static void
each_in_turn(bool read, unsigned max_pages, unsigned least)
{
	unsigned n = 1;

	while (with_failure(n, read, max_pages))
		n++;
	assert_true(n > least);
}

static void
each_write_of_a_page(void **state)
{
	(void)state;
	each_in_turn(false, 1, PAGES);
}

static void
each_write_of_a_run(void **state)
{
	(void)state;
	each_in_turn(false, 8, PAGES / 8);
}

static void
each_read_of_a_page(void **state)
{
	(void)state;
	each_in_turn(true, 1, PAGES / 8);
}

static void
each_read_of_a_run(void **state)
{
	(void)state;
	each_in_turn(true, 8, PAGES / 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_write_of_a_page),
		cmocka_unit_test(each_write_of_a_run),
		cmocka_unit_test(each_read_of_a_page),
		cmocka_unit_test(each_read_of_a_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
