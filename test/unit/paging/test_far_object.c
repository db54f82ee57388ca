/*
 * test_far_object.c - objects' packed chunks on disk: read(), mappings of two spaces,
 * truncation, holes, copies and looks find what they hold, or are told that they cannot.
 */
#include <tome/look.h>

#include "far.h"

/* The object's page as read() has it, or -error. */
static int
peek(struct tome_object *ob, unsigned pg)
{
	uint8_t b = 0;
	size_t done;
	enum tome_err err = tome_object_read(ob, (uint64_t)pg * PG, &b, 1, &done);

	return err == TOME_OK ? b : -(int)err;
}

static enum tome_err
poke(struct tome_object *ob, unsigned pg, uint8_t b)
{
	size_t done;

	return tome_object_write(ob, (uint64_t)pg * PG, &b, 1, &done);
}

static void
expect(struct tome_object *ob, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		assert_int_equal(peek(ob, i), mark(i));
}

static void
expect_none(struct tome_object *ob, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		assert_int_equal(peek(ob, i), 0);
}

static void
all_out(struct rig *r)
{
	for (unsigned i = 0; i < 16 && rig_anon_frames(r) > 0; i++)
		(void)tome_reclaim(r->vm, 512);
	assert_int_equal(rig_anon_frames(r), 0);
}

/* Pages [first, first + n) are marked, swapped out and packed. */
static struct tome_object *
out_object(struct rig *r, unsigned first, unsigned n)
{
	struct tome_object *ob;

	if (r->disk[0].bytes == NULL)
		rig_swapon(r, 0, 4096, 0);
	assert_int_equal(tome_object_create_anon(r->vm, ALL * PG, NULL, 0, &ob),
	    TOME_OK);
	for (unsigned i = first; i < first + n; i++) {
		assert_int_equal(poke(ob, i, mark(i)), TOME_OK);
		if (i % 256 == 255)
			all_out(r);
	}
	all_out(r);
	return ob;
}

/* All of it, of which memory has the directory alone. */
static struct tome_object *
far_object(struct rig *r)
{
	struct tome_object *ob = out_object(r, 0, ALL);

	assert_int_equal(tome_pack_away(r->vm->paging), ALL / 32);
	rig_check(r);
	assert_int_equal(chunks(r), PACKS);
	assert_int_equal(used(r), ALL + PACKS);
	assert_int_equal(tome_object_resident(ob), ALL);
	return ob;
}

static struct tome_map *
map_of(struct rig *r, struct tome_object *ob, unsigned flags)
{
	struct tome_map_request rq = { .addr = AT, .len = ALL * PG, .prot = RW,
		.flags = TOME_MAP_FIXED | flags, .object = ob };
	struct tome_map *map = rig_map(r);
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	return map;
}

static void
it_comes_back(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);

	assert_int_equal(peek(ob, 40), mark(40));
	assert_int_equal(stats(r).packs_read, 1);
	rig_check(r);
	assert_int_equal(chunks(r), PACKS + 1);	/* one chunk of its pack */
	assert_int_equal(tome_object_resident(ob), ALL);
	assert_int_equal(poke(ob, 1030, 7), TOME_OK);
	assert_int_equal(peek(ob, 1030), 7);
	assert_int_equal(poke(ob, 1030, mark(1030)), TOME_OK);
	expect(ob, 0, ALL);
	assert_int_equal(stats(r).packs_read, 2);
	assert_int_equal(tome_object_resident(ob), ALL);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

static void
its_end_frees_all(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);

	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

/* What one writes the other reads, as it comes and goes. */
static void
two_spaces(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);
	struct tome_map *a = map_of(r, ob, TOME_MAP_SHARED);
	struct tome_map *b = map_of(r, ob, TOME_MAP_SHARED);

	assert_int_equal(rig_peek(a, 70), mark(70));
	rig_poke(b, 70, 0x70);
	assert_int_equal(rig_peek(a, 70), 0x70);
	rig_poke(a, 1100, 0x11);
	rig_check(r);
	all_out(r);
	(void)tome_pack_away(r->vm->paging);
	rig_check(r);
	assert_int_equal(rig_peek(b, 70), 0x70);
	assert_int_equal(rig_peek(b, 1100), 0x11);
	for (unsigned i = 0; i < ALL; i += 5)
		assert_int_equal(rig_peek(i % 2 ? a : b, i), i == 70 ? 0x70 :
		    i == 1100 ? 0x11 : mark(i));
	rig_check(r);
	tome_map_unref(a);
	tome_map_unref(b);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

