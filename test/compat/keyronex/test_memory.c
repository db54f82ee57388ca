/*
 * test_memory.c - anonymous memory: anons, amaps, copy-on-write, private files, swap.
 */
#include "kx.h"

/* The page leaves. */
static void
page_out(vm_object_t *ob, size_t page)
{
	vm_anon_t *an = kx_anon(ob, page);

	assert_true(an->resident);
	assert_int_equal(DID(vm_swp_pageout(an->physpage)), kVMPagerOK);
}

static void
test_first_touch(void **state)
{
	vm_object_t *ob;
	vaddr_t at = 0;
	vm_map_t *map = kx_space(&at, 40, &ob);

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		assert_null(kx_anon(ob, i));
	assert_int_equal(rig_peek(at + 33 * PGSIZE), 0);	/* a read */
	assert_true(rig_poke(at, 'a'));
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(kx_anon(ob, i) != NULL, i % 33 == 0);
	assert_int_equal(kx_anon(ob, 0)->refcnt, 1);
	assert_int_equal(kx_anon(ob, 33)->refcnt, 1);
	assert_true(kx_anon(ob, 33)->resident);
	assert_int_equal(kx_rights(map, at + 33 * PGSIZE), kVMAll);
	kx_end(map);
}

static void
test_amap(void **state)
{
	vm_object_t *ob = DID(vm_aobj_new(0));
	vaddr_t at = VADDR_MAX;
	vm_map_t *map = DID(vm_map_new());
	vm_amap_t *amap = ob->anon.amap;

	(void)state;
	assert_int_equal(DID(vm_map_object(map, ob, &at, PGSIZE,
	    (voff_t)1000 * PGSIZE, false)), 0);
	kx_run(map);
	assert_true(rig_poke(at, 'x'));
	assert_int_equal(amap->curnchunk, 0);		/* nobody looked */
	assert_null(kx_anon(ob, 999));
	assert_non_null(kx_anon(ob, 1000));
	assert_true(amap->curnchunk > 1000 / kAMapChunkNPages);
	assert_null(amap->chunks[0]);			/* sparse */
	assert_ptr_equal(amap->chunks[1000 / kAMapChunkNPages]->
	    anon[1000 % kAMapChunkNPages], kx_anon(ob, 1000));
	assert_null(DID(amap_anon_at(NULL, 0)));
	assert_null(DID(amap_anon_at(amap, SIZE_MAX)));
	kx_end(map);
	DO(vm_object_release(ob));
}

static void
test_fork(void **state)
{
	vm_object_t *one, *two;
	vaddr_t at = 0;
	vm_map_t *parent = kx_space(&at, 4, &one), *child;
	vm_anon_t *shared;

	(void)state;
	assert_true(rig_poke(at, 'a') && rig_poke(at + PGSIZE, 'b'));
	assert_int_equal(kx_rights(parent, at), kVMAll);
	child = DID(vm_map_fork(parent));
	assert_non_null(child);
	two = vm_map_lookup(child, at)->obj;
	assert_ptr_not_equal(one, two);
	assert_ptr_not_equal(one->anon.amap, two->anon.amap);
	for (unsigned i = 0; i < 2; i++) {
		assert_ptr_equal(kx_anon(one, i), kx_anon(two, i));
		assert_int_equal(kx_anon(one, i)->refcnt, 2);
		assert_false(kx_rights(parent, at + i * PGSIZE) & kVMWrite);
	}
	assert_null(kx_anon(two, 2));
	/* The child writes the second page. */
	kx_run(child);
	shared = kx_anon(one, 1);
	assert_int_equal(rig_peek(at + PGSIZE), 'b');
	assert_false(kx_rights(child, at + PGSIZE) & kVMWrite);
	assert_true(rig_poke(at + PGSIZE, 'c'));
	assert_ptr_equal(kx_anon(one, 1), shared);
	assert_ptr_not_equal(kx_anon(two, 1), shared);
	assert_int_equal(shared->refcnt, 1);
	assert_int_equal(kx_anon(two, 1)->refcnt, 1);
	assert_true(kx_rights(child, at + PGSIZE) & kVMWrite);
	/* And the parent the first: the same the other way round. */
	kx_run(parent);
	shared = kx_anon(two, 0);
	assert_true(rig_poke(at, 'd'));
	assert_ptr_equal(kx_anon(two, 0), shared);
	assert_int_equal(kx_anon(two, 0)->refcnt, 1);
	assert_int_equal(kx_anon(one, 0)->refcnt, 1);
	assert_int_equal(rig_peek(at + PGSIZE), 'b');
	kx_run(child);
	assert_int_equal(rig_peek(at), 'a');
	assert_int_equal(rig_peek(at + PGSIZE), 'c');
	kx_end(child);
	kx_end(parent);
}

