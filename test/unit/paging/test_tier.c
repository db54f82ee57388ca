/*
 * test_tier.c - pages kept compressed under slot numbers: contents, limits, ages,
 * refusals, several CPUs.
 */
#include <paging/tier.h>

#include "rig.h"

#define PAGES 900u

struct kept {
	struct rig *rig;
	struct tome_tier *tier;
	tome_pfn_t page;		/* what is stored and loaded */
	uint64_t free;
};

static int
setup(void **state)
{
	struct kept *k = calloc(1, sizeof *k);
	void *rig;

	rig_setup(&rig);
	k->rig = rig;
	assert_int_equal(tome_frame_alloc(k->rig->vm, TOME_PAGE_KERNEL, 0,
	    &k->page), TOME_OK);
	assert_int_equal(tome_tier_start(k->rig->vm, 500, &k->tier), TOME_OK);
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct kept *k = *state;
	void *rig = k->rig;

	if (k->tier != NULL) {
		assert_null(tome_tier_check(k->tier));
		tome_tier_stop(k->tier);
	}
	tome_frame_free(k->rig->vm, k->page);
	free(k);
	return rig_teardown(&rig);
}

static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
	return x ^ x >> 29;
}

/*
 * The page that belongs to a slot: of one word, of one pair of words, packed to more
 * or less, or (kind 4) incompressible.
 */
static uint64_t
word_of(uint32_t slot, unsigned kind, unsigned i)
{
	switch (kind) {
	case 0:
		return (uint64_t)slot << 32 | slot;
	case 1:
		return mix(slot);
	case 2:
		return i % 8 == 0 ? mix(slot + i) : slot;
	case 3:
		return i % 2 ? 0x7f0000000000u + (mix(slot * 7 + i) & 0xfff8) :
		    mix(i % 16 + slot);
	default:
		return mix(slot * 512ul + i);
	}
}

static void
fill(struct kept *k, tome_pfn_t pfn, uint32_t slot, unsigned kind)
{
	uint64_t *w = tome_frame_window(k->rig->vm, pfn);

	for (unsigned i = 0; i < PG / 8; i++)
		w[i] = word_of(slot, kind, i);
	tome_frame_window_end(k->rig->vm, pfn, w);
}

static bool
store(struct kept *k, uint32_t slot, unsigned kind)
{
	fill(k, k->page, slot, kind);
	return tome_tier_store(k->tier, slot, k->page);
}

static bool
is_page(struct kept *k, tome_pfn_t pfn, uint32_t slot, unsigned kind)
{
	uint64_t *w = tome_frame_window(k->rig->vm, pfn);
	bool same = true;

	for (unsigned i = 0; i < PG / 8; i++)
		same &= w[i] == word_of(slot, kind, i);
	tome_frame_window_end(k->rig->vm, pfn, w);
	return same;
}

static void
expect(struct kept *k, uint32_t slot, unsigned kind)
{
	fill(k, k->page, ~slot, 4);
	assert_true(tome_tier_has(k->tier, slot));
	assert_int_equal(tome_tier_load(k->tier, slot, k->page), TOME_OK);
	assert_true(is_page(k, k->page, slot, kind));
}

static void
expect_none(struct kept *k, uint32_t slot)
{
	assert_false(tome_tier_has(k->tier, slot));
	assert_int_equal(tome_tier_load(k->tier, slot, k->page), TOME_ENOENT);
}

static struct tome_compress_stats
stats(struct kept *k)
{
	struct tome_compress_stats s;

	tome_tier_stats(k->tier, &s);
	assert_null(tome_tier_check(k->tier));
	return s;
}

static void
pages_come_back(void **state)
{
	struct kept *k = *state;
	struct tome_compress_stats s;

	for (uint32_t i = 0; i < PAGES; i++)
		assert_true(store(k, i * 3 + (i % 7 << 26), i % 4));
	for (uint32_t i = 0; i < PAGES; i++) {
		expect(k, i * 3 + (i % 7 << 26), i % 4);
		expect_none(k, i * 3 + 1);
	}
	s = stats(k);
	assert_int_equal(s.pages, PAGES);
	assert_int_equal(s.same_value, PAGES / 4);
	assert_int_equal(s.stored, PAGES);
	assert_int_equal(s.loaded, PAGES);
	assert_true(s.frames < PAGES / 3);
	assert_true(s.bytes > s.frames * PG * 7 / 8);
	for (uint32_t i = 0; i < PAGES; i++)
		tome_tier_drop(k->tier, i * 3 + (i % 7 << 26));
	s = stats(k);
	assert_int_equal(s.pages + s.same_value + s.frames + s.bytes, 0);
}

