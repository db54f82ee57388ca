/*
 * rig.h - a machine with an instance whose layers 0-5 run, for each test.
 *
 * Teardown checks the instance, that nothing is left, and that nothing leaked.
 */
#ifndef TEST_MAP_RIG_H
#define TEST_MAP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <hosted.h>
#include <map/map_i.h>

#define RIG_CPUS 4
#define PG TOME_PAGE_SIZE
#define AT ((tome_va_t)0x10000000)
#define RW (TOME_PROT_READ | TOME_PROT_WRITE)
#define RO TOME_PROT_READ

struct rig {
	struct hosted_machine *machine;
	struct tome_vm *vm;
};

int rig_setup(void **state);
int rig_teardown(void **state);
/* For entries that a test got from calloc(). */
void rig_free_entry(struct tome_vm *, struct tome_retired *);

struct tome_map *rig_map(struct rig *);
/* Anonymous memory, at `at` or, if 0, anywhere. Must succeed. */
tome_va_t rig_enter(struct tome_map *, tome_va_t at, unsigned pages,
    tome_prot_t);
/* One byte, as the space's own access; peek gives -1 where that fails. */
void rig_poke(struct tome_map *, tome_va_t, uint8_t);
int rig_peek(struct tome_map *, tome_va_t);
void rig_check(struct rig *);
uint64_t rig_anon_frames(struct rig *);
/* The entries, as "first-end rwx, ..." in hexadecimal pages from AT. */
void rig_expect(struct tome_map *, const char *want);

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif
