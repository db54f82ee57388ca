/*
 * rig.h - a space with the calls of layer 7, for each test.
 *
 * The numbers of the calls are the host's own (<sys/mman.h>), not the
 * library's. Teardown checks the instance, that nothing is left, and that
 * nothing leaked.
 */
#ifndef TEST_POSIX_RIG_H
#define TEST_POSIX_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include <hosted.h>
#include <tome/posix.h>

#define PG ((tome_va_t)TOME_PAGE_SIZE)
/* As far up as user addresses go on every port. */
#define TOP ((tome_va_t)(sizeof(tome_va_t) == 8 ? 0x3fffff0000 : 0x7fff0000))
#define LOW ((tome_va_t)16 << TOME_PAGE_SHIFT)
#define AT ((tome_va_t)0x40000000)
#define BRK ((tome_va_t)0x10000123)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHANON (MAP_SHARED | MAP_ANONYMOUS)

struct rig {
	struct hosted_machine *machine;
	struct tome_vm *vm;
	struct tome_shm_ns *shm;
	struct tome_posix *p;
	struct tome_map *map;
};

int rig_setup(void **state);
int rig_teardown(void **state);
struct tome_posix *rig_space(struct rig *);

/* n pages of private memory at va, which must be free to take. */
void rig_map(struct rig *, tome_va_t va, unsigned n, int prot, int flags);
/* One byte of the space; -1 where it cannot be read, false not written. */
int rig_peek(struct rig *, tome_va_t);
bool rig_poke(struct rig *, tome_va_t, uint8_t);
/* The region at va; its start 0 if there is none. */
struct tome_region rig_region(struct rig *, tome_va_t va);
bool rig_mapped(struct rig *, tome_va_t va);
/* Bytes into the space. */
void rig_put(struct rig *, tome_va_t, const void *, size_t n);
void rig_get(struct rig *, tome_va_t, void *, size_t n);
void rig_limit(struct rig *, uint64_t as, uint64_t data, uint64_t memlock);

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif
