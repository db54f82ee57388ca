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

/*
 * Which pages leave, by name: by how often they were used, in how many looks (the
 * default); FIFO with a second chance; hot and cold pages. Any time; what another policy
 * knew of pages is kept where it means something.
 */
enum tome_policy_name { TOME_POLICY_GENERATIONS, TOME_POLICY_SECOND_CHANCE,
	TOME_POLICY_CLOCK_PRO };
void tome_paging_policy(struct tome_vm *, enum tome_policy_name);

struct tome_paging_stats {
	uint64_t looked;	/* pages looked at, */
	uint64_t used;		/* and left because they were used */
	uint64_t dropped;	/* clean pages that left */
	uint64_t swapped_out, swapped_in, written_file;
	uint64_t direct;	/* calls of tome_reclaim() but the daemon's */
	uint64_t daemon;	/* times the daemon had work */
};
/* Any context. Zeroes before the start. */
void tome_paging_stats(struct tome_vm *, struct tome_paging_stats *out);

#endif
