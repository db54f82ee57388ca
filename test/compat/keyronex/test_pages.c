/*
 * test_pages.c - the resident page table, queues, page lists, the kernel's memory, pmap,
 * the page daemon and swap.
 */
#include <stdio.h>
#include <unistd.h>

#include <hosted_i.h>

#include "kx.h"

static unsigned
mappings(vm_page_t *page, vm_map_t *map, vaddr_t at)
{
	unsigned n = 0;

	for (pv_entry_t *pv = page->pv_map; pv != NULL; pv = pv->next)
		n += map == NULL || (pv->map == map && pv->vaddr == at);
	return n;
}

static void
test_rpt(void **state)
{
	vaddr_t at = 0, twice = VADDR_MAX;
	vm_object_t *ob, *file = kx_file(true);
	vm_map_t *map = kx_space(&at, 2, &ob);
	vm_page_t *page;

	(void)state;
	assert_true(rig_poke(at, 'r'));
	page = kx_anon(ob, 0)->physpage;
	assert_ptr_equal(DID(vm_page_from_paddr(page->paddr)), page);
	assert_ptr_equal(DID(vm_page_from_paddr(page->paddr + 99)), page);
	assert_null(DID(vm_page_from_paddr(0)));		/* reserved */
	assert_null(DID(vm_page_from_paddr((paddr_t)1 << 40)));
	/* An anon's page. */
	assert_true(page->is_anon && page->dirty && page->accessed);
	assert_false(page->busy);
	assert_int_equal(page->queue, kVMPageActive);
	assert_ptr_equal(page->anon, kx_anon(ob, 0));
	assert_int_equal(mappings(page, NULL, 0), 1);
	assert_int_equal(mappings(page, map, at), 1);
	assert_int_equal(DID(vm_map_object(map, ob, &twice, PGSIZE, 0, false)),
	    0);
	assert_int_equal(rig_peek(twice), 'r');
	page = DID(vm_page_from_paddr(page->paddr));
	assert_int_equal(mappings(page, NULL, 0), 2);
	assert_int_equal(mappings(page, map, twice), 1);
	/* A vnode's. */
	twice = VADDR_MAX;
	assert_int_equal(DID(vm_map_object(map, file, &twice, PGSIZE,
	    2 * PGSIZE, false)), 0);
	assert_int_equal(rig_peek(twice), 3);
	page = DID(vm_object_pages(file));
	while (page->offset != 2 * PGSIZE)
		page = page->offset > 2 * PGSIZE ? page->objlink.left :
		    page->objlink.right;
	assert_false(page->is_anon || page->dirty);
	assert_ptr_equal(page->obj, file);
	assert_int_equal(mappings(page, map, twice), 1);
	assert_true(rig_poke(twice, 'd'));
	assert_true(DID(vm_page_from_paddr(page->paddr))->dirty);
	kx_end(map);
	DO(vm_object_release(file));
}

/* Nobody has asked the amap: the page knows its anon all the same. */
static void
test_page_knows(void **state)
{
	vaddr_t at = 0;
	vm_object_t *ob;
	vm_map_t *map = kx_space(&at, 2, &ob);
	struct tome_translation t;
	vm_page_t *page;

	(void)state;
	assert_true(rig_poke(at + PGSIZE, 'r'));
	assert_true(tome_pmap_extract((struct tome_pmap *)map->pmap,
	    at + PGSIZE, &t));
	page = DID(vm_page_from_paddr((paddr_t)t.pa));
	assert_non_null(page->anon);
	assert_int_equal(page->anon->refcnt, 1);
	assert_ptr_equal(page->anon->physpage, page);
	assert_ptr_equal(ob->anon.amap->chunks[0]->anon[1], page->anon);
	kx_end(map);
	assert_false(page->is_anon);
	page = DID(vm_page_from_paddr((paddr_t)t.pa));
	assert_false(page->is_anon);
	assert_null(page->pv_map);
}

static void
test_pagealloc(void **state)
{
	vm_pagequeue_t *const queue[] = { &vm_pgkmemq, &vm_pgwiredq,
		&vm_pgdevbufq, &vm_pgpmapq };
	vm_page_t *page, *second, none;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		size_t had = queue[i]->npages;

		page = DID(vm_pagealloc(false, queue[i]));
		second = DID(vm_pagealloc(true, queue[i]));
		assert_non_null(page);
		assert_int_equal(*(char *)kx_contents(page), 0);
		assert_int_equal(queue[i]->npages, had + 2);
		assert_ptr_equal(queue[i]->queue.first, page);
		assert_ptr_equal(page->pagequeue.next, second);
		assert_ptr_equal(queue[i]->queue.last, second);
		assert_ptr_equal(DID(vm_page_from_paddr(page->paddr)), page);
		DO(vm_page_free(page));
		assert_ptr_equal(queue[i]->queue.first, second);
		assert_int_equal(queue[i]->npages, had + 1);
		kx.lines = 0;
		DO(vm_page_free(page));			/* twice */
		assert_int_equal(kx.lines, 1);
		assert_int_equal(queue[i]->npages, had + 1);
		DO(vm_page_free(second));
		assert_null(queue[i]->queue.first);
	}
	DO(vm_page_free(NULL));
	DO(vm_page_free(&none));
	assert_null(DID(vm_pagealloc(true, &vm_pgfreeq)));
	assert_null(DID(vm_pagealloc(false, &vm_pgactiveq)));
	assert_null(DID(vm_pagealloc(false, NULL)));
}

static void
test_pagetryalloc(void **state)
{
	vm_page_t *page = NULL;

	(void)state;
	assert_int_equal(DID(vm_pagetryalloc(&page, &vm_pgwiredq)),
	    kVMFaultRetOK);
	DO(vm_page_free(page));
	page = NULL;
	assert_int_equal(DID(vm_pagetryalloc(&page, &vm_pginactiveq)),
	    kVMFaultRetFailure);
	hosted_fail_alloc(rig.machine, "frame", 1, true);
	assert_int_equal(DID(vm_pagetryalloc(&page, &vm_pgwiredq)),
	    kVMFaultRetPageShortage);
	assert_null(page);
	assert_null(DID(vm_pagealloc(false, &vm_pgwiredq)));
	assert_int_equal(kx.starved, 0);
	kx.patience = 3;				/* it waits */
	assert_null(DID(vm_pagealloc(true, &vm_pgwiredq)));
	assert_int_equal(kx.starved, 4);
	hosted_fail_alloc(rig.machine, NULL, 0, false);
}

/* A sleeper gets the page of an anon that leaves. */
static void
test_sleeper(void **state)
{
	vm_page_t *first = NULL, *page;
	vaddr_t at = 0;
	vm_map_t *map = kx_space(&at, 64, NULL);
	unsigned n = 0;

	(void)state;
	assert_int_equal(DID(vm_swapon("/dev/disk")), 0);
	for (unsigned i = 0; i < 64; i++)
		assert_true(rig_poke(at + i * PGSIZE, 'a' + (int)i % 26));
	do
		page = vm_pagealloc(false, &vm_pgdevbufq);
	while (page != NULL);
	first = DID(vm_pagealloc(true, &vm_pgwiredq));
	assert_non_null(first);
	assert_true(kx.writes > 0);
	assert_int_equal(kx.starved, 0);
	assert_false(vm_enoughfree());
	DO(vm_page_free(first));
	for (; (page = vm_pgdevbufq.queue.last) != NULL; n++)
		vm_page_free(page);
	assert_true(n > 1000);
	rig_check();
	assert_true(vm_enoughfree());
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(rig_peek(at + i * PGSIZE), 'a' + (int)i % 26);
	kx_end(map);
}

