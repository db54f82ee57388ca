/*
 * resize.c - truncation and holes: content that goes away while it is mapped.
 *
 * The order is what makes it safe: the new length is stored before any chunk is
 * visited, and a fault reads the length under the chunk's lock. So either the
 * fault sees the new length, or the visit finds what the fault put there. Each
 * page's translations are gone and flushed before its anon is dropped (models
 * F10), and so are those that somebody is unmapping at the time (F14).
 */
#include <base/memory.h>
#include <object/dir.h>

static enum tome_err object_cut(struct tome_object *,
    tome_pgoff_t) TOME_NODISCARD;
static enum tome_err chunk_own(struct tome_object *,
    tome_pgoff_t) TOME_NODISCARD;
static enum tome_err object_zero_tail(struct tome_object *,
    uint64_t len) TOME_NODISCARD;
static enum tome_err zero_once(struct tome_object *, uint64_t len,
    struct tome_fill *) TOME_NODISCARD;
/* What left a chunk, or the chunk itself, still counted. */
struct dropped {
	struct tome_chunk *chunk;
	unsigned n;
	struct tome_anon *anon[TOME_CHUNK_ANONS];
};

static void object_drop(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t last);
static bool drop_next(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t last, uint64_t *slot, struct dropped *);
static void drop_in_chunk(struct tome_object *, struct tome_dirent *,
    unsigned lo, unsigned hi, struct dropped *);

enum tome_err
tome_object_resize(struct tome_object *ob, uint64_t len)
{
	struct tome_objects *all = ob->vm->objects;
	tome_pgoff_t first;
	enum tome_err err = TOME_OK;
	uint64_t was;

	if (ob->kind == TOME_OBJECT_DEVICE || len > UINT64_MAX - TOME_PAGE_MASK)
		return TOME_EINVAL;
	if (ob->kind == TOME_OBJECT_VNODE && len >> TOME_PAGE_SHIFT >=
	    UINT32_MAX)
		return TOME_EFBIG;
	tome_mutex_lock(ob->vm, &ob->resize, TOME_RANK_MAP);
	was = tome_rd(&ob->len);
	tome_wr_sc(&ob->len, len);
	first = tome_object_npages(ob);
	if (len < was && ob->ops != NULL) {
		ob->ops->shrink(ob, first, len);
	} else if (len < was) {
		err = object_cut(ob, first);
		if (err == TOME_OK)
			err = object_zero_tail(ob, len);
		if (err == TOME_OK)
			object_drop(ob, first, UINT64_MAX);
		else
			tome_wr_sc(&ob->len, was);
		tome_wr_relaxed(&ob->amap->stays, false);
	}
	tome_mutex_unlock(ob->vm, &ob->resize, TOME_RANK_MAP);
	if (err == TOME_OK && len < was && tome_rd(&ob->refs) > 1 &&
	    all->shrunk != NULL)
		all->shrunk(ob->vm, ob, first);
	return err;
}

enum tome_err
tome_object_punch(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t n)
{
	enum tome_err err;

	if (ob->kind == TOME_OBJECT_DEVICE || n == 0 || first + n < first)
		return TOME_EINVAL;
	tome_mutex_lock(ob->vm, &ob->resize, TOME_RANK_MAP);
	if (ob->ops != NULL) {
		err = ob->ops->punch(ob, first, first + n - 1);
		tome_mutex_unlock(ob->vm, &ob->resize, TOME_RANK_MAP);
		return err;
	}
	err = object_cut(ob, first);
	if (err == TOME_OK)
		err = object_cut(ob, first + n);
	if (err == TOME_OK)
		object_drop(ob, first, first + n - 1);
	tome_wr_relaxed(&ob->amap->stays, false);
	tome_mutex_unlock(ob->vm, &ob->resize, TOME_RANK_MAP);
	return err;
}

/*
 * What begins or ends at this page is to be dropped: a chunk that goes in part must be
 * the object's own, and in memory, until it has. Nothing else here needs memory.
 */
static tome_cold enum tome_err
object_cut(struct tome_object *ob, tome_pgoff_t pg)
{
	tome_wr_relaxed(&ob->amap->stays, true);
	return pg & TOME_CHUNK_MASK ? chunk_own(ob, pg) : TOME_OK;
}

/* Copy what another object shares; read what is on disk. */
static tome_cold enum tome_err
chunk_own(struct tome_object *ob, tome_pgoff_t pg)
{
	struct tome_chunk *old;
	struct tome_dirent d;
	enum tome_err err;

	do {
		err = TOME_OK;
		tome_epoch_enter(ob->vm);
		do {
			d = tome_amap_find(ob->amap, pg);
		} while (d.chunk != NULL && !tome_dirent_lock(ob->amap, &d));
		if (d.chunk != NULL && tome_rd(&d.chunk->count) > 1) {
			err = tome_dirent_unshare(ob->amap, &d, 0, 0, &old);
			if (err == TOME_OK)
				tome_chunk_drop_locked(ob->amap, old);
		}
		if (d.chunk != NULL)
			tome_chunk_unlock(ob->amap, d.chunk);
		tome_epoch_leave(ob->vm);
	} while (err == TOME_RETRY &&
	    (err = tome_amap_home(ob->amap, pg)) == TOME_OK);
	return err;
}

