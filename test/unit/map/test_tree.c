/*
 * test_tree.c - the entry tree against a sorted array, by random operations,
 * and its lock-free readers against a writer.
 */
#include <pthread.h>
#include <stdio.h>

#include "rig.h"

#include <map/node.h>

#define LO ((tome_va_t)0x10000)
#define PAGES 4096		/* of the space: small, so that things collide */
#define HI (LO + PAGES * TOME_PAGE_SIZE)

/* The model: entries in order. */
struct model {
	struct rig *rig;
	struct tome_tree tree;
	struct tome_entry *en[PAGES];
	unsigned n;
	uint64_t seed;
};

static unsigned
roll(struct model *m, unsigned below)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((m->seed >> 33) % below);
}

static tome_va_t
page(unsigned i)
{
	return LO + i * TOME_PAGE_SIZE;
}

static struct model *
model_new(struct rig *r, uint64_t seed)
{
	struct model *m = calloc(1, sizeof *m);

	m->rig = r;
	m->seed = seed;
	tome_tree_init(&m->tree, r->vm, LO, HI);
	return m;
}

static void
model_free(struct model *m)
{
	tome_tree_clear(&m->tree);
	while (m->n > 0)
		free(m->en[--m->n]);
	free(m);
}

/* Index of the first entry with end > va. */
static unsigned
model_find(struct model *m, tome_va_t va)
{
	unsigned i = 0;

	while (i < m->n && m->en[i]->end <= va)
		i++;
	return i;
}

static tome_va_t
gap_start(struct model *m, unsigned i)
{
	return i > 0 ? m->en[i - 1]->end : LO;
}

static tome_va_t
gap_end(struct model *m, unsigned i)
{
	return i < m->n ? m->en[i]->start : HI;
}

static void
insert(struct model *m, tome_va_t start, tome_va_t end)
{
	struct tome_entry *en = calloc(1, sizeof *en);
	struct tome_tree_spare sp = { 0 };
	unsigned i = model_find(m, start);

	en->start = start;
	en->end = end;
	assert_int_equal(tome_tree_reserve(&m->tree, &sp, start, 1), TOME_OK);
	tome_tree_insert(&m->tree, &sp, en);
	tome_tree_release(&m->tree, &sp);
	memmove(&m->en[i + 1], &m->en[i], (m->n - i) * sizeof en);
	m->en[i] = en;
	m->n++;
}

static void
remove_at(struct model *m, unsigned i)
{
	struct tome_entry *en = m->en[i];

	tome_tree_remove(&m->tree, en);
	memmove(&m->en[i], &m->en[i + 1], (--m->n - i) * sizeof en);
	free(en);
}

static void
insert_random(struct model *m)
{
	tome_va_t va = page(roll(m, PAGES));
	unsigned i = model_find(m, va);
	tome_va_t end;

	if (i < m->n && m->en[i]->start <= va)
		return;
	end = va + (1 + roll(m, 4)) * TOME_PAGE_SIZE;
	insert(m, va, end < gap_end(m, i) ? end : gap_end(m, i));
}

/* Move either bound within the gaps around. */
static void
resize_random(struct model *m, unsigned i)
{
	struct tome_entry *en = m->en[i];
	tome_va_t from = gap_start(m, i), to = gap_end(m, i + 1);
	unsigned n = (unsigned)((to - from) >> TOME_PAGE_SHIFT);
	tome_va_t start = from + roll(m, n) * TOME_PAGE_SIZE, end;

	if (roll(m, 2))
		start = en->start;
	n = (unsigned)((to - start) >> TOME_PAGE_SHIFT);
	end = start + (1 + roll(m, n)) * TOME_PAGE_SIZE;
	tome_tree_bounds(&m->tree, en, start, end);
	en->start = start;
	en->end = end;
}

static void
compare_lookup(struct model *m, tome_va_t va)
{
	unsigned i = model_find(m, va);
	struct tome_entry *en = NULL, *at, *above;
	enum tome_lookup seen;
	struct tome_entry *want = i < m->n ? m->en[i] : NULL;

	assert_ptr_equal(tome_tree_find(&m->tree, va), want);
	if (want != NULL && want->start > va)
		want = i > 0 ? m->en[i - 1] : NULL;
	else if (want == NULL && m->n > 0)
		want = m->en[m->n - 1];
	tome_epoch_enter(m->rig->vm);
	seen = tome_tree_lookup(&m->tree, va, &en);
	tome_epoch_leave(m->rig->vm);
	assert_int_equal(seen,
	    want != NULL ? TOME_LOOKUP_HIT : TOME_LOOKUP_HOLE);
	if (want != NULL)
		assert_ptr_equal(en, want);
	tome_tree_around(&m->tree, va, &at, &above);
	assert_ptr_equal(at, want);
	i = model_find(m, va);
	if (i < m->n && m->en[i]->start <= va)
		i++;
	assert_ptr_equal(above, i < m->n ? m->en[i] : NULL);
}

