/*
 * heap.c - kernel memory that is known by who has it.
 *
 * Invariant: what is in a chain is mapped, and nobody else's to unmap.
 * Lock: the heap's own, over its chains.
 */
#include <base/lock.h>
#include <tome/heap.h>

#define CHAINS 64u

struct given {
	struct given *next;
	tome_va_t va;
	size_t npages;
};

struct tome_heap {
	struct tome_vm *vm;
	struct tome_mutex lock;
	struct given *chain[CHAINS];
};

static struct given **
given_chain(struct tome_heap *h, tome_va_t va)
{
	return &h->chain[(va >> TOME_PAGE_SHIFT) & (CHAINS - 1)];
}

tome_cold enum tome_err
tome_heap_create(struct tome_vm *vm, struct tome_heap **out)
{
	struct tome_heap *h = tome_kzalloc(vm, sizeof *h);

	if (h == NULL)
		return TOME_ENOMEM;
	h->vm = vm;
	*out = h;
	return TOME_OK;
}

/* Of what is in no chain any more. */
static void
given_end(struct tome_heap *h, struct given *g)
{
	tome_kunmap(h->vm, g->va);
	tome_kfree(h->vm, g);
}

tome_cold void
tome_heap_destroy(struct tome_heap *h)
{
	if (h == NULL)
		return;
	for (unsigned i = 0; i < CHAINS; i++) {
		struct given *g;

		while ((g = h->chain[i]) != NULL) {
			h->chain[i] = g->next;
			given_end(h, g);
		}
	}
	tome_kfree(h->vm, h);
}

static void
given_add(struct tome_heap *h, struct given *g)
{
	struct given **chain = given_chain(h, g->va);

	tome_mutex_lock(h->vm, &h->lock, TOME_RANK_MAP);
	g->next = *chain;
	*chain = g;
	tome_mutex_unlock(h->vm, &h->lock, TOME_RANK_MAP);
}

/* NULL: nothing of this size was given out there. */
static struct given *
given_take(struct tome_heap *h, tome_va_t va, size_t npages)
{
	struct given **at = given_chain(h, va), *g;

	tome_mutex_lock(h->vm, &h->lock, TOME_RANK_MAP);
	while ((g = *at) != NULL && (g->va != va || g->npages != npages))
		at = &g->next;
	if (g != NULL)
		*at = g->next;
	tome_mutex_unlock(h->vm, &h->lock, TOME_RANK_MAP);
	return g;
}

enum tome_err
tome_heap_alloc(struct tome_heap *h, size_t npages, void **out)
{
	struct given *g = tome_kmalloc(h->vm, sizeof *g);
	enum tome_err err;

	if (g == NULL)
		return TOME_ENOMEM;
	g->npages = npages;
	err = tome_kmap_heap(h->vm, npages, &g->va);
	if (err != TOME_OK) {
		tome_kfree(h->vm, g);
		return err;
	}
	*out = tome_kva_ptr(h->vm, g->va);
	given_add(h, g);
	return TOME_OK;
}

enum tome_err
tome_heap_free(struct tome_heap *h, const void *p, size_t npages)
{
	uintptr_t bias = (uintptr_t)tome_kva_ptr(h->vm, 0);
	struct given *g = given_take(h, (tome_va_t)((uintptr_t)p - bias),
	    npages);

	if (g == NULL)
		return TOME_ENOENT;
	given_end(h, g);
	return TOME_OK;
}
