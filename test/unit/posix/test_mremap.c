/*
 * test_mremap.c - mremap: errors, growing, shrinking, moving, duplicating.
 */
#include "rig.h"

#define MAY MREMAP_MAYMOVE
#define FIXED (MREMAP_MAYMOVE | MREMAP_FIXED)
#define KEEP (MREMAP_MAYMOVE | MREMAP_DONTUNMAP)
#define TO (AT + 64 * PG)

static long
move(struct rig *r, tome_va_t old, tome_va_t old_len, tome_va_t len,
    unsigned flags, tome_va_t to)
{
	return tome_posix_mremap(r->p, old, old_len, len, flags, to);
}

static void
test_errors(void **state)
{
	static const struct {
		tome_va_t old, old_len, len;
		unsigned flags;
		tome_va_t to;
		long result;
	} c[] = {
		{ AT, PG, PG, 8, 0, -EINVAL },
		{ AT, PG, PG, MREMAP_FIXED, TO, -EINVAL },
		{ AT, PG, PG, MREMAP_DONTUNMAP, 0, -EINVAL },
		{ AT, PG, 2 * PG, KEEP, 0, -EINVAL },
		{ AT + 1, PG, PG, MAY, 0, -EINVAL },
		{ AT, PG, 0, MAY, 0, -EINVAL },
		{ AT, PG, -(tome_va_t)1, MAY, 0, -EINVAL },
		{ AT - PG, PG, PG, MAY, 0, -EFAULT },
		{ AT - PG, PG, 2 * PG, MAY, 0, -EFAULT },
		{ AT, PG, PG, FIXED, TO + 1, -EINVAL },
		{ AT, PG, PG, FIXED, TOP, -EINVAL },
		{ AT, PG, TOP + PG, FIXED, TO, -EINVAL },
		{ AT, 2 * PG, PG, FIXED, AT + PG, -EINVAL },
		{ AT, PG, 2 * PG, FIXED, AT - PG, -EINVAL },
		{ AT, PG, PG, FIXED, AT, -EINVAL },
		{ AT, PG, PG, KEEP, 1, -EINVAL },
		/* Past its end, and over two mappings. */
		{ AT, 5 * PG, 6 * PG, MAY, 0, -EFAULT },
		{ AT, 5 * PG, 5 * PG, FIXED, TO, -EFAULT },
		{ AT + 8 * PG, 2 * PG, 3 * PG, MAY, 0, -EFAULT },
		/* Twice a private one. */
		{ AT, 0, PG, MAY, 0, -EINVAL },
		{ AT, 0, PG, FIXED, AT, -EFAULT },
		/* In the way. */
		{ AT + 8 * PG, PG, 2 * PG, 0, 0, -ENOMEM },
		{ AT, PG, TOP - PG, MAY, 0, -ENOMEM },
		/* Unmapped comes after the flags. */
		{ TO, PG, PG, 8, 0, -EINVAL },
		{ TO, PG, PG, FIXED, TO + 1, -EFAULT },
	};
	struct rig *r = *state;

	rig_map(r, AT, 4, RW, ANON);
	rig_map(r, AT + 8 * PG, 1, RW, ANON);
	rig_map(r, AT + 9 * PG, 1, PROT_READ, ANON);
	assert_true(rig_poke(r, AT, 3));
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		long got = move(r, c[i].old, c[i].old_len, c[i].len,
		    c[i].flags, c[i].to);

		if (got != c[i].result)
			fail_msg("case %zu: %ld", i, got);
		assert_int_equal(rig_peek(r, AT), 3);
		assert_int_equal(rig_region(r, AT).end, AT + 4 * PG);
		assert_false(rig_mapped(r, TO));
	}
}

