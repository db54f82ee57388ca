/*
 * ledger.c - who pays for pages, and for how many at most.
 *
 * An anon says in its word which ledger pays for it; a packed chunk, for all its
 * slots; a file's page in its descriptor. Faults know nothing of it: the entries of a
 * space that has a ledger send those that make a page the long way round
 * (map/snapshot.c, need.c; payer.c), where room is found first.
 *
 * Invariant 11: a ledger is charged for the anons of its word, resident or swapped, for
 *   files' pages of its word, and for those of the ledgers within it.
 *						[checked: tome_paging_recount()]
 * Locks: `ledger_lock` over the table; counts are atomic, and change with the anon or
 *   the file's page locked, or in a transfer. `sweep` over the hand.
 */
#include <map/map_i.h>
#include <object/vnode.h>
#include <paging/paging_i.h>
#include <phys/phys_i.h>

#define WORD_SHIFT 8
#define RELIEF 32u			/* pages that leave at once, if need be */
#define TRIES 3u
#define PAUSE_NS 100000000u		/* while pages are written */
#define PAUSES 20u			/* so often without any that leaves */

static uint64_t ledger_reclaim(struct tome_ledger *, uint64_t n);
static void ledgers_bury(struct tome_paging *);

static struct tome_ledger *
ledger_of(struct tome_paging *p, uint32_t word)
{
	return p->ledger[(word & TOME_ANON_LEDGER) >> WORD_SHIFT];
}

/* ---- counting ---- */

static void
change(struct tome_ledger *l, uint64_t resident, uint64_t swapped)
{
	struct tome_ledger *parent;
	uint64_t now;

	/* What is charged for nothing any more may be gone at once. */
	for (; l != NULL; l = parent) {
		parent = l->parent;
		now = resident != 0 ? tome_add(&l->resident, resident) : 0;
		if (swapped != 0)
			tome_add(&l->swapped, swapped);
		if ((int64_t)resident > 0 && now > tome_rd_relaxed(&l->peak))
			tome_wr_relaxed(&l->peak, now);
	}
}

void
tome_ledger_in(struct tome_paging *p, uint32_t word)
{
	change(ledger_of(p, word), 1, (uint64_t)-1);
}

void
tome_ledger_out(struct tome_paging *p, uint32_t word)
{
	change(ledger_of(p, word), (uint64_t)-1, 1);
}

void
tome_ledger_uncharge(struct tome_vm *vm, uint32_t word, bool resident)
{
	change(ledger_of(vm->paging, word), resident ? (uint64_t)-1 : 0,
	    resident ? 0 : (uint64_t)-1);
}

bool
tome_ledger_stores(struct tome_paging *p, uint32_t word)
{
	if (tome_likely(!(word & TOME_ANON_LEDGER)))
		return true;
	for (const struct tome_ledger *l = ledger_of(p, word); l != NULL;
	    l = l->parent)
		if (tome_rd_relaxed(&l->swapped) >=
		    tome_rd_relaxed(&l->most_swapped))
			return false;
	return true;
}

/*
 * It is not destroyed. Inside an epoch, which destroying waits for: so what is charged
 * by then is seen there.
 */
static bool
charge(struct tome_ledger *l)
{
	if (tome_rd(&l->gone))
		return false;
	change(l, 1, 0);
	return true;
}

void
tome_ledger_charge_anon(struct tome_ledger *l, struct tome_anon *an)
{
	if (!(tome_rd_relaxed(&an->word) & TOME_ANON_LEDGER) &&
	    tome_anon_resident(an) && charge(l))
		tome_or(&an->word, l->word);
}

uint32_t
tome_ledger_charge_file(struct tome_vm *vm, unsigned payer)
{
	struct tome_ledger *l;
	uint32_t word = 0;

	tome_epoch_enter(vm);
	l = tome_rd(&vm->paging->ledger[payer]);
	if (l != NULL && charge(l))
		word = l->word;
	tome_epoch_leave(vm);
	return word;
}

