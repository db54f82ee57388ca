/*
 * test_init.c - bootstraps from all kinds of memory maps.
 */
#include <phys/ranges.h>

#include "support.h"

static bool
is(struct tome_vm *vm, tome_pa_t pa, enum tome_identity id)
{
	return tome_frame_identity(vm, tome_pa_pfn(pa)) == id;
}

/* Overlaps, odd edges, disorder; reservations win. */
static void
test_runs(void **state)
{
	static const struct tome_range ranges[] = {
		{ SCALED(0x90000), SCALED(0x8000), TOME_RANGE_USABLE },
		{ SCALED(0x11800), SCALED(0x1000), TOME_RANGE_RESERVED },
		{ SCALED(0x10010), SCALED(0x4000), TOME_RANGE_USABLE },
		{ 0, SCALED(0x3000), TOME_RANGE_USABLE },
		{ SCALED(0x13000), SCALED(0x5fff), TOME_RANGE_USABLE },
		{ SCALED(0x98000), SCALED(0x1000), TOME_RANGE_USABLE },
		{ SCALED(0x98000), 0, TOME_RANGE_RESERVED },
		{ SCALED(0x200000), SCALED(0x1000), TOME_RANGE_RESERVED },
	};
	static const struct tome_run want[] = {
		{ 1, 3 }, { 0x13, 0x18 }, { 0x90, 0x99 },
	};
	struct tome_boot boot = { .ranges = ranges, .nranges = 8 };
	struct tome_run run;
	unsigned n = 0;

	(void)state;
	TOME_EACH_RUN(&boot, run) {
		assert_true(n < 3);
		assert_int_equal(run.first, want[n].first);
		assert_int_equal(run.end, want[n].end);
		n++;
	}
	assert_int_equal(n, 3);
}

/* Whatever the ranges, runs are what asking each frame says. */
static void
test_random_runs(void **state)
{
	struct tome_range r[8];
	struct tome_boot boot = { .ranges = r, .nranges = 8 };
	uint32_t x = 12345;
	unsigned round, i, pfn;

	(void)state;
	for (round = 0; round < 2000; round++) {
		bool usable[65] = { false }, in_run[65] = { false };
		struct tome_run run;

		for (i = 0; i < 8; i++) {
			x = x * 1664525u + 1013904223u;
			r[i].base = SCALED(x >> 14);	/* 64 pages */
			r[i].len = SCALED(x & 0x3fff) *
			    (x >> 28 & 1 ? 4 : 1);
			if (r[i].base + r[i].len > PAGES(64))
				r[i].len = PAGES(64) - r[i].base;
			r[i].kind = i % 3 == 2 ? TOME_RANGE_RESERVED :
			    TOME_RANGE_USABLE;
		}
		for (i = 0; i < 8; i++)
			for (pfn = 1; pfn < 64; pfn++)
				if (r[i].kind == TOME_RANGE_USABLE &&
				    r[i].base <= PAGES(pfn) &&
				    r[i].base + r[i].len >= PAGES(pfn + 1))
					usable[pfn] = true;
		for (i = 0; i < 8; i++)
			for (pfn = 0; pfn < 64; pfn++)
				if (r[i].kind == TOME_RANGE_RESERVED &&
				    r[i].len > 0 &&
				    r[i].base < PAGES(pfn + 1) &&
				    r[i].base + r[i].len > PAGES(pfn))
					usable[pfn] = false;
		TOME_EACH_RUN(&boot, run) {
			assert_true(run.first < run.end);
			assert_false(in_run[run.first - 1]);
			for (pfn = run.first; pfn < run.end; pfn++)
				in_run[pfn] = true;
		}
		assert_memory_equal(usable, in_run, sizeof usable);
	}
}

/* Far from RAM, but within a process. */
#define HOLE (sizeof(void *) == 8 ? 3 * GIB : GIB)

/* As a PC's firmware gives it: low memory, a hole, the kernel's image. */
static void
test_pc_map(void **state)
{
	static const struct tome_range ranges[] = {
		{ 0, SCALED(0x9fc00), TOME_RANGE_USABLE },
		{ SCALED(0x9fc00), SCALED(0x400), TOME_RANGE_RESERVED },
		{ SCALED(0xf0000), SCALED(0x10000), TOME_RANGE_RESERVED },
		{ SCALED(1 * MIB), SCALED(31 * MIB), TOME_RANGE_USABLE },
		{ SCALED(1 * MIB), SCALED(2 * MIB) + 17, TOME_RANGE_RESERVED },
		{ SCALED(HOLE), SCALED(1 * MIB), TOME_RANGE_RESERVED },
	};
	struct support s;
	struct tome_stats st = { 0 };

	(void)state;
	support_start(&s, ranges, 6);
	assert_true(is(s.vm, 0, TOME_PAGE_RESERVED));
	assert_true(is(s.vm, PAGES(1), TOME_PAGE_FREE));
	assert_true(is(s.vm, PAGES(0x9f), TOME_PAGE_RESERVED));
	assert_true(is(s.vm, PAGES(0xa0), TOME_PAGE_ABSENT));
	assert_true(is(s.vm, PAGES(0xf0), TOME_PAGE_RESERVED));
	assert_true(is(s.vm, PAGES(256), TOME_PAGE_RESERVED));
	assert_true(is(s.vm, PAGES(768), TOME_PAGE_RESERVED));
	assert_true(is(s.vm, PAGES(769), TOME_PAGE_FREE));
	assert_true(is(s.vm, PAGES(8191), TOME_PAGE_KERNEL));
	assert_true(is(s.vm, PAGES(8192), TOME_PAGE_ABSENT));
	assert_true(is(s.vm, SCALED(HOLE), TOME_PAGE_ABSENT));
	assert_null(tome_page_try(s.vm, tome_pa_pfn(SCALED(HOLE))));
	tome_phys_stats(s.vm, &st);
	assert_int_equal(st.frames_reserved, 1 + 1 + 16 + 513);
	support_end(&s);
}

