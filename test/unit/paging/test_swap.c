/*
 * test_swap.c - anonymous pages leave for swap and come back: contents, counts,
 * sharing, errors, and what happens meanwhile.
 */
#include <unistd.h>

#include "rig.h"

static void
pages_leave_and_come_back(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_swap_stats s;

	rig_swapon(r, 0, 256, 0);
	rig_enter(map, 0, 64, 0);
	for (unsigned i = 0; i < 64; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	rig_page_out(r, map, 0, 64);
	assert_int_equal(rig_anon_frames(r), 0);
	s = rig_swap(r, 0);
	assert_int_equal(s.used, 64);
	assert_int_equal(s.written, 64);
	assert_int_equal(r->disk[0].writes, 8);		/* in runs */
	rig_check(r);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	assert_int_equal(rig_swap(r, 0).read, 64);
	assert_true(r->disk[0].reads <= 16);		/* with neighbours */
	rig_check(r);
	tome_map_unref(map);
	assert_int_equal(rig_swap(r, 0).used, 0);
	assert_int_equal(rig_swap(r, 0).dropped, 64);
}

/* One page, by its frame: if it is pageable, and no two spaces map it. */
static void
one_page_leaves(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct tome_translation t;
	tome_pfn_t pfn, kernel;

	rig_enter(map, 0, 2, 0);
	rig_poke(map, 0, 7);
	assert_true(tome_pmap_extract(map->pmap, AT, &t));
	pfn = tome_pa_pfn(t.pa);
	assert_false(tome_page_out(r->vm, pfn));	/* where to? */
	rig_swapon(r, 0, 16, 0);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	assert_int_equal(rig_peek(child, 0), 7);
	assert_int_equal(rig_peek(map, 0), 7);
	assert_false(tome_page_out(r->vm, pfn));
	tome_map_unref(child);
	assert_true(tome_page_out(r->vm, pfn));
	tome_io_run(r->vm);
	assert_int_equal(rig_anon_frames(r), 0);
	assert_int_equal(rig_swap(r, 0).written, 1);
	rig_check(r);
	assert_int_equal(rig_peek(map, 0), 7);
	assert_int_equal(tome_frame_alloc(r->vm, TOME_PAGE_KERNEL, 0, &kernel),
	    TOME_OK);
	assert_false(tome_page_out(r->vm, kernel));
	assert_int_equal(tome_frame_identity(r->vm, kernel), TOME_PAGE_KERNEL);
	tome_frame_free(r->vm, kernel);
	tome_map_unref(map);
}

/* A page that was only read since leaves again without being written. */
static void
a_clean_page_is_not_written_again(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	unsigned writes;

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 4, 0);
	for (unsigned i = 0; i < 4; i++)
		rig_poke(map, i, (uint8_t)(0x40 + i));
	rig_page_out(r, map, 0, 4);
	writes = r->disk[0].writes;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rig_peek(map, i), 0x40 + i);
	rig_page_out(r, map, 0, 4);
	assert_int_equal(r->disk[0].writes, writes);
	assert_int_equal(rig_anon_frames(r), 0);
	assert_int_equal(rig_peek(map, 2), 0x42);
	rig_poke(map, 2, 0x99);				/* this one is */
	rig_page_out(r, map, 0, 4);
	assert_int_equal(r->disk[0].writes, writes + 1);
	assert_int_equal(rig_swap(r, 0).superseded, 1);
	assert_int_equal(rig_peek(map, 2), 0x99);
	tome_map_unref(map);
}

static void
sharing_survives(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 2, 0);
	rig_enter(map, 2, 2, TOME_MAP_SHARED);
	rig_poke(map, 0, 1);
	rig_poke(map, 2, 3);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	assert_int_equal(rig_peek(child, 2), 3);
	assert_int_equal(rig_peek(map, 2), 3);
	rig_page_out(r, map, 0, 4);
	assert_int_equal(rig_anon_frames(r), 1);	/* both map it */
	for (unsigned i = 0; i < 3; i++)
		(void)tome_reclaim(r->vm, 16);
	assert_int_equal(rig_anon_frames(r), 0);
	rig_poke(child, 0, 0x11);
	rig_poke(child, 2, 0x33);
	assert_int_equal(rig_peek(map, 0), 1);
	assert_int_equal(rig_peek(map, 2), 0x33);
	assert_int_equal(rig_peek(child, 0), 0x11);
	rig_check(r);
	tome_map_unref(child);
	tome_map_unref(map);
}

