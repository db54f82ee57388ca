/*
 * test_look.c - regions, residency, keys, advice, wiring, stacks, names, and the
 * errors of each.
 */
#include "rig.h"

static void
test_regions_and_lookup(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct tome_region reg;
	tome_va_t at = 0;

	rig_enter(map, AT, 4, RW);
	rig_poke(map, AT, 1);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	/* The old entry's memory is shared with the child: a second entry. */
	rig_enter(map, AT + 4 * PG, 4, RW);
	rig_expect(map, "0-4 rw-, 4-8 rw-");
	assert_true(tome_map_next(map, &at, &reg));
	assert_int_equal(reg.start, AT);
	assert_int_equal(reg.end, AT + 8 * PG);
	assert_false(tome_map_next(map, &at, &reg));
	assert_int_equal(tome_map_lookup(map, AT + 6 * PG, &reg), TOME_OK);
	assert_int_equal(reg.start, AT);
	assert_int_equal(tome_map_lookup(map, AT - PG, &reg), TOME_OK);
	assert_int_equal(reg.start, AT);
	assert_int_equal(tome_map_lookup(map, AT + 8 * PG, &reg), TOME_ENOENT);
	tome_map_unref(child);
	tome_map_unref(map);
}

static void
test_names_and_tags(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_region reg;
	char longest[81];

	rig_enter(map, AT, 4, RW);
	assert_int_equal(tome_map_set_name(map, AT + PG, PG, "heap"), TOME_OK);
	rig_expect(map, "0-1 rw-, 1-2 rw-, 2-4 rw-");
	assert_int_equal(tome_map_lookup(map, AT + PG, &reg), TOME_OK);
	assert_string_equal(reg.name, "heap");
	assert_int_equal(tome_map_set_name(map, AT, 4 * PG, "heap"), TOME_OK);
	rig_expect(map, "0-4 rw-");
	assert_int_equal(tome_map_set_name(map, AT, 5 * PG, NULL), TOME_ENOMEM);
	assert_int_equal(tome_map_lookup(map, AT, &reg), TOME_OK);
	assert_string_equal(reg.name, "");
	memset(longest, 'x', sizeof longest - 1);
	longest[80] = '\0';
	assert_int_equal(tome_map_set_name(map, AT, PG, longest), TOME_EINVAL);
	rig_check(r);
	tome_map_unref(map);
}

struct told {
	unsigned n;
	tome_va_t start, end;
	bool dead;
};

static void
tell(void *arg, uint64_t tag, tome_va_t start, tome_va_t end, bool dead)
{
	struct told *t = arg;

	assert_int_equal(tag, 5);
	*t = (struct told){ t->n + 1, start, end, dead };
}

static void
test_tagged_entries_report(void **state)
{
	struct rig *r = *state;
	struct told t = { 0 };
	struct tome_map_config c = { .entry_changed = tell, .arg = &t };
	struct tome_map_request rq = { .addr = AT, .len = 4 * PG, .prot = RW,
		.flags = TOME_MAP_FIXED, .tag = 5 };
	struct tome_map *map;
	tome_va_t va;

	assert_int_equal(tome_map_create(r->vm, &c, &map), TOME_OK);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	rig_enter(map, AT + 4 * PG, 2, RW);
	rig_expect(map, "0-4 rw-, 4-6 rw-");
	assert_int_equal(t.n, 0);
	assert_int_equal(tome_map_remove(map, AT + PG, PG), TOME_OK);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.start, AT + 2 * PG);
	assert_int_equal(t.end, AT + 4 * PG);
	assert_false(t.dead);
	assert_int_equal(tome_map_remove(map, AT, PG), TOME_OK);
	assert_int_equal(t.n, 2);
	assert_true(t.dead);
	tome_map_unref(map);
	assert_int_equal(t.n, 3);
}

