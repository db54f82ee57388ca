/*
 * chunk.c - 32 slots of anons under one lock.
 *
 * Invariant 1: count is the number of amaps whose directory names it.
 * Locks: slots change under the chunk's lock. Whoever locks a chunk found in a
 *   directory looks again whether it still hangs there (models F5).
 * Owns: one count of each anon in a slot. Freed after an epoch: a fault may hold
 *   the pointer, lock it, and only then see that it is gone.
 */
#include <base/memory.h>
#include <object/dir.h>

static void packed_empty(struct tome_amap *, struct tome_chunk *, unsigned lo,
    unsigned hi);
static void chunk_free(struct tome_vm *, struct tome_retired *);

struct tome_chunk *
tome_chunk_create(struct tome_amap *am, uint64_t key)
{
	struct tome_chunk *ch = tome_cache_get(am->vm->objects->chunks);

	if (ch == NULL)
		return NULL;
	memset(ch, 0, sizeof *ch);
	ch->count = 1;
	ch->key = key;
	tome_count(am->vm, TOME_N_CHUNKS, 1);
	return ch;
}

void
tome_chunk_discard(struct tome_amap *am, struct tome_chunk *ch)
{
	tome_count(am->vm, TOME_N_CHUNKS, -1);
	tome_cache_put(am->vm->objects->chunks, ch);
}

enum tome_err
tome_dirent_clone(struct tome_amap *am, struct tome_dirent *d, unsigned lo,
    unsigned hi, struct tome_chunk **old)
{
	struct tome_chunk *clone = tome_chunk_create(am, d->chunk->key);

	if (clone == NULL)
		return TOME_ENOMEM;
	*old = d->chunk;
	tome_dirent_put_clone(am, d, clone, lo, hi);
	return TOME_OK;
}

void
tome_dirent_put_clone(struct tome_amap *am, struct tome_dirent *d,
    struct tome_chunk *clone, unsigned lo, unsigned hi)
{
	tome_bit_born_locked(am->vm, &clone->word, TOME_CHUNK_LOCK,
	    tome_chunk_rank(am));
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++) {
		struct tome_anon *an = d->chunk->anon[i];

		if (an == NULL || (i >= lo && i < hi))
			continue;
		tome_add(&an->count, 1);
		clone->anon[i] = an;
	}
	tome_dir_replace(am, d, clone);
	d->chunk = clone;
}

void
tome_chunk_drop_locked(struct tome_amap *am, struct tome_chunk *ch)
{
	/* One that was opened counts itself. */
	bool last = tome_drop(&ch->count) ==
	    (tome_rd_relaxed(&ch->word) / TOME_CHUNK_OPENED & 1);

	if (last)
		tome_chunk_empty(am, ch, 0, TOME_CHUNK_ANONS);
	tome_chunk_unlock(am, ch);
	if (last)
		tome_chunk_retire(am, ch);
}

void
tome_chunk_unref(struct tome_amap *am, struct tome_chunk *ch)
{
	tome_chunk_lock(am, ch);
	tome_chunk_drop_locked(am, ch);
}

void
tome_chunk_empty(struct tome_amap *am, struct tome_chunk *ch, unsigned lo,
    unsigned hi)
{
	if (tome_unlikely(tome_chunk_packed(ch))) {
		packed_empty(am, ch, lo, hi);
		return;
	}
	for (unsigned i = lo; i < hi; i++) {
		struct tome_anon *an = ch->anon[i];

		if (an == NULL)
			continue;
		tome_wr_relaxed(&ch->anon[i], NULL);
		tome_anon_unref(am, an);
	}
}

/* Out of line, for the stack's sake. */
static tome_noinline void
packed_empty(struct tome_amap *am, struct tome_chunk *ch, unsigned lo,
    unsigned hi)
{
	am->vm->objects->anon_pager->empty(am, ch, lo, hi);
}

void
tome_chunk_retire(struct tome_amap *am, struct tome_chunk *ch)
{
	tome_count(am->vm, TOME_N_CHUNKS, -1);
	tome_epoch_retire(am->vm, &ch->retired, chunk_free);
}

static void
chunk_free(struct tome_vm *vm, struct tome_retired *r)
{
	struct tome_chunk *ch = tome_container(r, struct tome_chunk, retired);

	if (tome_chunk_packed(ch))
		vm->objects->anon_pager->ended(vm, ch);
	else
		tome_cache_put(vm->objects->chunks, ch);
}
