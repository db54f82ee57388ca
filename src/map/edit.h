/*
 * edit.h - one structural operation on a map: what it holds, touches and leaves;
 * private to layer 5.
 *
 * The order of every operation, under the map's lock (models F1-F7):
 *   1 check, and reserve (may fail: nothing has changed)
 *   2 touch entries (numbers odd), change entries and tree, edit page tables
 *     into the gather
 *   3 tome_edit_flush(): the round, then wiping what no entry covers any more
 *   4 merge what now agrees
 *   5 tome_edit_finish(): all numbers even, or dead
 * and after the lock is dropped
 *   6 tome_edit_release(): counts are dropped, dead entries wait for the epoch.
 *
 * While an entry is touched, new or dead, its `retired` link chains it here.
 */
#ifndef TOME_MAP_EDIT_H
#define TOME_MAP_EDIT_H

#include <map/map_i.h>

struct tome_edit {
	struct tome_map *map;
	struct tome_entry *touched;	/* odd, dying ones included */
	struct tome_entry *spare;
	struct tome_entry *dead;	/* to be released */
	struct tome_object *object;	/* a count that a cut entry gave up */
	bool flush;
	unsigned nwipes;
	struct tome_edit_wipe {		/* of entries that stay in part */
		struct tome_entry *entry;
		uint64_t first, n;
		struct tome_wipe wipe;
	} wipes[2];
	struct tome_tree_spare nodes;
	struct tome_gather gather;
};

void tome_edit_init(struct tome_edit *, struct tome_map *);

/* ---- 1: reserving; ENOMEM: release what there is ---- */

/* One entry, and room in the tree near va; `inserts` of the operation in all. */
enum tome_err tome_edit_reserve(struct tome_edit *, tome_va_t va,
    unsigned inserts) TOME_NODISCARD;
/* n entries, and nodes for as many inserts anywhere. */
enum tome_err tome_edit_reserve_many(struct tome_edit *, unsigned n)
    TOME_NODISCARD;
/* What tome_edit_remove() of the range may need, beside `inserts` others. */
enum tome_err tome_edit_remove_reserve(struct tome_edit *, tome_va_t start,
    tome_va_t end, unsigned inserts) TOME_NODISCARD;
/* A reserve failed: what refers to the map goes back while it is locked, and numbers
 * turn even. */
void tome_edit_abandon(struct tome_edit *);

/* ---- 2: changing ---- */

/* Make its number odd; again is nothing. */
void tome_edit_touch(struct tome_edit *, struct tome_entry *);
/* A reserved entry, odd, all zero but its map. */
struct tome_entry *tome_edit_new(struct tome_edit *);
/* Insert a new entry whose fields are set. */
void tome_edit_insert(struct tome_edit *, struct tome_entry *);
/* [at, end) becomes an entry of its own, which is returned. */
struct tome_entry *tome_edit_split(struct tome_edit *, struct tome_entry *,
    tome_va_t at);
/* Other bounds; slot and offset follow start. No content moves. */
void tome_edit_set_bounds(struct tome_edit *, struct tome_entry *,
    tome_va_t start, tome_va_t end);
/* Take it out of the tree; it dies in finish. */
void tome_edit_kill(struct tome_edit *, struct tome_entry *);
/* The same, but it stays in a tree that is about to be cleared. */
void tome_edit_kill_linked(struct tome_edit *, struct tome_entry *);
/* For a change of the page tables that is not among these. */
struct tome_gather *tome_edit_gather(struct tome_edit *);
/* Remove the range: entries, translations (into the gather). */
void tome_edit_remove(struct tome_edit *, tome_va_t start, tome_va_t end);
/* The translations alone. */
void tome_edit_unmap(struct tome_edit *, tome_va_t start, tome_va_t end);

/* Take away rights beyond prot from the range's translations (into the gather). */
void tome_edit_narrow(struct tome_edit *, tome_va_t start, tome_va_t end,
    tome_prot_t);

/*
 * Change an attribute of all entries in a range: split where it cuts one that
 * differs, set each. Reserves first: ENOMEM is without effect.
 */
struct tome_change {
	bool (*differs)(const struct tome_change *, const struct tome_entry *);
	void (*set)(const struct tome_change *, struct tome_edit *,
	    struct tome_entry *);
	uint32_t value;
	uint32_t clear;
	void *arg;
	/* tome_edit_change(): the first entry that ends above start, if known. */
	struct tome_entry *first;
};
enum tome_err tome_edit_change(struct tome_edit *, tome_va_t start,
    tome_va_t end, const struct tome_change *) TOME_NODISCARD;
/* All six steps; ENOMEM for a hole, too: the rest is changed, as on Linux. */
enum tome_err tome_map_change(struct tome_map *, tome_va_t start,
    tome_va_t len, const struct tome_change *) TOME_NODISCARD;

/* ---- 3 to 6 ---- */

void tome_edit_flush(struct tome_edit *);
/* Merge neighbours that agree, from the entry before start to the one after end. */
void tome_edit_merge(struct tome_edit *, tome_va_t start, tome_va_t end);
void tome_edit_finish(struct tome_edit *);
void tome_edit_release(struct tome_edit *);

