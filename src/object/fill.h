/*
 * fill.h - what a page still lacks before it can be used, and how it is got.
 *
 * Code that holds locks cannot wait for a transfer. It notes the lack here, unlocks
 * everything, leaves its epoch, meets the lack (which sleeps), and starts again
 * from its look-up. A lack is
 *  PREPARE  a swapped-out anon: frames and a request, to be had before it is claimed
 *  RUN      the anon was claimed with what was prepared: now read
 *  WAIT     somebody else's page-in; or the slot numbers of a chunk, which are on
 *           disk: who waits for TOME_FILL_FAR reads them
 *  READ     a file's page that is not resident, or being read
 *  NOTIFY   a file's page that becomes dirty: its pager must be told
 *  AGAIN    nothing any more
 *
 * An anon is claimed under its lock (TOME_ANON_READING); it then belongs to the
 * page-in, which also frees it if its last reference goes meanwhile
 * (test/models/pagein.pml).
 */
#ifndef TOME_OBJECT_FILL_H
#define TOME_OBJECT_FILL_H

#include <base/io.h>
#include <object/amap.h>

struct tome_pagein;
struct tome_object;
enum tome_recount { TOME_RECOUNT_SUB, TOME_RECOUNT_VERIFY, TOME_RECOUNT_ADD };

enum tome_lack { TOME_LACK_PREPARE, TOME_LACK_RUN, TOME_LACK_WAIT,
	TOME_LACK_READ, TOME_LACK_NOTIFY, TOME_LACK_AGAIN };

/* Begins with pagein NULL; the rest is set when there is a lack. */
struct tome_fill {
	struct tome_pagein *pagein;	/* prepared; RUN: claimed */
	union {
		struct tome_object *object;	/* READ, NOTIFY: counted */
		uint32_t slot;		/* WAIT: what is being read */
		struct tome_chunk *far;	/* WAIT for TOME_FILL_FAR: counted */
	};
	union {
		uint32_t seen;		/* WAIT */
		uint32_t page;		/* READ, NOTIFY */
		uint32_t pages;		/* PREPARE: how many */
	};
	uint8_t bucket;
	uint8_t lack;
	bool alone;			/* READ: nothing around it */
	uint8_t payer;			/* READ: number of the ledger that pays, 0: none */
};

#define TOME_FILL_FAR 0xffu		/* for a bucket */

/*
 * Layer 6's, installed when it starts: where anons without a page are. Without it
 * every anon has its page.
 */
struct tome_anon_pager {
	/* How many pages a page-in of anon i should be prepared for. Chunk and anon are
	 * locked, the anon is swapped. */
	unsigned (*window)(struct tome_amap *, struct tome_chunk *, unsigned i);
	/* Memory for one page-in, of n pages or fewer. Sleeps. ENOMEM. */
	enum tome_err (*prepare)(struct tome_vm *, unsigned n,
	    struct tome_pagein **);
	/* Never claimed: give it back. */
	void (*abandon)(struct tome_vm *, struct tome_pagein *);
	/* Take on anon i of the chunk, and neighbours if that pays. Chunk and anon are
	 * locked, the anon is swapped and not being read; it is marked. */
	void (*claim)(struct tome_pagein *, struct tome_amap *,
	    struct tome_chunk *, unsigned i);
	/* Read, wait, install; uses the page-in up. Sleeps. EIO: the first anon's page
	 * cannot be had. ENOMEM. */
	enum tome_err (*run)(struct tome_vm *, struct tome_pagein *);
	/* Wait for another's page-in, as fill says; uses its count of a chunk up. Sleeps.
	 * EIO: it is overdue, or failed. */
	enum tome_err (*wait)(struct tome_vm *, const struct tome_fill *);
	/* An anon gives its slot up. It is locked; any other lock may be held. */
	void (*release)(struct tome_vm *, uint32_t slot);
	/* Of packed chunks, so that who has no swap has no code for them either: open the
	 * one that covers a slot (tome_amap_open()); give back what slots [lo, hi) of a
	 * locked one hold. */
	enum tome_err (*open)(struct tome_amap *, uint64_t slot,
	    struct tome_fill *, struct tome_dirent *out);
	void (*empty)(struct tome_amap *, struct tome_chunk *, unsigned lo,
	    unsigned hi);
	/* What tome_amap_share() does to one chunk: true, it was done, with *err; false,
	 * there is none, or it has been opened: *d says. */
	bool (*share)(struct tome_amap *from, struct tome_amap *to,
	    struct tome_dirent *d, uint64_t slot, uint64_t first, uint64_t last,
	    enum tome_err *err);
	/* As tome_dirent_unshare(). */
	enum tome_err (*clone)(struct tome_amap *, struct tome_dirent *d,
	    unsigned lo, unsigned hi, struct tome_chunk **old);
	/* As tome_amap_home(). */
	enum tome_err (*home)(struct tome_amap *, uint64_t slot);
	/* The pages that a locked one has, a bit each. *id: 0, and it has their slot
	 * numbers; or these are on disk, and the number of the first. */
	uint32_t (*pages)(const struct tome_dirent *, uint64_t *id);
	/* How many of slots [first, last] are swapped out, packed or not. Takes chunks'
	 * locks. */
	uint64_t (*swapped)(struct tome_amap *, uint64_t first, uint64_t last);
	/* One has ended that no directory names, and nobody looks at. */
	void (*ended)(struct tome_vm *, struct tome_chunk *);
	/* At rest, as recount: what it holds; *next has to be seen too, if it is not
	 * NULL then. */
	const char *(*packed)(struct tome_vm *, struct tome_chunk *,
	    enum tome_recount, struct tome_chunk **next);
	/* What its ledger, of this word (TOME_ANON_LEDGER), was charged ends. Any lock may
	 * be held. */
	void (*uncharge)(struct tome_vm *, uint32_t word, bool resident);
	/* A file's page is going to be read for the ledger of this number: its word; 0:
	 * that is no more. */
	uint32_t (*charge)(struct tome_vm *, unsigned payer);
	/*
	 * At rest: SUB takes away one owner of a slot (0: none), of this word, ADD gives
	 * it back; VERIFY: the others are no anon's business, and ledgers were charged
	 * for those that were seen. NULL, or what is wrong.
	 */
	const char *(*recount)(struct tome_vm *, uint32_t slot, uint32_t word,
	    bool resident, enum tome_recount);
};

/* The anon's page is there. Locked. */
static inline bool
tome_anon_resident(const struct tome_anon *an)
{
	return tome_likely(an->pfn != TOME_PFN_NONE);
}

/* Chunk and its anon i are locked; it is not resident: note what is lacking.
 * Always TOME_RETRY; keeps the locks. */
enum tome_err tome_fill_anon(struct tome_fill *, struct tome_amap *,
    struct tome_chunk *, unsigned i);

/* Nothing locked, no epoch: get it. OK: look again. ENOMEM, EIO, ENXIO. */
enum tome_err tome_fill_meet(struct tome_vm *, struct tome_fill *)
    TOME_NODISCARD;
/* Give back what was prepared and not used. */
void tome_fill_abandon(struct tome_vm *, struct tome_fill *);
static inline void
tome_fill_end(struct tome_vm *vm, struct tome_fill *fill)
{
	if (tome_unlikely(fill->pagein != NULL))
		tome_fill_abandon(vm, fill);
}

#endif
