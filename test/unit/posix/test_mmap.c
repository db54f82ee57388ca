/*
 * test_mmap.c - mmap, munmap, mprotect: every errno, in Linux's order.
 */
#include "rig.h"

#define MAP_UNKNOWN 0x0200

/* Kinds of descriptor. */
enum fd { NONE, READ_WRITE, READ_ONLY, WRITE_ONLY, APPEND, NOEXEC, NODEV, ZERO,
	SEALED, FUTURE, FDS };

static void
make_files(struct rig *r, struct tome_posix_file *f)
{
	struct tome_object *ob;

	memset(f, 0, FDS * sizeof *f);
	assert_int_equal(tome_object_create_anon(r->vm, 8 * PG, NULL, 0, &ob),
	    TOME_OK);
	for (int i = 0; i < FDS; i++)
		f[i] = (struct tome_posix_file){ .object = ob,
			.readable = i != WRITE_ONLY,
			.writable = i != READ_ONLY, .append = i == APPEND,
			.noexec = i == NOEXEC, .zero = i == ZERO };
	f[NODEV].object = f[ZERO].object = NULL;
	f[SEALED].seals = F_SEAL_WRITE;
	f[FUTURE].seals = F_SEAL_FUTURE_WRITE;
}

struct bad {
	tome_va_t addr, len;
	int prot;
	unsigned flags;
	enum fd fd;
	uint64_t off;
	int error;
};

#define X PROT_EXEC
#define S MAP_SHARED
#define P MAP_PRIVATE
#define SV MAP_SHARED_VALIDATE
#define FIX MAP_FIXED
#define NR MAP_FIXED_NOREPLACE
#define A MAP_ANONYMOUS

static const struct bad bad[] = {
	/* One mistake each. */
	{ 0, 0, RW, P | A, NONE, 0, EINVAL },
	{ 0, PG, RW, P | A, NONE, 1, EINVAL },
	{ 0, -(tome_va_t)1, RW, P | A, NONE, 0, ENOMEM },
	{ 0, TOP + PG, RW, P | A, NONE, 0, ENOMEM },
	{ 0, TOP, RW, P | A, NONE, 0, ENOMEM },
	{ AT + 1, PG, RW, P | A | FIX, NONE, 0, EINVAL },
	{ TOP, PG, RW, P | A | FIX, NONE, 0, ENOMEM },
	{ TOP - PG, 2 * PG, RW, P | A | FIX, NONE, 0, ENOMEM },
	{ -PG, PG, RW, P | A | FIX, NONE, 0, ENOMEM },
	{ 0, PG, RW, P | A | FIX, NONE, 0, EPERM },
	{ LOW - PG, PG, RW, P | A | FIX, NONE, 0, EPERM },
	{ AT, PG, RW, P | A | NR, NONE, 0, EEXIST },
	{ AT - PG, 2 * PG, RW, P | A | NR, NONE, 0, EEXIST },
	{ 0, PG, RW, A, NONE, 0, EINVAL },
	{ 0, PG, RW, SV | A, NONE, 0, EINVAL },
	{ 0, PG, RW, 4 | A, NONE, 0, EINVAL },
	{ 0, PG, RW, S | A | MAP_GROWSDOWN, NONE, 0, EINVAL },
	{ 0, PG, RW, P, NONE, 0, EBADF },
	{ 0, PG, RW, 0, READ_WRITE, 0, EINVAL },
	{ 0, PG, RW, P | MAP_GROWSDOWN, READ_WRITE, 0, EINVAL },
	{ 0, PG, RW, SV | MAP_UNKNOWN, READ_WRITE, 0, EOPNOTSUPP },
	{ 0, PG, RW, SV | MAP_SYNC, READ_WRITE, 0, EOPNOTSUPP },
	{ 0, PG, RW, S, READ_ONLY, 0, EACCES },
	{ 0, PG, RW, SV, READ_ONLY, 0, EACCES },
	{ 0, PG, PROT_READ, P, WRITE_ONLY, 0, EACCES },
	{ 0, PG, PROT_READ, S, WRITE_ONLY, 0, EACCES },
	{ 0, PG, PROT_READ, S, APPEND, 0, EACCES },
	{ 0, PG, RW | X, P, NOEXEC, 0, EPERM },
	{ 0, PG, RW, P, NODEV, 0, ENODEV },
	{ 0, PG, RW, S, SEALED, 0, EPERM },
	{ 0, PG, PROT_READ, S, SEALED, 0, EPERM },
	{ 0, PG, RW, S, FUTURE, 0, EPERM },
	{ 0, PG, RW, P, READ_WRITE, -(uint64_t)PG, EOVERFLOW },
	{ 0, PG, RW, P, READ_WRITE, INT64_MAX & ~((uint64_t)PG - 1),
	    EOVERFLOW },
	{ 0, PG, RW, P | A | MAP_HUGETLB, NONE, 0, ENOMEM },
	{ 0, PG, RW, P | A | MAP_HUGETLB | 21u << 26, NONE, 0, ENOMEM },
	{ 0, PG, RW, P | A | MAP_HUGETLB | 5u << 26, NONE, 0, EINVAL },
	{ 0, PG, RW, P | MAP_HUGETLB, READ_WRITE, 0, EINVAL },
	/* Two: the earlier check wins. */
	{ 0, 0, RW, P, NONE, 1, EINVAL },
	{ 0, 0, RW, P, NONE, 0, EBADF },
	{ AT + 1, 0, RW, FIX, READ_WRITE, 0, EINVAL },
	{ AT + 1, PG, RW, S | FIX, READ_ONLY, 0, EINVAL },
	{ TOP + 1, PG, RW, S | FIX, READ_ONLY, 0, ENOMEM },
	{ AT, PG, RW, S | NR, READ_ONLY, 0, EEXIST },
	{ 0, PG, RW, S, READ_ONLY, -(uint64_t)PG, EOVERFLOW },
	{ 0, PG, RW, SV | MAP_UNKNOWN, READ_ONLY, 0, EOPNOTSUPP },
	{ 0, PG, RW | X, S, NODEV, 0, ENODEV },
	{ 0, PG, PROT_WRITE, S, WRITE_ONLY, 0, EACCES },
};

