/*
 * vm.c - Xelix's contexts and pages on Tome's maps.
 *
 * A context is a map and an index of its pages. One object stands for all of
 * physical memory; a page that has some is a shared mapping of it, at the page's
 * address, so neighbours make one entry. Copies and stacks are made in the
 * fault, from the kernel's allocator, as the document has it.
 *
 * Invariant: for every virtual address the map has exactly what the first page of
 *   that address asks for (wants()).
 * Locks: a context's own, over its index and its pages' fields; the facade's, over
 *   the list of contexts.
 */
#include <string.h>

#include <memory/kmalloc.h>
#include <memory/vm.h>
#include <tome/lock.h>
#include <tome/map.h>

#include "../print.h"
#include "glue.h"
#include "index.h"

_Static_assert(TOME_PAGE_SHIFT == 12, "Xelix needs 4 KiB pages");

/* Of the fault's code. */
#define FAULT_WRITE 2u
#define FAULT_FETCH 16u

struct vm_context {
	struct tome_mutex lock;
	struct tome_map *map;
	struct xelix_index pages;
	void *cache;
	struct vm_context *next, *prev;
};

static struct {
	struct tome_vm *vm;
	struct compat_xelix_hooks hooks;
	struct tome_object *memory;	/* all of it: offset is address */
	uintptr_t bias;			/* of the direct map */
	struct tome_mutex lock;
	struct vm_context *contexts;
} x;

struct vm_context *vm_kernelContext, *vm_currentContext, *vm_processContext;
void *vm_faultAddress;
void (*vm_applyPage)(struct vm_context *, struct vm_page *);

static enum tome_err apply(struct vm_context *, const struct vm_page *)
    TOME_NODISCARD;
static bool fault_resolved(struct vm_context *, uint32_t code, void *addr);
static bool give_memory(struct vm_context *, struct xelix_node *,
    const void *from);

/* ---- start and end ---- */

enum tome_err
compat_xelix_start(struct tome_vm *vm, const struct compat_xelix_hooks *hooks)
{
	tome_pfn_t zero = tome_zero_frame(vm);
	enum tome_err err;

	memset(&x, 0, sizeof x);
	x.vm = vm;
	x.hooks = *hooks;
	x.bias = (uintptr_t)tome_frame_va(vm, zero) -
	    (uintptr_t)tome_pfn_pa(zero);
	err = tome_object_create_device(vm, 0, (tome_pfn_t)-1, TOME_MEM_WB,
	    false, &x.memory);
	if (err != TOME_OK)
		return err;
	vm_kernelContext = vm_currentContext = vm_new();
	vm_processContext = NULL;
	vm_faultAddress = NULL;
	vm_applyPage = NULL;
	if (vm_kernelContext != NULL)
		return TOME_OK;
	tome_object_unref(x.memory);
	return TOME_ENOMEM;
}

void
compat_xelix_stop(void)
{
	while (x.contexts != NULL)
		compat_xelix_free(x.contexts);
	tome_object_unref(x.memory);
	vm_kernelContext = vm_currentContext = vm_processContext = NULL;
}

void
compat_xelix_switch(struct vm_context *ctx)
{
	vm_currentContext = ctx != NULL ? ctx : vm_kernelContext;
	if (ctx != NULL)
		tome_map_switch(ctx->map);
	else
		tome_pmap_switch(tome_pmap_kernel(x.vm));
}

/* ---- the kernel's allocator ---- */

void *
kmalloc(size_t size)
{
	return tome_kmalloc(x.vm, size);
}

void
kfree(void *p)
{
	tome_kfree(x.vm, p);
}

/* ---- contexts ---- */

struct vm_context *
vm_new(void)
{
	struct vm_context *ctx = tome_kzalloc(x.vm, sizeof *ctx);

	if (ctx == NULL)
		return NULL;
	if (xelix_index_init(x.vm, &ctx->pages) != TOME_OK) {
		tome_kfree(x.vm, ctx);
		return NULL;
	}
	if (tome_map_create(x.vm, NULL, &ctx->map) != TOME_OK) {
		xelix_index_fini(x.vm, &ctx->pages);
		tome_kfree(x.vm, ctx);
		return NULL;
	}
	tome_lock(x.vm, &x.lock);
	ctx->next = x.contexts;
	if (ctx->next != NULL)
		ctx->next->prev = ctx;
	x.contexts = ctx;
	tome_unlock(x.vm, &x.lock);
	return ctx;
}

