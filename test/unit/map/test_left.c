/*
 * test_left.c - what an operation must not leave behind: references of objects,
 * reserves, translations and rights in page tables and TLBs. The rig counts at the end.
 */
#include "rig.h"

#include <boot.h>
#include <map/fault.h>
#include <pmap/pmap_i.h>

static enum tome_err
on_fault(void *map, tome_va_t va, tome_prot_t access)
{
	return tome_fault(map, va, access);
}

/* This CPU runs the space; NULL: none. */
static void
run(struct rig *r, struct tome_map *map)
{
	uintptr_t irq = tome_host_irq_save();

	if (map != NULL)
		tome_map_switch(map);
	else
		tome_pmap_switch(tome_pmap_kernel(r->vm));
	tome_host_irq_restore(irq);
}

static enum tome_err
store(struct tome_map *map, tome_va_t va, uint8_t byte)
{
	return hosted_write(va, &byte, 1, on_fault, map);
}

static struct tome_object *
object(struct rig *r, unsigned pages)
{
	struct tome_object *ob;

	assert_int_equal(tome_object_create_anon(r->vm, pages * PG, NULL, 0,
	    &ob), TOME_OK);
	return ob;
}

/* At AT. limit: bytes of it that the object backs, 0 all. */
static void
enter_object(struct tome_map *map, struct tome_object *ob, unsigned pages,
    size_t limit, unsigned flags)
{
	struct tome_map_request rq = { .addr = AT, .len = pages * PG,
		.object = ob, .limit = limit, .prot = RW,
		.flags = TOME_MAP_FIXED | flags };
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
}

/* An entry cut beyond its limit no longer shows its object. */
static void
test_object_of_a_cut_entry(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_object *ob = object(r, 8);

	enter_object(map, ob, 8, 2 * PG, 0);
	assert_int_equal(tome_map_remove(map, AT + 3 * PG, PG), TOME_OK);
	rig_expect(map, "0-3 rw-, 4-8 rw-");
	rig_check(r);
	enter_object(map, ob, 8, 2 * PG, 0);
	assert_int_equal(tome_map_remove(map, AT, 3 * PG), TOME_OK);
	rig_expect(map, "3-8 rw-");
	rig_check(r);
	tome_map_unref(map);
	tome_object_unref(ob);
}

/* What grows beyond the limit has no object. */
static void
test_object_of_a_grown_entry(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_object *ob = object(r, 8);
	tome_va_t at;

	enter_object(map, ob, 2, 100, 0);
	assert_int_equal(tome_map_move(map, AT, 2 * PG, 4 * PG, 0, 0, &at),
	    TOME_OK);
	assert_int_equal(at, AT);
	assert_int_equal(rig_peek(map, AT + 3 * PG), 0);
	rig_check(r);
	tome_map_unref(map);
	tome_object_unref(ob);
}

/* The translations of an object's pages go, its content stays. */
static void
test_discarded_object(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_object *ob = object(r, 4);

	enter_object(map, ob, 4, 0, TOME_MAP_SHARED);
	rig_poke(map, AT, 7);
	assert_int_equal(tome_fault(map, AT, TOME_PROT_READ), TOME_OK);
	assert_int_equal(tome_pmap_resident(tome_map_pmap(map)), 1);
	assert_int_equal(tome_map_advise(map, AT, 4 * PG, TOME_ADV_DONTNEED),
	    TOME_OK);
	assert_int_equal(tome_pmap_resident(tome_map_pmap(map)), 0);
	assert_int_equal(rig_peek(map, AT), 7);
	tome_map_unref(map);
	tome_object_unref(ob);
}

/*
 * Cutting a hole into chunks that another space shares reserves clones of them:
 * refused each allocation in turn, nothing changes and nothing stays.
 */
