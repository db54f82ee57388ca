/*
 * test_random.c - random operations on spaces that fork, against a page-by-page
 * model, the instance checked after every step.
 */
#include "rig.h"

#define PAGES 192
#define SPACES 4
#define NONE 0xffu		/* prot of a page that is not mapped */

struct space {
	struct tome_map *map;
	uint8_t prot[PAGES], byte[PAGES], wired[PAGES];
};

struct world {
	struct rig *rig;
	uint64_t seed;
	struct space space[SPACES];
};

static unsigned
roll(struct world *w, unsigned below)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((w->seed >> 33) % below);
}

/* A range, mostly short. */
static void
roll_range(struct world *w, unsigned *first, unsigned *n)
{
	*first = roll(w, PAGES);
	*n = 1 + roll(w, roll(w, 3) ? 12 : 64);
	if (*first + *n > PAGES)
		*n = PAGES - *first;
}

static tome_prot_t
roll_prot(struct world *w)
{
	static const tome_prot_t some[] = { RW, RW, RW, RO, TOME_PROT_NONE };

	return some[roll(w, 5)];
}

static unsigned
mapped(const struct space *s, unsigned first, unsigned n)
{
	unsigned i = 0;

	while (i < n && s->prot[first + i] != NONE)
		i++;
	return i;
}

static void
do_enter(struct world *w, struct space *s)
{
	unsigned first, n;
	tome_prot_t prot = roll_prot(w);

	roll_range(w, &first, &n);
	rig_enter(s->map, AT + first * PG, n, prot);
	memset(s->prot + first, (int)prot, n);
	memset(s->byte + first, 0, n);
	memset(s->wired + first, 0, n);
}

static void
do_remove(struct world *w, struct space *s)
{
	unsigned first, n;

	roll_range(w, &first, &n);
	assert_int_equal(tome_map_remove(s->map, AT + first * PG, n * PG),
	    TOME_OK);
	memset(s->prot + first, NONE, n);
	memset(s->byte + first, 0, n);
	memset(s->wired + first, 0, n);
}

static void
do_protect(struct world *w, struct space *s)
{
	tome_prot_t prot = roll_prot(w);
	unsigned first, n, good;

	roll_range(w, &first, &n);
	good = mapped(s, first, n);
	assert_int_equal(tome_map_protect(s->map, AT + first * PG, n * PG,
	    prot), good < n ? TOME_ENOMEM : TOME_OK);
	memset(s->prot + first, (int)prot, good);
}

static void
do_dontneed(struct world *w, struct space *s)
{
	unsigned first, n, good, wired = 0;
	enum tome_err err;

	roll_range(w, &first, &n);
	good = mapped(s, first, n);
	for (unsigned i = 0; i < n; i++)
		wired += s->wired[first + i];
	if (wired > 0 || good < n)
		return;
	err = tome_map_advise(s->map, AT + first * PG, n * PG,
	    TOME_ADV_DONTNEED);
	assert_int_equal(err, TOME_OK);
	memset(s->byte + first, 0, n);
}

static void
do_wire(struct world *w, struct space *s)
{
	unsigned first, n;
	bool on = roll(w, 2);
	enum tome_err err;

	roll_range(w, &first, &n);
	n = mapped(s, first, n);
	for (unsigned i = 0; i < n; i++)
		if (s->prot[first + i] == TOME_PROT_NONE)
			return;
	if (n == 0)
		return;
	err = on ? tome_map_wire(s->map, AT + first * PG, n * PG, roll(w, 2)) :
	    tome_map_unwire(s->map, AT + first * PG, n * PG);
	assert_int_equal(err, TOME_OK);
	memset(s->wired + first, on, n);
}

/* Onto a free or used place; the whole must be one mapping. */
static void
do_move(struct world *w, struct space *s)
{
	unsigned first, n, to, m;
	unsigned flags = TOME_MOVE_MAY | TOME_MOVE_FIXED;
	uint8_t byte[PAGES], prot, wired;
	enum tome_err err;
	tome_va_t va;

	roll_range(w, &first, &n);
	m = roll(w, 3) ? n : 1 + roll(w, 40);
	to = roll(w, PAGES);
	if (to + m > PAGES)
		m = PAGES - to;
	if (to < first + n && first < to + m)
		return;
	if (m == n && roll(w, 3) == 0)
		flags |= TOME_MOVE_DONTUNMAP;
	err = tome_map_move(s->map, AT + first * PG, n * PG, m * PG, flags,
	    AT + to * PG, &va);
	if (err != TOME_OK) {
		assert_int_equal(err, TOME_EFAULT);
		return;
	}
	assert_int_equal(va, AT + to * PG);
	assert_int_equal(mapped(s, first, n), n);
	memset(byte, 0, sizeof byte);
	memcpy(byte, s->byte + first, n);
	prot = s->prot[first];
	wired = s->wired[first];
	memset(s->prot + first, flags & TOME_MOVE_DONTUNMAP ? prot : NONE, n);
	memset(s->byte + first, 0, n);
	memset(s->wired + first, 0, n);
	memcpy(s->byte + to, byte, m);
	memset(s->prot + to, prot, m);
	memset(s->wired + to, wired, m);
}

