/*
 * amap.h - anons, chunks, amaps: copy-on-write memory, counted.
 *
 * The Keyronex seed's structures, with these refinements:
 *  - A slot of an amap is named by a page number that never changes for the
 *    entry's life (entry->slot + page within the entry). Entries created by
 *    mapping choose the virtual page number, so neighbours agree on it and chunks
 *    cover aligned 32-page windows of the address space.
 *  - The directory of chunks is a radix tree that grows upward: its root word
 *    names a chunk (height 0) or a node. Nodes are never freed while the amap
 *    lives, and a directory slot, once set, never turns empty (models F10).
 *  - Directory slots change by seq_cst compare-and-swap only; whoever locked a
 *    chunk looks again whether the directory still names it (models F5).
 *
 * Invariants 1 and 2 of docs/architecture.md. Counts: an anon's is the number of
 * chunk slots naming it; a chunk's the number of amaps naming it; an amap's the
 * number of entries (and objects) naming it.
 *
 * Locks: chunk->word TOME_CHUNK_LOCK (rank CHUNK, or OBJECT where an object owns the
 * amap), anon->word TOME_ANON_LOCK (rank ANON, or OBJECT_ANON). Slots are written
 * under the chunk's lock; an anon's page under the anon's.
 */
#ifndef TOME_OBJECT_AMAP_H
#define TOME_OBJECT_AMAP_H

#include <kmem/cache.h>
#include <pmap/leaf.h>

#define TOME_CHUNK_SHIFT 5
#define TOME_CHUNK_ANONS (1u << TOME_CHUNK_SHIFT)
#define TOME_CHUNK_MASK (TOME_CHUNK_ANONS - 1)

#define TOME_ANON_LOCK 1u
#define TOME_ANON_READING 2u	/* a page-in has claimed it */
#define TOME_ANON_LEFT 4u	/* and is to free it */
#define TOME_ANON_LEDGER 0xff00u	/* who pays for it; 0: nobody. In a packed
					 * chunk's word: for all of it */

/*
 * 16 bytes. Type-stable: a page's owner may be followed inside an epoch although
 * the anon was freed meanwhile; try its lock, then see whether page and anon still
 * name each other. So a new anon takes its lock, it does not store it.
 */
struct tome_anon {
	_Atomic uint32_t count;
	_Atomic uint32_t word;		/* lock bit, flags */
	tome_pfn_t pfn;			/* resident page, TOME_PFN_NONE if swapped */
	uint32_t slot;			/* swap slot, 0 none (layer 6) */
};

#define TOME_CHUNK_LOCK 1u
#define TOME_CHUNK_MARK 2u	/* visited by a recount (check.c) */
#define TOME_CHUNK_OPENED 4u	/* packed: its anons are elsewhere (packed.c) */
#define TOME_CHUNK_FAR 8u	/* packed: its slot numbers are on disk (far.c) */
#define TOME_CHUNK_PACK 16u	/* and those of its neighbours: any of their keys' */

#define TOME_CHUNK_PACKED ((uint64_t)1 << 63)	/* in its key: see packed.c */

/* What a packed chunk has in place of slot numbers while they are on disk. */
struct tome_far {
	struct tome_retired retired;	/* the chunk's, once nobody names it */
	union {
		struct tome_chunk *pack;	/* where they are, */
		_Atomic uintptr_t *first;	/* a pack: where its first hangs */
	};
	union {
		uint32_t index;		/* and as which of its chunks */
		uint32_t at;		/* a pack: the swap slot of its page, */
	};
	uint32_t sum;			/* and what that adds up to */
	_Atomic uint32_t held;		/* the chunks that nobody has read back */
	_Atomic uint32_t slots;		/* and what they hold */
};

struct tome_chunk {
	_Atomic uint32_t count;		/* amaps naming it */
	_Atomic uint32_t word;
	uint64_t key;			/* slot number >> TOME_CHUNK_SHIFT */
	union {
		struct tome_anon *anon[TOME_CHUNK_ANONS];
		struct {			/* packed; ends here */
			uint32_t slot[TOME_CHUNK_ANONS];
			struct tome_chunk *opened;
		};
		struct tome_far far;
		struct tome_retired retired;
	};
};
#define TOME_PACKED_SIZE (offsetof(struct tome_chunk, opened) + \
	sizeof(struct tome_chunk *))

