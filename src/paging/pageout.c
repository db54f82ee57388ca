/*
 * pageout.c - anonymous pages leave for swap.
 *
 * From the page side: the anon is only tried, and its page pinned if page and anon
 * still name each other. Several together lose their translations, with one flush for
 * all; the anons have their pages still, and whoever touches one has it back at once.
 * Once nobody else who took a translation away has yet to flush (F14), a page that was
 * touched meanwhile stays; one that is in its slot unmodified leaves; any other is packed
 * or written. When that is over, the same again: what was touched stays, and its new
 * slot is given up; any other leaves. What the compressed tier keeps is not written at
 * all.
 *
 * A slot belongs to the transfer until then, so that an anon that goes meanwhile
 * gives up none that is being written.
 *
 * Nothing here allocates: requests come from a pool that transfers refill.
 */
#include <paging/paging_i.h>

/* Pins of a page that is being written. */
#define OUR_PIN 1u

static enum tome_evict anon_take(struct tome_pageout *, struct tome_page *,
    struct tome_anon *, enum tome_evict_which);
static void anon_leave(struct tome_paging *, struct tome_page *,
    struct tome_anon *);
static bool is_left(struct tome_pageout *);
static void pack_run(struct tome_pageout *);
static unsigned unmap_all(struct tome_pageout *);
static bool page_lacks_slot(struct tome_paging *, tome_pfn_t);
static void run_write(struct tome_pageout *, struct tome_swap_io *);
static void pageout_finish(struct tome_io *);
static void page_over(struct tome_paging *, tome_pfn_t, uint32_t slot);
static bool page_written(struct tome_paging *, tome_pfn_t, uint32_t slot);

void
tome_pageout_begin(struct tome_pageout *po, struct tome_paging *p)
{
	po->paging = p;
	po->n = 0;
}

/*
 * Whose the page seems to be. It may be anything the next moment, so what its owner
 * names counts only if it is where anons are, which it then stays for this epoch.
 */
struct tome_anon *
tome_pageout_owner(struct tome_vm *vm, const struct tome_page *page)
{
	void *owner = tome_rd(&page->owner);

	if (tome_page_identity(page) != TOME_PAGE_ANON || owner == NULL ||
	    !tome_cache_has(vm->objects->anons, owner))
		return NULL;
	return owner;
}

enum tome_evict
tome_pageout_anon(struct tome_pageout *po, struct tome_page *page,
    enum tome_evict_which which)
{
	struct tome_vm *vm = po->paging->vm;
	enum tome_evict what = TOME_EVICT_KEPT;
	struct tome_anon *an;

	tome_epoch_enter(vm);
	an = tome_pageout_owner(vm, page);
	if (an != NULL) {
		what = TOME_EVICT_BUSY;
		if (tome_bit_trylock(vm, &an->word, TOME_ANON_LOCK,
		    TOME_RANK_ANON)) {
			if (tome_rd(&page->owner) == an &&
			    tome_page_identity(page) == TOME_PAGE_ANON &&
			    an->pfn != TOME_PFN_NONE &&
			    tome_page(vm, an->pfn) == page)
				what = anon_take(po, page, an, which);
			tome_bit_unlock(vm, &an->word, TOME_ANON_LOCK,
			    TOME_RANK_ANON);
		}
	}
	tome_epoch_leave(vm);
	return what;
}

/* The anon is locked, and the page its own. */
static enum tome_evict
anon_take(struct tome_pageout *po, struct tome_page *page,
    struct tome_anon *an, enum tome_evict_which which)
{
	struct tome_paging *p = po->paging;
	struct tome_vm *vm = p->vm;
	tome_pfn_t pfn = an->pfn;

	if (tome_page_wired(page) > 0 || po->n == TOME_SWAP_MAX)
		return TOME_EVICT_KEPT;
	if ((which == TOME_EVICT_OWN || which == TOME_EVICT_COOL) &&
	    tome_page_mappings(vm, pfn) > 1)
		return TOME_EVICT_KEPT;
	if (which == TOME_EVICT_COOL) {
		tome_choice_cool(vm, page, pfn);
		return TOME_EVICT_USED;
	}
	if (which == TOME_EVICT_UNUSED && tome_choice_spares(vm, page, pfn))
		return TOME_EVICT_USED;
	if ((an->slot == 0 && tome_rd_relaxed(&p->room) <= po->n) ||
	    !tome_ledger_stores(p, tome_rd_relaxed(&an->word)))
		return TOME_EVICT_NO_STORE;
	if (tome_frame_wire(vm, pfn) != TOME_OK)
		return TOME_EVICT_KEPT;
	po->pfn[po->n++] = pfn;
	return TOME_EVICT_STARTED;
}

