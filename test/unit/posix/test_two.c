/*
 * test_two.c - two instances in one process: what happens in one is not seen in the
 * other, and each is torn down to nothing while the other lives.
 */
#include "rig.h"

enum { ROUNDS = 24, PAGES = 40 };

static struct rig *one, *two;

/* The calling thread is a CPU of one machine at a time. */
static struct rig *
on(struct rig *r)
{
	hosted_become(r->machine, 0);
	return r;
}

static struct rig *
begin(void)
{
	void *state;

	assert_int_equal(rig_setup(&state), 0);
	return state;
}

static void
end(struct rig *r)
{
	void *state = on(r);

	assert_int_equal(rig_teardown(&state), 0);
}

static struct tome_stats
stats(struct rig *r)
{
	struct tome_stats s;

	on(r);
	tome_vm_quiesce(r->vm, false);
	tome_vm_stats(r->vm, &s);
	return s;
}

static uint8_t
mark(const struct rig *r, unsigned round, unsigned page)
{
	return (uint8_t)(round * 7 + page * 3 + (r == two ? 101 : 0));
}

/* Private and shared memory at the same addresses in both instances. */
static void
fill(struct rig *r, unsigned round)
{
	on(r);
	rig_map(r, AT, PAGES, RW, ANON);
	rig_map(r, AT + 4 * PAGES * PG, PAGES, RW, SHANON);
	for (unsigned i = 0; i < PAGES; i++) {
		assert_true(rig_poke(r, AT + i * PG, mark(r, round, i)));
		assert_true(rig_poke(r, AT + (4 * PAGES + i) * PG,
		    mark(r, round, i)));
	}
}

static void
expect_filled(struct rig *r, unsigned round)
{
	on(r);
	for (unsigned i = 0; i < PAGES; i++) {
		assert_int_equal(rig_peek(r, AT + i * PG), mark(r, round, i));
		assert_int_equal(rig_peek(r, AT + (4 * PAGES + i) * PG),
		    mark(r, round, i));
	}
}

static struct tome_posix *
fork_of(struct rig *r)
{
	struct tome_posix *child;

	on(r);
	assert_int_equal(tome_posix_fork(r->p, &child), TOME_OK);
	return child;
}

/* As the child: its private page changes alone, its shared page for both. */
static void
child_writes(struct rig *r, struct tome_posix *child, unsigned round)
{
	struct tome_map *map = tome_posix_map(child);
	uint8_t mine = (uint8_t)~mark(r, round, 0);
	size_t done;

	on(r);
	assert_int_equal(tome_map_write(map, AT, &mine, 1, false, &done),
	    TOME_OK);
	assert_int_equal(tome_map_write(map, AT + 4 * PAGES * PG, &mine, 1,
	    false, &done), TOME_OK);
	assert_int_equal(rig_peek(r, AT), mark(r, round, 0));
	assert_int_equal(rig_peek(r, AT + 4 * PAGES * PG), mine);
	assert_true(rig_poke(r, AT + 4 * PAGES * PG, mark(r, round, 0)));
}

static void
drop(struct rig *r, struct tome_posix *child)
{
	on(r);
	tome_posix_destroy(child);
}

static void
cut(struct rig *r)
{
	on(r);
	assert_int_equal(tome_posix_munmap(r->p, AT + 3 * PG, 2 * PG), 0);
	assert_int_equal(tome_posix_mprotect(r->p, AT + 8 * PG, PG,
	    PROT_READ), 0);
	assert_false(rig_mapped(r, AT + 3 * PG));
	assert_null(tome_vm_check(r->vm));
}

static void
empty(struct rig *r)
{
	on(r);
	assert_int_equal(tome_posix_munmap(r->p, AT, 5 * PAGES * PG), 0);
}

static void
round_of_both(unsigned round)
{
	struct tome_posix *a, *b;

	fill(one, round);
	fill(two, round);
	expect_filled(one, round);
	a = fork_of(one);
	b = fork_of(two);
	child_writes(one, a, round);
	child_writes(two, b, round);
	expect_filled(two, round);
	drop(one, a);
	expect_filled(one, round);
	cut(two);
	cut(one);
	drop(two, b);
	empty(one);
	empty(two);
}

static void
expect_as_before(struct rig *r, const struct tome_stats *before)
{
	struct tome_stats now = stats(r);

	assert_int_equal(now.maps, before->maps);
	assert_int_equal(now.entries, before->entries);
	assert_int_equal(now.amaps, before->amaps);
	assert_int_equal(now.chunks, before->chunks);
	assert_int_equal(now.anons, before->anons);
	assert_int_equal(now.objects, before->objects);
	assert_int_equal(now.frames_anon, before->frames_anon);
	assert_int_equal(now.frames_cache, before->frames_cache);
}

static void
test_interleaved(void **state)
{
	struct tome_stats a, b;

	(void)state;
	one = begin();
	two = begin();
	assert_ptr_not_equal(one->vm, two->vm);
	a = stats(one);
	b = stats(two);
	for (unsigned round = 0; round < ROUNDS; round++)
		round_of_both(round);
	expect_as_before(one, &a);
	expect_as_before(two, &b);
	end(two);
	end(one);
}

/* One ends in the middle of the other's life. */
static void
test_one_outlives(void **state)
{
	struct tome_posix *child;

	(void)state;
	one = begin();
	two = begin();
	fill(one, 1);
	fill(two, 1);
	child = fork_of(two);
	end(one);
	child_writes(two, child, 1);
	one = begin();
	fill(one, 2);
	drop(two, child);
	end(two);
	expect_filled(one, 2);
	end(one);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_one_outlives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
