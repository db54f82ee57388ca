/*
 * content.c - the pages of an anonymous object, for whoever is not a mapping:
 * read() and write() of files in memory, page lists, and the fault's own use.
 *
 * A borrowed page is wired. If its anon goes meanwhile (truncation), the page is
 * orphaned, and the last to put it back frees it.
 */
#include <base/memory.h>
#include <object/dir.h>
#include <object/far.h>

static enum tome_err hold_chunk(struct tome_object *, tome_pgoff_t,
    bool publish, struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_own(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_slot(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_inherited(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_joined(struct tome_object *, tome_pgoff_t,
    enum tome_hold, enum tome_err, struct tome_dirent *own,
    struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_anon(struct tome_object *, tome_pgoff_t,
    struct tome_held *) TOME_NODISCARD;
static enum tome_err hold_present(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_held *) TOME_NODISCARD;
static struct tome_anon *hold_fill(struct tome_object *, tome_pgoff_t,
    struct tome_dirent *, tome_pfn_t from);
static enum tome_err hold_unshare(struct tome_object *,
    struct tome_dirent *) TOME_NODISCARD;
static enum tome_err get_again(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_fill *, enum tome_err,
    tome_pfn_t *out) TOME_NODISCARD;
static enum tome_err object_step(struct tome_object *, uint64_t off,
    uint8_t *buf, size_t n, bool write) TOME_NODISCARD;
static enum tome_err object_copy(struct tome_object *, uint64_t off,
    uint8_t *buf, size_t n, bool write, size_t *done) TOME_NODISCARD;

enum tome_err
tome_object_hold(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_held *h)
{
	if (ob->ops != NULL)
		return ob->ops->hold(ob, pg, how, h);
	return ob->parent == NULL ? hold_own(ob, pg, how, h) :
	    hold_inherited(ob, pg, how, h);
}

void
tome_held_release(struct tome_held *h)
{
	if (h->file) {
		h->object->ops->release(h);
	} else {
		tome_anon_unlock(h->amap, h->anon);
		tome_chunk_unlock(h->amap, h->d.chunk);
	}
	if (h->above != NULL)
		tome_chunk_unlock(h->above_amap, h->above);
}

tome_pfn_t
tome_held_beside(struct tome_held *h, const struct tome_object *ob,
    tome_pgoff_t pg, int distance)
{
	struct tome_anon *an;
	unsigned at;

	if (h->file)
		return ob->ops->beside(h, distance);
	at = (unsigned)(tome_held_slot(h, ob, pg) & TOME_CHUNK_MASK) +
	    (unsigned)distance;
	an = at < TOME_CHUNK_ANONS ? h->d.chunk->anon[at] : NULL;
	if (an == NULL || !tome_anon_trylock(h->amap, an))
		return TOME_PFN_NONE;
	if (tome_rd(&an->count) == 1 && tome_anon_resident(an))
		return an->pfn;
	tome_anon_unlock(h->amap, an);
	return TOME_PFN_NONE;
}

void
tome_held_beside_end(struct tome_held *h, const struct tome_object *ob,
    tome_pgoff_t pg, int distance, tome_pfn_t pfn)
{
	unsigned at;

	if (h->file) {
		ob->ops->beside_end(h, pfn);
		return;
	}
	at = (unsigned)(tome_held_slot(h, ob, pg) & TOME_CHUNK_MASK) +
	    (unsigned)distance;
	tome_anon_unlock(h->amap, h->d.chunk->anon[at]);
}

/* An object without a parent. */
static enum tome_err
hold_own(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_held *h)
{
	enum tome_err err = hold_chunk(ob, pg, how != TOME_HOLD_LOOK, h);

	return err == TOME_OK ? hold_slot(ob, pg, how, h) : err;
}

/* The chunk is locked; on failure unlocked. */
static enum tome_err
hold_slot(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_held *h)
{
	if (tome_likely(h->anon != NULL))
		return hold_present(ob, pg, how, h);
	if (how != TOME_HOLD_LOOK && hold_unshare(ob, &h->d) == TOME_OK)
		h->anon = hold_fill(ob, pg, &h->d, TOME_PFN_NONE);
	if (h->anon != NULL)
		return TOME_OK;
	tome_chunk_unlock(ob->amap, h->d.chunk);
	return how == TOME_HOLD_LOOK ? TOME_ENOENT : TOME_ENOMEM;
}

/* One with a parent, which has none: one step. Both chunks are of one rank; the
 * order is object, then parent, and a file's page after both. */
static tome_noinline enum tome_err
hold_inherited(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_held *h)
{
	enum tome_hold below = how == TOME_HOLD_WRITE ? TOME_HOLD_LOOK : how;
	enum tome_err err = hold_chunk(ob, pg, true, h);
	struct tome_dirent own;

	if (err != TOME_OK)
		return err;
	if (h->anon != NULL)
		return hold_present(ob, pg, how, h);
	own = h->d;
	err = TOME_ENXIO;
	if (tome_object_inherits(ob, pg)) {
		pg += ob->parent_page;
		err = ob->parent->ops != NULL ?
		    ob->parent->ops->hold(ob->parent, pg, below, h) :
		    hold_chunk(ob->parent, pg, below != TOME_HOLD_LOOK, h);
		if (err == TOME_OK && ob->parent->ops == NULL)
			err = hold_slot(ob->parent, pg, below, h);
		pg -= ob->parent_page;
	}
	return hold_joined(ob, pg, how, err, &own, h);
}

/*
 * The object's own chunk `own` is locked and has nothing; err says whether the
 * parent's page is held, by h. A write copies it, or makes an empty one.
 */
static tome_noinline enum tome_err
hold_joined(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    enum tome_err err, struct tome_dirent *own, struct tome_held *h)
{
	struct tome_anon *an = NULL;

	if (err == TOME_OK && how != TOME_HOLD_WRITE) {
		h->above_amap = ob->amap;
		h->above = own->chunk;
		h->read_only = true;
		return TOME_OK;
	}
	if (err == TOME_OK) {
		if (hold_unshare(ob, own) == TOME_OK)
			an = hold_fill(ob, pg, own, tome_held_pfn(h));
		tome_held_release(h);
	} else if ((err == TOME_ENXIO || err == TOME_ENOENT) &&
	    how != TOME_HOLD_LOOK) {
		if (hold_unshare(ob, own) == TOME_OK)
			an = hold_fill(ob, pg, own, TOME_PFN_NONE);
		err = TOME_OK;
	}
	if (an != NULL) {
		*h = (struct tome_held){ .fill = h->fill, .amap = ob->amap,
			.d = *own, .anon = an };
		return TOME_OK;
	}
	tome_chunk_unlock(ob->amap, own->chunk);
	if (err == TOME_OK)
		return TOME_ENOMEM;
	return err == TOME_ENXIO ? TOME_ENOENT : err;
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
		h->d = publish ? tome_amap_get(ob->amap, pg) :
		    tome_amap_lookup(ob->amap, pg);
		if (tome_unlikely(h->d.where == NULL))
			return publish ? TOME_ENOMEM : TOME_ENOENT;
		if (tome_unlikely(h->d.chunk == NULL)) {
			err = tome_amap_open(ob->amap, pg, h->fill, &h->d);
			if (err != TOME_OK)
				return err;
		}
	} while (h->d.chunk == NULL || !tome_dirent_lock(ob->amap, &h->d));
	h->anon = h->d.chunk->anon[pg & TOME_CHUNK_MASK];
	if (tome_likely(pg < tome_object_npages(ob)))
		return TOME_OK;
	tome_chunk_unlock(ob->amap, h->d.chunk);
	return TOME_ENXIO;
}

/* Lock the anon, whose chunk is locked. TOME_RETRY: both unlocked, it has no page. */
static enum tome_err
hold_anon(struct tome_object *ob, tome_pgoff_t pg, struct tome_held *h)
{
	enum tome_err err;

	tome_anon_lock(ob->amap, h->anon);
	if (tome_likely(tome_anon_resident(h->anon)))
		return TOME_OK;
	err = tome_fill_anon(h->fill, ob->amap, h->d.chunk,
	    (unsigned)(pg & TOME_CHUNK_MASK));
	tome_held_release(h);
	return err;
}

/* The slot is full. A write makes its page the object's alone. */
static enum tome_err
hold_present(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_held *h)
{
	struct tome_anon *copy;
	enum tome_err err;

	err = hold_anon(ob, pg, h);
	if (tome_unlikely(err != TOME_OK))
		return err;
	if (tome_likely(!tome_anon_shared(h->d.chunk, h->anon)))
		return TOME_OK;
	if (how != TOME_HOLD_WRITE) {
		h->read_only = true;
		return TOME_OK;
	}
	tome_anon_unlock(ob->amap, h->anon);
	err = hold_unshare(ob, &h->d);
	if (err != TOME_OK) {
		tome_chunk_unlock(ob->amap, h->d.chunk);
		return err;
	}
	err = hold_anon(ob, pg, h);
	if (err != TOME_OK || !tome_anon_shared(h->d.chunk, h->anon))
		return err;
	copy = hold_fill(ob, pg, &h->d, h->anon->pfn);
	if (copy == NULL) {
		tome_held_release(h);
		return TOME_ENOMEM;
	}
	if (tome_anon_unref_shared(ob->amap, h->anon)) {
		h->anon = copy;
		return TOME_OK;
	}
	/* The sharers left meanwhile: it is ours as it is, and freeing it here would
	 * not wait for who unmaps it (F14). */
	h->d.chunk->anon[pg & TOME_CHUNK_MASK] = h->anon;
	tome_anon_discard(ob->amap, copy);
	return TOME_OK;
}

/* Give the object a chunk of its own, if another amap names this one. */
static enum tome_err
hold_unshare(struct tome_object *ob, struct tome_dirent *d)
{
	struct tome_chunk *old;
	enum tome_err err;

	if (tome_rd(&d->chunk->count) == 1)
		return TOME_OK;
	err = tome_dirent_clone(ob->amap, d, 0, 0, &old);
	if (err == TOME_OK)
		tome_chunk_drop_locked(ob->amap, old);
	return err;
}

/*
 * Put a new page in the slot of the locked chunk, the object's own, born locked:
 * empty, or a copy of the held page `from`. Every translation of that goes first: some
 * may have been entered for this object, whose content changes from here on. They
 * cannot come back for it: whoever enters one holds this chunk. NULL: no memory.
 */
static tome_noinline struct tome_anon *
hold_fill(struct tome_object *ob, tome_pgoff_t pg, struct tome_dirent *d,
    tome_pfn_t from)
{
	struct tome_anon *an;

	an = tome_anon_create(ob->amap, from == TOME_PFN_NONE);
	if (an == NULL)
		return NULL;
	if (from != TOME_PFN_NONE) {
		tome_frame_copy(ob->vm, an->pfn, from);
		tome_page_protect(ob->vm, from, TOME_PROT_NONE);
	}
	d->chunk->anon[pg & TOME_CHUNK_MASK] = an;
	return an;
}

/* ---- borrowing ---- */

enum tome_err
tome_object_get(struct tome_object *ob, tome_pgoff_t pg, bool create,
    tome_pfn_t *out)
{
	enum tome_hold how = create ? TOME_HOLD_WRITE : TOME_HOLD_LOOK;
	struct tome_fill fill;
	enum tome_err err;

	if (ob->kind == TOME_OBJECT_DEVICE)
		return TOME_EINVAL;
	fill.pagein = NULL;
	err = tome_object_try_get(ob, pg, how, &fill, out);
	return tome_likely(err == TOME_OK) ? TOME_OK :
	    get_again(ob, pg, how, &fill, err, out);
}

/* What was lacking is met as long as it can be. */
static tome_noinline enum tome_err
get_again(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_fill *fill, enum tome_err err, tome_pfn_t *out)
{
	fill->alone = false;
	for (;;) {
		if (err == TOME_RETRY)
			err = tome_fill_meet(ob->vm, fill);
		else if (err == TOME_ENOMEM && tome_memory_found(ob->vm))
			err = TOME_OK;
		else
			break;
		if (err == TOME_OK)
			err = tome_object_try_get(ob, pg, how, fill, out);
		if (err == TOME_OK)
			break;
	}
	tome_fill_end(ob->vm, fill);
	return err;
}

enum tome_err
tome_object_try_get(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_fill *fill, tome_pfn_t *out)
{
	struct tome_held h;
	enum tome_err err;

	h.fill = fill;
	h.file = false;
	h.above = NULL;
	tome_epoch_enter(ob->vm);
	err = tome_object_hold(ob, pg, how, &h);
	if (err == TOME_OK) {
		*out = tome_held_pfn(&h);
		err = tome_frame_wire(ob->vm, *out);
		tome_held_release(&h);
	}
	tome_epoch_leave(ob->vm);
	return err;
}

void
tome_object_put(struct tome_object *ob, tome_pfn_t pfn, bool written)
{
	struct tome_page *pg = tome_page(ob->vm, pfn);
	uint32_t how = TOME_PAGE_ACCESSED | (written ? TOME_PAGE_MODIFIED : 0);

	if (ob->parent != NULL && tome_page_identity(pg) == TOME_PAGE_CACHE)
		ob = ob->parent;
	if (ob->ops != NULL) {
		ob->ops->put(ob, pfn, written);
		return;
	}
	if ((tome_rd_relaxed(&pg->state) & how) != how)
		tome_or(&pg->state, how);
	tome_page_unborrow(ob->vm, pfn);
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

tome_cold uint64_t
tome_object_resident(struct tome_object *ob)
{
	uint64_t slot = 0, n = 0, id;
	struct tome_dirent d;

	if (ob->ops != NULL)
		return ob->ops->resident(ob);
	if (ob->amap == NULL)
		return 0;
	tome_epoch_enter(ob->vm);
	while (tome_amap_next(ob->amap, &slot, UINT64_MAX, &d)) {
		if (!tome_dirent_lock(ob->amap, &d))
			continue;
		if (tome_chunk_packed(d.chunk)) {
			n += tome_pack_bits(ob->vm->objects->anon_pager->pages(
			    &d, &id));
		} else {
			for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++)
				n += d.chunk->anon[i] != NULL;
		}
		tome_chunk_unlock(ob->amap, d.chunk);
	}
	tome_epoch_leave(ob->vm);
	return n;
}
