/*
 * test_advise.c - madvise, each advice of Linux 6.1, and minherit.
 */
#include "rig.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Side by side from AT, two pages each, a hole of two after the last. */
enum place { PRIVATE, SHARED, LOCKED, FILE_PRIVATE, FILE_READ, READ_ONLY,
	NO_ACCESS, PLACES };

static tome_va_t
at(enum place i)
{
	return AT + (tome_va_t)i * 4 * PG;
}

static void
map_file(struct rig *r, tome_va_t va, int prot, unsigned flags)
{
	struct tome_posix_file f = { .readable = true, .writable = true };

	assert_int_equal(tome_object_create_anon(r->vm, 8 * PG, NULL, 0,
	    &f.object), TOME_OK);
	assert_int_equal(tome_posix_mmap(r->p, va, 2 * PG, prot,
	    flags | MAP_FIXED, &f, 0), va);
	tome_object_unref(f.object);
}

static void
lay_out(struct rig *r)
{
	rig_map(r, at(PRIVATE), 2, RW, ANON);
	rig_map(r, at(SHARED), 2, RW, SHANON);
	rig_map(r, at(LOCKED), 2, RW, ANON | MAP_LOCKED);
	map_file(r, at(FILE_PRIVATE), RW, MAP_PRIVATE);
	map_file(r, at(FILE_READ), PROT_READ, MAP_SHARED);
	rig_map(r, at(READ_ONLY), 2, PROT_READ, ANON);
	rig_map(r, at(NO_ACCESS), 2, PROT_NONE, ANON);
}

/* What each kind of mapping says to each advice. */
#define I EINVAL
#define A EACCES
static const struct {
	int advice;
	int error[PLACES];	/* private shared locked file read ro none */
} verdict[] = {
	{ MADV_NORMAL, { 0 } },
	{ MADV_RANDOM, { 0 } },
	{ MADV_SEQUENTIAL, { 0 } },
	{ MADV_WILLNEED, { 0 } },
	{ MADV_DONTNEED, { 0, 0, I, 0, 0, 0, 0 } },
	{ MADV_DONTNEED_LOCKED, { 0 } },
	{ MADV_FREE, { 0, I, I, I, I, 0, 0 } },
	{ MADV_REMOVE, { I, 0, I, A, 0, I, I } },
	{ MADV_DONTFORK, { 0 } },
	{ MADV_DOFORK, { 0 } },
	{ MADV_MERGEABLE, { 0 } },
	{ MADV_UNMERGEABLE, { 0 } },
	{ MADV_HUGEPAGE, { 0 } },
	{ MADV_NOHUGEPAGE, { 0 } },
	{ MADV_DONTDUMP, { 0 } },
	{ MADV_DODUMP, { 0 } },
	{ MADV_WIPEONFORK, { 0, I, 0, I, I, 0, 0 } },
	{ MADV_KEEPONFORK, { 0 } },
	{ MADV_COLD, { 0, 0, I, 0, 0, 0, 0 } },
	{ MADV_PAGEOUT, { 0, 0, I, 0, 0, 0, 0 } },
	{ MADV_POPULATE_READ, { 0, 0, 0, 0, 0, 0, I } },
	{ MADV_POPULATE_WRITE, { 0, 0, 0, 0, I, I, I } },
	{ MADV_COLLAPSE, { I, I, I, I, I, I, I } },
	{ MADV_HWPOISON, { I, I, I, I, I, I, I } },
	{ 101, { I, I, I, I, I, I, I } },
	{ 5, { I, I, I, I, I, I, I } },
	{ 7, { I, I, I, I, I, I, I } },
	{ 26, { I, I, I, I, I, I, I } },
	{ -1, { I, I, I, I, I, I, I } },
	{ INT32_MIN, { I, I, I, I, I, I, I } },
};

static void
test_every_advice(void **state)
{
	struct rig *r = *state;

	lay_out(r);
	for (size_t i = 0; i < sizeof verdict / sizeof *verdict; i++) {
		for (enum place p = PRIVATE; p < PLACES; p++) {
			long got = tome_posix_madvise(r->p, at(p), 2 * PG,
			    verdict[i].advice);

			if (got != -verdict[i].error[p])
				fail_msg("advice %d, place %d: %ld",
				    verdict[i].advice, (int)p, got);
		}
	}
}