void
compat_xelix_free(struct vm_context *ctx)
{
	tome_lock(x.vm, &x.lock);
	*(ctx->prev != NULL ? &ctx->prev->next : &x.contexts) = ctx->next;
	if (ctx->next != NULL)
		ctx->next->prev = ctx->prev;
	tome_unlock(x.vm, &x.lock);
	tome_map_unref(ctx->map);
	xelix_index_fini(x.vm, &ctx->pages);
	tome_kfree(x.vm, ctx);
}

void
vm_set_cache(struct vm_context *ctx, void *cache)
{
	if (ctx != NULL)
		ctx->cache = cache;
}

void *
vm_get_cache(struct vm_context *ctx)
{
	return ctx != NULL ? ctx->cache : NULL;
}

/* ---- what a page asks for ---- */

/* Filled when it is first touched: a stack that grows, memory that was promised. */
static bool
on_demand(const struct vm_page *pg)
{
	if (pg->allocated || pg->cow)
		return false;
	return pg->section == VM_SECTION_STACK || (pg->phys_addr == NULL &&
	    (pg->section == VM_SECTION_HEAP || pg->section == VM_SECTION_MMAP));
}

/* Nobody's but the kernel's, which has it in its identity map; or nobody's. */
static bool
closed_to_users(const struct vm_page *pg)
{
	return pg->section == VM_SECTION_UNMAPPED ||
	    (pg->section == VM_SECTION_KERNEL && !pg->readonly);
}

static uint64_t
physical(const void *p)
{
	return (uintptr_t)p - x.bias;
}

static bool
page_aligned(const void *p)
{
	return ((uintptr_t)p & (PAGE_SIZE - 1)) == 0;
}

/* Its address in the map, which has nothing there, or the page before it. */
static struct tome_map_request
wants(const struct vm_page *pg)
{
	struct tome_map_request rq = { .addr = (uintptr_t)pg->virt_addr,
		.len = PAGE_SIZE, .flags = TOME_MAP_FIXED };

	if (closed_to_users(pg)) {
		rq.flags |= TOME_MAP_GUARD;
		return rq;
	}
	rq.prot = TOME_PROT_READ | TOME_PROT_EXEC;
	if (!pg->readonly && !pg->cow)
		rq.prot |= TOME_PROT_WRITE;
	rq.flags |= TOME_MAP_SHARED;
	rq.object = x.memory;
	rq.offset = physical(pg->cow ? pg->cow_src_addr : pg->phys_addr);
	return rq;
}

/* Make the map agree with the page; a failure leaves it as it was. */
static enum tome_err
apply(struct vm_context *ctx, const struct vm_page *pg)
{
	struct tome_map_request rq = wants(pg);
	tome_va_t at;

	if (on_demand(pg))
		return tome_map_remove(ctx->map, rq.addr, PAGE_SIZE);
	return tome_map_enter(ctx->map, &rq, &at);
}

static void
applied(struct vm_context *ctx, struct vm_page *pg)
{
	if (vm_applyPage != NULL)
		vm_applyPage(ctx, pg);
}

/* ---- pages ---- */

struct vm_page *
vm_new_page(void)
{
	return tome_kzalloc(x.vm, sizeof(struct vm_page));
}

static enum tome_err
add_locked(struct vm_context *ctx, struct vm_page *pg, bool *first)
{
	struct xelix_node *n;
	enum tome_err err;

	*first = xelix_index_find(&ctx->pages, BY_VIRT, pg->virt_addr) == NULL;
	err = xelix_index_add(x.vm, &ctx->pages, pg, &n);
	if (err != TOME_OK || !*first)
		return err;
	err = apply(ctx, pg);
	if (err != TOME_OK)
		xelix_index_remove(x.vm, &ctx->pages, n);
	return err;
}

