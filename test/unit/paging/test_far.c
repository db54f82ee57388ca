/*
 * test_far.c - packed chunks that are written out come back when they are touched,
 * shared, cut or brought home; what ends on disk is freed when its page was read.
 */
#include "far.h"

static struct tome_map *
out_map(struct rig *r)
{
	struct tome_map *map = rig_map(r);

	if (r->disk[0].bytes == NULL)
		rig_swapon(r, 0, 4096, 0);
	rig_enter(map, 0, ALL, 0);
	for (unsigned i = 0; i < ALL; i++) {
		rig_poke(map, i, mark(i));
		if (i % 256 == 255)
			rig_page_out(r, map, i - 255, 256);
	}
	return map;
}

/* A space with marked pages, of which memory has the directory alone. */
static struct tome_map *
far_map(struct rig *r)
{
	struct tome_map *map = out_map(r);

	assert_int_equal(tome_pack_away(r->vm->paging), ALL / 32);
	rig_check(r);
	assert_int_equal(chunks(r), PACKS);
	return map;
}

static void
expect(struct tome_map *map, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		assert_int_equal(rig_peek(map, i), mark(i));
}

static struct tome_dirent
chunk_at(struct rig *r, struct tome_map *map, unsigned pg)
{
	struct tome_entry *en = tome_tree_find(&map->tree, AT + pg * PG);
	struct tome_dirent d;

	tome_epoch_enter(r->vm);
	d = tome_amap_find(en->amap, en->slot +
	    (((AT + pg * PG) - en->start) >> TOME_PAGE_SHIFT));
	tome_epoch_leave(r->vm);
	return d;
}

static void
it_comes_back(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);

	assert_int_equal(stats(r).packs_written, PACKS);
	assert_int_equal(used(r), ALL + PACKS);
	assert_int_equal(rig_peek(map, 40), mark(40));
	assert_int_equal(stats(r).packs_read, 1);
	rig_check(r);
	assert_int_equal(chunks(r), PACKS + 1);	/* one chunk of its pack */
	assert_int_equal(rig_peek(map, 1024), mark(1024));
	assert_int_equal(stats(r).packs_read, 2);
	expect(map, 0, ALL);
	/* Neighbours find on the desk what the first had read. */
	assert_int_equal(stats(r).packs_read, 2);
	assert_int_equal(used_after(r), ALL);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

/* Not before they take a part of memory. */
static void
a_few_stay(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = out_map(r);

	assert_int_equal(tome_pack_all(r->vm->paging), ALL / 32);
	(void)tome_pack_all(r->vm->paging);
	assert_int_equal(stats(r).packs_written, 0);
	r->vm->paging->near = 1u << 20;
	(void)tome_pack_all(r->vm->paging);
	assert_int_equal(stats(r).packs_written, PACKS);
	expect(map, 0, ALL);
	tome_map_unref(map);
	(void)used_after(r);
}

static void
writes_and_others(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);
	uint8_t b = 0;
	size_t done;

	rig_poke(map, 50, 0xee);
	assert_int_equal(rig_peek(map, 50), 0xee);
	assert_int_equal(tome_map_read(map, AT + 1100 * PG, &b, 1, false,
	    &done), TOME_OK);
	assert_int_equal(b, mark(1100));
	assert_int_equal(tome_map_advise(map, AT + 320 * PG, 4 * PG,
	    TOME_ADV_WILLNEED), TOME_OK);
	assert_true(rig_anon_frames(r) >= 6);
	expect(map, 320, 4);
	rig_check(r);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

/* What ends on disk is in use until its page was read. */
static void
exit_frees(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);

	expect(map, 0, 1);
	tome_map_unref(map);
	rig_check(r);
	assert_true(used(r) > ALL - 32);
	assert_int_equal(chunks(r), 0);
	assert_int_equal(used_after(r), 0);
	assert_int_equal(stats(r).slots_lost, 0);
}