/* What is touched while it is written stays, and what it has since is not lost. */
static void
a_touched_page_stays(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_pageout po;
	struct tome_translation t;

	rig_swapon(r, 0, 64, 0);
	r->disk[0].queued = true;
	rig_enter(map, 0, 3, 0);
	for (unsigned i = 0; i < 3; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	tome_pageout_begin(&po, r->vm->paging);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(tome_fault(map, AT + i * PG,
		    TOME_PROT_WRITE), TOME_OK);
		assert_true(tome_pmap_extract(tome_map_pmap(map), AT + i * PG,
		    &t));
		assert_int_equal(tome_pageout_anon(&po, tome_page(r->vm,
		    tome_pa_pfn(t.pa)), TOME_EVICT_ANY), TOME_EVICT_STARTED);
	}
	tome_pageout_end(&po);
	rig_poke(map, 0, 0x77);				/* modified */
	assert_int_equal(rig_peek(map, 1), 2);		/* mapped */
	assert_int_equal(disk_run(&r->disk[0], false), 1);
	tome_io_run(r->vm);
	assert_int_equal(rig_anon_frames(r), 2);
	assert_int_equal(rig_swap(r, 0).used, 1);
	assert_int_equal(rig_swap(r, 0).superseded, 2);
	r->disk[0].queued = false;
	assert_int_equal(rig_peek(map, 0), 0x77);
	assert_int_equal(rig_peek(map, 1), 2);
	assert_int_equal(rig_peek(map, 2), 3);
	rig_check(r);
	tome_map_unref(map);
}

/* Its last owner goes while it is written, or read. */
static void
the_owner_goes_meanwhile(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_pageout po;
	struct tome_translation t;

	rig_swapon(r, 0, 64, 0);
	r->disk[0].queued = true;
	rig_enter(map, 0, 1, 0);
	rig_poke(map, 0, 1);
	assert_int_equal(tome_fault(map, AT, TOME_PROT_WRITE), TOME_OK);
	assert_true(tome_pmap_extract(tome_map_pmap(map), AT, &t));
	tome_pageout_begin(&po, r->vm->paging);
	assert_int_equal(tome_pageout_anon(&po,
	    tome_page(r->vm, tome_pa_pfn(t.pa)), TOME_EVICT_ANY), TOME_EVICT_STARTED);
	tome_pageout_end(&po);
	assert_int_equal(tome_map_remove(map, AT, PG), TOME_OK);
	tome_vm_quiesce(r->vm, true);
	assert_int_equal(rig_swap(r, 0).used, 1);	/* the transfer's */
	assert_int_equal(disk_run(&r->disk[0], false), 1);
	tome_io_run(r->vm);
	assert_int_equal(rig_swap(r, 0).used, 0);
	assert_int_equal(rig_anon_frames(r), 0);
	rig_check(r);
	tome_map_unref(map);
}

static void
a_failed_write_keeps_the_page(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_swap_stats s;

	rig_swapon(r, 0, 10, 0);
	rig_enter(map, 0, 8, 0);
	for (unsigned i = 0; i < 8; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	r->disk[0].bad = 3;
	rig_page_out(r, map, 0, 8);	/* the run fails */
	assert_int_equal(rig_anon_frames(r), 8);
	assert_int_equal(rig_swap(r, 0).unwritten, 8);
	for (unsigned i = 0; i < 4; i++)	/* one by one: a slot is found out */
		(void)tome_reclaim(r->vm, 8);
	tome_vm_quiesce(r->vm, true);
	s = rig_swap(r, 0);
	assert_int_equal(s.retired, 1 + 1);
	assert_int_equal(s.used, 8);
	assert_int_equal(rig_anon_frames(r), 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	rig_check(r);
	tome_map_unref(map);
}

static void
a_failed_read_is_the_touchers(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 4, 0);
	rig_poke(map, 0, 1);
	rig_poke(map, 2, 3);
	rig_page_out(r, map, 0, 4);
	r->disk[0].fail_read = 1;
	assert_int_equal(rig_peek(map, 0), -TOME_EIO);
	assert_int_equal(rig_swap(r, 0).read_errors, 1);
	assert_int_equal(rig_peek(map, 2), 3);
	assert_int_equal(rig_peek(map, 0), 1);
	rig_check(r);
	tome_map_unref(map);
}

/* Several were to come together: those that can be read are. */
static void
a_failed_neighbour_harms_nobody(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 4, 0);
	for (unsigned i = 0; i < 4; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	rig_page_out(r, map, 0, 4);
	assert_int_equal(rig_peek(map, 0), 1);
	r->disk[0].fail_read = 1;
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	assert_int_equal(r->disk[0].fail_read, 0);
	assert_int_equal(r->disk[0].reads, 5);		/* 0; 1 and 2; 1; 2; 3 */
	rig_check(r);
	tome_map_unref(map);
}

static void
silence_is_an_error(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	r->disk[0].device.patience = 0;
	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 2, 0);
	rig_poke(map, 0, 1);
	rig_page_out(r, map, 0, 2);
	r->vm->paging->area[r->disk[0].id]->device.patience = 2000000;
	r->disk[0].queued = true;
	assert_int_equal(rig_peek(map, 0), -TOME_EIO);
	assert_int_equal(r->disk[0].cancelled, 1);
	r->disk[0].queued = false;
	assert_int_equal(disk_run(&r->disk[0], false), 1);
	tome_io_run(r->vm);
	assert_int_equal(rig_peek(map, 0), 1);		/* it came after all */
	rig_check(r);
	tome_map_unref(map);
}

