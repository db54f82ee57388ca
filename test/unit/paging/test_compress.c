/*
 * test_compress.c - page-out to memory, packed: what does not touch the device, what
 * does; sharing, swap going, damage, and no memory for any of it.
 */
#include "rig.h"

#define PAGES 64u
#define LIMIT 200u

static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
	return (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
}

/* Kinds: 0 packs, 1 is one word, 2 does not pack. */
static uint64_t
word_of(unsigned seed, unsigned kind, unsigned i)
{
	uint64_t first = seed & 0xff;

	switch (kind) {
	case 0:
		return i % 8 ? i : mix(seed + i) << 8 | first;
	case 1:
		return first << 32 | first;
	default:
		return mix(mix(seed * 512ul + i + 1));
	}
}

static void
write_page(struct tome_map *map, unsigned n, unsigned seed, unsigned kind)
{
	uint64_t w[PG / 8];
	size_t done;

	for (unsigned i = 0; i < PG / 8; i++)
		w[i] = word_of(seed, kind, i);
	assert_int_equal(tome_map_write(map, AT + n * PG, w, PG, false, &done),
	    TOME_OK);
}

static bool
has_page(struct tome_map *map, unsigned n, unsigned seed, unsigned kind)
{
	uint64_t w[PG / 8];
	bool same = true;
	size_t done;

	assert_true(rig_peek(map, n) >= 0);
	assert_int_equal(tome_map_read(map, AT + n * PG, w, PG, false, &done),
	    TOME_OK);
	for (unsigned i = 0; i < PG / 8; i++)
		same &= w[i] == word_of(seed, kind, i);
	return same;
}

static struct tome_map *
start(struct rig *r, tome_pfn_t limit)
{
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 256, 0);
	assert_int_equal(tome_swap_compress(r->vm, limit), TOME_OK);
	rig_enter(map, 0, PAGES, 0);
	return map;
}

static struct tome_compress_stats
stats(struct rig *r)
{
	struct tome_compress_stats s;

	rig_check(r);
	tome_compress_stats(r->vm, &s);
	return s;
}

static void
end(struct rig *r, struct tome_map *map)
{
	tome_map_unref(map);
	assert_int_equal(rig_swap(r, 0).used, 0);
	assert_int_equal(stats(r).pages, 0);
	assert_int_equal(stats(r).frames, 0);
}

/* Written and read back twice: the device hears of nothing. */
static void
what_packs_stays_in_memory(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r, LIMIT);

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < PAGES; i++)
			write_page(map, i, i + round, i % 2);
		rig_page_out(r, map, 0, PAGES);
		assert_int_equal(rig_anon_frames(r), 0);
		assert_int_equal(stats(r).pages, PAGES);
		assert_int_equal(stats(r).same_value, PAGES / 2);
		assert_true(stats(r).frames < PAGES / 3);
		assert_int_equal(rig_swap(r, 0).used, PAGES);
		for (unsigned i = 0; i < PAGES; i++)
			assert_true(has_page(map, i, i + round, i % 2));
		assert_int_equal(stats(r).pages, 0);	/* for good */
		assert_int_equal(rig_swap(r, 0).used, 0);
	}
	assert_int_equal(stats(r).stored, 2 * PAGES);
	assert_int_equal(stats(r).loaded, 2 * PAGES);
	assert_int_equal(rig_swap(r, 0).written + rig_swap(r, 0).read, 0);
	assert_int_equal(r->disk[0].writes + r->disk[0].reads, 0);
	end(r, map);
}

/* Runs are cut by what the tier keeps, and neighbours are read only from the device. */
static void
what_does_not_pack_is_written(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r, LIMIT);
	unsigned kept = 0;

	for (unsigned i = 0; i < PAGES; i++)
		write_page(map, i, i, i % 5 == 3 ? 0 : 2);
	for (unsigned i = 0; i < PAGES; i++)
		kept += i % 5 == 3;
	rig_page_out(r, map, 0, PAGES);
	assert_int_equal(rig_anon_frames(r), 0);
	assert_int_equal(stats(r).pages, kept);
	assert_int_equal(stats(r).refused, PAGES - kept);
	assert_int_equal(rig_swap(r, 0).written, PAGES - kept);
	assert_in_range(r->disk[0].writes, kept, 2 * kept + 1);
	for (unsigned i = 0; i < PAGES; i++)
		assert_true(has_page(map, i, i, i % 5 == 3 ? 0 : 2));
	assert_int_equal(rig_swap(r, 0).read, PAGES - kept);
	assert_true(r->disk[0].reads < PAGES - kept);
	end(r, map);
}

