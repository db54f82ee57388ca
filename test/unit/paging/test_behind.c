/*
 * test_behind.c - packed pages are written to their slots: what is oldest, when it is
 * too much, and whatever else becomes of page and slot meanwhile.
 */
#include "rig.h"

#define PAGES 62u			/* two clusters: slot 0 is a header */
#define LIMIT 200u
#define WORDS (PG / sizeof(uint64_t))

static uint64_t
word_of(unsigned seed, unsigned i)
{
	return i % 8 ? i : (seed + 1) * 0x9e3779b97f4a7c15u + i;
}

static void
write_pages(struct tome_map *map, unsigned first, unsigned n, unsigned seed)
{
	uint64_t w[WORDS];
	size_t done;

	for (unsigned k = first; k < first + n; k++) {
		for (unsigned i = 0; i < WORDS; i++)
			w[i] = word_of(seed + k, i);
		assert_int_equal(tome_map_write(map, AT + k * PG, w, PG, false,
		    &done), TOME_OK);
	}
}

/* How many of them are not what was written. */
static unsigned
wrong_pages(struct tome_map *map, unsigned first, unsigned n, unsigned seed)
{
	uint64_t w[WORDS];
	unsigned wrong = 0;
	size_t done;

	for (unsigned k = first; k < first + n; k++) {
		bool same = rig_peek(map, k) >= 0 && tome_map_read(map,
		    AT + k * PG, w, PG, false, &done) == TOME_OK;

		for (unsigned i = 0; same && i < WORDS; i++)
			same = w[i] == word_of(seed + k, i);
		wrong += !same;
	}
	return wrong;
}

/* All pages are out, and packed. */
static struct tome_map *
start(struct rig *r)
{
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 512, 0);
	assert_int_equal(tome_swap_compress(r->vm, LIMIT), TOME_OK);
	rig_enter(map, 0, PAGES, 0);
	write_pages(map, 0, PAGES, 0);
	rig_page_out(r, map, 0, PAGES);
	assert_int_equal(rig_anon_frames(r), 0);
	assert_int_equal(r->disk[0].writes, 0);
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
behind(struct rig *r, bool scarce)
{
	tome_behind(r->vm->paging, scarce);
}

static void
end(struct rig *r, struct tome_map *map)
{
	tome_map_unref(map);
	assert_int_equal(stats(r).pages, 0);
	assert_int_equal(rig_swap(r, 0).used, 0);
	assert_int_equal(tome_behind_orphans(r->vm->paging), 0);
}

static void
what_is_scarce_is_written_in_runs(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r);

	behind(r, false);
	assert_int_equal(r->disk[0].writes, 0);
	behind(r, true);
	assert_int_equal(stats(r).written_behind, PAGES / 2);
	assert_int_equal(stats(r).pages, PAGES / 2);
	assert_int_equal(r->disk[0].writes, 4);
	behind(r, true);
	assert_int_equal(stats(r).pages, 0);
	assert_int_equal(stats(r).frames, 0);
	assert_int_equal(rig_swap(r, 0).written, PAGES);
	assert_int_equal(stats(r).loaded, 0);
	behind(r, true);		/* there is nothing more */
	assert_int_equal(wrong_pages(map, 0, PAGES, 0), 0);
	assert_int_equal(rig_swap(r, 0).read, PAGES);
	end(r, map);
}

/* The oldest leave until there is room for more. */
static void
what_is_too_much_is_written(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r);
	uint64_t frames = stats(r).frames;

	assert_true(frames > 8);
	assert_int_equal(tome_swap_compress(r->vm, frames), TOME_OK);
	behind(r, false);
	assert_int_equal(stats(r).written_behind, PAGES / 2);
	behind(r, false);
	assert_int_equal(stats(r).written_behind, PAGES / 2);
	assert_int_equal(tome_swap_compress(r->vm, 0), TOME_OK);
	behind(r, false);
	assert_int_equal(stats(r).pages, 0);
	assert_int_equal(wrong_pages(map, 0, PAGES, 0), 0);
	end(r, map);
}

/*
 * The device is silent: whoever wants a page has it from its copy, and where it goes
 * next is another slot than the one that is still written to.
 */
