/*
 * test_buddy.c - contiguous frames: split, merge, align, limit, claim.
 */
#include <phys/page.h>

#include "support.h"

static const struct tome_range one_range[] = {
	{ PAGES(8192), PAGES(2048), TOME_RANGE_USABLE },
};

static int
setup(void **state)
{
	static struct support s;

	support_start(&s, one_range, 1);
	*state = &s;
	return 0;
}

static int
teardown(void **state)
{
	support_end(*state);
	return 0;
}

static tome_pfn_t
must_take(struct tome_vm *vm, unsigned order, tome_pfn_t align,
    tome_pa_t limit)
{
	tome_pfn_t pfn = TOME_PFN_NONE;

	assert_int_equal(tome_frames_alloc(vm, TOME_PAGE_KERNEL, order, align,
	    limit, 0, &pfn), TOME_OK);
	assert_int_not_equal(pfn, TOME_PFN_NONE);
	return pfn;
}

/* All but the largest: with them it would be more than there is. */
static void
test_every_order(void **state)
{
	struct support *s = *state;
	tome_pfn_t got[TOME_MAX_ORDER];
	unsigned o;

	for (o = 0; o < TOME_MAX_ORDER; o++) {
		got[o] = must_take(s->vm, o, 0, 0);
		assert_int_equal(got[o] & (((tome_pfn_t)1 << o) - 1), 0);
		assert_int_equal(tome_frame_identity(s->vm,
		    got[o] + ((tome_pfn_t)1 << o) - 1), TOME_PAGE_KERNEL);
		assert_sound(s);
	}
	for (o = 0; o < TOME_MAX_ORDER; o++)
		tome_frames_free(s->vm, got[o], o);
}

/* Everything in single frames, then in one piece again. */
static void
test_exhaust_and_merge(void **state)
{
	struct support *s = *state;
	static tome_pfn_t got[2048];
	unsigned blocks = 0, n = 0, again = 0;
	tome_pfn_t big[4], free = tome_frames_free_count(s->vm);

	while (blocks < 4 && tome_frames_alloc(s->vm, TOME_PAGE_KERNEL,
	    TOME_MAX_ORDER, 0, 0, 0, &big[blocks]) == TOME_OK)
		blocks++;
	assert_int_equal(blocks, 1);	/* the other holds the metadata */
	tome_frames_free(s->vm, big[0], TOME_MAX_ORDER);
	while (tome_frames_alloc(s->vm, TOME_PAGE_ANON, 0, 0, 0,
	    TOME_FRAME_RESERVE, &got[n]) == TOME_OK)
		n++;
	assert_int_equal(n, free);
	assert_int_equal(tome_frames_free_count(s->vm), 0);
	assert_sound(s);
	/* Odd ones first: every free finds its buddy taken, then free. */
	for (unsigned i = 1; i < n; i += 2)
		tome_frames_free(s->vm, got[i], 0);
	assert_sound(s);
	for (unsigned i = 0; i < n; i += 2)
		tome_frames_free(s->vm, got[i], 0);
	assert_int_equal(tome_frames_free_count(s->vm), free);
	while (again < 4 && tome_frames_alloc(s->vm, TOME_PAGE_KERNEL,
	    TOME_MAX_ORDER, 0, 0, 0, &big[again]) == TOME_OK)
		again++;
	assert_int_equal(again, blocks);
	tome_frames_free(s->vm, big[0], TOME_MAX_ORDER);
}

static void
test_alignment(void **state)
{
	struct support *s = *state;
	tome_pfn_t align, a, b;

	for (align = 1; align <= 512; align *= 2) {
		a = must_take(s->vm, 0, align, 0);
		assert_int_equal(a & (align - 1), 0);
		b = must_take(s->vm, 2, align, 0);
		assert_int_equal(b & (align - 1), 0);
		assert_sound(s);
		tome_frames_free(s->vm, a, 0);
		tome_frames_free(s->vm, b, 2);
	}
	a = must_take(s->vm, 0, 1024, 0);
	assert_int_equal(a & 1023, 0);
	tome_frames_free(s->vm, a, 0);
}

static void
test_limit(void **state)
{
	struct support *s = *state;
	tome_pa_t limit = PAGES(8448);
	tome_pfn_t got[300], pfn;
	unsigned n = 0;

	while (n < 300 && tome_frames_alloc(s->vm, TOME_PAGE_KERNEL, 0, 0,
	    limit, 0, &got[n]) == TOME_OK) {
		assert_true(tome_pfn_pa(got[n]) + TOME_PAGE_SIZE <= limit);
		n++;
	}
	assert_int_equal(n, 256);
	assert_sound(s);
	while (n > 0)
		tome_frames_free(s->vm, got[--n], 0);
	/* A block that would reach past the limit is no answer. */
	pfn = must_take(s->vm, 8, 0, limit);
	assert_int_equal(tome_pfn_pa(pfn), PAGES(8192));
	assert_int_equal(tome_frames_alloc(s->vm, TOME_PAGE_KERNEL, 0, 0,
	    PAGES(8192), 0, &got[0]), TOME_ENOMEM);
	tome_frames_free(s->vm, pfn, 8);
}

