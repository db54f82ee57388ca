/*
 * test_paging.c - every allocation refused: pages on their way out and in, what is
 * packed, and areas that come and go.
 */
#include "world.h"

#include <paging/paging_i.h>

#define PAGES 40u			/* a chunk and a part of one */

static uint8_t
byte_of(unsigned i)
{
	return (uint8_t)((AT >> TOME_PAGE_SHIFT) + i) | 1;
}

static void
pages(struct world *w)
{
	world_enter(w, AT, PAGES, RW);
	for (unsigned i = 0; i < PAGES; i++) {
		world_poke(w, AT + i * PG);
		assert_int_equal(tome_fault(w->map, AT + i * PG,
		    TOME_PROT_WRITE), TOME_OK);
	}
}

static void
out(struct world *w)
{
	pages(w);
	assert_int_equal(tome_map_page_out(w->map, AT, PAGES * PG), PAGES);
}

static void
packed(struct world *w)
{
	out(w);
	assert_true(tome_pack_all(w->vm->paging) > 0);
}

static void
out_and_shared(struct world *w)
{
	out(w);
	world_fork(w);
}

static void
object_out(struct world *w)
{
	static const uint8_t bytes[6 * TOME_PAGE_SIZE] = { 1, [TOME_PAGE_SIZE +
		100] = 2 };
	size_t done;

	world_objects(w);
	assert_int_equal(tome_object_write(w->ob, 0, bytes, sizeof bytes,
	    &done), TOME_OK);
	for (unsigned i = 0; i < 4; i++)
		(void)tome_reclaim(w->vm, 64);
}

/* More than the group may have; what is out is packed. */
static void
group(struct world *w)
{
	world_limit(w, 16);
	pages(w);
	(void)tome_pack_all(w->vm->paging);
}

/* The same, an object and a file in the space. */
static void
group_of_objects(struct world *w)
{
	group(w);
	world_objects(w);
	world_map_object(w, w->over, AT + 64 * PG, TOME_MAP_SHARED, 0);
	world_file(w);
	world_map_object(w, w->file->object, AT + 128 * PG, TOME_MAP_SHARED, 0);
}

/* ---- acts ---- */

static long
page_out(struct world *w)
{
	(void)tome_map_page_out(w->map, AT, PAGES * PG);
	return 0;
}

static long
reclaim(struct world *w)
{
	(void)tome_reclaim(w->vm, 16);
	return 0;
}

static long
pack(struct world *w)
{
	(void)tome_pack_all(w->vm->paging);
	return 0;
}

static long
page_in(struct world *w)
{
	return result(tome_fault(w->map, AT + 5 * PG, TOME_PROT_READ));
}

static long
page_in_to_write(struct world *w)
{
	return result(tome_fault(w->map, AT + 5 * PG, TOME_PROT_WRITE));
}

static long
look(struct world *w)
{
	uint8_t byte;
	size_t done;

	return result(tome_map_read(w->map, AT + 35 * PG, &byte, 1, false,
	    &done));
}

static long
fork_space(struct world *w)
{
	return result(tome_map_fork(w->map, &w->child));
}

static long
unmap_inside(struct world *w)
{
	return result(tome_map_remove(w->map, AT + 38 * PG, PG));
}

static long
dontneed(struct world *w)
{
	return result(tome_map_advise(w->map, AT + 38 * PG, PG,
	    TOME_ADV_DONTNEED));
}

static long
move(struct world *w)
{
	tome_va_t at;

	return result(tome_map_move(w->map, AT, PAGES * PG, PAGES * PG,
	    TOME_MOVE_MAY | TOME_MOVE_FIXED, AT + 512 * PG, &at));
}

static long
lock(struct world *w)
{
	return tome_posix_mlock(w->p, AT, PAGES * PG);
}

static long
swap_off(struct world *w)
{
	return result(tome_swap_remove(w->vm, w->swap_id));
}

static long
shrink(struct world *w)
{
	return result(tome_object_resize(w->ob, PG + 10));
}

static long
punch(struct world *w)
{
	return result(tome_object_punch(w->ob, 1, 1));
}

static long
object_read(struct world *w)
{
	uint8_t byte;
	size_t done;

	return result(tome_object_read(w->ob, 5 * PG, &byte, 1, &done));
}

static long
compress(struct world *w)
{
	return result(tome_swap_compress(w->vm, 16));
}

static long
make_page(struct world *w)
{
	return result(tome_fault(w->map, AT + 3 * PG, TOME_PROT_WRITE));
}

static long
make_below(struct world *w)
{
	return result(tome_fault(w->map, AT + 67 * PG, TOME_PROT_READ));
}

static long
make_over(struct world *w)
{
	return result(tome_fault(w->map, AT + 66 * PG, TOME_PROT_WRITE));
}