static void
test_changequeue(void **state)
{
	vm_page_t *page = DID(vm_pagealloc(false, &vm_pgwiredq));

	(void)state;
	DO(vm_page_changequeue(page, NULL, &vm_pgdevbufq));
	assert_int_equal(page->queue, kVMPageDevBuf);
	assert_ptr_equal(vm_pgdevbufq.queue.first, page);
	assert_null(vm_pgwiredq.queue.first);
	DO(vm_page_changequeue(page, &vm_pgwiredq, &vm_pgkmemq));
	assert_int_equal(page->queue, kVMPageDevBuf);	/* it was not there */
	DO(vm_page_changequeue(page, &vm_pgdevbufq, &vm_pgactiveq));
	assert_int_equal(page->queue, kVMPageDevBuf);	/* nobody's content */
	DO(vm_page_changequeue(page, &vm_pgdevbufq, &vm_pgkmemq));
	assert_int_equal(page->queue, kVMPageKMem);
	DO(vm_page_changequeue(NULL, NULL, &vm_pgkmemq));
	DO(vm_page_free(page));
}

static void
test_pageable(void **state)
{
	vaddr_t at = 0;
	vm_object_t *ob;
	vm_map_t *map = kx_space(&at, 2, &ob);
	vm_page_t *page;
	vm_mdl_t *mdl;

	(void)state;
	assert_int_equal(DID(vm_swapon("/dev/disk")), 0);
	assert_true(rig_poke(at, 'w'));
	page = kx_anon(ob, 0)->physpage;
	DO(vm_page_changequeue(page, NULL, &vm_pgwiredq));
	assert_int_equal(page->queue, kVMPageWired);
	assert_int_equal(DID(vm_swp_pageout(page)), kVMPagerExhausted);
	assert_true(kx_anon(ob, 0)->resident);
	DO(vm_page_changequeue(page, &vm_pgwiredq, &vm_pgactiveq));
	assert_int_equal(page->queue, kVMPageActive);
	assert_true(page->accessed);
	DO(vm_page_changequeue(page, &vm_pgactiveq, &vm_pginactiveq));
	assert_int_equal(page->queue, kVMPageInactive);
	assert_false(page->accessed);
	assert_int_equal(rig_peek(at), 'w');
	kx_run(NULL);
	DO(vm_page_changequeue(page, NULL, &vm_pgactiveq));
	assert_int_equal(DID(vm_swp_pageout(page)), kVMPagerOK);
	assert_false(kx_anon(ob, 0)->resident);
	DO(vm_page_changequeue(page, NULL, &vm_pgwiredq));	/* free now */
	kx_end(map);
	ob = kx_file(true);
	assert_int_equal(DID(vm_mdl_new_with_range(&mdl, ob, 0, PGSIZE)), 0);
	page = DID(vm_object_pages(ob));
	DO(vm_mdl_free(mdl));
	DO(vm_object_release(ob));
	DO(vm_page_changequeue(page, NULL, &vm_pgwiredq));
	assert_false(page->pinned);
	/* The end of all gives back what is left. */
	at = 0;
	map = kx_space(&at, 1, &ob);
	assert_true(rig_poke(at, 'l'));
	DO(vm_page_changequeue(kx_anon(ob, 0)->physpage, NULL, &vm_pgwiredq));
	kx_end(map);
	assert_non_null(DID(vm_pagealloc(false, &vm_pgdevbufq)));
	assert_int_not_equal(DID(vm_kalloc(2, kVMKNoSleep)), 0);
}

static void
test_pagedump(void **state)
{
	vaddr_t at = 0;
	vm_map_t *map = kx_space(&at, 9, NULL);
	vm_page_t *page = DID(vm_pagealloc(false, &vm_pgdevbufq));
	struct tome_stats s;
	char want[160];

	(void)state;
	for (unsigned i = 0; i < 9; i++)
		assert_true(rig_poke(at + i * PGSIZE, 1));
	DO(vm_pagedump());
	tome_vm_stats(rig.vm, &s);
	assert_int_equal(vm_pgfreeq.npages, s.frames_free);
	assert_int_equal(vm_pgpmapq.npages, s.frames_table);
	assert_int_equal(vm_pgactiveq.npages + vm_pginactiveq.npages, 9);
	assert_int_equal(vm_pgdevbufq.npages, 1);
	assert_int_equal(vm_pgkmemq.npages, s.frames_kernel - 1);
	assert_int_equal(vm_npages, s.frames_total);
	snprintf(want, sizeof want, "free %zu kmem %zu wired %zu devbuf 1 "
	    "active %zu inactive %zu pmap %zu", vm_pgfreeq.npages,
	    vm_pgkmemq.npages, vm_pgwiredq.npages, vm_pgactiveq.npages,
	    vm_pginactiveq.npages, vm_pgpmapq.npages);
	assert_string_equal(kx.log, want);
	DO(vm_page_free(page));
	kx_end(map);
}