/* A private mapping sees it, and copies what it writes. */
static void
private_over_it(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);
	struct tome_map *map = map_of(r, ob, 0), *child;

	rig_poke(map, 33, 0x33);
	assert_int_equal(rig_peek(map, 900), mark(900));
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(child, 1200, 0x12);
	assert_int_equal(rig_peek(map, 1200), mark(1200));
	rig_check(r);
	tome_map_unref(map);
	assert_int_equal(rig_peek(child, 33), 0x33);
	tome_map_unref(child);
	expect(ob, 0, ALL);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

/* ---- parts that go ---- */

/* In the middle of a page, of a chunk, of a pack. */
static void
truncation(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);
	struct tome_map *map = map_of(r, ob, TOME_MAP_SHARED);
	uint8_t b = 0xff;
	size_t done;

	assert_int_equal(tome_object_write(ob, 700 * PG + 9, &b, 1, &done),
	    TOME_OK);
	assert_int_equal(tome_object_resize(ob, 700 * PG + 5), TOME_OK);
	assert_int_equal(tome_object_resident(ob), 701);
	rig_check(r);
	assert_int_equal(rig_peek(map, 701), -(int)TOME_ENXIO);
	assert_int_equal(tome_object_resize(ob, ALL * PG), TOME_OK);
	assert_int_equal(tome_object_read(ob, 700 * PG + 9, &b, 1, &done),
	    TOME_OK);
	assert_int_equal(b, 0);
	expect(ob, 0, 701);
	expect_none(ob, 701, ALL - 701);
	assert_int_equal(used_after(r), 701);
	tome_map_unref(map);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

/* What goes whole is not read for that. */
static void
truncation_reads_nothing(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);

	r->disk[0].fail_read = 1;
	assert_int_equal(tome_object_resize(ob, 1024 * PG), TOME_OK);
	assert_int_equal(tome_object_resident(ob), 1024);
	assert_int_equal(tome_object_punch(ob, 64, 64), TOME_OK);
	assert_int_equal(tome_object_resident(ob), 1024 - 64);
	assert_int_equal(tome_object_resize(ob, 0), TOME_OK);
	assert_int_equal(tome_object_resident(ob), 0);
	assert_int_equal(r->disk[0].fail_read, 1);
	r->disk[0].fail_read = 0;
	assert_int_equal(tome_object_resize(ob, ALL * PG), TOME_OK);
	expect_none(ob, 0, 128);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

static void
holes(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);

	/* In one chunk; from one pack to the next; at once. */
	assert_int_equal(tome_object_punch(ob, 100, 8), TOME_OK);
	assert_int_equal(tome_object_punch(ob, 1000, 100), TOME_OK);
	assert_int_equal(tome_object_resident(ob), ALL - 108);
	rig_check(r);
	(void)tome_pack_away(r->vm->paging);
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(used_after(r) / 1024, 1);
	assert_int_equal(tome_object_resident(ob), ALL - 108);
	expect(ob, 0, 100);
	expect_none(ob, 100, 8);
	expect(ob, 108, 1000 - 108);
	expect_none(ob, 1000, 100);
	expect(ob, 1100, ALL - 1100);
	assert_int_equal(used_after(r), ALL - 108);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