/* ---- room ---- */

static uint64_t
excess(const struct tome_ledger *l, uint64_t more)
{
	uint64_t now = tome_rd(&l->resident) + more;
	uint64_t most = tome_rd(&l->most_resident);

	return now > most ? now - most : 0;
}

/* What is being written leaves then. False: nothing is. Else it has paused, if only for
 * swap (ledger_reclaim settles). */
static tome_noinline bool
written_soon(struct tome_paging *p)
{
	struct tome_files *files = tome_rd(&p->vm->objects->files);
	unsigned bucket = tome_io_bucket(files);
	struct tome_vm *vm = p->vm;
	uint32_t seen;

	if (tome_rd(&p->writing) != 0)
		return true;
	if (files == NULL)
		return false;
	seen = tome_io_seen(vm, bucket);
	if (tome_rd(&files->writing) == 0)
		return false;
	tome_io_wait(vm, bucket, seen, vm->host->clock_ns(vm->ctx) + PAUSE_NS);
	return true;
}

/* True: look again. What could not be had once may have been busy. */
static bool
relieve(struct tome_ledger *l, uint64_t n, unsigned *pauses)
{
	bool (*full)(void *) = tome_rd(&l->full);

	for (unsigned i = 0; i < TRIES; i++) {
		if (ledger_reclaim(l, n > RELIEF ? n : RELIEF) > 0)
			*pauses = 0;
		else if (excess(l, 1) > 0 && (++*pauses >= PAUSES ||
		    !written_soon(l->paging)))
			continue;
		return true;
	}
	tome_add(&l->refused, 1);
	return full != NULL && full(l->arg);
}

/* While somebody uses it, it is there, though it be destroyed. */
static tome_noinline struct tome_ledger *
map_ledger_use(struct tome_map *map)
{
	struct tome_ledger *l;

	tome_epoch_enter(map->vm);
	l = tome_rd(&map->ledger);
	if (l != NULL)
		tome_add(&l->users, 1);
	tome_epoch_leave(map->vm);
	return l;
}

enum tome_err
tome_ledger_room(struct tome_map *map)
{
	struct tome_ledger *mine = map_ledger_use(map), *l;
	enum tome_err err = TOME_OK;
	unsigned pauses = 0;
	uint64_t n;

	for (l = mine; l != NULL && err == TOME_OK; l = l->parent)
		while (err == TOME_OK && (n = excess(l, 1)) > 0)
			err = relieve(l, n, &pauses) ? TOME_OK : TOME_ENOMEM;
	if (mine != NULL)
		tome_add(&mine->users, (uint32_t)-1);
	return err;
}

/* So many more may be read for who did not ask for them. Less than twice that is not
 * reclaimed for it. */
static bool
ahead_fits(struct tome_ledger *l)
{
	for (; l != NULL; l = l->parent) {
		if (excess(l, TOME_PAGER_MAX) == 0)
			continue;
		if (tome_rd(&l->most_resident) < 2 * TOME_PAGER_MAX)
			return false;
		(void)ledger_reclaim(l, TOME_PAGER_MAX);
		if (excess(l, TOME_PAGER_MAX) > 0)
			return false;
	}
	return true;
}

uint8_t
tome_ledger_payer(struct tome_map *map, bool *alone)
{
	struct tome_ledger *l = map_ledger_use(map);
	uint8_t payer = 0;

	if (l != NULL) {
		payer = (uint8_t)(l->word >> WORD_SHIFT);
		if (!*alone)
			*alone = !ahead_fits(l);
		tome_add(&l->users, (uint32_t)-1);
	}
	return payer;
}

/* Best effort: what comes is there to stay, for who asked for it needs it. */
void
tome_ledger_trim(struct tome_paging *p, uint32_t word, unsigned more)
{
	uint64_t n;

	for (struct tome_ledger *l = ledger_of(p, word); l != NULL;
	    l = l->parent) {
		n = excess(l, more);
		if (n > 0)
			(void)ledger_reclaim(l, n);
	}
}

