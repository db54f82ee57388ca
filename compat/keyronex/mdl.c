/*
 * mdl.c - page lists: of pages of their own, or of an object's, which stay and are
 * busy while they are listed.
 *
 * Locks: the facade's, over what a page says of lists.
 */
#include "keyronex.h"

vm_mdl_t *
transfer_list(union transfer *t, const struct tome_io *io)
{
	vm_mdl_t *mdl = &t->mdl;

	*mdl = (vm_mdl_t){ .nPages = io->n };
	for (unsigned i = 0; i < io->n; i++) {
		mdl->pages[i] = page_of(io->vec[i].pfn);
		mdl->nBytes += io->vec[i].len;
	}
	return mdl;
}

/* Give back pages [first, n). */
static void
mdl_empty(vm_mdl_t *mdl, size_t first, size_t n)
{
	for (size_t i = first; i < n; i++) {
		page_listed(mdl->pages[i], -1);
		if (mdl->obj != NULL)
			tome_object_put(mdl->obj->core, pfn_of(mdl->pages[i]),
			    true);
		else
			vm_page_free(mdl->pages[i]);
	}
}

/* Fill [first, nPages) with new pages, or with the object's from `start` on. */
static enum tome_err
mdl_fill(vm_mdl_t *mdl, size_t first, uint64_t start)
{
	enum tome_err err = TOME_OK;
	size_t i;

	for (i = first; i < mdl->nPages && err == TOME_OK; i++) {
		tome_pfn_t pfn;

		if (mdl->obj == NULL) {
			mdl->pages[i] = vm_pagealloc(false, &vm_pgwiredq);
			err = mdl->pages[i] == NULL ? TOME_ENOMEM : TOME_OK;
		} else {
			err = tome_object_get(mdl->obj->core,
			    (start >> TOME_PAGE_SHIFT) + i, true, &pfn);
			if (err == TOME_OK)
				mdl->pages[i] = page_of(pfn);
		}
		if (err == TOME_OK)
			page_listed(mdl->pages[i], 1);
	}
	if (err != TOME_OK)
		mdl_empty(mdl, first, i - 1);
	return err;
}

/* A list, which has the pages of `old`, if that is one. */
static int
mdl_new(vm_mdl_t **out, vm_object_t *ob, uint64_t start, size_t bytes,
    const vm_mdl_t *old)
{
	size_t n = PGROUNDUP(bytes) / PGSIZE;
	size_t had = old != NULL ? old->nPages : 0;
	enum tome_err err;
	vm_mdl_t *mdl = bytes > SIZE_MAX / 2 ? NULL :
	    tome_kzalloc(k.vm, sizeof *mdl + n * sizeof mdl->pages[0]);

	if (mdl == NULL)
		return -TOME_ENOMEM;
	mdl->nBytes = bytes;
	mdl->nPages = n;
	mdl->obj = ob;
	if (had > 0)
		memcpy(mdl->pages, old->pages, had * sizeof old->pages[0]);
	err = mdl_fill(mdl, had, start);
	if (err == TOME_OK)
		*out = mdl;
	else
		tome_kfree(k.vm, mdl);
	return negative(err);
}

int
vm_mdl_new_with_capacity(vm_mdl_t **out, size_t bytes)
{
	if (out == NULL || bytes == 0)
		return -TOME_EINVAL;
	return mdl_new(out, NULL, 0, bytes, NULL);
}

int
vm_mdl_new_with_range(vm_mdl_t **out, vm_object_t *ob, voff_t start,
    size_t bytes)
{
	int r;

	if (out == NULL || ob == NULL || bytes == 0 || start < 0 ||
	    !is_aligned((uint64_t)start))
		return -TOME_EINVAL;
	vm_object_retain(ob);
	r = mdl_new(out, ob, (uint64_t)start, bytes, NULL);
	if (r != 0)
		vm_object_release(ob);
	return r;
}

int
vm_mdl_expand(vm_mdl_t **mdl, size_t bytes)
{
	vm_mdl_t *old;
	int r;

	if (mdl == NULL || *mdl == NULL || (*mdl)->obj != NULL)
		return -TOME_EINVAL;
	old = *mdl;
	if (bytes > vm_mdl_capacity(old)) {
		r = mdl_new(mdl, NULL, 0, bytes, old);
		if (r == 0)
			tome_kfree(k.vm, old);
		return r;
	}
	if (bytes > old->nBytes)
		old->nBytes = bytes;
	return 0;
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
