/*
 * desk.c - packs are read (object/far.h): their pages are wanted for a chunk's slot
 * numbers, or because nobody names the pack any more and those slots are to be freed.
 *
 * Each area has a few frames of its own for that, so that reading needs no memory, and
 * one that does not answer keeps nobody from another. What was read last is found
 * again: neighbours are wanted one after another.
 *
 * Invariant: a page on a desk is as it was written, or its sum says that it is not.
 * Locks: layer 6's, over the desks. Whoever looks at one is counted, and counts the
 *   pack meanwhile, so that its area stays.
 */
#include <object/far.h>
#include <paging/paging_i.h>

/* Packs that end in one go, but for whoever wants all. */
#define ONCE 32u

static enum tome_err desk_get(struct tome_paging *, const struct tome_chunk *pack,
    uint64_t deadline, struct tome_desk **out) TOME_NODISCARD;
static bool desk_claim(struct tome_paging *, const struct tome_chunk *pack,
    struct tome_desk **out);
static bool desk_start(struct tome_paging *, struct tome_desk *);
static void desk_finish(struct tome_io *);
static void desk_put(struct tome_paging *, struct tome_desk *);

/* ---- an area's ---- */

enum tome_err
tome_desks_furnish(struct tome_paging *p, struct tome_swap_area *a)
{
	tome_pfn_t pfn[TOME_DESKS + 1];
	enum tome_err err = TOME_OK;
	unsigned n = 0;

	while (n < TOME_DESKS + 1 && err == TOME_OK) {
		err = tome_frame_alloc(p->vm, TOME_PAGE_KERNEL, 0, &pfn[n]);
		n += err == TOME_OK;
	}
	while (err != TOME_OK && n > 0)
		tome_frame_free(p->vm, pfn[--n]);
	for (unsigned i = 0; err == TOME_OK && i < TOME_DESKS; i++)
		a->desk[i].pfn = pfn[i];
	a->desks = err == TOME_OK;
	if (a->desks)
		a->out.pfn = pfn[TOME_DESKS];
	return err;
}

void
tome_desks_end(struct tome_paging *p, struct tome_swap_area *a)
{
	for (unsigned i = 0; a->desks && i < TOME_DESKS; i++) {
		TOME_CHECK(p->vm, a->desk[i].users == 0);
		tome_frame_free(p->vm, a->desk[i].pfn);
	}
	if (a->desks)
		tome_frame_free(p->vm, a->out.pfn);
	a->desks = false;
}

/* Of what is where, too. */
uint32_t
tome_desk_sum(const uint32_t *page)
{
	uint32_t sum = 0x9e3779b9u;

	for (unsigned i = 0; i < TOME_PACK_SLOTS; i++)
		sum = (sum << 5 | sum >> 27) * 0x85ebca6bu + page[i] + 1;
	return sum;
}

/* ---- reading ---- */

/*
 * The desk that has the pack's page; the caller looks at it. Until the deadline.
 * ETIMEDOUT. EIO: it cannot be read, or is not what was written.
 */
static enum tome_err
desk_get(struct tome_paging *p, const struct tome_chunk *pack,
    uint64_t deadline, struct tome_desk **out)
{
	unsigned bucket = tome_io_bucket(p);
	struct tome_desk *mine = NULL;
	enum tome_desk_state now;
	uint32_t seen;
	uint64_t at;

	for (;;) {
		seen = tome_io_seen(p->vm, bucket);
		if (mine == NULL && desk_claim(p, pack, &mine) &&
		    !desk_start(p, mine))
			mine = NULL;
		tome_io_run(p->vm);
		now = mine == NULL ? TOME_DESK_BUSY : tome_rd(&mine->state);
		if (now != TOME_DESK_BUSY)
			break;
		at = p->vm->host->clock_ns(p->vm->ctx);
		if (at >= deadline)
			break;
		tome_io_wait(p->vm, bucket, seen, deadline - at > TOME_DESK_PAUSE ?
		    at + TOME_DESK_PAUSE : deadline);
	}
	*out = mine;
	if (now == TOME_DESK_HOLDS && mine->sum == pack->far.sum)
		return TOME_OK;
	if (mine != NULL)
		desk_put(p, mine);
	return now == TOME_DESK_BUSY ? TOME_ETIMEDOUT : TOME_EIO;
}

