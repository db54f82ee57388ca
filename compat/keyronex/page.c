/*
 * page.c - the resident page table, and the queues; and how all of it starts and ends.
 *
 * Every frame up to the last has its vm_page_t from the start. A page that
 * vm_pagealloc() gave out is on the queue that was asked for, in its list; all others
 * are the core's, which knows where they are: they are on no list here, and only
 * counted.
 *
 * Locks: the facade's.
 */
#include "../print.h"
#include "keyronex.h"

struct keyronex keyronex_state;
vm_pagequeue_t vm_pgfreeq, vm_pgkmemq, vm_pgwiredq, vm_pgdevbufq, vm_pgactiveq,
    vm_pginactiveq, vm_pgpmapq;
size_t vm_npages;

/* By enum vm_page_queue. */
static vm_pagequeue_t *const queues[] = { &vm_pgfreeq, &vm_pgkmemq, &vm_pgwiredq,
	&vm_pgdevbufq, &vm_pgactiveq, &vm_pginactiveq, &vm_pgpmapq };
#define NQUEUES (sizeof queues / sizeof queues[0])

/* ---- start and end ---- */

enum tome_err
compat_keyronex_start(struct tome_vm *vm,
    const struct compat_keyronex_hooks *hooks)
{
	struct tome_zone_stats ram;
	enum tome_err err;

	k = (struct keyronex){ .vm = vm, .hooks = *hooks };
	kmap = (vm_map_t){ .pmap = (pmap_t *)tome_pmap_kernel(vm) };
	for (size_t q = 0; q < NQUEUES; q++)
		*queues[q] = (vm_pagequeue_t){ .npages = 0 };
	tome_ram_stats(vm, &ram);
	vm_npages = ram.total;
	err = tome_kmap_heap(vm, PGROUNDUP((size_t)tome_pa_pfn(ram.limit) *
	    sizeof *k.rpt) / PGSIZE, &k.rpt_at);
	if (err == TOME_OK) {
		k.rpt = tome_kva_ptr(vm, k.rpt_at);
		k.npfn = tome_pa_pfn(ram.limit);
		err = tome_heap_create(vm, &k.heap);
	}
	for (tome_pfn_t i = 0; i < k.npfn; i++)
		k.rpt[i].paddr = (paddr_t)tome_pfn_pa(i);
	if (err == TOME_OK && hooks->kmap_start != hooks->kmap_end)
		err = map_begin(&kmap, hooks->kmap_start, hooks->kmap_end,
		    true);
	if (err == TOME_OK)
		err = tome_paging_start(vm);
	if (err == TOME_OK)
		tome_paging_policy(vm, TOME_POLICY_SECOND_CHANCE);
	else
		compat_keyronex_stop();
	return err;
}

void
compat_keyronex_stop(void)
{
	tome_heap_destroy(k.heap);
	if (kmap.core != NULL)
		map_end(&kmap);
	(void)tome_writeback(k.vm, UINT64_MAX, TOME_FOREVER);
	tome_io_run(k.vm);
	for (tome_pfn_t i = 0; i < k.npfn; i++) {
		tome_kfree(k.vm, k.rpt[i].pv_map);
		if (k.rpt[i].pinned)
			tome_page_unpin(k.vm, i);
		if (k.rpt[i].own)
			tome_frame_free(k.vm, i);
	}
	if (k.npfn > 0)
		tome_kunmap(k.vm, k.rpt_at);
}

/* ---- showing a page ---- */

_Static_assert(sizeof(pv_entry_t) <= sizeof(struct tome_mapping), "in place");

/* As far as memory goes: one piece of it, in which each of the core's records becomes
 * one of the document's. */
