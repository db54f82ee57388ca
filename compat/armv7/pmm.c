/*
 * pmm.c - the document's physical memory manager: three sizes from one pool.
 *
 * The pool is the instance's frames between two bounds. A first-level table is two of
 * them with an address space of the core's behind it, a page is one, second-level
 * tables are a cache's objects. A record for each frame says what is handed out, so
 * that a free is checked, and every call is O(1).
 *
 * Invariant: a record's units are set exactly for the objects that are handed out.
 * Locks: none; a unit is cleared by one atomic step, whose winner frees.
 */
#include <string.h>

#include <tome/types.h>

_Static_assert(TOME_PAGE_SHIFT == 12, "ARMv7 needs 4 KiB pages");

#include "armv7.h"

#define L1_ORDER 1u
#define L2_SIZE sizeof(struct L2PageTable)

enum kind { NOTHING, L1_TABLE, L2_TABLE, PAGE };

struct record {
	uint8_t kind;
	uint8_t units;		/* KiBs of the frame that are handed out */
	/* A table's address space; where the kernel has a page, or 0. */
	uintptr_t behind;
};

static struct {
	uintptr_t start, end;
	struct record *records;
	tome_pfn_t at;		/* of the records */
	unsigned order;
	struct tome_cache *l2;
	uintptr_t bias;		/* of the linear map */
} pool;

static const uint8_t units_of[] = { 0, 15, 1, 15 };
static const size_t size_of[] = { 1, sizeof(struct L1PageTable), L2_SIZE,
	PAGE_SIZE };

/* ---- records ---- */

tome_pa_t
armv7_physical(const void *p)
{
	return (tome_pa_t)((uintptr_t)p - pool.bias);
}

/* NULL: not the pool's. */
static struct record *
record_of(const void *p)
{
	uintptr_t at = (uintptr_t)p;

	if (at < pool.start || at >= pool.end)
		return NULL;
	return &pool.records[(at - pool.start) >> TOME_PAGE_SHIFT];
}

static uint8_t
units(const void *p, enum kind kind)
{
	return (uint8_t)(units_of[kind] <<
	    (((uintptr_t)p & (PAGE_SIZE - 1)) / L2_SIZE));
}

/* Its record, if it is handed out as that, or NULL. */
static struct record *
out_as(const void *p, enum kind kind)
{
	struct record *r = record_of(p);

	return r != NULL && ((uintptr_t)p & (size_of[kind] - 1)) == 0 &&
	    __atomic_load_n(&r->kind, __ATOMIC_RELAXED) == kind &&
	    (__atomic_load_n(&r->units, __ATOMIC_ACQUIRE) & units(p, kind)) ?
	    r : NULL;
}

static void
hand_out(void *p, enum kind kind, uintptr_t behind)
{
	struct record *r = record_of(p);

	__atomic_store_n(&r->behind, behind, __ATOMIC_RELAXED);
	__atomic_store_n(&r->kind, (uint8_t)kind, __ATOMIC_RELAXED);
	__atomic_fetch_or(&r->units, units(p, kind), __ATOMIC_RELEASE);
}

/* NULL: it was not, and the kernel is told. */
static struct record *
take_back(void *p, enum kind kind)
{
	struct record *r = out_as(p, kind);
	uint8_t mine = units(p, kind);

	if (r != NULL && (__atomic_fetch_and(&r->units, (uint8_t)~mine,
	    __ATOMIC_ACQ_REL) & mine))
		return r;
	armv7_vm.hooks.warn("pmm: freed what is not allocated");
	return NULL;
}

/* ---- the pool ---- */

