/*
 * test_fault.c - every allocation refused: faults of every kind, and access to
 * memory that makes them.
 */
#include "world.h"

static long
fault(struct world *w, unsigned page, tome_prot_t access)
{
	return result(tome_fault(w->map, AT + page * PG, access));
}

static long
read_0(struct world *w)
{
	return fault(w, 0, TOME_PROT_READ);
}

static long
write_0(struct world *w)
{
	return fault(w, 0, TOME_PROT_WRITE);
}

static long
read_1(struct world *w)
{
	return fault(w, 1, TOME_PROT_READ);
}

static long
write_1(struct world *w)
{
	return fault(w, 1, TOME_PROT_WRITE);
}

static long
read_3(struct world *w)
{
	return fault(w, 3, TOME_PROT_READ);
}

static long
write_3(struct world *w)
{
	return fault(w, 3, TOME_PROT_WRITE);
}

static void
fresh(struct world *w)
{
	world_enter(w, AT, 8, RW);
}

/* The first of two chunks is there. */
static void
two_chunks(struct world *w)
{
	world_enter(w, AT - 32 * PG, 64, RW);
	world_poke(w, AT - PG);
}

/* Far apart, so that the directory has nodes: two levels, or one in 2 GiB. */
static void
far_chunks(struct world *w)
{
	unsigned npages = sizeof(tome_va_t) == 8 ? 1u << 20 : 1u << 17;

	world_enter(w, AT - 32 * PG, npages, RW);
	world_poke(w, AT - PG);
	world_poke(w, AT + npages / 2 * PG);
}

static void
child_copied(struct world *w)
{
	size_t done;

	eight_shared(w);
	assert_int_equal(tome_map_write(w->child, AT + PG, "x", 1, false,
	    &done), TOME_OK);
}

static void
copied_from_child(struct world *w)
{
	eight_shared(w);
	world_poke(w, AT + 5 * PG);
}

/* ---- objects ---- */

static void
object_copy(struct world *w)
{
	world_objects(w);
	world_map_object(w, w->ob, AT, 0, 0);
}

static void
object_itself(struct world *w)
{
	world_objects(w);
	world_map_object(w, w->ob, AT, TOME_MAP_SHARED, 0);
}

static void
parent_copy(struct world *w)
{
	world_objects(w);
	world_map_object(w, w->over, AT, 0, 0);
}

static void
parent_itself(struct world *w)
{
	world_objects(w);
	world_map_object(w, w->over, AT, TOME_MAP_SHARED, 0);
}

static void
empty_object(struct world *w)
{
	assert_int_equal(tome_object_create_anon(w->vm, 6 * PG, NULL, 0,
	    &w->ob), TOME_OK);
	world_map_object(w, w->ob, AT, TOME_MAP_SHARED, 0);
}

static void
empty_parent(struct world *w)
{
	assert_int_equal(tome_object_create_anon(w->vm, 6 * PG, NULL, 0,
	    &w->ob), TOME_OK);
	assert_int_equal(tome_object_create_anon(w->vm, 6 * PG, w->ob, 0,
	    &w->over), TOME_OK);
	world_map_object(w, w->over, AT, TOME_MAP_SHARED, 0);
}

/* Page 0 is cut by the limit, page 1 lies beyond it. */
static void
limited(struct world *w)
{
	world_objects(w);
	world_map_object(w, w->ob, AT, 0, 100);
}

static void
device(struct world *w)
{
	tome_pfn_t frame = tome_zero_frame(w->vm);

	assert_int_equal(tome_object_create_device(w->vm, frame, 4,
	    TOME_MEM_WB, false, &w->ob), TOME_OK);
	world_map_object(w, w->ob, AT, 0, 0);
}

/* ---- stacks ---- */

static void
stack_of(struct world *w)
{
	struct tome_map_request rq = { .addr = AT + 4 * PG, .len = 4 * PG,
		.prot = RW, .flags = TOME_MAP_FIXED | TOME_MAP_GROWSDOWN };
	tome_va_t va;

	assert_int_equal(tome_map_enter(w->map, &rq, &va), TOME_OK);
	world_poke(w, AT + 4 * PG);
}

static void
stack_shared(struct world *w)
{
	stack_of(w);
	world_fork(w);
}

static void
discarded(struct world *w)
{
	eight_shared(w);
	assert_int_equal(tome_map_advise(w->map, AT, 4 * PG,
	    TOME_ADV_DONTNEED), TOME_OK);
}

/* ---- access that faults ---- */

static long
copy_in(struct world *w)
{
	uint8_t buf[3 * TOME_PAGE_SIZE];

	return result(tome_copyin(w->map, buf, AT + 100, 2 * PG));
}

static long
copy_out(struct world *w)
{
	uint8_t buf[2 * TOME_PAGE_SIZE] = { 1, 2, 3 };

	return result(tome_copyout(w->map, AT + PG + 100, buf, sizeof buf));
}

static long
zero(struct world *w)
{
	return result(tome_user_zero(w->map, AT + 2 * PG, 2 * PG));
}

static long
string_in(struct world *w)
{
	char text[16];
	size_t len;

	return result(tome_copyin_string(w->map, text, AT + 3 * PG,
	    sizeof text, &len));
}

static long
word(struct world *w)
{
	uint32_t seen;

	return result(tome_cas_u32(w->map, AT + 2 * PG, 0, 7, &seen));
}

static long
alien_read(struct world *w)
{
	uint8_t buf[200];
	size_t done;

	return result(tome_map_read(w->map, AT + PG - 100, buf, sizeof buf,
	    false, &done));
}

