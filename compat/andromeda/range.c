/*
 * range.c - range descriptors: the reserve they come from, and a segment's lists.
 *
 * A descriptor is never allocated while an allocation is served, or the kernel's own
 * allocator, which stands on segments, would be asked to serve itself: they come
 * from a reserve of 16 static ones, filled up afterwards (vm_range_update).
 *
 * Invariant: every range is on one list of its segment and in the tree of them all;
 *   free ranges do not touch each other.
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

/* ---- lists ---- */

#define NODE struct vm_range_descriptor
#define LEFT(n) ((n)->left)
#define RIGHT(n) ((n)->right)
#define START(n) ((uintptr_t)(n)->base)
#define END(n) ((uintptr_t)(n)->base + (n)->size)
#define SPLAY(verb) range_##verb
#include "../splay.h"

static void
list_put(struct vm_range_descriptor **list, struct vm_range_descriptor *r)
{
	r->list = list;
	r->prev = NULL;
	r->next = *list;
	if (r->next != NULL)
		r->next->prev = r;
	*list = r;
}

static void
list_take(struct vm_range_descriptor *r)
{
	*(r->prev != NULL ? &r->prev->next : r->list) = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
}

void
andromeda_range_add(struct vm_segment *seg, struct vm_range_descriptor **list,
    struct vm_range_descriptor *r, void *base, size_t size)
{
	r->parent = seg;
	r->base = base;
	r->size = size;
	range_insert(&seg->pages->ranges, r);
	list_put(list, r);
}

void
andromeda_range_move(struct vm_range_descriptor *r,
    struct vm_range_descriptor **list)
{
	list_take(r);
	list_put(list, r);
}

struct vm_range_descriptor *
andromeda_range_on(struct vm_segment *seg,
    struct vm_range_descriptor *const *list, uintptr_t at)
{
	struct vm_range_descriptor *r = range_at(&seg->pages->ranges, at);

	return r != NULL && r->list == list ? r : NULL;
}

struct vm_range_descriptor *
andromeda_range_at(struct vm_segment *seg,
    struct vm_range_descriptor *const *list, const void *base)
{
	struct vm_range_descriptor *r = andromeda_range_on(seg, list,
	    (uintptr_t)base);

	return r != NULL && r->base == base ? r : NULL;
}

/* ---- carving and merging ---- */

void
andromeda_range_carve(struct vm_segment *seg, void *base, size_t n,
    struct vm_range_descriptor *fresh)
{
	struct vm_range_descriptor *f = andromeda_range_at(seg, &seg->free,
	    base);

	if (f->size == n) {
		andromeda_range_move(f, &seg->allocated);
		(void)vm_range_free(fresh);
		return;
	}
	f->base = (char *)base + n;
	f->size -= n;
	andromeda_range_add(seg, &seg->allocated, fresh, base, n);
}

void
andromeda_range_release(struct vm_segment *seg, struct vm_range_descriptor *r)
{
	struct vm_range_descriptor **all = &seg->pages->ranges, *before, *next;

	/* On top of the tree it has its neighbours at the inner ends below. */
	(void)range_at(all, (uintptr_t)r->base);
	for (next = r->right; next != NULL && next->left != NULL;)
		next = next->left;
	for (before = r->left; before != NULL && before->right != NULL;)
		before = before->right;
	list_take(r);
	if (next != NULL && next->list == &seg->free) {
		range_remove(all, r);
		next->base = r->base;
		next->size += r->size;
		(void)vm_range_free(r);
		r = next;
	} else {
		list_put(&seg->free, r);
	}
	if (before != NULL && before->list == &seg->free) {
		list_take(r);
		range_remove(all, r);
		before->size += r->size;
		(void)vm_range_free(r);
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
