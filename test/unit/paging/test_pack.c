/*
 * test_pack.c - chunks of what is swapped out become slot numbers, and chunks again
 * when they are touched, shared, cut or brought home.
 */
#include "rig.h"

#define ALL 96u				/* three chunks */

static uint64_t
anons(struct rig *r)
{
	struct tome_stats s;

	tome_vm_stats(r->vm, &s);
	return s.anons;
}

/* A space with pages that hold their number + 1, all swapped out and packed. */
static struct tome_map *
packed_map(struct rig *r)
{
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 512, 0);
	rig_enter(map, 0, ALL, 0);
	for (unsigned i = 0; i < ALL; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	rig_page_out(r, map, 0, ALL);
	assert_int_equal(anons(r), ALL);
	assert_int_equal(tome_pack_all(r->vm->paging), 3);
	assert_int_equal(anons(r), 0);
	assert_int_equal(rig_swap(r, 0).used, ALL);
	rig_check(r);
	return map;
}

/* Those of a space without a page. */
static uint64_t
tables_of_none(struct rig *r)
{
	struct tome_map *map = rig_map(r);
	struct tome_map_totals t;

	tome_map_totals(map, &t);
	tome_map_unref(map);
	return t.table_pages;
}

/* The page tables of what is packed go too. */
static void
tables_go(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r);
	struct tome_map_totals t;

	tome_map_totals(map, &t);
	assert_int_equal(t.table_pages, tables_of_none(r));
	assert_int_equal(rig_peek(map, 50), 51);
	tome_map_totals(map, &t);
	assert_true(t.table_pages > tables_of_none(r));
	rig_check(r);
	tome_map_unref(map);
}

static void
expect(struct tome_map *map, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
}

static void
it_comes_back(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r);

	assert_int_equal(rig_peek(map, 40), 41);
	assert_int_equal(anons(r), 32);			/* one chunk of three */
	rig_check(r);
	expect(map, 0, ALL);
	rig_check(r);
	assert_int_equal(tome_pack_all(r->vm->paging), 0);
	tome_map_unref(map);
	assert_int_equal(rig_swap(r, 0).used, 0);
}

/* Reads of others, and writes, open it as faults do. */
static void
others_may_look(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r);
	uint8_t b = 0;
	size_t done;

	assert_int_equal(tome_map_read(map, AT + 5 * PG, &b, 1, false, &done),
	    TOME_OK);
	assert_int_equal(b, 6);
	b = 0xee;
	assert_int_equal(tome_map_write(map, AT + 70 * PG, &b, 1, false, &done),
	    TOME_OK);
	assert_int_equal(rig_peek(map, 70), 0xee);
	assert_int_equal(rig_peek(map, 71), 72);
	rig_check(r);
	tome_map_unref(map);
}

/* In a window of which only a part was ever touched, the rest is zero still. */
static void
holes_stay_holes(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, ALL, 0);
	rig_poke(map, 33, 7);
	rig_page_out(r, map, 0, ALL);
	assert_int_equal(tome_pack_all(r->vm->paging), 1);
	assert_int_equal(rig_peek(map, 34), 0);
	assert_int_equal(rig_peek(map, 33), 7);
	rig_poke(map, 35, 8);
	assert_int_equal(rig_peek(map, 35), 8);
	rig_check(r);
	tome_map_unref(map);
}

static void
what_cannot_be_packed_is_not(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 64, 0);
	rig_poke(map, 0, 1);
	rig_poke(map, 1, 2);
	rig_poke(map, 32, 3);
	rig_page_out(r, map, 1, 1);			/* page 0 is there */
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(map, 0, 5);				/* chunks shared */
	rig_page_out(r, map, 0, 64);
	for (unsigned i = 0; i < 4; i++)
		(void)tome_reclaim(r->vm, 16);
	assert_int_equal(rig_anon_frames(r), 0);
	assert_int_equal(tome_pack_all(r->vm->paging), 0);
	assert_int_equal(rig_peek(map, 0), 5);
	assert_int_equal(rig_peek(child, 0), 1);
	assert_int_equal(rig_peek(child, 1), 2);
	assert_int_equal(rig_peek(map, 32), 3);
	rig_check(r);
	tome_map_unref(child);
	tome_map_unref(map);
}

