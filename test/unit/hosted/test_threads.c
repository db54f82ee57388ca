/*
 * test_threads.c - CPUs that really run at once: translations come and go while
 * every CPU uses them. A frame's bytes say whose it is; a CPU that reads another
 * page's bytes, or a freed frame, had a stale translation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <base/vm_i.h>
#include <boot.h>

/* Across two leaf tables. */
#define VA (((tome_va_t)1 << 30) - TOME_PAGE_SIZE)
#define NCPUS 3
#define SLOTS 4				/* pages of each CPU */
#define ROUNDS 150

struct arena {
	struct hosted_machine *m;
	struct tome_vm *vm;
	struct tome_pmap *pmap;
	_Atomic uint32_t wrong;
	tome_pfn_t frame[NCPUS][SLOTS];
};

static tome_va_t
va_of(unsigned cpu, unsigned slot)
{
	return VA + (tome_va_t)(slot * NCPUS + cpu) * TOME_PAGE_SIZE;
}

static void
switch_to(struct tome_pmap *pmap)
{
	uintptr_t irq;

	tome_host_preempt_off();
	irq = tome_host_irq_save();
	tome_pmap_switch(pmap);
	tome_host_irq_restore(irq);
	tome_host_preempt_on();
}

static uint8_t
mark(unsigned cpu, unsigned slot)
{
	return (uint8_t)(1 + cpu * SLOTS + slot);
}

static void
put(struct arena *a, unsigned cpu, unsigned slot)
{
	tome_pfn_t *pfn = &a->frame[cpu][slot];

	if (tome_frame_alloc(a->vm, TOME_PAGE_ANON, 0, pfn) != TOME_OK)
		atomic_fetch_add(&a->wrong, 1);
	memset(tome_frame_va(a->vm, *pfn), mark(cpu, slot), TOME_PAGE_SIZE);
	if (tome_pmap_enter(a->pmap, va_of(cpu, slot), *pfn, TOME_PROT_READ,
	    TOME_MEM_WB, 0) != TOME_OK)
		atomic_fetch_add(&a->wrong, 1);
}

static void
take(struct arena *a, unsigned cpu, unsigned slot)
{
	tome_va_t va = va_of(cpu, slot);
	tome_pfn_t pfn = a->frame[cpu][slot];

	tome_pmap_remove(a->pmap, va, va + TOME_PAGE_SIZE);
	memset(tome_frame_va(a->vm, pfn), 0xee, TOME_PAGE_SIZE);
	tome_frame_free(a->vm, pfn);
}

/* Any page of anybody: there with its owner's mark, or not there. */
static void
look(struct arena *a, unsigned cpu, unsigned slot)
{
	uint8_t b;

	if (hosted_read(va_of(cpu, slot) + 77, &b, 1, NULL, NULL) == TOME_OK &&
	    b != mark(cpu, slot))
		atomic_fetch_add(&a->wrong, 1);
}

static void
worker(void *arg)
{
	struct arena *a = arg;
	unsigned cpu = tome_host_cpu(), i, c, s;

	switch_to(a->pmap);
	for (i = 0; i < ROUNDS; i++) {
		put(a, cpu, i % SLOTS);
		for (c = 0; c < NCPUS; c++)
			for (s = 0; s < SLOTS; s++)
				look(a, c, s);
		take(a, cpu, i % SLOTS);
	}
	switch_to(tome_pmap_kernel(a->vm));
}

static void
run(unsigned modes)
{
	struct arena a = { 0 };
	unsigned cpu;

	a.m = hosted_create(&(struct hosted_config){ .ncpus = NCPUS,
	    .modes = modes });
	assert_int_equal(hosted_vm_create(a.m, &a.vm), TOME_OK);
	assert_int_equal(tome_pmap_create(a.vm, &a.pmap), TOME_OK);
	hosted_become(NULL, 0);
	for (cpu = 0; cpu < NCPUS; cpu++)
		hosted_start(a.m, cpu, worker, &a);
	hosted_join(a.m);
	hosted_become(a.m, 0);
	assert_int_equal(a.wrong, 0);
	assert_true(hosted_judge(a.m));
	assert_int_equal(hosted_violations(a.m), 0);
	tome_pmap_destroy(a.pmap);
	tome_vm_quiesce(a.vm, true);
	assert_int_equal(hosted_vm_destroy(a.m, a.vm), 0);
	hosted_destroy(a.m);
}

static void
test_free_running(void **state)
{
	(void)state;
	run(HOSTED_NEVER_EVICT);
	run(HOSTED_NEVER_EVICT | HOSTED_WALK_CACHE | HOSTED_DELAY_ACKS);
	run(HOSTED_MODES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
