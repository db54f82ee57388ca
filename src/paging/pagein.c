/*
 * pagein.c - anons without a page get it back (object/fill.h, test/models/pagein.pml).
 *
 * A page-in is prepared with nothing locked, claims an anon under its lock, and reads
 * with nothing locked again. Neighbours of the chunk whose slots follow each other
 * come with it, as far as that seems to pay (ahead.c) and frames are there for the
 * asking. The anon keeps its slot as long as the page is unmodified, unless slots are
 * scarce.
 *
 * What the compressed tier holds is read from there, alone, and for good: a page and
 * its packed copy together would take more room than either.
 */
#include <object/far.h>
#include <paging/paging_i.h>

#define AROUND TOME_AHEAD_MOST

struct tome_pagein {
	struct tome_paging *paging;
	struct tome_swap_io *io;
	_Atomic uint32_t refs;			/* who waits, and completion */
	_Atomic uint32_t over;
	enum tome_err err;
	unsigned frames, n;
	uint32_t slot;				/* of the first */
	uint32_t ledger;			/* of the one that was asked for */
	tome_pfn_t pfn[AROUND];
	struct tome_anon *anon[AROUND];		/* of consecutive slots */
};

static unsigned pagein_window(struct tome_amap *, struct tome_chunk *,
    unsigned i);
static enum tome_err pagein_prepare(struct tome_vm *, unsigned n,
    struct tome_pagein **) TOME_NODISCARD;
static void pagein_abandon(struct tome_vm *, struct tome_pagein *);
static void pagein_claim(struct tome_pagein *, struct tome_amap *,
    struct tome_chunk *, unsigned i);
static enum tome_err pagein_run(struct tome_vm *, struct tome_pagein *)
    TOME_NODISCARD;
static enum tome_err pagein_read(struct tome_vm *, struct tome_pagein *)
    TOME_NODISCARD;
static enum tome_err read_in(struct tome_vm *, struct tome_pagein *)
    TOME_NODISCARD;
static enum tome_err pagein_wait(struct tome_vm *, const struct tome_fill *)
    TOME_NODISCARD;
static void pagein_release(struct tome_vm *, uint32_t slot);
static void pagein_finish(struct tome_io *);
static void pagein_drop(struct tome_pagein *);

const struct tome_anon_pager tome_swap_pager = {
	.window = pagein_window, .prepare = pagein_prepare, .abandon = pagein_abandon,
	.claim = pagein_claim, .run = pagein_run, .wait = pagein_wait,
	.release = pagein_release,
	.open = tome_packed_open, .empty = tome_packed_empty,
	.share = tome_packed_share, .clone = tome_packed_clone,
	.home = tome_desk_home, .ended = tome_packed_ended,
	.pages = tome_packed_pages, .swapped = tome_amap_swapped,
	.packed = tome_packed_recount,
	.uncharge = tome_ledger_uncharge, .charge = tome_ledger_charge_file,
	.recount = tome_paging_recount,
};

/* ---- prepared ---- */

static enum tome_err
prepare_frames(struct tome_vm *vm, unsigned n, struct tome_pagein **out)
{
	struct tome_pagein *in = tome_kzalloc(vm, sizeof *in);

	if (in == NULL)
		return TOME_ENOMEM;
	in->paging = vm->paging;
	in->refs = 1;
	while (in->frames < n && tome_frame_alloc(vm, TOME_PAGE_ANON, 0,
	    &in->pfn[in->frames]) == TOME_OK)
		in->frames++;
	if (in->frames == 0) {
		tome_kfree(vm, in);
		return TOME_ENOMEM;
	}
	*out = in;
	return TOME_OK;
}

static unsigned
pagein_window(struct tome_amap *am, struct tome_chunk *ch, unsigned i)
{
	struct tome_paging *p = am->vm->paging;
	uint32_t slot = ch->anon[i]->slot;
	const struct tome_swap_device *device = &tome_slot_area(p, slot)->device;
	unsigned n;

	if (device->fast || tome_compress_has(p, slot))
		return 1;
	n = tome_ahead_window(p, am, ch->key << TOME_CHUNK_SHIFT | i);
	return n < device->max_pages ? n : device->max_pages;
}

static enum tome_err
pagein_prepare(struct tome_vm *vm, unsigned n, struct tome_pagein **out)
{
	struct tome_paging *p = vm->paging;
	uint32_t alone = tome_rd(&p->alone);

	if (alone > 0)
		tome_wr(&p->alone, alone - 1);
	return prepare_frames(vm, alone > 0 ? 1 : n, out);
}

static void
frames_free(struct tome_vm *vm, struct tome_pagein *in, unsigned first)
{
	for (unsigned i = first; i < in->frames; i++)
		tome_frame_free(vm, in->pfn[i]);
	in->frames = first;
}