/* ---- the group's own pages leave ---- */

/* Who pays, as it says. */
static uint32_t
page_word(struct tome_paging *p, const struct tome_page *page)
{
	struct tome_anon *an;

	if (tome_page_identity(page) == TOME_PAGE_CACHE)
		return tome_rd_relaxed(&page->next);
	an = tome_pageout_owner(p->vm, page);
	return an != NULL ? tome_rd_relaxed(&an->word) : 0;
}

/* Does the group pay for this page? It may be anything by now. */
static bool
page_is_of(const struct tome_ledger *group, const struct tome_page *page)
{
	struct tome_paging *p = group->paging;
	const struct tome_ledger *l;

	tome_epoch_enter(p->vm);
	l = ledger_of(p, page_word(p, page));
	while (l != NULL && l != group)
		l = l->parent;
	tome_epoch_leave(p->vm);
	return l != NULL;
}

/* The next of its pages, at most so many frames on, which are then fewer. NULL: there is
 * none. Under `sweep`. */
static tome_noinline struct tome_page *
group_next(struct tome_ledger *l, tome_pfn_t *steps)
{
	struct tome_vm *vm = l->paging->vm;
	struct tome_page *page;

	for (; *steps > 0; --*steps) {
		l->hand = l->hand + 1 < vm->npfn ? l->hand + 1 : 0;
		page = tome_page_try(vm, l->hand);
		if (page != NULL && page_is_of(l, page))
			return page;
	}
	return NULL;
}

/* Without a frame of its own: the stack below is deep. */
static tome_noinline enum tome_evict
page_evict(struct tome_paging *p, struct tome_page *page,
    enum tome_evict_which which)
{
	return tome_page_identity(page) == TOME_PAGE_CACHE ?
	    tome_cache_evict(p->vm, page, which) :
	    tome_pageout_anon(&p->sweeping, page, which);
}

static tome_noinline void
page_left(struct tome_ledger *l, enum tome_evict_which which)
{
	struct tome_paging *p = l->paging;

	l->want--;
	if (which == TOME_EVICT_UNUSED)
		tome_choice_left(p, tome_zone_of(p->vm, l->hand)->kind);
}

/* Round all frames once, or until as many as are wanted leave. Under `sweep`. */
static tome_noinline void
sweep_group(struct tome_ledger *l, enum tome_evict_which which)
{
	struct tome_paging *p = l->paging;
	tome_pfn_t steps = p->vm->npfn;
	struct tome_page *page;
	enum tome_evict what;

	while (l->want > 0 && (page = group_next(l, &steps)) != NULL) {
		steps--;
		what = page_evict(p, page, which);
		if (what == TOME_EVICT_FREED || what == TOME_EVICT_STARTED)
			page_left(l, which);
		if (p->sweeping.n == TOME_SWAP_MAX)
			tome_pageout_end(&p->sweeping);
	}
	tome_pageout_end(&p->sweeping);
}

/* Those not used lately first, then any. How many leave. */
static uint64_t
ledger_reclaim(struct tome_ledger *l, uint64_t n)
{
	struct tome_paging *p = l->paging;

	tome_mutex_lock(p->vm, &p->sweep, TOME_RANK_MAP);
	p->choice.hurry = true;
	l->want = n;
	tome_pageout_begin(&p->sweeping, p);
	sweep_group(l, TOME_EVICT_UNUSED);
	sweep_group(l, TOME_EVICT_ANY);
	n -= l->want;
	tome_mutex_unlock(p->vm, &p->sweep, TOME_RANK_MAP);
	tome_swap_settle(p);
	tome_vm_quiesce(p->vm, false);
	return n;
}

/* ---- coming and going ---- */

