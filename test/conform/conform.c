/*
 * conform.c - a new port runs this to know that it is right.
 *
 * Every call of <tome/pmap.h>, on every kind of CPU and in every TLB mode; the
 * hosted machine's software MMU judges each step. The programs fault as a kernel of
 * tier 0-2 does: what the translation allows is entered again, with MODIFIED for a
 * write.
 */
#include "conform.h"

struct hosted_machine *m;
struct tome_vm *vm;
struct tome_pmap *pmap;
unsigned faults;
static unsigned cpus = CPUS;
static bool forbids_exec;

static void look_what_is_forbidden(void);

/* ---- a machine, its programs ---- */

void
run_on(unsigned cpu, struct tome_pmap *p)
{
	uintptr_t irq;

	hosted_become(m, cpu);
	tome_host_preempt_off();
	irq = tome_host_irq_save();
	tome_pmap_switch(p);
	tome_host_irq_restore(irq);
	tome_host_preempt_on();
}

void
boot(unsigned kind, unsigned modes, unsigned pages)
{
	m = hosted_create(&(struct hosted_config){ .ncpus = cpus, .cpu = kind,
	    .ram = (uint64_t)pages << TOME_PAGE_SHIFT,
	    .modes = modes | HOSTED_STRICT, .seed = kind + modes + 1 });
	assert_non_null(m);
	assert_int_equal(hosted_vm_create(m, &vm), TOME_OK);
}

void
programs(void)
{
	unsigned cpu;

	assert_int_equal(tome_pmap_create(vm, &pmap), TOME_OK);
	for (cpu = 0; cpu < cpus; cpu++)
		run_on(cpu, pmap);
}

void
up(unsigned kind, unsigned modes, unsigned pages)
{
	boot(kind, modes, pages);
	programs();
}

void
judge(void)
{
	char text[256] = "";

	hosted_settle(m);
	if (!hosted_judge(m) || hosted_violations(m) != 0) {
		(void)hosted_take_violation(m, NULL, text, sizeof text);
		fail_msg("%s", text);
	}
}

void
kernel_may(tome_va_t va, tome_prot_t prot)
{
	uint8_t b;

	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		hosted_become(m, cpu);
		assert_int_equal(hosted_kread(va, &b, 1, false) == TOME_OK,
		    prot != 0);
		assert_int_equal(hosted_kwrite(va, &b, 1, false) == TOME_OK,
		    (prot & W) != 0);
	}
	judge();
}

void
down(void)
{
	unsigned cpu;

	for (cpu = cpus; cpu-- > 0;)
		run_on(cpu, tome_pmap_kernel(vm));
	tome_pmap_destroy(pmap);
	tome_vm_quiesce(vm, true);
	judge();
	assert_null(tome_vm_check(vm));
	assert_int_equal(hosted_vm_destroy(m, vm), 0);
	hosted_destroy(m);
}

enum tome_err
fault(void *arg, tome_va_t va, tome_prot_t access)
{
	struct tome_pmap *p = arg;
	struct tome_translation t;

	faults++;
	va &= ~(tome_va_t)TOME_PAGE_MASK;
	if (!tome_pmap_extract(p, va, &t) || (access & ~t.prot))
		return TOME_EFAULT;
	return tome_pmap_enter(p, va, tome_pa_pfn(t.pa), t.prot, t.type,
	    access & W ? TOME_PMAP_MODIFIED : 0);
}

bool
can(struct tome_pmap *p, tome_va_t va, tome_prot_t access)
{
	uint8_t b = 0x5a;

	if (access & W)
		return hosted_write(va, &b, 1, fault, p) == TOME_OK;
	return (access & X ? hosted_exec : hosted_read)(va, &b, 1, fault, p) ==
	    TOME_OK;
}

static void
expect(tome_va_t va, tome_prot_t prot)
{
	unsigned cpu;

	for (cpu = 0; cpu < cpus; cpu++) {
		hosted_become(m, cpu);
		assert_int_equal(can(pmap, va, R), prot != 0);
		assert_int_equal(can(pmap, va, X), (prot & X) != 0);
		assert_int_equal(can(pmap, va, W), (prot & W) != 0);
	}
	judge();
}

