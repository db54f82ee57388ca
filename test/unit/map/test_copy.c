/*
 * test_copy.c - objects copied while they are mapped, anonymous memory above a file, and
 * what is seen of both page by page.
 */
#include <pmap/pmap_i.h>

#include "rig.h"
#include "../fakefile.h"

#include <tome/look.h>

/* Shared, at AT. */
static void
show(struct tome_map *map, struct tome_object *ob)
{
	struct tome_map_request rq = { .addr = AT, .prot = RW,
		.len = (tome_va_t)tome_object_size(ob), .object = ob,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED };
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
}

static tome_prot_t
rights(struct tome_map *map, unsigned page)
{
	struct tome_translation t;

	return tome_pmap_extract(tome_map_pmap(map), AT + page * PG, &t) ?
	    t.prot : TOME_PROT_NONE;
}

static struct tome_object_look
look(struct tome_object *ob, tome_pgoff_t page)
{
	struct tome_object_look l;

	assert_true(tome_object_look(ob, page, &l));
	assert_int_equal(l.page, page);
	return l;
}

static struct tome_object *
copy_of(struct tome_object *ob)
{
	struct tome_object *copy;

	assert_int_equal(tome_object_copy(ob, &copy), TOME_OK);
	return copy;
}

static void
neither_sees_the_other_s_writes(void **state)
{
	struct rig *r = *state;
	struct tome_map *a = rig_map(r), *b = rig_map(r);
	struct tome_object *ob, *copy;

	assert_int_equal(tome_object_create_anon(r->vm, 40 * PG, NULL, 0, &ob),
	    TOME_OK);
	show(a, ob);
	for (unsigned i = 0; i < 40; i += 13)
		rig_poke(a, AT + i * PG, (uint8_t)(i + 1));
	assert_int_equal(tome_fault(a, AT, TOME_PROT_WRITE), TOME_OK);
	assert_int_equal(rights(a, 0), RW);
	copy = copy_of(ob);
	rig_check(r);
	assert_int_equal(rights(a, 0), RO);
	assert_int_equal(rig_anon_frames(r), 4);
	show(b, copy);
	rig_poke(a, AT, 0x51);				/* the original */
	rig_poke(b, AT + 13 * PG, 0x52);		/* the copy */
	rig_poke(b, AT + 14 * PG, 0x53);		/* a hole of both */
	rig_check(r);
	assert_int_equal(rig_peek(a, AT), 0x51);
	assert_int_equal(rig_peek(b, AT), 1);
	assert_int_equal(rig_peek(a, AT + 13 * PG), 14);
	assert_int_equal(rig_peek(b, AT + 13 * PG), 0x52);
	assert_int_equal(rig_peek(a, AT + 14 * PG), 0);
	assert_int_equal(rig_peek(a, AT + 26 * PG), 27);
	assert_int_equal(rig_peek(b, AT + 26 * PG), 27);
	assert_int_equal(look(ob, 26).anon, look(copy, 26).anon);
	assert_int_equal(look(ob, 26).names, 2);
	assert_int_not_equal(look(ob, 13).anon, look(copy, 13).anon);
	assert_int_equal(look(ob, 13).names, 1);
	assert_int_equal(look(copy, 13).names, 1);
	tome_map_unref(a);
	tome_object_unref(ob);
	assert_int_equal(rig_peek(b, AT + 39 * PG), 40);
	rig_check(r);
	tome_map_unref(b);
	tome_object_unref(copy);
}

/* By the number of an anon, where it is: in the object that was made first. */
static void
an_anon_has_a_home(void **state)
{
	struct rig *r = *state;
	struct tome_map *a = rig_map(r);
	struct tome_object *none, *ob, *copy, *home;
	tome_pgoff_t page;
	uint64_t anon;

	assert_int_equal(tome_object_create_anon(r->vm, PG, NULL, 0, &none),
	    TOME_OK);
	assert_int_equal(tome_object_create_anon(r->vm, 80 * PG, NULL, 0, &ob),
	    TOME_OK);
	show(a, ob);
	for (unsigned i = 2; i < 80; i += 35)
		rig_poke(a, AT + i * PG, 1);
	anon = look(ob, 72).anon;
	assert_true(tome_anon_home(r->vm, anon, &home, &page));
	assert_ptr_equal(home, ob);
	assert_int_equal(page, 72);
	copy = copy_of(ob);
	rig_poke(a, AT + 72 * PG, 2);			/* a copy of its own */
	assert_true(tome_anon_home(r->vm, anon, &home, &page));
	assert_ptr_equal(home, copy);
	assert_int_equal(page, 72);
	assert_false(tome_anon_home(r->vm, anon + 8, &home, &page));
	assert_false(tome_anon_home(r->vm, 0, &home, &page));
	tome_map_unref(a);
	tome_object_unref(copy);
	tome_object_unref(ob);
	tome_object_unref(none);
}

