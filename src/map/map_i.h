/*
 * map_i.h - entries and maps, private to layer 5.
 *
 * The protocol is DESIGN.md section 8's, restated in docs/locking.md:
 *  - entry->seq even: stable. Odd: being changed; dead stays odd (ENTRY_DEAD). It
 *    turns odd only by seq_cst compare-and-swap (entry_begin), even by a store
 *    (entry_end), never held across a sleep. New entries are inserted odd.
 *  - All other fields of an entry are written only while its seq is odd (or before
 *    it is inserted), and read by faults through a snapshot that is checked again.
 *  - The tree, limits and totals change under map->lock only.
 *  - What an operation needs is allocated before its first visible change
 *    (struct tome_edit, edit.h): entries, tree nodes, tables, amaps.
 */
#ifndef TOME_MAP_MAP_I_H
#define TOME_MAP_MAP_I_H

#include <map/tree.h>
#include <object/object_i.h>
#include <tome/map.h>

struct tome_attempt;

#define TOME_ENTRY_DEAD 0x80000001u	/* odd, forever */

/* What tells entries apart besides their bounds; two that agree may merge. */
struct tome_entry {
	_Atomic uint32_t seq;
	uint8_t prot, max_prot;
	uint8_t inherit, advice;
	tome_va_t start, end;
	/*
	 * Private: writes go to amap (NULL: nothing written yet), holes are filled
	 * from object (NULL: zero). Shared: object only, amap NULL.
	 * Page p of the entry is slot (slot + p) of the amap, and page
	 * (offset + p) of the object.
	 */
	struct tome_amap *amap;
	uint64_t slot;
	struct tome_object *object;
	tome_pgoff_t offset;
	uint64_t limit;		/* bytes the object backs from start; 0 all */
	uint32_t flags;
	uint64_t tag;
	struct tome_name *name;
	struct tome_map *map;
	struct tome_retired retired;
};

#define TOME_ENTRY_SHARED 0x0001u
#define TOME_ENTRY_NEEDS_COPY 0x0002u	/* amap is shared with another entry */
#define TOME_ENTRY_WIRED 0x0004u
#define TOME_ENTRY_ONFAULT 0x0008u	/* wired as touched */
#define TOME_ENTRY_GROWSDOWN 0x0010u
#define TOME_ENTRY_KEEP 0x0020u
#define TOME_ENTRY_GUARD 0x0040u
#define TOME_ENTRY_NORESERVE 0x0080u
#define TOME_ENTRY_NODUMP 0x0100u
#define TOME_ENTRY_HUGE 0x0200u
#define TOME_ENTRY_NOHUGE 0x0400u
#define TOME_ENTRY_MERGEABLE 0x0800u
#define TOME_ENTRY_ZERO_SHARED_READ 0x1000u
/* Of an operation in progress (edit.h). */
#define TOME_ENTRY_TOUCHED 0x2000u
#define TOME_ENTRY_DYING 0x4000u
#define TOME_ENTRY_CHARGED 0x8000u	/* its pages are promised (commit.c) */
#define TOME_ENTRY_LEDGER 0x10000u	/* who touches its pages first pays */

/* A counted name, and who has the file open. */
struct tome_name {
	_Atomic uint32_t refs;
	struct tome_opener *opener;	/* counted; or NULL */
	char text[80];
};

struct tome_map {
	struct tome_vm *vm;
	struct tome_pmap *pmap;
	struct tome_tree tree;		/* read by faults; own lines */
	tome_va_t lo, hi;
	bool kernel;
	tome_va_t top;			/* unfixed placement starts below it */
	tome_va_t unasked;		/* and ends there, if not asked for more */
	unsigned random_bits;
	uint64_t id;
	_Atomic bool doomed;		/* who lacks memory here gets none */
	void (*entry_changed)(void *, uint64_t, tome_va_t, tome_va_t, bool);
	void *arg;
	struct tome_ledger *ledger;	/* pays for its pages; NULL: nobody */

	/* Under lock: */
	struct tome_mutex lock __attribute__((aligned(64)));
	_Atomic uint32_t refs;
	struct tome_map_limits limits;
	uint64_t nentries, vpages, data_pages, stack_pages, exec_pages,
	    locked_pages, charged_pages, peak_virtual, peak_resident;

	/* Every map of the instance, as they were made; under maps->list_lock. */
	struct tome_map *next, *prev;
};

