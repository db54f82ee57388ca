/*
 * tree.h - the ordered index of a map's entries: a B+-tree that readers search
 * without storing anything.
 *
 * Nodes are 256 bytes and change in place under a version each (odd while
 * changing); a reader goes down hand over hand, checking the version it came from
 * after it has read where it goes (optimistic lock coupling: Leis and others,
 * "The ART of practical synchronization", DaMoN 2016). Nodes are freed after an
 * epoch. Only the map's lock holder writes. Each inner node caches the largest gap
 * below each child, on its own cache line, for placement in O(log n).
 *
 * Entries are keyed by start; a leaf keeps both bounds. A gap belongs to the entry
 * above it; what is free above the last entry belongs to the tree.
 */
#ifndef TOME_MAP_TREE_H
#define TOME_MAP_TREE_H

#include <base/vm_i.h>
#include <tome/map.h>

struct tome_entry;
struct tome_node;

#define TOME_TREE_HEIGHT 11	/* at half fill, more entries than memory */

/*
 * The writer's way down: node[0] is the leaf. at[l] is the child taken in node[l],
 * in the leaf the number of entries with start <= the address sought.
 */
struct tome_path {
	unsigned height;		/* 0: the tree is empty */
	unsigned at[TOME_TREE_HEIGHT];
	struct tome_node *node[TOME_TREE_HEIGHT];
};

struct tome_tree {
	struct tome_vm *vm;
	_Atomic uintptr_t root;		/* node; 0 while empty */
	tome_va_t lo, hi;		/* bounds, for gaps */
	tome_va_t last_end;		/* end of the last entry; lo while empty */
	/*
	 * The writer's last way down: every address in [from, to) goes the same
	 * way, until the root or a node above a leaf changes.
	 */
	struct {
		struct tome_path path;	/* height 0: none */
		tome_va_t from, to;
	} last __attribute__((aligned(64)));
	/* Nodes that the edit in progress changes: two a level at most. */
	unsigned nodd;
	struct tome_node *odd[2 * TOME_TREE_HEIGHT];
};

enum tome_lookup {
	TOME_LOOKUP_HIT,	/* *out is the last entry with start <= va */
	TOME_LOOKUP_HOLE,	/* there is none such */
	TOME_LOOKUP_BUSY,	/* a writer is at it: leave the epoch, take the lock */
};
/* Reader; inside an epoch. HIT does not say that va < end: check the snapshot. */
enum tome_lookup tome_tree_lookup(struct tome_tree *, tome_va_t va,
    struct tome_entry **out);

/* ---- the rest: map locked ---- */

void tome_tree_init(struct tome_tree *, struct tome_vm *, tome_va_t lo,
    tome_va_t hi);
/* First entry with end > va, or NULL. */
struct tome_entry *tome_tree_find(struct tome_tree *, tome_va_t va);
struct tome_entry *tome_tree_next(struct tome_tree *, struct tome_entry *);
struct tome_entry *tome_tree_prev(struct tome_tree *, struct tome_entry *);
/* The last entry with start <= va and the first with start > va; NULL: none. */
void tome_tree_around(struct tome_tree *, tome_va_t va,
    struct tome_entry **at, struct tome_entry **above);

/* Nodes an operation may need, got before its first change. */
struct tome_tree_spare {
	unsigned n;
	struct tome_node *node;		/* chained */
};
/*
 * Enough for an insert near va, in an operation of `inserts` (at most 2) in all;
 * in addition to what is there already. Nothing, if there is room. ENOMEM: what
 * was there stays, nothing more.
 */
enum tome_err tome_tree_reserve(struct tome_tree *, struct tome_tree_spare *,
    tome_va_t va, unsigned inserts) TOME_NODISCARD;
/* Enough in all for inserts anywhere, after any number of removals. */
enum tome_err tome_tree_reserve_most(struct tome_tree *,
    struct tome_tree_spare *, unsigned inserts) TOME_NODISCARD;
void tome_tree_release(struct tome_tree *, struct tome_tree_spare *);

/* Cannot fail with a reserve. The entry overlaps none. */
void tome_tree_insert(struct tome_tree *, struct tome_tree_spare *,
    struct tome_entry *);
void tome_tree_remove(struct tome_tree *, struct tome_entry *);
/* The entry's bounds are about to become [start, end), which overlap no other:
 * update keys and gaps. The caller stores entry->start/end itself afterwards,
 * while its seq is odd. */
void tome_tree_bounds(struct tome_tree *, struct tome_entry *, tome_va_t start,
    tome_va_t end);

/*
 * Gaps: lowest / highest free [*out, *out+len) within [lo, hi), start a multiple
 * of align (power of two). False: none. O(log n) by the cached gaps. With an
 * alignment beyond a page a gap of len + align is preferred, as it fits for sure.
 */
bool tome_tree_gap_lowest(struct tome_tree *, tome_va_t len, tome_va_t align,
    tome_va_t lo, tome_va_t hi, tome_va_t *out);
bool tome_tree_gap_highest(struct tome_tree *, tome_va_t len, tome_va_t align,
    tome_va_t lo, tome_va_t hi, tome_va_t *out);

/* Build an empty tree from the entries that `next` yields, in order, until NULL;
 * bottom up (fork). Nobody reads it yet. ENOMEM: empty again. */
enum tome_err tome_tree_build(struct tome_tree *,
    struct tome_entry *(*next)(void *), void *arg) TOME_NODISCARD;
/* Empty it; entries are the caller's. Nodes are freed after an epoch. */
void tome_tree_clear(struct tome_tree *);
/* Invariant 6, keys, gaps, count; NULL or what is wrong. */
const char *tome_tree_check(struct tome_tree *, uint64_t nentries);

#endif
