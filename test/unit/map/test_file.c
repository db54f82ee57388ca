/*
 * test_file.c - files in memory: shared and private mappings, fault-around,
 * write-notify, truncation, errors, and threads that collide.
 */
#include "rig.h"
#include <object/vnode.h>
#include "../fakefile.h"

static enum tome_err
map_at(struct tome_map *map, struct fakefile *f, unsigned first,
    unsigned pages, tome_prot_t prot, unsigned flags, uint64_t limit)
{
	struct tome_map_request rq = { .addr = AT, .len = pages * PG,
		.prot = prot, .flags = TOME_MAP_FIXED | flags,
		.object = f->object, .offset = (uint64_t)first * PG,
		.limit = limit };
	tome_va_t va;

	return tome_map_enter(map, &rq, &va);
}

static bool
mapped(struct tome_map *map, tome_va_t va, tome_prot_t *prot)
{
	struct tome_translation t;

	if (!tome_pmap_extract(tome_map_pmap(map), va, &t))
		return false;
	*prot = t.prot;
	return true;
}

static void
a_shared_write_is_noticed(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct fakefile f;
	tome_prot_t prot;

	fakefile_open(&f, r->vm, 32 * PG);
	assert_int_equal(map_at(map, &f, 0, 32, RW, TOME_MAP_SHARED, 0),
	    TOME_OK);
	assert_int_equal(tome_fault(map, AT, TOME_PROT_READ), TOME_OK);
	assert_true(mapped(map, AT, &prot));
	assert_int_equal(prot, RO);		/* clean: not writable */
	assert_int_equal(fakefile_pages(&f).dirty, 0);
	assert_int_equal(tome_fault(map, AT, TOME_PROT_WRITE), TOME_OK);
	assert_true(mapped(map, AT, &prot));
	assert_int_equal(prot, RW);
	assert_int_equal(f.notified, 1);
	assert_int_equal(fakefile_pages(&f).dirty, 1);
	rig_poke(map, AT + 3, 0xbb);
	assert_int_equal(f.store[3], 1);
	assert_int_equal(tome_object_sync(f.object, 0, 0, true), TOME_OK);
	assert_int_equal(f.store[3], 0xbb);
	assert_true(mapped(map, AT, &prot));
	assert_int_equal(prot, RO);		/* clean again */
	rig_poke(map, AT + 4, 0xbc);
	assert_int_equal(f.notified, 2);
	assert_int_equal(fakefile_pages(&f).dirty, 1);
	rig_check(r);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
	assert_int_equal(f.len, 32 * PG);
}