static void
test_bad_requests(void **state)
{
	struct support *s = *state;
	tome_pfn_t pfn = 77;

	assert_int_equal(tome_frames_alloc(s->vm, TOME_PAGE_KERNEL,
	    TOME_MAX_ORDER + 1, 0, 0, 0, &pfn), TOME_EINVAL);
	assert_int_equal(tome_frames_alloc(s->vm, TOME_PAGE_KERNEL, 0, 3, 0, 0,
	    &pfn), TOME_EINVAL);
	assert_int_equal(tome_frames_alloc(s->vm, TOME_PAGE_KERNEL, 0, 2048, 0,
	    0, &pfn), TOME_EINVAL);
	assert_int_equal(pfn, 77);
}

static void
test_claim(void **state)
{
	struct support *s = *state;
	tome_pfn_t first = tome_pa_pfn(PAGES(8448)) + 3, i;
	tome_pfn_t free = tome_frames_free_count(s->vm);

	assert_int_equal(tome_frames_claim(s->vm, TOME_PAGE_DEVICE, first,
	    101), TOME_OK);
	assert_sound(s);
	assert_int_equal(tome_frames_free_count(s->vm), free - 101);
	assert_int_equal(tome_frame_identity(s->vm, first - 1),
	    TOME_PAGE_FREE);
	for (i = 0; i < 101; i++)
		assert_int_equal(tome_frame_identity(s->vm, first + i),
		    TOME_PAGE_DEVICE);
	/* Over it, beside RAM, over metadata. */
	assert_int_equal(tome_frames_claim(s->vm, TOME_PAGE_DEVICE, first - 1,
	    2), TOME_EBUSY);
	assert_int_equal(tome_frames_claim(s->vm, TOME_PAGE_DEVICE,
	    tome_pa_pfn(PAGES(8192)) - 1, 2), TOME_ENOENT);
	assert_int_equal(tome_frames_claim(s->vm, TOME_PAGE_DEVICE,
	    tome_pa_pfn(PAGES(10240)) - 1, 1), TOME_EBUSY);
	assert_int_equal(tome_frames_claim(s->vm, TOME_PAGE_DEVICE,
	    tome_pa_pfn(PAGES(10240)) - 1, 2), TOME_ENOENT);
	assert_int_equal(tome_frames_free_count(s->vm), free - 101);
	for (i = 0; i < 101; i++)
		tome_frame_free(s->vm, first + i);
	assert_int_equal(tome_frames_free_count(s->vm), free);
}

/* Freed, but on this CPU's stack: still to be had; on another's: busy. */
static void
test_claim_cached(void **state)
{
	struct support *s = *state;
	tome_pfn_t pfn;

	assert_int_equal(tome_frame_alloc(s->vm, TOME_PAGE_ANON, 0, &pfn),
	    TOME_OK);
	tome_frame_free(s->vm, pfn);
	support_cpu(1);
	assert_int_equal(tome_frames_claim(s->vm, TOME_PAGE_DEVICE, pfn, 1),
	    TOME_EBUSY);
	support_cpu(0);
	assert_int_equal(tome_frames_claim(s->vm, TOME_PAGE_DEVICE, pfn, 1),
	    TOME_OK);
	tome_frame_free(s->vm, pfn);
}

/* A single frame kept on the stack must not stop a large request. */
static void
test_stack_gives_way(void **state)
{
	struct support *s = *state;
	tome_pfn_t small, big;

	assert_int_equal(tome_frame_alloc(s->vm, TOME_PAGE_ANON, 0, &small),
	    TOME_OK);
	tome_frame_free(s->vm, small);
	big = must_take(s->vm, TOME_MAX_ORDER, 0, 0);
	tome_frames_free(s->vm, big, TOME_MAX_ORDER);
}

static void
free_misaligned(void *arg)
{
	tome_frames_free(arg, tome_pa_pfn(PAGES(8448)) + 1, 1);
}

static void
free_twice(void *arg)
{
	tome_pfn_t pfn = must_take(arg, 3, 0, 0);

	tome_frames_free(arg, pfn, 3);
	tome_frames_free(arg, pfn, 3);
}

static void
test_bad_frees_panic(void **state)
{
	struct support *s = *state;
	const char *why;

	assert_true(support_panics(free_misaligned, s->vm, &why));
	assert_true(support_panics(free_twice, s->vm, &why));
}

/* The recount must see what it is there to see. */
static void
test_check_sees(void **state)
{
	struct support *s = *state;
	struct tome_page *pg;
	tome_pfn_t pfn = must_take(s->vm, 0, 0, 0);

	pg = tome_page(s->vm, pfn);
	tome_page_become(s->vm, pg, TOME_PAGE_KERNEL, TOME_PAGE_FREE);
	assert_non_null(tome_phys_check(s->vm));
	tome_page_become(s->vm, pg, TOME_PAGE_FREE, TOME_PAGE_KERNEL);
	assert_sound(s);
	tome_frames_free(s->vm, pfn, 0);
	pg = tome_page(s->vm, tome_pa_pfn(PAGES(8448)));
	pg->state |= TOME_PAGE_BUSY;
	assert_non_null(tome_phys_check(s->vm));
	pg->state &= ~TOME_PAGE_BUSY;
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_every_order),
		T(test_exhaust_and_merge),
		T(test_alignment),
		T(test_limit),
		T(test_bad_requests),
		T(test_claim),
		T(test_claim_cached),
		T(test_stack_gives_way),
		T(test_bad_frees_panic),
		T(test_check_sees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
