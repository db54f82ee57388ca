/*
 * sched.c - the deterministic scheduler: one thread at a time, a schedule is an
 * integer.
 *
 * A thread keeps the turn until it reaches the point where the schedule takes it
 * away, spins (then the next thread runs), waits, or ends. The integer holds the
 * thread that starts and up to two preemptions: after how many points, and to
 * which of the others. Everything else follows, since seed, clock and addresses
 * of frames are the same in every run.
 *
 *   bits 0-3 first thread; 4-27 and 28-31 first preemption's point (0: none) and
 *   target; 32-55 and 56-59 the second's.
 *
 * Exploring: the run without preemption has N points; one run for each of them,
 * each of which has points of its own for a second preemption (Musuvathi and
 * Qadeer, PLDI 2007, from whom the bound is).
 *
 * Invariant: between start and end, the thread whose index is `turn` runs and
 * every other sleeps on its condition variable.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hosted_i.h"

#define LIMIT 400000		/* points and spins in a run: beyond is livelock */
#define NOBODY HOSTED_MAX_THREADS

enum state { READY, BLOCKED, DONE };

struct preemption {
	unsigned point, target;
};

struct thread {
	struct hosted_sched *s;
	unsigned id;
	pthread_t thread;
	pthread_cond_t go;
	enum state state;
	_Atomic uint32_t *word;		/* BLOCKED on it */
	uint64_t until;
	sigjmp_buf out;
};

struct hosted_sched {
	const struct hosted_program *p;
	struct hosted_machine *m;
	void *state;
	struct preemption at[2];
	unsigned npassed;		/* preemptions behind us */
	unsigned points, spins;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned turn;
	bool abandoned;
	char why[256];
	struct thread thread[HOSTED_MAX_THREADS];
};

/* ---- the turn ---- */

static unsigned
next_ready(const struct hosted_sched *s, unsigned after)
{
	unsigned n = s->p->nthreads;
	unsigned i;

	for (i = 1; i <= n; i++)
		if (s->thread[(after + i) % n].state == READY)
			return (after + i) % n;
	return NOBODY;
}

