/*
 * test_lock.c - ranks are enforced; the sleeping lock sleeps and wakes.
 */
#include "support.h"

static const struct tome_range one_range[] = {
	{ 1 * MIB, 1 * MIB, TOME_RANGE_USABLE },
};

static struct support sup;
static _Atomic uint32_t word[2];

static int
setup(void **state)
{
	support_start(&sup, one_range, 1);
	word[0] = word[1] = 0;
	*state = &sup;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	support_drop(&sup);
	return 0;
}

/* Take `first` (of word 0), then `second`, the way each class is taken. */
struct pair {
	enum tome_rank first, second;
	bool trying;
};

static void
take(_Atomic uint32_t *w, enum tome_rank rank)
{
	if (rank <= TOME_RANK_FLUSH_LAST)
		tome_bit_lock(sup.vm, w, 1, rank);
	else
		tome_bit_lock_irq(sup.vm, w, 1, rank);
}

static void
take_pair(void *arg)
{
	const struct pair *p = arg;

	take(&word[0], p->first);
	if (!p->trying)
		take(&word[1], p->second);
	else if (!tome_bit_trylock(sup.vm, &word[1], 1, p->second))
		fail();
}

static void
drop_all(void)
{
	sup.vm->cpu[0].nheld = 0;
	sup.vm->cpu[0].interrupts = 0;
	word[0] = word[1] = 0;
}

static bool
rank_repeats(enum tome_rank r)
{
	return r == TOME_RANK_ENTRY || r == TOME_RANK_CHUNK ||
	    r == TOME_RANK_OBJECT || r == TOME_RANK_TABLE;
}

static void
test_order(void **state)
{
	struct pair p = { .trying = false };
	const char *why;
	unsigned a, b;

	(void)state;
	for (a = TOME_RANK_ENTRY; a < TOME_RANKS; a++) {
		for (b = TOME_RANK_ENTRY; b < TOME_RANKS; b++) {
			bool good = b > a || (a == b &&
			    rank_repeats((enum tome_rank)a));

			p.first = (enum tome_rank)a;
			p.second = (enum tome_rank)b;
			assert_int_equal(support_panics(take_pair, &p, &why),
			    !good);
			drop_all();
		}
	}
}

/* Whoever only tries cannot wait for ever: any order. */
static void
test_trying(void **state)
{
	struct pair p = { TOME_RANK_TABLE, TOME_RANK_ANON, true };
	const char *why;

	(void)state;
	assert_false(support_panics(take_pair, &p, &why));
	tome_bit_unlock(sup.vm, &word[0], 1, TOME_RANK_TABLE);
	tome_bit_unlock(sup.vm, &word[1], 1, TOME_RANK_ANON);
	assert_int_equal(sup.vm->cpu[0].nheld, 0);
	word[1] = 1;
	assert_false(tome_bit_trylock(sup.vm, &word[1], 1, TOME_RANK_ANON));
	assert_int_equal(sup.vm->cpu[0].nheld, 0);
}

static void
unlock_foreign(void *arg)
{
	(void)arg;
	tome_bit_unlock(sup.vm, &word[0], 1, TOME_RANK_ANON);
}

static void
none_from(void *arg)
{
	tome_rank_none(sup.vm, *(enum tome_rank *)arg);
}

static void
lock_mutex(void *arg)
{
	tome_mutex_lock(sup.vm, arg, TOME_RANK_MAP);
}

static void
take_in_interrupt(void *arg)
{
	tome_rank_interrupt(sup.vm, true);
	take(&word[0], *(enum tome_rank *)arg);
}

