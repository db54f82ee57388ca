/*
 * test_kmalloc.c - memory by size, in classes and in runs.
 */
#include "rig.h"

static void
test_sizes(void **state)
{
	struct rig *r = *state;

	for (size_t size = 1; size <= 5 * TOME_PAGE_SIZE;
	    size += size < 300 ? 1 : 61) {
		uint8_t *p = tome_kmalloc(r->vm, size);
		uint8_t *q = tome_kmalloc(r->vm, size);

		assert_non_null(p);
		assert_non_null(q);
		assert_int_equal((uintptr_t)p & 15, 0);
		if (size >= TOME_PAGE_SIZE)
			assert_int_equal((uintptr_t)p & TOME_PAGE_MASK, 0);
		assert_true(tome_kmalloc_size(r->vm, p) >= size);
		memset(p, 1, tome_kmalloc_size(r->vm, p));
		memset(q, 2, tome_kmalloc_size(r->vm, q));
		assert_int_equal(p[0], 1);
		assert_int_equal(p[size - 1], 1);
		tome_kfree(r->vm, p);
		tome_kfree(r->vm, q);
	}
}

static void
test_edges(void **state)
{
	struct rig *r = *state;

	assert_null(tome_kmalloc(r->vm, 0));
	assert_null(tome_kzalloc(r->vm, 0));
	assert_null(tome_kmalloc(r->vm, SIZE_MAX));
	assert_null(tome_kmalloc(r->vm, SIZE_MAX / 2 + 2));
	assert_null(tome_kmalloc(r->vm,
	    ((size_t)TOME_PAGE_SIZE << TOME_MAX_ORDER) + 1));
	tome_kfree(r->vm, NULL);
}

static void
test_zeroed(void **state)
{
	static const size_t size[] = { 5, 100, 3000, 3073, 70000 };
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
		for (int turn = 0; turn < 2; turn++) {
			char *p = tome_kzalloc(r->vm, size[i]);

			assert_non_null(p);
			for (size_t b = 0; b < size[i]; b++)
				assert_int_equal(p[b], 0);
			memset(p, 0x77, size[i]);
			tome_kfree(r->vm, p);
		}
	}
}

/* Whatever allocation is refused, both calls end well; some must fail. */
static void
test_every_failure(void **state)
{
	struct rig *r = *state;
	unsigned refused = 0;
	uint64_t n = 0;
	bool asked;

	do {
		void *p, *q;

		hosted_fail_alloc(r->machine, NULL, ++n, false);
		p = tome_kmalloc(r->vm, 100);
		q = tome_kmalloc(r->vm, 10000);
		refused += (p == NULL) + (q == NULL);
		asked = hosted_allocs(r->machine) >= n;
		tome_kfree(r->vm, p);
		tome_kfree(r->vm, q);
		hosted_fail_alloc(r->machine, NULL, 0, false);
		rig_assert_clean(r);
	} while (asked);
	assert_true(refused >= 3);
}

static void
test_reap(void **state)
{
	struct rig *r = *state;
	void *at[300];

	for (int i = 0; i < 300; i++)
		assert_non_null(at[i] = tome_kmalloc(r->vm, 1000));
	for (int i = 0; i < 300; i++)
		tome_kfree(r->vm, at[i]);
	assert_true(tome_kmem_reap(r->vm) > 0);
	assert_int_equal(tome_kmem_reap(r->vm), 0);
}

/* ---- misuse ---- */

static struct tome_vm *vm;

static void
free_inside_run(void *p)
{
	tome_kfree(vm, (char *)p + TOME_PAGE_SIZE);
}

static void
free_in_middle(void *p)
{
	tome_kfree(vm, (char *)p + 16);
}

static void
free_run_twice(void *p)
{
	tome_kfree(vm, p);
	tome_kfree(vm, p);
}

static void
write_slack(void *p)
{
	((char *)p)[20] = 0;
	tome_kfree(vm, p);
}

static void
spoil(struct rig *r, size_t size, void (*fn)(void *), const char *part)
{
	vm = r->vm;
	rig_assert_panics(r, fn, tome_kmalloc(vm, size), part);
}

static void
test_free_inside_run(void **state)
{
	spoil(*state, 3 * TOME_PAGE_SIZE, free_inside_run, "owner");
}

static void
test_free_in_middle(void **state)
{
	spoil(*state, 2 * TOME_PAGE_SIZE, free_in_middle, "head");
}

static void
test_free_run_twice(void **state)
{
	spoil(*state, 2 * TOME_PAGE_SIZE, free_run_twice, "owner");
}

static void
test_slack_is_red(void **state)
{
	spoil(*state, 20, write_slack, "beyond what was asked");
}

static void
test_leaks_are_counted(void **state)
{
	struct rig *r = *state;
	struct tome_cache_config config = { .name = "left", .size = 64 };
	struct tome_cache *c;

	assert_non_null(tome_kmalloc(r->vm, 10));
	assert_non_null(tome_kmalloc(r->vm, 10000));
	assert_int_equal(tome_cache_create(r->vm, &config, &c), TOME_OK);
	assert_non_null(tome_cache_alloc(c));
	hosted_attach(r->machine, NULL, NULL, NULL);
	/* Two blocks, one object, its cache; the run's frames stay out too. */
	assert_true(tome_vm_destroy(r->vm) >= 4);
	r->broken = true;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_sizes),
		RIG_TEST(test_edges),
		RIG_TEST(test_zeroed),
		RIG_TEST(test_every_failure),
		RIG_TEST(test_reap),
		RIG_TEST(test_free_inside_run),
		RIG_TEST(test_free_in_middle),
		RIG_TEST(test_free_run_twice),
		RIG_TEST(test_slack_is_red),
		RIG_TEST(test_leaks_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
