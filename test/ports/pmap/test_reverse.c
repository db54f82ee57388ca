/*
 * test_reverse.c - pv records, and everything that starts from the page.
 */
#include <stdlib.h>

#include <pmap/slot.h>

#include "rig.h"

#define MAPS 30

static struct tome_pmap *map[MAPS];

static tome_va_t
place(unsigned i)
{
	return RIG_USER + (tome_va_t)i * PAGE;
}

/* One page in many maps: chunks of records, in every order of removal. */
static void
records_come_and_go_in_any_order(void **state)
{
	struct tome_page *pg;
	unsigned i, order[MAPS], n, turn;
	tome_pfn_t f = rig_anon();

	(void)state;
	pg = tome_page(rig.vm, f);
	for (i = 0; i < MAPS; i++) {
		map[i] = rig_pmap();
		order[i] = i;
	}
	srand(1);
	for (turn = 0; turn < 4; turn++) {
		for (i = 0; i < MAPS; i++)
			rig_enter(map[i], place(i), f, R);
		assert_int_equal(tome_page_mappings(rig.vm, f), MAPS);
		assert_sound();
		for (n = MAPS; n > 0; n--) {
			unsigned k = turn == 0 ? n - 1 : turn == 1 ? 0 :
			    (unsigned)rand() % n, m = order[k];

			order[k] = order[n - 1];
			order[n - 1] = m;
			tome_pmap_remove(map[m], place(m), place(m) + PAGE);
			assert_int_equal(tome_page_mappings(rig.vm, f), n - 1);
			assert_true(tome_pv_is_sound(rig.vm, pg));
		}
		assert_sound();
	}
	for (i = 0; i < MAPS; i++)
		tome_pmap_destroy(map[i]);
	tome_frame_free(rig.vm, f);
}

