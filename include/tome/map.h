/*
 * tome/map.h - layer 5: address spaces, faults, access to foreign memory.
 *
 * A map is a set of disjoint entries over [lo, hi) and the pmap beneath it. All
 * addresses and lengths are page multiples unless a call says otherwise.
 *
 * Context: threads only, interrupts and preemption on, no lock of Tome's held;
 * every call may sleep unless it says otherwise. A call that fails leaves
 * everything as it was, but where it says which part stays (invariant 10).
 * Several threads may call on one map at once; calls are atomic to each other
 * and to faults, range by range.
 */
#ifndef TOME_MAP_H
#define TOME_MAP_H

#include <tome/object.h>
#include <tome/pmap.h>

struct tome_map;

/* ---- lifetime ---- */

struct tome_map_config {
	/* Bounds; 0,0: all that user addresses may be. */
	tome_va_t lo, hi;
	/* A span of the kernel half: translations go
	 * to the kernel's pmap. */
	bool kernel;
	/* Unfixed mappings go below `top` (0: hi), less so many bits of random pages,
	 * first. */
	tome_va_t top;
	unsigned random_bits;
	/* Beyond it goes only what names an address beyond it. 0: hi. */
	tome_va_t unasked;
	/*
	 * Told, with the map locked, when an entry that carries a tag is split
	 * (the piece [start,end) is new) or dies (dead). Must not call back. NULL:
	 * nobody.
	 */
	void (*entry_changed)(void *arg, uint64_t tag, tome_va_t start,
	    tome_va_t end, bool dead);
	void *arg;
};
enum tome_err tome_map_create(struct tome_vm *, const struct tome_map_config *,
    struct tome_map **out) TOME_NODISCARD;	/* NULL config: defaults */
/* Counted; the last reference removes everything. */
void tome_map_ref(struct tome_map *);
void tome_map_unref(struct tome_map *);
/* Remove every entry, keep the map (exec, exit before the last reference). */
void tome_map_clear(struct tome_map *);
struct tome_pmap *tome_map_pmap(struct tome_map *);
struct tome_vm *tome_map_vm(struct tome_map *);
/* Run it on this CPU: see tome_pmap_switch(). Preemption and interrupts off. */
void tome_map_switch(struct tome_map *);

/* Limits, in bytes; UINT64_MAX is none. Exceeding: ENOMEM (as, data), EAGAIN or
 * ENOMEM (locked, see tome_map_wire). */
struct tome_map_limits {
	uint64_t as, data, locked, stack;
};
void tome_map_set_limits(struct tome_map *, const struct tome_map_limits *);
void tome_map_get_limits(struct tome_map *, struct tome_map_limits *);

struct tome_map_totals {
	uint64_t entries;
	uint64_t virtual_pages;		/* mapped, guard ranges included */
	uint64_t data_pages;		/* private, writable, not stack */
	uint64_t stack_pages, exec_pages;
	uint64_t locked_pages;
	uint64_t resident_pages;	/* recounted from the page tables */
	uint64_t resident_shared;	/* of these, object pages */
	uint64_t peak_virtual, peak_resident;	/* as of the last look */
	uint64_t table_pages;
};
void tome_map_totals(struct tome_map *, struct tome_map_totals *);

/* ---- the commit account ---- */

/*
 * What is promised: pages that private writable mappings (once they were writable;
 * not NORESERVE, but in mode NEVER), stacks and shared anonymous objects could come to
 * need. (Linux, Documentation/mm/overcommit-accounting; proc(5).)
 */
enum tome_overcommit {
	TOME_OVERCOMMIT_HEURISTIC,	/* refuse one request above the limit */
	TOME_OVERCOMMIT_ALWAYS,		/* refuse nothing: the default */
	TOME_OVERCOMMIT_NEVER,		/* all together at most the limit, by as
					 * much as goes on at the same time */
};
/* The limit in pages; what is promised already stays so. Any context. */
void tome_commit_set(struct tome_vm *, enum tome_overcommit, uint64_t limit);
/* Pages promised now; exact when the other CPUs are outside the VM. */
uint64_t tome_commit_pages(struct tome_vm *);

/* ---- entering ---- */

enum tome_inherit {
	TOME_INHERIT_COPY,	/* the child gets a copy (copy-on-write) */
	TOME_INHERIT_SHARE,	/* both see one memory */
	TOME_INHERIT_NONE,	/* not in the child */
	TOME_INHERIT_ZERO,	/* the child's reads as zero */
	TOME_INHERIT_NONE_ZERO,	/* NONE; ZERO once that is taken back */
};