static void
test_sharer_gone(void **state)
{
	vm_object_t *one;
	vaddr_t at = 0;
	vm_map_t *parent = kx_space(&at, 1, &one), *child;
	vm_page_t *page;

	(void)state;
	assert_true(rig_poke(at, 'a'));
	page = kx_anon(one, 0)->physpage;
	child = DID(vm_map_fork(parent));
	DO(vm_map_release(child));
	tome_vm_quiesce(rig.vm, true);
	assert_int_equal(kx_anon(one, 0)->refcnt, 1);
	assert_false(kx_rights(parent, at) & kVMWrite);
	assert_true(rig_poke(at, 'b'));
	assert_ptr_equal(kx_anon(one, 0)->physpage, page);	/* in place */
	assert_int_equal(kx_rights(parent, at), kVMAll);
	kx_end(parent);
}

static void
test_amap_copy(void **state)
{
	vm_object_t *ob;
	vaddr_t at = 0;
	vm_map_t *map = kx_space(&at, 2, &ob);
	vm_amap_t *copy;

	(void)state;
	assert_true(rig_poke(at, 'a'));
	copy = DID(amap_copy(ob->anon.amap));
	assert_non_null(copy);
	assert_ptr_equal(DID(amap_anon_at(copy, 0)), kx_anon(ob, 0));
	assert_int_equal(kx_anon(ob, 0)->refcnt, 2);
	assert_true(rig_poke(at, 'b'));
	assert_int_equal(*(char *)kx_contents(DID(amap_anon_at(copy,
	    0))->physpage), 'a');
	DO(amap_release(copy));
	tome_vm_quiesce(rig.vm, true);
	assert_int_equal(kx_anon(ob, 0)->refcnt, 1);
	DO(amap_release(NULL));
	assert_null(DID(amap_copy(NULL)));
	kx_end(map);
}

static void
test_anon_release(void **state)
{
	vm_object_t *ob;
	vaddr_t at = 0;
	vm_map_t *map = kx_space(&at, 2, &ob);
	vm_object_t *copy;

	(void)state;
	assert_true(rig_poke(at, 'a'));
	copy = DID(vm_object_copy(ob));
	assert_int_equal(kx_anon(ob, 0)->refcnt, 2);
	assert_true(rig_poke(at + PGSIZE, 'b'));
	DO(anon_release(kx_anon(ob, 0)));
	assert_null(kx_anon(ob, 0));
	assert_int_equal(kx_anon(copy, 0)->refcnt, 1);
	assert_int_equal(rig_peek(at), 0);
	assert_int_equal(rig_peek(at + PGSIZE), 'b');
	DO(anon_release(kx_anon(ob, 1)));
	assert_null(kx_anon(ob, 1));
	assert_int_equal(rig_peek(at + PGSIZE), 0);
	DO(anon_release(NULL));
	kx_end(map);
	DO(vm_object_release(copy));
}

/* ---- swap ---- */

