/*
 * home.c - bring home what is in a swap area, while programs run.
 *
 * Every amap is visited. An anon without a page is read as a fault would have it; one that has its page just gives
 * up its slot. What moves from one amap to another meanwhile (fork, exit) is found in
 * the next round: the area gives out nothing new.
 *
 * Locks: a chunk and an anon in turn.
 */
#include <object/far.h>
#include <paging/paging_i.h>

#define ROUNDS 64u

struct home {
	struct tome_paging *paging;
	struct tome_swap_area *area;
	enum tome_err err;
};

static bool
is_there(const struct home *h, uint32_t slot)
{
	return slot >> TOME_SLOT_BITS == h->area->id + 1;
}

/* The anon is locked. RETRY: it must be read first; fill says how. */
static enum tome_err
anon_home(struct home *h, struct tome_amap *am, struct tome_chunk *ch,
    unsigned i, struct tome_fill *fill)
{
	struct tome_anon *an = ch->anon[i];
	uint32_t slot = an->slot;

	if (!is_there(h, slot))
		return TOME_OK;
	if (!tome_anon_resident(an))
		return tome_fill_anon(fill, am, ch, i);
	an->slot = 0;
	tome_or(&tome_page(am->vm, an->pfn)->state, TOME_PAGE_MODIFIED);
	tome_slot_free(h->paging, slot, TOME_SLOT_HOME);
	return TOME_OK;
}

static enum tome_err
chunk_home(struct home *h, struct tome_amap *am, struct tome_dirent *d,
    struct tome_fill *fill)
{
	enum tome_err err = TOME_OK;
	struct tome_anon *an;

	for (unsigned i = 0; i < TOME_CHUNK_ANONS && err == TOME_OK; i++) {
		an = d->chunk->anon[i];
		if (an == NULL)
			continue;
		tome_anon_lock(am, an);
		err = anon_home(h, am, d->chunk, i, fill);
		tome_anon_unlock(am, an);
	}
	return err;
}

/* Or, if its anons are elsewhere already, it may be. */
static bool
packed_is_there(const struct home *h, const struct tome_chunk *packed)
{
	if (tome_rd(&packed->word) & TOME_CHUNK_OPENED)
		return true;
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++)
		if (is_there(h, packed->slot[i]))
			return true;
	return false;
}

/* The next chunk from *slot on; RETRY: the same again, when fill is met. */
static enum tome_err
next_home(struct home *h, struct tome_amap *am, uint64_t *slot,
    struct tome_fill *fill, bool *more)
{
	uint64_t at = *slot;
	enum tome_err err = TOME_OK;
	struct tome_dirent d;

	tome_epoch_enter(am->vm);
	*more = tome_amap_next(am, &at, UINT64_MAX, &d);
	if (*more && tome_chunk_packed(d.chunk)) {
		if (tome_chunk_far(d.chunk)) {
			err = tome_far_lack(am, &d, fill);
			at -= TOME_CHUNK_ANONS;	/* then as any other */
		} else if (packed_is_there(h, d.chunk)) {
			err = tome_amap_open(am, tome_chunk_base(d.chunk), fill,
			    &d);
			at = *slot;
		}
	} else if (*more && tome_dirent_lock(am, &d)) {
		err = chunk_home(h, am, &d, fill);
		tome_chunk_unlock(am, d.chunk);
	}
	tome_epoch_leave(am->vm);
	if (err == TOME_OK)
		*slot = at;
	return err;
}

static void
amap_home(struct home *h, struct tome_amap *am)
{
	struct tome_fill fill = { .pagein = NULL };
	uint64_t slot = 0;
	bool more = true;
	enum tome_err err;

	while (more && h->err == TOME_OK) {
		err = next_home(h, am, &slot, &fill, &more);
		if (err == TOME_RETRY)
			err = tome_fill_meet(am->vm, &fill);
		if (err == TOME_ENOMEM && tome_memory_found(am->vm))
			err = TOME_OK;
		h->err = err;
	}
	tome_fill_end(am->vm, &fill);
}

static void
round_home(struct home *h)
{
	struct tome_each e = { .vm = h->paging->vm };
	struct tome_amap *am;

	while (h->err == TOME_OK && (am = tome_each_next(&e)) != NULL)
		amap_home(h, am);
	tome_each_end(&e);
}

static uint64_t
used(struct home *h)
{
	struct tome_swap_stats s;

	return tome_swap_stats(h->paging->vm, h->area->id, &s) ? s.used : 0;
}

enum tome_err
tome_swap_home(struct tome_paging *p, struct tome_swap_area *a)
{
	struct home h = { .paging = p, .area = a };

	for (unsigned i = 0; i < ROUNDS && h.err == TOME_OK && used(&h) > 0;
	    i++) {
		round_home(&h);
		tome_swap_settle(p);
		/* What ended meanwhile has its slots until its epoch is over. */
		tome_epoch_wait(p->vm);
		tome_vm_quiesce(p->vm, true);
		(void)tome_desk_bury(p, true);
	}
	if (h.err == TOME_OK && used(&h) > 0)
		h.err = TOME_EIO;
	return h.err;
}
