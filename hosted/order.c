/*
 * order.c - what barriers wait for, on CPUs whose stores, flushes and registers take
 * effect when they are told to and no earlier (the Arm architectures).
 *
 * A flush is done on other CPUs at the next DSB of who asked for it, and on its own
 * at the ISB after that; an entry stored is seen by other walkers from the DSB on, and
 * by its own CPU's from the ISB. Code is cleaned, then dropped, likewise. In truth it may all be earlier: a test that passes
 * here does not rely on it.
 */
#include "hosted_i.h"

#define ORDERS 96

static _Thread_local struct {
	struct hosted_flush flush;
	bool all, waited;
} order[ORDERS];
static _Thread_local unsigned norders;

/* A frame's code on its way from the data cache to the fetches. */
static _Thread_local struct {
	tome_pa_t frame;
	enum { AT_REST, CLEANED, IN_MEMORY, DROPPED, ELSEWHERE } step;
} code;

static void code_dsb(struct hosted_cpu *);
static void code_isb(struct hosted_cpu *);

void
hosted_order(struct hosted_cpu *c, const struct hosted_flush *f, bool all)
{
	/* A store that comes after it: what it drops is read again before that. */
	if (hosted_stores_wait(c))
		return;
	if (norders == ORDERS)
		hosted_machine_check(c, "too many TLB operations, no barrier");
	order[norders].flush = *f;
	order[norders].waited = false;
	order[norders++].all = all;
}

/* `coherent`: walks read the data caches; else only what was cleaned arrives. */
void
hosted_dsb(struct hosted_cpu *c, bool coherent)
{
	unsigned i, cpu;

	hosted_stores_arrive(c, coherent);
	for (i = 0; i < norders; i++) {
		for (cpu = 0; order[i].all && !order[i].waited &&
		    cpu < c->m->ncpus; cpu++)
			if (cpu != c->core.id)
				hosted_flush(&c->m->cpu[cpu], &order[i].flush);
		order[i].waited = true;
	}
	code_dsb(c);
}

void
hosted_isb(struct hosted_cpu *c)
{
	unsigned i, left = 0;

	hosted_stores_seen(c);
	for (i = 0; i < norders; i++)
		if (order[i].waited)
			hosted_flush(c, &order[i].flush);
		else
			order[left++] = order[i];
	norders = left;
	code_isb(c);
}

/* ---- code ---- */

static bool
whole_frame(const void *at, size_t len, tome_pa_t *frame)
{
	return len == TOME_PAGE_SIZE &&
	    hosted_pointer_pa(hosted_this()->m, at, frame) &&
	    (*frame & TOME_PAGE_MASK) == 0;
}

void
hosted_code_clean(const void *at, size_t len)
{
	if (whole_frame(at, len, &code.frame))
		code.step = CLEANED;
}

/* What is dropped too early is fetched again as it was. */
void
hosted_code_drop(const void *at, size_t len)
{
	tome_pa_t frame;

	if (whole_frame(at, len, &frame) && frame == code.frame &&
	    code.step == IN_MEMORY)
		code.step = DROPPED;
}

static void
code_dsb(struct hosted_cpu *c)
{
	unsigned cpu;

	if (code.step == CLEANED)
		code.step = IN_MEMORY;
	if (code.step != DROPPED)
		return;
	for (cpu = 0; cpu < c->m->ncpus; cpu++)
		if (cpu != c->core.id)
			hosted_sync_icache_of(&c->m->cpu[cpu], code.frame);
	code.step = ELSEWHERE;
}

static void
code_isb(struct hosted_cpu *c)
{
	if (code.step != ELSEWHERE)
		return;
	hosted_sync_icache_of(c, code.frame);
	code.step = AT_REST;
}