static void
parts_go(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);

	/* Whole chunks: nothing is read. */
	assert_int_equal(tome_map_advise(map, AT + 64 * PG, 64 * PG,
	    TOME_ADV_DONTNEED), TOME_OK);
	assert_int_equal(stats(r).packs_read, 0);
	/* Parts of two are. */
	assert_int_equal(tome_map_advise(map, AT + 200 * PG, 50 * PG,
	    TOME_ADV_DONTNEED), TOME_OK);
	assert_int_equal(stats(r).packs_read, 1);
	rig_check(r);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(rig_peek(map, 64 + i), 0);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(rig_peek(map, 200 + i), 0);
	assert_int_equal(tome_map_remove(map, AT + 500 * PG, 600 * PG), TOME_OK);
	rig_check(r);
	rig_enter(map, 500, 600, 0);
	for (unsigned i = 500; i < 1100; i++)
		assert_int_equal(rig_peek(map, i), 0);
	rig_check(r);
	expect(map, 0, 64);
	expect(map, 128, 72);
	expect(map, 250, 250);
	expect(map, 1100, ALL - 1100);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

/* What ended of a pack that is named still goes with the next visit. */
static void
rests_go(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);

	assert_int_equal(tome_map_remove(map, AT + 512 * PG, 512 * PG),
	    TOME_OK);
	assert_int_equal(used_after(r), ALL + PACKS);
	/* Two entries name the amap, so it is visited twice. */
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(chunks(r), PACKS);
	assert_int_equal(used_after(r), ALL - 512 + PACKS);
	expect(map, 0, 512);
	expect(map, 1024, 512);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

static void
it_moves(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);
	tome_va_t at;

	assert_int_equal(tome_map_move(map, AT + 16 * PG, 600 * PG, 600 * PG,
	    TOME_MOVE_MAY | TOME_MOVE_FIXED, AT + 5000 * PG, &at), TOME_OK);
	rig_check(r);
	for (unsigned i = 0; i < 600; i++)
		assert_int_equal(rig_peek(map, 5000 + i), mark(16 + i));
	expect(map, 0, 16);
	expect(map, 616, ALL - 616);
	rig_check(r);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

/* Nothing is read to fork, nor to copy what nobody looks at. */
static void
fork_shares_it(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r), *child;

	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(child, 3, 0x55);
	rig_check(r);
	assert_int_equal(stats(r).packs_read, 1);
	expect(map, 0, 700);
	expect(child, 4, 1000);
	rig_check(r);
	assert_int_equal(rig_peek(child, 3), 0x55);
	tome_map_unref(map);
	rig_check(r);
	expect(child, 4, ALL - 4);
	rig_check(r);
	tome_map_unref(child);
	assert_int_equal(used_after(r), 0);
}

/* One side goes before anybody looked; both do. */
static void
shared_ones_end(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r), *child;

	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(child, 3, 0x55);
	assert_int_equal(tome_map_advise(child, AT + 100 * PG, 100 * PG,
	    TOME_ADV_DONTNEED), TOME_OK);
	assert_int_equal(tome_map_remove(child, AT + 300 * PG, 300 * PG),
	    TOME_OK);
	rig_check(r);
	assert_int_equal(rig_peek(child, 150), 0);
	assert_int_equal(rig_peek(child, 200), mark(200));
	expect(map, 100, 100);
	tome_map_unref(child);
	rig_check(r);
	expect(map, 300, 300);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(map, 3, 0x66);
	tome_map_unref(map);
	rig_check(r);
	tome_map_unref(child);
	assert_int_equal(used_after(r), 0);
}

static void
swapoff_brings_it_home(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);

	rig_swapon(r, 1, 4096, -1);
	assert_int_equal(tome_map_remove(map, AT + 512 * PG, 512 * PG),
	    TOME_OK);
	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_OK);
	memset(r->disk[0].bytes, 0xff, 4096 * PG);
	rig_check(r);
	expect(map, 0, 512);
	expect(map, 1024, 512);
	tome_map_unref(map);
	rig_check(r);
	assert_int_equal(rig_swap(r, 1).used, 0);
}