static void
pages_come_back_meanwhile(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r);

	r->disk[0].queued = true;
	behind(r, true);
	behind(r, true);		/* one at a time */
	assert_int_equal(r->disk[0].nqueue, 4);
	assert_int_equal(stats(r).pages, PAGES);
	assert_int_equal(wrong_pages(map, 0, PAGES, 0), 0);
	assert_int_equal(r->disk[0].reads, 0);
	assert_int_equal(stats(r).pages, 0);
	assert_int_equal(rig_swap(r, 0).used, PAGES / 2);
	write_pages(map, 0, PAGES, 100);
	rig_page_out(r, map, 0, PAGES);
	assert_int_equal(stats(r).pages, PAGES);
	assert_int_equal(rig_swap(r, 0).used, PAGES + PAGES / 2);
	assert_int_equal(disk_run(&r->disk[0], true), 4);
	assert_int_equal(stats(r).pages, PAGES);
	assert_int_equal(stats(r).written_behind, 0);
	assert_int_equal(rig_swap(r, 0).used, PAGES);
	assert_int_equal(wrong_pages(map, 0, PAGES, 100), 0);
	end(r, map);
}

/* Some are gone when their write is over, some are not. */
static void
slots_are_freed_meanwhile(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r);

	r->disk[0].queued = true;
	behind(r, true);
	assert_int_equal(tome_map_remove(map, AT, PAGES / 4 * PG), TOME_OK);
	assert_int_equal(stats(r).pages, PAGES - PAGES / 4);
	assert_int_equal(tome_behind_orphans(r->vm->paging), PAGES / 4);
	assert_int_equal(rig_swap(r, 0).dropped, 0);
	(void)disk_run(&r->disk[0], false);
	assert_int_equal(stats(r).pages, PAGES / 2);
	assert_int_equal(rig_swap(r, 0).dropped, PAGES / 4);
	assert_int_equal(rig_swap(r, 0).used, PAGES - PAGES / 4);
	r->disk[0].queued = false;
	assert_int_equal(wrong_pages(map, PAGES / 4, PAGES - PAGES / 4, 0), 0);
	end(r, map);
}

/* The run's copies stay; then each page goes alone, but the one that cannot. */
static void
a_failed_write_keeps_the_copy(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r);

	r->disk[0].bad = 3;
	behind(r, true);
	assert_int_equal(stats(r).pages, PAGES / 2 + 8);
	assert_int_equal(rig_swap(r, 0).write_errors, 1);
	for (unsigned i = 0; i < 8; i++) {
		behind(r, true);
		rig_check(r);
	}
	assert_int_equal(stats(r).pages, 1);
	assert_int_equal(rig_swap(r, 0).written, PAGES - 1);
	assert_int_equal(wrong_pages(map, 0, PAGES, 0), 0);
	end(r, map);
}

/* More runs than there are requests: the rest waits for another time. */
static void
requests_run_out(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r);

	tome_slots_careful(r->vm->paging, r->vm->paging->areas);
	r->disk[0].queued = true;
	behind(r, true);
	assert_int_equal(r->disk[0].nqueue, TOME_SWAP_IOS);
	(void)disk_run(&r->disk[0], false);
	assert_int_equal(stats(r).written_behind, TOME_SWAP_IOS);
	(void)disk_run(&r->disk[0], false);
	r->disk[0].queued = false;
	assert_int_equal(wrong_pages(map, 0, PAGES, 0), 0);
	end(r, map);
}

static void
swap_goes_meanwhile(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r);

	behind(r, true);		/* written, and nobody has looked */
	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_OK);
	behind(r, true);
	assert_int_equal(stats(r).pages, 0);
	assert_int_equal(rig_anon_frames(r), PAGES);
	assert_int_equal(wrong_pages(map, 0, PAGES, 0), 0);
	tome_map_unref(map);
}

