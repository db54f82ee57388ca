/*
 * test_advise.c - what advice does that paging can take: WILLNEED, COLD, FREE.
 */
#include "rig.h"
#include "../fakefile.h"

#define PAGES 64u

static void
advise(struct tome_map *map, unsigned first, unsigned n, enum tome_advice a)
{
	assert_int_equal(tome_map_advise(map, AT + first * PG, n * PG, a),
	    TOME_OK);
}

static struct tome_map *
written_map(struct rig *r, unsigned pages)
{
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 2048, 0);
	rig_enter(map, 0, pages, 0);
	for (unsigned i = 0; i < pages; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	return map;
}

static unsigned
present(struct tome_map *map, unsigned first, unsigned n)
{
	uint8_t in[2048];
	unsigned count = 0;

	assert_int_equal(tome_map_incore(map, AT + first * PG, n * PG, in),
	    TOME_OK);
	for (unsigned i = 0; i < n; i++)
		count += in[i];
	return count;
}

static enum tome_err
on_fault(void *map, tome_va_t va, tome_prot_t access)
{
	return tome_fault(map, va, access);
}

/* Page n's first byte, read by the space's own CPU: that leaves its mark. */
static uint8_t
use(struct rig *r, struct tome_map *map, unsigned n)
{
	uintptr_t irq = tome_host_irq_save();
	uint8_t byte = 0;

	tome_map_switch(map);
	tome_host_irq_restore(irq);
	assert_int_equal(hosted_read(AT + n * PG, &byte, 1, on_fault, map),
	    TOME_OK);
	irq = tome_host_irq_save();
	tome_pmap_switch(tome_pmap_kernel(r->vm));
	tome_host_irq_restore(irq);
	return byte;
}

static void
willneed_reads(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = written_map(r, PAGES);
	unsigned reads;

	rig_page_out(r, map, 0, PAGES);
	assert_int_equal(tome_pack_all(r->vm->paging), 2);
	assert_int_equal(present(map, 0, PAGES), 0);
	advise(map, 40, 8, TOME_ADV_WILLNEED);
	assert_int_equal(present(map, 40, 8), 8);
	assert_int_equal(present(map, 0, 32), 0);
	advise(map, 0, PAGES, TOME_ADV_WILLNEED);
	assert_int_equal(present(map, 0, PAGES), PAGES);
	reads = r->disk[0].reads;
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	assert_int_equal(r->disk[0].reads, reads);
	rig_check(r);
	tome_map_unref(map);
}

/* Of a hole, and of what was never written, there is nothing to read. */
static void
willneed_makes_nothing(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = written_map(r, 2);

	rig_page_out(r, map, 0, 2);
	rig_enter(map, 2, 30, 0);
	rig_enter(map, 40, 8, 0);
	assert_int_equal(tome_map_advise(map, AT, 48 * PG, TOME_ADV_WILLNEED),
	    TOME_ENOMEM);			/* the hole: as Linux */
	advise(map, 0, 32, TOME_ADV_WILLNEED);
	assert_int_equal(present(map, 0, 2), 2);
	assert_int_equal(present(map, 2, 30), 0);
	assert_int_equal(rig_anon_frames(r), 2);
	rig_check(r);
	tome_map_unref(map);
}

static void
willneed_of_shared_memory(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 256, 0);
	rig_enter(map, 0, 16, TOME_MAP_SHARED);
	for (unsigned i = 0; i < 16; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	rig_page_out(r, map, 0, 16);
	assert_int_equal(rig_anon_frames(r), 0);
	advise(map, 4, 8, TOME_ADV_WILLNEED);
	assert_true(present(map, 4, 8) == 8);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	rig_check(r);
	tome_map_unref(map);
}

/* An error is nobody's until the page is touched. */
static void
willneed_tells_no_error(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = written_map(r, 8);

	rig_page_out(r, map, 0, 8);
	r->disk[0].fail_read = 1;
	advise(map, 0, 8, TOME_ADV_WILLNEED);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	rig_check(r);
	tome_map_unref(map);
}

