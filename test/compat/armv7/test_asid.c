/*
 * test_asid.c - the ASID allocator under every schedule, to the end of its counts.
 *
 * asid.c is compiled here with a count that ends at LAST_TURN and atomic steps that are
 * points of choice. Each program's calls are done in every order of their steps with at
 * most PREEMPTIONS; of each run some order of the calls, true to when they began and ended, must give their
 * results: `false` says that nobody else had the number since, `true` that somebody had,
 * or that the count is at its end.
 */
#include <ucontext.h>

#define LAST_TURN 6u
#define ASID_LAST_TURN LAST_TURN
/* Names beside the facade's own. */
#define COMPAT_ONE_FACADE

#include <rig.h>

#include <asid_allocator.h>
#include <armv7/armv7.h>

struct armv7 armv7_vm;

static void step(void);

#undef atomic_load
#undef atomic_store
#undef atomic_compare_exchange_weak
#define atomic_load(p) (step(), *(p))
#define atomic_store(p, v) (step(), *(p) = (v))
#define atomic_compare_exchange_weak(p, seen, v) \
	(step(), atomic_compare_exchange_strong(p, seen, v))
#define __atomic_load_n(p, order) (step(), *(p))
#define __atomic_store_n(p, v, order) (step(), *(p) = (v))
#define __atomic_compare_exchange_n(p, seen, v, weak, yes, no) \
	(step(), *(p) == *(seen) ? (*(p) = (v), true) : \
	(*(seen) = *(p), false))

#include <armv7/asid.c>

#define CPUS 3
#define PREEMPTIONS 4
#define CALLS 3			/* of a CPU */
#define SPACES 3
#define CHOICES 64
#define STACK 65536
#define NOBODY (-1)

/* Spaces whose numbers the CPUs check, in turn; 0 ends: 1 is the first space. */
struct program {
	int first[8];
	int cpu[CPUS][CALLS];
};

struct call {
	int space;
	unsigned began, ended;
	bool result;
};

static struct {
	const struct program *program;
	struct ASIDDescriptor d[SPACES];
	struct call call[CPUS * CALLS];
	int calls, takes, owner;	/* takes and owner: when CPUs start */
	unsigned time;
	/* Who goes on at each point, of how many who could. */
	int chosen[CHOICES], could[CHOICES], depth;
	ucontext_t scheduler, context[CPUS];
	char stack[CPUS][STACK];
	bool done[CPUS];
	int running;			/* NOBODY: no point of choice */
} w = { .running = NOBODY };

static void
step(void)
{
	w.time++;
	if (w.running != NOBODY)
		swapcontext(&w.context[w.running], &w.scheduler);
}

static void
check(int space)
{
	struct call *c = &w.call[w.calls++];

	c->space = space;
	c->began = ++w.time;
	c->result = asid_check_and_update(&w.d[space]);
	c->ended = ++w.time;
}

static void
cpu_main(int cpu)
{
	for (int i = 0; i < CALLS && w.program->cpu[cpu][i] != 0; i++)
		check(w.program->cpu[cpu][i] - 1);
	w.done[cpu] = true;
}

/* ---- one run ---- */

/* Spaces of one number, which nobody has yet. */
static void
begin(void)
{
	armv7_asid_start();
	w.calls = w.takes = w.depth = 0;
	w.owner = NOBODY;
	for (int i = 0; i < SPACES; i++)
		w.d[i] = (struct ASIDDescriptor){ 1, 0 };
	for (int i = 0; w.program->first[i] != 0; i++) {
		int space = w.program->first[i] - 1;

		w.d[space].cache_iteration = next_turn(1);
		w.owner = space;
		w.takes++;
	}
	for (int cpu = 0; cpu < CPUS; cpu++) {
		w.done[cpu] = false;
		getcontext(&w.context[cpu]);
		w.context[cpu].uc_stack.ss_sp = w.stack[cpu];
		w.context[cpu].uc_stack.ss_size = STACK;
		w.context[cpu].uc_link = &w.scheduler;
		makecontext(&w.context[cpu], (void (*)(void))cpu_main, 1, cpu);
	}
}

/* The n-th of those who have not ended, from `cpu` on. */
static int
nth(int cpu, int n)
{
	while (w.done[cpu] || n-- > 0)
		cpu = (cpu + 1) % CPUS;
	return cpu;
}

