/*
 * test_segment.c - Andromeda's descriptors, segments and their allocator.
 */
#include "rig_a.h"

#define TEST(numbers, f) CONTRACT_TEST(numbers, f, a_up, a_down)

/* ---- descriptors ---- */

static bool
try_new(void)
{
	struct vm_descriptor *d = vm_new(7);

	if (d == NULL)
		return false;
	assert_int_equal(vm_free(d), SUCCESS);
	return true;
}

static void
test_new(void **state)
{
	struct vm_descriptor *d = DID(vm_new(42));

	(void)state;
	assert_int_equal(d->pid, 42);
	assert_int_equal(d->cpl, VM_CPL_USER);
	assert_null(d->segments);
	assert_int_equal(vm_core.cpl, VM_CPL_CORE);
	assert_int_equal(DID(vm_free(d)), SUCCESS);
	assert_true(try_new());
	hosted_fail_alloc(rig.machine, NULL, 1, true);
	for (unsigned i = 0; i < 1000 && d != NULL; i++)
		d = vm_new(i);
	hosted_fail_alloc(rig.machine, NULL, 0, false);
	assert_null(d);
}

static void
test_leave(void **state)
{
	struct vm_descriptor *d = DID(vm_new(1));
	uint64_t before;

	(void)state;
	assert_int_equal(DID(vm_free(d)), SUCCESS);
	before = rig_free_frames();
	d = DID(vm_new(1));
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(DID(vm_new_segment(P(AT + i * G), G, d)));
	assert_int_equal(DID(vm_load_task(0, d)), SUCCESS);
	assert_true(rig_poke(AT, 1));
	assert_int_equal(DID(vm_unload_task(0, d)), SUCCESS);
	assert_int_equal(DID(vm_free(d)), SUCCESS);
	assert_true(rig_free_frames() + 8 >= before);
	assert_int_equal(DID(vm_free(NULL)), -NULL_PTR);
	assert_int_equal(DID(vm_free(&vm_core)), -GENERIC);
	assert_non_null(vm_find_segment(".heap"));
}

/* ---- segments ---- */

static void
test_new_segment(void **state)
{
	struct vm_descriptor *d = DID(vm_new(1));
	struct vm_segment *a = DID(vm_new_segment(P(AT), 1, d));
	struct vm_segment *b = DID(vm_new_segment(P(AT + 0x41000), G + 1, d));

	(void)state;
	assert_int_equal(a->size, G);
	assert_int_equal(b->size, 2 * G);
	assert_ptr_equal(a->virt_base, P(AT));
	assert_ptr_equal(b->virt_base, P(AT + 0x41000));
	assert_ptr_equal(d->segments, b);
	assert_ptr_equal(b->next, a);
	assert_ptr_equal(a->prev, b);
	assert_null(a->next);
	assert_ptr_equal(a->parent, d);
	assert_int_equal(a_count(b, b->free), 1);
	assert_int_equal(b->free->size, b->size);
	assert_null(b->allocated);
	assert_null(b->mapped);
}

static struct vm_descriptor *trial;

static bool
try_segment(void)
{
	struct vm_segment *s = vm_new_segment(P(AT), 4 * G, trial);

	if (s == NULL) {
		assert_null(trial->segments);
		return false;
	}
	assert_int_equal(vm_segment_clean(s), SUCCESS);
	return true;
}

static void
test_new_segment_refused(void **state)
{
	(void)state;
	trial = DID(vm_new(1));
	assert_null(DID(vm_new_segment(P(AT), G, NULL)));
	assert_null(DID(vm_new_segment(P(AT), 0, trial)));
	assert_null(DID(vm_new_segment(P(AT), SIZE_MAX, trial)));
	assert_null(DID(vm_new_segment(P(AT), SIZE_MAX - G, trial)));
	assert_null(DID(vm_new_segment(P(UINTPTR_MAX - 0xfff), G, trial)));
	assert_null(DID(vm_new_segment(P(AT + 8), G, trial)));
	assert_null(trial->segments);
	rig_each_failure(try_segment);
	assert_true(try_segment());
}

static void
test_overlap(void **state)
{
	struct vm_segment *s = a_task(4);
	struct vm_segment *o = DID(vm_new_segment(P(AT + G), 4 * G,
	    s->parent));

	(void)state;
	assert_non_null(o);
	assert_int_equal(a_count(o, o->free), 1);
	assert_non_null(DID(vm_new_segment(P(AT), 4 * G, vm_new(2))));
}