/* All its requests are under way, and none is answered: the next area takes the rest, and
 * nobody waits. When it answers, it is used again. */
static void
a_silent_area_keeps_nobody(void **state)
{
	const unsigned n = 160, at_once = TOME_SWAP_IOS * 8;
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_swap_device *device;
	uint64_t patience;

	rig_swapon(r, 0, 512, 5);
	rig_swapon(r, 1, 512, 1);
	device = &r->vm->paging->area[r->disk[0].id]->device;
	patience = device->patience;
	device->patience = 2000000;
	r->disk[0].queued = true;
	rig_enter(map, 0, n, 0);
	for (unsigned i = 0; i < n; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	rig_page_out(r, map, 0, n);
	assert_int_equal(rig_swap(r, 0).used, at_once);
	assert_int_equal(rig_swap(r, 0).unwritten, 8);
	for (unsigned i = at_once; i < at_once + 8; i++)
		assert_int_equal(rig_peek(map, i), (uint8_t)(i + 1));
	rig_page_out(r, map, at_once, 8);
	assert_int_equal(rig_swap(r, 1).used, n - at_once);
	assert_int_equal(rig_peek(map, n - 1), (uint8_t)n);
	r->disk[0].queued = false;
	device->patience = patience;	/* whatever else this machine does */
	assert_int_equal(disk_run(&r->disk[0], true), TOME_SWAP_IOS);
	tome_io_run(r->vm);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(rig_peek(map, i), (uint8_t)(i + 1));
	rig_check(r);
	rig_poke(map, 0, 0x99);
	rig_page_out(r, map, 0, 1);
	assert_int_equal(rig_anon_frames(r), n - 1);
	assert_int_equal(rig_swap(r, 0).used, at_once);
	tome_map_unref(map);
}

static void
areas_by_priority_and_in_turns(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 17, 5);
	rig_swapon(r, 1, 64, 1);
	rig_enter(map, 0, 32, 0);
	for (unsigned i = 0; i < 32; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	rig_page_out(r, map, 0, 32);
	assert_int_equal(rig_swap(r, 0).used, 16);
	assert_int_equal(rig_swap(r, 1).used, 16);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	rig_check(r);
	tome_map_unref(map);
}

static void
equals_take_turns(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 64, 0);
	rig_swapon(r, 1, 64, 0);
	rig_enter(map, 0, 32, 0);
	for (unsigned i = 0; i < 32; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	rig_page_out(r, map, 0, 32);
	assert_int_equal(rig_swap(r, 0).used, 16);
	assert_int_equal(rig_swap(r, 1).used, 16);
	tome_map_unref(map);
}

static void
no_room_means_no_way_out(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_enter(map, 0, 16, 0);
	for (unsigned i = 0; i < 16; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	rig_page_out(r, map, 0, 16);			/* nowhere */
	assert_int_equal(rig_anon_frames(r), 16);
	rig_swapon(r, 0, 5, 0);				/* room for four */
	rig_page_out(r, map, 0, 16);
	assert_int_equal(rig_anon_frames(r), 12);
	assert_int_equal(rig_swap(r, 0).used, 4);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	rig_check(r);
	tome_map_unref(map);
}

static void
swapoff_brings_all_home(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r), *child;
	struct tome_object *ob;
	size_t done;
	uint8_t b = 0x5a;

	rig_swapon(r, 0, 128, 0);
	rig_enter(map, 0, 40, 0);
	for (unsigned i = 0; i < 40; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	assert_int_equal(tome_object_create_anon(r->vm, PG, NULL, 0, &ob),
	    TOME_OK);
	assert_int_equal(tome_object_write(ob, 7, &b, 1, &done), TOME_OK);
	assert_true(tome_reclaim(r->vm, 100) > 0);
	assert_true(tome_reclaim(r->vm, 100) > 0 || rig_anon_frames(r) == 0);
	assert_int_equal(rig_peek(map, 3), 4);		/* a clean copy */
	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_OK);
	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_ENOENT);
	memset(r->disk[0].bytes, 0xff, 128 * PG);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(rig_peek(map, i), i + 1);
		assert_int_equal(rig_peek(child, i), i + 1);
	}
	b = 0;
	assert_int_equal(tome_object_read(ob, 7, &b, 1, &done), TOME_OK);
	assert_int_equal(b, 0x5a);
	tome_object_unref(ob);
	tome_map_unref(child);
	tome_map_unref(map);
}

