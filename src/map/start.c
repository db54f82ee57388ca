/*
 * start.c - layer 5 of an instance: its caches, its list of maps, its end.
 *
 * Locks: the list has a leaf-side lock of its own.
 */
#include <base/memory.h>
#include <base/text.h>
#include <map/edit.h>
#include <map/node.h>

static enum tome_err maps_create(struct tome_vm *) TOME_NODISCARD;
static size_t maps_fini(struct tome_vm *);

tome_cold enum tome_err
tome_map_start(struct tome_vm *vm)
{
	struct tome_maps *all = tome_kzalloc(vm, sizeof *all);
	enum tome_err err;

	if (all == NULL)
		return TOME_ENOMEM;
	all->overcommit = TOME_OVERCOMMIT_ALWAYS;
	vm->maps = all;
	err = maps_create(vm);
	if (err == TOME_OK)
		err = tome_objects_start(vm);
	if (err != TOME_OK) {
		(void)maps_fini(vm);
		return err;
	}
	vm->objects->shrunk = tome_maps_object_shrunk;
	all->layer.name = "map";
	all->layer.check = tome_maps_check;
	all->layer.fini = maps_fini;
	tome_layer_install(vm, &all->layer);
	return TOME_OK;
}

static tome_cold enum tome_err
maps_create(struct tome_vm *vm)
{
	struct tome_maps *all = vm->maps;
	const struct {
		struct tome_cache **cache;
		struct tome_cache_config config;
	} make[] = {
		{ &all->entries, { .name = "entry",
		    .size = sizeof(struct tome_entry) } },
		{ &all->nodes, { .name = "entry tree", .align = 64,
		    .size = sizeof(struct tome_node) } },
		{ &all->maps, { .name = "map", .align = 64,
		    .size = sizeof(struct tome_map) } },
		{ &all->names, { .name = "name",
		    .size = sizeof(struct tome_name) } },
	};
	size_t hints = vm->ncpus * sizeof *all->hint;
	enum tome_err err = TOME_OK;

	for (size_t i = 0; i < sizeof make / sizeof make[0] && err == TOME_OK;
	    i++)
		err = tome_cache_create(vm, &make[i].config, make[i].cache);
	if (err != TOME_OK)
		return err;
	/* A page, so that each begins a cache line. */
	all->hint = tome_kzalloc(vm, hints > TOME_PAGE_SIZE ? hints :
	    TOME_PAGE_SIZE);
	return all->hint != NULL ? TOME_OK : TOME_ENOMEM;
}

static tome_cold size_t
maps_fini(struct tome_vm *vm)
{
	struct tome_maps *all = vm->maps;
	struct tome_cache *caches[] = { all->entries, all->nodes, all->maps,
		all->names };
	size_t leaked = 0;

	for (size_t i = 0; i < sizeof caches / sizeof caches[0]; i++)
		if (caches[i] != NULL &&
		    tome_cache_destroy(caches[i]) != TOME_OK)
			leaked++;
	if (leaked > 0)
		tome_log_count(vm, "map: ", leaked, " caches still in use");
	tome_kfree(vm, all->hint);
	tome_kfree(vm, all);
	vm->maps = NULL;
	return leaked;
}

/* ---- the list ---- */

tome_cold void
tome_maps_link(struct tome_map *map)
{
	struct tome_maps *all = map->vm->maps;
	uintptr_t irq;

	map->id = tome_add(&all->next_id, 1);
	tome_count(map->vm, TOME_N_MAPS, 1);
	irq = tome_spin_lock(map->vm, &all->list_lock, TOME_RANK_QUEUE);
	map->next = NULL;
	map->prev = all->last;
	*(map->prev != NULL ? &map->prev->next : &all->list) = map;
	all->last = map;
	tome_spin_unlock(map->vm, &all->list_lock, TOME_RANK_QUEUE, irq);
}

tome_cold void
tome_maps_unlink(struct tome_map *map)
{
	struct tome_maps *all = map->vm->maps;
	uintptr_t irq = tome_spin_lock(map->vm, &all->list_lock,
	    TOME_RANK_QUEUE);

	*(map->next != NULL ? &map->next->prev : &all->last) = map->prev;
	*(map->prev != NULL ? &map->prev->next : &all->list) = map->next;
	tome_spin_unlock(map->vm, &all->list_lock, TOME_RANK_QUEUE, irq);
	tome_count(map->vm, TOME_N_MAPS, -1);
}