static void
test_grow(void **state)
{
	struct vm_segment *s = a_task(2);
	void *all = DID(vm_segment_alloc(s, 2 * G)), *more;

	(void)state;
	assert_int_equal(DID(vm_segment_grow(s, 1)), SUCCESS);
	assert_int_equal(s->size, 3 * G);
	assert_ptr_equal(s->virt_base, P(AT));
	assert_int_equal(a_count(s, s->free), 1);
	assert_int_equal(DID(vm_segment_grow(s, G + 1)), SUCCESS);
	assert_int_equal(s->size, 5 * G);
	assert_int_equal(a_count(s, s->free), 1);
	assert_int_equal(s->free->size, 3 * G);
	more = DID(vm_segment_alloc(s, 3 * G));
	assert_ptr_equal(more, P(AT + 2 * G));
	assert_true(rig_poke(AT + 5 * G - 1, 'g'));
	assert_int_equal(rig_peek(AT + 5 * G - 1), 'g');
	assert_int_equal(DID(vm_segment_free(s, more)), SUCCESS);
	assert_int_equal(DID(vm_segment_free(s, all)), SUCCESS);
	assert_int_equal(s->free->size, 5 * G);
	/* One allocation may span what was there and what was added. */
	assert_ptr_equal(DID(vm_segment_alloc(s, 5 * G)), P(AT));
}

static void
test_grow_refused(void **state)
{
	struct vm_segment *s = a_task(2), *orphan;
	struct vm_segment *next = DID(vm_new_segment(P(AT + 4 * G), G,
	    s->parent));
	struct vm_segment *other = DID(vm_new_segment(P(AT + 3 * G), G,
	    vm_new(2)));
	struct vm_segment *last = DID(vm_new_segment(P(-(uintptr_t)2 * G),
	    G - 0x1000, s->parent));

	(void)state;
	assert_non_null(next);
	assert_non_null(other);
	assert_int_equal(DID(vm_segment_grow(NULL, G)), -INVALID_ARG);
	assert_int_equal(DID(vm_segment_grow(s, 0)), -INVALID_ARG);
	orphan = next;
	orphan->parent = NULL;
	assert_int_equal(DID(vm_segment_grow(orphan, G)), -INVALID_ARG);
	orphan->parent = s->parent;
	assert_int_equal(DID(vm_segment_grow(s, 3 * G)), -OUTOFBOUNDS);
	assert_int_equal(DID(vm_segment_grow(s, SIZE_MAX)), -OUTOFBOUNDS);
	assert_int_equal(DID(vm_segment_grow(last, 4 * G)), -OUTOFBOUNDS);
	assert_int_equal(s->size, 2 * G);
	assert_int_equal(s->free->size, 2 * G);
	assert_int_equal(DID(vm_segment_grow(s, 2 * G)), SUCCESS);
	assert_int_equal(DID(vm_segment_grow(s, 1)), -OUTOFBOUNDS);
}