static void
test_bad_mmap(void **state)
{
	struct rig *r = *state;
	struct tome_posix_file file[FDS];
	struct tome_region before, after;

	make_files(r, file);
	rig_map(r, AT, 1, RW, ANON);
	assert_true(rig_poke(r, AT, 7));
	before = rig_region(r, AT);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct bad *b = &bad[i];
		long got = tome_posix_mmap(r->p, b->addr, b->len, b->prot,
		    b->flags, b->fd == NONE ? NULL : &file[b->fd], b->off);

		if (got != -b->error)
			fail_msg("case %zu: %ld, not %d", i, got, -b->error);
		after = rig_region(r, AT);
		assert_memory_equal(&before, &after, sizeof after);
		assert_int_equal(rig_peek(r, AT), 7);
	}
	tome_object_unref(file[READ_WRITE].object);
}

/* Unknown flags are ignored, but where SHARED_VALIDATE asks. */
static void
test_flags_ignored(void **state)
{
	struct rig *r = *state;
	struct tome_posix_file file[FDS];

	make_files(r, file);
	assert_true(tome_posix_mmap(r->p, 0, PG, RW, P | A | MAP_UNKNOWN, NULL,
	    0) > 0);
	assert_true(tome_posix_mmap(r->p, 0, PG, RW, S | MAP_UNKNOWN,
	    &file[READ_WRITE], 0) > 0);
	assert_true(tome_posix_mmap(r->p, 0, PG, RW | 0x40, P | MAP_DENYWRITE |
	    MAP_STACK | MAP_EXECUTABLE, &file[READ_WRITE], 0) > 0);
	assert_true(tome_posix_mmap(r->p, 0, PG, RW, SV | MAP_POPULATE,
	    &file[READ_WRITE], 0) > 0);
	tome_object_unref(file[READ_WRITE].object);
}

static void
test_hints(void **state)
{
	struct rig *r = *state;
	tome_va_t a;

	assert_int_equal(tome_posix_mmap(r->p, AT + 5, 1, RW, ANON, NULL, 0),
	    AT);
	a = (tome_va_t)tome_posix_mmap(r->p, AT, PG, RW, ANON, NULL, 0);
	assert_true(a != AT && a >= LOW && a < TOP);
	assert_int_equal(tome_posix_mmap(r->p, PG, PG, RW, ANON, NULL, 0),
	    LOW);
	assert_true(tome_posix_mmap(r->p, TOP, PG, RW, ANON, NULL, 0) > 0);
	a = (tome_va_t)tome_posix_mmap(r->p, 0, PG, RW, ANON | MAP_32BIT,
	    NULL, 0);
	assert_true(a + PG <= (tome_va_t)1 << 31);
}