static void
fork_opens_it(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r), *child;

	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(child, 3, 0x55);
	rig_check(r);
	expect(map, 0, ALL);
	assert_int_equal(rig_peek(child, 3), 0x55);
	expect(child, 4, ALL - 4);
	rig_check(r);
	tome_map_unref(map);
	tome_map_unref(child);
	assert_int_equal(rig_swap(r, 0).used, 0);
}

/* What one of them touches is opened, for both; the rest stays packed, and shared. */
static void
fork_shares_it(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r), *child;
	struct tome_stats s;

	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(child, 3, 0x55);
	assert_int_equal(anons(r), 33);
	rig_check(r);
	expect(map, 0, 32);
	assert_int_equal(anons(r), 33);
	tome_vm_stats(r->vm, &s);
	/* Two packed for both; the opened one of the parent; the child's copy of it. */
	assert_int_equal(s.chunks, 4);
	assert_int_equal(rig_swap(r, 0).used, ALL);
	expect(child, 4, ALL - 4);
	expect(map, 0, ALL);
	assert_int_equal(rig_peek(child, 3), 0x55);
	rig_check(r);
	tome_map_unref(child);
	rig_check(r);
	expect(map, 0, ALL);
	tome_map_unref(map);
	assert_int_equal(rig_swap(r, 0).used, 0);
}

/* A piece goes from one side: the other has it still, whoever opens it later. */
static void
shared_parts_go(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r), *child;

	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(child, 0, 1);			/* resolves, opens the first */
	assert_int_equal(tome_map_advise(child, AT + 40 * PG, 8 * PG,
	    TOME_ADV_DONTNEED), TOME_OK);
	assert_int_equal(tome_map_remove(child, AT + 64 * PG, 8 * PG), TOME_OK);
	rig_check(r);
	assert_int_equal(rig_swap(r, 0).used, ALL);
	for (unsigned i = 40; i < 48; i++)
		assert_int_equal(rig_peek(child, i), 0);
	rig_enter(child, 64, 8, 0);
	assert_int_equal(rig_peek(child, 65), 0);
	expect(child, 72, ALL - 72);
	expect(map, 0, 80);
	expect(child, 32, 8);
	rig_check(r);
	tome_map_unref(map);
	rig_check(r);
	expect(child, 48, 16);
	expect(child, 72, ALL - 72);
	tome_map_unref(child);
	rig_check(r);
	assert_int_equal(rig_swap(r, 0).used, 0);
}

/* Whose chunk was opened by the other side alone, which went. */
static void
the_opener_goes(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r), *child, *third;

	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(child, 0, 1);
	assert_int_equal(tome_map_fork(map, &third), TOME_OK);
	expect(child, 32, 64);
	tome_map_unref(child);
	rig_check(r);
	rig_poke(third, 95, 7);
	rig_check(r);
	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_OK);
	memset(r->disk[0].bytes, 0xff, 512 * PG);
	expect(map, 0, ALL);
	expect(third, 0, 95);
	assert_int_equal(rig_peek(third, 95), 7);
	rig_check(r);
	tome_map_unref(third);
	tome_map_unref(map);
}

/* Each piece of memory that is missing in turn: nothing is lost. */
static void
no_memory_to_open(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r), *child;
	unsigned refusals = 0;
	bool refused = true;

	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(child, 0, 1);
	for (uint64_t n = 1; refused && n < 200; n++) {
		hosted_fail_alloc(r->machine, NULL, n, false);
		refused = tome_map_advise(child, AT + 40 * PG, 4 * PG,
		    TOME_ADV_DONTNEED) != TOME_OK;
		hosted_fail_alloc(r->machine, NULL, 0, false);
		refusals += refused;
		rig_check(r);
	}
	assert_false(refused);
	assert_true(refusals > 0);
	expect(map, 0, ALL);
	expect(child, 48, ALL - 48);
	assert_int_equal(rig_peek(child, 41), 0);
	rig_check(r);
	tome_map_unref(child);
	tome_map_unref(map);
}

