/*
 * test_walk.c - publishing and detaching tables, and the races between the two,
 * one step at a time: a hook in the host's allocation check runs the other CPU
 * between a publisher's decision and its publication.
 */
#include <insn.h>

#include "rig.h"

#define VA RIG_USER
#define SPAN tome_leaf_span()

static struct tome_pmap *pmap;
static void (*in_alloc)(void);

static bool
may_alloc(void *ctx, const char *what)
{
	void (*hook)(void) = in_alloc;

	(void)ctx, (void)what;
	in_alloc = NULL;
	if (hook != NULL) {
		rig_cpu(1);
		hook();
		rig_cpu(0);
	}
	return true;
}

static int
setup(void **state)
{
	rig_setup_3(state);
	rig.host.may_alloc = may_alloc;
	pmap = rig_pmap();
	return 0;
}

static int
teardown(void **state)
{
	tome_pmap_destroy(pmap);
	return rig_teardown(state);
}

static void
find_does_not_create(void **state)
{
	struct tome_leaf l;

	(void)state;
	tome_epoch_enter(rig.vm);
	assert_int_equal(tome_leaf_find(pmap, VA, false, &l), TOME_ENOENT);
	assert_int_equal(tome_leaf_find(pmap, VA, true, &l), TOME_OK);
	assert_int_equal(l.base, VA);
	assert_int_equal(l.end, VA + SPAN);
	assert_int_equal(tome_leaf_find(pmap, VA + SPAN - 1, false, &l),
	    TOME_OK);
	assert_int_equal(l.base, VA);
	tome_epoch_leave(rig.vm);
	assert_sound();
}

static void
publish_here(void)
{
	struct tome_leaf l;

	tome_epoch_enter(rig.vm);
	assert_int_equal(tome_leaf_find(pmap, VA, true, &l), TOME_OK);
	tome_epoch_leave(rig.vm);
}

/* Two CPUs miss the same table: one unit is published, one given back. */
static void
the_loser_uses_the_winners(void **state)
{
	uint64_t tables;

	(void)state;
	in_alloc = publish_here;
	publish_here();
	assert_null(in_alloc);
	tables = tome_pmap_tables(pmap);
	assert_int_equal(tables, rig.vm->pmaps->mmu.levels);
	assert_sound();
}

static void
collect_everything(void)
{
	struct tome_gather g;

	tome_gather_begin(&g, pmap);
	tome_epoch_enter(rig.vm);
	tome_upper_sweep(pmap, &g);
	tome_gather_finish(&g);
	tome_epoch_leave(rig.vm);
}

/*
 * The upper table is detached after the publisher walked to it and before it
 * publishes in it: the unit is taken back and published anew.
 */
static void
a_late_publisher_takes_its_unit_back(void **state)
{
	struct tome_walk before, after;
	unsigned rounds;

	(void)state;
	rig_cpu(2);
	tome_pmap_switch(pmap);
	rig_cpu(0);
	assert_int_equal(tome_walk_make(pmap, VA, 1), TOME_OK);
	rounds = rig.ipi_to[2];
	before = tome_walk_to(pmap, VA, 1);
	tome_epoch_enter(rig.vm);
	in_alloc = collect_everything;
	publish_here();
	assert_null(in_alloc);
	after = tome_walk_to(pmap, VA, 1);
	assert_int_equal(after.level, 1);
	assert_int_not_equal(after.frame, before.frame);
	assert_true(atomic_load(&tome_page(rig.vm, before.frame)->state) &
	    TOME_PAGE_STRAY);
	tome_epoch_leave(rig.vm);
	/* A CPU that walked through it meanwhile forgets the unit: one round for
	 * what was detached, one for what was taken back. */
	assert_int_equal(rig.ipi_to[2] - rounds, 2);
	rig_cpu(2);
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	rig_cpu(0);
	assert_sound();
}

static unsigned allowed;

static bool
one_more(void *ctx, const char *what)
{
	(void)ctx, (void)what;
	return allowed > 0 && allowed-- > 0;
}