static void
compare_order(struct model *m)
{
	for (unsigned i = 0; i < m->n; i++) {
		assert_ptr_equal(tome_tree_next(&m->tree, m->en[i]),
		    i + 1 < m->n ? m->en[i + 1] : NULL);
		assert_ptr_equal(tome_tree_prev(&m->tree, m->en[i]),
		    i > 0 ? m->en[i - 1] : NULL);
	}
	assert_null(tome_tree_check(&m->tree, m->n));
}

/* By trying every place: fits, and which is the extreme one. */
static bool
model_gap(struct model *m, tome_va_t len, tome_va_t align, tome_va_t lo,
    tome_va_t hi, bool highest, tome_va_t *out)
{
	bool some = false;

	for (unsigned i = 0; i <= m->n; i++) {
		tome_va_t from = gap_start(m, i), to = gap_end(m, i), va;

		from = from > lo ? from : lo;
		to = to < hi ? to : hi;
		for (va = from; va < to && to - va >= len;
		    va += TOME_PAGE_SIZE) {
			if ((va & (align - 1)) != 0)
				continue;
			if (!some || (highest ? va > *out : va < *out))
				*out = va;
			some = true;
		}
	}
	return some;
}

static bool
is_free(struct model *m, tome_va_t va, tome_va_t len)
{
	unsigned i = model_find(m, va);

	return va >= LO && va + len <= HI &&
	    (i == m->n || m->en[i]->start >= va + len);
}

static void
compare_gap(struct model *m, bool highest)
{
	tome_va_t len = (1 + roll(m, roll(m, 2) ? 8 : 400)) * TOME_PAGE_SIZE;
	tome_va_t align = TOME_PAGE_SIZE << roll(m, 6);
	tome_va_t lo = roll(m, 2) ? 0 : page(roll(m, PAGES));
	tome_va_t hi = roll(m, 2) ? HI + LO : page(roll(m, PAGES));
	tome_va_t want = 0, got = 0;
	bool some = model_gap(m, len, align, lo, hi, highest, &want), found;

	found = highest ?
	    tome_tree_gap_highest(&m->tree, len, align, lo, hi, &got) :
	    tome_tree_gap_lowest(&m->tree, len, align, lo, hi, &got);
	assert_int_equal(found, some);
	if (!some)
		return;
	if (align == TOME_PAGE_SIZE)
		assert_int_equal(got, want);
	assert_true(is_free(m, got, len));
	assert_int_equal(got & (align - 1), 0);
	assert_true(got >= lo && got + len <= hi);
}

static void
step(struct model *m, unsigned grow)
{
	unsigned what = roll(m, 100);

	if (what < grow)
		insert_random(m);
	else if (m->n > 0 && what < 90)
		remove_at(m, roll(m, m->n));
	else if (m->n > 0)
		resize_random(m, roll(m, m->n));
}

static void
random_run(struct rig *r, uint64_t seed, unsigned steps)
{
	struct model *m = model_new(r, seed);

	for (unsigned i = 0; i < steps; i++) {
		/* Grows for a while, then shrinks. */
		step(m, (i / 500) % 2 ? 30 : 70);
		assert_null(tome_tree_check(&m->tree, m->n));
		compare_lookup(m, page(roll(m, PAGES)) + roll(m, 4096));
		compare_gap(m, roll(m, 2));
		if (i % 100 == 0)
			compare_order(m);
	}
	model_free(m);
}

static void
test_random_against_array(void **state)
{
	for (uint64_t seed = 1; seed <= 8; seed++)
		random_run(*state, seed, 3000);
}

static void
test_empty(void **state)
{
	struct model *m = model_new(*state, 1);
	tome_va_t va;

	compare_lookup(m, LO);
	assert_true(tome_tree_gap_highest(&m->tree, TOME_PAGE_SIZE, 0, 0,
	    TOME_VA_NONE, &va));
	assert_int_equal(va, HI - TOME_PAGE_SIZE);
	assert_true(tome_tree_gap_lowest(&m->tree, HI - LO, 0, 0,
	    TOME_VA_NONE, &va));
	assert_int_equal(va, LO);
	assert_false(tome_tree_gap_lowest(&m->tree, HI - LO + TOME_PAGE_SIZE,
	    0, 0, TOME_VA_NONE, &va));
	model_free(m);
}

/* Ascending, descending and interleaved fills, then emptied from either end. */
static void
test_fill_and_drain(void **state)
{
	for (unsigned how = 0; how < 3; how++) {
		struct model *m = model_new(*state, how);

		for (unsigned i = 0; i < PAGES / 2; i++) {
			unsigned at = how == 0 ? i : how == 1 ?
			    PAGES / 2 - 1 - i : (i * 777) % (PAGES / 2);

			insert(m, page(2 * at), page(2 * at + 1));
		}
		compare_order(m);
		while (m->n > 0) {
			remove_at(m, how == 0 ? 0 : how == 1 ? m->n - 1 :
			    m->n / 2);
			if (m->n % 64 == 0)
				compare_order(m);
		}
		model_free(m);
	}
}

