/*
 * test_kmap.c - kernel mappings, through the machine's kernel window.
 */
#include "rig.h"

#include <hosted_i.h>
#include <pmap/run.h>

/* For tests that use kernel pointers: cmocka has taken SIGSEGV for each test,
 * and the machine's window needs it. */
static struct rig *
rig_with_window(void **state)
{
	hosted_kva_trap();
	return *state;
}

static void
test_heap(void **state)
{
	struct rig *r = rig_with_window(state);
	tome_va_t va[3];

	for (int i = 0; i < 3; i++) {
		uint8_t *p;

		assert_int_equal(tome_kmap_heap(r->vm, 5, &va[i]), TOME_OK);
		assert_int_equal(va[i] & TOME_PAGE_MASK, 0);
		p = tome_kva_ptr(r->vm, va[i]);
		for (size_t b = 0; b < 5 * TOME_PAGE_SIZE; b++)
			assert_int_equal(p[b], 0);
		memset(p, i + 1, 5 * TOME_PAGE_SIZE);
	}
	for (int i = 0; i < 3; i++) {
		uint8_t *p = tome_kva_ptr(r->vm, va[i]);

		assert_int_equal(p[0], i + 1);
		assert_int_equal(p[5 * TOME_PAGE_SIZE - 1], i + 1);
		tome_kunmap(r->vm, va[i]);
	}
}

static unsigned
page_shift(struct rig *r, tome_va_t va)
{
	struct tome_translation t;

	assert_true(tome_pmap_extract(tome_pmap_kernel(r->vm), va, &t));
	return t.page_shift;
}

/* Where leaves can be runs, what is long enough is of them: memory, and a device's. */
static void
test_runs(void **state)
{
	struct rig *r = rig_with_window(state);
	const tome_va_t two = 2 * TOME_RUN_SPAN;
	const unsigned run = TOME_PAGE_SHIFT + TOME_PORT_RUN_BITS;
	tome_va_t va, off;
	uint8_t *p;

	assert_int_equal(tome_kmap_heap(r->vm, 2 * TOME_RUN_LEAVES + 1, &va),
	    TOME_OK);
	p = tome_kva_ptr(r->vm, va);
	for (off = 0; off <= two; off += TOME_PAGE_SIZE) {
		assert_int_equal(page_shift(r, va + off), off < two ? run :
		    TOME_PAGE_SHIFT);
		assert_int_equal(p[off], 0);
		p[off] = (uint8_t)(off >> TOME_PAGE_SHIFT);
	}
	for (off = 0; off <= two; off += TOME_PAGE_SIZE)
		assert_int_equal(p[off], (uint8_t)(off >> TOME_PAGE_SHIFT));
	tome_kunmap(r->vm, va);
	assert_int_equal(tome_kmap_phys(r->vm, ((tome_pa_t)1 << 31) -
	    TOME_PAGE_SIZE, two, TOME_MEM_DEVICE, TOME_PROT_READ, &va),
	    TOME_OK);
	assert_int_equal(page_shift(r, va), TOME_PAGE_SHIFT);
	assert_int_equal(page_shift(r, va + TOME_PAGE_SIZE), run);
	tome_kunmap(r->vm, va);
}

static void
test_bad_sizes(void **state)
{
	struct rig *r = *state;
	size_t most = (size_t)((r->vm->kernel_end - r->vm->kernel_start) >>
	    TOME_PAGE_SHIFT);
	tome_va_t va;

	assert_int_equal(tome_kmap_heap(r->vm, 0, &va), TOME_EINVAL);
	assert_int_equal(tome_kmap_heap(r->vm, most + 1, &va), TOME_ENOMEM);
	assert_int_equal(tome_kmap_heap(r->vm, SIZE_MAX, &va), TOME_ENOMEM);
	assert_int_equal(tome_kmap_stack(r->vm, 0, &va), TOME_EINVAL);
	assert_int_equal(tome_kmap_stack(r->vm, SIZE_MAX, &va), TOME_EINVAL);
	assert_int_equal(tome_kmap_stack(r->vm, most, &va), TOME_ENOMEM);
	assert_int_equal(tome_kmap_phys(r->vm, 0x1000, 0, TOME_MEM_UC,
	    TOME_PROT_READ, &va), TOME_EINVAL);
	assert_int_equal(tome_kmap_phys(r->vm, 0x1000, (tome_pa_t)0 - 2,
	    TOME_MEM_UC, TOME_PROT_READ, &va), TOME_EINVAL);
}

