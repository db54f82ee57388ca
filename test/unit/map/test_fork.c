/*
 * test_fork.c - copies of spaces: what each side sees, and what is given back.
 */
#include "rig.h"

static struct tome_map *
fork_of(struct tome_map *map)
{
	struct tome_map *child;

	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	return child;
}

static void
test_copy_is_private(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;

	rig_enter(map, AT, 40, RW);
	for (unsigned i = 0; i < 40; i += 2)
		rig_poke(map, AT + i * PG, (uint8_t)(i + 1));
	child = fork_of(map);
	rig_expect(child, "0-28 rw-");
	rig_check(r);
	assert_int_equal(rig_anon_frames(r), 20);
	rig_poke(child, AT, 100);
	rig_poke(map, AT + 2 * PG, 101);
	rig_poke(child, AT + PG, 102);
	rig_check(r);
	assert_int_equal(rig_peek(map, AT), 1);
	assert_int_equal(rig_peek(child, AT), 100);
	assert_int_equal(rig_peek(child, AT + 2 * PG), 3);
	assert_int_equal(rig_peek(map, AT + 2 * PG), 101);
	assert_int_equal(rig_peek(map, AT + PG), 0);
	assert_int_equal(rig_peek(child, AT + 39 * PG), 0);
	tome_map_unref(map);
	rig_check(r);
	assert_int_equal(rig_peek(child, AT + 4 * PG), 5);
	rig_poke(child, AT + 4 * PG, 55);
	rig_check(r);
	tome_map_unref(child);
}

static void
test_generations(void **state)
{
	struct rig *r = *state;
	struct tome_map *map[6];

	map[0] = rig_map(r);
	rig_enter(map[0], AT, 100, RW);
	for (unsigned g = 0; g < 6; g++) {
		rig_poke(map[g], AT + g * PG, (uint8_t)(g + 1));
		rig_poke(map[g], AT + 99 * PG, (uint8_t)(g + 1));
		if (g < 5)
			map[g + 1] = fork_of(map[g]);
		rig_check(r);
	}
	for (unsigned g = 0; g < 6; g++) {
		for (unsigned i = 0; i < 6; i++)
			assert_int_equal(rig_peek(map[g], AT + i * PG),
			    i <= g ? i + 1 : 0);
		assert_int_equal(rig_peek(map[g], AT + 99 * PG), g + 1);
	}
	rig_check(r);
	for (unsigned g = 0; g < 6; g++)
		tome_map_unref(map[(g * 5) % 6]);
}

/* What the parent unmaps stays in the child, and comes back to nobody. */
static void
test_unmap_after_fork(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;

	rig_enter(map, AT, 64, RW);
	for (unsigned i = 0; i < 64; i++)
		rig_poke(map, AT + i * PG, (uint8_t)(i + 1));
	child = fork_of(map);
	rig_poke(map, AT, 99);
	assert_int_equal(tome_map_remove(map, AT + 8 * PG, 40 * PG), TOME_OK);
	rig_check(r);
	rig_enter(map, AT + 8 * PG, 40, RW);
	for (unsigned i = 8; i < 48; i++) {
		assert_int_equal(rig_peek(map, AT + i * PG), 0);
		assert_int_equal(rig_peek(child, AT + i * PG), i + 1);
	}
	rig_poke(map, AT + 9 * PG, 77);
	rig_check(r);
	assert_int_equal(rig_peek(child, AT + 9 * PG), 10);
	tome_map_unref(child);
	rig_check(r);
	assert_int_equal(rig_peek(map, AT + 50 * PG), 51);
	tome_map_unref(map);
}

static void
test_inheritance(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;

	rig_enter(map, AT, 8, RW);
	for (unsigned i = 0; i < 8; i++)
		rig_poke(map, AT + i * PG, (uint8_t)(i + 1));
	assert_int_equal(tome_map_inherit(map, AT + 2 * PG, 2 * PG,
	    TOME_INHERIT_NONE), TOME_OK);
	assert_int_equal(tome_map_inherit(map, AT + 4 * PG, 2 * PG,
	    TOME_INHERIT_ZERO), TOME_OK);
	assert_int_equal(tome_map_inherit(map, AT + 6 * PG, 2 * PG,
	    TOME_INHERIT_SHARE), TOME_OK);
	child = fork_of(map);
	rig_expect(child, "0-2 rw-, 4-6 rw-, 6-8 rw-");
	rig_check(r);
	assert_int_equal(rig_peek(child, AT + PG), 2);
	assert_int_equal(rig_peek(child, AT + 2 * PG), -1);
	assert_int_equal(rig_peek(child, AT + 4 * PG), 0);
	assert_int_equal(rig_peek(child, AT + 6 * PG), 7);
	rig_poke(child, AT + 6 * PG, 70);
	assert_int_equal(rig_peek(map, AT + 6 * PG), 70);
	rig_poke(map, AT + 7 * PG, 80);
	assert_int_equal(rig_peek(child, AT + 7 * PG), 80);
	rig_poke(child, AT + 4 * PG, 50);
	assert_int_equal(rig_peek(map, AT + 4 * PG), 5);
	assert_int_equal(tome_map_remove(map, AT + 2 * PG, 2 * PG), TOME_OK);
	assert_int_equal(rig_peek(child, AT), 1);
	rig_check(r);
	tome_map_unref(map);
	rig_check(r);
	assert_int_equal(rig_peek(child, AT + 7 * PG), 80);
	tome_map_unref(child);
}

