/*
 * test_cache.c - object caches: magazines, slabs, constructors, debug checks.
 */
#include "rig.h"

#define MANY 5000	/* more than magazines and depot hold */

static struct tome_cache *
make(struct rig *r, size_t size, size_t align)
{
	struct tome_cache_config config = { .name = "test", .size = size,
		.align = align };
	struct tome_cache *c;

	assert_int_equal(tome_cache_create(r->vm, &config, &c), TOME_OK);
	return c;
}

static int
by_address(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

/* n objects: aligned, disjoint, and each keeps what is written to it. */
static void
exercise(struct tome_cache *c, size_t size, size_t align, size_t n)
{
	uintptr_t *at = calloc(n, sizeof *at);

	for (size_t i = 0; i < n; i++) {
		at[i] = (uintptr_t)tome_cache_alloc(c);
		assert_int_not_equal(at[i], 0);
		assert_int_equal(at[i] & (align - 1), 0);
		memset((void *)at[i], (int)i, size);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t b = 0; b < size; b++)
			assert_int_equal(((uint8_t *)at[i])[b], (uint8_t)i);
	qsort(at, n, sizeof *at, by_address);
	for (size_t i = 1; i < n; i++)
		assert_true(at[i] - at[i - 1] >= size);
	for (size_t i = 0; i < n; i++)
		tome_cache_free(c, (void *)at[i]);
	free(at);
}

static void
test_objects_are_disjoint(void **state)
{
	static const size_t size[] = { 1, 8, 16, 24, 40, 64, 200, 256, 600,
		2000, 4096, 9000, 20000 };
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
		struct tome_cache *c = make(r, size[i], 0);

		exercise(c, size[i], 8, 200);
		assert_int_equal(tome_cache_destroy(c), TOME_OK);
		rig_assert_clean(r);
	}
}

static void
test_alignment(void **state)
{
	struct rig *r = *state;

	for (size_t align = 16; align <= TOME_PAGE_SIZE; align *= 4) {
		struct tome_cache *c = make(r, 48, align);

		exercise(c, 48, align, 50);
		assert_int_equal(tome_cache_destroy(c), TOME_OK);
	}
}

static void
test_bad_configurations(void **state)
{
	static const struct tome_cache_config bad[] = {
		{ .name = "empty", .size = 0 },
		{ .name = "odd", .size = 8, .align = 24 },
		{ .name = "wide", .size = 8, .align = 2 * TOME_PAGE_SIZE },
		{ .name = "large", .size = 256 * TOME_PAGE_SIZE },
		{ .name = "huge", .size = SIZE_MAX },
	};
	struct rig *r = *state;
	struct tome_cache *c;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(tome_cache_create(r->vm, &bad[i], &c),
		    TOME_EINVAL);
}

/* A burst that magazines and depot cannot hold goes back to the frames. */
static void
test_burst_spills(void **state)
{
	struct rig *r = *state;
	struct tome_cache *c = make(r, 64, 64);
	struct tome_cache_stats s;
	void **at = calloc(MANY, sizeof *at);
	size_t peak;

	for (size_t i = 0; i < MANY; i++)
		assert_non_null(at[i] = tome_cache_alloc(c));
	tome_cache_stats(c, &s);
	assert_int_equal(s.live, MANY);
	assert_int_equal(s.size, 64);
	peak = s.frames;
	for (size_t i = 0; i < MANY; i++)
		tome_cache_free(c, at[i]);
	tome_cache_stats(c, &s);
	assert_int_equal(s.live, 0);
	assert_true(s.frames < peak);
	assert_null(tome_vm_check(r->vm));
	assert_true(tome_cache_reap(c) > 0);
	tome_cache_stats(c, &s);
	assert_int_equal(s.frames, 0);
	assert_int_equal(s.slabs, 0);
	assert_int_equal(tome_cache_destroy(c), TOME_OK);
	free(at);
}

static void
test_last_in_first_out(void **state)
{
	struct rig *r = *state;
	struct tome_cache *c = make(r, 32, 0);
	void *a = tome_cache_alloc(c), *b = tome_cache_alloc(c), *again;

	tome_cache_free(c, a);
	tome_cache_free(c, b);
	again = tome_cache_alloc(c);
	assert_ptr_equal(again, b);
	tome_cache_free(c, again);
	assert_int_equal(tome_cache_destroy(c), TOME_OK);
}

/* The inline path itself, which careful caches never take. */
static void
test_fast_path(void **state)
{
	struct rig *r = *state;
	struct tome_cache *c = make(r, 32, 0);

	c->careful = false;
	for (int turn = 0; turn < 3; turn++)
		exercise(c, 32, 8, 300);
	assert_int_equal(tome_cache_destroy(c), TOME_OK);
}