static void
test_contents(void **state)
{
	struct rig *r = *state;
	struct tome_posix_file file[FDS];
	tome_va_t shared = AT, private = AT + 16 * PG;

	make_files(r, file);
	assert_int_equal(tome_posix_mmap(r->p, shared, 8 * PG, RW, S | FIX,
	    &file[READ_WRITE], 0), shared);
	assert_int_equal(tome_posix_mmap(r->p, private, 4 * PG, RW, P | FIX,
	    &file[READ_ONLY], 2 * PG), private);
	assert_true(rig_poke(r, shared + 3 * PG, 9));
	assert_int_equal(rig_peek(r, private + PG), 9);
	assert_true(rig_poke(r, private + PG, 4));
	assert_int_equal(rig_peek(r, shared + 3 * PG), 9);
	assert_int_equal(rig_peek(r, private + PG), 4);
	assert_int_equal(tome_posix_mmap(r->p, shared, PG, RW, P | FIX,
	    &file[ZERO], 5 * PG), shared);
	assert_int_equal(rig_peek(r, shared), 0);
	assert_null(rig_region(r, shared).object);
	tome_object_unref(file[READ_WRITE].object);
}

/* What a mapping may become is fixed by how the file was opened. */
static void
test_rights_to_come(void **state)
{
	struct rig *r = *state;
	struct tome_posix_file file[FDS];
	static const struct {
		enum fd fd;
		unsigned flags;
		int more;
		long result;
	} c[] = {
		{ READ_ONLY, S, PROT_WRITE, -EACCES },
		{ READ_ONLY, P, PROT_WRITE, 0 },
		{ READ_WRITE, S, PROT_WRITE, 0 },
		{ FUTURE, S, PROT_WRITE, -EACCES },
		{ NOEXEC, P, PROT_EXEC, -EACCES },
		{ READ_WRITE, S, PROT_EXEC, 0 },
	};

	make_files(r, file);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		assert_int_equal(tome_posix_mmap(r->p, AT, PG, PROT_READ,
		    c[i].flags | FIX, &file[c[i].fd], 0), AT);
		assert_int_equal(tome_posix_mprotect(r->p, AT, PG,
		    (unsigned)(PROT_READ | c[i].more)), c[i].result);
		assert_int_equal(tome_posix_munmap(r->p, AT, PG), 0);
	}
	tome_object_unref(file[READ_WRITE].object);
}

static void
test_limits(void **state)
{
	struct rig *r = *state;

	rig_limit(r, 4 * PG, UINT64_MAX, UINT64_MAX);
	assert_int_equal(tome_posix_mmap(r->p, 0, 5 * PG, RW, ANON, NULL, 0),
	    -ENOMEM);
	rig_map(r, AT, 3, RW, ANON);
	assert_int_equal(tome_posix_mmap(r->p, 0, 2 * PG, RW, ANON, NULL, 0),
	    -ENOMEM);
	/* What is replaced does not count. */
	rig_map(r, AT, 4, RW, ANON);
	assert_int_equal(tome_posix_munmap(r->p, AT, 4 * PG), 0);
	rig_limit(r, UINT64_MAX, 2 * PG, UINT64_MAX);
	assert_int_equal(tome_posix_mmap(r->p, 0, 3 * PG, RW, ANON, NULL, 0),
	    -ENOMEM);
	assert_true(tome_posix_mmap(r->p, 0, 3 * PG, RW, SHANON, NULL, 0) > 0);
	assert_true(tome_posix_mmap(r->p, 0, 3 * PG, PROT_READ, ANON, NULL,
	    0) > 0);
}

/* ---- munmap ---- */

