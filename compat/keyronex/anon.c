/*
 * anon.c - amaps and anons as the document has them, shown from what the core holds.
 *
 * An anon is known by the core's number for it; it is here while some amap or page
 * shows it, and is the same for all who do. A number belongs to the core's anon, and
 * may come back for another when that has gone.
 *
 * Invariant: views is the number of amap slots and pages that show it.
 * Locks: the facade's.
 */
#include "keyronex.h"

static vm_anon_t **
bucket(uint64_t id)
{
	return &k.anons[(id >> 4 ^ id >> 12 ^ id) % ANON_HASH];
}

vm_anon_t *
anon_view(uint64_t id)
{
	vm_anon_t *an = *bucket(id);

	while (an != NULL && an->id != id)
		an = an->next;
	if (an == NULL) {
		an = tome_kzalloc(k.vm, sizeof *an);
		if (an == NULL)
			return NULL;
		an->id = id;
		an->next = *bucket(id);
		*bucket(id) = an;
	}
	an->views++;
	return an;
}

void
anon_unview(vm_anon_t *an)
{
	vm_anon_t **link;

	if (an == NULL || --an->views > 0)
		return;
	link = bucket(an->id);
	while (*link != an)
		link = &(*link)->next;
	*link = an->next;
	tome_kfree(k.vm, an);
}

/* The slot of a page; `make`: NULL only without memory. */
static vm_anon_t **
slot_of(vm_amap_t *amap, size_t page, bool make)
{
	size_t n = page / kAMapChunkNPages;
	vm_amap_chunk_t **grown;

	if (n >= amap->curnchunk) {
		if (!make || n >= SIZE_MAX / sizeof *grown - 1)
			return NULL;
		grown = tome_kzalloc(k.vm, (n + 1) * sizeof *grown);
		if (grown == NULL)
			return NULL;
		if (amap->curnchunk > 0)
			memcpy(grown, amap->chunks,
			    amap->curnchunk * sizeof *grown);
		tome_kfree(k.vm, amap->chunks);
		amap->chunks = grown;
		amap->curnchunk = n + 1;
	}
	if (amap->chunks[n] == NULL && make)
		amap->chunks[n] = tome_kzalloc(k.vm, sizeof **grown);
	return amap->chunks[n] == NULL ? NULL :
	    &amap->chunks[n]->anon[page % kAMapChunkNPages];
}

static void
anon_fill(vm_anon_t *an, const struct tome_object_look *l)
{
	an->refcnt = (int)l->names;
	an->resident = l->pfn != TOME_PFN_NONE;
	if (an->resident)
		an->physpage = page_of(l->pfn);
	else
		an->drumslot = l->slot;
}

vm_anon_t *
amap_show(vm_amap_t *amap, size_t page)
{
	struct tome_object_look l;
	bool is = tome_object_look(core_of(amap->obj), page, &l) &&
	    l.page == page;
	vm_anon_t **slot = slot_of(amap, page, is), *was, *an;

	if (slot == NULL)
		return NULL;
	was = *slot;
	an = is ? anon_view(l.anon) : NULL;
	if (an != NULL) {
		anon_fill(an, &l);
		an->amap = amap;
		an->index = page;
	}
	*slot = an;
	anon_unview(was);
	return an;
}

void
amap_clear(vm_amap_t *amap)
{
	for (size_t n = 0; n < amap->curnchunk; n++) {
		for (unsigned i = 0; amap->chunks[n] != NULL &&
		    i < kAMapChunkNPages; i++) {
			vm_anon_t *an = amap->chunks[n]->anon[i];

			if (an != NULL && an->amap == amap)
				an->amap = NULL;
			anon_unview(an);
		}
		tome_kfree(k.vm, amap->chunks[n]);
	}
	tome_kfree(k.vm, amap->chunks);
	amap->chunks = NULL;
	amap->curnchunk = 0;
}

/* ---- what clients call ---- */

vm_anon_t *
amap_anon_at(vm_amap_t *amap, size_t page)
{
	vm_anon_t *an;

	if (amap == NULL)
		return NULL;
	keyronex_lock();
	an = amap_show(amap, page);
	if (an != NULL && an->resident)
		page_show(an->physpage);
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
	if (amap != NULL)
		vm_object_release(amap->obj);
}

/* The name that goes is the one it was last asked for by; one that has gone already
 * is not another's. */
void
anon_release(vm_anon_t *an)
{
	uint64_t id;

	if (an == NULL)
		return;
	keyronex_lock();
	id = an->id;
	if (an->amap != NULL && amap_show(an->amap, an->index) == an &&
	    an->id == id) {
		vm_amap_t *amap = an->amap;
		size_t page = an->index;

		if (tome_object_punch(amap->obj->core, page, 1) == TOME_OK)
			(void)amap_show(amap, page);
	}
	keyronex_unlock();
}
