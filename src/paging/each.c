/*
 * each.c - visit every amap: those of objects, then those of each map's entries. What
 * is made or moved meanwhile may be missed.
 *
 * Locks: a map's while its entries are looked at; none during a visit.
 */
#include <map/map_i.h>
#include <paging/paging_i.h>

static struct tome_object *
object_after(struct tome_vm *vm, struct tome_object *ob)
{
	struct tome_objects *all = vm->objects;
	uintptr_t irq = tome_spin_lock(vm, &all->list_lock, TOME_RANK_QUEUE);

	for (ob = ob != NULL ? ob->next : all->list; ob != NULL; ob = ob->next)
		if (ob->amap != NULL && tome_object_try_ref(ob))
			break;
	tome_spin_unlock(vm, &all->list_lock, TOME_RANK_QUEUE, irq);
	return ob;
}

static bool
each_object(struct tome_vm *vm, tome_amap_fn *fn, void *arg)
{
	struct tome_object *ob = object_after(vm, NULL), *next;
	bool more = true;

	for (; ob != NULL; ob = next) {
		more = more && fn(arg, ob->amap);
		next = more ? object_after(vm, ob) : NULL;
		tome_object_drop(ob);
	}
	return more;
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

static bool
each_in_map(struct tome_map *map, tome_amap_fn *fn, void *arg)
{
	tome_va_t va = map->lo;
	struct tome_amap *am;
	bool more = true;

	while (more && (am = amap_after(map, &va)) != NULL) {
		more = fn(arg, am);
		tome_amap_unref(am);
	}
	return more;
}

void
tome_each_amap(struct tome_vm *vm, tome_amap_fn *fn, void *arg)
{
	bool more = each_object(vm, fn, arg);
	struct tome_map *map;
	uint64_t id = 0;

	while (more && (map = tome_map_after(vm, id)) != NULL) {
		id = map->id;
		more = each_in_map(map, fn, arg);
		tome_map_unref(map);
	}
}
