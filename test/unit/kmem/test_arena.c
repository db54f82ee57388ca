/*
 * test_arena.c - arenas: fits, constraints, spans, import, quantum caches.
 */
#include "rig.h"

static struct tome_arena *
make(struct rig *r, tome_span_t base, tome_span_t size, tome_span_t quantum)
{
	struct tome_arena_config config = { .name = "test", .base = base,
		.size = size, .quantum = quantum };
	struct tome_arena *a;

	assert_int_equal(tome_arena_create(r->vm, &config, &a), TOME_OK);
	return a;
}

static tome_span_t
take(struct tome_arena *a, tome_span_t size, enum tome_fit fit)
{
	tome_span_t at;

	assert_int_equal(tome_arena_alloc(a, size, fit, &at), TOME_OK);
	assert_null(tome_arena_check(a));
	return at;
}

static void
done(struct tome_arena *a)
{
	assert_int_equal(tome_arena_destroy(a), TOME_OK);
}

static void
test_bad_arguments(void **state)
{
	static const struct tome_arena_config bad[] = {
		{ .name = "t", .size = 64, .quantum = 0 },
		{ .name = "t", .size = 64, .quantum = 24 },
		{ .name = "t", .size = 40, .quantum = 16 },
		{ .name = "t", .base = 8, .size = 64, .quantum = 16 },
		{ .name = "t", .size = 64, .quantum = 16, .qcache_max = 24 },
		{ .name = "t", .size = 64, .quantum = 16,
		    .qcache_max = 17 * 16 },
		{ .name = "t", .base = 0 - (tome_span_t)16, .size = 32,
		    .quantum = 16 },
	};
	struct rig *r = *state;
	struct tome_arena *a;
	tome_span_t at;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(tome_arena_create(r->vm, &bad[i], &a),
		    TOME_EINVAL);
	a = make(r, 0, 1 << 16, 16);
	assert_int_equal(tome_arena_alloc(a, 0, TOME_FIT_BEST, &at),
	    TOME_EINVAL);
	assert_int_equal(tome_arena_alloc(a, (1 << 16) + 1, TOME_FIT_BEST,
	    &at), TOME_ENOMEM);
	assert_int_equal(tome_arena_alloc(a, UINT64_MAX, TOME_FIT_BEST, &at),
	    TOME_ENOMEM);
	assert_int_equal(tome_arena_xalloc(a, 16, 48, 0, 0, 0, 0,
	    TOME_FIT_BEST, &at), TOME_EINVAL);
	assert_int_equal(tome_arena_xalloc(a, 16, 64, 64, 0, 0, 0,
	    TOME_FIT_BEST, &at), TOME_EINVAL);
	assert_int_equal(tome_arena_xalloc(a, 16, 64, 8, 0, 0, 0,
	    TOME_FIT_BEST, &at), TOME_EINVAL);
	assert_int_equal(tome_arena_xalloc(a, 64, 16, 0, 32, 0, 0,
	    TOME_FIT_BEST, &at), TOME_EINVAL);
	assert_int_equal(tome_arena_add(a, 64, 16), TOME_EEXIST);
	assert_int_equal(tome_arena_add(a, 1 << 16, 8), TOME_EINVAL);
	assert_int_equal(tome_arena_add(a, 1 << 16, 0), TOME_EINVAL);
	done(a);
}

/* The whole number space but its first quantum. */
static void
test_the_top(void **state)
{
	struct rig *r = *state;
	struct tome_arena *a = make(r, 16, 0 - (tome_span_t)16, 16);
	tome_span_t all = 0 - (tome_span_t)16;

	assert_int_equal(take(a, all, TOME_FIT_INSTANT), 16);
	tome_arena_free(a, 16, all);
	done(a);
}

/* Holes of 64, 32 and 128 with walls between. */
static struct tome_arena *
holes(struct rig *r, tome_span_t hole[3], tome_span_t wall[3])
{
	static const tome_span_t size[] = { 64, 32, 128 };
	struct tome_arena *a = make(r, 1024, 64 + 32 + 128 + 48, 16);

	for (int i = 0; i < 3; i++) {
		hole[i] = take(a, size[i], TOME_FIT_INSTANT);
		wall[i] = take(a, 16, TOME_FIT_INSTANT);
	}
	for (int i = 0; i < 3; i++)
		tome_arena_free(a, hole[i], size[i]);
	return a;
}

