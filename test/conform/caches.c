/*
 * caches.c - of the conformance suite: translations stay cached where nothing has
 * changed. A flush that takes too much makes nothing wrong, and every program slow. And
 * what changes while no CPU runs it has changed for the first that does; what is entered
 * is there without a fault.
 */
#include "conform.h"

#include <pmap/pmap_i.h>

static struct tome_pmap *other;

/* Translations that this CPU had to look for to read there. */
static uint64_t
fills(struct tome_pmap *p, tome_va_t va)
{
	struct hosted_counts before, after;
	uint8_t b;

	hosted_counts(m, &before);
	if (tome_pmap_is_user(p))
		assert_true(can(p, va, R));
	else
		assert_int_equal(hosted_kread(va, &b, 1, false), TOME_OK);
	hosted_counts(m, &after);
	return after.fills - before.fills;
}

/* Few pages change, which may be flushed as one range: the next stays, and another
 * program's at the first. */
static void
beside_few_stays(tome_pfn_t f, unsigned n)
{
	bool numbers = vm->pmaps->mmu.asids != 0;
	unsigned i;

	for (i = 0; i < n; i++)
		enter(VA + i * PAGE, f, R | W | X, 0);
	run_on(0, other);
	assert_true(can(other, VA, R));
	run_on(0, pmap);
	assert_true(can(pmap, VA + n * PAGE, R));
	tome_pmap_protect(pmap, VA, VA + n * PAGE, R);
	assert_int_equal(fills(pmap, VA + n * PAGE), 0);
	run_on(0, other);
	assert_int_equal(fills(other, VA), numbers ? 0 : 1);
	run_on(0, pmap);
}

/* Another program's pages, and this one's page beside those that change. */
static void
others_stay(tome_pfn_t f)
{
	/* The first three have changed before the rest does. */
	const unsigned n = TOME_PORT_FLUSH_PAGES + 6;
	bool numbers = vm->pmaps->mmu.asids != 0;
	unsigned i;

	for (i = 0; i <= n; i++)
		enter(VA + i * PAGE, f, R | W | X, 0);
	assert_true(can(pmap, VA, R) && can(pmap, VA + n * PAGE, R));
	run_on(0, other);
	assert_true(can(other, VA, R));
	run_on(0, pmap);
	assert_int_equal(fills(pmap, VA + n * PAGE), numbers ? 0 : 1);
	/* One page, then more than are flushed one by one. */
	tome_pmap_protect(pmap, VA, VA + PAGE, R | X);
	assert_int_equal(fills(pmap, VA + n * PAGE), 0);
	run_on(0, other);
	assert_int_equal(fills(other, VA), numbers ? 0 : 1);
	run_on(0, pmap);
	beside_few_stays(f, 2);
	beside_few_stays(f, 3);
	tome_pmap_protect(pmap, VA, VA + n * PAGE, R);
	run_on(0, other);
	assert_int_equal(fills(other, VA), numbers ? 0 : 1);
	run_on(0, pmap);
	tome_pmap_remove(pmap, VA, VA + (n + 1) * PAGE);
}

/* The kernel's own stay while programs come and go, but go when they must. */
static void
kernels_stay(tome_pfn_t f)
{
	tome_va_t va = hosted_mmu.kernel_start + 16 * PAGE;
	struct tome_pmap *k = tome_pmap_kernel(vm);
	struct hosted_abilities a;
	uint8_t b;

	hosted_mmu.abilities(hosted_this(), &a);
	assert_int_equal(tome_pmap_enter(k, va, f, R | W, TOME_MEM_WB, 0),
	    TOME_OK);
	assert_int_equal(hosted_kread(va, &b, 1, false), TOME_OK);
	run_on(0, other);
	if (a.globals_stay)
		assert_int_equal(fills(k, va), 0);
	tome_pmap_remove(k, va, va + PAGE);
	run_on(0, pmap);
	assert_int_not_equal(hosted_kread(va, &b, 1, false), TOME_OK);
	judge();
}