/* It keeps what it has; the other goes on. */
static void
a_silent_area_holds_up_no_other(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	uint64_t used[2];

	rig_swapon(r, 0, 512, 0);
	assert_int_equal(tome_swap_compress(r->vm, LIMIT), TOME_OK);
	rig_swapon(r, 1, 512, 0);	/* they take turns */
	rig_enter(map, 0, 4 * PAGES, 0);
	write_pages(map, 0, 4 * PAGES, 0);
	rig_page_out(r, map, 0, 4 * PAGES);
	used[0] = rig_swap(r, 0).used;
	used[1] = rig_swap(r, 1).used;
	assert_true(used[0] > 64 && used[1] > 64);
	r->disk[0].queued = true;
	for (unsigned i = 0; i < 16; i++) {
		behind(r, true);
		rig_check(r);
	}
	assert_int_equal(rig_swap(r, 1).written, used[1]);
	assert_int_equal(rig_swap(r, 0).written, 0);
	assert_int_equal(stats(r).pages, used[0]);
	assert_int_equal(wrong_pages(map, 0, 4 * PAGES, 0), 0);
	assert_true(disk_run(&r->disk[0], false) > 0);
	r->disk[0].queued = false;
	rig_check(r);
	rig_page_out(r, map, 0, 4 * PAGES);
	for (unsigned i = 0; i < 16; i++) {
		behind(r, true);
		rig_check(r);
	}
	assert_int_equal(stats(r).pages, 0);
	assert_int_equal(tome_swap_remove(r->vm, r->disk[1].id), TOME_OK);
	assert_int_equal(wrong_pages(map, 0, 4 * PAGES, 0), 0);
	end(r, map);
}

/* An area that gives out nothing is not written to. */
static void
what_closes_is_left_alone(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = start(r);
	struct tome_swap_area *a = r->vm->paging->areas;

	a->closing = true;
	behind(r, true);
	a->closing = false;
	a->silent = true;
	behind(r, true);
	a->silent = false;
	assert_int_equal(r->disk[0].writes, 0);
	assert_int_equal(stats(r).pages, PAGES);
	end(r, map);
}

/* ---- many CPUs ---- */

struct worker {
	struct rig *rig;
	struct tome_map *map;
	unsigned wrong;
	_Atomic unsigned over;
};

/* Reads what others page out, and now and then changes it. */
static void
work(void *arg)
{
	struct worker *w = arg;
	unsigned seed = 0;

	for (unsigned round = 0; round < 60; round++) {
		hosted_poll();
		w->wrong += wrong_pages(w->map, 0, PAGES, seed);
		if (round % 3 == 0)
			write_pages(w->map, 0, PAGES, seed = round);
	}
	w->over = 1;
}

static void
behind_who_reads(void **state)
{
	struct rig *r = *state;
	struct worker w[RIG_CPUS] = { { .rig = NULL } };
	unsigned over = 0;

	rig_swapon(r, 0, 512, 0);
	assert_int_equal(tome_swap_compress(r->vm, LIMIT), TOME_OK);
	for (unsigned i = 1; i < RIG_CPUS; i++) {
		w[i] = (struct worker){ .rig = r, .map = rig_map(r) };
		rig_enter(w[i].map, 0, PAGES, 0);
		write_pages(w[i].map, 0, PAGES, 0);
		hosted_start(r->machine, i, work, &w[i]);
	}
	while (over < RIG_CPUS - 1) {
		over = 0;
		for (unsigned i = 1; i < RIG_CPUS; i++) {
			hosted_poll();
			(void)tome_map_page_out(w[i].map, AT, PAGES * PG);
			behind(r, true);
			tome_io_run(r->vm);
			over += w[i].over;
		}
	}
	hosted_join(r->machine);
	assert_true(stats(r).written_behind > 0);
	for (unsigned i = 1; i < RIG_CPUS; i++) {
		assert_int_equal(w[i].wrong, 0);
		tome_map_unref(w[i].map);
	}
	assert_int_equal(stats(r).pages, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(what_is_scarce_is_written_in_runs),
		RIG_TEST(what_is_too_much_is_written),
		RIG_TEST(pages_come_back_meanwhile),
		RIG_TEST(slots_are_freed_meanwhile),
		RIG_TEST(a_failed_write_keeps_the_copy),
		RIG_TEST(requests_run_out),
		RIG_TEST(swap_goes_meanwhile),
		RIG_TEST(a_silent_area_holds_up_no_other),
		RIG_TEST(what_closes_is_left_alone),
		RIG_TEST(behind_who_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