tome_pfn_t
frame(void)
{
	tome_pfn_t pfn = TOME_PFN_NONE;

	assert_int_equal(tome_frame_alloc(vm, TOME_PAGE_ANON, TOME_FRAME_ZERO,
	    &pfn), TOME_OK);
	return pfn;
}

void
enter(tome_va_t va, tome_pfn_t pfn, tome_prot_t prot, unsigned flags)
{
	assert_int_equal(tome_pmap_enter(pmap, va, pfn, prot, TOME_MEM_WB,
	    flags), TOME_OK);
}

void
everywhere(void (*body)(void))
{
	static const unsigned modes[] = { 0, HOSTED_NEVER_EVICT,
		HOSTED_RANDOM_EVICT, HOSTED_SPECULATE,
		HOSTED_NEVER_EVICT | HOSTED_WALK_CACHE, HOSTED_DELAY_ACKS,
		HOSTED_LATE_ACCESSED, HOSTED_MODES };
	unsigned kind, i;

	for (kind = 0; kind < hosted_mmu.nvariants; kind++)
		for (i = 0; i < sizeof modes / sizeof modes[0]; i++) {
			up(hosted_cpu_variant(kind), modes[i], FEW);
			look_what_is_forbidden();
			body();
			down();
		}
}

/* ---- the codec ---- */

static void
codec_leaf(unsigned level, tome_prot_t prot, enum tome_memtype type,
    unsigned whose)
{
	const struct tome_mmu *mmu = &vm->pmaps->mmu;
	tome_pa_t pa = (tome_pa_t)1 << TOME_PT_SHIFT(level);
	tome_pte_t pte = tome_pte_leaf(mmu, level, pa, prot, type,
	    whose | TOME_LEAF_ACCESSED | TOME_LEAF_MODIFIED);
	tome_prot_t has = prot == 0 ? 0 : prot | R, to, left;

	assert_true(pte != 0);
	assert_false(tome_pte_is_table(level, pte));
	assert_int_equal(tome_pte_pa(level, pte), pa);
	assert_int_equal(tome_pte_prot(mmu, pte), has);
	assert_int_equal(tome_pte_usable(mmu, pte), has);
	/* Types that the CPU does not tell apart are the first of them, at any level. */
	assert_true(tome_pte_type(mmu, level, pte) <= type);
	assert_int_equal(tome_pte_type(mmu, level, pte), tome_pte_type(mmu, 0,
	    tome_pte_leaf(mmu, 0, 0, prot, type, whose)));
	assert_true(tome_pte_leaf(mmu, level, pa, prot, tome_pte_type(mmu,
	    level, pte), whose | TOME_LEAF_ACCESSED |
	    TOME_LEAF_MODIFIED) == pte);
	for (to = 0; to <= TOME_PROT_ALL; to++) {
		tome_pte_t less = tome_pte_narrowed(pte,
		    tome_pte_narrowing(mmu, to));

		left = has & to;
		if (has != 0 && to != 0)
			left |= R;
		assert_true(less != 0);
		assert_int_equal(tome_pte_prot(mmu, less), left);
		assert_int_equal(tome_pte_pa(level, less), pa);
		if (!TOME_SIDE)
			assert_int_equal(tome_pte_flags(less),
			    tome_pte_flags(pte));
	}
}

static void
codec_flags(tome_prot_t prot)
{
	const struct tome_mmu *mmu = &vm->pmaps->mmu;
	const unsigned all[] = { TOME_LEAF_ACCESSED, TOME_LEAF_MODIFIED,
		TOME_LEAF_WIRED };
	unsigned set, i, flags, young;
	tome_pte_t pte;

	/* All are, or only those that are said to be. */
	young = tome_pte_flags(tome_pte_leaf(mmu, 0, PAGE, R | W, TOME_MEM_WB,
	    TOME_LEAF_USER));
	assert_int_equal(young & ~TOME_LEAF_ACCESSED, 0);
	for (set = 0; set < 8; set++) {
		for (flags = young, i = 0; i < 3; i++)
			flags |= set >> i & 1 ? all[i] : 0;
		pte = tome_pte_leaf(mmu, 0, PAGE, prot, TOME_MEM_WB,
		    flags | TOME_LEAF_USER);
		assert_int_equal(tome_pte_flags(pte), flags);
		assert_int_equal(tome_pte_prot(mmu, pte), prot);
		for (i = 0; i < 3; i++)
			assert_int_equal(tome_pte_flags(
			    tome_pte_unflagged(pte, all[i])), flags & ~all[i]);
		assert_int_equal(tome_pte_flags(tome_pte_upgraded(
		    tome_pte_leaf(mmu, 0, PAGE, R | W | X, TOME_MEM_WB,
		    TOME_LEAF_USER), pte)) & ~TOME_LEAF_WIRED,
		    flags & ~TOME_LEAF_WIRED);
	}
}

