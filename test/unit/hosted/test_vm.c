/*
 * test_vm.c - layers 0 to 2 on the machine: translations that pmap enters are
 * what CPUs see, in every TLB mode, and nothing outlives its removal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <base/vm_i.h>
#include <boot.h>
#include <pmap/leaf.h>

#define VA ((tome_va_t)0x40000000)
#define NCPUS 3

struct rig {
	struct hosted_machine *m;
	struct tome_vm *vm;
	struct tome_pmap *pmap;
};

static void
rig_up(struct rig *r, unsigned modes, unsigned cpu)
{
	r->m = hosted_create(&(struct hosted_config){ .ncpus = NCPUS,
	    .modes = modes, .cpu = cpu, .seed = 7 });
	assert_non_null(r->m);
	assert_int_equal(hosted_vm_create(r->m, &r->vm), TOME_OK);
	assert_int_equal(tome_pmap_create(r->vm, &r->pmap), TOME_OK);
}

static void
run_on(struct rig *r, unsigned cpu, struct tome_pmap *pmap)
{
	uintptr_t irq;

	hosted_become(r->m, cpu);
	tome_host_preempt_off();
	irq = tome_host_irq_save();
	tome_pmap_switch(pmap);
	tome_host_irq_restore(irq);
	tome_host_preempt_on();
}

static void
rig_down(struct rig *r)
{
	unsigned cpu;

	for (cpu = NCPUS; cpu-- > 0;)
		run_on(r, cpu, tome_pmap_kernel(r->vm));
	tome_pmap_destroy(r->pmap);
	tome_vm_quiesce(r->vm, true);
	assert_true(hosted_judge(r->m));
	assert_int_equal(hosted_vm_destroy(r->m, r->vm), 0);
	assert_int_equal(hosted_violations(r->m), 0);
	hosted_destroy(r->m);
}

static const unsigned modes[] = {
	HOSTED_STRICT,
	HOSTED_STRICT | HOSTED_NEVER_EVICT,
	HOSTED_STRICT | HOSTED_NEVER_EVICT | HOSTED_WALK_CACHE,
	HOSTED_STRICT | HOSTED_SPECULATE | HOSTED_RANDOM_EVICT,
	HOSTED_STRICT | HOSTED_MODES,
};
#define NMODES (sizeof modes / sizeof modes[0])

static tome_pfn_t
new_frame(struct rig *r)
{
	tome_pfn_t pfn = TOME_PFN_NONE;

	assert_int_equal(tome_frame_alloc(r->vm, TOME_PAGE_ANON,
	    TOME_FRAME_ZERO, &pfn), TOME_OK);
	return pfn;
}

static void
enter(struct rig *r, tome_va_t va, tome_pfn_t pfn, tome_prot_t prot)
{
	assert_int_equal(tome_pmap_enter(r->pmap, va, pfn, prot, TOME_MEM_WB,
	    0), TOME_OK);
}

static enum tome_err
touch(tome_va_t va, bool write)
{
	uint8_t b = 0x5a;

	return write ? hosted_write(va, &b, 1, NULL, NULL) :
	    hosted_read(va, &b, 1, NULL, NULL);
}

static void
one_mode(unsigned mode, unsigned kind)
{
	struct rig r;
	tome_pfn_t a, b;
	unsigned cpu;

	rig_up(&r, mode, kind);
	a = new_frame(&r), b = new_frame(&r);
	enter(&r, VA, a, TOME_PROT_READ | TOME_PROT_WRITE);
	for (cpu = 0; cpu < NCPUS; cpu++) {
		run_on(&r, cpu, r.pmap);
		assert_int_equal(touch(VA, true), TOME_OK);
	}
	assert_true(hosted_judge(r.m));
	/* Rights taken: no CPU may write any more. */
	tome_pmap_protect(r.pmap, VA, VA + TOME_PAGE_SIZE, TOME_PROT_READ);
	assert_true(hosted_judge(r.m));
	for (cpu = 0; cpu < NCPUS; cpu++) {
		hosted_become(r.m, cpu);
		assert_int_equal(touch(VA, false), TOME_OK);
		assert_int_equal(touch(VA, true), TOME_EFAULT);
	}
	/* Another frame; then none. */
	enter(&r, VA, b, TOME_PROT_READ);
	assert_true(hosted_judge(r.m));
	for (cpu = 0; cpu < NCPUS; cpu++) {
		hosted_become(r.m, cpu);
		assert_int_equal(touch(VA, false), TOME_OK);
	}
	tome_pmap_remove(r.pmap, VA, VA + TOME_PAGE_SIZE);
	assert_true(hosted_judge(r.m));
	for (cpu = 0; cpu < NCPUS; cpu++) {
		hosted_become(r.m, cpu);
		assert_int_equal(touch(VA, false), TOME_EFAULT);
	}
	tome_frame_free(r.vm, a);
	tome_frame_free(r.vm, b);
	rig_down(&r);
}