static void
drop_walls(struct tome_arena *a, const tome_span_t wall[3])
{
	for (int i = 0; i < 3; i++)
		tome_arena_free(a, wall[i], 16);
	done(a);
}

static void
test_fits(void **state)
{
	struct rig *r = *state;
	tome_span_t hole[3], wall[3], at;
	struct tome_arena *a = holes(r, hole, wall);

	at = take(a, 32, TOME_FIT_BEST);
	assert_int_equal(at, hole[1]);
	tome_arena_free(a, at, 32);
	/* Instant: a list on which every segment is large enough. */
	at = take(a, 48, TOME_FIT_INSTANT);
	assert_int_equal(at, hole[0]);
	tome_arena_free(a, at, 48);
	/* Next: always onward, and round. */
	at = take(a, 16, TOME_FIT_NEXT);
	assert_int_equal(at, hole[0] + 48);
	assert_int_equal(take(a, 16, TOME_FIT_NEXT), hole[1]);
	assert_int_equal(take(a, 32, TOME_FIT_NEXT), hole[2]);
	assert_int_equal(take(a, 96, TOME_FIT_NEXT), hole[2] + 32);
	assert_int_equal(take(a, 32, TOME_FIT_NEXT), hole[0]);
	assert_int_equal(take(a, 16, TOME_FIT_NEXT), hole[0] + 32);
	tome_arena_free(a, at, 16);
	tome_arena_free(a, hole[1], 16);
	tome_arena_free(a, hole[2], 32);
	tome_arena_free(a, hole[2] + 32, 96);
	tome_arena_free(a, hole[0], 32);
	tome_arena_free(a, hole[0] + 32, 16);
	drop_walls(a, wall);
}

/* A want that only its own size class holds is found all the same. */
static void
test_instant_fit_searches_its_class(void **state)
{
	struct rig *r = *state;
	struct tome_arena *a = make(r, 0x1000, 112, 16);

	assert_int_equal(take(a, 96, TOME_FIT_INSTANT), 0x1000);
	tome_arena_free(a, 0x1000, 96);
	done(a);
}

struct constraint {
	tome_span_t size, align, phase, nocross, min, max;
};

static void
test_constraints(void **state)
{
	static const struct constraint c[] = {
		{ 16, 256, 0, 0, 0, 0 }, { 16, 256, 48, 0, 0, 0 },
		{ 160, 16, 0, 256, 0, 0 }, { 64, 64, 16, 128, 0, 0 },
		{ 32, 16, 0, 0, 3000, 0 }, { 32, 16, 0, 0, 0, 1500 },
		{ 32, 512, 32, 64, 2000, 3700 }, { 256, 16, 0, 256, 0, 0 },
	};
	struct rig *r = *state;
	struct tome_arena *a = make(r, 1040, 3000 & ~15, 16);

	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		for (int fit = 0; fit <= TOME_FIT_NEXT; fit++) {
			tome_span_t at;

			assert_int_equal(tome_arena_xalloc(a, c[i].size,
			    c[i].align, c[i].phase, c[i].nocross, c[i].min,
			    c[i].max, (enum tome_fit)fit, &at), TOME_OK);
			assert_int_equal(at & (c[i].align - 1), c[i].phase);
			assert_true(at >= c[i].min);
			assert_true(c[i].max == 0 ||
			    at + c[i].size <= c[i].max);
			if (c[i].nocross != 0)
				assert_int_equal(at & ~(c[i].nocross - 1),
				    (at + c[i].size - 1) &
				    ~(c[i].nocross - 1));
			assert_null(tome_arena_check(a));
			tome_arena_free(a, at, c[i].size);
		}
	}
	done(a);
}

static void
test_constraints_that_cannot_be(void **state)
{
	struct rig *r = *state;
	struct tome_arena *a = make(r, 1040, 1024, 16);
	tome_span_t at;

	assert_int_equal(tome_arena_xalloc(a, 16, 4096, 0, 0, 0, 0,
	    TOME_FIT_BEST, &at), TOME_ENOMEM);
	assert_int_equal(tome_arena_xalloc(a, 32, 16, 0, 0, 2048, 2070,
	    TOME_FIT_BEST, &at), TOME_ENOMEM);
	assert_int_equal(tome_arena_xalloc(a, 512, 16, 0, 512, 1040, 1600,
	    TOME_FIT_BEST, &at), TOME_ENOMEM);
	done(a);
}