static void
test_contexts(void **state)
{
	enum tome_rank from = TOME_RANK_ENTRY, leaf = TOME_RANK_ASID;
	enum tome_rank table = TOME_RANK_TABLE, pv = TOME_RANK_PV;
	struct tome_mutex m = { 0 };
	const char *why;

	(void)state;
	word[0] = 1;
	assert_true(support_panics(unlock_foreign, NULL, &why));
	drop_all();
	take(&word[0], TOME_RANK_TABLE);
	assert_true(support_panics(none_from, &from, &why));
	assert_false(support_panics(none_from, &leaf, &why));
	assert_true(support_panics(lock_mutex, &m, &why));
	drop_all();
	take(&word[0], TOME_RANK_PV);
	assert_true(support_panics(none_from, &leaf, &why));
	drop_all();
	assert_true(support_panics(take_in_interrupt, &table, &why));
	drop_all();
	assert_false(support_panics(take_in_interrupt, &pv, &why));
	drop_all();
}

/* Hand over hand: the older one goes first. */
static void
test_release_order(void **state)
{
	(void)state;
	take(&word[0], TOME_RANK_CHUNK);
	take(&word[1], TOME_RANK_ANON);
	tome_bit_unlock(sup.vm, &word[0], 1, TOME_RANK_CHUNK);
	assert_int_equal(sup.vm->cpu[0].nheld, 1);
	assert_int_equal(sup.vm->cpu[0].held[0].rank, TOME_RANK_ANON);
	tome_bit_unlock(sup.vm, &word[1], 1, TOME_RANK_ANON);
	assert_int_equal(sup.vm->cpu[0].nheld, 0);
}

static void
test_other_bits_stay(void **state)
{
	(void)state;
	word[0] = 0xf0;
	take(&word[0], TOME_RANK_TABLE);
	assert_int_equal(word[0], 0xf1);
	tome_bit_unlock(sup.vm, &word[0], 1, TOME_RANK_TABLE);
	assert_int_equal(word[0], 0xf0);
}

/* ---- the sleeping lock ---- */

static struct tome_mutex mutex;
static unsigned waits, wakes;

/* The owner lets go while this one is on its way to sleep, then it sleeps. */
static void
wait_until_free(void *ctx, _Atomic uint32_t *w, uint32_t seen,
    uint64_t deadline)
{
	(void)ctx;
	assert_ptr_equal(w, &mutex.word);
	assert_int_equal(*w, seen);
	assert_true(deadline == TOME_FOREVER);
	if (++waits == 3)
		tome_mutex_unlock(sup.vm, &mutex, TOME_RANK_MAP);
}

static void
count_wake(void *ctx, _Atomic uint32_t *w, uint32_t n)
{
	(void)ctx;
	assert_ptr_equal(w, &mutex.word);
	assert_int_equal(n, 1);
	wakes++;
}

static void
test_mutex(void **state)
{
	(void)state;
	waits = wakes = 0;
	sup.host.wait = wait_until_free;
	sup.host.wake = count_wake;
	tome_mutex_lock(sup.vm, &mutex, TOME_RANK_MAP);
	tome_mutex_unlock(sup.vm, &mutex, TOME_RANK_MAP);
	assert_int_equal(waits + wakes, 0);
	tome_mutex_lock(sup.vm, &mutex, TOME_RANK_MAP);
	tome_mutex_lock(sup.vm, &mutex, TOME_RANK_MAP);	/* a second thread's */
	assert_int_equal(waits, 3);
	assert_int_equal(wakes, 1);
	/* Others may sleep: whoever slept must wake on unlock. */
	tome_mutex_unlock(sup.vm, &mutex, TOME_RANK_MAP);
	assert_int_equal(wakes, 2);
	assert_int_equal(mutex.word, 0);
}

static void
unlock_free(void *arg)
{
	(void)arg;
	tome_mutex_unlock(sup.vm, &mutex, TOME_RANK_MAP);
}

static void
test_mutex_unlock_free(void **state)
{
	const char *why;

	(void)state;
	assert_true(support_panics(unlock_free, NULL, &why));
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_order),
		T(test_trying),
		T(test_contexts),
		T(test_release_order),
		T(test_other_bits_stay),
		T(test_mutex),
		T(test_mutex_unlock_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
