/*
 * abilities.c - of the conformance suite: what the CPU can do is used, each kind's by
 * its manual (struct hosted_abilities).
 */
#include "conform.h"

#include <pmap/pmap_i.h>

/* By the CPU's own number for the type. */
static void
expect_type(enum tome_memtype type, uint8_t want)
{
	tome_pfn_t f = frame();
	struct hosted_leaf leaf;

	assert_int_equal(tome_pmap_enter(pmap, VA, f, R | W, type, 0), TOME_OK);
	assert_true(can(pmap, VA, R));
	assert_int_equal(hosted_mmu.walk(hosted_this(), VA, HOSTED_WALK_FRESH,
	    &leaf), HOSTED_FOUND);
	assert_int_equal(leaf.type, want);
	tome_pmap_remove(pmap, VA, VA + PAGE);
	tome_frame_free(vm, f);
}

/* The same of a large leaf, where there are such. */
static void
expect_large_type(enum tome_memtype type, uint8_t want)
{
	unsigned level = vm->pmaps->mmu.large_level > 0 ? 1 : 0;
	tome_va_t span = (tome_va_t)1 << TOME_PT_SHIFT(level);
	tome_va_t va = (hosted_mmu.kernel_start + span - 1) & ~(span - 1);
	struct tome_pmap *k = tome_pmap_kernel(vm);
	tome_pa_t pa = (tome_pa_t)span << (TOME_PT_SHIFT(level) < 29 ? 2 : 1);
	struct hosted_leaf leaf;

	while (pa < (tome_pa_t)1 << 30)
		pa <<= 1;
	assert_int_equal(tome_pmap_enter_range(k, va, pa, span, R | W, type),
	    TOME_OK);
	assert_int_equal(hosted_mmu.walk(hosted_this(), va, HOSTED_WALK_FRESH,
	    &leaf), HOSTED_FOUND);
	assert_int_equal(leaf.type, want);
	tome_pmap_remove(k, va, va + span);
}

/* Each bit above those of RAM reaches the MMU, and comes back. */
static void
expect_address_bits(unsigned bits)
{
	tome_va_t span = (tome_va_t)1 << TOME_PT_SHIFT(1);
	tome_va_t va = (hosted_mmu.kernel_start + span - 1) & ~(span - 1);
	struct tome_pmap *k = tome_pmap_kernel(vm);
	struct tome_translation t;
	struct hosted_leaf leaf;
	unsigned bit;
	tome_pa_t pa;

	for (bit = 36; bit < bits; bit++) {
		pa = (tome_pa_t)1 << bit;
		assert_int_equal(tome_pmap_enter_range(k, va, pa, span, R,
		    TOME_MEM_DEVICE), TOME_OK);
		assert_int_equal(hosted_mmu.walk(hosted_this(), va,
		    HOSTED_WALK_FRESH, &leaf), HOSTED_FOUND);
		assert_true(leaf.pa == pa);
		assert_true(tome_pmap_extract(k, va, &t) && t.pa == pa);
		tome_pmap_remove(k, va, va + span);
	}
}

/* A first access, a first write: who notes it? The tables are known by then. */
static void
expect_marks(const struct hosted_abilities *a)
{
	tome_pfn_t f = frame();

	enter(VA + PAGE, f, R, 0);
	assert_true(can(pmap, VA + PAGE, R));
	enter(VA, f, R | W, TOME_PMAP_AHEAD);
	(void)tome_page_accessed(vm, f, true);
	faults = 0;
	assert_true(can(pmap, VA, R));
	assert_int_equal(faults == 0, a->marks_accessed);
	faults = 0;
	assert_true(can(pmap, VA, W));
	assert_int_equal(faults == 0, a->marks_modified);
	tome_pmap_remove(pmap, VA, VA + 2 * PAGE);
	tome_frame_free(vm, f);
}

/* An upper entry is born as the CPU leaves it: no walk writes to it. */
static void
expect_tables_to_stay(void)
{
	tome_va_t va = VA + 8 * tome_unit_span(0);
	tome_pte_t was[HOSTED_LEVELS];
	struct hosted_leaf leaf;
	tome_pfn_t f = frame();
	unsigned i;

	/* So that the root is known, where that is a register. */
	enter(VA, f, R | W, 0);
	assert_true(can(pmap, VA, R));
	enter(va, f, R | W, 0);
	assert_int_equal(hosted_mmu.walk(hosted_this(), va, HOSTED_WALK_FRESH,
	    &leaf), HOSTED_FOUND);
	for (i = 0; i + 1 < leaf.npath; i++)
		was[i] = *(tome_pte_t *)tome_table_va(vm, leaf.path[i]);
	assert_true(can(pmap, va, R) && can(pmap, va, W));
	for (i = 0; i + 1 < leaf.npath; i++)
		assert_true(was[i] == *(tome_pte_t *)tome_table_va(vm,
		    leaf.path[i]));
	tome_pmap_remove(pmap, VA, va + PAGE);
	tome_frame_free(vm, f);
}

