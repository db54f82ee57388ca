/*
 * test_zone.c - which zone an allocation comes from, watermarks, pressure.
 */
#include "support.h"

#define RUN_FRAMES ((unsigned)(8 * MIB >> TOME_PAGE_SHIFT))	/* of each zone */

/*
 * Where physical addresses end at 4 GiB there is no zone DMA32 of its own; and a
 * process of 32 bits has not enough of its own.
 */
#define WIDE (sizeof(void *) == 8 && sizeof(tome_pa_t) == 8)
#define DIRECT_END (WIDE ? 5 * GIB : GIB)

/* One run in each zone; the direct map ends below the last. */
static const struct tome_range all_zones[] = {
	{ 8 * MIB, 8 * MIB, TOME_RANGE_USABLE },
	{ 64 * MIB, 8 * MIB, TOME_RANGE_USABLE },
	{ DIRECT_END, 8 * MIB, TOME_RANGE_USABLE },
	{ 4 * GIB, 8 * MIB, TOME_RANGE_USABLE },
};

/* What each zone ends at; 0: it is not there. */
static const tome_pa_t limit[TOME_ZONES] = {
	16 * MIB, WIDE ? 4 * GIB : 0, DIRECT_END, DIRECT_END + 8 * MIB,
};

/* ctx is the support: the hook is the host's, so count through it. */
static struct support *pressed;

static void
note_pressure(struct tome_vm *vm, enum tome_zone_kind kind, bool failed)
{
	assert_ptr_equal(vm, pressed->vm);
	assert_true(kind < TOME_ZONES);
	pressed->low += !failed;
	pressed->failed += failed;
}

static int
setup(void **state)
{
	static struct support s;

	support_init(&s, all_zones, WIDE ? 4 : 3);
	s.boot.direct_end = DIRECT_END;
	assert_int_equal(tome_phys_init(&s.boot, &s.vm), TOME_OK);
	assert_sound(&s);
	pressed = &s;
	*state = &s;
	return 0;
}

static int
teardown(void **state)
{
	support_end(*state);
	return 0;
}

/* Single frames until there are none; returns how many, in got. */
static unsigned
take_all(struct tome_vm *vm, unsigned flags, tome_pfn_t *got)
{
	unsigned n = 0;

	while (tome_frame_alloc(vm, TOME_PAGE_ANON, flags, &got[n]) == TOME_OK)
		n++;
	return n;
}

static void
give_all(struct tome_vm *vm, const tome_pfn_t *got, unsigned n)
{
	while (n > 0)
		tome_frame_free(vm, got[--n]);
}

static tome_pfn_t got[5 * RUN_FRAMES];

static void
test_limits(void **state)
{
	struct support *s = *state;
	struct tome_zone_stats z, all, sum = {0};
	unsigned k;

	tome_ram_stats(s->vm, &all);
	for (k = 0; k < TOME_ZONES; k++) {
		assert_int_equal(tome_zone_stats(s->vm, (enum tome_zone_kind)k,
		    &z), limit[k] != 0);
		if (limit[k] == 0)
			continue;
		assert_int_equal(z.limit, limit[k]);
		assert_int_equal(z.total, RUN_FRAMES);
		assert_in_range(z.min, 1, z.low - 1);
		assert_in_range(z.low, z.min + 1, z.high - 1);
		assert_true(all.base <= z.base && all.limit >= z.limit);
		sum.total += z.total;
		sum.free += z.free;
		sum.min += z.min;
		sum.low += z.low;
		sum.high += z.high;
	}
	assert_true(all.total == sum.total && all.free == sum.free);
	assert_true(all.min == sum.min && all.low == sum.low &&
	    all.high == sum.high);
	assert_false(tome_zone_stats(s->vm, TOME_ZONES, &z));
}

/* From the top down, each zone down to its mark and what it keeps. */
static void
test_fallback(void **state)
{
	struct support *s = *state;
	unsigned n = take_all(s->vm, 0, got), i, k, above = 0;
	struct tome_zone_stats z;

	assert_true(tome_pfn_pa(got[0]) >= DIRECT_END);
	for (i = 1; i < n; i++)
		assert_true(tome_pfn_pa(got[i]) <
		    tome_pfn_pa(got[i - 1]) + 8 * MIB);
	for (k = TOME_ZONES; k-- > 0;) {
		if (limit[k] == 0)
			continue;
		assert_true(tome_zone_stats(s->vm, (enum tome_zone_kind)k,
		    &z));
		assert_int_equal(z.free, z.min + above / 256);
		above += RUN_FRAMES;
	}
	assert_sound(s);
	give_all(s->vm, got, n);
}