struct tome_maps {			/* layer 5's state of an instance */
	struct tome_layer layer;
	struct tome_cache *entries, *nodes, *maps, *names;
	_Atomic uint64_t next_id;
	_Atomic uint32_t overcommit;	/* enum tome_overcommit */
	_Atomic uint64_t commit_limit;	/* pages */
	struct tome_spin list_lock;	/* rank QUEUE */
	struct tome_map *list, *last;
	/* Layer 6's, or NULL: WILLNEED, COLD, PAGEOUT. Nothing locked; the range may be
	 * anything by now. */
	void (*advise)(struct tome_map *, tome_va_t start, tome_va_t len,
	    enum tome_advice);
	/*
	 * The same, of maps that have a ledger. Does the attempt make pages that somebody
	 * pays for (it notes them), and has not asked? Inside an epoch, nothing locked.
	 * Room for a page more: may sleep; ENOMEM. What is lacking of a file: who pays,
	 * and room, as above; ENOMEM: it is not met. Then the anons noted, if they are
	 * there and nobody pays for them, are charged: as it was asked.
	 */
	bool (*ledger_asks)(struct tome_attempt *);
	enum tome_err (*ledger_room)(struct tome_map *);
	enum tome_err (*ledger_fill)(struct tome_map *, struct tome_fill *);
	void (*ledger_charge)(const struct tome_attempt *);
	/* Last entry looked up, per CPU (snapshot.c). */
	struct tome_hint {
		uint64_t map_id;	/* never reused; 0 none */
		struct tome_entry *entry;
		uint64_t epoch;
	} __attribute__((aligned(64))) *hint;
};

/* A fault that resolves needs-copy may write amap and flags of an entry that is not
 * touched, though the map is locked. */
static inline uint32_t
tome_entry_flags(const struct tome_entry *en)
{
	return tome_rd(&en->flags);
}

static inline struct tome_amap *
tome_entry_amap(const struct tome_entry *en)
{
	return tome_rd(&en->amap);
}

/* ---- sequence numbers (entry.c) ---- */

/* Even to odd; spins while a fault's resolution of needs-copy has it odd.
 * Map locked. */
void tome_entry_begin(struct tome_entry *);
/* Fault side: try once from the even number seen. */
static inline bool
tome_entry_try_begin(struct tome_entry *en, uint32_t seen)
{
	return tome_cas_sc(&en->seq, &seen, seen + 1);
}
static inline void
tome_entry_end(struct tome_entry *en)
{
	tome_host_point();
	tome_wr(&en->seq, tome_rd_relaxed(&en->seq) + 1);
}

/*
 * Resolve needs-copy of an entry whose number the caller has made odd: give it an
 * amap of its own that shares the old one's chunks. Does not sleep. ENOMEM: unchanged.
 * (copy.c; used by faults, DONTNEED, merging.)
 */
enum tome_err tome_entry_resolve_copy(struct tome_entry *) TOME_NODISCARD;

/*
 * The map is locked. Drop the content of [start, end) of one entry: private memory
 * reads as zero, or as the object below; a shared entry only loses its translations.
 * ENOMEM: what lies before was dropped. (discard.c)
 */
enum tome_err tome_entry_discard(struct tome_map *, struct tome_entry *,
    tome_va_t start, tome_va_t end) TOME_NODISCARD;

/*
 * Fault every page of [start, end) with `access`; the map is not locked. The first
 * fault's error; pages before it are present. (populate.c)
 */
enum tome_err tome_map_populate(struct tome_map *, tome_va_t start,
    tome_va_t end, tome_prot_t access) TOME_NODISCARD;
/* The access that makes a page of this entry present for good: a write where it is
 * private and writable. */
tome_prot_t tome_entry_fill_access(const struct tome_entry *);
/* Advice that layer 6 takes, if it is there; the map is not locked. (hint.c) */
void tome_map_hint(struct tome_map *, tome_va_t start, tome_va_t len,
    enum tome_advice);
/* Make what is wired in [start, end) present, as far as memory goes; the map is not
 * locked. (wire.c) */
void tome_map_fill_wired(struct tome_map *, tome_va_t start, tome_va_t end);

/* Copy from or to a space that does not run here: all of it, or EFAULT. (alien.c) */
enum tome_err tome_alien_in(struct tome_map *, void *dst, tome_va_t src,
    size_t n) TOME_NODISCARD;
enum tome_err tome_alien_out(struct tome_map *, tome_va_t dst, const void *src,
    size_t n) TOME_NODISCARD;
/* Compare and swap in a space that does not run here. EFAULT. (alien.c) */
enum tome_err tome_alien_cas_u32(struct tome_map *, tome_va_t va,
    uint32_t want, uint32_t *seen) TOME_NODISCARD;

/* The map made next after this one, whose reference is given up (NULL: the first),
 * counted; NULL: none. Nothing locked. */
struct tome_map *tome_map_after(struct tome_vm *, struct tome_map *);
/* Installed as objects->shrunk: drop the private copies of an object's pages from
 * `first` on, in every map. (truncate.c) */
void tome_maps_object_shrunk(struct tome_vm *, struct tome_object *,
    tome_pgoff_t first);

#endif
