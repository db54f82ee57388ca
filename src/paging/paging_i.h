/*
 * paging_i.h - layer 6's state, private to it.
 *
 * A slot is named by a 32-bit number: the area's plus one, and its index there. It is
 * owned by one anon, by one transfer, or by nobody (free, retired).
 *
 * Lock: `lock`, rank QUEUE, leaf side, over areas, slots and free requests.
 */
#ifndef TOME_PAGING_PAGING_I_H
#define TOME_PAGING_PAGING_I_H

#include <base/io.h>
#include <object/evict.h>
#include <object/object_i.h>
#include <paging/policy.h>
#include <paging/shadow.h>
#include <paging/tier.h>
#include <phys/stray.h>
#include <tome/ledger.h>
#include <tome/paging.h>

#define TOME_SLOT_WORD (8 * sizeof(unsigned long))	/* bits of the map */
#define TOME_SLOT_BITS 26
#define TOME_SLOT_MASK (((uint32_t)1 << TOME_SLOT_BITS) - 1)

/* A transfer between an area and frames. From its area's pool: page-out
 * allocates nothing, and an area that does not answer keeps nobody from another. */
struct tome_swap_io {
	struct tome_io io;
	struct tome_swap_area *area;
	uint32_t slot;				/* the first */
	struct tome_pagein *reader;		/* of a read */
	_Atomic uint32_t reading;		/* one is under way */
	struct tome_swap_io *next;		/* free */
	struct tome_io_vec vec[TOME_SWAP_MAX];
};
#define TOME_SWAP_IOS 16u

/* What the compressed tier held, on its way to this area: behind.c. */
struct tome_behind {
	bool ready;				/* the frames are there */
	tome_pfn_t frame[TOME_SWAP_MAX];	/* one a neighbour */
	uint32_t at;				/* slot of the first */
	/* A bit each: the transfer's, whoever owns them; freed meanwhile, and how. */
	uint32_t claimed, ended;
	uint8_t why[TOME_SWAP_MAX];
};

/* A page that packs are read to from their area, or written from (desk.c, far.c). */
enum tome_desk_state { TOME_DESK_EMPTY, TOME_DESK_BUSY, TOME_DESK_HOLDS,
	TOME_DESK_FAILED, TOME_DESK_LEFT };
struct tome_desk {
	tome_pfn_t pfn;				/* constant */
	/* Under the lock. */
	enum tome_desk_state state;		/* read anywhere */
	uint32_t slot, sum;			/* what of */
	unsigned users;				/* who look at it */
};
#define TOME_DESKS 2u

struct tome_swap_area {
	struct tome_swap_device device;		/* constant */
	void *ctx;
	uint64_t slots;
	int priority;
	unsigned id;
	/* Under the lock. */
	bool closing;				/* gives out nothing */
	bool leaving;				/* somebody is removing it */
	unsigned careful;			/* so many runs of one page: a
						 * longer one failed */
	uint64_t hint;				/* where to look next */
	struct tome_swap_stats n;
	unsigned long *taken;			/* a bit a slot */
	struct tome_swap_area *next;		/* by falling priority */
	bool silent;				/* all requests are under way, and
						 * none was answered in time */
	unsigned flying;			/* requests */
	bool desks;				/* their frames are there */
	struct tome_desk desk[TOME_DESKS], out;	/* where it is read, and written */
	struct tome_swap_io *free_io;
	struct tome_swap_io io[TOME_SWAP_IOS];
	struct tome_behind behind;
};

static inline uint64_t
tome_area_free(const struct tome_swap_area *a)
{
	return a->slots - a->n.used - a->n.retired;
}

struct tome_paging;
struct tome_zone;

_Static_assert(TOME_SWAP_MAX <= 32, "a bit each");
/* Pages on their way out: pinned, mapped nowhere, in no slot yet. */
struct tome_pageout {
	struct tome_paging *paging;
	unsigned n;
	/* While they are given slots: the next; those of the others that are yet to be
	 * written, a bit each; the slot that the first would have. */
	unsigned at;
	uint32_t left, slot;
	tome_pfn_t pfn[TOME_SWAP_MAX];
};

