/*
 * vnode.h - the page cache, for its own files (vnode_*.c); the rest of layers 4
 * and 5 reach it through struct tome_object_ops.
 *
 * A page's state, all under its lock (bit TOME_PAGE_LOCK, rank OBJECT_ANON):
 *  FILL   its content is being read
 *  BUSY   a transfer uses it, FILL or not: it stays in its file
 *  STRAY  it left its file: its frame waits for readers, for who unmaps it
 *         just now (F14), or for who borrowed it
 *  FILL and MODIFIED  doomed: it was dropped, but its transfer does not end; it leaves
 *         when that does
 * Dirty and being written are tags of the tree.
 *
 * Order: a page's lock, then the tree's; page tables below both. Two pages: the
 * second by trying only.
 */
#ifndef TOME_OBJECT_VNODE_H
#define TOME_OBJECT_VNODE_H

#include <base/io.h>
#include <object/evict.h>
#include <object/object_i.h>
#include <object/pagetree.h>
#include <phys/stray.h>
#include <tome/pager.h>

struct tome_vnode {
	struct tome_pager pager;		/* constant */
	void *ctx;
	struct tome_pagetree tree;
	_Atomic uint32_t error;			/* vnode_write.c */
	_Atomic uint32_t failures;		/* writes that failed */
	_Atomic uint32_t mapped;		/* was ever written through a map */
	_Atomic uint64_t dirty_since;		/* clock_ns of the first */
	_Atomic uint64_t hole;			/* being punched: first page << 32,
						 * page after the last */
	/* Of mappings, which have no opener; any thread's, at its own risk: every
	 * value is a good one. */
	_Atomic uint64_t fault_next;
	_Atomic uint32_t fault_size;
	struct tome_object *ending;		/* list (vnode_write.c) */
};

/* A transfer between a file and its pages. Counted: who waits, and completion. */
struct tome_vnode_io {
	struct tome_io io;
	struct tome_object *object;		/* counted once started */
	_Atomic uint32_t refs;
	_Atomic uint32_t over;			/* it was read: see io.err */
	uint32_t first;				/* page index */
	bool spare;				/* the instance's */
	uint8_t payer;				/* of its new pages (fill.h) */
	struct tome_io_vec vec[];
};

/* The page cache of an instance; made with its first file. */
struct tome_files {
	void (*end)(struct tome_vm *);		/* frees it: called by init.c */
	_Atomic uint64_t dirty, writing;	/* pages */
	uint64_t limit;				/* default, of both */
	/* A request for writing when there is no memory for one. NULL: in use. */
	_Atomic(struct tome_vnode_io *) spare;
	/* Objects whose last name went before they were written: a count on each. */
	struct tome_spin lock;			/* rank QUEUE */
	struct tome_object *ending;
	struct tome_strays strays;		/* frames that left their files */
};

/* ---- a page ---- */

static inline void
tome_vpage_lock(struct tome_vm *vm, struct tome_page *pg)
{
	tome_bit_lock(vm, &pg->state, TOME_PAGE_LOCK, TOME_RANK_OBJECT_ANON);
}
static inline void
tome_vpage_unlock(struct tome_vm *vm, struct tome_page *pg)
{
	tome_bit_unlock(vm, &pg->state, TOME_PAGE_LOCK, TOME_RANK_OBJECT_ANON);
}
static inline bool
tome_vpage_is(const struct tome_page *pg, uint32_t flags)
{
	return tome_rd(&pg->state) & flags;
}

#define TOME_PAGE_DOOMED (TOME_PAGE_FILL | TOME_PAGE_MODIFIED)
/* Its transfer ends: does it leave its file? The page is locked. */
static inline bool
tome_vpage_leaves(const struct tome_object *ob, const struct tome_page *pg)
{
	return (tome_rd(&pg->state) & TOME_PAGE_DOOMED) == TOME_PAGE_DOOMED ||
	    pg->index >= tome_object_npages(ob);
}