/* Whole slices of 8 KiB, and one record for each frame. */
void
pmm_init(size_t start, size_t end)
{
	size_t slice = sizeof(struct L1PageTable), bytes;
	tome_pfn_t zero;

	if (pool.records != NULL || armv7_vm.vm == NULL)
		return;
	start = (start + slice - 1) & ~(slice - 1);
	end &= ~(slice - 1);
	bytes = end > start ? (end - start) / PAGE_SIZE *
	    sizeof(struct record) : 0;
	for (pool.order = 0; pool.order < TOME_MAX_ORDER &&
	    ((size_t)PAGE_SIZE << pool.order) < bytes; pool.order++)
		;
	if (bytes == 0 || ((size_t)PAGE_SIZE << pool.order) < bytes ||
	    tome_frames_alloc(armv7_vm.vm, TOME_PAGE_KERNEL, pool.order, 0, 0,
	    TOME_FRAME_ZERO | TOME_FRAME_DIRECT, &pool.at) != TOME_OK) {
		armv7_vm.hooks.fatal("pmm_init: no memory");
		return;
	}
	zero = tome_zero_frame(armv7_vm.vm);
	pool.bias = (uintptr_t)tome_frame_va(armv7_vm.vm, zero) -
	    (uintptr_t)tome_pfn_pa(zero);
	pool.records = tome_frame_va(armv7_vm.vm, pool.at);
	pool.start = start;
	pool.end = end;
}

/* 2^order frames within the pool's bounds, all zero; NULL: none. */
static void *
take_frames(enum tome_identity identity, unsigned order)
{
	tome_pfn_t first;
	void *p;

	if (pool.records == NULL)
		return NULL;
	if (tome_frames_alloc(armv7_vm.vm, identity, order,
	    (tome_pfn_t)1 << order, armv7_physical((void *)pool.end),
	    TOME_FRAME_ZERO | TOME_FRAME_DIRECT, &first) != TOME_OK)
		return NULL;
	p = tome_frame_va(armv7_vm.vm, first);
	if (record_of(p) != NULL)
		return p;
	tome_frames_free(armv7_vm.vm, first, order);
	return NULL;
}

static void
give_frames(void *p, unsigned order)
{
	tome_frames_free(armv7_vm.vm, tome_pa_pfn(armv7_physical(p)), order);
}

/* ---- first-level tables ---- */

struct L1PageTable *
pmm_allocate_l1_pagetable(void)
{
	struct L1PageTable *l1 = take_frames(TOME_PAGE_KERNEL, L1_ORDER);
	struct tome_pmap *pmap;

	if (l1 == NULL)
		return NULL;
	if (tome_pmap_create(armv7_vm.vm, &pmap) != TOME_OK) {
		give_frames(l1, L1_ORDER);
		return NULL;
	}
	hand_out(l1, L1_TABLE, (uintptr_t)pmap);
	return l1;
}

struct tome_pmap *
armv7_pmap(const struct L1PageTable *l1)
{
	struct record *r = out_as(l1, L1_TABLE);

	return r != NULL ? (struct tome_pmap *)r->behind : NULL;
}

void
pmm_free_l1_pagetable(struct L1PageTable *l1)
{
	struct tome_pmap *pmap;

	if (l1 == NULL)
		return;
	pmap = armv7_pmap(l1);
	if (pmap != NULL && pmap == tome_pmap_current(armv7_vm.vm)) {
		armv7_vm.hooks.warn("pmm: freed the table in use");
		return;
	}
	if (!take_back(l1, L1_TABLE))
		return;
	tome_pmap_destroy(pmap);
	give_frames(l1, L1_ORDER);
}

/* ---- second-level tables ---- */