/* Chunks that were never full: so many pages, and no more. */
static void
sparse(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob;
	unsigned n = 0;

	rig_swapon(r, 0, 4096, 0);
	assert_int_equal(tome_object_create_anon(r->vm, ALL * PG, NULL, 0, &ob),
	    TOME_OK);
	for (unsigned i = 0; i < ALL; i += 29, n++)
		assert_int_equal(poke(ob, i, mark(i)), TOME_OK);
	all_out(r);
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(chunks(r), PACKS);
	assert_int_equal(tome_object_resident(ob), n);
	assert_int_equal(used(r), n + PACKS);
	for (unsigned i = 0; i < ALL; i++)
		assert_int_equal(peek(ob, i), i % 29 == 0 ? mark(i) : 0);
	assert_int_equal(tome_object_resident(ob), n);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

/* ---- shared and inherited ---- */

static void
copies(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r), *copy;

	assert_int_equal(tome_object_copy(ob, &copy), TOME_OK);
	assert_int_equal(tome_object_resident(copy), ALL);
	assert_int_equal(tome_object_resident(ob), ALL);
	rig_check(r);
	assert_int_equal(poke(copy, 5, 0x55), TOME_OK);
	assert_int_equal(peek(ob, 5), mark(5));
	/* One loses a part of what both have. */
	assert_int_equal(tome_object_punch(ob, 200, 50), TOME_OK);
	assert_int_equal(tome_object_resize(copy, 1300 * PG), TOME_OK);
	rig_check(r);
	expect(copy, 200, 1100);
	expect_none(ob, 200, 50);
	expect(ob, 1290, ALL - 1290);
	tome_object_unref(ob);
	rig_check(r);
	expect(copy, 6, 1294);
	assert_int_equal(peek(copy, 5), 0x55);
	tome_object_unref(copy);
	assert_int_equal(used_after(r), 0);
}

static void
inherited(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r), *heir;

	assert_int_equal(tome_object_create_anon(r->vm, ALL * PG, ob, 0, &heir),
	    TOME_OK);
	assert_int_equal(poke(heir, 50, 0x50), TOME_OK);
	assert_int_equal(peek(heir, 51), mark(51));
	assert_int_equal(peek(ob, 50), mark(50));
	expect(heir, 1024, 300);
	rig_check(r);
	tome_object_unref(heir);
	expect(ob, 0, ALL);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

/* Each page is seen without being read, by a number that is its own. */
static void
looks(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r), *copy, *home;
	struct tome_object_look l, other;
	tome_pgoff_t page, from = 0;
	uint64_t was = 0;
	unsigned n = 0;

	for (; tome_object_look(ob, from, &l); from = l.page + 1, n++) {
		assert_int_equal(l.page, n);
		assert_int_equal(l.pfn, TOME_PFN_NONE);
		assert_int_equal(l.names, 1);
		assert_true((l.anon & 1) != 0 && l.anon != was);
		was = l.anon;
	}
	assert_int_equal(n, ALL);
	assert_int_equal(stats(r).packs_read, 0);
	assert_true(tome_object_look(ob, 1111, &l));
	assert_true(tome_anon_home(r->vm, l.anon, &home, &page));
	assert_true(home == ob && page == 1111);
	assert_int_equal(tome_object_copy(ob, &copy), TOME_OK);
	assert_true(tome_object_look(copy, 1111, &other));
	assert_true(other.anon == l.anon && other.names == 2);
	/* Its number is in memory again. */
	assert_int_equal(peek(copy, 1112), mark(1112));
	assert_true(tome_object_look(ob, 1111, &other));
	assert_int_not_equal(other.anon, l.anon);
	tome_object_unref(copy);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

/* ---- what goes wrong ---- */

static void
swapoff_brings_it_home(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);

	rig_swapon(r, 1, 4096, -1);
	assert_int_equal(tome_object_punch(ob, 512, 512), TOME_OK);
	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_OK);
	memset(r->disk[0].bytes, 0xff, 4096 * PG);
	rig_check(r);
	expect(ob, 0, 512);
	expect_none(ob, 512, 512);
	expect(ob, 1024, 512);
	tome_object_unref(ob);
	rig_check(r);
	assert_int_equal(rig_swap(r, 1).used, 0);
}

