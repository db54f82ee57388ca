/*
 * test_space.c - brk, msync, mincore, and the locking calls.
 */
#include "rig.h"

/* ---- brk ---- */

static void
test_brk(void **state)
{
	struct rig *r = *state;
	tome_va_t first = (BRK + PG - 1) & ~(PG - 1);

	assert_int_equal(tome_posix_brk(r->p, 0), BRK);
	assert_int_equal(tome_posix_brk(r->p, BRK - 1), BRK);
	assert_int_equal(tome_posix_brk(r->p, BRK + 1), BRK + 1);
	assert_false(rig_mapped(r, first));
	assert_int_equal(tome_posix_brk(r->p, first + 3 * PG + 5),
	    first + 3 * PG + 5);
	assert_true(rig_poke(r, first + 4 * PG - 1, 7));
	assert_int_equal(tome_posix_brk(r->p, first + PG), first + PG);
	assert_false(rig_mapped(r, first + PG));
	assert_int_equal(tome_posix_brk(r->p, first + 4 * PG),
	    first + 4 * PG);
	assert_int_equal(rig_peek(r, first + 4 * PG - 1), 0);
	assert_int_equal(tome_posix_brk(r->p, BRK), BRK);
	assert_false(rig_mapped(r, first));
}

static void
test_brk_refused(void **state)
{
	struct rig *r = *state;
	tome_va_t first = (BRK + PG - 1) & ~(PG - 1);

	assert_int_equal(tome_posix_brk(r->p, TOP + PG), BRK);
	assert_int_equal(tome_posix_brk(r->p, -(tome_va_t)1), BRK);
	/* Something in the way, and the page before it. */
	rig_map(r, first + 4 * PG, 1, RW, ANON);
	assert_int_equal(tome_posix_brk(r->p, first + 6 * PG), BRK);
	assert_int_equal(tome_posix_brk(r->p, first + 4 * PG), BRK);
	assert_int_equal(tome_posix_brk(r->p, first + 3 * PG), first + 3 * PG);
	/* RLIMIT_DATA counts the program's three pages too. */
	rig_limit(r, UINT64_MAX, 5 * PG, UINT64_MAX);
	assert_int_equal(tome_posix_brk(r->p, BRK + 2 * PG), BRK + 2 * PG);
	assert_int_equal(tome_posix_brk(r->p, BRK + 2 * PG + 1),
	    BRK + 2 * PG);
	rig_limit(r, 3 * PG, UINT64_MAX, UINT64_MAX);
	assert_int_equal(tome_posix_brk(r->p, BRK + 4 * PG), BRK + 2 * PG);
}

static void
test_break_is_inherited(void **state)
{
	struct rig *r = *state;
	struct tome_posix *child;
	tome_va_t start, now;

	assert_int_equal(tome_posix_brk(r->p, BRK + PG), BRK + PG);
	assert_int_equal(tome_posix_fork(r->p, &child), TOME_OK);
	assert_int_equal(tome_posix_brk(child, BRK + 9 * PG), BRK + 9 * PG);
	tome_posix_break(child, &start, &now);
	assert_int_equal(start, BRK);
	assert_int_equal(now, BRK + 9 * PG);
	assert_int_equal(tome_posix_brk(r->p, 0), BRK + PG);
	tome_posix_destroy(child);
}

/* ---- msync ---- */

static void
test_msync(void **state)
{
	static const struct {
		tome_va_t addr, len;
		int flags;
		long result;
	} c[] = {
		{ AT, PG, 8, -EINVAL },
		{ AT + 1, PG, MS_SYNC, -EINVAL },
		{ AT, PG, MS_SYNC | MS_ASYNC, -EINVAL },
		{ AT, PG, 0, 0 },
		{ AT, 2 * PG, MS_ASYNC, 0 },
		{ AT, 2 * PG - 5, MS_SYNC | MS_INVALIDATE, 0 },
		{ AT, 0, MS_SYNC, 0 },
		{ AT, -PG, MS_SYNC, -ENOMEM },
		{ AT, 3 * PG, MS_SYNC, -ENOMEM },
		{ AT, 3 * PG, MS_ASYNC, -ENOMEM },
		{ AT + 2 * PG, PG, MS_SYNC, -ENOMEM },
		{ TOP, PG, MS_SYNC, -ENOMEM },
		{ AT + 4 * PG, PG, MS_INVALIDATE, -EBUSY },
		{ AT + 4 * PG, PG, MS_SYNC, 0 },
		{ AT, 6 * PG, MS_INVALIDATE | MS_ASYNC, -EBUSY },
		/* ASYNC alone stops at the first hole. */
		{ AT, 6 * PG, MS_ASYNC, -ENOMEM },
	};
	struct rig *r = *state;

	rig_map(r, AT, 2, RW, SHANON);
	rig_map(r, AT + 4 * PG, 2, RW, SHANON | MAP_LOCKED);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		long got = tome_posix_msync(r->p, c[i].addr, c[i].len,
		    c[i].flags);

		if (got != c[i].result)
			fail_msg("case %zu: %ld", i, got);
	}
}

