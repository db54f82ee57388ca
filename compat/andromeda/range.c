/*
 * range.c - range descriptors: the reserve they come from, and a segment's lists.
 *
 * A descriptor is never allocated while an allocation is served, or the kernel's own
 * allocator, which stands on segments, would be asked to serve itself: they come
 * from a reserve of 16 static ones, filled up afterwards (vm_range_update).
 *
 * Invariant: every range is on one list of its segment and in the chain of its base,
 *   a free one also in that of its end; free ranges do not touch each other.
 * Locks: the segment's, held by the caller; the reserve has its own.
 */
#include <string.h>

#include "range.h"

#define STATIC_RANGES 16u
#define RESERVE_LOW 3u
#define RESERVE_HIGH 64u

static struct {
	struct tome_mutex lock;
	struct vm_range_descriptor *first;
	unsigned n;
	struct vm_range_descriptor fixed[STATIC_RANGES];
} reserve;

/* ---- the reserve ---- */

int
vm_range_alloc_init(void)
{
	if (reserve.first != NULL)
		return -ALREADY_INITIALISED;
	memset(&reserve, 0, sizeof reserve);
	for (unsigned i = 0; i < STATIC_RANGES; i++) {
		reserve.fixed[i].static_alloc = true;
		reserve.fixed[i].next = reserve.first;
		reserve.first = &reserve.fixed[i];
	}
	reserve.n = STATIC_RANGES;
	return SUCCESS;
}

/* The lock is held; who fills the reserve up looks without it. */
static void
count(int by)
{
	__atomic_store_n(&reserve.n, reserve.n + (unsigned)by,
	    __ATOMIC_RELAXED);
}

struct vm_range_descriptor *
vm_range_alloc(void)
{
	struct vm_range_descriptor *r;

	tome_lock(andromeda_vm.vm, &reserve.lock);
	r = reserve.first;
	if (r != NULL) {
		reserve.first = r->next;
		count(-1);
	}
	tome_unlock(andromeda_vm.vm, &reserve.lock);
	if (r != NULL)
		*r = (struct vm_range_descriptor){
			.static_alloc = r->static_alloc };
	return r;
}

/* True: it is kept. */
static bool
reserve_keep(struct vm_range_descriptor *r)
{
	bool keep;

	tome_lock(andromeda_vm.vm, &reserve.lock);
	keep = r->static_alloc || reserve.n < RESERVE_HIGH;
	if (keep) {
		r->next = reserve.first;
		reserve.first = r;
		count(1);
	}
	tome_unlock(andromeda_vm.vm, &reserve.lock);
	return keep;
}

int
vm_range_free(struct vm_range_descriptor *r)
{
	if (r == NULL)
		return -NULL_PTR;
	if (!reserve_keep(r))
		tome_kfree(andromeda_vm.vm, r);
	return SUCCESS;
}

/* The count is only looked at: one too many or too few is no harm. */
int
vm_range_update(void)
{
	unsigned n = __atomic_load_n(&reserve.n, __ATOMIC_RELAXED);

	if (n >= RESERVE_LOW)
		return SUCCESS;
	for (; n < STATIC_RANGES; n++) {
		struct vm_range_descriptor *r = tome_kzalloc(andromeda_vm.vm,
		    sizeof *r);

		if (r == NULL)
			return -NOMEM;
		(void)vm_range_free(r);
	}
	return SUCCESS;
}

void
andromeda_reserve_drop(void)
{
	struct vm_range_descriptor *r;

	while ((r = vm_range_alloc()) != NULL)
		if (!r->static_alloc)
			tome_kfree(andromeda_vm.vm, r);
}

/* ---- chains ---- */

static unsigned
chain_of(const void *p)
{
	return (unsigned)((uintptr_t)p / PAGE_ALLOC_FACTOR) &
	    (RANGE_CHAINS - 1);
}

static void *
end_of(const struct vm_range_descriptor *r)
{
	return (char *)r->base + r->size;
}

static void
chain_by_base(struct vm_segment *seg, struct vm_range_descriptor *r)
{
	struct vm_range_descriptor **at = &seg->pages->base[chain_of(r->base)];

	r->by_base = *at;
	*at = r;
}