/* The lock is held. One that has the slot's page, or will; else one that nobody looks
 * at; or NULL. */
static struct tome_desk *
desk_of(struct tome_swap_area *a, uint32_t slot)
{
	struct tome_desk *free = NULL;

	for (unsigned i = 0; i < TOME_DESKS; i++) {
		struct tome_desk *d = &a->desk[i];

		if (d->slot == slot && (d->state == TOME_DESK_BUSY ||
		    d->state == TOME_DESK_HOLDS))
			return d;
		if (d->users == 0 && d->state != TOME_DESK_BUSY &&
		    (free == NULL || d->state != TOME_DESK_HOLDS))
			free = d;
	}
	return free;
}

/* *out: a desk for the caller, NULL: none yet. True: he has to start reading. What
 * another pack left in the same slot is read anew. */
static bool
desk_claim(struct tome_paging *p, const struct tome_chunk *pack,
    struct tome_desk **out)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	struct tome_desk *d = desk_of(tome_slot_area(p, pack->far.at),
	    pack->far.at);
	bool has = d != NULL && d->slot == pack->far.at &&
	    d->state == TOME_DESK_HOLDS && d->sum == pack->far.sum;
	bool reads = d != NULL && !has && d->users == 0 &&
	    d->state != TOME_DESK_BUSY;

	*out = has || reads ? d : NULL;
	if (has || reads)
		d->users++;
	if (reads) {
		d->slot = pack->far.at;
		tome_wr(&d->state, TOME_DESK_BUSY);
	}
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	return reads;
}

/* False: no request was to be had; the claim is given up. */
static bool
desk_start(struct tome_paging *p, struct tome_desk *d)
{
	struct tome_swap_io *io = tome_swap_io_try(p, d->slot);

	if (io == NULL) {
		tome_wr(&d->state, TOME_DESK_EMPTY);
		desk_put(p, d);
		return false;
	}
	io->reader = NULL;
	io->vec[0] = (struct tome_io_vec){ .pfn = d->pfn,
		.len = (uint32_t)TOME_PAGE_SIZE };
	tome_swap_io_start(p, io, TOME_IO_READ, d->slot, 1, desk_finish);
	return true;
}

static void
desk_finish(struct tome_io *base)
{
	struct tome_swap_io *io = tome_container(base, struct tome_swap_io,
	    io);
	struct tome_paging *p = base->vm->paging;
	struct tome_swap_area *a = io->area;
	struct tome_desk *d = a->desk;
	bool ok = base->err == TOME_OK;
	uint32_t *page;
	uintptr_t irq;

	while (d->pfn != io->vec[0].pfn)
		d++;
	page = tome_frame_window(p->vm, d->pfn);
	irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	d->sum = tome_desk_sum(page);
	tome_wr(&d->state, ok ? TOME_DESK_HOLDS : TOME_DESK_FAILED);
	a->n.read_errors += !ok;
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	tome_frame_window_end(p->vm, d->pfn, page);
	tome_add(&p->packs_read, ok);
	tome_swap_io_put(p, io);
}

static void
desk_put(struct tome_paging *p, struct tome_desk *d)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);

	d->users--;
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	tome_io_progress(p->vm, tome_io_bucket(p));
}

/* ---- for a chunk ---- */

/* The pack is counted. */
static enum tome_err
slip_fill(struct tome_paging *p, struct tome_chunk *slip,
    struct tome_chunk *pack, uint64_t patience)
{
	uint64_t deadline = patience == 0 ? tome_slot_patience(p, pack->far.at) :
	    p->vm->host->clock_ns(p->vm->ctx) + patience;
	struct tome_chunk *named;
	struct tome_desk *d;
	enum tome_err err = desk_get(p, pack, deadline, &d);
	uint32_t *page;

	if (err != TOME_OK)
		return TOME_EIO;
	page = tome_frame_window(p->vm, d->pfn);
	named = tome_slip_read(p->vm, slip, page);
	tome_frame_window_end(p->vm, d->pfn, page);
	desk_put(p, d);
	if (named != NULL)
		tome_pack_drop(p->vm, named);
	return TOME_OK;
}