/* ---- mincore ---- */

static void
test_mincore(void **state)
{
	struct rig *r = *state;
	tome_va_t vec = AT - 4 * PG;
	uint8_t v[400];

	rig_map(r, vec, 2, RW, ANON);
	rig_map(r, AT, 400, RW, ANON);
	for (unsigned i = 0; i < 400; i += 3)
		assert_true(rig_poke(r, AT + i * PG, 1));
	assert_int_equal(tome_posix_mincore(r->p, AT, 400 * PG - 7, vec + 1),
	    0);
	rig_get(r, vec + 1, v, 400);
	for (unsigned i = 0; i < 400; i++)
		assert_int_equal(v[i] & 1, i % 3 == 0);
	assert_int_equal(rig_peek(r, vec), 0);
	assert_int_equal(rig_peek(r, vec + 401), 0);
}

static void
test_mincore_errors(void **state)
{
	static const struct {
		tome_va_t addr, len, vec;
		long result;
	} c[] = {
		{ AT + 1, PG, AT, -EINVAL },
		{ AT, TOP, AT, -ENOMEM },
		{ TOP + PG, PG, AT, -ENOMEM },
		{ AT, -(tome_va_t)1, AT, -ENOMEM },
		{ AT, PG, TOP, -EFAULT },
		{ AT, PG, AT + 8 * PG, -EFAULT },
		{ AT, PG, AT + 4 * PG, -EFAULT },
		{ AT, 3 * PG, AT, -ENOMEM },
		{ AT - PG, PG, AT, -ENOMEM },
		{ 0, PG, AT, -ENOMEM },
		{ AT, 0, AT, 0 },
		{ AT + 1, 0, 0, -EINVAL },
		{ AT, PG, AT, 0 },
	};
	struct rig *r = *state;

	rig_map(r, AT, 2, RW, ANON);
	rig_map(r, AT + 4 * PG, 1, PROT_READ, ANON);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		long got = tome_posix_mincore(r->p, c[i].addr, c[i].len,
		    c[i].vec);

		if (got != c[i].result)
			fail_msg("case %zu: %ld", i, got);
	}
}

/* ---- mlock ---- */

static uint64_t
locked(struct rig *r)
{
	struct tome_map_totals t;

	tome_map_totals(r->map, &t);
	return t.locked_pages;
}

static void
test_mlock(void **state)
{
	struct rig *r = *state;
	struct tome_map_totals t;

	rig_map(r, AT, 4, RW, ANON);
	assert_int_equal(tome_posix_mlock(r->p, AT + PG + 5, PG), 0);
	assert_int_equal(locked(r), 2);
	tome_map_totals(r->map, &t);
	assert_int_equal(t.resident_pages, 2);
	assert_int_equal(tome_posix_mlock2(r->p, AT, 4 * PG, MLOCK_ONFAULT),
	    0);
	assert_int_equal(locked(r), 4);
	assert_true(rig_region(r, AT).onfault);
	assert_int_equal(tome_posix_munlock(r->p, AT + 2 * PG, 1), 0);
	assert_int_equal(locked(r), 3);
	assert_int_equal(tome_posix_mlock(r->p, AT, 0), 0);
	assert_int_equal(tome_posix_munlock(r->p, AT, 0), 0);
	assert_int_equal(tome_posix_munlockall(r->p), 0);
	assert_int_equal(locked(r), 0);
}