/* What lies behind the end in the last page reads as zero if it grows again. */
static tome_cold enum tome_err
object_zero_tail(struct tome_object *ob, uint64_t len)
{
	struct tome_fill fill;
	enum tome_err err;

	if ((len & TOME_PAGE_MASK) == 0)
		return TOME_OK;
	fill.pagein = NULL;
	do {
		err = zero_once(ob, len, &fill);
	} while (err == TOME_RETRY &&
	    (err = tome_fill_meet(ob->vm, &fill)) == TOME_OK);
	tome_fill_end(ob->vm, &fill);
	return err == TOME_ENOENT || err == TOME_ENXIO ? TOME_OK : err;
}

static tome_cold enum tome_err
zero_once(struct tome_object *ob, uint64_t len, struct tome_fill *fill)
{
	size_t at = (size_t)(len & TOME_PAGE_MASK);
	struct tome_held h = { .fill = fill };
	enum tome_err err;
	uint8_t *page;

	tome_epoch_enter(ob->vm);
	err = tome_object_hold(ob, len >> TOME_PAGE_SHIFT, TOME_HOLD_LOOK, &h);
	if (err == TOME_OK && h.read_only) {
		tome_held_release(&h);
		err = tome_object_hold(ob, len >> TOME_PAGE_SHIFT,
		    TOME_HOLD_WRITE, &h);
	}
	if (err == TOME_OK) {
		page = tome_frame_window(ob->vm, h.anon->pfn);
		memset(page + at, 0, (size_t)TOME_PAGE_SIZE - at);
		tome_frame_window_end(ob->vm, h.anon->pfn, page);
		tome_or(&tome_page(ob->vm, h.anon->pfn)->state,
		    TOME_PAGE_MODIFIED);
		tome_held_release(&h);
	}
	tome_epoch_leave(ob->vm);
	return err;
}

/*
 * A chunk at a time: take its pages out of it, and from everybody who maps them; then
 * wait for those who unmap the object just now and have yet to flush; then drop.
 */
static void
object_drop(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t last)
{
	struct dropped gone;
	uint64_t slot = first;
	bool more = true;

	while (more && slot >= first && slot <= last) {
		tome_epoch_enter(ob->vm);
		more = drop_next(ob, first, last, &slot, &gone);
		tome_epoch_leave(ob->vm);
		if (!more)
			break;
		/* Whoever maps it, or is about to have unmapped it, counts. */
		if (tome_rd(&ob->refs) > 1)
			tome_epoch_wait(ob->vm);
		for (unsigned i = 0; i < gone.n; i++)
			tome_anon_unref(ob->amap, gone.anon[i]);
		if (gone.chunk != NULL)
			tome_chunk_unref(ob->amap, gone.chunk);
	}
}

/* The next chunk of the range; false: there is none. */
static bool
drop_next(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t last,
    uint64_t *slot, struct dropped *gone)
{
	struct tome_dirent d;
	uint64_t base;

	gone->n = 0;
	gone->chunk = NULL;
	if (!tome_amap_next(ob->amap, slot, last, &d))
		return false;
	base = *slot - TOME_CHUNK_ANONS;
	if (tome_dirent_lock(ob->amap, &d))
		drop_in_chunk(ob, &d, first > base ? (unsigned)(first - base) :
		    0, last - base < TOME_CHUNK_ANONS ?
		    (unsigned)(last - base) + 1 : TOME_CHUNK_ANONS, gone);
	else
		*slot = base > first ? base : first;
	return true;
}

/* The chunk is locked; unlocks. One that is shared goes whole. */
static void
drop_in_chunk(struct tome_object *ob, struct tome_dirent *d, unsigned lo,
    unsigned hi, struct dropped *gone)
{
	struct tome_chunk *ch = d->chunk;
	bool shared = tome_rd(&ch->count) > 1;

	/* Nothing maps what it has. */
	if (tome_chunk_packed(ch) && !shared) {
		tome_chunk_empty(ob->amap, ch, lo, hi);
		tome_chunk_unlock(ob->amap, ch);
		return;
	}
	for (unsigned i = tome_chunk_packed(ch) ? hi : lo; i < hi; i++) {
		struct tome_anon *an = ch->anon[i];

		if (an == NULL)
			continue;
		tome_anon_lock(ob->amap, an);
		if (tome_anon_resident(an))
			tome_page_protect(ob->vm, an->pfn, TOME_PROT_NONE);
		tome_anon_unlock(ob->amap, an);
		if (!shared) {
			ch->anon[i] = NULL;
			gone->anon[gone->n++] = an;
		}
	}
	if (shared) {
		TOME_CHECK(ob->vm, lo == 0 && hi == TOME_CHUNK_ANONS);
		tome_dir_replace(ob->amap, d, NULL);
		gone->chunk = ch;
	}
	tome_chunk_unlock(ob->amap, ch);
}
