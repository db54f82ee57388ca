/*
 * hint.c - advice that layer 6 takes, once it is there.
 */
#include <map/map_i.h>

void
tome_map_hint(struct tome_map *map, tome_va_t start, tome_va_t len,
    enum tome_advice advice)
{
	if (map->vm->maps->advise != NULL)
		map->vm->maps->advise(map, start, len, advice);
}