static void
do_resize(struct world *w, struct space *s)
{
	unsigned first, n, m, grown;
	enum tome_err err;
	tome_va_t va;

	roll_range(w, &first, &n);
	m = 1 + roll(w, 40);
	if (first + m > PAGES || mapped(s, first, n) < n)
		return;
	err = tome_map_move(s->map, AT + first * PG, n * PG, m * PG, 0, 0,
	    &va);
	if (err != TOME_OK) {
		assert_true(m > n);
		return;
	}
	assert_int_equal(va, AT + first * PG);
	if (m < n) {
		memset(s->prot + first + m, NONE, n - m);
		memset(s->byte + first + m, 0, n - m);
		memset(s->wired + first + m, 0, n - m);
		return;
	}
	grown = first + n;
	for (unsigned i = grown; i < first + m; i++) {
		assert_int_equal(s->prot[i], NONE);
		s->prot[i] = s->prot[grown - 1];
		s->wired[i] = s->wired[grown - 1];
	}
}

static void
do_fork(struct world *w, struct space *s)
{
	struct space *by = &w->space[roll(w, SPACES)];

	if (by == s)
		return;
	if (by->map != NULL)
		tome_map_unref(by->map);
	*by = *s;
	memset(by->wired, 0, sizeof by->wired);
	assert_int_equal(tome_map_fork(s->map, &by->map), TOME_OK);
}

static void
do_poke(struct world *w, struct space *s)
{
	unsigned first = roll(w, PAGES), n = 1 + roll(w, 6);
	uint8_t byte = (uint8_t)(1 + roll(w, 255));
	size_t done;

	for (unsigned i = first; i < first + n && i < PAGES; i++) {
		enum tome_err err = tome_map_write(s->map, AT + i * PG, &byte,
		    1, false, &done);

		if (s->prot[i] == RW) {
			assert_int_equal(err, TOME_OK);
			s->byte[i] = byte;
		} else {
			assert_int_equal(err, TOME_EFAULT);
		}
	}
}

static void
compare(struct space *s)
{
	for (unsigned i = 0; i < PAGES; i++) {
		int want = s->prot[i] == NONE || s->prot[i] == 0 ? -1 :
		    s->byte[i];

		if (rig_peek(s->map, AT + i * PG) != want)
			fail_msg("page %x reads %d, not %d", i,
			    rig_peek(s->map, AT + i * PG), want);
	}
}

/* What tome_map_next() shows agrees with the pages. */
static void
compare_regions(struct space *s)
{
	struct tome_region r;
	tome_va_t at = 0, end = AT;
	unsigned i = 0;

	while (tome_map_next(s->map, &at, &r)) {
		assert_true(r.start >= end);
		for (; AT + i * PG < r.start; i++)
			assert_int_equal(s->prot[i], NONE);
		for (; AT + i * PG < r.end; i++) {
			assert_int_equal(s->prot[i], r.prot);
			assert_int_equal(s->wired[i], r.wired);
		}
		end = r.end;
	}
	for (; i < PAGES; i++)
		assert_int_equal(s->prot[i], NONE);
}

typedef void op_fn(struct world *, struct space *);

static void
step(struct world *w)
{
	static op_fn *const ops[] = { do_enter, do_enter, do_remove,
		do_protect, do_protect, do_dontneed, do_wire, do_move,
		do_move, do_resize, do_fork, do_poke, do_poke, do_poke,
		do_poke };
	struct space *s = &w->space[roll(w, SPACES)];

	if (s->map == NULL)
		s = &w->space[0];
	ops[roll(w, sizeof ops / sizeof *ops)](w, s);
	if (roll(w, 4) == 0)
		compare(s);
	compare_regions(s);
	rig_check(w->rig);
}

static void
run(struct rig *r, uint64_t seed, unsigned steps)
{
	struct world w = { .rig = r, .seed = seed };

	w.space[0].map = rig_map(r);
	memset(w.space[0].prot, NONE, PAGES);
	for (unsigned i = 0; i < steps; i++)
		step(&w);
	for (unsigned i = 0; i < SPACES; i++)
		if (w.space[i].map != NULL) {
			compare(&w.space[i]);
			tome_map_unref(w.space[i].map);
		}
}

static void
test_random(void **state)
{
	const char *from = getenv("SEED");
	uint64_t seed = from != NULL ? strtoull(from, NULL, 0) : 1;

	for (unsigned i = 0; i < 6; i++)
		run(*state, seed + i, 1500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
