/*
 * test_vmcopy.c - process_vm_readv and process_vm_writev.
 */
#include "rig.h"

#define LISTS (AT - 8 * PG)	/* the caller's arrays */
#define REMOTE (LISTS + 4 * PG)

/* struct iovec, of the space's word size. */
struct vec {
	tome_va_t base, len;
};

struct both {
	struct rig *r;
	struct tome_posix *other;
	struct rig there;
};

static struct both
begin(void **state)
{
	struct both b = { .r = *state };

	b.other = rig_space(b.r);
	b.there = *b.r;
	b.there.p = b.other;
	b.there.map = tome_posix_map(b.other);
	rig_map(b.r, LISTS, 8, RW, ANON);
	rig_map(b.r, AT, 8, RW, ANON);
	rig_map(&b.there, AT, 4, RW, ANON);
	rig_map(&b.there, AT + 5 * PG, 1, PROT_READ, ANON);
	return b;
}

static void
end(struct both *b)
{
	tome_posix_destroy(b->other);
}

static void
lists(struct both *b, const struct vec *l, size_t nl, const struct vec *v,
    size_t nv)
{
	rig_put(b->r, LISTS, l, nl * sizeof *l);
	rig_put(b->r, REMOTE, v, nv * sizeof *v);
}

#define V(at, n) ((struct vec){ (at), (n) })

static void
test_copies(void **state)
{
	struct both b = begin(state);
	uint8_t want[3 * 4096], got[3 * 4096];
	struct vec l[] = { V(AT + 10, 5000), V(0, 0), V(AT + 3 * PG, 3000) };
	struct vec v[] = { V(AT + PG - 100, 100), V(AT + 2 * PG, 7900),
		V(AT, 50) };

	for (size_t i = 0; i < sizeof want; i++)
		want[i] = (uint8_t)(i * 7 + i / 256);
	rig_put(&b.there, AT + PG - 100, want, 100);
	rig_put(&b.there, AT + 2 * PG, want + 100, 7900);
	lists(&b, l, 3, v, 3);
	assert_int_equal(tome_posix_vm_readv(b.r->p, b.there.map, 0, LISTS, 3,
	    REMOTE, 3, 0), 8000);
	rig_get(b.r, AT + 10, got, 5000);
	rig_get(b.r, AT + 3 * PG, got + 5000, 3000);
	assert_memory_equal(got, want, 8000);

	memset(want, 0x5a, sizeof want);
	rig_put(b.r, AT + 10, want, 5000);
	rig_put(b.r, AT + 3 * PG, want, 3000);
	assert_int_equal(tome_posix_vm_writev(b.r->p, b.there.map, 0, LISTS,
	    3, REMOTE, 2, 0), 8000);
	rig_get(&b.there, AT + 2 * PG, got, 7900);
	assert_memory_equal(got, want, 7900);
	assert_int_equal(rig_peek(&b.there, AT + 2 * PG + 7900), 0);
	end(&b);
}

static void
test_partial(void **state)
{
	struct both b = begin(state);
	struct vec l = V(AT, 8 * PG), v = V(AT + 2 * PG, 4 * PG);

	/* Up to the other's hole. */
	lists(&b, &l, 1, &v, 1);
	assert_int_equal(tome_posix_vm_readv(b.r->p, b.there.map, 0, LISTS, 1,
	    REMOTE, 1, 0), 2 * PG);
	/* Nothing at all: the reason. */
	v = V(AT + 4 * PG, PG);
	lists(&b, &l, 1, &v, 1);
	assert_int_equal(tome_posix_vm_readv(b.r->p, b.there.map, 0, LISTS, 1,
	    REMOTE, 1, 0), -EFAULT);
	/* What may be read may not be written. */
	v = V(AT + 5 * PG, PG);
	lists(&b, &l, 1, &v, 1);
	assert_int_equal(tome_posix_vm_readv(b.r->p, b.there.map, 0, LISTS, 1,
	    REMOTE, 1, 0), PG);
	assert_int_equal(tome_posix_vm_writev(b.r->p, b.there.map, 0, LISTS,
	    1, REMOTE, 1, 0), -EFAULT);
	/* The caller's own hole. */
	l = V(AT + 7 * PG, 2 * PG);
	v = V(AT, 2 * PG);
	lists(&b, &l, 1, &v, 1);
	assert_int_equal(tome_posix_vm_readv(b.r->p, b.there.map, 0, LISTS, 1,
	    REMOTE, 1, 0), PG);
	end(&b);
}

static void
test_errors(void **state)
{
	struct both b = begin(state);
	struct vec l[] = { V(AT, PG), V(TOP, PG), V(AT, (tome_va_t)-1) };
	struct vec v[] = { V(AT, PG), V(AT, (tome_va_t)-1), V(AT, 0) };
	tome_va_t none = AT + 64 * PG, l1 = LISTS + sizeof *l;
	tome_va_t l2 = l1 + sizeof *l, r1 = REMOTE + sizeof *v;
	tome_va_t r2 = r1 + sizeof *v;
	struct {
		struct tome_map *other;
		tome_va_t local;
		uint64_t nlocal;
		tome_va_t remote;
		uint64_t nremote, flags;
		long result;
	} c[] = {
		{ b.there.map, LISTS, 1, REMOTE, 1, 1, -EINVAL },
		{ b.there.map, LISTS, 1025, REMOTE, 1, 0, -EINVAL },
		{ b.there.map, LISTS, UINT64_MAX, REMOTE, 1, 0, -EINVAL },
		{ b.there.map, none, 1, REMOTE, 1, 0, -EFAULT },
		{ b.there.map, l1, 1, REMOTE, 1, 0, -EFAULT },
		{ b.there.map, l2, 1, REMOTE, 1, 0, -EINVAL },
		{ b.there.map, LISTS, 1, REMOTE, 1025, 0, -EINVAL },
		{ b.there.map, LISTS, 1, none, 1, 0, -EFAULT },
		{ b.there.map, LISTS, 1, r1, 1, 0, -EINVAL },
		/* Nothing to move: the other is not asked for. */
		{ NULL, LISTS, 0, none, 9999, 0, 0 },
		{ NULL, LISTS, 1, REMOTE, 0, 0, 0 },
		{ NULL, LISTS, 1, r2, 1, 0, 0 },
		{ NULL, LISTS, 1, REMOTE, 1, 0, -ESRCH },
		{ NULL, l2, 1, REMOTE, 1, 0, -EINVAL },
	};

	lists(&b, l, 3, v, 3);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		long got = tome_posix_vm_readv(b.r->p, c[i].other, -ESRCH,
		    c[i].local, c[i].nlocal, c[i].remote, c[i].nremote,
		    c[i].flags);

		if (got != c[i].result)
			fail_msg("case %zu: %ld", i, got);
	}
	end(&b);
}

static void
test_own_space(void **state)
{
	struct rig *r = *state;
	struct vec l = V(AT, 10), v = V(AT + PG, 10);

	rig_map(r, AT, 2, RW, ANON);
	rig_map(r, LISTS, 8, RW, ANON);
	rig_put(r, AT + PG, "elsewhere", 10);
	rig_put(r, LISTS, &l, sizeof l);
	rig_put(r, REMOTE, &v, sizeof v);
	assert_int_equal(tome_posix_vm_readv(r->p, r->map, 0, LISTS, 1,
	    REMOTE, 1, 0), 10);
	assert_int_equal(rig_peek(r, AT), 'e');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_copies),
		RIG_TEST(test_partial),
		RIG_TEST(test_errors),
		RIG_TEST(test_own_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