static void
test_bad_ranges(void **state)
{
	struct rig *r = *state;

	lay_out(r);
	assert_int_equal(tome_posix_madvise(r->p, AT + 1, PG, MADV_NORMAL),
	    -EINVAL);
	assert_int_equal(tome_posix_madvise(r->p, AT, -(tome_va_t)1,
	    MADV_NORMAL), -EINVAL);
	assert_int_equal(tome_posix_madvise(r->p, AT, -(tome_va_t)PG,
	    MADV_NORMAL), -EINVAL);
	assert_int_equal(tome_posix_madvise(r->p, AT + 1, 0, MADV_NORMAL),
	    -EINVAL);
	assert_int_equal(tome_posix_madvise(r->p, AT, 0, 99), -EINVAL);
	assert_int_equal(tome_posix_madvise(r->p, AT - PG, 0, MADV_FREE), 0);
	assert_int_equal(tome_posix_madvise(r->p, TOP, PG, MADV_NORMAL),
	    -ENOMEM);
	assert_int_equal(tome_posix_madvise(r->p, 0, PG, MADV_NORMAL),
	    -ENOMEM);
}

/* Holes are passed over; what does not take it ends the call. */
static void
test_partial(void **state)
{
	struct rig *r = *state;

	lay_out(r);
	assert_true(rig_poke(r, at(PRIVATE), 1));
	assert_int_equal(tome_posix_madvise(r->p, at(PRIVATE), 6 * PG,
	    MADV_DONTNEED), -ENOMEM);
	assert_int_equal(rig_peek(r, at(PRIVATE)), 0);

	assert_true(rig_poke(r, at(PRIVATE), 2));
	assert_true(rig_poke(r, at(LOCKED), 3));
	assert_int_equal(tome_posix_madvise(r->p, at(PRIVATE), 16 * PG,
	    MADV_DONTNEED), -EINVAL);
	assert_int_equal(rig_peek(r, at(PRIVATE)), 0);
	assert_int_equal(rig_peek(r, at(LOCKED)), 3);

	assert_int_equal(tome_posix_madvise(r->p, at(PRIVATE), 8 * PG,
	    MADV_POPULATE_READ), -ENOMEM);
}

static void
test_effects(void **state)
{
	struct rig *r = *state;

	lay_out(r);
	for (enum place p = PRIVATE; p <= FILE_PRIVATE; p++)
		assert_true(rig_poke(r, at(p), 9));
	/* Private content goes; what lies beneath, and the shared, stay. */
	assert_int_equal(tome_posix_madvise(r->p, at(SHARED), PG,
	    MADV_DONTNEED), 0);
	assert_int_equal(rig_peek(r, at(SHARED)), 9);
	assert_int_equal(tome_posix_madvise(r->p, at(FILE_PRIVATE), PG,
	    MADV_DONTNEED), 0);
	assert_int_equal(rig_peek(r, at(FILE_PRIVATE)), 0);
	assert_int_equal(tome_posix_madvise(r->p, at(LOCKED), PG,
	    MADV_DONTNEED_LOCKED), 0);
	assert_int_equal(rig_peek(r, at(LOCKED)), 0);
	assert_int_equal(tome_posix_madvise(r->p, at(SHARED), PG,
	    MADV_REMOVE), 0);
	assert_int_equal(rig_peek(r, at(SHARED)), 0);
	assert_true(rig_poke(r, at(SHARED), 8));
	tome_object_seal(rig_region(r, at(SHARED)).object);
	assert_int_equal(tome_posix_madvise(r->p, at(SHARED), PG,
	    MADV_REMOVE), -EPERM);
	assert_int_equal(rig_peek(r, at(SHARED)), 8);
	assert_int_equal(tome_posix_madvise(r->p, at(PRIVATE), PG,
	    MADV_DONTDUMP), 0);
	assert_true(rig_region(r, at(PRIVATE)).nodump);
	assert_int_equal(tome_posix_madvise(r->p, at(PRIVATE), PG,
	    MADV_DODUMP), 0);
	assert_false(rig_region(r, at(PRIVATE)).nodump);
}

static enum tome_inherit
inherits(struct rig *r, int advice)
{
	assert_int_equal(tome_posix_madvise(r->p, AT, PG, advice), 0);
	return rig_region(r, AT).inherit;
}

