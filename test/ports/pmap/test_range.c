/*
 * test_range.c - removing, narrowing and unwiring over ranges; collection of
 * empty tables; what is gathered and what is not.
 */
#include <pmap/slot.h>

#include "rig.h"

#define N 40
#define SPAN tome_leaf_span()

static tome_pfn_t frame[N];

/* N pages, from `va` on, `step` apart. */
static void
fill(struct tome_pmap *p, tome_va_t va, tome_va_t step)
{
	unsigned i;

	for (i = 0; i < N; i++) {
		frame[i] = rig_anon();
		rig_enter(p, va + i * step, frame[i], RW);
	}
}

static void
free_frames(void)
{
	unsigned i;

	for (i = 0; i < N; i++)
		tome_frame_free(rig.vm, frame[i]);
}

/* A range that cuts two leaves: exactly it goes. */
static void
remove_takes_exactly_the_range(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_va_t va = RIG_USER + SPAN - N / 2 * PAGE;
	unsigned i;

	(void)state;
	fill(p, va, PAGE);
	tome_pmap_switch(p);
	for (i = 0; i < N; i++)
		assert_int_equal(rig_access(va + i * PAGE, W), frame[i]);
	tome_pmap_remove(p, va + 3 * PAGE, va + (N - 5) * PAGE);
	for (i = 0; i < N; i++)
		assert_int_equal(rig_access(va + i * PAGE, R),
		    i < 3 || i >= N - 5 ? frame[i] : TOME_PFN_NONE);
	assert_int_equal(tome_pmap_resident(p), 8);
	assert_true(tome_page_modified(rig.vm, frame[10], false));
	assert_sound();
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	free_frames();
}

static void
empty_tables_are_collected(void **state)
{
	struct tome_pmap *p = rig_pmap();
	uint64_t before = tome_pmap_tables(p);

	(void)state;
	assert_int_equal(before, 1);
	fill(p, RIG_USER, SPAN);
	assert_true(tome_pmap_tables(p) > N);
	tome_pmap_remove(p, RIG_USER, RIG_USER + N / 2 * SPAN);
	assert_true(tome_pmap_tables(p) < N);
	assert_sound();
	tome_pmap_remove(p, RIG_USER + N / 2 * SPAN, RIG_USER + N * SPAN);
	assert_int_equal(tome_pmap_tables(p), 1);
	tome_pmap_destroy(p);
	free_frames();
}

/* Removing one entry of an entry's table leaves its neighbour's alone. */
static void
neighbours_keep_their_table(void **state)
{
	struct tome_pmap *p = rig_pmap();

	(void)state;
	fill(p, RIG_USER, PAGE);
	tome_pmap_remove(p, RIG_USER + PAGE, RIG_USER + SPAN);
	assert_int_equal(tome_pmap_resident(p), 1);
	tome_pmap_switch(p);
	assert_int_equal(rig_access(RIG_USER, R), frame[0]);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	free_frames();
}

static void
protect_takes_rights_away(void **state)
{
	struct tome_pmap *p = rig_pmap();
	struct tome_leaf l;
	unsigned i;

	(void)state;
	fill(p, RIG_USER, PAGE);
	tome_pmap_switch(p);
	for (i = 0; i < N; i++)
		assert_int_equal(rig_access(RIG_USER + i * PAGE, W), frame[i]);
	tome_pmap_protect(p, RIG_USER + PAGE, RIG_USER + 3 * PAGE, R);
	assert_int_equal(rig_access(RIG_USER, W), frame[0]);
	assert_int_equal(rig_access(RIG_USER + PAGE, W), TOME_PFN_NONE);
	assert_int_equal(rig_access(RIG_USER + PAGE, R), frame[1]);
	assert_int_equal(rig_access(RIG_USER + 3 * PAGE, W), frame[3]);
	/* It never gives any. */
	tome_pmap_protect(p, RIG_USER, RIG_USER + 3 * PAGE, RW);
	assert_int_equal(rig_access(RIG_USER + PAGE, W), TOME_PFN_NONE);
	/* Nor is it remembered as granted: the next touch does not bring it back. */
	l = rig_lock(p, RIG_USER + PAGE);
	assert_int_equal(tome_slot_granted(&l, tome_leaf_index(RIG_USER + PAGE),
	    l.ptes[tome_leaf_index(RIG_USER + PAGE)]) & W, 0);
	rig_unlock(&l);
	/* What was noted is still known. */
	assert_true(tome_page_modified(rig.vm, frame[1], false));
	assert_sound();
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	free_frames();
}

