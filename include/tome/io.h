/*
 * tome/io.h - transfers between frames and whoever stores their contents.
 *
 * A request describes memory by page lists (frame, offset, length), never by
 * pointers, so that frames outside the direct map and devices that address memory
 * physically are served alike. Tome makes it; a pager (<tome/pager.h>) or a swap
 * device (<tome/swap.h>) performs it and says when it is done, from any context.
 *
 * Life: Tome fills the request in and hands it over by a call of the performer's
 * table. From then on it is the performer's until tome_io_done(), which must be
 * called exactly once, before the handing-over call returns or at any time after.
 * The frames stay put meanwhile. What waits for it runs in threads: completion
 * itself only queues and wakes.
 */
#ifndef TOME_IO_H
#define TOME_IO_H

#include <tome/phys.h>

enum tome_io_op { TOME_IO_READ, TOME_IO_WRITE };

/* A piece of memory within one frame; offset + len <= TOME_PAGE_SIZE. */
struct tome_io_vec {
	tome_pfn_t pfn;
	uint32_t offset, len;
};

struct tome_io {
	struct tome_vm *vm;
	enum tome_io_op op;
	/* Where, in bytes from the start of the file or device; the pieces follow each
	 * other there. */
	uint64_t at;
	struct tome_io_vec *vec;
	unsigned n;
	/* clock_ns() after which nobody will wait any more: an advice to give up
	 * with ETIMEDOUT. TOME_FOREVER: none. */
	uint64_t deadline;
	/* The performer's, not interpreted. */
	void *driver[4];

	/* Tome's own: */
	void (*finish)(struct tome_io *);	/* by a thread, nothing locked */
	unsigned bucket;			/* who waits for it */
	enum tome_err err;
	struct tome_io *next;
};

/*
 * The transfer is over: all of it (TOME_OK), or it failed (EIO; ENOSPC: no room to
 * write; ETIMEDOUT, ECANCELED), and then what was read or written is undefined. Any
 * context, interrupts included, any CPU; any lock may be held but Tome's.
 */
void tome_io_done(struct tome_io *, enum tome_err);

/*
 * Finish what has been completed: called by whoever waits, by the paging daemon,
 * and by an idle thread if the embedder likes. Threads only, no lock held.
 */
void tome_io_run(struct tome_vm *);

#endif