static enum tome_err
ledger_list(struct tome_paging *p, struct tome_ledger *l)
{
	for (unsigned i = 1; i <= TOME_LEDGERS; i++)
		if (p->ledger[i] == NULL) {
			l->word = i << WORD_SHIFT;
			tome_wr(&p->ledger[i], l);
			return TOME_OK;
		}
	return TOME_ENOSPC;
}

enum tome_err
tome_ledger_create(struct tome_vm *vm, struct tome_ledger *parent,
    struct tome_ledger **out)
{
	struct tome_paging *p = vm->paging;
	struct tome_ledger *l = tome_kzalloc(vm, sizeof *l);
	enum tome_err err;

	if (l == NULL)
		return TOME_ENOMEM;
	l->paging = p;
	l->parent = parent;
	l->most_resident = l->most_swapped = UINT64_MAX;
	tome_mutex_lock(vm, &p->ledger_lock, TOME_RANK_MAP);
	ledgers_bury(p);
	err = ledger_list(p, l);
	tome_mutex_unlock(vm, &p->ledger_lock, TOME_RANK_MAP);
	if (err == TOME_OK)
		*out = l;
	else
		tome_kfree(vm, l);
	return err;
}

/* A space, or a ledger, has it. */
static bool
is_had(struct tome_paging *p, const struct tome_ledger *l)
{
	struct tome_map *map = NULL;
	bool had = false;

	for (unsigned i = 1; i <= TOME_LEDGERS && !had; i++)
		had = p->ledger[i] != NULL && p->ledger[i]->parent == l &&
		    !p->ledger[i]->gone;
	while (!had && (map = tome_map_after(p->vm, map)) != NULL)
		had = tome_rd(&map->ledger) == l;
	if (map != NULL)
		tome_map_unref(map);
	return had;
}

enum tome_err
tome_ledger_destroy(struct tome_ledger *l)
{
	struct tome_paging *p = l->paging;
	enum tome_err err = TOME_EBUSY;

	tome_mutex_lock(p->vm, &p->ledger_lock, TOME_RANK_MAP);
	if (!is_had(p, l)) {
		tome_wr(&l->gone, true);
		tome_epoch_wait(p->vm);
		ledgers_bury(p);
		err = TOME_OK;
	}
	tome_mutex_unlock(p->vm, &p->ledger_lock, TOME_RANK_MAP);
	return err;
}

/* Destroyed, charged for nothing, and nobody's parent: whoever read its name in a
 * table is in an epoch. */
static bool
is_over(struct tome_paging *p, const struct tome_ledger *l)
{
	if (l == NULL || !l->gone || tome_rd(&l->users) > 0 ||
	    tome_rd(&l->resident) > 0 || tome_rd(&l->swapped) > 0)
		return false;
	for (unsigned i = 1; i <= TOME_LEDGERS; i++)
		if (p->ledger[i] != NULL && p->ledger[i]->parent == l)
			return false;
	return true;
}

/* Until no more are over: the last below one may have been what kept it. */
static void
ledgers_bury(struct tome_paging *p)
{
	unsigned i = 1;

	while (i <= TOME_LEDGERS) {
		struct tome_ledger *l = p->ledger[i];

		if (!is_over(p, l)) {
			i++;
			continue;
		}
		tome_wr(&p->ledger[i], (struct tome_ledger *)NULL);
		tome_epoch_wait(p->vm);
		tome_kfree(p->vm, l);
		i = 1;
	}
}

size_t
tome_ledgers_end(struct tome_paging *p)
{
	size_t left = 0;

	ledgers_bury(p);
	for (unsigned i = 1; i <= TOME_LEDGERS; i++)
		if (p->ledger[i] != NULL) {
			left++;
			tome_kfree(p->vm, p->ledger[i]);
		}
	return left;
}

void
tome_ledger_limit(struct tome_ledger *l, const struct tome_ledger_limits *limit)
{
	uint64_t n;

	tome_wr(&l->most_resident, limit->resident);
	tome_wr(&l->most_swapped, limit->swapped);
	n = excess(l, 0);
	if (n > 0)
		(void)ledger_reclaim(l, n);
}

