/*
 * test_features.c - the same scenario on every CPU a port can meet: nothing it
 * lacks is used (the test machine aborts), nothing goes wrong without it.
 */
#include "rig.h"

#define VA RIG_USER
#define KVA (RIG_KERNEL_START + 9 * PAGE)

static bool
kernel_sees(tome_va_t va, tome_pfn_t frame)
{
	tome_pa_t pa;

	return test_kernel_access(&rig.vm->pmaps->mmu, va, R, &pa) &&
	    tome_pa_pfn(pa) == frame;
}

static void
on_every_cpu(void (*fn)(struct tome_pmap *, tome_pfn_t), struct tome_pmap *p,
    tome_pfn_t frame)
{
	unsigned i;

	for (i = 0; i < rig.boot.ncpus; i++) {
		rig_cpu(i);
		fn(p, frame);
	}
	rig_cpu(0);
}

static void
run_user(struct tome_pmap *p, tome_pfn_t frame)
{
	assert_true(RIG_TYPES_READY());
	tome_pmap_switch(p);
	assert_int_equal(rig_access(VA, W), frame);
	assert_int_equal(rig_access(VA, X), TOME_PFN_NONE);
	assert_int_equal(rig_access(VA + PAGE, X), frame);
}

static void
see_kernel(struct tome_pmap *p, tome_pfn_t frame)
{
	(void)p;
	assert_true(kernel_sees(KVA, frame));
}

static void
miss_kernel(struct tome_pmap *p, tome_pfn_t frame)
{
	(void)p;
	assert_false(kernel_sees(KVA, frame));
}

static void
miss_user(struct tome_pmap *p, tome_pfn_t frame)
{
	(void)frame;
	assert_ptr_equal(tome_pmap_current(rig.vm), p);
	assert_int_equal(rig_access(VA, R), TOME_PFN_NONE);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
}

static void
scenario(unsigned features)
{
	struct tome_pmap *p, *q, *k;
	tome_pfn_t f, g;

	rig_start(3, features);
	k = tome_pmap_kernel(rig.vm);
	p = rig_pmap();
	q = rig_pmap();
	f = rig_anon();
	g = rig_anon();
	rig_enter(p, VA, f, RW);
	rig_enter(p, VA + PAGE, f, R | X);
	rig_enter(q, VA, g, RW);
	rig_enter(q, VA + PAGE, g, R | X);
	rig_enter(k, KVA, f, RW);
	on_every_cpu(run_user, p, f);
	on_every_cpu(see_kernel, p, f);
	on_every_cpu(run_user, q, g);
	on_every_cpu(see_kernel, q, f);
	/* A kernel translation goes from every CPU, under every tag. */
	tome_pmap_remove(k, KVA, KVA + PAGE);
	on_every_cpu(miss_kernel, q, f);
	on_every_cpu(run_user, p, f);
	on_every_cpu(miss_kernel, p, f);
	/* So does a wide range of them. */
	rig_enter(k, KVA, g, RW);
	rig_enter(k, KVA + 40 * PAGE, g, RW);
	on_every_cpu(see_kernel, p, g);
	on_every_cpu(run_user, q, g);
	on_every_cpu(see_kernel, q, g);
	tome_pmap_remove(k, KVA, KVA + 41 * PAGE);
	on_every_cpu(miss_kernel, q, g);
	on_every_cpu(run_user, p, f);
	on_every_cpu(miss_kernel, p, g);
	tome_pmap_remove(p, VA, VA + PAGE);
	on_every_cpu(miss_user, p, f);
	tome_pmap_destroy(p);
	tome_pmap_destroy(q);
	tome_frame_free(rig.vm, f);
	tome_frame_free(rig.vm, g);
	rig_end();
}

static void
every_cpu_there_is(void **state)
{
	static const unsigned sets[] = RIG_FEATURE_SETS;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		scenario(sets[i]);
}

