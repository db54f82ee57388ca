/*
 * test_sched.c - the deterministic scheduler: it finds races that need a number
 * of preemptions, and no others; deadlock, livelock and panics; replay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tables.h"

struct world {
	struct hosted_machine *m;
	_Atomic uint32_t a, b, c, lock;
};

static void *
setup(struct hosted_machine *m)
{
	struct world *w = calloc(1, sizeof *w);

	w->m = m;
	return w;
}

static void
teardown(void *state, bool failed)
{
	(void)failed;
	free(state);
}

static uint32_t
load(_Atomic uint32_t *p)
{
	tome_host_point();
	return atomic_load(p);
}

static void
store(_Atomic uint32_t *p, uint32_t v)
{
	tome_host_point();
	atomic_store(p, v);
}

/* ---- one preemption: a lost update ---- */

static void
increment(void *state)
{
	struct world *w = state;

	store(&w->a, load(&w->a) + 1);
}

static const char *
two_increments(void *state)
{
	struct world *w = state;

	return w->a == 2 ? NULL : "an update was lost";
}

static struct hosted_program
program(void (*one)(void *), void (*two)(void *),
    const char *(*judge)(void *))
{
	return (struct hosted_program){ .name = "test", .nthreads = 2,
		.setup = setup, .body = { one, two }, .judge = judge,
		.teardown = teardown };
}

static void
test_lost_update(void **state)
{
	struct hosted_program p = program(increment, increment,
	    two_increments);
	struct hosted_explored out, again;

	(void)state;
	assert_true(hosted_explore(&p, 0, 0, &out));
	assert_int_equal(out.runs, 2);
	assert_false(hosted_explore(&p, 1, 0, &out));
	assert_string_equal(out.why, "an update was lost");
	assert_false(hosted_replay(&p, out.schedule, &again));
	assert_string_equal(again.why, out.why);
	assert_true(hosted_replay(&p, 0, &again));
}

/* ---- two preemptions: a sees an intermediate state of b and acts on it ---- */

static void
flicker(void *state)
{
	struct world *w = state;

	store(&w->a, 1);
	store(&w->a, 0);
	store(&w->b, 1);
}

static void
observe(void *state)
{
	struct world *w = state;

	if (load(&w->a) == 1 && load(&w->b) == 1)
		store(&w->c, 1);
}

static const char *
never_both(void *state)
{
	struct world *w = state;

	return w->c == 0 ? NULL : "saw both";
}

static void
test_two_preemptions(void **state)
{
	struct hosted_program p = program(flicker, observe, never_both);
	struct hosted_explored out;

	(void)state;
	assert_true(hosted_explore(&p, 1, 0, &out));
	assert_true(out.complete);
	assert_false(hosted_explore(&p, 2, 0, &out));
}

/* ---- locks: spinning gives way; a right lock has no failing schedule ---- */

static void
locked_increment(void *state)
{
	struct world *w = state;

	for (;;) {
		uint32_t free = 0;

		tome_host_point();
		if (atomic_compare_exchange_strong(&w->lock, &free, 1))
			break;
		tome_host_relax();
	}
	increment(state);
	store(&w->lock, 0);
}

static void
test_a_lock_holds(void **state)
{
	struct hosted_program p = program(locked_increment, locked_increment,
	    two_increments);
	struct hosted_explored out;

	(void)state;
	assert_true(hosted_explore(&p, 2, 0, &out));
	assert_true(out.complete);
	assert_true(out.runs > 20);
	/* A sample is said to be one. */
	assert_true(hosted_explore(&p, 2, 5, &out));
	assert_false(out.complete);
}

/* ---- sleeping ---- */

static void
sleeper(void *state)
{
	struct world *w = state;
	struct tome_host *h = hosted_host(w->m);

	while (load(&w->a) == 0)
		h->wait(w->m, &w->a, 0, TOME_FOREVER);
}

static void
rouser(void *state)
{
	struct world *w = state;

	store(&w->a, 1);
	hosted_host(w->m)->wake(w->m, &w->a, 1);
}

static void
forgetful(void *state)
{
	struct world *w = state;

	store(&w->a, 1);
}

