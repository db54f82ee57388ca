/*
 * edit.c - the steps of a structural operation (edit.h has their order).
 *
 * Locks: the map's, from the first reserve to finish.
 * Owns: what is reserved, until release; the counts of dead entries.
 */
#include <base/memory.h>
#include <map/edit.h>

static struct tome_entry *split_hole(struct tome_edit *, struct tome_entry *,
    tome_va_t from, tome_va_t to);
static struct tome_object *cut_limit(struct tome_entry *, uint64_t gone);
static void edit_wipe(struct tome_edit *);
static void edit_bury(struct tome_edit *, struct tome_entry *);
static void entry_retired(struct tome_vm *, struct tome_retired *);

void
tome_edit_init(struct tome_edit *ed, struct tome_map *map)
{
	ed->map = map;
	ed->touched = ed->spare = ed->dead = NULL;
	ed->object = NULL;
	ed->flush = false;
	ed->nwipes = 0;
	ed->nodes.n = 0;
	ed->nodes.node = NULL;
}

enum tome_err
tome_edit_reserve(struct tome_edit *ed, tome_va_t va, unsigned inserts)
{
	struct tome_entry *en = tome_entry_alloc(ed->map);

	if (en == NULL)
		return TOME_ENOMEM;
	tome_entry_chain(en, ed->spare);
	ed->spare = en;
	return tome_tree_reserve(&ed->map->tree, &ed->nodes, va, inserts);
}

enum tome_err
tome_edit_reserve_many(struct tome_edit *ed, unsigned n)
{
	struct tome_entry *en;

	for (unsigned i = 0; i < n; i++) {
		en = tome_entry_alloc(ed->map);
		if (en == NULL)
			return TOME_ENOMEM;
		tome_entry_chain(en, ed->spare);
		ed->spare = en;
	}
	return tome_tree_reserve_most(&ed->map->tree, &ed->nodes, n);
}

/*
 * The gather opens with the first change of the page tables. From then until its
 * round this is a section: a page that lost its translation here, but is still in a
 * TLB, has no record left, and whoever takes it from its object (truncation) finds
 * nothing to flush; so he waits for the section (races.md, F14).
 */
struct tome_gather *
tome_edit_gather(struct tome_edit *ed)
{
	if (!ed->flush) {
		tome_epoch_enter(ed->map->vm);
		tome_gather_begin(&ed->gather, ed->map->pmap);
	}
	ed->flush = true;
	return &ed->gather;
}

/* A client that tagged its mappings follows their pieces. */
void
tome_entry_tell(const struct tome_map *map, const struct tome_entry *en,
    bool dead)
{
	if (en->tag != 0 && map->entry_changed != NULL)
		map->entry_changed(map->arg, en->tag, en->start, en->end, dead);
}

/* ---- touching and making ---- */

void
tome_edit_touch(struct tome_edit *ed, struct tome_entry *en)
{
	if (tome_rd_relaxed(&en->flags) & TOME_ENTRY_TOUCHED)
		return;
	tome_entry_begin(en);
	tome_wr(&en->flags, en->flags | TOME_ENTRY_TOUCHED);
	tome_entry_chain(en, ed->touched);
	ed->touched = en;
}

struct tome_entry *
tome_edit_new(struct tome_edit *ed)
{
	struct tome_entry *en = ed->spare;

	TOME_CHECK(ed->map->vm, en != NULL);
	ed->spare = tome_entry_chained(en);
	tome_entry_chain(en, NULL);
	return en;
}

void
tome_edit_insert(struct tome_edit *ed, struct tome_entry *en)
{
	en->flags |= TOME_ENTRY_TOUCHED;
	tome_entry_chain(en, ed->touched);
	ed->touched = en;
	tome_tree_insert(&ed->map->tree, &ed->nodes, en);
	tome_entry_count(ed->map, en);
	ed->map->nentries++;
}

struct tome_entry *
tome_edit_split(struct tome_edit *ed, struct tome_entry *en, tome_va_t at)
{
	return split_hole(ed, en, at, at);
}

/* en keeps what lies below `from`; what lies above `to` is returned. */
static struct tome_entry *
split_hole(struct tome_edit *ed, struct tome_entry *en, tome_va_t from,
    tome_va_t to)
{
	struct tome_entry *by = tome_edit_new(ed);
	uint64_t gone = to - en->start;

	tome_edit_touch(ed, en);
	tome_entry_copy(by, en);
	by->amap = en->amap;
	if (by->amap != NULL)
		tome_amap_ref(by->amap);
	by->flags |= tome_entry_flags(en) & TOME_ENTRY_NEEDS_COPY;
	by->start = to;
	by->slot += gone >> TOME_PAGE_SHIFT;
	by->offset += gone >> TOME_PAGE_SHIFT;
	if (cut_limit(by, gone) != NULL)
		tome_object_drop(en->object);	/* en's count is left */
	tome_edit_set_bounds(ed, en, en->start, from);
	tome_edit_insert(ed, by);
	tome_entry_tell(ed->map, by, false);
	return by;
}