static void
test_merging(void **state)
{
	struct rig *r = *state;
	struct tome_arena *a = make(r, 0x4000, 0x1000, 0x100);
	struct tome_arena_stats s;
	tome_span_t at[16];

	for (int order = 0; order < 3; order++) {
		static const int step[] = { 1, 7, 15 };

		for (int i = 0; i < 16; i++)
			at[i] = take(a, 0x100, TOME_FIT_BEST);
		tome_arena_stats(a, &s);
		assert_int_equal(s.used, 0x1000);
		assert_int_equal(s.largest_free, 0);
		for (int i = 0; i < 16; i++) {
			tome_arena_free(a, at[i * step[order] % 16], 0x100);
			assert_null(tome_arena_check(a));
		}
		tome_arena_stats(a, &s);
		assert_int_equal(s.segments, 1);
		assert_int_equal(s.largest_free, 0x1000);
		assert_int_equal(s.used, 0);
	}
	done(a);
}

static void
test_spans(void **state)
{
	struct rig *r = *state;
	struct tome_arena *a = make(r, 0, 0, 16);
	struct tome_arena_stats s;
	tome_span_t at;

	assert_int_equal(tome_arena_alloc(a, 16, TOME_FIT_BEST, &at),
	    TOME_ENOMEM);
	assert_int_equal(tome_arena_add(a, 256, 64), TOME_OK);
	assert_int_equal(tome_arena_add(a, 64, 64), TOME_OK);
	assert_int_equal(tome_arena_add(a, 128, 64), TOME_OK);
	assert_int_equal(tome_arena_add(a, 300 & ~15, 16), TOME_EEXIST);
	tome_arena_stats(a, &s);
	assert_int_equal(s.total, 192);
	assert_int_equal(s.spans, 3);
	/* Spans that touch stay apart. */
	assert_int_equal(tome_arena_alloc(a, 80, TOME_FIT_BEST, &at),
	    TOME_ENOMEM);
	at = take(a, 64, TOME_FIT_BEST);
	assert_int_equal(tome_arena_destroy(a), TOME_EBUSY);
	assert_int_equal(tome_arena_size_of(a, at), 64);
	assert_int_equal(tome_arena_size_of(a, at + 16), 0);
	tome_arena_free(a, at, 64);
	done(a);
}

struct seen {
	tome_span_t at, allocated;
	int n, most;
};

static bool
see(void *arg, tome_span_t base, tome_span_t size, bool allocated)
{
	struct seen *s = arg;

	assert_int_equal(base, s->at);
	s->at += size;
	s->allocated += allocated ? size : 0;
	return ++s->n < s->most;
}

static void
test_walk(void **state)
{
	struct rig *r = *state;
	tome_span_t hole[3], wall[3];
	struct tome_arena *a = holes(r, hole, wall);
	struct seen s = { .at = 1024, .most = 100 };

	tome_arena_walk(a, see, &s);
	assert_int_equal(s.n, 6);
	assert_int_equal(s.allocated, 48);
	s = (struct seen){ .at = 1024, .most = 2 };
	tome_arena_walk(a, see, &s);
	assert_int_equal(s.n, 2);
	drop_walls(a, wall);
}

/* ---- import ---- */

static struct tome_arena *
below(struct rig *r, struct tome_arena *source, tome_span_t quantum,
    tome_span_t import_min)
{
	struct tome_arena_config config = { .name = "child",
		.quantum = quantum, .source = source,
		.import_min = import_min };
	struct tome_arena *a;

	assert_int_equal(tome_arena_create(r->vm, &config, &a), TOME_OK);
	return a;
}

static tome_span_t
used(struct tome_arena *a)
{
	struct tome_arena_stats s;

	tome_arena_stats(a, &s);
	return s.used;
}

