/*
 * test_collide.c - eight threads that want one page which is not in memory share one
 * transfer; who modifies a file faster than it is written waits.
 *
 * CPU 0 is the device: it answers when the others have had time to ask.
 */
#include "rig.h"
#include "../fakefile.h"

#include <unistd.h>

#define THREADS 8u
#define FILE_AT 64u			/* pages from AT on, of a file */
#define PATIENCE_US 30000u
#define LIMIT 8u

static struct {
	struct tome_map *map;
	struct fakefile f;
	unsigned page;
	_Atomic unsigned asking, right, written;
} crowd;

static int
setup(void **state)
{
	memset(&crowd, 0, sizeof crowd);
	return rig_setup_machine(state, (struct hosted_config){
		.ncpus = 1 + THREADS });
}

static void
want(void *arg)
{
	(void)arg;
	crowd.asking++;
	while (crowd.asking < THREADS)
		hosted_poll();
	crowd.right += rig_peek(crowd.map, crowd.page) == 7;
}

static void
read_it(void *arg)
{
	uint8_t b = 0;
	size_t done;

	(void)arg;
	crowd.asking++;
	while (crowd.asking < THREADS)
		hosted_poll();
	if (tome_object_read(crowd.f.object, crowd.page * PG, &b, 1, &done) ==
	    TOME_OK)
		crowd.right += b == crowd.page + 1;
}

static void
all_ask(struct rig *r, void (*ask)(void *), const _Atomic unsigned *asked)
{
	for (unsigned cpu = 1; cpu <= THREADS; cpu++)
		hosted_start(r->machine, cpu, ask, NULL);
	while (crowd.asking < THREADS || *asked == 0)
		hosted_poll();
	usleep(PATIENCE_US);
	assert_int_equal(crowd.right, 0);
}

static void
one_page_in_for_all(void **state)
{
	struct rig *r = *state;
	struct disk *d = &r->disk[0];

	crowd.map = rig_map(r);
	crowd.page = 3;
	rig_swapon(r, 0, 64, 0);
	rig_enter(crowd.map, 0, 8, 0);
	rig_poke(crowd.map, 3, 7);
	rig_page_out(r, crowd.map, 0, 8);
	assert_int_equal(rig_anon_frames(r), 0);
	d->queued = true;
	all_ask(r, want, &d->nqueue);
	assert_int_equal(disk_run(d, false), 1);
	hosted_join(r->machine);
	assert_int_equal(crowd.right, THREADS);
	assert_int_equal(d->reads, 1);
	assert_int_equal(d->nqueue, 0);
	rig_check(r);
	tome_map_unref(crowd.map);
}

static void
map_the_file(struct rig *r)
{
	struct tome_map_request rq = { .addr = AT + FILE_AT * PG,
		.len = 16 * PG, .prot = RW,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED };
	tome_va_t va;

	crowd.map = rig_map(r);
	fakefile_open(&crowd.f, r->vm, 64 * PG);
	rq.object = crowd.f.object;
	assert_int_equal(tome_map_enter(crowd.map, &rq, &va), TOME_OK);
	crowd.f.queued = true;
}

static void
one_read_for_all_who_map(void **state)
{
	struct rig *r = *state;

	map_the_file(r);
	crowd.page = FILE_AT + 6;		/* filled with 7 */
	all_ask(r, want, &crowd.f.nqueue);
	assert_int_equal(fakefile_run(&crowd.f, false), 1);
	hosted_join(r->machine);
	assert_int_equal(crowd.right, THREADS);
	assert_int_equal(crowd.f.reads, 1);
	rig_check(r);
	tome_map_unref(crowd.map);
	fakefile_close(&crowd.f, r->vm);
}

static void
one_read_for_all_who_read(void **state)
{
	struct rig *r = *state;

	map_the_file(r);
	crowd.page = 40;
	all_ask(r, read_it, &crowd.f.nqueue);
	assert_int_equal(fakefile_run(&crowd.f, false), 1);
	hosted_join(r->machine);
	assert_int_equal(crowd.right, THREADS);
	assert_int_equal(crowd.f.reads, 1);
	tome_map_unref(crowd.map);
	fakefile_close(&crowd.f, r->vm);
}

/* ---- too much that is modified ---- */

static void
modify(void *arg)
{
	uint8_t b = 0xee;
	size_t done;

	(void)arg;
	for (unsigned i = 0; i < 40; i++) {
		if (tome_object_write(crowd.f.object, i * PG, &b, 1, &done) !=
		    TOME_OK)
			return;
		crowd.written++;
	}
}

/* It goes as far as it may, and is given time to go further. */
static void
who_modifies_much_waits(void **state)
{
	struct rig *r = *state;

	fakefile_open(&crowd.f, r->vm, 40 * PG);
	for (unsigned i = 0; i < 40; i += 16)
		tome_object_willneed(crowd.f.object, i, 16);
	tome_io_run(r->vm);
	tome_writeback_limit(r->vm, LIMIT);
	crowd.f.queued = true;
	hosted_start(r->machine, 1, modify, NULL);
	while (crowd.written <= LIMIT ||
	    fakefile_pages(&crowd.f).writing <= LIMIT)
		hosted_poll();
	usleep(PATIENCE_US);			/* for what it must not do */
	assert_int_equal(crowd.written, LIMIT + 1);
	assert_int_equal(fakefile_pages(&crowd.f).writing, LIMIT + 1);
	crowd.f.queued = false;
	(void)fakefile_run(&crowd.f, false);
	hosted_join(r->machine);
	assert_int_equal(crowd.written, 40);
	assert_true(fakefile_pages(&crowd.f).dirty <= LIMIT + 1);
	assert_true(crowd.f.pages_written >= 40 - LIMIT - 1);
	fakefile_close(&crowd.f, r->vm);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		T(one_page_in_for_all),
		T(one_read_for_all_who_map),
		T(one_read_for_all_who_read),
		T(who_modifies_much_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