struct feed {
	struct model *m;
	unsigned i;
};

static struct tome_entry *
feed_next(void *arg)
{
	struct feed *f = arg;

	return f->i < f->m->n ? f->m->en[f->i++] : NULL;
}

static void
test_build(void **state)
{
	static const unsigned sizes[] = { 0, 1, 7, 8, 9, 64, 65, 500, 2000 };

	for (unsigned k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		struct model *m = model_new(*state, k);
		struct feed f = { .m = m };

		for (unsigned i = 0; i < sizes[k]; i++)
			insert(m, page(2 * i), page(2 * i + 1 + i % 2));
		tome_tree_clear(&m->tree);
		assert_int_equal(tome_tree_build(&m->tree, feed_next, &f),
		    TOME_OK);
		compare_order(m);
		for (unsigned i = 0; i < 300; i++) {
			step(m, 50);
			assert_null(tome_tree_check(&m->tree, m->n));
			compare_lookup(m, page(roll(m, PAGES)));
		}
		model_free(m);
	}
}

/* Gaps beyond what a cached gap can count. */
static void
test_huge_gaps(void **state)
{
	struct model *m = model_new(*state, 1);
	tome_va_t top = (tome_va_t)TOME_GAP_MAX << TOME_PAGE_SHIFT, va;

	if (sizeof(tome_va_t) < 8) {
		model_free(m);
		return;
	}
	tome_tree_init(&m->tree, m->tree.vm, LO, LO + 8 * top);
	for (unsigned i = 1; i < 8; i++)
		insert(m, LO + i * top, LO + i * top + page(i));
	assert_true(tome_tree_gap_highest(&m->tree, top - page(3), 0, 0,
	    LO + 7 * top + 1, &va));
	assert_int_equal(va, LO + 3 * top + page(3));
	assert_false(tome_tree_gap_highest(&m->tree, top + 1, 0, 0,
	    TOME_VA_NONE, &va));
	m->n = 7;
	model_free(m);
}

/*
 * Readers see an entry that stays whatever happens around it, and never one
 * that starts above what they asked for.
 */
struct race {
	struct model *m;
	_Atomic bool stop;
	_Atomic unsigned hits;
	struct rig *rig;
};

#define STAY 16			/* every PAGES/STAY pages one entry stays */
#define MANY 1000

static void
race_reader(void *arg)
{
	struct race *ra = arg;
	uint64_t x = 88172645463325252u;
	struct tome_entry *en;

	while (!ra->stop) {
		unsigned k;
		tome_va_t va;
		enum tome_lookup seen;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		k = x % STAY;
		va = page(k * (PAGES / STAY));
		tome_epoch_enter(ra->rig->vm);
		seen = tome_tree_lookup(&ra->m->tree, va, &en);
		if (seen == TOME_LOOKUP_HIT) {
			if (tome_rd(&en->start) != va)
				abort();
			ra->hits++;
		} else if (seen == TOME_LOOKUP_HOLE) {
			abort();
		}
		tome_epoch_leave(ra->rig->vm);
		hosted_poll();
	}
}

static void
race_writer(void *arg)
{
	struct race *ra = arg;
	struct model *m = ra->m;

	/* As long as it takes the readers to look often. */
	for (unsigned i = 0; i < 20000 || ra->hits <= MANY; i++) {
		unsigned k = m->n > 0 ? roll(m, m->n) : 0;

		if (roll(m, 100) < ((i / 2000) % 2 ? 30u : 70u))
			insert_random(m);
		else if (((m->en[k]->start - LO) >> TOME_PAGE_SHIFT) %
		    (PAGES / STAY) != 0) {
			struct tome_entry *en = m->en[k];

			tome_tree_remove(&m->tree, en);
			memmove(&m->en[k], &m->en[k + 1],
			    (--m->n - k) * sizeof en);
			tome_epoch_retire(ra->rig->vm, &en->retired,
			    rig_free_entry);
		}
		hosted_poll();
	}
	ra->stop = true;
}

static void
test_readers_race_writer(void **state)
{
	struct rig *r = *state;
	struct race ra = { .m = model_new(r, 5), .rig = r };

	for (unsigned k = 0; k < STAY; k++)
		insert(ra.m, page(k * (PAGES / STAY)),
		    page(k * (PAGES / STAY) + 1));
	hosted_start(r->machine, 1, race_reader, &ra);
	hosted_start(r->machine, 2, race_reader, &ra);
	hosted_start(r->machine, 3, race_writer, &ra);
	hosted_join(r->machine);
	assert_true(ra.hits > MANY);
	assert_null(tome_tree_check(&ra.m->tree, ra.m->n));
	model_free(ra.m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_empty),
		RIG_TEST(test_fill_and_drain),
		RIG_TEST(test_random_against_array),
		RIG_TEST(test_build),
		RIG_TEST(test_huge_gaps),
		RIG_TEST(test_readers_race_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