/* What the kernel is never to run by mistake. */
static void
expect_apart(bool apart)
{
	tome_pfn_t f = frame();
	uint8_t b;

	enter(VA, f, R | X, 0);
	assert_true(can(pmap, VA, X));
	if (apart)
		assert_int_not_equal(hosted_kexec(VA, &b, 1), TOME_OK);
	tome_pmap_remove(pmap, VA, VA + PAGE);
	tome_frame_free(vm, f);
}

void
abilities_are_used(void **state)
{
	struct hosted_abilities a;
	unsigned kind, type;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		up(hosted_cpu_variant(kind), 0, FEW);
		hosted_become(m, kind % CPUS);
		hosted_mmu.abilities(hosted_this(), &a);
		assert_true(vm->pmaps->mmu.asids <= a.asids);
		assert_int_equal(vm->pmaps->mmu.asids == 0, a.asids == 0);
		for (type = 0; type < TOME_MEMTYPES; type++) {
			expect_type((enum tome_memtype)type, a.type[type]);
			expect_large_type((enum tome_memtype)type,
			    a.type[type]);
		}
		expect_address_bits(a.address_bits);
		expect_marks(&a);
		expect_tables_to_stay();
		expect_apart(a.apart);
		down();
	}
}

/* The kernel's translations hold on every CPU before any program runs. */
void
the_kernel_runs_alone(void **state)
{
	tome_va_t va = hosted_mmu.kernel_start + 16 * PAGE;
	unsigned kind, cpu;
	tome_pfn_t f;
	uint8_t b;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		boot(hosted_cpu_variant(kind), HOSTED_NEVER_EVICT, FEW);
		judge();
		f = frame();
		assert_int_equal(tome_pmap_enter(tome_pmap_kernel(vm), va, f,
		    R | W, TOME_MEM_WB, 0), TOME_OK);
		for (cpu = 0; cpu < CPUS; cpu++) {
			hosted_become(m, cpu);
			assert_int_equal(hosted_kread(va, &b, 1, false),
			    TOME_OK);
		}
		tome_pmap_remove(tome_pmap_kernel(vm), va, va + PAGE);
		judge();
		tome_frame_free(vm, f);
		programs();
		down();
	}
}

/* A CPU that the port cannot run is told so, not run wrongly. */
void
what_does_not_fit_is_refused(void **state)
{
	unsigned kind;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nunfit; kind++) {
		m = hosted_create(&(struct hosted_config){ .ncpus = CPUS,
		    .cpu = hosted_mmu.unfit[kind],
		    .ram = (uint64_t)FEW << TOME_PAGE_SHIFT });
		assert_non_null(m);
		assert_int_not_equal(hosted_vm_create(m, &vm), TOME_OK);
		hosted_destroy(m);
	}
}

/* ---- numbers ---- */

/* A program whose page has one byte of its own. */
static void
numbered(struct tome_pmap **p, tome_pfn_t *f, uint8_t byte)
{
	void *at;

	*f = frame();
	at = tome_frame_window(vm, *f);
	memset(at, byte, 1);
	tome_frame_window_end(vm, *f, at);
	assert_int_equal(tome_pmap_create(vm, p), TOME_OK);
	assert_int_equal(tome_pmap_enter(*p, VA, *f, R, TOME_MEM_WB, 0),
	    TOME_OK);
}

/* By the port alone: none of these numbers has been given out yet. */
static void
switch_to(struct tome_pmap *p, unsigned asid, bool flush)
{
	uintptr_t irq = tome_host_irq_save();

	tome_mmu_switch(&vm->pmaps->mmu, tome_pmap_root(p), asid, flush);
	tome_host_irq_restore(irq);
}

/* Two that differ in the highest bit alone. */
static void
numbers_differ(unsigned asids)
{
	struct tome_pmap *p[2];
	tome_pfn_t f[2];
	unsigned i, asid;
	uint8_t got;

	numbered(&p[0], &f[0], 0);
	numbered(&p[1], &f[1], 1);
	for (i = 0; i < 6; i++) {
		asid = asids - 1 - (i & 1) * (asids / 2);
		switch_to(p[i & 1], asid, i >= 4);
		assert_int_equal(hosted_read(VA, &got, 1, fault, p[i & 1]),
		    TOME_OK);
		assert_int_equal(got, i & 1);
	}
	switch_to(tome_pmap_kernel(vm), 0, false);
	run_on(0, tome_pmap_kernel(vm));
	for (i = 0; i < 2; i++) {
		tome_pmap_destroy(p[i]);
		tome_frame_free(vm, f[i]);
	}
	run_on(0, pmap);
}

/* As many as the port says there are; fewer are given out. */
void
all_numbers_are_apart(void **state)
{
	struct tome_mmu mmu;
	unsigned kind;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		up(hosted_cpu_variant(kind), HOSTED_NEVER_EVICT, FEW);
		hosted_become(m, 0);
		assert_true(tome_mmu_probe(&mmu));
		if (mmu.asids != 0)
			numbers_differ(mmu.asids);
		down();
	}
}
