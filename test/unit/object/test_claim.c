/*
 * test_claim.c - units of physical memory, counted.
 */
#include <tome/claim.h>
#include "rig.h"

#define UNIT ((tome_pa_t)4 << TOME_PAGE_SHIFT)
/* No RAM. */
#define BEYOND ((tome_pa_t)0xe0000000u)

static struct tome_claims *
make(struct rig *r)
{
	struct tome_claims *c;

	assert_int_equal(tome_claims_create(r->vm, 2, &c), TOME_OK);
	return c;
}

static enum tome_identity
identity(struct rig *r, tome_pa_t pa)
{
	return tome_frame_identity(r->vm, tome_pa_pfn(pa));
}

static void
last_claim_frees(void **state)
{
	struct rig *r = *state;
	struct tome_claims *c = make(r);
	tome_pa_t pa;

	assert_int_equal(tome_claims_alloc(c, &pa), TOME_OK);
	assert_int_equal(pa & (UNIT - 1), 0);
	assert_int_equal(identity(r, pa + UNIT - 1), TOME_PAGE_DEVICE);
	assert_int_equal(*(char *)tome_frame_va(r->vm, tome_pa_pfn(pa)), 0);
	assert_int_equal(tome_claims_again(c, pa + 1), TOME_OK);
	assert_int_equal(tome_claims_take(c, pa + UNIT - 1, 1), TOME_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(tome_claims_drop(c, pa, 1), TOME_OK);
		assert_int_equal(identity(r, pa), TOME_PAGE_DEVICE);
	}
	assert_int_equal(tome_claims_drop(c, pa, 1), TOME_OK);
	assert_int_equal(identity(r, pa), TOME_PAGE_FREE);
	assert_int_equal(tome_claims_drop(c, pa, 1), TOME_ENOENT);
	assert_int_equal(tome_claims_again(c, pa), TOME_ENOENT);
	tome_claims_destroy(c);
	tome_claims_destroy(NULL);
}

/* All units that a range touches, or none. */
static void
range_is_whole(void **state)
{
	struct rig *r = *state;
	struct tome_claims *c = make(r);
	tome_pa_t pa;
	tome_pfn_t taken;

	assert_int_equal(tome_claims_alloc(c, &pa), TOME_OK);
	assert_int_equal(tome_claims_drop(c, pa, 1), TOME_OK);
	taken = tome_pa_pfn(pa + UNIT);
	assert_int_equal(tome_frames_claim(r->vm, TOME_PAGE_KERNEL, taken, 1),
	    TOME_OK);
	assert_int_equal(tome_claims_take(c, pa + 5, UNIT), TOME_EBUSY);
	assert_int_equal(identity(r, pa), TOME_PAGE_FREE);
	tome_frame_free(r->vm, taken);
	assert_int_equal(tome_claims_take(c, pa + 5, UNIT), TOME_OK);
	assert_int_equal(identity(r, pa + UNIT), TOME_PAGE_DEVICE);
	assert_int_equal(tome_claims_drop(c, pa, 1), TOME_OK);
	/* One had no claim any more; the other goes all the same. */
	assert_int_equal(tome_claims_drop(c, pa, 2 * UNIT), TOME_ENOENT);
	assert_int_equal(identity(r, pa + UNIT), TOME_PAGE_FREE);
	tome_claims_destroy(c);
}

static void
no_ram_is_counted_only(void **state)
{
	struct rig *r = *state;
	struct tome_claims *c = make(r);

	assert_int_equal(tome_claims_again(c, BEYOND), TOME_ENOENT);
	assert_int_equal(tome_claims_take(c, BEYOND, 3 * UNIT), TOME_OK);
	assert_int_equal(tome_claims_again(c, BEYOND), TOME_OK);
	assert_int_equal(tome_claims_drop(c, BEYOND, 3 * UNIT), TOME_OK);
	assert_int_equal(tome_claims_drop(c, BEYOND, 1), TOME_OK);
	assert_int_equal(tome_claims_drop(c, BEYOND, 1), TOME_ENOENT);
	tome_claims_destroy(c);
}

/* Whatever was there before. */
static void
units_are_born_zero(void **state)
{
	static const char zero[UNIT];
	struct rig *r = *state;

	for (unsigned round = 0; round < 2; round++) {
		struct tome_claims *c = make(r);
		tome_pa_t pa;

		for (unsigned i = 0; i < 300; i++) {
			assert_int_equal(tome_claims_alloc(c, &pa), TOME_OK);
			void *at = tome_frame_va(r->vm, tome_pa_pfn(pa));

			assert_memory_equal(at, zero, UNIT);
			memset(at, 0xa5, UNIT);
		}
		tome_claims_destroy(c);
	}
}

/* What is still claimed goes back with the table: rig_end() finds nothing missing. */
static void
end_gives_back(void **state)
{
	struct rig *r = *state;
	struct tome_claims *c = make(r);
	tome_pa_t pa;

	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(tome_claims_alloc(c, &pa), TOME_OK);
	assert_int_equal(tome_claims_take(c, BEYOND, UNIT), TOME_OK);
	tome_claims_destroy(c);
	assert_int_equal(identity(r, pa), TOME_PAGE_FREE);
}

static void
without_memory(void **state)
{
	struct rig *r = *state;
	struct tome_claims *c = make(r);
	tome_pa_t pa = 1;

	hosted_fail_alloc(r->machine, NULL, 1, true);
	while (tome_claims_take(c, BEYOND + pa * UNIT, UNIT) == TOME_OK)
		pa++;
	assert_int_equal(tome_claims_again(c, BEYOND + pa * UNIT),
	    TOME_ENOENT);
	assert_int_equal(tome_claims_alloc(c, &pa), TOME_ENOMEM);
	hosted_fail_alloc(r->machine, NULL, 0, false);
	assert_int_equal(tome_claims_alloc(c, &pa), TOME_OK);
	tome_claims_destroy(c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(last_claim_frees, rig_start,
		    rig_end),
		cmocka_unit_test_setup_teardown(range_is_whole, rig_start,
		    rig_end),
		cmocka_unit_test_setup_teardown(no_ram_is_counted_only,
		    rig_start, rig_end),
		cmocka_unit_test_setup_teardown(units_are_born_zero, rig_start,
		    rig_end),
		cmocka_unit_test_setup_teardown(end_gives_back, rig_start,
		    rig_end),
		cmocka_unit_test_setup_teardown(without_memory, rig_start,
		    rig_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
