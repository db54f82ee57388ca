/*
 * runs.c - leaves of the kernel's that a TLB may hold as one (src/pmap/run.h), on every
 * kind of CPU and in every TLB mode.
 */
#include <pmap/run.h>

#include "conform.h"

/* Device memory for two runs, a page before and a page after. */
#define RUNS_AT (hosted_mmu.kernel_start + TOME_RUN_SPAN)
#define RUNS_PA ((tome_pa_t)1 << 30)
#define RUNS_END (RUNS_AT + 2 * TOME_RUN_SPAN)

/* By the CPU's manual. */
static unsigned
run_bits(void)
{
	struct hosted_abilities a;

	hosted_mmu.abilities(hosted_this(), &a);
	return a.run;
}

static void
run_enter(void)
{
	assert_int_equal(tome_pmap_enter_range(tome_pmap_kernel(vm),
	    RUNS_AT - PAGE, RUNS_PA - PAGE, 2 * TOME_RUN_SPAN + 2 * PAGE,
	    R | W, TOME_MEM_DEVICE), TOME_OK);
}

static void
run_remove(tome_va_t start, tome_va_t end)
{
	tome_pmap_remove(tome_pmap_kernel(vm), start, end);
}

/* On every CPU: these rights; and the frame that was entered, in a run or alone. */
static void
run_expect(tome_va_t va, tome_prot_t prot, bool in_run)
{
	struct tome_translation t;

	kernel_may(va, prot);
	/* What came apart wrongly the MMU is to see, and not the recount. */
	if (in_run)
		assert_null(tome_vm_check(vm));
	assert_int_equal(tome_pmap_extract(tome_pmap_kernel(vm), va, &t),
	    prot != 0);
	if (prot == 0)
		return;
	assert_int_equal(t.pa, RUNS_PA + va - RUNS_AT);
	assert_int_equal(t.prot, prot);
	assert_int_equal(t.page_shift, TOME_PAGE_SHIFT +
	    (in_run ? run_bits() : 0));
}

/* What has to be all of a run is; what changes alone comes apart first. */
static void
run_body(void)
{
	const tome_va_t second = RUNS_AT + TOME_RUN_SPAN;
	struct tome_pmap *k = tome_pmap_kernel(vm);

	run_enter();
	run_expect(RUNS_AT - PAGE, R | W, false);
	run_expect(RUNS_AT, R | W, true);
	run_expect(second + TOME_RUN_SPAN - 1, R | W, true);
	run_expect(RUNS_END, R | W, false);
	tome_pmap_protect(k, second, RUNS_END, R);
	run_expect(second, R, true);
	run_expect(RUNS_END - PAGE, R, true);
	tome_pmap_protect(k, RUNS_AT, RUNS_AT + PAGE, R);
	run_expect(RUNS_AT, R, false);
	run_expect(second - PAGE, TOME_PORT_RUN_BITS != 0 ? R | W : R, false);
	run_remove(RUNS_END - PAGE, RUNS_END + PAGE);
	run_expect(RUNS_END - PAGE, 0, false);
	run_expect(RUNS_END, 0, false);
	run_expect(second, TOME_PORT_RUN_BITS != 0 ? R : 0, false);
	run_remove(RUNS_AT - PAGE, RUNS_END);
	run_expect(RUNS_AT, 0, false);
}

/* From the middle of one to the middle of the next; and another frame in one. */
static void
run_middles(void)
{
	const tome_va_t half = TOME_RUN_SPAN / 2 & ~TOME_PAGE_MASK;
	struct tome_pmap *k = tome_pmap_kernel(vm);
	struct tome_translation t;

	run_enter();
	run_expect(RUNS_AT + half, R | W, true);
	run_expect(RUNS_END - PAGE, R | W, true);
	run_remove(RUNS_AT + half, RUNS_END - half);
	run_expect(RUNS_AT + half, 0, false);
	run_expect(RUNS_END - half - PAGE, 0, false);
	if (half != 0) {
		run_expect(RUNS_AT, R | W, false);
		run_expect(RUNS_END - PAGE, R | W, false);
	}
	run_remove(RUNS_AT - PAGE, RUNS_END + PAGE);
	run_enter();
	run_expect(RUNS_AT, R | W, true);
	assert_int_equal(tome_pmap_enter(k, RUNS_AT + half, tome_pa_pfn(RUNS_PA *
	    2), R | W, TOME_MEM_DEVICE, 0), TOME_OK);
	assert_true(tome_pmap_extract(k, RUNS_AT + half, &t));
	assert_int_equal(t.pa, RUNS_PA * 2);
	assert_int_equal(t.page_shift, TOME_PAGE_SHIFT);
	run_expect(RUNS_END - PAGE, R | W, true);
	if (half != 0)
		run_expect(RUNS_AT, R | W, false);
	run_remove(RUNS_AT - PAGE, RUNS_END + PAGE);
	run_expect(RUNS_END - PAGE, 0, false);
}

void
runs_come_apart_before_a_part_changes(void **state)
{
	(void)state;
	everywhere(run_body);
	everywhere(run_middles);
}
