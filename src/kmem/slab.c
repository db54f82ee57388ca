/*
 * slab.c - slabs: 1 to 8 frames of the direct map cut into objects.
 *
 * A slab has no header. Its head frame's descriptor says everything: `owner`
 * the cache (in every frame of the slab, so that an object's address finds
 * it), `index` the frame's distance from the head and the slab's order, `pv`
 * the counts and the head of the free list, `next` and `prev` the cache's
 * list. Offsets inside a slab are in units of 8 bytes. A free object holds
 * the next one's offset at cache->link: over its contents, or after them
 * where those must last (constructed objects, debug builds).
 *
 * Invariant: free + out = room for every slab; lists agree with the counts.
 *   [checked: tome_slab_check()]
 * Locks: lists and words under cache->mag.lock. Frames, constructors and
 *   destructors are called with it free.
 */
#include <kmem/kmem_i.h>

#define UNIT_SHIFT 3
#define NOTHING 0xffffu
/* Empty slabs kept for the next burst. */
#define KEEP_EMPTY 4u
/* Offsets in units fit 16 bits up to here, whatever the page size. */
#define ORDER_MAX (TOME_PAGE_SHIFT + 3 <= 18 ? 3 : 18 - TOME_PAGE_SHIFT)

/* What the head's pv word holds. */
union slab_word {
	uint64_t word;
	struct {
		uint16_t free;		/* first free object, NOTHING if none */
		uint16_t out;		/* objects handed out */
		uint16_t room;		/* objects it has */
		uint16_t start;		/* first object: the slab's colour */
	} f;
};

static bool slab_frames(struct tome_cache *, tome_pfn_t *out, unsigned *order);
static bool slab_make(struct tome_cache *, tome_pfn_t head, unsigned order);
static void slab_destroy(struct tome_cache *, tome_pfn_t head);
static void slab_retired(struct tome_vm *, struct tome_retired *);
static size_t slab_trim(struct tome_cache *, uint32_t keep);

static union slab_word
word_of(const struct tome_page *pg)
{
	return (union slab_word){ .word = *(const uint64_t *)&pg->pv };
}

static void
set_word(struct tome_page *pg, union slab_word w)
{
	*(uint64_t *)&pg->pv = w.word;
}

static unsigned
slab_order(const struct tome_page *head)
{
	return head->index >> 8;
}

static tome_pfn_t
slab_head(struct tome_vm *vm, tome_pfn_t pfn)
{
	return pfn - (tome_page(vm, pfn)->index & 0xff);
}

static uint32_t *
link_of(struct tome_cache *c, void *object)
{
	return (void *)((char *)object + c->link);
}

static void *
object_at(struct tome_cache *c, tome_pfn_t head, uint32_t unit)
{
	return (char *)tome_frame_va(c->vm, head) + (unit << UNIT_SHIFT);
}

/* ---- lists ---- */

static enum tome_slab_list
list_of(union slab_word w)
{
	if (w.f.out == 0)
		return TOME_SLAB_EMPTY;
	return w.f.out == w.f.room ? TOME_SLAB_FULL : TOME_SLAB_PARTIAL;
}

static void
list_push(struct tome_cache *c, enum tome_slab_list l, tome_pfn_t pfn)
{
	struct tome_page *pg = tome_page(c->vm, pfn);

	pg->prev = TOME_PFN_NONE;
	pg->next = c->slabs[l];
	if (pg->next != TOME_PFN_NONE)
		tome_page(c->vm, pg->next)->prev = pfn;
	c->slabs[l] = pfn;
	c->nempty += l == TOME_SLAB_EMPTY;
}

static void
list_remove(struct tome_cache *c, enum tome_slab_list l, tome_pfn_t pfn)
{
	struct tome_page *pg = tome_page(c->vm, pfn);

	if (pg->prev != TOME_PFN_NONE)
		tome_page(c->vm, pg->prev)->next = pg->next;
	else
		c->slabs[l] = pg->next;
	if (pg->next != TOME_PFN_NONE)
		tome_page(c->vm, pg->next)->prev = pg->prev;
	c->nempty -= l == TOME_SLAB_EMPTY;
}

/* Store a slab's new word and move it where it now belongs. */
static void
slab_update(struct tome_cache *c, tome_pfn_t head, union slab_word now)
{
	struct tome_page *pg = tome_page(c->vm, head);
	enum tome_slab_list from = list_of(word_of(pg)), to = list_of(now);

	set_word(pg, now);
	if (from == to)
		return;
	list_remove(c, from, head);
	list_push(c, to, head);
}

