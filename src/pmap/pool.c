/*
 * pool.c - objects of one size, carved from frames: what layer 2 needs before
 * there is any heap (pmaps, chunks of pv records, side arrays).
 *
 * Invariant: a frame is on the partial list exactly when it has both a free
 *   object and a used one; a frame without a used one goes back to phys.
 * Locks: the pool's, leaf side. Frames are taken and given back outside it,
 *   because an allocation may call the pressure hook.
 */
#include <pmap/pool.h>

static void *pool_take(struct tome_vm *, struct tome_pool *,
    struct pool_frame *fresh);
static struct pool_frame *pool_grow(struct tome_vm *, struct tome_pool *);
static void pool_link(struct tome_pool *, struct pool_frame *);
static void pool_unlink(struct tome_pool *, struct pool_frame *);

void
tome_pool_init(struct tome_pool *p, size_t size)
{
	size_t room = TOME_PAGE_SIZE - sizeof(struct pool_frame);

	*p = (struct tome_pool){.size = (uint32_t)size};
	p->per_frame = tome_pool_count(room, size);
}

void *
tome_pool_alloc(struct tome_vm *vm, struct tome_pool *p)
{
	struct pool_frame *f;
	void *object = pool_take(vm, p, NULL);

	if (object != NULL)
		return object;
	f = pool_grow(vm, p);
	return f == NULL ? NULL : pool_take(vm, p, f);
}

void
tome_pool_free(struct tome_vm *vm, struct tome_pool *p, void *object)
{
	struct pool_frame *f = tome_pool_header(object);
	struct pool_object *o = object;
	uintptr_t irq = tome_spin_lock(vm, &p->lock, TOME_RANK_PVPOOL);
	bool empty = --f->used == 0;

	p->used--;
	if (f->free == NULL && !empty)
		pool_link(p, f);
	else if (f->free != NULL && empty)
		pool_unlink(p, f);
	o->next = f->free;
	f->free = o;
	p->frames -= empty;
	tome_spin_unlock(vm, &p->lock, TOME_RANK_PVPOOL, irq);
	if (empty)
		tome_frame_free(vm, f->frame);
}

/* From a partial frame, or from `fresh`, which joins the pool. */
static void *
pool_take(struct tome_vm *vm, struct tome_pool *p, struct pool_frame *fresh)
{
	uintptr_t irq = tome_spin_lock(vm, &p->lock, TOME_RANK_PVPOOL);
	struct pool_frame *f = p->partial;
	struct pool_object *o = NULL;

	if (fresh != NULL) {
		f = fresh;
		pool_link(p, f);
		p->frames++;
	}
	if (f != NULL) {
		o = f->free;
		f->free = o->next;
		f->used++;
		p->used++;
		if (f->free == NULL)
			pool_unlink(p, f);
	}
	tome_spin_unlock(vm, &p->lock, TOME_RANK_PVPOOL, irq);
	return o;
}

static struct pool_frame *
pool_grow(struct tome_vm *vm, struct tome_pool *p)
{
	struct pool_frame *f;
	tome_pfn_t frame;
	unsigned i;

	if (tome_frame_alloc(vm, TOME_PAGE_KERNEL, TOME_FRAME_DIRECT,
		&frame) != TOME_OK)
		return NULL;
	f = tome_table_va(vm, tome_pfn_pa(frame));
	*f = (struct pool_frame){.frame = frame};
	for (i = p->per_frame; i-- > 0;) {
		struct pool_object *o = tome_pool_at(p, f, i);

		o->next = f->free;
		f->free = o;
	}
	return f;
}

static void
pool_link(struct tome_pool *p, struct pool_frame *f)
{
	f->prev = NULL;
	f->next = p->partial;
	if (f->next != NULL)
		f->next->prev = f;
	p->partial = f;
}

static void
pool_unlink(struct tome_pool *p, struct pool_frame *f)
{
	if (f->prev != NULL)
		f->prev->next = f->next;
	else
		p->partial = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
}
