/*
 * frames.c - several frames at once: contiguous ones, and precise ones.
 *
 * Locks: the zone's, around each buddy call.
 */
#include <phys/phys_i.h>

struct want {
	unsigned order, align, flags;	/* align: log2 of frames */
	tome_pfn_t end;			/* wholly below this frame */
};

static bool frames_align_order(tome_pfn_t align, unsigned *order);
static tome_pfn_t frames_find_hard(struct tome_vm *, const struct want *);
static unsigned frames_top(struct tome_vm *, const struct want *);
static tome_pfn_t frames_find(struct tome_vm *, const struct want *);
static tome_pfn_t frames_from_zone(struct tome_vm *, struct tome_zone *,
    unsigned top, const struct want *);
static void frames_adopt(struct tome_vm *, tome_pfn_t first, tome_pfn_t n,
    enum tome_identity);
static void frames_zero(struct tome_vm *, tome_pfn_t first, tome_pfn_t n);
static void frames_give(struct tome_vm *, tome_pfn_t first, tome_pfn_t n);
static enum tome_err claim_check(struct tome_vm *, tome_pfn_t first,
    tome_pfn_t n);
static tome_pfn_t claim_run(struct tome_vm *, tome_pfn_t first,
    tome_pfn_t end);

bool
tome_frame_may_alloc(struct tome_vm *vm, enum tome_identity id)
{
	return vm->host->may_alloc == NULL || vm->host->may_alloc(vm->ctx,
	    id == TOME_PAGE_TABLE ? "table" : "frame");
}

enum tome_err
tome_frames_alloc(struct tome_vm *vm, enum tome_identity id, unsigned order,
    tome_pfn_t align, tome_pa_t limit, unsigned flags, tome_pfn_t *out)
{
	struct want want = { .order = order, .flags = flags,
		.end = limit == 0 ? (tome_pfn_t)TOME_PFN_LIMIT :
		    tome_pfn_clip(limit, false) };
	tome_pfn_t first;

	if (order > TOME_MAX_ORDER || !frames_align_order(align, &want.align))
		return TOME_EINVAL;
	if (!tome_frame_may_alloc(vm, id))
		return TOME_ENOMEM;
	first = frames_find_hard(vm, &want);
	if (first == TOME_PFN_NONE)
		return TOME_ENOMEM;
	frames_adopt(vm, first, (tome_pfn_t)1 << order, id);
	if (flags & TOME_FRAME_ZERO)
		frames_zero(vm, first, (tome_pfn_t)1 << order);
	*out = first;
	return TOME_OK;
}

/* log2 of align (0: 1); false if it is no power of two, or beyond any block. */
static bool
frames_align_order(tome_pfn_t align, unsigned *order)
{
	for (*order = 0; *order <= TOME_MAX_ORDER; ++*order)
		if (align <= (tome_pfn_t)1 << *order)
			return align == 0 || align == (tome_pfn_t)1 << *order;
	return false;
}

/* This CPU's stacks may hold the missing buddy; then, whoever hears of it. */
static tome_pfn_t
frames_find_hard(struct tome_vm *vm, const struct want *w)
{
	tome_pfn_t first = frames_find(vm, w);

	if (first == TOME_PFN_NONE) {
		tome_frames_drain(vm, false);
		first = frames_find(vm, w);
	}
	if (first == TOME_PFN_NONE && tome_pressure(vm,
	    (enum tome_zone_kind)frames_top(vm, w), true))
		first = frames_find(vm, w);
	return first;
}

static tome_pfn_t
frames_find(struct tome_vm *vm, const struct want *w)
{
	unsigned top = frames_top(vm, w), k;
	tome_pfn_t first = TOME_PFN_NONE;

	for (k = top + 1; k-- > 0 && first == TOME_PFN_NONE;)
		first = frames_from_zone(vm, &vm->phys->zone[k], top, w);
	return first;
}

/* Highest zone with RAM that the request could have: the DMA zone is no
 * fallback, but home, to one with a low limit. */
static unsigned
frames_top(struct tome_vm *vm, const struct want *w)
{
	const struct tome_phys *phys = vm->phys;
	unsigned top = w->flags & TOME_FRAME_DIRECT ? phys->top_direct :
	    phys->top;

	while (top > 0 && (phys->zone[top].total == 0 ||
	    phys->zone[top].first >= w->end))
		top--;
	return top;
}