static int
left(void)
{
	int n = 0;

	for (int cpu = 0; cpu < CPUS; cpu++)
		n += !w.done[cpu];
	return n;
}

/* By the choices that were made so far, then the first of each: to go on. */
static void
run(int known)
{
	int cpu = 0, preemptions = 0, n;

	begin();
	for (; (n = left()) > 0; w.depth++) {
		assert_true(w.depth < CHOICES);
		if (w.depth >= known)
			w.chosen[w.depth] = 0;
		w.could[w.depth] = preemptions < PREEMPTIONS ? n : 1;
		preemptions += w.chosen[w.depth] > 0;
		cpu = nth(cpu, w.chosen[w.depth]);
		w.running = cpu;
		swapcontext(&w.scheduler, &w.context[cpu]);
		w.running = NOBODY;
	}
}

/* ---- judging it ---- */

/* Two CPUs with one space at the same time are both told, that each flushes. */
static bool
told_beside(const struct call *c)
{
	for (int o = 0; o < w.calls; o++)
		if (&w.call[o] != c && w.call[o].space == c->space &&
		    w.call[o].result && w.call[o].ended >= c->began &&
		    w.call[o].began <= c->ended)
			return true;
	return false;
}

/* The calls that are not in `done` can follow, from this owner and that many turns. */
static bool
explained(unsigned done, int owner, int takes)
{
	if (done == (1u << w.calls) - 1)
		return true;
	for (int i = 0; i < w.calls; i++) {
		const struct call *c = &w.call[i];
		bool may = !(done >> i & 1);
		bool taken = takes >= (int)LAST_TURN || owner != c->space;

		for (int o = 0; o < w.calls; o++)
			may &= (done >> o & 1) || w.call[o].ended >= c->began;
		may &= c->result == taken || (c->result && told_beside(c));
		if (may && explained(done | 1u << i, c->space,
		    takes + c->result))
			return true;
	}
	return false;
}

/* Every schedule; how many there are. */
static unsigned
explore(const struct program *p)
{
	unsigned n = 0;
	int known = 0;

	w.program = p;
	do {
		run(known);
		n++;
		assert_true(explained(0, w.owner, w.takes));
		known = w.depth;
		while (known > 0 && w.chosen[known - 1] + 1 ==
		    w.could[known - 1])
			known--;
		if (known > 0)
			w.chosen[known - 1]++;
	} while (known > 0);
	return n;
}

/* ---- the programs ---- */

static void
test_schedules(void **state)
{
	static const struct program programs[] = {
		{ { 1 }, { { 2, 2 }, { 1, 1 } } },
		{ { 1 }, { { 2, 2 }, { 3, 3 } } },
		{ { 1 }, { { 2 }, { 1 }, { 1 } } },
		{ { 1 }, { { 2 }, { 3 }, { 1 } } },
		/* Two CPUs with one descriptor; a third space after them. */
		{ { 1, 2 }, { { 1, 1 }, { 1, 1 } } },
		{ { 1, 2 }, { { 1 }, { 1 }, { 2 } } },
		/* To the end of the count, and on from there. */
		{ { 1, 2, 1, 2, 1 }, { { 2, 2 }, { 1, 1 } } },
		{ { 1, 2, 1, 2, 1 }, { { 2 }, { 3 }, { 1 } } },
		{ { 1, 2, 1, 2, 1, 2 }, { { 2, 1 }, { 1, 2 } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		assert_true(explore(&programs[i]) > 10);
}

/* The numbers go round, and each has its turns, until they end. */
static void
test_end(void **state)
{
	(void)state;
	armv7_asid_start();
	for (unsigned i = 0; i < 8 * ASIDS; i++) {
		struct ASIDDescriptor d = asid_request_descriptor();
		unsigned t = i / ASIDS + 1;

		assert_int_equal(d.asid, 1 + i % ASIDS);
		assert_int_equal(d.cache_iteration, t < LAST_TURN ? t :
		    LAST_TURN);
		assert_int_equal(asid_check_and_update(&d), t >= LAST_TURN);
		assert_int_equal(tlb_everything_allocated, i + 1 >= ASIDS);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		CONTRACT_TEST("V25 V26 V27", test_schedules, NULL, NULL),
		CONTRACT_TEST("V23 V24 V26", test_end, NULL, NULL),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
