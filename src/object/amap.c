/*
 * amap.c - an amap's life: create, share, wipe, end.
 *
 * Invariant 1: refs is the number of entries naming it, plus one for an object.
 * Locks: none of its own. Sharing and wiping lock one chunk at a time.
 * Owns: one count of each chunk in its directory.
 */
#include <base/memory.h>
#include <object/dir.h>

static void amap_retired(struct tome_vm *, struct tome_retired *);
static bool share_lock(struct tome_amap *, struct tome_amap *to,
    struct tome_dirent *, uint64_t slot, uint64_t first, uint64_t last,
    enum tome_err *) TOME_NODISCARD;
static enum tome_err amap_share_chunk(struct tome_amap *from,
    struct tome_amap *to, struct tome_dirent *, uint64_t slot,
    uint64_t first, uint64_t last) TOME_NODISCARD;
static bool chunk_beyond(const struct tome_chunk *, uint64_t first,
    uint64_t last);
static struct tome_chunk *chunk_part(struct tome_amap *, struct tome_chunk *,
    uint64_t first, uint64_t last);
static bool range_cuts(uint64_t key, uint64_t first, uint64_t last);
static void wipe_chunk(struct tome_amap *, struct tome_dirent *,
    uint64_t base, uint64_t first, uint64_t last, struct tome_wipe *);
static void wipe_shared(struct tome_amap *, struct tome_dirent *,
    unsigned lo, unsigned hi, struct tome_wipe *);

enum tome_err
tome_amap_create(struct tome_vm *vm, bool object, struct tome_amap **out)
{
	struct tome_amap *am = tome_cache_get(vm->objects->amaps);

	if (am == NULL)
		return TOME_ENOMEM;
	am->vm = vm;
	am->refs = 1;
	am->object = object;
	am->loose = false;
	am->stays = false;
	am->root = 0;
	tome_count(vm, TOME_N_AMAPS, 1);
	*out = am;
	return TOME_OK;
}

void
tome_amap_unref(struct tome_amap *am)
{
	if (tome_rd(&am->refs) > 1)
		tome_wr_relaxed(&am->loose, true);
	if (tome_drop(&am->refs) > 0)
		return;
	tome_count(am->vm, TOME_N_AMAPS, -1);
	tome_epoch_retire(am->vm, &am->retired, amap_retired);
}

/* No fault holds it any more: its directory is complete, and walked (models F7). */
static void
amap_retired(struct tome_vm *vm, struct tome_retired *r)
{
	struct tome_amap *am = tome_container(r, struct tome_amap, retired);

	tome_dir_destroy(am, tome_chunk_unref);
	tome_cache_put(vm->objects->amaps, am);
}

enum tome_err
tome_amap_share(struct tome_amap *from, uint64_t first, uint64_t last,
    struct tome_amap **out)
{
	struct tome_amap *to;
	struct tome_dirent d;
	uint64_t slot = first;
	enum tome_err err = tome_amap_create(from->vm, from->object, &to);

	if (err != TOME_OK)
		return err;
	tome_epoch_enter(from->vm);
	while (err == TOME_OK && tome_amap_next(from, &slot, last, &d))
		err = amap_share_chunk(from, to, &d, slot - 1, first, last);
	tome_epoch_leave(from->vm);
	if (err == TOME_OK)
		*out = to;
	else
		tome_amap_unref(to);
	return err;
}

/* A chunk that was replaced while we waited for it is looked up again. False: it was
 * packed, and is shared (*err). True: it is locked, or (NULL) there is none any more. */
static bool
share_lock(struct tome_amap *am, struct tome_amap *to, struct tome_dirent *d,
    uint64_t slot, uint64_t first, uint64_t last, enum tome_err *err)
{
	while (d->chunk != NULL) {
		if (tome_chunk_packed(d->chunk)) {
			if (am->vm->objects->anon_pager->share(am, to, d, slot,
			    first, last, err))
				return false;
		} else if (tome_dirent_lock(am, d)) {
			break;
		} else {
			*d = tome_amap_find(am, slot);
		}
	}
	return true;
}

/* One with content beyond the range is not shared but copied in part: that content is
 * another entry's, which may be writing to it. */
static enum tome_err
amap_share_chunk(struct tome_amap *from, struct tome_amap *to,
    struct tome_dirent *d, uint64_t slot, uint64_t first, uint64_t last)
{
	enum tome_err err = TOME_OK;
	struct tome_chunk *ch, *by;
	struct tome_dirent put;

	if (!share_lock(from, to, d, slot, first, last, &err) || d->chunk == NULL)
		return err;
	ch = d->chunk;
	err = TOME_ENOMEM;
	if (chunk_beyond(ch, first, last)) {
		by = chunk_part(to, ch, first, last);
	} else {
		tome_add(&ch->count, 1);
		by = ch;
	}
	if (by != NULL)
		err = tome_dir_publish(to, by, &put);
	tome_chunk_unlock(from, ch);
	if (by != NULL && err != TOME_OK)
		tome_chunk_unref(to, by);
	return err;
}

/* Does it hold anything outside of the range? Its lock is held. */
static bool
chunk_beyond(const struct tome_chunk *ch, uint64_t first, uint64_t last)
{
	uint64_t slot = ch->key << TOME_CHUNK_SHIFT;

	if (!range_cuts(ch->key, first, last))
		return false;
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++, slot++)
		if (ch->anon[i] != NULL && (slot < first || slot > last))
			return true;
	return false;
}

/* A chunk with the range's part of ch's anons; NULL: no memory. */
static struct tome_chunk *
chunk_part(struct tome_amap *am, struct tome_chunk *ch, uint64_t first,
    uint64_t last)
{
	struct tome_chunk *part = tome_chunk_create(am, ch->key);
	uint64_t slot = ch->key << TOME_CHUNK_SHIFT;

	if (part == NULL)
		return NULL;
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++, slot++)
		if (ch->anon[i] != NULL && slot >= first && slot <= last) {
			tome_add(&ch->anon[i]->count, 1);
			part->anon[i] = ch->anon[i];
		}
	return part;
}

/* ---- wiping ---- */

enum tome_err
tome_amap_wipe_reserve(struct tome_amap *am, uint64_t first, uint64_t n,
    struct tome_wipe *w)
{
	uint64_t last = first + n - 1;
	uint64_t end[2] = { tome_slot_key(first), tome_slot_key(last) };
	enum tome_err err = TOME_OK;

	memset(w, 0, sizeof *w);
	tome_epoch_enter(am->vm);
	for (unsigned i = 0; i < 2 && err == TOME_OK; i++) {
		struct tome_chunk *ch = tome_amap_lookup(am,
		    end[i] << TOME_CHUNK_SHIFT).chunk;

		if (ch == NULL || tome_rd(&ch->count) < 2 ||
		    !range_cuts(end[i], first, last) ||
		    (i == 1 && end[1] == end[0]))
			continue;
		w->spare[i] = tome_chunk_create(am, end[i]);
		if (w->spare[i] == NULL)
			err = TOME_ENOMEM;
	}
	tome_epoch_leave(am->vm);
	if (err != TOME_OK)
		tome_amap_wipe_release(am, w);
	return err;
}

void
tome_amap_wipe_release(struct tome_amap *am, struct tome_wipe *w)
{
	for (unsigned i = 0; i < 2; i++)
		if (w->spare[i] != NULL) {
			tome_chunk_discard(am, w->spare[i]);
			w->spare[i] = NULL;
		}
}

void
tome_amap_wipe(struct tome_amap *am, uint64_t first, uint64_t n,
    struct tome_wipe *w)
{
	uint64_t slot = first, last = first + n - 1;
	struct tome_dirent d;

	tome_epoch_enter(am->vm);
	while (tome_amap_next(am, &slot, last, &d))
		wipe_chunk(am, &d, slot - TOME_CHUNK_ANONS, first, last, w);
	tome_epoch_leave(am->vm);
	tome_amap_wipe_release(am, w);
}

void
tome_amap_tighten(struct tome_amap *am, uint64_t first, uint64_t n)
{
	struct tome_wipe none = { { NULL, NULL } };

	if (!tome_rd_relaxed(&am->loose))
		return;
	tome_wr_relaxed(&am->loose, false);
	if (first > 0)
		tome_amap_wipe(am, 0, first, &none);
	tome_amap_wipe(am, first + n, UINT64_MAX - (first + n), &none);
}

static void
wipe_chunk(struct tome_amap *am, struct tome_dirent *d, uint64_t base,
    uint64_t first, uint64_t last, struct tome_wipe *w)
{
	unsigned lo = first > base ? (unsigned)(first - base) : 0;
	unsigned hi = last - base < TOME_CHUNK_ANONS ?
	    (unsigned)(last - base) + 1 : TOME_CHUNK_ANONS;
	struct tome_chunk *ch;

	while (!tome_dirent_lock(am, d))
		*d = tome_amap_find(am, base);
	ch = d->chunk;
	if (tome_rd(&ch->count) == 1) {
		tome_chunk_empty(am, ch, lo, hi);
		tome_chunk_unlock(am, ch);
	} else if (hi - lo == TOME_CHUNK_ANONS) {
		tome_dir_replace(am, d, NULL);
		tome_chunk_drop_locked(am, ch);
	} else {
		wipe_shared(am, d, lo, hi, w);
	}
}

/* The chunk is locked; unlocks. Without a clone in reserve it stays as it is. */
static void
wipe_shared(struct tome_amap *am, struct tome_dirent *d, unsigned lo,
    unsigned hi, struct tome_wipe *w)
{
	struct tome_chunk *ch = d->chunk, *clone = NULL;

	for (unsigned i = 0; i < 2 && clone == NULL; i++)
		if (w->spare[i] != NULL && w->spare[i]->key == ch->key) {
			clone = w->spare[i];
			w->spare[i] = NULL;
		}
	if (clone == NULL) {
		tome_chunk_unlock(am, ch);
		return;
	}
	tome_dirent_put_clone(am, d, clone, lo, hi);
	tome_chunk_drop_locked(am, ch);
	tome_chunk_unlock(am, clone);
}

/* Does the range hold only a part of the chunk's window? */
static bool
range_cuts(uint64_t key, uint64_t first, uint64_t last)
{
	uint64_t base = key << TOME_CHUNK_SHIFT;

	return first > base || last < base + TOME_CHUNK_MASK;
}