/* Metadata is small: under 2% of RAM, down to machines of 1024 pages. */
static void
test_bootstrap_is_small(void **state)
{
	static const tome_pa_t mib[] = { 4, 16, 128, 200, 1024 };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof mib / sizeof mib[0]; i++) {
		struct tome_range r = { PAGES(1), SCALED(mib[i] * MIB),
			TOME_RANGE_USABLE };
		struct tome_stats st = { 0 };
		struct support s;

		support_init(&s, &r, 1);
		s.boot.ncpus = 1;
		assert_int_equal(tome_phys_init(&s.boot, &s.vm), TOME_OK);
		tome_phys_booted(s.vm);
		tome_phys_stats(s.vm, &st);
		assert_int_equal(st.frames_total, mib[i] * 256);
		assert_true(st.frames_bootstrap * 50 < st.frames_total);
		support_end(&s);
	}
}

/* Far up, but all of it within a process. */
#define FAR (sizeof(void *) == 8 && sizeof(tome_pa_t) == 8 ? 8 * GIB : GIB)

/* RAM that begins high has no descriptors for what lies before. */
static void
test_sparse(void **state)
{
	static const struct tome_range ranges[] = {
		{ SCALED(GIB / 4), PAGES(4096), TOME_RANGE_USABLE },
		{ SCALED(FAR), PAGES(256), TOME_RANGE_USABLE },
	};
	struct tome_stats st = { 0 };
	struct support s;

	(void)state;
	support_start(&s, ranges, 2);
	assert_null(tome_page_try(s.vm, 1));
	assert_null(tome_page_try(s.vm, tome_pa_pfn(SCALED(GIB / 2))));
	tome_phys_stats(s.vm, &st);
	assert_int_equal(st.frames_total, 17 * 256);
	support_end(&s);
}

static void
test_refusals(void **state)
{
	static const struct tome_range none[] = {
		{ 0, 16 * MIB, TOME_RANGE_RESERVED },
		{ 0, 16 * MIB, TOME_RANGE_USABLE },
	};
	static const struct tome_range tiny[] = {
		{ 1 * MIB, PAGES(2), TOME_RANGE_USABLE },
	};
	struct support s;

	(void)state;
	support_init(&s, none, 2);
	assert_int_equal(tome_phys_init(&s.boot, &s.vm), TOME_EINVAL);
	s.boot.nranges = 0;
	assert_int_equal(tome_phys_init(&s.boot, &s.vm), TOME_EINVAL);
	support_drop(&s);
	support_init(&s, tiny, 1);
	assert_int_equal(tome_phys_init(&s.boot, &s.vm), TOME_ENOMEM);
	s.boot.ncpus = 0;
	assert_int_equal(tome_phys_init(&s.boot, &s.vm), TOME_EINVAL);
	s.boot.ncpus = TOME_MAX_CPUS + 1;
	assert_int_equal(tome_phys_init(&s.boot, &s.vm), TOME_EINVAL);
	s.boot.ncpus = 1;
	s.host.version++;
	assert_int_equal(tome_phys_init(&s.boot, &s.vm), TOME_EINVAL);
	s.host.version--;
	/* RAM nobody could reach. */
	s.boot.direct_end = 1 * MIB;
	s.host.window_enter = NULL;
	assert_int_equal(tome_phys_init(&s.boot, &s.vm), TOME_EINVAL);
	assert_null(s.vm);
	support_drop(&s);
}

/* Just enough, frame by frame: either a sound instance or ENOMEM. */
static void
test_every_small_size(void **state)
{
	unsigned n, ok = 0;

	(void)state;
	for (n = 1; n < 64; n++) {
		struct tome_range r = { 1 * MIB, PAGES(n),
			TOME_RANGE_USABLE };
		struct support s;
		enum tome_err err;

		support_init(&s, &r, 1);
		err = tome_phys_init(&s.boot, &s.vm);
		if (err == TOME_OK) {
			ok++;
			support_end(&s);
		} else {
			assert_int_equal(err, TOME_ENOMEM);
			assert_int_equal(ok, 0);
			support_drop(&s);
		}
	}
	assert_true(ok > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_random_runs),
		cmocka_unit_test(test_pc_map),
		cmocka_unit_test(test_bootstrap_is_small),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_every_small_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