/* A table without its side array goes back. */
static void
half_a_leaf_goes_back(void **state)
{
	struct tome_pmap *p;
	tome_pfn_t before;
	struct tome_leaf l;
	unsigned i, failed = 0;

	(void)state;
	tome_vm_quiesce(rig.vm, true);
	before = tome_frames_free_count(rig.vm);
	p = rig_pmap();
	for (i = 0; i < 64; i++) {
		tome_epoch_enter(rig.vm);
		rig.host.may_alloc = one_more;
		allowed = 1;
		failed += tome_leaf_find(p, VA + i * SPAN, true, &l) != TOME_OK;
		rig.host.may_alloc = may_alloc;
		assert_int_equal(tome_leaf_find(p, VA + i * SPAN, true, &l),
		    TOME_OK);
		tome_epoch_leave(rig.vm);
	}
	assert_true(failed > 0);
	assert_sound();
	tome_pmap_destroy(p);
	tome_vm_quiesce(rig.vm, true);
	assert_int_equal(tome_frames_free_count(rig.vm), before);
}

/* A leaf found, then collected, is stray to whoever locks it; and its frame is
 * not reused while they are in their epoch. */
static void
a_collected_leaf_is_stray(void **state)
{
	tome_pfn_t f = rig_anon();
	struct tome_leaf l, m;
	struct tome_gather g;

	(void)state;
	rig_enter(pmap, VA, f, R);
	tome_epoch_enter(rig.vm);
	assert_int_equal(tome_leaf_find(pmap, VA, false, &l), TOME_OK);
	rig_cpu(1);
	tome_gather_begin(&g, pmap);
	tome_range_remove(&g, VA, VA + PAGE);
	rig_cpu(0);
	tome_leaf_lock(&l);
	assert_true(tome_leaf_stray(&l));
	tome_leaf_unlock(&l);
	rig_cpu(1);
	tome_gather_finish(&g);
	tome_vm_quiesce(rig.vm, false);
	rig_cpu(0);
	assert_int_equal(tome_frame_identity(rig.vm, l.frame),
	    TOME_PAGE_TABLE);
	tome_leaf_lock(&l);
	assert_true(tome_leaf_stray(&l));
	tome_leaf_unlock(&l);
	assert_int_equal(tome_leaf_find(pmap, VA, true, &m), TOME_OK);
	assert_int_not_equal(m.frame, l.frame);
	tome_epoch_leave(rig.vm);
	tome_vm_quiesce(rig.vm, false);
	assert_int_equal(tome_frame_identity(rig.vm, l.frame), TOME_PAGE_FREE);
	tome_frame_free(rig.vm, f);
}

/* An upper table with anything in it stays. */
static void
used_upper_tables_stay(void **state)
{
	(void)state;
	publish_here();
	collect_everything();
	assert_int_equal(tome_pmap_tables(pmap), rig.vm->pmaps->mmu.levels);
	assert_sound();
}

/* The iterator visits every leaf once, in order, whatever lies between. */
static void
next_finds_every_leaf(void **state)
{
	tome_va_t at[] = {0, 3 * SPAN, 4 * SPAN, 130 * SPAN, 600 * SPAN};
	tome_va_t va = 0, min, max;
	struct tome_leaf l;
	unsigned i;

	(void)state;
	tome_pmap_user_span(rig.vm, &min, &max);
	tome_epoch_enter(rig.vm);
	for (i = 0; i < 5; i++)
		assert_int_equal(tome_leaf_find(pmap, at[i], true, &l),
		    TOME_OK);
	for (i = 0; i < 5; i++, va = l.end) {
		assert_true(tome_walk_next(pmap, &va, max, &l));
		assert_int_equal(l.base, at[i]);
	}
	assert_false(tome_walk_next(pmap, &va, max, &l));
	va = at[1] + SPAN / 2;
	assert_true(tome_walk_next(pmap, &va, max, &l));
	assert_int_equal(va, at[1] + SPAN / 2);
	va = at[2] + SPAN;
	assert_false(tome_walk_next(pmap, &va, at[3], &l));
	tome_epoch_leave(rig.vm);
}

int
main(void)
{
#define ON(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ON(find_does_not_create),
		ON(the_loser_uses_the_winners),
		ON(a_late_publisher_takes_its_unit_back),
		ON(half_a_leaf_goes_back),
		ON(a_collected_leaf_is_stray),
		ON(used_upper_tables_stay),
		ON(next_finds_every_leaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
