/*
 * place.c - where an unfixed mapping goes.
 *
 * The hint, if it is free; else the highest gap below the map's top (randomised at
 * creation), or the lowest gap. Stacks keep a guard gap below them. What is as
 * large as a leaf table's span is placed on a multiple of it, unless the caller says
 * what on, so that moving it later relinks whole tables.
 *
 * Locks: the map's.
 */
#include <map/edit.h>

/* Gaps that end at a stack's guard are tried again below it, so often. */
#define GUARD_TRIES 16

static bool place_hint(struct tome_map *, const struct tome_map_request *,
    tome_va_t hi, tome_va_t *out);
static bool place_gap(struct tome_map *, const struct tome_map_request *,
    tome_va_t align, tome_va_t hi, tome_va_t *out);

bool
tome_map_place(struct tome_map *map, const struct tome_map_request *rq,
    tome_va_t *out)
{
	tome_va_t hi = rq->addr > map->unasked ? map->hi : map->unasked;
	tome_va_t span = tome_leaf_span();

	if (rq->below != 0 && rq->below < hi)
		hi = rq->below;
	if (rq->addr != 0 && place_hint(map, rq, hi, out))
		return true;
	if (rq->len >= span && rq->align == 0 &&
	    place_gap(map, rq, span, hi, out))
		return true;
	return place_gap(map, rq, rq->align, hi, out);
}

/* How far up a mapping below this entry may reach. */
static tome_va_t
guarded_start(const struct tome_entry *en)
{
	if (!(tome_entry_flags(en) & TOME_ENTRY_GROWSDOWN))
		return en->start;
	return en->start > TOME_STACK_GUARD ? en->start - TOME_STACK_GUARD : 0;
}

static bool
place_hint(struct tome_map *map, const struct tome_map_request *rq,
    tome_va_t hi, tome_va_t *out)
{
	tome_va_t va = tome_page_floor(rq->addr);
	struct tome_entry *en;

	if (va < map->lo || va > hi || hi - va < rq->len ||
	    (rq->align != 0 && (va & (rq->align - 1)) != 0))
		return false;
	en = tome_tree_find(&map->tree, va);
	if (en != NULL && guarded_start(en) < va + rq->len)
		return false;
	*out = va;
	return true;
}

/* Does a stack above leave too little room? Then no higher than *hi. */
static bool
into_guard(struct tome_map *map, tome_va_t end, tome_va_t *hi)
{
	struct tome_entry *en = tome_tree_find(&map->tree, end);

	if (en == NULL || guarded_start(en) >= end)
		return false;
	*hi = guarded_start(en);
	return true;
}

static bool
place_down(struct tome_map *map, const struct tome_map_request *rq,
    tome_va_t align, tome_va_t hi, tome_va_t *out)
{
	for (unsigned i = 0; i < GUARD_TRIES; i++) {
		if (!tome_tree_gap_highest(&map->tree, rq->len, align, map->lo,
		    hi, out))
			return false;
		if (!into_guard(map, *out + rq->len, &hi))
			return true;
	}
	return false;
}

static bool
place_up(struct tome_map *map, const struct tome_map_request *rq,
    tome_va_t align, tome_va_t hi, tome_va_t *out)
{
	tome_va_t lo = map->lo, guard;

	for (unsigned i = 0; i < GUARD_TRIES; i++) {
		if (!tome_tree_gap_lowest(&map->tree, rq->len, align, lo, hi,
		    out))
			return false;
		if (!into_guard(map, *out + rq->len, &guard))
			return true;
		lo = tome_tree_find(&map->tree, *out)->start;
	}
	return false;
}

static bool
place_gap(struct tome_map *map, const struct tome_map_request *rq,
    tome_va_t align, tome_va_t hi, tome_va_t *out)
{
	if (rq->flags & TOME_MAP_BOTTOMUP)
		return place_up(map, rq, align, hi, out);
	if (map->top < hi && place_down(map, rq, align, map->top, out))
		return true;
	return place_down(map, rq, align, hi, out);
}
