/*
 * test_maps.c - maps and entries, forks, faults, kmap.
 */
#include <stdlib.h>

#include "kx.h"

static void
test_map(void **state)
{
	vm_map_t *map = DID(vm_map_new());

	(void)state;
	assert_non_null(map);
	assert_null(map->entries);
	assert_non_null(map->pmap);
	assert_ptr_not_equal(map->pmap, kmap.pmap);
	kx_run(map);
	assert_int_equal(rig_peek(0x400000), -1);
	assert_int_equal(kx.fault, kVMFaultRetFailure);
	kx_end(map);
	DO(vm_map_release(NULL));
	DO(vm_map_release(&kmap));
	assert_non_null(kmap.pmap);
	assert_null(DID(vm_map_lookup(NULL, 0)));
}

static void
test_allocate(void **state)
{
	vaddr_t at = VADDR_MAX, second = VADDR_MAX, third = VADDR_MAX, exact;
	vm_map_t *map = DID(vm_map_new());
	vm_object_t *ob = NULL;

	(void)state;
	assert_int_equal(DID(vm_allocate(map, &ob, &at, 2 * PGSIZE)), 0);
	assert_non_null(ob);
	assert_int_equal(ob->refcnt, 1);		/* the map's */
	assert_int_equal(DID(vm_allocate(map, NULL, &second, PGSIZE)), 0);
	assert_int_equal(second, at + 2 * PGSIZE);	/* the next fit */
	exact = at + 8 * PGSIZE;
	assert_int_equal(DID(vm_allocate(map, NULL, &exact, PGSIZE)), 0);
	assert_int_equal(exact, at + 8 * PGSIZE);
	assert_int_equal(DID(vm_deallocate(map, at, PGSIZE)), 0);
	assert_int_equal(DID(vm_allocate(map, NULL, &third, PGSIZE)), 0);
	assert_int_equal(third, at);			/* the first */
	kx_entries(map, 4);
	exact = at + 2 * PGSIZE;
	ob = NULL;
	assert_int_equal(DID(vm_allocate(map, &ob, &exact, 2 * PGSIZE)),
	    -TOME_EEXIST);
	assert_null(ob);
	assert_int_equal(exact, at + 2 * PGSIZE);
	kx_entries(map, 4);
	kx_end(map);
}

static void
test_bad_requests(void **state)
{
	vaddr_t at = VADDR_MAX, odd = 0x400001, far = KMAP, none = VADDR_MAX;
	vm_map_t *map = DID(vm_map_new());
	vm_object_t *ob = DID(vm_aobj_new(4 * PGSIZE));

	(void)state;
#define REFUSED(call) assert_int_equal(DID(call), -TOME_EINVAL)
	REFUSED(vm_allocate(map, NULL, &at, 0));
	REFUSED(vm_allocate(map, NULL, &at, PGSIZE + 1));
	REFUSED(vm_allocate(NULL, NULL, &at, PGSIZE));
	REFUSED(vm_allocate(map, NULL, NULL, PGSIZE));
	REFUSED(vm_allocate(map, NULL, &odd, PGSIZE));
	REFUSED(vm_map_object(map, NULL, &at, PGSIZE, 0, false));
	REFUSED(vm_map_object(map, ob, &at, PGSIZE, 1, false));
	REFUSED(vm_map_object(map, ob, &at, PGSIZE, -PGSIZE, false));
	REFUSED(vm_map_object(map, ob, &at, 0, 0, true));
	REFUSED(vm_deallocate(map, odd, PGSIZE));
	REFUSED(vm_deallocate(map, 0x400000, 0));
	REFUSED(vm_deallocate(map, 0x400000, PGSIZE - 1));
	REFUSED(vm_deallocate(map, VADDR_MAX & ~(vaddr_t)(PGSIZE - 1),
	    2 * PGSIZE));
	REFUSED(vm_deallocate(NULL, 0x400000, PGSIZE));
	REFUSED(vm_deallocate(map, KMAP, PGSIZE));
	REFUSED(vm_map_protect(map, 0x400000, PGSIZE, (vm_prot_t)8));
	REFUSED(vm_map_protect(map, 0x400000, 0, kVMRead));
	assert_int_equal(DID(vm_allocate(map, NULL, &far, PGSIZE)),
	    -TOME_ENOMEM);
	assert_int_equal(DID(vm_allocate(map, NULL, &none,
	    (size_t)1 << 47)), -TOME_ENOMEM);
	assert_int_equal(none, VADDR_MAX);
	assert_int_equal(at, VADDR_MAX);
	kx_entries(map, 0);
	assert_int_equal(ob->refcnt, 1);
	DO(vm_object_release(ob));
	kx_end(map);
}

