/*
 * test_memory.c - every allocation refused: objects, and the kernel's own memory.
 */
#include "world.h"

/* ---- objects ---- */

static long
create(struct world *w)
{
	return result(tome_object_create_anon(w->vm, 3 * PG, NULL, 0,
	    &w->made));
}

static long
create_over(struct world *w)
{
	return result(tome_object_create_anon(w->vm, 3 * PG, w->ob, 1,
	    &w->made));
}

static long
create_device(struct world *w)
{
	return result(tome_object_create_device(w->vm, 0x100000, 4,
	    TOME_MEM_UC, false, &w->made));
}

/* Mapped privately, with copies, and as itself. */
static void
mapped(struct world *w)
{
	world_objects(w);
	world_map_object(w, w->ob, AT, 0, 0);
	world_poke(w, AT + 2 * PG);
	world_map_object(w, w->ob, AT + 8 * PG, TOME_MAP_SHARED, 0);
	world_poke(w, AT + 8 * PG);
}

static void
mapped_and_shared(struct world *w)
{
	mapped(w);
	world_fork(w);
}

static long
shrink(struct world *w)
{
	return result(tome_object_resize(w->ob, PG + 10));
}

static long
shrink_into_page(struct world *w)
{
	return result(tome_object_resize(w->ob, 2 * PG + 10));
}

static long
shrink_over(struct world *w)
{
	return result(tome_object_resize(w->over, PG + 10));
}

static long
grow(struct world *w)
{
	return result(tome_object_resize(w->ob, 100 * PG));
}

static long
punch(struct world *w)
{
	return result(tome_object_punch(w->ob, 1, 3));
}

static long
punch_over(struct world *w)
{
	return result(tome_object_punch(w->over, 0, 3));
}

static long
borrow(struct tome_object *ob, tome_pgoff_t page)
{
	tome_pfn_t frame;
	enum tome_err err = tome_object_get(ob, page, true, &frame);

	if (err == TOME_OK)
		tome_object_put(ob, frame, true);
	return result(err);
}

static long
get_hole(struct world *w)
{
	return borrow(w->ob, 3);
}

static long
get_over(struct world *w)
{
	return borrow(w->over, 2);
}

static long
write_hole(struct world *w)
{
	size_t done;

	return result(tome_object_write(w->ob, 3 * PG, "hole", 4, &done));
}

static long
write_over(struct world *w)
{
	size_t done;

	return result(tome_object_write(w->over, 2 * PG - 2, "over", 4,
	    &done));
}

static long
read_over(struct world *w)
{
	char buf[64];
	size_t done;

	return result(tome_object_read(w->over, 2 * PG - 30, buf, sizeof buf,
	    &done));
}

/* ---- kernel memory ---- */

static const struct tome_arena_config span = { .name = "fail", .base = 1000,
	.size = 1000, .quantum = 1, .qcache_max = 4 };

static long
arena_create(struct world *w)
{
	return result(tome_arena_create(w->vm, &span, &w->arena));
}

static void
with_arena(struct world *w)
{
	assert_int_equal(arena_create(w), 0);
}

static long
arena_add(struct world *w)
{
	return result(tome_arena_add(w->arena, 5000, 100));
}

static long
arena_alloc(struct world *w)
{
	return result(tome_arena_alloc(w->arena, 3, TOME_FIT_BEST, &w->span));
}

static long
arena_xalloc(struct world *w)
{
	return result(tome_arena_xalloc(w->arena, 3, 64, 5, 0, 1100, 1900,
	    TOME_FIT_INSTANT, &w->span));
}

static const struct tome_cache_config small = { .name = "fail", .size = 72,
	.align = 8 };
static const struct tome_cache_config large = { .name = "fail", .size = 2000 };

static long
cache_create(struct world *w)
{
	return result(tome_cache_create(w->vm, &small, &w->cache));
}

static void
with_small(struct world *w)
{
	assert_int_equal(cache_create(w), 0);
}

static void
with_large(struct world *w)
{
	assert_int_equal(tome_cache_create(w->vm, &large, &w->cache),
	    TOME_OK);
}

static long
had(struct world *w, void *memory)
{
	w->memory = memory;
	return memory != NULL ? 0 : -TOME_ENOMEM;
}

static long
cache_alloc(struct world *w)
{
	return had(w, tome_cache_alloc(w->cache));
}

static long
kmalloc_small(struct world *w)
{
	return had(w, tome_kmalloc(w->vm, 100));
}

static long
kmalloc_large(struct world *w)
{
	return had(w, tome_kzalloc(w->vm, 3 * PG + 5));
}

static long
heap(struct world *w)
{
	return result(tome_kmap_heap(w->vm, 5, &w->kernel));
}

static long
phys(struct world *w)
{
	return result(tome_kmap_phys(w->vm, 0x40000000 + 12, 3 * PG,
	    TOME_MEM_UC, RW, &w->kernel));
}

static long
stack(struct world *w)
{
	return result(tome_kmap_stack(w->vm, 4, &w->kernel));
}

static const struct scenario scenarios[] = {
	{ "object, create", nothing, create, 0, NULL },
	{ "object, create over another", world_objects, create_over, 0, NULL },
	{ "object, create of a device", nothing, create_device, 0, NULL },
	{ "object, shrink", mapped, shrink, 0, NULL },
	{ "object, shrink into a page", mapped, shrink_into_page, 0, NULL },
	{ "object, shrink with shared copies", mapped_and_shared, shrink, 0,
	    NULL },
	{ "object, shrink over its parent", mapped, shrink_over, 0, NULL },
	{ "object, grow", mapped, grow, 0, NULL },
	{ "object, punch", mapped_and_shared, punch, 0, NULL },
	{ "object, punch over its parent", mapped, punch_over, 0, NULL },
	{ "object, get a hole", mapped, get_hole, FAIL_LAZY, NULL },
	{ "object, get over its parent", mapped, get_over, FAIL_LAZY, NULL },
	{ "object, write to a hole", mapped, write_hole, FAIL_LAZY, NULL },
	{ "object, write over its parent", mapped, write_over, FAIL_PARTIAL,
	    NULL },
	{ "object, read over its parent", mapped, read_over, FAIL_LAZY, NULL },
	{ "arena, create", nothing, arena_create, 0, NULL },
	{ "arena, add", with_arena, arena_add, 0, NULL },
	{ "arena, alloc", with_arena, arena_alloc, 0, NULL },
	{ "arena, alloc with constraints", with_arena, arena_xalloc, 0, NULL },
	{ "cache, create", nothing, cache_create, 0, NULL },
	{ "cache, alloc", with_small, cache_alloc, 0, NULL },
	{ "cache, alloc of large ones", with_large, cache_alloc, 0, NULL },
	{ "kmalloc", nothing, kmalloc_small, 0, NULL },
	{ "kmalloc of pages", nothing, kmalloc_large, 0, NULL },
	{ "kmap, heap", nothing, heap, 0, NULL },
	{ "kmap, physical", nothing, phys, 0, NULL },
	{ "kmap, stack", nothing, stack, 0, NULL },
};

FAIL_MAIN(scenarios)
