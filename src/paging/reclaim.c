/*
 * reclaim.c - which pages leave: a hand for each zone that goes round its frames.
 *
 * Which of those that it meets leave is the zone's policy's to say (choose.c), until
 * that has found too few: then any that was not used since the hand last came. Nothing
 * is recorded when a page is made or used: the hardware's bit, and what the hand wrote
 * down, are all there is to know.
 *
 * Locks: `sweep`, a sleeping lock, over the hands.
 */
#include <paging/paging_i.h>
#include <phys/phys_i.h>

/* How often a direct reclaimer goes round before he gives up; hurried from the second
 * time on. */
#define RECLAIM_ROUNDS 3u
/* How often the hand goes round for one sweep: it may begin with looking only. */
#define PASSES 3u
/* How many pages he frees beyond his own. */
#define DIRECT_PAGES 32u

/* One page, whatever it is. True: it leaves. Out of line: the stack below the sweep is
 * deep. */
static tome_noinline bool
sweep_page(struct tome_paging *p, enum tome_zone_kind kind,
    struct tome_page *page)
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
	if (what == TOME_EVICT_FREED || what == TOME_EVICT_STARTED)
		tome_choice_left(p, kind);
	if (what == TOME_EVICT_USED)
		tome_add(&p->used, 1);
	return what == TOME_EVICT_FREED || what == TOME_EVICT_STARTED;
}

uint64_t
tome_sweep(struct tome_paging *p, enum tome_zone_kind kind, uint64_t n,
    bool hurry)
{
	uint64_t left = 0, steps = PASSES * (uint64_t)tome_zone_span(p->vm,
	    &p->vm->phys->zone[kind]);
	struct tome_page *page;

	tome_mutex_lock(p->vm, &p->sweep, TOME_RANK_MAP);
	p->choice.hurry = hurry;
	tome_pageout_begin(&p->sweeping, p);
	while (left < n && (page = tome_choice_next(p, kind, &steps)) != NULL) {
		left += sweep_page(p, kind, page);
		if (p->sweeping.n == TOME_SWAP_MAX)
			tome_pageout_end(&p->sweeping);
	}
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
	for (unsigned round = 0; round < RECLAIM_ROUNDS && left < n; round++)
		for (int kind = TOME_ZONES - 1; kind >= 0 && left < n; kind--) {
			left += tome_sweep(p, (enum tome_zone_kind)kind,
			    n - left, round > 0);
			settle(p);
		}
	return left;
}

uint64_t
tome_reclaim(struct tome_vm *vm, uint64_t n)
{
	struct tome_paging *p = vm->paging;
	uint64_t left = reclaim(p, n);

	if (left < n)
		left += tome_shrink(p, n - left);
	if (left == 0)
		tome_add(&p->failed, 1);
	tome_pack_some(p);
	(void)tome_desk_bury(p, false);
	tome_pressure_look(p);
	return left;
}

/* Deep in a fault: packing is left to who has the stack for it. */
bool
tome_paging_found(struct tome_vm *vm)
{
	struct tome_paging *p = vm->paging;

	return reclaim(p, DIRECT_PAGES) > 0 || tome_shrink(p, DIRECT_PAGES) > 0 ||
	    tome_oom(p);
}
