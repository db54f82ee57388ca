/*
 * page.c - the resident page table, and the queues.
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

vm_pagequeue_t vm_pgfreeq, vm_pgkmemq, vm_pgwiredq, vm_pgdevbufq, vm_pgactiveq,
    vm_pginactiveq, vm_pgpmapq;
size_t vm_npages;

/* By enum vm_page_queue. */
static vm_pagequeue_t *const queues[] = { &vm_pgfreeq, &vm_pgkmemq, &vm_pgwiredq,
	&vm_pgdevbufq, &vm_pgactiveq, &vm_pginactiveq, &vm_pgpmapq };
#define NQUEUES (sizeof queues / sizeof queues[0])

static void mappings_show(vm_page_t *);
static void mappings_drop(vm_page_t *);

/* ---- the table ---- */

enum tome_err
pages_start(void)
{
	struct tome_zone_stats zone;
	struct tome_stats stats;
	size_t bytes;
	enum tome_err err;

	for (unsigned z = 0; z < TOME_ZONES; z++)
		if (tome_zone_stats(k.vm, (enum tome_zone_kind)z, &zone))
			k.npfn = tome_pa_pfn(zone.limit);
	bytes = PGROUNDUP((size_t)k.npfn * sizeof *k.rpt);
	err = tome_kmap_heap(k.vm, bytes / PGSIZE, &k.rpt_at);
	if (err != TOME_OK)
		return err;
	k.rpt = tome_kva_ptr(k.vm, k.rpt_at);
	for (tome_pfn_t i = 0; i < k.npfn; i++)
		k.rpt[i].paddr = (paddr_t)tome_pfn_pa(i);
	for (size_t q = 0; q < NQUEUES; q++)
		*queues[q] = (vm_pagequeue_t){ .npages = 0 };
	tome_vm_stats(k.vm, &stats);
	vm_npages = (size_t)stats.frames_total;
	return TOME_OK;
}

void
pages_stop(void)
{
	if (k.rpt == NULL)
		return;
	for (size_t q = 0; q < NQUEUES; q++)
		while (queues[q]->queue.first != NULL)
			vm_page_free(queues[q]->queue.first);
	for (tome_pfn_t i = 0; i < k.npfn; i++) {
		mappings_drop(&k.rpt[i]);
		if (k.rpt[i].pinned)
			tome_frame_unwire(k.vm, i);
		if (k.rpt[i].is_anon)
			anon_unview(k.rpt[i].anon);
	}
	tome_kunmap(k.vm, k.rpt_at);
	k.rpt = NULL;
}

/* ---- showing a page ---- */

static void
mappings_drop(vm_page_t *page)
{
	while (page->pv_map != NULL) {
		pv_entry_t *pv = page->pv_map;

		page->pv_map = pv->next;
		tome_kfree(k.vm, pv);
	}
}

static vm_map_t *
map_of(const struct tome_pmap *pmap)
{
	vm_map_t *map = k.maps;

	while (map != NULL && (struct tome_pmap *)map->pmap != pmap)
		map = map->next;
	return map;
}

/* As far as memory goes. */
static void
mappings_show(vm_page_t *page)
{
	size_t n = tome_page_list(k.vm, pfn_of(page), NULL, 0);
	struct tome_mapping *list = n == 0 ? NULL :
	    tome_kmalloc(k.vm, n * sizeof *list);

	mappings_drop(page);
	if (list == NULL)
		return;
	if (tome_page_list(k.vm, pfn_of(page), list, n) < n)
		n = 0;
	while (n-- > 0) {
		pv_entry_t *pv = tome_kmalloc(k.vm, sizeof *pv);

		if (pv == NULL)
			break;
		*pv = (pv_entry_t){ .next = page->pv_map,
			.map = map_of(list[n].pmap),
			.vaddr = (vaddr_t)list[n].va };
		page->pv_map = pv;
	}
	tome_kfree(k.vm, list);
}

static enum vm_page_queue
queue_of(vm_page_t *page, const struct tome_page_look *l)
{
	switch (l->identity) {
	case TOME_PAGE_FREE:
		return kVMPageFree;
	case TOME_PAGE_TABLE:
		return kVMPagePMap;
	case TOME_PAGE_ANON:
	case TOME_PAGE_CACHE:
		if (l->wired > 0)
			return kVMPageWired;
		return page->accessed ? kVMPageActive : kVMPageInactive;
	case TOME_PAGE_KERNEL:
		return kVMPageKMem;
	default:
		return kVMPageWired;
	}
}

