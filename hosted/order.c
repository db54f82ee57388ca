/*
 * order.c - what barriers wait for, on CPUs whose stores, flushes and registers take
 * effect when they are told to and no earlier (the Arm architectures).
 *
 * A flush is done on other CPUs at the next DSB of who asked for it, and on its own
 * at the ISB after that; an entry stored is seen by other walkers from the DSB on, and
 * by its own CPU's from the ISB. In truth it may all be earlier: a test that passes
 * here does not rely on it.
 */
#include "hosted_i.h"

#define ORDERS 96

static _Thread_local struct {
	struct hosted_flush flush;
	bool all, waited;
} order[ORDERS];
static _Thread_local unsigned norders;

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
}
