/*
 * cache.c - single frames, by way of each CPU's stacks: one per zone, last in,
 * first out, so that what is handed out is warm. (Magazines: Bonwick and Adams,
 * USENIX 2001.)
 *
 * Invariant: a frame on a stack is FREE, has no other state, and is on one
 *   stack only.                                     [tome_phys_check()]
 * Locks: interrupts off around the stacks; the zone's lock for a batch.
 */
#include <phys/phys.h>
#include <phys/phys_i.h>

static enum tome_err frame_alloc_asking(struct tome_vm *, enum tome_identity,
    unsigned flags, tome_pfn_t *out);
static enum tome_err frame_zeroed(struct tome_vm *, tome_pfn_t);
static void frame_overflow(struct tome_vm *, struct tome_stack *,
    unsigned zone, uintptr_t irq);
static enum tome_err frame_alloc_slow(struct tome_vm *, enum tome_identity,
    unsigned flags, tome_pfn_t *out);
static tome_pfn_t frame_find(struct tome_vm *, unsigned flags);
static tome_pfn_t frame_from_zone(struct tome_vm *, struct tome_zone *,
    unsigned top, unsigned flags);
static tome_pfn_t frame_refill(struct tome_vm *, struct tome_zone *,
    struct tome_stack *, unsigned top);
static tome_pfn_t frame_reserve(struct tome_vm *, struct tome_zone *);
static void frame_adopt(struct tome_vm *, tome_pfn_t, enum tome_identity);
static void cpu_drain(struct tome_vm *, unsigned cpu);
static void stack_drain(struct tome_vm *, struct tome_stack *, unsigned zone,
    uint32_t n);

static inline unsigned
frame_top(const struct tome_phys *phys, unsigned flags)
{
	return flags & TOME_FRAME_DIRECT ? phys->top_direct : phys->top;
}

static inline tome_pfn_t
stack_pop(struct tome_stack *s)
{
	uint32_t n = s->count - 1;

	tome_wr_relaxed(&s->count, n);
	return s->frame[n];
}

/*
 * The common case in one piece: everything else is a call in tail position, so
 * that it needs no stack frame.
 */
static inline enum tome_err
frame_alloc(struct tome_vm *vm, enum tome_identity id, unsigned flags,
    tome_pfn_t *out)
{
	uintptr_t irq = tome_host_irq_save();
	struct tome_frame_cpu *c = tome_frame_this_cpu(vm);
	struct tome_stack *s = &c->stack[frame_top(vm->phys, flags)];
	tome_pfn_t pfn;

	if (tome_unlikely(s->count == 0)) {
		tome_host_irq_restore(irq);
		return frame_alloc_slow(vm, id, flags, out);
	}
	pfn = stack_pop(s);
	tome_page_become_owned(vm, tome_page(vm, pfn), TOME_PAGE_FREE, id);
	tome_frame_count(c, id, 1);
	tome_host_irq_restore(irq);
	*out = pfn;
	return flags & TOME_FRAME_ZERO ? frame_zeroed(vm, pfn) : TOME_OK;
}

enum tome_err
tome_frame_alloc(struct tome_vm *vm, enum tome_identity id, unsigned flags,
    tome_pfn_t *out)
{
	if (tome_unlikely(vm->host->may_alloc != NULL))
		return frame_alloc_asking(vm, id, flags, out);
	return frame_alloc(vm, id, flags, out);
}

/* How far down its stack a CPU looks for an even frame. */
#define EVEN_DEPTH 8u

/* An even frame near the top of the stack changes places with the topmost. */
static void
stack_turn_up_even(struct tome_stack *s)
{
	uint32_t top = s->count - 1, i = top;
	tome_pfn_t odd;

	while (i > 0 && top - i < EVEN_DEPTH && (s->frame[i] & 1) != 0)
		i--;
	odd = s->frame[top];
	s->frame[top] = s->frame[i];
	s->frame[i] = odd;
}

enum tome_err
tome_frame_alloc_even(struct tome_vm *vm, enum tome_identity id,
    tome_pfn_t *out)
{
	uintptr_t irq = tome_host_irq_save();
	struct tome_stack *s = &tome_frame_this_cpu(vm)->stack[frame_top(
	    vm->phys, TOME_FRAME_DIRECT)];

	if (s->count > 0)
		stack_turn_up_even(s);
	tome_host_irq_restore(irq);
	return tome_frame_alloc(vm, id, TOME_FRAME_DIRECT, out);
}

/* Under test: the host may say no. */
static tome_noinline enum tome_err
frame_alloc_asking(struct tome_vm *vm, enum tome_identity id, unsigned flags,
    tome_pfn_t *out)
{
	if (!tome_frame_may_alloc(vm, id))
		return TOME_ENOMEM;
	return frame_alloc(vm, id, flags, out);
}

static tome_noinline enum tome_err
frame_zeroed(struct tome_vm *vm, tome_pfn_t pfn)
{
	tome_frame_zero(vm, pfn);
	return TOME_OK;
}

void
tome_frame_free(struct tome_vm *vm, tome_pfn_t pfn)
{
	unsigned zone = tome_zone_of(vm, pfn)->kind;
	enum tome_identity was = tome_page_release(vm, tome_page(vm, pfn));
	struct tome_frame_cpu *c;
	struct tome_stack *s;
	uintptr_t irq;
	uint32_t n;

	tome_frame_poison(vm, pfn);
	irq = tome_host_irq_save();
	c = tome_frame_this_cpu(vm);
	tome_frame_count(c, was, -1);
	s = &c->stack[zone];
	n = s->count;
	s->frame[n] = pfn;
	tome_wr_relaxed(&s->count, n + 1);
	if (tome_unlikely(n == TOME_STACK_DEPTH - 1))
		frame_overflow(vm, s, zone, irq);
	else
		tome_host_irq_restore(irq);
}

