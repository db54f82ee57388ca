/*
 * test_run.c - runs of leaves (src/pmap/run.h): what they spare a TLB, which is said;
 * what is there already is in their way; the recount finds one that is not whole.
 *
 * On formats without runs, a run here is a page. How they come apart on every kind of
 * CPU is the conformance suite's to see (test/conform).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <base/vm_i.h>
#include <boot.h>
#include <pmap/run.h>

#define PAGE TOME_PAGE_SIZE
#define RW (TOME_PROT_READ | TOME_PROT_WRITE)
#define RUNS 4
/* Of the kernel's addresses, and device memory for them. */
#define AT (hosted_mmu.kernel_start + TOME_RUN_SPAN)
#define END (AT + RUNS * TOME_RUN_SPAN)
#define PA ((tome_pa_t)1 << 30)

static struct hosted_machine *m;
static struct tome_vm *vm;
static struct tome_pmap *kernel;

static int
up(void **state)
{
	(void)state;
	m = hosted_create(&(struct hosted_config){ .ncpus = 2,
	    .ram = (uint64_t)1024 << TOME_PAGE_SHIFT,
	    .modes = HOSTED_NEVER_EVICT | HOSTED_STRICT });
	assert_non_null(m);
	assert_int_equal(hosted_vm_create(m, &vm), TOME_OK);
	kernel = tome_pmap_kernel(vm);
	hosted_become(m, 0);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	tome_pmap_remove(kernel, AT, END);
	assert_true(hosted_judge(m));
	assert_int_equal(hosted_violations(m), 0);
	assert_null(tome_vm_check(vm));
	assert_int_equal(hosted_vm_destroy(m, vm), 0);
	hosted_destroy(m);
	return 0;
}

static void
enter(tome_va_t va, tome_pa_t pa, tome_pa_t len)
{
	assert_int_equal(tome_pmap_enter_range(kernel, va, pa, len, RW,
	    TOME_MEM_DEVICE), TOME_OK);
}

static unsigned
shift_at(tome_va_t va, tome_pa_t pa)
{
	struct tome_translation t;

	assert_true(tome_pmap_extract(kernel, va, &t));
	assert_int_equal(t.pa, pa);
	return t.page_shift;
}

/* Entries of a TLB that drops none, after a look at each page. */
static unsigned
fills(void)
{
	struct hosted_counts before, after;
	tome_va_t va;
	uint8_t b;

	hosted_counts(m, &before);
	for (va = AT; va != END; va += PAGE)
		assert_int_equal(hosted_kread(va, &b, 1, false), TOME_OK);
	hosted_counts(m, &after);
	tome_pmap_remove(kernel, AT, END);
	return (unsigned)(after.fills - before.fills);
}

static void
a_run_is_one_entry_of_a_tlb(void **state)
{
	const unsigned pages = RUNS * (unsigned)TOME_RUN_LEAVES;
	unsigned with, without;
	tome_va_t off;

	(void)state;
	enter(AT, PA, END - AT);
	with = fills();
	for (off = 0; off != END - AT; off += PAGE)
		enter(AT + off, PA + off, PAGE);
	without = fills();
	print_message("%s: %u pages are %u entries of a TLB, page by page %u\n",
	    hosted_mmu.name, pages, with, without);
	assert_int_equal(with, RUNS);
	assert_int_equal(without, pages);
}

/* Only what is aligned on both sides, and long enough. */
static void
a_run_has_its_place(void **state)
{
	const unsigned run = TOME_PAGE_SHIFT + TOME_PORT_RUN_BITS;

	(void)state;
	enter(AT, PA, TOME_RUN_SPAN);
	assert_int_equal(shift_at(AT + TOME_RUN_SPAN - PAGE,
	    PA + TOME_RUN_SPAN - PAGE), run);
	tome_pmap_remove(kernel, AT, END);
	enter(AT, PA + PAGE, TOME_RUN_SPAN);
	assert_int_equal(shift_at(AT, PA + PAGE), TOME_PAGE_SHIFT);
	tome_pmap_remove(kernel, AT, END);
	enter(AT + PAGE, PA + PAGE, 2 * TOME_RUN_SPAN - PAGE);
	assert_int_equal(shift_at(AT + PAGE, PA + PAGE), TOME_PAGE_SHIFT);
	if (TOME_PORT_RUN_BITS != 0)
		assert_int_equal(shift_at(AT + TOME_RUN_SPAN,
		    PA + TOME_RUN_SPAN), run);
}