/* To wire is no write, and takes no right away that a CPU may know of. */
static void
a_written_page_is_wired(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct fakefile f;
	tome_prot_t prot;

	fakefile_open(&f, r->vm, 4 * PG);
	assert_int_equal(map_at(map, &f, 0, 4, RW, TOME_MAP_SHARED, 0),
	    TOME_OK);
	assert_int_equal(tome_fault(map, AT + PG, TOME_PROT_WRITE), TOME_OK);
	assert_int_equal(tome_map_wire(map, AT, 4 * PG, false), TOME_OK);
	assert_true(mapped(map, AT + PG, &prot));
	assert_int_equal(prot, RW);
	assert_true(mapped(map, AT, &prot));
	assert_int_equal(prot, RO);		/* nobody wrote there */
	rig_poke(map, AT + PG + 1, 0xcd);
	assert_int_equal(f.notified, 1);
	rig_check(r);
	assert_int_equal(tome_map_unwire(map, AT, 4 * PG), TOME_OK);
	assert_int_equal(tome_object_sync(f.object, 0, 0, true), TOME_OK);
	assert_int_equal(f.store[PG + 1], 0xcd);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

static void
a_read_maps_what_is_around(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_stats before, after;
	struct fakefile f;
	tome_prot_t prot;

	fakefile_open(&f, r->vm, 64 * PG);
	tome_object_willneed(f.object, 0, 64);
	tome_io_run(r->vm);
	assert_int_equal(f.pages_read, 64);
	assert_int_equal(map_at(map, &f, 0, 64, RO, TOME_MAP_SHARED, 0),
	    TOME_OK);
	tome_vm_stats(r->vm, &before);
	for (unsigned i = 0; i < 64; i++)
		if (!mapped(map, AT + i * PG, &prot))
			assert_int_equal(tome_fault(map, AT + i * PG,
			    TOME_PROT_READ), TOME_OK);
	tome_vm_stats(r->vm, &after);
	assert_int_equal(after.faults - before.faults, 4);
	rig_check(r);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

static void
a_private_write_leaves_the_file(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct fakefile f;

	fakefile_open(&f, r->vm, 8 * PG);
	assert_int_equal(map_at(map, &f, 0, 8, RW, 0, 0), TOME_OK);
	assert_int_equal(rig_peek(map, AT + PG), 2);
	rig_poke(map, AT + PG, 0x44);
	assert_int_equal(fakefile_pages(&f).dirty, 0);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	rig_poke(child, AT + PG, 0x45);
	rig_poke(child, AT + 2 * PG, 0x46);
	assert_int_equal(rig_peek(map, AT + PG), 0x44);
	assert_int_equal(rig_peek(map, AT + 2 * PG), 3);
	assert_int_equal(rig_peek(child, AT + PG), 0x45);
	assert_int_equal(rig_peek(child, AT + 3 * PG), 4);
	assert_int_equal(f.notified, 0);
	rig_check(r);
	tome_map_unref(child);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
	assert_int_equal(f.writes, 0);
}

/* A private reader sees what is written to the file until he has his own copy. */
static void
a_private_page_tracks_the_file(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct fakefile f;
	uint8_t b = 0x61;
	size_t done;

	fakefile_open(&f, r->vm, 8 * PG);
	assert_int_equal(map_at(map, &f, 0, 8, RW, 0, 0), TOME_OK);
	assert_int_equal(rig_peek(map, AT), 1);
	assert_int_equal(tome_object_write(f.object, 0, &b, 1, &done),
	    TOME_OK);
	assert_int_equal(rig_peek(map, AT), 0x61);
	rig_poke(map, AT + 1, 9);
	b = 0x62;
	assert_int_equal(tome_object_write(f.object, 0, &b, 1, &done),
	    TOME_OK);
	assert_int_equal(rig_peek(map, AT), 0x61);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

static void
the_limit_reads_as_zero(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct fakefile f;

	fakefile_open(&f, r->vm, 8 * PG);
	assert_int_equal(map_at(map, &f, 2, 4, RW, 0, PG + 100), TOME_OK);
	assert_int_equal(rig_peek(map, AT + PG + 99), 4);
	assert_int_equal(rig_peek(map, AT + PG + 100), 0);
	assert_int_equal(rig_peek(map, AT + 3 * PG), 0);
	rig_check(r);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

static void
truncation_revokes(void **state)
{
	struct rig *r = *state;
	struct tome_map *shared = rig_map(r), *own = rig_map(r);
	struct fakefile f;
	tome_prot_t prot;

	fakefile_open(&f, r->vm, 8 * PG);
	assert_int_equal(map_at(shared, &f, 0, 8, RW, TOME_MAP_SHARED, 0),
	    TOME_OK);
	assert_int_equal(map_at(own, &f, 0, 8, RW, 0, 0), TOME_OK);
	rig_poke(shared, AT + 5 * PG, 1);
	rig_poke(own, AT + 6 * PG, 1);
	assert_int_equal(tome_object_resize(f.object, 4 * PG), TOME_OK);
	assert_int_equal(tome_fault(shared, AT + 5 * PG, TOME_PROT_READ),
	    TOME_ENXIO);
	assert_int_equal(tome_fault(own, AT + 6 * PG, TOME_PROT_READ),
	    TOME_ENXIO);
	assert_false(mapped(own, AT + 6 * PG, &prot));
	assert_int_equal(rig_peek(shared, AT + 3 * PG), 4);
	rig_check(r);
	tome_map_unref(shared);
	tome_map_unref(own);
	fakefile_close(&f, r->vm);
}

static void
a_lost_page_is_its_owners_fault(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct fakefile f;

	fakefile_open(&f, r->vm, 8 * PG);
	f.object->vnode->pager.max_pages = 1;
	assert_int_equal(map_at(map, &f, 0, 8, RW, TOME_MAP_SHARED, 0),
	    TOME_OK);
	f.fail_read = 1;
	assert_int_equal(tome_fault(map, AT, TOME_PROT_READ), TOME_EIO);
	assert_int_equal(tome_fault(map, AT, TOME_PROT_READ), TOME_OK);
	f.notify = TOME_ENOSPC;
	assert_int_equal(tome_fault(map, AT, TOME_PROT_WRITE), TOME_ENOSPC);
	f.notify = TOME_OK;
	assert_int_equal(tome_fault(map, AT, TOME_PROT_WRITE), TOME_OK);
	rig_check(r);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

/* A store that never answers is an error for who touches the page, each time, and for
 * nobody else; when it answers after all, the page is there. */
static void
silence_ends(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct fakefile f;

	fakefile_open(&f, r->vm, 8 * PG);
	f.object->vnode->pager.patience = 2000000;
	f.queued = true;
	assert_int_equal(map_at(map, &f, 0, 8, RW, TOME_MAP_SHARED, 0),
	    TOME_OK);
	f.object->vnode->pager.max_pages = 1;
	assert_int_equal(tome_fault(map, AT, TOME_PROT_READ), TOME_EIO);
	assert_int_equal(f.cancelled, 1);
	assert_int_equal(tome_fault(map, AT, TOME_PROT_READ), TOME_EIO);
	assert_int_equal(f.reads, 1);
	f.queued = false;
	assert_int_equal(rig_peek(map, AT + PG), 2);
	assert_int_equal(fakefile_run(&f, false), 1);
	tome_io_run(r->vm);
	assert_int_equal(rig_peek(map, AT), 1);
	rig_check(r);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

static void
msync_writes_shared_mappings(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct fakefile f;

	fakefile_open(&f, r->vm, 8 * PG);
	assert_int_equal(map_at(map, &f, 0, 8, RW, TOME_MAP_SHARED, 0),
	    TOME_OK);
	rig_poke(map, AT + PG, 0x71);
	rig_poke(map, AT + 5 * PG, 0x72);
	assert_int_equal(tome_map_sync(map, AT, 4 * PG), TOME_OK);
	assert_int_equal(f.store[PG], 0x71);
	assert_int_equal(f.store[5 * PG], 6);
	f.fail_write = 1;
	assert_int_equal(tome_map_sync(map, AT + 4 * PG, 64 * PG), TOME_EIO);
	rig_poke(map, AT + 5 * PG, 0x73);
	assert_int_equal(tome_map_sync(map, 0, AT + 64 * PG), TOME_OK);
	assert_int_equal(f.store[5 * PG], 0x73);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
}

/* ---- who hears of a write that failed ---- */

/* A shared mapping for one who has the file open; NULL: for nobody. */
static void
map_for(struct tome_map *map, tome_va_t va, struct fakefile *f,
    struct tome_opener *o)
{
	struct tome_map_request rq = { .addr = va, .len = 4 * PG, .prot = RW,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED,
		.object = f->object, .name = "file", .opener = o };

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
}

/* A page is written in the background, and is not. */
static void
fail_behind(struct fakefile *f, struct tome_map *map, struct rig *r)
{
	rig_poke(map, AT, 0x55);
	f->fail_write = 1;
	assert_int_equal(tome_writeback(r->vm, 8, TOME_FOREVER), 1);
	tome_io_run(r->vm);
	assert_int_equal(f->fail_write, 0);
}

static void
each_opener_is_told_once(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct tome_opener *a, *b;
	struct fakefile f;

	fakefile_open(&f, r->vm, 8 * PG);
	assert_int_equal(tome_opener_create(f.object, &a), TOME_OK);
	assert_int_equal(tome_opener_create(f.object, &b), TOME_OK);
	map_for(map, AT, &f, a);
	map_for(map, AT + 8 * PG, &f, b);
	/* His mapping tells him, his descriptor not again; and the reverse. */
	fail_behind(&f, map, r);
	assert_int_equal(tome_map_sync(map, AT, 4 * PG), TOME_EIO);
	assert_int_equal(tome_map_sync(map, AT, 4 * PG), TOME_OK);
	assert_int_equal(tome_opener_sync(a, f.object, 0, 0), TOME_OK);
	assert_int_equal(tome_opener_sync(b, f.object, 0, 0), TOME_EIO);
	assert_int_equal(tome_map_sync(map, AT + 8 * PG, 4 * PG), TOME_OK);
	/* What fails while he waits is no other. */
	rig_poke(map, AT, 0x56);
	f.fail_write = 1;
	assert_int_equal(tome_map_sync(map, AT, 4 * PG), TOME_EIO);
	assert_int_equal(tome_opener_error(a, f.object), TOME_OK);
	assert_int_equal(tome_opener_error(b, f.object), TOME_EIO);
	/* Nor is a child's, or that of what was cut; a closed one is told. */
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	assert_int_equal(tome_map_remove(child, AT + PG, PG), TOME_OK);
	tome_opener_unref(a);
	fail_behind(&f, map, r);
	assert_int_equal(tome_map_sync(child, AT + 2 * PG, PG), TOME_EIO);
	assert_int_equal(tome_map_sync(child, AT, PG), TOME_OK);
	assert_int_equal(tome_map_sync(map, AT, 4 * PG), TOME_OK);
	rig_check(r);
	tome_map_unref(child);
	tome_map_unref(map);
	tome_opener_unref(b);
	fakefile_close(&f, r->vm);
}

/* Neighbours of one opener are one mapping, those of two are two. */
static void
openers_keep_mappings_apart(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_opener *o[2];
	struct fakefile f;

	fakefile_open(&f, r->vm, 8 * PG);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(tome_opener_create(f.object, &o[i]), TOME_OK);
	for (unsigned i = 0; i < 3; i++) {
		struct tome_map_request rq = { .addr = AT + i * PG, .len = PG,
			.prot = RW, .flags = TOME_MAP_FIXED | TOME_MAP_SHARED,
			.object = f.object, .offset = i * PG, .name = "file",
			.opener = o[i / 2] };
		tome_va_t va;

		assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	}
	assert_int_equal(map->nentries, 2);
	rig_check(r);
	tome_map_unref(map);
	for (unsigned i = 0; i < 2; i++)
		tome_opener_unref(o[i]);
	fakefile_close(&f, r->vm);
}

/* ---- threads ---- */

static struct crowd {
	struct rig *r;
	struct tome_map *map;
	struct fakefile f;
	_Atomic unsigned ready, failed;
} crowd;

static void
touch_all(void *arg)
{
	(void)arg;
	crowd.ready++;
	while (crowd.ready < RIG_CPUS)
		hosted_poll();
	for (unsigned i = 0; i < 64; i++)
		if (tome_fault(crowd.map, AT + i * PG, TOME_PROT_READ) !=
		    TOME_OK)
			crowd.failed++;
}

static void
collided_reads_share_a_transfer(void **state)
{
	struct rig *r = *state;

	memset(&crowd, 0, sizeof crowd);
	crowd.map = rig_map(r);
	fakefile_open(&crowd.f, r->vm, 64 * PG);
	assert_int_equal(map_at(crowd.map, &crowd.f, 0, 64, RO,
	    TOME_MAP_SHARED, 0), TOME_OK);
	for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++)
		hosted_start(r->machine, cpu, touch_all, NULL);
	touch_all(NULL);
	hosted_join(r->machine);
	assert_int_equal(crowd.failed, 0);
	assert_int_equal(crowd.f.pages_read, 64);
	rig_check(r);
	tome_map_unref(crowd.map);
	fakefile_close(&crowd.f, r->vm);
}

/* Writers through a mapping, a syncer, a truncater and an evicter at once: what was
 * synced last is what the store has. */

static void
churn(void *arg)
{
	unsigned who = (unsigned)(uintptr_t)arg;
	uint64_t seed = 88172645463325252u * (who + 1);
	struct tome_pagespot s;
	uint8_t b = (uint8_t)(who + 1);
	size_t done;

	for (unsigned n = 0; n < 3000; n++) {
		unsigned pg;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		pg = (unsigned)(seed >> 20) % 32;
		hosted_poll();
		if (who == 1) {
			(void)!tome_object_sync(crowd.f.object, pg, 4,
			    (n & 7) == 0);
		} else if (who == 2) {
			tome_epoch_enter(crowd.r->vm);
			s = tome_pagetree_find(&crowd.f.object->vnode->tree,
			    pg);
			tome_epoch_leave(crowd.r->vm);
			if (s.pfn != TOME_PFN_NONE)
				(void)tome_cache_evict(crowd.r->vm,
				    tome_page(crowd.r->vm, s.pfn), TOME_EVICT_ANY);
		} else if (who == 3 && (n & 63) == 0) {
			(void)!tome_object_resize(crowd.f.object,
			    (16 + pg % 17) * PG);
			(void)!tome_object_resize(crowd.f.object, 32 * PG);
		} else {
			(void)!tome_map_write(crowd.map, AT + pg * PG + who,
			    &b, 1, false, &done);
			(void)!tome_fault(crowd.map, AT + pg * PG,
			    n & 1 ? TOME_PROT_READ : TOME_PROT_WRITE);
		}
	}
}

static void
everything_at_once(void **state)
{
	struct rig *r = *state;

	memset(&crowd, 0, sizeof crowd);
	crowd.r = r;
	crowd.map = rig_map(r);
	fakefile_open(&crowd.f, r->vm, 32 * PG);
	assert_int_equal(map_at(crowd.map, &crowd.f, 0, 32, RW,
	    TOME_MAP_SHARED, 0), TOME_OK);
	for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++)
		hosted_start(r->machine, cpu, churn, (void *)(uintptr_t)cpu);
	churn(NULL);
	hosted_join(r->machine);
	rig_check(r);
	assert_int_equal(tome_object_sync(crowd.f.object, 0, 0, true),
	    TOME_OK);
	assert_int_equal(fakefile_pages(&crowd.f).dirty, 0);
	for (unsigned i = 0; i < 32; i++) {
		uint8_t page[TOME_PAGE_SIZE];
		size_t done;

		assert_int_equal(tome_object_read(crowd.f.object, i * PG,
		    page, PG, &done), TOME_OK);
		if (i * PG < crowd.f.len)
			assert_memory_equal(page, crowd.f.store + i * PG, PG);
	}
	tome_map_unref(crowd.map);
	fakefile_close(&crowd.f, r->vm);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_shared_write_is_noticed),
		RIG_TEST(a_written_page_is_wired),
		RIG_TEST(a_read_maps_what_is_around),
		RIG_TEST(a_private_write_leaves_the_file),
		RIG_TEST(a_private_page_tracks_the_file),
		RIG_TEST(the_limit_reads_as_zero),
		RIG_TEST(truncation_revokes),
		RIG_TEST(a_lost_page_is_its_owners_fault),
		RIG_TEST(silence_ends),
		RIG_TEST(msync_writes_shared_mappings),
		RIG_TEST(each_opener_is_told_once),
		RIG_TEST(openers_keep_mappings_apart),
		RIG_TEST(collided_reads_share_a_transfer),
		RIG_TEST(everything_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
