/*
 * each.c - every amap in turn: those of objects, then those of each map's entries. What
 * is made or moved meanwhile may be missed.
 *
 * Locks: a map's while its entries are looked at; none between two steps.
 */
#include <map/map_i.h>
#include <paging/paging_i.h>

struct tome_object *
tome_object_after(struct tome_vm *vm, struct tome_object *ob)
{
	struct tome_objects *all = vm->objects;
	uintptr_t irq = tome_spin_lock(vm, &all->list_lock, TOME_RANK_QUEUE);

	for (ob = ob != NULL ? ob->next : all->list; ob != NULL; ob = ob->next)
		if (ob->amap != NULL && tome_object_try_ref(ob))
			break;
	tome_spin_unlock(vm, &all->list_lock, TOME_RANK_QUEUE, irq);
	return ob;
}

/* The amap of the first entry from *va on that has one, counted; *va moves on. */
static struct tome_amap *
amap_after(struct tome_map *map, tome_va_t *va)
{
	struct tome_amap *am = NULL;
	struct tome_entry *en;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	for (en = tome_tree_find(&map->tree, *va); en != NULL && am == NULL;
	    en = tome_tree_next(&map->tree, en)) {
		*va = en->end;
		am = tome_entry_amap(en);
	}
	if (am != NULL)
		tome_amap_ref(am);
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	return am;
}

/* On to the next object; true: there is one. */
static bool
next_object(struct tome_each *e)
{
	struct tome_object *was = e->object;

	if (e->maps)
		return false;
	e->object = tome_object_after(e->vm, was);
	if (was != NULL)
		tome_object_drop(was);
	e->maps = e->object == NULL;
	return !e->maps;
}

static struct tome_amap *
next_in_maps(struct tome_each *e)
{
	struct tome_amap *am = NULL;

	if (e->map != NULL)
		am = amap_after(e->map, &e->va);
	while (am == NULL &&
	    (e->map = tome_map_after(e->vm, e->map)) != NULL) {
		e->va = e->map->lo;
		am = amap_after(e->map, &e->va);
	}
	return am;
}

struct tome_amap *
tome_each_next(struct tome_each *e)
{
	if (next_object(e))
		return e->object->amap;
	if (e->counted != NULL)
		tome_amap_unref(e->counted);
	e->counted = next_in_maps(e);
	return e->counted;
}

void
tome_each_end(struct tome_each *e)
{
	if (e->counted != NULL)
		tome_amap_unref(e->counted);
	if (e->map != NULL)
		tome_map_unref(e->map);
	if (e->object != NULL)
		tome_object_drop(e->object);
}