/* Is a hole being made of this page just now? Then it is not read. */
static inline bool
tome_vnode_holed(const struct tome_vnode *vn, tome_pgoff_t pg)
{
	uint64_t hole = tome_rd(&vn->hole);

	return pg >= hole >> 32 && pg < (uint32_t)hole;
}

/* Find and lock a file's page, inside an epoch. NULL: there is none. */
struct tome_page *tome_vnode_find(struct tome_object *, tome_pgoff_t,
    struct tome_pagespot *);

/* ---- vnode_io.c ---- */

/* The instance's state, which ends with it. ENOMEM. */
enum tome_err tome_files_create(struct tome_vm *) TOME_NODISCARD;
/* A request for up to n pages, the caller's, its parts to be filled in. NULL: no
 * memory. */
struct tome_vnode_io *tome_vnode_io_create(struct tome_object *,
    tome_pgoff_t first, unsigned n, enum tome_io_op);
void tome_vnode_io_drop(struct tome_vnode_io *);
/* Hand it to its pager, with a count for its completion, and one on the object, which
 * `finish` drops. */
void tome_vnode_io_start(struct tome_vnode_io *,
    void (*finish)(struct tome_io *));
/* Until it is over, as far as the pager's patience goes. Uses the count up. */
enum tome_err tome_vnode_io_wait(struct tome_vnode_io *) TOME_NODISCARD;
/* The same for a page: until it is no file's with any of these flags. EIO: it still is
 * one. Nothing locked. */
enum tome_err tome_vnode_wait(struct tome_object *, struct tome_page *,
    uint32_t flags) TOME_NODISCARD;

/* ---- vnode_read.c ---- */

/* Have a page read, and what probably follows. OK: look again. EIO, ENOMEM, ENXIO. */
enum tome_err tome_vnode_read(struct tome_object *, tome_pgoff_t, bool alone,
    unsigned payer) TOME_NODISCARD;
/* Whoever paid for a page, which is locked and leaves its file, pays no more. */
void tome_vnode_unpaid(struct tome_vm *, struct tome_page *);
/* As tome_object_willneed(), tome_object_readahead(); somebody pays. */
void tome_vnode_willneed(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t n, unsigned payer);
void tome_vnode_readahead(struct tome_object *, struct tome_readahead *,
    tome_pgoff_t first, tome_pgoff_t n, unsigned payer);

/* ---- vnode_write.c ---- */

/* The page is locked and stays in its file. */
void tome_vnode_dirty(struct tome_object *, tome_pgoff_t);
/* Are so many pages dirty that whoever makes another waits? Any context. */
bool tome_vnode_crowded(struct tome_vm *);
/* Then: have some written, and wait for them. */
void tome_vnode_throttle(struct tome_vm *);
/* A clean page will be modified: ask the pager, and make it dirty. */
enum tome_err tome_vnode_notify(struct tome_object *,
    tome_pgoff_t) TOME_NODISCARD;
/* Start to write what is dirty of [first, last]; what cannot be started stays so. */
void tome_vnode_launder(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t last);
void tome_vnode_error_set(struct tome_vnode *, enum tome_err);
/* An object without a name has pages to be written. Takes the caller's count. */
void tome_vnode_end_later(struct tome_object *);
/* Start to write them; what cannot be started stays for the next time. */
void tome_vnode_settle(struct tome_vm *);

/* ---- vnode_drop.c ---- */

/* Take a page out of its file: locked, not BUSY; unlocked then, and its frame freed
 * when nobody can know it any more. Flushes. */
void tome_vnode_take(struct tome_object *, struct tome_page *, tome_pfn_t);
/* The last to have borrowed a page that left. */
void tome_vnode_stray(struct tome_vm *, struct tome_page *);
/* Pages [first, last] leave, dirty or not; waits for transfers. EIO: one stayed, in a
 * transfer that does not end. */
enum tome_err tome_vnode_drop(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t last) TOME_NODISCARD;
/* The same, and what the store has of them, if its pager does that. */
enum tome_err tome_vnode_punch(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t last) TOME_NODISCARD;
/* The object has no name, so no page is in a transfer: all leave. */
void tome_vnode_empty(struct tome_object *);

#endif