static void
above_the_limit_it_is_written(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r, 2);

	for (unsigned i = 0; i < PAGES; i++)
		write_page(map, i, i, 0);
	rig_page_out(r, map, 0, PAGES);
	assert_int_equal(stats(r).frames, 2);
	assert_true(stats(r).pages > 2);
	assert_int_equal(stats(r).full, PAGES - stats(r).pages);
	assert_int_equal(rig_swap(r, 0).written, PAGES - stats(r).pages);
	/* Switched off, it keeps what it has and takes nothing. */
	assert_int_equal(tome_swap_compress(r->vm, 0), TOME_OK);
	for (unsigned i = 0; i < PAGES; i++)
		assert_true(has_page(map, i, i, 0));
	assert_int_equal(stats(r).pages, 0);
	for (unsigned i = 0; i < PAGES; i++)
		write_page(map, i, i, 1);
	rig_page_out(r, map, 0, PAGES);
	assert_int_equal(stats(r).pages, 0);
	end(r, map);
}

/* It never started: nothing is there to be told of. */
static void
without_it_all_is_written(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r, 0);

	for (unsigned i = 0; i < PAGES; i++)
		write_page(map, i, i, 1);
	rig_page_out(r, map, 0, PAGES);
	assert_int_equal(rig_swap(r, 0).written, PAGES);
	assert_int_equal(stats(r).stored + stats(r).refused, 0);
	end(r, map);
}

static void
both_sides_of_a_fork_have_it(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r, LIMIT), *child;

	for (unsigned i = 0; i < PAGES; i++)
		write_page(map, i, i, 0);
	rig_page_out(r, map, 0, PAGES);
	assert_true(tome_pack_all(r->vm->paging) > 0);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	for (unsigned i = 0; i < PAGES; i++)
		if (i % 3 == 0)
			write_page(child, i, i + 100, 0);
	for (unsigned i = 0; i < PAGES; i++) {
		assert_true(has_page(map, i, i, 0));
		assert_true(has_page(child, i, i % 3 ? i : i + 100, 0));
	}
	rig_check(r);
	tome_map_unref(child);
	for (unsigned i = 0; i < PAGES; i++)
		assert_true(has_page(map, i, i, 0));
	end(r, map);
}

static void
what_goes_is_dropped(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r, LIMIT);

	for (unsigned i = 0; i < PAGES; i++)
		write_page(map, i, i, i % 3);
	rig_page_out(r, map, 0, PAGES);
	assert_int_equal(tome_map_remove(map, AT, PAGES / 2 * PG), TOME_OK);
	tome_vm_quiesce(r->vm, true);
	assert_int_equal(rig_swap(r, 0).used, PAGES / 2);
	assert_true(stats(r).pages < PAGES / 2);
	/* Its slots may hold anything now. */
	rig_enter(map, 0, PAGES / 2, 0);
	for (unsigned i = 0; i < PAGES / 2; i++)
		write_page(map, i, i + 7, 2 - i % 3);
	rig_page_out(r, map, 0, PAGES / 2);
	for (unsigned i = 0; i < PAGES / 2; i++)
		assert_true(has_page(map, i, i + 7, 2 - i % 3));
	for (unsigned i = PAGES / 2; i < PAGES; i++)
		assert_true(has_page(map, i, i, i % 3));
	end(r, map);
}

static void
swap_goes_with_pages_in_it(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r, LIMIT);

	for (unsigned i = 0; i < PAGES; i++)
		write_page(map, i, i, i % 3);
	rig_page_out(r, map, 0, PAGES);
	assert_true(stats(r).pages > PAGES / 2);
	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_OK);
	assert_int_equal(stats(r).pages, 0);
	assert_int_equal(stats(r).frames, 0);
	assert_int_equal(rig_anon_frames(r), PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		assert_true(has_page(map, i, i, i % 3));
	tome_map_unref(map);
}