/* What decides which pages of a zone leave; see choose.c for who may. */
struct tome_choice {
	struct tome_spin lock;			/* rank QUEUE */
	tome_pfn_t hand[TOME_ZONES];		/* where each zone's is */
	bool hurry;				/* whatever was not used leaves */
	uint64_t key;				/* of the page that leaves now, */
	uint32_t word;				/* and what is known of it */
	struct tome_policy policy[TOME_ZONES];
	struct tome_shadows shadows;
};

/* Who is told of scarcity, and who is asked for memory; under its lock. */
struct tome_balance {
	struct tome_mutex lock;
	struct tome_pressure_watch *watches;
	struct tome_shrinker *shrinkers;	/* NULL or not: read anywhere */
	enum tome_pressure level;		/* read anywhere */
	uint64_t direct, failed;		/* as of the last look */
};

/* What a group of maps may have (ledger.c), charged to its ancestors too. */
struct tome_ledger {
	struct tome_paging *paging;
	struct tome_ledger *parent;
	uint32_t word;				/* TOME_ANON_LEDGER of its anons */
	bool (*full)(void *);
	void *arg;
	_Atomic uint64_t most_resident, most_swapped;	/* limits */
	_Atomic uint64_t resident, swapped, peak, refused;
	_Atomic uint32_t users;			/* who look for room in it */
	_Atomic bool gone;			/* destroyed; ends with its last page */
	tome_pfn_t hand;			/* under `sweep`: where it looks */
	uint64_t want;				/* and for how many */
	uint64_t seen_resident, seen_swapped;	/* of a recount */
};

/* Who reads anons one after another: ahead.c. */
struct tome_stream {
	uint32_t first, end;			/* what was read last */
	uint32_t size;				/* how many at once */
};
#define TOME_STREAMS 64u
#define TOME_AHEAD_MOST 16u

struct tome_paging {
	struct tome_choice choice;
	struct tome_stream stream[TOME_STREAMS];
	struct tome_balance balance;
	bool (*oom_kill)(void *);
	void *oom_arg;
	_Atomic uint64_t refused, failed, oom_kills, shrunk;
	struct tome_layer layer;
	struct tome_vm *vm;
	struct tome_spin lock;
	/* Under it. */
	struct tome_swap_area *area[TOME_SWAP_AREAS];
	struct tome_swap_area *areas;
	uint64_t room;				/* slots to be had; read anywhere */
	uint64_t slots;				/* of all areas; the same */
	struct tome_tier *tier;			/* or NULL; set once, read anywhere */
	bool keeps;				/* its limit is not 0; read anywhere */
	_Atomic uint32_t behind_ended;		/* slots: see struct tome_behind */
	struct tome_strays strays;
	_Atomic uint32_t writing;		/* pages in transfers to slots */
	_Atomic uint32_t alone;			/* so many pages are read without
						 * neighbours: some failed */
	/* The daemon's. */
	_Atomic uint32_t kick;			/* changes: look */
	_Atomic uint32_t stop;
	/* Over the hands, and what they have taken. */
	struct tome_mutex sweep;
	struct tome_pageout sweeping;
	/* What swapped_out was when all chunks were looked at; who does it. */
	_Atomic uint64_t packed_at;
	_Atomic uint32_t packing;
	/* His: a pack to be; packed chunks in memory when last counted. */
	struct tome_chunk *pack;
	uint64_t near;
	/* Packs that ended; those whose page cannot be read. Under `bury`. */
	struct tome_mutex bury;
	struct tome_retired *ended, *lost, *lost_last;
	_Atomic uint64_t packs_written, packs_read, slots_lost;
	struct tome_mutex ledger_lock;		/* who comes and goes */
	struct tome_ledger *ledger[TOME_LEDGERS + 1];	/* by number, from 1 */
	_Atomic uint64_t looked, used, dropped, swapped_out, swapped_in,
	    written_file, direct, daemon;
};

/* ---- slots.c ---- */

enum tome_slot_end { TOME_SLOT_SUPERSEDED, TOME_SLOT_DROPPED,
	TOME_SLOT_UNWRITTEN, TOME_SLOT_HOME, TOME_SLOT_RETIRED };