/* Pages are on one device, their numbers on the other. */
static void
swapoff_of_the_page(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = out_map(r);

	rig_swapon(r, 1, 64, 7);
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(rig_swap(r, 1).used, PACKS);
	assert_int_equal(used(r), ALL);
	assert_int_equal(tome_swap_remove(r->vm, r->disk[1].id), TOME_OK);
	rig_check(r);
	assert_int_equal(used(r), ALL);
	expect(map, 0, ALL);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

/* ---- what goes wrong ---- */

static void
read_fails_once(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);

	r->disk[0].fail_read = 1;
	assert_int_equal(rig_peek(map, 77), -(int)TOME_EIO);
	assert_int_equal(rig_swap(r, 0).read_errors, 1);
	rig_check(r);
	assert_int_equal(rig_peek(map, 77), mark(77));
	expect(map, 0, ALL);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

/* Whoever touches it is told, and nobody else; what it names is lost. */
static void
page_is_not_what_was_written(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);
	struct tome_dirent d = chunk_at(r, map, 0);
	uint64_t at;

	assert_true(tome_chunk_far(d.chunk));
	at = d.chunk->far.at & TOME_SLOT_MASK;
	r->disk[0].bytes[at * PG + 4] ^= 1;
	assert_int_equal(rig_peek(map, 0), -(int)TOME_EIO);
	assert_int_equal(rig_peek(map, 1000), -(int)TOME_EIO);
	assert_int_equal(tome_map_advise(map, AT + 8 * PG, 8 * PG,
	    TOME_ADV_DONTNEED), TOME_EIO);
	expect(map, 1024, ALL - 1024);
	rig_check(r);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 1024 + 1);
	assert_int_equal(stats(r).slots_lost, 1024);
	/* It may be a passing error. */
	r->disk[0].bytes[at * PG + 4] ^= 1;
	assert_int_equal(used_after(r), 0);
	assert_int_equal(stats(r).slots_lost, 0);
}

/* The instance ends all the same. */
static void
lost_for_good(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);

	memset(r->disk[0].bytes, 0xff, 4096 * PG);
	tome_map_unref(map);
	assert_int_equal(used_after(r), ALL + PACKS);
	assert_int_equal(stats(r).slots_lost, ALL);
}

