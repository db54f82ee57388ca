/*
 * tome/swap.h - layer 6: where anonymous memory goes when there is no room for it.
 *
 * Swap areas on block devices or files, each of page-sized slots. Areas of the
 * highest priority are filled first, those of equal priority in turns (striping).
 * Slots are given out in runs, so that what is written together lies together.
 *
 * A page whose writing failed stays in memory, and its slot is retired; a slot that
 * cannot be read costs whoever touches the page an error (EIO, a SIGBUS) each time,
 * and nobody else anything.
 *
 * Calls may sleep unless said otherwise; no lock may be held. tome_paging_start()
 * comes first (<tome/paging.h>).
 */
#ifndef TOME_SWAP_H
#define TOME_SWAP_H

#include <tome/io.h>
#include <tome/phys.h>

#define TOME_SWAP_AREAS 31u		/* at once */
#define TOME_SWAP_MAX 32u		/* pages in one request, at most */

struct tome_swap_device {
	/* Largest request, in pages; 1 .. TOME_SWAP_MAX. */
	unsigned max_pages;
	bool fast;		/* no seeks: reading neighbours along does not pay */
	/* A request that takes longer, in nanoseconds, is EIO for who waits. Its pages
	 * are used again once it completes. 0: no limit. */
	uint64_t patience;
	/* Read or write io->vec, whole pages, at io->at, bytes from the start of the
	 * device. Completes by tome_io_done(): OK, EIO. Called with nothing locked;
	 * must not wait for memory. */
	void (*start)(void *ctx, struct tome_io *);
	/* Nobody waits any more: complete it soon. NULL: nothing can be done. */
	void (*cancel)(void *ctx, struct tome_io *);
};

/*
 * Use pages [skip, pages) of a device. Higher priorities first. *id names the area.
 * The table is copied; ctx is used until tome_swap_remove(), or the instance's end.
 * EINVAL: no pages, or max_pages. ENOSPC: too many areas. EFBIG: 2^26 pages or more.
 * ENOMEM.
 */
enum tome_err tome_swap_add(struct tome_vm *, const struct tome_swap_device *,
    void *ctx, uint64_t pages, uint64_t skip, int priority,
    unsigned *id) TOME_NODISCARD;

/*
 * Bring everything home and stop using the area, while programs run. ENOMEM: there
 * is no room; the area is used again as before. ENOENT: no such area, or it is being
 * removed. EIO: some pages could not be read: the area stays, and is given nothing
 * more; it can be tried again.
 */
enum tome_err tome_swap_remove(struct tome_vm *, unsigned id) TOME_NODISCARD;

/* What became of slots, since the area was added: pages. */
struct tome_swap_stats {
	uint64_t slots, used, retired;		/* now */
	int priority;
	/* allocated = used + retired + superseded + dropped + unwritten + brought
	 * home. */
	uint64_t allocated;
	uint64_t superseded;	/* the page was modified */
	uint64_t dropped;	/* its last owner went */
	uint64_t unwritten;	/* never came to hold anything */
	uint64_t home;		/* read back for good */
	uint64_t written, read, read_errors, write_errors;
};
/* False: no such area. Any context. */
bool tome_swap_stats(struct tome_vm *, unsigned id,
    struct tome_swap_stats *out);

/* ---- compressed memory ---- */

/*
 * Keep what goes to slots in memory, packed, in up to so many frames. 0, as at the
 * start: none. What is there is not in its area; what does not fit, or does not
 * shrink, is. When seven eighths are in use, or memory is scarce, the paging daemon
 * writes what was kept longest; so it does with what is too much when this is
 * lowered. From the first call on, TOME_SWAP_MAX frames more are kept to write from. A
 * page whose packed copy is damaged is EIO for whoever
 * touches it. ENOMEM: nothing was changed.
 */
enum tome_err tome_swap_compress(struct tome_vm *,
    tome_pfn_t frames) TOME_NODISCARD;

struct tome_compress_stats {
	/* Held now: pages, those of them that are one value, bytes they are packed
	 * to, frames, and bytes of index. */
	uint64_t pages, same_value, bytes, frames, index_bytes;
	/* Since the start. refused: incompressible. full: no room. */
	uint64_t stored, loaded, refused, full, written_behind;
};
/* Any thread, preemption on or off. Zeroes if there never was any. */
void tome_compress_stats(struct tome_vm *, struct tome_compress_stats *out);

#endif