/* A run of up to *n slots; *n is its length. 0: there is none. */
uint32_t tome_slots_take(struct tome_paging *, unsigned *n);
/* Any context, any lock. */
void tome_slot_free(struct tome_paging *, uint32_t slot, enum tome_slot_end);
/* The same of one that nobody claims, the lock held. */
void tome_slot_ends(struct tome_paging *, uint32_t slot, enum tome_slot_end);
/* A run could not be written: be careful for a while. */
void tome_slots_careful(struct tome_paging *, struct tome_swap_area *);
struct tome_swap_area *tome_slot_area(struct tome_paging *, uint32_t slot);
/* Used or retired, counted one by one. */
uint64_t tome_slots_taken(const struct tome_swap_area *);
/* At rest: as struct tome_anon_pager says, of slots. False: it is wrong. */
bool tome_slots_recount(struct tome_paging *, uint32_t slot,
    enum tome_recount);
/* More than half of what there is is taken. */
bool tome_slots_scarce(struct tome_paging *);

/* ---- swap_io.c ---- */

/* A request to the area of this slot. Waits for one as long as its patience goes;
 * NULL: there is none. */
struct tome_swap_io *tome_swap_io_get(struct tome_paging *, uint32_t slot);
/* Does not wait. */
struct tome_swap_io *tome_swap_io_try(struct tome_paging *, uint32_t slot);
void tome_swap_io_put(struct tome_paging *, struct tome_swap_io *);
void tome_swap_io_start(struct tome_paging *, struct tome_swap_io *,
    enum tome_io_op, uint32_t slot, unsigned n,
    void (*finish)(struct tome_io *));
/* A write of so many pages is over. */
void tome_swap_count_writes(struct tome_paging *, struct tome_swap_area *,
    unsigned n, bool ok);
/* When nobody waits any more for the reading of this slot that is under way; a little
 * later, if there is none. */
uint64_t tome_swap_io_deadline(struct tome_paging *, uint32_t slot);
/* When nobody waits any more for a transfer of this slot that begins now. */
uint64_t tome_slot_patience(struct tome_paging *, uint32_t slot);
/* Until no page is being written, or for a while. */
void tome_swap_settle(struct tome_paging *);
/* Until none is, or what is written is overdue. */
void tome_swap_finish(struct tome_paging *);
/* Until no request to this area is under way. */
void tome_swap_calm(struct tome_paging *, struct tome_swap_area *);

/* ---- compress.c ---- */

/* The tier has a copy of this page now, for a slot that is the caller's. */
bool tome_compress_keep(struct tome_paging *, uint32_t slot, tome_pfn_t);
bool tome_compress_has(struct tome_paging *, uint32_t slot);
/* As tome_tier_load(). */
enum tome_err tome_compress_load(struct tome_paging *, uint32_t slot,
    tome_pfn_t) TOME_NODISCARD;
void tome_compress_drop(struct tome_paging *, uint32_t slot);

/* ---- behind.c ---- */

/* Frames to unpack into, once. ENOMEM: there are none. */
enum tome_err tome_behind_furnish(struct tome_paging *,
    struct tome_swap_area *) TOME_NODISCARD;
/* Of every area that there is. */
enum tome_err tome_behind_furnish_all(struct tome_paging *) TOME_NODISCARD;
/* No area has a request under way. */
void tome_behind_end(struct tome_paging *, struct tome_swap_area *);
/* Begin to write what was kept longest if the tier is nearly full, or memory scarce.
 * Nothing locked; does not wait. */
void tome_behind(struct tome_paging *, bool scarce);
/* Slots that are free when their write is over. */
unsigned tome_behind_orphans(struct tome_paging *);
/* The lock is held. True: this slot is being written; it is freed when that is over. */
bool tome_behind_defers(struct tome_paging *, uint32_t slot,
    enum tome_slot_end);

/* ---- pageout.c ---- */

void tome_pageout_begin(struct tome_pageout *, struct tome_paging *);
/* Take this page if it is an anon's. As tome_cache_evict(); STARTED: with the end. KEPT
 * if there are TOME_SWAP_MAX already. */
