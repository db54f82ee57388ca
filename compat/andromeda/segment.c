/*
 * segment.c - Andromeda's descriptors and segments, and the kernel's heap.
 *
 * A segment's content is an anonymous object; an arena over offsets decides which
 * part of it is given out (the smallest that fits). The range descriptors that the
 * old interface shows follow it.
 *
 * Invariant: the ranges of a segment cover it without overlap; those allocated or
 *   mapped are what the arena has given out.
 * Locks: the facade's over descriptors and their lists of segments, then the
 *   segment's over the rest.
 */
#include <string.h>

#include "../print.h"
#include "range.h"

_Static_assert(TOME_PAGE_SHIFT == 12, "Andromeda needs 4 KiB pages");

#define GRANULE ((size_t)PAGE_ALLOC_FACTOR)
#define HEAP_SIZE ((size_t)16 << 20)
/* More than any segment grows to; the arena's end, which is never reached. */
#define ARENA_SIZE ((tome_span_t)1 << 46)

struct andromeda andromeda_vm;
struct vm_descriptor vm_core = { .cpl = VM_CPL_CORE };

static void segment_free(struct vm_segment *);

int
andromeda_result(enum tome_err err, int other)
{
	return err == TOME_OK ? SUCCESS : err == TOME_ENOMEM ? -NOMEM : other;
}

/* SIZE_MAX rounds to 0. */
static size_t
round_up(size_t n)
{
	return (n + GRANULE - 1) & ~(GRANULE - 1);
}

/* ---- start and end ---- */

static enum tome_err
create_maps(void)
{
	struct tome_map_config kernel = { .kernel = true,
		.lo = andromeda_vm.config.kernel_lo,
		.hi = andromeda_vm.config.kernel_hi };
	enum tome_err err = tome_map_create(andromeda_vm.vm, &kernel,
	    &andromeda_vm.kernel);

	for (int i = 0; i < andromeda_vm.config.ncpus && err == TOME_OK; i++)
		err = tome_map_create(andromeda_vm.vm, NULL,
		    &andromeda_vm.space[i]);
	return err;
}

enum tome_err
compat_andromeda_start(struct tome_vm *vm,
    const struct compat_andromeda_config *config)
{
	enum tome_err err;

	if (config->ncpus < 1 || config->ncpus > CPU_LIMIT)
		return TOME_EINVAL;
	memset(&andromeda_vm, 0, sizeof andromeda_vm);
	memset(&vm_core, 0, sizeof vm_core);
	andromeda_vm.vm = vm;
	andromeda_vm.config = *config;
	andromeda_vm.bias = (uintptr_t)tome_kva_ptr(vm, 0);
	(void)vm_range_alloc_init();
	err = tome_object_create_device(vm, 0, (tome_pfn_t)-1, TOME_MEM_WB,
	    false, &andromeda_vm.memory);
	if (err == TOME_OK)
		err = andromeda_claims_start();
	if (err == TOME_OK)
		err = create_maps();
	if (err != TOME_OK)
		compat_andromeda_stop();
	return err;
}

void
compat_andromeda_cpu(int cpu)
{
	tome_map_switch(andromeda_vm.space[cpu]);
}

void
compat_andromeda_stop(void)
{
	while (vm_core.next != NULL)
		(void)vm_free(vm_core.next);
	while (vm_core.segments != NULL)
		(void)vm_segment_clean(vm_core.segments);
	for (int i = 0; i < andromeda_vm.config.ncpus; i++)
		if (andromeda_vm.space[i] != NULL)
			tome_map_unref(andromeda_vm.space[i]);
	if (andromeda_vm.kernel != NULL)
		tome_map_unref(andromeda_vm.kernel);
	tome_claims_destroy(andromeda_vm.claims);
	andromeda_reserve_drop();
	if (andromeda_vm.memory != NULL)
		tome_object_unref(andromeda_vm.memory);
}

struct tome_mutex *
compat_andromeda_lock(struct vm_segment *seg)
{
	return &seg->pages->lock;
}