int
vm_add_page(struct vm_context *ctx, struct vm_page *pg)
{
	enum tome_err err;
	bool first;

	if (ctx == NULL || pg == NULL || !page_aligned(pg->virt_addr) ||
	    !page_aligned(pg->phys_addr) ||
	    (pg->cow && !page_aligned(pg->cow_src_addr)) ||
	    (unsigned)pg->section > VM_SECTION_UNMAPPED)
		return -1;
	tome_lock(x.vm, &ctx->lock);
	err = add_locked(ctx, pg, &first);
	tome_unlock(x.vm, &ctx->lock);
	if (err != TOME_OK)
		return -1;
	if (first)
		applied(ctx, pg);
	return 0;
}

static struct vm_page *
get_by(struct vm_context *ctx, int by, const void *key)
{
	struct xelix_node *n;
	struct vm_page *pg;

	if (ctx == NULL)
		return NULL;
	tome_lock(x.vm, &ctx->lock);
	n = xelix_index_find(&ctx->pages, by, key);
	pg = n != NULL ? n->page : NULL;
	tome_unlock(x.vm, &ctx->lock);
	return pg;
}

struct vm_page *
vm_get_page_virt(struct vm_context *ctx, void *virt)
{
	return get_by(ctx, BY_VIRT, virt);
}

struct vm_page *
vm_get_page_phys(struct vm_context *ctx, void *phys)
{
	return get_by(ctx, BY_PHYS, phys);
}

struct vm_page *
vm_get_page(struct vm_context *ctx, uint32_t i)
{
	struct xelix_node *n;
	struct vm_page *pg;

	if (ctx == NULL)
		return NULL;
	tome_lock(x.vm, &ctx->lock);
	n = ctx->pages.first;
	while (n != NULL && i-- > 0)
		n = n->next;
	pg = n != NULL ? n->page : NULL;
	tome_unlock(x.vm, &ctx->lock);
	return pg;
}

/*
 * Its translation goes first, or is the next page's of that address; a map that
 * cannot be cut for want of memory keeps both.
 */
static bool
remove_locked(struct vm_context *ctx, struct xelix_node *n)
{
	struct vm_page *pg = n->page;
	struct xelix_node *now;
	enum tome_err err = TOME_OK;

	if (xelix_index_find(&ctx->pages, BY_VIRT, pg->virt_addr) == n) {
		now = n->by[BY_VIRT];
		while (now != NULL && now->key[BY_VIRT] != n->key[BY_VIRT])
			now = now->by[BY_VIRT];
		err = now != NULL ? apply(ctx, now->page) :
		    tome_map_remove(ctx->map, n->key[BY_VIRT], PAGE_SIZE);
	}
	if (err == TOME_OK)
		xelix_index_remove(x.vm, &ctx->pages, n);
	return err == TOME_OK;
}

static struct vm_page *
rm_by(struct vm_context *ctx, int by, const void *key)
{
	struct xelix_node *n;
	struct vm_page *pg = NULL;

	if (ctx == NULL)
		return NULL;
	tome_lock(x.vm, &ctx->lock);
	n = xelix_index_find(&ctx->pages, by, key);
	if (n != NULL)
		pg = n->page;
	if (pg != NULL && !remove_locked(ctx, n))
		pg = NULL;
	tome_unlock(x.vm, &ctx->lock);
	return pg;
}

struct vm_page *
vm_rm_page_virt(struct vm_context *ctx, void *virt)
{
	return rm_by(ctx, BY_VIRT, virt);
}

struct vm_page *
vm_rm_page_phys(struct vm_context *ctx, void *phys)
{
	return rm_by(ctx, BY_PHYS, phys);
}

/* The callback may remove the page it is given. */
int
vm_iterate(struct vm_context *ctx, vm_iterator_t callback)
{
	struct xelix_node *n, *next;
	int i = 0;

	if (ctx == NULL || callback == NULL)
		return 0;
	for (n = ctx->pages.first; n != NULL; n = next) {
		next = n->next;
		callback(ctx, n->page, (uint32_t)i++);
	}
	return i;
}