/*
 * What the object backs, once the first `gone` bytes are no longer en's. If that is
 * nothing, the object, whose count is the caller's now.
 */
static struct tome_object *
cut_limit(struct tome_entry *en, uint64_t gone)
{
	struct tome_object *ob = en->object;

	if (en->limit == 0)
		return NULL;
	if (en->limit > gone) {
		tome_wr(&en->limit, en->limit - gone);
		return NULL;
	}
	tome_wr(&en->object, NULL);
	tome_wr(&en->limit, 0);
	tome_wr(&en->offset, 0);
	return ob;
}

void
tome_edit_set_bounds(struct tome_edit *ed, struct tome_entry *en,
    tome_va_t start, tome_va_t end)
{
	uint64_t down = (uint64_t)(en->start - start) >> TOME_PAGE_SHIFT;
	uint64_t up = (uint64_t)(start - en->start) >> TOME_PAGE_SHIFT;

	tome_edit_touch(ed, en);
	tome_entry_uncount(ed->map, en);
	tome_tree_bounds(&ed->map->tree, en, start, end);
	if (start > en->start) {
		tome_wr(&en->slot, en->slot + up);
		tome_wr(&en->offset, en->offset + up);
		TOME_ASSERT(ed->map->vm, ed->object == NULL);
		ed->object = cut_limit(en, start - en->start);
	} else if (start < en->start) {
		tome_wr(&en->slot, en->slot - down);
		tome_wr(&en->offset, en->offset - down);
	}
	if (en->limit >= end - start)
		tome_wr(&en->limit, 0);
	tome_wr(&en->start, start);
	tome_wr(&en->end, end);
	tome_entry_count(ed->map, en);
}

void
tome_edit_kill(struct tome_edit *ed, struct tome_entry *en)
{
	tome_edit_touch(ed, en);
	tome_tree_remove(&ed->map->tree, en);
	tome_edit_kill_linked(ed, en);
}

void
tome_edit_kill_linked(struct tome_edit *ed, struct tome_entry *en)
{
	tome_edit_touch(ed, en);
	tome_wr(&en->flags, en->flags | TOME_ENTRY_DYING);
	tome_entry_uncount(ed->map, en);
	ed->map->nentries--;
	tome_entry_tell(ed->map, en, true);
}

/* ---- removing a range ---- */

/*
 * An amap that the entry lacks NEEDS_COPY for is not read by any other entry at
 * its slots. Only cut entries reserve: what wiping may leave of a dying one, in a
 * chunk shared with another space, goes with its amap.
 */
static bool
wipes(const struct tome_entry *en)
{
	return en->amap != NULL &&
	    ((en->flags & TOME_ENTRY_NEEDS_COPY) == 0 ||
	    tome_rd_relaxed(&en->amap->refs) == 1);
}

static enum tome_err
wipe_reserve(struct tome_edit *ed, struct tome_entry *en, tome_va_t start,
    tome_va_t end)
{
	struct tome_edit_wipe *w = &ed->wipes[ed->nwipes++];
	enum tome_err err = TOME_OK;
	struct tome_amap *am;

	start = start > en->start ? start : en->start;
	end = end < en->end ? end : en->end;
	memset(w, 0, sizeof *w);
	w->entry = en;
	w->first = tome_rd(&en->slot) +
	    ((start - en->start) >> TOME_PAGE_SHIFT);
	w->n = (end - start) >> TOME_PAGE_SHIFT;
	/* A fault may be replacing the amap by a copy. */
	tome_epoch_enter(ed->map->vm);
	am = tome_entry_amap(en);
	if (am != NULL)
		err = tome_amap_wipe_reserve(am, w->first, w->n, &w->wipe);
	tome_epoch_leave(ed->map->vm);
	return err;
}

enum tome_err
tome_edit_remove_reserve(struct tome_edit *ed, tome_va_t start, tome_va_t end,
    unsigned inserts)
{
	struct tome_entry *first = tome_tree_find(&ed->map->tree, start), *last;
	enum tome_err err = TOME_OK;

	if (first == NULL || first->start >= end)
		return TOME_OK;
	if (first->start < start || first->end > end)
		err = wipe_reserve(ed, first, start, end);
	if (err == TOME_OK && first->start < start && first->end > end)
		err = tome_edit_reserve(ed, end, inserts + 1);
	if (err != TOME_OK || first->end >= end)
		return err;
	last = tome_tree_find(&ed->map->tree, end - 1);
	if (last != NULL && last->start < end && last->end > end)
		err = wipe_reserve(ed, last, start, end);
	return err;
}

