/*
 * race_fork.c - under TSan: a process forks, maps, unmaps and looks at its memory while
 * it runs on another CPU, which writes to it.
 */
#include <hosted_i.h>

#include "kx.h"

#define PAGES 48u
#define ROUNDS 30u

static vaddr_t at;
static vm_object_t *object;
static vm_map_t *space;
static _Atomic unsigned stop;
static unsigned torn;

static enum tome_err
vector(void *arg, tome_va_t va, tome_prot_t access)
{
	(void)arg;
	return vm_fault(NULL, space, va, access == TOME_PROT_WRITE ?
	    kVMFaultUser | kVMFaultWrite : kVMFaultUser) == kVMFaultRetOK ?
	    TOME_OK : TOME_EFAULT;
}

/* Both bytes of a page, the first first. */
static void
writer(void *arg)
{
	(void)arg;
	for (unsigned n = 1; !stop; n = n % 200 + 1)
		for (unsigned i = 0; i < PAGES; i++)
			if (!rig_poke(at + i * PGSIZE, (int)n) ||
			    !rig_poke(at + i * PGSIZE + 8, (int)n))
				torn++;
}

static unsigned
byte_of(vm_map_t *map, vaddr_t va)
{
	uint8_t byte = 0;
	size_t done;

	assert_int_equal(tome_map_read(map->core, va, &byte, 1, false, &done),
	    TOME_OK);
	return byte;
}

/* What the child has does not change, whatever the parent writes. */
static void
fork_once(void)
{
	unsigned was[PAGES];
	vaddr_t more = VADDR_MAX;
	vm_map_t *child = vm_map_fork(space);

	assert_non_null(child);
	for (unsigned i = 0; i < PAGES; i++)
		was[i] = byte_of(child, at + i * PGSIZE);
	assert_int_equal(vm_allocate(space, NULL, &more, 3 * PGSIZE), 0);
	assert_int_equal(vm_deallocate(space, more + PGSIZE, PGSIZE), 0);
	for (unsigned i = 0; i < PAGES; i++) {
		vm_anon_t *an = amap_anon_at(object->anon.amap, i);

		if (an != NULL)
			assert_true(an->refcnt >= 1);
		assert_int_equal(byte_of(child, at + i * PGSIZE), was[i]);
	}
	assert_int_equal(vm_deallocate(space, more, 3 * PGSIZE), 0);
	vm_map_release(child);
}

static void
test_race(void **state)
{
	(void)state;
	hosted_kva_trap();
	for (unsigned i = 0; i < PAGES; i++)
		assert_true(rig_poke(at + i * PGSIZE, 1));
	hosted_start(rig.machine, 1, writer, NULL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		fork_once();
		hosted_poll();
	}
	stop = 1;
	hosted_join(rig.machine);
	assert_int_equal(torn, 0);
	kx_entries(space, 1);
}

static int
up(void **state)
{
	kx_up(state);
	rig.fault = vector;
	space = vm_map_new();
	at = VADDR_MAX;
	assert_int_equal(vm_allocate(space, &object, &at, PAGES * PGSIZE), 0);
	hosted_become(rig.machine, 1);
	vm_activate(space);
	hosted_become(rig.machine, 0);
	vm_activate(space);
	return 0;
}

static int
down(void **state)
{
	hosted_become(rig.machine, 1);
	vm_activate(&kmap);
	hosted_become(rig.machine, 0);
	kx_end(space);
	return kx_down(state);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		CONTRACT_TEST("K45", test_race, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