static void
test_reserve_of_a_refused_cut(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	enum tome_err err = TOME_ENOMEM;
	unsigned n;

	rig_enter(map, AT, 96, RW);
	rig_poke(map, AT + PG, 1);
	rig_poke(map, AT + 40 * PG, 2);
	rig_poke(map, AT + 70 * PG, 2);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(map, AT + 70 * PG, 3);
	for (n = 1; err == TOME_ENOMEM; n++) {
		hosted_fail_alloc(r->machine, NULL, n, false);
		err = tome_map_remove(map, AT + PG, 40 * PG);
		hosted_fail_alloc(r->machine, NULL, 0, false);
		rig_check(r);
	}
	assert_int_equal(err, TOME_OK);
	assert_true(n > 2);
	assert_int_equal(rig_peek(child, AT + PG), 1);
	tome_map_unref(map);
	tome_map_unref(child);
}

/* Entries above, until the next one in the tree's leaf would split it. */
static void
fill_leaf(struct tome_map *map)
{
	struct tome_tree_spare spare = { .n = 0 };
	tome_va_t at = AT + 4 * PG;

	while (tome_tree_reserve(&map->tree, &spare, AT - PG, 1) == TOME_OK &&
	    spare.n == 0) {
		rig_enter(map, at, 1, RW);
		at += 2 * PG;
	}
	tome_tree_release(&map->tree, &spare);
}

/* A stack that fork shares grows by an entry of its own. */
static void
test_reserve_of_a_refused_growth(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct tome_map_request rq = { .addr = AT, .len = PG, .prot = RW,
		.flags = TOME_MAP_FIXED | TOME_MAP_GROWSDOWN };
	enum tome_err err = TOME_ENOMEM;
	tome_va_t va;
	unsigned n;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	rig_poke(map, AT, 1);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	/* Until the leaf is full where it grows: that takes a node, too. */
	fill_leaf(map);
	for (n = 1; err == TOME_ENOMEM; n++) {
		hosted_fail_alloc(r->machine, NULL, n, false);
		err = tome_map_grow(map, AT - PG);
		hosted_fail_alloc(r->machine, NULL, 0, false);
		rig_check(r);
	}
	assert_int_equal(err, TOME_OK);
	assert_true(n > 3);
	tome_map_unref(map);
	tome_map_unref(child);
}

/* What the entries of a child named that was not to be. */
static void
test_names_of_a_refused_fork(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct tome_object *ob = object(r, 2);
	enum tome_err err = TOME_ENOMEM;

	enter_object(map, ob, 2, 0, 0);
	assert_int_equal(tome_map_set_name(map, AT, PG, "x"), TOME_OK);
	rig_poke(map, AT, 1);
	for (unsigned n = 1; err == TOME_ENOMEM; n++) {
		hosted_fail_alloc(r->machine, NULL, n, false);
		err = tome_map_fork(map, &child);
		hosted_fail_alloc(r->machine, NULL, 0, false);
		rig_check(r);
	}
	assert_int_equal(err, TOME_OK);
	tome_map_unref(map);
	tome_map_unref(child);
	tome_object_unref(ob);
}

/* Of the page that the limit cuts, the rest reads as zero, in a copy too. */
static void
test_page_cut_by_its_limit(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_object *ob = object(r, 2);

	enter_object(map, ob, 2, 0, TOME_MAP_SHARED);
	rig_poke(map, AT + 99, 1);
	rig_poke(map, AT + 100, 2);
	enter_object(map, ob, 2, 100, 0);
	assert_int_equal(rig_peek(map, AT + 99), 1);
	assert_int_equal(rig_peek(map, AT + 100), 0);
	rig_poke(map, AT, 3);
	assert_int_equal(rig_peek(map, AT + 99), 1);
	assert_int_equal(rig_peek(map, AT + 100), 0);
	tome_map_unref(map);
	tome_object_unref(ob);
}

/* A name that was made for nothing. */
static void
test_name_of_a_refused_mapping(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_request rq = { .addr = AT, .len = PG, .prot = RW,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED, .name = "x" };
	enum tome_err err = TOME_ENOMEM;
	tome_va_t va;

	for (unsigned n = 1; err == TOME_ENOMEM; n++) {
		hosted_fail_alloc(r->machine, NULL, n, false);
		err = tome_map_enter(map, &rq, &va);
		hosted_fail_alloc(r->machine, NULL, 0, false);
	}
	assert_int_equal(err, TOME_OK);
	tome_map_unref(map);
}

