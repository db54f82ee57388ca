/*
 * pack.c - chunks of what is swapped out shrink to their slot numbers
 * (object/packed.c), and page tables without translations go, so that memory that has
 * left does not hold memory.
 *
 * Every so many pages that left, all amaps are visited: a packed chunk is passed by
 * in a few instructions, any other is given up at the first anon with a page.
 *
 * Locks: a chunk's, or a map's, in turn. One thread at a time.
 */
#include <map/map_i.h>
#include <paging/paging_i.h>

/* Their anons take 16 pages, their chunks 10: as much as one visit may find. */
#define PACK_EVERY 4096u

/* How many. */
static uint64_t
amap_pack(struct tome_amap *am)
{
	uint64_t slot = 0, n = 0;
	struct tome_dirent d;
	bool more = true;

	while (more) {
		tome_epoch_enter(am->vm);
		more = tome_amap_next(am, &slot, UINT64_MAX, &d);
		if (more && !tome_chunk_packed(d.chunk))
			n += tome_chunk_pack(am, &d);
		tome_epoch_leave(am->vm);
	}
	return n;
}

/* Tables that have become empty. As tome_edit_gather(): in one section to the flush. */
static void
map_collect(struct tome_map *map)
{
	struct tome_gather g;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	tome_epoch_enter(map->vm);
	tome_gather_begin(&g, map->pmap);
	tome_range_collect(&g, map->lo, map->hi);
	tome_gather_finish(&g);
	tome_epoch_leave(map->vm);
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
}

static void
tables_collect(struct tome_vm *vm)
{
	struct tome_map *map;
	uint64_t id = 0;

	while ((map = tome_map_after(vm, id)) != NULL) {
		id = map->id;
		if (!map->kernel)
			map_collect(map);
		tome_map_unref(map);
	}
}

uint64_t
tome_pack_all(struct tome_paging *p)
{
	struct tome_each e = { .vm = p->vm };
	struct tome_amap *am;
	uint64_t n = 0;

	if (tome_or(&p->packing, 1) != 0)
		return 0;
	tome_wr(&p->packed_at, tome_rd(&p->swapped_out));
	while ((am = tome_each_next(&e)) != NULL)
		n += amap_pack(am);
	tome_each_end(&e);
	tome_wr(&p->packing, 0);
	if (n > 0) {
		tables_collect(p->vm);
		tome_vm_quiesce(p->vm, false);
		(void)tome_kmem_reap(p->vm);
	}
	return n;
}

void
tome_pack_some(struct tome_paging *p)
{
	if (tome_rd(&p->swapped_out) - tome_rd(&p->packed_at) >= PACK_EVERY)
		(void)tome_pack_all(p);
}
