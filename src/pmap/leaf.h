/*
 * leaf.h - the pmap as layers 4 and 5 use it: one leaf table at a time under
 * its lock, and operations over ranges that gather what must be flushed.
 *
 * Fault side: find (publishing missing tables), lock, check stray, read, enter,
 * unlock. Structural side: begin a gather, edit ranges, finish it. Upper entries
 * are loaded and published seq_cst (models/fault.pml: planted bug 2).
 */
#ifndef TOME_PMAP_LEAF_H
#define TOME_PMAP_LEAF_H

#include <tome/pmap.h>
#include <phys/page.h>

/* A leaf table, or the frame's worth of adjacent tables that share a lock. */
struct tome_leaf {
	struct tome_vm *vm;
	struct tome_pmap *pmap;
	struct tome_page *table;	/* its descriptor */
	tome_pfn_t frame;
	tome_pte_t *ptes;
	tome_va_t base, end;		/* addresses it covers */
};

/*
 * The leaf table that covers va; inside an epoch. `create`: publish what is
 * missing. ENOENT: none there, and not create. ENOMEM: no frame for a table.
 */
enum tome_err tome_leaf_find(struct tome_pmap *, tome_va_t, bool create,
    struct tome_leaf *out) TOME_NODISCARD;
/*
 * A fault's: missing tables are made. It is the CPU's own copy, good until the
 * section ends or another is looked for. NULL: no frame for a table.
 */
struct tome_leaf *tome_leaf_make(struct tome_pmap *, tome_va_t);
/* Flush-side lock of rank TABLE. */
static inline void
tome_leaf_lock(struct tome_leaf *l)
{
	tome_bit_lock(l->vm, &l->table->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
}

static inline void
tome_leaf_unlock(struct tome_leaf *l)
{
	tome_bit_unlock(l->vm, &l->table->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
}

/* The same inside a section of the epoch: a fault's. */
static inline void
tome_leaf_lock_in(struct tome_leaf *l)
{
	tome_bit_lock_in(l->vm, &l->table->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
}

static inline void
tome_leaf_unlock_in(struct tome_leaf *l)
{
	tome_bit_unlock_in(l->vm, &l->table->state, TOME_PAGE_TABLE_LOCK,
	    TOME_RANK_TABLE);
}

/* Detached since it was found, or moved elsewhere: find again. Under its lock. */
static inline bool
tome_leaf_stray(const struct tome_leaf *l)
{
	return (tome_rd_relaxed(&l->table->state) & TOME_PAGE_STRAY) ||
	    (tome_va_t)tome_rd_relaxed(&l->table->pv) != l->base;
}

/* ---- under the leaf's lock; va inside it ---- */

struct tome_slot_view {
	bool valid;
	tome_pfn_t pfn;
	tome_prot_t prot;
	bool wired;
};
struct tome_slot_view tome_leaf_read(const struct tome_leaf *, tome_va_t);

/*
 * Reserve what entering a managed frame may need (a pv chunk), before the first
 * visible change. Per CPU; good until the lock is dropped. ENOMEM. `n`: how many
 * enters will follow.
 */
enum tome_err tome_leaf_reserve(struct tome_leaf *, unsigned n) TOME_NODISCARD;

/*
 * Enter a translation; cannot fail. The slot is empty, or holds the same frame
 * with fewer rights (then an upgrade in place: no flush). Syncs the instruction
 * cache before a first executable mapping of a frame written since.
 */
void tome_leaf_enter(struct tome_leaf *, tome_va_t, tome_pfn_t, tome_prot_t,
    enum tome_memtype, unsigned flags);
/*
 * The slot holds another frame: clear it, flush that one page everywhere, with
 * the leaf (and the caller's chunk and anon) locked, then enter. Flushes.
 */
void tome_leaf_replace(struct tome_leaf *, tome_va_t, tome_pfn_t, tome_prot_t,
    enum tome_memtype, unsigned flags);
/* This CPU's own stale entry for va, after a spurious fault. */
void tome_leaf_flush_local(struct tome_leaf *, tome_va_t);

/* ---- gathers ---- */

struct tome_gather {
	struct tome_pmap *pmap;
	tome_va_t start, end;		/* hull of what must be flushed */
	uint32_t npages;		/* translations dropped or narrowed */
	bool tables;			/* upper entries changed: walk caches too */
	bool keep_tables;		/* remove detaches none, till finished */
	struct tome_page *detached;	/* tables to retire, linked by next */
	tome_pfn_t detached_pfn;
};
void tome_gather_begin(struct tome_gather *, struct tome_pmap *);
/* One flush round to the CPUs that run the map, if anything was gathered; then
 * detached tables are retired to the epoch. Flushes. The gather is empty again. */
void tome_gather_finish(struct tome_gather *);

/*
 * Over a range, leaf by leaf, each under its lock; cannot fail. Modified and
 * accessed bits of dropped translations are saved in the page. `wired` ones
 * drop their wire count. No table is created.
 *   remove    drop translations; empty tables are detached, but with keep_tables
 *             (what was reserved there stays)
 *   collect   detach empty tables of a user space, under the map's lock: who
 *             reserves tables for what follows holds it
 *   protect   take away rights beyond prot
 */
void tome_range_remove(struct tome_gather *, tome_va_t start, tome_va_t end);
void tome_range_collect(struct tome_gather *, tome_va_t start, tome_va_t end);
void tome_range_protect(struct tome_gather *, tome_va_t start, tome_va_t end,
    tome_prot_t);
void tome_range_unwire(struct tome_pmap *, tome_va_t start, tome_va_t end);

/*
 * Move translations of [from, from+len) to `to` (disjoint ranges). Whole leaf
 * tables are relinked where both are table-aligned: one base address changes.
 * reserve makes the upper tables of the destination first (ENOMEM: nothing
 * changed); commit cannot fail. No translation exists in the destination.
 */
enum tome_err tome_range_move_reserve(struct tome_pmap *, tome_va_t from,
    tome_va_t to, tome_va_t len) TOME_NODISCARD;
void tome_range_move(struct tome_gather *, tome_va_t from, tome_va_t to,
    tome_va_t len);

/*
 * Under the leaf's lock: drop one slot into the gather (the leaf stays). The
 * round must follow before the frame or the caller's counts are dropped.
 */
void tome_leaf_clear(struct tome_leaf *, struct tome_gather *, tome_va_t);

/* Span of one leaf table, bytes; a power of two. */
tome_va_t tome_leaf_span(void);

#endif