/* Narrower bounds of rights reach TLBs as narrower rights do. */
static void
test_max_prot_is_flushed(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_enter(map, AT, 2, RW);
	run(r, map);
	assert_int_equal(store(map, AT, 1), TOME_OK);
	assert_int_equal(tome_map_set_max_prot(map, AT, PG, RO), TOME_OK);
	assert_int_equal(store(map, AT, 2), TOME_EACCES);
	assert_int_equal(rig_peek(map, AT), 1);
	run(r, NULL);
	tome_map_unref(map);
}

/* Memory that a child has a copy of is shared from now on: its copy stays. */
static void
test_shared_after_a_copy(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *copy, *sharer;
	uint8_t byte;

	rig_enter(map, AT, 2, RW);
	rig_poke(map, AT, 9);
	assert_int_equal(tome_map_fork(map, &copy), TOME_OK);
	run(r, map);
	assert_int_equal(hosted_read(AT + PG, &byte, 1, on_fault, map), TOME_OK);
	assert_int_equal(tome_map_inherit(map, AT, 2 * PG,
	    TOME_INHERIT_SHARE), TOME_OK);
	assert_int_equal(tome_map_fork(map, &sharer), TOME_OK);
	rig_poke(sharer, AT + PG, 7);
	assert_int_equal(hosted_read(AT + PG, &byte, 1, on_fault, map), TOME_OK);
	assert_int_equal(byte, 7);
	assert_int_equal(hosted_read(AT, &byte, 1, on_fault, map), TOME_OK);
	assert_int_equal(byte, 9);
	assert_int_equal(store(map, AT, 5), TOME_OK);
	run(r, NULL);
	assert_int_equal(rig_peek(copy, AT), 9);
	assert_int_equal(rig_peek(sharer, AT), 5);
	tome_map_unref(map);
	tome_map_unref(copy);
	tome_map_unref(sharer);
}

/* Its count is the new object's from now on. */
static void
test_object_below_what_is_shared(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *sharer;
	struct tome_object *ob = object(r, 2);

	enter_object(map, ob, 2, 0, 0);
	assert_int_equal(tome_map_inherit(map, AT, 2 * PG,
	    TOME_INHERIT_SHARE), TOME_OK);
	assert_int_equal(tome_map_fork(map, &sharer), TOME_OK);
	rig_poke(map, AT, 4);
	assert_int_equal(rig_peek(sharer, AT), 4);
	rig_check(r);
	tome_map_unref(map);
	tome_map_unref(sharer);
	tome_object_unref(ob);
}

/* The memory of an entry that is gone may be another space's by now. */
static void
test_hint_of_a_freed_entry(void **state)
{
	struct rig *r = *state;
	struct tome_map *a = rig_map(r), *b = rig_map(r);

	rig_enter(a, AT, 1, RW);
	assert_int_equal(tome_fault(a, AT, TOME_PROT_READ), TOME_OK);
	assert_int_equal(tome_map_remove(a, AT, PG), TOME_OK);
	tome_vm_quiesce(r->vm, false);
	rig_enter(b, AT, 1, RW);
	assert_int_equal(tome_fault(a, AT, TOME_PROT_READ), TOME_EFAULT);
	rig_check(r);
	tome_map_unref(a);
	tome_map_unref(b);
}

/* A private mapping of a device reads it and never writes to it. */
static void
test_private_copy_of_a_device(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_object *ob;
	tome_pfn_t frame;
	uint8_t byte;

	assert_int_equal(tome_frame_alloc(r->vm, TOME_PAGE_DEVICE,
	    TOME_FRAME_ZERO, &frame), TOME_OK);
	assert_int_equal(tome_object_create_device(r->vm, frame, 1, TOME_MEM_WB,
	    false, &ob), TOME_OK);
	enter_object(map, ob, 1, 0, 0);
	run(r, map);
	assert_int_equal(hosted_read(AT, &byte, 1, on_fault, map), TOME_OK);
	assert_int_equal(store(map, AT, 7), TOME_OK);
	assert_int_equal(rig_peek(map, AT), 7);
	assert_int_equal(*(uint8_t *)tome_frame_va(r->vm, frame), 0);
	rig_check(r);
	run(r, NULL);
	tome_map_unref(map);
	tome_object_unref(ob);
	tome_frame_free(r->vm, frame);
}