/* Placement and kind. A set. */
#define TOME_MAP_FIXED 0x0001u		/* at addr, replacing what is there */
#define TOME_MAP_NOREPLACE 0x0002u	/* with FIXED: EEXIST if anything is there */
#define TOME_MAP_SHARED 0x0004u		/* writes go to the object */
#define TOME_MAP_GROWSDOWN 0x0008u	/* a stack: grows on a touch below */
#define TOME_MAP_LOCKED 0x0010u		/* wired, and filled now */
#define TOME_MAP_POPULATE 0x0020u	/* filled now, best effort */
#define TOME_MAP_KEEP 0x0040u		/* never merged */
#define TOME_MAP_GUARD 0x0080u		/* reserved: a touch is EACCES whatever
					 * protect says; no content, no object */
#define TOME_MAP_NORESERVE 0x0100u	/* not charged to the commit account */
#define TOME_MAP_LOCK_ONFAULT 0x0200u	/* with LOCKED: wired as touched */
#define TOME_MAP_BOTTOMUP 0x0400u	/* lowest fit; default is below the top */
#define TOME_MAP_ZERO_SHARED_READ 0x0800u /* read of a private hole makes a page
					 * instead of the zero page */

struct tome_opener;

struct tome_map_request {
	tome_va_t addr;			/* hint, or the place when FIXED */
	tome_va_t len;			/* > 0 */
	tome_va_t align;		/* power of two, 0: a page (see below) */
	tome_va_t below;		/* unfixed: end at or below this; 0: no bound */
	struct tome_object *object;	/* NULL: anonymous. The map takes its own
					 * reference. SHARED with NULL: a new object */
	uint64_t offset;		/* bytes, page multiple */
	/* Bytes from addr on that the object backs; the rest reads as zero
	 * (an ELF's filesz < memsz). 0: all. */
	uint64_t limit;
	tome_prot_t prot, max_prot;	/* max_prot 0: all */
	unsigned flags;
	enum tome_inherit inherit;	/* default: COPY for private entries; a
					 * SHARED one is always shared */
	uint64_t tag;
	const char *name;		/* copied; NULL none; at most 79 bytes */
	/* Of a file with a name: who hears of writes that fail (<tome/pager.h>). The
	 * mapping takes its own reference. Unlike ones never merge. */
	struct tome_opener *opener;
};

/*
 * Map. Unfixed: the hint if free, else the highest gap (or lowest, BOTTOMUP)
 * that fits; requests of a leaf table's span or more are placed leaf-aligned, if
 * they name no alignment.
 * EINVAL: len 0, unaligned, offset or limit wrong, prot beyond max_prot. ENOMEM:
 * no gap, limits, out of bounds, or no memory. EEXIST: NOREPLACE. EAGAIN: LOCKED
 * beyond the limit. Contents made by POPULATE that ran out of memory are not an
 * error.
 */
enum tome_err tome_map_enter(struct tome_map *,
    const struct tome_map_request *, tome_va_t *out) TOME_NODISCARD;

/* Remove whatever is in [start, start+len); holes are fine. EINVAL: unaligned,
 * empty, out of bounds. ENOMEM: an entry had to be split and could not be. */
enum tome_err tome_map_remove(struct tome_map *, tome_va_t start,
    tome_va_t len) TOME_NODISCARD;

/* ---- changing ---- */

/*
 * Set rights. ENOMEM: a hole (what lies before it is changed, as POSIX allows and
 * Linux does). EACCES: beyond max_prot (same partial effect).
 */
enum tome_err tome_map_protect(struct tome_map *, tome_va_t start,
    tome_va_t len, tome_prot_t) TOME_NODISCARD;
/* Nothing changes. EINVAL: unaligned, empty, out of bounds, or no rights. ENOMEM: not all
 * of it is mapped. EACCES: all is, and some of it does not allow these rights. */
enum tome_err tome_map_may_protect(struct tome_map *, tome_va_t start,
    tome_va_t len, tome_prot_t) TOME_NODISCARD;
enum tome_err tome_map_set_max_prot(struct tome_map *, tome_va_t start,
    tome_va_t len, tome_prot_t) TOME_NODISCARD;