/* No right at all: no access, but page, record and wire stay. */
static void
no_rights_is_still_a_translation(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();

	(void)state;
	assert_int_equal(tome_pmap_enter(p, RIG_USER, f, RW, TOME_MEM_WB,
	    TOME_PMAP_WIRED), TOME_OK);
	tome_pmap_switch(p);
	tome_pmap_protect(p, RIG_USER, RIG_USER + PAGE, TOME_PROT_NONE);
	assert_int_equal(rig_access(RIG_USER, R), TOME_PFN_NONE);
	assert_int_equal(tome_page_mappings(rig.vm, f), 1);
	assert_int_equal(tome_page_wired(tome_page(rig.vm, f)), 1);
	assert_sound();
	rig_enter(p, RIG_USER, f, RW);
	assert_int_equal(rig_access(RIG_USER, W), f);
	assert_int_equal(tome_page_wired(tome_page(rig.vm, f)), 1);
	tome_pmap_remove(p, RIG_USER, RIG_USER + PAGE);
	assert_int_equal(tome_page_wired(tome_page(rig.vm, f)), 0);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

static void
unwire_only_unwires(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();

	(void)state;
	assert_int_equal(tome_pmap_enter(p, RIG_USER, f, RW, TOME_MEM_WB,
	    TOME_PMAP_WIRED), TOME_OK);
	rig_enter(p, RIG_USER + PAGE, f, R);
	tome_range_unwire(p, RIG_USER, RIG_USER + 2 * PAGE);
	assert_int_equal(tome_page_wired(tome_page(rig.vm, f)), 0);
	assert_int_equal(tome_page_mappings(rig.vm, f), 2);
	tome_pmap_switch(p);
	assert_int_equal(rig_access(RIG_USER, R), f);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

/* Nothing there, or nothing taken: no flush, no round, no interrupt. */
static void
nothing_gathered_means_no_round(void **state)
{
	struct tome_pmap *p = rig_pmap();
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++) {
		rig_cpu(i);
		tome_pmap_switch(p);
	}
	fill(p, RIG_USER, PAGE);
	memset(&test_flushes, 0, sizeof(test_flushes));
	tome_pmap_remove(p, RIG_USER + N * PAGE, RIG_USER + 64 * SPAN);
	tome_pmap_protect(p, RIG_USER, RIG_USER + N * PAGE, RW);
	assert_int_equal(rig.ipis, 0);
	assert_int_equal(test_flushes.page + test_flushes.asid, 0);
	for (i = 0; i < 3; i++) {
		rig_cpu(i);
		tome_pmap_switch(tome_pmap_kernel(rig.vm));
	}
	tome_pmap_destroy(p);
	free_frames();
}

/* A wide removal costs one ASID flush, not one per page. */
static void
many_pages_flush_the_asid(void **state)
{
	struct tome_pmap *p = rig_pmap();

	(void)state;
	fill(p, RIG_USER, PAGE);
	tome_pmap_switch(p);
	memset(&test_flushes, 0, sizeof(test_flushes));
	tome_pmap_remove(p, RIG_USER, RIG_USER + 2 * PAGE);
	assert_int_equal(test_flushes.page, 2);
	assert_int_equal(test_flushes.asid, 0);
	tome_pmap_remove(p, RIG_USER, RIG_USER + N * PAGE);
	assert_int_equal(test_flushes.page, 2);
	assert_int_equal(test_flushes.asid, 1);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	free_frames();
}

int
main(void)
{
#define ON(n, f) cmocka_unit_test_setup_teardown(f, rig_setup_##n, rig_teardown)
	const struct CMUnitTest tests[] = {
		ON(1, remove_takes_exactly_the_range),
		ON(1, empty_tables_are_collected),
		ON(1, neighbours_keep_their_table),
		ON(1, protect_takes_rights_away),
		ON(1, no_rights_is_still_a_translation),
		ON(1, unwire_only_unwires),
		ON(3, nothing_gathered_means_no_round),
		ON(1, many_pages_flush_the_asid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
