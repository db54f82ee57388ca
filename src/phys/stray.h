/*
 * stray.h - frames that nobody names any more, but some CPU may still translate to,
 * or look at: they wait for an epoch (invariant 5, F14).
 *
 * Chained by the index they no longer need: one chain waits while the next is filled.
 * Nothing is allocated, and any number of frames is one thing to the epoch.
 */
#ifndef TOME_PHYS_STRAY_H
#define TOME_PHYS_STRAY_H

#include <phys/page.h>

struct tome_strays {
	struct tome_spin lock;			/* rank QUEUE */
	tome_pfn_t waiting, next;		/* heads of chains */
	struct tome_retired retired;
};

/* No translation of it is left; not wired. Inside an epoch or out. */
void tome_stray(struct tome_vm *, struct tome_strays *, tome_pfn_t);

#endif