static void
test_swapped(void **state)
{
	vm_object_t *ob;
	vaddr_t at = 0;
	vm_map_t *map = kx_space(&at, 4, &ob);
	vm_anon_t *an;

	(void)state;
	assert_int_equal(DID(vm_swapon("/dev/disk")), 0);
	assert_true(rig_poke(at + PGSIZE, 's'));
	page_out(ob, 1);
	an = kx_anon(ob, 1);
	assert_non_null(an);
	assert_false(an->resident);
	assert_int_not_equal(an->drumslot, 0);
	assert_int_equal(an->refcnt, 1);
	assert_int_equal(kx_rights(map, at + PGSIZE), 0);
	assert_int_equal(rig_peek(at + PGSIZE), 's');
	assert_int_equal(kx.fault, kVMFaultRetOK);
	assert_ptr_equal(kx_anon(ob, 1), an);
	assert_true(an->resident);
	assert_true(kx.reads > 0);
	kx_end(map);
}

static void
test_swapped_fork(void **state)
{
	vm_object_t *one, *two;
	vaddr_t at = 0;
	vm_map_t *parent = kx_space(&at, 4, &one), *child;

	(void)state;
	assert_int_equal(DID(vm_swapon("/dev/disk")), 0);
	assert_true(rig_poke(at, 's'));
	page_out(one, 0);
	child = DID(vm_map_fork(parent));
	two = vm_map_lookup(child, at)->obj;
	assert_ptr_equal(kx_anon(one, 0), kx_anon(two, 0));
	assert_int_equal(kx_anon(one, 0)->refcnt, 2);
	assert_false(kx_anon(two, 0)->resident);
	kx_run(child);
	assert_true(rig_poke(at + 1, 't'));
	assert_int_equal(rig_peek(at), 's');
	kx_run(parent);
	assert_int_equal(rig_peek(at), 's');
	assert_int_equal(rig_peek(at + 1), 0);
	kx_end(child);
	kx_end(parent);
}

static void
test_swap_unreadable(void **state)
{
	vm_object_t *ob;
	vaddr_t at = 0;
	vm_map_t *map = kx_space(&at, 1, &ob);

	(void)state;
	assert_int_equal(DID(vm_swapon("/dev/disk")), 0);
	assert_true(rig_poke(at, 's'));
	page_out(ob, 0);
	kx.broken = true;
	assert_int_equal(rig_peek(at), -1);
	assert_int_equal(kx.fault, kVMFaultRetFailure);
	kx.broken = false;
	assert_int_equal(rig_peek(at), 's');
	kx_end(map);
}

static uint64_t
anons_now(void)
{
	struct tome_stats s;

	tome_vm_stats(rig.vm, &s);
	return s.anons;
}

#define MANY 256u

/* Out and in again, until so many have left that the core sees to their anons. */
static void
leave_often(vaddr_t at)
{
	struct tome_paging_stats s = { .swapped_out = 0 };

	while (s.swapped_out < 16 * MANY) {
		for (unsigned i = 0; i < MANY; i++)
			assert_true(rig_poke(at + i * PGSIZE, (int)i % 251));
		while (tome_reclaim(rig.vm, MANY) > 0)
			;
		tome_paging_stats(rig.vm, &s);
	}
}

static void
test_anons_leave(void **state)
{
	vm_object_t *one, *two;
	vaddr_t at = 0;
	vm_map_t *parent = kx_space(&at, MANY, &one), *child;

	(void)state;
	assert_int_equal(DID(vm_swapon("/dev/disk")), 0);
	rig_watch(false);
	leave_often(at);
	rig_watch(true);
	rig_check();
	assert_true(anons_now() < MANY / 8);
	child = DID(vm_map_fork(parent));
	two = vm_map_lookup(child, at)->obj;
	assert_true(anons_now() < MANY / 8);
	for (unsigned i = 0; i < MANY; i += 15) {
		vm_anon_t *an = kx_anon(one, i);

		assert_ptr_equal(kx_anon(two, i), an);
		assert_false(an->resident);
		assert_int_not_equal(an->drumslot, 0);
		assert_int_equal(an->refcnt, 2);
	}
	for (unsigned i = 0; i < MANY; i += 15) {
		kx_run(child);
		assert_true(rig_poke(at + i * PGSIZE, 255));
		assert_int_equal(kx_anon(two, i)->refcnt, 1);
		kx_run(parent);
		assert_int_equal(rig_peek(at + i * PGSIZE), i % 251);
		assert_true(kx_anon(one, i)->resident);
		assert_ptr_not_equal(kx_anon(one, i), kx_anon(two, i));
	}
	kx_end(child);
	kx_end(parent);
}