/* ---- taking and giving ---- */

/* Move up to n objects of one slab to out. Locked. */
static uint32_t
slab_pop(struct tome_cache *c, tome_pfn_t head, void **out, uint32_t n)
{
	union slab_word w = word_of(tome_page(c->vm, head));
	uint32_t got = 0;

	while (got < n && w.f.free != NOTHING) {
		void *object = object_at(c, head, w.f.free);

		w.f.free = (uint16_t)*link_of(c, object);
		w.f.out++;
		out[got++] = object;
	}
	slab_update(c, head, w);
	c->live += got;
	return got;
}

static uint32_t
take_locked(struct tome_cache *c, void **out, uint32_t n)
{
	uint32_t got = 0;

	while (got < n) {
		tome_pfn_t head = c->slabs[TOME_SLAB_PARTIAL];

		if (head == TOME_PFN_NONE)
			head = c->slabs[TOME_SLAB_EMPTY];
		if (head == TOME_PFN_NONE)
			break;
		got += slab_pop(c, head, out + got, n - got);
	}
	return got;
}

/* `fresh`: a slab to list first; TOME_PFN_NONE: none. */
static tome_noinline uint32_t
take(struct tome_cache *c, tome_pfn_t fresh, void **out, uint32_t n)
{
	uintptr_t irq = tome_spin_lock(c->vm, &c->mag.lock, TOME_RANK_SLAB);

	if (fresh != TOME_PFN_NONE) {
		list_push(c, TOME_SLAB_EMPTY, fresh);
		c->nslabs++;
		c->frames += (uint64_t)1 <<
		    slab_order(tome_page(c->vm, fresh));
	}
	n = take_locked(c, out, n);
	tome_spin_unlock(c->vm, &c->mag.lock, TOME_RANK_SLAB, irq);
	return n;
}

uint32_t
tome_slab_take(struct tome_cache *c, void **out, uint32_t n)
{
	uint32_t got = take(c, TOME_PFN_NONE, out, n);
	unsigned order;
	tome_pfn_t fresh;

	if (got > 0 || !slab_frames(c, &fresh, &order) ||
	    !slab_make(c, fresh, order))
		return got;
	return take(c, fresh, out, n);
}

static void
give_locked(struct tome_cache *c, void *object)
{
	tome_pfn_t pfn = tome_object_pfn(c->vm, object), head;
	union slab_word w;
	uint32_t offset;

	TOME_CHECK(c->vm, tome_page(c->vm, pfn)->owner == c);
	head = slab_head(c->vm, pfn);
	w = word_of(tome_page(c->vm, head));
	TOME_CHECK(c->vm, w.f.out > 0);
	offset = (uint32_t)((char *)object - (char *)object_at(c, head, 0));
	*link_of(c, object) = w.f.free;
	w.f.free = (uint16_t)(offset >> UNIT_SHIFT);
	w.f.out--;
	slab_update(c, head, w);
	c->live--;
}

void
tome_slab_give(struct tome_cache *c, void *const *in, uint32_t n)
{
	uintptr_t irq = tome_spin_lock(c->vm, &c->mag.lock, TOME_RANK_SLAB);
	bool many;

	for (uint32_t i = 0; i < n; i++)
		give_locked(c, in[i]);
	many = c->nempty > KEEP_EMPTY;
	tome_spin_unlock(c->vm, &c->mag.lock, TOME_RANK_SLAB, irq);
	if (tome_unlikely(many))
		slab_trim(c, KEEP_EMPTY);
}

/* ---- making slabs ---- */

static bool
frames_alloc(struct tome_cache *c, unsigned order, tome_pfn_t *out)
{
	if (order == 0)
		return tome_frame_alloc(c->vm, TOME_PAGE_KERNEL,
		    TOME_FRAME_DIRECT, out) == TOME_OK;
	return tome_frames_alloc(c->vm, TOME_PAGE_KERNEL, order, 0, 0,
	    TOME_FRAME_DIRECT, out) == TOME_OK;
}

static void
frames_free(struct tome_vm *vm, tome_pfn_t head, unsigned order)
{
	for (tome_pfn_t i = 0; i < (tome_pfn_t)1 << order; i++) {
		struct tome_page *pg = tome_page(vm, head + i);

		tome_wr_relaxed(&pg->owner, NULL);
		pg->index = 0;
		pg->next = pg->prev = TOME_PFN_NONE;
		set_word(pg, (union slab_word){ .word = 0 });
	}
	if (order == 0)
		tome_frame_free(vm, head);
	else
		tome_frames_free(vm, head, order);
}