enum tome_evict tome_pageout_anon(struct tome_pageout *, struct tome_page *,
    enum tome_evict_which);
/* Write what was taken; does not wait for it. */
void tome_pageout_end(struct tome_pageout *);
/* Whose this page is, or NULL. Inside an epoch; the next moment it may be another's. */
struct tome_anon *tome_pageout_owner(struct tome_vm *,
    const struct tome_page *);

/* ---- ahead.c ---- */

/* How many anons to read, of which one is at this index of an amap, and is lacking. */
unsigned tome_ahead_window(struct tome_paging *, const struct tome_amap *,
    uint64_t index);
/* So many were read, from this one on. */
void tome_ahead_read(struct tome_paging *, const struct tome_amap *,
    uint64_t first, unsigned n);

/* ---- pagein.c ---- */

extern const struct tome_anon_pager tome_swap_pager;
/* The next anon that is being read although it has gone meanwhile, *at 0 for the first;
 * NULL: no more. At rest. */
const struct tome_anon *tome_pagein_orphan(const struct tome_swap_area *,
    unsigned *at);

/* ---- choose.c ---- */

/* Memory for shadows, once. ENOMEM. */
enum tome_err tome_choice_remember(struct tome_paging *) TOME_NODISCARD;
void tome_choice_end(struct tome_paging *);
/* The next page of a zone that the policy has to look at, at most so many frames
 * on, which are then fewer; NULL: there is none. Nothing is locked, so it may be
 * anything by now. Under `sweep`. */
struct tome_page *tome_choice_next(struct tome_paging *, enum tome_zone_kind,
    uint64_t *steps);
/* Whether a page that it has to look at stays. Its owner is locked, and `sweep`. */
bool tome_choice_spares(struct tome_vm *, struct tome_page *, tome_pfn_t);
/* The page is to leave before others. The same locks. */
void tome_choice_cool(struct tome_vm *, struct tome_page *, tome_pfn_t);
/* The page that was spared last was not, and leaves. Under `sweep`. */
void tome_choice_left(struct tome_paging *, enum tome_zone_kind);
/* A frame that nobody knows yet gets what was out: an anon, an object's page that its
 * index says. Any context. */
void tome_choice_back(struct tome_vm *, tome_pfn_t, const void *owner);

/* Frames that the hand of a zone goes round; 0: the zone is empty. */
tome_pfn_t tome_zone_span(struct tome_vm *, const struct tome_zone *);

/* ---- reclaim.c ---- */

/* Some memory, for who has none. */
bool tome_paging_found(struct tome_vm *);
/* Pages of a zone that leave, or will when they are written: n, or fewer if a few
 * rounds have no more. */
uint64_t tome_sweep(struct tome_paging *, enum tome_zone_kind, uint64_t n,
    bool hurry);

/* ---- pressure.c ---- */

/* Tell who watches if the level has changed. Nothing locked. */
void tome_pressure_look(struct tome_paging *);
/* Up to n frames' worth from others' caches. */
uint64_t tome_shrink(struct tome_paging *, uint64_t n);

/* ---- oom.c ---- */

/* Nothing was found. True: there will be memory. */
bool tome_oom(struct tome_paging *);

/* ---- each.c ---- */

/* Where a walk over all amaps is; begins with all but vm empty. */
struct tome_each {
	struct tome_vm *vm;
	bool maps;				/* done with objects */
	struct tome_object *object;
	struct tome_map *map;
	tome_va_t va;
	struct tome_amap *counted;
};
/* The next, good until the next call; NULL: no more, do not ask again. Nothing locked;
 * may sleep. */
struct tome_amap *tome_each_next(struct tome_each *);
/* The next object that has an amap, counted; after NULL, the first. */
struct tome_object *tome_object_after(struct tome_vm *, struct tome_object *);
void tome_each_end(struct tome_each *);

/* ---- advise.c ---- */

/* As struct tome_maps says. */
void tome_paging_advise(struct tome_map *, tome_va_t start, tome_va_t len,
    enum tome_advice);

/* ---- desk.c ---- */

