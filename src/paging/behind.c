/*
 * behind.c - what the compressed tier has kept longest is written to its slots.
 *
 * One cluster of neighbours at a time for each area, so that one that does not answer
 * keeps no other waiting. Its slots are claimed first: whoever frees one
 * from then on leaves that to the transfer, so that nobody else writes to the slot
 * while an old copy is on its way there. Then what the tier still holds of them is
 * unpacked into frames kept for this, and written. The packed copy stays until that is
 * over, so whoever wants the page meanwhile finds it; a write that failed leaves it
 * where it is.
 *
 * Invariant: what is claimed is taken. One that was freed has no owner but the
 *   transfer.
 * Locks: layer 6's, over what is claimed. Nothing here allocates, or waits.
 */
#include <paging/paging_i.h>

/* Clusters looked at in one go: those of an area that does not answer go round. */
#define CLUSTERS_ONCE 32u

static uint32_t behind_claim(struct tome_paging *, const uint32_t *slots,
    unsigned n, struct tome_swap_area **out);
static void behind_unclaim(struct tome_paging *, struct tome_swap_area *,
    uint32_t bits);
static uint32_t behind_copy(struct tome_paging *, struct tome_swap_area *,
    uint32_t bits);
static void behind_write(struct tome_paging *, struct tome_swap_area *,
    uint32_t bits);
static void behind_finish(struct tome_io *);

static inline uint32_t
bits_of(unsigned first, unsigned n)
{
	return (uint32_t)((((uint64_t)1 << n) - 1) << first);
}

/* ---- the reserve ---- */

enum tome_err
tome_behind_furnish(struct tome_paging *p, struct tome_swap_area *a)
{
	struct tome_behind *b = &a->behind;
	enum tome_err err = TOME_OK;
	tome_pfn_t frame[TOME_SWAP_MAX];
	unsigned n = 0;
	uintptr_t irq;
	bool mine;

	while (n < TOME_SWAP_MAX && err == TOME_OK) {
		err = tome_frame_alloc(p->vm, TOME_PAGE_KERNEL, 0, &frame[n]);
		n += err == TOME_OK;
	}
	irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	mine = err == TOME_OK && !b->ready;
	for (unsigned i = 0; mine && i < n; i++)
		b->frame[i] = frame[i];
	b->ready |= mine;
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	while (!mine && n > 0)
		tome_frame_free(p->vm, frame[--n]);
	return err;
}

/* An area that goes meanwhile ends after this epoch. */
enum tome_err
tome_behind_furnish_all(struct tome_paging *p)
{
	enum tome_err err = TOME_OK;
	struct tome_swap_area *a;

	for (unsigned i = 0; i < TOME_SWAP_AREAS && err == TOME_OK; i++) {
		tome_epoch_enter(p->vm);
		a = tome_rd(&p->area[i]);
		if (a != NULL && !a->behind.ready)
			err = tome_behind_furnish(p, a);
		tome_epoch_leave(p->vm);
	}
	return err;
}

void
tome_behind_end(struct tome_paging *p, struct tome_swap_area *a)
{
	struct tome_behind *b = &a->behind;

	TOME_CHECK(p->vm, b->claimed == 0);
	for (unsigned i = 0; b->ready && i < TOME_SWAP_MAX; i++)
		tome_frame_free(p->vm, b->frame[i]);
	b->ready = false;
}

/* ---- claims ---- */

/* The lock is held. It gives out slots, has frames, and none of it is claimed. */
static bool
is_idle(const struct tome_swap_area *a)
{
	return !a->closing && !a->silent && a->behind.ready &&
	    a->behind.claimed == 0;
}

static bool
any_idle(struct tome_paging *p)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	const struct tome_swap_area *a = p->areas;

	while (a != NULL && !is_idle(a))
		a = a->next;
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	return a != NULL;
}

/* None of an area that is not idle, or has gone. What is claimed keeps it. */
static uint32_t
behind_claim(struct tome_paging *p, const uint32_t *slots, unsigned n,
    struct tome_swap_area **out)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	struct tome_swap_area *a = tome_slot_area(p, slots[0]);
	uint32_t bits = 0;

	if (a != NULL && is_idle(a)) {
		for (unsigned i = 0; i < n; i++)
			bits |= bits_of(slots[i] % TOME_SWAP_MAX, 1);
		a->behind.at = slots[0] - slots[0] % TOME_SWAP_MAX;
		tome_wr_relaxed(&a->behind.claimed, bits);
	}
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	*out = a;
	return bits;
}

bool
tome_behind_defers(struct tome_paging *p, uint32_t slot,
    enum tome_slot_end why)
{
	struct tome_behind *b = &tome_slot_area(p, slot)->behind;
	uint32_t i = slot - b->at;

