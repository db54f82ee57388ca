/*
 * packed.c - chunks without anons: all that is left of 32 swapped-out pages is their
 * slot numbers.
 *
 * A packed chunk hangs in a directory like any other, and has the same lock, count
 * and, with a bit that no key has, the same key: whoever looks for a chunk does not
 * find it by that key, and whoever finds one in the way opens it. It is one amap's
 * alone; what is to be shared, or touched, is opened first.
 *
 * Locks: slots change under the chunk's lock. What names nobody else's anon, is not
 * resident and not being read, changes under its chunk's lock only.
 * Owns: the swap slots it names.
 */
#include <base/memory.h>
#include <object/dir.h>

static struct tome_anon *anon_unfold(struct tome_amap *, uint32_t slot);
static uint32_t anon_fold(struct tome_amap *, struct tome_anon *);
static bool chunk_packable(struct tome_amap *, struct tome_chunk *);
static struct tome_chunk *packed_create(struct tome_amap *,
    struct tome_chunk *);
static bool packed_unfold(struct tome_amap *, const struct tome_chunk *,
    struct tome_chunk *to);

/* ---- anons ---- */

/* Swapped out, at this slot. NULL: no memory. What it is made of may still be looked at as
 * what it was: its lock is taken. */
static struct tome_anon *
anon_unfold(struct tome_amap *am, uint32_t slot)
{
	struct tome_anon *an = tome_cache_get(am->vm->objects->anons);

	if (an == NULL)
		return NULL;
	tome_anon_lock(am, an);
	tome_wr_relaxed(&an->count, 1);
	an->pfn = TOME_PFN_NONE;
	an->slot = slot;
	tome_anon_unlock(am, an);
	tome_count(am->vm, TOME_N_ANONS, 1);
	return an;
}

/* The reverse: it goes, its slot is the caller's. */
static uint32_t
anon_fold(struct tome_amap *am, struct tome_anon *an)
{
	uint32_t slot;

	tome_anon_lock(am, an);
	slot = an->slot;
	an->slot = 0;
	tome_anon_discard(am, an);
	return slot;
}

/* ---- packing ---- */

bool
tome_chunk_pack(struct tome_amap *am, struct tome_dirent *d)
{
	struct tome_chunk *ch = d->chunk, *packed = NULL;

	if (!tome_dirent_lock(am, d))
		return false;
	if (chunk_packable(am, ch))
		packed = packed_create(am, ch);
	if (packed != NULL) {
		tome_dir_replace(am, d, packed);
		d->chunk = packed;
	}
	tome_chunk_unlock(am, ch);
	if (packed != NULL)
		tome_chunk_retire(am, ch);
	return packed != NULL;
}

/* Swapped out, at rest, and named here alone. */
static bool
anon_packable(struct tome_amap *am, struct tome_anon *an)
{
	bool is = false;

	if (!tome_anon_trylock(am, an))
		return false;
	is = tome_rd(&an->count) == 1 && !tome_anon_resident(an) &&
	    !(tome_rd_relaxed(&an->word) & TOME_ANON_READING);
	tome_anon_unlock(am, an);
	return is;
}

/* The chunk is locked. */
static bool
chunk_packable(struct tome_amap *am, struct tome_chunk *ch)
{
	unsigned n = 0;

	if (tome_chunk_packed(ch) || tome_rd(&ch->count) > 1)
		return false;
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++) {
		if (ch->anon[i] == NULL)
			continue;
		if (!anon_packable(am, ch->anon[i]))
			return false;
		n++;
	}
	return n > 0;
}

/* With the slots of ch's anons, which go. NULL: no memory. */
static struct tome_chunk *
packed_create(struct tome_amap *am, struct tome_chunk *ch)
{
	struct tome_chunk *packed = tome_cache_get(am->vm->objects->packed);

	if (packed == NULL)
		return NULL;
	tome_wr_relaxed(&packed->count, 1);
	tome_wr_relaxed(&packed->word, 0);
	packed->key = ch->key | TOME_CHUNK_PACKED;
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++)
		packed->slot[i] = ch->anon[i] == NULL ? 0 :
		    anon_fold(am, ch->anon[i]);
	tome_count(am->vm, TOME_N_CHUNKS, 1);
	return packed;
}

/* ---- opening ---- */

enum tome_err
tome_packed_open(struct tome_amap *am, uint64_t slot, struct tome_dirent *out)
{
	struct tome_chunk *packed, *ch;
	bool open;

	*out = tome_amap_find(am, slot);
	packed = out->chunk;
	if (packed == NULL || !tome_chunk_packed(packed))
		return TOME_OK;
	ch = tome_chunk_create(am, tome_chunk_key(packed));
	if (ch == NULL)
		return TOME_ENOMEM;
	if (!tome_dirent_lock(am, out)) {
		tome_chunk_discard(am, ch);
		out->where = NULL;
		out->chunk = NULL;
		return TOME_OK;
	}
	open = packed_unfold(am, packed, ch);
	if (open)
		tome_dir_replace(am, out, ch);
	tome_chunk_unlock(am, packed);
	if (!open) {
		tome_chunk_discard(am, ch);
		return TOME_ENOMEM;
	}
	tome_chunk_retire(am, packed);
	out->chunk = ch;
	return TOME_OK;
}

/* False: no memory, nothing changed. Nobody else knows `to`. */
static bool
packed_unfold(struct tome_amap *am, const struct tome_chunk *packed,
    struct tome_chunk *to)
{
	unsigned i;

	for (i = 0; i < TOME_CHUNK_ANONS; i++) {
		if (packed->slot[i] == 0)
			continue;
		to->anon[i] = anon_unfold(am, packed->slot[i]);
		if (to->anon[i] == NULL)
			break;
	}
	if (i == TOME_CHUNK_ANONS)
		return true;
	while (i-- > 0)
		if (to->anon[i] != NULL)
			(void)anon_fold(am, to->anon[i]);
	return false;
}

/* ---- emptying ---- */

void
tome_packed_empty(struct tome_amap *am, struct tome_chunk *packed, unsigned lo,
    unsigned hi)
{
	const struct tome_anon_pager *pager = am->vm->objects->anon_pager;

	for (unsigned i = lo; i < hi; i++) {
		if (packed->slot[i] == 0)
			continue;
		pager->release(am->vm, packed->slot[i]);
		packed->slot[i] = 0;
	}
}