static void
codec_level(unsigned level)
{
	unsigned prot, type;

	for (prot = 0; prot <= TOME_PROT_ALL; prot++)
		for (type = 0; type < TOME_MEMTYPES; type++) {
			codec_leaf(level, prot, (enum tome_memtype)type,
			    TOME_LEAF_USER);
			codec_leaf(level, prot, (enum tome_memtype)type,
			    TOME_LEAF_KERNEL);
		}
}

static void
the_codec_goes_both_ways(void **state)
{
	struct hosted_abilities a;
	unsigned kind, level;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		up(hosted_cpu_variant(kind), 0, FEW);
		hosted_mmu.abilities(hosted_this(), &a);
		for (level = 0; level <= vm->pmaps->mmu.large_level ||
		    level <= a.leaf_level; level++)
			codec_level(level);
		if (!TOME_SIDE) {
			codec_flags(R | W);
			codec_flags(R);
		}
		down();
	}
}

/* ---- rights, and every flush ---- */

/* Looked at before anything is cached: that flushes. */
static void
look_what_is_forbidden(void)
{
	tome_pfn_t f = frame();

	enter(VA, f, R, 0);
	assert_true(can(pmap, VA, R));
	forbids_exec = !can(pmap, VA, X);
	tome_pmap_remove(pmap, VA, VA + PAGE);
	tome_frame_free(vm, f);
}

/* Where the CPU cannot forbid execution, a page that is there is executed. */
static tome_prot_t
enforced(tome_prot_t prot)
{
	return forbids_exec || prot == 0 ? prot : prot | X;
}

static void
rights_body(void)
{
	tome_pfn_t a = frame(), b = frame();
	tome_prot_t prot, to, left;

	/* All that is readable: without READ, hardware differs. */
	for (prot = R; prot <= TOME_PROT_ALL; prot += 2) {
		left = prot;
		enter(VA, a, left, 0);
		expect(VA, enforced(left));
		for (to = TOME_PROT_ALL - 1; to > 0; to /= 2) {
			tome_pmap_protect(pmap, VA, VA + PAGE, to | R);
			left &= to | R;
			expect(VA, enforced(left));
		}
		tome_pmap_protect(pmap, VA, VA + PAGE, TOME_PROT_NONE);
		expect(VA, 0);
		/* Another frame in its place, then none. */
		enter(VA, b, R | W, 0);
		expect(VA, enforced(R | W));
		tome_page_protect(vm, b, R | X);
		expect(VA, enforced(R));
		/* In the place of one that all have cached, too. */
		enter(VA, a, R | W, 0);
		expect(VA, enforced(R | W));
		enter(VA, b, R, 0);
		expect(VA, enforced(R));
		tome_page_protect(vm, b, TOME_PROT_NONE);
		expect(VA, 0);
		assert_int_equal(tome_page_mappings(vm, a) +
		    tome_page_mappings(vm, b), 0);
	}
	tome_frame_free(vm, a);
	tome_frame_free(vm, b);
}

static void
rights_are_what_was_entered(void **state)
{
	(void)state;
	everywhere(rights_body);
}

/* A range longer than what is flushed page by page; the tables go, too, and what
 * comes in their place is seen. */
