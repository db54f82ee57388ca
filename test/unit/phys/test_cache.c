/*
 * test_cache.c - single frames by way of the per-CPU stacks.
 */
#include <phys/phys_i.h>

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
must_alloc(struct tome_vm *vm, unsigned flags)
{
	tome_pfn_t pfn = TOME_PFN_NONE;

	assert_int_equal(tome_frame_alloc(vm, TOME_PAGE_ANON, flags, &pfn),
	    TOME_OK);
	return pfn;
}

static tome_pfn_t
cached(struct tome_vm *vm)
{
	struct tome_zone_stats z;

	assert_true(tome_zone_stats(vm, TOME_ZONE_NORMAL, &z));
	return z.cached;
}

static void
test_last_in_first_out(void **state)
{
	struct support *s = *state;
	tome_pfn_t a = must_alloc(s->vm, 0), b = must_alloc(s->vm, 0);

	assert_int_not_equal(a, b);
	tome_frame_free(s->vm, a);
	tome_frame_free(s->vm, b);
	assert_int_equal(must_alloc(s->vm, 0), b);
	assert_int_equal(must_alloc(s->vm, 0), a);
	tome_frame_free(s->vm, a);
	tome_frame_free(s->vm, b);
}

/* After one refill, a batch of allocations leaves the zone alone. */
static void
test_batches(void **state)
{
	struct support *s = *state;
	tome_pfn_t got[3 * TOME_STACK_DEPTH], before;
	const struct tome_zone *z = &s->vm->phys->zone[TOME_ZONE_NORMAL];
	unsigned i;

	tome_frames_drain(s->vm, true);
	got[0] = must_alloc(s->vm, 0);
	before = z->free;
	for (i = 1; i < TOME_STACK_BATCH; i++)
		got[i] = must_alloc(s->vm, 0);
	assert_int_equal(z->free, before);
	assert_int_equal(cached(s->vm), 0);
	for (; i < 3 * TOME_STACK_DEPTH; i++)
		got[i] = must_alloc(s->vm, 0);
	while (i > 0) {
		tome_frame_free(s->vm, got[--i]);
		assert_in_range(cached(s->vm), 1, TOME_STACK_DEPTH);
	}
	assert_sound(s);
}

static void
test_each_cpu_its_own(void **state)
{
	struct support *s = *state;
	tome_pfn_t pfn = must_alloc(s->vm, 0), other;

	tome_frame_free(s->vm, pfn);
	support_cpu(3);
	other = must_alloc(s->vm, 0);
	assert_int_not_equal(other, pfn);
	support_cpu(0);
	assert_int_equal(must_alloc(s->vm, 0), pfn);
	/* Taken there, given back here: the sums still agree. */
	tome_frame_free(s->vm, other);
	tome_frame_free(s->vm, pfn);
	assert_sound(s);
}

static void
test_drain(void **state)
{
	struct support *s = *state;
	tome_pfn_t free = tome_frames_free_count(s->vm);

	tome_frame_free(s->vm, must_alloc(s->vm, 0));
	support_cpu(1);
	tome_frame_free(s->vm, must_alloc(s->vm, 0));
	tome_frames_drain(s->vm, false);
	assert_int_not_equal(cached(s->vm), 0);
	tome_frames_drain(s->vm, true);
	assert_int_equal(cached(s->vm), 0);
	assert_int_equal(tome_frames_free_count(s->vm), free);
}

static bool
all_bytes(struct tome_vm *vm, tome_pfn_t pfn, unsigned char byte)
{
	const unsigned char *at = tome_frame_va(vm, pfn);
	size_t i;

	for (i = 0; i < TOME_PAGE_SIZE; i++)
		if (at[i] != byte)
			return false;
	return true;
}

/* Invariant 12: what a frame held reaches nobody. */
static void
test_contents(void **state)
{
	struct support *s = *state;
	tome_pfn_t pfn = must_alloc(s->vm, TOME_FRAME_ZERO);

	assert_true(all_bytes(s->vm, pfn, 0));
	memset(tome_frame_va(s->vm, pfn), 0x5e, TOME_PAGE_SIZE);
	tome_frame_free(s->vm, pfn);
	assert_true(all_bytes(s->vm, pfn, 0xdb));
	assert_int_equal(must_alloc(s->vm, TOME_FRAME_ZERO), pfn);
	assert_true(all_bytes(s->vm, pfn, 0));
	tome_frame_free(s->vm, pfn);
}