static void
test_incore_and_usage(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_totals tot;
	struct tome_usage u;
	uint8_t vec[5];

	rig_enter(map, AT, 4, RW);
	rig_poke(map, AT + PG, 1);
	rig_poke(map, AT + 3 * PG, 1);
	assert_int_equal(tome_map_incore(map, AT, 4 * PG, vec), TOME_OK);
	assert_memory_equal(vec, "\0\1\0\1", 4);
	assert_int_equal(tome_map_incore(map, AT, 5 * PG, vec), TOME_ENOMEM);
	tome_map_usage(map, AT, AT + 4 * PG, &u);
	assert_int_equal(u.resident, 2);
	assert_int_equal(u.anonymous, 2);
	assert_int_equal(u.private_dirty, 2);
	assert_int_equal(u.proportional, 2 * PG);
	tome_map_totals(map, &tot);
	assert_int_equal(tot.entries, 1);
	assert_int_equal(tot.virtual_pages, 4);
	assert_int_equal(tot.data_pages, 4);
	assert_int_equal(tot.resident_pages, 2);
	tome_map_unref(map);
}

static void
test_keys(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct tome_map_request rq = { .addr = AT, .len = 4 * PG, .prot = RW,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED };
	struct tome_key a, b;
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	rig_enter(map, AT + 8 * PG, 1, RW);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	assert_int_equal(tome_map_key(map, AT + PG + 8, &a), TOME_OK);
	assert_int_equal(tome_map_key(child, AT + PG + 8, &b), TOME_OK);
	assert_memory_equal(&a, &b, sizeof a);
	assert_int_equal(tome_map_key(map, AT + 8 * PG, &a), TOME_OK);
	assert_int_equal(tome_map_key(child, AT + 8 * PG, &b), TOME_OK);
	assert_int_equal(a.offset, b.offset);
	assert_int_not_equal(a.space, b.space);
	assert_int_equal(tome_map_key(map, AT + 9 * PG, &a), TOME_EFAULT);
	tome_map_unref(map);
	tome_map_unref(child);
}

static void
test_advice(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_region reg;

	rig_enter(map, AT, 8, RW);
	for (unsigned i = 0; i < 8; i++)
		rig_poke(map, AT + i * PG, 1);
	assert_int_equal(tome_map_advise(map, AT + PG, 2 * PG,
	    TOME_ADV_DONTNEED), TOME_OK);
	assert_int_equal(rig_anon_frames(r), 6);
	assert_int_equal(rig_peek(map, AT + PG), 0);
	assert_int_equal(tome_map_wire(map, AT + 4 * PG, PG, false), TOME_OK);
	assert_int_equal(tome_map_advise(map, AT + 4 * PG, PG,
	    TOME_ADV_DONTNEED), TOME_EINVAL);
	assert_int_equal(tome_map_advise(map, AT + 4 * PG, PG,
	    TOME_ADV_DONTNEED_LOCKED), TOME_OK);
	assert_int_equal(rig_peek(map, AT + 4 * PG), 0);
	assert_int_equal(tome_map_unwire(map, AT + 4 * PG, PG), TOME_OK);
	rig_expect(map, "0-8 rw-");
	assert_int_equal(tome_map_advise(map, AT + 6 * PG, 4 * PG,
	    TOME_ADV_DONTNEED), TOME_ENOMEM);
	assert_int_equal(rig_peek(map, AT + 7 * PG), 0);
	assert_int_equal(tome_map_advise(map, AT, PG, TOME_ADV_REMOVE),
	    TOME_EINVAL);
	assert_int_equal(tome_map_advise(map, AT, 2 * PG, TOME_ADV_NODUMP),
	    TOME_OK);
	assert_int_equal(tome_map_lookup(map, AT, &reg), TOME_OK);
	assert_true(reg.nodump);
	assert_int_equal(reg.end, AT + 2 * PG);
	assert_int_equal(tome_map_advise(map, AT, PG, TOME_ADV_POPULATE_WRITE),
	    TOME_OK);
	assert_int_equal(tome_map_protect(map, AT, PG, RO), TOME_OK);
	assert_int_equal(tome_map_advise(map, AT, PG, TOME_ADV_POPULATE_WRITE),
	    TOME_EINVAL);
	rig_check(r);
	tome_map_unref(map);
}

