/*
 * test_reclaim.c - policies over real pages; pressure, shrinkers, the OOM hook.
 */
#include <unistd.h>

#include "rig.h"
#include "../fakefile.h"

#define PAGES 200u

static void
fill(struct tome_map *map, unsigned pages)
{
	for (unsigned i = 0; i < pages; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
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

static uint64_t
came_back(struct rig *r)
{
	struct tome_paging_stats s;

	tome_paging_stats(r->vm, &s);
	return s.swapped_in;
}

/* Half of the pages are used again and again: the others leave. */
static void
test_used_pages_stay(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_paging_stats s;
	uint64_t early = 0, back;

	rig_swapon(r, 0, 512, 0);
	rig_enter(map, 0, PAGES, 0);
	fill(map, PAGES);
	for (unsigned round = 0; round < 12; round++) {
		(void)tome_reclaim(r->vm, 8);
		/* The TLB would remember that they were used. */
		assert_int_equal(tome_map_protect(map, AT, PAGES * PG,
		    round % 2 ? RW : TOME_PROT_READ), TOME_OK);
		for (unsigned i = 0; i < PAGES / 2; i++)
			assert_int_equal(use(r, map, i), (uint8_t)(i + 1));
		if (round == 3)
			early = came_back(r);
	}
	back = came_back(r);
	assert_true(back - early <= 8);
	tome_paging_stats(r->vm, &s);
	assert_true(s.swapped_out >= 12 * 8 && s.direct == 12);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(rig_peek(map, i), (uint8_t)(i + 1));
	assert_true(came_back(r) - back >= PAGES / 4);
	tome_map_unref(map);
}

/* Any policy frees what there is, and content survives it. */
static void
test_each_policy(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 1024, 0);
	rig_enter(map, 0, PAGES, 0);
	for (int name = 0; name <= TOME_POLICY_CLOCK_PRO; name++) {
		tome_paging_policy(r->vm, (enum tome_policy_name)name);
		fill(map, PAGES);
		assert_true(tome_reclaim(r->vm, PAGES) >= PAGES / 2);
		rig_check(r);
		for (unsigned i = 0; i < PAGES; i++)
			assert_int_equal(rig_peek(map, i), (uint8_t)(i + 1));
	}
	tome_map_unref(map);
}

/* ---- not one frame is free ---- */

#define FRAMES 2048u

static unsigned
take_all(struct rig *r, tome_pfn_t *taken)
{
	struct tome_stats s;
	unsigned n = 0;

	while (n < FRAMES && tome_frame_alloc(r->vm, TOME_PAGE_KERNEL,
	    TOME_FRAME_RESERVE, &taken[n]) == TOME_OK)
		n++;
	tome_vm_stats(r->vm, &s);
	assert_int_equal(s.frames_free, 0);
	return n;
}

static void
modify_file(struct fakefile *f, unsigned pages)
{
	size_t done;

	for (unsigned i = 0; i < pages; i++)
		assert_int_equal(tome_object_write(f->object, i * PG, "!", 1,
		    &done), TOME_OK);
}

/* Page-out needs none itself: what is there leaves, to swap and to its file. */
static void
test_without_a_free_frame(void **state)
{
	static tome_pfn_t taken[FRAMES];
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_stats s;
	struct fakefile f;
	unsigned n;

	rig_swapon(r, 0, 1024, 0);
	rig_enter(map, 0, PAGES, 0);
	fill(map, PAGES);
	fakefile_open(&f, r->vm, 64 * PG);
	modify_file(&f, 64);
	n = take_all(r, taken);
	assert_true(tome_reclaim(r->vm, 250) > 200);
	assert_true(tome_reclaim(r->vm, 250) > 0 ||
	    fakefile_pages(&f).resident == 0);
	tome_vm_quiesce(r->vm, true);
	tome_vm_stats(r->vm, &s);
	assert_true(s.frames_free >= 200);
	assert_true(rig_swap(r, 0).written >= PAGES / 2);
	assert_true(f.pages_written >= 32);
	/* And back, as far as there is room. */
	for (unsigned i = 0; i < PAGES / 2; i++)
		assert_int_equal(rig_peek(map, i), (uint8_t)(i + 1));
	while (n > 0)
		tome_frame_free(r->vm, taken[--n]);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(rig_peek(map, i), (uint8_t)(i + 1));
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
	assert_int_equal(f.pages_written, 64);
}

/* Wired pages stay whatever is asked for. */
static void
test_wired(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	uint8_t in[8];

	rig_swapon(r, 0, 512, 0);
	rig_enter(map, 0, 8, 0);
	fill(map, 8);
	assert_int_equal(tome_map_wire(map, AT, 8 * PG, false), TOME_OK);
	assert_int_equal(tome_reclaim(r->vm, 100), 0);
	assert_int_equal(tome_map_incore(map, AT, 8 * PG, in), TOME_OK);
	for (unsigned i = 0; i < 8; i++)
		assert_true(in[i] & 1);
	assert_int_equal(tome_map_unwire(map, AT, 8 * PG), TOME_OK);
	tome_map_unref(map);
}

struct told {
	unsigned n;
	enum tome_pressure last;
};

static void
tell(void *arg, enum tome_pressure level)
{
	struct told *t = arg;

	t->n++;
	t->last = level;
}

static void
test_pressure(void **state)
{
	struct rig *r = *state;
	struct told told = {0};
	struct tome_pressure_watch w = { .changed = tell, .arg = &told };

	tome_pressure_watch(r->vm, &w);
	assert_int_equal(tome_pressure_level(r->vm), TOME_PRESSURE_NONE);
	assert_false(tome_memory_scarce(r->vm));
	assert_int_equal(tome_reclaim(r->vm, 4), 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.last, TOME_PRESSURE_CRITICAL);
	assert_int_equal(tome_pressure_level(r->vm), TOME_PRESSURE_CRITICAL);
	tome_pressure_look(r->vm->paging);
	assert_int_equal(told.n, 2);
	assert_int_equal(told.last, TOME_PRESSURE_NONE);
	tome_pressure_unwatch(r->vm, &w);
	assert_int_equal(tome_reclaim(r->vm, 4), 0);
	assert_int_equal(told.n, 2);
}

static uint64_t
give(void *arg, uint64_t n)
{
	uint64_t *has = arg, given = *has < n ? *has : n;

	*has -= given;
	return given;
}

static void
test_shrinkers(void **state)
{
	struct rig *r = *state;
	uint64_t first = 3, second = 100;
	struct tome_shrinker a = { .shrink = give, .arg = &first };
	struct tome_shrinker b = { .shrink = give, .arg = &second };
	struct tome_paging_stats s;

	tome_shrinker_add(r->vm, &b);
	tome_shrinker_add(r->vm, &a);
	assert_int_equal(tome_reclaim(r->vm, 10), 10);
	assert_int_equal(first, 0);
	assert_int_equal(second, 93);
	tome_shrinker_remove(r->vm, &b);
	assert_int_equal(tome_reclaim(r->vm, 10), 0);
	assert_int_equal(second, 93);
	tome_shrinker_remove(r->vm, &a);
	tome_paging_stats(r->vm, &s);
	assert_int_equal(s.shrunk, 10);
}

struct victim {
	struct tome_map *map;
	unsigned kills;
	uint64_t reaped;
};

static bool
reap(void *arg)
{
	struct victim *v = arg;

	if (v->kills++ > 0)
		return false;
	v->reaped = tome_oom_reap(v->map);
	return v->reaped > 0;
}

/* No swap: who touches more than there is gets another's memory, once. */
static void
test_oom(void **state)
{
	struct rig *r = *state;
	struct tome_map *other = rig_map(r), *map = rig_map(r);
	struct victim v = { .map = other };
	struct tome_paging_stats s;
	struct tome_oom_candidate big = { .map = other }, small = { .map = map };
	enum tome_err err = TOME_OK;
	unsigned n = 0;

	rig_enter(other, 0, PAGES, 0);
	fill(other, PAGES);
	assert_true(tome_oom_score(&big) >= PAGES);
	assert_true(tome_oom_score(&big) > tome_oom_score(&small));
	small.adjust = 1000;
	assert_true(tome_oom_score(&big) < tome_oom_score(&small));
	big.adjust = -1000;
	assert_int_equal(tome_oom_score(&big), 0);
	tome_oom_hook(r->vm, reap, &v);
	rig_enter(map, 0, 4096, 0);
	while (err == TOME_OK && n < 4096)
		err = tome_fault(map, AT + n++ * PG, TOME_PROT_WRITE);
	assert_int_equal(err, TOME_ENOMEM);
	assert_true(v.kills >= 2 && v.reaped == PAGES);
	tome_pressure_look(r->vm->paging);
	assert_int_equal(tome_pressure_level(r->vm), TOME_PRESSURE_CRITICAL);
	tome_paging_stats(r->vm, &s);
	assert_int_equal(s.oom_kills, 1);
	tome_map_unref(map);
	assert_int_equal(rig_peek(other, 0), 0);
	tome_map_unref(other);
}

/* Touches pages of a map until that fails. */
static unsigned
touch_up_to(struct tome_map *map, unsigned max)
{
	unsigned n = 0;

	while (n < max && tome_fault(map, AT + n * PG, TOME_PROT_WRITE) ==
	    TOME_OK)
		n++;
	return n;
}

/* There is swap for all: still who is doomed gets no more than was free. */
static void
test_doomed(void **state)
{
	struct rig *r = *state;
	struct tome_map *ends = rig_map(r), *stays = rig_map(r);
	unsigned frames = (unsigned)tome_frames_free_count(r->vm);
	struct tome_paging_stats s;

	rig_swapon(r, 0, 8192, 0);
	rig_enter(ends, 0, 4096, 0);
	rig_enter(stays, 0, 4096, 0);
	assert_true(frames < 4096);
	tome_oom_doom(ends);
	assert_in_range(touch_up_to(ends, 4096), frames / 2, frames);
	tome_paging_stats(r->vm, &s);
	assert_int_equal(s.direct, 0);
	assert_int_equal(tome_fault(ends, AT + 4000 * PG, TOME_PROT_WRITE),
	    TOME_ENOMEM);
	assert_int_equal(touch_up_to(stays, 4096), 4096);
	tome_map_unref(ends);
	tome_map_unref(stays);
}

static void
daemon_runs(void *vm)
{
	tome_paging_daemon(vm);
}

/* It is woken when memory is scarce, and ends when it is told to. */
static void
test_daemon(void **state)
{
	struct rig *r = *state;
	struct tome_map *map = rig_map(r);
	struct tome_paging_stats s = { .daemon = 0 };
	const unsigned pages = 3000;	/* more than there are frames */

	rig_swapon(r, 0, 4096, 0);
	rig_enter(map, 0, pages, 0);
	hosted_start(r->machine, 1, daemon_runs, r->vm);
	for (unsigned i = 0; i < pages; i++) {
		rig_poke(map, i, (uint8_t)(i + 1));
		hosted_poll();
	}
	while (s.daemon == 0) {			/* it comes, or this hangs */
		hosted_poll();
		usleep(1000);
		tome_paging_stats(r->vm, &s);
	}
	tome_paging_stop(r->vm);
	hosted_join(r->machine);
	for (unsigned i = 0; i < pages; i++)
		assert_int_equal(rig_peek(map, i), (uint8_t)(i + 1));
	tome_map_unref(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_used_pages_stay),
		RIG_TEST(test_each_policy),
		RIG_TEST(test_wired),
		RIG_TEST(test_without_a_free_frame),
		RIG_TEST(test_pressure),
		RIG_TEST(test_shrinkers),
		RIG_TEST(test_oom),
		RIG_TEST(test_doomed),
		RIG_TEST(test_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