static void
write_fails(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = out_map(r);

	r->disk[0].fail_write = 1;
	assert_int_equal(tome_pack_away(r->vm->paging), ALL / 32);
	assert_int_equal(stats(r).packs_written, PACKS - 1);
	rig_check(r);
	assert_int_equal(rig_swap(r, 0).retired, 2);	/* and the first */
	assert_int_equal(used(r), ALL + 1);
	expect(map, 0, ALL);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

/* One that does not end soon is left alone, and its slot is free in the end. */
static void
write_is_slow(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = out_map(r);

	r->disk[0].queued = true;
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(r->disk[0].nqueue, 1);
	assert_int_equal(used(r), ALL + 1);
	rig_check(r);
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(r->disk[0].nqueue, 1);
	r->disk[0].queued = false;
	disk_run(&r->disk[0], false);
	rig_check(r);
	assert_int_equal(used(r), ALL);
	expect(map, 0, 64);
	(void)tome_pack_away(r->vm->paging);
	expect(map, 0, ALL);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

/* An area that does not answer: whoever touches is told in time, the daemon is not held
 * up, and when it answers all is as it was. */
static void
read_is_never_answered(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r), *other;

	r->vm->paging->area[0]->device.patience = 1000000;
	r->disk[0].queued = true;
	assert_int_equal(rig_peek(map, 40), -(int)TOME_EIO);
	assert_int_equal(rig_peek(map, 41), -(int)TOME_EIO);
	assert_int_equal(r->disk[0].nqueue, 1);		/* one for both */
	rig_check(r);
	assert_int_equal(tome_map_fork(map, &other), TOME_OK);
	tome_map_unref(map);
	rig_check(r);
	(void)tome_pack_away(r->vm->paging);
	(void)tome_desk_bury(r->vm->paging, true);
	r->disk[0].queued = false;
	r->vm->paging->area[0]->device.patience = 0;
	disk_run(&r->disk[0], false);
	rig_check(r);
	assert_int_equal(rig_peek(other, 40), mark(40));
	expect(other, 0, ALL);
	tome_map_unref(other);
	assert_int_equal(used_after(r), 0);
}

/* ---- each transfer in turn ---- */

#define SOME 640u			/* 20 chunks: a pack */

/* Told once, at most: the same again is right. */
static void
look(struct tome_map *map, unsigned pg, uint8_t want, unsigned *told)
{
	int is = rig_peek(map, pg);

	if (is == -(int)TOME_EIO) {
		++*told;
		is = rig_peek(map, pg);
	}
	assert_int_equal(is, want);
}

static void
cut_again(struct tome_map *map, unsigned first, unsigned n, unsigned *told)
{
	enum tome_err err = tome_map_advise(map, AT + first * PG, n * PG,
	    TOME_ADV_DONTNEED);

	if (err == TOME_EIO) {
		++*told;
		err = tome_map_advise(map, AT + first * PG, n * PG,
		    TOME_ADV_DONTNEED);
	}
	assert_int_equal(err, TOME_OK);
}

/* Out, packed and away; shared, cut, and away again; then the first of two ends. */
static void
program(struct rig *r, unsigned *told)
{
	struct tome_map *map = rig_map(r), *child;

	rig_enter(map, 0, SOME, 0);
	for (unsigned i = 0; i < SOME; i++)
		rig_poke(map, i, mark(i));
	for (unsigned n = 0; n < 3 && rig_anon_frames(r) > 0; n++)
		rig_page_out(r, map, 0, SOME);
	(void)tome_pack_away(r->vm->paging);
	look(map, 5, mark(5), told);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	look(child, 300, mark(300), told);
	if (tome_fault(child, AT + 70 * PG, TOME_PROT_WRITE) != TOME_OK) {
		++*told;
		assert_int_equal(tome_fault(child, AT + 70 * PG,
		    TOME_PROT_WRITE), TOME_OK);
	}
	rig_poke(child, 70, 0x77);
	cut_again(child, 130, 50, told);
	rig_page_out(r, child, 0, SOME);
	(void)tome_pack_away(r->vm->paging);
	rig_check(r);
	tome_map_unref(map);
	(void)tome_pack_away(r->vm->paging);
	for (unsigned i = 0; i < SOME; i += 9)
		look(child, i, i == 70 ? 0x77 : i >= 130 && i < 180 ? 0 :
		    mark(i), told);
	rig_check(r);
	tome_map_unref(child);
	assert_int_equal(used_after(r), 0);
}

/* A read that fails is told to one, who may try again; a write to nobody. */
static void
each_transfer_fails(void **state)
{
	struct rig *r = *state;
	unsigned total[2] = { 0, 0 };
	bool hit = true;

	rig_swapon(r, 0, 4096, 0);
	for (unsigned what = 0; what < 2; what++, hit = true)
		for (unsigned n = 1; hit; n++) {
			_Atomic unsigned *fail = what == 0 ?
			    &r->disk[0].fail_read : &r->disk[0].fail_write;
			unsigned told = 0;

			*fail = n;
			program(r, &told);
			hit = *fail == 0;
			*fail = 0;
			assert_true(told <= (what == 0));
			total[what] += told;
		}
	assert_true(total[0] > 3);
	assert_int_equal(total[1], 0);
}

/* Nowhere to write to: all stays as it is. */
static void
no_slot_left(void **state)
{
	struct rig *r = *state;
	struct tome_map *map;

	rig_swapon(r, 0, ALL + 1, 0);
	map = out_map(r);
	assert_int_equal(tome_pack_away(r->vm->paging), ALL / 32);
	assert_int_equal(stats(r).packs_written, 0);
	rig_check(r);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

static bool
touch(struct tome_map *map)
{
	return tome_fault(map, AT + 70 * PG, TOME_PROT_READ) == TOME_OK;
}

static bool
share(struct tome_map *map)
{
	return tome_fault(map, AT + 300 * PG, TOME_PROT_WRITE) == TOME_OK;
}

static bool
cut(struct tome_map *map)
{
	return tome_map_advise(map, AT + 600 * PG, 100 * PG,
	    TOME_ADV_DONTNEED) == TOME_OK;
}

/* Each piece of memory that is missing in turn: nothing is lost. */
static void
no_memory(void **state)
{
	bool (*const act[])(struct tome_map *) = { touch, share, cut };
	struct rig *r = *state;
	struct tome_map *map = far_map(r), *child = NULL;
	unsigned refusals = 0;

	for (unsigned i = 0; i < 3; i++) {
		bool done = false;

		if (act[i] == share)
			assert_int_equal(tome_map_fork(map, &child), TOME_OK);
		for (uint64_t n = 1; !done && n < 300; n++) {
			hosted_fail_alloc(r->machine, NULL, n, false);
			done = act[i](map);
			hosted_fail_alloc(r->machine, NULL, 0, false);
			refusals += !done;
			rig_check(r);
		}
		assert_true(done);
	}
	assert_true(refusals > 0);
	expect(child, 0, ALL);
	tome_map_unref(child);
	expect(map, 0, 600);
	for (unsigned i = 600; i < 700; i++)
		assert_int_equal(rig_peek(map, i), 0);
	expect(map, 700, ALL - 700);
	rig_check(r);
	tome_map_unref(map);
	assert_int_equal(used_after(r), 0);
}

/* It sees what a pack holds too many or too few, and a name that is not counted. */
static void
the_recount_sees(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = far_map(r);
	struct tome_chunk *pack = chunk_at(r, map, 0).chunk;

	pack->far.slots++;
	assert_non_null(tome_vm_check(r->vm));
	pack->far.slots--;
	assert_null(tome_vm_check(r->vm));
	pack->count++;
	assert_non_null(tome_vm_check(r->vm));
	pack->count--;
	assert_null(tome_vm_check(r->vm));
	pack->far.at++;
	assert_non_null(tome_vm_check(r->vm));
	pack->far.at--;
	assert_null(tome_vm_check(r->vm));
	tome_map_unref(map);
	(void)used_after(r);
}

static void
ledgers_pay(void **state)
{
	struct rig *r = *state;
	struct tome_ledger_state s;
	struct tome_ledger *l;
	struct tome_map *map = rig_map(r);

	assert_int_equal(tome_ledger_create(r->vm, NULL, &l), TOME_OK);
	tome_map_set_ledger(map, l);
	rig_swapon(r, 0, 4096, 0);
	rig_enter(map, 0, 1024, 0);
	for (unsigned i = 0; i < 1024; i++) {
		assert_int_equal(tome_fault(map, AT + i * PG, TOME_PROT_WRITE),
		    TOME_OK);
		rig_poke(map, i, mark(i));
		if (i % 256 == 255)
			rig_page_out(r, map, i - 255, 256);
	}
	(void)tome_pack_away(r->vm->paging);
	assert_int_equal(chunks(r), 1);
	rig_check(r);
	tome_ledger_state(l, &s);
	assert_int_equal(s.swapped, 1024);
	expect(map, 10, 1);
	rig_check(r);
	tome_map_unref(map);
	tome_vm_quiesce(r->vm, true);
	tome_ledger_state(l, &s);
	assert_int_equal(s.swapped, 0);
	assert_int_equal(tome_ledger_destroy(l), TOME_OK);
	assert_int_equal(used_after(r), 0);
}

/* ---- threads ---- */

#define CROWD 1024u

static struct crowd {
	struct rig *r;
	struct tome_map *map;
	_Atomic unsigned wrong;
} crowd;

/* The first that was wrong: what was asked for, of which page, and the answer. */
static void
crowd_expect(const char *what, unsigned pg, enum tome_err err, bool good)
{
	if (err == TOME_OK && good)
		return;
	if (crowd.wrong++ == 0)
		print_message("%s of page %u: error %d, %s\n", what, pg, err,
		    good ? "as it was" : "not as it was");
}

static void
forks(unsigned pg, unsigned who, uint8_t want)
{
	struct tome_map *child;
	uint8_t b = 0, mine = 0xa5;
	enum tome_err err;
	size_t done;

	err = tome_map_fork(crowd.map, &child);
	crowd_expect("fork", pg, err, true);
	if (err != TOME_OK)
		return;
	crowd_expect("child's write", pg ^ 1, tome_map_write(child,
	    AT + (pg ^ 1) * PG + 64, &mine, 1, false, &done), true);
	err = tome_map_read(child, AT + pg * PG + who, &b, 1, false, &done);
	crowd_expect("child's read", pg, err, b == want);
	crowd_expect("child's discard", pg, tome_map_advise(child,
	    AT + (pg & ~127u) * PG + 8 * PG, 80 * PG, TOME_ADV_DONTNEED), true);
	tome_map_unref(child);
}

/* Packs are written and read while pages come, go, are shared and cut. */
static void
churn(void *arg)
{
	unsigned who = (unsigned)(uintptr_t)arg;
	uint64_t seed = 88172645463325252u * (who + 3);
	static uint8_t said[RIG_CPUS][CROWD];
	uint8_t *mine = said[who], b;
	enum tome_err err;
	size_t done;

	memset(mine, 0, CROWD);
	for (unsigned n = 0; n < 2000; n++) {
		unsigned pg, what;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		pg = (unsigned)(seed >> 20) % CROWD;
		what = (unsigned)(seed >> 60);
		hosted_poll();
		if (n % 128 == who)
			forks(pg, who, mine[pg]);
		if (what < 3) {
			b = (uint8_t)(seed >> 8);
			err = tome_map_write(crowd.map, AT + pg * PG + who, &b,
			    1, false, &done);
			crowd_expect("write", pg, err, true);
			if (err == TOME_OK)
				mine[pg] = b;
		} else if (what < 6) {
			err = tome_map_read(crowd.map, AT + pg * PG + who, &b,
			    1, false, &done);
			crowd_expect("read", pg, err, b == mine[pg]);
		} else if (what < 12) {
			(void)tome_map_page_out(crowd.map,
			    AT + (pg & ~255u) * PG, 256 * PG);
		} else if (what < 14) {
			(void)tome_pack_away(crowd.r->vm->paging);
		} else if (what < 15) {
			(void)tome_desk_bury(crowd.r->vm->paging, n % 2);
		} else {
			crowd_expect("discard", pg, tome_map_advise(crowd.map,
			    AT + (CROWD + 3 * pg) * PG, 40 * PG,
			    TOME_ADV_DONTNEED), true);
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
	rig_swapon(r, 0, 16384, 0);
	rig_enter(crowd.map, 0, 5 * CROWD, 0);
	for (unsigned i = 0; i < 4 * CROWD; i++) {
		rig_poke(crowd.map, i, 0);
		if (i % 256 == 255)
			rig_page_out(r, crowd.map, i - 255, 256);
	}
	(void)tome_pack_away(r->vm->paging);
	assert_true(stats(r).packs_written > 0);
	for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++)
		hosted_start(r->machine, cpu, churn, (void *)(uintptr_t)cpu);
	churn(NULL);
	hosted_join(r->machine);
	assert_int_equal(crowd.wrong, 0);
	assert_true(stats(r).packs_read > 2);
	rig_check(r);
	tome_map_unref(crowd.map);
	assert_int_equal(used_after(r), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(it_comes_back),
		RIG_TEST(a_few_stay),
		RIG_TEST(writes_and_others),
		RIG_TEST(exit_frees),
		RIG_TEST(parts_go),
		RIG_TEST(rests_go),
		RIG_TEST(it_moves),
		RIG_TEST(fork_shares_it),
		RIG_TEST(shared_ones_end),
		RIG_TEST(swapoff_brings_it_home),
		RIG_TEST(swapoff_of_the_page),
		RIG_TEST(read_fails_once),
		RIG_TEST(page_is_not_what_was_written),
		RIG_TEST(lost_for_good),
		RIG_TEST(write_fails),
		RIG_TEST(write_is_slow),
		RIG_TEST(read_is_never_answered),
		RIG_TEST(each_transfer_fails),
		RIG_TEST(no_slot_left),
		RIG_TEST(no_memory),
		RIG_TEST(the_recount_sees),
		RIG_TEST(ledgers_pay),
		RIG_TEST(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
