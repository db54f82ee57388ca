/*
 * tome/pager.h - layer 4: vnode objects, the page cache.
 *
 * A vnode object is a file's content by page index. Its resident pages are the
 * one cache for read(), write() and mappings. What a page holds comes from and
 * goes to its pager: a table of functions that the file system implements.
 *
 * A page is clean, dirty (modified since it was read or written), or being
 * written. A shared mapping is entered without the right to write until its first
 * write, which tells the pager (write_notify) and makes the page dirty. Dirty
 * pages are written by tome_object_sync(), by tome_writeback() when they are old
 * or many, and before the object ends. What could not be written is told once to
 * each who has the file open (struct tome_opener).
 *
 * All of <tome/object.h> works on vnode objects too: get, put, read, write, resize,
 * punch. A borrowed page (tome_object_get) is read first; put says whether it was
 * modified. A file system that shrinks a file resizes the object first, then its
 * store: after tome_object_resize() nothing is written beyond the new end, but by a
 * request that it was given before, and has not completed within its patience.
 *
 * Source: the vnode pager of UVM (Cranor, 1998, chapter 6); POSIX.1-2017 mmap(),
 * msync(), fsync().
 *
 * Calls may sleep unless said otherwise; no lock may be held.
 */
#ifndef TOME_PAGER_H
#define TOME_PAGER_H

#include <tome/io.h>
#include <tome/object.h>

#define TOME_PAGER_MAX 64u		/* pages in one request, at most */

/*
 * Called with nothing locked but, perhaps, the map's lock of whom they serve: so
 * they must not touch user memory, nor call back into the object. `ctx` is
 * the one of creation. Requests are whole pages, ascending, without gaps, but for
 * the last of a write, which ends where the file does.
 */
struct tome_pager {
	/* Largest request, in pages; 1 .. TOME_PAGER_MAX. */
	unsigned max_pages;
	/* No request takes longer, in nanoseconds: then whoever waits gets EIO, the
	 * request is cancelled, and its pages are used again once it completes. 0: no
	 * limit. */
	uint64_t patience;
	/*
	 * Read io->vec from the file at io->at; what is beyond the file's end is to be
	 * zeroed. Completes by tome_io_done(): OK, EIO.
	 */
	void (*read)(void *ctx, struct tome_io *);
	/*
	 * Write. Completes with OK, EIO, ENOSPC. NULL: the file cannot be written; a
	 * write to it is EACCES.
	 */
	void (*write)(void *ctx, struct tome_io *);
	/*
	 * Page `pg`, clean so far, is about to be modified: reserve room, note the
	 * time. May sleep. ENOSPC, EIO: then it is not, and whoever wanted to is told
	 * (SIGBUS for a mapping). NULL: nothing to do.
	 */
	enum tome_err (*write_notify)(void *ctx, tome_pgoff_t pg);
	/*
	 * Pages [first, first+n) of the store read as zero from now on. May sleep. EIO,
	 * ENOSPC. NULL: MADV_REMOVE is EOPNOTSUPP, and tome_object_punch() drops what
	 * is in memory only.
	 */
	enum tome_err (*punch)(void *ctx, tome_pgoff_t first, tome_pgoff_t n);
	/* Nobody waits for this request any more: complete it soon. NULL: nothing can
	 * be done. */
	void (*cancel)(void *ctx, struct tome_io *);
	/* The object is gone, no request is in flight: ctx may go too. NULL: fine. */
	void (*gone)(void *ctx);
};

/*
 * A file of len bytes; one reference is the caller's. The table is copied; ctx is
 * the file system's until gone(). EINVAL: max_pages. EFBIG: more than 2^32 - 1 pages. ENOMEM. The
 * object ends after its last reference, when what is dirty has been written; what
 * cannot be is lost, and logged.
 */
enum tome_err tome_object_create_vnode(struct tome_vm *,
    const struct tome_pager *, void *ctx, uint64_t len,
    struct tome_object **out) TOME_NODISCARD;

/* ---- reading ahead ---- */

