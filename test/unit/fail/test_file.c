/*
 * test_file.c - every allocation refused: files, their mappings, their writing.
 */
#include "world.h"

static void
mapped(struct world *w)
{
	world_file(w);
	world_map_object(w, w->file->object, AT, TOME_MAP_SHARED, 0);
	world_map_object(w, w->file->object, AT + 8 * PG, 0, 0);
}

/* Pages 0 and 1 are modified, and the private mapping has copies. */
static void
modified(struct world *w)
{
	mapped(w);
	world_poke(w, AT);
	world_poke(w, AT + PG);
	world_poke(w, AT + 9 * PG);
	world_poke(w, AT + 10 * PG);
}

static void
modified_and_shared(struct world *w)
{
	modified(w);
	world_fork(w);
}

static long
create(struct world *w)
{
	w->file = calloc(1, sizeof *w->file);
	assert_non_null(w->file);
	w->file->pager = (struct tome_pager){ .max_pages = 1 };
	return result(tome_object_create_vnode(w->vm, &w->file->pager, NULL, PG,
	    &w->made));
}

/* What fakefile_close() would close is not there. */
static long
create_alone(struct world *w)
{
	long got = create(w);

	free(w->file);
	w->file = NULL;
	return got;
}

static long
fault(struct world *w, tome_va_t va, tome_prot_t access)
{
	return result(tome_fault(w->map, va, access));
}

static long
read_fault(struct world *w)
{
	return fault(w, AT + 2 * PG, TOME_PROT_READ);
}

static long
write_fault(struct world *w)
{
	return fault(w, AT + 2 * PG, TOME_PROT_WRITE);
}

static long
private_read_fault(struct world *w)
{
	return fault(w, AT + 8 * PG, TOME_PROT_READ);
}

static long
private_write_fault(struct world *w)
{
	return fault(w, AT + 8 * PG, TOME_PROT_WRITE);
}

static long
copy_again(struct world *w)
{
	return fault(w, AT + 9 * PG, TOME_PROT_WRITE);
}

static long
file_read(struct world *w)
{
	uint8_t bytes[300];
	size_t done;

	return result(tome_object_read(w->file->object, 2 * PG - 100, bytes,
	    sizeof bytes, &done));
}

static long
file_write(struct world *w)
{
	size_t done;

	return result(tome_object_write(w->file->object, 5 * PG + 7, "file", 4,
	    &done));
}

static long
file_get(struct world *w)
{
	tome_pfn_t pfn;
	enum tome_err err = tome_object_get(w->file->object, 4, true, &pfn);

	if (err == TOME_OK)
		tome_object_put(w->file->object, pfn, true);
	return result(err);
}

static long
ahead(struct world *w)
{
	tome_object_willneed(w->file->object, 0, 6);
	return 0;
}

static long
sync(struct world *w)
{
	return result(tome_object_sync(w->file->object, 0, 0, true));
}

static long
msync_range(struct world *w)
{
	return tome_posix_msync(w->p, AT, 4 * PG, MS_SYNC);
}

static long
writeback(struct world *w)
{
	(void)tome_writeback(w->vm, UINT64_MAX, TOME_FOREVER);
	return 0;
}

static long
shrink(struct world *w)
{
	return result(tome_object_resize(w->file->object, PG + 10));
}

static long
grow(struct world *w)
{
	return result(tome_object_resize(w->file->object, 100 * PG));
}

static long
punch(struct world *w)
{
	return result(tome_object_punch(w->file->object, 1, 2));
}

static long
fork_space(struct world *w)
{
	return result(tome_map_fork(w->map, &w->child));
}

static long
unmap_inside(struct world *w)
{
	return result(tome_map_remove(w->map, AT + PG, PG));
}

static long
dontneed(struct world *w)
{
	return result(tome_map_advise(w->map, AT + 8 * PG, 4 * PG,
	    TOME_ADV_DONTNEED));
}

static long
move(struct world *w)
{
	return tome_posix_mremap(w->p, AT, 4 * PG, 6 * PG, MREMAP_MAYMOVE, 0);
}

static long
lock(struct world *w)
{
	return tome_posix_mlock(w->p, AT, 4 * PG);
}

/* What was modified is in the store once it was written. */
static void
is_stored(struct world *w)
{
	uint8_t byte = (uint8_t)(AT >> TOME_PAGE_SHIFT) | 1;

	assert_int_equal(tome_object_sync(w->file->object, 0, 0, true),
	    TOME_OK);
	assert_int_equal(w->file->store[0], byte);
	assert_int_equal(w->file->store[PG],
	    (uint8_t)((AT + PG) >> TOME_PAGE_SHIFT) | 1);
	assert_int_equal(w->file->store[2 * PG], 3);
}

static const struct scenario scenarios[] = {
	{ "file, create", nothing, create_alone, 0, NULL },
	{ "file, read fault", mapped, read_fault, FAIL_LAZY, NULL },
	{ "file, write fault", mapped, write_fault, FAIL_LAZY, NULL },
	{ "file, private read fault", mapped, private_read_fault, FAIL_LAZY,
	    NULL },
	{ "file, private write fault", mapped, private_write_fault, FAIL_LAZY,
	    NULL },
	{ "file, copy shared with a child", modified_and_shared, copy_again,
	    FAIL_LAZY, is_stored },
	{ "file, read", mapped, file_read, FAIL_LAZY, NULL },
	{ "file, write", mapped, file_write, FAIL_LAZY, NULL },
	{ "file, get", mapped, file_get, FAIL_LAZY, NULL },
	{ "file, read ahead", mapped, ahead, 0, NULL },
	{ "file, sync", modified, sync, 0, is_stored },
	{ "file, msync", modified, msync_range, 0, is_stored },
	{ "file, writing back", modified, writeback, 0, is_stored },
	{ "file, shrink", modified, shrink, 0, NULL },
	{ "file, shrink with shared copies", modified_and_shared, shrink, 0,
	    NULL },
	{ "file, grow", modified, grow, 0, is_stored },
	{ "file, punch", modified, punch, 0, NULL },
	{ "file, fork", modified, fork_space, 0, is_stored },
	{ "file, unmap inside", modified, unmap_inside, 0, is_stored },
	{ "file, DONTNEED", modified_and_shared, dontneed, FAIL_PARTIAL,
	    is_stored },
	{ "file, mremap", modified, move, 0, is_stored },
	{ "file, mlock", modified, lock, FAIL_PARTIAL, is_stored },
};

FAIL_MAIN(scenarios)