/* Overwrite the piece that a slot's page is, alone in its frame (pool.c). */
static bool
damage(struct rig *r, uint32_t slot)
{
	struct tome_page *page;
	uint32_t *w;
	bool hit = false;

	for (tome_pfn_t pfn = 0; pfn < r->vm->npfn && !hit; pfn++) {
		page = tome_page_try(r->vm, pfn);
		if (page == NULL ||
		    tome_page_identity(page) != TOME_PAGE_KERNEL)
			continue;
		w = tome_frame_window(r->vm, pfn);
		hit = (w[0] & 0xffff) == 1 && w[1] == slot;
		if (hit)
			memset(w + (w[2] & 0xffff), 0xff, 4 * (w[2] >> 16));
		tome_frame_window_end(r->vm, pfn, w);
	}
	return hit;
}

static void
damage_is_an_error_for_who_touches_it(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r, LIMIT);
	uint32_t first = (r->disk[0].id + 1) << TOME_SLOT_BITS | 1;

	for (unsigned i = 0; i < 3; i++)
		write_page(map, i, i, 0);
	rig_page_out(r, map, 1, 1);
	assert_true(damage(r, first));
	assert_int_equal(rig_peek(map, 1), -TOME_EIO);
	assert_int_equal(rig_peek(map, 1), -TOME_EIO);
	assert_int_equal(rig_anon_frames(r), 2);
	assert_true(has_page(map, 0, 0, 0));
	assert_true(has_page(map, 2, 2, 0));
	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_EIO);
	end(r, map);
}

/* Each allocation that fails, in turn, costs the tier a page, and nobody anything. */
static void
no_memory_to_pack_into(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	enum tome_err err;
	unsigned n = 1;

	rig_swapon(r, 0, 256, 0);
	rig_enter(map, 0, PAGES, 0);
	do {
		hosted_fail_alloc(r->machine, NULL, n++, false);
		err = tome_swap_compress(r->vm, LIMIT);
		hosted_fail_alloc(r->machine, NULL, 0, false);
	} while (err == TOME_ENOMEM);
	assert_int_equal(err, TOME_OK);
	assert_true(n > 2);
	for (n = 1; n < 24; n++) {
		for (unsigned i = 0; i < PAGES; i++)
			write_page(map, i, i + n, 0);
		hosted_fail_alloc(r->machine, NULL, n % 8 + 1, n >= 8);
		rig_page_out(r, map, 0, PAGES);
		hosted_fail_alloc(r->machine, NULL, 0, false);
		assert_int_equal(rig_anon_frames(r), 0);
		for (unsigned i = 0; i < PAGES; i++)
			assert_true(has_page(map, i, i + n, 0));
	}
	assert_true(stats(r).full > 0 && stats(r).stored > 0);
	end(r, map);
}

static void
reclaim_packs_too(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r, LIMIT);

	for (unsigned i = 0; i < PAGES; i++)
		write_page(map, i, i, 0);
	for (unsigned i = 0; i < 8; i++)
		(void)tome_reclaim(r->vm, PAGES);
	assert_true(stats(r).stored > 0);
	assert_int_equal(r->disk[0].writes, 0);
	for (unsigned i = 0; i < PAGES; i++)
		assert_true(has_page(map, i, i, 0));
	end(r, map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(what_packs_stays_in_memory),
		RIG_TEST(what_does_not_pack_is_written),
		RIG_TEST(above_the_limit_it_is_written),
		RIG_TEST(without_it_all_is_written),
		RIG_TEST(both_sides_of_a_fork_have_it),
		RIG_TEST(what_goes_is_dropped),
		RIG_TEST(swap_goes_with_pages_in_it),
		RIG_TEST(damage_is_an_error_for_who_touches_it),
		RIG_TEST(no_memory_to_pack_into),
		RIG_TEST(reclaim_packs_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
