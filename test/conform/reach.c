/*
 * reach.c - of the conformance suite: addresses are whole. A program's last page, and one
 * at each power of two; physical ones of as many bits as entries have (beyond what a frame's
 * number can say, in the kernel's large leaves).
 */
#include "conform.h"

#include <pmap/pmap_i.h>

static void
reached(tome_va_t va)
{
	tome_pfn_t f = frame();
	struct tome_translation t;

	enter(va, f, R | W, 0);
	assert_true(can(pmap, va, W));
	assert_true(tome_pmap_extract(pmap, va, &t));
	assert_int_equal(t.pa, tome_pfn_pa(f));
	tome_pmap_remove(pmap, va, va + PAGE);
	assert_false(tome_pmap_extract(pmap, va, &t));
	tome_frame_free(vm, f);
}

void
programs_reach_their_last_page(void **state)
{
	unsigned kind;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		tome_va_t min, max, va;

		up(hosted_cpu_variant(kind), 0, FEW);
		run_on(0, pmap);
		tome_pmap_user_span(vm, &min, &max);
		for (va = VA; va != 0 && va < max; va <<= 1)
			reached(va);
		reached(max - PAGE);
		assert_int_equal(tome_pmap_enter(pmap, max, 1, R, TOME_MEM_WB,
		    0), TOME_EINVAL);
		down();
	}
}

/* A leaf whose address has this bit, and the lowest that it can have. */
static void
named(unsigned level, unsigned bit)
{
	tome_va_t span = (tome_va_t)1 << TOME_PT_SHIFT(level);
	tome_va_t va = (hosted_mmu.kernel_start + span - 1) & ~(span - 1);
	tome_pa_t pa = (tome_pa_t)1 << bit | (tome_pa_t)span;
	struct tome_pmap *k = tome_pmap_kernel(vm);
	struct tome_translation t;
	struct hosted_leaf leaf;

	assert_int_equal(tome_pmap_enter_range(k, va, pa, span, R | W,
	    TOME_MEM_DEVICE), TOME_OK);
	assert_int_equal(hosted_mmu.walk(hosted_this(), va, HOSTED_WALK_FRESH,
	    &leaf), HOSTED_FOUND);
	assert_true(leaf.pa == pa);
	assert_true(tome_pmap_extract(k, va, &t));
	assert_true(t.pa == pa);
	/* Nor into pages that none could name. */
	if (tome_pfn_pa(tome_pa_pfn(pa)) != pa)
		assert_int_equal(tome_pmap_split(k, va + PAGE), TOME_EINVAL);
	tome_pmap_remove(k, va, va + span);
}

/* A page has a frame's number, which must not name another. */
static void
refused(unsigned bit)
{
	tome_va_t va = hosted_mmu.kernel_start;
	tome_pa_t pa = (tome_pa_t)1 << bit | (tome_pa_t)PAGE;

	assert_int_equal(tome_pmap_enter_range(tome_pmap_kernel(vm), va, pa,
	    PAGE, R, TOME_MEM_DEVICE), TOME_EINVAL);
}

void
entries_name_every_address(void **state)
{
	struct hosted_abilities a;
	unsigned kind, bit, level;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		up(hosted_cpu_variant(kind), 0, FEW);
		run_on(0, pmap);
		hosted_mmu.abilities(hosted_this(), &a);
		level = vm->pmaps->mmu.large_level > 0 ? 1 : 0;
		assert_true(a.reach >= 32);
		for (bit = 30; bit < a.reach; bit++)
			named(level, bit);
		for (bit = 32 + TOME_PAGE_SHIFT; bit < a.reach; bit++)
			refused(bit);
		down();
	}
}