/* Make room while the stack is at hand. */
static tome_noinline void
frame_overflow(struct tome_vm *vm, struct tome_stack *s, unsigned zone,
    uintptr_t irq)
{
	stack_drain(vm, s, zone, TOME_STACK_BATCH);
	tome_host_irq_restore(irq);
}

/* ---- when the first choice's stack is empty ---- */

/* Whoever hears of the failure may make room on the spot: so once more. */
static tome_noinline enum tome_err
frame_alloc_slow(struct tome_vm *vm, enum tome_identity id, unsigned flags,
    tome_pfn_t *out)
{
	unsigned top = frame_top(vm->phys, flags);
	bool again = false;
	tome_pfn_t pfn;

	while ((pfn = frame_find(vm, flags)) == TOME_PFN_NONE) {
		if (again || !tome_pressure(vm, (enum tome_zone_kind)top, true))
			return TOME_ENOMEM;
		again = true;
	}
	frame_adopt(vm, pfn, id);
	if (flags & TOME_FRAME_ZERO)
		tome_frame_zero(vm, pfn);
	*out = pfn;
	return TOME_OK;
}

/* From the highest zone down; into the reserve only when all are at theirs. */
static tome_pfn_t
frame_find(struct tome_vm *vm, unsigned flags)
{
	unsigned top = frame_top(vm->phys, flags), k;
	tome_pfn_t pfn = TOME_PFN_NONE;

	for (k = top + 1; k-- > 0 && pfn == TOME_PFN_NONE;)
		pfn = frame_from_zone(vm, &vm->phys->zone[k], top, 0);
	if (!(flags & TOME_FRAME_RESERVE))
		return pfn;
	for (k = top + 1; k-- > 0 && pfn == TOME_PFN_NONE;)
		pfn = frame_from_zone(vm, &vm->phys->zone[k], top,
		    TOME_FRAME_RESERVE);
	return pfn;
}

static tome_pfn_t
frame_from_zone(struct tome_vm *vm, struct tome_zone *z, unsigned top,
    unsigned flags)
{
	uintptr_t irq = tome_host_irq_save();
	struct tome_stack *s = &tome_frame_this_cpu(vm)->stack[z->kind];
	bool refill = s->count == 0;
	tome_pfn_t pfn;

	if (!refill)
		pfn = stack_pop(s);
	else if (flags & TOME_FRAME_RESERVE)
		pfn = frame_reserve(vm, z);
	else
		pfn = frame_refill(vm, z, s, top);
	tome_host_irq_restore(irq);
	if (refill && z->total > 0)
		tome_zone_watch(vm, z);
	return pfn;
}

/* As much of a batch as the zone can spare; one of them. */
static tome_pfn_t
frame_refill(struct tome_vm *vm, struct tome_zone *z, struct tome_stack *s,
    unsigned top)
{
	uintptr_t irq = tome_spin_lock(vm, &z->lock, TOME_RANK_ZONE);
	tome_pfn_t n = tome_zone_spare(vm, z, top, 0);

	if (n > TOME_STACK_BATCH)
		n = TOME_STACK_BATCH;
	n = tome_buddy_take_batch(vm, z, n, s->frame);
	tome_spin_unlock(vm, &z->lock, TOME_RANK_ZONE, irq);
	tome_wr_relaxed(&s->count, n);
	return n > 0 ? stack_pop(s) : TOME_PFN_NONE;
}

/* No more than the one: the stacks are everyone's. */
static tome_pfn_t
frame_reserve(struct tome_vm *vm, struct tome_zone *z)
{
	uintptr_t irq = tome_spin_lock(vm, &z->lock, TOME_RANK_ZONE);
	tome_pfn_t pfn = tome_buddy_take(vm, z, 0, 0, z->end);

	tome_spin_unlock(vm, &z->lock, TOME_RANK_ZONE, irq);
	return pfn;
}

static void
frame_adopt(struct tome_vm *vm, tome_pfn_t pfn, enum tome_identity id)
{
	uintptr_t irq = tome_host_irq_save();

	tome_page_become(vm, tome_page(vm, pfn), TOME_PAGE_FREE, id);
	tome_frame_count(tome_frame_this_cpu(vm), id, 1);
	tome_host_irq_restore(irq);
}

/* ---- back to the zones ---- */

/* The n coldest, from the bottom. Interrupts are off, or the CPU is outside. */
static void
stack_drain(struct tome_vm *vm, struct tome_stack *s, unsigned zone,
    uint32_t n)
{
	struct tome_zone *z = &vm->phys->zone[zone];
	uintptr_t irq = tome_spin_lock(vm, &z->lock, TOME_RANK_ZONE);
	uint32_t i;

	for (i = 0; i < n; i++)
		tome_buddy_give(vm, z, s->frame[i], 0);
	tome_spin_unlock(vm, &z->lock, TOME_RANK_ZONE, irq);
	for (i = n; i < s->count; i++)
		s->frame[i - n] = s->frame[i];
	tome_wr_relaxed(&s->count, s->count - n);
}

void
tome_frames_drain(struct tome_vm *vm, bool all)
{
	uintptr_t irq = tome_host_irq_save();

	if (!all)
		cpu_drain(vm, tome_host_cpu());
	for (unsigned i = 0; all && i < vm->ncpus; i++)
		cpu_drain(vm, i);
	tome_host_irq_restore(irq);
}

static tome_noinline void
cpu_drain(struct tome_vm *vm, unsigned cpu)
{
	for (unsigned k = 0; k < TOME_ZONES; k++) {
		struct tome_stack *s = &vm->phys->cpu[cpu]->stack[k];

		if (s->count > 0)
			stack_drain(vm, s, k, s->count);
	}
}
