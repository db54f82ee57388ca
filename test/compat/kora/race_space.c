/*
 * race_space.c - two CPUs fault, map and unmap in one space of Kora, under TSan.
 */
#include "rig_k.h"

#define ROUNDS 200u

static unsigned wrong[2];

/* Each maps, writes, reads, unmaps and scavenges; both touch one shared area. */
static void
user(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t at = (size_t)mspace_map(k_ms, 0, 3 * PG, NULL, 0, 0,
		    VMA_FG_ANON);

		if (at == 0 || !rig_poke(at + PG, 'A' + (int)me) ||
		    rig_peek(at + PG) != 'A' + (int)me ||
		    rig_peek(at) != 0 ||
		    !rig_poke(AT + (i % 64) * PG + me, 'A' + (int)me) ||
		    mspace_protect(k_ms, at, PG, VMA_READ) != 0 ||
		    mspace_unmap(k_ms, at, 3 * PG) != 0 ||
		    mspace_scavenge(k_ms) != 0)
			wrong[me]++;
	}
}

static void
test_race(void **state)
{
	size_t at = k_map(AT, 64 * PG, NULL, 0, 0, VMA_FG_ANON);

	(void)state;
	hosted_start(rig.machine, 1, user, (void *)1);
	user((void *)0);
	hosted_join(rig.machine);
	assert_int_equal(wrong[0] + wrong[1], 0);
	assert_int_equal(k_ms->v_size, 64);
	k_count(k_ms);
	for (size_t i = 0; i < 64; i++) {
		assert_int_equal(rig_peek(at + i * PG), 'A');
		assert_int_equal(rig_peek(at + i * PG + 1), 'B');
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		CONTRACT_TEST("R37", test_race, k_up, k_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
