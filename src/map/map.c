/*
 * map.c - a map's life, limits and totals.
 *
 * Invariant 11: totals are the sums over the entries.
 * Locks: clear takes the map's. The last reference needs none: nobody faults.
 */
#include <base/memory.h>
#include <map/edit.h>

static void map_bounds(struct tome_map *, const struct tome_map_config *);
static void map_empty(struct tome_edit *);

static enum tome_err
config_check(const struct tome_map_config *c)
{
	if (c->lo >= c->hi && (c->lo != 0 || c->hi != 0 || c->kernel))
		return TOME_EINVAL;
	if (((c->lo | c->hi) & TOME_PAGE_MASK) != 0)
		return TOME_EINVAL;
	return TOME_OK;
}

enum tome_err
tome_map_create(struct tome_vm *vm, const struct tome_map_config *config,
    struct tome_map **out)
{
	static const struct tome_map_config usual = { 0 };
	const struct tome_map_config *c = config != NULL ? config : &usual;
	enum tome_err err = config_check(c);
	struct tome_map *map;

	if (err != TOME_OK)
		return err;
	map = tome_cache_get(vm->maps->maps);
	if (map == NULL)
		return TOME_ENOMEM;
	memset(map, 0, sizeof *map);
	map->vm = vm;
	map->kernel = c->kernel;
	if (c->kernel)
		map->pmap = tome_pmap_kernel(vm);
	else
		err = tome_pmap_create(vm, &map->pmap);
	if (err != TOME_OK) {
		tome_cache_put(vm->maps->maps, map);
		return err;
	}
	map_bounds(map, c);
	map->entry_changed = c->entry_changed;
	map->arg = c->arg;
	map->refs = 1;
	map->limits = (struct tome_map_limits){ UINT64_MAX, UINT64_MAX,
		UINT64_MAX, UINT64_MAX };
	tome_maps_link(map);
	*out = map;
	return TOME_OK;
}

static void
map_bounds(struct tome_map *map, const struct tome_map_config *c)
{
	struct tome_vm *vm = map->vm;
	uint64_t random = 0, room;

	map->lo = c->lo;
	map->hi = c->hi;
	if (map->hi == 0)
		tome_pmap_user_span(vm, &map->lo, &map->hi);
	map->random_bits = c->random_bits < 63 ? c->random_bits : 63;
	if (map->random_bits > 0 && vm->host->random != NULL)
		random = vm->host->random(vm->ctx) &
		    (((uint64_t)1 << map->random_bits) - 1);
	room = (map->hi - map->lo) >> TOME_PAGE_SHIFT;
	map->unasked = c->unasked != 0 ? c->unasked : map->hi;
	map->top = c->top != 0 ? c->top : map->unasked;
	if (random < room / 2)
		map->top -= (tome_va_t)random << TOME_PAGE_SHIFT;
	tome_tree_init(&map->tree, vm, map->lo, map->hi);
}

/* A child's map: as the parent's, and empty. */
enum tome_err
tome_map_create_like(struct tome_map *parent, struct tome_map **out)
{
	const struct tome_map_config config = { .lo = parent->lo,
		.hi = parent->hi, .unasked = parent->unasked,
		.kernel = parent->kernel,
		.entry_changed = parent->entry_changed, .arg = parent->arg };
	enum tome_err err = tome_map_create(parent->vm, &config, out);

	if (err != TOME_OK)
		return err;
	(*out)->random_bits = parent->random_bits;
	(*out)->top = parent->top;
	(*out)->limits = parent->limits;
	return TOME_OK;
}

void
tome_map_ref(struct tome_map *map)
{
	tome_add(&map->refs, 1);
}

void
tome_map_unref(struct tome_map *map)
{
	struct tome_vm *vm = map->vm;
	struct tome_edit ed;

	if (tome_drop(&map->refs) > 0)
		return;
	tome_maps_unlink(map);
	tome_edit_init(&ed, map);
	map_empty(&ed);
	tome_edit_flush(&ed);
	if (!map->kernel)
		tome_pmap_destroy(map->pmap);
	tome_edit_finish(&ed);
	tome_edit_release(&ed);
	tome_cache_put(vm->maps->maps, map);
}

void
tome_map_clear(struct tome_map *map)
{
	struct tome_edit ed;

	tome_edit_init(&ed, map);
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	map_empty(&ed);
	tome_edit_flush(&ed);
	tome_edit_finish(&ed);
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	tome_edit_release(&ed);
}

/*
 * Every entry dies; the tree goes at once instead of entry by entry, and the page
 * tables by runs of entries: a walk over all of a space would cost more than most
 * spaces hold.
 */
static void
map_empty(struct tome_edit *ed)
{
	struct tome_map *map = ed->map;
	struct tome_entry *en, *next;
	tome_va_t from = map->lo, to = map->lo;

	for (en = tome_tree_find(&map->tree, map->lo); en != NULL; en = next) {
		next = tome_tree_next(&map->tree, en);
		if (en->start - to >= tome_leaf_span()) {
			if (to > from)
				tome_edit_unmap(ed, from, to);
			from = en->start;
		}
		to = en->end;
		tome_edit_kill_linked(ed, en);
	}
	if (to > from)
		tome_edit_unmap(ed, from, to);
	tome_tree_clear(&map->tree);
}

struct tome_pmap *
tome_map_pmap(struct tome_map *map)
{
	return map->pmap;
}

struct tome_vm *
tome_map_vm(struct tome_map *map)
{
	return map->vm;
}

void
tome_map_switch(struct tome_map *map)
{
	tome_pmap_switch(map->pmap);
}

void
tome_map_set_limits(struct tome_map *map, const struct tome_map_limits *limits)
{
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	map->limits = *limits;
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
}

void
tome_map_get_limits(struct tome_map *map, struct tome_map_limits *out)
{
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	*out = map->limits;
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
}

bool
tome_range_ok(const struct tome_map *map, tome_va_t start, tome_va_t len)
{
	return len > 0 && ((start | len) & TOME_PAGE_MASK) == 0 &&
	    start >= map->lo && start < map->hi && len <= map->hi - start;
}

tome_va_t
tome_range_mapped(struct tome_map *map, tome_va_t start, tome_va_t end)
{
	struct tome_entry *en = tome_tree_find(&map->tree, start);

	while (en != NULL && start < end && en->start <= start) {
		start = en->end;
		en = tome_tree_next(&map->tree, en);
	}
	return start < end ? start : end;
}
