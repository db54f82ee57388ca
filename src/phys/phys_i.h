/*
 * phys_i.h - zones, the buddy allocator under them, and the per-CPU stacks of
 * frames above; private to layer 1.
 *
 * A free frame is in exactly one place: in a block of its zone's buddy lists
 * (its head has TOME_PAGE_HEAD and the order in index), or on one CPU's stack.
 * "Free" in a zone counts the first kind only; whoever moves frames to a stack
 * has passed the watermark, whoever takes them from there need not.
 */
#ifndef TOME_PHYS_PHYS_I_H
#define TOME_PHYS_PHYS_I_H

#include <phys/page.h>

/* Frame numbers stay below this, so that an end never wraps. */
#define TOME_PFN_LIMIT ((uint64_t)(tome_pfn_t)~(tome_pfn_t)0 - 1)

#define TOME_ORDERS (TOME_MAX_ORDER + 1)

struct tome_zone {
	struct tome_spin lock;			/* rank ZONE */
	/* Under the lock; free is read anywhere. */
	tome_pfn_t free;
	tome_pfn_t head[TOME_ORDERS];		/* lists of blocks */
	/* Constant: the span, [first, end), and the frames of RAM in it. */
	tome_pfn_t first, end, total;
	tome_pfn_t min, low, high;
	enum tome_zone_kind kind;
} __attribute__((aligned(64)));

/*
 * A stack holds two batches but one frame, so that after a refill or a drain
 * about a batch of either kind passes without a lock, and stack and count fill
 * 256 bytes. 32 is where the lock's cost per frame falls below the rest of the
 * path.
 */
#define TOME_STACK_BATCH 32u
#define TOME_STACK_DEPTH (2 * TOME_STACK_BATCH - 1)

struct tome_stack {
	uint32_t count;		/* read anywhere */
	tome_pfn_t frame[TOME_STACK_DEPTH];
};

/* By its CPU with interrupts off. */
struct tome_frame_cpu {
	/* Signed: taken here, given back there. FREE is not counted. */
	int64_t use[TOME_IDENTITIES];
	struct tome_stack stack[TOME_ZONES];
} __attribute__((aligned(64)));

struct tome_phys {
	/* Highest zone with RAM, and the highest in the direct map. */
	unsigned top, top_direct;
	tome_pfn_t zero;			/* the shared zero page */
	tome_pressure_fn *pressure;		/* atomic; may be NULL */
	tome_pfn_t total;			/* frames with an identity */
	tome_pfn_t usable;			/* those that are not RESERVED */
	tome_pfn_t carved;			/* of them, taken for metadata */
	tome_pfn_t bootstrap;			/* taken by tome_vm_create() */
	struct tome_zone zone[TOME_ZONES];
	/* ncpus of them: a load is cheaper than the multiplication. */
	struct tome_frame_cpu *cpu[];
};

/* Which identities may follow which: bit `to` of [from]. docs/pages.md. */
extern const uint16_t tome_page_legal[TOME_IDENTITIES];

/* The state that a page begins with. Whatever instruction caches hold of the frame is
 * of its last owner. */
static inline uint32_t
tome_page_born(enum tome_identity id)
{
	return (uint32_t)id | (TOME_PORT_ICACHE && id >= TOME_PAGE_ANON ?
	    TOME_PAGE_STALE_CODE : 0);
}

/*
 * A frame that only the caller knows changes identity, and everything else its
 * state held is gone. The other half of tome_page_become().
 */
static inline void
tome_page_become_owned(struct tome_vm *vm, struct tome_page *pg,
    enum tome_identity from, enum tome_identity to)
{
	TOME_CHECK(vm, tome_page_legal[from] >> to & 1);
	tome_wr_relaxed(&pg->state, tome_page_born(to));
}

/* State that a frame may still have when it is freed. */
#define TOME_PAGE_FREEABLE                                               \
	(TOME_PAGE_IDENTITY | TOME_PAGE_STRAY | TOME_PAGE_MODIFIED |     \
	    TOME_PAGE_ACCESSED | TOME_PAGE_STALE_CODE)