/* The last to share writes in place. */
static void
who_is_left_alone_has_the_page(void **state)
{
	struct rig *r = *state;
	struct tome_map *a = rig_map(r);
	struct tome_object *ob, *copy, *third;
	tome_pfn_t pfn;

	assert_int_equal(tome_object_create_anon(r->vm, PG, NULL, 0, &ob),
	    TOME_OK);
	show(a, ob);
	rig_poke(a, AT, 7);
	pfn = look(ob, 0).pfn;
	copy = copy_of(ob);
	third = copy_of(copy);
	assert_int_equal(look(ob, 0).names, 3);
	tome_object_unref(copy);
	tome_object_unref(third);
	tome_vm_quiesce(r->vm, true);
	assert_int_equal(look(ob, 0).names, 1);
	rig_poke(a, AT, 8);
	assert_int_equal(look(ob, 0).pfn, pfn);
	rig_check(r);
	tome_map_unref(a);
	tome_object_unref(ob);
}

static void
no_memory_changes_nothing(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob, *copy = NULL;
	uint8_t byte = 9;
	size_t done;
	unsigned n = 0;

	assert_int_equal(tome_object_create_anon(r->vm, 99 * PG, NULL, 0, &ob),
	    TOME_OK);
	for (unsigned i = 0; i < 99; i += 33)
		assert_int_equal(tome_object_write(ob, i * PG, &byte, 1,
		    &done), TOME_OK);
	do {
		hosted_fail_alloc(r->machine, "object", ++n, true);
	} while (tome_object_copy(ob, &copy) == TOME_ENOMEM && n < 99);
	hosted_fail_alloc(r->machine, NULL, 0, false);
	assert_in_range(n, 3, 98);		/* it did fail, then it did not */
	assert_non_null(copy);
	assert_int_equal(look(ob, 33).names, 2);
	rig_check(r);
	tome_object_unref(copy);
	tome_object_unref(ob);
}

static void
not_every_object_can_be_copied(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob, *copy = NULL;
	struct fakefile f;

	fakefile_open(&f, r->vm, PG);
	assert_int_equal(tome_object_copy(f.object, &copy), TOME_EINVAL);
	assert_int_equal(tome_object_create_device(r->vm, 0x99999, 1,
	    TOME_MEM_UC, false, &ob), TOME_OK);
	assert_int_equal(tome_object_copy(ob, &copy), TOME_EINVAL);
	assert_int_equal(tome_object_create_anon(r->vm, PG, ob, 0, &copy),
	    TOME_EINVAL);
	assert_null(copy);
	tome_object_unref(ob);
	fakefile_close(&f, r->vm);
}

/* ---- above a file ---- */

static void
memory_above_a_file(void **state)
{
	struct rig *r = *state;
	struct tome_map *a = rig_map(r), *b = rig_map(r);
	struct tome_object *ob, *copy;
	struct fakefile f;
	uint8_t byte = 0xf1;
	size_t done;

	fakefile_open(&f, r->vm, 8 * PG);
	assert_int_equal(tome_object_create_anon(r->vm, 8 * PG, f.object, 1,
	    &ob), TOME_OK);
	show(a, ob);
	assert_int_equal(rig_peek(a, AT), 2);		/* the file's page 1 */
	assert_int_equal(tome_fault(a, AT + PG, TOME_PROT_READ), TOME_OK);
	assert_int_equal(rights(a, 1), RO);
	assert_int_equal(rig_anon_frames(r), 0);	/* nothing copied */
	rig_check(r);
	rig_poke(a, AT + PG, 0xa1);
	rig_check(r);
	assert_int_equal(rig_peek(a, AT + PG + 1), 3);
	assert_int_equal(look(ob, 1).names, 1);
	/* One direction: what was not written follows the file. */
	for (unsigned i = 1; i <= 2; i++)
		assert_int_equal(tome_object_write(f.object, i * PG, &byte, 1,
		    &done), TOME_OK);
	assert_int_equal(rig_peek(a, AT), 0xf1);
	assert_int_equal(rig_peek(a, AT + PG), 0xa1);
	assert_int_equal(rig_peek(a, AT + 7 * PG), 0);	/* beyond its end */
	copy = copy_of(ob);
	show(b, copy);
	rig_poke(b, AT, 0xb1);
	assert_int_equal(rig_peek(b, AT), 0xb1);
	assert_int_equal(rig_peek(b, AT + PG), 0xa1);
	assert_int_equal(rig_peek(a, AT), 0xf1);
	assert_int_equal(tome_object_read(f.object, PG, &byte, 1, &done),
	    TOME_OK);
	assert_int_equal(byte, 0xf1);
	rig_check(r);
	tome_map_unref(a);
	tome_map_unref(b);
	tome_object_unref(copy);
	tome_object_unref(ob);
	fakefile_close(&f, r->vm);
}

