/*
 * discard.c - content that goes while its entry stays: DONTNEED, and what
 * truncation takes from private copies.
 *
 * The entry's number is not touched, but to resolve needs-copy: a large heap's
 * faults elsewhere go on. Chunk by chunk: lock it (a shared one is replaced by a
 * clone without the range, born locked: a slot never turns empty again while its
 * amap lives), then the leaf tables; clear slots and translations; flush with
 * all of them locked; drop the counts; unlock (models F10, planted bug 9).
 */
#include <map/map_i.h>

static enum tome_err discard_own(struct tome_entry *, bool *has_amap)
    TOME_NODISCARD;
static enum tome_err discard_chunk(struct tome_map *, struct tome_entry *,
    struct tome_dirent *, uint64_t base, uint64_t first,
    uint64_t last) TOME_NODISCARD;
static enum tome_err discard_home(struct tome_amap *, uint64_t *slot,
    uint64_t first) TOME_NODISCARD;
static void discard_below(struct tome_map *, tome_va_t start, tome_va_t end);
static void discard_pages(struct tome_map *, tome_va_t start, tome_va_t end);

/*
 * The map is locked. Anonymous content of [start, end) of a private entry is
 * dropped: it reads as zero, or as the object below. A shared entry's translations
 * are dropped, its content stays. ENOMEM: what lies before was discarded.
 */
enum tome_err
tome_entry_discard(struct tome_map *map, struct tome_entry *en,
    tome_va_t start, tome_va_t end)
{
	uint64_t slot, last;
	struct tome_dirent d;
	bool has_amap, more = true;
	enum tome_err err = TOME_OK;

	if (!(tome_entry_flags(en) & TOME_ENTRY_SHARED)) {
		err = discard_own(en, &has_amap);
		if (err != TOME_OK)
			return err;
		slot = en->slot + ((start - en->start) >> TOME_PAGE_SHIFT);
		last = slot + ((end - start) >> TOME_PAGE_SHIFT) - 1;
		for (uint64_t first = slot; has_amap && more && err == TOME_OK;) {
			tome_epoch_enter(map->vm);
			more = tome_amap_next(en->amap, &slot, last, &d);
			if (more)
				err = discard_chunk(map, en, &d,
				    slot - TOME_CHUNK_ANONS, first, last);
			tome_epoch_leave(map->vm);
			if (tome_unlikely(err == TOME_RETRY))
				err = discard_home(en->amap, &slot, first);
		}
	}
	if (err == TOME_OK && en->object != NULL)
		discard_below(map, start, end);
	return err;
}

/* What is left are pages of the object below, or of a shared one. */
static tome_noinline void
discard_below(struct tome_map *map, tome_va_t start, tome_va_t end)
{
	struct tome_gather g;

	tome_epoch_enter(map->vm);	/* as tome_edit_gather() */
	tome_gather_begin(&g, map->pmap);
	tome_range_remove(&g, start, end);
	tome_gather_finish(&g);
	tome_epoch_leave(map->vm);
}

/* What goes in part must be in memory. Then the same again. */
static tome_cold enum tome_err
discard_home(struct tome_amap *am, uint64_t *slot, uint64_t first)
{
	*slot -= TOME_CHUNK_ANONS;
	if (*slot < first)
		*slot = first;
	return tome_amap_home(am, *slot);
}

/* Content shared with another entry is not ours to empty. */
static enum tome_err
discard_own(struct tome_entry *en, bool *has_amap)
{
	enum tome_err err = TOME_OK;

	if (tome_entry_flags(en) & TOME_ENTRY_NEEDS_COPY) {
		tome_entry_begin(en);
		err = tome_entry_resolve_copy(en);
		tome_entry_end(en);
	}
	*has_amap = tome_rd(&en->amap) != NULL;
	return err;
}

static enum tome_err
discard_chunk(struct tome_map *map, struct tome_entry *en,
    struct tome_dirent *d, uint64_t base, uint64_t first, uint64_t last)
{
	struct tome_amap *am = en->amap;
	unsigned lo = first > base ? (unsigned)(first - base) : 0;
	unsigned hi = last - base < TOME_CHUNK_ANONS ?
	    (unsigned)(last - base) + 1 : TOME_CHUNK_ANONS;
	struct tome_chunk *old = NULL;
	tome_va_t va = en->start +
	    (tome_va_t)((base + lo - en->slot) << TOME_PAGE_SHIFT);
	enum tome_err err = TOME_OK;

	while (!tome_dirent_lock(am, d))
		*d = tome_amap_find(am, base);
	if (tome_rd(&d->chunk->count) > 1)
		err = tome_dirent_unshare(am, d, lo, hi, &old);
	if (err == TOME_OK) {
		discard_pages(map, va,
		    va + ((tome_va_t)(hi - lo) << TOME_PAGE_SHIFT));
		if (old != NULL)
			tome_chunk_drop_locked(am, old);
		else
			tome_chunk_empty(am, d->chunk, lo, hi);
	}
	tome_chunk_unlock(am, d->chunk);
	return err;
}

/*
 * Clear the translations of a chunk's pages, which lie in one leaf table or two,
 * and flush with the leaf locked. The chunk is locked; a table that goes stray
 * has nothing left to clear, so look again.
 */
static tome_noinline void
discard_pages(struct tome_map *map, tome_va_t va, tome_va_t end)
{
	struct tome_leaf leaf;
	struct tome_gather g;

	while (va < end) {
		tome_va_t stop;

		if (tome_leaf_find(map->pmap, va, false, &leaf) != TOME_OK) {
			va = (va | (tome_leaf_span() - 1)) + 1;
			if (va == 0)
				break;
			continue;
		}
		tome_leaf_lock(&leaf);
		if (!tome_leaf_stray(&leaf)) {
			stop = leaf.end - 1 < end - 1 ? leaf.end : end;
			tome_gather_begin(&g, map->pmap);
			for (; va != stop; va += TOME_PAGE_SIZE)
				tome_leaf_clear(&leaf, &g, va);
			tome_gather_finish(&g);
		}
		tome_leaf_unlock(&leaf);
	}
}
