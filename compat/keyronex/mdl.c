/*
 * mdl.c - page lists: of an object's pages, which stay and are busy while they are
 * listed. A list of pages of its own has an object for itself.
 *
 * Locks: the facade's, over what a page says of lists.
 */
#include "keyronex.h"

/* Give back pages [first, n). */
static void
mdl_empty(vm_mdl_t *mdl, size_t first, size_t n)
{
	for (size_t i = first; i < n; i++) {
		page_listed(mdl->pages[i], -1);
		tome_object_put(mdl->obj->core, pfn_of(mdl->pages[i]), true);
	}
}

/* Page i of the list is its object's page at + i: those from `first` on. */
static enum tome_err
mdl_fill(vm_mdl_t *mdl, size_t first, tome_pgoff_t at)
{
	tome_pfn_t pfn;

	for (size_t i = first; i < mdl->nPages; i++) {
		enum tome_err err = tome_object_get(mdl->obj->core, at + i,
		    true, &pfn);

		if (err != TOME_OK) {
			mdl_empty(mdl, first, i);
			return err;
		}
		mdl->pages[i] = page_of(pfn);
		page_listed(mdl->pages[i], 1);
	}
	return TOME_OK;
}

/* A longer list that begins as `like` does. */
static int
mdl_new(vm_mdl_t **out, const vm_mdl_t *like, tome_pgoff_t at, size_t bytes)
{
	size_t n = PGROUNDUP(bytes) / PGSIZE;
	enum tome_err err;
	vm_mdl_t *mdl = bytes > SIZE_MAX / 2 ? NULL :
	    tome_kzalloc(k.vm, sizeof *mdl + n * sizeof mdl->pages[0]);

	if (mdl == NULL)
		return -TOME_ENOMEM;
	memcpy(mdl, like, sizeof *like + like->nPages * sizeof mdl->pages[0]);
	mdl->nBytes = bytes;
	mdl->nPages = n;
	err = mdl_fill(mdl, like->nPages, at);
	if (err == TOME_OK)
		*out = mdl;
	else
		tome_kfree(k.vm, mdl);
	return negative(err);
}

int
vm_mdl_new_with_range(vm_mdl_t **out, vm_object_t *ob, voff_t start,
    size_t bytes)
{
	const vm_mdl_t none = { .obj = ob };
	int r;

	if (out == NULL || ob == NULL || bytes == 0 || start < 0 ||
	    start % PGSIZE != 0)
		return -TOME_EINVAL;
	vm_object_retain(ob);
	r = mdl_new(out, &none, (tome_pgoff_t)start >> TOME_PAGE_SHIFT, bytes);
	if (r != 0)
		vm_object_release(ob);
	return r;
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

int
vm_mdl_expand(vm_mdl_t **mdl, size_t bytes)
{
	vm_mdl_t *old;
	int r = 0;

	if (mdl == NULL || *mdl == NULL || !(*mdl)->own)
		return -TOME_EINVAL;
	old = *mdl;
	if (bytes > vm_mdl_capacity(old)) {
		r = mdl_new(mdl, old, 0, bytes);
		if (r == 0)
			tome_kfree(k.vm, old);
	} else if (bytes > old->nBytes) {
		old->nBytes = bytes;
	}
	return r;
}

void
vm_mdl_free(vm_mdl_t *mdl)
{
	if (mdl == NULL)
		return;
	mdl_empty(mdl, 0, mdl->nPages);
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