static long
alien_write(struct world *w)
{
	uint8_t buf[200] = { 9 };
	size_t done;

	return result(tome_map_write(w->map, AT + 2 * PG + 8, buf, sizeof buf,
	    false, &done));
}

static void
read_only_shared(struct world *w)
{
	eight_shared(w);
	assert_int_equal(tome_map_protect(w->map, AT, 8 * PG, RO), TOME_OK);
}

static long
forced_write(struct world *w)
{
	size_t done;

	return result(tome_map_write(w->map, AT + 3 * PG, "y", 1, true,
	    &done));
}

static const struct scenario scenarios[] = {
	{ "fault, zero page, first table", fresh, read_0, FAIL_LAZY, NULL },
	{ "fault, first page of all", fresh, write_0, FAIL_LAZY, NULL },
	{ "fault, zero page beside others", eight_pages, read_1, FAIL_LAZY,
	    NULL },
	{ "fault, new page beside others", eight_pages, write_1, FAIL_LAZY,
	    NULL },
	{ "fault, second chunk", two_chunks, write_0, FAIL_LAZY, NULL },
	{ "fault, chunk of a large amap", far_chunks, write_0, FAIL_LAZY,
	    NULL },
	{ "fault, read of what is shared", eight_shared, read_3, FAIL_LAZY,
	    NULL },
	{ "fault, needs copy", eight_shared, write_3, FAIL_LAZY, NULL },
	{ "fault, needs copy, new page", eight_shared, write_1, FAIL_LAZY,
	    NULL },
	{ "fault, shared chunk", child_copied, write_3, FAIL_LAZY, NULL },
	{ "fault, shared anon", copied_from_child, write_3, FAIL_LAZY, NULL },
	{ "fault, private copy's page", object_copy, read_0, FAIL_LAZY, NULL },
	{ "fault, private copy", object_copy, write_0, FAIL_LAZY, NULL },
	{ "fault, private copy's hole", object_copy, read_1,
	    FAIL_LAZY | FAIL_HOLE, NULL },
	{ "fault, private copy of a hole", object_copy, write_1,
	    FAIL_LAZY | FAIL_HOLE, NULL },
	{ "fault, object's page", object_itself, read_0, FAIL_LAZY, NULL },
	{ "fault, object's page, write", object_itself, write_0, FAIL_LAZY,
	    NULL },
	{ "fault, object's hole", object_itself, read_1,
	    FAIL_LAZY | FAIL_HOLE, NULL },
	{ "fault, object's hole, write", object_itself, write_1,
	    FAIL_LAZY | FAIL_HOLE, NULL },
	{ "fault, empty object", empty_object, write_1,
	    FAIL_LAZY | FAIL_HOLE, NULL },
	{ "fault, parent's page", parent_itself, read_0, FAIL_LAZY, NULL },
	{ "fault, parent's page, write", parent_itself, write_0,
	    FAIL_LAZY | FAIL_HOLE, NULL },
	{ "fault, over its parent", parent_itself, write_1, FAIL_LAZY, NULL },
	{ "fault, parent's hole", parent_itself, read_3,
	    FAIL_LAZY | FAIL_HOLE, NULL },
	{ "fault, parent's hole, write", parent_itself, write_3,
	    FAIL_LAZY | FAIL_HOLE, NULL },
	{ "fault, empty parent", empty_parent, read_3,
	    FAIL_LAZY | FAIL_HOLE, NULL },
	{ "fault, parent's page, copy", parent_copy, write_0, FAIL_LAZY, NULL },
	{ "fault, parent's page through a copy", parent_copy, read_0,
	    FAIL_LAZY, NULL },
	{ "fault, page cut by its limit", limited, read_0, FAIL_LAZY, NULL },
	{ "fault, page cut by its limit, write", limited, write_0,
	    FAIL_LAZY, NULL },
	{ "fault, beyond the limit", limited, write_1, FAIL_LAZY, NULL },
	{ "fault, device", device, read_0, FAIL_LAZY, NULL },
	{ "fault, copy of a device's frame", device, write_0, FAIL_LAZY, NULL },
	{ "fault, stack grows", stack_of, write_3, FAIL_LAZY | FAIL_PARTIAL,
	    NULL },
	{ "fault, shared stack grows", stack_shared, write_0,
	    FAIL_LAZY | FAIL_PARTIAL, NULL },
	{ "fault, after DONTNEED", discarded, write_3, FAIL_LAZY, NULL },
	{ "copyin", eight_pages, copy_in, FAIL_LAZY | FAIL_EFAULT, NULL },
	{ "copyin, objects", parent_itself, copy_in, FAIL_LAZY | FAIL_EFAULT,
	    NULL },
	{ "copyin, cut by a limit", limited, copy_in,
	    FAIL_LAZY | FAIL_EFAULT, NULL },
	{ "copyin of a string", eight_pages, string_in,
	    FAIL_LAZY | FAIL_EFAULT, NULL },
	{ "copyout", eight_pages, copy_out, FAIL_PARTIAL | FAIL_EFAULT, NULL },
	{ "copyout, objects", parent_itself, copy_out,
	    FAIL_PARTIAL | FAIL_EFAULT, NULL },
	{ "zeroing", eight_shared, zero, FAIL_PARTIAL | FAIL_EFAULT, NULL },
	{ "a word", eight_shared, word, FAIL_LAZY | FAIL_EFAULT, NULL },
	{ "alien read", parent_itself, alien_read, FAIL_LAZY, NULL },
	{ "alien write", parent_itself, alien_write, FAIL_LAZY, NULL },
	{ "alien write of what is shared", eight_shared, alien_write,
	    FAIL_LAZY, NULL },
	{ "forced write", read_only_shared, forced_write, FAIL_LAZY, NULL },
};

FAIL_MAIN(scenarios)
