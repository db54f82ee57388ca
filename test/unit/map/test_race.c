/*
 * test_race.c - CPUs fault in their own ranges while others map, unmap, protect,
 * move and fork around them: nobody's bytes change, and the recount is right.
 */
#include "rig.h"

#define ROUNDS 400
#define SPAN 64			/* pages a CPU calls its own */

struct race {
	struct rig *rig;
	struct tome_map *map;
	_Atomic unsigned bad;
	_Atomic unsigned cpu;
};

/* Its range is in the middle of the others', and merges with them. */
static tome_va_t
own(unsigned cpu)
{
	return AT + cpu * SPAN * PG;
}

static void
expect(struct race *ra, bool good)
{
	if (!good)
		atomic_fetch_add(&ra->bad, 1);
}

static void
toucher(void *arg)
{
	struct race *ra = arg;
	tome_va_t va = own(atomic_fetch_add(&ra->cpu, 1));
	uint8_t byte;
	size_t done;

	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned p = 0; p < SPAN; p++) {
			byte = (uint8_t)(i + p);
			expect(ra, tome_map_write(ra->map, va + p * PG, &byte,
			    1, false, &done) == TOME_OK);
		}
		for (unsigned p = 0; p < SPAN; p++)
			expect(ra, tome_map_read(ra->map, va + p * PG, &byte,
			    1, false, &done) == TOME_OK &&
			    byte == (uint8_t)(i + p));
		hosted_poll();
	}
}

static void
changer(void *arg)
{
	struct race *ra = arg;
	tome_va_t va = own(atomic_fetch_add(&ra->cpu, 1)), out;
	struct tome_map *child;
	uint8_t byte = 1;
	size_t done;

	for (unsigned i = 0; i < ROUNDS / 2; i++) {
		expect(ra, tome_map_protect(ra->map, va + 8 * PG, 4 * PG,
		    RO) == TOME_OK);
		expect(ra, tome_map_protect(ra->map, va + 8 * PG, 4 * PG,
		    RW) == TOME_OK);
		expect(ra, tome_map_remove(ra->map, va, 6 * PG) == TOME_OK);
		rig_enter(ra->map, va, 6, RW);
		expect(ra, tome_map_write(ra->map, va + 2 * PG, &byte, 1,
		    false, &done) == TOME_OK);
		expect(ra, tome_map_move(ra->map, va, 6 * PG, 6 * PG,
		    TOME_MOVE_MAY | TOME_MOVE_DONTUNMAP, 0, &out) == TOME_OK);
		expect(ra, tome_map_remove(ra->map, out, 6 * PG) == TOME_OK);
		if (i % 8 == 0) {
			expect(ra, tome_map_fork(ra->map, &child) == TOME_OK);
			tome_map_unref(child);
		}
		hosted_poll();
	}
}

static void
test_faults_race_changes(void **state)
{
	struct rig *r = *state;
	struct race ra = { .rig = r, .map = rig_map(r) };

	rig_enter(ra.map, AT, RIG_CPUS * SPAN, RW);
	ra.cpu = 1;
	hosted_start(r->machine, 1, toucher, &ra);
	hosted_start(r->machine, 2, changer, &ra);
	hosted_start(r->machine, 3, toucher, &ra);
	hosted_join(r->machine);
	assert_int_equal(ra.bad, 0);
	rig_check(r);
	tome_map_unref(ra.map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_faults_race_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