static void
test_wiring(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_limits l = { UINT64_MAX, UINT64_MAX, 4 * PG,
		UINT64_MAX };
	struct tome_map_totals tot;
	struct tome_usage u;

	tome_map_set_limits(map, &l);
	rig_enter(map, AT, 8, RW);
	rig_poke(map, AT, 1);
	assert_int_equal(tome_map_wire(map, AT, 5 * PG, false), TOME_ENOMEM);
	assert_int_equal(tome_map_wire(map, AT, 3 * PG, false), TOME_OK);
	/* What is wired already does not count twice. */
	assert_int_equal(tome_map_wire(map, AT, 4 * PG, false), TOME_OK);
	tome_map_usage(map, AT, AT + 8 * PG, &u);
	assert_int_equal(u.resident, 4);
	assert_int_equal(u.locked, 4);
	tome_map_totals(map, &tot);
	assert_int_equal(tot.locked_pages, 4);
	rig_check(r);
	assert_int_equal(tome_map_wire_all(map, false), TOME_ENOMEM);
	assert_int_equal(tome_map_unwire(map, AT + PG, PG), TOME_OK);
	tome_map_usage(map, AT, AT + 8 * PG, &u);
	assert_int_equal(u.locked, 3);
	tome_map_unwire_all(map);
	tome_map_totals(map, &tot);
	assert_int_equal(tot.locked_pages, 0);
	rig_expect(map, "0-8 rw-");
	assert_int_equal(tome_map_wire(map, AT + 7 * PG, 2 * PG, false),
	    TOME_ENOMEM);
	rig_check(r);
	tome_map_unref(map);
}

static void
test_stack_grows(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct tome_map_limits l = { UINT64_MAX, UINT64_MAX, UINT64_MAX,
		16 * PG };
	struct tome_map_request rq = { .addr = AT, .len = 2 * PG, .prot = RW,
		.flags = TOME_MAP_FIXED | TOME_MAP_GROWSDOWN };
	struct tome_region region;
	tome_va_t va;

	tome_map_set_limits(map, &l);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	rig_poke(map, AT, 1);
	rig_poke(map, AT - 3 * PG, 2);
	assert_int_equal(rig_peek(map, AT), 1);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(map, AT - 5 * PG, 3);
	rig_poke(map, AT - 6 * PG, 4);
	assert_int_equal(rig_peek(child, AT - 5 * PG), 0);
	assert_int_equal(rig_peek(map, AT - 20 * PG), -1);
	assert_int_equal(rig_peek(map, AT - 14 * PG), 0);
	rig_check(r);
	/* Populating a hole is no touch. */
	assert_int_equal(tome_map_advise(map, AT - 15 * PG, 2 * PG,
	    TOME_ADV_POPULATE_READ), TOME_ENOMEM);
	assert_int_equal(tome_map_lookup(map, AT - 15 * PG, &region), TOME_OK);
	assert_int_equal(region.start, AT - 14 * PG);
	/* Something below keeps its distance. */
	l.stack = UINT64_MAX;
	tome_map_set_limits(map, &l);
	rig_enter(map, AT - 400 * PG, 1, RW);
	assert_int_equal(rig_peek(map, AT - 300 * PG), -1);
	assert_int_equal(rig_peek(map, AT - 140 * PG), 0);
	rig_check(r);
	tome_map_unref(child);
	tome_map_unref(map);
}

static void
test_placement(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_request rq = { .len = 3 * PG, .prot = RW };
	tome_va_t va, span = tome_leaf_span();

	rq.addr = AT + 5;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(va, AT);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(va, map->hi - 3 * PG);
	rq.addr = 0, rq.below = AT;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(va, AT - 3 * PG);
	rq.below = 0, rq.align = 64 * PG;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(va & (64 * PG - 1), 0);
	rq.align = 0, rq.len = span + PG;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(va & (span - 1), 0);
	rq.len = PG, rq.flags = TOME_MAP_BOTTOMUP;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(va, map->lo);
	rig_check(r);
	tome_map_unref(map);
}

