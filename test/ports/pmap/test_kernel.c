/*
 * test_kernel.c - the kernel's own pmap: shared by all roots, large leaves, what
 * the boot code left.
 */
#include "rig.h"

#define VA (RIG_KERNEL_START + 3 * PAGE)

static bool
kernel_sees(tome_va_t va, tome_prot_t access, tome_pfn_t frame)
{
	tome_pa_t pa;

	return test_kernel_access(&rig.vm->pmaps->mmu, va, access, &pa) &&
	    tome_pa_pfn(pa) == frame;
}

/* Entered after user roots were made, and seen through each of them. */
static void
every_root_sees_it(void **state)
{
	struct tome_pmap *k = tome_pmap_kernel(rig.vm), *p = rig_pmap();
	tome_pfn_t f = rig_anon();

	(void)state;
	rig_enter(k, VA, f, RW);
	rig_enter(k, RIG_KERNEL_END - PAGE, f, R);
	assert_true(kernel_sees(VA, W, f));
	tome_pmap_switch(p);
	assert_true(kernel_sees(VA, W, f));
	assert_true(kernel_sees(RIG_KERNEL_END - PAGE, R, f));
	assert_false(kernel_sees(RIG_KERNEL_END - PAGE, W, f));
	assert_int_equal(rig_access(VA, R), TOME_PFN_NONE);
	assert_int_equal(tome_page_mappings(rig.vm, f), 0);
	tome_pmap_remove(k, RIG_KERNEL_START, RIG_KERNEL_END);
	assert_false(kernel_sees(VA, R, f));
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	assert_false(kernel_sees(VA, R, f));
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

/* Under every entry of a new root. */
static void
nothing_is_there_at_first(void **state)
{
	struct tome_pmap *p = rig_pmap();
	tome_va_t min, max, va, span;

	(void)state;
	tome_pmap_user_span(rig.vm, &min, &max);
	span = (tome_va_t)1 << TOME_PT_SHIFT(rig.vm->pmaps->mmu.levels - 1);
	tome_pmap_switch(p);
	for (va = span; va - 1 < max - span && va >= span; va += span)
		assert_int_equal(rig_access(va, R), TOME_PFN_NONE);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	tome_pmap_destroy(p);
}

/* Aligned runs use the largest leaves there are; the ends small ones. */
static void
ranges_use_large_leaves(void **state)
{
	struct tome_pmap *k = tome_pmap_kernel(rig.vm);
	unsigned top = rig.vm->pmaps->mmu.large_level;
	tome_va_t big = (tome_va_t)1 << TOME_PT_SHIFT(1);
	tome_va_t va = RIG_KERNEL_START + 8 * big - PAGE;
	tome_pa_t pa = 16 * (tome_pa_t)big - PAGE, len = 2 * big + 2 * PAGE;
	struct tome_translation t;

	(void)state;
	assert_int_equal(tome_pmap_enter_range(k, va, pa, len, RW, TOME_MEM_WB),
	    TOME_OK);
	assert_true(tome_pmap_extract(k, va, &t));
	assert_int_equal(t.page_shift, TOME_PAGE_SHIFT);
	assert_true(tome_pmap_extract(k, va + PAGE + 5, &t));
	assert_int_equal(t.page_shift, TOME_PT_SHIFT(top > 0 ? 1 : 0));
	assert_int_equal(t.pa, pa + PAGE + 5);
	assert_int_equal(t.prot, RW);
	assert_true(kernel_sees(va + big, W, tome_pa_pfn(pa + big)));
	assert_true(kernel_sees(va + len - PAGE, W,
	    tome_pa_pfn(pa + len - PAGE)));
	assert_false(kernel_sees(va + len, R, tome_pa_pfn(pa + len)));
	tome_pmap_remove(k, va, va + len);
	assert_false(kernel_sees(va + big, R, tome_pa_pfn(pa + big)));
	assert_false(tome_pmap_extract(k, va + PAGE, &t));
	/* The place can be used again, by small leaves under the large one's. */
	assert_int_equal(tome_pmap_enter(k, va + PAGE, 5, R, TOME_MEM_UC, 0),
	    TOME_OK);
	assert_true(tome_pmap_extract(k, va + PAGE, &t));
	assert_int_equal(t.type, TOME_MEM_UC);
}

static void
large_leaves_do_not_overlap(void **state)
{
	struct tome_pmap *k = tome_pmap_kernel(rig.vm);
	tome_va_t big = (tome_va_t)1 << TOME_PT_SHIFT(1);
	tome_va_t va = RIG_KERNEL_START + 8 * big;

	(void)state;
	if (rig.vm->pmaps->mmu.large_level == 0)
		skip();
	assert_int_equal(tome_pmap_enter_range(k, va, 0, big, R, TOME_MEM_WB),
	    TOME_OK);
	assert_int_equal(tome_pmap_enter_range(k, va, 0, big, R, TOME_MEM_WB),
	    TOME_EINVAL);
	assert_int_equal(tome_pmap_enter(k, va + PAGE, 3, R, TOME_MEM_WB, 0),
	    TOME_EINVAL);
	assert_true(kernel_sees(va + PAGE, R, 1));
	tome_pmap_remove(k, va, va + big);
	assert_false(kernel_sees(va + PAGE, R, 1));
}

/* Leaf by leaf at va, and the same from `from` on: what is there, and how large. */
static void
expect_leaf(tome_va_t va, tome_va_t from, unsigned level)
{
	struct tome_translation t;

	assert_true(tome_pmap_extract(tome_pmap_kernel(rig.vm), va, &t));
	assert_int_equal(t.page_shift, TOME_PT_SHIFT(level));
	assert_int_equal(t.pa, va - from);
	assert_int_equal(t.prot, RW);
	assert_int_equal(t.type, TOME_MEM_UC);
	assert_true(kernel_sees(va, W, tome_pa_pfn((tome_pa_t)(va - from))));
}

/* The largest there is, down to the page: what is beside it stays as large as it can. */
static void
large_leaves_split_level_by_level(void **state)
{
	struct tome_pmap *k = tome_pmap_kernel(rig.vm);
	unsigned level = rig.vm->pmaps->mmu.large_level, l;
	tome_va_t span = (tome_va_t)1 << TOME_PT_SHIFT(level);
	tome_va_t at = RIG_KERNEL_START, va;

	(void)state;
	if (level == 0)
		skip();
	assert_int_equal(tome_pmap_enter_range(k, at, 0, span, RW, TOME_MEM_UC),
	    TOME_OK);
	expect_leaf(at + span - PAGE, at, level);
	va = at + span / 2 + 5 * PAGE;
	assert_int_equal(tome_pmap_split(k, va + 1), TOME_EINVAL);
	assert_int_equal(tome_pmap_split(k, va), TOME_OK);
	expect_leaf(va - PAGE, at, 0);
	expect_leaf(va, at, 0);
	for (l = 1; l < level; l++)
		expect_leaf(at + span / 2 + ((tome_va_t)1 << TOME_PT_SHIFT(l)),
		    at, l);
	expect_leaf(at, at, level - 1);
	tome_pmap_remove(k, va, va + PAGE);
	assert_false(kernel_sees(va, R, tome_pa_pfn((tome_pa_t)(va - at))));
	tome_pmap_remove(k, at, at + span);
	assert_false(kernel_sees(at, R, 0));
}

static void
bad_ranges_are_refused(void **state)
{
	struct tome_pmap *k = tome_pmap_kernel(rig.vm), *p = rig_pmap();

	(void)state;
	assert_int_equal(tome_pmap_enter_range(k, VA + 1, 0, PAGE, R,
	    TOME_MEM_WB), TOME_EINVAL);
	assert_int_equal(tome_pmap_enter_range(k, VA, 0, PAGE + 1, R,
	    TOME_MEM_WB), TOME_EINVAL);
	assert_int_equal(tome_pmap_enter_range(k, RIG_USER, 0, PAGE, R,
	    TOME_MEM_WB), TOME_EINVAL);
	assert_int_equal(tome_pmap_enter_range(p, RIG_USER, 0, PAGE, R,
	    TOME_MEM_WB), TOME_EINVAL);
	assert_int_equal(tome_pmap_split(p, RIG_USER), TOME_EINVAL);
	tome_pmap_destroy(p);
}

/* A root and a path of tables to one page, as boot code leaves them; beside it, where the
 * CPU has such, a large leaf. */

#define BOOT_FRAME ((tome_pfn_t)9)
#define BIG ((tome_va_t)1 << TOME_PT_SHIFT(1))

static tome_va_t boot_leaf;

static tome_pa_t
boot_tables(void)
{
	struct tome_mmu m;
	tome_pte_t *table, entry;
	tome_pfn_t frame = RIG_BOOT_PFN;
	unsigned level;

	assert_true(tome_mmu_probe(&m));
	boot_leaf = 0;
	for (level = m.levels - 1;; level--, frame++) {
		table = (tome_pte_t *)(void *)(test_ram + tome_pfn_pa(frame));
		memset(table, 0, TOME_PAGE_SIZE);
		entry = level > 0 ? tome_pte_table(&m, level - 1,
		    tome_pfn_pa(frame + 1), TOME_LEAF_KERNEL) :
		    tome_pte_leaf(&m, 0, tome_pfn_pa(BOOT_FRAME), RW,
		    TOME_MEM_WB, TOME_LEAF_KERNEL | TOME_LEAF_ACCESSED |
		    TOME_LEAF_MODIFIED);
		table[RIG_BOOT_VA >> TOME_PT_SHIFT(level) &
		    (((tome_va_t)1 << (level == m.levels - 1 ?
		    TOME_PT_ROOT_BITS(m.levels) : TOME_PT_BITS(level))) - 1)] =
		    entry;
		if (level == 1 && m.large_level > 0) {
			boot_leaf = RIG_BOOT_VA + BIG - RIG_BOOT_VA % BIG;
			table[boot_leaf / BIG % (PAGE / sizeof *table)] =
			    tome_pte_leaf(&m, 1, 0, RW, TOME_MEM_WB,
			    TOME_LEAF_KERNEL | TOME_LEAF_ACCESSED |
			    TOME_LEAF_MODIFIED);
		}
		if (TOME_PORT_VISIBLE)
			tome_mmu_visible(&m, table,
			    TOME_PAGE_SIZE / sizeof *table);
		if (level == 0)
			return tome_pfn_pa(RIG_BOOT_PFN);
	}
}

static int
setup_boot(void **state)
{
	rig.boot_tables = boot_tables;
	return rig_setup_1(state);
}

static int
teardown_boot(void **state)
{
	int status = rig_teardown(state);

	rig.boot_tables = NULL;
	return status;
}

static void
boot_mappings_stay(void **state)
{
	struct tome_pmap *k = tome_pmap_kernel(rig.vm);

	(void)state;
	assert_true(kernel_sees(RIG_BOOT_VA, W, BOOT_FRAME));
	rig_enter(k, VA, 3, R);
	assert_true(kernel_sees(VA, R, 3));
	tome_pmap_remove(k, VA, VA + PAGE);
	if (boot_leaf == 0)
		return;
	assert_int_equal(tome_pmap_split(k, boot_leaf + PAGE), TOME_EINVAL);
	assert_true(kernel_sees(boot_leaf + PAGE, W, 1));
}

/* With one root, what user roots would not see cannot be entered any more. */
static void
the_root_closes(void **state)
{
	struct tome_pmap *k = tome_pmap_kernel(rig.vm), *p;
	tome_va_t outside = rig.vm->pmaps->mmu.kernel_min;

	(void)state;
	if (TOME_PORT_ROOTS > 1)
		skip();
	assert_int_equal(tome_pmap_enter(k, outside, 3, R, TOME_MEM_WB, 0),
	    TOME_OK);
	p = rig_pmap();
	tome_pmap_switch(p);
	assert_true(kernel_sees(outside, R, 3));
	assert_int_equal(tome_pmap_enter(k, k->max - PAGE, 3, R, TOME_MEM_WB,
	    0), TOME_EINVAL);
	tome_pmap_switch(k);
	tome_pmap_destroy(p);
}

int
main(void)
{
#define ON(n, f) cmocka_unit_test_setup_teardown(f, rig_setup_##n, rig_teardown)
	const struct CMUnitTest tests[] = {
		ON(1, every_root_sees_it),
		ON(1, nothing_is_there_at_first),
		ON(1, ranges_use_large_leaves),
		ON(1, large_leaves_do_not_overlap),
		ON(1, large_leaves_split_level_by_level),
		ON(1, bad_ranges_are_refused),
		ON(1, the_root_closes),
		cmocka_unit_test_setup_teardown(boot_mappings_stay, setup_boot,
		    teardown_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