static void
mappings_show(vm_page_t *page, bool pageable)
{
	tome_pfn_t pfn = pfn_of(page);
	size_t n = pageable ? tome_page_list(k.vm, pfn, NULL, 0) : 0, now = 0;
	struct tome_mapping *list = tome_kmalloc(k.vm, n * sizeof *list);

	tome_kfree(k.vm, page->pv_map);
	page->pv_map = NULL;
	if (list != NULL)
		now = tome_page_list(k.vm, pfn, list, n);
	if (now == 0)
		tome_kfree(k.vm, list);
	for (size_t i = now < n ? now : n; i-- > 0;) {
		struct tome_mapping m = list[i];
		pv_entry_t *pv = (pv_entry_t *)(void *)&list[i];

		*pv = (pv_entry_t){ .next = page->pv_map,
			.map = m.tag, .vaddr = (vaddr_t)m.va };
		page->pv_map = pv;
	}
}

/* By what a page is, if nobody could page it out. */
static const enum vm_page_queue stays_on[TOME_IDENTITIES] = {
	[TOME_PAGE_FREE] = kVMPageFree, [TOME_PAGE_KERNEL] = kVMPageKMem,
	[TOME_PAGE_TABLE] = kVMPagePMap, [TOME_PAGE_ANON] = kVMPageWired,
	[TOME_PAGE_CACHE] = kVMPageWired, [TOME_PAGE_DEVICE] = kVMPageWired,
	[TOME_PAGE_LOANED] = kVMPageWired };

/* What it is used for. False: it is not usable RAM. */
static bool
use_show(vm_page_t *page, struct tome_page_look *l)
{
	if (!tome_page_look(k.vm, pfn_of(page), l))
		return false;
	page->accessed = l->accessed;
	page->dirty = l->dirty;
	page->busy = l->busy || l->wired > page->pinned;
	if (l->pageable && l->wired == 0)
		page->queue = l->accessed ? kVMPageActive : kVMPageInactive;
	else if (!page->own)
		page->queue = stays_on[l->identity];
	return true;
}

/* Whose it is. An anon that no amap has been asked for is looked for in all. */
static void
owner_show(vm_page_t *page, const struct tome_page_look *l)
{
	struct tome_object *core = l->object;
	tome_pgoff_t at = l->page;
	vm_object_t *ob = NULL;

	if (page->is_anon && l->anon == page->anon->id)
		return;
	page->is_anon = false;
	page->obj = NULL;
	if (l->anon == 0 || tome_anon_home(k.vm, l->anon, &core, &at))
		ob = core == NULL ? NULL : tome_object_tag(core);
	page->offset = ob == NULL ? 0 : (voff_t)(at << TOME_PAGE_SHIFT);
	if (ob != NULL && ob->type == kVMObjAnon)
		(void)amap_show(ob->anon.amap, (size_t)at);
	else
		page->obj = ob;
}

bool
page_show(vm_page_t *page, bool owner)
{
	struct tome_page_look l;

	if (!use_show(page, &l))
		return false;
	if (owner)
		owner_show(page, &l);
	mappings_show(page, l.pageable);
	return true;
}

void
page_used(vm_page_t *page)
{
	struct tome_page_look l;

	keyronex_lock();
	(void)use_show(page, &l);
	keyronex_unlock();
}

vm_page_t *
vm_page_from_paddr(paddr_t paddr)
{
	vm_page_t *page = page_of(tome_pa_pfn(paddr));

	keyronex_lock();
	if (page != NULL && !page_show(page, true))
		page = NULL;
	if (page != NULL && page->is_anon && page->anon->amap != NULL)
		(void)amap_show(page->anon->amap, page->anon->index);
	keyronex_unlock();
	return page;
}

/* ---- pages given out ---- */

#define OWNER vm_pagequeue_t
#define FIRST(o) ((o)->queue.first)
#define LAST(o) ((o)->queue.last)
#define COUNT(o) ((o)->npages)
#define NODE vm_page_t
#define NEXT(n) ((n)->pagequeue.next)
#define PREV(n) ((n)->pagequeue.prev)
#define LIST(verb) page_##verb
#include "../list.h"

/* NQUEUES: it is none. */
static size_t
queue_number(const vm_pagequeue_t *q)
{
	size_t i = 0;

	while (i < NQUEUES && queues[i] != q)
		i++;
	return i;
}

/* Where a page can be that is nobody's content, and where one that is can be sent. */
static const bool takes_own[NQUEUES + 1] = { [kVMPageKMem] = true,
	[kVMPageWired] = true, [kVMPageDevBuf] = true, [kVMPagePMap] = true };