/* Far more than there is memory. */
static void
more_than_there_is(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	const unsigned n = 6000;			/* of 2,048 frames */

	rig_swapon(r, 0, 8192, 0);
	rig_enter(map, 0, n, 0);
	for (unsigned i = 0; i < n; i++) {
		uint32_t word = i * 2654435761u;
		size_t done;

		assert_int_equal(tome_map_write(map, AT + i * PG + 8, &word, 4,
		    false, &done), TOME_OK);
	}
	for (unsigned i = 0; i < n; i++) {
		uint32_t word = 0;
		size_t done;

		assert_int_equal(tome_map_read(map, AT + i * PG + 8, &word, 4,
		    false, &done), TOME_OK);
		assert_int_equal(word, i * 2654435761u);
	}
	rig_check(r);
	tome_map_unref(map);
	assert_int_equal(rig_swap(r, 0).used, 0);
}

static void
locked_pages_stay(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 8, TOME_MAP_LOCKED);
	for (unsigned i = 0; i < 8; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	rig_page_out(r, map, 0, 8);
	for (unsigned i = 0; i < 4; i++)
		(void)tome_reclaim(r->vm, 64);
	assert_int_equal(rig_anon_frames(r), 8);
	assert_int_equal(rig_swap(r, 0).used, 0);
	tome_map_unref(map);
}

static void
mincore_knows_what_left(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	uint8_t vec[8];
	unsigned here = 0;

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 8, 0);
	for (unsigned i = 0; i < 8; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	rig_page_out(r, map, 0, 4);
	assert_int_equal(tome_map_incore(map, AT, 8 * PG, vec), TOME_OK);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(vec[i], i >= 4);
		here += vec[i];
	}
	assert_int_equal(here, 4);
	tome_map_unref(map);
}

/* ---- threads ---- */

static struct crowd {
	struct rig *r;
	struct tome_map *map;
	_Atomic unsigned wrong, ended;
} crowd;

#define CROWD_PAGES 256u

/* Each writes its own byte of a page and reads it back; pages leave all the time. */
static void
churn(void *arg)
{
	unsigned who = (unsigned)(uintptr_t)arg, n;
	uint64_t seed = 88172645463325252u * (who + 3);
	static uint8_t mine[RIG_CPUS][CROWD_PAGES];
	size_t done;

	memset(mine[who], 0, sizeof mine[who]);
	for (n = 0; n < 4000; n++) {
		unsigned pg;
		uint8_t b;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		pg = (unsigned)(seed >> 20) % CROWD_PAGES;
		hosted_poll();
		if (seed >> 60 < 6) {
			b = (uint8_t)(seed >> 8);
			if (tome_map_write(crowd.map, AT + pg * PG + who, &b,
			    1, false, &done) != TOME_OK)
				crowd.wrong++;
			mine[who][pg] = b;
		} else if (seed >> 60 < 12) {
			if (tome_map_read(crowd.map, AT + pg * PG + who, &b, 1,
			    false, &done) != TOME_OK || b != mine[who][pg])
				crowd.wrong++;
		} else if (seed >> 60 < 15) {
			(void)tome_map_page_out(crowd.map, AT + pg * PG,
			    8 * PG);
		} else {
			(void)tome_reclaim(crowd.r->vm, 8);
		}
	}
	crowd.ended++;
}