static void
write_fails(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = out_object(r, 0, ALL);

	r->disk[0].fail_write = 1;
	assert_int_equal(tome_pack_away(r->vm->paging), ALL / 32);
	assert_int_equal(stats(r).packs_written, PACKS - 1);
	rig_check(r);
	assert_int_equal(tome_object_resident(ob), ALL);
	expect(ob, 0, ALL);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

/* Nothing stays behind that would keep it in memory. */
static void
away_again(struct rig *r, struct tome_object *ob)
{
	expect(ob, 0, ALL);
	all_out(r);
	(void)tome_pack_away(r->vm->paging);
	rig_check(r);
	assert_int_equal(chunks(r), PACKS);
}

/* Whoever needs what cannot be read is told, and all is as it was. */
static void
read_fails(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);

	r->disk[0].fail_read = 1;
	assert_int_equal(peek(ob, 77), -(int)TOME_EIO);
	assert_int_equal(peek(ob, 77), mark(77));
	(void)poke(ob, 78, mark(78));
	r->disk[0].fail_read = 1;
	assert_int_equal(tome_object_resize(ob, 1100 * PG), TOME_EIO);
	assert_int_equal(tome_object_size(ob), ALL * PG);
	rig_check(r);
	away_again(r, ob);
	expect(ob, 1024, 200);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

static void
read_fails_for_a_hole(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);

	/* The first end; the second. */
	r->disk[0].fail_read = 1;
	assert_int_equal(tome_object_punch(ob, 1000, 100), TOME_EIO);
	r->disk[0].fail_read = 2;
	assert_int_equal(tome_object_punch(ob, 1000, 100), TOME_EIO);
	rig_check(r);
	assert_int_equal(tome_object_resident(ob), ALL);
	expect(ob, 990, 120);
	away_again(r, ob);
	assert_int_equal(tome_object_punch(ob, 1000, 100), TOME_OK);
	expect_none(ob, 1000, 100);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

static enum tome_err
act_read(struct tome_object *ob)
{
	int is = peek(ob, 70);

	return is < 0 ? (enum tome_err)-is : TOME_OK;
}

static enum tome_err
act_punch(struct tome_object *ob)
{
	return tome_object_punch(ob, 600, 100);
}

static enum tome_err
act_copy(struct tome_object *ob)
{
	struct tome_object *copy;
	enum tome_err err = tome_object_copy(ob, &copy);

	if (err == TOME_OK)
		tome_object_unref(copy);
	return err;
}

static enum tome_err
act_resize(struct tome_object *ob)
{
	return tome_object_resize(ob, 1300 * PG + 1);
}

/* Each piece of memory that is missing in turn: nothing is lost. */
static void
no_memory(void **state)
{
	enum tome_err (*const act[])(struct tome_object *) = { act_read,
		act_punch, act_copy, act_resize };
	struct rig *r = *state;
	struct tome_object *ob = far_object(r);
	unsigned refusals = 0;

	for (unsigned i = 0; i < sizeof act / sizeof act[0]; i++) {
		bool done = false;

		for (uint64_t n = 1; !done && n < 300; n++) {
			hosted_fail_alloc(r->machine, NULL, n, false);
			done = act[i](ob) == TOME_OK;
			hosted_fail_alloc(r->machine, NULL, 0, false);
			refusals += !done;
			rig_check(r);
		}
		assert_true(done);
	}
	assert_true(refusals > 0);
	expect(ob, 0, 600);
	expect_none(ob, 600, 100);
	expect(ob, 700, 600);
	assert_int_equal(tome_object_size(ob), 1300 * PG + 1);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
}

static void
ledgers_pay(void **state)
{
	struct rig *r = *state;
	struct tome_ledger_state s;
	struct tome_ledger *l;
	struct tome_object *ob;
	struct tome_map *map;

	rig_swapon(r, 0, 4096, 0);
	assert_int_equal(tome_ledger_create(r->vm, NULL, &l), TOME_OK);
	assert_int_equal(tome_object_create_anon(r->vm, ALL * PG, NULL, 0, &ob),
	    TOME_OK);
	map = map_of(r, ob, TOME_MAP_SHARED);
	tome_map_set_ledger(map, l);
	for (unsigned i = 0; i < 1024; i++) {
		assert_int_equal(tome_fault(map, AT + i * PG, TOME_PROT_WRITE),
		    TOME_OK);
		rig_poke(map, i, mark(i));
		if (i % 256 == 255)
			all_out(r);
	}
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(chunks(r), 1);
	tome_ledger_state(l, &s);
	assert_int_equal(s.swapped, 1024);
	assert_int_equal(tome_object_punch(ob, 10, 100), TOME_OK);
	rig_check(r);
	assert_int_equal(rig_peek(map, 5), mark(5));
	tome_map_unref(map);
	tome_object_unref(ob);
	assert_int_equal(used_after(r), 0);
	tome_ledger_state(l, &s);
	assert_int_equal(s.swapped, 0);
	assert_int_equal(tome_ledger_destroy(l), TOME_OK);
}

/* ---- threads ---- */

#define CROWD 1024u

static struct crowd {
	struct rig *r;
	struct tome_object *ob;
	struct tome_map *map[RIG_CPUS];
	_Atomic unsigned wrong, ready;
} crowd;

static void
collide(void *arg)
{
	struct tome_map *map = crowd.map[(uintptr_t)arg];

	crowd.ready++;
	crowd.wrong += tome_fault(map, AT + 70 * PG, TOME_PROT_READ) != TOME_OK;
}

/* Faults of two spaces in one chunk, whose page takes its time: it is read once. */
static void
two_collide(void **state)
{
	struct rig *r = *state;

	memset(&crowd, 0, sizeof crowd);
	crowd.ob = far_object(r);
	for (unsigned i = 1; i < 3; i++)
		crowd.map[i] = map_of(r, crowd.ob, TOME_MAP_SHARED);
	r->disk[0].queued = true;
	r->disk[0].reads = 0;
	for (unsigned cpu = 1; cpu < 3; cpu++)
		hosted_start(r->machine, cpu, collide, (void *)(uintptr_t)cpu);
	while (crowd.ready < 2 || r->disk[0].nqueue == 0)
		hosted_poll();
	assert_int_equal(r->disk[0].nqueue, 1);
	r->disk[0].queued = false;
	(void)disk_run(&r->disk[0], false);
	hosted_join(r->machine);
	assert_int_equal(crowd.wrong, 0);
	assert_int_equal(stats(r).packs_read, 1);
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(rig_peek(crowd.map[i], 70), mark(70));
		tome_map_unref(crowd.map[i]);
	}
	tome_object_unref(crowd.ob);
	assert_int_equal(used_after(r), 0);
}