enum tome_err
tome_desk_meet(struct tome_paging *p, struct tome_chunk *slip,
    uint64_t patience)
{
	struct tome_chunk *pack = tome_slip_pack(p->vm, slip);
	enum tome_err err = TOME_OK;

	if (pack != NULL) {
		err = slip_fill(p, slip, pack, patience);
		tome_pack_drop(p->vm, pack);
	}
	tome_slip_put(p->vm, slip);
	return err;
}

enum tome_err
tome_desk_home(struct tome_amap *am, uint64_t slot)
{
	struct tome_fill fill = { .pagein = NULL };
	enum tome_err err = TOME_OK;
	struct tome_dirent d;

	tome_epoch_enter(am->vm);
	d = tome_amap_find(am, slot);
	if (d.chunk != NULL && tome_chunk_packed(d.chunk) &&
	    tome_chunk_far(d.chunk))
		err = tome_far_lack(am, &d, &fill);
	tome_epoch_leave(am->vm);
	return err == TOME_RETRY ?
	    tome_desk_meet(am->vm->paging, fill.far, 0) : err;
}

/* ---- for what has ended ---- */

/* False: its page cannot be read, or not yet. */
static bool
pack_bury(struct tome_paging *p, struct tome_chunk *pack)
{
	struct tome_desk *d;
	uint32_t *page;

	if (desk_get(p, pack, p->vm->host->clock_ns(p->vm->ctx) + TOME_DESK_PAUSE,
	    &d) != TOME_OK)
		return false;
	page = tome_frame_window(p->vm, d->pfn);
	tome_pack_release(p->vm, pack, page);
	tome_frame_window_end(p->vm, d->pfn, page);
	desk_put(p, d);
	return true;
}

/* All that have come, and, if so, those that could not be read. Under `bury`. */
static void
ended_take(struct tome_paging *p, bool lost)
{
	_Atomic uintptr_t *come = &p->vm->objects->far_ended;
	struct tome_chunk *pack = NULL, *next;

	if (tome_rd(come) != 0)
		pack = (struct tome_chunk *)tome_swap_sc(come, (uintptr_t)0);
	for (; pack != NULL; pack = next) {
		next = (struct tome_chunk *)pack->retired.next;
		pack->retired.next = p->ended;
		p->ended = &pack->retired;
	}
	if (!lost || p->lost == NULL)
		return;
	p->lost_last->next = p->ended;
	p->ended = p->lost;
	p->lost = NULL;
	tome_wr(&p->slots_lost, 0);
}

/* Before the others that are. */
static void
pack_is_lost(struct tome_paging *p, struct tome_chunk *pack)
{
	if (p->lost == NULL)
		p->lost_last = &pack->retired;
	pack->retired.next = p->lost;
	p->lost = &pack->retired;
	tome_add(&p->slots_lost, tome_rd(&pack->far.slots));
}

bool
tome_desk_bury(struct tome_paging *p, bool all)
{
	struct tome_chunk *pack;
	bool more;

	tome_mutex_lock(p->vm, &p->bury, TOME_RANK_MAP);
	ended_take(p, all);
	for (unsigned n = 0; p->ended != NULL && (all || n < ONCE); n++) {
		pack = tome_container(p->ended, struct tome_chunk, retired);
		p->ended = p->ended->next;
		if (pack_bury(p, pack))
			tome_pack_ended(p->vm, pack);
		else
			pack_is_lost(p, pack);
	}
	more = p->ended != NULL;
	tome_mutex_unlock(p->vm, &p->bury, TOME_RANK_MAP);
	return more;
}

uint64_t
tome_desk_forget(struct tome_paging *p)
{
	uint64_t lost = 0;

	while (p->lost != NULL) {
		struct tome_chunk *pack = tome_container(p->lost,
		    struct tome_chunk, retired);

		p->lost = p->lost->next;
		lost += tome_rd(&pack->far.slots) + 1;
		tome_pack_discard(p->vm, pack);
	}
	return lost;
}
