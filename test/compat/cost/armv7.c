/*
 * armv7.c - the ARMv7 kernel's calls, against the core's for the same frames.
 *
 * The document has no page fault: a page is there when allocate_page() returns, which
 * is counted as it. A second-level table has the core's cache behind it, a number of a
 * space nothing: that its check costs no more than a tenth of a switch is counted.
 */
#include <string.h>

#include <armv7/glue.h>
#include <vas2.h>

#include "cost.h"

#define AT ((size_t)0x400000)
#define MIB ((size_t)1 << 20)
#define SECTION_PAGES (MIB / PAGE_SIZE)
#define KERNEL UINT64_C(0xffffc90000000000)
#define WINDOW_AT ((tome_va_t)32 << 20)
#define MANY 2000u
/* Above all RAM. */
#define DEVICE_AT ((tome_pfn_t)0xf0000)

static struct tome_vm *vm;
static struct tome_pmap *pmap, *other;
static struct tome_cache *tables;
static tome_pfn_t frame;
static void *object;

static struct vas2 *vas, *idle;
static struct Page *page, *many[MANY];
static struct L1PageTable *l1;
static struct L2PageTable *l2;

static const struct PagePermission user = { UserRW, false };

/* ---- the core's ---- */

static void
core_page(void)
{
	MUST(tome_frame_alloc(vm, TOME_PAGE_DEVICE,
	    TOME_FRAME_ZERO | TOME_FRAME_DIRECT, &frame) == TOME_OK);
}

static void
core_page_free(void)
{
	tome_frame_free(vm, frame);
}

static void
core_enter(tome_pfn_t what, tome_va_t at, tome_prot_t prot,
    enum tome_memtype type)
{
	MUST(tome_pmap_enter(pmap, at, what, prot, type,
	    TOME_PMAP_MODIFIED) == TOME_OK);
}

/* A page beside another: the tables are there. */
static void
core_map(void)
{
	core_page();
	core_enter(frame, AT, TOME_PROT_READ | TOME_PROT_WRITE, TOME_MEM_WB);
}

static void
core_unmap(void)
{
	tome_pages_unmap(vm, &frame, 1);
	core_page_free();
}

static void
core_section(void)
{
	for (size_t i = 0; i < SECTION_PAGES; i++)
		core_enter(DEVICE_AT + (tome_pfn_t)i, AT + MIB + i * PAGE_SIZE,
		    TOME_PROT_READ | TOME_PROT_WRITE, TOME_MEM_DEVICE);
}

static void
core_section_end(void)
{
	tome_pmap_remove(pmap, AT + MIB, AT + 2 * MIB);
}

static void
core_l1(void)
{
	MUST(tome_frames_alloc(vm, TOME_PAGE_KERNEL, 1, 2, 0,
	    TOME_FRAME_ZERO | TOME_FRAME_DIRECT, &frame) == TOME_OK);
	MUST(tome_pmap_create(vm, &other) == TOME_OK);
}

static void
core_l1_free(void)
{
	tome_pmap_destroy(other);
	tome_frames_free(vm, frame, 1);
}

static void
core_l2(void)
{
	object = tome_cache_alloc(tables);
	MUST(object != NULL);
	memset(object, 0, sizeof(struct L2PageTable));
}

static void
core_l2_free(void)
{
	tome_cache_free(tables, object);
}

static void
core_switch(void)
{
	tome_pmap_switch(pmap);
}

/* ---- the facade's ---- */

static void
map(void)
{
	page = vm2_allocate_page(vas->l1PageTable, AT, false, user, &l2);
	MUST(page != NULL && l2 == NULL);
}

static void
release(void)
{
	pmm_free_page(page);
}

/* The place in the list is given back too. */
static void
fault(void)
{
	allocate_page(vas, AT, false);
}

static void
fault_undo(void)
{
	pmm_free_page(vas->pages.at[--vas->pages.count]);
}

static void
section(void)
{
	union L1PagetableEntry e = { .entry = 0 };

	e.section.type = 2;
	e.section.bufferable = 1;
	e.section.accessPermissions = 3;
	e.section.executeNever = 1;
	e.section.base_address = (uint32_t)(DEVICE_AT / SECTION_PAGES) & 0xfff;
	MUST(!vm2_l1_map_physical_to_virtual(vas->l1PageTable, e, AT + MIB,
	    false));
}

/* A MiB has no call that unmaps it: it goes as the table's pages do. */
static void
section_end(void)
{
	tome_pmap_remove(tome_pmap_current(vm), AT + MIB, AT + 2 * MIB);
	vas->l1PageTable->entries[(AT + MIB) / MIB].entry = 0;
}

static void
alloc(void)
{
	page = pmm_allocate_page();
	MUST(page != NULL);
}

static void
alloc_l1(void)
{
	l1 = pmm_allocate_l1_pagetable();
	MUST(l1 != NULL);
}

static void
free_l1(void)
{
	pmm_free_l1_pagetable(l1);
}