static void
test_entries(void **state)
{
	vaddr_t at = 0, more;
	vm_object_t *ob;
	vm_map_t *map = kx_space(&at, 64, &ob);

	(void)state;
	kx_entries(map, 1);
	assert_ptr_equal(vm_map_lookup(map, at + 63 * PGSIZE)->obj, ob);
	assert_null(DID(vm_map_lookup(map, at + 64 * PGSIZE)));
	/* The same object, right after itself: two entries. */
	more = at + 64 * PGSIZE;
	assert_int_equal(DID(vm_map_object(map, ob, &more, 8 * PGSIZE, 0,
	    false)), 0);
	kx_entries(map, 2);
	kx_run(map);
	assert_true(rig_poke(at + 3 * PGSIZE, 'o'));
	assert_int_equal(rig_peek(more + 3 * PGSIZE), 'o');	/* by offset */
	/* Many pieces, in a mixed order: a tree that stays one. */
	srand(3);
	for (unsigned i = 0; i < 200; i++) {
		vaddr_t va = at + (vaddr_t)(rand() % 100) * PGSIZE;
		size_t n = (size_t)(rand() % 3 + 1) * PGSIZE;

		if (i % 2 == 0)
			assert_int_equal(DID(vm_deallocate(map, va, n)), 0);
		else
			(void)DID(vm_allocate(map, NULL, &va, n));
	}
	{
		struct tome_map_totals totals;

		tome_map_totals(map->core, &totals);
		assert_true(totals.entries > 10);
		kx_entries(map, (unsigned)totals.entries);
	}
	kx_end(map);
}

static void
test_deallocate(void **state)
{
	vaddr_t at = 0;
	vm_object_t *ob;
	vm_map_t *map = kx_space(&at, 8, &ob);
	vm_map_entry_t *first = DID(vm_map_lookup(map, at));

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		assert_true(rig_poke(at + i * PGSIZE, 'a' + (int)i));
	assert_int_equal(DID(vm_deallocate(map, at + 3 * PGSIZE,
	    2 * PGSIZE)), 0);
	kx_entries(map, 2);
	assert_ptr_equal(DID(vm_map_lookup(map, at)), first);
	assert_int_equal(ob->refcnt, 2);
	assert_int_equal(vm_map_lookup(map, at + 5 * PGSIZE)->offset,
	    5 * PGSIZE);
	assert_int_equal(rig_peek(at + 2 * PGSIZE), 'c');
	assert_int_equal(rig_peek(at + 3 * PGSIZE), -1);
	assert_int_equal(rig_peek(at + 5 * PGSIZE), 'f');
	/* Over a hole, cutting both. */
	assert_int_equal(DID(vm_deallocate(map, at + 2 * PGSIZE,
	    4 * PGSIZE)), 0);
	kx_entries(map, 2);
	assert_int_equal(rig_peek(at + 2 * PGSIZE), -1);
	assert_int_equal(rig_peek(at + 6 * PGSIZE), 'g');
	assert_int_equal(DID(vm_deallocate(map, at, 8 * PGSIZE)), 0);
	kx_entries(map, 0);
	assert_int_equal(DID(vm_deallocate(map, at, 8 * PGSIZE)), 0);
	kx_end(map);
}

static void
test_protect(void **state)
{
	vaddr_t at = 0;
	vm_map_t *map = kx_space(&at, 6, NULL);

	(void)state;
	assert_true(rig_poke(at + 2 * PGSIZE, 'r'));
	assert_int_equal(DID(vm_map_protect(map, at + 2 * PGSIZE,
	    2 * PGSIZE, kVMRead)), 0);
	kx_entries(map, 3);
	assert_false(rig_poke(at + 2 * PGSIZE, 'x'));
	assert_int_equal(rig_peek(at + 2 * PGSIZE), 'r');
	assert_int_equal(rig_fetch(at + 2 * PGSIZE), -1);
	assert_true(rig_poke(at + PGSIZE, 1) && rig_poke(at + 4 * PGSIZE, 1));
	assert_int_equal(DID(vm_map_protect(map, at, 6 * PGSIZE, kVMAll)), 0);
	assert_true(rig_poke(at + 2 * PGSIZE, 'x'));
	kx_entries(map, 3);
	assert_int_equal(DID(vm_deallocate(map, at + 3 * PGSIZE, PGSIZE)), 0);
	assert_int_equal(DID(vm_map_protect(map, at, 6 * PGSIZE, kVMRead)),
	    -TOME_ENOMEM);			/* a hole: nothing changed */
	assert_true(rig_poke(at, 'y'));
	kx_entries(map, 3);
	kx_end(map);
}