/* Whose it is: another look at its object says where, for an anon everywhere. */
static void
owner_show(vm_page_t *page, const struct tome_page_look *l)
{
	vm_anon_t *was = page->is_anon ? page->anon : NULL;
	struct tome_object_look ol;

	page->anon = NULL;
	page->is_anon = l->identity == TOME_PAGE_ANON && l->anon != 0;
	page->offset = 0;
	if (page->is_anon) {
		page->anon = anon_view(l->anon);
		page->is_anon = page->anon != NULL;
	} else if (l->identity == TOME_PAGE_CACHE && l->object != NULL) {
		page->obj = tome_object_tag(l->object);
		page->offset = (voff_t)(l->page << TOME_PAGE_SHIFT);
		if (tome_object_look(l->object, l->page, &ol) &&
		    page_of(ol.pfn) == page)
			page->dirty |= ol.dirty;
	}
	anon_unview(was);
}

void
page_show(vm_page_t *page)
{
	tome_pfn_t pfn = pfn_of(page);
	struct tome_page_look l;
	bool managed;

	if (page->own || !tome_page_look(k.vm, pfn, &l))
		return;
	managed = l.identity == TOME_PAGE_ANON || l.identity == TOME_PAGE_CACHE;
	page->accessed = managed && tome_page_accessed(k.vm, pfn, false);
	page->dirty = managed && tome_page_modified(k.vm, pfn, false);
	page->busy = l.busy || page->listed > 0;
	page->queue = queue_of(page, &l);
	owner_show(page, &l);
	if (managed)
		mappings_show(page);
	else
		mappings_drop(page);
}

/* Where an anon is that no amap was asked for: in the first object that has it. */
static void
anon_locate(vm_anon_t *an)
{
	struct tome_object_look l;

	if (an->amap != NULL && amap_show(an->amap, an->index) == an)
		return;
	for (vm_object_t *ob = k.objects; ob != NULL; ob = ob->next)
		for (tome_pgoff_t from = 0; tome_object_look(ob->core, from,
		    &l); from = l.page + 1)
			if (l.anon == an->id) {
				(void)amap_show(ob->anon.amap, (size_t)l.page);
				return;
			}
}

vm_page_t *
vm_page_from_paddr(paddr_t paddr)
{
	vm_page_t *page = page_of(tome_pa_pfn(paddr));
	enum tome_identity is;

	if (page == NULL)
		return NULL;
	is = tome_frame_identity(k.vm, pfn_of(page));
	if (is == TOME_PAGE_ABSENT || is == TOME_PAGE_RESERVED)
		return NULL;
	keyronex_lock();
	page_show(page);
	if (page->is_anon)
		anon_locate(page->anon);
	keyronex_unlock();
	return page;
}

/* ---- pages given out ---- */

static void
queue_put(vm_page_t *page, enum vm_page_queue to)
{
	vm_pagequeue_t *q = queues[to];

	page->queue = to;
	page->pagequeue.next = NULL;
	page->pagequeue.prev = q->queue.last;
	if (q->queue.last != NULL)
		q->queue.last->pagequeue.next = page;
	else
		q->queue.first = page;
	q->queue.last = page;
	q->npages++;
}

static void
queue_take(vm_page_t *page)
{
	vm_pagequeue_t *q = queues[page->queue];

	if (page->pagequeue.next != NULL)
		page->pagequeue.next->pagequeue.prev = page->pagequeue.prev;
	else
		q->queue.last = page->pagequeue.prev;
	if (page->pagequeue.prev != NULL)
		page->pagequeue.prev->pagequeue.next = page->pagequeue.next;
	else
		q->queue.first = page->pagequeue.next;
	page->pagequeue.next = page->pagequeue.prev = NULL;
	q->npages--;
}

/* The queues that a page with no content of anybody's can be on. NQUEUES: none. */
static size_t
queue_named(const vm_pagequeue_t *q)
{
	size_t i = 0;

	while (i < NQUEUES && queues[i] != q)
		i++;
	return i == kVMPageFree || i == kVMPageActive ||
	    i == kVMPageInactive ? NQUEUES : i;
}