static void
test_every_mode(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < NMODES; i++)
		one_mode(modes[i], 0);
}

static void
test_every_cpu(void **state)
{
	unsigned bit;

	(void)state;
	for (bit = 1; bit < HOSTED_X86_NO_PAT; bit <<= 1)
		one_mode(modes[1], bit);
	one_mode(modes[1], HOSTED_X86_NO_PCID | HOSTED_X86_NO_PGE |
	    HOSTED_X86_NO_NX | HOSTED_X86_NO_SMAP | HOSTED_X86_NO_INVPCID);
}

/* Clear a translation and leave the round undone for a while: caught, and quiet
 * again after the round. */
static void
test_planted_missing_round(void **state)
{
	struct rig r;
	struct tome_leaf leaf;
	struct tome_gather g;
	enum hosted_kind kind;
	char text[256];
	tome_pfn_t a;

	(void)state;
	rig_up(&r, HOSTED_NEVER_EVICT, 0);
	a = new_frame(&r);
	enter(&r, VA, a, TOME_PROT_READ);
	run_on(&r, 1, r.pmap);
	assert_int_equal(touch(VA, false), TOME_OK);
	hosted_become(r.m, 0);
	tome_gather_begin(&g, r.pmap);
	tome_epoch_enter(r.vm);
	assert_int_equal(tome_leaf_find(r.pmap, VA, false, &leaf), TOME_OK);
	tome_leaf_lock(&leaf);
	tome_leaf_clear(&leaf, &g, VA);
	tome_leaf_unlock(&leaf);
	tome_epoch_leave(r.vm);
	assert_false(hosted_judge(r.m));
	assert_true(hosted_take_violation(r.m, &kind, text, sizeof text));
	assert_int_equal(kind, HOSTED_STALE);
	assert_int_equal(hosted_cached(r.m, a), 1);
	tome_gather_finish(&g);
	assert_true(hosted_judge(r.m));
	assert_int_equal(hosted_cached(r.m, a), 0);
	tome_frame_free(r.vm, a);
	rig_down(&r);
}

/* A frame freed while a translation is there. */
static void
test_planted_early_free(void **state)
{
	struct rig r;
	enum hosted_kind kind;
	char text[256];
	tome_pfn_t a;

	(void)state;
	rig_up(&r, HOSTED_NEVER_EVICT, 0);
	assert_int_equal(tome_frame_alloc(r.vm, TOME_PAGE_KERNEL,
	    TOME_FRAME_ZERO, &a), TOME_OK);
	enter(&r, VA, a, TOME_PROT_READ);
	run_on(&r, 0, r.pmap);
	assert_int_equal(touch(VA, false), TOME_OK);
	tome_frame_free(r.vm, a);
	assert_int_equal(touch(VA, false), TOME_EFAULT);
	assert_true(hosted_take_violation(r.m, &kind, text, sizeof text));
	assert_int_equal(kind, HOSTED_FREED);
	tome_pmap_remove(r.pmap, VA, VA + TOME_PAGE_SIZE);
	rig_down(&r);
}

/* Two instances on two machines, torn down in either order. */
static void
test_two_instances(void **state)
{
	struct rig a, b;
	tome_pfn_t pfn;

	(void)state;
	rig_up(&a, modes[1], 0);
	hosted_become(NULL, 0);
	rig_up(&b, modes[1], 0);
	pfn = new_frame(&b);
	enter(&b, VA, pfn, TOME_PROT_READ);
	run_on(&b, 2, b.pmap);
	assert_int_equal(touch(VA, false), TOME_OK);
	run_on(&a, 2, a.pmap);
	assert_int_equal(touch(VA, false), TOME_EFAULT);
	rig_down(&a);
	tome_pmap_remove(b.pmap, VA, VA + TOME_PAGE_SIZE);
	tome_frame_free(b.vm, pfn);
	rig_down(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_mode),
		cmocka_unit_test(test_every_cpu),
		cmocka_unit_test(test_planted_missing_round),
		cmocka_unit_test(test_planted_early_free),
		cmocka_unit_test(test_two_instances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
