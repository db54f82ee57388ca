/*
 * test_asid.c - switches, tags and generations.
 */
#include "rig.h"

#define VA RIG_USER
#define MAPS 40

static struct tome_pmap *map[MAPS];
static tome_pfn_t frame[MAPS];

static void
make(unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		map[i] = rig_pmap();
		frame[i] = rig_anon();
		rig_enter(map[i], VA, frame[i], R);
	}
}

static void
unmake(unsigned n)
{
	unsigned i;

	for (i = 0; i < rig.boot.ncpus; i++) {
		rig_cpu(i);
		tome_pmap_switch(tome_pmap_kernel(rig.vm));
	}
	rig_cpu(0);
	for (i = 0; i < n; i++) {
		tome_pmap_destroy(map[i]);
		tome_frame_free(rig.vm, frame[i]);
	}
}

static void
each_map_sees_its_own(void **state)
{
	unsigned turn, i;

	(void)state;
	make(MAPS);
	for (turn = 0; turn < 3; turn++)
		for (i = 0; i < MAPS; i++) {
			rig_cpu((i + turn) % 3);
			tome_pmap_switch(map[i]);
			assert_ptr_equal(tome_pmap_current(rig.vm), map[i]);
			assert_int_equal(rig_access(VA, R), frame[i]);
		}
	unmake(MAPS);
}

/* With tags, coming back costs no flush. */
static void
a_switch_flushes_nothing(void **state)
{
	unsigned i;

	(void)state;
	make(2);
	for (i = 0; i < 2; i++) {
		tome_pmap_switch(map[i]);
		assert_int_equal(rig_access(VA, R), frame[i]);
	}
	memset(&test_flushes, 0, sizeof(test_flushes));
	for (i = 0; i < 10; i++)
		tome_pmap_switch(map[i % 2]);
	assert_int_equal(test_flushes.asid + test_flushes.all, 0);
	assert_true(test_flushes.switches > 0);
	unmake(2);
}

static void
switching_to_itself_does_nothing(void **state)
{
	(void)state;
	make(1);
	tome_pmap_switch(map[0]);
	memset(&test_flushes, 0, sizeof(test_flushes));
	tome_pmap_switch(map[0]);
	assert_int_equal(test_flushes.switches + test_flushes.asid, 0);
	unmake(1);
}

/*
 * Numbers run out again and again while CPU 1 stays on one map: it keeps its
 * number and what it has cached, nobody else gets them (F12).
 */
static void
a_rollover_keeps_running_numbers(void **state)
{
	struct tome_pmaps *s = rig.vm->pmaps;
	unsigned i, turns = 0, kept;
	uint64_t gen;

	(void)state;
	make(MAPS);
	rig_cpu(1);
	tome_pmap_switch(map[0]);
	assert_int_equal(rig_access(VA, R), frame[0]);
	kept = test_mmu[1].asid;
	gen = s->asid_gen;
	rig_cpu(0);
	while (s->asid_gen < gen + 3) {
		for (i = 1; i < MAPS; i++) {
			tome_pmap_switch(map[i]);
			assert_int_equal(rig_access(VA, R), frame[i]);
			assert_true(test_mmu[0].asid != kept);
			/* Make the number old, as many other maps would. */
			map[i]->asid_gen = 0;
		}
		assert_true(++turns < 1000);
	}
	rig_cpu(1);
	assert_int_equal(test_mmu[1].asid, kept);
	assert_int_equal(rig_access(VA, R), frame[0]);
	tome_pmap_switch(map[1]);
	assert_int_equal(rig_access(VA, R), frame[1]);
	unmake(MAPS);
}

/* The other CPUs flush at their next switch: reused numbers bring nothing old. */
static void
a_rollover_makes_the_others_flush(void **state)
{
	struct tome_pmaps *s = rig.vm->pmaps;
	unsigned i, turns = 0;
	uint64_t gen;

	(void)state;
	make(MAPS);
	rig_cpu(1);
	for (i = 0; i < 6; i++) {
		tome_pmap_switch(map[i]);
		assert_int_equal(rig_access(VA, R), frame[i]);
	}
	tome_pmap_switch(tome_pmap_kernel(rig.vm));
	gen = s->asid_gen;
	rig_cpu(0);
	while (s->asid_gen == gen) {
		for (i = 6; i < MAPS; i++) {
			tome_pmap_switch(map[i]);
			map[i]->asid_gen = 0;
		}
		assert_true(++turns < 1000);
	}
	rig_cpu(1);
	for (i = MAPS; i-- > 0;) {
		tome_pmap_switch(map[i]);
		assert_int_equal(rig_access(VA, R), frame[i]);
	}
	unmake(MAPS);
}

static void
untagged_switches_drop_everything(void **state)
{
	unsigned i;

	(void)state;
	rig_start(3, RIG_FEATURES_UNTAGGED);
	assert_int_equal(rig.vm->pmaps->mmu.asids, 0);
	make(3);
	for (i = 0; i < 9; i++) {
		tome_pmap_switch(map[i % 3]);
		assert_int_equal(rig_access(VA, R), frame[i % 3]);
	}
	unmake(3);
	rig_end();
}

static void
destroy_running(void *arg)
{
	tome_pmap_destroy(arg);
}

static void
a_running_pmap_is_not_destroyed(void **state)
{
	(void)state;
	make(1);
	tome_pmap_switch(map[0]);
	assert_true(rig_panics(destroy_running, map[0]));
	unmake(1);
}

int
main(void)
{
#define ON(n, f) cmocka_unit_test_setup_teardown(f, rig_setup_##n, rig_teardown)
	const struct CMUnitTest tests[] = {
		ON(3, each_map_sees_its_own),
		ON(3, a_switch_flushes_nothing),
		ON(1, switching_to_itself_does_nothing),
		ON(3, a_rollover_keeps_running_numbers),
		ON(3, a_rollover_makes_the_others_flush),
		cmocka_unit_test(untagged_switches_drop_everything),
		ON(1, a_running_pmap_is_not_destroyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
