/*
 * race_heap.c - two CPUs allocate from, touch, and free to one segment, under TSan.
 */
#include "rig_a.h"

#define ROUNDS 400u
#define KEEP 8u

static struct vm_segment *heap;
static unsigned wrong[2];

static int
up(void **state)
{
	(void)a_up(state);
	heap = a_task(128);
	assert_int_equal(vm_segment_load(1, heap), SUCCESS);
	return 0;
}

/* Mark what is given, look that it stays marked, give it back. */
static void
user(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	char *mine[KEEP] = { NULL };

	for (unsigned i = 0; i < ROUNDS; i++) {
		char **p = &mine[i % KEEP];

		if (*p != NULL) {
			if (rig_peek((uintptr_t)*p) != 'A' + (int)me ||
			    vm_segment_free(heap, *p) != SUCCESS)
				wrong[me]++;
		}
		/* There is room for all; NULL is the other's holding the lock. */
		while ((*p = vm_segment_alloc(heap, (i % 3 + 1) * G)) == NULL)
			hosted_poll();
		if (rig_peek((uintptr_t)*p) != 0 ||
		    !rig_poke((uintptr_t)*p, 'A' + (int)me))
			wrong[me]++;
	}
	for (unsigned i = 0; i < KEEP; i++)
		if (mine[i] != NULL && vm_segment_free(heap, mine[i]) !=
		    SUCCESS)
			wrong[me]++;
}

static void
test_race(void **state)
{
	(void)state;
	hosted_start(rig.machine, 1, user, (void *)1);
	user((void *)0);
	hosted_join(rig.machine);
	assert_int_equal(wrong[0] + wrong[1], 0);
	assert_int_equal(a_count(heap, heap->free), 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		CONTRACT_TEST("A35", test_race, up, a_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
