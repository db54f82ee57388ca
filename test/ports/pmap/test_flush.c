/*
 * test_flush.c - rounds: whom they interrupt, what they flush, and that any
 * number of them at once come to an end.
 */
#include "rig.h"

#define VA RIG_USER

static struct tome_pmap *pmap;
static tome_pfn_t frame;

/* One page, seen by the CPUs of a mask; CPU 0 current. */
static void
see(unsigned cpus)
{
	unsigned i;

	pmap = rig_pmap();
	frame = rig_anon();
	rig_enter(pmap, VA, frame, RW);
	for (i = TEST_CPUS; i-- > 0;) {
		if (!(cpus >> i & 1))
			continue;
		rig_cpu(i);
		tome_pmap_switch(pmap);
		assert_int_equal(rig_access(VA, W), frame);
	}
	rig_cpu(0);
	rig.ipis = 0;
	memset(rig.ipi_to, 0, sizeof(rig.ipi_to));
	memset(&test_flushes, 0, sizeof(test_flushes));
}

/* Its end would flush more than the page. */
static void
keep_leaf(void)
{
	rig_enter(pmap, VA + 2 * PAGE, frame, R);
}

static void
forget(void)
{
	unsigned i;

	for (i = 0; i < rig.boot.ncpus; i++) {
		rig_cpu(i);
		tome_pmap_switch(tome_pmap_kernel(rig.vm));
	}
	rig_cpu(0);
	tome_pmap_destroy(pmap);
	tome_frame_free(rig.vm, frame);
}

static void
gone_on(unsigned cpu)
{
	rig_cpu(cpu);
	if (tome_pmap_current(rig.vm) == pmap)
		assert_int_equal(rig_access(VA, R), TOME_PFN_NONE);
	rig_cpu(0);
}

static void
only_runners_are_interrupted(void **state)
{
	struct tome_stats before, after;

	(void)state;
	see(0x5);
	keep_leaf();
	tome_vm_stats(rig.vm, &before);
	tome_pmap_remove(pmap, VA, VA + PAGE);
	tome_vm_stats(rig.vm, &after);
	assert_int_equal(rig.ipis, 1);
	assert_int_equal(rig.ipi_to[2], 1);
	assert_int_equal(after.ipis - before.ipis, 1);
	assert_int_equal(after.rounds - before.rounds, 1);
	assert_int_equal(after.flush_page - before.flush_page, 2);
	gone_on(0);
	gone_on(2);
	forget();
}

static void
alone_means_no_interrupt(void **state)
{
	(void)state;
	see(0x1);
	keep_leaf();
	tome_pmap_remove(pmap, VA, VA + PAGE);
	assert_int_equal(rig.ipis, 0);
	assert_int_equal(test_flushes.page, 1);
	gone_on(0);
	forget();
}

/* Nobody runs it: nothing is flushed now, and all of it at the next switch. */
static void
who_left_catches_up(void **state)
{
	(void)state;
	see(0x3);
	rig_cpu(1);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	rig_cpu(0);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	memset(&test_flushes, 0, sizeof(test_flushes));
	tome_pmap_remove(pmap, VA, VA + PAGE);
	assert_int_equal(rig.ipis, 0);
	assert_int_equal(test_flushes.page, 0);
	rig_cpu(1);
	tome_pmap_switch(pmap);
	gone_on(1);
	forget();
}

/* The target is in the middle of leaving when the order reaches it. */
static void
leave_before_serving(unsigned cpu)
{
	if (cpu == 1)
		tome_pmap_switch(tome_pmap_kernel(rig.vm));
}

static void
an_order_to_who_just_left(void **state)
{
	(void)state;
	see(0x3);
	rig.before_ipi = leave_before_serving;
	tome_pmap_remove(pmap, VA, VA + PAGE);
	rig.before_ipi = NULL;
	assert_int_equal(rig.ipis, 1);
	rig_cpu(1);
	tome_pmap_switch(pmap);
	gone_on(1);
	forget();
}

/* Before CPU 1 answers CPU 0, it starts a round of its own that needs CPU 0. */
static void
round_before_serving(unsigned cpu)
{
	if (cpu != 1 || rig.ipis > 1)
		return;
	tome_pmap_protect(pmap, VA + PAGE, VA + 2 * PAGE, R);
}

static void
two_rounds_at_once(void **state)
{
	tome_pfn_t other = rig_anon();

	(void)state;
	see(0x3);
	rig_enter(pmap, VA + PAGE, other, RW);
	assert_int_equal(rig_access(VA + PAGE, W), other);
	rig.hold_ipis = true;
	rig.before_ipi = round_before_serving;
	tome_pmap_remove(pmap, VA, VA + PAGE);
	rig.before_ipi = NULL;
	rig.hold_ipis = false;
	assert_int_equal(rig.ipis, 2);
	gone_on(0);
	gone_on(1);
	assert_int_equal(rig_access(VA + PAGE, W), TOME_PFN_NONE);
	forget();
	tome_frame_free(rig.vm, other);
}

/* A second order to a CPU that has not answered the first: one interrupt. */
static void
orders_share_an_interrupt(void **state)
{
	struct tome_pmap_cpu *target;

	(void)state;
	see(0x3);
	target = &rig.vm->pmaps->cpu[1];
	atomic_store(&rig.vm->pmaps->cpu[2].mine.waiting, 2);
	rig.vm->pmaps->cpu[2].mine.pmap = pmap;
	rig.vm->pmaps->cpu[2].mine.end = rig.vm->pmaps->cpu[2].mine.start;
	atomic_store(&target->asked, 4);
	rig.held[1] = true;
	tome_pmap_remove(pmap, VA, VA + PAGE);
	assert_int_equal(rig.ipis, 0);
	assert_int_equal(atomic_load(&rig.vm->pmaps->cpu[2].mine.waiting), 0);
	gone_on(1);
	forget();
}