/* ---- page lists ---- */

static void
test_mdl(void **state)
{
	size_t had;
	vm_mdl_t *mdl = NULL;
	vm_page_t *first;
	char buf[8] = "";

	(void)state;
	DO(vm_pagedump());
	had = vm_pgwiredq.npages;
	assert_int_equal(DID(vm_mdl_new_with_capacity(&mdl, 2 * PGSIZE - 1)),
	    0);
	assert_int_equal(mdl->nBytes, 2 * PGSIZE - 1);
	assert_int_equal(mdl->nPages, 2);
	assert_int_equal(vm_mdl_capacity(mdl), 2 * PGSIZE);
	assert_true(mdl->pages[0]->busy);
	assert_int_equal(mdl->pages[1]->queue, kVMPageWired);
	DO(vm_pagedump());
	assert_int_equal(vm_pgwiredq.npages, had + 2);
	kx.lines = 0;
	DO(vm_page_free(mdl->pages[0]));		/* it is listed */
	assert_int_equal(kx.lines, 1);
	memcpy((char *)kx_contents(mdl->pages[0]) + PGSIZE - 3, "abc", 3);
	memcpy(kx_contents(mdl->pages[1]), "def", 4);
	DO(vm_mdl_copy(mdl, buf, 7, PGSIZE - 3));
	assert_string_equal(buf, "abcdef");
	memset(buf, '.', sizeof buf);
	DO(vm_mdl_copy(mdl, buf, 8, 2 * PGSIZE - 2));	/* two are there */
	assert_int_equal(buf[2], '.');
	DO(vm_mdl_copy(mdl, buf, 8, 3 * PGSIZE));
	DO(vm_mdl_copy(mdl, buf, 8, -1));
	assert_int_equal(buf[2], '.');
	first = mdl->pages[0];
	assert_int_equal(DID(vm_mdl_expand(&mdl, PGSIZE)), 0);	/* it fits */
	assert_int_equal(mdl->nPages, 2);
	assert_int_equal(DID(vm_mdl_expand(&mdl, 5 * PGSIZE)), 0);
	assert_int_equal(mdl->nPages, 5);
	assert_ptr_equal(mdl->pages[0], first);
	assert_int_equal(mdl->nBytes, 5 * PGSIZE);
	DO(vm_mdl_zero(mdl));
	DO(vm_mdl_copy(mdl, buf, 7, PGSIZE - 3));
	assert_memory_equal(buf, "\0\0\0\0\0\0\0", 7);
	DO(vm_mdl_free(mdl));
	DO(vm_pagedump());
	assert_int_equal(vm_pgwiredq.npages, had);
	assert_int_equal(DID(vm_mdl_new_with_capacity(&mdl, 0)), -TOME_EINVAL);
	assert_int_equal(DID(vm_mdl_new_with_capacity(NULL, 1)), -TOME_EINVAL);
	assert_int_equal(DID(vm_mdl_new_with_capacity(&mdl, SIZE_MAX)),
	    -TOME_ENOMEM);
	assert_int_equal(DID(vm_mdl_new_with_capacity(&mdl, 64 << 20)),
	    -TOME_ENOMEM);
	DO(vm_pagedump());
	assert_int_equal(vm_pgwiredq.npages, had);
	assert_int_equal(DID(vm_mdl_expand(NULL, 1)), -TOME_EINVAL);
	DO(vm_mdl_free(NULL));
}