/* ---- entries (entry.c) ---- */

static inline uint64_t
tome_entry_pages(const struct tome_entry *en)
{
	return (uint64_t)(en->end - en->start) >> TOME_PAGE_SHIFT;
}

static inline struct tome_entry *
tome_entry_chained(const struct tome_entry *en)
{
	return en->retired.next == NULL ? NULL :
	    tome_container(en->retired.next, struct tome_entry, retired);
}

static inline void
tome_entry_chain(struct tome_entry *en, struct tome_entry *next)
{
	en->retired.next = next == NULL ? NULL : &next->retired;
}

struct tome_entry *tome_entry_alloc(struct tome_map *);
/* Never inserted, or past its epoch. Counts are the caller's. */
void tome_entry_free(struct tome_vm *, struct tome_entry *);
/* Copy what a piece or a child shares, counting object and name; not the amap, the
 * number, the map. */
void tome_entry_copy(struct tome_entry *to, const struct tome_entry *from);
/* Drop its counts: amap, object, name. May sleep. */
void tome_entry_drop(struct tome_vm *, struct tome_entry *);
/* Add to the map's totals, or take away. Under its lock. */
void tome_entry_count(struct tome_map *, const struct tome_entry *);
void tome_entry_uncount(struct tome_map *, const struct tome_entry *);

/* The client's callback, for a tagged entry that is new or dead. */
void tome_entry_tell(const struct tome_map *, const struct tome_entry *,
    bool dead);

/*
 * b follows a and is no different to whoever looks: one region to /proc, one
 * mapping to mremap.
 */
bool tome_entry_alike(const struct tome_entry *a, const struct tome_entry *b);
/* Alike, and the pages of both are in one amap, or can be. */
bool tome_entry_joinable(const struct tome_entry *a,
    const struct tome_entry *b);
/*
 * May it cover n more pages, after its end or (`below`) before its start? Its
 * amap's slots there must be empty and nobody else's.
 */
bool tome_entry_extendable(const struct tome_entry *, bool below, uint64_t n);

/* Names. NULL text: *out is NULL. */
/* NULL without a text. */
enum tome_err tome_name_create(struct tome_vm *, const char *,
    struct tome_opener *, struct tome_name **out) TOME_NODISCARD;
struct tome_name *tome_name_ref(struct tome_name *);
void tome_name_unref(struct tome_vm *, struct tome_name *);

/* The end of the run of alike entries that begins with this one (iterate.c). */
tome_va_t tome_entry_run_end(struct tome_map *, struct tome_entry *);

/* ---- ranges ---- */

/* Is [start, start+len) page aligned, not empty, and within the map? */
bool tome_range_ok(const struct tome_map *, tome_va_t start, tome_va_t len);
/* The end of what is mapped without a hole from start on, at most end. */
tome_va_t tome_range_mapped(struct tome_map *, tome_va_t start, tome_va_t end);

/* ---- limits ---- */

/* Pages that n bytes of a limit are; UINT64_MAX: none. */
static inline uint64_t
tome_limit_pages(uint64_t bytes)
{
	return bytes == UINT64_MAX ? bytes : bytes >> TOME_PAGE_SHIFT;
}
static inline bool
tome_entry_is_data(uint32_t flags, tome_prot_t prot)
{
	return (prot & TOME_PROT_WRITE) != 0 &&
	    (flags & (TOME_ENTRY_SHARED | TOME_ENTRY_GROWSDOWN |
	    TOME_ENTRY_GUARD)) == 0;
}

/* ---- what is promised (commit.c) ---- */

/* Would an entry with these flags and rights be charged for? */
bool tome_commit_applies(const struct tome_map *, uint32_t flags, tome_prot_t);
/* May `pages` be promised, while `back` are given back? They are promised when an
 * entry that is CHARGED counts them. */
bool tome_commit_allows(struct tome_vm *, uint64_t pages, uint64_t back);
/* Is the sum what maps and objects say? NULL, or a sentence. At rest. */
const char *tome_commit_check(struct tome_vm *);

/* ---- other steps that operations share ---- */

/* The instance's list of maps (start.c). */
void tome_maps_link(struct tome_map *);
void tome_maps_unlink(struct tome_map *);
const char *tome_maps_check(struct tome_vm *);
enum tome_err tome_map_create_like(struct tome_map *parent,
    struct tome_map **out) TOME_NODISCARD;
/* Private entries to be shared with children become mappings of an object that
 * holds their content (share.c). ENOMEM: some may have, which nobody can tell. */
enum tome_err tome_map_share_private(struct tome_map *) TOME_NODISCARD;

#define TOME_STACK_GUARD ((tome_va_t)256 << TOME_PAGE_SHIFT)

/* Where an unfixed mapping goes (place.c). False: nowhere. */
bool tome_map_place(struct tome_map *, const struct tome_map_request *,
    tome_va_t *out);

#endif