/* ---- objects ---- */

static void
test_aobj(void **state)
{
	vm_object_t *ob = DID(vm_aobj_new(PGSIZE + 1));
	vaddr_t at = VADDR_MAX;
	vm_map_t *map = DID(vm_map_new());

	(void)state;
	assert_int_equal(ob->type, kVMObjAnon);
	assert_int_equal(ob->refcnt, 1);
	assert_int_equal(ob->size, 2 * PGSIZE);
	assert_int_equal(ob->anon.maxsize, 2 * PGSIZE);
	assert_null(ob->anon.parent);
	assert_int_equal(DID(vm_map_object(map, ob, &at, 4 * PGSIZE, 0, false)),
	    0);
	assert_int_equal(ob->refcnt, 2);
	kx_run(map);
	assert_true(rig_poke(at + PGSIZE, 1));
	assert_int_equal(rig_peek(at + 2 * PGSIZE), -1);
	assert_int_equal(kx.fault, kVMFaultRetFailure);
	kx_end(map);
	assert_int_equal(ob->refcnt, 1);
	DO(vm_object_release(ob));
	assert_null(DID(vm_aobj_new(SIZE_MAX)));
	assert_null(DID(vm_object_copy(NULL)));
	DO(vm_object_release(NULL));
	ob = DID(vm_aobj_new(0));
	assert_int_equal(ob->anon.maxsize, 0);
	DO(vm_object_release(ob));
}

static void
test_kept(void **state)
{
	vm_object_t *ob = DID(vm_aobj_new(PGSIZE));
	vaddr_t at = VADDR_MAX, again = VADDR_MAX;
	vm_map_t *map = DID(vm_map_new()), *other = DID(vm_map_new());

	(void)state;
	assert_int_equal(DID(vm_map_object(map, ob, &at, PGSIZE, 0, false)), 0);
	kx_run(map);
	assert_true(rig_poke(at, 'k'));
	kx_end(map);				/* nobody maps it now */
	assert_int_equal(DID(vm_map_object(other, ob, &again, PGSIZE, 0,
	    false)), 0);
	DO(vm_object_retain(ob));
	DO(vm_object_release(ob));
	DO(vm_object_release(ob));		/* the map has the last name */
	kx_run(other);
	assert_int_equal(rig_peek(again), 'k');
	assert_int_equal(DID(vm_deallocate(other, again, PGSIZE)), 0);
	tome_vm_quiesce(rig.vm, true);
	kx_end(other);
}

static void
test_protection_is_the_map_s(void **state)
{
	vm_object_t *ob = DID(vm_aobj_new(PGSIZE));
	vaddr_t at = VADDR_MAX, ro = VADDR_MAX;
	vm_map_t *map = DID(vm_map_new());

	(void)state;
	assert_int_equal(DID(vm_map_object(map, ob, &at, PGSIZE, 0, false)), 0);
	assert_int_equal(DID(vm_map_object(map, ob, &ro, PGSIZE, 0, false)), 0);
	assert_int_equal(DID(vm_map_protect(map, ro, PGSIZE, kVMRead)), 0);
	kx_run(map);
	assert_true(rig_poke(at, 'w'));
	assert_int_equal(rig_peek(ro), 'w');
	assert_false(rig_poke(ro, 'x'));
	assert_int_equal(rig_fetch(ro), -1);
	assert_int_equal(rig_fetch(at), 'w');
	kx_end(map);
	DO(vm_object_release(ob));
}

static void
test_copy(void **state)
{
	vm_object_t *ob, *copy;
	vaddr_t at = 0, there = VADDR_MAX;
	vm_map_t *map = kx_space(&at, 3, &ob);

	(void)state;
	assert_true(rig_poke(at, 'a') && rig_poke(at + PGSIZE, 'b'));
	assert_int_equal(DID(vm_map_object(map, ob, &there, 3 * PGSIZE, 0,
	    true)), 0);
	copy = vm_map_lookup(map, there)->obj;
	assert_ptr_not_equal(copy, ob);
	assert_int_equal(copy->refcnt, 1);
	assert_true(rig_poke(at, 'A') && rig_poke(there + PGSIZE, 'B'));
	assert_true(rig_poke(there + 2 * PGSIZE, 'C'));
	assert_int_equal(rig_peek(there), 'a');
	assert_int_equal(rig_peek(at + PGSIZE), 'b');
	assert_int_equal(rig_peek(at + 2 * PGSIZE), 0);
	kx_end(map);
}

