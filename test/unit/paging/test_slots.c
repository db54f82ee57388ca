/*
 * test_slots.c - slots by themselves: runs, numbers that nobody else has, the ledger,
 * and that the recount sees what is wrong.
 */
#include "rig.h"

#define SLOTS 200u

/* Whether a slot of disk d is out, as the test knows it. */
static bool out[2][SLOTS];

static unsigned
disk_of(struct rig *r, uint32_t slot)
{
	return slot >> TOME_SLOT_BITS == r->disk[0].id + 1 ? 0 : 1;
}

/* Up to n slots; how many. Each must have been free. */
static unsigned
take(struct rig *r, unsigned n, uint32_t *first)
{
	unsigned got = n;

	*first = tome_slots_take(r->vm->paging, &got);
	if (*first == 0)
		return 0;
	assert_in_range(got, 1, n);
	for (unsigned i = 0; i < got; i++) {
		uint32_t at = (*first + i) & TOME_SLOT_MASK;
		bool *was = &out[disk_of(r, *first)][at];

		assert_in_range(at, 1, SLOTS - 1);
		assert_false(*was);
		*was = true;
	}
	return got;
}

static void
give(struct rig *r, uint32_t slot, enum tome_slot_end why)
{
	out[disk_of(r, slot)][slot & TOME_SLOT_MASK] = why == TOME_SLOT_RETIRED;
	tome_slot_free(r->vm->paging, slot, why);
}

static void
give_all(struct rig *r)
{
	for (unsigned d = 0; d < 2; d++)
		for (uint32_t i = 1; i < SLOTS; i++)
			if (out[d][i])
				give(r, (r->disk[d].id + 1) << TOME_SLOT_BITS |
				    i, TOME_SLOT_UNWRITTEN);
	memset(out, 0, sizeof out);
}

static void
neighbours_lie_together(void **state)
{
	struct rig *r = *state;
	uint32_t a, b;

	memset(out, 0, sizeof out);
	rig_swapon(r, 0, SLOTS, 0);
	assert_int_equal(take(r, 8, &a), 8);
	assert_int_equal(take(r, 8, &b), 8);
	assert_int_equal(b, a + 8);
	assert_int_equal(take(r, 100, &a), 8);		/* the device's most */
	give_all(r);
	assert_int_equal(rig_swap(r, 0).used, 0);
	assert_int_equal(rig_swap(r, 0).unwritten, 24);
}

/* Every slot can be had, once; then there is none. */
static void
all_can_be_had(void **state)
{
	struct rig *r = *state;
	unsigned n = 0, got;
	uint32_t slot, last = 0;

	memset(out, 0, sizeof out);
	rig_swapon(r, 0, SLOTS, 0);
	rig_swapon(r, 1, SLOTS, 0);
	while ((got = take(r, 5, &slot)) > 0) {
		n += got;
		last = slot;
	}
	assert_int_equal(n, 2 * (SLOTS - 1));
	give(r, last, TOME_SLOT_DROPPED);
	assert_int_equal(take(r, 5, &slot), 1);		/* the one that is free */
	assert_int_equal(slot, last);
	give_all(r);
}

static void
a_retired_slot_is_not_had_again(void **state)
{
	struct rig *r = *state;
	uint32_t slot, bad;

	memset(out, 0, sizeof out);
	rig_swapon(r, 0, SLOTS, 0);
	assert_int_equal(take(r, 1, &bad), 1);
	give(r, bad, TOME_SLOT_RETIRED);
	while (take(r, 8, &slot) > 0)
		;
	assert_int_equal(rig_swap(r, 0).used, SLOTS - 2);
	assert_int_equal(rig_swap(r, 0).retired, 2);	/* the first page too */
	out[0][bad & TOME_SLOT_MASK] = false;
	give_all(r);
}

/* After a run that failed, one by one for a while. */
static void
careful_for_a_while(void **state)
{
	struct rig *r = *state;
	unsigned singles = 0;
	uint32_t slot;

	memset(out, 0, sizeof out);
	rig_swapon(r, 0, SLOTS, 0);
	tome_slots_careful(r->vm->paging,
	    r->vm->paging->area[r->disk[0].id]);
	while (take(r, 2, &slot) == 1)
		singles++;
	assert_int_equal(singles, 2 * TOME_SWAP_MAX);
	give_all(r);
}

/* Any order of taking and giving: never two of one, and the ledger closes. */
static void
any_order(void **state)
{
	struct rig *r = *state;
	uint64_t seed = 88172645463325252u;
	uint64_t taken = 0, ended = 0;
	struct tome_swap_stats s;
	uint32_t slot;

	memset(out, 0, sizeof out);
	rig_swapon(r, 0, SLOTS, 0);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t at;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		at = 1 + (uint32_t)(seed >> 20) % (SLOTS - 1);
		if (seed >> 62 == 0) {
			taken += take(r, 1 + (unsigned)(seed >> 8) % 8, &slot);
		} else if (out[0][at]) {
			give(r, (r->disk[0].id + 1) << TOME_SLOT_BITS | at,
			    seed & 1 ? TOME_SLOT_SUPERSEDED : TOME_SLOT_HOME);
			ended++;
		}
	}
	s = rig_swap(r, 0);
	assert_int_equal(s.allocated, taken + 1);	/* the first page */
	assert_int_equal(s.superseded + s.home, ended);
	assert_int_equal(s.used, taken - ended);
	assert_true(s.superseded > 0 && s.home > 0 && taken > SLOTS);
	give_all(r);
}

/* A slot without an owner, one with two: both are seen. */
static void
the_recount_sees_owners(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_entry *en;
	struct tome_dirent d;
	struct tome_anon *first, *second;
	uint32_t slot, was;

	memset(out, 0, sizeof out);
	rig_swapon(r, 0, SLOTS, 0);
	rig_enter(map, 0, 2, 0);
	rig_poke(map, 0, 1);
	rig_poke(map, 1, 2);
	rig_page_out(r, map, 0, 2);
	rig_check(r);
	assert_int_equal(take(r, 1, &slot), 1);
	assert_non_null(tome_vm_check(r->vm));
	give_all(r);
	rig_check(r);
	en = tome_tree_find(&map->tree, AT);
	tome_epoch_enter(r->vm);
	d = tome_amap_lookup(en->amap, en->slot);
	tome_epoch_leave(r->vm);
	first = d.chunk->anon[en->slot & TOME_CHUNK_MASK];
	second = d.chunk->anon[(en->slot + 1) & TOME_CHUNK_MASK];
	was = second->slot;
	second->slot = first->slot;
	assert_non_null(tome_vm_check(r->vm));
	second->slot = was;
	tome_map_unref(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(neighbours_lie_together),
		RIG_TEST(all_can_be_had),
		RIG_TEST(a_retired_slot_is_not_had_again),
		RIG_TEST(careful_for_a_while),
		RIG_TEST(any_order),
		RIG_TEST(the_recount_sees_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
