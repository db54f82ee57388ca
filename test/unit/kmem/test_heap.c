/*
 * test_heap.c - kernel memory that is known by who has it.
 */
#include <tome/heap.h>
#include "rig.h"

#include <hosted_i.h>

#define PIECES 200u

static struct tome_heap *
make(struct rig *r)
{
	struct tome_heap *h;

	hosted_kva_trap();		/* cmocka has taken the signal */
	assert_int_equal(tome_heap_create(r->vm, &h), TOME_OK);
	return h;
}

static void
takes_back_what_it_gave(void **state)
{
	struct rig *r = *state;
	struct tome_heap *h = make(r), *other = make(r);
	char *p, *q;
	void *v;

	assert_int_equal(tome_heap_alloc(h, 3, &v), TOME_OK);
	p = v;
	assert_int_equal(tome_heap_alloc(h, 1, &v), TOME_OK);
	q = v;
	for (size_t i = 0; i < 3 * TOME_PAGE_SIZE; i++)
		assert_int_equal(p[i], 0);
	memset(p, 'p', 3 * TOME_PAGE_SIZE);
	assert_true(q < p || q >= p + 3 * TOME_PAGE_SIZE);
	assert_int_equal(tome_heap_free(h, p + TOME_PAGE_SIZE, 2),
	    TOME_ENOENT);
	assert_int_equal(tome_heap_free(h, p + 1, 3), TOME_ENOENT);
	assert_int_equal(tome_heap_free(h, p, 2), TOME_ENOENT);
	assert_int_equal(tome_heap_free(h, NULL, 1), TOME_ENOENT);
	assert_int_equal(tome_heap_free(other, p, 3), TOME_ENOENT);
	assert_int_equal(p[3 * TOME_PAGE_SIZE - 1], 'p');
	assert_int_equal(tome_heap_free(h, p, 3), TOME_OK);
	assert_int_equal(tome_heap_free(h, p, 3), TOME_ENOENT);
	assert_int_equal(tome_heap_free(h, q, 1), TOME_OK);
	tome_heap_destroy(other);
	tome_heap_destroy(h);
	tome_heap_destroy(NULL);
}

static void
refuses(void **state)
{
	struct rig *r = *state;
	struct tome_heap *h = make(r);
	void *p = r;

	assert_int_equal(tome_heap_alloc(h, 0, &p), TOME_EINVAL);
	assert_int_equal(tome_heap_alloc(h, SIZE_MAX / TOME_PAGE_SIZE, &p),
	    TOME_ENOMEM);
	assert_int_equal(tome_heap_alloc(h, SIZE_MAX, &p), TOME_ENOMEM);
	assert_ptr_equal(p, r);
	tome_heap_destroy(h);
}

/* More pieces than chains; every third is left for the end. */
static void
end_frees_the_rest(void **state)
{
	struct rig *r = *state;
	struct tome_heap *h = make(r);
	void *p[PIECES];

	for (unsigned i = 0; i < PIECES; i++) {
		assert_int_equal(tome_heap_alloc(h, 1 + i % 3, &p[i]),
		    TOME_OK);
		*(unsigned *)p[i] = i;
	}
	for (unsigned i = 0; i < PIECES; i++) {
		assert_int_equal(*(unsigned *)p[i], i);
		if (i % 3 != 0)
			assert_int_equal(tome_heap_free(h, p[i], 1 + i % 3),
			    TOME_OK);
	}
	tome_heap_destroy(h);
	rig_assert_clean(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(takes_back_what_it_gave),
		RIG_TEST(refuses),
		RIG_TEST(end_frees_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
