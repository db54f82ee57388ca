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

/* ---- trees of entries (map.c; see splay.h) ---- */

vm_map_entry_t *entry_find(vm_map_entry_t **root, vaddr_t at)
    COMPAT_LINK(keyronex, entry_find);
void entry_insert(vm_map_entry_t **root, vm_map_entry_t *)
    COMPAT_LINK(keyronex, entry_insert);
void entry_remove(vm_map_entry_t **root, vm_map_entry_t *)
    COMPAT_LINK(keyronex, entry_remove);

/* ---- objects (object.c); the lock is held ---- */

static inline struct tome_object *
core_of(const vm_object_t *ob)
{
	return ob->core;
}
/* With one name. NULL: no memory. */
vm_object_t *object_copy(vm_object_t *) COMPAT_LINK(keyronex, object_copy);
/* A name goes. */
void object_drop(vm_object_t *) COMPAT_LINK(keyronex, object_drop);
static inline bool
object_is_readonly(const vm_object_t *ob)
{
	return ob->type == kVMObjFile && ob->pager->putpages == NULL;
}

/* Pages that a transfer moves at once, at most. */
#define TRANSFER_MAX 8u

/* ---- views (anon.c, page.c); the lock is held ---- */

/* The amap shows its object's page as it is now: its anon, or NULL. */
vm_anon_t *amap_show(vm_amap_t *, size_t page)
    COMPAT_LINK(keyronex, amap_show);
/* Nothing is shown any more. */
void amap_clear(vm_amap_t *) COMPAT_LINK(keyronex, amap_clear);
vm_anon_t *anon_find(vm_anon_t **root, uint64_t id)
    COMPAT_LINK(keyronex, anon_find);
void anon_insert(vm_anon_t **root, vm_anon_t *)
    COMPAT_LINK(keyronex, anon_insert);
void anon_remove(vm_anon_t **root, vm_anon_t *)
    COMPAT_LINK(keyronex, anon_remove);
/* False: it is not usable RAM. */
bool page_show(vm_page_t *) COMPAT_LINK(keyronex, page_show);
/* It is in a page list more, or in one less; takes the lock. */
void page_listed(vm_page_t *, int by) COMPAT_LINK(keyronex, page_listed);
/* Who lacks so many pages has some freed, or waits; false: he gets none. */
bool pages_wait(uint64_t n) COMPAT_LINK(keyronex, pages_wait);
enum tome_err pages_start(void) COMPAT_LINK(keyronex, pages_start);
void pages_stop(void) COMPAT_LINK(keyronex, pages_stop);

#endif