static void
test_inheritance(void **state)
{
	struct rig *r = *state;

	rig_map(r, AT, 2, RW, ANON);
	assert_int_equal(inherits(r, MADV_KEEPONFORK), TOME_INHERIT_COPY);
	assert_int_equal(inherits(r, MADV_WIPEONFORK), TOME_INHERIT_ZERO);
	assert_int_equal(inherits(r, MADV_DOFORK), TOME_INHERIT_ZERO);
	assert_int_equal(inherits(r, MADV_KEEPONFORK), TOME_INHERIT_COPY);
	assert_int_equal(inherits(r, MADV_DONTFORK), TOME_INHERIT_NONE);
	assert_int_equal(inherits(r, MADV_KEEPONFORK), TOME_INHERIT_NONE);
	/* The two go side by side. */
	assert_int_equal(inherits(r, MADV_WIPEONFORK), TOME_INHERIT_NONE_ZERO);
	assert_int_equal(inherits(r, MADV_DOFORK), TOME_INHERIT_ZERO);
	assert_int_equal(inherits(r, MADV_DONTFORK), TOME_INHERIT_NONE_ZERO);
	assert_int_equal(inherits(r, MADV_KEEPONFORK), TOME_INHERIT_NONE);
	assert_int_equal(inherits(r, MADV_DOFORK), TOME_INHERIT_COPY);
	assert_int_equal(rig_region(r, AT + PG).inherit, TOME_INHERIT_COPY);
}

static void
test_fork(void **state)
{
	struct rig *r = *state;
	struct tome_posix *child;
	struct rig c = *r;

	rig_map(r, AT, 4, RW, ANON);
	for (unsigned i = 0; i < 4; i++)
		assert_true(rig_poke(r, AT + i * PG, (uint8_t)(i + 1)));
	assert_int_equal(tome_posix_madvise(r->p, AT + PG, PG, MADV_DONTFORK),
	    0);
	assert_int_equal(tome_posix_madvise(r->p, AT + 2 * PG, PG,
	    MADV_WIPEONFORK), 0);
	assert_int_equal(tome_posix_minherit(r->p, AT + 3 * PG, PG, 0), 0);
	assert_int_equal(tome_posix_fork(r->p, &child), TOME_OK);
	c.map = tome_posix_map(child);
	assert_int_equal(rig_peek(&c, AT), 1);
	assert_int_equal(rig_peek(&c, AT + PG), -1);
	assert_int_equal(rig_peek(&c, AT + 2 * PG), 0);
	assert_int_equal(rig_peek(&c, AT + 3 * PG), 4);
	assert_true(rig_poke(&c, AT, 50));
	assert_true(rig_poke(&c, AT + 3 * PG, 51));
	assert_int_equal(rig_peek(r, AT), 1);
	assert_int_equal(rig_peek(r, AT + 2 * PG), 3);
	assert_int_equal(rig_peek(r, AT + 3 * PG), 51);
	tome_posix_destroy(child);
}

static void
test_minherit_errors(void **state)
{
	struct rig *r = *state;

	rig_map(r, AT, 2, RW, ANON);
	assert_int_equal(tome_posix_minherit(r->p, AT, PG, 4), -EINVAL);
	assert_int_equal(tome_posix_minherit(r->p, AT, PG, -1), -EINVAL);
	assert_int_equal(tome_posix_minherit(r->p, AT, -(tome_va_t)1, 1),
	    -EINVAL);
	assert_int_equal(tome_posix_minherit(r->p, 0, PG, 1), -ENOMEM);
	assert_int_equal(tome_posix_minherit(r->p, AT, 4 * PG, 2), -ENOMEM);
	assert_int_equal(tome_posix_minherit(r->p, AT, 0, 1), 0);
	assert_int_equal(tome_posix_minherit(r->p, AT + 5, PG, 3), 0);
	assert_int_equal(rig_region(r, AT).inherit, TOME_INHERIT_ZERO);
	assert_int_equal(rig_region(r, AT + PG).inherit, TOME_INHERIT_ZERO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_every_advice),
		RIG_TEST(test_bad_ranges),
		RIG_TEST(test_partial),
		RIG_TEST(test_effects),
		RIG_TEST(test_inheritance),
		RIG_TEST(test_fork),
		RIG_TEST(test_minherit_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