/* Frames for an area's. ENOMEM. */
enum tome_err tome_desks_furnish(struct tome_paging *,
    struct tome_swap_area *) TOME_NODISCARD;
/* No request to it is under way. */
void tome_desks_end(struct tome_paging *, struct tome_swap_area *);
/* What a page adds up to. */
uint32_t tome_desk_sum(const uint32_t *page);
/* For tome_fill's TOME_FILL_FAR; the count of the slip is used up. Sleeps as long as the
 * area's patience goes, or, if not 0, this. EIO. */
enum tome_err tome_desk_meet(struct tome_paging *, struct tome_chunk *slip,
    uint64_t patience) TOME_NODISCARD;
/* As tome_amap_home(). */
enum tome_err tome_desk_home(struct tome_amap *, uint64_t slot) TOME_NODISCARD;
/* For whoever must not wait long. */
#define TOME_DESK_PAUSE 100000000u
/* Free what packs name that nobody names: of a few, and true if there are more; or of
 * all, those too that could not be read before. Sleeps, but not for long for each. */
bool tome_desk_bury(struct tome_paging *, bool all);
/* Those that could not be read are forgotten; the slots that they held. */
uint64_t tome_desk_forget(struct tome_paging *);

/* ---- far.c ---- */

/* Write the packed chunks of an amap from this key on to a pack, as many as belong
 * there. Sleeps, but not for long. Under `packing`. */
void tome_far_write(struct tome_paging *, struct tome_amap *, uint64_t key);

/* ---- pack.c ---- */

/* Pack every chunk that can be; how many. Nothing locked. */
uint64_t tome_pack_all(struct tome_paging *);
/* The same, and have what is packed leave memory. */
uint64_t tome_pack_away(struct tome_paging *);
/* The same if so much left since that it pays. */
void tome_pack_some(struct tome_paging *);

/* ---- ledger.c ---- */

/* An anon of this word comes to be there, or to be swapped out; its lock is held, or it
 * is being read. */
void tome_ledger_in(struct tome_paging *, uint32_t word);
void tome_ledger_out(struct tome_paging *, uint32_t word);
void tome_ledger_uncharge(struct tome_vm *, uint32_t word, bool resident);
/* May one more of this word be swapped out? */
bool tome_ledger_stores(struct tome_paging *, uint32_t word);
/* So many of this word are about to come in: others leave if it will be too much.
 * Nothing locked. */
void tome_ledger_trim(struct tome_paging *, uint32_t word, unsigned more);
enum tome_err tome_ledger_room(struct tome_map *) TOME_NODISCARD;
/* Who pays for what a map's space brings in, by number; 0: nobody. *alone: there is no
 * room for more than what it asked for. Nothing locked. */
uint8_t tome_ledger_payer(struct tome_map *, bool *alone);
/* If it is there and nobody pays. Locked, inside an epoch. */
void tome_ledger_charge_anon(struct tome_ledger *, struct tome_anon *);
/* As struct tome_anon_pager's charge. */
uint32_t tome_ledger_charge_file(struct tome_vm *, unsigned payer);
/* At rest. As struct tome_anon_pager's recount. */
const char *tome_paging_recount(struct tome_vm *, uint32_t slot, uint32_t word,
    bool resident, enum tome_recount);
/* All are forgotten; how many were charged still. */
size_t tome_ledgers_end(struct tome_paging *);

/* ---- payer.c: as struct tome_maps says ---- */

struct tome_attempt;

bool tome_ledger_asks(struct tome_attempt *);
enum tome_err tome_ledger_fill(struct tome_map *,
    struct tome_fill *) TOME_NODISCARD;
void tome_ledger_charge(const struct tome_attempt *);

/* ---- census.c ---- */

/* As struct tome_anon_pager's swapped. */
uint64_t tome_amap_swapped(struct tome_amap *, uint64_t first, uint64_t last);

/* ---- home.c ---- */

/* Bring home what is in an area that is closing. EIO, ENOMEM: not all. */
enum tome_err tome_swap_home(struct tome_paging *,
    struct tome_swap_area *) TOME_NODISCARD;

#endif
