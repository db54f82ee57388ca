/*
 * andromeda.c - Andromeda's calls, against the core's for ranges of the same size.
 */
#include <andromeda/glue.h>
#include <mm/vm.h>
#include <tome/claim.h>

#include "cost.h"

#define AT UINT64_C(0x40000000)
#define SEGMENT ((size_t)1 << 20)
#define KERNEL UINT64_C(0xffffc91000000000)

static struct tome_vm *vm;
static struct tome_map *map;
static struct tome_object *content, *heap_content, *memory;
static struct tome_arena *arena;
static struct tome_claims *claims;
static tome_span_t span;

static struct vm_segment *segment;
static void *range, *heap;

/* Frames of the lowest zone, which others take last. */
static const tome_pfn_t frames = 0x800;

static void
enter(struct tome_object *object, tome_va_t addr, tome_va_t len,
    uint64_t offset, unsigned flags)
{
	struct tome_map_request rq = { .addr = addr, .len = len,
		.object = object, .offset = offset, .prot = TOME_PROT_ALL,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED | flags };
	tome_va_t at;

	MUST(tome_map_enter(map, &rq, &at) == TOME_OK);
}

/* Claimed, mapped and entered. */
static void
core_map(void)
{
	MUST(tome_claims_take(claims, tome_pfn_pa(frames),
	    PAGE_ALLOC_FACTOR) == TOME_OK);
	enter(memory, AT, PAGE_ALLOC_FACTOR, tome_pfn_pa(frames),
	    TOME_MAP_POPULATE);
}

static void
core_unmap(void)
{
	MUST(tome_map_remove(map, AT, PAGE_ALLOC_FACTOR) == TOME_OK);
	MUST(tome_claims_drop(claims, tome_pfn_pa(frames),
	    PAGE_ALLOC_FACTOR) == TOME_OK);
}

static void
core_fault(void)
{
	MUST(tome_fault(map, AT + SEGMENT, TOME_PROT_WRITE) == TOME_OK);
}

static void
core_drop(void)
{
	MUST(tome_object_punch(content, 0, 1) == TOME_OK);
}

static void
core_alloc(void)
{
	MUST(tome_arena_alloc(arena, PAGE_ALLOC_FACTOR, TOME_FIT_BEST,
	    &span) == TOME_OK);
}

/* Its memory goes back too. */
static void
core_free(void)
{
	MUST(tome_object_punch(heap_content, (span - AT) >> TOME_PAGE_SHIFT,
	    PAGE_ALLOC_FACTOR >> TOME_PAGE_SHIFT) == TOME_OK);
	tome_arena_free(arena, span, PAGE_ALLOC_FACTOR);
}

/* ---- the facade ---- */

static void
alloc(void)
{
	range = vm_segment_alloc(segment, PAGE_ALLOC_FACTOR);
	MUST(range != NULL);
}

static void
release(void)
{
	MUST(vm_segment_free(segment, range) == 0);
}

static void
bind(void)
{
	MUST(vm_map(range, (void *)(uintptr_t)tome_pfn_pa(frames), segment) ==
	    range);
}

static void
unbind(void)
{
	MUST(vm_unmap(range, segment) == 0);
}

static void
alloc_and_bind(void)
{
	alloc();
	bind();
}

static void
unbind_and_release(void)
{
	unbind();
	release();
}

static void
fault(void)
{
	MUST(vm_user_fault_write((addr_t)(uintptr_t)range, 0) == 0);
}

static void
heap_alloc(void)
{
	heap = vm_get_kernel_heap_pages(PAGE_ALLOC_FACTOR);
	MUST(heap != NULL);
}

static void
heap_free(void)
{
	MUST(vm_free_kernel_heap_pages(heap) == 0);
}

static void
on_log(const char *line)
{
	(void)line;
}

static void
start(struct tome_vm *instance)
{
	const struct compat_andromeda_config config = { .ncpus = 1,
		.kernel_lo = KERNEL, .kernel_hi = KERNEL + (64 << 20),
		.log = on_log };
	const struct tome_arena_config span_of = { .name = "cost",
		.base = AT, .size = SEGMENT, .quantum = PAGE_ALLOC_FACTOR };
	struct vm_descriptor *task;

	vm = instance;
	MUST(compat_andromeda_start(vm, &config) == TOME_OK);
	MUST(vm_init() == SUCCESS);
	compat_andromeda_cpu(0);
	MUST(tome_map_create(vm, NULL, &map) == TOME_OK);
	MUST(tome_object_create_anon(vm, SEGMENT, NULL, 0, &content) ==
	    TOME_OK);
	MUST(tome_object_create_anon(vm, SEGMENT, NULL, 0, &heap_content) ==
	    TOME_OK);
	MUST(tome_object_create_device(vm, 0, (tome_pfn_t)-1, TOME_MEM_WB,
	    false, &memory) == TOME_OK);
	MUST(tome_claims_create(vm, 2, &claims) == TOME_OK);
	enter(content, AT + SEGMENT, SEGMENT, 0, 0);
	MUST(tome_fault(map, AT + SEGMENT + PAGE_SIZE, TOME_PROT_WRITE) ==
	    TOME_OK);
	MUST(tome_arena_create(vm, &span_of, &arena) == TOME_OK);
	task = vm_new(1);
	MUST(task != NULL);
	segment = vm_new_segment((void *)AT, SEGMENT, task);
	MUST(segment != NULL && vm_load_task(0, task) == SUCCESS);
	/* A neighbour, so that page tables stay, as the core's does. */
	alloc();
	fault();
}

static const struct cost_call calls[] = {
	{ .what = "map", .core = core_map, .core_undo = core_unmap,
	    .facade_first = alloc, .facade = bind,
	    .facade_undo = unbind_and_release, .allowed = 20 },
	{ .what = "unmap", .core_first = core_map, .core = core_unmap,
	    .facade_first = alloc_and_bind, .facade = unbind,
	    .facade_undo = release, .allowed = 12 },
	{ .what = "fault", .core = core_fault, .core_undo = core_drop,
	    .facade_first = alloc, .facade = fault, .facade_undo = release },
	{ .what = "heap allocation", .core = core_alloc,
	    .core_undo = core_free, .facade = heap_alloc,
	    .facade_undo = heap_free, .allowed = 75 },
	{ .what = "heap free", .core_first = core_alloc, .core = core_free,
	    .facade_first = heap_alloc, .facade = heap_free, .allowed = 60 },
	{ .what = NULL },
};

const struct cost cost_andromeda = { "andromeda", start, calls };