/* Nobody maps or borrows what is pinned, and it is the anon's, which is locked. */
static bool
is_settled(struct tome_vm *vm, const struct tome_page *page, tome_pfn_t pfn,
    const struct tome_anon *an)
{
	return tome_rd(&page->owner) == an && an->pfn == pfn &&
	    tome_page_wired(page) == OUR_PIN &&
	    tome_page_mappings(vm, pfn) == 0;
}

/* The slot has what the page has; nothing maps the page, nobody has borrowed it. */
static void
anon_leave(struct tome_paging *p, struct tome_page *page, struct tome_anon *an)
{
	tome_pfn_t pfn = an->pfn;
	uint32_t word = tome_rd_relaxed(&an->word);

	if (tome_unlikely(word & TOME_ANON_LEDGER))
		tome_ledger_out(p, word);
	tome_wr(&an->pfn, TOME_PFN_NONE);
	tome_wr(&page->owner, NULL);
	tome_stray(p->vm, &p->strays, pfn);
}

/* ---- writing ---- */

/* It could not be written: it stays what it was, but modified. */
static void
page_kept(struct tome_vm *vm, tome_pfn_t pfn)
{
	tome_or(&tome_page(vm, pfn)->state, TOME_PAGE_MODIFIED);
	tome_page_unborrow(vm, pfn);
}

/* Waits for requests with as little of its own as can be: the stack below is deep. */
void
tome_pageout_end(struct tome_pageout *po)
{
	if (po->n == 0)
		return;
	po->n = unmap_all(po);
	po->at = 0;
	po->left = 0;
	while (is_left(po))
		run_write(po, tome_swap_io_get(po->paging,
		    po->slot + (unsigned)__builtin_ctz(po->left)));
	po->n = 0;
}

/* How many of them are to be written; the others stay, or have left. */
static tome_noinline unsigned
unmap_all(struct tome_pageout *po)
{
	struct tome_paging *p = po->paging;
	unsigned n = 0;

	tome_pages_unmap(p->vm, po->pfn, po->n);
	tome_epoch_wait(p->vm);
	for (unsigned i = 0; i < po->n; i++)
		if (page_lacks_slot(p, po->pfn[i]))
			po->pfn[n++] = po->pfn[i];
	return n;
}

/* The anon is locked, its page settled. True: it has not left. */
static bool
anon_lacks_slot(struct tome_paging *p, struct tome_page *page,
    struct tome_anon *an)
{
	if (an->slot != 0 && !(tome_rd(&page->state) & TOME_PAGE_MODIFIED)) {
		tome_frame_unwire(p->vm, an->pfn);
		anon_leave(p, page, an);
		tome_add(&p->dropped, 1);
		return false;
	}
	if (an->slot != 0)
		tome_slot_free(p, an->slot, TOME_SLOT_SUPERSEDED);
	an->slot = 0;
	tome_and(&page->state, ~(TOME_PAGE_MODIFIED | TOME_PAGE_ACCESSED));
	return true;
}

/*
 * True: the page is to be written. It is pinned, so it is what it was; if its anon
 * went, it has no owner.
 */
static bool
page_lacks_slot(struct tome_paging *p, tome_pfn_t pfn)
{
	struct tome_page *page = tome_page(p->vm, pfn);
	bool settled = false, lacks = false;
	struct tome_vm *vm = p->vm;
	struct tome_anon *an;

	tome_epoch_enter(vm);
	an = tome_rd(&page->owner);
	if (an != NULL) {
		tome_bit_lock(vm, &an->word, TOME_ANON_LOCK, TOME_RANK_ANON);
		settled = is_settled(vm, page, pfn, an);
		if (settled)
			lacks = anon_lacks_slot(p, page, an);
		tome_bit_unlock(vm, &an->word, TOME_ANON_LOCK,
		    TOME_RANK_ANON);
	}
	tome_epoch_leave(vm);
	if (!settled)
		tome_page_unborrow(vm, pfn);
	return lacks;
}

/* Something to write; of those that have no slots yet if need be. */
static tome_noinline bool
is_left(struct tome_pageout *po)
{
	while (po->left == 0 && po->at < po->n)
		pack_run(po);
	return po->left != 0;
}