/* Beyond a stack's ends nothing is mapped, in either direction. */
static void
test_stack_guards(void **state)
{
	struct rig *r = rig_with_window(state);
	struct tome_pmap *kernel = tome_pmap_kernel(r->vm);
	struct tome_translation t;
	tome_va_t a, b;

	assert_int_equal(tome_kmap_stack(r->vm, 4, &a), TOME_OK);
	assert_int_equal(tome_kmap_stack(r->vm, 4, &b), TOME_OK);
	for (int i = -1; i <= 4; i++) {
		bool inside = i >= 0 && i < 4;

		assert_int_equal(tome_pmap_extract(kernel,
		    a + (tome_va_t)i * TOME_PAGE_SIZE, &t), inside);
		assert_int_equal(tome_pmap_extract(kernel,
		    b + (tome_va_t)i * TOME_PAGE_SIZE, &t), inside);
	}
	memset(tome_kva_ptr(r->vm, a), 1, 4 * TOME_PAGE_SIZE);
	tome_kunmap(r->vm, a);
	assert_false(tome_pmap_extract(kernel, a, &t));
	tome_kunmap(r->vm, b);
}

static void
test_phys(void **state)
{
	struct rig *r = rig_with_window(state);
	struct tome_translation t;
	tome_pfn_t pfn;
	tome_va_t va;
	char *direct;

	assert_int_equal(tome_frame_alloc(r->vm, TOME_PAGE_KERNEL,
	    TOME_FRAME_ZERO | TOME_FRAME_DIRECT, &pfn), TOME_OK);
	direct = tome_frame_va(r->vm, pfn);
	strcpy(direct + 100, "registers");
	assert_int_equal(tome_kmap_phys(r->vm, tome_pfn_pa(pfn) + 100, 50,
	    TOME_MEM_WB, TOME_PROT_READ | TOME_PROT_WRITE, &va), TOME_OK);
	assert_int_equal(va & TOME_PAGE_MASK, 100);
	assert_string_equal(tome_kva_ptr(r->vm, va), "registers");
	assert_true(tome_pmap_extract(tome_pmap_kernel(r->vm), va, &t));
	assert_int_equal(tome_pa_pfn(t.pa), pfn);
	assert_int_equal(t.prot, TOME_PROT_READ | TOME_PROT_WRITE);
	tome_kunmap(r->vm, va);
	assert_string_equal(direct + 100, "registers");
	tome_frame_free(r->vm, pfn);
}

/* A range that ends one byte into a page takes that page too. */
static void
test_phys_ends(void **state)
{
	struct rig *r = *state;
	tome_pa_t device = (tome_pa_t)1 << 31;
	struct tome_translation t;
	tome_va_t va;

	assert_int_equal(tome_kmap_phys(r->vm, device + TOME_PAGE_SIZE - 1,
	    2, TOME_MEM_DEVICE, TOME_PROT_READ, &va), TOME_OK);
	assert_true(tome_pmap_extract(tome_pmap_kernel(r->vm), va + 1, &t));
	assert_int_equal(t.pa & ~(tome_pa_t)TOME_PAGE_MASK,
	    device + TOME_PAGE_SIZE);
	assert_int_equal(t.prot, TOME_PROT_READ);
	tome_kunmap(r->vm, va);
}

static void
test_every_failure(void **state)
{
	struct rig *r = *state;
	bool failed = true;

	for (uint64_t n = 1; failed; n++) {
		tome_va_t heap, stack;
		enum tome_err a, b;

		hosted_fail_alloc(r->machine, NULL, n, false);
		a = tome_kmap_heap(r->vm, TOME_RUN_LEAVES + 2, &heap);
		b = tome_kmap_stack(r->vm, 3, &stack);
		failed = hosted_allocs(r->machine) >= n;
		hosted_fail_alloc(r->machine, NULL, 0, false);
		assert_true(failed || (a == TOME_OK && b == TOME_OK));
		if (a == TOME_OK)
			tome_kunmap(r->vm, heap);
		if (b == TOME_OK)
			tome_kunmap(r->vm, stack);
		rig_assert_clean(r);
	}
}

static struct tome_vm *vm;

static void
unmap_twice(void *arg)
{
	tome_va_t va = *(tome_va_t *)arg;

	tome_kunmap(vm, va);
	tome_kunmap(vm, va);
}

static void
test_unmap_twice(void **state)
{
	struct rig *r = *state;
	tome_va_t va;

	vm = r->vm;
	assert_int_equal(tome_kmap_heap(vm, 2, &va), TOME_OK);
	rig_assert_panics(r, unmap_twice, &va, "note");
}

static void
touch_guard(void *arg)
{
	volatile char *p = arg;

	p[-1] = 1;
}

static void
test_guard_faults(void **state)
{
	struct rig *r = rig_with_window(state);
	tome_va_t va;

	assert_int_equal(tome_kmap_stack(r->vm, 2, &va), TOME_OK);
	rig_assert_panics(r, touch_guard, tome_kva_ptr(r->vm, va), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_heap),
		RIG_TEST(test_runs),
		RIG_TEST(test_bad_sizes),
		RIG_TEST(test_stack_guards),
		RIG_TEST(test_phys),
		RIG_TEST(test_phys_ends),
		RIG_TEST(test_every_failure),
		RIG_TEST(test_unmap_twice),
		RIG_TEST(test_guard_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