static void
range_body(void)
{
	const unsigned n = TOME_PORT_FLUSH_PAGES + 3;
	tome_va_t far = VA + 2 * tome_unit_span(0);
	tome_pfn_t a = frame(), b = frame();
	unsigned i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < n; i++)
			enter(VA + i * PAGE, a, R | W, 0);
		enter(far, b, R | W, 0);
		expect(VA, enforced(R | W));
		expect(VA + (n - 1) * PAGE, enforced(R | W));
		expect(far, enforced(R | W));
		assert_int_equal(tome_pmap_resident(pmap), n + 1);
		tome_pmap_protect(pmap, VA, VA + n * PAGE, R);
		expect(VA + (n - 1) * PAGE, enforced(R));
		tome_pmap_remove(pmap, VA, VA + n * PAGE);
		expect(VA + (n - 1) * PAGE, 0);
		expect(far, enforced(R | W));
		tome_pmap_remove(pmap, far, far + PAGE);
		expect(far, 0);
		/* As an idle loop does; the frames of tables are others' then. */
		tome_vm_quiesce(vm, true);
		assert_int_equal(tome_pmap_tables(pmap), 1);
	}
	tome_frame_free(vm, a);
	tome_frame_free(vm, b);
}

/* Few pages, which are flushed one by one or as they are, even and odd. */
static void
few_body(void)
{
	tome_pfn_t f = frame();
	unsigned i, n;

	for (n = 2; n <= 5; n++) {
		for (i = 0; i < n; i++) {
			enter(VA + i * PAGE, f, R | W, 0);
			expect(VA + i * PAGE, enforced(R | W));
		}
		tome_pmap_protect(pmap, VA, VA + n * PAGE, R);
		expect(VA, enforced(R));
		expect(VA + (n - 1) * PAGE, enforced(R));
		tome_pmap_remove(pmap, VA, VA + n * PAGE);
		expect(VA, 0);
		expect(VA + (n - 1) * PAGE, 0);
	}
	tome_frame_free(vm, f);
}

static void
ranges_and_tables_go_everywhere(void **state)
{
	(void)state;
	everywhere(range_body);
	everywhere(few_body);
}

/* The tables that go with a lone page are no longer walked, also where a part of what
 * is allocated together was only looked into. */
static void
lone_body(void)
{
	tome_va_t part = tome_unit_span(0) / 4;
	tome_pfn_t f = frame();
	unsigned i;

	enter(VA, f, R | W, 0);
	for (i = 0; i < 4; i++)
		expect(VA + i * part, i == 0 ? enforced(R | W) : 0);
	tome_pmap_remove(pmap, VA, VA + PAGE);
	for (i = 0; i < 4; i++)
		expect(VA + i * part, 0);
	tome_frame_free(vm, f);
}

static void
a_lone_pages_tables_go(void **state)
{
	(void)state;
	everywhere(lone_body);
}

/* ---- from the page's side ---- */

/* Two pages, one of them twice: who maps them, then nobody. */
static void
pages_body(void)
{
	tome_va_t far = VA + 2 * tome_unit_span(0);
	tome_pfn_t f[2] = { frame(), frame() };
	struct tome_mapping at[3];
	uint64_t rounds;
	unsigned i;

	enter(VA, f[0], R | W, 0);
	enter(VA + PAGE, f[1], R, 0);
	enter(far, f[0], R, 0);
	expect(VA, enforced(R | W));
	expect(VA + PAGE, enforced(R));
	expect(far, enforced(R));
	assert_int_equal(tome_page_mappings(vm, f[0]), 2);
	assert_int_equal(tome_page_list(vm, f[0], at, 3), 2);
	assert_true(at[0].va + at[1].va == VA + far);
	for (i = 0; i < 2; i++) {
		assert_ptr_equal(at[i].pmap, pmap);
		assert_int_equal(at[i].prot, at[i].va == VA ? R | W : R);
	}
	rounds = tome_pmap_rounds(pmap);
	tome_pages_unmap(vm, f, 2);
	assert_true(tome_pmap_rounds(pmap) != rounds);
	expect(VA, 0);
	expect(VA + PAGE, 0);
	expect(far, 0);
	assert_int_equal(tome_page_list(vm, f[0], at, 3), 0);
	assert_int_equal(tome_page_list(vm, f[1], at, 3), 0);
	for (i = 0; i < cpus; i++) {
		hosted_become(m, i);
		assert_ptr_equal(tome_pmap_current(vm), pmap);
	}
	tome_frame_free(vm, f[0]);
	tome_frame_free(vm, f[1]);
}