static void
alloc_l2(void)
{
	l2 = pmm_allocate_l2_pagetable();
	MUST(l2 != NULL);
}

static void
free_l2(void)
{
	pmm_free_l2_pagetable(l2);
}

static void
run(void)
{
	switch_to_vas(vas);
}

static void
run_idle(void)
{
	switch_to_vas(idle);
}

static void
run_kernel(void)
{
	tome_pmap_switch(tome_pmap_kernel(vm));
}

/* ---- in a time that does not grow ---- */

static void
fill(void)
{
	for (unsigned i = 0; i < MANY; i++) {
		many[i] = pmm_allocate_page();
		MUST(many[i] != NULL);
	}
}

static void
fill_and_alloc(void)
{
	fill();
	alloc();
}

static void
empty(void)
{
	for (unsigned i = MANY; i-- > 0;)
		pmm_free_page(many[i]);
}

static void
release_and_empty(void)
{
	release();
	empty();
}

/* ---- the start ---- */

static void
no_step(void)
{
}

static struct tome_vm *
the_instance(void)
{
	return vm;
}

static void
on_line(const char *line)
{
	(void)line;
	abort();
}

static void
start(struct tome_vm *instance)
{
	static const struct tome_cache_config l2_config = { .name = "cost l2",
		.size = sizeof(struct L2PageTable),
		.align = sizeof(struct L2PageTable) };
	tome_pfn_t zero = tome_zero_frame(instance);
	size_t ram = (size_t)(uintptr_t)tome_frame_va(instance, zero) -
	    (size_t)tome_pfn_pa(zero);
	const struct compat_armv7_hooks hooks = { .map_ram = no_step,
		.drop_identity = no_step, .create = the_instance,
		.warn = on_line, .fatal = on_line, .pmm_start = ram + MIB,
		.pmm_end = ram + COST_RAM, .window = KERNEL + WINDOW_AT };

	vm = instance;
	compat_armv7_boot(&hooks);
	vm2_start();
	MUST(tome_pmap_create(vm, &pmap) == TOME_OK);
	MUST(tome_cache_create(vm, &l2_config, &tables) == TOME_OK);
	vas = create_vas();
	idle = create_vas();
	MUST(vas != NULL && idle != NULL);
	switch_to_vas(vas);
	/* Neighbours, whose tables are there from now on. */
	allocate_page(vas, AT + PAGE_SIZE, false);
	core_page();
	core_enter(frame, AT + PAGE_SIZE, TOME_PROT_READ, TOME_MEM_WB);
}

static const struct cost_call calls[] = {
	{ .what = "map", .core = core_map, .core_undo = core_unmap,
	    .facade = map, .facade_undo = release, .allowed = 50 },
	{ .what = "unmap", .core_first = core_map, .core = core_unmap,
	    .facade_first = map, .facade = release, .allowed = 50 },
	{ .what = "section", .core = core_section,
	    .core_undo = core_section_end, .facade = section,
	    .facade_undo = section_end },
	{ .what = "a space's page", .core = core_map, .core_undo = core_unmap,
	    .facade = fault, .facade_undo = fault_undo, .allowed = 60 },
	{ .what = "heap allocation", .core = core_page,
	    .core_undo = core_page_free, .facade = alloc,
	    .facade_undo = release, .allowed = 15 },
	{ .what = "heap free", .core_first = core_page,
	    .core = core_page_free, .facade_first = alloc, .facade = release, .allowed = 240 },
	{ .what = "first-level table", .core = core_l1,
	    .core_undo = core_l1_free, .facade = alloc_l1,
	    .facade_undo = free_l1 },
	{ .what = "first-level table freed", .core_first = core_l1,
	    .core = core_l1_free, .facade_first = alloc_l1,
	    .facade = free_l1, .allowed = 40 },
	{ .what = "second-level table", .core = core_l2,
	    .core_undo = core_l2_free, .facade = alloc_l2,
	    .facade_undo = free_l2, .allowed = 40 },
	{ .what = "second-level table freed", .core_first = core_l2,
	    .core = core_l2_free, .facade_first = alloc_l2,
	    .facade = free_l2, .allowed = 380 },
	{ .what = "switch, its number checked", .core_first = run_kernel,
	    .core = core_switch, .facade_first = run_kernel, .facade = run, .allowed = 90 },
	{ .what = "switch of spaces", .core_first = run_idle,
	    .core = core_switch, .facade_first = run_idle, .facade = run, .allowed = 90 },
	/* The core's are the facade's own here: one among many, one alone. */
	{ .what = "a page beside 2,000", .core = alloc, .core_undo = release,
	    .facade_first = fill, .facade = alloc,
	    .facade_undo = release_and_empty },
	{ .what = "a page freed beside 2,000", .core_first = alloc,
	    .core = release, .facade_first = fill_and_alloc,
	    .facade = release, .facade_undo = empty },
	{ .what = NULL },
};

const struct cost cost_armv7 = { "armv7", start, calls };