	if (tome_likely(i >= TOME_SWAP_MAX || !(b->claimed >> i & 1)))
		return false;
	TOME_CHECK(p->vm, !(b->ended >> i & 1));
	tome_wr_relaxed(&b->ended, b->ended | bits_of(i, 1));
	tome_add(&p->behind_ended, 1);
	b->why[i] = (uint8_t)why;
	return true;
}

unsigned
tome_behind_orphans(struct tome_paging *p)
{
	return tome_rd(&p->behind_ended);
}

/* What was freed meanwhile is free now. The area may go once all is. */
static void
behind_unclaim(struct tome_paging *p, struct tome_swap_area *a, uint32_t bits)
{
	struct tome_behind *b = &a->behind;
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);

	for (uint32_t left = bits & b->ended; left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);

		tome_slot_ends(p, b->at + i, (enum tome_slot_end)b->why[i]);
		tome_add(&p->behind_ended, (uint32_t)-1);
	}
	tome_wr_relaxed(&b->ended, b->ended & ~bits);
	tome_wr_relaxed(&b->claimed, b->claimed & ~bits);
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
}

/* ---- writing ---- */

/*
 * Those that are to be written. What the tier does not hold now has left it, and may be
 * anybody's; what is damaged stays to be an error.
 */
static uint32_t
behind_copy(struct tome_paging *p, struct tome_swap_area *a, uint32_t bits)
{
	struct tome_behind *b = &a->behind;
	uint32_t good = 0;

	for (uint32_t left = bits; left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);

		tome_host_point();
		if (tome_tier_copy(p->tier, b->at + i, b->frame[i]) == TOME_OK)
			good |= bits_of(i, 1);
	}
	if (good != bits)
		behind_unclaim(p, a, bits & ~good);
	return good;
}

/* The first of those left, as far as they lie together. */
static unsigned
run_length(uint32_t bits, unsigned first, unsigned most)
{
	unsigned n = 0;

	while (n < most && first + n < TOME_SWAP_MAX && bits >> (first + n) & 1)
		n++;
	return n;
}

/* Taken as they are, so their area stays until the last of them is handed over. */
static void
behind_write(struct tome_paging *p, struct tome_swap_area *a, uint32_t bits)
{
	struct tome_behind *b = &a->behind;
	uint32_t at = b->at;

	while (bits != 0) {
		unsigned first = (unsigned)__builtin_ctz(bits), n;
		struct tome_swap_io *io = tome_swap_io_try(p, at + first);

		if (io == NULL) {
			behind_unclaim(p, a, bits);
			return;
		}
		n = run_length(bits, first, tome_rd_relaxed(&a->careful) > 0 ?
		    1 : a->device.max_pages);
		for (unsigned i = 0; i < n; i++)
			io->vec[i] = (struct tome_io_vec){
				.pfn = b->frame[first + i],
				.len = (uint32_t)TOME_PAGE_SIZE };
		bits &= ~bits_of(first, n);
		tome_host_point();
		tome_swap_io_start(p, io, TOME_IO_WRITE, at + first, n,
		    behind_finish);
	}
}

/* The daemon may go on with others. */
static void
kick(struct tome_vm *vm)
{
	tome_add(&vm->paging->kick, 1);
	if (vm->host->wake != NULL)
		vm->host->wake(vm->ctx, &vm->paging->kick, 1);
}

/*
 * Copies go before claims: who owns the slot reads it from the area then. After a
 * failure nobody is in a hurry to try again.
 */
static void
behind_finish(struct tome_io *base)
{
	struct tome_swap_io *io = tome_container(base, struct tome_swap_io,
	    io);
	struct tome_paging *p = base->vm->paging;
	bool ok = base->err == TOME_OK;

	tome_swap_count_writes(p, io->area, base->n, ok);
	if (!ok && base->n > 1)
		tome_slots_careful(p, io->area);
	for (unsigned i = 0; ok && i < base->n; i++)
		tome_tier_written(p->tier, io->slot + i);
	tome_host_point();
	behind_unclaim(p, io->area,
	    bits_of(io->slot % TOME_SWAP_MAX, base->n));
	if (ok && tome_tier_excess(p->tier) > 0)
		kick(p->vm);
	tome_swap_io_put(p, io);
}

void
tome_behind(struct tome_paging *p, bool scarce)
{
	struct tome_tier *t = tome_rd(&p->tier);
	uint32_t slots[TOME_SWAP_MAX], bits;
	struct tome_swap_area *a;

	for (unsigned i = 0; t != NULL && i < CLUSTERS_ONCE && any_idle(p) &&
	    (scarce || tome_tier_excess(t) > 0); i++) {
		unsigned n = tome_tier_oldest(t, slots, TOME_SWAP_MAX);

		if (n == 0)
			break;
		bits = behind_claim(p, slots, n, &a);
		if (bits != 0)
			bits = behind_copy(p, a, bits);
		if (bits != 0)
			behind_write(p, a, bits);
	}
}