static void
parts_go(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r);

	assert_int_equal(tome_map_remove(map, AT + 10 * PG, 40 * PG), TOME_OK);
	assert_int_equal(rig_swap(r, 0).used, ALL - 40);
	assert_int_equal(tome_map_advise(map, AT + 60 * PG, 8 * PG,
	    TOME_ADV_DONTNEED), TOME_OK);
	assert_int_equal(rig_swap(r, 0).used, ALL - 48);
	assert_int_equal(anons(r), 0);			/* without opening */
	rig_check(r);
	expect(map, 0, 10);
	expect(map, 50, 10);
	for (unsigned i = 60; i < 68; i++)
		assert_int_equal(rig_peek(map, i), 0);
	expect(map, 68, ALL - 68);
	rig_enter(map, 10, 40, 0);
	assert_int_equal(rig_peek(map, 12), 0);
	rig_check(r);
	tome_map_unref(map);
	assert_int_equal(rig_swap(r, 0).used, 0);
}

static void
it_moves(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r);
	tome_va_t at;

	assert_int_equal(tome_map_move(map, AT + 16 * PG, 32 * PG, 32 * PG,
	    TOME_MOVE_MAY | TOME_MOVE_FIXED, AT + 1000 * PG, &at), TOME_OK);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(rig_peek(map, 1000 + i), 16 + i + 1);
	expect(map, 0, 16);
	expect(map, 48, ALL - 48);
	rig_check(r);
	tome_map_unref(map);
}

static void
objects_too(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob;
	uint8_t b;
	size_t done;

	rig_swapon(r, 0, 128, 0);
	assert_int_equal(tome_object_create_anon(r->vm, 64 * PG, NULL, 0, &ob),
	    TOME_OK);
	for (unsigned i = 0; i < 64; i++) {
		b = (uint8_t)(i + 1);
		assert_int_equal(tome_object_write(ob, i * PG, &b, 1, &done),
		    TOME_OK);
	}
	for (unsigned i = 0; i < 4; i++)
		(void)tome_reclaim(r->vm, 64);
	assert_int_equal(rig_anon_frames(r), 0);
	assert_int_equal(tome_pack_all(r->vm->paging), 2);
	assert_int_equal(tome_object_resident(ob), 64);
	assert_int_equal(tome_object_punch(ob, 4, 4), TOME_OK);
	assert_int_equal(rig_swap(r, 0).used, 60);
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(tome_object_read(ob, i * PG, &b, 1, &done),
		    TOME_OK);
		assert_int_equal(b, i >= 4 && i < 8 ? 0 : i + 1);
	}
	rig_check(r);
	for (unsigned i = 0; i < 4; i++)
		(void)tome_reclaim(r->vm, 64);
	assert_true(tome_pack_all(r->vm->paging) > 0);
	assert_int_equal(tome_object_resize(ob, 8 * PG), TOME_OK);
	assert_int_equal(rig_swap(r, 0).used, 4);
	tome_object_unref(ob);
	rig_check(r);
	assert_int_equal(rig_swap(r, 0).used, 0);
}

static void
swapoff_opens_it(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r);

	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_OK);
	memset(r->disk[0].bytes, 0xff, 512 * PG);
	expect(map, 0, ALL);
	tome_map_unref(map);
}

/* The recount sees a slot that two anons have, and one that none has. */
static void
the_recount_sees(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = packed_map(r);
	struct tome_entry *en = tome_tree_find(&map->tree, AT);
	struct tome_dirent d;
	uint32_t was;

	tome_epoch_enter(r->vm);
	d = tome_amap_find(en->amap, en->slot);
	tome_epoch_leave(r->vm);
	assert_true(tome_chunk_packed(d.chunk));
	was = d.chunk->slot[0];
	d.chunk->slot[0] = 0;
	assert_non_null(tome_vm_check(r->vm));
	d.chunk->slot[0] = was;
	assert_null(tome_vm_check(r->vm));
	tome_map_unref(map);
}

/* ---- threads ---- */