/* What leads to it in the chain of its base. */
static struct vm_range_descriptor **
base_link(struct vm_segment *seg, const struct vm_range_descriptor *r)
{
	struct vm_range_descriptor **at = &seg->pages->base[chain_of(r->base)];

	while (*at != r)
		at = &(*at)->by_base;
	return at;
}

void
andromeda_range_put(struct vm_segment *seg, struct vm_range_descriptor **list,
    struct vm_range_descriptor *r)
{
	struct vm_range_descriptor **at;

	r->parent = seg;
	r->list = list;
	r->prev = NULL;
	r->next = *list;
	if (r->next != NULL)
		r->next->prev = r;
	*list = r;
	chain_by_base(seg, r);
	if (list != &seg->free)
		return;
	at = &seg->pages->end[chain_of(end_of(r))];
	r->by_end = *at;
	*at = r;
}

void
andromeda_range_take(struct vm_segment *seg, struct vm_range_descriptor *r)
{
	struct vm_range_descriptor **at;

	*(r->prev != NULL ? &r->prev->next : r->list) = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	*base_link(seg, r) = r->by_base;
	if (r->list != &seg->free)
		return;
	at = &seg->pages->end[chain_of(end_of(r))];
	while (*at != r)
		at = &(*at)->by_end;
	*at = r->by_end;
}

struct vm_range_descriptor *
andromeda_range_at(struct vm_segment *seg,
    struct vm_range_descriptor *const *list, const void *base)
{
	struct vm_range_descriptor *r = seg->pages->base[chain_of(base)];

	while (r != NULL && (r->base != base || r->list != list))
		r = r->by_base;
	return r;
}

static struct vm_range_descriptor *
free_ending_at(struct vm_segment *seg, const void *end)
{
	struct vm_range_descriptor *r = seg->pages->end[chain_of(end)];

	while (r != NULL && end_of(r) != end)
		r = r->by_end;
	return r;
}

/* ---- carving and merging ---- */

/* A range stays on its list while its front moves; the size is the caller's. */
static void
base_moves(struct vm_segment *seg, struct vm_range_descriptor *r, void *to)
{
	*base_link(seg, r) = r->by_base;
	r->base = to;
	chain_by_base(seg, r);
}

void
andromeda_range_carve(struct vm_segment *seg, void *base, size_t n,
    struct vm_range_descriptor *fresh)
{
	struct vm_range_descriptor *f = andromeda_range_at(seg, &seg->free,
	    base);

	if (f->size == n) {
		andromeda_range_take(seg, f);
		(void)vm_range_free(f);
	} else {
		base_moves(seg, f, (char *)base + n);
		f->size -= n;
	}
	fresh->base = base;
	fresh->size = n;
	andromeda_range_put(seg, &seg->allocated, fresh);
}

void
andromeda_range_release(struct vm_segment *seg, struct vm_range_descriptor *r)
{
	struct vm_range_descriptor *next = andromeda_range_at(seg, &seg->free,
	    end_of(r));
	struct vm_range_descriptor *before = free_ending_at(seg, r->base);

	if (before != NULL) {
		andromeda_range_take(seg, before);
		r->base = before->base;
		r->size += before->size;
		(void)vm_range_free(before);
	}
	if (next != NULL) {
		base_moves(seg, next, r->base);
		next->size += r->size;
		(void)vm_range_free(r);
	} else {
		andromeda_range_put(seg, &seg->free, r);
	}
}

/* What is not free the arena has given out. */
static void
list_drop(struct vm_segment *seg, struct vm_range_descriptor **list)
{
	struct vm_range_descriptor *r;

	while ((r = *list) != NULL) {
		*list = r->next;
		if (list != &seg->free)
			tome_arena_free(seg->pages->arena, (uintptr_t)r->base -
			    (uintptr_t)seg->virt_base, r->size);
		(void)vm_range_free(r);
	}
}

void
andromeda_ranges_drop(struct vm_segment *seg)
{
	list_drop(seg, &seg->allocated);
	list_drop(seg, &seg->free);
	list_drop(seg, &seg->mapped);
}
