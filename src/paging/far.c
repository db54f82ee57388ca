/*
 * far.c - packed chunks are written out (object/far.h): memory that has left holds, in
 * memory, a word of the directory for each chunk.
 *
 * Neighbours go together. Their slot numbers are copied to a frame that the area has
 * for that, and written with nothing locked; those that still are what was written
 * then become the pack. The pack's own struct is made before. So a write needs no
 * memory, and what changes meanwhile just stays.
 *
 * A write that is not over soon is left to itself: then its slot is free again when it
 * is.
 *
 * Locks: layer 6's, over the state of an area's frame; a chunk's in turn.
 */
#include <base/memory.h>
#include <object/far.h>
#include <paging/paging_i.h>


/* A pack to be. */
struct parcel {
	struct tome_swap_area *area;
	uint64_t key;
	uint32_t at, sum, ledger;
	uint32_t bits;			/* whose numbers it has */
};

static bool parcel_begin(struct tome_paging *, struct parcel *);
static void parcel_collect(struct tome_amap *, struct parcel *);
static enum tome_desk_state parcel_write(struct tome_paging *,
    const struct parcel *);
static void parcel_publish(struct tome_paging *, struct tome_amap *,
    const struct parcel *);
static void out_finish(struct tome_io *);

static enum tome_desk_state
out_change(struct tome_paging *p, struct tome_swap_area *a,
    enum tome_desk_state from, enum tome_desk_state to)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	enum tome_desk_state was = a->out.state;

	if (was == from)
		tome_wr(&a->out.state, to);
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	return was;
}

void
tome_far_write(struct tome_paging *p, struct tome_amap *am, uint64_t key)
{
	struct parcel pc = { .key = key };
	enum tome_desk_state now;

	if (!parcel_begin(p, &pc))
		return;
	parcel_collect(am, &pc);
	now = tome_pack_bits(pc.bits) < TOME_PACK_LEAST ? TOME_DESK_EMPTY :
	    parcel_write(p, &pc);
	if (now == TOME_DESK_LEFT)
		return;
	if (now == TOME_DESK_HOLDS)
		parcel_publish(p, am, &pc);
	else
		tome_slot_free(p, pc.at, now == TOME_DESK_FAILED ?
		    TOME_SLOT_RETIRED : TOME_SLOT_UNWRITTEN);
	(void)out_change(p, pc.area, now, TOME_DESK_EMPTY);
}

/* A slot, and its area's frame. */
static bool
parcel_begin(struct tome_paging *p, struct parcel *pc)
{
	unsigned n = 1;

	if (p->pack == NULL)
		p->pack = tome_pack_create(p->vm);
	pc->at = p->pack == NULL ? 0 : tome_slots_take(p, &n);
	if (pc->at == 0)
		return false;
	pc->area = tome_slot_area(p, pc->at);
	if (tome_rd(&pc->area->out.state) == TOME_DESK_EMPTY)
		return true;
	tome_slot_free(p, pc->at, TOME_SLOT_UNWRITTEN);
	return false;
}

static void
parcel_collect(struct tome_amap *am, struct parcel *pc)
{
	tome_pfn_t pfn = pc->area->out.pfn;
	uint32_t *page;

	tome_epoch_enter(am->vm);
	page = tome_frame_window(am->vm, pfn);
	memset(page, 0, TOME_PAGE_SIZE);
	for (unsigned i = 0; i < TOME_PACK_CHUNKS; i++) {
		struct tome_dirent d = tome_amap_find(am,
		    (pc->key + i) << TOME_CHUNK_SHIFT);

		if (d.chunk != NULL && tome_pack_copy(am, &d,
		    page + i * TOME_CHUNK_ANONS, pc->bits == 0, &pc->ledger))
			pc->bits |= (uint32_t)1 << i;
	}
	pc->sum = tome_desk_sum(page);
	tome_frame_window_end(am->vm, pfn, page);
	tome_epoch_leave(am->vm);
}

/* EMPTY: it could not be begun. LEFT: it is not over. */
static enum tome_desk_state
parcel_write(struct tome_paging *p, const struct parcel *pc)
{
	uint64_t deadline = p->vm->host->clock_ns(p->vm->ctx) +
	    TOME_DESK_PAUSE;
	unsigned bucket = tome_io_bucket(p);
	struct tome_swap_io *io;
	uint32_t seen;

	do {
		seen = tome_io_seen(p->vm, bucket);
		io = tome_swap_io_try(p, pc->at);
		if (io == NULL)
			tome_io_wait(p->vm, bucket, seen, deadline);
	} while (io == NULL && p->vm->host->clock_ns(p->vm->ctx) < deadline);
	if (io == NULL)
		return TOME_DESK_EMPTY;
	io->vec[0] = (struct tome_io_vec){ .pfn = pc->area->out.pfn,
		.len = (uint32_t)TOME_PAGE_SIZE };
	tome_wr(&pc->area->out.state, TOME_DESK_BUSY);
	tome_add(&p->writing, 1);
	tome_swap_io_start(p, io, TOME_IO_WRITE, pc->at, 1, out_finish);
	for (;;) {
		seen = tome_io_seen(p->vm, bucket);
		tome_io_run(p->vm);
		if (tome_rd(&pc->area->out.state) != TOME_DESK_BUSY ||
		    p->vm->host->clock_ns(p->vm->ctx) >= deadline)
			break;
		tome_io_wait(p->vm, bucket, seen, deadline);
	}
	if (out_change(p, pc->area, TOME_DESK_BUSY, TOME_DESK_LEFT) ==
	    TOME_DESK_BUSY)
		return TOME_DESK_LEFT;
	return tome_rd(&pc->area->out.state);
}

static void
out_finish(struct tome_io *base)
{
	struct tome_swap_io *io = tome_container(base, struct tome_swap_io,
	    io);
	struct tome_paging *p = base->vm->paging;
	struct tome_swap_area *a = io->area;
	bool ok = base->err == TOME_OK;

	tome_swap_count_writes(p, a, 1, ok);
	tome_add(&p->packs_written, ok);
	if (out_change(p, a, TOME_DESK_BUSY, ok ? TOME_DESK_HOLDS :
	    TOME_DESK_FAILED) == TOME_DESK_LEFT) {
		tome_slot_free(p, io->slot, ok ? TOME_SLOT_UNWRITTEN :
		    TOME_SLOT_RETIRED);
		(void)out_change(p, a, TOME_DESK_LEFT, TOME_DESK_EMPTY);
	}
	tome_add(&p->writing, (uint32_t)-1);
	tome_swap_io_put(p, io);
}

/* If nothing is left of it, its slot is free when the last of it goes: at once. */
static void
parcel_publish(struct tome_paging *p, struct tome_amap *am,
    const struct parcel *pc)
{
	tome_pfn_t pfn = pc->area->out.pfn;
	struct tome_chunk *pack = p->pack;
	const uint32_t *page;

	p->pack = NULL;
	tome_pack_begin(p->vm, pack, pc->key, pc->ledger, pc->at, pc->sum);
	tome_epoch_enter(p->vm);
	page = tome_frame_window(p->vm, pfn);
	for (uint32_t left = pc->bits; left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);
		struct tome_dirent d = tome_amap_find(am,
		    (pc->key + i) << TOME_CHUNK_SHIFT);

		if (d.chunk != NULL)
			(void)tome_pack_put(am, &d, pack,
			    page + i * TOME_CHUNK_ANONS);
	}
	tome_frame_window_end(p->vm, pfn, (void *)(uintptr_t)page);
	tome_epoch_leave(p->vm);
	tome_pack_drop(p->vm, pack);
}