#define CROWD 128u			/* pages; each thread has a byte of each */

static struct crowd {
	struct rig *r;
	struct tome_map *map;
	_Atomic unsigned wrong, packed;
} crowd;

/* A child sees what its parent wrote, and what it writes itself, cut or not. */
static bool
forks(unsigned pg, unsigned who, uint8_t want)
{
	struct tome_map *child;
	uint8_t b = 0, mine = 0xa5;
	size_t done;
	bool good;

	if (tome_map_fork(crowd.map, &child) != TOME_OK)
		return false;
	good = tome_map_write(child, AT + (pg ^ 1) * PG + 64, &mine, 1, false,
	    &done) == TOME_OK &&
	    tome_map_read(child, AT + pg * PG + who, &b, 1, false, &done) ==
	    TOME_OK && b == want;
	if (tome_map_advise(child, AT + (pg & ~15u) * PG, 8 * PG,
	    TOME_ADV_DONTNEED) != TOME_OK)
		good = false;
	tome_map_unref(child);
	return good;
}

/* Pages leave, are packed, come back, are cut: nobody misses what he wrote. */
static void
churn(void *arg)
{
	unsigned who = (unsigned)(uintptr_t)arg;
	uint64_t seed = 88172645463325252u * (who + 3);
	uint8_t mine[CROWD] = { 0 }, b;
	size_t done;

	for (unsigned n = 0; n < 3000; n++) {
		unsigned pg, what;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		pg = (unsigned)(seed >> 20) % CROWD;
		what = (unsigned)(seed >> 60);
		hosted_poll();
		if (n % 32 == who)
			crowd.wrong += !forks(pg, who, mine[pg]);
		if (what < 4) {
			b = mine[pg] = (uint8_t)(seed >> 8);
			crowd.wrong += tome_map_write(crowd.map,
			    AT + pg * PG + who, &b, 1, false, &done) != TOME_OK;
		} else if (what < 8) {
			crowd.wrong += tome_map_read(crowd.map,
			    AT + pg * PG + who, &b, 1, false, &done) !=
			    TOME_OK || b != mine[pg];
		} else if (what < 12) {
			(void)tome_map_page_out(crowd.map,
			    AT + (pg & ~31u) * PG, 32 * PG);
		} else if (what < 15) {
			crowd.packed += (unsigned)tome_pack_all(
			    crowd.r->vm->paging);
		} else if (tome_map_advise(crowd.map, AT + (CROWD + pg) * PG,
		    PG, TOME_ADV_DONTNEED) != TOME_OK) {
			crowd.wrong++;
		}
	}
}

static void
many_at_once(void **state)
{
	struct rig *r = *state;

	memset(&crowd, 0, sizeof crowd);
	crowd.r = r;
	crowd.map = rig_map(r);
	rig_swapon(r, 0, 512, 0);
	rig_enter(crowd.map, 0, 2 * CROWD, 0);
	for (unsigned i = CROWD; i < 2 * CROWD; i++)
		rig_poke(crowd.map, i, 1);
	for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++)
		hosted_start(r->machine, cpu, churn, (void *)(uintptr_t)cpu);
	churn(NULL);
	hosted_join(r->machine);
	assert_int_equal(crowd.wrong, 0);
	/* While all were at it, it may never have been a whole chunk. What foreign
	 * access made resident has no translation that a range's way out would find. */
	for (unsigned i = 0; i < 8 && rig_anon_frames(r) > 0; i++)
		(void)tome_reclaim(r->vm, 2 * CROWD);
	assert_int_equal(rig_anon_frames(r), 0);
	assert_true(crowd.packed + tome_pack_all(r->vm->paging) > 0);
	rig_check(r);
	tome_map_unref(crowd.map);
	rig_check(r);
	assert_int_equal(rig_swap(r, 0).used, 0);
}

/* ---- 256 times memory ---- */

#define HUGE_PAGES (1u << (sizeof(tome_va_t) == 8 ? 19 : 18))
#define HUGE_SLOTS (HUGE_PAGES + 4096)

/* The first word of each page that was written; the whole of those that have more, which
 * are no space's. */