static void
pages_know_who_maps_them(void **state)
{
	(void)state;
	everywhere(pages_body);
}

/* ---- accessed, modified, wired ---- */

static void
bits_body(void)
{
	tome_pfn_t f = frame();
	unsigned round;

	enter(VA, f, R | W, TOME_PMAP_AHEAD);
	assert_false(tome_page_modified(vm, f, false));
	for (round = 0; round < 3; round++) {
		hosted_become(m, round);
		(void)tome_page_accessed(vm, f, true);
		(void)tome_page_modified(vm, f, true);
		assert_false(tome_page_modified(vm, f, false));
		assert_true(can(pmap, VA, R));
		assert_false(tome_page_modified(vm, f, false));
		assert_true(can(pmap, VA, W));
		assert_true(tome_page_modified(vm, f, false));
		/* More rights, and what the hardware noted. */
		enter(VA, f, R | W | X, 0);
		assert_true(tome_page_modified(vm, f, false));
		judge();
		/* Narrowing forgets nothing. */
		tome_pmap_protect(pmap, VA, VA + PAGE, R);
		assert_true(tome_page_modified(vm, f, false));
		enter(VA, f, R | W, 0);
		assert_true(tome_page_modified(vm, f, true));
		assert_false(tome_page_modified(vm, f, false));
	}
	assert_true(can(pmap, VA, W));
	tome_pmap_remove(pmap, VA, VA + PAGE);
	assert_true(tome_page_modified(vm, f, true));
	enter(VA, f, R, TOME_PMAP_WIRED);
	assert_int_equal(tome_page_wired(tome_page(vm, f)), 1);
	tome_pmap_remove(pmap, VA, VA + PAGE);
	assert_int_equal(tome_page_wired(tome_page(vm, f)), 0);
	tome_frame_free(vm, f);
}

static void
what_programs_do_is_noted(void **state)
{
	(void)state;
	everywhere(bits_body);
}

/* ---- numbers ---- */

#define SPACES 300

static void
numbers_body(void)
{
	unsigned n = vm->pmaps->mmu.asids != 0 &&
	    vm->pmaps->mmu.asids < SPACES / 3 ?
	    3 * vm->pmaps->mmu.asids : SPACES;
	struct tome_pmap *p[SPACES];
	tome_pfn_t f[SPACES];
	uint32_t i, got;

	for (i = 0; i < n; i++) {
		f[i] = frame();
		assert_int_equal(tome_pmap_create(vm, &p[i]), TOME_OK);
		assert_int_equal(tome_pmap_enter(p[i], VA, f[i], R | W,
		    TOME_MEM_WB, TOME_PMAP_MODIFIED), TOME_OK);
		run_on(i % CPUS, p[i]);
		assert_int_equal(hosted_write(VA, &i, sizeof i, fault, p[i]),
		    TOME_OK);
	}
	/* Back to each, on another CPU: its own memory, nobody else's. */
	for (i = 0; i < n; i++) {
		run_on((i + 1) % CPUS, p[i]);
		assert_int_equal(hosted_read(VA, &got, sizeof got, fault, p[i]),
		    TOME_OK);
		assert_int_equal(got, i);
	}
	judge();
	for (i = 0; i < CPUS; i++)
		run_on(i, pmap);
	for (i = 0; i < n; i++) {
		tome_pmap_destroy(p[i]);
		tome_frame_free(vm, f[i]);
	}
}

static void
numbers_roll_over(void **state)
{
	unsigned kind;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		up(hosted_cpu_variant(kind),
		    kind % 2 ? HOSTED_NEVER_EVICT : HOSTED_MODES, MANY);
		numbers_body();
		down();
	}
}

/* ---- the kernel's own ---- */

static void
kernel_expect(tome_va_t va, bool there)
{
	unsigned cpu;
	uint8_t b;

	for (cpu = 0; cpu < cpus; cpu++) {
		hosted_become(m, cpu);
		assert_int_equal(hosted_kread(va, &b, 1, false) == TOME_OK,
		    there);
		assert_int_equal(hosted_kwrite(va, &b, 1, false) == TOME_OK,
		    there);
		/* Never a program's. */
		assert_int_not_equal(hosted_read(va, &b, 1, NULL, NULL),
		    TOME_OK);
		assert_int_not_equal(hosted_exec(va, &b, 1, NULL, NULL),
		    TOME_OK);
	}
	judge();
}

