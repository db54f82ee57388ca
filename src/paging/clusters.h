/*
 * clusters.h - which swap slots the compressed tier holds, and where: by clusters of
 * 32 neighbours, found by number, and in the order in which they were stored to.
 *
 * Slots are given out in runs, so clusters are mostly full, leave together, and are
 * written behind in one request. A full one takes 5.25 bytes a slot.
 *
 * Invariant: a cluster is on the list of ages if it holds something that takes
 *   room: a page that is no single word.
 * Locks: the owner's. Nothing here allocates: tables and clusters are the caller's.
 */
#ifndef TOME_PAGING_CLUSTERS_H
#define TOME_PAGING_CLUSTERS_H

#include <base/vm_i.h>

#define TOME_CLUSTER_SHIFT 5
#define TOME_CLUSTER_SLOTS (1u << TOME_CLUSTER_SHIFT)

struct tome_cluster {
	union {
		struct {
			struct tome_cluster *next;	/* of the same hash */
			struct tome_cluster *older, *newer;
		};
		struct {			/* once it is removed */
			struct tome_retired retired;
			struct tome_cache *cache;
		};
	};
	uint32_t number;			/* its slots', shifted */
	uint32_t age;				/* stamp: smaller is older */
	uint32_t held;				/* a bit a slot */
	uint32_t same;				/* of them: one word throughout */
	tome_pfn_t at[TOME_CLUSTER_SLOTS];	/* the pool's frame; the word */
};

#define TOME_CLUSTERS_FEW_BITS 3
struct tome_clusters {
	struct tome_cluster **table;
	unsigned bits;				/* of its size */
	uint32_t count;
	struct tome_cluster *oldest, *newest;
	struct tome_cluster *few[1u << TOME_CLUSTERS_FEW_BITS];
};

void tome_clusters_init(struct tome_clusters *);

/* NULL: there is none. */
struct tome_cluster *tome_clusters_find(const struct tome_clusters *,
    uint32_t number);
void tome_clusters_add(struct tome_clusters *, struct tome_cluster *);
/* Holds nothing any more. */
void tome_clusters_remove(struct tome_clusters *, struct tome_cluster *);
/* It is the newest from now on. */
void tome_clusters_renew(struct tome_clusters *, struct tome_cluster *,
    uint32_t age);
/* It may hold nothing that takes room any more. */
void tome_clusters_settle(struct tome_clusters *, struct tome_cluster *);

/* Bits of the table there should be: a cluster or two an entry. */
unsigned tome_clusters_bits(const struct tome_clusters *);
/* Move into a table, which need not be cleared; NULL: the small one within. The old one
 * comes back to be freed, NULL if it was the small one. */
struct tome_cluster **tome_clusters_rehash(struct tome_clusters *,
    struct tome_cluster **table, unsigned bits);

/* The one after a given one, in no order, NULL first and last. Their number grows by
 * nothing meanwhile, and what was returned is still there. */
struct tome_cluster *tome_clusters_next(const struct tome_clusters *,
    const struct tome_cluster *);

#endif
