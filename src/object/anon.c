/*
 * anon.c - one virtual page of anonymous memory.
 *
 * Invariant 1: count is the number of chunk slots that name it (plus one while a
 *   fault that made it has not put it anywhere).
 * Locks: the page changes under the anon's lock bit; the count is atomic.
 * Owns: its frame.
 */
#include <object/object_i.h>

static void anon_free(struct tome_vm *, struct tome_anon *, enum tome_rank);
static bool anon_stays(struct tome_vm *, struct tome_anon *);
static void page_release(struct tome_vm *, tome_pfn_t);

struct tome_anon *
tome_anon_create(struct tome_amap *am, bool zero)
{
	struct tome_vm *vm = am->vm;
	struct tome_anon *an;
	tome_pfn_t pfn;

	if (tome_frame_alloc(vm, TOME_PAGE_ANON, zero ? TOME_FRAME_ZERO : 0,
	    &pfn) != TOME_OK)
		return NULL;
	an = tome_cache_get(vm->objects->anons);
	if (an == NULL) {
		tome_frame_free(vm, pfn);
		return NULL;
	}
	tome_bit_born_locked(vm, &an->word, TOME_ANON_LOCK, tome_anon_rank(am));
	tome_wr_relaxed(&an->count, 1);
	tome_wr_relaxed(&an->pfn, pfn);
	an->slot = 0;
	tome_wr(&tome_page(vm, pfn)->owner, an);
	tome_count(vm, TOME_N_ANONS, 1);
	return an;
}

void
tome_anon_unref(struct tome_amap *am, struct tome_anon *an)
{
	if (tome_drop(&an->count) > 0)
		return;
	tome_anon_lock(am, an);
	anon_free(am->vm, an, tome_anon_rank(am));
}

void
tome_anon_unref_locked(struct tome_amap *am, struct tome_anon *an)
{
	if (tome_drop(&an->count) == 0)
		anon_free(am->vm, an, tome_anon_rank(am));
	else
		tome_anon_unlock(am, an);
}

bool
tome_anon_unref_shared(struct tome_amap *am, struct tome_anon *an)
{
	uint32_t seen = tome_rd(&an->count);

	while (seen > 1)
		if (tome_cas_sc(&an->count, &seen, seen - 1)) {
			tome_anon_unlock(am, an);
			return true;
		}
	return false;
}

void
tome_anon_discard(struct tome_amap *am, struct tome_anon *an)
{
	tome_wr_relaxed(&an->count, 0);
	anon_free(am->vm, an, tome_anon_rank(am));
}

/*
 * Nobody names it, nothing maps its page: give all back. Unlocks. One that is being
 * read in is left to its page-in.
 */
static void
anon_free(struct tome_vm *vm, struct tome_anon *an, enum tome_rank rank)
{
	tome_pfn_t pfn = an->pfn;

	if (tome_unlikely(tome_rd_relaxed(&an->word) &
	    (TOME_ANON_READING | TOME_ANON_LEDGER)) && anon_stays(vm, an)) {
		tome_bit_unlock(vm, &an->word, TOME_ANON_LOCK, rank);
		return;
	}
	tome_wr_relaxed(&an->pfn, TOME_PFN_NONE);
	if (tome_unlikely(an->slot != 0)) {
		vm->objects->anon_pager->release(vm, an->slot);
		an->slot = 0;
	}
	if (pfn != TOME_PFN_NONE)
		page_release(vm, pfn);
	tome_bit_unlock(vm, &an->word, TOME_ANON_LOCK, rank);
	tome_count(vm, TOME_N_ANONS, -1);
	tome_cache_put(vm->objects->anons, an);
}

/* True: its page-in is to free it. False: nobody pays for it any more. */
static tome_noinline bool
anon_stays(struct tome_vm *vm, struct tome_anon *an)
{
	uint32_t word = tome_rd_relaxed(&an->word);

	if (word & TOME_ANON_READING) {
		tome_or(&an->word, TOME_ANON_LEFT);
		return true;
	}
	vm->objects->anon_pager->uncharge(vm, word, tome_anon_resident(an));
	tome_and(&an->word, ~TOME_ANON_LEDGER);
	return false;
}

/* Whoever dropped the last count is still to come, unless he has left it to us. */
uint32_t
tome_anon_was_read(struct tome_vm *vm, struct tome_anon *an, tome_pfn_t pfn,
    bool home)
{
	uint32_t slot = 0;

	tome_bit_lock(vm, &an->word, TOME_ANON_LOCK, TOME_RANK_ANON);
	if (pfn != TOME_PFN_NONE) {
		tome_wr_relaxed(&an->pfn, pfn);
		tome_wr(&tome_page(vm, pfn)->owner, an);
		if (home) {
			slot = an->slot;
			an->slot = 0;
			tome_or(&tome_page(vm, pfn)->state,
			    TOME_PAGE_MODIFIED);
		}
	}
	if (tome_and(&an->word, ~(TOME_ANON_READING | TOME_ANON_LEFT)) &
	    TOME_ANON_LEFT)
		anon_free(vm, an, TOME_RANK_ANON);
	else
		tome_bit_unlock(vm, &an->word, TOME_ANON_LOCK, TOME_RANK_ANON);
	return slot;
}

/* A page that somebody borrowed is his to free; whether there is one, and whether he
 * knows, is decided by one atomic word. */
static void
page_release(struct tome_vm *vm, tome_pfn_t pfn)
{
	struct tome_page *pg = tome_page(vm, pfn);

	tome_wr(&pg->owner, NULL);
	if (tome_unlikely(tome_page_wired(pg) > 0)) {
		if (tome_or(&pg->state, TOME_PAGE_ORPHAN) >= TOME_PAGE_WIRE_ONE)
			return;
		tome_and(&pg->state, ~TOME_PAGE_ORPHAN);
	}
	tome_frame_free(vm, pfn);
}

void
tome_page_orphan(struct tome_vm *vm, tome_pfn_t pfn)
{
	tome_and(&tome_page(vm, pfn)->state, ~TOME_PAGE_ORPHAN);
	tome_frame_free(vm, pfn);
}
