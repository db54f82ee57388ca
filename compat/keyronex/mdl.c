/*
 * mdl.c - page lists: of an object's pages, which stay and are busy while they are
 * listed. A list of pages of its own has an object for itself.
 *
 * Locks: none but in what is called; a list belongs to who has it.
 */
#include "keyronex.h"

int
vm_mdl_new_with_range(vm_mdl_t **out, vm_object_t *ob, voff_t start,
    size_t bytes)
{
	tome_pgoff_t first = (tome_pgoff_t)start >> TOME_PAGE_SHIFT;
	size_t n = PGROUNDUP(bytes) / PGSIZE;
	enum tome_err err;
	vm_mdl_t *mdl;
	tome_pfn_t pfn;

	if (out == NULL || ob == NULL || bytes == 0 || start < 0 ||
	    start % PGSIZE != 0)
		return -TOME_EINVAL;
	mdl = bytes > SIZE_MAX / 2 ? NULL :
	    tome_kzalloc(k.vm, sizeof *mdl + n * sizeof mdl->pages[0]);
	if (mdl == NULL)
		return -TOME_ENOMEM;
	vm_object_retain(ob);
	mdl->obj = ob;
	mdl->nBytes = bytes;
	for (; mdl->nPages < n; mdl->nPages++) {
		err = tome_object_get(ob->core, first + mdl->nPages, true,
		    &pfn);
		if (err != TOME_OK) {
			vm_mdl_free(mdl);
			return negative(err);
		}
		mdl->pages[mdl->nPages] = page_of(pfn);
		page_used(page_of(pfn));
	}
	*out = mdl;
	return 0;
}

int
vm_mdl_new_with_capacity(vm_mdl_t **out, size_t bytes)
{
	vm_object_t *ob = vm_aobj_new(0);
	int r;

	if (ob == NULL)
		return -TOME_ENOMEM;
	r = vm_mdl_new_with_range(out, ob, 0, bytes);
	if (r == 0)
		(*out)->own = true;
	vm_object_release(ob);
	return r;
}

/* A longer list of the same object has the same pages, and more. */
int
vm_mdl_expand(vm_mdl_t **mdl, size_t bytes)
{
	vm_mdl_t *old;
	int r;

	if (mdl == NULL || *mdl == NULL || !(*mdl)->own)
		return -TOME_EINVAL;
	old = *mdl;
	if (bytes <= old->nBytes)
		return 0;
	r = vm_mdl_new_with_range(mdl, old->obj, 0, bytes);
	(*mdl)->own = true;
	(*mdl)->offset = old->offset;
	if (r == 0)
		vm_mdl_free(old);
	return r;
}

void
vm_mdl_free(vm_mdl_t *mdl)
{
	if (mdl == NULL)
		return;
	for (size_t i = 0; i < mdl->nPages; i++) {
		tome_object_put(mdl->obj->core, pfn_of(mdl->pages[i]), true);
		page_used(mdl->pages[i]);
	}
	vm_object_release(mdl->obj);
	tome_kfree(k.vm, mdl);
}

size_t
vm_mdl_capacity(vm_mdl_t *mdl)
{
	return mdl == NULL ? 0 : mdl->nPages * PGSIZE;
}

void
vm_mdl_copy(vm_mdl_t *mdl, void *buf, size_t n, voff_t off)
{
	size_t part, at, end = vm_mdl_capacity(mdl);
	unsigned char *to = buf, *from;

	if (mdl == NULL || buf == NULL || off < 0)
		return;
	at = (size_t)(mdl->offset + off);
	for (; n > 0 && at < end; n -= part) {
		tome_pfn_t pfn = pfn_of(mdl->pages[at / PGSIZE]);

		part = PGSIZE - at % PGSIZE;
		if (part > n)
			part = n;
		from = tome_frame_window(k.vm, pfn);
		memcpy(to, from + at % PGSIZE, part);
		tome_frame_window_end(k.vm, pfn, from);
		to += part;
		at += part;
	}
}

void
vm_mdl_zero(vm_mdl_t *mdl)
{
	for (size_t i = 0; i < vm_mdl_capacity(mdl) / PGSIZE; i++)
		tome_frame_zero(k.vm, pfn_of(mdl->pages[i]));
}