/* Device memory far beyond RAM: as large as leaves get, and a page more. */
static void
kernel_body(void)
{
	unsigned level = vm->pmaps->mmu.large_level > 0 ? 1 : 0;
	tome_va_t span = (tome_va_t)1 << TOME_PT_SHIFT(level), va;
	struct tome_pmap *k = tome_pmap_kernel(vm);
	tome_pa_t pa = (tome_pa_t)span << (TOME_PT_SHIFT(level) < 29 ? 2 : 1);
	struct tome_translation t;

	while (pa < (tome_pa_t)1 << 30)
		pa <<= 1;
	va = (hosted_mmu.kernel_start + span - 1) & ~(span - 1);
	assert_int_equal(tome_pmap_enter_range(k, va, pa, span + PAGE, R | W,
	    TOME_MEM_DEVICE), TOME_OK);
	assert_true(tome_pmap_extract(k, va + PAGE, &t));
	assert_int_equal(t.page_shift, TOME_PT_SHIFT(level));
	/* Where there are no types, all look the same. */
	assert_true(t.type != TOME_MEM_WB || tome_pte_type(
	    &vm->pmaps->mmu, 0, tome_pte_leaf(&vm->pmaps->mmu, 0, pa, R,
	    TOME_MEM_DEVICE, 0)) == TOME_MEM_WB);
	kernel_expect(va, true);
	kernel_expect(va + span - 1, true);
	kernel_expect(va + span, true);
	tome_pmap_remove(k, va, va + span + PAGE);
	kernel_expect(va, false);
	kernel_expect(va + span, false);
}

/* Page by page, one frame after another. */
static void
kernel_pages(void)
{
	struct tome_pmap *k = tome_pmap_kernel(vm);
	tome_va_t va = hosted_mmu.kernel_start + 16 * PAGE;
	tome_pfn_t f[3];
	unsigned i, n;

	for (i = 0; i < 3; i++) {
		f[i] = frame();
		for (n = 0; n <= i; n++)
			assert_int_equal(tome_pmap_enter(k, va + n * PAGE, f[n],
			    R | W, TOME_MEM_WB, n == i ? 0 : TOME_PMAP_AHEAD),
			    TOME_OK);
		kernel_expect(va, true);
		kernel_expect(va + i * PAGE, true);
		tome_pmap_remove(k, va, va + (i + 1) * PAGE);
		kernel_expect(va, false);
		kernel_expect(va + i * PAGE, false);
	}
	/* More than are flushed one by one. */
	for (n = 0; n < TOME_PORT_FLUSH_PAGES + 3; n++)
		assert_int_equal(tome_pmap_enter(k, va + n * PAGE, f[n % 3],
		    R | W, TOME_MEM_WB, 0), TOME_OK);
	kernel_expect(va, true);
	kernel_expect(va + (n - 1) * PAGE, true);
	tome_pmap_remove(k, va, va + n * PAGE);
	kernel_expect(va, false);
	kernel_expect(va + (n - 1) * PAGE, false);
	for (i = 0; i < 3; i++)
		tome_frame_free(vm, f[i]);
}

static void
kernel_translations_are_everybodys(void **state)
{
	(void)state;
	everywhere(kernel_body);
	everywhere(kernel_pages);
}

/* ---- code ---- */

#define CODE 16

/* The kernel writes it; `now`: and sees to it that it can be executed. */
static void
write_code(tome_pfn_t f, uint8_t code, bool now)
{
	void *at = tome_frame_window(vm, f);

	memset(at, code, CODE);
	if (TOME_PORT_ICACHE && now)
		tome_mmu_sync_icache(&vm->pmaps->mmu, at);
	tome_frame_window_end(vm, f, at);
}

static void
expect_code(uint8_t code)
{
	uint8_t want[CODE], got[CODE];
	unsigned cpu;

	memset(want, code, sizeof want);
	for (cpu = 0; cpu < CPUS; cpu++) {
		hosted_become(m, cpu);
		assert_int_equal(hosted_exec(VA, got, sizeof got, fault, pmap),
		    TOME_OK);
		assert_memory_equal(got, want, sizeof want);
	}
	judge();
}

