/*
 * kmalloc.c - memory by size: classes for small, runs of frames for the rest.
 *
 * The frame's descriptor tells them apart: its owner is a class's cache, or the
 * layer itself for a run, whose order (with RUN) is in its head's index and
 * whose asked size is in its head's pv word.
 */
#include <kmem/kmem_i.h>

#define RUN 0x80000000u

static void *run_alloc(struct tome_kmem *, size_t);
static void run_free(struct tome_kmem *, struct tome_page *, void *);

static struct tome_cache *
class_for(struct tome_kmem *km, size_t size)
{
	return km->class[km->class_of[(size + 15) >> TOME_KMALLOC_STEP_SHIFT]];
}

void *
tome_kmalloc(struct tome_vm *vm, size_t size)
{
	struct tome_cache *c;
	void *p;

	if (tome_unlikely(size > TOME_KMALLOC_CLASS_MAX))
		return run_alloc(vm->kmem, size);
	if (size == 0)
		return NULL;
	c = class_for(vm->kmem, size);
	p = tome_cache_get(c);
	if (p != NULL)
		tome_debug_asked(c, p, (uint32_t)size);
	return p;
}

void *
tome_kzalloc(struct tome_vm *vm, size_t size)
{
	void *p = tome_kmalloc(vm, size);

	if (p != NULL)
		memset(p, 0, size);
	return p;
}

void
tome_kfree(struct tome_vm *vm, void *p)
{
	struct tome_page *pg;

	if (p == NULL)
		return;
	pg = tome_page(vm, tome_object_pfn(vm, p));
	TOME_CHECK(vm, pg->owner != NULL);
	if (tome_unlikely(pg->owner == vm->kmem))
		run_free(vm->kmem, pg, p);
	else
		tome_cache_put(pg->owner, p);
}

/* ---- runs ---- */

static unsigned
run_order(size_t size)
{
	unsigned order = 0;

	while (order <= TOME_MAX_ORDER &&
	    (size_t)TOME_PAGE_SIZE << order < size)
		order++;
	return order;
}

static void *
run_alloc(struct tome_kmem *km, size_t size)
{
	struct tome_vm *vm = km->vm;
	unsigned order = run_order(size);
	struct tome_page *pg;
	tome_pfn_t head;
	enum tome_err err;

	if (order > TOME_MAX_ORDER || (vm->host->may_alloc != NULL &&
	    !vm->host->may_alloc(vm->ctx, "object")))
		return NULL;
	if (order == 0)
		err = tome_frame_alloc(vm, TOME_PAGE_KERNEL, TOME_FRAME_DIRECT,
		    &head);
	else
		err = tome_frames_alloc(vm, TOME_PAGE_KERNEL, order, 0, 0,
		    TOME_FRAME_DIRECT, &head);
	if (err != TOME_OK)
		return NULL;
	pg = tome_page(vm, head);
	tome_wr(&pg->owner, km);
	pg->index = order | RUN;
	*(uint64_t *)&pg->pv = size;
	tome_add(&km->runs, 1);
	return tome_frame_va(vm, head);
}

static void
run_free(struct tome_kmem *km, struct tome_page *pg, void *p)
{
	tome_pfn_t head = tome_object_pfn(km->vm, p);
	unsigned order = pg->index & ~RUN;

	TOME_CHECK(km->vm, (pg->index & RUN) != 0 &&
	    p == tome_frame_va(km->vm, head));
	tome_wr_relaxed(&pg->owner, NULL);
	pg->index = 0;
	*(uint64_t *)&pg->pv = 0;
	(void)tome_drop(&km->runs);
	if (order == 0)
		tome_frame_free(km->vm, head);
	else
		tome_frames_free(km->vm, head, order);
}

size_t
tome_kmalloc_size(struct tome_vm *vm, void *p)
{
	struct tome_page *pg = tome_page(vm, tome_object_pfn(vm, p));
	struct tome_cache *c = pg->owner;

	if (pg->owner == vm->kmem)
		return (size_t)TOME_PAGE_SIZE << (pg->index & ~RUN);
#ifdef TOME_DEBUG
	return tome_trailer(c, p)->asked;	/* what follows is red */
#else
	return c->size;
#endif
}