/* Used as lately as the others, they are the first to leave. */
static void
cold_goes_first(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = written_map(r, 256);

	for (unsigned n = 0; n < 6; n++) {
		(void)tome_reclaim(r->vm, 1);
		for (unsigned i = 0; i < 256; i++)
			assert_int_equal(use(r, map, i), (uint8_t)(i + 1));
	}
	advise(map, 96, 64, TOME_ADV_COLD);
	assert_true(present(map, 96, 64) >= 60);	/* none leaves at once */
	while (present(map, 0, 256) > 192)
		assert_true(tome_reclaim(r->vm, 8) > 0);
	assert_true(present(map, 96, 64) < 8);
	assert_true(present(map, 0, 96) + present(map, 160, 96) > 180);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(rig_peek(map, i), (uint8_t)(i + 1));
	rig_check(r);
	tome_map_unref(map);
}

/* So are a file's. */
static void
cold_pages_of_a_file_go_first(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_map_request rq = { .addr = AT, .len = 128 * PG,
		.prot = TOME_PROT_READ, .flags = TOME_MAP_FIXED };
	struct fakefile f;
	tome_va_t va;

	fakefile_open(&f, r->vm, 128 * PG);
	rq.object = f.object;
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	for (unsigned n = 0; n < 6; n++) {
		(void)tome_reclaim(r->vm, 1);
		for (unsigned i = 0; i < 128; i++)
			assert_int_equal(use(r, map, i), (uint8_t)(i + 1));
	}
	advise(map, 32, 32, TOME_ADV_COLD);
	assert_true(present(map, 32, 32) >= 30);
	while (present(map, 0, 128) > 96)
		assert_true(tome_reclaim(r->vm, 4) > 0);
	assert_true(present(map, 32, 32) < 6);
	assert_true(present(map, 0, 32) + present(map, 64, 64) > 88);
	rig_check(r);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

/* What somebody else has too is left as it is. */
static void
cold_spares_what_is_shared(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = written_map(r, 8), *child;
	struct tome_translation t;

	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(rig_peek(map, i), i + 1);
		assert_int_equal(rig_peek(child, i), i + 1);
	}
	assert_true(tome_pmap_extract(map->pmap, AT, &t));
	(void)tome_page_accessed(r->vm, tome_pa_pfn(t.pa), false);
	advise(child, 0, 8, TOME_ADV_COLD);
	assert_true(tome_page_accessed(r->vm, tome_pa_pfn(t.pa), false));
	tome_map_unref(child);
	advise(map, 0, 8, TOME_ADV_COLD);
	assert_false(tome_page_accessed(r->vm, tome_pa_pfn(t.pa), false));
	rig_check(r);
	tome_map_unref(map);
}

/* Content, frames and slots go at once, packed or not. */
static void
free_frees(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = written_map(r, PAGES);

	rig_page_out(r, map, 0, 32);
	assert_int_equal(tome_pack_all(r->vm->paging), 1);
	assert_int_equal(rig_swap(r, 0).used, 32);
	advise(map, 16, 32, TOME_ADV_FREE);
	assert_int_equal(rig_swap(r, 0).used, 16);
	assert_int_equal(rig_anon_frames(r), 16);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(rig_peek(map, i), i >= 16 && i < 48 ? 0 :
		    i + 1);
	rig_check(r);
	tome_map_unref(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(willneed_reads),
		RIG_TEST(willneed_makes_nothing),
		RIG_TEST(willneed_of_shared_memory),
		RIG_TEST(willneed_tells_no_error),
		RIG_TEST(cold_goes_first),
		RIG_TEST(cold_pages_of_a_file_go_first),
		RIG_TEST(cold_spares_what_is_shared),
		RIG_TEST(free_frees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