enum tome_readahead_mode {
	TOME_READAHEAD_NORMAL, TOME_READAHEAD_SEQUENTIAL,
	TOME_READAHEAD_RANDOM,
};
/*
 * One opener's memory of what he read. Zeroed when opened; its owner keeps two
 * threads from using it at once. The core's but for the mode.
 */
struct tome_readahead {
	enum tome_readahead_mode mode;
	uint32_t size;			/* pages of the window last asked for, */
	tome_pgoff_t start;		/* and where it begins */
	tome_pgoff_t next;		/* the page after the last one read */
};
/*
 * An opener is going to read [first, first+n): have it and what will follow read in
 * few requests. It waits for none, and does nothing that memory does not allow.
 */
void tome_object_readahead(struct tome_object *, struct tome_readahead *,
    tome_pgoff_t first, tome_pgoff_t n);
/* readahead(), WILLNEED: start reading what is missing of a range. */
void tome_object_willneed(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t n);

/* ---- writing ---- */

/*
 * Start, or if `wait` also finish, writing the dirty pages of [first, first+n) (n
 * 0: to the end). With `wait`: EIO, ENOSPC: one of them could not be written; or (EIO)
 * its writing does not end, which tome_object_error() does not know of before it does.
 */
enum tome_err tome_object_sync(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t n, bool wait) TOME_NODISCARD;

/*
 * Until no page of [first, first+n) (n 0: to the end) is being written; starts
 * nothing. EIO: one is, longer than the pager's patience goes. What failed is told by
 * tome_object_error().
 */
enum tome_err tome_object_sync_wait(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t n) TOME_NODISCARD;

/*
 * Has writing failed since *seen was taken? The error, once for each holder of a
 * `seen`, which is brought up to date; OK: no. Take the first with
 * tome_object_error_now() when a file is opened: an error that nobody has been told
 * yet is still told. Any context.
 */
uint32_t tome_object_error_now(struct tome_object *);
enum tome_err tome_object_error(struct tome_object *,
    uint32_t *seen) TOME_NODISCARD;

/*
 * Who has a file open: such a `seen`, counted, that his descriptor and what he maps
 * by it (struct tome_map_request) have in common. What fsync() has told him msync()
 * does not tell him again, nor the reverse, however many of his threads ask at once.
 */
struct tome_opener;
/* One reference is the caller's. ENOMEM. */
enum tome_err tome_opener_create(struct tome_object *,
    struct tome_opener **out) TOME_NODISCARD;
/* May be called anywhere. NULL: nothing happens. */
void tome_opener_unref(struct tome_opener *);
/* tome_object_error() for him. Any context. */
enum tome_err tome_opener_error(struct tome_opener *,
    struct tome_object *) TOME_NODISCARD;
/*
 * fsync(), msync(): write the dirty pages of [first, first+n) (n 0: to the end), and
 * wait. Then what failed since he was last told; or EIO, each time: it does not end.
 */
enum tome_err tome_opener_sync(struct tome_opener *, struct tome_object *,
    tome_pgoff_t first, tome_pgoff_t n) TOME_NODISCARD;

/*
 * Background writing: at most n dirty pages of all files are started to be written,
 * those that became dirty before `before` (clock_ns; TOME_FOREVER: all). Returns how
 * many were.
 */
uint64_t tome_writeback(struct tome_vm *, uint64_t n, uint64_t before);
/*
 * From how many dirty pages on whoever modifies another one must wait until some were
 * written. 0, the default: an eighth of all frames.
 */
void tome_writeback_limit(struct tome_vm *, uint64_t pages);

/* ---- looking ---- */

/* Drop the clean pages of a range (n 0: to the end) that nobody maps, borrows or
 * transfers. Returns how many. */
uint64_t tome_object_discard_clean(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t n);

struct tome_object_pages {
	uint64_t resident, dirty, writing;
};
/* Any context. Zeroes for an object that is no file. */
void tome_object_pages(struct tome_object *, struct tome_object_pages *out);

#endif