static inline bool
tome_chunk_packed(const struct tome_chunk *ch)
{
	return (ch->key & TOME_CHUNK_PACKED) != 0;
}
/* Of a packed one. */
static inline bool
tome_chunk_far(const struct tome_chunk *ch)
{
	return (tome_rd(&ch->word) & TOME_CHUNK_FAR) != 0;
}
/* The first slot that it covers; no pack. */
static inline uint64_t
tome_chunk_base(const struct tome_chunk *ch)
{
	return (ch->key & ~TOME_CHUNK_PACKED) << TOME_CHUNK_SHIFT;
}

struct tome_amap {
	struct tome_vm *vm;
	_Atomic uint32_t refs;
	bool object;			/* owned by an object: chunk rank */
	bool loose;			/* may hold slots that no entry covers */
	bool stays;			/* no chunk goes to a pack just now */
	_Atomic uintptr_t root;		/* 0, chunk, or node | 1 */
	struct tome_retired retired;
};

enum tome_err tome_amap_create(struct tome_vm *, bool object,
    struct tome_amap **out) TOME_NODISCARD;
static inline void
tome_amap_ref(struct tome_amap *am)
{
	tome_add(&am->refs, 1);
}
/*
 * The only name left is an entry that covers slots [first, first+n): empty the
 * others, which entries that went may have left (a name that is dropped while
 * others are left says so). What is partly in a chunk shared with another amap stays.
 */
void tome_amap_tighten(struct tome_amap *, uint64_t first, uint64_t n);
/*
 * Drop a reference. The last one retires the amap: its directory is walked
 * after the epoch (models F7), dropping chunks and anons.
 */
void tome_amap_unref(struct tome_amap *);

/* Where the chunk for `slot` hangs. */
struct tome_dirent {
	_Atomic uintptr_t *where;	/* NULL: there is nothing */
	struct tome_chunk *chunk;	/* NULL: none, or a packed one is there */
};
/*
 * Look up without storing; inside an epoch. A packed chunk is not shown:
 * tome_amap_open() opens it.
 */
struct tome_dirent tome_amap_lookup(struct tome_amap *, uint64_t slot);
/* Same; a packed chunk is shown as it is. */
struct tome_dirent tome_amap_find(struct tome_amap *, uint64_t slot);
/* Same as lookup, publishing an empty one where there is none. Nowhere: no memory. */
struct tome_dirent tome_amap_get(struct tome_amap *, uint64_t slot);
static inline enum tome_rank
tome_chunk_rank(const struct tome_amap *am)
{
	return am->object ? TOME_RANK_OBJECT : TOME_RANK_CHUNK;
}
static inline void
tome_chunk_lock(struct tome_amap *am, struct tome_chunk *ch)
{
	tome_bit_lock(am->vm, &ch->word, TOME_CHUNK_LOCK, tome_chunk_rank(am));
}
static inline void
tome_chunk_unlock(struct tome_amap *am, struct tome_chunk *ch)
{
	tome_bit_unlock(am->vm, &ch->word, TOME_CHUNK_LOCK,
	    tome_chunk_rank(am));
}
/* Under the chunk's lock. */
static inline bool
tome_dirent_still(const struct tome_dirent *d)
{
	return tome_likely(tome_rd_sc(d->where) == (uintptr_t)d->chunk);
}
/* Lock the chunk; false (unlocked): the directory no longer names it. */
static inline bool
tome_dirent_lock(struct tome_amap *am, struct tome_dirent *d)
{
	tome_chunk_lock(am, d->chunk);
	if (tome_dirent_still(d))
		return true;
	tome_chunk_unlock(am, d->chunk);
	return false;
}
/* A fault's chunk and anon: base/lock.h says what a section spares. */
static inline void
tome_chunk_lock_in(struct tome_amap *am, struct tome_chunk *ch)
{
	tome_bit_lock_in(am->vm, &ch->word, TOME_CHUNK_LOCK,
	    tome_chunk_rank(am));
}
static inline void
tome_chunk_unlock_in(struct tome_amap *am, struct tome_chunk *ch)
{
	tome_bit_unlock_in(am->vm, &ch->word, TOME_CHUNK_LOCK,
	    tome_chunk_rank(am));
}
/*
 * The chunk is locked and shared: put a clone in its place (each anon +1 but
 * those of slots [lo,hi), which the clone leaves empty), born locked. On success the
 * clone is d->chunk, locked; the old one is in *old, STILL LOCKED AND COUNTED: the
 * caller flushes if it must, then tome_chunk_drop_locked(). ENOMEM: unchanged.
 * TOME_RETRY, of one that may be packed: so is it, till tome_amap_home().
 */