void
tome_ledger_full(struct tome_ledger *l, bool (*full)(void *), void *arg)
{
	l->arg = arg;
	tome_wr(&l->full, full);
}

void
tome_ledger_state(const struct tome_ledger *l, struct tome_ledger_state *out)
{
	*out = (struct tome_ledger_state){
		.limit = { tome_rd(&l->most_resident),
		    tome_rd(&l->most_swapped) },
		.resident = tome_rd(&l->resident),
		.swapped = tome_rd(&l->swapped),
		.peak = tome_rd(&l->peak), .refused = tome_rd(&l->refused) };
}

/* Entries that are made from now on have it from the map. */
void
tome_map_set_ledger(struct tome_map *map, struct tome_ledger *l)
{
	struct tome_entry *en;
	uint32_t flags;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	tome_wr(&map->ledger, l);
	for (en = tome_tree_find(&map->tree, map->lo); en != NULL;
	    en = tome_tree_next(&map->tree, en)) {
		tome_epoch_enter(map->vm);
		tome_entry_begin(en);
		flags = tome_entry_flags(en) & ~TOME_ENTRY_LEDGER;
		tome_wr(&en->flags, l != NULL ? flags | TOME_ENTRY_LEDGER :
		    flags);
		tome_entry_end(en);
		tome_epoch_leave(map->vm);
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
}

struct tome_ledger *
tome_map_ledger(struct tome_map *map)
{
	return tome_rd(&map->ledger);
}

/* ---- the recount ---- */

static void
see(struct tome_ledger *l, bool resident)
{
	for (; l != NULL; l = l->parent) {
		l->seen_resident += resident;
		l->seen_swapped += !resident;
	}
}

/* A frame that has left its file has said that nobody pays. */
static void
files_see(struct tome_paging *p)
{
	for (tome_pfn_t pfn = 0; pfn < p->vm->npfn; pfn++) {
		const struct tome_page *page = tome_page_try(p->vm, pfn);

		if (page != NULL && tome_page_identity(page) ==
		    TOME_PAGE_CACHE && page->next != 0)
			see(ledger_of(p, page->next), true);
	}
}

/* Nobody names what is being read for who went meanwhile: it is charged until then. */
static void
orphans_see(struct tome_paging *p)
{
	const struct tome_swap_area *a;
	const struct tome_anon *an;
	unsigned at;

	for (a = p->areas; a != NULL; a = a->next)
		for (at = 0; (an = tome_pagein_orphan(a, &at)) != NULL; )
			see(ledger_of(p, tome_rd(&an->word)), false);
}

/* What was seen is what was charged; it is forgotten. */
static bool
ledger_closes(struct tome_ledger *l)
{
	bool closes = l->seen_resident == l->resident &&
	    l->seen_swapped == l->swapped;

	l->seen_resident = l->seen_swapped = 0;
	return closes;
}

static const char *
ledgers_verify(struct tome_paging *p)
{
	const char *why = NULL;

	files_see(p);
	orphans_see(p);
	for (unsigned i = 1; i <= TOME_LEDGERS; i++)
		if (p->ledger[i] != NULL && !ledger_closes(p->ledger[i]))
			why = "11: a ledger is not charged for what there is";
	return why;
}

const char *
tome_paging_recount(struct tome_vm *vm, uint32_t slot, uint32_t word,
    bool resident, enum tome_recount what)
{
	struct tome_paging *p = vm->paging;

	if (what == TOME_RECOUNT_VERIFY)
		return tome_slots_recount(p, 0, what) ? ledgers_verify(p) :
		    "11: a swap slot has no owner";
	if ((word & TOME_ANON_LEDGER) && what == TOME_RECOUNT_SUB)
		see(ledger_of(p, word), resident);
	return slot == 0 || tome_slots_recount(p, slot, what) ? NULL :
	    "11: a swap slot is not its owner's alone";
}