static void
many_at_once(void **state)
{
	struct rig *r = *state;

	memset(&crowd, 0, sizeof crowd);
	crowd.r = r;
	crowd.map = rig_map(r);
	rig_swapon(r, 0, 512, 0);
	rig_enter(crowd.map, 0, CROWD_PAGES + 8, 0);
	for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++)
		hosted_start(r->machine, cpu, churn, (void *)(uintptr_t)cpu);
	churn(NULL);
	hosted_join(r->machine);
	assert_int_equal(crowd.wrong, 0);
	rig_check(r);
	assert_true(rig_swap(r, 0).written > 0);
	tome_map_unref(crowd.map);
	assert_int_equal(rig_swap(r, 0).used, 0);
}

/* Amid an object's pages: the object is let go, and ends with its mapping. */
static void
swapoff_gives_up_on_an_error(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 4, TOME_MAP_SHARED);
	for (unsigned i = 0; i < 4; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	for (unsigned i = 0; i < 8 && rig_anon_frames(r) > 0; i++)
		(void)tome_reclaim(r->vm, 4);
	assert_int_equal(rig_swap(r, 0).used, 4);
	r->vm->paging->area[r->disk[0].id]->device.max_pages = 1;
	r->disk[0].fail_read = 2;
	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_EIO);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	tome_map_unref(map);
	rig_check(r);
	assert_int_equal(rig_swap(r, 0).used, 0);
}

static uint64_t
chunks(struct rig *r)
{
	struct tome_stats s;

	tome_vm_quiesce(r->vm, true);
	tome_vm_stats(r->vm, &s);
	return s.chunks;
}

/* A chunk is one chunk, packed or not. */
static void
chunks_are_counted(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	uint64_t before = chunks(r);

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 32, 0);
	for (unsigned i = 0; i < 32; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	assert_int_equal(chunks(r), before + 1);
	rig_page_out(r, map, 0, 32);
	assert_int_equal(tome_pack_all(r->vm->paging), 1);
	assert_int_equal(chunks(r), before + 1);
	assert_int_equal(rig_peek(map, 3), 4);
	assert_int_equal(chunks(r), before + 1);
	tome_map_unref(map);
	assert_int_equal(chunks(r), before);
}

/* Another CPU, a while later. */
static void
run_later(void *arg)
{
	struct disk *d = arg;

	usleep(50000);
	d->queued = false;
	disk_run(d, false);
}

/* What is on its way to an area that goes is brought home when it has arrived. */
static void
swapoff_waits_for_transfers(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_translation t;
	struct tome_pageout po;

	rig_swapon(r, 0, 64, 0);
	rig_enter(map, 0, 8, 0);
	for (unsigned i = 0; i < 8; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
	r->disk[0].queued = true;
	tome_pageout_begin(&po, r->vm->paging);
	for (unsigned i = 0; i < 8; i++) {
		assert_true(tome_pmap_extract(map->pmap, AT + i * PG, &t));
		assert_int_equal(tome_pageout_anon(&po, tome_page(r->vm,
		    tome_pa_pfn(t.pa)), TOME_EVICT_ANY), TOME_EVICT_STARTED);
	}
	tome_pageout_end(&po);
	assert_int_equal(r->disk[0].nqueue, 1);
	hosted_start(r->machine, 1, run_later, &r->disk[0]);
	assert_int_equal(tome_swap_remove(r->vm, r->disk[0].id), TOME_OK);
	hosted_join(r->machine);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(rig_peek(map, i), i + 1);
	tome_map_unref(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(pages_leave_and_come_back),
		RIG_TEST(one_page_leaves),
		RIG_TEST(a_clean_page_is_not_written_again),
		RIG_TEST(sharing_survives),
		RIG_TEST(a_touched_page_stays),
		RIG_TEST(the_owner_goes_meanwhile),
		RIG_TEST(a_failed_write_keeps_the_page),
		RIG_TEST(a_failed_read_is_the_touchers),
		RIG_TEST(a_failed_neighbour_harms_nobody),
		RIG_TEST(silence_is_an_error),
		RIG_TEST(a_silent_area_keeps_nobody),
		RIG_TEST(areas_by_priority_and_in_turns),
		RIG_TEST(equals_take_turns),
		RIG_TEST(no_room_means_no_way_out),
		RIG_TEST(swapoff_brings_all_home),
		RIG_TEST(more_than_there_is),
		RIG_TEST(locked_pages_stay),
		RIG_TEST(mincore_knows_what_left),
		RIG_TEST(many_at_once),
		RIG_TEST(swapoff_waits_for_transfers),
		RIG_TEST(chunks_are_counted),
		RIG_TEST(swapoff_gives_up_on_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