static void
test_shared_object(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct tome_map_request rq = { .addr = AT, .len = 4 * PG, .prot = RW,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED };
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	rig_poke(map, AT, 1);
	child = fork_of(map);
	rig_poke(child, AT + PG, 2);
	assert_int_equal(rig_peek(child, AT), 1);
	assert_int_equal(rig_peek(map, AT + PG), 2);
	rig_check(r);
	tome_map_unref(map);
	assert_int_equal(rig_peek(child, AT), 1);
	tome_map_unref(child);
}

/* A child that is to see zero does not see the object below either. */
static void
test_zero_over_object(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct tome_map_request rq = { .addr = AT, .len = 2 * PG, .prot = RW,
		.flags = TOME_MAP_FIXED, .inherit = TOME_INHERIT_ZERO };
	tome_va_t va;
	size_t done;

	assert_int_equal(tome_object_create_anon(r->vm, 2 * PG, NULL, 0,
	    &rq.object), TOME_OK);
	assert_int_equal(tome_object_write(rq.object, 0, "a", 1, &done),
	    TOME_OK);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	tome_object_unref(rq.object);
	rig_poke(map, AT + PG, 'b');
	child = fork_of(map);
	assert_int_equal(rig_peek(child, AT), 0);
	assert_int_equal(rig_peek(child, AT + PG), 0);
	assert_int_equal(rig_peek(map, AT), 'a');
	rig_check(r);
	tome_map_unref(map);
	rig_poke(child, AT, 'c');
	tome_map_unref(child);
}

/*
 * Every allocation fails once: fork says so, and parent and counts are as before; or
 * it could do without.
 */
/* What one side unmapped while the other had it goes when the other has gone, and the
 * pieces that are left are written to. */
static void
test_unmapped_between(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;

	rig_enter(map, AT, 128, RW);
	for (unsigned i = 0; i < 128; i++)
		rig_poke(map, AT + i * PG, (uint8_t)(i + 1));
	assert_int_equal(tome_map_protect(map, AT + 64 * PG, 32 * PG,
	    TOME_PROT_READ), TOME_OK);
	child = fork_of(map);
	assert_int_equal(tome_map_remove(map, AT + 16 * PG, 64 * PG), TOME_OK);
	rig_check(r);
	assert_int_equal(rig_peek(child, AT + 20 * PG), 21);
	tome_map_unref(child);
	rig_check(r);
	rig_poke(map, AT, 1);
	rig_poke(map, AT + 96 * PG, 97);
	assert_int_equal(tome_map_protect(map, AT + 80 * PG, 16 * PG, RW),
	    TOME_OK);
	rig_poke(map, AT + 80 * PG, 81);
	tome_vm_quiesce(r->vm, false);
	rig_check(r);
	assert_int_equal(rig_anon_frames(r), 64);
	for (unsigned i = 80; i < 128; i++)
		assert_int_equal(rig_peek(map, AT + i * PG), i + 1);
	tome_map_unref(map);
}

static void
test_out_of_memory(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child = NULL;
	unsigned n = 0, refused = 0;
	bool asked;

	for (unsigned i = 0; i < 30; i++) {
		rig_enter(map, AT + 2 * i * PG, 1, RW);
		rig_poke(map, AT + 2 * i * PG, (uint8_t)(i + 1));
	}
	do {
		enum tome_err err;

		hosted_fail_alloc(r->machine, NULL, ++n, false);
		err = tome_map_fork(map, &child);
		asked = hosted_allocs(r->machine) >= n;
		hosted_fail_alloc(r->machine, NULL, 0, false);
		rig_check(r);
		for (unsigned i = 0; i < 30; i += 7)
			rig_poke(map, AT + 2 * i * PG, (uint8_t)(i + 1));
		if (err == TOME_OK) {
			for (unsigned i = 0; i < 30; i++)
				assert_int_equal(rig_peek(child,
				    AT + 2 * i * PG), i + 1);
			tome_map_unref(child);
		} else {
			assert_int_equal(err, TOME_ENOMEM);
			refused++;
		}
	} while (asked);
	assert_true(refused > 30);
	tome_map_unref(map);
}

/* Who goes through all maps comes to each once, and to those made meanwhile; the one he
 * is at may end behind him. */
static void
maps_are_visited_as_they_were_made(void **state)
{
	struct rig *r = *state;
	struct tome_map *made[4] = { rig_map(r), rig_map(r), rig_map(r) };
	struct tome_map *map = NULL;
	unsigned n = 0;

	while ((map = tome_map_after(r->vm, map)) != NULL) {
		if (map->kernel)
			continue;
		assert_ptr_equal(map, made[n]);
		if (n == 1) {
			assert_int_equal(tome_map_fork(made[0], &made[3]),
			    TOME_OK);
			tome_map_unref(made[1]);
			tome_map_unref(made[0]);
		}
		n++;
	}
	assert_int_equal(n, 4);
	map = tome_map_after(r->vm, NULL);
	while (map->kernel)
		map = tome_map_after(r->vm, map);
	assert_ptr_equal(map, made[2]);
	tome_map_unref(map);
	tome_map_unref(made[2]);
	tome_map_unref(made[3]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_copy_is_private),
		RIG_TEST(test_generations),
		RIG_TEST(test_unmap_after_fork),
		RIG_TEST(test_inheritance),
		RIG_TEST(test_shared_object),
		RIG_TEST(test_zero_over_object),
		RIG_TEST(test_unmapped_between),
		RIG_TEST(test_out_of_memory),
		RIG_TEST(maps_are_visited_as_they_were_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