static const bool takes_pageable[NQUEUES + 1] = { [kVMPageWired] = true,
	[kVMPageActive] = true, [kVMPageInactive] = true };

vm_fault_ret_t
vm_pagetryalloc(vm_page_t **out, vm_pagequeue_t *queue)
{
	size_t to = queue_number(queue);
	tome_pfn_t pfn;

	if (out == NULL || !takes_own[to])
		return kVMFaultRetFailure;
	if (tome_frame_alloc(k.vm, TOME_PAGE_KERNEL, TOME_FRAME_ZERO, &pfn) !=
	    TOME_OK)
		return kVMFaultRetPageShortage;
	keyronex_lock();
	(void)page_show(page_of(pfn), true);	/* forgets what it was */
	page_of(pfn)->own = 1;
	page_of(pfn)->queue = (enum vm_page_queue)to;
	page_append(queue, page_of(pfn));
	keyronex_unlock();
	*out = page_of(pfn);
	return kVMFaultRetOK;
}

bool
pages_wait(uint64_t n)
{
	return tome_reclaim(k.vm, n) > 0 || k.hooks.starved();
}

vm_page_t *
vm_pagealloc(bool sleep, vm_pagequeue_t *queue)
{
	vm_page_t *page;
	vm_fault_ret_t r = vm_pagetryalloc(&page, queue);

	while (r == kVMFaultRetPageShortage && sleep && pages_wait(1))
		r = vm_pagetryalloc(&page, queue);
	return r == kVMFaultRetOK ? page : NULL;
}

void
vm_page_free(vm_page_t *page)
{
	bool own;

	keyronex_lock();
	own = is_page(page) && page->own;
	if (own) {
		page->own = 0;
		page_unlink(queues[page->queue], page);
		page->queue = kVMPageFree;
	}
	keyronex_unlock();
	if (own)
		tome_frame_free(k.vm, pfn_of(page));
	else if (page != NULL)
		k.hooks.log("vm_page_free: not given out");
}

/* The core decides what leaves; it can be told what must not, and what was not used. */
static void
pageable_move(vm_page_t *page, enum vm_page_queue to)
{
	tome_pfn_t pfn = pfn_of(page);
	bool stay = to == kVMPageWired;

	if (page->pinned && !stay)
		tome_page_unpin(k.vm, pfn);
	page->pinned = stay && (page->pinned || tome_page_pin(k.vm, pfn));
	if (to == kVMPageInactive)
		(void)tome_page_accessed(k.vm, pfn, true);
	(void)page_show(page, true);
}

void
vm_page_changequeue(vm_page_t *page, vm_pagequeue_t *from, vm_pagequeue_t *to)
{
	size_t q = queue_number(to);

	if (!is_page(page))
		return;
	keyronex_lock();
	(void)page_show(page, true);
	if (from != NULL && queues[page->queue] != from) {
		/* Not there: nothing is moved. */
	} else if (page->own && takes_own[q]) {
		page_unlink(queues[page->queue], page);
		page->queue = (enum vm_page_queue)q;
		page_append(to, page);
	} else if (!page->own && page->obj != NULL && takes_pageable[q]) {
		pageable_move(page, (enum vm_page_queue)q);
	}
	keyronex_unlock();
}

/* ---- counting ---- */

void
vm_pagedump(void)
{
	struct tome_page_look l;

	keyronex_lock();
	for (size_t i = 0; i < NQUEUES; i++)
		queues[i]->npages = 0;
	for (tome_pfn_t i = 0; i < k.npfn; i++)
		if (use_show(page_of(i), &l))
			queues[page_of(i)->queue]->npages++;
	keyronex_unlock();
	compat_print(k.hooks.log, "free %zu kmem %zu wired %zu devbuf %zu "
	    "active %zu inactive %zu pmap %zu", vm_pgfreeq.npages,
	    vm_pgkmemq.npages, vm_pgwiredq.npages, vm_pgdevbufq.npages,
	    vm_pgactiveq.npages, vm_pginactiveq.npages, vm_pgpmapq.npages);
}