void
tome_edit_abandon(struct tome_edit *ed)
{
	struct tome_edit_wipe *w;

	tome_epoch_enter(ed->map->vm);
	while (ed->nwipes > 0) {
		w = &ed->wipes[--ed->nwipes];
		if (tome_entry_amap(w->entry) != NULL)
			tome_amap_wipe_release(tome_entry_amap(w->entry),
			    &w->wipe);
	}
	tome_epoch_leave(ed->map->vm);
	tome_edit_finish(ed);
}

/* Is the part of a cut entry that goes remembered? If not reserved, it is now. */
static void
wipe_note(struct tome_edit *ed, struct tome_entry *en, tome_va_t start,
    tome_va_t end)
{
	struct tome_edit_wipe *w = ed->wipes;

	while (w < &ed->wipes[ed->nwipes] && w->entry != en)
		w++;
	if (w < &ed->wipes[ed->nwipes] || ed->nwipes == 2)
		return;
	start = start > en->start ? start : en->start;
	end = end < en->end ? end : en->end;
	memset(w, 0, sizeof *w);
	w->entry = en;
	w->first = en->slot + ((start - en->start) >> TOME_PAGE_SHIFT);
	w->n = (end - start) >> TOME_PAGE_SHIFT;
	ed->nwipes++;
}

/* One entry's part in a removal. */
static void
remove_part(struct tome_edit *ed, struct tome_entry *en, tome_va_t start,
    tome_va_t end)
{
	tome_edit_touch(ed, en);
	if (en->start < start || en->end > end)
		wipe_note(ed, en, start, end);
	if (en->start < start && en->end > end)
		(void)split_hole(ed, en, start, end);
	else if (en->start < start)
		tome_edit_set_bounds(ed, en, en->start, start);
	else if (en->end > end)
		tome_edit_set_bounds(ed, en, end, en->end);
	else
		tome_edit_kill(ed, en);
}

void
tome_edit_remove(struct tome_edit *ed, tome_va_t start, tome_va_t end)
{
	struct tome_tree *tr = &ed->map->tree;
	struct tome_entry *en = tome_tree_find(tr, start), *next;
	bool some = false;

	for (; en != NULL && en->start < end; en = next) {
		next = en->end < end ? tome_tree_find(tr, en->end) : NULL;
		remove_part(ed, en, start, end);
		some = true;
	}
	if (some)
		tome_edit_unmap(ed, start, end);
}

void
tome_edit_unmap(struct tome_edit *ed, tome_va_t start, tome_va_t end)
{
	tome_range_remove(tome_edit_gather(ed), start, end);
}

/* ---- changing attributes ---- */

void
tome_edit_narrow(struct tome_edit *ed, tome_va_t start, tome_va_t end,
    tome_prot_t prot)
{
	tome_range_protect(tome_edit_gather(ed), start, end, prot);
}

static enum tome_err
change_reserve(struct tome_edit *ed, tome_va_t start, tome_va_t end,
    const struct tome_change *ch, struct tome_entry *first)
{
	struct tome_entry *last = first != NULL && first->end >= end ? first :
	    tome_tree_find(&ed->map->tree, end - 1);
	bool head = first != NULL && first->start < start &&
	    ch->differs(ch, first);
	bool tail = last != NULL && last->start < end && last->end > end &&
	    ch->differs(ch, last);
	enum tome_err err = TOME_OK;

	if (head)
		err = tome_edit_reserve(ed, start, 1u + tail);
	if (tail && err == TOME_OK)
		err = tome_edit_reserve(ed, end, 1u + head);
	return err;
}

enum tome_err
tome_edit_change(struct tome_edit *ed, tome_va_t start, tome_va_t end,
    const struct tome_change *ch)
{
	struct tome_tree *tr = &ed->map->tree;
	struct tome_entry *en = ch->first != NULL ? ch->first :
	    tome_tree_find(tr, start), *next;
	enum tome_err err = change_reserve(ed, start, end, ch, en);

	if (err != TOME_OK)
		return err;
	for (; en != NULL && en->start < end; en = next) {
		if (ch->differs(ch, en)) {
			if (en->start < start)
				en = tome_edit_split(ed, en, start);
			if (en->end > end)
				(void)tome_edit_split(ed, en, end);
			tome_edit_touch(ed, en);
			tome_entry_uncount(ed->map, en);
			ch->set(ch, ed, en);
			tome_entry_count(ed->map, en);
		}
		next = en->end < end ? tome_tree_find(tr, en->end) : NULL;
	}
	return TOME_OK;
}

