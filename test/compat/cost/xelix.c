/*
 * xelix.c - Xelix's calls, against the core's for the same page.
 */
#include <memory/kmalloc.h>
#include <memory/vm.h>
#include <xelix/glue.h>

#include "cost.h"

#define AT UINT64_C(0x400000)
#define WRITE_BY_USER 6u
#define MANY 2000u

static struct tome_vm *vm;
static struct tome_map *map;
static struct tome_object *memory;
static uint64_t offset;
static void *mine, *theirs;
static struct vm_context *ctx;
static struct vm_page page, many[MANY];
static bool killed;

/* The core's page is at the same address of a space of its own. */
static void
core_map(void)
{
	struct tome_map_request rq = { .addr = AT, .len = PAGE_SIZE,
		.object = memory, .offset = offset, .prot = TOME_PROT_ALL,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED };
	tome_va_t at;

	MUST(tome_map_enter(map, &rq, &at) == TOME_OK);
}

static void
core_unmap(void)
{
	MUST(tome_map_remove(map, AT, PAGE_SIZE) == TOME_OK);
}

static void
add(void)
{
	MUST(vm_add_page(ctx, &page) == 0);
}

static void
rm(void)
{
	MUST(vm_rm_page_virt(ctx, page.virt_addr) == &page);
}

static void
core_fault(void)
{
	MUST(tome_fault(map, AT, TOME_PROT_WRITE) == TOME_OK);
}

static void
fault(void)
{
	killed = false;
	vm_handle_fault(WRITE_BY_USER, page.virt_addr, NULL);
	MUST(!killed);
}

static void
core_alloc(void)
{
	mine = tome_kmalloc(vm, 256);
	MUST(mine != NULL);
}

static void
core_free(void)
{
	tome_kfree(vm, mine);
}

static void
alloc(void)
{
	theirs = kmalloc(256);
	MUST(theirs != NULL);
}

static void
release(void)
{
	kfree(theirs);
}

/* ---- in a time that does not grow ---- */

/* Pages that the one which is looked for comes after. */
static void
add_many(void)
{
	for (unsigned i = 0; i < MANY; i++) {
		many[i] = page;
		many[i].virt_addr = (char *)page.virt_addr +
		    (i + 1) * PAGE_SIZE;
		many[i].phys_addr = (char *)page.phys_addr +
		    (i + 1) * PAGE_SIZE;
		many[i].section = VM_SECTION_UNMAPPED;
		MUST(vm_add_page(ctx, &many[i]) == 0);
	}
}

static void
add_all(void)
{
	add_many();
	add();
}

static void
rm_all(void)
{
	rm();
	for (unsigned i = 0; i < MANY; i++)
		MUST(vm_rm_page_phys(ctx, many[i].phys_addr) == &many[i]);
}

static void
find(void)
{
	MUST(vm_get_page_virt(ctx, page.virt_addr) == &page);
}

static void
find_by_frame(void)
{
	MUST(vm_get_page_phys(ctx, page.phys_addr) == &page);
}

static void
on_log(const char *line)
{
	(void)line;
}

static void
on_unresolved(uint32_t code, void *addr, void *ip)
{
	(void)code, (void)addr, (void)ip;
	killed = true;
}

static void
start(struct tome_vm *instance)
{
	static const struct compat_xelix_hooks hooks = { on_log,
		on_unresolved };
	tome_pfn_t zero = tome_zero_frame(instance);

	vm = instance;
	MUST(compat_xelix_start(vm, &hooks) == TOME_OK);
	MUST(tome_map_create(vm, NULL, &map) == TOME_OK);
	MUST(tome_object_create_device(vm, 0, (tome_pfn_t)-1, TOME_MEM_WB,
	    false, &memory) == TOME_OK);
	ctx = vm_new();
	MUST(ctx != NULL);
	compat_xelix_switch(ctx);
	page.section = VM_SECTION_DATA;
	page.virt_addr = (void *)AT;
	page.phys_addr = kmalloc(PAGE_SIZE);
	MUST(page.phys_addr != NULL);
	offset = (uintptr_t)page.phys_addr -
	    (uintptr_t)tome_frame_va(vm, zero) + tome_pfn_pa(zero);
}

static const struct cost_call calls[] = {
	{ .what = "map", .core = core_map, .core_undo = core_unmap,
	    .facade = add, .facade_undo = rm, .allowed = 20 },
	{ .what = "unmap", .core_first = core_map, .core = core_unmap,
	    .facade_first = add, .facade = rm, .allowed = 30 },
	{ .what = "fault", .core_first = core_map, .core = core_fault,
	    .core_undo = core_unmap, .facade_first = add, .facade = fault,
	    .facade_undo = rm },
	{ .what = "heap allocation", .core = core_alloc,
	    .core_undo = core_free, .facade = alloc, .facade_undo = release },
	{ .what = "heap free", .core_first = core_alloc, .core = core_free,
	    .facade_first = alloc, .facade = release },
	/* The core's are the facade's own here: one among many, one alone. */
	{ .what = "find among 2,000", .core_first = add, .core = find,
	    .core_undo = rm, .facade_first = add_all, .facade = find,
	    .facade_undo = rm_all, .allowed = 40 },
	{ .what = "find by frame among 2,000", .core_first = add,
	    .core = find_by_frame, .core_undo = rm, .facade_first = add_all,
	    .facade = find_by_frame, .facade_undo = rm_all, .allowed = 40 },
	{ .what = NULL },
};

const struct cost cost_xelix = { "xelix", start, calls };
