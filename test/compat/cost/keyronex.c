/*
 * keyronex.c - Keyronex's calls, against the core's with the same object.
 */
#include <keyronex/glue.h>

#include "cost.h"

#define PAGES 16u
#define LEN (PAGES * PGSIZE)

static struct tome_vm *vm;
static struct tome_map *map;
static struct tome_object *object;
static tome_va_t at, stays, heap;

static vm_map_t *kx_map;
static vm_object_t *kx_object;
static vaddr_t kx_at, kx_stays, kx_heap;

static void
core_map(void)
{
	struct tome_map_request rq = { .len = LEN, .object = object,
		.prot = TOME_PROT_ALL,
		.flags = TOME_MAP_SHARED | TOME_MAP_KEEP | TOME_MAP_BOTTOMUP };

	MUST(tome_map_enter(map, &rq, &at) == TOME_OK);
}

static void
core_unmap(void)
{
	MUST(tome_map_remove(map, at, LEN) == TOME_OK);
}

static void
map_object(void)
{
	kx_at = VADDR_MAX;
	MUST(vm_map_object(kx_map, kx_object, &kx_at, LEN, 0, false) == 0);
}

static void
deallocate(void)
{
	MUST(vm_deallocate(kx_map, kx_at, LEN) == 0);
}

static void
core_fault(void)
{
	MUST(tome_fault(map, stays, TOME_PROT_WRITE) == TOME_OK);
}

static void
core_forget(void)
{
	MUST(tome_object_punch(object, 0, 1) == TOME_OK);
}

static void
fault(void)
{
	MUST(vm_fault(NULL, kx_map, kx_stays, (vm_fault_flags_t)(kVMFaultUser |
	    kVMFaultWrite)) == kVMFaultRetOK);
}

static void
forget(void)
{
	MUST(tome_object_punch(kx_object->core, 0, 1) == TOME_OK);
}

static void
core_heap(void)
{
	MUST(tome_kmap_heap(vm, PAGES, &heap) == TOME_OK);
}

static void
core_heap_free(void)
{
	tome_kunmap(vm, heap);
}

static void
kalloc(void)
{
	kx_heap = vm_kalloc(PAGES, kVMKNoSleep);
	MUST(kx_heap != 0);
}

static void
kalloc_free(void)
{
	vm_kfree(kx_heap, PAGES);
}

static void
on_log(const char *line)
{
	(void)line;
}

static bool
on_starved(void)
{
	return false;
}

/* Each space has neighbours mapped. */
static void
start(struct tome_vm *instance)
{
	static const struct compat_keyronex_hooks hooks = { .log = on_log,
		.starved = on_starved };

	vm = instance;
	MUST(compat_keyronex_start(vm, &hooks) == TOME_OK);
	MUST(tome_map_create(vm, NULL, &map) == TOME_OK);
	MUST(tome_object_create_anon(vm, LEN, NULL, 0, &object) == TOME_OK);
	kx_map = vm_map_new();
	kx_object = vm_aobj_new(LEN);
	MUST(kx_map != NULL && kx_object != NULL);
	for (unsigned i = 0; i < 20; i++) {
		core_map();
		map_object();
	}
	stays = at;
	kx_stays = kx_at;
}

static const struct cost_call calls[] = {
	{ .what = "map", .core = core_map, .core_undo = core_unmap,
	    .facade = map_object, .facade_undo = deallocate },
	{ .what = "unmap", .core_first = core_map, .core = core_unmap,
	    .facade_first = map_object, .facade = deallocate },
	{ .what = "fault", .core = core_fault, .core_undo = core_forget,
	    .facade = fault, .facade_undo = forget },
	{ .what = "heap allocation", .core = core_heap,
	    .core_undo = core_heap_free, .facade = kalloc,
	    .facade_undo = kalloc_free },
	{ .what = "heap free", .core_first = core_heap,
	    .core = core_heap_free, .facade_first = kalloc,
	    .facade = kalloc_free },
	{ .what = NULL },
};

const struct cost cost_keyronex = { "keyronex", start, calls };
