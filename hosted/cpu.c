/*
 * cpu.c - CPUs: who runs as them, IPIs, waiting and waking.
 *
 * A CPU is idle, run by a thread, or borrowed. An IPI is a flag; the CPU's own
 * thread serves it at a poll when its interrupts are on. An idle CPU's is served
 * by whoever polls next, borrowing it: so one thread can play every CPU in turn
 * and still see each IPI served by the right one.
 *
 * Invariant: only the thread that owns (or borrowed) a CPU touches its core.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hosted_i.h"

_Thread_local struct hosted_core *hosted_self;

static void serve_idle(struct hosted_machine *);

/* ---- small locks ---- */

void
hosted_lock(struct hosted_spin *s)
{
	while (atomic_exchange_explicit(&s->word, 1, memory_order_acquire) != 0)
		sched_yield();
}

void
hosted_unlock(struct hosted_spin *s)
{
	atomic_store_explicit(&s->word, 0, memory_order_release);
}

/* ---- who runs ---- */

struct hosted_cpu *
hosted_this(void)
{
	if (hosted_self == NULL) {
		fprintf(stderr, "hosted: this thread is no CPU\n");
		abort();
	}
	return hosted_cpu();
}

struct hosted_machine *
hosted_current(void)
{
	return hosted_self == NULL ? NULL : hosted_cpu()->m;
}

bool
hosted_cpu_mode(struct hosted_cpu *c, unsigned mode)
{
	return hosted_mode(c->m, mode);
}

unsigned
hosted_cpu_kind(struct hosted_cpu *c)
{
	return c->m->config.cpu;
}

_Atomic uint64_t *
hosted_reg(struct hosted_cpu *c, unsigned i)
{
	return &c->reg[i];
}

void
hosted_reg_set(struct hosted_cpu *c, unsigned i, uint64_t v)
{
	hosted_lock(&c->tlb_lock);
	atomic_store(&c->reg[i], v);
	hosted_unlock(&c->tlb_lock);
}

void
hosted_machine_check(struct hosted_cpu *c, const char *why)
{
	hosted_panic(c->m, why);
}

static bool
try_own(struct hosted_cpu *c, enum hosted_owner as)
{
	uint32_t idle = HOSTED_IDLE;

	return atomic_compare_exchange_strong(&c->owner, &idle, as);
}

void
hosted_take_cpu(struct hosted_cpu *c)
{
	while (!try_own(c, HOSTED_RUNNING))
		if (c->m->sched != NULL)
			hosted_sched_relax(c->m);
		else
			sched_yield();
	hosted_self = &c->core;
}

void
hosted_leave_cpu(struct hosted_cpu *c)
{
	hosted_self = NULL;
	atomic_store(&c->owner, HOSTED_IDLE);
}

void
hosted_become(struct hosted_machine *m, unsigned cpu)
{
	if (hosted_self != NULL)
		hosted_leave_cpu(hosted_cpu());
	if (m == NULL)
		return;
	hosted_take_cpu(&m->cpu[cpu]);
	hosted_poll();
}

static void *
job_main(void *arg)
{
	struct hosted_job *job = arg;

	hosted_become(job->m, job->cpu);
	job->fn(job->arg);
	hosted_become(NULL, 0);
	return NULL;
}

void
hosted_start(struct hosted_machine *m, unsigned cpu, void (*fn)(void *arg),
    void *arg)
{
	struct hosted_job *job = calloc(1, sizeof *job);

	if (job == NULL)
		abort();
	*job = (struct hosted_job){ .next = m->jobs, .m = m, .cpu = cpu,
		.fn = fn, .arg = arg };
	m->jobs = job;
	if (pthread_create(&job->thread, NULL, job_main, job) != 0)
		abort();
}

void
hosted_join(struct hosted_machine *m)
{
	struct hosted_job *job;

	hosted_idle_begin();
	while ((job = m->jobs) != NULL) {
		pthread_join(job->thread, NULL);
		m->jobs = job->next;
		free(job);
	}
	hosted_idle_end();
}

/* What the thread was, while its CPU idles. */
static _Thread_local struct hosted_cpu *idled;

void
hosted_idle_begin(void)
{
	idled = hosted_cpu();
	if (idled != NULL)
		hosted_leave_cpu(idled);
}

void
hosted_idle_end(void)
{
	if (idled != NULL)
		hosted_take_cpu(idled);
	idled = NULL;
	hosted_poll();
}

/* ---- interrupts ---- */

void
hosted_ipi(void *ctx, unsigned cpu)
{
	struct hosted_machine *m = ctx;
	struct hosted_cpu *to = &m->cpu[cpu];

	HOSTED_COUNT(m, ipis);
	if (hosted_mode(m, HOSTED_DELAY_ACKS))
		atomic_store(&to->delay, hosted_roll(to, 64));
	atomic_store(&to->core.attention, 1);
	serve_idle(m);
}

