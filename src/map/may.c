/*
 * may.c - whether rights could be set, for who wants all of a change or nothing.
 *
 * Locks: takes the map's.
 */
#include <map/edit.h>

enum tome_err
tome_map_may_protect(struct tome_map *map, tome_va_t start, tome_va_t len,
    tome_prot_t prot)
{
	tome_va_t end = start + len, at = start;
	tome_prot_t beyond = 0;
	struct tome_entry *en;

	if (!tome_range_ok(map, start, len) || (prot & ~TOME_PROT_ALL) != 0)
		return TOME_EINVAL;
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	en = tome_tree_find(&map->tree, start);
	for (; at < end && en != NULL && en->start <= at;
	    en = tome_tree_next(&map->tree, en)) {
		at = en->end;
		beyond |= prot & ~(tome_prot_t)en->max_prot;
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	return at < end ? TOME_ENOMEM : beyond != 0 ? TOME_EACCES : TOME_OK;
}