static void
test_in_place(void **state)
{
	struct rig *r = *state;

	rig_map(r, AT, 4, RW, ANON);
	assert_true(rig_poke(r, AT + 3 * PG, 1));
	assert_int_equal(move(r, AT, 4 * PG, 4 * PG, 0, 0), AT);
	assert_int_equal(move(r, AT, 4 * PG, 6 * PG - 1, 0, 0), AT);
	assert_int_equal(rig_region(r, AT).end, AT + 6 * PG);
	assert_int_equal(rig_peek(r, AT + 3 * PG), 1);
	assert_int_equal(rig_peek(r, AT + 5 * PG), 0);
	assert_int_equal(move(r, AT, 6 * PG, 2 * PG, 0, 0), AT);
	assert_int_equal(rig_region(r, AT).end, AT + 2 * PG);
	/* A shrink passes over other mappings and holes. */
	rig_map(r, AT + 2 * PG, 1, PROT_READ, ANON);
	assert_int_equal(move(r, AT, 8 * PG, PG, 0, 0), AT);
	assert_int_equal(rig_region(r, AT).end, AT + PG);
	assert_false(rig_mapped(r, AT + 2 * PG));
}

static void
test_moves(void **state)
{
	struct rig *r = *state;
	tome_va_t at;

	rig_map(r, AT, 2, RW, ANON);
	rig_map(r, AT + 2 * PG, 1, PROT_READ, ANON);
	rig_map(r, TO, 8, RW, ANON);
	assert_true(rig_poke(r, AT + PG, 5));
	at = (tome_va_t)move(r, AT, 2 * PG, 4 * PG, MAY, 0);
	assert_true(at != AT && at < TOP);
	assert_int_equal(rig_peek(r, at + PG), 5);
	assert_false(rig_mapped(r, AT));
	assert_true(rig_poke(r, TO, 6));
	/* To a place that something is in, and smaller. */
	assert_int_equal(move(r, at, 4 * PG, 2 * PG, FIXED, TO), TO);
	assert_int_equal(rig_peek(r, TO), 0);
	assert_int_equal(rig_peek(r, TO + PG), 5);
	assert_false(rig_mapped(r, at));
	assert_false(rig_mapped(r, at + 3 * PG));
}

static void
test_dontunmap(void **state)
{
	struct rig *r = *state;
	tome_va_t at;

	rig_map(r, AT, 3, RW, ANON);
	assert_true(rig_poke(r, AT + PG, 5));
	at = (tome_va_t)move(r, AT, 3 * PG, 3 * PG, KEEP, 0);
	assert_true(at != AT);
	assert_int_equal(rig_peek(r, at + PG), 5);
	assert_int_equal(rig_peek(r, AT + PG), 0);
	assert_int_equal(move(r, at, 3 * PG, 3 * PG, KEEP | MREMAP_FIXED, TO),
	    TO);
	assert_int_equal(rig_peek(r, TO + PG), 5);
	assert_int_equal(rig_peek(r, at + PG), 0);
}

static void
test_duplicate(void **state)
{
	struct rig *r = *state;
	tome_va_t at;

	rig_map(r, AT, 3, RW, SHANON);
	at = (tome_va_t)move(r, AT + PG, 0, 2 * PG, MAY, 0);
	assert_true(at != AT && at < TOP);
	assert_true(rig_poke(r, at, 8));
	assert_int_equal(rig_peek(r, AT + PG), 8);
	assert_true(rig_mapped(r, AT));
}

static void
test_limits(void **state)
{
	struct rig *r = *state;

	rig_limit(r, 4 * PG, UINT64_MAX, 3 * PG);
	rig_map(r, AT, 2, RW, ANON);
	assert_int_equal(move(r, AT, 2 * PG, 5 * PG, MAY, 0), -ENOMEM);
	assert_int_equal(tome_posix_mlock(r->p, AT, 2 * PG), 0);
	assert_int_equal(move(r, AT, 2 * PG, 4 * PG, MAY, 0), -EAGAIN);
	assert_int_equal(move(r, AT, 2 * PG, 3 * PG, MAY, 0), AT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_errors),
		RIG_TEST(test_in_place),
		RIG_TEST(test_moves),
		RIG_TEST(test_dontunmap),
		RIG_TEST(test_duplicate),
		RIG_TEST(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