static void
pagein_abandon(struct tome_vm *vm, struct tome_pagein *in)
{
	frames_free(vm, in, 0);
	tome_kfree(vm, in);
}

static void
pagein_release(struct tome_vm *vm, uint32_t slot)
{
	tome_slot_free(vm->paging, slot, TOME_SLOT_DROPPED);
}

/* ---- claimed ---- */

/* The i-th anon of the chunk, locked, if it lies at this slot of the device and nobody
 * reads it. */
static struct tome_anon *
neighbour(struct tome_pagein *in, struct tome_amap *am, struct tome_chunk *ch,
    int i, uint32_t slot)
{
	struct tome_anon *an;

	if (i < 0 || i >= (int)TOME_CHUNK_ANONS)
		return NULL;
	an = ch->anon[i];
	if (an == NULL || !tome_anon_trylock(am, an))
		return NULL;
	if (an->slot == slot && !tome_anon_resident(an) &&
	    !(tome_rd_relaxed(&an->word) & TOME_ANON_READING) &&
	    !tome_compress_has(in->paging, slot))
		return an;
	tome_anon_unlock(am, an);
	return NULL;
}

/* Take on those on one side that follow, slot by slot. How many. */
static unsigned
claim_side(struct tome_pagein *in, struct tome_amap *am,
    struct tome_chunk *ch, unsigned i, int step, struct tome_anon **out)
{
	uint32_t slot = ch->anon[i]->slot;
	unsigned most = tome_slot_area(in->paging, slot)->device.max_pages;
	unsigned room = (in->frames < most ? in->frames : most) - in->n, n = 0;
	struct tome_anon *an;

	while (n < room) {
		int k = step * (int)(n + 1);

		an = neighbour(in, am, ch, (int)i + k, slot + (uint32_t)k);
		if (an == NULL)
			break;
		tome_or(&an->word, TOME_ANON_READING);
		tome_anon_unlock(am, an);
		out[n++] = an;
	}
	in->n += n;
	return n;
}

static void
pagein_claim(struct tome_pagein *in, struct tome_amap *am, struct tome_chunk *ch,
    unsigned i)
{
	struct tome_anon *an = ch->anon[i], *above[AROUND], *below[AROUND];
	unsigned up = 0, down = 0, k = 0;

	in->ledger = tome_or(&an->word, TOME_ANON_READING) & TOME_ANON_LEDGER;
	in->n = 1;
	if (in->frames > 1 && !tome_compress_has(in->paging, an->slot)) {
		up = claim_side(in, am, ch, i, 1, above);
		down = claim_side(in, am, ch, i, -1, below);
	}
	tome_ahead_read(in->paging, am, (ch->key << TOME_CHUNK_SHIFT | i) -
	    down, in->n);
	while (down > 0)
		in->anon[k++] = below[--down];
	in->anon[k++] = an;
	for (unsigned j = 0; j < up; j++)
		in->anon[k++] = above[j];
}

/* ---- run ---- */

/* Before anybody knows the page. */
static void
page_back(struct tome_paging *p, tome_pfn_t pfn, const struct tome_anon *an)
{
	uint32_t word = tome_rd_relaxed(&an->word);

	if (tome_unlikely(word & TOME_ANON_LEDGER))
		tome_ledger_in(p, word);
	tome_add(&p->swapped_in, 1);
	tome_choice_back(p->vm, pfn, an);
}

/* What was claimed is no longer being read. `home`: its slots are free. */
static inline __attribute__((always_inline)) void
anons_back(struct tome_pagein *in, bool ok, bool home)
{
	struct tome_paging *p = in->paging;
	uint32_t slot;

	for (unsigned i = 0; i < in->n; i++) {
		struct tome_anon *an = in->anon[i];
		unsigned bucket = tome_io_bucket(an);

		if (!ok)
			tome_frame_free(p->vm, in->pfn[i]);
		else
			page_back(p, in->pfn[i], an);
		slot = tome_anon_was_read(p->vm, an, ok ? in->pfn[i] :
		    TOME_PFN_NONE, home);
		if (slot != 0)
			tome_slot_free(p, slot, TOME_SLOT_HOME);
		tome_io_progress(p->vm, bucket);
	}
}

/* ENOENT: it is not in the tier. Several never are: nobody stores what is claimed. */
static enum tome_err
unpack(struct tome_pagein *in)
{
	enum tome_err err = in->n > 1 ? TOME_ENOENT :
	    tome_compress_load(in->paging, in->slot, in->pfn[0]);

	if (err != TOME_ENOENT)
		anons_back(in, err == TOME_OK, true);
	return err;
}