static void
what_is_there_is_entered_page_by_page(void **state)
{
	const tome_va_t last = TOME_RUN_SPAN - PAGE;

	(void)state;
	enter(AT + last, PA * 2, PAGE);
	enter(AT, PA, TOME_RUN_SPAN);
	assert_int_equal(shift_at(AT, PA), TOME_PAGE_SHIFT);
	assert_int_equal(shift_at(AT + last, PA + last), TOME_PAGE_SHIFT);
}

/* One of a run's entries exchanged for a leaf, for another frame, for nothing. */
static void
the_recount_sees_what_is_not_whole(void **state)
{
	struct tome_leaf l;
	tome_pte_t *slot, was;

	(void)state;
	if (TOME_PORT_RUN_BITS == 0)
		return;
	enter(AT, PA, TOME_RUN_SPAN);
	assert_null(tome_vm_check(vm));
	tome_epoch_enter(vm);
	assert_int_equal(tome_leaf_find(kernel, AT + PAGE, false, &l), TOME_OK);
	tome_epoch_leave(vm);
	slot = &l.ptes[tome_leaf_index(AT + PAGE)];
	was = *slot;
	*slot = 0;
	assert_non_null(tome_vm_check(vm));
	*slot = was & ~TOME_PORT_RUN;
	assert_non_null(tome_vm_check(vm));
	*slot = tome_pte_run(tome_pmap_mmu(kernel), tome_pte_leaf(
	    tome_pmap_mmu(kernel), 0, PA * 2 + PAGE, RW, TOME_MEM_DEVICE,
	    TOME_LEAF_KERNEL));
	assert_non_null(tome_vm_check(vm));
	*slot = was;
	assert_null(tome_vm_check(vm));
}

static void
expect_violation(enum hosted_kind want)
{
	enum hosted_kind kind;
	char text[128];

	assert_true(hosted_take_violation(m, &kind, text, sizeof text));
	assert_int_equal(kind, want);
}

/* As if a part needed no undoing: the page is gone and flushed, and comes back with the
 * next look at its neighbour; and then another frame among those of the run. */
static void
the_machine_sees_a_run_that_is_not_whole(void **state)
{
	struct tome_leaf l;
	tome_pte_t was;
	size_t i;
	uint8_t b;

	(void)state;
	if (TOME_PORT_RUN_BITS == 0)
		return;
	enter(AT, PA, TOME_RUN_SPAN);
	tome_epoch_enter(vm);
	assert_int_equal(tome_leaf_find(kernel, AT + PAGE, false, &l), TOME_OK);
	i = tome_leaf_index(AT + PAGE);
	was = tome_slot_xchg(&l, i, 0);
	tome_round(kernel, AT + PAGE, AT + 2 * PAGE);
	assert_int_equal(hosted_kread(AT, &b, 1, false), TOME_OK);
	assert_false(hosted_judge(m));
	expect_violation(HOSTED_STALE);
	tome_round(kernel, AT, AT + PAGE);
	tome_slot_xchg(&l, i, tome_pte_run(tome_pmap_mmu(kernel),
	    tome_pte_leaf(tome_pmap_mmu(kernel), 0, 2 * PA + PAGE, RW,
	    TOME_MEM_DEVICE, TOME_LEAF_KERNEL)));
	assert_int_not_equal(hosted_kread(AT, &b, 1, false), TOME_OK);
	expect_violation(HOSTED_TABLE);
	tome_slot_xchg(&l, i, 0);
	tome_round(kernel, AT, AT + 2 * PAGE);
	tome_slot_xchg(&l, i, was);
	tome_epoch_leave(vm);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, up, down)
	const struct CMUnitTest tests[] = {
		TEST(a_run_is_one_entry_of_a_tlb),
		TEST(a_run_has_its_place),
		TEST(what_is_there_is_entered_page_by_page),
		TEST(the_recount_sees_what_is_not_whole),
		TEST(the_machine_sees_a_run_that_is_not_whole),
	};

	return cmocka_run_group_tests_name(hosted_mmu.name, tests, NULL, NULL);
}
