/*
 * test_memfd.c - memfd_create's checks, and the rules of seals.
 */
#include "rig.h"

#define NAME AT

static long
create(struct rig *r, tome_va_t uname, unsigned flags, char *name,
    unsigned *seals)
{
	struct tome_object *ob;
	long err = tome_posix_memfd(r->p, uname, flags, name, seals, &ob);

	if (err == 0) {
		assert_int_equal(tome_object_size(ob), 0);
		tome_object_unref(ob);
	}
	return err;
}

static void
test_create(void **state)
{
	struct rig *r = *state;
	char name[TOME_MEMFD_NAME + 1], longest[TOME_MEMFD_NAME + 2];
	unsigned seals;

	memset(longest, 'x', sizeof longest);
	rig_map(r, NAME, 1, RW, ANON);
	rig_put(r, NAME, "thing", 6);
	assert_int_equal(create(r, NAME, 0, name, &seals), 0);
	assert_string_equal(name, "thing");
	assert_int_equal(seals, F_SEAL_SEAL);
	assert_int_equal(create(r, NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING,
	    name, &seals), 0);
	assert_int_equal(seals, 0);
	assert_int_equal(create(r, NAME, 8, name, &seals), -EINVAL);
	assert_int_equal(create(r, NAME, 21u << 26, name, &seals), -EINVAL);
	assert_int_equal(create(r, NAME, MFD_HUGETLB, name, &seals), -ENOMEM);
	assert_int_equal(create(r, NAME, MFD_HUGETLB | 5u << 26, name,
	    &seals), -ENODEV);
	assert_int_equal(create(r, 0, 0, name, &seals), -EFAULT);
	assert_int_equal(create(r, 0, 8, name, &seals), -EINVAL);
	rig_put(r, NAME, longest, sizeof longest);
	assert_int_equal(create(r, NAME, 0, name, &seals), -EINVAL);
	rig_put(r, NAME + TOME_MEMFD_NAME, "", 1);
	assert_int_equal(create(r, NAME, 0, name, &seals), 0);
	assert_int_equal(strlen(name), TOME_MEMFD_NAME);
}

static void
test_seals(void **state)
{
	unsigned seals = 0;

	(void)state;
	assert_int_equal(tome_posix_add_seals(&seals, F_SEAL_GROW, false,
	    false), -EPERM);
	assert_int_equal(tome_posix_add_seals(&seals, 0x100, true, false),
	    -EINVAL);
	assert_int_equal(tome_posix_add_seals(&seals, F_SEAL_WRITE, true,
	    true), -EBUSY);
	assert_int_equal(seals, 0);
	assert_int_equal(tome_posix_add_seals(&seals, F_SEAL_GROW, true,
	    true), 0);
	assert_int_equal(tome_posix_add_seals(&seals, F_SEAL_WRITE |
	    F_SEAL_SEAL, true, false), 0);
	assert_int_equal(seals, F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	assert_int_equal(tome_posix_add_seals(&seals, F_SEAL_SHRINK, true,
	    false), -EPERM);
}

static void
test_what_seals_forbid(void **state)
{
	(void)state;
	assert_int_equal(tome_posix_may_write(0, 9, 4), 0);
	assert_int_equal(tome_posix_may_write(F_SEAL_GROW, 4, 4), 0);
	assert_int_equal(tome_posix_may_write(F_SEAL_GROW, 5, 4), -EPERM);
	assert_int_equal(tome_posix_may_write(F_SEAL_WRITE, 1, 4), -EPERM);
	assert_int_equal(tome_posix_may_write(F_SEAL_FUTURE_WRITE, 1, 4),
	    -EPERM);
	assert_int_equal(tome_posix_may_write(F_SEAL_SHRINK, 1, 4), 0);
	assert_int_equal(tome_posix_may_resize(F_SEAL_SHRINK, 4, 3), -EPERM);
	assert_int_equal(tome_posix_may_resize(F_SEAL_SHRINK, 4, 5), 0);
	assert_int_equal(tome_posix_may_resize(F_SEAL_GROW, 4, 5), -EPERM);
	assert_int_equal(tome_posix_may_resize(F_SEAL_GROW, 4, 3), 0);
	assert_int_equal(tome_posix_may_resize(~0u, 4, 4), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_create),
		cmocka_unit_test(test_seals),
		cmocka_unit_test(test_what_seals_forbid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