/* ---- private files ---- */

static void
test_private(void **state)
{
	vm_object_t *file = kx_file(true), *over = DID(vm_object_copy(file));
	vaddr_t shared = VADDR_MAX, own = VADDR_MAX;
	vm_map_t *map = DID(vm_map_new());

	(void)state;
	assert_ptr_equal(over->anon.parent, file);
	assert_int_equal(over->type, kVMObjAnon);
	assert_int_equal(DID(vm_map_object(map, file, &shared, 4 * PGSIZE, 0,
	    false)), 0);
	assert_int_equal(DID(vm_map_object(map, over, &own, 4 * PGSIZE, 0,
	    false)), 0);
	kx_run(map);
	assert_int_equal(rig_peek(own), 1);		/* the file's page */
	assert_null(kx_anon(over, 0));
	assert_false(kx_rights(map, own) & kVMWrite);
	assert_true(rig_poke(own + 1, 'p'));
	assert_int_equal(kx_anon(over, 0)->refcnt, 1);
	assert_int_equal(rig_peek(own), 1);
	assert_int_equal(rig_peek(shared + 1), 1);
	/* One direction. */
	assert_int_equal(rig_peek(own + PGSIZE), 2);
	assert_true(rig_poke(shared, 'f') && rig_poke(shared + PGSIZE, 'f'));
	assert_int_equal(rig_peek(own), 1);
	assert_int_equal(rig_peek(own + PGSIZE), 'f');
	assert_null(kx_anon(over, 1));
	assert_int_equal(DID(vm_object_flush(file)), 0);
	assert_int_equal(kx.file[PGSIZE], 'f');
	assert_int_equal(kx.file[1], 1);
	kx_end(map);
	DO(vm_object_release(file));			/* over has a name too */
	DO(vm_object_release(over));
}

static void
test_private_fork(void **state)
{
	vm_object_t *file = kx_file(true), *two;
	vaddr_t own = VADDR_MAX;
	vm_map_t *map = DID(vm_map_new()), *child;

	(void)state;
	assert_int_equal(DID(vm_map_object(map, file, &own, 4 * PGSIZE,
	    PGSIZE, true)), 0);
	kx_run(map);
	assert_true(rig_poke(own, 'p'));
	child = DID(vm_map_fork(map));
	two = vm_map_lookup(child, own)->obj;
	assert_ptr_equal(two->anon.parent, file);
	kx_run(child);
	assert_int_equal(rig_peek(own), 'p');
	assert_int_equal(rig_peek(own + PGSIZE), 3);
	assert_true(rig_poke(own, 'q') && rig_poke(own + PGSIZE, 'r'));
	kx_run(map);
	assert_int_equal(rig_peek(own), 'p');
	assert_int_equal(rig_peek(own + PGSIZE), 3);
	kx_end(child);
	kx_end(map);
	DO(vm_object_release(file));
}