static void
test_mdl_range(void **state)
{
	vaddr_t at = 0;
	vm_object_t *ob;
	vm_map_t *map = kx_space(&at, 4, &ob);
	vm_page_t *page;
	vm_mdl_t *mdl = NULL;

	(void)state;
	assert_int_equal(DID(vm_swapon("/dev/disk")), 0);
	assert_true(rig_poke(at + PGSIZE, 'd'));
	assert_int_equal(DID(vm_mdl_new_with_range(&mdl, ob, PGSIZE,
	    2 * PGSIZE)), 0);
	page = mdl->pages[0];
	assert_ptr_equal(page, kx_anon(ob, 1)->physpage);
	assert_true(page->busy);
	assert_int_equal(page->queue, kVMPageWired);
	assert_int_equal(DID(vm_swp_pageout(page)), kVMPagerExhausted);
	*(char *)kx_contents(mdl->pages[1]) = 'm';	/* as a device would */
	assert_int_equal(rig_peek(at + 2 * PGSIZE), 'm');
	assert_int_equal(DID(vm_mdl_expand(&mdl, 3 * PGSIZE)), -TOME_EINVAL);
	kx_end(map);				/* the list keeps the object */
	assert_int_equal(*(char *)kx_contents(page), 'd');
	DO(vm_mdl_free(mdl));
	assert_false(page->busy);
	ob = DID(vm_aobj_new(PGSIZE));
	mdl = NULL;
	assert_int_equal(DID(vm_mdl_new_with_range(&mdl, ob, 0, 2 * PGSIZE)),
	    -TOME_ENXIO);
	assert_null(mdl);
	assert_int_equal(ob->refcnt, 1);
	assert_int_equal(DID(vm_mdl_new_with_range(&mdl, ob, 1, PGSIZE)),
	    -TOME_EINVAL);
	assert_int_equal(DID(vm_mdl_new_with_range(&mdl, NULL, 0, PGSIZE)),
	    -TOME_EINVAL);
	DO(vm_object_release(ob));
}

/* ---- the kernel ---- */

static void
test_kalloc(void **state)
{
	vaddr_t at = DID(vm_kalloc(3, kVMKNoSleep)), second;

	(void)state;
	hosted_kva_trap();		/* cmocka has taken the signal */
	assert_int_not_equal(at, 0);
	assert_int_equal(*(char *)at, 0);
	memset((void *)at, 'k', 3 * PGSIZE);
	second = DID(vm_kalloc(1, kVMKSleep));
	assert_true(second < at || second >= at + 3 * PGSIZE);
	kx.lines = 0;
	DO(vm_kfree(at + PGSIZE, 1));
	DO(vm_kfree(at, 2));
	DO(vm_kfree(0, 1));
	assert_int_equal(kx.lines, 3);
	assert_int_equal(((char *)at)[3 * PGSIZE - 1], 'k');
	DO(vm_kfree(at, 3));
	DO(vm_kfree(at, 3));
	assert_int_equal(kx.lines, 4);
	DO(vm_kfree(second, 1));
	assert_int_equal(DID(vm_kalloc(0, kVMKNoSleep)), 0);
	assert_int_equal(DID(vm_kalloc(SIZE_MAX / PGSIZE, kVMKNoSleep)), 0);
	assert_int_equal(DID(vm_kalloc(1 << 20, kVMKNoSleep)), 0);
	assert_int_equal(kx.starved, 0);
	assert_int_equal(DID(vm_kalloc(1 << 20, kVMKSleep)), 0);
	assert_int_equal(kx.starved, 1);
}

