/*
 * remove.c - unmapping.
 *
 * Locks: takes the map's.
 */
#include <map/edit.h>

enum tome_err
tome_map_remove(struct tome_map *map, tome_va_t start, tome_va_t len)
{
	struct tome_edit ed;
	enum tome_err err;

	if (!tome_range_ok(map, start, len))
		return TOME_EINVAL;
	tome_edit_init(&ed, map);
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	err = tome_edit_remove_reserve(&ed, start, start + len, 0);
	if (err == TOME_OK) {
		tome_edit_remove(&ed, start, start + len);
		tome_edit_flush(&ed);
		tome_edit_finish(&ed);
	} else {
		tome_edit_abandon(&ed);
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	tome_edit_release(&ed);
	return err;
}