static void
code_body(void)
{
	uint8_t round;
	tome_pfn_t f;

	for (round = 1; round < 4; round++) {
		f = frame();
		write_code(f, round, false);
		enter(VA, f, R | X, 0);
		expect_code(round);
		write_code(f, 16 + round, true);
		expect_code(16 + round);
		tome_pmap_remove(pmap, VA, VA + PAGE);
		tome_frame_free(vm, f);
	}
}

static void
what_was_written_is_executed(void **state)
{
	(void)state;
	everywhere(code_body);
}

/* ---- the kernel's access to programs' memory ---- */

static void
user_body(void)
{
	const struct tome_mmu *mmu = &vm->pmaps->mmu;
	uint32_t v = 7, got = 0;
	tome_pfn_t f = frame();

	hosted_on_fault(fault, pmap);
	enter(VA, f, R | W, 0);
	assert_int_equal(tome_insn_copy_out(mmu, VA, &v, sizeof v), 0);
	assert_int_equal(tome_insn_copy_in(mmu, &got, VA, sizeof got), 0);
	assert_int_equal(got, v);
	assert_true(tome_insn_user_cas32(mmu, VA, &got, v + 1));
	assert_int_equal(got, v);
	assert_true(tome_insn_user_load32(mmu, VA, &got));
	assert_int_equal(got, v + 1);
	judge();
	/* Up to where nothing is. */
	assert_int_equal(tome_insn_copy_in(mmu, &got, VA + PAGE - 1, 4), 3);
	assert_false(tome_insn_user_load32(mmu, VA + PAGE, &got));
	tome_pmap_remove(pmap, VA, VA + PAGE);
	assert_int_equal(tome_insn_copy_out(mmu, VA, &v, sizeof v), sizeof v);
	assert_false(tome_insn_user_cas32(mmu, VA, &got, v));
	hosted_on_fault(NULL, NULL);
	tome_frame_free(vm, f);
}

static void
the_kernel_copies_to_and_from_programs(void **state)
{
	(void)state;
	everywhere(user_body);
}

/* What a CPU that nobody else is beside flushes is its own: pages, its number, all. */
static void
a_lone_cpu_flushes_itself(void **state)
{
	(void)state;
	cpus = 1;
	everywhere(range_body);
	everywhere(few_body);
	everywhere(kernel_body);
	everywhere(kernel_pages);
	cpus = CPUS;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_whole),
		cmocka_unit_test(entries_lose_no_change),
		cmocka_unit_test(the_codec_goes_both_ways),
		cmocka_unit_test(rights_are_what_was_entered),
		cmocka_unit_test(ranges_and_tables_go_everywhere),
		cmocka_unit_test(a_lone_pages_tables_go),
		cmocka_unit_test(pages_know_who_maps_them),
		cmocka_unit_test(what_programs_do_is_noted),
		cmocka_unit_test(numbers_roll_over),
		cmocka_unit_test(kernel_translations_are_everybodys),
		cmocka_unit_test(runs_come_apart_before_a_part_changes),
		cmocka_unit_test(large_leaves_come_apart),
		cmocka_unit_test(a_split_that_fails_changes_nothing),
		cmocka_unit_test(what_was_written_is_executed),
		cmocka_unit_test(the_kernel_copies_to_and_from_programs),
		cmocka_unit_test(abilities_are_used),
		cmocka_unit_test(programs_reach_their_last_page),
		cmocka_unit_test(entries_name_every_address),
		cmocka_unit_test(the_kernel_runs_alone),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(all_numbers_are_apart),
		cmocka_unit_test(what_has_not_changed_stays_cached),
		cmocka_unit_test(what_nobody_runs_changes_too),
		cmocka_unit_test(what_is_entered_is_there_at_once),
		cmocka_unit_test(what_is_used_again_is_noted),
		cmocka_unit_test(a_question_changes_nothing),
		cmocka_unit_test(a_lone_cpu_flushes_itself),
	};

	return cmocka_run_group_tests_name(hosted_mmu.name, tests, NULL, NULL);
}