/* The kernel's own segment of this name, loaded on all CPUs. */
static bool
kernel_segment(const char *name, void *base, size_t size)
{
	struct vm_segment *seg = vm_new_segment(base, size, &vm_core);

	if (seg == NULL)
		return false;
	for (size_t i = 0; name[i] != '\0'; i++)
		seg->name[i] = name[i];
	return true;
}

int
vm_init(void)
{
	const struct compat_andromeda_config *c = &andromeda_vm.config;
	const struct {
		const char *name;
		struct compat_andromeda_part part;
	} parts[] = { { ".code", c->code }, { ".PD", c->pd },
		{ ".data", c->data }, { ".stack", c->stack } };
	bool ok = true;

	if (vm_core.segments != NULL)
		return -ALREADY_INITIALISED;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (ok && parts[i].part.size != 0) {
			ok = kernel_segment(parts[i].name, parts[i].part.base,
			    parts[i].part.size);
			/* The boot code's page tables have it. */
			if (ok)
				vm_core.segments->pages->loaded = 1;
		}
	ok = ok && kernel_segment(".heap", tome_kva_ptr(andromeda_vm.vm,
	    c->kernel_lo), HEAP_SIZE) &&
	    vm_segment_load(0, vm_core.segments) == SUCCESS;
	while (!ok && vm_core.segments != NULL)
		(void)vm_segment_clean(vm_core.segments);
	return ok ? SUCCESS : -NOMEM;
}

/* ---- descriptors ---- */

struct vm_descriptor *
vm_new(unsigned pid)
{
	struct vm_descriptor *d = tome_kzalloc(andromeda_vm.vm, sizeof *d);

	if (d == NULL)
		return NULL;
	d->pid = pid;
	d->cpl = VM_CPL_USER;
	tome_lock(andromeda_vm.vm, &andromeda_vm.lock);
	d->prev = &vm_core;
	d->next = vm_core.next;
	if (d->next != NULL)
		d->next->prev = d;
	vm_core.next = d;
	tome_unlock(andromeda_vm.vm, &andromeda_vm.lock);
	return d;
}

int
vm_free(struct vm_descriptor *d)
{
	if (d == NULL)
		return -NULL_PTR;
	if (d == &vm_core)
		return -GENERIC;
	while (d->segments != NULL)
		(void)vm_segment_clean(d->segments);
	tome_lock(andromeda_vm.vm, &andromeda_vm.lock);
	d->prev->next = d->next;
	if (d->next != NULL)
		d->next->prev = d->prev;
	tome_unlock(andromeda_vm.vm, &andromeda_vm.lock);
	tome_kfree(andromeda_vm.vm, d);
	return SUCCESS;
}

/* ---- segments ---- */

static enum tome_err
backing_create(struct vm_segment *seg)
{
	struct tome_arena_config config = { .name = "segment",
		.size = ARENA_SIZE, .quantum = GRANULE };
	enum tome_err err = tome_object_create_anon(andromeda_vm.vm, seg->size,
	    NULL, 0, &seg->pages->content);

	if (err == TOME_OK)
		err = tome_arena_create(andromeda_vm.vm, &config,
		    &seg->pages->arena);
	return err;
}

/* Everything behind the segment, its one free range included. */
static bool
segment_fill(struct vm_segment *seg)
{
	struct vm_range_descriptor *all;

	seg->pages = tome_kzalloc(andromeda_vm.vm, sizeof *seg->pages);
	if (seg->pages == NULL || backing_create(seg) != TOME_OK)
		return false;
	(void)vm_range_update();
	all = vm_range_alloc();
	if (all == NULL)
		return false;
	andromeda_range_add(seg, &seg->free, all, seg->virt_base, seg->size);
	return true;
}

struct vm_segment *
vm_new_segment(void *virt, size_t size, struct vm_descriptor *d)
{
	struct vm_segment *seg;

	size = round_up(size);
	if (d == NULL || size == 0 || size > ARENA_SIZE / 2 ||
	    ((uintptr_t)virt & (PAGE_SIZE - 1)) != 0 ||
	    (uintptr_t)virt + size < size)
		return NULL;
	seg = tome_kzalloc(andromeda_vm.vm, sizeof *seg);
	if (seg == NULL)
		return NULL;
	seg->parent = d;
	seg->virt_base = virt;
	seg->size = size;
	if (!segment_fill(seg)) {
		segment_free(seg);
		return NULL;
	}
	seg->pages->kernel = d == &vm_core;
	tome_lock(andromeda_vm.vm, &andromeda_vm.lock);
	seg->next = d->segments;
	if (seg->next != NULL)
		seg->next->prev = seg;
	d->segments = seg;
	tome_unlock(andromeda_vm.vm, &andromeda_vm.lock);
	return seg;
}

