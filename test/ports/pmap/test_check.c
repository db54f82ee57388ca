/*
 * test_check.c - the recount sees every violation planted here, and its sentence
 * names the right invariant.
 */
#include <insn.h>
#include <pmap/slot.h>

#include "rig.h"

#define VA (RIG_USER + 7 * PAGE)

static struct tome_pmap *pmap;
static struct tome_leaf leaf;
static tome_pfn_t frame;
static struct tome_page *page;
static size_t slot;

static int
setup(void **state)
{
	rig_setup_1(state);
	pmap = rig_pmap();
	frame = rig_anon();
	page = tome_page(rig.vm, frame);
	assert_int_equal(tome_pmap_enter(pmap, VA, frame, RW, TOME_MEM_WB,
	    TOME_PMAP_WIRED), TOME_OK);
	leaf = rig_lock(pmap, VA);
	rig_unlock(&leaf);
	slot = tome_leaf_index(VA);
	assert_sound();
	return 0;
}

static int
teardown(void **state)
{
	assert_sound();
	tome_pmap_destroy(pmap);
	tome_frame_free(rig.vm, frame);
	return rig_teardown(state);
}

#define assert_found(part) assert_non_null(strstr(rig_sound(), part))

static void
a_lost_record(void **state)
{
	uint64_t was = atomic_exchange(&page->pv, 0);

	(void)state;
	assert_found("invariant 4");
	atomic_store(&page->pv, was);
}

static void
a_record_of_nothing(void **state)
{
	tome_pte_t was = tome_slot_xchg(&leaf, slot, 0);
	tome_prot_t granted = tome_slot_granted(&leaf, slot, was);
	unsigned flags = tome_slot_flags(&leaf, slot, was);

	(void)state;
	tome_slot_note(&leaf, slot, TOME_PROT_NONE, 0);
	leaf.table->index--;
	assert_found("invariant 4");
	tome_slot_xchg(&leaf, slot, was);
	tome_slot_note(&leaf, slot, granted, flags);
	leaf.table->index++;
}

/* Where software keeps the bits. */
static void
a_memory_of_nothing(void **state)
{
	(void)state;
	if (!TOME_SIDE)
		skip();
	tome_slot_note(&leaf, slot + 1, R, 0);
	assert_found("remembers");
	tome_slot_note(&leaf, slot + 1, TOME_PROT_NONE, 0);
}

static void
a_record_of_another_slot(void **state)
{
	uint64_t was = atomic_exchange(&page->pv,
	    tome_pv_inline(tome_pv_record(leaf.frame, slot + 1)));

	(void)state;
	assert_found("invariant 4");
	atomic_store(&page->pv, was);
}

static void
a_wrong_count_in_a_leaf(void **state)
{
	(void)state;
	leaf.table->index++;
	assert_found("leaf table's count");
	leaf.table->index--;
}

static void
a_wrong_count_above(void **state)
{
	struct tome_walk w = tome_walk_to(pmap, VA, 1);

	(void)state;
	tome_page(rig.vm, w.frame)->index++;
	assert_found("upper table's count");
	tome_page(rig.vm, w.frame)->index--;
	tome_page(rig.vm, pmap->root_frame)->index--;
	assert_found("root's count");
	tome_page(rig.vm, pmap->root_frame)->index++;
}

static void
a_lost_wire(void **state)
{
	(void)state;
	atomic_fetch_sub(&page->state, TOME_PAGE_WIRE_ONE);
	assert_found("invariant 9");
	atomic_fetch_add(&page->state, TOME_PAGE_WIRE_ONE);
}

static void
a_stray_table_in_use(void **state)
{
	(void)state;
	atomic_fetch_or(&leaf.table->state, TOME_PAGE_STRAY);
	assert_found("stray");
	atomic_fetch_and(&leaf.table->state, ~TOME_PAGE_STRAY);
}

static void
a_table_that_says_it_is_elsewhere(void **state)
{
	(void)state;
	atomic_fetch_add(&leaf.table->pv, tome_leaf_span());
	assert_found("another place");
	atomic_fetch_sub(&leaf.table->pv, tome_leaf_span());
}

int
main(void)
{
#define ON(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ON(a_lost_record),
		ON(a_record_of_nothing),
		ON(a_memory_of_nothing),
		ON(a_record_of_another_slot),
		ON(a_wrong_count_in_a_leaf),
		ON(a_wrong_count_above),
		ON(a_lost_wire),
		ON(a_stray_table_in_use),
		ON(a_table_that_says_it_is_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