enum tome_err tome_dirent_clone(struct tome_amap *, struct tome_dirent *d,
    unsigned lo, unsigned hi, struct tome_chunk **old) TOME_NODISCARD;
/* The same of a chunk that may be packed. */
enum tome_err tome_dirent_unshare(struct tome_amap *, struct tome_dirent *d,
    unsigned lo, unsigned hi, struct tome_chunk **old) TOME_NODISCARD;
/* The same with a chunk the caller made, which cannot fail. */
void tome_dirent_put_clone(struct tome_amap *, struct tome_dirent *d,
    struct tome_chunk *clone, unsigned lo, unsigned hi);
/* Unlock, then drop one amap's count; the last drops its anons and retires it. */
void tome_chunk_drop_locked(struct tome_amap *, struct tome_chunk *);
/* Drop the anons of slots [lo, hi) of a locked chunk, packed or not, that is the amap's
 * alone. */
void tome_chunk_empty(struct tome_amap *, struct tome_chunk *, unsigned lo,
    unsigned hi);

/*
 * Inside an epoch, nothing locked: have the chunk packed if all its anons are swapped
 * out and nobody else's. OK: d->chunk is the packed one. EBUSY: they are not. ENOMEM.
 */
enum tome_err tome_chunk_pack(struct tome_amap *,
    struct tome_dirent *d) TOME_NODISCARD;
struct tome_fill;
/*
 * Inside an epoch: if a packed chunk covers the slot, open it. *out is what is there
 * now, or nothing where another was faster: look again. ENOMEM. TOME_RETRY: its slot
 * numbers are on disk, and the fill says so.
 */
enum tome_err tome_amap_open(struct tome_amap *, uint64_t slot,
    struct tome_fill *, struct tome_dirent *out) TOME_NODISCARD;

/* If a chunk's slot numbers are on disk: read them. Sleeps: no epoch, nothing spinning
 * held. OK: look again. ENOMEM, EIO. */
enum tome_err tome_amap_home(struct tome_amap *, uint64_t slot) TOME_NODISCARD;

/*
 * A second amap with the content of slots [first,last], sharing their chunks
 * (deferred copy); of a chunk that holds other slots' content too, a clone. The source may be faulted on meanwhile by other entries, not
 * changed structurally. ENOMEM: nothing changed.
 */
enum tome_err tome_amap_share(struct tome_amap *, uint64_t first,
    uint64_t last, struct tome_amap **out) TOME_NODISCARD;

/*
 * Empty slots [first, first+n) for good, after the flush: no entry covers them any
 * more, and the caller's entry was the only one that did (it lacked NEEDS_COPY).
 * Unshared chunks are wiped; a shared one that is wholly covered leaves the
 * directory; a shared one that is partly covered is replaced by a clone without
 * the range, made from the reserve; without one, or if it became shared since, it
 * keeps that part until the amap ends, where no entry shows it (an entry is never
 * extended over slots that are not empty). Reserve before the first visible change
 * (ENOMEM: nothing kept); wipe gives back what it did not use.
 */
