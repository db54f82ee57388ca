/*
 * tome/paging.h - layer 6: more memory than there is.
 *
 * When free frames fall below a zone's low mark, pages that were not used lately
 * leave: clean file pages are dropped, modified ones written by their pager,
 * anonymous ones to swap (<tome/swap.h>). The paging daemon does it, a thread that
 * the embedder lends; who needs memory sooner does it himself.
 *
 * Calls may sleep unless said otherwise; no lock may be held.
 */
#ifndef TOME_PAGING_H
#define TOME_PAGING_H

#include <tome/map.h>
#include <tome/pager.h>
#include <tome/swap.h>

/*
 * Start layer 6; after tome_map_start(). It ends with the instance. The pressure
 * function (<tome/phys.h>) is its own from then on. ENOMEM: nothing was started.
 */
enum tome_err tome_paging_start(struct tome_vm *) TOME_NODISCARD;

/*
 * The body of the daemon's thread: keeps free frames between the marks, finishes
 * transfers, writes modified file pages that are older than 5 s. Returns when
 * tome_paging_stop() is called. A host without threads calls tome_reclaim() and
 * tome_writeback() itself.
 */
void tome_paging_daemon(struct tome_vm *);
/* The daemon returns soon. Any thread. */
void tome_paging_stop(struct tome_vm *);

/*
 * Free up to n frames now, in the caller's thread, waiting for transfers. Returns
 * how many became free; 0: nothing could be: all is wired, in use just now, or has
 * nowhere to go. Like the daemon, it also gives back descriptors of what is swapped
 * out, once they are many.
 */
uint64_t tome_reclaim(struct tome_vm *, uint64_t n);

/*
 * MADV_PAGEOUT: write out what is resident of a range and only this space's, whether
 * used lately or not. Returns the pages that left, or will when they are written.
 */
uint64_t tome_map_page_out(struct tome_map *, tome_va_t start, tome_va_t len);

/* The same, of one page of RAM that at most one space maps. True: it left, or will. */
bool tome_page_out(struct tome_vm *, tome_pfn_t);

/*
 * Pin a page of RAM that is an object's or a space's content now: it stays where it is
 * until as many tome_page_unpin(), and if what it was the content of has gone meanwhile,
 * the last frees it. False: it is no such page, or is just being read.
 */
bool tome_page_pin(struct tome_vm *, tome_pfn_t) TOME_NODISCARD;
void tome_page_unpin(struct tome_vm *, tome_pfn_t);

/*
 * Which pages leave, by name: by how often they were used, in how many looks (the
 * default); FIFO with a second chance; hot and cold pages. Any time; what another policy
 * knew of pages is kept where it means something.
 */
enum tome_policy_name { TOME_POLICY_GENERATIONS, TOME_POLICY_SECOND_CHANCE,
	TOME_POLICY_CLOCK_PRO };
void tome_paging_policy(struct tome_vm *, enum tome_policy_name);

/* ---- pressure ---- */

/*
 * LOW: free frames are below a zone's low mark. MEDIUM: somebody had to free memory
 * for himself. CRITICAL: somebody could free none.
 */
enum tome_pressure { TOME_PRESSURE_NONE, TOME_PRESSURE_LOW,
	TOME_PRESSURE_MEDIUM, TOME_PRESSURE_CRITICAL };
/* Has a zone fewer free frames than its low mark, now? Any context. */
bool tome_memory_scarce(struct tome_vm *);
/* As of the daemon's last turn, or tome_reclaim()'s. Any context. */
enum tome_pressure tome_pressure_level(struct tome_vm *);

/* Told when the level changes, one at a time; may sleep, but not wait for memory, nor
 * call what is in this header. Not called any more once removed. */
struct tome_pressure_watch {
	void (*changed)(void *arg, enum tome_pressure);
	void *arg;
	struct tome_pressure_watch *next;	/* Tome's */
};
void tome_pressure_watch(struct tome_vm *, struct tome_pressure_watch *);
void tome_pressure_unwatch(struct tome_vm *, struct tome_pressure_watch *);

/*
 * Asked, when pages alone do not suffice, to give back up to n frames' worth of its own
 * caches; says how much it did. By the same rules; it must not allocate either.
 */
struct tome_shrinker {
	uint64_t (*shrink)(void *arg, uint64_t n);
	void *arg;
	struct tome_shrinker *next;		/* Tome's */
};
void tome_shrinker_add(struct tome_vm *, struct tome_shrinker *);
void tome_shrinker_remove(struct tome_vm *, struct tome_shrinker *);

/* ---- out of memory ---- */

/*
 * Called by who lacks memory when there is nothing to free, with nothing locked. True:
 * there will be some, he tries again; false: his call fails with ENOMEM. NULL, as at
 * the start: it fails. Set before anybody lacks memory.
 */
void tome_oom_hook(struct tome_vm *, bool (*kill)(void *arg), void *arg);

struct tome_oom_candidate {
	struct tome_map *map;
	int adjust;			/* -1000 (never) .. 1000: oom_score_adj */
};
/*
 * Badness in pages: resident, swapped, of page tables, plus `adjust` thousandths of all
 * frames. 0: never to be killed. May sleep; looks at every page.
 */
uint64_t tome_oom_score(const struct tome_oom_candidate *);
/*
 * The threads of this space are to end: from now on no page leaves for its sake. A fault or
 * a call of theirs that finds no free frame fails with ENOMEM at once, so that they come to
 * their end soon. Any context; there is no way back.
 */
void tome_oom_doom(struct tome_map *);
/*
 * The private memory of a space that will run no more user code goes now, whether its
 * threads are scheduled or not. Returns how many pages it had less afterwards.
 */
uint64_t tome_oom_reap(struct tome_map *);

/* ---- figures ---- */

struct tome_paging_stats {
	uint64_t looked;	/* pages looked at, */
	uint64_t used;		/* and left because they were used */
	uint64_t dropped;	/* clean pages that left */
	uint64_t swapped_out, swapped_in, written_file;
	uint64_t direct;	/* calls of tome_reclaim() but the daemon's */
	uint64_t daemon;	/* times the daemon had work */
	uint64_t shrunk;	/* frames' worth that shrinkers gave */
	uint64_t refused;	/* allocations that found no free frame */
	uint64_t oom_kills;	/* times the OOM hook promised memory */
	/* Pages of slot numbers; slots that a page names which cannot be read. */
	uint64_t packs_written, packs_read, slots_lost;
};
/* Any context. Zeroes before the start. */
void tome_paging_stats(struct tome_vm *, struct tome_paging_stats *out);

/*
 * What frames in use are that tome_vm_stats() does not tell apart. Looks at each: for who
 * shows them, now and then.
 */
struct tome_census {
	uint64_t wired;		/* anonymous pages and files' that cannot leave */
	uint64_t shared;	/* anonymous pages of objects */
	uint64_t mapped;	/* of these and of files', those that spaces map */
	uint64_t with_slot;	/* anonymous pages that swap has too */
};
void tome_paging_census(struct tome_vm *, struct tome_census *out);

#endif