static void
test_direct(void **state)
{
	struct support *s = *state;
	unsigned n = take_all(s->vm, TOME_FRAME_DIRECT, got), i;

	assert_true(n > (WIDE ? 2 : 1) * RUN_FRAMES);
	for (i = 0; i < n; i++)
		assert_true(tome_pfn_pa(got[i]) < DIRECT_END);
	give_all(s->vm, got, n);
}

/* A driver's low request is at home in the low zone: down to the mark. */
static void
test_low_request(void **state)
{
	struct support *s = *state;
	struct tome_zone_stats z;
	unsigned n = 0;

	while (tome_frames_alloc(s->vm, TOME_PAGE_KERNEL, 0, 0, 16 * MIB, 0,
	    &got[n]) == TOME_OK)
		assert_true(tome_pfn_pa(got[n++]) < 16 * MIB);
	assert_true(tome_zone_stats(s->vm, TOME_ZONE_DMA, &z));
	assert_int_equal(z.free, z.min);
	while (n > 0)
		tome_frames_free(s->vm, got[--n], 0);
}

/* Whoever has the right gets the rest, one by one, and then nobody. */
static void
test_reserve(void **state)
{
	struct support *s = *state;
	unsigned n = take_all(s->vm, 0, got), m;
	tome_pfn_t left = tome_frames_free_count(s->vm), none = 5;

	assert_true(left > 0);
	assert_int_equal(tome_frame_alloc(s->vm, TOME_PAGE_ANON,
	    TOME_FRAME_RESERVE, &got[n]), TOME_OK);
	assert_int_equal(tome_frame_alloc(s->vm, TOME_PAGE_ANON, 0, &none),
	    TOME_ENOMEM);
	assert_int_equal(none, 5);
	m = take_all(s->vm, TOME_FRAME_RESERVE, &got[n + 1]) + 1;
	assert_int_equal(m, left);
	assert_int_equal(tome_frames_free_count(s->vm), 0);
	assert_sound(s);
	give_all(s->vm, got, n + m);
}

static void
test_pressure(void **state)
{
	struct support *s = *state;
	unsigned n;

	tome_set_pressure(s->vm, note_pressure);
	assert_int_equal(tome_frame_alloc(s->vm, TOME_PAGE_ANON, 0, got),
	    TOME_OK);
	assert_int_equal(s->low + s->failed, 0);
	n = 1 + take_all(s->vm, 0, &got[1]);
	assert_true(s->low > 0);
	assert_int_equal(s->failed, 1);
	assert_int_equal(tome_frames_alloc(s->vm, TOME_PAGE_ANON, 3, 0, 0, 0,
	    &got[n]), TOME_ENOMEM);
	assert_int_equal(s->failed, 2);
	tome_set_pressure(s->vm, NULL);
	assert_int_equal(tome_frame_alloc(s->vm, TOME_PAGE_ANON, 0, &got[n]),
	    TOME_ENOMEM);
	assert_int_equal(s->failed, 2);
	give_all(s->vm, got, n);
}

static unsigned spare;

static void
make_room(struct tome_vm *vm, enum tome_zone_kind kind, bool failed)
{
	(void)kind;
	if (failed && spare > 0)
		tome_frame_free(vm, got[--spare]);
}

/* Room made by the callback is used at once. */
static void
test_pressure_reclaims(void **state)
{
	struct support *s = *state;
	tome_pfn_t pfn;
	unsigned n = take_all(s->vm, 0, got);

	spare = n;
	tome_set_pressure(s->vm, make_room);
	assert_int_equal(tome_frame_alloc(s->vm, TOME_PAGE_ANON, 0, &pfn),
	    TOME_OK);
	assert_int_equal(spare, n - 1);
	tome_set_pressure(s->vm, NULL);
	tome_frame_free(s->vm, pfn);
	give_all(s->vm, got, spare);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_limits),
		T(test_fallback),
		T(test_direct),
		T(test_low_request),
		T(test_reserve),
		T(test_pressure),
		T(test_pressure_reclaims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