struct tome_wipe {
	struct tome_chunk *spare[2];
};
enum tome_err tome_amap_wipe_reserve(struct tome_amap *, uint64_t first,
    uint64_t n, struct tome_wipe *) TOME_NODISCARD;
void tome_amap_wipe_release(struct tome_amap *, struct tome_wipe *);
void tome_amap_wipe(struct tome_amap *, uint64_t first, uint64_t n,
    struct tome_wipe *);

/* ---- anons ---- */

/* New, count 1, born locked, with a frame (zeroed if `zero`). NULL: no memory. */
struct tome_anon *tome_anon_create(struct tome_amap *, bool zero);
static inline enum tome_rank
tome_anon_rank(const struct tome_amap *am)
{
	return am->object ? TOME_RANK_OBJECT_ANON : TOME_RANK_ANON;
}
static inline void
tome_anon_lock(struct tome_amap *am, struct tome_anon *an)
{
	tome_bit_lock(am->vm, &an->word, TOME_ANON_LOCK, tome_anon_rank(am));
}
static inline bool
tome_anon_trylock(struct tome_amap *am, struct tome_anon *an)
{
	return tome_bit_trylock(am->vm, &an->word, TOME_ANON_LOCK,
	    tome_anon_rank(am));
}
static inline void
tome_anon_unlock(struct tome_amap *am, struct tome_anon *an)
{
	tome_bit_unlock(am->vm, &an->word, TOME_ANON_LOCK, tome_anon_rank(am));
}
static inline void
tome_anon_lock_in(struct tome_amap *am, struct tome_anon *an)
{
	tome_bit_lock_in(am->vm, &an->word, TOME_ANON_LOCK, tome_anon_rank(am));
}
static inline void
tome_anon_unlock_in(struct tome_amap *am, struct tome_anon *an)
{
	tome_bit_unlock_in(am->vm, &an->word, TOME_ANON_LOCK,
	    tome_anon_rank(am));
}
/* Drop one slot's count; the last one frees page and anon, under its lock. */
void tome_anon_unref(struct tome_amap *, struct tome_anon *);
/* The same by who holds its lock; unlocked in any case. */
void tome_anon_unref_locked(struct tome_amap *, struct tome_anon *);
/* The same while others name it; false, and still locked: nobody does any more. */
bool tome_anon_unref_shared(struct tome_amap *, struct tome_anon *);
/* Never visible: give it back. Locked on entry. */
void tome_anon_discard(struct tome_amap *, struct tome_anon *);
/*
 * A page-in is over: the anon has the page (NONE: it could not be read), and, if
 * `home`, its slot no more. The slot it gave up; 0: none.
 */
uint32_t tome_anon_was_read(struct tome_vm *, struct tome_anon *, tome_pfn_t,
    bool home);
/* Give back a pin; the last one frees a page whose anon went meanwhile. */
void tome_page_orphan(struct tome_vm *, tome_pfn_t);
static inline void
tome_page_unborrow(struct tome_vm *vm, tome_pfn_t pfn)
{
	uint32_t now = __atomic_sub_fetch(
	    (uint32_t *)&tome_page(vm, pfn)->state, TOME_PAGE_WIRE_ONE,
	    __ATOMIC_ACQ_REL);

	if (tome_unlikely(now & TOME_PAGE_ORPHAN) && now < TOME_PAGE_WIRE_ONE)
		tome_page_orphan(vm, pfn);
}
/* Invariant 2: is a write to it a copy? Chunk and anon locked. Acquires, so that
 * an upgrade sees what the last sharer did. */
static inline bool
tome_anon_shared(struct tome_chunk *ch, struct tome_anon *an)
{
	return tome_rd(&an->count) > 1 || tome_rd(&ch->count) > 1;
}

/*
 * Walk the chunks of an amap that cover slots [first, last], in order; holes are
 * skipped at directory speed. Inside an epoch or with the amap quiet. Start with
 * *slot = first; false: no more. *slot is then the first behind what was found. Packed
 * ones are shown as they are.
 */
bool tome_amap_next(struct tome_amap *, uint64_t *slot, uint64_t last,
    struct tome_dirent *out);

#endif
