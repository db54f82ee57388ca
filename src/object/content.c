/*
 * content.c - the pages of an anonymous object, for whoever is not a mapping:
 * read() and write() of files in memory, page lists, and the fault's own use.
 *
 * A borrowed page is wired. If its anon goes meanwhile (truncation), the page is
 * orphaned, and the last to put it back frees it.
 */
#include <base/memory.h>
#include <object/dir.h>

static enum tome_err hold_chunk(struct tome_object *, tome_pgoff_t,
    bool publish, struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_own(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_inherited(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_present(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_zero(struct tome_object *, tome_pgoff_t,
    struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_copy(struct tome_object *, tome_pgoff_t,
    struct tome_held *from, struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_unshare(struct tome_object *,
    struct tome_held *) TOME_NODISCARD;
static enum tome_err object_step(struct tome_object *, uint64_t off,
    uint8_t *buf, size_t n, bool write) TOME_NODISCARD;
static enum tome_err object_copy(struct tome_object *, uint64_t off,
    uint8_t *buf, size_t n, bool write, size_t *done) TOME_NODISCARD;

enum tome_err
tome_object_hold(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_held *h)
{
	return ob->parent == NULL ? hold_own(ob, pg, how, h) :
	    hold_inherited(ob, pg, how, h);
}

void
tome_held_release(struct tome_held *h)
{
	tome_anon_unlock(h->amap, h->anon);
	tome_chunk_unlock(h->amap, h->d.chunk);
	if (h->above != NULL)
		tome_chunk_unlock(h->above_amap, h->above);
}

/* An object without a parent. */
static enum tome_err
hold_own(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_held *h)
{
	enum tome_err err = hold_chunk(ob, pg, how != TOME_HOLD_LOOK, h);

	if (err != TOME_OK)
		return err;
	if (tome_likely(h->anon != NULL))
		return hold_present(ob, pg, how, h);
	if (how == TOME_HOLD_LOOK)
		err = TOME_ENOENT;
	else
		err = hold_zero(ob, pg, h);
	if (err != TOME_OK)
		tome_chunk_unlock(ob->amap, h->d.chunk);
	return err;
}

/* One with a parent, which has none: one step. Both chunks are of one rank; the
 * order is object, then parent. */
static tome_noinline enum tome_err
hold_inherited(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_held *h)
{
	enum tome_err err = hold_chunk(ob, pg, true, h);
	struct tome_held from;

	if (err != TOME_OK)
		return err;
	if (h->anon != NULL)
		return hold_present(ob, pg, how, h);
	err = TOME_ENXIO;
	if (tome_object_inherits(ob, pg))
		err = hold_own(ob->parent, ob->parent_page + pg,
		    how == TOME_HOLD_WRITE ? TOME_HOLD_LOOK : how, &from);
	if (err == TOME_OK && how != TOME_HOLD_WRITE) {
		from.above_amap = ob->amap;
		from.above = h->d.chunk;
		from.read_only = true;
		*h = from;
		return TOME_OK;
	}
	if (err == TOME_OK)
		err = hold_copy(ob, pg, &from, h);
	else if (err != TOME_ENOMEM && how != TOME_HOLD_LOOK)
		err = hold_zero(ob, pg, h);
	else if (err == TOME_ENXIO)
		err = TOME_ENOENT;
	if (err != TOME_OK)
		tome_chunk_unlock(ob->amap, h->d.chunk);
	return err;
}

/* Find and lock the chunk; on success h->anon is what its slot holds. */
static enum tome_err
hold_chunk(struct tome_object *ob, tome_pgoff_t pg, bool publish,
    struct tome_held *h)
{
	enum tome_err err;

	h->amap = ob->amap;
	h->above = NULL;
	h->read_only = false;
	do {
		if (pg >= tome_object_npages(ob))
			return TOME_ENXIO;
		if (publish) {
			err = tome_amap_get(ob->amap, pg, &h->d);
			if (err != TOME_OK)
				return err;
		} else {
			h->d = tome_amap_lookup(ob->amap, pg);
			if (h->d.chunk == NULL)
				return TOME_ENOENT;
		}
	} while (!tome_dirent_lock(ob->amap, &h->d));
	h->anon = h->d.chunk->anon[pg & TOME_CHUNK_MASK];
	if (tome_likely(pg < tome_object_npages(ob)))
		return TOME_OK;
	tome_chunk_unlock(ob->amap, h->d.chunk);
	return TOME_ENXIO;
}

/* The slot is full. A write makes its page the object's alone. */
static enum tome_err
hold_present(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_held *h)
{
	struct tome_anon *shared;
	enum tome_err err;

	tome_anon_lock(ob->amap, h->anon);
	if (tome_likely(!tome_anon_shared(h->d.chunk, h->anon)))
		return TOME_OK;
	if (how != TOME_HOLD_WRITE) {
		h->read_only = true;
		return TOME_OK;
	}
	tome_anon_unlock(ob->amap, h->anon);
	err = hold_unshare(ob, h);
	if (err != TOME_OK) {
		tome_chunk_unlock(ob->amap, h->d.chunk);
		return err;
	}
	tome_anon_lock(ob->amap, h->anon);
	if (!tome_anon_shared(h->d.chunk, h->anon))
		return TOME_OK;
	shared = h->anon;
	err = hold_copy(ob, pg, NULL, h);
	if (err == TOME_OK)
		tome_anon_unref_locked(ob->amap, shared);
	else
		tome_held_release(h);
	return err;
}

/* Give the object a chunk of its own, if another amap names this one. */
static enum tome_err
hold_unshare(struct tome_object *ob, struct tome_held *h)
{
	struct tome_chunk *old;
	enum tome_err err;

	if (tome_rd(&h->d.chunk->count) == 1)
		return TOME_OK;
	err = tome_dirent_clone(ob->amap, &h->d, 0, 0, &old);
	if (err == TOME_OK)
		tome_chunk_drop_locked(ob->amap, old);
	return err;
}

static enum tome_err
hold_zero(struct tome_object *ob, tome_pgoff_t pg, struct tome_held *h)
{
	enum tome_err err = hold_unshare(ob, h);

	if (err == TOME_OK)
		err = tome_anon_create(ob->amap, true, &h->anon);
	if (err == TOME_OK)
		h->d.chunk->anon[pg & TOME_CHUNK_MASK] = h->anon;
	return err;
}

/*
 * Copy the page of `from` (the parent's, released here; NULL: the locked anon of h
 * itself, left to the caller) into the object. Every translation of it goes
 * first: some may have been entered for this object, whose content changes from
 * here on. They cannot come back for it: whoever enters one holds this chunk.
 */
static enum tome_err
hold_copy(struct tome_object *ob, tome_pgoff_t pg, struct tome_held *from,
    struct tome_held *h)
{
	struct tome_anon *source = from != NULL ? from->anon : h->anon, *copy;
	enum tome_err err = hold_unshare(ob, h);

	if (err == TOME_OK)
		err = tome_anon_create(ob->amap, false, &copy);
	if (err == TOME_OK) {
		tome_frame_copy(ob->vm, copy->pfn, source->pfn);
		tome_page_protect(ob->vm, source->pfn, TOME_PROT_NONE);
		h->anon = copy;
		h->d.chunk->anon[pg & TOME_CHUNK_MASK] = copy;
	}
	if (from != NULL)
		tome_held_release(from);
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
	err = tome_object_hold(ob, pg,
	    create ? TOME_HOLD_WRITE : TOME_HOLD_LOOK, &h);
	if (err == TOME_OK) {
		err = tome_frame_wire(ob->vm, h.anon->pfn);
		*out = h.anon->pfn;
		tome_held_release(&h);
	}
	tome_epoch_leave(ob->vm);
	return err;
}

void
tome_object_put(struct tome_object *ob, tome_pfn_t pfn, bool written)
{
	struct tome_page *pg = tome_page(ob->vm, pfn);
	uint32_t now;

	if (written && !(tome_rd_relaxed(&pg->state) & TOME_PAGE_MODIFIED))
		tome_or(&pg->state, TOME_PAGE_MODIFIED);
	now = __atomic_sub_fetch((uint32_t *)&pg->state, TOME_PAGE_WIRE_ONE,
	    __ATOMIC_ACQ_REL);
	if (tome_unlikely(now & TOME_PAGE_ORPHAN) && now < TOME_PAGE_WIRE_ONE) {
		tome_and(&pg->state, ~TOME_PAGE_ORPHAN);
		tome_frame_free(ob->vm, pfn);
	}
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