enum tome_err
tome_map_change(struct tome_map *map, tome_va_t start, tome_va_t len,
    const struct tome_change *ch)
{
	tome_va_t end = start + len;
	struct tome_edit ed;
	enum tome_err err;

	if (!tome_range_ok(map, start, len))
		return TOME_EINVAL;
	tome_edit_init(&ed, map);
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	err = tome_edit_change(&ed, start, end, ch);
	if (err == TOME_OK) {
		if (tome_range_mapped(map, start, end) < end)
			err = TOME_ENOMEM;
		tome_edit_flush(&ed);
		tome_edit_merge(&ed, start, end);
		tome_edit_finish(&ed);
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	tome_edit_release(&ed);
	return err;
}

/* ---- flushing, merging, ending ---- */

void
tome_edit_flush(struct tome_edit *ed)
{
	if (ed->flush) {
		tome_gather_finish(&ed->gather);
		tome_epoch_leave(ed->map->vm);
	}
	ed->flush = false;
	edit_wipe(ed);
}

/* After the flush: nothing translates to these anons any more. */
static void
edit_wipe(struct tome_edit *ed)
{
	struct tome_wipe none = { { NULL, NULL } };
	struct tome_edit_wipe *w;
	struct tome_entry *en;

	while (ed->nwipes > 0) {
		w = &ed->wipes[--ed->nwipes];
		if (wipes(w->entry))
			tome_amap_wipe(w->entry->amap, w->first, w->n,
			    &w->wipe);
		else if (w->entry->amap != NULL)
			tome_amap_wipe_release(w->entry->amap, &w->wipe);
	}
	for (en = ed->touched; en != NULL; en = tome_entry_chained(en))
		if ((tome_entry_flags(en) & TOME_ENTRY_DYING) && wipes(en))
			tome_amap_wipe(en->amap, en->slot,
			    tome_entry_pages(en), &none);
}

/* b's pages become a's, with b's amap if a has none. */
static void
merge(struct tome_edit *ed, struct tome_entry *a, struct tome_entry *b)
{
	tome_va_t end = b->end;

	tome_edit_touch(ed, a);
	tome_edit_touch(ed, b);
	if (a->amap == NULL && b->amap != NULL) {
		tome_wr(&a->amap, b->amap);
		tome_wr(&a->slot, b->slot - tome_entry_pages(a));
		tome_wr(&a->flags, a->flags |
		    (tome_entry_flags(b) & TOME_ENTRY_NEEDS_COPY));
		tome_wr(&b->amap, NULL);
	}
	tome_edit_kill(ed, b);
	tome_edit_set_bounds(ed, a, a->start, end);
}

/* A fault may have given either one an amap since we looked: look once more. */
static bool
try_merge(struct tome_edit *ed, struct tome_entry *a, struct tome_entry *b)
{
	if (!tome_entry_joinable(a, b))
		return false;
	tome_edit_touch(ed, a);
	tome_edit_touch(ed, b);
	if (!tome_entry_joinable(a, b))
		return false;
	merge(ed, a, b);
	return true;
}

void
tome_edit_merge(struct tome_edit *ed, tome_va_t start, tome_va_t end)
{
	struct tome_entry *a, *b;

	tome_tree_around(&ed->map->tree, start > 0 ? start - 1 : 0, &a, &b);
	if (a == NULL || a->end > end || b == NULL || !try_merge(ed, a, b))
		a = b;
	while (a != NULL && a->end <= end) {
		b = tome_tree_next(&ed->map->tree, a);
		if (b == NULL || !try_merge(ed, a, b))
			a = b;
	}
}

void
tome_edit_finish(struct tome_edit *ed)
{
	struct tome_entry *en, *next;

	for (en = ed->touched; en != NULL; en = next) {
		next = tome_entry_chained(en);
		if (tome_entry_flags(en) & TOME_ENTRY_DYING) {
			edit_bury(ed, en);
			continue;
		}
		tome_wr(&en->flags, en->flags & ~TOME_ENTRY_TOUCHED);
		tome_entry_end(en);
	}
	ed->touched = NULL;
}

static void
edit_bury(struct tome_edit *ed, struct tome_entry *en)
{
	tome_host_point();
	tome_wr(&en->seq, TOME_ENTRY_DEAD);
	tome_entry_chain(en, ed->dead);
	ed->dead = en;
}

void
tome_edit_release(struct tome_edit *ed)
{
	struct tome_vm *vm = ed->map->vm;
	struct tome_entry *en, *next;

	for (en = ed->dead; en != NULL; en = next) {
		next = tome_entry_chained(en);
		tome_entry_drop(vm, en);
		tome_epoch_retire(vm, &en->retired, entry_retired);
	}
	for (en = ed->spare; en != NULL; en = next) {
		next = tome_entry_chained(en);
		tome_entry_free(vm, en);
	}
	tome_tree_release(&ed->map->tree, &ed->nodes);
	if (ed->object != NULL)
		tome_object_drop(ed->object);
}

static void
entry_retired(struct tome_vm *vm, struct tome_retired *r)
{
	tome_entry_free(vm, tome_container(r, struct tome_entry, retired));
}