/* Not before it was over, or it is somebody else's request by now. */
static enum tome_err
give_up(struct tome_pagein *in, struct tome_swap_io *io)
{
	struct tome_swap_area *a = tome_slot_area(in->paging, in->slot);

	if (a->device.cancel != NULL)
		a->device.cancel(a->ctx, &io->io);
	return TOME_EIO;
}

/* With little on the stack while others leave. */
static enum tome_err
pagein_run(struct tome_vm *vm, struct tome_pagein *in)
{
	if (tome_unlikely(in->ledger != 0))
		tome_ledger_trim(vm->paging, in->ledger, in->n);
	return pagein_read(vm, in);
}

static tome_noinline enum tome_err
pagein_read(struct tome_vm *vm, struct tome_pagein *in)
{
	enum tome_err err;

	in->slot = in->anon[0]->slot;
	frames_free(vm, in, in->n);
	err = unpack(in);
	if (err == TOME_ENOENT)
		err = read_in(vm, in);
	pagein_drop(in);
	return err;
}

static enum tome_err
read_in(struct tome_vm *vm, struct tome_pagein *in)
{
	struct tome_paging *p = in->paging;
	struct tome_swap_io *io = tome_swap_io_get(p, in->slot);
	uint32_t seen;
	unsigned bucket = tome_io_bucket(p);
	enum tome_err err = TOME_OK;
	uint64_t deadline;

	if (io == NULL) {
		anons_back(in, false, false);
		return TOME_EIO;
	}
	for (unsigned i = 0; i < in->n; i++)
		io->vec[i] = (struct tome_io_vec){ .pfn = in->pfn[i],
			.len = (uint32_t)TOME_PAGE_SIZE };
	io->reader = in;
	tome_add(&in->refs, 1);
	deadline = tome_slot_patience(p, in->slot);
	tome_swap_io_start(p, io, TOME_IO_READ, in->slot, in->n, pagein_finish);
	while (err == TOME_OK) {
		seen = tome_io_seen(vm, bucket);
		if (tome_rd(&in->over)) {
			err = in->err;
			break;
		}
		if (deadline != TOME_FOREVER &&
		    vm->host->clock_ns(vm->ctx) >= deadline)
			err = give_up(in, io);
		else
			tome_io_wait(vm, bucket, seen, deadline);
	}
	return err;
}

static enum tome_err
pagein_wait(struct tome_vm *vm, const struct tome_fill *fill)
{
	uint64_t deadline;

	if (tome_unlikely(fill->bucket == TOME_FILL_FAR))
		return tome_desk_meet(vm->paging, fill->far, 0);
	deadline = tome_swap_io_deadline(vm->paging, fill->slot);
	if (deadline != TOME_FOREVER &&
	    vm->host->clock_ns(vm->ctx) >= deadline)
		return TOME_EIO;
	tome_io_wait(vm, fill->bucket, fill->seen, deadline);
	return TOME_OK;
}

static void
pagein_drop(struct tome_pagein *in)
{
	if (tome_drop(&in->refs) == 0)
		tome_kfree(in->paging->vm, in);
}

const struct tome_anon *
tome_pagein_orphan(const struct tome_swap_area *a, unsigned *at)
{
	for (; *at < TOME_SWAP_IOS * AROUND; ++*at) {
		const struct tome_swap_io *io = &a->io[*at / AROUND];
		unsigned k = *at % AROUND;

		if (!tome_rd(&io->reading) || io->reader == NULL ||
		    k >= io->reader->n ||
		    !(tome_rd(&io->reader->anon[k]->word) & TOME_ANON_LEFT))
			continue;
		++*at;
		return io->reader->anon[k];
	}
	return NULL;
}

static void
count_read(struct tome_paging *p, struct tome_swap_area *a, unsigned n, bool ok)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);

	if (ok)
		a->n.read += n;
	else
		a->n.read_errors++;
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
}

/* An error is told to who asked; those who came along look for themselves. */
static void
pagein_finish(struct tome_io *base)
{
	struct tome_swap_io *io = tome_container(base, struct tome_swap_io,
	    io);
	struct tome_pagein *in = io->reader;
	struct tome_paging *p = in->paging;
	bool ok = base->err == TOME_OK;
	bool home = tome_rd_relaxed(&io->area->closing) || tome_slots_scarce(p);

	count_read(p, io->area, in->n, ok);
	/* One that failed among several may be read alone: who asked looks again. */
	in->err = ok || in->n > 1 ? TOME_OK : TOME_EIO;
	if (!ok && in->n > 1)
		tome_wr(&p->alone, 4 * AROUND);
	anons_back(in, ok, home);
	tome_wr(&in->over, 1);
	tome_swap_io_put(p, io);
	pagein_drop(in);
}