/* What the codec is told comes back, at every level with leaves. */
static void
the_codec_goes_both_ways(void **state)
{
	const struct tome_mmu *m = &rig.vm->pmaps->mmu;
	unsigned level, prot, type;
	tome_pte_t pte;
	tome_pa_t pa;

	(void)state;
	for (level = 0; level <= m->large_level; level++)
	for (prot = 0; prot <= TOME_PROT_ALL; prot++)
	for (type = 0; type < TOME_MEMTYPES; type++) {
		tome_prot_t has = prot == 0 ? 0 : prot | R;

		pa = (tome_pa_t)3 << TOME_PT_SHIFT(level);
		pte = tome_pte_leaf(m, level, pa, prot,
		    (enum tome_memtype)type, TOME_LEAF_USER);
		assert_true(pte != 0);
		assert_false(tome_pte_is_table(level, pte));
		assert_int_equal(tome_pte_pa(level, pte), pa);
		assert_int_equal(tome_pte_prot(m, pte), has);
		/* DEVICE may be as strong as UC, never weaker. */
		assert_true(tome_pte_type(m, level, pte) == type ||
		    (type == TOME_MEM_DEVICE &&
			tome_pte_type(m, level, pte) == TOME_MEM_UC));
	}
}

static void
narrowing_takes_exactly_the_rest(void **state)
{
	const struct tome_mmu *m = &rig.vm->pmaps->mmu;
	unsigned from, to;

	(void)state;
	for (from = 0; from <= TOME_PROT_ALL; from++)
	for (to = 0; to <= TOME_PROT_ALL; to++) {
		struct tome_narrow n = tome_pte_narrowing(m, to);
		tome_pte_t pte = tome_pte_leaf(m, 0, 0x5000, from,
		    TOME_MEM_WB, TOME_LEAF_USER);
		tome_prot_t left = from & to;

		pte = tome_pte_narrowed(pte, n);
		/* Both know READ as "any right at all". */
		if (from != 0 && to != 0)
			left |= R;
		assert_true(pte != 0);
		assert_int_equal(tome_pte_prot(m, pte), left);
		assert_int_equal(tome_pte_pa(0, pte), 0x5000);
	}
}

/* Before it is executed, what was written since is brought to the fetch. */
static void
code_is_synced_once(void **state)
{
	struct tome_pmap *p;
	unsigned before = test_icache_syncs;
	tome_pfn_t f;

	(void)state;
	if (!TOME_PORT_ICACHE)
		skip();
	p = rig_pmap();
	f = rig_anon();			/* new: whatever was fetched from it */
	rig_enter(p, VA, f, R);
	assert_int_equal(test_icache_syncs, before);
	rig_enter(p, VA, f, R | X);
	assert_int_equal(test_icache_syncs, before + 1);
	rig_enter(p, VA + PAGE, f, R | X);
	assert_int_equal(test_icache_syncs, before + 1);
	atomic_fetch_or(&tome_page(rig.vm, f)->state, TOME_PAGE_STALE_CODE);
	rig_enter(p, VA + 2 * PAGE, f, R | X);
	assert_int_equal(test_icache_syncs, before + 2);
	tome_pmap_destroy(p);
	tome_frame_free(rig.vm, f);
}

/* Whatever the boot code's tables left behind, global or not. */
static void
starting_forgets_everything(void **state)
{
	struct tome_pmap *k = tome_pmap_kernel(rig.vm);
	tome_pfn_t f = rig_anon();
	unsigned i;

	(void)state;
	rig_enter(k, KVA, f, RW);
	assert_true(kernel_sees(KVA, f));
	tome_mmu_start(&rig.vm->pmaps->mmu, tome_pfn_pa(k->root_frame));
	for (i = 0; i < TEST_TLB; i++)
		assert_false(test_mmu[0].tlb[i].used);
	tome_pmap_remove(k, KVA, KVA + PAGE);
	tome_frame_free(rig.vm, f);
}

int
main(void)
{
#define ON(n, f) cmocka_unit_test_setup_teardown(f, rig_setup_##n, rig_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cpu_there_is),
		ON(1, starting_forgets_everything),
		ON(1, the_codec_goes_both_ways),
		ON(1, narrowing_takes_exactly_the_rest),
		ON(1, code_is_synced_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