/* What page tables have of it they keep. */
static void
segment_free(struct vm_segment *seg)
{
	struct vm_backing *b = seg->pages;

	andromeda_ranges_drop(seg);
	if (b != NULL) {
		if (b->arena != NULL)
			(void)!tome_arena_destroy(b->arena);
		if (b->content != NULL)
			tome_object_unref(b->content);
		tome_kfree(andromeda_vm.vm, b);
	}
	tome_kfree(andromeda_vm.vm, seg);
}

int
vm_segment_clean(struct vm_segment *seg)
{
	if (seg == NULL)
		return -NULL_PTR;
	tome_lock(andromeda_vm.vm, &andromeda_vm.lock);
	*(seg->prev != NULL ? &seg->prev->next : &seg->parent->segments) =
	    seg->next;
	if (seg->next != NULL)
		seg->next->prev = seg->prev;
	tome_unlock(andromeda_vm.vm, &andromeda_vm.lock);
	if (andromeda_vm.config.clean_frees)
		for (struct vm_range_descriptor *r = seg->mapped; r != NULL;
		    r = r->next)
			if (andromeda_hide(seg, r->base, r->size) == TOME_OK)
				(void)!tome_claims_drop(andromeda_vm.claims,
				    r->phys, r->size);
	segment_free(seg);
	return SUCCESS;
}

/* ---- growing ---- */

/* Room behind the segment, among those of its descriptor. */
static bool
has_room(const struct vm_segment *seg, size_t by)
{
	uintptr_t end = (uintptr_t)seg->virt_base + seg->size;
	const struct vm_segment *s;

	if (end + by < end || seg->size + by > ARENA_SIZE / 2)
		return false;
	for (s = seg->parent->segments; s != NULL; s = s->next)
		if (s != seg && (uintptr_t)s->virt_base < end + by &&
		    (uintptr_t)s->virt_base + s->size > end)
			return false;
	return true;
}

static int
grow_locked(struct vm_segment *seg, size_t by)
{
	void *tail = (char *)seg->virt_base + seg->size;
	struct vm_range_descriptor *r = vm_range_alloc();

	if (r == NULL || tome_object_resize(seg->pages->content,
	    seg->size + by) != TOME_OK) {
		if (r != NULL)
			(void)vm_range_free(r);
		return -NOMEM;
	}
	seg->size += by;
	andromeda_range_add(seg, &seg->allocated, r, tail, by);
	andromeda_range_release(seg, r);
	/* Where it is not shown now, a fault does. */
	(void)!andromeda_show(seg, tail, by, NULL);
	return SUCCESS;
}

int
vm_segment_grow(struct vm_segment *seg, size_t by)
{
	int left = -OUTOFBOUNDS;

	if (seg == NULL || by == 0 || seg->parent == NULL)
		return -INVALID_ARG;
	by = round_up(by);
	if (by == 0)
		return -OUTOFBOUNDS;
	(void)vm_range_update();
	tome_lock(andromeda_vm.vm, &andromeda_vm.lock);
	tome_lock(andromeda_vm.vm, &seg->pages->lock);
	if (has_room(seg, by))
		left = grow_locked(seg, by);
	tome_unlock(andromeda_vm.vm, &seg->pages->lock);
	tome_unlock(andromeda_vm.vm, &andromeda_vm.lock);
	return left;
}

/* ---- the allocator of a segment ---- */

/* The arena takes the front of the smallest free range that is large enough. */
static void *
alloc_locked(struct vm_segment *seg, size_t bytes,
    struct vm_range_descriptor *fresh)
{
	tome_span_t at;
	void *base;

	if (tome_arena_xalloc(seg->pages->arena, bytes, 0, 0, 0, 0, seg->size,
	    TOME_FIT_BEST, &at) != TOME_OK)
		return NULL;
	base = (char *)seg->virt_base + at;
	andromeda_range_carve(seg, base, bytes, fresh);
	return base;
}

