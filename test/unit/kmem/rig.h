/*
 * rig.h - a machine with an instance whose layer 3 runs, for each test.
 *
 * Teardown checks the instance, that every frame is back, and that nothing
 * leaked.
 */
#ifndef TEST_KMEM_RIG_H
#define TEST_KMEM_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <hosted.h>
#include <kmem/kmem_i.h>
#include <tome/pmap.h>

#define RIG_CPUS 4

struct rig {
	struct hosted_machine *machine;
	struct tome_vm *vm;
	tome_pfn_t frames;	/* free ones when the test began */
	bool broken;		/* it panicked: only the machine can go */
};

int rig_setup(void **state);
int rig_teardown(void **state);
/* On every CPU: each gives back its own magazines. */
void rig_quiesce(struct rig *);
/* Quiesce; every frame must be back. */
void rig_assert_clean(struct rig *);
/* fn must panic with a text that has `part` in it. The rig is broken after. */
void rig_assert_panics(struct rig *, void (*fn)(void *), void *arg,
    const char *part);

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif
