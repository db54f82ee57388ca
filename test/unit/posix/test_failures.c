/*
 * test_failures.c - each allocation refused in turn, through a life of calls.
 *
 * Whatever a call answers, the space stays sound, and in the end nothing is
 * left; when nothing is refused any more every call succeeds.
 */
#include "rig.h"

#define OUT (AT - 4 * PG)

static const struct tome_cred me = { .pid = 1, .privileged = true };

/* Out of memory, or done. */
static void
fair(long got)
{
	if (got < 0 && got != -ENOMEM && got != -EAGAIN)
		fail_msg("a call answered %ld", got);
}

static bool
failed(long got, bool *any)
{
	fair(got);
	*any |= got < 0;
	return got < 0;
}

static void
memory(struct rig *r, bool *any)
{
	if (failed(tome_posix_mmap(r->p, AT, 8 * PG, RW, ANON | MAP_FIXED,
	    NULL, 0), any))
		return;
	*any |= !rig_poke(r, AT, 1);
	*any |= !rig_poke(r, AT + 5 * PG, 2);
	failed(tome_posix_mprotect(r->p, AT + 2 * PG, PG, PROT_READ), any);
	failed(tome_posix_munmap(r->p, AT + 6 * PG, PG), any);
	failed(tome_posix_mlock(r->p, AT, 2 * PG), any);
	failed(tome_posix_munlock(r->p, AT, 2 * PG), any);
	failed(tome_posix_madvise(r->p, AT + PG, PG, MADV_DONTFORK), any);
	failed(tome_posix_madvise(r->p, AT, PG, MADV_DONTNEED), any);
	failed(tome_posix_mremap(r->p, AT, PG, 4 * PG, MREMAP_MAYMOVE, 0),
	    any);
	failed(tome_posix_mincore(r->p, AT + 3 * PG, PG, OUT + 64), any);
	if ((tome_va_t)tome_posix_brk(r->p, BRK + 3 * PG) != BRK + 3 * PG)
		*any = true;
	failed(tome_posix_brk(r->p, BRK), any);
}

static void
child(struct rig *r, bool *any)
{
	struct rig c = *r;

	if (tome_posix_fork(r->p, &c.p) != TOME_OK) {
		*any = true;
		return;
	}
	c.map = tome_posix_map(c.p);
	*any |= !rig_poke(&c, OUT, 9);
	*any |= !rig_poke(r, OUT, 8);
	failed(tome_posix_mmap(c.p, AT, PG, RW, ANON | MAP_FIXED, NULL, 0),
	    any);
	tome_posix_destroy(c.p);
}

static void
segment(struct rig *r, bool *any)
{
	int id = (int)tome_posix_shmget(r->p, &me, 0, 3 * PG, 0600);

	if (failed(id, any))
		return;
	if (!failed(tome_posix_shmat(r->p, &me, id, AT + 32 * PG, 0), any)) {
		*any |= !rig_poke(r, AT + 33 * PG, 3);
		failed(tome_posix_shmdt(r->p, &me, AT + 32 * PG), any);
	}
	assert_int_equal(tome_posix_shmctl(r->p, &me, id, 0, 0), 0);
}

static void
test_every_failure(void **state)
{
	struct rig *r = *state;
	bool any = true;

	rig_map(r, OUT, 1, RW, ANON);
	assert_true(rig_poke(r, OUT, 7));
	for (uint64_t n = 1; any; n++) {
		const char *why;

		any = false;
		hosted_fail_alloc(r->machine, NULL, n, false);
		memory(r, &any);
		child(r, &any);
		segment(r, &any);
		/* Some requests have an answer without memory. */
		any |= hosted_allocs(r->machine) >= n;
		hosted_fail_alloc(r->machine, NULL, 0, false);
		why = tome_vm_check(r->vm);
		assert_string_equal(why == NULL ? "" : why, "");
		assert_int_equal(tome_posix_munmap(r->p, LOW, OUT - LOW), 0);
		assert_int_equal(tome_posix_munmap(r->p, AT, TOP - AT), 0);
		assert_int_not_equal(rig_peek(r, OUT), 0);
		assert_int_equal(tome_posix_madvise(r->p, OUT, PG,
		    MADV_DONTNEED), 0);
		assert_true(rig_poke(r, OUT, 7));
		tome_vm_quiesce(r->vm, true);
		assert_true(n < 2000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_every_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