void *
vm_segment_alloc(struct vm_segment *seg, size_t bytes)
{
	struct vm_range_descriptor *fresh;
	void *base;

	bytes = round_up(bytes);
	if (seg == NULL || bytes == 0 ||
	    !tome_try_lock(andromeda_vm.vm, &seg->pages->lock))
		return NULL;
	fresh = vm_range_alloc();
	base = fresh != NULL ? alloc_locked(seg, bytes, fresh) : NULL;
	tome_unlock(andromeda_vm.vm, &seg->pages->lock);
	if (base == NULL && fresh != NULL)
		(void)vm_range_free(fresh);
	(void)vm_range_update();
	return base;
}

static int
free_locked(struct vm_segment *seg, void *p)
{
	struct vm_range_descriptor *r = andromeda_range_at(seg,
	    &seg->allocated, p);
	size_t at = (uintptr_t)p - (uintptr_t)seg->virt_base;

	if (r == NULL)
		return -INVALID_ARG;
	if (tome_object_punch(seg->pages->content, at >> TOME_PAGE_SHIFT,
	    r->size >> TOME_PAGE_SHIFT) != TOME_OK)
		return -NOMEM;
	tome_arena_free(seg->pages->arena, at, r->size);
	andromeda_range_release(seg, r);
	return SUCCESS;
}

int
vm_segment_free(struct vm_segment *seg, void *p)
{
	int left;

	if (seg == NULL || p == NULL)
		return -NULL_PTR;
	tome_lock(andromeda_vm.vm, &seg->pages->lock);
	left = free_locked(seg, p);
	tome_unlock(andromeda_vm.vm, &seg->pages->lock);
	return left;
}

/* ---- the kernel's heap ---- */

struct vm_segment *
vm_find_segment(const char *name)
{
	struct vm_segment *s = vm_core.segments;

	if (name == NULL)
		return NULL;
	for (; s != NULL; s = s->next) {
		size_t i = 0;

		while (i < sizeof s->name && s->name[i] == name[i] &&
		    name[i] != '\0')
			i++;
		if (i < sizeof s->name && s->name[i] == name[i])
			return s;
	}
	return NULL;
}

void *
vm_get_kernel_heap_pages(size_t bytes)
{
	return vm_segment_alloc(vm_find_segment(".heap"), bytes);
}

int
vm_free_kernel_heap_pages(void *p)
{
	struct vm_segment *heap = vm_find_segment(".heap");

	if (p == NULL)
		return -NULL_PTR;
	return heap != NULL ? vm_segment_free(heap, p) : -HEAP_GENERIC;
}

void *
vm_map_heap(void *phys, size_t bytes)
{
	struct vm_segment *heap = vm_find_segment(".heap");
	void *virt = vm_segment_alloc(heap, bytes);

	if (virt != NULL && vm_map(virt, phys, heap) == NULL) {
		(void)vm_segment_free(heap, virt);
		virt = NULL;
	}
	return virt;
}

/* The codes of both, or-ed, as it was. */
int
vm_unmap_heap(void *virt)
{
	struct vm_segment *heap = vm_find_segment(".heap");

	return vm_unmap(virt, heap) | vm_segment_free(heap, virt);
}

/* ---- showing ---- */

static void
dump_line(const char *what, const char *name, const void *base, size_t size)
{
	compat_print(andromeda_vm.config.log, "%s%s 0x%08zx + 0x%zx", what,
	    name, (size_t)(uintptr_t)base, size);
}

static void
dump_ranges(const char *what, const struct vm_range_descriptor *r)
{
	for (; r != NULL; r = r->next)
		dump_line("  ", what, r->base, r->size);
}

void
vm_dump(struct vm_descriptor *d)
{
	if (d == NULL)
		return;
	for (struct vm_segment *s = d->segments; s != NULL; s = s->next) {
		dump_line("segment ", s->name, s->virt_base, s->size);
		dump_ranges("allocated", s->allocated);
		dump_ranges("mapped", s->mapped);
		dump_ranges("free", s->free);
	}
}
