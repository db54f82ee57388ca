/*
 * test_race.c - every CPU allocates and frees at once; frames wander between
 * them, and none has two owners.
 */
#include <hosted.h>
#include <tome_host_inline.h>

#include "support.h"

#define CPUS 4u
#define ROUNDS 20000u
#define SHELVES 256u

static struct tome_vm *raced;
static struct hosted_machine *machine;
/* Frames that anyone may take over. */
static _Atomic tome_pfn_t shelf[SHELVES];
static _Atomic uint8_t *owned;
static _Atomic unsigned twice;

static void
own(tome_pfn_t pfn, uint8_t by)
{
	if (atomic_exchange(&owned[pfn], by) == by)
		atomic_fetch_add(&twice, 1);
}

static tome_pfn_t
take(unsigned kind)
{
	tome_pfn_t pfn = TOME_PFN_NONE;
	enum tome_err err = kind < 9 ?
	    tome_frame_alloc(raced, TOME_PAGE_ANON, 0, &pfn) :
	    tome_frames_alloc(raced, TOME_PAGE_TABLE, 0, 16, 0, 0, &pfn);

	if (err == TOME_OK)
		own(pfn, 1);
	return pfn;
}

static void
give(tome_pfn_t pfn)
{
	if (pfn == TOME_PFN_NONE)
		return;
	own(pfn, 0);
	tome_frame_free(raced, pfn);
}

static void
wander(void *arg)
{
	uint32_t x = (uint32_t)(uintptr_t)arg;
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		x = x * 1664525u + 1013904223u;
		give(atomic_exchange(&shelf[x >> 24],
		    x >> 20 & 1 ? take(x >> 10 & 15) : TOME_PFN_NONE));
		if ((x >> 8 & 1023) == 0)
			tome_frames_drain(raced, false);
		hosted_poll();
	}
}

static void
test_wandering(void **state)
{
	struct hosted_config config = { .ncpus = CPUS,
		.ram = 1024 * TOME_PAGE_SIZE };
	struct tome_boot boot;
	tome_pfn_t free;
	unsigned i;

	(void)state;
	machine = hosted_create(&config);
	hosted_boot(machine, &boot);
	assert_int_equal(tome_phys_init(&boot, &raced), TOME_OK);
	free = tome_frames_free_count(raced);
	owned = test_calloc(raced->npfn, 1);
	for (i = 1; i < CPUS; i++)
		hosted_start(machine, i, wander, (void *)(uintptr_t)(i * 77));
	wander((void *)(uintptr_t)5);
	hosted_join(machine);
	assert_int_equal(twice, 0);
	assert_null(tome_phys_check(raced));
	for (i = 0; i < SHELVES; i++)
		give(shelf[i]);
	assert_int_equal(tome_frames_free_count(raced), free);
	assert_null(tome_phys_check(raced));
	assert_int_equal(tome_phys_fini(raced), 0);
	test_free((void *)owned);
	hosted_destroy(machine);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wandering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
