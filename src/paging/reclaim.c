/*
 * reclaim.c - which pages leave: a hand for each zone that goes round its frames.
 *
 * A page that was used since the hand last came is passed by, once; any other leaves
 * (second chance, by frame number). Nothing is recorded when a page is made or used:
 * the hardware's bit, and where it is, are all there is to know.
 *
 * Locks: `sweep`, a sleeping lock, over the hands.
 */
#include <paging/paging_i.h>

/* How often a direct reclaimer goes round before he gives up. */
#define ROUNDS 3u
/* How many pages he frees beyond his own. */
#define DIRECT_PAGES 32u

static tome_noinline bool
zone_span(struct tome_vm *vm, enum tome_zone_kind kind, tome_pfn_t *first,
    tome_pfn_t *end)
{
	struct tome_zone_stats z;

	if (!tome_zone_stats(vm, kind, &z))
		return false;
	*first = tome_pa_pfn(z.base);
	*end = tome_pa_pfn(z.limit - 1) + 1;
	if (*end > vm->npfn)
		*end = vm->npfn;
	return *first < *end;
}

/* One page, whatever it is. True: it leaves. */
static bool
sweep_page(struct tome_paging *p, struct tome_page *page)
{
	enum tome_evict what;

	switch (tome_page_identity(page)) {
	case TOME_PAGE_ANON:
		what = tome_pageout_anon(&p->sweeping, page,
		    TOME_EVICT_UNUSED);
		break;
	case TOME_PAGE_CACHE:
		what = tome_cache_evict(p->vm, page,
		    TOME_EVICT_UNUSED);
		if (what == TOME_EVICT_FREED)
			tome_add(&p->dropped, 1);
		else if (what == TOME_EVICT_STARTED)
			tome_add(&p->written_file, 1);
		break;
	default:
		return false;
	}
	tome_add(&p->looked, 1);
	if (what == TOME_EVICT_USED)
		tome_add(&p->used, 1);
	return what == TOME_EVICT_FREED || what == TOME_EVICT_STARTED;
}

uint64_t
tome_sweep(struct tome_paging *p, enum tome_zone_kind kind, uint64_t n)
{
	tome_pfn_t first, end, pfn;
	struct tome_page *page;
	uint64_t left = 0;

	if (!zone_span(p->vm, kind, &first, &end))
		return 0;
	tome_mutex_lock(p->vm, &p->sweep, TOME_RANK_MAP);
	tome_pageout_begin(&p->sweeping, p);
	pfn = p->hand[kind];
	for (tome_pfn_t i = first; i < end && left < n; i++) {
		if (++pfn >= end || pfn < first)
			pfn = first;
		page = tome_page_try(p->vm, pfn);
		if (page != NULL && sweep_page(p, page))
			left++;
		if (p->sweeping.n == TOME_SWAP_MAX)
			tome_pageout_end(&p->sweeping);
	}
	p->hand[kind] = pfn;
	tome_pageout_end(&p->sweeping);
	tome_mutex_unlock(p->vm, &p->sweep, TOME_RANK_MAP);
	return left;
}

/* What left is free when its transfer is over and its epoch has passed. */
static void
settle(struct tome_paging *p)
{
	tome_swap_settle(p);
	tome_vm_quiesce(p->vm, false);
}

static uint64_t
reclaim(struct tome_paging *p, uint64_t n)
{
	uint64_t left = 0;

	tome_add(&p->direct, 1);
	for (unsigned round = 0; round < ROUNDS && left < n; round++)
		for (int kind = TOME_ZONES - 1; kind >= 0 && left < n; kind--) {
			left += tome_sweep(p, (enum tome_zone_kind)kind,
			    n - left);
			settle(p);
		}
	return left;
}

uint64_t
tome_reclaim(struct tome_vm *vm, uint64_t n)
{
	uint64_t left = reclaim(vm->paging, n);

	tome_pack_some(vm->paging);
	return left;
}

/* Deep in a fault: packing is left to who has the stack for it. */
bool
tome_paging_found(struct tome_vm *vm)
{
	return reclaim(vm->paging, DIRECT_PAGES) > 0;
}
