/*
 * pin.c - pages of others' memory, kept where they are: what a device is told of must
 * not leave, whatever becomes of the space that had it.
 *
 * A page is pinned while its owner is locked, so it is the owner's. One that is dropped
 * meanwhile is an orphan, which the last pin frees.
 *
 * Locks: the anon's, or the file page's own.
 */
#include <map/map_i.h>
#include <object/vnode.h>
#include <paging/paging_i.h>

/* False: somebody has it locked. */
static bool
anon_pin(struct tome_vm *vm, struct tome_anon *an, tome_pfn_t pfn,
    bool *pinned)
{
	struct tome_page *page = tome_page(vm, pfn);

	if (!tome_bit_trylock(vm, &an->word, TOME_ANON_LOCK, TOME_RANK_ANON))
		return false;
	if (tome_rd(&page->owner) == an && an->pfn == pfn &&
	    tome_page_identity(page) == TOME_PAGE_ANON)
		*pinned = tome_frame_wire(vm, pfn) == TOME_OK;
	tome_bit_unlock(vm, &an->word, TOME_ANON_LOCK, TOME_RANK_ANON);
	return true;
}

/* What is a file's in an epoch is nobody else's before it ends. */
static bool
file_pin(struct tome_vm *vm, tome_pfn_t pfn)
{
	struct tome_page *page = tome_page(vm, pfn);
	bool pinned = false;

	if (tome_rd(&page->owner) == NULL)
		return false;
	tome_vpage_lock(vm, page);
	if (!tome_vpage_is(page, TOME_PAGE_STRAY | TOME_PAGE_FILL))
		pinned = tome_frame_wire(vm, pfn) == TOME_OK;
	tome_vpage_unlock(vm, page);
	return pinned;
}

bool
tome_page_pin(struct tome_vm *vm, tome_pfn_t pfn)
{
	struct tome_page *page = tome_page_try(vm, pfn);
	struct tome_anon *an;
	bool pinned = false;

	if (page == NULL)
		return false;
	tome_epoch_enter(vm);
	if (tome_page_identity(page) == TOME_PAGE_CACHE)
		pinned = file_pin(vm, pfn);
	while ((an = tome_pageout_owner(vm, page)) != NULL &&
	    !anon_pin(vm, an, pfn, &pinned))
		tome_host_relax();
	tome_epoch_leave(vm);
	return pinned;
}

void
tome_page_unpin(struct tome_vm *vm, tome_pfn_t pfn)
{
	struct tome_page *page = tome_page(vm, pfn);
	uint32_t now;

	if (tome_page_identity(page) == TOME_PAGE_ANON) {
		tome_page_unborrow(vm, pfn);
		return;
	}
	now = __atomic_sub_fetch((uint32_t *)&page->state, TOME_PAGE_WIRE_ONE,
	    __ATOMIC_ACQ_REL);
	if ((now & TOME_PAGE_ORPHAN) && now < TOME_PAGE_WIRE_ONE) {
		tome_and(&page->state, ~TOME_PAGE_ORPHAN);
		tome_vnode_stray(vm, page);
	}
}