static void
test_pmap(void **state)
{
	vaddr_t at = 0;
	vm_object_t *ob;
	vm_map_t *map = kx_space(&at, 2, &ob);
	vm_page_t *page;

	(void)state;
	assert_true(rig_poke(at, 'p'));
	page = kx_anon(ob, 0)->physpage;
	assert_true(DID(pmap_page_accessed(page, false)));
	kx_run(NULL);
	assert_true(DID(pmap_page_accessed(page, true)));
	assert_false(DID(pmap_page_accessed(page, false)));
	DO(pmap_reenter_all_readonly(page));
	assert_int_equal(kx_rights(map, at), kVMRead | kVMExecute);
	DO(pmap_unenter_all(page));
	assert_int_equal(kx_rights(map, at), 0);
	kx_run(map);
	assert_int_equal(rig_peek(at), 'p');		/* it is still there */
	assert_true(rig_poke(at, 'q'));
	assert_ptr_equal(kx_anon(ob, 0)->physpage, page);
	kx_end(map);
	page = DID(vm_pagealloc(false, &vm_pgwiredq));
	DO(pmap_unenter_all(page));
	DO(pmap_reenter_all_readonly(page));
	assert_false(DID(pmap_page_accessed(page, true)));
	DO(vm_page_free(page));
}

static void
test_pmap_kernel(void **state)
{
	vm_page_t *page = DID(vm_pagealloc(false, &vm_pgwiredq));
	vm_map_t *map = DID(vm_map_new());
	vaddr_t at = KMAP_END, mapped = KMAP;
	uint8_t byte = 7;

	(void)state;
	assert_int_equal(DID(pmap_enter_kern(kmap.pmap, page->paddr, at,
	    kVMRead | kVMWrite)), 0);
	assert_int_equal(hosted_kwrite(at, &byte, 1, false), TOME_OK);
	assert_int_equal(*(uint8_t *)kx_contents(page), 7);
	kx_run(map);
	assert_int_equal(rig_peek(at), -1);
	assert_ptr_equal(DID(pmap_unenter_kern(&kmap, at)), page);
	assert_int_equal(hosted_kread(at, &byte, 1, false), TOME_EFAULT);
	assert_null(DID(pmap_unenter_kern(&kmap, at)));
	assert_null(DID(pmap_unenter_kern(map, at)));
	assert_int_equal(DID(pmap_enter_kern(map->pmap, page->paddr, at,
	    kVMRead)), -TOME_EINVAL);
	assert_int_equal(DID(pmap_enter_kern(kmap.pmap, page->paddr, 0x400000,
	    kVMRead)), -TOME_EINVAL);
	assert_int_equal(DID(pmap_enter_kern(kmap.pmap, page->paddr, at + 1,
	    kVMRead)), -TOME_EINVAL);
	assert_int_equal(DID(vm_allocate(&kmap, NULL, &mapped, PGSIZE)), 0);
	assert_int_equal(DID(pmap_enter_kern(kmap.pmap, page->paddr, mapped,
	    kVMRead)), -TOME_EBUSY);
	assert_null(DID(pmap_unenter_kern(&kmap, mapped)));
	DO(vm_page_free(page));
	kx_end(map);
}

/* ---- paging ---- */

static void
test_swapon(void **state)
{
	vaddr_t at = 0;
	vm_object_t *ob;
	vm_map_t *map = kx_space(&at, 1, &ob);

	(void)state;
	assert_int_equal(DID(vm_swapon("/dev/none")), -TOME_ENOENT);
	assert_int_equal(DID(vm_swapon(NULL)), -TOME_EINVAL);
	assert_true(rig_poke(at, 's'));
	assert_int_equal(DID(vm_swp_pageout(kx_anon(ob, 0)->physpage)),
	    kVMPagerExhausted);
	assert_int_equal(DID(vm_swapon("/dev/disk")), 0);
	assert_int_equal(DID(vm_swp_pageout(kx_anon(ob, 0)->physpage)),
	    kVMPagerOK);
	kx.lines = 0;
	DO(vm_swapstat());
	assert_int_equal(kx.lines, 1);
	assert_non_null(strstr(kx.log, ": 1 of 512 slots used, 1 written, "
	    "0 read"));
	kx_end(map);
}