/* A page of the file that is borrowed through the object leaves its file. */
static void
a_borrowed_page_leaves_the_file(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob;
	struct fakefile f;
	struct tome_page_look l;
	tome_pfn_t pfn;

	fakefile_open(&f, r->vm, 4 * PG);
	assert_int_equal(tome_object_create_anon(r->vm, 4 * PG, f.object, 0,
	    &ob), TOME_OK);
	assert_int_equal(tome_object_get(ob, 2, false, &pfn), TOME_OK);
	assert_true(tome_page_look(r->vm, pfn, &l));
	assert_int_equal(l.identity, TOME_PAGE_CACHE);
	assert_ptr_equal(l.object, f.object);
	assert_int_equal(l.page, 2);
	assert_int_equal(l.wired, 1);
	assert_int_equal(tome_object_resize(f.object, PG), TOME_OK);
	assert_int_equal(tome_frame_identity(r->vm, pfn), TOME_PAGE_CACHE);
	tome_object_put(ob, pfn, false);
	tome_vm_quiesce(r->vm, true);
	assert_int_equal(tome_frame_identity(r->vm, pfn), TOME_PAGE_FREE);
	rig_check(r);
	tome_object_unref(ob);
	fakefile_close(&f, r->vm);
}

static void
a_file_that_cannot_be_read(void **state)
{
	struct rig *r = *state;
	struct tome_map *a = rig_map(r);
	struct tome_object *ob;
	struct fakefile f;

	fakefile_open(&f, r->vm, 4 * PG);
	assert_int_equal(tome_object_create_anon(r->vm, 4 * PG, f.object, 0,
	    &ob), TOME_OK);
	show(a, ob);
	f.fail_read = 1;
	f.pager.max_pages = 1;
	assert_int_equal(tome_fault(a, AT, TOME_PROT_WRITE), TOME_OK);
	assert_int_equal(rig_peek(a, AT), 1);
	rig_check(r);
	tome_map_unref(a);
	tome_object_unref(ob);
	fakefile_close(&f, r->vm);
}

/* ---- looking ---- */

/* Does the first write come here first, to be noted? */
static bool
asks_to_write(struct tome_map *map)
{
	const struct tome_mmu *m = tome_pmap_mmu(tome_map_pmap(map));
	tome_pte_t clean = tome_pte_leaf(m, 0, 0, RW, TOME_MEM_WB,
	    TOME_LEAF_USER | TOME_LEAF_ACCESSED);

	return !TOME_PORT_HW_AM ||
	    !(tome_pte_usable(m, clean) & TOME_PROT_WRITE);
}

