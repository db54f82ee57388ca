/*
 * test_balance.c - files' pages and anonymous ones have one order to leave in: what is
 * used stays, whichever it is, and what comes back is known again.
 */
#include "rig.h"
#include "../fakefile.h"

#define ANONS 200u
#define FILES 128u
#define FILE_AT 1024u			/* page of the map */

struct both {
	struct rig *r;
	struct tome_map *map;
	struct fakefile f;
};

static void
both_begin(struct both *b, struct rig *r)
{
	tome_va_t va;
	struct tome_map_request rq = { .addr = AT + FILE_AT * PG,
		.len = FILES * PG, .prot = TOME_PROT_READ,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED };

	b->r = r;
	b->map = rig_map(r);
	rig_swapon(r, 0, 1024, 0);
	rig_enter(b->map, 0, ANONS, 0);
	for (unsigned i = 0; i < ANONS; i++)
		rig_poke(b->map, i, (uint8_t)(i + 1));
	fakefile_open(&b->f, r->vm, FILES * PG);
	rq.object = b->f.object;
	assert_int_equal(tome_map_enter(b->map, &rq, &va), TOME_OK);
}

static void
both_end(struct both *b)
{
	rig_check(b->r);
	tome_map_unref(b->map);
	fakefile_close(&b->f, b->r->vm);
}

static enum tome_err
on_fault(void *map, tome_va_t va, tome_prot_t access)
{
	return tome_fault(map, va, access);
}

/* As a program does, on the space's own CPU, whose TLB has forgotten all. */
static void
use(struct both *b, unsigned first, unsigned pages)
{
	uintptr_t irq = tome_host_irq_save();
	uint8_t byte;

	tome_map_switch(b->map);
	tome_host_irq_restore(irq);
	for (unsigned i = first; i < first + pages; i++) {
		assert_int_equal(hosted_read(AT + i * PG, &byte, 1, on_fault,
		    b->map), TOME_OK);
		assert_int_equal(byte, (uint8_t)(i % FILE_AT + 1));
	}
	irq = tome_host_irq_save();
	tome_pmap_switch(tome_pmap_kernel(b->r->vm));
	tome_host_irq_restore(irq);
}

static void
forget(struct both *b, unsigned first, unsigned pages)
{
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(tome_map_protect(b->map, AT + first * PG,
		    pages * PG, i == 0 ? TOME_PROT_NONE : TOME_PROT_READ),
		    TOME_OK);
}

static uint64_t
swapped_in(struct both *b)
{
	struct tome_paging_stats s;

	tome_paging_stats(b->r->vm, &s);
	return s.swapped_in;
}

/* A file that is used again and again stays; anons that are not leave. */
static void
test_files_in_use(void **state)
{
	unsigned early = 0;
	struct both b;

	both_begin(&b, *state);
	for (unsigned round = 0; round < 16; round++) {
		use(&b, FILE_AT, FILES);
		(void)tome_reclaim(b.r->vm, 8);
		forget(&b, FILE_AT, FILES);
		if (round == 5)
			early = b.f.pages_read;
	}
	assert_true(b.f.pages_read - early <= 8);
	assert_true(rig_swap(b.r, 0).written >= 64);
	both_end(&b);
}

/* Anons that are used stay; a file that was read once leaves. */
static void
test_anons_in_use(void **state)
{
	uint64_t early = 0;
	struct both b;

	both_begin(&b, *state);
	use(&b, FILE_AT, FILES);
	for (unsigned round = 0; round < 16; round++) {
		use(&b, 0, ANONS);
		(void)tome_reclaim(b.r->vm, 6);
		forget(&b, 0, ANONS);
		if (round == 5)
			early = swapped_in(&b);
	}
	assert_true(swapped_in(&b) - early <= 8);
	assert_true(fakefile_pages(&b.f).resident <= FILES / 2);
	both_end(&b);
}

/* A file's page that left, and comes back, has what is left of its score. */
static void
test_a_file_is_known_again(void **state)
{
	struct both b;
	struct tome_translation t;
	unsigned known = 0;

	both_begin(&b, *state);
	for (unsigned round = 0; round < 8; round++) {
		use(&b, FILE_AT, FILES);
		(void)tome_reclaim(b.r->vm, 8);
		forget(&b, FILE_AT, FILES);
	}
	while (fakefile_pages(&b.f).resident > 0)
		(void)tome_reclaim(b.r->vm, FILES);
	use(&b, FILE_AT, FILES);
	for (unsigned i = 0; i < FILES; i++) {
		assert_true(tome_pmap_extract(b.map->pmap,
		    AT + (FILE_AT + i) * PG, &t));
		known += (tome_page(b.r->vm, (tome_pfn_t)(t.pa / PG))->prev &
		    TOME_WORD_LOW) != 0;
	}
	assert_true(known >= FILES / 2);
	both_end(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_files_in_use),
		RIG_TEST(test_anons_in_use),
		RIG_TEST(test_a_file_is_known_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
