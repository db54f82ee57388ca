/*
 * race_space.c - two CPUs with one space and with numbers, under TSan.
 */
#include "rig_v.h"

#define AT ((size_t)0x100000)
#define PAGES 100u
#define REQUESTS 1000u

static struct vas2 *vas;
static struct ASIDDescriptor got[2][REQUESTS];
static unsigned wrong[2];

static void
allocator(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < PAGES; i++) {
		size_t at = AT + (2 * i + me) * PAGE_SIZE;
		struct Page *own = pmm_allocate_page();

		allocate_page(vas, at, false);
		if (!rig_poke(at, 'A' + (int)me) ||
		    rig_peek(at) != 'A' + (int)me)
			wrong[me]++;
		pmm_free_page(own);
	}
}

static void
requester(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < REQUESTS; i++)
		got[me][i] = asid_request_descriptor();
}

static struct ASIDDescriptor rivals[2];

/* Each CPU runs both spaces of one number. */
static void
checker(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < REQUESTS; i++)
		(void)asid_check_and_update(&rivals[i % 2]);
}

static void
both(void (*fn)(void *))
{
	hosted_start(rig.machine, 1, fn, (void *)1);
	fn((void *)0);
	hosted_join(rig.machine);
}

static void
test_allocate(void **state)
{
	(void)state;
	vas = create_vas();
	hosted_become(rig.machine, 1);
	switch_to_vas(vas);
	hosted_become(rig.machine, 0);
	switch_to_vas(vas);
	both(allocator);
	assert_int_equal(wrong[0] + wrong[1] + v.warnings + v.fatals, 0);
	assert_int_equal(vas->pages.count, 2 * PAGES);
	for (unsigned i = 0; i < 2 * PAGES; i++)
		assert_int_equal(rig_peek(AT + i * PAGE_SIZE), 'A' +
		    (int)(i % 2));
	hosted_become(rig.machine, 1);
	vm2_set_user_pagetable(NULL);
	hosted_become(rig.machine, 0);
	vm2_set_user_pagetable(NULL);
	free_vas(vas);
}

static void
test_request(void **state)
{
	static uint8_t seen[256][16];

	(void)state;
	memset(seen, 0, sizeof seen);
	both(requester);
	for (unsigned me = 0; me < 2; me++)
		for (unsigned i = 0; i < REQUESTS; i++)
			seen[got[me][i].asid][got[me][i].cache_iteration]++;
	for (unsigned a = 0; a < 256; a++)
		for (unsigned i = 0; i < 16; i++)
			assert_true(seen[a][i] <= 1);
	assert_true(tlb_everything_allocated);
}

static void
test_check(void **state)
{
	bool first;

	(void)state;
	rivals[0] = asid_request_descriptor();
	rivals[1] = rivals[0];
	rivals[1].cache_iteration = 0;
	both(checker);
	first = asid_check_and_update(&rivals[0]);
	assert_false(asid_check_and_update(&rivals[0]));
	assert_true(asid_check_and_update(&rivals[1]));
	assert_true(first);		/* the second one was last */
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		CONTRACT_TEST("V34", test_allocate, rig_v_up, rig_v_down),
		CONTRACT_TEST("V27", test_request, rig_v_up, rig_v_down),
		CONTRACT_TEST("V25", test_check, rig_v_up, rig_v_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