static void
every_translation_is_listed(void **state)
{
	struct rig *r = *state;
	struct tome_map *map[12];
	struct tome_mapping list[12];
	struct tome_page_look l;
	struct tome_object *ob;
	tome_pfn_t pfn;
	bool asks;

	assert_int_equal(tome_object_create_anon(r->vm, PG, NULL, 0, &ob),
	    TOME_OK);
	for (unsigned i = 0; i < 12; i++) {
		map[i] = rig_map(r);
		tome_pmap_set_tag(tome_map_pmap(map[i]), &map[i]);
		show(map[i], ob);
		assert_int_equal(tome_fault(map[i], AT, i % 2 == 0 ?
		    TOME_PROT_READ : TOME_PROT_WRITE), TOME_OK);
	}
	asks = asks_to_write(map[0]);
	pfn = look(ob, 0).pfn;
	assert_true(tome_page_look(r->vm, pfn, &l));
	assert_int_equal(l.identity, TOME_PAGE_ANON);
	assert_int_equal(l.anon, look(ob, 0).anon);
	assert_false(l.busy);
	assert_true(l.pageable && l.accessed && l.dirty);
	assert_int_equal(tome_page_list(r->vm, pfn, list, 12), 12);
	for (unsigned i = 0; i < 12; i++) {
		unsigned seen = 0;

		for (unsigned k = 0; k < 12; k++)
			seen += list[k].pmap == tome_map_pmap(map[i]) &&
			    list[k].tag == &map[i] && list[k].va == AT && list[k].prot ==
			    (asks && i % 2 == 0 ? RO : RW);
		assert_int_equal(seen, 1);
	}
	assert_int_equal(tome_page_list(r->vm, pfn, list, 3), 12);
	for (unsigned i = 0; i < 12; i++)
		tome_map_unref(map[i]);
	assert_int_equal(tome_page_list(r->vm, pfn, list, 3), 0);
	assert_false(tome_object_look(ob, 1, &(struct tome_object_look){ 0 }));
	tome_object_unref(ob);
	assert_false(tome_page_look(r->vm, 0xfffffff, &l));
}

static void
only_tomes_frames_are_shown(void **state)
{
	struct rig *r = *state;
	struct tome_page_look l;
	struct tome_page *pg;
	uint32_t was;
	tome_pfn_t pfn;

	assert_int_equal(tome_frame_alloc(r->vm, TOME_PAGE_KERNEL, 0, &pfn),
	    TOME_OK);
	assert_true(tome_page_look(r->vm, pfn, &l));
	assert_int_equal(l.identity, TOME_PAGE_KERNEL);
	assert_false(l.pageable || l.accessed || l.dirty || l.busy);
	pg = tome_page(r->vm, pfn);
	was = pg->state;
	pg->state = TOME_PAGE_RESERVED;
	assert_false(tome_page_look(r->vm, pfn, &l));
	pg->state = TOME_PAGE_ABSENT;
	assert_false(tome_page_look(r->vm, pfn, &l));
	pg->state = was;
	tome_frame_free(r->vm, pfn);
	assert_true(tome_page_look(r->vm, pfn, &l));
	assert_int_equal(l.identity, TOME_PAGE_FREE);
}

static void
a_file_s_pages_are_seen(void **state)
{
	struct rig *r = *state;
	struct tome_object_look l;
	struct tome_page_look p;
	struct fakefile f;
	size_t done;

	fakefile_open(&f, r->vm, 80 * PG);
	assert_false(tome_object_look(f.object, 0, &l));
	tome_object_willneed(f.object, 70, 1);
	tome_io_run(r->vm);
	assert_true(tome_object_look(f.object, 0, &l));
	assert_int_equal(l.page, 70);
	assert_int_equal(l.anon, 0);
	assert_false(l.dirty);
	assert_true(tome_page_look(r->vm, l.pfn, &p));
	assert_int_equal(p.identity, TOME_PAGE_CACHE);
	assert_true(p.pageable && !p.dirty && p.wired == 0);
	assert_ptr_equal(p.object, f.object);
	assert_int_equal(p.page, 70);
	assert_int_equal(tome_object_write(f.object, 70 * PG, "x", 1, &done),
	    TOME_OK);
	assert_true(tome_object_look(f.object, 70, &l) && l.dirty);
	assert_true(tome_page_look(r->vm, l.pfn, &p) && p.dirty);
	assert_false(tome_object_look(f.object, 71, &l));
	fakefile_close(&f, r->vm);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(neither_sees_the_other_s_writes),
		RIG_TEST(an_anon_has_a_home),
		RIG_TEST(who_is_left_alone_has_the_page),
		RIG_TEST(no_memory_changes_nothing),
		RIG_TEST(not_every_object_can_be_copied),
		RIG_TEST(memory_above_a_file),
		RIG_TEST(a_borrowed_page_leaves_the_file),
		RIG_TEST(a_file_that_cannot_be_read),
		RIG_TEST(every_translation_is_listed),
		RIG_TEST(only_tomes_frames_are_shown),
		RIG_TEST(a_file_s_pages_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