/* Slots for the next ones. What the tier keeps of them has left then. */
static void
pack_run(struct tome_pageout *po)
{
	struct tome_paging *p = po->paging;
	unsigned n = po->n - po->at, end;
	uint32_t slot = tome_slots_take(p, &n);

	if (slot == 0) {
		while (po->n > po->at)
			page_kept(p->vm, po->pfn[--po->n]);
		return;
	}
	tome_add(&p->writing, n);
	po->slot = slot - po->at;
	for (end = po->at + n; po->at < end; po->at++) {
		slot = po->slot + po->at;
		if (tome_compress_keep(p, slot, po->pfn[po->at])) {
			page_over(p, po->pfn[po->at], slot);
			tome_add(&p->writing, -1);
		} else
			po->left |= (uint32_t)1 << po->at;
	}
}

/* Its area does not answer: what has slots there, and was not handed over, stays. */
static tome_noinline void
run_stays(struct tome_pageout *po)
{
	struct tome_paging *p = po->paging;

	for (; po->left != 0; po->left &= po->left - 1) {
		unsigned i = (unsigned)__builtin_ctz(po->left);

		tome_slot_free(p, po->slot + i, TOME_SLOT_UNWRITTEN);
		page_kept(p->vm, po->pfn[i]);
		tome_add(&p->writing, -1);
	}
}

/* The first of what is left, as far as it lies together. */
static tome_noinline void
run_write(struct tome_pageout *po, struct tome_swap_io *io)
{
	unsigned first = (unsigned)__builtin_ctz(po->left), i = first, n = 0;

	if (io == NULL) {
		run_stays(po);
		return;
	}
	for (; i < TOME_SWAP_MAX && po->left >> i & 1; i++, n++)
		io->vec[n] = (struct tome_io_vec){ .pfn = po->pfn[i],
			.len = (uint32_t)TOME_PAGE_SIZE };
	for (i = 0; i < n; i++)
		po->left &= po->left - 1;
	tome_swap_io_start(po->paging, io, TOME_IO_WRITE, po->slot + first, n,
	    pageout_finish);
}

/*
 * Of a run that failed nobody knows which slot it was: its pages stay, and the next
 * ones are written one by one. A single slot that failed is not used again.
 */
static void
pageout_finish(struct tome_io *base)
{
	struct tome_swap_io *io = tome_container(base, struct tome_swap_io,
	    io);
	struct tome_paging *p = base->vm->paging;
	bool ok = base->err == TOME_OK;
	enum tome_slot_end end = base->n > 1 ? TOME_SLOT_UNWRITTEN :
	    TOME_SLOT_RETIRED;
	unsigned n = base->n;

	tome_swap_count_writes(p, io->area, n, ok);
	if (!ok && n > 1)
		tome_slots_careful(p, io->area);
	for (unsigned i = 0; i < n; i++) {
		tome_pfn_t pfn = base->vec[i].pfn;

		if (ok) {
			page_over(p, pfn, io->slot + i);
			continue;
		}
		tome_or(&tome_page(p->vm, pfn)->state, TOME_PAGE_MODIFIED);
		tome_slot_free(p, io->slot + i, end);
		tome_page_unborrow(p->vm, pfn);
	}
	tome_add(&p->writing, -n);
	tome_swap_io_put(p, io);
}

/* Its slot has what it had when this began. */
static void
page_over(struct tome_paging *p, tome_pfn_t pfn, uint32_t slot)
{
	if (page_written(p, pfn, slot))
		return;
	tome_slot_free(p, slot, TOME_SLOT_SUPERSEDED);
	tome_page_unborrow(p->vm, pfn);
}

/*
 * True: the page has left, its anon has the slot. The page is pinned, so it is what it
 * was; if its anon went, it has no owner. What was mapped again meanwhile stays; so
 * does what is modified, by a mapping that went again or by other means.
 */
static bool
page_written(struct tome_paging *p, tome_pfn_t pfn, uint32_t slot)
{
	struct tome_page *page = tome_page(p->vm, pfn);
	struct tome_vm *vm = p->vm;
	struct tome_anon *an;
	bool leaves = false;

	tome_epoch_enter(vm);
	an = tome_rd(&page->owner);
	if (an != NULL) {
		tome_bit_lock(vm, &an->word, TOME_ANON_LOCK, TOME_RANK_ANON);
		leaves = is_settled(vm, page, pfn, an) &&
		    !(tome_rd(&page->state) & TOME_PAGE_MODIFIED);
		if (leaves) {
			an->slot = slot;
			tome_frame_unwire(vm, pfn);
			anon_leave(p, page, an);
			tome_add(&p->swapped_out, 1);
		}
		tome_bit_unlock(vm, &an->word, TOME_ANON_LOCK,
		    TOME_RANK_ANON);
	}
	tome_epoch_leave(vm);
	return leaves;
}