static void
test_fork_entries(void **state)
{
	vm_object_t *file = kx_file(true), *ob, *copy;
	vaddr_t at = 0, twice = VADDR_MAX, there = VADDR_MAX;
	vm_map_t *map = kx_space(&at, 4, &ob), *child;

	(void)state;
	assert_int_equal(DID(vm_map_object(map, ob, &twice, 2 * PGSIZE,
	    PGSIZE, false)), 0);
	assert_int_equal(DID(vm_map_object(map, file, &there, PGSIZE, 0,
	    false)), 0);
	assert_int_equal(DID(vm_map_protect(map, at, PGSIZE, kVMRead)), 0);
	assert_true(rig_poke(at + PGSIZE, 'p'));
	child = DID(vm_map_fork(map));
	assert_non_null(child);
	kx_entries(child, 4);
	copy = vm_map_lookup(child, at)->obj;
	assert_ptr_not_equal(copy, ob);
	assert_int_equal(copy->refcnt, 3);
	assert_ptr_equal(vm_map_lookup(child, twice)->obj, copy);
	assert_int_equal(vm_map_lookup(child, twice)->offset, PGSIZE);
	assert_int_equal(vm_map_lookup(child, at)->max_prot, kVMRead);
	assert_ptr_equal(vm_map_lookup(child, there)->obj, file);
	kx_run(child);
	assert_int_equal(rig_peek(twice), 'p');
	assert_true(rig_poke(twice, 'c'));
	assert_int_equal(rig_peek(at + PGSIZE), 'c');
	assert_true(rig_poke(there, 'F'));
	kx_run(map);
	assert_int_equal(rig_peek(at + PGSIZE), 'p');
	assert_int_equal(rig_peek(there), 'F');
	kx_end(child);
	kx_end(map);
	DO(vm_object_release(file));
	assert_null(DID(vm_map_fork(NULL)));
	assert_null(DID(vm_map_fork(&kmap)));
}

static void
test_faults(void **state)
{
	vaddr_t at = 0;
	vm_map_t *map = kx_space(&at, 2, NULL);

	(void)state;
#define FAULT(va, flags) DID(vm_fault(NULL, map, va, (vm_fault_flags_t)(flags)))
	assert_int_equal(FAULT(at + 5, kVMFaultUser), kVMFaultRetOK);
	assert_int_equal(FAULT(at, kVMFaultUser | kVMFaultPresent |
	    kVMFaultWrite), kVMFaultRetOK);
	assert_int_equal(FAULT(at, kVMFaultUser | kVMFaultExecute),
	    kVMFaultRetOK);
	assert_int_equal(FAULT(at - 1, kVMFaultUser), kVMFaultRetFailure);
	assert_int_equal(FAULT(KMAP, kVMFaultUser), kVMFaultRetFailure);
	assert_int_equal(FAULT(KMAP, 0), kVMFaultRetFailure);
	assert_int_equal(DID(vm_map_protect(map, at, PGSIZE, kVMRead)), 0);
	assert_int_equal(FAULT(at, kVMFaultUser | kVMFaultWrite),
	    kVMFaultRetFailure);
	assert_int_equal(FAULT(at, kVMFaultUser | kVMFaultExecute),
	    kVMFaultRetFailure);
	assert_int_equal(DID(vm_fault(NULL, NULL, at, kVMFaultUser)),
	    kVMFaultRetFailure);
	hosted_fail_alloc(rig.machine, "frame", 1, true);
	assert_int_equal(FAULT(at + PGSIZE, kVMFaultUser | kVMFaultWrite),
	    kVMFaultRetPageShortage);
	hosted_fail_alloc(rig.machine, NULL, 0, false);
	assert_int_equal(FAULT(at + PGSIZE, kVMFaultUser | kVMFaultWrite),
	    kVMFaultRetOK);
	kx_end(map);
}

static void
test_kmap(void **state)
{
	vm_object_t *ob = DID(vm_aobj_new(2 * PGSIZE));
	vaddr_t at = VADDR_MAX, user = VADDR_MAX;
	vm_map_t *map = DID(vm_map_new());
	uint8_t byte = 'k';

	(void)state;
	assert_int_equal(DID(vm_map_object(&kmap, ob, &at, 2 * PGSIZE, 0,
	    false)), 0);
	assert_int_equal(at, KMAP);
	kx_entries(&kmap, 1);
	assert_int_equal(DID(vm_map_object(map, ob, &user, 2 * PGSIZE, 0,
	    false)), 0);
	kx_run(map);
	assert_int_equal(DID(vm_fault(NULL, map, at, kVMFaultWrite)),
	    kVMFaultRetOK);
	assert_int_equal(hosted_kwrite(at, &byte, 1, false), TOME_OK);
	assert_int_equal(rig_peek(user), 'k');
	assert_int_equal(rig_peek(at), -1);		/* never a user's */
	assert_false(rig_poke(at, 'u'));
	kx_run(NULL);					/* in every process */
	byte = 0;
	assert_int_equal(hosted_kread(at, &byte, 1, false), TOME_OK);
	assert_int_equal(byte, 'k');
	assert_int_equal(DID(vm_deallocate(&kmap, at, PGSIZE)), 0);
	kx_entries(&kmap, 1);
	kx_end(map);
	DO(vm_object_release(ob));
}