static void
test_destroy_needs_all_back(void **state)
{
	struct rig *r = *state;
	struct tome_cache *c = make(r, 100, 0);
	void *object = tome_cache_alloc(c);

	memset(object, 7, 100);
	assert_int_equal(tome_cache_destroy(c), TOME_EBUSY);
	for (int i = 0; i < 100; i++)
		assert_int_equal(((char *)object)[i], 7);
	tome_cache_free(c, object);
	assert_int_equal(tome_cache_destroy(c), TOME_OK);
}

/* ---- constructors ---- */

struct builder {
	int built, fail_at;
};

static enum tome_err
construct(void *arg, void *object)
{
	struct builder *b = arg;

	if (b->fail_at != 0 && b->built + 1 == b->fail_at)
		return TOME_ENOMEM;
	b->built++;
	memset(object, 0x11, 40);
	return TOME_OK;
}

static void
destruct(void *arg, void *object)
{
	struct builder *b = arg;

	for (int i = 0; i < 40; i++)
		assert_int_equal(((char *)object)[i], 0x11);
	b->built--;
}

static struct tome_cache *
make_built(struct rig *r, struct builder *b)
{
	struct tome_cache_config config = { .name = "built", .size = 40,
		.construct = construct, .destruct = destruct, .arg = b };
	struct tome_cache *c;

	assert_int_equal(tome_cache_create(r->vm, &config, &c), TOME_OK);
	return c;
}

static void
test_construction_lasts(void **state)
{
	struct rig *r = *state;
	struct builder b = { 0 };
	struct tome_cache *c = make_built(r, &b);
	void *at[500];

	for (int turn = 0; turn < 3; turn++) {
		for (int i = 0; i < 500; i++) {
			at[i] = tome_cache_alloc(c);
			for (int j = 0; j < 40; j++)
				assert_int_equal(((char *)at[i])[j], 0x11);
			((char *)at[i])[3] = 0x22;
		}
		assert_true(b.built >= 500);
		for (int i = 0; i < 500; i++) {
			((char *)at[i])[3] = 0x11;
			tome_cache_free(c, at[i]);
		}
	}
	assert_int_equal(tome_cache_destroy(c), TOME_OK);
	assert_int_equal(b.built, 0);
}

static void
test_constructor_fails(void **state)
{
	struct rig *r = *state;
	struct builder b = { .fail_at = 17 };
	struct tome_cache *c = make_built(r, &b);
	void *object;

	assert_null(tome_cache_alloc(c));
	assert_int_equal(b.built, 0);
	b.fail_at = 0;
	object = tome_cache_alloc(c);
	assert_non_null(object);
	tome_cache_free(c, object);
	assert_int_equal(tome_cache_destroy(c), TOME_OK);
	assert_int_equal(b.built, 0);
}

/* Slabs begin at different offsets, so that equal objects spread over sets. */
static void
test_colouring(void **state)
{
	struct rig *r = *state;
	struct tome_cache *c = make(r, 600, 64);
	unsigned each = (unsigned)(TOME_PAGE_SIZE << c->order) / c->stride;
	bool seen[TOME_PAGE_SIZE >> 6] = { false };
	void **at = calloc(16 * each, sizeof *at);
	unsigned offsets = 0;

	assert_true(c->colours >= 64);
	for (unsigned i = 0; i < 16 * each; i++) {
		bool *here;

		at[i] = tome_cache_alloc(c);
		here = &seen[((uintptr_t)at[i] & TOME_PAGE_MASK) >> 6];
		offsets += !*here;
		*here = true;
	}
	for (unsigned i = 0; i < 16 * each; i++)
		tome_cache_free(c, at[i]);
	free(at);
	/* Without colours, those of one slab would come again in each. */
	assert_true(offsets > each);
	assert_int_equal(tome_cache_destroy(c), TOME_OK);
}

/* ---- out of memory ---- */

static void
test_no_frames(void **state)
{
	struct rig *r = *state;
	struct tome_cache *c = make(r, 2000, 0);
	void *first = NULL, *p;
	size_t n = 0;

	while ((p = tome_cache_alloc(c)) != NULL) {
		*(void **)p = first;
		first = p;
		n++;
	}
	assert_true(n > 1000);
	while (first != NULL) {
		p = *(void **)first;
		tome_cache_free(c, first);
		first = p;
	}
	assert_int_equal(tome_cache_destroy(c), TOME_OK);
}