static void
test_beyond_is_for_who_asks(void **state)
{
	struct rig *r = *state;
	const struct tome_map_config config = { .lo = AT, .hi = AT + 64 * PG,
		.unasked = AT + 16 * PG };
	struct tome_map_request rq = { .len = 17 * PG, .prot = RW };
	struct tome_map *map, *child;
	tome_va_t va;

	assert_int_equal(tome_map_create(r->vm, &config, &map), TOME_OK);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_ENOMEM);
	rq.len = 16 * PG;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(va, AT);
	rq.len = PG;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_ENOMEM);
	rq.addr = AT + 16 * PG;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_ENOMEM);
	rq.addr = AT + 20 * PG;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(va, rq.addr);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(va, AT + 63 * PG);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rq.addr = 0;
	assert_int_equal(tome_map_enter(child, &rq, &va), TOME_ENOMEM);
	rig_check(r);
	tome_map_unref(child);
	tome_map_unref(map);
}

/* Wired while nobody could write it: writable, it is the entry's own at once, and
 * what others write to the object is no longer seen. */
static void
test_wired_gains_write(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_request rq = { .addr = AT, .len = 2 * PG, .prot = RO,
		.flags = TOME_MAP_FIXED };
	const uint8_t old = 7, new = 8;
	tome_va_t va;
	size_t done;

	assert_int_equal(tome_object_create_anon(r->vm, 2 * PG, NULL, 0,
	    &rq.object), TOME_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(tome_object_write(rq.object, i * PG, &old, 1,
		    &done), TOME_OK);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	assert_int_equal(tome_map_wire(map, AT, PG, false), TOME_OK);
	/* Nothing follows: what lies before the hole is changed. */
	assert_int_equal(tome_map_protect(map, AT, 3 * PG, RW), TOME_ENOMEM);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(tome_object_write(rq.object, i * PG, &new, 1,
		    &done), TOME_OK);
	assert_int_equal(rig_peek(map, AT), old);
	assert_int_equal(rig_peek(map, AT + PG), new);
	rig_check(r);
	tome_map_unref(map);
	tome_object_unref(rq.object);
}

/* All of a range or an error, and nothing is changed by asking. */
static void
test_may_protect(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_enter(map, AT, 2, RO);
	rig_enter(map, AT + 2 * PG, 2, RW);
	rig_enter(map, AT + 5 * PG, 1, RW);
	assert_int_equal(tome_map_set_max_prot(map, AT, PG, RO), TOME_OK);
	assert_int_equal(tome_map_may_protect(map, AT, 4 * PG, RO), TOME_OK);
	assert_int_equal(tome_map_may_protect(map, AT + PG, 3 * PG, RW),
	    TOME_OK);
	assert_int_equal(tome_map_may_protect(map, AT, 4 * PG, RW),
	    TOME_EACCES);
	assert_int_equal(tome_map_may_protect(map, AT, 5 * PG, RW),
	    TOME_ENOMEM);
	assert_int_equal(tome_map_may_protect(map, AT + 3 * PG, 3 * PG, RO),
	    TOME_ENOMEM);
	assert_int_equal(tome_map_may_protect(map, AT - PG, 2 * PG, RO),
	    TOME_ENOMEM);
	assert_int_equal(tome_map_may_protect(map, AT + 6 * PG, PG, RO),
	    TOME_ENOMEM);
	assert_int_equal(tome_map_may_protect(map, AT, (tome_va_t)0 - PG, RO),
	    TOME_EINVAL);
	assert_int_equal(tome_map_may_protect(map, AT, 0, RO), TOME_EINVAL);
	assert_int_equal(tome_map_may_protect(map, AT + 1, PG, RO),
	    TOME_EINVAL);
	assert_int_equal(tome_map_may_protect(map, AT, PG, TOME_PROT_ALL + 1),
	    TOME_EINVAL);
	rig_expect(map, "0-1 r--, 1-2 r--, 2-4 rw-, 5-6 rw-");
	tome_map_unref(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_regions_and_lookup),
		RIG_TEST(test_names_and_tags),
		RIG_TEST(test_tagged_entries_report),
		RIG_TEST(test_incore_and_usage),
		RIG_TEST(test_keys),
		RIG_TEST(test_advice),
		RIG_TEST(test_wiring),
		RIG_TEST(test_stack_grows),
		RIG_TEST(test_placement),
		RIG_TEST(test_beyond_is_for_who_asks),
		RIG_TEST(test_wired_gains_write),
		RIG_TEST(test_may_protect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
