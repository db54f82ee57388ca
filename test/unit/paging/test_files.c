/*
 * test_files.c - files' pages leave and stay, mapped.
 */
#include <object/vnode.h>
#include "rig.h"
#include "../fakefile.h"

static void
enter_file(struct tome_map *map, struct fakefile *f, unsigned pages)
{
	struct tome_map_request rq = { .addr = AT, .len = pages * PG,
		.prot = RW, .flags = TOME_MAP_FIXED | TOME_MAP_SHARED,
		.object = f->object };
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
}

static void
mapped_pages_are_not_discarded(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct fakefile f;

	fakefile_open(&f, r->vm, 4 * PG);
	enter_file(map, &f, 4);
	assert_int_equal(rig_peek(map, 1), 2);
	assert_int_equal(tome_object_discard_clean(f.object, 1, 1), 0);
	assert_int_equal(tome_map_remove(map, AT, 4 * PG), TOME_OK);
	assert_int_equal(tome_object_discard_clean(f.object, 1, 1), 1);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

/* Of the pages around a fault only those come with it that have been read. */
static void
what_is_being_read_is_not_mapped(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_translation t;
	struct fakefile f;

	fakefile_open(&f, r->vm, 8 * PG);
	enter_file(map, &f, 8);
	tome_object_willneed(f.object, 0, 3);
	tome_io_run(r->vm);
	f.queued = true;
	tome_object_willneed(f.object, 3, 2);
	assert_int_equal(f.nqueue, 1);
	assert_int_equal(tome_fault(map, AT + PG, TOME_PROT_READ), TOME_OK);
	assert_true(tome_pmap_extract(map->pmap, AT + 2 * PG, &t));
	assert_false(tome_pmap_extract(map->pmap, AT + 3 * PG, &t));
	assert_int_equal(fakefile_run(&f, false), 1);
	tome_io_run(r->vm);
	f.queued = false;
	assert_int_equal(rig_peek(map, 3), 4);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

/* MADV_PAGEOUT takes what nobody else has mapped. */
static void
one_does_not_page_out_for_all(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *other = rig_map(r);
	struct fakefile f;

	fakefile_open(&f, r->vm, PG);
	enter_file(map, &f, 1);
	enter_file(other, &f, 1);
	assert_int_equal(rig_peek(map, 0), 1);
	assert_int_equal(rig_peek(other, 0), 1);
	rig_page_out(r, map, 0, 1);
	assert_int_equal(fakefile_pages(&f).resident, 1);
	tome_map_unref(other);
	rig_page_out(r, map, 0, 1);
	assert_int_equal(fakefile_pages(&f).resident, 0);
	assert_int_equal(rig_peek(map, 0), 1);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

/* A hole under a transfer that does not end: nobody reads what was there. */
static void
what_goes_with_its_transfer_is_unmapped(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_translation t;
	struct fakefile f;

	fakefile_open(&f, r->vm, 4 * PG);
	f.object->vnode->pager.patience = 1000000;
	enter_file(map, &f, 4);
	assert_int_equal(tome_fault(map, AT, TOME_PROT_WRITE), TOME_OK);
	f.queued = true;
	assert_int_equal(tome_object_sync(f.object, 0, 0, false), TOME_OK);
	assert_int_equal(f.nqueue, 1);
	assert_true(tome_pmap_extract(map->pmap, AT, &t));
	assert_int_equal(tome_object_punch(f.object, 0, 1), TOME_EIO);
	assert_false(tome_pmap_extract(map->pmap, AT, &t));
	assert_int_equal(fakefile_run(&f, false), 1);
	tome_io_run(r->vm);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

static tome_pfn_t
stray_of(struct rig *r, const struct tome_object *ob)
{
	for (tome_pfn_t pfn = 0; pfn < r->vm->npfn; pfn++) {
		const struct tome_page *page = tome_page_try(r->vm, pfn);

		if (page != NULL && page->owner == ob &&
		    tome_page_identity(page) == TOME_PAGE_CACHE)
			return pfn;
	}
	return TOME_PFN_NONE;
}

/* There was no memory to put it there. A hand that comes by leaves it alone. */
static void
what_never_was_in_its_file_is_not_evicted(void **state)
{
	struct rig *r = *state;
	tome_pfn_t pfn = TOME_PFN_NONE;
	struct fakefile f;
	unsigned n = 1;

	fakefile_open(&f, r->vm, 4 * PG);
	for (; pfn == TOME_PFN_NONE && n < 10; n++) {
		assert_int_equal(fakefile_pages(&f).resident, 0);
		hosted_fail_alloc(r->machine, "object", n, false);
		tome_object_willneed(f.object, 0, 1);
		hosted_fail_alloc(r->machine, NULL, 0, false);
		pfn = stray_of(r, f.object);
	}
	assert_int_equal(fakefile_pages(&f).resident, 0);
	assert_int_not_equal(pfn, TOME_PFN_NONE);
	assert_int_equal(tome_cache_evict(r->vm, tome_page(r->vm, pfn),
	    TOME_EVICT_ANY), TOME_EVICT_KEPT);
	fakefile_close(&f, r->vm);
}

/* The hand tells what it did. */
static void
the_hand_counts(void **state)
{
	struct rig *r = *state;
	struct tome_paging_stats s;
	struct fakefile f;
	struct tome_stats now;
	uint8_t b = 9;
	size_t done;

	fakefile_open(&f, r->vm, 4 * PG);
	tome_object_willneed(f.object, 0, 4);
	tome_io_run(r->vm);
	assert_int_equal(tome_object_write(f.object, PG, &b, 1, &done),
	    TOME_OK);
	assert_int_equal(tome_reclaim(r->vm, 4), 4);
	tome_paging_stats(r->vm, &s);
	assert_int_equal(s.written_file, 1);
	assert_in_range(s.dropped, 3, 4);
	assert_true(s.looked >= 4 + s.used && s.used >= 1);
	tome_vm_stats(r->vm, &now);
	assert_int_equal(now.frames_cache, fakefile_pages(&f).resident);
	assert_int_equal(s.direct, 1);
	assert_int_equal(f.store[PG], 9);
	fakefile_close(&f, r->vm);
}

/* Six pages of a file, three of them mapped; four of an object that nobody maps; and eight
 * private ones, of which four are in memory and in swap. */
static void
the_census(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_object *ob;
	struct tome_census c;
	struct fakefile f;
	size_t done;

	rig_swapon(r, 0, 64, 0);
	r->vm->paging->area[r->disk[0].id]->device.fast = true;
	fakefile_open(&f, r->vm, 8 * PG);
	enter_file(map, &f, 3);
	tome_object_willneed(f.object, 0, 6);
	tome_io_run(r->vm);
	assert_int_equal(rig_peek(map, 0), 1);
	assert_int_equal(tome_object_create_anon(r->vm, 8 * PG, NULL, 0, &ob),
	    TOME_OK);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(tome_object_write(ob, i * PG, "x", 1, &done),
		    TOME_OK);
	rig_enter(map, 16, 8, 0);
	for (unsigned i = 16; i < 24; i++)
		rig_poke(map, i, 1);
	rig_page_out(r, map, 16, 8);
	for (unsigned i = 16; i < 20; i++)
		assert_int_equal(rig_peek(map, i), 1);
	assert_int_equal(tome_map_wire(map, AT + 18 * PG, 2 * PG, false),
	    TOME_OK);
	tome_paging_census(r->vm, &c);
	assert_int_equal(c.wired, 2);
	assert_int_equal(c.shared, 4);
	assert_int_equal(c.mapped, 3);
	assert_int_equal(c.with_slot, 4);
	assert_int_equal(tome_map_remove(map, AT, 20 * PG), TOME_OK);
	tome_object_unref(ob);
	tome_vm_quiesce(r->vm, true);
	tome_paging_census(r->vm, &c);
	assert_int_equal(c.wired + c.shared + c.mapped + c.with_slot, 0);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

/* ---- the daemon ---- */

#define SECOND 1000000000u

static int
setup_still(void **state)
{
	return rig_setup_machine(state, (struct hosted_config){ .ncpus = 1,
		.virtual_clock = true });
}

static void
modify(struct fakefile *f)
{
	uint8_t b = 0xee;
	size_t done;

	assert_int_equal(tome_object_write(f->object, 0, &b, 1, &done),
	    TOME_OK);
}

/* One turn of the daemon, where threads cannot wait, so much later. */
static void
daemon_turn(struct rig *r, uint64_t ns)
{
	const struct tome_host *host = r->vm->host;
	struct tome_host once = *host;

	hosted_clock_advance(r->machine, ns);
	once.wait = NULL;
	r->vm->host = &once;
	tome_paging_daemon(r->vm);
	r->vm->host = host;
}

static void
what_is_old_is_written(void **state)
{
	struct rig *r = *state;
	struct fakefile old, young;

	fakefile_open(&old, r->vm, 4 * PG);
	fakefile_open(&young, r->vm, 4 * PG);
	hosted_clock_advance(r->machine, SECOND);
	modify(&old);
	daemon_turn(r, 3u * SECOND);
	modify(&young);
	daemon_turn(r, SECOND);
	assert_int_equal(old.writes, 0);
	daemon_turn(r, 2u * SECOND);
	assert_int_equal(old.writes, 1);
	assert_int_equal(old.store[0], 0xee);
	assert_int_equal(young.writes, 0);
	daemon_turn(r, 4u * SECOND);
	assert_int_equal(young.writes, 1);
	assert_int_equal(old.writes, 1);
	fakefile_close(&old, r->vm);
	fakefile_close(&young, r->vm);
}

static void
wired_pages_stay(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct fakefile f;

	fakefile_open(&f, r->vm, 8 * PG);
	enter_file(map, &f, 4);
	assert_int_equal(tome_map_wire(map, AT, 4 * PG, false), TOME_OK);
	rig_poke(map, 1, 0xee);
	tome_object_willneed(f.object, 4, 4);
	tome_io_run(r->vm);
	(void)tome_reclaim(r->vm, 100);
	(void)tome_reclaim(r->vm, 100);
	assert_int_equal(fakefile_pages(&f).resident, 4);
	assert_int_equal(rig_peek(map, 1), 0xee);
	assert_int_equal(tome_map_unwire(map, AT, 4 * PG), TOME_OK);
	(void)tome_reclaim(r->vm, 100);
	(void)tome_reclaim(r->vm, 100);
	assert_int_equal(fakefile_pages(&f).resident, 0);
	assert_int_equal(rig_peek(map, 1), 0xee);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(mapped_pages_are_not_discarded),
		RIG_TEST(what_is_being_read_is_not_mapped),
		RIG_TEST(one_does_not_page_out_for_all),
		RIG_TEST(what_goes_with_its_transfer_is_unmapped),
		RIG_TEST(what_never_was_in_its_file_is_not_evicted),
		RIG_TEST(the_hand_counts),
		RIG_TEST(wired_pages_stay),
		RIG_TEST(the_census),
		cmocka_unit_test_setup_teardown(what_is_old_is_written,
		    setup_still, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