uint32_t
vm_count_pages(struct vm_context *ctx)
{
	return ctx != NULL ? ctx->pages.count : 0;
}

/* ---- showing ---- */

void
vm_dump_page(struct vm_page *pg)
{
	static const char *const section[] = { "stack", "code", "data", "heap",
		"mmap", "kernel", "unmapped" };

	if (pg == NULL)
		return;
	compat_print(x.hooks.log, "%s virt 0x%08zx phys 0x%08zx%s%s%s",
	    (unsigned)pg->section > VM_SECTION_UNMAPPED ? "?" :
	    section[pg->section], (size_t)(uintptr_t)pg->virt_addr,
	    pg->phys_addr != NULL ? (size_t)physical(pg->phys_addr) : 0,
	    pg->readonly ? " readonly" : "", pg->cow ? " cow" : "",
	    pg->allocated ? " allocated" : "");
}

static void
dump_one(struct vm_context *ctx, struct vm_page *pg, uint32_t i)
{
	(void)ctx;
	(void)i;
	vm_dump_page(pg);
}

void
vm_dump(struct vm_context *ctx)
{
	(void)vm_iterate(ctx, dump_one);
}

/* ---- faults ---- */

void
vm_handle_fault(uint32_t code, void *addr, void *ip)
{
	void *page = (void *)((uintptr_t)addr & ~(uintptr_t)(PAGE_SIZE - 1));

	if (vm_faultAddress != NULL && page == vm_faultAddress)
		x.hooks.log("vm: fault at the guard page, ignored");
	else if (!fault_resolved(vm_currentContext, code, page))
		x.hooks.unresolved(code, addr, ip);
}

/* What the page still lacks, if anything; under the lock, so that of two CPUs one
 * makes it and the other finds it. */
static bool
supply(struct vm_context *ctx, struct xelix_node *n, bool write, bool *changed)
{
	struct vm_page *pg = n->page;

	*changed = false;
	if (closed_to_users(pg) || (write && pg->readonly))
		return false;
	if (pg->cow && write)
		*changed = give_memory(ctx, n, pg->cow_src_addr);
	else if (on_demand(pg))
		*changed = give_memory(ctx, n, NULL);
	else
		return true;
	return *changed;
}

static bool
fault_resolved(struct vm_context *ctx, uint32_t code, void *addr)
{
	tome_prot_t access = code & FAULT_WRITE ? TOME_PROT_WRITE :
	    code & FAULT_FETCH ? TOME_PROT_EXEC : TOME_PROT_READ;
	struct xelix_node *n;
	struct vm_page *pg;
	bool changed, ok;

	tome_lock(x.vm, &ctx->lock);
	n = xelix_index_find(&ctx->pages, BY_VIRT, addr);
	pg = n != NULL ? n->page : NULL;
	ok = n != NULL && supply(ctx, n, access == TOME_PROT_WRITE, &changed);
	tome_unlock(x.vm, &ctx->lock);
	if (!ok)
		return false;
	if (changed)
		applied(ctx, pg);
	return tome_fault(ctx->map, (uintptr_t)addr, access) == TOME_OK;
}

/* A frame of its own, from the kernel's allocator: a copy, or zeroed. Fails with the
 * page as it was. */
static bool
give_memory(struct vm_context *ctx, struct xelix_node *n, const void *from)
{
	struct vm_page *pg = n->page, was = *pg;
	void *frame = kmalloc(PAGE_SIZE);

	if (frame == NULL)
		return false;
	if (from != NULL)
		memcpy(frame, from, PAGE_SIZE);
	else
		memset(frame, 0, PAGE_SIZE);
	pg->phys_addr = frame;
	pg->allocated = true;
	pg->cow = false;
	if (apply(ctx, pg) != TOME_OK) {
		*pg = was;
		kfree(frame);
		return false;
	}
	xelix_index_moved(&ctx->pages, n);
	return true;
}
