/*
 * test_leaf.c - single translations: enter, upgrade, replace, clear, read.
 */
#include "rig.h"

#define VA (RIG_USER + 5 * PAGE)

static void
enters_and_translates(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();

	(void)state;
	rig_enter(p, VA, f, RW);
	tome_pmap_switch(p);
	assert_int_equal(rig_access(VA, W), f);
	assert_int_equal(rig_access(VA, X), TOME_PFN_NONE);
	assert_int_equal(rig_access(VA + PAGE, R), TOME_PFN_NONE);
	assert_int_equal(tome_page_mappings(rig.vm, f), 1);
	assert_int_equal(tome_pmap_resident(p), 1);
	assert_sound();

	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	assert_int_equal(rig_access(VA, R), TOME_PFN_NONE);
	tome_pmap_destroy(p);
	assert_int_equal(tome_page_mappings(rig.vm, f), 0);
	tome_frame_free(rig.vm, f);
}

static void
reads_what_was_entered(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();
	struct tome_leaf l = rig_lock(p, VA);
	struct tome_slot_view v = tome_leaf_read(&l, VA);

	(void)state;
	assert_false(v.valid);
	tome_leaf_enter(&l, VA, f, R, TOME_MEM_WB, TOME_PMAP_WIRED);
	v = tome_leaf_read(&l, VA);
	assert_true(v.valid);
	assert_int_equal(v.pfn, f);
	assert_int_equal(v.prot, R);
	assert_true(v.wired);
	assert_int_equal(tome_page_wired(tome_page(rig.vm, f)), 1);
	rig_unlock(&l);
	assert_sound();
	tome_range_unwire(p, VA, VA + PAGE);
	assert_int_equal(tome_page_wired(tome_page(rig.vm, f)), 0);
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

/* More rights for the same frame: seen without a flush, wires and bits kept. */
static void
upgrades_in_place(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();
	struct tome_leaf l;

	(void)state;
	assert_int_equal(tome_pmap_enter(p, VA, f, R, TOME_MEM_WB,
	    TOME_PMAP_WIRED), TOME_OK);
	tome_pmap_switch(p);
	assert_int_equal(rig_access(VA, R), f);
	memset(&test_flushes, 0, sizeof(test_flushes));
	l = rig_lock(p, VA);
	tome_leaf_enter(&l, VA, f, RW, TOME_MEM_WB, TOME_PMAP_MODIFIED);
	assert_true(tome_leaf_read(&l, VA).wired);
	rig_unlock(&l);
	assert_int_equal(test_flushes.page + test_flushes.asid, 0);
	assert_int_equal(rig_access(VA, W), f);
	assert_true(tome_page_modified(rig.vm, f, false));
	assert_int_equal(tome_page_mappings(rig.vm, f), 1);
	assert_int_equal(tome_page_wired(tome_page(rig.vm, f)), 1);
	assert_sound();
	tome_pmap_remove(p, VA, VA + PAGE);
	assert_int_equal(tome_page_wired(tome_page(rig.vm, f)), 0);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

/* Another frame: nobody may see the old one afterwards (F1). */
static void
replaces_through_a_flush(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t a = rig_anon(), b = rig_anon();

	(void)state;
	rig_enter(p, VA, a, R);
	rig_cpu(1);
	tome_pmap_switch(p);
	assert_int_equal(rig_access(VA, R), a);
	rig_cpu(0);
	tome_pmap_switch(p);
	assert_int_equal(rig_access(VA, R), a);
	rig_enter(p, VA, b, RW);
	assert_int_equal(rig.ipis, 1);
	assert_int_equal(rig_access(VA, W), b);
	rig_cpu(1);
	assert_int_equal(rig_access(VA, R), b);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	rig_cpu(0);
	assert_int_equal(tome_page_mappings(rig.vm, a), 0);
	tome_frame_free(rig.vm, a);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, b);
}

static void
clear_gathers_one_page(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();
	struct tome_gather g;
	struct tome_leaf l;

	(void)state;
	rig_enter(p, VA, f, RW);
	tome_pmap_switch(p);
	assert_int_equal(rig_access(VA, W), f);
	tome_gather_begin(&g, p);
	l = rig_lock(p, VA);
	tome_leaf_clear(&l, &g, VA + PAGE);	/* nothing there */
	assert_int_equal(g.npages, 0);
	tome_leaf_clear(&l, &g, VA);
	assert_int_equal(g.npages, 1);
	tome_gather_finish(&g);
	rig_unlock(&l);
	assert_int_equal(rig_access(VA, R), TOME_PFN_NONE);
	assert_true(tome_page_modified(rig.vm, f, true));
	assert_false(tome_page_modified(rig.vm, f, false));
	assert_int_equal(tome_pmap_resident(p), 0);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

/* The zero page and frames without a descriptor have no pv records. */
static void
unmanaged_frames_leave_no_record(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t zero = tome_zero_frame(rig.vm), far = 0xf0000;

	(void)state;
	rig_enter(p, VA, zero, R);
	rig_enter(p, VA + PAGE, zero, R);
	assert_int_equal(tome_pmap_enter(p, VA + 2 * PAGE, far, R,
	    TOME_MEM_UC, 0), TOME_OK);
	tome_pmap_switch(p);
	assert_int_equal(rig_access(VA + PAGE, R), zero);
	assert_int_equal(rig_access(VA + 2 * PAGE, R), far);
	assert_int_equal(tome_pmap_resident(p), 3);
	assert_sound();
	tome_pmap_remove(p, VA, VA + 3 * PAGE);
	assert_int_equal(tome_pmap_resident(p), 0);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
}

static void
refuses_what_is_outside(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();
	tome_va_t min, max;

	(void)state;
	tome_pmap_user_span(rig.vm, &min, &max);
	assert_int_equal(tome_pmap_enter(p, max, f, R, TOME_MEM_WB, 0),
	    TOME_EINVAL);
	assert_int_equal(tome_pmap_enter(p, VA + 1, f, R, TOME_MEM_WB, 0),
	    TOME_EINVAL);
	rig_enter(p, max - PAGE, f, R);
	rig_enter(p, min, f, R);
	assert_int_equal(tome_page_mappings(rig.vm, f), 2);
	assert_sound();
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

static void
extract_says_everything(void **state)
{
	struct tome_pmap *p = rig_pmap();
	struct tome_translation t;
	tome_pfn_t f = rig_anon();

	(void)state;
	assert_false(tome_pmap_extract(p, VA, &t));
	assert_int_equal(tome_pmap_enter(p, VA, f, R | X, TOME_MEM_WC,
	    TOME_PMAP_WIRED | TOME_PMAP_AHEAD), TOME_OK);
	assert_true(tome_pmap_extract(p, VA + 7, &t));
	assert_int_equal(t.pa, tome_pfn_pa(f) + 7);
	assert_int_equal(t.prot, R | X);
	assert_int_equal(t.type, TOME_MEM_WC);
	assert_true(t.wired);
	assert_false(t.accessed);
	assert_false(t.modified);
	assert_int_equal(t.page_shift, TOME_PAGE_SHIFT);
	tome_range_unwire(p, VA, VA + PAGE);
	assert_true(tome_pmap_extract(p, VA, &t));
	assert_false(t.wired);
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

/* Full memory at any allocation: ENOMEM, nothing changed. */
static void
enter_fails_cleanly(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_pfn_t f = rig_anon();
	enum tome_err err;
	long n;

	(void)state;
	for (n = 0;; n++) {
		rig.allowed = n;
		err = tome_pmap_enter(p, VA, f, R, TOME_MEM_WB, 0);
		rig.allowed = -1;
		if (err == TOME_OK)
			break;
		assert_int_equal(err, TOME_ENOMEM);
		assert_int_equal(tome_page_mappings(rig.vm, f), 0);
		assert_int_equal(tome_pmap_resident(p), 0);
		assert_sound();
	}
	assert_true(n >= 2);
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

int
main(void)
{
#define ON(n, f) cmocka_unit_test_setup_teardown(f, rig_setup_##n, rig_teardown)
	const struct CMUnitTest tests[] = {
		ON(1, enters_and_translates),
		ON(1, reads_what_was_entered),
		ON(1, upgrades_in_place),
		ON(3, replaces_through_a_flush),
		ON(1, clear_gathers_one_page),
		ON(1, unmanaged_frames_leave_no_record),
		ON(1, refuses_what_is_outside),
		ON(1, extract_says_everything),
		ON(1, enter_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