static uint32_t
next_colour(struct tome_cache *c)
{
	uintptr_t irq = tome_spin_lock(c->vm, &c->mag.lock, TOME_RANK_SLAB);
	uint32_t colour = c->colour;

	c->colour = colour + c->align > c->colours ? 0 : colour + c->align;
	tome_spin_unlock(c->vm, &c->mag.lock, TOME_RANK_SLAB, irq);
	return colour;
}

static void
destruct_all(struct tome_cache *c, tome_pfn_t head, union slab_word w)
{
	uint32_t at = w.f.start;

	if (c->config.destruct == NULL)
		return;
	for (uint32_t i = 0; i < w.f.room; i++) {
		c->config.destruct(c->config.arg, object_at(c, head, at));
		at += c->stride >> UNIT_SHIFT;
	}
}

/* Cut [start, end) into constructed objects and thread them. False: a
 * constructor failed; all are destructed. */
static bool
thread_objects(struct tome_cache *c, tome_pfn_t head, uint32_t end,
    union slab_word *w)
{
	uint32_t at = (uint32_t)w->f.start << UNIT_SHIFT;

	for (; at + c->stride <= end; at += c->stride) {
		void *object = object_at(c, head, at >> UNIT_SHIFT);

		if (c->config.construct != NULL &&
		    c->config.construct(c->config.arg, object) != TOME_OK) {
			destruct_all(c, head, *w);
			return false;
		}
		tome_debug_born(c, object);
		*link_of(c, object) = w->f.free;
		w->f.free = (uint16_t)(at >> UNIT_SHIFT);
		w->f.room++;
	}
	return true;
}

static tome_noinline bool
slab_frames(struct tome_cache *c, tome_pfn_t *out, unsigned *order)
{
	for (*order = c->order; !frames_alloc(c, *order, out);
	    *order = c->low_order)
		if (*order == c->low_order)
			return false;
	return true;
}

/* Into a slab; only one of the usual order has room for a colour. */
static tome_noinline bool
slab_make(struct tome_cache *c, tome_pfn_t head, unsigned order)
{
	union slab_word w = { .f.free = NOTHING };

	if (order == c->order)
		w.f.start = (uint16_t)(next_colour(c) >> UNIT_SHIFT);
	for (uint32_t i = 0; i < 1u << order; i++) {
		struct tome_page *pg = tome_page(c->vm, head + i);

		tome_wr(&pg->owner, c);
		pg->index = i | order << 8;
	}
	if (!thread_objects(c, head, (uint32_t)TOME_PAGE_SIZE << order, &w)) {
		frames_free(c->vm, head, order);
		return false;
	}
	set_word(tome_page(c->vm, head), w);
	return true;
}

static void
slab_destroy(struct tome_cache *c, tome_pfn_t head)
{
	struct tome_page *pg = tome_page(c->vm, head);

	destruct_all(c, head, word_of(pg));
	if (c->config.stable) {
		pg->next = head;
		tome_epoch_retire(c->vm, &pg->retired, slab_retired);
	} else {
		frames_free(c->vm, head, slab_order(pg));
	}
}

/* Its owner and its word are the record; what it needs besides it has kept. */
static void
slab_retired(struct tome_vm *vm, struct tome_retired *r)
{
	struct tome_page *pg = tome_container(r, struct tome_page, retired);

	frames_free(vm, pg->next, slab_order(pg));
}

bool
tome_cache_has(struct tome_cache *c, const void *object)
{
	const struct tome_page *pg = tome_page_try(c->vm,
	    tome_object_pfn(c->vm, object));

	return pg != NULL && tome_page_identity(pg) == TOME_PAGE_KERNEL &&
	    tome_rd(&pg->owner) == c;
}

/* ---- giving slabs back ---- */

/* Unlink the list's first slab; false when it has no more than `keep`. */
static bool
unlink_first(struct tome_cache *c, enum tome_slab_list l, uint32_t keep,
    tome_pfn_t *out)
{
	uintptr_t irq = tome_spin_lock(c->vm, &c->mag.lock, TOME_RANK_SLAB);
	tome_pfn_t head = c->slabs[l];
	struct tome_page *pg;
	bool any = head != TOME_PFN_NONE &&
	    (l != TOME_SLAB_EMPTY || c->nempty > keep);

	if (any) {
		pg = tome_page(c->vm, head);
		list_remove(c, l, head);
		c->nslabs--;
		c->frames -= (uint64_t)1 << slab_order(pg);
		c->live -= word_of(pg).f.out;
		*out = head;
	}
	tome_spin_unlock(c->vm, &c->mag.lock, TOME_RANK_SLAB, irq);
	return any;
}

