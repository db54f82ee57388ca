/*
 * test_tables.c - page tables that come and go on several CPUs at once, under
 * every schedule of at most two preemptions. Afterwards the recount holds, the
 * MMUs hold nothing that is gone, and what should be mapped is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <base/vm_i.h>
#include <boot.h>
#include <pmap/leaf.h>
#include <pmap/pmap_i.h>

/* What a table of level 1 spans; where the root is one, a part of it. */
#define UPPER (TOME_PT_LEVELS_MAX > 2 ? tome_unit_span(1) : (tome_va_t)1 << 29)
/* An early and the last leaf below one such table, and one below another. */
#define VA tome_unit_span(0)
#define NEAR (UPPER - tome_unit_span(0))
#define FAR UPPER
#define PAGE TOME_PAGE_SIZE
#define RW (TOME_PROT_READ | TOME_PROT_WRITE)
#define FRAMES 4

struct world {
	struct hosted_machine *m;
	struct tome_vm *vm;
	struct tome_pmap *pmap;
	tome_pfn_t frame[FRAMES];
	bool bad;			/* a thread saw what it must not */
};

/* What the program under test expects at the end. */
static struct {
	uint64_t resident;
	bool narrowed;			/* no translation may be writable */
} expected;

/* Checks that must hold whatever the schedule: no return, a judged failure. */
static void
must(struct world *w, bool holds)
{
	if (!holds)
		w->bad = true;
}

static void
run(struct world *w, struct tome_pmap *p)
{
	uintptr_t irq;

	(void)w;
	tome_host_preempt_off();
	irq = tome_host_irq_save();
	tome_pmap_switch(p);
	tome_host_irq_restore(irq);
	tome_host_preempt_on();
}

static void
enter(struct world *w, tome_va_t va, unsigned frame, tome_prot_t prot)
{
	must(w, tome_pmap_enter(w->pmap, va, w->frame[frame], prot,
	    TOME_MEM_WB, TOME_PMAP_MODIFIED) == TOME_OK);
}

static void *
setup(struct hosted_machine *m)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned i;

	w->m = m;
	must(w, hosted_vm_create(m, &w->vm) == TOME_OK);
	must(w, tome_pmap_create(w->vm, &w->pmap) == TOME_OK);
	for (i = 0; i < FRAMES; i++)
		must(w, tome_frame_alloc(w->vm, TOME_PAGE_ANON, 0,
		    &w->frame[i]) == TOME_OK);
	return w;
}

static void *
setup_mapped(struct hosted_machine *m)
{
	struct world *w = setup(m);

	enter(w, VA, 0, RW);
	return w;
}

/* A leaf's table without a leaf. */
static void *
setup_empty(struct hosted_machine *m)
{
	struct world *w = setup(m);
	struct tome_leaf l;

	tome_epoch_enter(w->vm);
	must(w, tome_leaf_find(w->pmap, VA, true, &l) == TOME_OK);
	tome_epoch_leave(w->vm);
	return w;
}

static const char *
judge(void *state)
{
	struct world *w = state;
	const char *why = tome_vm_check(w->vm);
	struct tome_translation t;

	if (why != NULL)
		return why;
	if (w->bad)
		return "a call failed that must not";
	if (tome_pmap_resident(w->pmap) != expected.resident)
		return "a translation too many or too few";
	if (expected.narrowed && (tome_pmap_extract(w->pmap, VA, &t) ||
	    tome_pmap_extract(w->pmap, VA + PAGE, &t)) &&
	    (t.prot & TOME_PROT_WRITE))
		return "a right was taken and is still there";
	return hosted_judge(w->m) ? NULL : "an MMU holds what is gone";
}

static void
teardown(void *state, bool failed)
{
	struct world *w = state;
	unsigned i;

	if (!failed) {
		run(w, tome_pmap_kernel(w->vm));
		tome_pmap_destroy(w->pmap);
		for (i = 0; i < FRAMES; i++)
			tome_frame_free(w->vm, w->frame[i]);
		tome_vm_quiesce(w->vm, true);
		if (hosted_vm_destroy(w->m, w->vm) != 0)
			abort();
	}
	free(w);
}

/* ---- what threads do ---- */

static void
enter_va(void *state)
{
	enter(state, VA, 1, RW);
}

static void
enter_next(void *state)
{
	enter(state, VA + PAGE, 2, RW);
}

static void
enter_near(void *state)
{
	enter(state, NEAR, 2, RW);
}

static void
enter_far(void *state)
{
	enter(state, FAR, 2, RW);
}

static void
remove_va(void *state)
{
	struct world *w = state;

	tome_pmap_remove(w->pmap, VA, VA + PAGE);
}

static void
enter_and_remove(void *state)
{
	enter_va(state);
	remove_va(state);
}

static void
collect_tables(void *state)
{
	struct world *w = state;
	struct tome_gather g;

	tome_epoch_enter(w->vm);
	tome_gather_begin(&g, w->pmap);
	tome_range_collect(&g, VA, NEAR);
	tome_gather_finish(&g);
	tome_epoch_leave(w->vm);
}

