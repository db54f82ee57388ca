/*
 * test_move.c - moving translations: relinked leaves, single slots, neither
 * losing a right, a bit, a wire or a record.
 */
#include "rig.h"

#define SPAN tome_leaf_span()
#define N 24

static tome_pfn_t frame[N];

static void
fill(struct tome_pmap *p, tome_va_t va)
{
	unsigned i;

	for (i = 0; i < N; i++) {
		frame[i] = rig_anon();
		assert_int_equal(tome_pmap_enter(p, va + i * PAGE, frame[i],
		    i % 3 ? RW : R, TOME_MEM_WB,
		    i % 5 ? 0 : TOME_PMAP_WIRED), TOME_OK);
	}
}

static void
move(struct tome_pmap *p, tome_va_t from, tome_va_t to, tome_va_t len)
{
	struct tome_gather g;

	assert_int_equal(tome_range_move_reserve(p, from, to, len), TOME_OK);
	tome_epoch_enter(rig.vm);
	tome_gather_begin(&g, p);
	tome_range_move(&g, from, to, len);
	tome_gather_finish(&g);
	tome_epoch_leave(rig.vm);
}

static void
expect(struct tome_pmap *p, tome_va_t gone, tome_va_t va)
{
	struct tome_translation t;
	unsigned i;

	for (i = 0; i < N; i++) {
		assert_int_equal(rig_access(gone + i * PAGE, R),
		    TOME_PFN_NONE);
		assert_int_equal(rig_access(va + i * PAGE, R), frame[i]);
		assert_true(tome_pmap_extract(p, va + i * PAGE, &t));
		assert_int_equal(t.prot, i % 3 ? RW : R);
		assert_int_equal(t.wired, i % 5 == 0);
		assert_int_equal(tome_page_mappings(rig.vm, frame[i]), 1);
	}
	assert_sound();
}

static void
finish(struct tome_pmap *p)
{
	unsigned i;

	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	for (i = 0; i < N; i++) {
		assert_int_equal(tome_page_wired(tome_page(rig.vm, frame[i])),
		    0);
		tome_frame_free(rig.vm, frame[i]);
	}
}

/* All seen through the TLB first, so that a missing flush shows. */
static void
touch(tome_va_t va)
{
	unsigned i;

	for (i = 0; i < N; i++)
		assert_int_equal(rig_access(va + i * PAGE, R), frame[i]);
}

static void
aligned_spans_relink_tables(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_va_t to = RIG_USER + 64 * SPAN;
	struct tome_leaf before, after;

	(void)state;
	fill(p, RIG_USER + SPAN - N / 2 * PAGE);
	tome_pmap_switch(p);
	touch(RIG_USER + SPAN - N / 2 * PAGE);
	before = rig_lock(p, RIG_USER);
	rig_unlock(&before);
	move(p, RIG_USER, to, 2 * SPAN);
	after = rig_lock(p, to);
	rig_unlock(&after);
	assert_int_equal(before.frame, after.frame);
	expect(p, RIG_USER + SPAN - N / 2 * PAGE, to + SPAN - N / 2 * PAGE);
	finish(p);
}

static void
other_spans_move_slots(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_va_t from = RIG_USER + SPAN - 7 * PAGE;
	tome_va_t to = RIG_USER + 9 * SPAN - 15 * PAGE;

	(void)state;
	fill(p, from);
	tome_pmap_switch(p);
	touch(from);
	move(p, from, to, N * PAGE);
	expect(p, from, to);
	/* The old leaves are empty and gone. */
	assert_int_equal(tome_pmap_resident(p), N);
	finish(p);
}

static void
within_one_leaf(void **state)
{
	struct tome_pmap *p = rig_pmap();

	(void)state;
	fill(p, RIG_USER);
	tome_pmap_switch(p);
	touch(RIG_USER);
	move(p, RIG_USER, RIG_USER + 40 * PAGE, N * PAGE);
	expect(p, RIG_USER, RIG_USER + 40 * PAGE);
	finish(p);
}

/* A leaf that a late fault left at the destination makes room. */
static void
a_spare_leaf_is_in_the_way(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_va_t to = RIG_USER + 3 * SPAN;
	struct tome_leaf spare;

	(void)state;
	fill(p, RIG_USER);
	tome_pmap_switch(p);
	touch(RIG_USER);
	spare = rig_lock(p, to);
	rig_unlock(&spare);
	move(p, RIG_USER, to, SPAN);
	expect(p, RIG_USER, to);
	finish(p);
}

/* What was found before the move no longer is what covers that address. */
static void
a_moved_leaf_is_stray_to_who_found_it(void **state)
{
	struct tome_pmap *p = rig_pmap();
	struct tome_leaf l;

	(void)state;
	fill(p, RIG_USER);
	l = rig_lock(p, RIG_USER);
	rig_unlock(&l);
	move(p, RIG_USER, RIG_USER + 5 * SPAN, SPAN);
	tome_leaf_lock(&l);
	assert_true(tome_leaf_stray(&l));
	tome_leaf_unlock(&l);
	finish(p);
}

static void
reserve_fails_cleanly(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_va_t to = RIG_USER + 65 * SPAN + 3 * PAGE;
	enum tome_err err;
	long n;

	(void)state;
	fill(p, RIG_USER);
	for (n = 0;; n++) {
		rig.allowed = n;
		err = tome_range_move_reserve(p, RIG_USER, to, N * PAGE);
		rig.allowed = -1;
		if (err == TOME_OK)
			break;
		assert_int_equal(err, TOME_ENOMEM);
		assert_int_equal(tome_pmap_resident(p), N);
		assert_sound();
	}
	assert_true(n > 0);
	finish(p);
}

int
main(void)
{
#define ON(n, f) cmocka_unit_test_setup_teardown(f, rig_setup_##n, rig_teardown)
	const struct CMUnitTest tests[] = {
		ON(1, aligned_spans_relink_tables),
		ON(1, other_spans_move_slots),
		ON(1, within_one_leaf),
		ON(1, a_spare_leaf_is_in_the_way),
		ON(1, a_moved_leaf_is_stray_to_who_found_it),
		ON(1, reserve_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