/* ENOMEM: a hole; nothing changed before it is undone (as Linux). */
enum tome_err tome_map_inherit(struct tome_map *, tome_va_t start,
    tome_va_t len, enum tome_inherit) TOME_NODISCARD;
enum tome_err tome_map_set_name(struct tome_map *, tome_va_t start,
    tome_va_t len, const char *) TOME_NODISCARD;

enum tome_advice {
	TOME_ADV_NORMAL, TOME_ADV_RANDOM, TOME_ADV_SEQUENTIAL,	/* remembered */
	TOME_ADV_WILLNEED,	/* with layer 6: what is not there is read */
	TOME_ADV_DONTNEED,	/* private anon: zero again; else re-read */
	TOME_ADV_DONTNEED_LOCKED,	/* same, wired ranges too */
	TOME_ADV_FREE,		/* private anon content may go at any time */
	TOME_ADV_REMOVE,	/* punch the shared object */
	TOME_ADV_POPULATE_READ, TOME_ADV_POPULATE_WRITE,
	TOME_ADV_COLD, TOME_ADV_PAGEOUT,	/* with layer 6: private pages are to
						 * leave first, or now */
	TOME_ADV_DUMP, TOME_ADV_NODUMP,		/* remembered */
	TOME_ADV_HUGE, TOME_ADV_NOHUGE,		/* remembered */
	TOME_ADV_MERGEABLE, TOME_ADV_UNMERGEABLE,	/* remembered */
};
/*
 * EINVAL: the entry's kind does not take this advice (DONTNEED and FREE of a wired
 * entry, FREE of a shared one, REMOVE of a private one). EOPNOTSUPP: REMOVE of a file
 * whose pager cannot. EPERM: REMOVE of what is sealed. ENOMEM: a hole; what is mapped
 * was still advised, as Linux. EFAULT, ENOMEM, EIO from POPULATE.
 */
enum tome_err tome_map_advise(struct tome_map *, tome_va_t start,
    tome_va_t len, enum tome_advice) TOME_NODISCARD;

/*
 * Wire: pages of the range are made present and stay. ENOMEM: a hole, or beyond
 * limits.locked. EAGAIN: some page could not be made. `onfault`: wire as touched.
 */
enum tome_err tome_map_wire(struct tome_map *, tome_va_t start, tome_va_t len,
    bool onfault) TOME_NODISCARD;
enum tome_err tome_map_unwire(struct tome_map *, tome_va_t start,
    tome_va_t len) TOME_NODISCARD;
enum tome_err tome_map_wire_all(struct tome_map *, bool onfault) TOME_NODISCARD;
void tome_map_unwire_all(struct tome_map *);

/* Move and resize (mremap(2)). A set. */
#define TOME_MOVE_MAY 1u	/* may move if it cannot grow in place */
#define TOME_MOVE_FIXED 2u	/* to new_addr, replacing what is there */
#define TOME_MOVE_DONTUNMAP 4u	/* leave the old range mapped, empty */
/*
 * old_len 0: a second mapping of a shared range. EINVAL: unaligned, overlap,
 * flag combination. EFAULT: a hole or several entries in the old range. ENOMEM: no
 * room (and not MAY), limits. EAGAIN: locked limit.
 */
enum tome_err tome_map_move(struct tome_map *, tome_va_t old,
    tome_va_t old_len, tome_va_t new_len, unsigned flags, tome_va_t new_addr,
    tome_va_t *out) TOME_NODISCARD;

/*
 * A copy of the whole space by each entry's inheritance; deferred: nothing is
 * copied before one side writes. Wiring is not inherited. ENOMEM: the parent is
 * unchanged, but for rights its pages regain by fault, and for private memory with
 * TOME_INHERIT_SHARE, which may be an object's by then.
 */
enum tome_err tome_map_fork(struct tome_map *parent,
    struct tome_map **child) TOME_NODISCARD;

/* ---- faults ---- */

/*
 * The CPU refused `access` (one of READ, WRITE, EXEC; or NONE for "any") at va,
 * any alignment. Resolves it or says why not:
 *  EFAULT  nothing mapped there (SIGSEGV, SEGV_MAPERR)
 *  EACCES  the entry forbids it (SIGSEGV, SEGV_ACCERR)
 *  ENXIO   beyond the end of the object (SIGBUS, BUS_ADRERR)
 *  EIO     the content could not be read (SIGBUS)
 *  ENOMEM  no memory, and the pressure policy gave up
 * Interrupts on; takes no map lock on the common path.
 */