/* As CPU c, its interrupts on: one interrupt, if one waits. */
static void
interrupt(struct hosted_cpu *c)
{
	struct hosted_machine *m = c->m;

	if (atomic_load(&c->delay) != 0) {
		atomic_fetch_sub(&c->delay, 1);
		return;
	}
	if (m->vm == NULL || atomic_exchange(&c->core.attention, 0) == 0)
		return;
	c->core.irq_off = 1;
	m->interrupt(m->vm);
	c->core.irq_off = 0;
	HOSTED_COUNT(m, served);
}

/* An idle CPU sits in its idle loop with interrupts on. */
static void
serve_idle(struct hosted_machine *m)
{
	struct hosted_core *me = hosted_self;
	unsigned i;

	for (i = 0; i < m->ncpus; i++) {
		struct hosted_cpu *c = &m->cpu[i];

		if (atomic_load(&c->core.attention) == 0 ||
		    !try_own(c, HOSTED_BORROWED))
			continue;
		hosted_self = &c->core;
		interrupt(c);
		hosted_self = me;
		atomic_store(&c->owner, HOSTED_IDLE);
	}
}

void
hosted_serve(struct hosted_cpu *c)
{
	if (c->core.irq_off == 0 && atomic_load(&c->core.attention) != 0)
		interrupt(c);
}

void
hosted_irq_opened(void)
{
	hosted_serve(hosted_this());
}

void
hosted_point(void)
{
	struct hosted_cpu *c = hosted_cpu();

	hosted_serve(c);
	if (c->core.scheduled)
		hosted_sched_point(c);
}

void
hosted_relax(void)
{
	struct hosted_cpu *c = hosted_cpu();

	if (c == NULL) {
		sched_yield();
		return;
	}
	hosted_serve(c);
	serve_idle(c->m);
	if (c->core.scheduled)
		hosted_sched_relax(c->m);
	else
		sched_yield();
}

void
hosted_poll(void)
{
	if (hosted_self != NULL)
		hosted_serve(hosted_cpu());
}

static bool
any_waits(struct hosted_machine *m)
{
	unsigned i;

	for (i = 0; i < m->ncpus; i++)
		if (atomic_load(&m->cpu[i].core.attention) != 0)
			return true;
	return false;
}

void
hosted_settle(struct hosted_machine *m)
{
	while (m->vm != NULL && any_waits(m))
		hosted_relax();
}

/* ---- sleeping ---- */

static void
deadline_to(struct timespec *ts, uint64_t until)
{
	/* The condition variable's clock is the wall's: add what remains. */
	struct timespec now, wall;
	uint64_t t;

	clock_gettime(CLOCK_MONOTONIC, &now);
	clock_gettime(CLOCK_REALTIME, &wall);
	t = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	t = until > t ? until - t : 0;
	t += (uint64_t)wall.tv_nsec;
	ts->tv_sec = wall.tv_sec + (time_t)(t / 1000000000u);
	ts->tv_nsec = (long)(t % 1000000000u);
}

/* Under m->sleep: until woken, once. The caller's caller looks again. */
static void
sleep_once(struct hosted_machine *m, uint64_t until)
{
	struct timespec ts;

	if (until == TOME_FOREVER || m->config.virtual_clock) {
		pthread_cond_wait(&m->woken, &m->sleep);
		return;
	}
	deadline_to(&ts, until);
	pthread_cond_timedwait(&m->woken, &m->sleep, &ts);
}

void
hosted_wait(void *ctx, _Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	struct hosted_machine *m = ctx;
	struct hosted_cpu *c = hosted_cpu();

	if (c != NULL && (c->core.preempt_off != 0 || c->core.irq_off != 0))
		hosted_panic(m, "sleeps with preemption or interrupts off");
	if (c != NULL && c->core.scheduled) {
		hosted_sched_wait(c, word, seen, until);
		return;
	}
	hosted_idle_begin();
	pthread_mutex_lock(&m->sleep);
	if (atomic_load(word) == seen && hosted_clock(m) < until)
		sleep_once(m, until);
	pthread_mutex_unlock(&m->sleep);
	hosted_idle_end();
}

/* Sleepers are few and look at their own word: wake them all. */
void
hosted_wake(void *ctx, _Atomic uint32_t *word, uint32_t n)
{
	struct hosted_machine *m = ctx;

	if (m->sched != NULL) {
		hosted_sched_wake(m, word, n);
		return;
	}
	pthread_mutex_lock(&m->sleep);
	pthread_cond_broadcast(&m->woken);
	pthread_mutex_unlock(&m->sleep);
}
