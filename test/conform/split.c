/*
 * split.c - of the conformance suite: a large leaf of the kernel's that every CPU has
 * cached comes apart, so that a part of it can change; or changes as a whole.
 */
#include "conform.h"

#include <pmap/pmap_i.h>

/* Where the CPU has no large leaves, the same of as many pages as a table has. */
static tome_va_t
large_span(void)
{
	return (tome_va_t)1 << TOME_PT_SHIFT(1);
}

static tome_va_t
large_at(void)
{
	tome_va_t span = large_span();

	return (hosted_mmu.kernel_start + span - 1) & ~(span - 1);
}

/* Device memory beyond RAM, aligned alike. */
static tome_pa_t
large_pa(void)
{
	tome_pa_t pa = large_span();

	while (pa < (tome_pa_t)1 << 30)
		pa <<= 1;
	return pa;
}

static void
large_enter(void)
{
	assert_int_equal(tome_pmap_enter_range(tome_pmap_kernel(vm),
	    large_at(), large_pa(), large_span(), R | W, TOME_MEM_DEVICE),
	    TOME_OK);
}

/* Few at a time: the machine looks for each store among those that are still to come. */
static void
large_remove(void)
{
	const tome_va_t step = 64 * PAGE, end = large_at() + large_span();
	struct tome_pmap *k = tome_pmap_kernel(vm);
	struct tome_translation t;
	tome_va_t va;

	if (tome_pmap_extract(k, large_at(), &t) &&
	    t.page_shift >= TOME_PT_SHIFT(1)) {
		tome_pmap_remove(k, large_at(), end);
		return;
	}
	for (va = large_at(); va != end; va += step)
		tome_pmap_remove(k, va, va + step);
}

/* On every CPU: these rights, of the frame that was entered, by a leaf of this size. */
static void
large_expect(tome_va_t off, tome_prot_t prot, unsigned shift)
{
	tome_va_t va = large_at() + off;
	struct tome_translation t;

	kernel_may(va, prot);
	assert_int_equal(tome_pmap_extract(tome_pmap_kernel(vm), va, &t),
	    prot != 0);
	if (prot == 0)
		return;
	assert_int_equal(t.pa, large_pa() + off);
	assert_int_equal(t.prot, prot);
	assert_int_equal(t.page_shift, shift);
}

static unsigned
large_shift(void)
{
	return TOME_PT_SHIFT(vm->pmaps->mmu.large_level > 0 ? 1 : 0);
}

/* A page in the middle loses a right, the next goes; their neighbours stay. Where a table
 * has thousands, once in each mode, with the kinds of CPU in turn. */
static void
split_body(void)
{
	static unsigned times;
	struct tome_pmap *k = tome_pmap_kernel(vm);
	tome_va_t at = large_at(), span = large_span(), mid = span / 2;

	if (TOME_PT_BITS(0) > 11 && times++ % 5 != 0)
		return;
	large_enter();
	large_expect(0, R | W, large_shift());
	large_expect(span - PAGE, R | W, large_shift());
	assert_int_equal(tome_pmap_split(k, at), TOME_OK);
	assert_int_equal(tome_pmap_split(k, at + span), TOME_OK);
	large_expect(mid, R | W, large_shift());
	assert_int_equal(tome_pmap_split(k, at + mid), TOME_OK);
	large_expect(0, R | W, TOME_PAGE_SHIFT);
	large_expect(mid, R | W, TOME_PAGE_SHIFT);
	large_expect(span - PAGE, R | W, TOME_PAGE_SHIFT);
	tome_pmap_protect(k, at + mid, at + mid + PAGE, R);
	tome_pmap_remove(k, at + mid + PAGE, at + mid + 2 * PAGE);
	large_expect(mid - PAGE, R | W, TOME_PAGE_SHIFT);
	large_expect(mid, R, TOME_PAGE_SHIFT);
	large_expect(mid + PAGE, 0, 0);
	large_expect(mid + 2 * PAGE, R | W, TOME_PAGE_SHIFT);
	assert_null(tome_vm_check(vm));
	large_remove();
	large_expect(0, 0, 0);
	large_expect(span - PAGE, 0, 0);
}

/* All of it, as it is. */
static void
whole_body(void)
{
	struct tome_pmap *k = tome_pmap_kernel(vm);
	tome_va_t at = large_at(), span = large_span();

	large_enter();
	large_expect(0, R | W, large_shift());
	large_expect(span - PAGE, R | W, large_shift());
	tome_pmap_protect(k, at, at + span, R);
	large_expect(0, R, large_shift());
	large_expect(span - PAGE, R, large_shift());
	large_remove();
	large_expect(span - PAGE, 0, 0);
}

void
large_leaves_come_apart(void **state)
{
	(void)state;
	everywhere(split_body);
	everywhere(whole_body);
}

/* No memory for a table: it is there as it was. */
void
a_split_that_fails_changes_nothing(void **state)
{
	enum tome_err err;
	unsigned kind;

	(void)state;
	for (kind = 0; kind < hosted_mmu.nvariants; kind++) {
		up(hosted_cpu_variant(kind), 0, FEW);
		large_enter();
		large_expect(PAGE, R | W, large_shift());
		hosted_fail_alloc(m, NULL, 1, false);
		err = tome_pmap_split(tome_pmap_kernel(vm), large_at() + PAGE);
		hosted_fail_alloc(m, NULL, 0, false);
		assert_int_equal(err, large_shift() > TOME_PAGE_SHIFT ?
		    TOME_ENOMEM : TOME_OK);
		large_expect(0, R | W, large_shift());
		large_expect(large_span() - PAGE, R | W, large_shift());
		large_remove();
		down();
	}
}
