/*
 * wire.c - memory that stays: mlock and its kin.
 *
 * An entry's WIRED flag makes every fault on it enter wired translations; wiring
 * sets the flag, then faults every page of the range.
 *
 * Locks: take the map's; filling runs without.
 */
#include <map/edit.h>

#define WIRE_FLAGS (TOME_ENTRY_WIRED | TOME_ENTRY_ONFAULT)

static enum tome_err wire_range(struct tome_map *, tome_va_t start,
    tome_va_t len, uint32_t flags) TOME_NODISCARD;
static enum tome_err wire_locked(struct tome_edit *, tome_va_t start,
    tome_va_t end, uint32_t flags) TOME_NODISCARD;
static enum tome_err wire_fill(struct tome_map *, tome_va_t start,
    tome_va_t end, bool best_effort) TOME_NODISCARD;

static bool
wire_differs(const struct tome_change *ch, const struct tome_entry *en)
{
	return (tome_entry_flags(en) & WIRE_FLAGS) != ch->value &&
	    (tome_entry_flags(en) & TOME_ENTRY_GUARD) == 0;
}

static void
wire_set(const struct tome_change *ch, struct tome_edit *ed,
    struct tome_entry *en)
{
	if (!(ch->value & TOME_ENTRY_WIRED))
		tome_range_unwire(ed->map->pmap, en->start, en->end);
	tome_wr(&en->flags,
	    (tome_entry_flags(en) & ~WIRE_FLAGS) | ch->value);
}

static uint32_t
wire_flags(bool onfault)
{
	return onfault ? WIRE_FLAGS : TOME_ENTRY_WIRED;
}

enum tome_err
tome_map_wire(struct tome_map *map, tome_va_t start, tome_va_t len,
    bool onfault)
{
	enum tome_err err = wire_range(map, start, len, wire_flags(onfault));

	if (err != TOME_OK || onfault)
		return err;
	return wire_fill(map, start, start + len, false);
}

enum tome_err
tome_map_unwire(struct tome_map *map, tome_va_t start, tome_va_t len)
{
	return wire_range(map, start, len, 0);
}

/* Apart, so that its edit is off the stack when pages are filled. */
static tome_noinline enum tome_err
wire_range(struct tome_map *map, tome_va_t start, tome_va_t len, uint32_t flags)
{
	struct tome_edit ed;
	enum tome_err err;

	if (!tome_range_ok(map, start, len))
		return TOME_ENOMEM;
	tome_edit_init(&ed, map);
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	err = wire_locked(&ed, start, start + len, flags);
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	tome_edit_release(&ed);
	return err;
}

/* Pages of the range that are wired already. */
static uint64_t
wired_pages(struct tome_map *map, tome_va_t start, tome_va_t end)
{
	struct tome_entry *en = tome_tree_find(&map->tree, start);
	tome_va_t from, to;
	uint64_t pages = 0;

	for (; en != NULL && en->start < end;
	    en = tome_tree_next(&map->tree, en)) {
		from = en->start > start ? en->start : start;
		to = en->end < end ? en->end : end;
		if (tome_entry_flags(en) & TOME_ENTRY_WIRED)
			pages += (to - from) >> TOME_PAGE_SHIFT;
	}
	return pages;
}

/* What lies before a hole is wired all the same (Linux), but not filled. */
static enum tome_err
wire_locked(struct tome_edit *ed, tome_va_t start, tome_va_t end,
    uint32_t flags)
{
	struct tome_change change = { .differs = wire_differs,
		.set = wire_set, .value = flags };
	struct tome_map *map = ed->map;
	uint64_t n = (end - start) >> TOME_PAGE_SHIFT;
	tome_va_t to = tome_range_mapped(map, start, end);
	enum tome_err err = TOME_OK;

	if ((flags & TOME_ENTRY_WIRED) &&
	    map->locked_pages + n > tome_limit_pages(map->limits.locked) &&
	    map->locked_pages + n - wired_pages(map, start, end) >
	    tome_limit_pages(map->limits.locked))
		return TOME_ENOMEM;
	if (to > start)
		err = tome_edit_change(ed, start, to, &change);
	if (err != TOME_OK)
		return err;
	if (to > start)
		tome_edit_merge(ed, start, to);
	tome_edit_finish(ed);
	return to < end ? TOME_ENOMEM : TOME_OK;
}

/* The part of [start, end) that is one entry's, and how to fill it. */
static bool
fill_next(struct tome_map *map, tome_va_t *start, tome_va_t *end,
    tome_prot_t *access)
{
	struct tome_entry *en;
	bool some;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	en = tome_tree_find(&map->tree, *start);
	some = en != NULL && en->start < *end;
	if (some) {
		*start = en->start > *start ? en->start : *start;
		*end = en->end < *end ? en->end : *end;
		*access = tome_entry_fill_access(en);
		if ((tome_entry_flags(en) & (WIRE_FLAGS | TOME_ENTRY_GUARD)) !=
		    TOME_ENTRY_WIRED)
			*access = TOME_PROT_NONE;
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	return some;
}

/* ENOMEM: a page nobody may touch, or lost to its object; EAGAIN: no memory. */
static enum tome_err
wire_fill(struct tome_map *map, tome_va_t start, tome_va_t end,
    bool best_effort)
{
	tome_va_t to = end;
	tome_prot_t access;
	enum tome_err err;

	for (; start < end && fill_next(map, &start, &to, &access);
	    start = to, to = end) {
		if (access == TOME_PROT_NONE)
			continue;
		err = tome_map_populate(map, start, to, access);
		if (err != TOME_OK && !best_effort)
			return err == TOME_ENOMEM ? TOME_EAGAIN : TOME_ENOMEM;
	}
	return TOME_OK;
}

/* What is wired in the range, as far as memory goes. */
void
tome_map_fill_wired(struct tome_map *map, tome_va_t start, tome_va_t end)
{
	(void)!wire_fill(map, start, end, true);
}

/* ---- everything ---- */

static void
wire_every(struct tome_map *map, uint32_t flags)
{
	struct tome_change change = { .differs = wire_differs,
		.set = wire_set, .value = flags };
	struct tome_edit ed;

	/* No entry is cut: nothing is reserved, so nothing fails. */
	tome_edit_init(&ed, map);
	(void)!tome_edit_change(&ed, map->lo, map->hi, &change);
	tome_edit_merge(&ed, map->lo, map->hi);
	tome_edit_finish(&ed);
	tome_edit_release(&ed);
}

enum tome_err
tome_map_wire_all(struct tome_map *map, bool onfault)
{
	enum tome_err err = TOME_OK;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	if (map->vpages > tome_limit_pages(map->limits.locked))
		err = TOME_ENOMEM;
	else
		wire_every(map, wire_flags(onfault));
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	if (err == TOME_OK && !onfault)
		err = wire_fill(map, map->lo, map->hi, true);
	return err;
}

void
tome_map_unwire_all(struct tome_map *map)
{
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	wire_every(map, 0);
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
}
