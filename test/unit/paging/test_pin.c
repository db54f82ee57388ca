/*
 * test_pin.c - pages that a device was told of stay, whatever becomes of their owners.
 */
#include "../fakefile.h"
#include "rig.h"

static tome_pfn_t
frame_of(struct tome_map *map)
{
	struct tome_translation t;

	assert_true(tome_pmap_extract(tome_map_pmap(map), AT, &t));
	return tome_pa_pfn(t.pa);
}

static void
test_anon(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	tome_pfn_t pfn;

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 1, 0);
	rig_poke(map, 0, 'p');
	pfn = frame_of(map);
	assert_true(tome_page_pin(r->vm, pfn));
	assert_true(tome_page_pin(r->vm, pfn));
	assert_false(tome_page_out(r->vm, pfn));
	tome_page_unpin(r->vm, pfn);
	assert_false(tome_page_out(r->vm, pfn));
	tome_page_unpin(r->vm, pfn);
	assert_true(tome_page_out(r->vm, pfn));
	assert_int_equal(rig_peek(map, 0), 'p');
	tome_map_unref(map);
}

/* Its space ends first. */
static void
test_orphan(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	tome_pfn_t pfn;

	rig_enter(map, 0, 1, 0);
	rig_poke(map, 0, 'o');
	pfn = frame_of(map);
	assert_true(tome_page_pin(r->vm, pfn));
	tome_map_unref(map);
	assert_int_equal(tome_frame_identity(r->vm, pfn), TOME_PAGE_ANON);
	assert_false(tome_page_pin(r->vm, pfn));
	tome_page_unpin(r->vm, pfn);
	assert_int_equal(tome_frame_identity(r->vm, pfn), TOME_PAGE_FREE);
}

static void
test_file(void **state)
{
	struct rig *r = *state;
	struct fakefile f;
	tome_pfn_t pfn;

	fakefile_open(&f, r->vm, 2 * PG);
	assert_int_equal(tome_object_get(f.object, 0, true, &pfn), TOME_OK);
	assert_true(tome_page_pin(r->vm, pfn));
	tome_object_put(f.object, pfn, false);
	assert_false(tome_page_out(r->vm, pfn));
	assert_int_equal(tome_object_punch(f.object, 0, 1), TOME_OK);
	assert_int_equal(tome_frame_identity(r->vm, pfn), TOME_PAGE_CACHE);
	assert_false(tome_page_pin(r->vm, pfn));
	tome_page_unpin(r->vm, pfn);
	tome_vm_quiesce(r->vm, true);
	assert_int_equal(tome_frame_identity(r->vm, pfn), TOME_PAGE_FREE);
	assert_int_equal(tome_object_get(f.object, 1, true, &pfn), TOME_OK);
	tome_object_put(f.object, pfn, false);
	assert_true(tome_page_pin(r->vm, pfn));
	tome_page_unpin(r->vm, pfn);
	assert_true(tome_page_out(r->vm, pfn));
	fakefile_close(&f, r->vm);
}

static void
test_no_content(void **state)
{
	struct rig *r = *state;
	tome_pfn_t pfn;

	assert_int_equal(tome_frame_alloc(r->vm, TOME_PAGE_KERNEL, 0, &pfn),
	    TOME_OK);
	assert_false(tome_page_pin(r->vm, pfn));
	tome_frame_free(r->vm, pfn);
	assert_false(tome_page_pin(r->vm, pfn));
	assert_false(tome_page_pin(r->vm, 0xfffffff));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RIG_TEST(test_anon),
		RIG_TEST(test_orphan),
		RIG_TEST(test_file),
		RIG_TEST(test_no_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