static void
test_import(void **state)
{
	struct rig *r = *state;
	struct tome_arena *top = make(r, 1 << 20, 1 << 20, 4096);
	struct tome_arena *mid = below(r, top, 4096, 65536);
	struct tome_arena *low = below(r, mid, 16, 0);
	tome_span_t a = take(low, 100, TOME_FIT_BEST), b, c;

	assert_int_equal(used(mid), 4096);
	assert_int_equal(used(top), 65536);
	b = take(low, 5000, TOME_FIT_BEST);
	assert_int_equal(used(mid), 4096 + 8192);
	assert_int_equal(tome_arena_xalloc(low, 64, 32768, 16384, 0, 0, 0,
	    TOME_FIT_BEST, &c), TOME_OK);
	assert_int_equal(c & 32767, 16384);
	assert_int_equal(tome_arena_destroy(mid), TOME_EBUSY);
	tome_arena_free(low, a, 100);
	assert_int_equal(used(mid), 8192 + 4096);
	tome_arena_free(low, c, 64);
	tome_arena_free(low, b, 5000);
	assert_int_equal(used(mid), 0);
	assert_int_equal(used(top), 0);
	assert_int_equal(tome_arena_alloc(low, 1 << 21, TOME_FIT_BEST, &a),
	    TOME_ENOMEM);
	done(low);
	done(mid);
	done(top);
}

/* ---- quantum caches ---- */

static void
test_quantum_caches(void **state)
{
	struct rig *r = *state;
	struct tome_arena_config config = { .name = "q", .base = 1 << 20,
		.size = 1 << 22, .quantum = 4096, .qcache_max = 4 * 4096 };
	struct tome_arena *a;
	tome_span_t at[300];

	assert_int_equal(tome_arena_create(r->vm, &config, &a), TOME_OK);
	for (int turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < 300; i++) {
			at[i] = take(a, 4096 * (1 + i % 4), TOME_FIT_INSTANT);
			for (unsigned j = 0; j < i; j++)
				assert_true(at[i] != at[j]);
		}
		for (unsigned i = 0; i < 300; i++)
			tome_arena_free(a, at[i], 4096 * (1 + i % 4));
		assert_int_equal(used(a), 0);
	}
	/* The last freed of a size comes first. */
	assert_int_equal(take(a, 4096, TOME_FIT_INSTANT), at[296]);
	tome_arena_free(a, at[296], 4096);
	done(a);
}

/* ---- at random, against a byte a unit ---- */

#define UNITS 400
#define STEPS 6000

struct model {
	struct tome_arena *arena;
	uint8_t taken[UNITS];
	struct {
		tome_span_t at, size;
	} live[UNITS];
	int nlive;
	uint32_t x;
};

static uint32_t
chance(struct model *m, uint32_t below_this)
{
	m->x ^= m->x << 13, m->x ^= m->x >> 17, m->x ^= m->x << 5;
	return m->x % below_this;
}

static bool
has_room(const struct model *m, tome_span_t units)
{
	tome_span_t run = 0;

	for (int i = 0; i < UNITS; i++) {
		run = m->taken[i] ? 0 : run + 1;
		if (run >= units)
			return true;
	}
	return false;
}

static void
random_alloc(struct model *m)
{
	tome_span_t units = 1 + chance(m, chance(m, 8) == 0 ? 60 : 6), at;
	tome_span_t size = units * 16 - chance(m, 16);
	enum tome_err err = tome_arena_alloc(m->arena, size,
	    (enum tome_fit)chance(m, 3), &at);

	assert_int_equal(err, has_room(m, units) ? TOME_OK : TOME_ENOMEM);
	if (err != TOME_OK)
		return;
	for (tome_span_t i = 0; i < units; i++) {
		assert_int_equal(m->taken[at / 16 + i], 0);
		m->taken[at / 16 + i] = 1;
	}
	m->live[m->nlive].at = at;
	m->live[m->nlive++].size = size;
}

static void
random_free(struct model *m, uint32_t which)
{
	tome_span_t at = m->live[which].at, size = m->live[which].size;

	assert_int_equal(tome_arena_size_of(m->arena, at),
	    (size + 15) / 16 * 16);
	tome_arena_free(m->arena, at, size);
	memset(m->taken + at / 16, 0, (size + 15) / 16);
	m->live[which] = m->live[--m->nlive];
}