/* The cache comes with the first of them. */
static struct tome_cache *
l2_cache(void)
{
	static const struct tome_cache_config config = { .name = "armv7 l2",
		.size = L2_SIZE, .align = L2_SIZE };
	struct tome_cache *seen = NULL, *cache =
	    __atomic_load_n(&pool.l2, __ATOMIC_ACQUIRE);

	if (cache != NULL || pool.records == NULL ||
	    tome_cache_create(armv7_vm.vm, &config, &cache) != TOME_OK)
		return cache;
	if (__atomic_compare_exchange_n(&pool.l2, &seen, cache, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return cache;
	/* Another CPU was first; ours is empty. */
	return tome_cache_destroy(cache) == TOME_OK ? seen : NULL;
}

struct L2PageTable *
pmm_allocate_l2_pagetable(void)
{
	struct tome_cache *cache = l2_cache();
	struct L2PageTable *l2 = cache != NULL ? tome_cache_alloc(cache) : NULL;

	if (l2 == NULL)
		return NULL;
	if (record_of(l2) == NULL) {
		tome_cache_free(cache, l2);
		return NULL;
	}
	memset(l2, 0, sizeof *l2);
	hand_out(l2, L2_TABLE, 0);
	return l2;
}

void
pmm_free_l2_pagetable(struct L2PageTable *l2)
{
	if (l2 != NULL && take_back(l2, L2_TABLE))
		tome_cache_free(pool.l2, l2);
}

/* ---- pages ---- */

/* Where all the core's frames are the pool's, which is as it should be, the first that
 * it has at hand. */
static void *
take_frame(void)
{
	tome_pfn_t frame;
	void *p;

	if (pool.records == NULL ||
	    tome_frame_alloc(armv7_vm.vm, TOME_PAGE_DEVICE,
	    TOME_FRAME_ZERO | TOME_FRAME_DIRECT, &frame) != TOME_OK)
		return NULL;
	p = tome_frame_va(armv7_vm.vm, frame);
	if (record_of(p) != NULL)
		return p;
	tome_frame_free(armv7_vm.vm, frame);
	return take_frames(TOME_PAGE_DEVICE, 0);
}

struct Page *
pmm_allocate_page(void)
{
	struct Page *page = take_frame();

	if (page != NULL)
		hand_out(page, PAGE, 0);
	return page;
}

tome_pfn_t
armv7_page_frame(const struct Page *page)
{
	return tome_pa_pfn(armv7_physical(page));
}

void
armv7_page_in_kernel(struct Page *page, tome_va_t va)
{
	record_of(page)->behind = (uintptr_t)va;
}

/* Unless something else is there by now. */
static void
unmap_from_kernel(tome_va_t va, tome_pfn_t frame)
{
	struct tome_pmap *kernel = tome_pmap_kernel(armv7_vm.vm);
	struct tome_translation t;

	if (tome_pmap_extract(kernel, va, &t) &&
	    tome_pa_pfn(t.pa) == frame)
		tome_pmap_remove(kernel, va, va + PAGE_SIZE);
}

/* Nobody has it any more when it goes, whoever had it mapped. */
void
pmm_free_page(struct Page *page)
{
	struct record *r = page != NULL ? take_back(page, PAGE) : NULL;
	tome_pfn_t frame;

	if (r == NULL)
		return;
	frame = armv7_page_frame(page);
	if (tome_page_mappings(armv7_vm.vm, frame) > 0)
		tome_pages_unmap(armv7_vm.vm, &frame, 1);
	if (r->behind != 0)
		unmap_from_kernel((tome_va_t)r->behind, frame);
	tome_frame_free(armv7_vm.vm, frame);
}

/* ---- the end ---- */

static void
free_all_in(struct record *r, char *at)
{
	if (r->kind == PAGE && r->units)
		pmm_free_page((void *)at);
	else if (r->kind == L1_TABLE && r->units)
		pmm_free_l1_pagetable((void *)at);
	for (unsigned i = 0; r->kind == L2_TABLE && r->units; i++)
		if (r->units & 1u << i)
			pmm_free_l2_pagetable((void *)(at + i * L2_SIZE));
}

/* Pages before the tables that have them. */
void
armv7_pmm_stop(void)
{
	size_t n = (pool.end - pool.start) / PAGE_SIZE;

	if (pool.records == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		free_all_in(&pool.records[i], (char *)pool.start +
		    i * PAGE_SIZE);
	if (pool.l2 != NULL && tome_cache_destroy(pool.l2) != TOME_OK)
		armv7_vm.hooks.warn("pmm: tables are left");
	tome_frames_free(armv7_vm.vm, pool.at, pool.order);
	memset(&pool, 0, sizeof pool);
}