static void
test_clean(void **state)
{
	struct vm_descriptor *d = DID(vm_new(1));
	struct vm_segment *s[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		s[i] = DID(vm_new_segment(P(AT + i * G), G, d));
	assert_non_null(DID(vm_segment_alloc(s[1], G)));
	assert_int_equal(DID(vm_segment_clean(s[1])), SUCCESS);
	assert_ptr_equal(d->segments, s[2]);
	assert_ptr_equal(s[2]->next, s[0]);
	assert_ptr_equal(s[0]->prev, s[2]);
	assert_int_equal(DID(vm_segment_clean(s[2])), SUCCESS);
	assert_int_equal(DID(vm_segment_clean(s[0])), SUCCESS);
	assert_null(d->segments);
	assert_int_equal(DID(vm_segment_clean(NULL)), -NULL_PTR);
}

static void
test_clean_leaves_tables(void **state)
{
	struct vm_segment *s = a_task(4);
	void *r = DID(vm_segment_alloc(s, G));
	addr_t unit = page_alloc();

	(void)state;
	assert_int_not_equal(unit, 0);
	assert_ptr_equal(DID(vm_map(r, P(unit), s)), r);
	assert_true(rig_poke((uintptr_t)r, 'm'));
	assert_true(rig_poke(AT + 3 * G, 'c'));
	assert_int_equal(DID(vm_free(s->parent)), SUCCESS);
	assert_int_equal(rig_peek((uintptr_t)r), 'm');
	assert_int_equal(rig_peek(AT + 3 * G), 'c');
	assert_int_equal(DID(vm_reset_range(0, P(AT), 4 * G)), SUCCESS);
	assert_int_equal(rig_peek((uintptr_t)r), -1);
	assert_int_equal(rig_peek(AT + 3 * G), -1);
	/* page_alloc() counted it, and so did vm_map(). */
	assert_int_equal(page_free(unit), SUCCESS);
	assert_int_equal(page_free(unit), SUCCESS);
	assert_int_equal(page_free(unit), -INVALID_ARG);
	assert_int_equal(DID(vm_reset_range(0, P(AT + 1), G)), -INVALID_ARG);
	assert_int_equal(DID(vm_reset_range(9, P(AT), G)), -INVALID_ARG);
}

static int
up_clean_frees(void **state)
{
	(void)state;
	a_open(true);
	return 0;
}

static void
test_clean_frees(void **state)
{
	struct vm_segment *s = a_task(1);
	void *r = DID(vm_segment_alloc(s, G));
	addr_t unit = page_alloc();

	(void)state;
	assert_ptr_equal(DID(vm_map(r, P(unit), s)), r);
	assert_true(rig_poke((uintptr_t)r, 'm'));
	assert_int_equal(DID(vm_segment_clean(s)), SUCCESS);
	assert_int_equal(rig_peek((uintptr_t)r), -1);
	assert_int_equal(page_free(unit), SUCCESS);
	assert_int_equal(page_free(unit), -INVALID_ARG);
}

/* ---- allocation ---- */

static void
test_best_fit(void **state)
{
	struct vm_segment *s = a_task(16);
	void *p[6];
	static const size_t size[6] = { 3, 1, 2, 1, 4, 1 };

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		p[i] = DID(vm_segment_alloc(s, size[i] * G - (i & 1)));
	for (unsigned i = 0; i < 5; i++)
		assert_ptr_equal(p[i + 1], (char *)p[i] + size[i] * G);
	/* Holes of 3, 2 and 4 granules, and 4 at the end. */
	for (unsigned i = 0; i < 6; i += 2)
		assert_int_equal(DID(vm_segment_free(s, p[i])), SUCCESS);
	assert_int_equal(a_count(s, s->free), 4);
	assert_ptr_equal(DID(vm_segment_alloc(s, 2 * G)), p[2]);
	assert_ptr_equal(DID(vm_segment_alloc(s, 2 * G + 1)), p[0]);
	assert_int_equal(a_count(s, s->free), 2);
}

static void
test_alloc_refused(void **state)
{
	struct vm_segment *s = a_task(4);

	(void)state;
	assert_null(DID(vm_segment_alloc(NULL, G)));
	assert_null(DID(vm_segment_alloc(s, 0)));
	assert_null(DID(vm_segment_alloc(s, 4 * G + 1)));
	assert_null(DID(vm_segment_alloc(s, SIZE_MAX)));
	tome_lock(rig.vm, compat_andromeda_lock(s));
	assert_null(vm_segment_alloc(s, G));
	tome_unlock(rig.vm, compat_andromeda_lock(s));
	assert_int_equal(a_count(s, s->free), 1);
	assert_non_null(DID(vm_segment_alloc(s, 4 * G)));
	assert_null(DID(vm_segment_alloc(s, 1)));
}

static void
test_free_refused(void **state)
{
	struct vm_segment *s = a_task(4);
	char *p = DID(vm_segment_alloc(s, 2 * G));
	addr_t unit = page_alloc();
	void *m;

	(void)state;
	assert_int_equal(DID(vm_segment_free(NULL, p)), -NULL_PTR);
	assert_int_equal(DID(vm_segment_free(s, NULL)), -NULL_PTR);
	assert_int_equal(DID(vm_segment_free(s, p + G)), -INVALID_ARG);
	assert_int_equal(DID(vm_segment_free(s, p + 1)), -INVALID_ARG);
	assert_int_equal(DID(vm_segment_free(s, &unit)), -INVALID_ARG);
	m = DID(vm_segment_alloc(s, G));
	assert_ptr_equal(DID(vm_map(m, P(unit), s)), m);
	assert_int_equal(DID(vm_segment_free(s, m)), -INVALID_ARG);
	assert_int_equal(a_count(s, s->mapped), 1);
	assert_int_equal(DID(vm_unmap(m, s)), SUCCESS);
	assert_int_equal(DID(vm_segment_free(s, m)), SUCCESS);
	assert_int_equal(DID(vm_segment_free(s, p)), SUCCESS);
	assert_int_equal(DID(vm_segment_free(s, p)), -INVALID_ARG);
	assert_int_equal(a_count(s, s->free), 1);
	page_free(unit);
}

static void
test_merge(void **state)
{
	struct vm_segment *s = a_task(5);
	void *p[5];

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		p[i] = DID(vm_segment_alloc(s, G));
	assert_int_equal(a_count(s, s->allocated), 5);
	assert_int_equal(a_count(s, s->free), 0);
	DO(vm_segment_free(s, p[0]));
	DO(vm_segment_free(s, p[2]));
	DO(vm_segment_free(s, p[4]));
	assert_int_equal(a_count(s, s->free), 3);
	DO(vm_segment_free(s, p[1]));
	assert_int_equal(a_count(s, s->free), 2);
	DO(vm_segment_free(s, p[3]));
	assert_int_equal(a_count(s, s->free), 1);
	assert_int_equal(s->free->size, 5 * G);
	assert_null(s->allocated);
}

static void
test_lists(void **state)
{
	struct vm_segment *s = a_task(32);
	void *p[32] = { NULL };
	uint32_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		unsigned k = (seed = seed * 1664525 + 1013904223) >> 27;

		if (p[k] != NULL) {
			assert_int_equal(vm_segment_free(s, p[k]), SUCCESS);
			p[k] = NULL;
		} else {
			p[k] = vm_segment_alloc(s, (seed >> 20 & 3) * G + 1);
		}
		a_count(s, NULL);
	}
	rig_check();
}