/* What a move cuts off a larger mapping was reserved for nobody. */
static void
test_move_that_cuts_its_tail(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	tome_va_t to = AT + 64 * PG;

	rig_enter(map, AT, 20, RW);
	for (unsigned i = 0; i < 20; i++)
		rig_poke(map, AT + i * PG, (uint8_t)(i + 1));
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(map, AT, 1);
	assert_int_equal(tome_map_move(map, AT, 10 * PG, 5 * PG,
	    TOME_MOVE_MAY | TOME_MOVE_FIXED, to, &to), TOME_OK);
	rig_check(r);
	rig_expect(map, "a-14 rw-, 40-45 rw-");
	assert_int_equal(rig_peek(map, AT + 10 * PG), 11);
	assert_int_equal(rig_peek(map, to + 4 * PG), 5);
	assert_int_equal(rig_peek(child, AT + 7 * PG), 8);
	tome_map_unref(map);
	tome_map_unref(child);
}

/* Totals are of now, whatever was in the caller's memory. */
static void
test_totals_of_an_empty_map(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_totals t;

	memset(&t, 0xff, sizeof t);
	tome_map_totals(map, &t);
	assert_int_equal(t.entries, 0);
	assert_int_equal(t.virtual_pages, 0);
	assert_int_equal(t.resident_pages, 0);
	assert_int_equal(t.resident_shared, 0);
	tome_map_unref(map);
}

/* RAM is not zero when a machine starts: what needs zeros makes them. */
static void
start_in_noise(uint8_t noise)
{
	struct hosted_config config = { .ram = 2048 * TOME_PAGE_SIZE,
		.quiet = true };
	struct rig r = { .machine = hosted_create(&config) };
	struct tome_map *map, *child;
	struct tome_boot boot;

	hosted_boot(r.machine, &boot);
	for (size_t i = 0; i < boot.nranges; i++)
		memset((void *)(boot.direct_bias + boot.ranges[i].base), noise,
		    boot.ranges[i].len);
	assert_int_equal(tome_vm_create(&boot, &r.vm), TOME_OK);
	hosted_attach(r.machine, r.vm, tome_vm_interrupt, tome_frame_identity);
	assert_int_equal(tome_kmem_start(r.vm), TOME_OK);
	assert_int_equal(tome_map_start(r.vm), TOME_OK);
	map = rig_map(&r);
	rig_enter(map, AT, 8, RW);
	rig_poke(map, AT + PG, 1);
	assert_int_equal(rig_peek(map, AT + PG + 1), 0);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(child, AT + PG, 2);
	rig_check(&r);
	tome_map_unref(map);
	tome_map_unref(child);
	assert_int_equal(hosted_vm_destroy(r.machine, r.vm), 0);
	hosted_destroy(r.machine);
}

static void
test_memory_full_of_noise(void **state)
{
	(void)state;
	start_in_noise(0xa5);
	start_in_noise(0xff);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_object_of_a_cut_entry),
		RIG_TEST(test_object_of_a_grown_entry),
		RIG_TEST(test_discarded_object),
		RIG_TEST(test_reserve_of_a_refused_cut),
		RIG_TEST(test_reserve_of_a_refused_growth),
		RIG_TEST(test_names_of_a_refused_fork),
		RIG_TEST(test_page_cut_by_its_limit),
		RIG_TEST(test_name_of_a_refused_mapping),
		RIG_TEST(test_max_prot_is_flushed),
		RIG_TEST(test_shared_after_a_copy),
		RIG_TEST(test_object_below_what_is_shared),
		RIG_TEST(test_hint_of_a_freed_entry),
		RIG_TEST(test_private_copy_of_a_device),
		RIG_TEST(test_move_that_cuts_its_tail),
		RIG_TEST(test_totals_of_an_empty_map),
		cmocka_unit_test(test_memory_full_of_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
