/*
 * pagetree.h - a file object's pages by index: a radix tree with tags.
 *
 * Looked up inside an epoch without a lock or a store; changed under the tree's
 * lock. A node covers 64 slots; nodes that hold nothing are retired. A tag marks
 * slots, and every node above one that is marked, so that the next marked page is
 * found without looking at others.
 *
 * What a slot names may have left the tree since: whoever needs the page locks it
 * and looks whether it is still this one (vnode.h).
 *
 * Locks: the tree's, rank BUSY. Allocation is the caller's, outside it.
 */
#ifndef TOME_OBJECT_PAGETREE_H
#define TOME_OBJECT_PAGETREE_H

#include <phys/page.h>

#define TOME_PAGETREE_SHIFT 6
#define TOME_PAGETREE_SLOTS (1u << TOME_PAGETREE_SHIFT)

enum tome_pagetag { TOME_PAGETAG_DIRTY, TOME_PAGETAG_WRITING, TOME_PAGETAGS };

struct tome_pagenode;

struct tome_pagetree {
	_Atomic uint32_t word;			/* lock bit */
	_Atomic uint32_t resident;		/* pages; changed under the lock */
	_Atomic uint32_t tagged[TOME_PAGETAGS];
	_Atomic(struct tome_pagenode *) root;
};

/* Where a page was found. */
struct tome_pagespot {
	struct tome_pagenode *leaf;
	unsigned slot;
	tome_pfn_t pfn;				/* NONE: no page */
};

size_t tome_pagenode_size(void);

static inline void
tome_pagetree_lock(struct tome_vm *vm, struct tome_pagetree *t)
{
	tome_bit_lock(vm, &t->word, 1, TOME_RANK_BUSY);
}
static inline void
tome_pagetree_unlock(struct tome_vm *vm, struct tome_pagetree *t)
{
	tome_bit_unlock(vm, &t->word, 1, TOME_RANK_BUSY);
}

/* Inside an epoch, or the tree locked. */
struct tome_pagespot tome_pagetree_find(struct tome_pagetree *, uint64_t index);
/* The page beside one that was found, if the same node has it. */
tome_pfn_t tome_pagetree_beside(const struct tome_pagespot *, int distance);
bool tome_pagetree_has(const struct tome_pagespot *, enum tome_pagetag);
/*
 * The first page at or after *index, up to `last`, with this tag (TOME_PAGETAGS: any
 * page). False: none. Inside an epoch, or the tree locked.
 */
bool tome_pagetree_next(struct tome_pagetree *, uint64_t *index,
    uint64_t last, enum tome_pagetag);

/*
 * Put a page where none is. Takes and drops the lock; nodes are allocated between.
 * EEXIST: there is one. ENOMEM.
 */
enum tome_err tome_pagetree_insert(struct tome_vm *, struct tome_pagetree *,
    uint64_t index, tome_pfn_t) TOME_NODISCARD;

/* ---- the tree is locked ---- */

/* The page is there. Its tags go too. */
void tome_pagetree_remove(struct tome_vm *, struct tome_pagetree *,
    uint64_t index);
/* False: it was so already. */
bool tome_pagetree_tag(struct tome_pagetree *, uint64_t index,
    enum tome_pagetag, bool on);

/* Nobody looks any more and no page is left: free the nodes. */
void tome_pagetree_end(struct tome_vm *, struct tome_pagetree *);

#endif
