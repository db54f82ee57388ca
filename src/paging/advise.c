/*
 * advise.c - MADV_PAGEOUT: pages of a range leave now.
 */
#include <map/map_i.h>
#include <paging/paging_i.h>

/* One page, if only this space has it. */
static bool
page_out(struct tome_map *map, tome_va_t va, struct tome_pageout *po)
{
	struct tome_vm *vm = map->vm;
	struct tome_translation t;
	struct tome_page *page;
	enum tome_evict what = TOME_EVICT_KEPT;

	if (!tome_pmap_extract(map->pmap, va, &t))
		return false;
	page = tome_page_try(vm, tome_pa_pfn(t.pa));
	if (page == NULL)
		return false;
	if (tome_page_identity(page) == TOME_PAGE_ANON)
		what = tome_pageout_anon(po, page, TOME_EVICT_OWN);
	else if (tome_page_identity(page) == TOME_PAGE_CACHE)
		what = tome_cache_evict(vm, page, TOME_EVICT_OWN);
	return what == TOME_EVICT_FREED || what == TOME_EVICT_STARTED;
}

uint64_t
tome_map_page_out(struct tome_map *map, tome_va_t start, tome_va_t len)
{
	struct tome_paging *p = map->vm->paging;
	struct tome_pageout po;
	uint64_t left = 0;

	tome_pageout_begin(&po, p);
	for (tome_va_t va = start; va < start + len; va += TOME_PAGE_SIZE) {
		left += page_out(map, va, &po);
		if (po.n == TOME_SWAP_MAX)
			tome_pageout_end(&po);
	}
	tome_pageout_end(&po);
	tome_swap_finish(p);
	return left;
}