static void
test_munmap(void **state)
{
	struct rig *r = *state;

	rig_map(r, AT, 4, RW, ANON);
	assert_int_equal(tome_posix_munmap(r->p, AT + 1, PG), -EINVAL);
	assert_int_equal(tome_posix_munmap(r->p, AT, 0), -EINVAL);
	assert_int_equal(tome_posix_munmap(r->p, AT, TOP), -EINVAL);
	assert_int_equal(tome_posix_munmap(r->p, TOP + PG, PG), -EINVAL);
	assert_int_equal(tome_posix_munmap(r->p, AT, -(tome_va_t)1), -EINVAL);
	assert_true(rig_mapped(r, AT + 3 * PG));
	assert_int_equal(tome_posix_munmap(r->p, AT + PG, 1), 0);
	assert_true(rig_mapped(r, AT));
	assert_false(rig_mapped(r, AT + PG));
	assert_true(rig_mapped(r, AT + 2 * PG));
	/* Holes are fine, and so is where nothing can be. */
	assert_int_equal(tome_posix_munmap(r->p, AT - PG, 8 * PG), 0);
	assert_int_equal(tome_posix_munmap(r->p, 0, PG), 0);
	assert_int_equal(tome_posix_munmap(r->p, 0, TOP), 0);
	assert_false(rig_mapped(r, AT));
}

/* ---- mprotect ---- */

#define DOWN PROT_GROWSDOWN
#define UP PROT_GROWSUP

static void
test_bad_mprotect(void **state)
{
	static const struct {
		tome_va_t addr, len;
		unsigned prot;
		long result;
	} c[] = {
		{ AT + 1, PG, PROT_READ, -EINVAL },
		{ AT, PG, DOWN | UP, -EINVAL },
		{ AT + 1, 0, PROT_READ, -EINVAL },
		{ AT, 0, 0x40, 0 },
		{ AT, PG, 0x40, -EINVAL },
		{ AT, -(tome_va_t)1, PROT_READ, -ENOMEM },
		{ AT, -AT, PROT_READ, -ENOMEM },
		{ 0, PG, PROT_READ, -ENOMEM },
		{ AT - PG, 2 * PG, PROT_READ, -ENOMEM },
		{ TOP, PG, PROT_READ, -ENOMEM },
		{ AT, PG, PROT_READ | DOWN, -EINVAL },
		{ AT, PG, PROT_READ | UP, -EINVAL },
		{ AT - PG, PG, PROT_READ | DOWN, -ENOMEM },
		{ AT - PG, PG, PROT_READ | UP, -ENOMEM },
		{ AT - PG, 2 * PG, PROT_READ | DOWN, -EINVAL },
	};
	struct rig *r = *state;

	rig_map(r, AT, 4, RW, ANON);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		long got = tome_posix_mprotect(r->p, c[i].addr, c[i].len,
		    c[i].prot);

		if (got != c[i].result)
			fail_msg("case %zu: %ld", i, got);
		assert_int_equal(rig_region(r, AT).prot, RW);
		assert_int_equal(rig_region(r, AT).end, AT + 4 * PG);
	}
}

/* Up to the hole it is done. */
static void
test_mprotect_hole(void **state)
{
	struct rig *r = *state;

	rig_map(r, AT, 5, RW, ANON);
	assert_int_equal(tome_posix_munmap(r->p, AT + 2 * PG, PG), 0);
	assert_int_equal(tome_posix_mprotect(r->p, AT, 5 * PG, PROT_READ),
	    -ENOMEM);
	assert_int_equal(rig_region(r, AT + PG).prot, PROT_READ);
	assert_int_equal(rig_region(r, AT + 3 * PG).prot, RW);
	assert_false(rig_poke(r, AT, 1));
	assert_true(rig_poke(r, AT + 4 * PG, 1));
}

static void
test_mprotect_growsdown(void **state)
{
	struct rig *r = *state;

	rig_map(r, AT, 4, RW, ANON | MAP_GROWSDOWN);
	assert_int_equal(tome_posix_mprotect(r->p, AT + 2 * PG, PG,
	    PROT_READ | PROT_GROWSDOWN), 0);
	assert_int_equal(rig_region(r, AT).prot, PROT_READ);
	assert_int_equal(rig_region(r, AT + 2 * PG).prot, PROT_READ);
	assert_int_equal(rig_region(r, AT + 3 * PG).prot, RW);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_bad_mmap),
		RIG_TEST(test_flags_ignored),
		RIG_TEST(test_hints),
		RIG_TEST(test_contents),
		RIG_TEST(test_rights_to_come),
		RIG_TEST(test_limits),
		RIG_TEST(test_munmap),
		RIG_TEST(test_bad_mprotect),
		RIG_TEST(test_mprotect_hole),
		RIG_TEST(test_mprotect_growsdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