static long
read_file(struct world *w)
{
	return result(tome_fault(w->map, AT + 129 * PG, TOME_PROT_READ));
}

static long
get_file(struct world *w)
{
	struct tome_readahead ra = { 0 };
	enum tome_err err;
	tome_pfn_t pfn;

	tome_ledger_readahead(w->map, w->file->object, &ra, 0, 1);
	err = tome_ledger_get(w->map, w->file->object, 3, false, &pfn);
	if (err == TOME_OK)
		tome_object_put(w->file->object, pfn, false);
	return result(err);
}

static long
get_hole(struct world *w)
{
	enum tome_err err;
	tome_pfn_t pfn;

	err = tome_ledger_get(w->map, w->ob, 4, true, &pfn);
	if (err == TOME_OK)
		tome_object_put(w->ob, pfn, true);
	return result(err);
}

/* ---- nobody misses what he wrote ---- */

static void
verify_at(struct world *w, tome_va_t va, unsigned n)
{
	uint8_t byte;
	size_t done;

	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(tome_map_read(w->map, va + i * PG, &byte, 1,
		    false, &done), TOME_OK);
		assert_int_equal(byte, byte_of(i));
	}
	assert_null(tome_vm_check(w->vm));
}

static void
verify(struct world *w)
{
	verify_at(w, AT, PAGES - 2);
}

static void
verify_moved(struct world *w)
{
	verify_at(w, AT + 512 * PG, PAGES);
}

static void
verify_home(struct world *w)
{
	memset(w->swap, 0xdb, 64 * PG);
	verify(w);
	world_swap_on(w);
}

static void
verify_object(struct world *w)
{
	uint8_t bytes[2];
	size_t done;

	assert_int_equal(tome_object_read(w->ob, 0, bytes, 1, &done), TOME_OK);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(tome_object_resize(w->ob, 6 * PG), TOME_OK);
	assert_int_equal(tome_object_read(w->ob, PG + 100, bytes, 2, &done),
	    TOME_OK);
	assert_int_equal(bytes[0], 0);
}

static const struct scenario scenarios[] = {
	{ "page-out", pages, page_out, FAIL_PAGED, verify },
	{ "reclaim", pages, reclaim, FAIL_PAGED, verify },
	{ "packing", out, pack, FAIL_PAGED, verify },
	{ "page-in", out, page_in, FAIL_PAGED, verify },
	{ "page-in to write", out, page_in_to_write, FAIL_PAGED, verify },
	{ "page-in, shared", out_and_shared, page_in, FAIL_PAGED, verify },
	{ "page-in to write, shared", out_and_shared, page_in_to_write,
	    FAIL_PAGED, verify },
	{ "page-in, packed", packed, page_in, FAIL_PAGED, verify },
	{ "foreign look, packed", packed, look, FAIL_PAGED, verify },
	{ "fork of what is out", out, fork_space, FAIL_PAGED, verify },
	{ "fork of what is packed", packed, fork_space, FAIL_PAGED, verify },
	{ "unmap of what is packed", packed, unmap_inside, FAIL_PAGED, verify },
	{ "DONTNEED of what is packed", packed, dontneed, FAIL_PAGED, verify },
	{ "DONTNEED of what is out and shared", out_and_shared, dontneed,
	    FAIL_PAGED, verify },
	{ "mremap of what is packed", packed, move, FAIL_PAGED, verify_moved },
	{ "mlock of what is out", out, lock, FAIL_PAGED | FAIL_PARTIAL,
	    verify },
	{ "swapoff", out, swap_off, FAIL_PAGED, verify_home },
	{ "swapoff, packed", packed, swap_off, FAIL_PAGED, verify_home },
	{ "swapoff, shared", out_and_shared, swap_off, FAIL_PAGED,
	    verify_home },
	{ "object, read of what is out", object_out, object_read, FAIL_PAGED,
	    NULL },
	{ "object, shrink into what is out", object_out, shrink, FAIL_PAGED,
	    verify_object },
	{ "object, punch of what is out", object_out, punch, FAIL_PAGED,
	    verify_object },
	{ "compression", pages, compress, FAIL_PAGED, verify },
	{ "group, its own page", group, make_page, FAIL_PAGED, verify },
	{ "group, fork", group, fork_space, FAIL_PAGED, verify },
	{ "group, an object's page", group_of_objects, make_below, FAIL_PAGED,
	    verify },
	{ "group, a page over another's", group_of_objects, make_over,
	    FAIL_PAGED, verify },
	{ "group, a file's page", group_of_objects, read_file, FAIL_PAGED,
	    verify },
	{ "group, read() of a file", group_of_objects, get_file, FAIL_PAGED,
	    verify },
	{ "group, write() to an object", group_of_objects, get_hole,
	    FAIL_PAGED, verify },
};

FAIL_MAIN_PAGING(scenarios)