/* The last store counts; one that is refused leaves nothing. */
static void
a_slot_holds_one_page(void **state)
{
	struct kept *k = *state;

	for (unsigned round = 0; round < 40; round++) {
		unsigned kind = round * 3 % 4;

		assert_true(store(k, 77, kind));
		assert_int_equal(stats(k).pages, 1);
		expect(k, 77, kind);
	}
	assert_false(store(k, 77, 4));
	expect_none(k, 77);
	assert_int_equal(stats(k).refused, 1);
	assert_int_equal(stats(k).pages, 0);
	assert_false(store(k, 78, 4));		/* nor if there was none */
	tome_tier_drop(k->tier, 78);
}

/* What pages of one word take is their place in the index. */
static void
a_word_takes_no_room(void **state)
{
	struct kept *k = *state;
	struct tome_compress_stats s;
	uint32_t slots[32];

	tome_tier_limit(k->tier, 0);
	for (uint32_t i = 0; i < 3200; i++)
		assert_true(store(k, i, 0));
	assert_false(store(k, 9999, 2));
	s = stats(k);
	assert_int_equal(s.pages, 3200);
	assert_int_equal(s.frames, 0);
	assert_int_equal(s.full, 1);
	assert_true(s.index_bytes < 3200 * 7);
	assert_int_equal(tome_tier_oldest(k->tier, slots, 32), 0);
	expect(k, 1234, 0);
}

static void
the_limit_holds(void **state)
{
	struct kept *k = *state;
	uint32_t n = 0;

	tome_tier_limit(k->tier, 20);
	while (store(k, n, 3))
		n++;
	expect_none(k, n);
	assert_in_range(stats(k).frames, 18, 20);
	assert_int_equal(tome_tier_excess(k->tier), stats(k).frames - 18);
	tome_tier_limit(k->tier, 4);
	assert_in_range(tome_tier_excess(k->tier), 13, 16);
	for (uint32_t i = 0; i < n; i++)
		expect(k, i, 3);
	while (tome_tier_excess(k->tier) > 0) {
		uint32_t slots[TOME_SWAP_MAX];
		unsigned found = tome_tier_oldest(k->tier, slots, 8);

		assert_in_range(found, 1, 8);
		while (found-- > 0)
			tome_tier_written(k->tier, slots[found]);
	}
	assert_true(stats(k).frames <= 4);
	assert_true(stats(k).written_behind > 0);
	assert_int_equal(stats(k).written_behind + stats(k).pages, n);
}

/* By clusters, as each was last stored to; what was told is told last again. */
static void
the_oldest_leave_first(void **state)
{
	struct kept *k = *state;
	uint32_t slots[64];

	for (uint32_t i = 0; i < 640; i++)
		assert_true(store(k, 10000 + i * 32, 2));
	assert_true(store(k, 10000, 2));
	for (uint32_t i = 1; i < 640; i++) {
		assert_int_equal(tome_tier_oldest(k->tier, slots, 64), 1);
		assert_int_equal(slots[0], 10000 + i * 32);
		if (i % 2)
			tome_tier_written(k->tier, slots[0]);
	}
	assert_int_equal(tome_tier_oldest(k->tier, slots, 64), 1);
	assert_int_equal(slots[0], 10000);
	for (uint32_t i = 2; i < 640; i += 2) {
		assert_int_equal(tome_tier_oldest(k->tier, slots, 64), 1);
		assert_int_equal(slots[0], 10000 + i * 32);
	}
	assert_int_equal(stats(k).written_behind, 320);
}

static void
neighbours_are_told_in_runs(void **state)
{
	struct kept *k = *state;
	uint32_t slots[64];

	for (uint32_t i = 0; i < 64; i++)
		assert_true(store(k, 640 + i, i % 5 == 4 ? 0 : 2));
	for (unsigned run = 0; run < 2; run++) {
		uint32_t slot = 640 + run * 32;
		unsigned n = tome_tier_oldest(k->tier, slots, 64);

		for (unsigned i = 0; i < n; i++, slot++) {
			slot += (slot - 640) % 5 == 4;	/* takes no room */
			assert_int_equal(slots[i], slot);
		}
		assert_in_range(n, 25, 26);
	}
}

/* Many clusters far apart: the table grows, and shrinks with what it holds. */
static void
the_index_grows_and_shrinks(void **state)
{
	struct kept *k = *state;
	uint64_t most;

	for (uint32_t i = 0; i < 4000; i++)
		assert_true(store(k, i * 32 * 1021, 0));
	most = stats(k).index_bytes;
	for (uint32_t i = 0; i < 4000; i++)
		assert_true(tome_tier_has(k->tier, i * 32 * 1021));
	for (uint32_t i = 0; i < 4000; i++)
		tome_tier_drop(k->tier, i * 32 * 1021);
	for (uint32_t i = 0; i < 400; i++) {
		assert_true(store(k, i, 0));
		tome_tier_drop(k->tier, i);
	}
	assert_int_equal(stats(k).pages, 0);
	assert_true(stats(k).index_bytes < most / 50);
}