static tome_pfn_t
frames_from_zone(struct tome_vm *vm, struct tome_zone *z, unsigned top,
    const struct want *w)
{
	uintptr_t irq = tome_spin_lock(vm, &z->lock, TOME_RANK_ZONE);
	tome_pfn_t first = TOME_PFN_NONE;

	if (tome_zone_spare(vm, z, top, w->flags) >= (tome_pfn_t)1 << w->order)
		first = tome_buddy_take(vm, z, w->order, w->align, w->end);
	tome_spin_unlock(vm, &z->lock, TOME_RANK_ZONE, irq);
	if (first != TOME_PFN_NONE)
		tome_zone_watch(vm, z);
	return first;
}

static void
frames_adopt(struct tome_vm *vm, tome_pfn_t first, tome_pfn_t n,
    enum tome_identity id)
{
	uintptr_t irq;
	tome_pfn_t i;

	for (i = 0; i < n; i++)
		tome_page_become(vm, tome_page(vm, first + i), TOME_PAGE_FREE,
		    id);
	irq = tome_host_irq_save();
	tome_frame_count(tome_frame_this_cpu(vm), id, n);
	tome_host_irq_restore(irq);
}

static void
frames_zero(struct tome_vm *vm, tome_pfn_t first, tome_pfn_t n)
{
	tome_pfn_t i;

	for (i = 0; i < n; i++)
		tome_frame_zero(vm, first + i);
}

void
tome_frames_free(struct tome_vm *vm, tome_pfn_t first, unsigned order)
{
	tome_pfn_t n = (tome_pfn_t)1 << order, i;
	enum tome_identity was;
	uintptr_t irq;

	TOME_CHECK(vm, order <= TOME_MAX_ORDER && (first & (n - 1)) == 0);
	for (i = 0; i < n; i++) {
		was = tome_page_release(vm, tome_page(vm, first + i));
		tome_frame_poison(vm, first + i);
		irq = tome_host_irq_save();
		tome_frame_count(tome_frame_this_cpu(vm), was, -1);
		tome_host_irq_restore(irq);
	}
	frames_give(vm, first, n);
}

/* FREE frames, on no list, back to their zones. */
static void
frames_give(struct tome_vm *vm, tome_pfn_t first, tome_pfn_t n)
{
	tome_pfn_t end = first + n, stop;
	struct tome_zone *z;
	uintptr_t irq;

	for (; first < end; first = stop) {
		z = tome_zone_of(vm, first);
		stop = end < z->end ? end : z->end;
		irq = tome_spin_lock(vm, &z->lock, TOME_RANK_ZONE);
		tome_buddy_give_run(vm, z, first, stop);
		tome_spin_unlock(vm, &z->lock, TOME_RANK_ZONE, irq);
	}
}

/* ---- claims ---- */

enum tome_err
tome_frames_claim(struct tome_vm *vm, enum tome_identity id, tome_pfn_t first,
    tome_pfn_t n)
{
	enum tome_err err = claim_check(vm, first, n);
	tome_pfn_t got;

	if (err != TOME_OK)
		return err;
	tome_frames_drain(vm, false);
	got = claim_run(vm, first, first + n) - first;
	if (got < n) {
		frames_give(vm, first, got);
		return TOME_EBUSY;
	}
	frames_adopt(vm, first, n, id);
	return TOME_OK;
}

static enum tome_err
claim_check(struct tome_vm *vm, tome_pfn_t first, tome_pfn_t n)
{
	tome_pfn_t i;

	if (first >= vm->npfn || n > vm->npfn - first)
		return TOME_ENOENT;
	for (i = 0; i < n; i++)
		if (tome_frame_identity(vm, first + i) == TOME_PAGE_ABSENT)
			return TOME_ENOENT;
	for (i = 0; i < n; i++)
		if (tome_frame_identity(vm, first + i) != TOME_PAGE_FREE)
			return TOME_EBUSY;
	return TOME_OK;
}

/* Zone by zone; the first frame that could not be had, or end. */
static tome_pfn_t
claim_run(struct tome_vm *vm, tome_pfn_t first, tome_pfn_t end)
{
	struct tome_zone *z;
	tome_pfn_t stop;
	uintptr_t irq;
	bool got = true;

	while (first < end && got) {
		z = tome_zone_of(vm, first);
		stop = end < z->end ? end : z->end;
		irq = tome_spin_lock(vm, &z->lock, TOME_RANK_ZONE);
		got = tome_buddy_claim(vm, z, first, stop);
		tome_spin_unlock(vm, &z->lock, TOME_RANK_ZONE, irq);
		if (got)
			first = stop;
	}
	return first;
}