void
what_has_not_changed_stays_cached(void **state)
{
	unsigned kind;
	tome_pfn_t f;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		up(hosted_cpu_variant(kind), HOSTED_NEVER_EVICT, FEW);
		f = frame();
		assert_int_equal(tome_pmap_create(vm, &other), TOME_OK);
		assert_int_equal(tome_pmap_enter(other, VA, f, R, TOME_MEM_WB,
		    0), TOME_OK);
		hosted_become(m, 0);
		others_stay(f);
		kernels_stay(f);
		tome_pmap_destroy(other);
		tome_frame_free(vm, f);
		down();
	}
}

/* Changed by one CPU, run by another. */
static void
gone_at_first_run(void)
{
	tome_pfn_t f = frame();

	hosted_become(m, 1);
	assert_int_equal(tome_pmap_create(vm, &other), TOME_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(tome_pmap_enter(other, VA + i * PAGE, f,
		    R | W, TOME_MEM_WB, 0), TOME_OK);
	tome_pmap_remove(other, VA, VA + PAGE);
	tome_pmap_protect(other, VA + PAGE, VA + 2 * PAGE, R);
	run_on(0, other);
	assert_false(can(other, VA, R));
	assert_false(can(other, VA + PAGE, W));
	assert_true(can(other, VA + PAGE, R));
	run_on(0, pmap);
	tome_pmap_destroy(other);
	tome_frame_free(vm, f);
}

void
what_nobody_runs_changes_too(void **state)
{
	(void)state;
	everywhere(gone_at_first_run);
}

/* Without a fault, by the program of `pmap` on this CPU. */
static void
at_once(tome_va_t va, tome_prot_t access)
{
	faults = 0;
	assert_true(can(pmap, va, access));
	assert_int_equal(faults, 0);
}

/* Tables by one CPU, a page in them by another; then more rights than are cached. The root
 * is known before, where that is a register. */
static void
there_at_once(void)
{
	tome_va_t far = VA + 2 * tome_unit_span(0);
	tome_pfn_t f = frame();
	struct tome_leaf l;

	hosted_become(m, 0);
	enter(far, f, R, 0);
	assert_true(can(pmap, far, R));
	hosted_become(m, 1);
	tome_epoch_enter(vm);
	assert_int_equal(tome_leaf_find(pmap, VA, true, &l), TOME_OK);
	tome_epoch_leave(vm);
	hosted_become(m, 0);
	enter(VA, f, R, TOME_PMAP_MODIFIED);
	at_once(VA, R);
	enter(VA, f, R | W, TOME_PMAP_MODIFIED);
	if (!TOME_PORT_FAULT_FLUSHES)
		at_once(VA, W);
	judge();
	tome_pmap_remove(pmap, VA, far + PAGE);
	tome_frame_free(vm, f);
}

void
what_is_entered_is_there_at_once(void **state)
{
	(void)state;
	everywhere(there_at_once);
}

/* What one CPU clears another notes again, if it has not cached the page. */
void
what_is_used_again_is_noted(void **state)
{
	unsigned kind;
	tome_pfn_t f;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		up(hosted_cpu_variant(kind), 0, FEW);
		f = frame();
		enter(VA, f, R, 0);
		hosted_become(m, 1);
		assert_true(tome_page_accessed(vm, f, true));
		hosted_become(m, 0);
		assert_true(can(pmap, VA, R));
		judge();
		assert_true(tome_page_accessed(vm, f, false));
		tome_pmap_remove(pmap, VA, VA + PAGE);
		tome_frame_free(vm, f);
		down();
	}
}

/* Asking a CPU what it can do changes nothing: it runs what it ran, as it was tagged. */
void
a_question_changes_nothing(void **state)
{
	struct tome_mmu mmu;
	unsigned kind;
	tome_pfn_t f;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		up(hosted_cpu_variant(kind), HOSTED_NEVER_EVICT, FEW);
		f = frame();
		enter(VA, f, R, 0);
		hosted_become(m, 0);
		assert_true(can(pmap, VA, R));
		assert_true(tome_mmu_probe(&mmu));
		assert_int_equal(fills(pmap, VA), 0);
		judge();
		tome_pmap_remove(pmap, VA, VA + PAGE);
		tome_frame_free(vm, f);
		down();
	}
}
