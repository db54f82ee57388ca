/*
 * protect.c - rights, and the most that rights may become.
 *
 * Narrowing edits the page tables and flushes; widening does not: the next touch
 * faults and finds the wider right (the table never grants more than the entry). But
 * what is wired and may now be written becomes the entry's own at once (as Linux).
 *
 * Locks: take the map's.
 */
#include <map/edit.h>

/* A range; none if it is empty. */
struct gained {
	tome_va_t start, end;
};

static enum tome_err protect_range(struct tome_map *, tome_va_t start,
    tome_va_t end, tome_prot_t, struct gained *) TOME_NODISCARD;
static enum tome_err protect_locked(struct tome_edit *, tome_va_t start,
    tome_va_t end, tome_prot_t, struct gained *) TOME_NODISCARD;

static bool
prot_differs(const struct tome_change *ch, const struct tome_entry *en)
{
	return en->prot != ch->value;
}

/* Once writable, charged for life (as Linux). */
static inline bool
charges(const struct tome_map *map, const struct tome_entry *en,
    tome_prot_t prot)
{
	return (prot & TOME_PROT_WRITE) != 0 &&
	    !(tome_entry_flags(en) & TOME_ENTRY_CHARGED) &&
	    tome_commit_applies(map, tome_entry_flags(en), prot);
}

static void
prot_set(const struct tome_change *ch, struct tome_edit *ed,
    struct tome_entry *en)
{
	uint32_t flags = tome_entry_flags(en);

	if ((en->prot & ~ch->value) != 0)
		tome_edit_narrow(ed, en->start, en->end, ch->value);
	if (charges(ed->map, en, ch->value))
		tome_wr(&en->flags, flags | TOME_ENTRY_CHARGED);
	tome_wr(&en->prot, (uint8_t)ch->value);
}

enum tome_err
tome_map_protect(struct tome_map *map, tome_va_t start, tome_va_t len,
    tome_prot_t prot)
{
	struct gained g = { 0, 0 };
	enum tome_err err;

	if (!tome_range_ok(map, start, len) || (prot & ~TOME_PROT_ALL) != 0)
		return TOME_EINVAL;
	err = protect_range(map, start, start + len, prot, &g);
	if (g.start < g.end)
		tome_map_fill_wired(map, g.start, g.end);
	return err;
}

/* Apart, so that its edit is off the stack when pages are filled. */
static tome_noinline enum tome_err
protect_range(struct tome_map *map, tome_va_t start, tome_va_t end,
    tome_prot_t prot, struct gained *g)
{
	struct tome_edit ed;
	enum tome_err err;

	tome_edit_init(&ed, map);
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	err = protect_locked(&ed, start, end, prot, g);
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	tome_edit_release(&ed);
	return err;
}

static bool
gains(const struct tome_entry *en)
{
	return (tome_entry_flags(en) & (TOME_ENTRY_WIRED | TOME_ENTRY_ONFAULT |
		TOME_ENTRY_SHARED | TOME_ENTRY_GUARD)) == TOME_ENTRY_WIRED &&
	    !(en->prot & TOME_PROT_WRITE);
}

/* From the first to the last wired private piece that is to become writable. */
static tome_noinline void
find_gained(struct tome_map *map, tome_va_t start, tome_va_t end,
    struct gained *g)
{
	struct tome_entry *en = tome_tree_find(&map->tree, start);

	for (; en != NULL && en->start < end;
	    en = tome_tree_next(&map->tree, en)) {
		if (!gains(en))
			continue;
		if (g->end == 0)
			g->start = en->start > start ? en->start : start;
		g->end = en->end < end ? en->end : end;
	}
}

/* How far from start on the change is legal, and what stops it there; and the entry
 * at start. */
static tome_va_t
protect_reach(struct tome_map *map, tome_va_t start, tome_va_t end,
    tome_prot_t prot, enum tome_err *err, struct tome_entry **first)
{
	uint64_t data = map->data_pages, charge = 0;
	struct tome_entry *en = tome_tree_find(&map->tree, start);
	tome_va_t va = start, to;

	*first = en;
	for (; va < end; va = to) {
		if (va > start)
			en = tome_tree_next(&map->tree, en);
		*err = TOME_ENOMEM;
		if (en == NULL || en->start > va)
			return va;
		to = en->end < end ? en->end : end;
		if (tome_entry_is_data(tome_entry_flags(en), prot) &&
		    !tome_entry_is_data(tome_entry_flags(en), en->prot)) {
			data += (to - va) >> TOME_PAGE_SHIFT;
			if (data > tome_limit_pages(map->limits.data))
				return va;
		}
		if (charges(map, en, prot)) {
			charge += (to - va) >> TOME_PAGE_SHIFT;
			if (!tome_commit_allows(map->vm, charge, 0))
				return va;
		}
		*err = TOME_EACCES;
		if ((prot & ~(tome_prot_t)en->max_prot) != 0)
			return va;
	}
	*err = TOME_OK;
	return end;
}

static enum tome_err
protect_locked(struct tome_edit *ed, tome_va_t start, tome_va_t end,
    tome_prot_t prot, struct gained *g)
{
	struct tome_change change = { .differs = prot_differs,
		.set = prot_set, .value = prot };
	enum tome_err stop, err = TOME_OK;

	end = protect_reach(ed->map, start, end, prot, &stop, &change.first);
	if (ed->map->locked_pages != 0 && (prot & TOME_PROT_WRITE))
		find_gained(ed->map, start, end, g);
	if (end > start)
		err = tome_edit_change(ed, start, end, &change);
	if (err != TOME_OK)
		return err;
	tome_edit_flush(ed);
	if (end > start)
		tome_edit_merge(ed, start, end);
	tome_edit_finish(ed);
	return stop;
}

/* ---- the bound ---- */

static bool
max_differs(const struct tome_change *ch, const struct tome_entry *en)
{
	return en->max_prot != ch->value;	/* prot is within it */
}

static void
max_set(const struct tome_change *ch, struct tome_edit *ed,
    struct tome_entry *en)
{
	if ((en->prot & ~ch->value) != 0)
		tome_edit_narrow(ed, en->start, en->end, ch->value);
	tome_wr(&en->prot, (uint8_t)(en->prot & ch->value));
	en->max_prot = (uint8_t)ch->value;
}

enum tome_err
tome_map_set_max_prot(struct tome_map *map, tome_va_t start, tome_va_t len,
    tome_prot_t prot)
{
	struct tome_change change = { .differs = max_differs, .set = max_set,
		.value = prot };

	if ((prot & ~TOME_PROT_ALL) != 0)
		return TOME_EINVAL;
	return tome_map_change(map, start, len, &change);
}