static void
punch_both(void *arg)
{
	(void)arg;
	crowd.wrong += tome_object_punch(crowd.ob, 100, 1000) != TOME_OK;
}

/* A hole's first end is in memory; while the page of the other is read, its neighbours
 * are written to a pack: it stays. */
static void
an_end_stays(void **state)
{
	struct rig *r = *state;

	memset(&crowd, 0, sizeof crowd);
	crowd.ob = far_object(r);
	for (unsigned i = 0; i < 1024; i += 32)
		assert_int_equal(tome_amap_home(crowd.ob->amap, i), TOME_OK);
	r->disk[0].queued = true;
	hosted_start(r->machine, 1, punch_both, NULL);
	while (r->disk[0].nqueue == 0)
		hosted_poll();
	r->disk[0].queued = false;
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(stats(r).packs_written, PACKS + 1);
	assert_int_equal(disk_run(&r->disk[0], false), 1);
	hosted_join(r->machine);
	assert_int_equal(crowd.wrong, 0);
	rig_check(r);
	assert_int_equal(tome_object_resident(crowd.ob), ALL - 1000);
	(void)tome_pack_away(r->vm->paging);
	expect(crowd.ob, 0, 100);
	expect_none(crowd.ob, 100, 1000);
	expect(crowd.ob, 1100, ALL - 1100);
	tome_object_unref(crowd.ob);
	assert_int_equal(used_after(r), 0);
}

/* The first that was wrong: what was asked for, of which page, and the answer. */
static void
crowd_expect(const char *what, unsigned pg, int is, bool good)
{
	if (!good && crowd.wrong++ == 0)
		print_message("%s of page %u: %d\n", what, pg, is);
}

/* The upper half of the object is nobody's: holes are made there, and it is cut. */
static void
cut(unsigned pg, unsigned what)
{
	enum tome_err err;

	if (what % 4 == 0)
		err = tome_object_resize(crowd.ob,
		    (uint64_t)(CROWD + pg % 256) * PG + pg);
	else if (what % 4 == 1)
		err = tome_object_resize(crowd.ob, ALL * PG);
	else
		err = tome_object_punch(crowd.ob, CROWD + pg % 480,
		    1 + pg % 70);
	crowd_expect("a cut", pg, err, err == TOME_OK);
}