static void
test_random(void **state)
{
	struct rig *r = *state;

	for (uint32_t seed = 1; seed <= 4; seed++) {
		struct model *m = calloc(1, sizeof *m);

		m->x = seed * 0x9e3779b9u;
		m->arena = make(r, 0, UNITS * 16, 16);
		for (int i = 0; i < STEPS; i++) {
			if (m->nlive == 0 || chance(m, 100) < 53)
				random_alloc(m);
			else
				random_free(m, chance(m, (uint32_t)m->nlive));
			assert_null(tome_arena_check(m->arena));
		}
		while (m->nlive > 0)
			random_free(m, 0);
		done(m->arena);
		free(m);
	}
}

/* ---- many segments: the hash grows, and all of it goes back ---- */

static void
test_growth_returns(void **state)
{
	struct rig *r = *state;
	struct tome_arena *a = make(r, 0, 1 << 20, 16);
	tome_span_t *at = calloc(20000, sizeof *at);

	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < 20000; i++)
			assert_int_equal(tome_arena_alloc(a, 16,
			    TOME_FIT_INSTANT, &at[i]), TOME_OK);
		for (int i = 0; i < 20000; i++)
			tome_arena_free(a, at[i * 7919 % 20000], 16);
	}
	tome_vm_quiesce(r->vm, true);
	done(a);
	free(at);
}

static void
test_every_failure(void **state)
{
	struct rig *r = *state;
	struct tome_arena *top = make(r, 1 << 20, 1 << 20, 4096);
	struct tome_arena *low = below(r, top, 16, 0);
	bool failed = true;

	tome_vm_quiesce(r->vm, true);
	for (uint64_t n = 1; failed; n++) {
		tome_span_t at;
		enum tome_err err;

		hosted_fail_alloc(r->machine, NULL, n, false);
		err = tome_arena_alloc(low, 48, TOME_FIT_BEST, &at);
		failed = hosted_allocs(r->machine) >= n;
		/* A small slab may do where a large one was refused. */
		assert_true(err == TOME_OK || (failed && err == TOME_ENOMEM));
		assert_true(n > 1 || err == TOME_ENOMEM);
		hosted_fail_alloc(r->machine, NULL, 0, false);
		if (err == TOME_OK)
			tome_arena_free(low, at, 48);
		assert_int_equal(used(low), 0);
		assert_int_equal(used(top), 0);
		tome_vm_quiesce(r->vm, true);
	}
	done(low);
	done(top);
}

/* ---- misuse ---- */

static void
free_hole(void *arg)
{
	tome_arena_free(arg, 64, 16);
}

static void
free_part(void *arg)
{
	tome_arena_free(arg, take(arg, 64, TOME_FIT_BEST), 32);
}

static void
free_cached_twice(void *arg)
{
	tome_span_t at = take(arg, 16, TOME_FIT_BEST);

	tome_arena_free(arg, at, 16);
	tome_arena_free(arg, at, 16);
}

static void
test_free_hole(void **state)
{
	struct rig *r = *state;

	rig_assert_panics(r, free_hole, make(r, 0, 1024, 16), "t != NULL");
}

static void
test_free_part(void **state)
{
	struct rig *r = *state;

	rig_assert_panics(r, free_part, make(r, 0, 1024, 16), "size == size");
}

static void
test_free_cached_twice(void **state)
{
	struct rig *r = *state;
	struct tome_arena_config config = { .name = "q", .base = 16,
		.size = 1024, .quantum = 16, .qcache_max = 16 };
	struct tome_arena *a;

	assert_int_equal(tome_arena_create(r->vm, &config, &a), TOME_OK);
	rig_assert_panics(r, free_cached_twice, a, "cached");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_bad_arguments),
		RIG_TEST(test_the_top),
		RIG_TEST(test_fits),
		RIG_TEST(test_instant_fit_searches_its_class),
		RIG_TEST(test_constraints),
		RIG_TEST(test_constraints_that_cannot_be),
		RIG_TEST(test_merging),
		RIG_TEST(test_spans),
		RIG_TEST(test_walk),
		RIG_TEST(test_import),
		RIG_TEST(test_quantum_caches),
		RIG_TEST(test_random),
		RIG_TEST(test_growth_returns),
		RIG_TEST(test_every_failure),
		RIG_TEST(test_free_hole),
		RIG_TEST(test_free_part),
		RIG_TEST(test_free_cached_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