enum tome_err tome_fault(struct tome_map *, tome_va_t va,
    tome_prot_t access) TOME_NODISCARD;

/* ---- access to memory of a space, its own or another's ---- */

/*
 * Copy n bytes; va any alignment. Directly, if the map runs on this CPU, else
 * page by page. Faults are resolved as the space's own access would be; rights
 * are the entry's. EFAULT: some byte is not accessible (earlier ones are copied).
 */
enum tome_err tome_copyin(struct tome_map *, void *dst, tome_va_t src,
    size_t n) TOME_NODISCARD;
enum tome_err tome_copyout(struct tome_map *, tome_va_t dst, const void *src,
    size_t n) TOME_NODISCARD;
enum tome_err tome_user_zero(struct tome_map *, tome_va_t dst,
    size_t n) TOME_NODISCARD;
/* A string with its NUL into dst. ENAMETOOLONG: none within max. *len excludes
 * the NUL. */
enum tome_err tome_copyin_string(struct tome_map *, char *dst, tome_va_t src,
    size_t max, size_t *len) TOME_NODISCARD;
/* One aligned 32-bit word, atomically (futexes). EFAULT, EINVAL: unaligned. */
enum tome_err tome_fetch_u32(struct tome_map *, tome_va_t,
    uint32_t *out) TOME_NODISCARD;
enum tome_err tome_cas_u32(struct tome_map *, tome_va_t, uint32_t expect,
    uint32_t want, uint32_t *seen) TOME_NODISCARD;
/* Like copyin/out for any space, counting what was done; `force` ignores rights
 * as ptrace does (a private copy is made for a write). */
enum tome_err tome_map_read(struct tome_map *, tome_va_t src, void *dst,
    size_t n, bool force, size_t *done) TOME_NODISCARD;
enum tome_err tome_map_write(struct tome_map *, tome_va_t dst,
    const void *src, size_t n, bool force, size_t *done) TOME_NODISCARD;

/*
 * What a futex is keyed by: equal exactly for addresses that name the same
 * memory. Private memory: the map and address; shared: object id and offset.
 * EFAULT: nothing there.
 */
struct tome_key {
	uint64_t space;		/* object id, or the map's id with bit 63 set */
	uint64_t offset;	/* bytes */
};
enum tome_err tome_map_key(struct tome_map *, tome_va_t,
    struct tome_key *out) TOME_NODISCARD;

/* ---- looking ---- */

struct tome_region {
	tome_va_t start, end;
	tome_prot_t prot, max_prot;
	bool shared, growsdown, wired, onfault, guard, keep, nodump;
	enum tome_inherit inherit;
	enum tome_advice advice;
	struct tome_object *object;	/* valid while the caller knows it is; NULL
					 * for private anonymous memory */
	uint64_t object_id;
	void *object_tag;
	uint64_t offset;
	uint64_t tag;
	char name[80];
};
/*
 * The first region that ends after *cookie (an address; start with 0); advances
 * *cookie to its end. False: no more. Stable: changes between calls neither
 * repeat nor skip what stays mapped.
 */
bool tome_map_next(struct tome_map *, tome_va_t *cookie, struct tome_region *);
/* The region that holds va, else the next above; ENOENT: none. */
enum tome_err tome_map_lookup(struct tome_map *, tome_va_t,
    struct tome_region *) TOME_NODISCARD;

/* Pages of [start, end) by kind, for smaps. */
struct tome_usage {
	uint64_t resident, shared_clean, shared_dirty, private_clean,
	    private_dirty, referenced, anonymous, locked;
	uint64_t proportional;		/* bytes: each resident page's, divided by how
					 * many translate to it */
	uint64_t swapped;		/* of private memory */
	uint64_t swapped_shared;	/* of objects that are mapped shared */
};
void tome_map_usage(struct tome_map *, tome_va_t start, tome_va_t end,
    struct tome_usage *);
/*
 * What shared mappings of a range have modified of files reaches them (msync). Holes
 * are passed by. EIO, ENOSPC: some of it could not.
 */
enum tome_err tome_map_sync(struct tome_map *, tome_va_t start,
    tome_va_t len) TOME_NODISCARD;
/* One byte a page of [start, start+len): 1 resident. ENOMEM: a hole. (mincore) */
enum tome_err tome_map_incore(struct tome_map *, tome_va_t start,
    tome_va_t len, uint8_t *vec) TOME_NODISCARD;

#endif