static void
copied(unsigned pg, unsigned who, uint8_t want)
{
	struct tome_object *copy;
	enum tome_err err = tome_object_copy(crowd.ob, &copy);
	uint8_t b = 0;
	size_t done;

	crowd_expect("copy", pg, err, err == TOME_OK);
	if (err != TOME_OK)
		return;
	err = tome_object_read(copy, pg * PG + who, &b, 1, &done);
	crowd_expect("copy's read", pg, b, err == TOME_OK && b == want);
	err = tome_object_punch(copy, pg & ~127u, 40);
	crowd_expect("copy's hole", pg, err, err == TOME_OK);
	tome_object_unref(copy);
}

/* Each has a byte of each page; packs are written and read meanwhile, and what nobody
 * has goes and comes. */
static void
churn(void *arg)
{
	unsigned who = (unsigned)(uintptr_t)arg;
	uint64_t seed = 88172645463325252u * (who + 3);
	struct tome_paging *p = crowd.r->vm->paging;
	static uint8_t said[RIG_CPUS][CROWD];
	uint8_t *mine = said[who], b;
	enum tome_err err;
	size_t done;

	memset(mine, 0, CROWD);
	for (unsigned n = 0; n < 1500; n++) {
		unsigned pg, what;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		pg = (unsigned)(seed >> 20) % CROWD;
		what = (unsigned)(seed >> 60);
		hosted_poll();
		if (n % 128 == who)
			copied(pg, who, mine[pg]);
		if (what < 3) {
			b = (uint8_t)(seed >> 8);
			err = tome_object_write(crowd.ob, pg * PG + who, &b, 1,
			    &done);
			crowd_expect("write", pg, err, err == TOME_OK);
			mine[pg] = b;
		} else if (what < 6) {
			err = tome_map_read(crowd.map[who], AT + pg * PG + who,
			    &b, 1, false, &done);
			crowd_expect("read", pg, b, err == TOME_OK &&
			    b == mine[pg]);
		} else if (what < 10) {
			(void)tome_reclaim(crowd.r->vm, 256);
		} else if (what < 12) {
			(void)tome_pack_away(p);
		} else if (what < 13) {
			(void)tome_desk_bury(p, n % 2);
			crowd_expect("resident", pg, 0,
			    tome_object_resident(crowd.ob) <= ALL);
		} else {
			cut(pg, n);
		}
	}
}

static void
many_at_once(void **state)
{
	struct rig *r = *state;

	memset(&crowd, 0, sizeof crowd);
	crowd.r = r;
	rig_swapon(r, 0, 16384, 0);
	crowd.ob = out_object(r, 0, 0);
	for (unsigned i = 0; i < ALL; i++) {
		assert_int_equal(poke(crowd.ob, i, 0), TOME_OK);
		if (i % 256 == 255)
			all_out(r);
	}
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(stats(r).packs_written, PACKS);
	for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++)
		crowd.map[cpu] = map_of(r, crowd.ob, TOME_MAP_SHARED);
	for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++)
		hosted_start(r->machine, cpu, churn, (void *)(uintptr_t)cpu);
	churn(NULL);
	hosted_join(r->machine);
	assert_int_equal(crowd.wrong, 0);
	assert_true(stats(r).packs_read > 2);
	rig_check(r);
	for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++)
		tome_map_unref(crowd.map[cpu]);
	tome_object_unref(crowd.ob);
	assert_int_equal(used_after(r), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(it_comes_back),
		RIG_TEST(its_end_frees_all),
		RIG_TEST(two_spaces),
		RIG_TEST(private_over_it),
		RIG_TEST(truncation),
		RIG_TEST(truncation_reads_nothing),
		RIG_TEST(holes),
		RIG_TEST(sparse),
		RIG_TEST(copies),
		RIG_TEST(inherited),
		RIG_TEST(looks),
		RIG_TEST(swapoff_brings_it_home),
		RIG_TEST(write_fails),
		RIG_TEST(read_fails),
		RIG_TEST(read_fails_for_a_hole),
		RIG_TEST(no_memory),
		RIG_TEST(ledgers_pay),
		RIG_TEST(two_collide),
		RIG_TEST(an_end_stays),
		RIG_TEST(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