static void
test_freed_is_zero(void **state)
{
	struct vm_segment *s = a_task(64);
	uint64_t before;
	char *p;

	(void)state;
	assert_int_equal(rig_peek(AT), 0);
	before = rig_free_frames();
	p = DID(vm_segment_alloc(s, 64 * G));
	for (size_t i = 0; i < 64 * G; i += PAGE_SIZE)
		assert_true(rig_poke((uintptr_t)p + i, 0x5a));
	assert_true(rig_free_frames() + 256 <= before);
	assert_int_equal(DID(vm_segment_free(s, p)), SUCCESS);
	assert_true(rig_free_frames() + 16 >= before);
	p = DID(vm_segment_alloc(s, 64 * G));
	for (size_t i = 0; i < 64 * G; i += PAGE_SIZE)
		assert_int_equal(rig_peek((uintptr_t)p + i), 0);
}

/* ---- the reserve ---- */

static int
up_bare(void **state)
{
	(void)state;
	a_open(false);
	return 0;
}

static void
test_reserve(void **state)
{
	struct vm_range_descriptor *r[64];
	struct vm_segment *s;
	unsigned n = 0;
	void *p;

	(void)state;
	assert_int_equal(DID(vm_range_alloc_init()), -ALREADY_INITIALISED);
	s = a_task(8);
	while ((r[n] = vm_range_alloc()) != NULL)
		n++;
	/* One is the segment's free range. */
	assert_int_equal(n, 15);
	for (unsigned i = 0; i < n; i++)
		assert_true(r[i]->static_alloc);
	/* None while an allocation is served; after it there are some. */
	assert_null(DID(vm_segment_alloc(s, G)));
	p = DID(vm_segment_alloc(s, G));
	assert_non_null(p);
	assert_false(s->allocated->static_alloc);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(DID(vm_range_free(r[i])), SUCCESS);
	assert_int_equal(DID(vm_range_free(NULL)), -NULL_PTR);
	assert_int_equal(DID(vm_range_update()), SUCCESS);
	for (n = 0; n < 3; n++)
		r[n] = vm_range_alloc();
	hosted_fail_alloc(rig.machine, NULL, 1, true);
	while (n < 64 && (r[n] = vm_range_alloc()) != NULL)
		n++;
	hosted_fail_alloc(rig.machine, NULL, 0, false);
	while (n-- > 0)
		vm_range_free(r[n]);
	assert_int_equal(DID(vm_segment_free(s, p)), SUCCESS);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("A1", test_new),
		TEST("A2", test_leave),
		TEST("A3", test_new_segment),
		TEST("A4", test_new_segment_refused),
		TEST("A5", test_overlap),
		TEST("A6", test_grow),
		TEST("A7", test_grow_refused),
		TEST("A8", test_clean),
		TEST("A9", test_clean_leaves_tables),
		CONTRACT_TEST("A9", test_clean_frees, up_clean_frees, a_down),
		TEST("A10", test_best_fit),
		TEST("A11", test_alloc_refused),
		TEST("A12", test_free_refused),
		TEST("A13", test_merge),
		TEST("A14", test_lists),
		TEST("A15", test_freed_is_zero),
		CONTRACT_TEST("A31", test_reserve, up_bare, a_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