/* What a CPU keeps of empty chunks is bounded. */
static void
chunks_beyond_the_stock_go_back(void **state)
{
	enum { MANY = 1500 };
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();
	unsigned i;

	(void)state;
	for (i = 0; i < MANY; i++)
		rig_enter(p, place(i), f, R);
	assert_true(rig.vm->pmaps->chunks.used > 100);
	tome_pmap_remove(p, place(0), place(MANY));
	assert_int_equal(rig.vm->pmaps->chunks.used,
	    tome_pmap_cpu(rig.vm)->nchunks);
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

static void
collect_is_ascending_and_complete(void **state)
{
	struct tome_pmap *p = rig_pmap();
	struct tome_pv_stamp stamp;
	tome_pfn_t f = rig_anon();
	uint64_t rec[7], last = 0;
	unsigned i, n, total = 0;

	(void)state;
	for (i = 0; i < MAPS; i++)
		rig_enter(p, place(i * 37 % MAPS), f, R);
	while ((n = tome_pv_collect(rig.vm, tome_page(rig.vm, f), last, rec, 7,
	    &stamp)) > 0) {
		for (i = 0; i < n; i++) {
			assert_true(rec[i] > last);
			last = rec[i];
		}
		total += n;
	}
	assert_int_equal(total, MAPS);
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

static void
protect_none_drops_all_and_saves_bits(void **state)
{
	tome_pfn_t f = rig_anon();
	unsigned i;

	(void)state;
	for (i = 0; i < MAPS; i++) {
		map[i] = rig_pmap();
		rig_enter(map[i], place(i), f, i == 7 ? RW : R);
	}
	tome_pmap_switch(map[7]);
	assert_int_equal(rig_access(place(7), W), f);
	tome_page_protect(rig.vm, f, TOME_PROT_NONE);
	assert_int_equal(rig_access(place(7), R), TOME_PFN_NONE);
	assert_int_equal(tome_page_mappings(rig.vm, f), 0);
	assert_true(tome_page_modified(rig.vm, f, true));
	assert_false(tome_page_modified(rig.vm, f, false));
	assert_sound();
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	for (i = 0; i < MAPS; i++) {
		assert_int_equal(tome_pmap_resident(map[i]), 0);
		tome_pmap_destroy(map[i]);
	}
	tome_frame_free(rig.vm, f);
}

static void
protect_read_narrows_all(void **state)
{
	struct tome_pmap *p = rig_pmap(), *q = rig_pmap();
	tome_pfn_t f = rig_anon();

	(void)state;
	rig_enter(p, RIG_USER, f, RW);
	rig_enter(q, RIG_USER, f, RW);
	rig_cpu(1);
	tome_pmap_switch(q);
	assert_int_equal(rig_access(RIG_USER, W), f);
	rig_cpu(0);
	tome_pmap_switch(p);
	assert_int_equal(rig_access(RIG_USER, W), f);
	tome_page_protect(rig.vm, f, R | X);
	assert_int_equal(rig_access(RIG_USER, W), TOME_PFN_NONE);
	assert_int_equal(rig_access(RIG_USER, R), f);
	rig_cpu(1);
	assert_int_equal(rig_access(RIG_USER, W), TOME_PFN_NONE);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	rig_cpu(0);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	assert_sound();
	tome_pmap_destroy(p);
	tome_pmap_destroy(q);
	tome_frame_free(rig.vm, f);
}

/* Of several pages in two maps that run elsewhere: a round for each map. */
static void
pages_are_unmapped_together(void **state)
{
	enum { PAGES = 6 };
	struct tome_pmap *p = rig_pmap(), *q = rig_pmap();
	struct tome_stats before, after;
	tome_pfn_t f[PAGES];
	unsigned i;

	(void)state;
	for (i = 0; i < PAGES; i++) {
		f[i] = rig_anon();
		rig_enter(i < PAGES / 2 ? p : q, place(i), f[i], RW);
	}
	rig_cpu(1);
	tome_pmap_switch(p);
	for (i = 0; i < PAGES / 2; i++)
		assert_int_equal(rig_access(place(i), W), f[i]);
	rig_cpu(2);
	tome_pmap_switch(q);
	for (; i < PAGES; i++)
		assert_int_equal(rig_access(place(i), W), f[i]);
	rig_cpu(0);
	tome_vm_stats(rig.vm, &before);
	tome_pages_unmap(rig.vm, f, PAGES);
	tome_vm_stats(rig.vm, &after);
	assert_int_equal(after.rounds - before.rounds, 2);
	for (i = 0; i < PAGES; i++) {
		rig_cpu(i < PAGES / 2 ? 1 : 2);
		assert_int_equal(rig_access(place(i), R), TOME_PFN_NONE);
		rig_cpu(0);
		assert_int_equal(tome_page_mappings(rig.vm, f[i]), 0);
		assert_true(tome_page_modified(rig.vm, f[i], true));
	}
	assert_sound();
	for (i = 1; i < 3; i++) {
		rig_cpu(i);
		tome_pmap_switch(tome_pmap_kernel(rig.vm));
	}
	rig_cpu(0);
	tome_pmap_destroy(p);
	tome_pmap_destroy(q);
	for (i = 0; i < PAGES; i++)
		tome_frame_free(rig.vm, f[i]);
}

/* After a clear the next write is seen again, on every CPU. */
static void
modified_is_seen_again_after_a_clear(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();

	(void)state;
	rig_enter(p, RIG_USER, f, RW);
	rig_cpu(1);
	tome_pmap_switch(p);
	assert_int_equal(rig_access(RIG_USER, W), f);
	rig_cpu(0);
	assert_true(tome_page_modified(rig.vm, f, true));
	assert_false(tome_page_modified(rig.vm, f, false));
	rig_cpu(1);
	/* Where software keeps the bit, the write faults and is entered. */
	if (rig_access(RIG_USER, W) == TOME_PFN_NONE)
		rig_enter(p, RIG_USER, f, RW);
	assert_int_equal(rig_access(RIG_USER, W), f);
	assert_true(tome_page_modified(rig.vm, f, false));
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	rig_cpu(0);
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

static void
accessed_is_seen_and_cleared(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();

	(void)state;
	assert_int_equal(tome_pmap_enter(p, RIG_USER, f, R, TOME_MEM_WB,
	    TOME_PMAP_AHEAD), TOME_OK);
	assert_false(tome_page_accessed(rig.vm, f, false));
	tome_pmap_switch(p);
	if (rig_access(RIG_USER, R) == TOME_PFN_NONE)
		rig_enter(p, RIG_USER, f, R);
	assert_int_equal(rig_access(RIG_USER, R), f);
	assert_true(tome_page_accessed(rig.vm, f, true));
	assert_false(tome_page_accessed(rig.vm, f, false));
	assert_sound();
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

/* A renamed record changes the stamp, alone and in a chunk. */
static void
moving_a_record_changes_the_stamp(void **state)
{
	struct tome_pmap *p = rig_pmap();
	struct tome_pv_stamp before, after;
	tome_pfn_t f = rig_anon();
	struct tome_gather g;
	uint64_t rec;
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		rig_enter(p, place(10 + i), f, R);
		tome_pv_collect(rig.vm, tome_page(rig.vm, f), 0, &rec, 1,
		    &before);
		tome_epoch_enter(rig.vm);
		tome_gather_begin(&g, p);
		tome_range_move(&g, place(10 + i), place(20 + i), PAGE);
		tome_gather_finish(&g);
		tome_epoch_leave(rig.vm);
		tome_pv_collect(rig.vm, tome_page(rig.vm, f), 0, &rec, 1,
		    &after);
		assert_true(before.word != after.word ||
		    before.moves != after.moves);
	}
	assert_sound();
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

/* A chunk that comes and goes in between does not hide it. */
static void
a_move_is_not_forgotten_with_its_chunk(void **state)
{
	struct tome_pmap *p = rig_pmap();
	struct tome_pv_stamp before, after;
	tome_pfn_t f = rig_anon();
	struct tome_gather g;
	uint64_t rec;
	unsigned i;

	(void)state;
	for (i = 0; i < TOME_PV_RECORDS; i++)
		rig_enter(p, place(i), f, R);
	tome_pv_collect(rig.vm, tome_page(rig.vm, f), 0, &rec, 1, &before);
	rig_enter(p, place(i), f, R);
	tome_epoch_enter(rig.vm);
	tome_gather_begin(&g, p);
	tome_range_move(&g, place(2), place(20), PAGE);
	tome_gather_finish(&g);
	tome_epoch_leave(rig.vm);
	tome_pmap_remove(p, place(i), place(i) + PAGE);
	tome_pv_collect(rig.vm, tome_page(rig.vm, f), 0, &rec, 1, &after);
	assert_true(before.word == after.word);
	assert_true(before.moves != after.moves);
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

static struct tome_pmap *walked;
static unsigned to_move;

/* The last translation moves to an address before all others. */
static void
move_behind(unsigned cpu)
{
	struct tome_gather g;

	if (cpu != 1 || to_move == 0)
		return;
	tome_epoch_enter(rig.vm);
	tome_gather_begin(&g, walked);
	tome_range_move(&g, place(to_move), place(0), PAGE);
	to_move = 0;
	tome_gather_finish(&g);
	tome_epoch_leave(rig.vm);
}

/* It moves while a walk is under way, from before it to behind it. */
static void
a_walk_sees_what_moves_behind_it(void **state)
{
	struct tome_slot_view v;
	tome_pfn_t f = rig_anon();
	struct tome_leaf l;
	unsigned i, n;

	(void)state;
	for (n = 3; n < MAPS; n += 10) {
		walked = rig_pmap();
		for (i = 1; i <= n; i++)
			rig_enter(walked, place(i), f, RW);
		rig_cpu(1);
		tome_pmap_switch(walked);
		rig_cpu(0);
		to_move = n;
		rig.before_ipi = move_behind;
		tome_page_protect(rig.vm, f, R);
		rig.before_ipi = NULL;
		assert_int_equal(to_move, 0);
		l = rig_lock(walked, RIG_USER);
		for (i = 0; i < n; i++) {
			v = tome_leaf_read(&l, place(i));
			assert_true(v.valid);
			assert_int_equal(v.prot & W, 0);
		}
		rig_unlock(&l);
		rig_cpu(1);
		tome_pmap_switch(tome_pmap_kernel(rig.vm));
		rig_cpu(0);
		tome_pmap_destroy(walked);
	}
	tome_frame_free(rig.vm, f);
}

int
main(void)
{
#define ON(n, f) cmocka_unit_test_setup_teardown(f, rig_setup_##n, rig_teardown)
	const struct CMUnitTest tests[] = {
		ON(1, records_come_and_go_in_any_order),
		ON(1, chunks_beyond_the_stock_go_back),
		ON(1, collect_is_ascending_and_complete),
		ON(1, protect_none_drops_all_and_saves_bits),
		ON(3, protect_read_narrows_all),
		ON(3, pages_are_unmapped_together),
		ON(3, modified_is_seen_again_after_a_clear),
		ON(1, accessed_is_seen_and_cleared),
		ON(1, moving_a_record_changes_the_stamp),
		ON(1, a_move_is_not_forgotten_with_its_chunk),
		ON(3, a_walk_sees_what_moves_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
