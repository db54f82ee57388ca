/*
 * anon.c - amaps and anons as the document has them, shown from what the core holds.
 *
 * An anon is known by the core's number for it; it is here while some amap shows it,
 * and is the same for all who do. A number belongs to the core's anon, and may come
 * back for another when that has gone.
 *
 * Invariant: views is the number of amap slots that show it; a page points to an anon
 *   only if that is shown, and resident in it.
 * Locks: the facade's.
 */
#include "keyronex.h"

#define NODE vm_anon_t
#define LEFT(n) ((n)->left)
#define RIGHT(n) ((n)->right)
#define START(n) ((n)->id)
#define END(n) ((n)->id + 1)
#define SPLAY(verb) anon_##verb
#include "../splay.h"

/* The anon of this id; one that no slot shows yet is made. NULL: no memory. */
static vm_anon_t *
anon_of(uint64_t id)
{
	vm_anon_t *an = anon_at(&k.anons, id);

	if (an != NULL)
		return an;
	an = tome_kzalloc(k.vm, sizeof *an);
	if (an != NULL) {
		an->id = id;
		anon_insert(&k.anons, an);
	}
	return an;
}

/* Its page is not known to be its own any more. */
static void
anon_leave(vm_anon_t *an)
{
	if (!an->resident || an->physpage->anon != an)
		return;
	an->physpage->is_anon = false;
	an->physpage->anon = NULL;
}

static void
anon_place(vm_anon_t *an, vm_amap_t *amap, const struct tome_object_look *l)
{
	anon_leave(an);
	an->amap = amap;
	an->index = l->page;
	an->refcnt = (int)l->names;
	an->resident = l->pfn != TOME_PFN_NONE;
	if (an->resident) {
		an->physpage = page_of(l->pfn);
		an->physpage->is_anon = true;
		an->physpage->anon = an;
	} else {
		an->drumslot = l->slot;
	}
}

/* The slot of a page; `make`: NULL only without memory. */
static vm_anon_t **
slot_of(vm_amap_t *amap, size_t page, bool make)
{
	size_t n = page / kAMapChunkNPages;
	vm_amap_chunk_t **grown;

	if (make && n >= amap->curnchunk) {
		grown = tome_kzalloc(k.vm, (n + 1) * sizeof *grown);
		if (grown == NULL)
			return NULL;
		for (size_t i = 0; i < amap->curnchunk; i++)
			grown[i] = amap->chunks[i];
		tome_kfree(k.vm, amap->chunks);
		amap->chunks = grown;
		amap->curnchunk = n + 1;
	}
	if (make && amap->chunks[n] == NULL)
		amap->chunks[n] = tome_kzalloc(k.vm, sizeof **grown);
	return n >= amap->curnchunk || amap->chunks[n] == NULL ? NULL :
	    &amap->chunks[n]->anon[page % kAMapChunkNPages];
}

static void
slot_set(const vm_amap_t *amap, vm_anon_t **slot, vm_anon_t *an)
{
	vm_anon_t *was = *slot;

	*slot = an;
	if (an != NULL)
		an->views++;
	if (was == NULL)
		return;
	if (was != an && was->amap == amap)
		was->amap = NULL;
	if (--was->views == 0) {
		anon_leave(was);
		anon_remove(&k.anons, was);
		tome_kfree(k.vm, was);
	}
}

vm_anon_t *
amap_show(vm_amap_t *amap, size_t page)
{
	struct tome_object_look l;
	bool is = tome_object_look(amap->obj->core, page, &l) &&
	    l.page == page;
	vm_anon_t **slot = slot_of(amap, page, is);

	if (slot == NULL)
		return NULL;
	slot_set(amap, slot, is ? anon_of(l.anon) : NULL);
	if (*slot != NULL)
		anon_place(*slot, amap, &l);
	return *slot;
}

void
amap_clear(vm_amap_t *amap)
{
	for (size_t n = 0; n < amap->curnchunk; n++) {
		for (unsigned i = 0; amap->chunks[n] != NULL &&
		    i < kAMapChunkNPages; i++)
			slot_set(amap, &amap->chunks[n]->anon[i], NULL);
		tome_kfree(k.vm, amap->chunks[n]);
	}
	tome_kfree(k.vm, amap->chunks);
}

/* ---- what clients call ---- */

vm_anon_t *
amap_anon_at(vm_amap_t *amap, size_t page)
{
	vm_anon_t *an = NULL;

	keyronex_lock();
	if (amap != NULL)
		an = amap_show(amap, page);
	if (an != NULL && an->resident)
		(void)page_show(an->physpage, false);
	keyronex_unlock();
	return an;
}

vm_amap_t *
amap_copy(vm_amap_t *amap)
{
	vm_object_t *copy = amap == NULL ? NULL : vm_object_copy(amap->obj);

	return copy == NULL ? NULL : copy->anon.amap;
}

void
amap_release(vm_amap_t *amap)
{
	vm_object_release(amap == NULL ? NULL : amap->obj);
}

/* The name that goes is the one it was last asked for by, if that is one still. */
void
anon_release(vm_anon_t *an)
{
	vm_amap_t *amap;
	size_t page;

	if (an == NULL)
		return;
	keyronex_lock();
	amap = an->amap;
	page = an->index;
	if (amap != NULL && amap_show(amap, page) == an &&
	    tome_object_punch(amap->obj->core, page, 1) == TOME_OK)
		(void)amap_show(amap, page);
	keyronex_unlock();
}