static void
test_sleep_and_deadlock(void **state)
{
	struct hosted_program good = program(sleeper, rouser, NULL);
	struct hosted_program bad = program(sleeper, forgetful, NULL);
	struct hosted_explored out;

	(void)state;
	assert_true(hosted_explore(&good, 2, 0, &out));
	assert_false(hosted_explore(&bad, 2, 0, &out));
	assert_non_null(strstr(out.why, "deadlock"));
}

static void
patient(void *state)
{
	struct world *w = state;
	struct tome_host *h = hosted_host(w->m);
	uint64_t until = h->clock_ns(w->m) + 1000000;

	while (h->clock_ns(w->m) < until)
		h->wait(w->m, &w->b, 0, until);
	store(&w->a, load(&w->a) + 2);
}

static void
nothing(void *state)
{
	(void)state;
}

static void
test_deadlines_pass(void **state)
{
	struct hosted_program p = program(patient, nothing, two_increments);
	struct hosted_explored out;

	(void)state;
	assert_true(hosted_explore(&p, 1, 0, &out));
}

static void
spin_for_ever(void *state)
{
	struct world *w = state;

	while (load(&w->b) == 0)
		tome_host_relax();
}

static void
test_livelock(void **state)
{
	struct hosted_program p = program(spin_for_ever, nothing, NULL);
	struct hosted_explored out;

	(void)state;
	assert_false(hosted_explore(&p, 0, 0, &out));
	assert_non_null(strstr(out.why, "livelock"));
}

/* ---- panics end the run of every thread ---- */

static void
panics_on_one(void *state)
{
	struct world *w = state;

	if (load(&w->a) == 1 && load(&w->b) == 0)
		hosted_host(w->m)->panic(w->m, "half published");
}

static void
publishes(void *state)
{
	struct world *w = state;

	store(&w->a, 1);
	store(&w->b, 1);
}

static void
test_panic(void **state)
{
	struct hosted_program p = program(publishes, panics_on_one, NULL);
	struct hosted_explored out;

	(void)state;
	assert_true(hosted_explore(&p, 0, 0, &out));
	assert_false(hosted_explore(&p, 1, 0, &out));
	assert_non_null(strstr(out.why, "half published"));
}

/* ---- IPIs: served at points, for sleepers, with interrupts on only ---- */

static struct world *interrupted;
static void
acknowledge(struct tome_vm *vm)
{
	(void)vm;
	atomic_fetch_add(&interrupted->c, 1);
}

static void *
setup_ipi(struct hosted_machine *m)
{
	static int instance;

	interrupted = setup(m);
	hosted_attach(m, (struct tome_vm *)(void *)&instance, acknowledge,
	    NULL);
	return interrupted;
}

static void
round_trip(void *state)
{
	struct world *w = state;

	tome_host_preempt_off();
	hosted_host(w->m)->ipi(w->m, 1);
	while (load(&w->c) == 0)
		tome_host_relax();
	tome_host_preempt_on();
	rouser(state);
}

static void
busy_then_asleep(void *state)
{
	struct world *w = state;
	uintptr_t irq = tome_host_irq_save();
	uint32_t before = load(&w->c);

	store(&w->b, 1);
	if (load(&w->c) != before)
		hosted_host(w->m)->panic(w->m, "interrupted while off");
	tome_host_irq_restore(irq);
	sleeper(state);
}

static void
test_ipis(void **state)
{
	struct hosted_program p = program(round_trip, busy_then_asleep, NULL);
	struct hosted_explored out;

	(void)state;
	p.setup = setup_ipi;
	assert_true(hosted_explore(&p, 2, 0, &out));
	p.config.modes = HOSTED_DELAY_ACKS;
	assert_true(hosted_explore(&p, 2, 0, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_update),
		cmocka_unit_test(test_two_preemptions),
		cmocka_unit_test(test_a_lock_holds),
		cmocka_unit_test(test_sleep_and_deadlock),
		cmocka_unit_test(test_deadlines_pass),
		cmocka_unit_test(test_livelock),
		cmocka_unit_test(test_panic),
		cmocka_unit_test(test_ipis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