static void
drop_page(void *state)
{
	struct world *w = state;

	tome_page_protect(w->vm, w->frame[0], TOME_PROT_NONE);
	must(w, tome_page_mappings(w->vm, w->frame[0]) == 0);
}

static void
narrow_page(void *state)
{
	struct world *w = state;

	tome_page_protect(w->vm, w->frame[0], TOME_PROT_READ);
}

static void
move_next(void *state)
{
	struct world *w = state;
	struct tome_gather g;

	tome_gather_begin(&g, w->pmap);
	tome_epoch_enter(w->vm);
	tome_range_move(&g, VA, VA + PAGE, PAGE);
	tome_gather_finish(&g);
	tome_epoch_leave(w->vm);
}

/* Touch what may be there, as a program that runs in the pmap. */
static void
run_and_touch(void *state)
{
	struct world *w = state;
	uint8_t b = 1;

	run(w, w->pmap);
	(void)!hosted_write(VA, &b, 1, NULL, NULL);
	(void)!hosted_read(VA, &b, 1, NULL, NULL);
	run(w, tome_pmap_kernel(w->vm));
}

/* ---- programs ---- */

static void
explore(const char *name, void *(*start)(struct hosted_machine *),
    void (*a)(void *), void (*b)(void *), uint64_t resident)
{
	struct hosted_program p = {
		.name = name, .nthreads = 2, .setup = start,
		.body = {a, b}, .judge = judge, .teardown = teardown,
		.config = {.modes = HOSTED_NEVER_EVICT | HOSTED_WALK_CACHE |
		    HOSTED_SPECULATE, .quiet = true},
	};
	struct hosted_explored out;

	expected.resident = resident;
	if (!hosted_explore(&p, 2, 3000, &out))
		fail_msg("%s: %s (schedule %llu)", name, out.why,
		    (unsigned long long)out.schedule);
	assert_true(out.runs > 1);
	memset(&expected, 0, sizeof(expected));
}

static void
two_publish_one_leaf(void **state)
{
	(void)state;
	explore("publish", setup, enter_va, enter_next, 2);
}

static void
publish_beside_a_collection(void **state)
{
	(void)state;
	explore("same leaf", setup_mapped, remove_va, enter_next, 1);
	explore("same upper table", setup_mapped, remove_va, enter_near, 1);
	explore("another one", setup_mapped, remove_va, enter_far, 1);
	explore("again", setup, enter_and_remove, enter_near, 1);
}

static void
two_collect_one_table(void **state)
{
	(void)state;
	explore("collect", setup, enter_and_remove, enter_and_remove, 0);
	explore("empty", setup_empty, collect_tables, collect_tables, 0);
	explore("and used", setup_empty, collect_tables, enter_va, 1);
	explore("and removed", setup_empty, collect_tables, remove_va, 0);
	explore("and dropped", setup_mapped, collect_tables, drop_page, 0);
}

static void
the_page_side_beside_a_removal(void **state)
{
	(void)state;
	explore("drop", setup_mapped, remove_va, drop_page, 0);
	explore("narrow", setup_mapped, remove_va, narrow_page, 0);
}

/* The page must not look unmapped while its translation moves. */
static void
the_page_side_beside_a_move(void **state)
{
	(void)state;
	explore("drop", setup_mapped, move_next, drop_page, 0);
	expected.narrowed = true;
	explore("narrow", setup_mapped, move_next, narrow_page, 1);
}

static void
a_switch_beside_a_round(void **state)
{
	(void)state;
	explore("remove", setup_mapped, remove_va, run_and_touch, 0);
	explore("drop", setup_mapped, drop_page, run_and_touch, 0);
}

/* Nothing was mapped in it, but a CPU has walked through it. */
static void
an_empty_leaf_leaves_the_walk_caches(void **state)
{
	struct hosted_config config = {
		.modes = HOSTED_NEVER_EVICT | HOSTED_WALK_CACHE, .quiet = true,
	};
	struct hosted_machine *m = hosted_create(&config);
	struct world *w = setup(m);
	struct tome_leaf l;
	uint8_t b;

	(void)state;
	tome_epoch_enter(w->vm);
	assert_int_equal(tome_leaf_find(w->pmap, VA, true, &l), TOME_OK);
	tome_epoch_leave(w->vm);
	run(w, w->pmap);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_EFAULT);
	assert_true(hosted_cached(m, l.frame) > 0);
	tome_pmap_remove(w->pmap, VA, VA + PAGE);
	assert_int_equal(hosted_cached(m, l.frame), 0);
	assert_true(hosted_judge(m));
	teardown(w, false);
	hosted_destroy(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_leaf_leaves_the_walk_caches),
		cmocka_unit_test(two_publish_one_leaf),
		cmocka_unit_test(publish_beside_a_collection),
		cmocka_unit_test(two_collect_one_table),
		cmocka_unit_test(the_page_side_beside_a_removal),
		cmocka_unit_test(the_page_side_beside_a_move),
		cmocka_unit_test(a_switch_beside_a_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