static uint32_t *words;
static void **wholes;

static void
word_store(uint64_t at, const uint32_t *page)
{
	words[at] = page[0];
	free(wholes[at]);
	wholes[at] = NULL;
	for (unsigned i = 1; i < PG / 4 && wholes[at] == NULL; i++)
		if (page[i] != 0)
			wholes[at] = memcpy(malloc(PG), page, PG);
}

static void
words_start(void *ctx, struct tome_io *io)
{
	uint64_t at = io->at / PG;

	(void)ctx;
	for (unsigned i = 0; i < io->n; i++, at++) {
		uint32_t *page = tome_frame_window(io->vm, io->vec[i].pfn);

		if (io->op == TOME_IO_WRITE) {
			word_store(at, page);
		} else if (wholes[at] != NULL) {
			memcpy(page, wholes[at], PG);
		} else {
			memset(page, 0, PG);
			page[0] = words[at];
		}
		tome_frame_window_end(io->vm, io->vec[i].pfn, page);
	}
	tome_io_done(io, TOME_OK);
}

/* 2 GiB of pages that differ (in 32 bits 1), in 8 MiB: as 16 GiB in 64 MiB. */
static void
far_more_than_there_is(void **state)
{
	static const struct tome_swap_device device = { .max_pages = 32,
		.start = words_start };
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_paging_stats p;
	struct tome_swap_stats swap;
	struct tome_stats s;
	uint32_t word;
	unsigned id;
	size_t done;

	words = calloc(HUGE_SLOTS, sizeof words[0]);
	wholes = calloc(HUGE_SLOTS, sizeof wholes[0]);
	assert_true(words != NULL && wholes != NULL);
	assert_int_equal(tome_swap_add(r->vm, &device, NULL, HUGE_SLOTS, 1, 0,
	    &id), TOME_OK);
	rig_enter(map, 0, HUGE_PAGES, 0);
	for (uint32_t i = 0; i < HUGE_PAGES; i++) {
		word = i * 2654435761u | 1;
		assert_int_equal(tome_map_write(map, AT + i * PG, &word, 4,
		    false, &done), TOME_OK);
		if (i % 1024 == 0)		/* the daemon's part */
			(void)tome_reclaim(r->vm, 1);
	}
	/* Far fewer than one for each 32 pages. */
	tome_vm_quiesce(r->vm, true);
	tome_vm_stats(r->vm, &s);
	tome_paging_stats(r->vm, &p);
	assert_true(p.packs_written > HUGE_PAGES / 1024 / 2);
	assert_true(s.chunks < HUGE_PAGES / 32 / 4);
	for (uint32_t i = 0; i < HUGE_PAGES; i += 7) {
		assert_int_equal(tome_map_read(map, AT + i * PG, &word, 4,
		    false, &done), TOME_OK);
		assert_int_equal(word, (uint32_t)(i * 2654435761u | 1));
		if (i % 1024 == 0)
			(void)tome_reclaim(r->vm, 1);
	}
	rig_check(r);
	tome_map_unref(map);
	rig_check(r);
	(void)tome_desk_bury(r->vm->paging, true);
	rig_check(r);
	assert_true(tome_swap_stats(r->vm, id, &swap));
	assert_int_equal(swap.used, 0);
	for (uint32_t i = 0; i < HUGE_SLOTS; i++)
		free(wholes[i]);
	free(wholes);
	free(words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(it_comes_back),
		RIG_TEST(tables_go),
		RIG_TEST(others_may_look),
		RIG_TEST(holes_stay_holes),
		RIG_TEST(what_cannot_be_packed_is_not),
		RIG_TEST(fork_opens_it),
		RIG_TEST(fork_shares_it),
		RIG_TEST(shared_parts_go),
		RIG_TEST(the_opener_goes),
		RIG_TEST(no_memory_to_open),
		RIG_TEST(parts_go),
		RIG_TEST(it_moves),
		RIG_TEST(objects_too),
		RIG_TEST(swapoff_opens_it),
		RIG_TEST(the_recount_sees),
		RIG_TEST(many_at_once),
		RIG_TEST(far_more_than_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