/*
 * CPU 1 answers a later order first, then leaves, so that the earlier one finds
 * it gone: it must still catch up with that one when it comes back.
 */
static void
later_order_first(unsigned cpu)
{
	struct tome_pmap_cpu *c = &rig.vm->pmaps->cpu[1];
	uint64_t earlier;

	if (cpu != 1 || rig.ipis > 1)
		return;
	earlier = atomic_exchange(&c->asked, 0);
	rig_cpu(2);
	tome_pmap_remove(pmap, VA + PAGE, VA + 2 * PAGE);
	rig_cpu(1);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	atomic_store(&c->asked, earlier);
}

static void
orders_out_of_order(void **state)
{
	tome_pfn_t other = rig_anon();

	(void)state;
	see(0x2);
	rig_enter(pmap, VA + PAGE, other, R);
	keep_leaf();
	rig.before_ipi = later_order_first;
	tome_pmap_remove(pmap, VA, VA + PAGE);
	rig.before_ipi = NULL;
	assert_int_equal(rig.ipis, 2);
	rig_cpu(1);
	tome_pmap_switch(pmap);
	gone_on(1);
	forget();
	tome_frame_free(rig.vm, other);
}

/* Kernel addresses are everybody's. */
static void
kernel_rounds_go_to_all(void **state)
{
	struct tome_pmap *k = tome_pmap_kernel(rig.vm);
	tome_pfn_t f = rig_anon();

	(void)state;
	see(0x1);
	assert_int_equal(tome_pmap_enter(k, RIG_KERNEL_START, f, RW,
	    TOME_MEM_WB, 0), TOME_OK);
	tome_pmap_remove(k, RIG_KERNEL_START, RIG_KERNEL_START + PAGE);
	assert_int_equal(rig.ipis, 2);
	forget();
	tome_frame_free(rig.vm, f);
}

static void
round_under_pv_lock(void *arg)
{
	struct tome_page *pg = arg;

	tome_bit_lock_irq(rig.vm, &pg->state, TOME_PAGE_PV_LOCK, TOME_RANK_PV);
	tome_round(pmap, VA, VA + PAGE);
}

/* Planted: a round under a leaf-side lock is caught. */
static void
no_round_under_a_leaf_side_lock(void **state)
{
	struct tome_page *pg;

	(void)state;
	see(0x1);
	pg = tome_page(rig.vm, frame);
	assert_true(rig_panics(round_under_pv_lock, pg));
	/* Let go by hand what the panic left held. */
	tome_bit_unlock_irq(rig.vm, &pg->state, TOME_PAGE_PV_LOCK,
	    TOME_RANK_PV, 0);
	forget();
}

/* Where the MMU takes flushes to all CPUs nobody is interrupted, and nothing stale is
 * left, however much goes. */
static void
broadcasts_interrupt_nobody(void **state)
{
	static const unsigned counts[] = { 1, 7, 40 };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		see(0x7);
		tome_pmap_remove(pmap, VA, VA + counts[i] * PAGE);
		assert_int_equal(rig.ipis, 0);
		assert_true(test_flushes.broadcast > 0);
		gone_on(0);
		gone_on(1);
		gone_on(2);
		forget();
	}
}

static void
a_kernel_broadcast_reaches_every_number(void **state)
{
	tome_va_t va = RIG_KERNEL_START;
	struct tome_pmap *kernel = tome_pmap_kernel(rig.vm);
	tome_pfn_t pfn;
	tome_pa_t pa;
	unsigned i;

	(void)state;
	assert_int_equal(tome_frame_alloc(rig.vm, TOME_PAGE_KERNEL, 0, &pfn),
	    TOME_OK);
	rig_enter(kernel, va, pfn, RW);
	see(0x5);
	for (i = 0; i < TEST_CPUS; i++) {
		rig_cpu(i);
		assert_true(test_kernel_access(&rig.vm->pmaps->mmu, va, R,
		    &pa));
	}
	rig_cpu(0);
	tome_pmap_remove(kernel, va, va + PAGE);
	assert_int_equal(rig.ipis, 0);
	for (i = 0; i < TEST_CPUS; i++) {
		rig_cpu(i);
		assert_false(test_kernel_access(&rig.vm->pmaps->mmu, va, R,
		    &pa));
	}
	rig_cpu(0);
	tome_frame_free(rig.vm, pfn);
	forget();
}

int
main(void)
{
#define ON(n, f) cmocka_unit_test_setup_teardown(f, rig_setup_##n, rig_teardown)
	const struct CMUnitTest tests[] = {
		ON(3, only_runners_are_interrupted),
		ON(3, alone_means_no_interrupt),
		ON(3, who_left_catches_up),
		ON(3, an_order_to_who_just_left),
		ON(3, two_rounds_at_once),
		ON(3, orders_share_an_interrupt),
		ON(3, orders_out_of_order),
		ON(3, kernel_rounds_go_to_all),
		ON(1, no_round_under_a_leaf_side_lock),
		ON(broadcast, broadcasts_interrupt_nobody),
		ON(broadcast, a_kernel_broadcast_reaches_every_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