/* Each frame and object refused in turn: NULL, or success; nothing is lost. */
static void
test_every_failure(void **state)
{
	struct rig *r = *state;

	for (uint64_t n = 1;; n++) {
		struct tome_cache_config config = { .name = "t", .size = 300 };
		struct tome_cache *c;
		void *at[60];
		int got = 0;
		uint64_t asked;

		hosted_fail_alloc(r->machine, NULL, n, false);
		if (tome_cache_create(r->vm, &config, &c) == TOME_OK) {
			for (int i = 0; i < 60; i++)
				if ((at[got] = tome_cache_alloc(c)) != NULL)
					got++;
			assert_true(got >= 59);
			while (got > 0)
				tome_cache_free(c, at[--got]);
			assert_int_equal(tome_cache_destroy(c), TOME_OK);
		}
		asked = hosted_allocs(r->machine);
		hosted_fail_alloc(r->machine, NULL, 0, false);
		rig_assert_clean(r);
		if (asked < n)
			break;
	}
}

/* ---- what debug builds catch ---- */

static struct tome_cache *victim;
static char *object;

static void
free_twice(void *arg)
{
	(void)arg;
	tome_cache_free(victim, object);
	tome_cache_free(victim, object);
}

static void
write_after_free(void *arg)
{
	(void)arg;
	tome_cache_free(victim, object);
	object[5] = 1;
	tome_cache_free(victim, tome_cache_alloc(victim));
}

static void
overrun(void *arg)
{
	(void)arg;
	memset(object, 0, 48 + 4);
	tome_cache_free(victim, object);
}

static void
free_elsewhere(void *arg)
{
	tome_cache_free(arg, object);
}

static void
spoil(struct rig *r, void (*fn)(void *), const char *part)
{
	victim = make(r, 48, 0);
	object = tome_cache_alloc(victim);
	rig_assert_panics(r, fn, NULL, part);
}

static void
test_double_free(void **state)
{
	spoil(*state, free_twice, "double free");
}

static void
test_write_after_free(void **state)
{
	spoil(*state, write_after_free, "written after it was freed");
}

static void
test_overrun(void **state)
{
	spoil(*state, overrun, "written beyond its end");
}

static void
test_wrong_cache(void **state)
{
	struct rig *r = *state;
	struct tome_cache *other = make(r, 48, 0);

	victim = make(r, 48, 0);
	object = tome_cache_alloc(victim);
	rig_assert_panics(r, free_elsewhere, other, "not from");
}

/* ---- many CPUs: objects are freed where others made them ---- */

#define SWAPS 20000
#define BASKET 512

struct market {
	struct tome_cache *cache;
	void *_Atomic basket[BASKET];
	_Atomic uint32_t seed;
};

static void
trade(void *arg)
{
	struct market *m = arg;
	uint32_t x = atomic_fetch_add(&m->seed, 0x9e3779b9u) | 1;

	for (int i = 0; i < SWAPS; i++) {
		uint64_t *mine = tome_cache_alloc(m->cache), *theirs;

		x ^= x << 13, x ^= x >> 17, x ^= x << 5;
		assert_non_null(mine);
		mine[0] = ~(mine[1] = (uintptr_t)mine);
		theirs = atomic_exchange(&m->basket[x % BASKET],
		    x & 0x10000 ? mine : NULL);
		if (!(x & 0x10000))
			tome_cache_free(m->cache, mine);
		if (theirs == NULL)
			continue;
		assert_int_equal(theirs[0], ~theirs[1]);
		assert_ptr_equal((void *)(uintptr_t)theirs[1], theirs);
		tome_cache_free(m->cache, theirs);
	}
}

static void
test_trade(void **state)
{
	struct rig *r = *state;
	struct market *m = calloc(1, sizeof *m);

	m->cache = make(r, 64, 0);
	m->seed = 1;
	for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++)
		hosted_start(r->machine, cpu, trade, m);
	hosted_join(r->machine);
	for (int i = 0; i < BASKET; i++)
		if (m->basket[i] != NULL)
			tome_cache_free(m->cache, m->basket[i]);
	assert_null(tome_vm_check(r->vm));
	assert_int_equal(tome_cache_destroy(m->cache), TOME_OK);
	free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_objects_are_disjoint),
		RIG_TEST(test_alignment),
		RIG_TEST(test_bad_configurations),
		RIG_TEST(test_burst_spills),
		RIG_TEST(test_last_in_first_out),
		RIG_TEST(test_fast_path),
		RIG_TEST(test_destroy_needs_all_back),
		RIG_TEST(test_construction_lasts),
		RIG_TEST(test_constructor_fails),
		RIG_TEST(test_colouring),
		RIG_TEST(test_no_frames),
		RIG_TEST(test_every_failure),
		RIG_TEST(test_double_free),
		RIG_TEST(test_write_after_free),
		RIG_TEST(test_overrun),
		RIG_TEST(test_wrong_cache),
		RIG_TEST(test_trade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