vm_fault_ret_t
vm_pagetryalloc(vm_page_t **out, vm_pagequeue_t *queue)
{
	size_t to = queue_named(queue);
	tome_pfn_t pfn;

	if (out == NULL || to == NQUEUES)
		return kVMFaultRetFailure;
	if (tome_frame_alloc(k.vm, TOME_PAGE_KERNEL, TOME_FRAME_ZERO, &pfn) !=
	    TOME_OK)
		return kVMFaultRetPageShortage;
	keyronex_lock();
	page_show(page_of(pfn));	/* forgets what it was */
	page_of(pfn)->own = 1;
	queue_put(page_of(pfn), (enum vm_page_queue)to);
	keyronex_unlock();
	*out = page_of(pfn);
	return kVMFaultRetOK;
}

vm_page_t *
vm_pagealloc(bool sleep, vm_pagequeue_t *queue)
{
	vm_page_t *page;
	vm_fault_ret_t r = vm_pagetryalloc(&page, queue);

	while (r == kVMFaultRetPageShortage && sleep &&
	    (tome_reclaim(k.vm, 1) > 0 || k.hooks.starved()))
		r = vm_pagetryalloc(&page, queue);
	return r == kVMFaultRetOK ? page : NULL;
}

void
vm_page_free(vm_page_t *page)
{
	bool own = false;

	if (!is_page(page))
		return;
	keyronex_lock();
	if (page->own && page->listed == 0) {
		own = true;
		page->own = 0;
		queue_take(page);
		page->queue = kVMPageFree;
	}
	keyronex_unlock();
	if (own)
		tome_frame_free(k.vm, pfn_of(page));
	else
		k.hooks.log("vm_page_free: not given out");
}

/* The core decides what leaves; it can be told what must not, and what was not used. */
static void
pageable_move(vm_page_t *page, enum vm_page_queue to)
{
	tome_pfn_t pfn = pfn_of(page);

	if (to == kVMPageWired && !page->pinned)
		page->pinned = tome_frame_wire(k.vm, pfn) == TOME_OK;
	if (to != kVMPageWired && page->pinned) {
		page->pinned = 0;
		tome_frame_unwire(k.vm, pfn);
	}
	if (to == kVMPageInactive)
		(void)tome_page_accessed(k.vm, pfn, true);
	page_show(page);
}

void
vm_page_changequeue(vm_page_t *page, vm_pagequeue_t *from, vm_pagequeue_t *to)
{
	size_t q = queue_named(to);

	if (!is_page(page))
		return;
	keyronex_lock();
	page_show(page);
	if (from != NULL && queues[page->queue] != from) {
		/* Not there: nothing is moved. */
	} else if (page->own && q != NQUEUES) {
		queue_take(page);
		queue_put(page, (enum vm_page_queue)q);
	} else if (!page->own && (page->is_anon || page->obj != NULL)) {
		if (q == kVMPageWired || to == &vm_pgactiveq ||
		    to == &vm_pginactiveq)
			pageable_move(page, q == kVMPageWired ? kVMPageWired :
			    to == &vm_pgactiveq ? kVMPageActive :
			    kVMPageInactive);
	}
	keyronex_unlock();
}

/* ---- counting ---- */

void
log_count(struct compat_line *line, const char *what, uint64_t n)
{
	compat_put(line, what);
	compat_put_dec(line, (uint32_t)n);
}

void
vm_pagedump(void)
{
	static const char *const name[] = { "free ", " kmem ", " wired ",
		" devbuf ", " active ", " inactive ", " pmap " };
	struct compat_line line = { .n = 0 };
	struct tome_page_look l;

	keyronex_lock();
	for (size_t i = 0; i < NQUEUES; i++)
		queues[i]->npages = 0;
	for (tome_pfn_t i = 0; i < k.npfn; i++)
		if (tome_page_look(k.vm, i, &l) &&
		    l.identity != TOME_PAGE_ABSENT &&
		    l.identity != TOME_PAGE_RESERVED) {
			page_show(page_of(i));
			queues[page_of(i)->queue]->npages++;
		}
	keyronex_unlock();
	for (size_t i = 0; i < NQUEUES; i++)
		log_count(&line, name[i], queues[i]->npages);
	k.hooks.log(line.text);
}
