/*
 * rig.h - a machine with an instance whose layers 0-5 run, for each test.
 *
 * Teardown checks the instance, that every frame is back, and that nothing
 * leaked.
 */
#ifndef TEST_MAP_RIG_H
#define TEST_MAP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <hosted.h>
#include <map/map_i.h>

#define RIG_CPUS 4

struct rig {
	struct hosted_machine *machine;
	struct tome_vm *vm;
	tome_pfn_t frames;	/* free ones when the test began */
};

int rig_setup(void **state);
int rig_teardown(void **state);
/* For entries that a test got from calloc(). */
void rig_free_entry(struct tome_vm *, struct tome_retired *);

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif
