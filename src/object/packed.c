/*
 * packed.c - chunks without anons: all that is left of 32 swapped-out pages is their
 * slot numbers.
 *
 * A packed chunk hangs in a directory like any other, and has the same lock, count
 * and, with a bit that no key has, the same key: whoever looks for a chunk does not
 * find it by that key, and whoever finds one in the way opens it.
 *
 * Amaps share packed chunks as they share others. When one of them opens it, it becomes
 * a chunk that it shares with the others: those find it through the packed one
 * (`opened`), which counts as one that names it, and itself once more, until the last of
 * them has gone there or is gone. Its slot numbers then only say which slots have
 * something.
 *
 * Locks: slots change under the chunk's lock. What names nobody else's anon, is not
 * resident and not being read, changes under its chunk's lock only.
 * Owns: the swap slots it names.
 */
#include <base/memory.h>
#include <object/far.h>

static struct tome_anon *anon_unfold(struct tome_amap *, uint32_t slot,
    uint32_t ledger);
static inline uint32_t anon_fold(struct tome_amap *, struct tome_anon *);
static bool chunk_packable(struct tome_amap *, struct tome_chunk *,
    uint32_t *ledger);
static struct tome_chunk *packed_create(struct tome_amap *,
    struct tome_chunk *, uint32_t ledger);
static enum tome_err packed_open(struct tome_amap *,
    struct tome_dirent *) TOME_NODISCARD;
static struct tome_chunk *packed_content(struct tome_amap *,
    struct tome_chunk *packed, struct tome_chunk *spare);
static void packed_leave(struct tome_amap *, struct tome_dirent *,
    struct tome_chunk *);
static bool packed_unfold(struct tome_amap *, const struct tome_chunk *,
    struct tome_chunk *to);
static void clone_fill(struct tome_amap *, struct tome_chunk *clone,
    const struct tome_chunk *, unsigned lo, unsigned hi);
static void spare_drop(struct tome_amap *, struct tome_chunk *);

/* ---- anons ---- */

/* Swapped out, at this slot, and paid for. NULL: no memory. What it is made of may still be looked at as
 * what it was: its lock is taken. */
static tome_noinline struct tome_anon *
anon_unfold(struct tome_amap *am, uint32_t slot, uint32_t ledger)
{
	struct tome_anon *an = tome_cache_get(am->vm->objects->anons);

	if (an == NULL)
		return NULL;
	tome_anon_lock(am, an);
	tome_wr_relaxed(&an->count, 1);
	an->pfn = TOME_PFN_NONE;
	an->slot = slot;
	tome_or(&an->word, ledger);
	tome_anon_unlock(am, an);
	tome_count(am->vm, TOME_N_ANONS, 1);
	return an;
}

/* The reverse: it goes; its slot, and that it is paid for, is the caller's. */
static inline uint32_t
anon_fold(struct tome_amap *am, struct tome_anon *an)
{
	uint32_t slot;

	tome_anon_lock(am, an);
	slot = an->slot;
	an->slot = 0;
	tome_wr_relaxed(&an->count, 0);
	tome_and(&an->word, ~TOME_ANON_LEDGER);
	tome_anon_unlock(am, an);
	tome_count(am->vm, TOME_N_ANONS, -1);
	tome_cache_put(am->vm->objects->anons, an);
	return slot;
}

/* ---- packing ---- */

enum tome_err
tome_chunk_pack(struct tome_amap *am, struct tome_dirent *d)
{
	struct tome_chunk *ch = d->chunk, *packed = NULL;
	enum tome_err err = TOME_EBUSY;
	uint32_t ledger = 0;

	if (!tome_dirent_lock(am, d))
		return TOME_EBUSY;
	if (chunk_packable(am, ch, &ledger)) {
		packed = packed_create(am, ch, ledger);
		err = packed == NULL ? TOME_ENOMEM : TOME_OK;
	}
	if (packed != NULL) {
		tome_dir_replace(am, d, packed);
		d->chunk = packed;
	}
	tome_chunk_unlock(am, ch);
	if (packed != NULL)
		tome_chunk_retire(am, ch);
	return err;
}

/* Swapped out, at rest, named here alone, and paid for by this ledger, or, if it is
 * the first, by whichever. */
static bool
anon_packable(struct tome_amap *am, struct tome_anon *an, bool first,
    uint32_t *ledger)
{
	uint32_t word;
	bool is;

	if (!tome_anon_trylock(am, an))
		return false;
	word = tome_rd_relaxed(&an->word);
	if (first)
		*ledger = word & TOME_ANON_LEDGER;
	is = tome_rd(&an->count) == 1 && !tome_anon_resident(an) &&
	    (word & (TOME_ANON_READING | TOME_ANON_LEDGER)) == *ledger;
	tome_anon_unlock(am, an);
	return is;
}

/* The chunk is locked. *ledger: who pays. */
static bool
chunk_packable(struct tome_amap *am, struct tome_chunk *ch, uint32_t *ledger)
{
	unsigned n = 0;

	if (tome_chunk_packed(ch) || tome_rd(&ch->count) > 1)
		return false;
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++) {
		if (ch->anon[i] == NULL)
			continue;
		if (!anon_packable(am, ch->anon[i], n == 0, ledger))
			return false;
		n++;
	}
	return n > 0;
}

/* With the slots of ch's anons, which go. NULL: no memory. */
static struct tome_chunk *
packed_create(struct tome_amap *am, struct tome_chunk *ch, uint32_t ledger)
{
	struct tome_chunk *packed = tome_cache_get(am->vm->objects->packed);

	if (packed == NULL)
		return NULL;
	tome_wr_relaxed(&packed->count, 1);
	tome_wr_relaxed(&packed->word, ledger);
	packed->key = ch->key | TOME_CHUNK_PACKED;
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++)
		packed->slot[i] = ch->anon[i] == NULL ? 0 :
		    anon_fold(am, ch->anon[i]);
	tome_count(am->vm, TOME_N_CHUNKS, 1);
	return packed;
}

/* ---- opening ---- */

enum tome_err
tome_packed_open(struct tome_amap *am, uint64_t slot, struct tome_fill *fill,
    struct tome_dirent *out)
{
	struct tome_chunk *packed;

	*out = tome_amap_find(am, slot);
	packed = out->chunk;
	if (packed == NULL || !tome_chunk_packed(packed))
		return TOME_OK;
	return tome_chunk_far(packed) ? tome_far_lack(am, out, fill) :
	    packed_open(am, out);
}

static enum tome_err
packed_open(struct tome_amap *am, struct tome_dirent *out)
{
	struct tome_chunk *packed = out->chunk, *ch, *spare;

	spare = tome_chunk_create(am, tome_chunk_key(packed));
	if (spare == NULL)
		return TOME_ENOMEM;
	if (!tome_dirent_lock(am, out)) {
		tome_chunk_discard(am, spare);
		out->where = NULL;
		out->chunk = NULL;
		return TOME_OK;
	}
	ch = packed_content(am, packed, spare);
	if (ch != NULL) {
		packed_leave(am, out, ch);
	} else {
		tome_chunk_unlock(am, packed);
	}
	if (ch != spare)
		spare_drop(am, spare);
	return ch == NULL ? TOME_ENOMEM : TOME_OK;
}

/*
 * The packed chunk is locked: the one with its anons, which it keeps. That is the spare
 * one, unless they are elsewhere already. NULL: no memory.
 */
static tome_noinline struct tome_chunk *
packed_content(struct tome_amap *am, struct tome_chunk *packed,
    struct tome_chunk *spare)
{
	if (tome_rd_relaxed(&packed->word) & TOME_CHUNK_OPENED)
		return packed->opened;
	if (!packed_unfold(am, packed, spare))
		return NULL;
	packed->opened = spare;
	tome_or(&packed->word, TOME_CHUNK_OPENED);
	tome_add(&packed->count, 1);
	return spare;
}

/*
 * ch, which it keeps, takes its place; unlocks. If that was the last of its names, ch
 * passes from one to the other with its count: whoever finds it must not see a name
 * more than there is, copy it for that, and leave the last to nobody.
 */
static void
packed_leave(struct tome_amap *am, struct tome_dirent *out,
    struct tome_chunk *ch)
{
	struct tome_chunk *packed = out->chunk;
	bool last = tome_drop(&packed->count) == 1;

	if (!last)
		tome_add(&ch->count, 1);
	tome_dir_replace(am, out, ch);
	out->chunk = ch;
	tome_chunk_unlock(am, packed);
	if (last)
		tome_chunk_retire(am, packed);
}

/* False: no memory; `to`, which nobody else knows, has some of them. */
static bool
packed_unfold(struct tome_amap *am, const struct tome_chunk *packed,
    struct tome_chunk *to)
{
	unsigned i;

	for (i = 0; i < TOME_CHUNK_ANONS; i++) {
		if (packed->slot[i] == 0)
			continue;
		to->anon[i] = anon_unfold(am, packed->slot[i],
		    tome_rd_relaxed(&packed->word) & TOME_ANON_LEDGER);
		if (to->anon[i] == NULL)
			break;
	}
	return i == TOME_CHUNK_ANONS;
}

/* Nobody knows it, nor what it has. */
static tome_noinline void
spare_drop(struct tome_amap *am, struct tome_chunk *ch)
{
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++)
		if (ch->anon[i] != NULL)
			(void)anon_fold(am, ch->anon[i]);
	tome_chunk_discard(am, ch);
}

/* ---- sharing ---- */

/* The packed chunk is locked. Does it hold anything outside of the range? */
static bool
packed_beyond(const struct tome_chunk *packed, uint64_t first, uint64_t last)
{
	uint64_t slot = tome_chunk_base(packed);

	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++, slot++)
		if (packed->slot[i] != 0 && (slot < first || slot > last))
			return true;
	return false;
}

bool
tome_packed_share(struct tome_amap *from, struct tome_amap *to,
    struct tome_dirent *d, uint64_t slot, uint64_t first, uint64_t last,
    enum tome_err *err)
{
	struct tome_chunk *packed = d->chunk;
	struct tome_dirent put;

	if (!tome_dirent_lock(from, d)) {
		*d = tome_amap_find(from, slot);
		return false;
	}
	if (tome_chunk_far(packed)) {
		packed = tome_far_slip(from, d);
		*err = TOME_ENOMEM;
		if (packed == NULL)
			return true;
	} else if (packed_beyond(packed, first, last)) {
		tome_chunk_unlock(from, packed);
		*err = packed_open(from, d);
		if (*err == TOME_OK && d->chunk == NULL)
			*d = tome_amap_find(from, slot);
		return *err != TOME_OK;
	}
	tome_add(&packed->count, 1);
	*err = tome_dir_publish(to, packed, &put);
	if (*err == TOME_OK)
		tome_chunk_unlock(from, packed);
	else
		tome_chunk_drop_locked(from, packed);
	return true;
}

/* By way of the chunk that the others will find. */
enum tome_err
tome_packed_clone(struct tome_amap *am, struct tome_dirent *d, unsigned lo,
    unsigned hi, struct tome_chunk **old)
{
	struct tome_chunk *packed = d->chunk, *ch = NULL, *spare, *clone;

	if (tome_chunk_far(packed))
		return tome_far_clone(am, d, lo, hi, old);
	spare = tome_chunk_create(am, tome_chunk_key(packed));
	clone = tome_chunk_create(am, tome_chunk_key(packed));
	if (spare != NULL && clone != NULL)
		ch = packed_content(am, packed, spare);
	if (ch != NULL) {
		clone_fill(am, clone, ch, lo, hi);
		tome_dir_replace(am, d, clone);
		d->chunk = clone;
		*old = packed;
	} else if (clone != NULL) {
		tome_chunk_discard(am, clone);
	}
	if (spare != NULL && spare != ch)
		spare_drop(am, spare);
	return ch == NULL ? TOME_ENOMEM : TOME_OK;
}

/* Born locked. What is counted more than once is not written to. */
static void
clone_fill(struct tome_amap *am, struct tome_chunk *clone,
    const struct tome_chunk *ch, unsigned lo, unsigned hi)
{
	tome_bit_born_locked(am->vm, &clone->word, TOME_CHUNK_LOCK,
	    tome_chunk_rank(am));
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++) {
		struct tome_anon *an = ch->anon[i];

		if (an == NULL || (i >= lo && i < hi))
			continue;
		tome_add(&an->count, 1);
		clone->anon[i] = an;
	}
}

uint32_t
tome_packed_pages(const struct tome_dirent *d, uint64_t *id)
{
	*id = 0;
	return tome_chunk_far(d->chunk) ? tome_far_pages(d, id) :
	    tome_slots_pages(d->chunk->slot);
}

/* ---- emptying ---- */

/* What was opened and is nobody's any more: so is the chunk that it kept, or it is those
 * amaps' alone that name it. Nobody else changes it, locked or not, once it is not
 * named. */
static tome_noinline void
opened_drop(struct tome_amap *am, struct tome_chunk *ch)
{
	if (tome_drop(&ch->count) > 0)
		return;
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++)
		if (ch->anon[i] != NULL)
			tome_anon_unref(am, ch->anon[i]);
	tome_chunk_retire(am, ch);
}

void
tome_packed_empty(struct tome_amap *am, struct tome_chunk *packed, unsigned lo,
    unsigned hi)
{
	const struct tome_anon_pager *pager = am->vm->objects->anon_pager;
	uint32_t word = tome_rd_relaxed(&packed->word);

	if (word & TOME_CHUNK_FAR) {
		tome_far_leave(am->vm, packed);
		return;
	}
	if (word & TOME_CHUNK_OPENED) {
		opened_drop(am, packed->opened);
		return;
	}
	for (unsigned i = lo; i < hi; i++) {
		if (packed->slot[i] == 0)
			continue;
		pager->release(am->vm, packed->slot[i]);
		if (word & TOME_ANON_LEDGER)
			pager->uncharge(am->vm, word, false);
		packed->slot[i] = 0;
	}
}

void
tome_packed_ended(struct tome_vm *vm, struct tome_chunk *packed)
{
	if (tome_rd_relaxed(&packed->word) & TOME_CHUNK_PACK)
		tome_pack_ended(vm, packed);
	else
		tome_cache_put(vm->objects->packed, packed);
}

/* ---- the recount ---- */

tome_cold const char *
tome_packed_recount(struct tome_vm *vm, struct tome_chunk *packed,
    enum tome_recount what, struct tome_chunk **next)
{
	const struct tome_anon_pager *pager = vm->objects->anon_pager;
	const char *why = NULL;

	if (packed->word & TOME_CHUNK_FAR)
		return tome_far_recount(vm, packed, what, next);
	if (packed->word & TOME_CHUNK_OPENED) {
		*next = packed->opened;
		return NULL;
	}
	for (unsigned i = 0; i < TOME_CHUNK_ANONS && why == NULL; i++)
		if (packed->slot[i] != 0 && what != TOME_RECOUNT_VERIFY)
			why = pager->recount(vm, packed->slot[i], packed->word,
			    false, what);
	return why;
}
