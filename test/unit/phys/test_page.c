/*
 * test_page.c - identities, wiring, queues, windows.
 */
#include <phys/phys_i.h>

#include "support.h"

/* The second lies beyond the direct map. */
static const struct tome_range two_ranges[] = {
	{ 32 * MIB, 4 * MIB, TOME_RANGE_USABLE },
	{ 64 * MIB, 4 * MIB, TOME_RANGE_USABLE },
};

static int
setup(void **state)
{
	static struct support s;

	support_init(&s, two_ranges, 2);
	s.boot.direct_end = 48 * MIB;
	assert_int_equal(tome_phys_init(&s.boot, &s.vm), TOME_OK);
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

/* ---- identities ---- */

struct change {
	struct tome_vm *vm;
	struct tome_page *pg;
	enum tome_identity from, to;
};

static void
change(void *arg)
{
	struct change *c = arg;

	tome_page_become(c->vm, c->pg, c->from, c->to);
}

/* The table of docs/pages.md, as a person would write it down. */
static bool
is_legal(enum tome_identity from, enum tome_identity to)
{
	bool used_to = to == TOME_PAGE_KERNEL || to == TOME_PAGE_TABLE ||
	    to == TOME_PAGE_ANON || to == TOME_PAGE_CACHE ||
	    to == TOME_PAGE_DEVICE;

	switch (from) {
	case TOME_PAGE_ABSENT:
		return to == TOME_PAGE_FREE || to == TOME_PAGE_RESERVED ||
		    to == TOME_PAGE_KERNEL;
	case TOME_PAGE_FREE:
		return used_to;
	case TOME_PAGE_RESERVED:
	case TOME_PAGE_LOANED:
		return false;
	default:
		return to == TOME_PAGE_FREE;
	}
}

static void
test_every_transition(void **state)
{
	struct support *s = *state;
	tome_pfn_t pfn = must_alloc(s->vm, 0);
	struct change c = { .vm = s->vm, .pg = tome_page(s->vm, pfn) };
	uint32_t was = c.pg->state;
	const char *why;
	unsigned from, to;

	for (from = 0; from < TOME_IDENTITIES; from++) {
		for (to = 0; to < TOME_IDENTITIES; to++) {
			c.from = (enum tome_identity)from;
			c.to = (enum tome_identity)to;
			c.pg->state = from | TOME_PAGE_MODIFIED;
			assert_int_equal(support_panics(change, &c, &why),
			    !is_legal(c.from, c.to));
			if (is_legal(c.from, c.to))
				assert_int_equal(c.pg->state,
				    tome_page_born(c.to) |
				    TOME_PAGE_MODIFIED);
		}
	}
	c.pg->state = was;
	tome_frame_free(s->vm, pfn);
}

/* Naming the wrong old identity is caught even where the change is legal. */
static void
test_wrong_from(void **state)
{
	struct support *s = *state;
	tome_pfn_t pfn = must_alloc(s->vm, 0);
	struct change c = { s->vm, tome_page(s->vm, pfn), TOME_PAGE_CACHE,
		TOME_PAGE_FREE };
	uint32_t was = c.pg->state;
	const char *why;

	assert_true(support_panics(change, &c, &why));
	c.pg->state = was;
	tome_frame_free(s->vm, pfn);
}

static void
alloc_reserved(void *arg)
{
	tome_pfn_t pfn;

	if (tome_frame_alloc(arg, TOME_PAGE_RESERVED, 0, &pfn) != TOME_OK)
		fail();
}

static void
test_no_reserved_alloc(void **state)
{
	struct support *s = *state;
	const char *why;

	assert_true(support_panics(alloc_reserved, s->vm, &why));
	support_drop(s);
}

static void
test_no_descriptor(void **state)
{
	struct support *s = *state;

	assert_int_equal(tome_frame_identity(s->vm, 0), TOME_PAGE_ABSENT);
	assert_int_equal(tome_frame_identity(s->vm, tome_pa_pfn(68 * MIB)),
	    TOME_PAGE_ABSENT);
	assert_null(tome_page_try(s->vm, tome_pa_pfn(68 * MIB)));
	assert_non_null(tome_page_try(s->vm, tome_pa_pfn(68 * MIB) - 1));
}

/* ---- wiring ---- */

static void
unwire(void *arg)
{
	struct change *c = arg;

	tome_frame_unwire(c->vm, (tome_pfn_t)c->from);
}

static void
test_wire_count(void **state)
{
	struct support *s = *state;
	tome_pfn_t pfn = must_alloc(s->vm, 0);
	const struct tome_page *pg = tome_page(s->vm, pfn);
	struct change c = { .vm = s->vm, .from = (enum tome_identity)pfn };
	const char *why;
	unsigned n = 0;

	while (tome_frame_wire(s->vm, pfn) == TOME_OK)
		n++;
	assert_int_equal(n, 0xffff);
	assert_int_equal(tome_page_wired(pg), 0xffff);
	assert_int_equal(tome_page_identity(pg), TOME_PAGE_ANON);
	while (n-- > 0)
		tome_frame_unwire(s->vm, pfn);
	assert_int_equal(tome_page_wired(pg), 0);
	assert_true(support_panics(unwire, &c, &why));
	((struct tome_page *)pg)->state = TOME_PAGE_ANON;
	tome_frame_free(s->vm, pfn);
}

/* ---- queues ---- */

static void
test_queue_order(void **state)
{
	struct support *s = *state;
	struct tome_queue q;
	tome_pfn_t p[5];
	unsigned i;

	tome_queue_init(&q, 7);
	assert_int_equal(tome_queue_pop(s->vm, &q), TOME_PFN_NONE);
	for (i = 0; i < 5; i++) {
		p[i] = must_alloc(s->vm, 0);
		tome_queue_push(s->vm, &q, p[i]);
	}
	assert_int_equal(q.count, 5);
	tome_queue_remove(s->vm, &q, p[2]);	/* middle, */
	tome_queue_remove(s->vm, &q, p[0]);	/* head, */
	tome_queue_remove(s->vm, &q, p[4]);	/* tail */
	tome_queue_remove(s->vm, &q, p[4]);	/* and gone already */
	assert_int_equal(q.count, 2);
	assert_int_equal(tome_queue_pop(s->vm, &q), p[1]);
	assert_int_equal(tome_queue_pop(s->vm, &q), p[3]);
	assert_int_equal(tome_queue_pop(s->vm, &q), TOME_PFN_NONE);
	for (i = 0; i < 5; i++)
		tome_frame_free(s->vm, p[i]);
}

static void
test_two_queues(void **state)
{
	struct support *s = *state;
	struct tome_queue q[2];
	tome_pfn_t pfn = must_alloc(s->vm, 0);

	tome_queue_init(&q[0], 1);
	tome_queue_init(&q[1], 2);
	tome_queue_push(s->vm, &q[0], pfn);
	tome_queue_remove(s->vm, &q[1], pfn);
	assert_int_equal(q[0].count, 1);
	tome_queue_remove(s->vm, &q[0], pfn);
	tome_queue_push(s->vm, &q[1], pfn);
	assert_int_equal(tome_queue_pop(s->vm, &q[1]), pfn);
	tome_frame_free(s->vm, pfn);
}

static void
push_twice(void *arg)
{
	struct tome_queue q;
	tome_pfn_t pfn = must_alloc(arg, 0);

	tome_queue_init(&q, 1);
	tome_queue_push(arg, &q, pfn);
	tome_queue_push(arg, &q, pfn);
}

static void
test_push_twice_panics(void **state)
{
	struct support *s = *state;
	const char *why;

	assert_true(support_panics(push_twice, s->vm, &why));
	support_drop(s);
}

/* ---- contents ---- */

static void
test_windows(void **state)
{
	struct support *s = *state;
	tome_pfn_t high = must_alloc(s->vm, TOME_FRAME_ZERO);
	tome_pfn_t other = must_alloc(s->vm, TOME_FRAME_ZERO);
	tome_pfn_t direct = must_alloc(s->vm, TOME_FRAME_DIRECT);
	unsigned char *at;

	assert_null(tome_frame_va(s->vm, high));
	assert_non_null(tome_frame_va(s->vm, direct));
	memset(tome_frame_va(s->vm, direct), 0x41, TOME_PAGE_SIZE);
	tome_frame_copy(s->vm, high, direct);
	s->windows_most = 0;
	tome_frame_copy(s->vm, other, high);
	assert_int_equal(s->windows_most, 2);
	at = tome_frame_window(s->vm, other);
	assert_int_equal(at[0], 0x41);
	assert_int_equal(at[TOME_PAGE_SIZE - 1], 0x41);
	assert_int_equal(s->windows, 1);
	tome_frame_window_end(s->vm, other, at);
	at = tome_frame_window(s->vm, direct);
	assert_ptr_equal(at, tome_frame_va(s->vm, direct));
	assert_int_equal(s->windows, 0);
	tome_frame_window_end(s->vm, direct, at);
	tome_frame_zero(s->vm, other);
	tome_frame_copy(s->vm, direct, other);
	assert_int_equal(*(char *)tome_frame_va(s->vm, direct), 0);
	tome_frame_free(s->vm, high);
	tome_frame_free(s->vm, other);
	tome_frame_free(s->vm, direct);
}

static void
test_zero_page(void **state)
{
	struct support *s = *state;
	tome_pfn_t zero = tome_zero_frame(s->vm);
	const unsigned char *at = tome_frame_va(s->vm, zero);
	size_t i;

	assert_int_equal(tome_frame_identity(s->vm, zero), TOME_PAGE_KERNEL);
	for (i = 0; i < TOME_PAGE_SIZE; i++)
		assert_int_equal(at[i], 0);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_every_transition),
		T(test_wrong_from),
		cmocka_unit_test_setup(test_no_reserved_alloc, setup),
		T(test_no_descriptor),
		T(test_wire_count),
		T(test_queue_order),
		T(test_two_queues),
		cmocka_unit_test_setup(test_push_twice_panics, setup),
		T(test_windows),
		T(test_zero_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