/* ---- without memory ---- */

static vm_map_t *space;
static vaddr_t space_at;

/* What was had of it is given back: the frames are as many as before. */
static bool
try_lists(void)
{
	vm_object_t *ob = vm_map_lookup(space, space_at)->obj;
	vm_mdl_t *mdl = NULL, *range = NULL;
	bool good = vm_mdl_new_with_capacity(&mdl, 3 * PGSIZE) == 0;

	assert_int_equal(good, mdl != NULL);
	if (good && vm_mdl_expand(&mdl, 40 * PGSIZE) != 0) {
		assert_int_equal(mdl->nPages, 3);
		assert_int_equal(mdl->nBytes, 3 * PGSIZE);
		good = false;
	}
	vm_mdl_free(mdl);
	if (vm_mdl_new_with_range(&range, ob, 0, 2 * PGSIZE) != 0) {
		assert_null(range);
		good = false;
	}
	vm_mdl_free(range);
	assert_int_equal(ob->refcnt, 1);
	assert_false(vm_page_from_paddr(amap_anon_at(ob->anon.amap, 0)->
	    physpage->paddr)->busy);
	return good;
}

static bool
try_kernel(void)
{
	vaddr_t at = vm_kalloc(3, kVMKNoSleep);
	vm_page_t *page = vm_pagealloc(false, &vm_pgdevbufq);
	vm_map_t *map = vm_map_new();
	bool good = at != 0 && page != NULL && map != NULL;

	if (at != 0)
		vm_kfree(at, 3);
	vm_page_free(page);
	vm_map_release(map);
	return good;
}

static bool
try_objects(void)
{
	vm_object_t *ob = vm_aobj_new(PGSIZE), *copy = vm_object_copy(ob);
	vm_object_t *file = vm_vobj_new(NULL, &kx_ops, PGSIZE);
	vm_object_t *above = vm_object_copy(file);
	bool good = ob != NULL && copy != NULL && file != NULL && above != NULL;

	if (file != NULL)
		assert_int_equal(file->refcnt, above != NULL ? 2 : 1);
	vm_object_release(above);
	vm_object_release(file);
	vm_object_release(copy);
	vm_object_release(ob);
	return good;
}

/* The other calls, each with every allocation failing. */
static void
fail_each(bool (*attempt)(void))
{
	uint64_t had;

	assert_true(attempt());
	had = rig_free_frames();
	rig_each_failure(attempt);
	assert_int_equal(rig_free_frames(), had);
}

static bool
try_fork(void)
{
	vm_map_t *child = vm_map_fork(space);

	if (child == NULL)
		kx_entries(space, 2);
	else
		kx_entries(child, 2);
	vm_map_release(child);
	return child != NULL;
}

static bool
try_changes(void)
{
	vaddr_t va = VADDR_MAX;
	bool good = vm_allocate(space, NULL, &va, 3 * PGSIZE) == 0;
	size_t was = 3;

	kx_entries(space, good ? 3 : 2);
	if (!good)
		return false;
	if (vm_map_protect(space, va + PGSIZE, PGSIZE, kVMRead) == 0)
		was = 5;
	kx_entries(space, (unsigned)was);
	if (vm_deallocate(space, va + PGSIZE, PGSIZE) == 0)
		was = 4;
	else
		good = false;
	kx_entries(space, (unsigned)was);
	hosted_fail_alloc(rig.machine, NULL, 0, false);
	return good & (vm_deallocate(space, va, 3 * PGSIZE) == 0);
}

static void
test_no_memory(void **state)
{
	vaddr_t second = VADDR_MAX;

	(void)state;
	space_at = 0;
	space = kx_space(&space_at, 40, NULL);
	assert_int_equal(DID(vm_allocate(space, NULL, &second, PGSIZE)), 0);
	for (unsigned i = 0; i < 40; i += 39)
		assert_true(rig_poke(space_at + i * PGSIZE, 'm'));
	rig_each_failure(try_fork);
	kx_entries(space, 2);
	rig_each_failure(try_changes);
	kx_entries(space, 2);
	fail_each(try_lists);
	fail_each(try_kernel);
	fail_each(try_objects);
	assert_int_equal(rig_peek(space_at + 39 * PGSIZE), 'm');
	kx_end(space);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("K20", test_map),
		TEST("K21", test_allocate),
		TEST("K22", test_bad_requests),
		TEST("K23", test_entries),
		TEST("K24", test_deallocate),
		TEST("K25", test_protect),
		TEST("K26", test_fork_entries),
		TEST("K27", test_faults),
		TEST("K28", test_kmap),
		TEST("K29", test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