/* Give the turn away and, unless done, sleep until it comes back. */
static void
pass_turn(struct hosted_sched *s, unsigned to)
{
	struct thread *me = &s->thread[s->turn];

	pthread_mutex_lock(&s->lock);
	s->turn = to;
	pthread_cond_signal(to == NOBODY ? &s->ended : &s->thread[to].go);
	while (me->state != DONE && s->turn != me->id)
		pthread_cond_wait(&me->go, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (s->abandoned && me->state != DONE)
		siglongjmp(me->out, 1);
}

static _Noreturn void
abandon(struct hosted_sched *s, const char *why)
{
	if (!s->abandoned)
		snprintf(s->why, sizeof s->why, "thread %u: %s", s->turn, why);
	s->abandoned = true;
	siglongjmp(s->thread[s->turn].out, 1);
}

void
hosted_sched_panic(struct hosted_cpu *c, const char *why)
{
	if (c->core.scheduled && c->m->sched != NULL)
		abandon(c->m->sched, why);
}

/* The nth ready thread after the one whose turn it is. */
static unsigned
nth_other(const struct hosted_sched *s, unsigned nth)
{
	unsigned to = s->turn;

	do {
		to = next_ready(s, to);
		if (to == NOBODY || to == s->turn)
			return NOBODY;
	} while (nth-- > 0);
	return to;
}

void
hosted_sched_point(struct hosted_cpu *c)
{
	struct hosted_sched *s = c->m->sched;
	const struct preemption *at = &s->at[s->npassed];
	unsigned to;

	if (++s->points + s->spins > LIMIT)
		abandon(s, "livelock");
	if (s->npassed == 2 || at->point != s->points)
		return;
	s->npassed++;
	to = nth_other(s, at->target);
	if (to != NOBODY)
		pass_turn(s, to);
}

/* A spin waits for somebody else: let the next one run. */
void
hosted_sched_relax(struct hosted_machine *m)
{
	struct hosted_sched *s = m->sched;
	unsigned to = next_ready(s, s->turn);

	if (s->points + ++s->spins > LIMIT)
		abandon(s, "livelock");
	if (to != s->turn)
		pass_turn(s, to);
}

/* ---- waiting ---- */

static bool
is_due(const struct hosted_sched *s, const struct thread *t)
{
	return t->state == BLOCKED && t->until != TOME_FOREVER &&
	    t->until <= atomic_load(&s->m->clock);
}

/* Nobody can run: let time pass to the next deadline. False: there is none. */
static bool
pass_time(struct hosted_sched *s)
{
	uint64_t soonest = TOME_FOREVER;
	unsigned i;

	for (i = 0; i < s->p->nthreads; i++)
		if (s->thread[i].state == BLOCKED &&
		    s->thread[i].until < soonest)
			soonest = s->thread[i].until;
	if (soonest == TOME_FOREVER)
		return false;
	atomic_store(&s->m->clock, soonest);
	for (i = 0; i < s->p->nthreads; i++)
		if (is_due(s, &s->thread[i]))
			s->thread[i].state = READY;
	return true;
}

/* The thread's own CPU idles (and serves IPIs through others) meanwhile. */
void
hosted_sched_wait(struct hosted_cpu *c, _Atomic uint32_t *word, uint32_t seen,
    uint64_t until)
{
	struct hosted_sched *s = c->m->sched;
	struct thread *me = &s->thread[s->turn];
	unsigned to;

	hosted_sched_point(c);
	if (atomic_load(word) != seen)
		return;
	me->state = BLOCKED;
	me->word = word;
	me->until = until;
	hosted_leave_cpu(c);
	to = next_ready(s, s->turn);
	if (to == NOBODY && pass_time(s))
		to = next_ready(s, s->turn);
	if (to == NOBODY) {
		hosted_self = &c->core;
		abandon(s, "deadlock");
	}
	if (to != me->id)
		pass_turn(s, to);
	hosted_take_cpu(c);
}

void
hosted_sched_wake(struct hosted_machine *m, _Atomic uint32_t *word, uint32_t n)
{
	struct hosted_sched *s = m->sched;
	unsigned i;

	for (i = 0; i < s->p->nthreads && n > 0; i++)
		if (s->thread[i].state == BLOCKED &&
		    s->thread[i].word == word) {
			s->thread[i].state = READY;
			n--;
		}
}

/* ---- one run ---- */

/* Who runs when `me` has ended; NOBODY: all have. */
static unsigned
successor(struct hosted_sched *s, unsigned me)
{
	unsigned to = next_ready(s, me);
	unsigned i;

	if (to == NOBODY && !s->abandoned && pass_time(s))
		to = next_ready(s, me);
	for (i = 0; to == NOBODY && i < s->p->nthreads; i++)
		if (s->thread[i].state == BLOCKED) {
			if (!s->abandoned)
				snprintf(s->why, sizeof s->why,
				    "deadlock: thread %u waits for ever", i);
			/* It runs only to get out. */
			s->abandoned = true;
			s->thread[i].state = READY;
			to = i;
		}
	return to;
}

static void *
thread_main(void *arg)
{
	struct thread *me = arg;
	struct hosted_sched *s = me->s;

	pthread_mutex_lock(&s->lock);
	while (s->turn != me->id)
		pthread_cond_wait(&me->go, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (!s->abandoned && sigsetjmp(me->out, 1) == 0) {
		hosted_become(s->m, me->id);
		s->p->body[me->id](s->state);
	}
	/* After a panic this may be a borrowed CPU: be our own again. */
	if (s->abandoned)
		hosted_self = NULL;
	hosted_become(NULL, 0);
	me->state = DONE;
	pass_turn(s, successor(s, me->id));
	return NULL;
}

static void
set_scheduled(struct hosted_machine *m, bool on)
{
	unsigned i;

	for (i = 0; i < m->ncpus; i++) {
		m->cpu[i].core.scheduled = on;
		atomic_store(&m->cpu[i].owner, HOSTED_IDLE);
	}
}

static void
run_threads(struct hosted_sched *s, unsigned first)
{
	unsigned i;

	hosted_become(NULL, 0);
	set_scheduled(s->m, true);
	s->m->sched = s;
	s->turn = NOBODY;
	for (i = 0; i < s->p->nthreads; i++) {
		struct thread *t = &s->thread[i];

		t->s = s;
		t->id = i;
		pthread_cond_init(&t->go, NULL);
		if (pthread_create(&t->thread, NULL, thread_main, t) != 0)
			abort();
	}
	pthread_mutex_lock(&s->lock);
	s->turn = first;
	pthread_cond_signal(&s->thread[first].go);
	while (s->turn != NOBODY)
		pthread_cond_wait(&s->ended, &s->lock);
	pthread_mutex_unlock(&s->lock);
	for (i = 0; i < s->p->nthreads; i++) {
		pthread_join(s->thread[i].thread, NULL);
		pthread_cond_destroy(&s->thread[i].go);
	}
	s->m->sched = NULL;
	set_scheduled(s->m, false);
	hosted_become(s->m, 0);
}

static void
judge_run(struct hosted_sched *s)
{
	enum hosted_kind kind;
	const char *wrong;

	if (!s->abandoned) {
		hosted_settle(s->m);
		wrong = s->p->judge == NULL ? NULL : s->p->judge(s->state);
		if (wrong != NULL)
			snprintf(s->why, sizeof s->why, "%s", wrong);
	}
	/* A violation explains more than what it led to. */
	(void)hosted_take_violation(s->m, &kind, s->why, sizeof s->why);
}

static struct hosted_config
run_config(const struct hosted_program *p)
{
	struct hosted_config config = p->config;

	if (config.ncpus < p->nthreads)
		config.ncpus = p->nthreads;
	config.virtual_clock = true;
	if (config.nranges == 0) {
		config.ranges[0].base = 0x100000;
		config.ranges[0].len = (tome_pa_t)(config.ram == 0 ?
		    (uint64_t)4 << 20 : config.ram);
		config.ranges[0].kind = TOME_RANGE_USABLE;
		config.nranges = 1;
	}
	return config;
}

/* The points it had; out says whether it failed. */
static unsigned
run(const struct hosted_program *p, uint64_t schedule,
    struct hosted_explored *out)
{
	struct hosted_config config = run_config(p);
	struct hosted_sched s = { .p = p };
	struct hosted_machine *was = hosted_current();
	unsigned was_cpu = tome_host_cpu();

	s.at[0] = (struct preemption){ schedule >> 4 & 0xffffff,
		schedule >> 28 & 15 };
	s.at[1] = (struct preemption){ schedule >> 32 & 0xffffff,
		schedule >> 56 & 15 };
	pthread_mutex_init(&s.lock, NULL);
	pthread_cond_init(&s.ended, NULL);
	hosted_become(NULL, 0);
	s.m = hosted_create(&config);
	if (s.m == NULL)
		abort();
	s.state = p->setup(s.m);
	run_threads(&s, schedule & 15);
	judge_run(&s);
	p->teardown(s.state, s.abandoned);
	hosted_destroy(s.m);
	hosted_become(was, was_cpu);
	pthread_cond_destroy(&s.ended);
	pthread_mutex_destroy(&s.lock);
	out->runs++;
	if (s.points > out->points)
		out->points = s.points;
	if (s.why[0] != '\0' && !out->failed) {
		out->failed = true;
		out->schedule = schedule;
		snprintf(out->why, sizeof out->why, "%s", s.why);
	}
	return s.points;
}

/* ---- all of them ---- */

struct search {
	const struct hosted_program *p;
	struct hosted_explored *out;
	uint64_t sample;	/* one in so many of the pairs */
};

static uint64_t
with(uint64_t schedule, unsigned nth, unsigned point, unsigned target)
{
	return schedule | (uint64_t)point << (nth == 0 ? 4 : 32) |
	    (uint64_t)target << (nth == 0 ? 28 : 56);
}

static bool
chosen(const struct search *s, uint64_t schedule)
{
	return s->sample <= 1 || hosted_mix(schedule) % s->sample == 0;
}

/* Every second preemption of `one`, which alone has this many points. */
static void
place_second(const struct search *s, uint64_t one, unsigned after,
    unsigned points)
{
	unsigned point, target;

	for (point = after + 1; point <= points; point++)
		for (target = 0; target + 1 < s->p->nthreads; target++) {
			uint64_t two = with(one, 1, point, target);

			if (s->out->failed)
				return;
			if (chosen(s, two))
				run(s->p, two, s->out);
		}
}

static void
place_first(const struct search *s, uint64_t base, unsigned points,
    unsigned preemptions)
{
	unsigned point, target, n;

	for (point = 1; point <= points; point++)
		for (target = 0; target + 1 < s->p->nthreads; target++) {
			uint64_t one = with(base, 0, point, target);

			if (s->out->failed)
				return;
			n = run(s->p, one, s->out);
			if (preemptions > 1)
				place_second(s, one, point, n);
		}
}

/* About how many runs with two preemptions there are. */
static uint64_t
pairs(const struct hosted_program *p, unsigned points)
{
	uint64_t others = p->nthreads - 1;

	return p->nthreads * others * others * points / 2 * points;
}

bool
hosted_explore(const struct hosted_program *p, unsigned preemptions,
    uint64_t max_runs, struct hosted_explored *out)
{
	struct search s = { .p = p, .out = out, .sample = 1 };
	unsigned first, points;

	*out = (struct hosted_explored){ .complete = true };
	for (first = 0; first < p->nthreads && !out->failed; first++) {
		points = run(p, first, out);
		if (preemptions == 2 && max_runs != 0 &&
		    pairs(p, points) > max_runs) {
			s.sample = pairs(p, points) / max_runs + 1;
			out->complete = false;
		}
		if (preemptions > 0 && !out->failed)
			place_first(&s, first, points, preemptions);
	}
	return !out->failed;
}

bool
hosted_replay(const struct hosted_program *p, uint64_t schedule,
    struct hosted_explored *out)
{
	*out = (struct hosted_explored){ .complete = true };
	run(p, schedule, out);
	return !out->failed;
}