static bool
refuse(void *ctx, const char *what)
{
	struct support *s = ctx;

	assert_true(strcmp(what, "frame") == 0 || strcmp(what, "table") == 0);
	return ++s->asked != s->refuse_from;
}

static void
test_may_alloc(void **state)
{
	struct support *s = *state;
	tome_pfn_t pfn = 9;

	s->host.may_alloc = refuse;
	s->refuse_from = 2;
	pfn = must_alloc(s->vm, 0);
	tome_frame_free(s->vm, pfn);
	pfn = 9;
	assert_int_equal(tome_frame_alloc(s->vm, TOME_PAGE_TABLE, 0, &pfn),
	    TOME_ENOMEM);
	s->refuse_from = 3;
	assert_int_equal(tome_frames_alloc(s->vm, TOME_PAGE_TABLE, 1, 0, 0, 0,
	    &pfn), TOME_ENOMEM);
	assert_int_equal(pfn, 9);
	assert_int_equal(s->asked, 3);
}

static void
test_uses_are_counted(void **state)
{
	struct support *s = *state;
	struct tome_stats st;
	tome_pfn_t anon = must_alloc(s->vm, 0), table;
	uint64_t kernel;

	assert_int_equal(tome_frame_alloc(s->vm, TOME_PAGE_TABLE, 0, &table),
	    TOME_OK);
	tome_phys_stats(s->vm, &st);
	kernel = st.frames_kernel;
	assert_int_equal(st.frames_anon, 1);
	assert_int_equal(st.frames_table, 1);
	assert_int_equal(st.frames_total, 2048);
	assert_int_equal(st.frames_total, st.frames_free + st.frames_anon +
	    st.frames_table + st.frames_reserved + kernel + st.frames_cache +
	    st.frames_other);
	assert_int_equal(st.frames_bootstrap, kernel);
	tome_frame_free(s->vm, anon);
	tome_frame_free(s->vm, table);
}

static void
test_leaks_are_named(void **state)
{
	struct support *s = *state;

	must_alloc(s->vm, 0);
	must_alloc(s->vm, 0);
	assert_int_equal(tome_phys_fini(s->vm), 2);
	assert_string_equal(s->log, "leaked 2 anonymous frames");
	support_drop(s);
}

static void
free_twice(void *arg)
{
	tome_pfn_t pfn = must_alloc(arg, 0);

	tome_frame_free(arg, pfn);
	tome_frame_free(arg, pfn);
}

static void
free_wired(void *arg)
{
	tome_pfn_t pfn = must_alloc(arg, 0);

	assert_int_equal(tome_frame_wire(arg, pfn), TOME_OK);
	tome_frame_free(arg, pfn);
}

static void
free_queued(void *arg)
{
	tome_pfn_t pfn = must_alloc(arg, 0);
	struct tome_queue q;

	tome_queue_init(&q, 1);
	tome_queue_push(arg, &q, pfn);
	tome_frame_free(arg, pfn);
}

static void
test_bad_frees_panic(void **state)
{
	struct support *s = *state;
	const char *why;

	assert_true(support_panics(free_twice, s->vm, &why));
	assert_non_null(strstr(why, "tome_page_legal"));
	assert_true(support_panics(free_wired, s->vm, &why));
	assert_non_null(strstr(why, "TOME_PAGE_FREEABLE"));
	assert_true(support_panics(free_queued, s->vm, &why));
	assert_non_null(strstr(why, "TOME_PAGE_FREEABLE"));
	support_drop(s);
}

/* A frame on two stacks, or of the wrong state on one, is found. */
static void
test_check_sees(void **state)
{
	struct support *s = *state;
	tome_pfn_t pfn = must_alloc(s->vm, 0);
	struct tome_page *pg = tome_page(s->vm, pfn);

	tome_frame_free(s->vm, pfn);
	pg->state |= TOME_PAGE_WIRE_ONE;
	assert_non_null(tome_phys_check(s->vm));
	pg->state &= ~TOME_PAGE_WIRE_ONE;
	s->vm->phys->cpu[0]->use[TOME_PAGE_ANON]++;
	assert_non_null(tome_phys_check(s->vm));
	s->vm->phys->cpu[0]->use[TOME_PAGE_ANON]--;
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_last_in_first_out),
		T(test_batches),
		T(test_each_cpu_its_own),
		T(test_drain),
		T(test_contents),
		T(test_may_alloc),
		T(test_uses_are_counted),
		cmocka_unit_test_setup(test_leaks_are_named, setup),
		cmocka_unit_test_setup(test_bad_frees_panic, setup),
		T(test_check_sees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
