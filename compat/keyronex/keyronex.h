/*
 * keyronex.h - what the facade's files share.
 *
 * One lock guards entries, counts of objects, and all views: pages, anons,
 * amaps, queues. It is held over calls into the core, but never over one that may
 * start a transfer; faults and transfers do without it.
 */
#ifndef COMPAT_KEYRONEX_KEYRONEX_H
#define COMPAT_KEYRONEX_KEYRONEX_H

#include <string.h>

#include <tome/heap.h>
#include <tome/lock.h>
#include <tome/look.h>
#include <tome/paging.h>

#include "glue.h"

_Static_assert(TOME_PAGE_SHIFT == 12, "Keyronex needs 4 KiB pages");

struct keyronex {
	struct tome_vm *vm;
	struct compat_keyronex_hooks hooks;
	struct tome_mutex lock;
	vm_object_t *dead;		/* ended when the lock is released */
	struct tome_heap *heap;		/* what vm_kalloc() gave out */
	vm_page_t *rpt;			/* by frame number, */
	tome_pfn_t npfn;		/* so many */
	tome_va_t rpt_at;
	vm_anon_t *anons;		/* those shown, by id */
	_Atomic bool short_of_pages;
};
extern struct keyronex keyronex_state COMPAT_LINK(keyronex, state);
#define k keyronex_state

static inline void
keyronex_lock(void)
{
	tome_lock(k.vm, &k.lock);
}
/* Ends the objects that have lost their last name (object.c). */
void keyronex_unlock(void) COMPAT_LINK(keyronex, unlock);
static inline vm_page_t *
page_of(tome_pfn_t pfn)
{
	return pfn < k.npfn ? &k.rpt[pfn] : NULL;
}
/* A pointer that a client may have made up. */
static inline bool
is_page(const vm_page_t *page)
{
	return page >= k.rpt && page < k.rpt + k.npfn;
}
static inline tome_pfn_t
pfn_of(const vm_page_t *page)
{
	return (tome_pfn_t)(page - k.rpt);
}
static inline int
negative(enum tome_err err)
{
	return -(int)err;
}

/* ---- maps (map.c) ---- */

/* Of these addresses; 0, 0: all of a user's. */
enum tome_err map_begin(vm_map_t *, tome_va_t lo, tome_va_t hi, bool kernel)
    COMPAT_LINK(keyronex, map_begin);
/* Every entry goes now, and the core tells of it: others may have its map still. */
void map_end(vm_map_t *) COMPAT_LINK(keyronex, map_end);

/* ---- objects (object.c); the lock is held ---- */

/* With one name. NULL: no memory. */
vm_object_t *object_copy(vm_object_t *) COMPAT_LINK(keyronex, object_copy);
/* A name goes. */
void object_drop(vm_object_t *) COMPAT_LINK(keyronex, object_drop);

/* Pages that a transfer moves at once, at most. */
#define TRANSFER_MAX 8u

/* ---- views (anon.c, page.c); the lock is held ---- */

/* The amap shows its object's page as it is now: its anon, or NULL. */
vm_anon_t *amap_show(vm_amap_t *, size_t page)
    COMPAT_LINK(keyronex, amap_show);
/* Nothing is shown any more. */
void amap_clear(vm_amap_t *) COMPAT_LINK(keyronex, amap_clear);
/* The page shows what it is; `owner`: and whose. False: it is not usable RAM. */
bool page_show(vm_page_t *, bool owner) COMPAT_LINK(keyronex, page_show);
/* The page shows what it is used for now; takes the lock. */
void page_used(vm_page_t *) COMPAT_LINK(keyronex, page_used);
/* Who lacks so many pages has some freed, or waits; false: he gets none. */
bool pages_wait(uint64_t n) COMPAT_LINK(keyronex, pages_wait);

#endif