/* Anything but contents, back to FREE: not wired, queued, busy or locked. */
static inline enum tome_identity
tome_page_release(struct tome_vm *vm, struct tome_page *pg)
{
	uint32_t state = tome_rd_relaxed(&pg->state);
	enum tome_identity was = tome_page_identity(pg);

	TOME_CHECK(vm, (state & ~TOME_PAGE_FREEABLE) == 0);
	tome_page_become_owned(vm, pg, was, TOME_PAGE_FREE);
	pg->index = 0;
	tome_wr_relaxed(&pg->owner, NULL);
	tome_wr_relaxed(&pg->pv, 0);
	pg->next = pg->prev = TOME_PFN_NONE;
	return was;
}

static inline void
tome_frame_count(struct tome_frame_cpu *c, enum tome_identity id, int64_t by)
{
	tome_wr_relaxed(&c->use[id], c->use[id] + by);
}

static inline struct tome_frame_cpu *
tome_frame_this_cpu(struct tome_vm *vm)
{
	return vm->phys->cpu[tome_host_cpu()];
}

static inline bool
tome_frame_is_direct(struct tome_vm *vm, tome_pfn_t pfn)
{
	return pfn < vm->phys->zone[TOME_ZONE_HIGH].first;
}

static inline struct tome_zone *
tome_zone_of(struct tome_vm *vm, tome_pfn_t pfn)
{
	struct tome_zone *z = &vm->phys->zone[vm->phys->top];

	while (pfn < z->first)
		z--;
	return z;
}

/* The first frame wholly at or above an address, or the one it lies in. */
static inline tome_pfn_t
tome_pfn_clip(uint64_t pa, bool up)
{
	uint64_t pfn = pa >> TOME_PAGE_SHIFT;

	if (up && pa & TOME_PAGE_MASK)
		pfn++;
	return pfn < TOME_PFN_LIMIT ? (tome_pfn_t)pfn :
	    (tome_pfn_t)TOME_PFN_LIMIT;
}

/* ---- buddy.c: all under the zone's lock ---- */

/* A block of 2^order aligned to 2^align, wholly below `end`; NONE. */
tome_pfn_t tome_buddy_take(struct tome_vm *, struct tome_zone *,
    unsigned order, unsigned align, tome_pfn_t end);
/* n single frames, which there are, into out[n-1] down to out[0]. */
unsigned tome_buddy_take_batch(struct tome_vm *, struct tome_zone *, unsigned n,
    tome_pfn_t *out);
void tome_buddy_give(struct tome_vm *, struct tome_zone *, tome_pfn_t,
    unsigned order);
void tome_buddy_give_run(struct tome_vm *, struct tome_zone *,
    tome_pfn_t first, tome_pfn_t end);
/* Exactly [first, end), if all of it is in blocks. */
bool tome_buddy_claim(struct tome_vm *, struct tome_zone *, tome_pfn_t first,
    tome_pfn_t end);
/* tome_phys_check()'s part: NULL or a sentence. */
const char *tome_buddy_check(struct tome_vm *, struct tome_zone *);

/* ---- zone.c ---- */

/* Watermarks, from what the zone holds. */
void tome_zone_set_marks(struct tome_zone *);
/*
 * How many frames a request that would rather have zone `top` may take from z,
 * under its lock.
 */
tome_pfn_t tome_zone_spare(struct tome_vm *, const struct tome_zone *z,
    unsigned top, unsigned flags);
/* Tell whoever installed a pressure function; no lock held. True if any did. */
bool tome_pressure(struct tome_vm *, enum tome_zone_kind, bool failed);
/* The same, if z has fallen below its low mark. */
void tome_zone_watch(struct tome_vm *, const struct tome_zone *z);

/* ---- frames.c ---- */

bool tome_frame_may_alloc(struct tome_vm *, enum tome_identity);
#ifdef TOME_DEBUG
void tome_frame_poison(struct tome_vm *, tome_pfn_t);
#else
static inline void
tome_frame_poison(struct tome_vm *vm, tome_pfn_t pfn)
{
	(void)vm, (void)pfn;
}
#endif

#endif