/* Each allocation of a start and of stores refused in turn: all or nothing. */
static void
allocations_fail(void **state)
{
	struct kept *k = *state;
	struct hosted_machine *m = k->rig->machine;
	struct tome_tier *other;
	enum tome_err err = TOME_ENOMEM;

	for (unsigned n = 1; err != TOME_OK; n++) {
		assert_true(n < 100);
		hosted_fail_alloc(m, NULL, n, false);
		err = tome_tier_start(k->rig->vm, 50, &other);
		assert_true(err == TOME_OK || err == TOME_ENOMEM);
	}
	hosted_fail_alloc(m, NULL, 0, false);
	tome_tier_stop(other);
	for (uint32_t i = 0; i < 600; i++) {
		unsigned kind = i % 4;

		hosted_fail_alloc(m, NULL, 1 + i % 3, true);
		if (store(k, i * 5, kind))
			expect(k, i * 5, kind);
		else
			expect_none(k, i * 5);
		assert_null(tome_tier_check(k->tier));
	}
	hosted_fail_alloc(m, NULL, 0, false);
	for (uint32_t i = 0; i < 600; i++)
		assert_true(store(k, i * 5, i % 4));
	for (uint32_t i = 0; i < 600; i++)
		expect(k, i * 5, i % 4);
}

/* ---- many CPUs ---- */

struct worker {
	struct kept *k;
	unsigned number;
	tome_pfn_t page;
	unsigned wrong;
};

/* Slots of its own, beside everybody's: other CPUs change their neighbours. */
static void
work(void *arg)
{
	struct worker *w = arg;
	struct kept *k = w->k;

	for (uint32_t round = 0; round < 3000; round++) {
		uint32_t slot = round * 37 % 400 * RIG_CPUS + w->number;
		unsigned kind = slot / RIG_CPUS % 4;

		hosted_poll();
		if (tome_tier_load(k->tier, slot, w->page) == TOME_OK) {
			w->wrong += !is_page(k, w->page, slot, kind);
			if (round % 3 == 0)
				tome_tier_drop(k->tier, slot);
		} else {
			fill(k, w->page, slot, kind);
			w->wrong += !tome_tier_store(k->tier, slot, w->page) &&
			    tome_tier_has(k->tier, slot);
		}
	}
}

static void
many_cpus_at_once(void **state)
{
	struct kept *k = *state;
	struct worker w[RIG_CPUS];

	tome_tier_limit(k->tier, 300);
	for (unsigned i = 0; i < RIG_CPUS; i++) {
		w[i] = (struct worker){ .k = k, .number = i };
		assert_int_equal(tome_frame_alloc(k->rig->vm, TOME_PAGE_KERNEL,
		    0, &w[i].page), TOME_OK);
	}
	for (unsigned i = 1; i < RIG_CPUS; i++)
		hosted_start(k->rig->machine, i, work, &w[i]);
	work(&w[0]);
	hosted_join(k->rig->machine);
	for (unsigned i = 0; i < RIG_CPUS; i++) {
		assert_int_equal(w[i].wrong, 0);
		tome_frame_free(k->rig->vm, w[i].page);
	}
	assert_true(stats(k).loaded > 1000);
}

/* Stopped with pages in it, all frames come back (teardown's count). */
static void
stopping_forgets_all(void **state)
{
	struct kept *k = *state;
	uint64_t before;

	tome_tier_stop(k->tier);
	before = tome_frames_free_count(k->rig->vm);
	assert_int_equal(tome_tier_start(k->rig->vm, 100, &k->tier), TOME_OK);
	for (uint32_t i = 0; i < 300; i++)
		(void)store(k, i * 11, i % 4);
	assert_true(stats(k).pages > 200);
	tome_tier_stop(k->tier);
	k->tier = NULL;
	assert_true(tome_frames_free_count(k->rig->vm) + 4 >= before);
}

#define TIER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TIER_TEST(pages_come_back),
		TIER_TEST(a_slot_holds_one_page),
		TIER_TEST(a_word_takes_no_room),
		TIER_TEST(the_limit_holds),
		TIER_TEST(the_oldest_leave_first),
		TIER_TEST(neighbours_are_told_in_runs),
		TIER_TEST(the_index_grows_and_shrinks),
		TIER_TEST(allocations_fail),
		TIER_TEST(many_cpus_at_once),
		TIER_TEST(stopping_forgets_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
