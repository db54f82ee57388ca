/*
 * rig.c - the instance under test, and its host.
 */
#include <stdlib.h>

#include <insn.h>

#include "rig.h"

struct rig rig;

static void
deliver(unsigned cpu)
{
	unsigned self = test_cpu;

	test_cpu = cpu;
	if (rig.before_ipi != NULL)
		rig.before_ipi(cpu);
	tome_vm_interrupt(rig.vm);
	test_cpu = self;
}

static void
host_ipi(void *ctx, unsigned cpu)
{
	(void)ctx;
	rig.ipis++;
	rig.ipi_to[cpu]++;
	if (rig.hold_ipis)
		rig.held[cpu] = true;
	else
		deliver(cpu);
}

static void
deliver_held(void)
{
	unsigned i;

	for (i = 0; i < TEST_CPUS; i++) {
		if (!rig.held[i] || i == test_cpu)
			continue;
		rig.held[i] = false;
		deliver(i);
	}
}

static uint64_t
host_clock(void *ctx)
{
	(void)ctx;
	return 0;
}

static void
host_log(void *ctx, const char *line)
{
	(void)ctx;
	strncpy(rig.log, line, sizeof(rig.log) - 1);
}

static _Noreturn void
host_panic(void *ctx, const char *why)
{
	(void)ctx;
	rig.why = why;
	if (rig.catch)
		longjmp(rig.out, 1);
	print_error("panic: %s\n", why);
	abort();
}

static bool
host_may_alloc(void *ctx, const char *what)
{
	(void)ctx, (void)what;
	if (rig.allowed < 0)
		return true;
	if (rig.allowed == 0)
		return false;
	rig.allowed--;
	return true;
}

void
rig_cpu(unsigned cpu)
{
	test_cpu = cpu;
}

void
rig_start(unsigned ncpus, unsigned features)
{
	tome_pa_t (*boot_tables)(void) = rig.boot_tables;
	static const struct tome_range ram = {
		.base = TOME_PAGE_SIZE,
		.len = (tome_pa_t)(TEST_RAM_FRAMES - 1 - RIG_BOOT_FRAMES) <<
		    TOME_PAGE_SHIFT,
		.kind = TOME_RANGE_USABLE,
	};
	unsigned i;

	memset(&rig, 0, sizeof(rig));
	rig.allowed = -1;
	test_features = features;
	test_machine_start();
	rig.boot_tables = boot_tables;
	test_relax = deliver_held;
	rig.host = (struct tome_host){
		.version = TOME_HOST_VERSION, .ipi = host_ipi,
		.clock_ns = host_clock, .log = host_log, .panic = host_panic,
		.may_alloc = host_may_alloc,
	};
	rig.boot = (struct tome_boot){
		.host = &rig.host, .ncpus = ncpus, .ranges = &ram,
		.nranges = 1, .direct_bias = (uintptr_t)test_ram,
		.direct_end = ram.base + ram.len,
		.kernel_start = RIG_KERNEL_START, .kernel_end = RIG_KERNEL_END,
		.kernel_root = boot_tables == NULL ? 0 : boot_tables(),
	};
	assert_int_equal(tome_vm_create(&rig.boot, &rig.vm), TOME_OK);
	for (i = 1; i < ncpus; i++) {
		rig_cpu(i);
		tome_pmap_cpu_start(rig.vm);
	}
	rig_cpu(0);
	memset(&test_flushes, 0, sizeof(test_flushes));
}

void
rig_end(void)
{
	rig.allowed = -1;
	tome_vm_quiesce(rig.vm, true);
	assert_sound();
	assert_int_equal(tome_vm_destroy(rig.vm), 0);
	assert_int_equal(test_preempt_off, 0);
	test_machine_end();
}

int
rig_setup_1(void **state)
{
	(void)state;
	rig_start(1, RIG_FEATURES);
	return 0;
}

int
rig_setup_3(void **state)
{
	(void)state;
	rig_start(3, RIG_FEATURES);
	return 0;
}

int
rig_setup_broadcast(void **state)
{
	(void)state;
	rig_start(3, RIG_FEATURES_BROADCAST);
	return 0;
}

int
rig_teardown(void **state)
{
	(void)state;
	rig_end();
	return 0;
}

const char *
rig_sound(void)
{
	const char *why = tome_vm_check(rig.vm);

	return why == NULL ? "" : why;
}

struct tome_pmap *
rig_pmap(void)
{
	struct tome_pmap *p;

	assert_int_equal(tome_pmap_create(rig.vm, &p), TOME_OK);
	return p;
}

tome_pfn_t
rig_anon(void)
{
	tome_pfn_t pfn;

	assert_int_equal(tome_frame_alloc(rig.vm, TOME_PAGE_ANON, 0, &pfn),
	    TOME_OK);
	return pfn;
}

void
rig_enter(struct tome_pmap *p, tome_va_t va, tome_pfn_t pfn, tome_prot_t prot)
{
	assert_int_equal(tome_pmap_enter(p, va, pfn, prot, TOME_MEM_WB,
	    prot & W ? TOME_PMAP_MODIFIED : 0), TOME_OK);
}

struct tome_leaf
rig_lock(struct tome_pmap *p, tome_va_t va)
{
	struct tome_leaf l;

	tome_epoch_enter(rig.vm);
	assert_int_equal(tome_leaf_find(p, va, true, &l), TOME_OK);
	tome_leaf_lock(&l);
	assert_false(tome_leaf_stray(&l));
	assert_int_equal(tome_leaf_reserve(&l, 1), TOME_OK);
	return l;
}

void
rig_unlock(struct tome_leaf *l)
{
	tome_leaf_unlock(l);
	tome_epoch_leave(rig.vm);
}

tome_pfn_t
rig_access(tome_va_t va, tome_prot_t access)
{
	tome_pa_t pa;

	if (!test_access(&rig.vm->pmaps->mmu, va, access, &pa))
		return TOME_PFN_NONE;
	return tome_pa_pfn(pa);
}

bool
rig_panics(void (*fn)(void *), void *arg)
{
	int preempt = test_preempt_off;

	rig.catch = true;
	if (setjmp(rig.out) == 0) {
		fn(arg);
		rig.catch = false;
		return false;
	}
	rig.catch = false;
	test_preempt_off = preempt;
	return true;
}
