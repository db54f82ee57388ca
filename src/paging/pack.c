/*
 * pack.c - chunks of what is swapped out shrink to their slot numbers
 * (object/packed.c), and page tables without translations go, so that memory that has
 * left does not hold memory.
 *
 * Every so many pages that left, all amaps are visited: a packed chunk is passed by
 * in a few instructions, any other is given up at the first anon with a page. When
 * packed chunks take too much themselves, they are written out (far.c), and read back
 * if neighbours ended meanwhile.
 *
 * Locks: a chunk's, or a map's, in turn. One thread at a time.
 */
#include <map/map_i.h>
#include <object/far.h>
#include <paging/paging_i.h>
#include <phys/phys_i.h>

/* Their anons take 16 pages, their chunks 10: as much as one visit may find. */
#define PACK_EVERY 4096u
/* Packed chunks leave when they take this part of memory. */
#define NEAR_SHIFT 8

/* A visit of all amaps. */
struct visit {
	struct tome_paging *paging;
	bool away;			/* packed chunks are to be written out */
	bool stuck;			/* a pack could not be read */
	uint64_t packed, near;		/* chunks packed; met packed, in memory */
	uint64_t paid;			/* those packed when memory was lacking */
	uint64_t window;		/* the last one met is of these; */
	unsigned n;			/* so many of them were */
};

static void
window_end(struct visit *v, struct tome_amap *am)
{
	if (v->away && v->n >= TOME_PACK_LEAST)
		tome_far_write(v->paging, am, v->window * TOME_PACK_CHUNKS);
	v->n = 0;
}

/* Inside an epoch. RETRY: it is to be read, for what it left in its pack would stay
 * there; the fill says so. ENOMEM. */
static enum tome_err
chunk_visit(struct visit *v, struct tome_amap *am, struct tome_dirent *d,
    struct tome_fill *fill)
{
	enum tome_err err = TOME_OK;

	if (!tome_chunk_packed(d->chunk)) {
		err = tome_chunk_pack(am, d);
		v->packed += err == TOME_OK;
	} else if (tome_chunk_far(d->chunk)) {
		return !v->stuck && tome_pack_rests(d->chunk) ?
		    tome_far_lack(am, d, fill) : TOME_OK;
	}
	v->n += err == TOME_OK;
	v->near += err == TOME_OK;
	return err;
}

/* What chunks were that are packed now can be had again. */
static void
memory_back(struct visit *v, struct tome_vm *vm)
{
	v->paid = v->packed;
	tome_vm_quiesce(vm, false);
	(void)tome_kmem_reap(vm);
}

/* The next chunk from *slot on, or what is to be done between two. False: no more. */
static bool
visit_step(struct visit *v, struct tome_amap *am, uint64_t *slot)
{
	struct tome_fill fill = { .pagein = NULL };
	enum tome_err err = TOME_OK;
	uint64_t at = *slot, window;
	struct tome_dirent d;
	bool more, ends;

	tome_epoch_enter(am->vm);
	more = tome_amap_next(am, &at, UINT64_MAX, &d);
	window = tome_slot_key(at - 1) / TOME_PACK_CHUNKS;
	ends = v->n > 0 && (!more || window != v->window);
	if (more && !ends) {
		v->window = window;
		err = chunk_visit(v, am, &d, &fill);
	}
	tome_epoch_leave(am->vm);
	if (ends)
		window_end(v, am);
	else if (err == TOME_ENOMEM && v->paid != v->packed)
		memory_back(v, am->vm);	/* then the same again */
	else
		*slot = at;
	if (err == TOME_RETRY)
		v->stuck = tome_desk_meet(v->paging, fill.far,
		    TOME_DESK_PAUSE) != TOME_OK;
	return more || ends;
}

static void
amap_visit(struct visit *v, struct tome_amap *am)
{
	uint64_t slot = 0;

	while (visit_step(v, am, &slot))
		;
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
	struct tome_map *map = NULL;

	while ((map = tome_map_after(vm, map)) != NULL)
		if (!map->kernel)
			map_collect(map);
}

static uint64_t
visit_all(struct tome_paging *p, bool away)
{
	struct visit v = { .paging = p, .away = away };
	struct tome_each e = { .vm = p->vm };
	struct tome_amap *am;

	if (tome_or(&p->packing, 1) != 0)
		return 0;
	tome_wr(&p->packed_at, tome_rd(&p->swapped_out));
	while ((am = tome_each_next(&e)) != NULL)
		amap_visit(&v, am);
	tome_each_end(&e);
	tome_wr_relaxed(&p->near, v.near);
	tome_wr(&p->packing, 0);
	if (v.packed > 0) {
		tables_collect(p->vm);
		memory_back(&v, p->vm);
	}
	return v.packed;
}

/* Not before it is worth what it costs to have them back. */
static bool
is_much(struct tome_paging *p)
{
	return tome_rd_relaxed(&p->near) * TOME_PACKED_SIZE >
	    (uint64_t)p->vm->phys->total << TOME_PAGE_SHIFT >> NEAR_SHIFT;
}

uint64_t
tome_pack_all(struct tome_paging *p)
{
	return visit_all(p, is_much(p));
}

uint64_t
tome_pack_away(struct tome_paging *p)
{
	return visit_all(p, true);
}

void
tome_pack_some(struct tome_paging *p)
{
	if (tome_rd(&p->swapped_out) - tome_rd(&p->packed_at) >= PACK_EVERY)
		(void)tome_pack_all(p);
}
