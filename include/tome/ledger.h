/*
 * tome/ledger.h - layer 6: how much memory a group of spaces may have.
 *
 * A ledger is charged for each page once, by the space that made it or brought it in:
 *  - anonymous memory, private or shared, and files in memory: by who first touches
 *    the page, until its last owner is gone, whoever that is: fork shares pages and
 *    moves no charge, a copy is its maker's. With one resident page, or, while it is
 *    swapped out, with one swapped page.
 *  - files: by who has the page read, and what is read ahead for him, until it leaves
 *    memory. With a resident page.
 * What was there before is whose it was, or nobody's, whoever uses it. What a ledger is
 * charged its ancestors are too.
 *
 * A space that makes a page at its ledger's limit has others of the same group paged out
 * first, those of files dropped or written; when none can be, its call fails with ENOMEM,
 * unless `full` promises better. A limit may be passed by what is being made, read or written at that
 * very moment. A space without a ledger pays nothing, not even an instruction.
 *
 * Calls may sleep; no lock may be held. tome_paging_start() comes first.
 */
#ifndef TOME_LEDGER_H
#define TOME_LEDGER_H

#include <tome/map.h>
#include <tome/pager.h>

#define TOME_LEDGERS 255u		/* at once, with those that end */

struct tome_ledger;

/*
 * Without limits, within the parent's (NULL: there is none). ENOSPC: too many.
 * ENOMEM.
 */
enum tome_err tome_ledger_create(struct tome_vm *, struct tome_ledger *parent,
    struct tome_ledger **out) TOME_NODISCARD;
/*
 * It is not used any more; what is charged to it stays so, and to its ancestors, until it
 * goes. EBUSY: a space has it, or a ledger within it was not destroyed.
 */
enum tome_err tome_ledger_destroy(struct tome_ledger *) TOME_NODISCARD;

/* In pages; UINT64_MAX: none. Lowering one pages out what is too much, as far as
 * that can be. */
struct tome_ledger_limits {
	uint64_t resident, swapped;
};
void tome_ledger_limit(struct tome_ledger *, const struct tome_ledger_limits *);

/*
 * Called in the thread that lacks room when nothing of the group can be paged out, for the
 * ledger that is full. True: there will be room, it looks again. NULL, as at the start:
 * there is none.
 */
void tome_ledger_full(struct tome_ledger *, bool (*full)(void *arg), void *arg);

struct tome_ledger_state {
	struct tome_ledger_limits limit;
	uint64_t resident, swapped;	/* pages charged now */
	uint64_t peak;			/* most that were resident */
	uint64_t refused;		/* times there was no room */
};
void tome_ledger_state(const struct tome_ledger *,
    struct tome_ledger_state *out);

/*
 * What a space makes or brings in from now on is charged to this ledger (NULL: to
 * nobody); what is there stays as it is. Spaces that are forked off have the same.
 */
void tome_map_set_ledger(struct tome_map *, struct tome_ledger *);
struct tome_ledger *tome_map_ledger(struct tome_map *);

/*
 * read() and write() fault on nothing: they say for which space they are. As
 * tome_object_get(), tome_object_readahead(). ENOMEM: also if there is no room.
 */
enum tome_err tome_ledger_get(struct tome_map *, struct tome_object *,
    tome_pgoff_t, bool create, tome_pfn_t *out) TOME_NODISCARD;
void tome_ledger_readahead(struct tome_map *, struct tome_object *,
    struct tome_readahead *, tome_pgoff_t first, tome_pgoff_t n);

#endif
