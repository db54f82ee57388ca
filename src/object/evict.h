/*
 * evict.h - what layer 6 asks of layer 4: take this page away.
 */
#ifndef TOME_OBJECT_EVICT_H
#define TOME_OBJECT_EVICT_H

#include <phys/page.h>

enum tome_evict {
	TOME_EVICT_FREED,	/* its frame is free, or will be after an epoch */
	TOME_EVICT_STARTED,	/* it is being written */
	TOME_EVICT_BUSY,	/* locked, or in a transfer: later */
	TOME_EVICT_USED,	/* it was used since somebody last asked */
	TOME_EVICT_KEPT,	/* wired, or nothing to be evicted */
	TOME_EVICT_NO_STORE,	/* there is nowhere to write it to */
};

/* Which pages may be taken. */
enum tome_evict_which {
	TOME_EVICT_UNUSED,	/* not used since somebody last asked */
	TOME_EVICT_ANY,
	TOME_EVICT_OWN,		/* mapped once at most */
	TOME_EVICT_COOL,	/* none now; one mapped once at most goes before
				 * others */
};

/*
 * Take this page, if it is a file's: a clean one leaves, the writing of a dirty one
 * and its neighbours is started. Nothing locked; the page may be anything by
 * now.
 */
enum tome_evict tome_cache_evict(struct tome_vm *, struct tome_page *,
    enum tome_evict_which);

#endif