static size_t
free_list(struct tome_cache *c, enum tome_slab_list l, uint32_t keep)
{
	tome_pfn_t head;
	size_t frames = 0;

	while (unlink_first(c, l, keep, &head)) {
		frames += (size_t)1 << slab_order(tome_page(c->vm, head));
		slab_destroy(c, head);
	}
	return frames;
}

static size_t
slab_trim(struct tome_cache *c, uint32_t keep)
{
	return free_list(c, TOME_SLAB_EMPTY, keep);
}

size_t
tome_slab_reap(struct tome_cache *c, bool force)
{
	size_t frames = slab_trim(c, 0);

	if (force) {
		frames += free_list(c, TOME_SLAB_PARTIAL, 0);
		frames += free_list(c, TOME_SLAB_FULL, 0);
	}
	return frames;
}

/* ---- layout ---- */

static uint32_t
round_up(uint32_t n, uint32_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static void
place_link(struct tome_cache *c)
{
	uint32_t end = c->size;

#ifdef TOME_DEBUG
	c->link = round_up(end, sizeof(uint64_t)) +
	    offsetof(struct tome_trailer, link);
	end = c->link - offsetof(struct tome_trailer, link) +
	    sizeof(struct tome_trailer);
#else
	c->link = 0;
	if (c->config.construct != NULL) {
		c->link = round_up(end, sizeof(uint32_t));
		end = c->link + sizeof(uint32_t);
	}
#endif
	c->stride = round_up(end, c->align);
}

/* What a slab of this order cannot use. No division: it may not exist. */
static uint32_t
waste(const struct tome_cache *c, unsigned order)
{
	uint32_t left = (uint32_t)TOME_PAGE_SIZE << order;

	while (left >= c->stride)
		left -= c->stride;
	return left;
}

tome_cold enum tome_err
tome_slab_layout(struct tome_cache *c)
{
	uint32_t align = (uint32_t)c->config.align;
	unsigned order = 0;

	c->align = align < 8 ? 8 : align;
	if (c->size == 0 || (align & (align - 1)) != 0 ||
	    align > TOME_PAGE_SIZE ||
	    c->size > (uint32_t)TOME_PAGE_SIZE << ORDER_MAX)
		return TOME_EINVAL;
	place_link(c);
	while (order <= ORDER_MAX &&
	    (uint32_t)TOME_PAGE_SIZE << order < c->stride)
		order++;
	if (order > ORDER_MAX)
		return TOME_EINVAL;
	c->low_order = (uint8_t)order;
	/* At most an eighth lost, or the largest slab. */
	while (order < ORDER_MAX &&
	    waste(c, order) > (uint32_t)TOME_PAGE_SIZE << order >> 3)
		order++;
	c->order = (uint8_t)order;
	c->colours = waste(c, order);
	return TOME_OK;
}

/* ---- check ---- */

static const char *
check_slab(struct tome_cache *c, tome_pfn_t head, enum tome_slab_list l)
{
	union slab_word w = word_of(tome_page(c->vm, head));
	uint32_t n = 0;

	if (tome_page(c->vm, head)->owner != c)
		return "a slab's frame names another owner";
	if (list_of(w) != l)
		return "a slab is on the wrong list";
	for (uint32_t at = w.f.free; at != NOTHING && n <= w.f.room; n++)
		at = *link_of(c, object_at(c, head, at));
	if (n + w.f.out != w.f.room)
		return "a slab's free list disagrees with its count";
	return NULL;
}

tome_cold const char *
tome_slab_check(struct tome_cache *c)
{
	uint64_t live = 0;
	uint32_t slabs = 0;

	for (int l = 0; l < TOME_SLAB_LISTS; l++) {
		tome_pfn_t at = c->slabs[l];

		for (; at != TOME_PFN_NONE; at = tome_page(c->vm, at)->next) {
			const char *why =
			    check_slab(c, at, (enum tome_slab_list)l);

			if (why != NULL)
				return why;
			live += word_of(tome_page(c->vm, at)).f.out;
			slabs++;
		}
	}
	if (live != c->live || slabs != c->nslabs)
		return "a cache's counts disagree with its slabs";
	return NULL;
}