static void
test_mlock_errors(void **state)
{
	struct rig *r = *state;

	rig_map(r, AT, 4, RW, ANON);
	rig_map(r, AT + 8 * PG, 1, PROT_NONE, ANON);
	assert_int_equal(tome_posix_mlock2(r->p, AT, PG, 2), -EINVAL);
	assert_int_equal(tome_posix_mlock(r->p, AT, -(tome_va_t)PG), -EINVAL);
	assert_int_equal(tome_posix_munlock(r->p, AT, -(tome_va_t)PG),
	    -EINVAL);
	assert_int_equal(tome_posix_mlock(r->p, AT + 4 * PG, PG), -ENOMEM);
	assert_int_equal(tome_posix_munlock(r->p, AT + 4 * PG, PG), -ENOMEM);
	assert_int_equal(tome_posix_mlock(r->p, TOP, PG), -ENOMEM);
	assert_int_equal(tome_posix_mlock(r->p, 0, PG), -ENOMEM);
	assert_int_equal(tome_posix_mlock(r->p, AT + 8 * PG, PG), -ENOMEM);
	assert_int_equal(tome_posix_munlockall(r->p), 0);

	rig_limit(r, UINT64_MAX, UINT64_MAX, 2 * PG);
	assert_int_equal(tome_posix_mlock(r->p, AT, 3 * PG), -ENOMEM);
	assert_int_equal(tome_posix_mlock(r->p, AT, -(tome_va_t)PG), -ENOMEM);
	assert_int_equal(tome_posix_mlock(r->p, AT, 2 * PG), 0);
	/* The same pages again cost nothing. */
	assert_int_equal(tome_posix_mlock(r->p, AT, 2 * PG), 0);
	assert_int_equal(tome_posix_mlock(r->p, AT + 2 * PG, PG), -ENOMEM);
	assert_int_equal(tome_posix_mmap(r->p, 0, PG, RW, ANON | MAP_LOCKED,
	    NULL, 0), -EAGAIN);
	assert_int_equal(tome_posix_munlockall(r->p), 0);

	rig_limit(r, UINT64_MAX, UINT64_MAX, 0);
	assert_int_equal(tome_posix_mlock(r->p, AT, PG), -EPERM);
	assert_int_equal(tome_posix_mlock(r->p, 0, PG), -EPERM);
	assert_int_equal(tome_posix_mlock2(r->p, AT, PG, 2), -EINVAL);
	assert_int_equal(tome_posix_mlockall(r->p, MCL_CURRENT), -EPERM);
	assert_int_equal(tome_posix_mlockall(r->p, MCL_ONFAULT), -EINVAL);
	assert_int_equal(tome_posix_mmap(r->p, 0, PG, RW, ANON | MAP_LOCKED,
	    NULL, 0), -EPERM);
	assert_int_equal(tome_posix_munlock(r->p, AT, PG), 0);
	assert_int_equal(tome_posix_munlockall(r->p), 0);
}

static void
test_privileged(void **state)
{
	struct rig *r = *state;
	struct tome_posix_limits limits = { UINT64_MAX, UINT64_MAX, 0,
		UINT64_MAX, true };

	tome_posix_set_limits(r->p, &limits);
	rig_map(r, AT, 4, RW, ANON);
	assert_int_equal(tome_posix_mlock(r->p, AT, 4 * PG), 0);
	assert_int_equal(tome_posix_mlockall(r->p, MCL_CURRENT | MCL_FUTURE),
	    0);
}

static void
test_mlockall(void **state)
{
	struct rig *r = *state;
	struct tome_posix *child;

	rig_map(r, AT, 2, RW, ANON);
	assert_int_equal(tome_posix_mlockall(r->p, 0), -EINVAL);
	assert_int_equal(tome_posix_mlockall(r->p, 8 | MCL_CURRENT), -EINVAL);
	assert_int_equal(tome_posix_mlockall(r->p, MCL_ONFAULT), -EINVAL);
	assert_int_equal(tome_posix_mlockall(r->p, MCL_FUTURE), 0);
	assert_int_equal(locked(r), 0);
	rig_map(r, AT + 4 * PG, 2, RW, ANON);
	assert_int_equal(locked(r), 2);
	assert_int_equal(tome_posix_brk(r->p, BRK + PG), BRK + PG);
	assert_int_equal(locked(r), 3);
	/* CURRENT alone ends FUTURE. */
	assert_int_equal(tome_posix_mlockall(r->p, MCL_CURRENT), 0);
	assert_int_equal(locked(r), 5);
	rig_map(r, AT + 8 * PG, 1, RW, ANON);
	assert_int_equal(locked(r), 5);
	/* A child inherits neither. */
	assert_int_equal(tome_posix_mlockall(r->p, MCL_FUTURE | MCL_ONFAULT),
	    0);
	assert_int_equal(tome_posix_fork(r->p, &child), TOME_OK);
	assert_int_equal(tome_posix_mmap(child, AT + 16 * PG, PG, RW,
	    ANON | MAP_FIXED, NULL, 0), AT + 16 * PG);
	{
		struct tome_map_totals t;

		tome_map_totals(tome_posix_map(child), &t);
		assert_int_equal(t.locked_pages, 0);
	}
	tome_posix_destroy(child);
	rig_limit(r, UINT64_MAX, UINT64_MAX, 2 * PG);
	assert_int_equal(tome_posix_mlockall(r->p, MCL_CURRENT), -ENOMEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_brk),
		RIG_TEST(test_brk_refused),
		RIG_TEST(test_break_is_inherited),
		RIG_TEST(test_msync),
		RIG_TEST(test_mincore),
		RIG_TEST(test_mincore_errors),
		RIG_TEST(test_mlock),
		RIG_TEST(test_mlock_errors),
		RIG_TEST(test_privileged),
		RIG_TEST(test_mlockall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
