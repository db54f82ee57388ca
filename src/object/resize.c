/*
 * resize.c - truncation and holes: content that goes away while it is mapped.
 *
 * The order is what makes it safe: the new length is stored before any chunk is
 * visited, and a fault reads the length under the chunk's lock. So either the
 * fault sees the new length, or the visit finds what the fault put there. Each
 * page's translations are gone and flushed before its anon is dropped (models
 * F10), all under the chunk's lock.
 */
#include <base/memory.h>
#include <object/dir.h>

static enum tome_err object_drop(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t last) TOME_NODISCARD;
static enum tome_err drop_in_chunk(struct tome_object *,
    struct tome_dirent *, unsigned lo, unsigned hi) TOME_NODISCARD;
static void object_zero_tail(struct tome_object *, uint64_t len);

enum tome_err
tome_object_resize(struct tome_object *ob, uint64_t len)
{
	struct tome_objects *all = ob->vm->objects;
	tome_pgoff_t first;
	enum tome_err err = TOME_OK;
	uint64_t was;

	if (ob->kind != TOME_OBJECT_ANON || len > UINT64_MAX - TOME_PAGE_MASK)
		return TOME_EINVAL;
	tome_mutex_lock(ob->vm, &ob->resize, TOME_RANK_MAP);
	was = tome_rd(&ob->len);
	tome_wr_sc(&ob->len, len);
	first = tome_object_npages(ob);
	if (len < was) {
		err = object_drop(ob, first, UINT64_MAX);
		object_zero_tail(ob, len);
	}
	if (err != TOME_OK)
		tome_wr_sc(&ob->len, was);
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

	if (ob->kind != TOME_OBJECT_ANON || n == 0 || first + n < first)
		return TOME_EINVAL;
	tome_mutex_lock(ob->vm, &ob->resize, TOME_RANK_MAP);
	err = object_drop(ob, first, first + n - 1);
	tome_mutex_unlock(ob->vm, &ob->resize, TOME_RANK_MAP);
	return err;
}

/*
 * Pages [first, last]. Only a chunk that a private copy shares can want memory (for
 * its clone), and then nothing of that chunk is changed.
 */
static enum tome_err
object_drop(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t last)
{
	uint64_t slot = first;
	struct tome_dirent d;
	enum tome_err err = TOME_OK;

	while (err == TOME_OK && slot <= last) {
		bool more;

		tome_epoch_enter(ob->vm);
		more = tome_amap_next(ob->amap, &slot, last, &d);
		if (more) {
			uint64_t base = d.chunk->key << TOME_CHUNK_SHIFT;
			unsigned lo = first > base ?
			    (unsigned)(first - base) : 0;
			unsigned hi = last - base < TOME_CHUNK_ANONS ?
			    (unsigned)(last - base) + 1 : TOME_CHUNK_ANONS;

			if (tome_dirent_lock(ob->amap, &d))
				err = drop_in_chunk(ob, &d, lo, hi);
			else
				slot = base;
		}
		tome_epoch_leave(ob->vm);
		if (!more)
			break;
	}
	return err;
}

/* The chunk is locked; unlocks. */
static enum tome_err
drop_in_chunk(struct tome_object *ob, struct tome_dirent *d, unsigned lo,
    unsigned hi)
{
	struct tome_chunk *ch = d->chunk, *old = NULL;
	enum tome_err err;

	if (tome_rd(&ch->count) > 1) {
		err = tome_dirent_clone(ob->amap, d, lo, hi, &old);
		if (err != TOME_OK) {
			tome_chunk_unlock(ob->amap, ch);
			return err;
		}
	}
	for (unsigned i = lo; i < hi; i++) {
		struct tome_anon *an = ch->anon[i];

		if (an == NULL)
			continue;
		tome_anon_lock(ob->amap, an);
		tome_page_protect(ob->vm, an->pfn, TOME_PROT_NONE);
		if (old == NULL) {
			ch->anon[i] = NULL;
			tome_anon_unref_locked(ob->amap, an);
		} else {
			tome_anon_unlock(ob->amap, an);
		}
	}
	if (old != NULL)
		tome_chunk_drop_locked(ob->amap, old);
	tome_chunk_unlock(ob->amap, d->chunk);
	return TOME_OK;
}

/* What lies behind the end in the last page reads as zero if it grows again. */
static void
object_zero_tail(struct tome_object *ob, uint64_t len)
{
	size_t at = (size_t)(len & TOME_PAGE_MASK);
	struct tome_held h;
	uint8_t *page;

	if (at == 0)
		return;
	tome_epoch_enter(ob->vm);
	if (tome_object_hold(ob, len >> TOME_PAGE_SHIFT, false, &h) ==
	    TOME_OK) {
		page = tome_frame_window(ob->vm, h.anon->pfn);
		memset(page + at, 0, (size_t)TOME_PAGE_SIZE - at);
		tome_frame_window_end(ob->vm, h.anon->pfn, page);
		tome_held_release(&h);
	}
	tome_epoch_leave(ob->vm);
}