/* What was not used goes first. */
static void
test_second_chance(void **state)
{
	vaddr_t at = 0;
	vm_object_t *ob;
	vm_map_t *map = kx_space(&at, 100, &ob);
	unsigned used = 0, idle = 0;

	(void)state;
	assert_int_equal(DID(vm_swapon("/dev/disk")), 0);
	for (unsigned i = 0; i < 100; i++)
		assert_true(rig_poke(at + i * PGSIZE, 1));
	(void)tome_reclaim(rig.vm, 1);
	for (unsigned i = 0; i < 100; i++)
		(void)kx_anon(ob, i);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(rig_peek(at + i * PGSIZE), 1);
	(void)tome_reclaim(rig.vm, 40);
	for (unsigned i = 0; i < 50; i++) {
		used += kx_anon(ob, i)->resident;
		idle += kx_anon(ob, i + 50)->resident;
	}
	assert_true(idle < used);
	kx_end(map);
}

static void
test_pd_wait(void **state)
{
	(void)state;
	assert_true(DID(vm_enoughfree()));
	DO(vm_pd_wait());				/* nothing to wait for */
	assert_int_equal(kx.starved, 0);
	DO(vm_pd_signal());
	DO(vm_pd_wait());
	assert_int_equal(kx.starved, 1);		/* and nothing to free */
	kx.patience = 9;
	DO(vm_pd_signal());
	DO(vm_pd_wait());
	assert_int_equal(kx.starved, 2);		/* once is enough */
}

static void
run_daemon(void *arg)
{
	vm_pdaemon(arg);
}

static void
test_pdaemon(void **state)
{
	vaddr_t at = 0;
	vm_map_t *map = kx_space(&at, 64, NULL);
	struct tome_paging_stats s;
	vm_page_t *page;

	(void)state;
	rig_watch(false);
	assert_true(rig_poke(at, 1));
	while (vm_enoughfree())
		assert_non_null(vm_pagealloc(false, &vm_pgdevbufq));
	hosted_start(rig.machine, 1, run_daemon, NULL);
	do
		tome_paging_stats(rig.vm, &s);
	while (s.daemon == 0 && usleep(1000) == 0);
	tome_paging_stop(rig.vm);
	hosted_join(rig.machine);
	while ((page = vm_pgdevbufq.queue.last) != NULL)
		vm_page_free(page);
	rig_watch(true);
	kx_end(map);
}

/* What is nothing, or no page: nothing happens. */
static void
test_nothing(void **state)
{
	vm_page_t none = { .paddr = 0 };
	char byte = 'b';

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		vm_page_t *page = i == 0 ? NULL : &none;

		assert_false(DID(pmap_page_accessed(page, true)));
		DO(pmap_reenter_all_readonly(page));
		DO(pmap_unenter_all(page));
		assert_int_equal(DID(vm_swp_pageout(page)),
		    kVMPagerExhausted);
		DO(vm_page_changequeue(page, &vm_pgkmemq, &vm_pgwiredq));
	}
	DO(vm_object_retain(NULL));
	DO(vm_object_release(NULL));
	DO(vm_activate(NULL));
	DO(vm_mdl_free(NULL));
	DO(vm_mdl_zero(NULL));
	DO(vm_mdl_copy(NULL, &byte, 1, 0));
	assert_int_equal(byte, 'b');
	assert_int_equal(DID(vm_mdl_capacity(NULL)), 0);
	assert_int_equal(DID(vm_mdl_expand(NULL, PGSIZE)), -TOME_EINVAL);
	assert_int_equal(DID(vm_swapon(NULL)), -TOME_EINVAL);
	assert_null(DID(vm_object_pages(NULL)));
	assert_null(DID(vm_map_lookup(NULL, 0)));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("K30 K31", test_rpt),
		TEST("K31", test_page_knows),
		TEST("K32", test_pagealloc),
		TEST("K22 K32 K40", test_nothing),
		TEST("K33", test_pagetryalloc),
		TEST("K33", test_sleeper),
		TEST("K34", test_changequeue),
		TEST("K35", test_pageable),
		TEST("K36", test_pagedump),
		TEST("K37", test_mdl),
		TEST("K38", test_mdl_range),
		TEST("K39", test_kalloc),
		TEST("K40", test_pmap),
		TEST("K41", test_pmap_kernel),
		TEST("K42", test_swapon),
		TEST("K43", test_second_chance),
		TEST("K44", test_pd_wait),
		TEST("K44", test_pdaemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
