/*
 * content.c - the pages of an anonymous object, for whoever is not a mapping:
 * read() and write() of files in memory, page lists, and the fault's own use.
 *
 * A borrowed page is wired and its anon counted once more, so that truncation
 * leaves it alone until it is put back.
 */
#include <base/memory.h>
#include <object/dir.h>

static enum tome_err hold_new(struct tome_object *, tome_pgoff_t,
    struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_copy(struct tome_object *, tome_pgoff_t,
    struct tome_held *) TOME_NODISCARD;
static enum tome_err object_borrow(struct tome_held *,
    tome_pfn_t *out) TOME_NODISCARD;
static enum tome_err object_step(struct tome_object *, uint64_t off,
    uint8_t *buf, size_t n, bool write) TOME_NODISCARD;
static enum tome_err object_copy(struct tome_object *, uint64_t off,
    uint8_t *buf, size_t n, bool write, size_t *done) TOME_NODISCARD;

enum tome_err
tome_object_hold(struct tome_object *ob, tome_pgoff_t pg, bool create,
    struct tome_held *h)
{
	struct tome_chunk *ch;
	enum tome_err err;

	h->amap = ob->amap;
	do {
		if (pg >= tome_object_npages(ob))
			return TOME_ENXIO;
		if (create) {
			err = tome_amap_get(ob->amap, pg, &h->d);
			if (err != TOME_OK)
				return err;
		} else {
			h->d = tome_amap_lookup(ob->amap, pg);
		}
		if (h->d.chunk == NULL)
			return TOME_ENOENT;
	} while (!tome_dirent_lock(ob->amap, &h->d));
	ch = h->d.chunk;
	h->anon = ch->anon[pg & TOME_CHUNK_MASK];
	if (tome_unlikely(pg >= tome_object_npages(ob)))
		err = TOME_ENXIO;
	else if (h->anon != NULL) {
		tome_anon_lock(ob->amap, h->anon);
		return TOME_OK;
	} else if (!create)
		err = TOME_ENOENT;
	else
		err = hold_new(ob, pg, h);
	if (err != TOME_OK)
		tome_chunk_unlock(ob->amap, h->d.chunk);
	return err;
}

void
tome_held_release(struct tome_held *h)
{
	tome_anon_unlock(h->amap, h->anon);
	tome_chunk_unlock(h->amap, h->d.chunk);
}

/* The chunk is locked and the slot empty: fill it. A chunk shared with a private
 * copy of this memory is cloned first, as for any write. */
static enum tome_err
hold_new(struct tome_object *ob, tome_pgoff_t pg, struct tome_held *h)
{
	struct tome_chunk *old;
	enum tome_err err = TOME_OK;

	if (tome_rd(&h->d.chunk->count) > 1) {
		err = tome_dirent_clone(ob->amap, &h->d, 0, 0, &old);
		if (err != TOME_OK)
			return err;
		tome_chunk_drop_locked(ob->amap, old);
	}
	if (tome_object_inherits(ob, pg))
		err = hold_copy(ob, pg, h);
	else
		err = tome_anon_create(ob->amap, true, &h->anon);
	if (err == TOME_OK)
		h->d.chunk->anon[pg & TOME_CHUNK_MASK] = h->anon;
	return err;
}

/*
 * Copy the parent's page. Every translation of it goes first: some may have been
 * entered for this object, whose content changes from here on. They cannot come
 * back for it: whoever enters one holds this chunk.
 */
static enum tome_err
hold_copy(struct tome_object *ob, tome_pgoff_t pg, struct tome_held *h)
{
	struct tome_held from;
	enum tome_err err = tome_object_hold(ob->parent, ob->parent_page + pg,
	    false, &from);

	if (err == TOME_ENOENT || err == TOME_ENXIO)
		return tome_anon_create(ob->amap, true, &h->anon);
	if (err != TOME_OK)
		return err;
	err = tome_anon_create(ob->amap, false, &h->anon);
	if (err == TOME_OK) {
		tome_frame_copy(ob->vm, h->anon->pfn, from.anon->pfn);
		tome_page_protect(ob->vm, from.anon->pfn, TOME_PROT_NONE);
	}
	tome_held_release(&from);
	return err;
}

/* ---- borrowing ---- */

enum tome_err
tome_object_get(struct tome_object *ob, tome_pgoff_t pg, bool create,
    tome_pfn_t *out)
{
	struct tome_held h;
	enum tome_err err;

	if (ob->kind != TOME_OBJECT_ANON)
		return TOME_EINVAL;
	tome_epoch_enter(ob->vm);
	err = tome_object_hold(ob, pg, create, &h);
	if (err == TOME_ENOENT && tome_object_inherits(ob, pg))
		err = tome_object_hold(ob->parent, ob->parent_page + pg,
		    false, &h);
	if (err == TOME_OK)
		err = object_borrow(&h, out);
	tome_epoch_leave(ob->vm);
	return err;
}

static enum tome_err
object_borrow(struct tome_held *h, tome_pfn_t *out)
{
	enum tome_err err = tome_frame_wire(h->amap->vm, h->anon->pfn);

	if (err == TOME_OK) {
		tome_add(&h->anon->count, 1);
		*out = h->anon->pfn;
	}
	tome_held_release(h);
	return err;
}

void
tome_object_put(struct tome_object *ob, tome_pfn_t pfn, bool written)
{
	struct tome_page *pg = tome_page(ob->vm, pfn);

	if (written && !(tome_rd_relaxed(&pg->state) & TOME_PAGE_MODIFIED))
		tome_or(&pg->state, TOME_PAGE_MODIFIED);
	tome_frame_unwire(ob->vm, pfn);
	tome_anon_unref(ob->amap, pg->owner);
}

/* ---- copying ---- */

enum tome_err
tome_object_read(struct tome_object *ob, uint64_t off, void *buf, size_t n,
    size_t *done)
{
	return object_copy(ob, off, buf, n, false, done);
}

enum tome_err
tome_object_write(struct tome_object *ob, uint64_t off, const void *buf,
    size_t n, size_t *done)
{
	return object_copy(ob, off, (uint8_t *)(uintptr_t)buf, n, true, done);
}

static enum tome_err
object_copy(struct tome_object *ob, uint64_t off, uint8_t *buf, size_t n,
    bool write, size_t *done)
{
	uint64_t len = tome_object_size(ob);
	enum tome_err err = TOME_OK;

	*done = 0;
	if (off >= len)
		return TOME_OK;
	if (n > len - off)
		n = (size_t)(len - off);
	while (*done < n && err == TOME_OK) {
		size_t part = (size_t)(TOME_PAGE_SIZE - (off & TOME_PAGE_MASK));

		if (part > n - *done)
			part = n - *done;
		err = object_step(ob, off, buf + *done, part, write);
		if (err == TOME_OK) {
			*done += part;
			off += part;
		}
	}
	return err == TOME_ENXIO ? TOME_OK : err;
}

/* Within one page. */
static enum tome_err
object_step(struct tome_object *ob, uint64_t off, uint8_t *buf, size_t n,
    bool write)
{
	size_t at = (size_t)(off & TOME_PAGE_MASK);
	tome_pfn_t pfn;
	uint8_t *page;
	enum tome_err err = tome_object_get(ob, off >> TOME_PAGE_SHIFT, write,
	    &pfn);

	if (err == TOME_ENOENT) {
		memset(buf, 0, n);
		return TOME_OK;
	}
	if (err != TOME_OK)
		return err;
	page = tome_frame_window(ob->vm, pfn);
	if (write)
		memcpy(page + at, buf, n);
	else
		memcpy(buf, page + at, n);
	tome_frame_window_end(ob->vm, pfn, page);
	tome_object_put(ob, pfn, write);
	return TOME_OK;
}

uint64_t
tome_object_resident(struct tome_object *ob)
{
	uint64_t slot = 0, n = 0;
	struct tome_dirent d;

	if (ob->kind != TOME_OBJECT_ANON)
		return 0;
	tome_epoch_enter(ob->vm);
	while (tome_amap_next(ob->amap, &slot, UINT64_MAX, &d)) {
		if (!tome_dirent_lock(ob->amap, &d))
			continue;
		for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++)
			n += d.chunk->anon[i] != NULL;
		tome_chunk_unlock(ob->amap, d.chunk);
	}
	tome_epoch_leave(ob->vm);
	return n;
}