static void
test_vnode(void **state)
{
	static const vm_pagerops_t none = { NULL, NULL };
	vm_object_t *file = kx_file(true), *ro = kx_file(false);
	vaddr_t at = VADDR_MAX, fixed = VADDR_MAX;
	vm_map_t *map = DID(vm_map_new());

	(void)state;
	assert_null(DID(vm_vobj_new(NULL, &none, PGSIZE)));
	assert_null(DID(vm_vobj_new(NULL, NULL, PGSIZE)));
	assert_int_equal(file->type, kVMObjFile);
	assert_ptr_equal(file->file.vnode, &kx);
	assert_int_equal(DID(vm_map_object(map, file, &at, 2 * PGSIZE,
	    3 * PGSIZE, false)), 0);
	assert_int_equal(DID(vm_map_object(map, ro, &fixed, PGSIZE, 0, false)),
	    0);
	kx_run(map);
	assert_int_equal(rig_peek(at), 4);
	assert_true(kx.gets > 0);
	assert_true(rig_poke(at, 'w'));
	assert_int_equal(rig_peek(fixed), 1);
	assert_false(rig_poke(fixed, 'w'));
	assert_int_equal(DID(vm_map_protect(map, fixed, PGSIZE, kVMAll)),
	    -TOME_EACCES);
	assert_int_equal(DID(vm_object_flush(file)), 0);
	assert_int_equal(kx.file[3 * PGSIZE], 'w');
	assert_true(rig_poke(at, 'v'));
	kx.file_error = -TOME_ENOSPC;
	assert_int_equal(DID(vm_object_flush(file)), -TOME_ENOSPC);
	kx.file_error = 0;
	assert_int_equal(DID(vm_object_flush(NULL)), -TOME_EINVAL);
	kx.file_error = -TOME_EIO;
	assert_int_equal(DID(vm_deallocate(map, at, 2 * PGSIZE)), 0);
	at = VADDR_MAX;
	assert_int_equal(DID(vm_map_object(map, file, &at, PGSIZE,
	    39 * PGSIZE, false)), 0);
	assert_int_equal(rig_peek(at), -1);
	assert_int_equal(kx.fault, kVMFaultRetFailure);
	kx.file_error = 0;
	assert_int_equal(rig_peek(at), 40);
	kx_end(map);
	DO(vm_object_release(ro));
	DO(vm_object_release(file));
}

/* In order, balanced, and no red page above a red one; counts them. */
static unsigned
walk(vm_page_t *page, voff_t *last, unsigned *black, bool under_red)
{
	unsigned n, left, right;

	if (page == NULL) {
		*black = 0;
		return 0;
	}
	assert_false(under_red && page->objlink.red);
	n = walk(page->objlink.left, last, &left, page->objlink.red);
	assert_true(page->offset > *last);
	*last = page->offset;
	n += walk(page->objlink.right, last, &right, page->objlink.red);
	assert_int_equal(left, right);
	*black = left + !page->objlink.red;
	return n + 1;
}

static void
test_tree_of_pages(void **state)
{
	vm_object_t *file = kx_file(true);
	vaddr_t at = VADDR_MAX;
	vm_map_t *map = DID(vm_map_new());

	(void)state;
	assert_null(DID(vm_object_pages(file)));
	assert_int_equal(DID(vm_map_object(map, file, &at, sizeof kx.file, 0,
	    false)), 0);
	kx_run(map);
	for (unsigned i = 0; i < FILE_PAGES; i++) {
		voff_t last = -1;
		unsigned black, n;
		vm_page_t *root;

		assert_int_equal(rig_peek(at + i * PGSIZE), (int)i + 1);
		root = DID(vm_object_pages(file));
		assert_ptr_equal(root, file->file.pages);
		n = walk(file->file.pages, &last, &black, false);
		assert_int_equal(n, tome_object_resident(file->core));
		assert_true(n > i);
		assert_ptr_equal(file->file.pages->obj, file);
	}
	assert_null(DID(vm_object_pages(NULL)));
	kx_end(map);
	DO(vm_object_release(file));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("K1", test_first_touch),
		TEST("K2", test_amap),
		TEST("K3 K4", test_fork),
		TEST("K5", test_sharer_gone),
		TEST("K6", test_amap_copy),
		TEST("K7", test_anon_release),
		TEST("K8", test_swapped),
		TEST("K9", test_swapped_fork),
		TEST("K10", test_swap_unreadable),
		TEST("K46", test_anons_leave),
		TEST("K11", test_aobj),
		TEST("K12", test_kept),
		TEST("K13", test_protection_is_the_map_s),
		TEST("K14", test_copy),
		TEST("K15 K16", test_private),
		TEST("K17", test_private_fork),
		TEST("K18", test_vnode),
		TEST("K19", test_tree_of_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
