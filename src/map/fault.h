/*
 * fault.h - what a fault carries from step to step; private to layer 5.
 */
#ifndef TOME_MAP_FAULT_H
#define TOME_MAP_FAULT_H

#include <map/map_i.h>

/* What an attempt lacked; met with nothing locked. */
enum tome_need {
	TOME_NEED_AGAIN,	/* lost a race: look again */
	TOME_NEED_MAP,		/* an entry is being changed: wait for the map */
	TOME_NEED_LOOK,		/* a hole: look under the lock, or grow a stack */
	TOME_NEED_MEMORY,
	TOME_NEED_FILL,		/* content: see fill */
	TOME_NEED_LEDGER,	/* room in the map's ledger */
	TOME_NEED_PAGE,		/* a page of the space's own: the caller's to
				 * fault in */
};

/* What a fault's last step enters. */
struct tome_commit {
	struct tome_chunk *chunk;	/* locked; NULL: there is none */
	struct tome_anon *fresh;	/* for its slot, locked; NULL: none */
	tome_pfn_t pfn;
	uint8_t prot, type;		/* tome_prot_t, enum tome_memtype */
	struct tome_held *around;	/* neighbours of this page too; NULL: no */
};

struct tome_attempt {
	struct tome_map *map;
	struct tome_vm *vm;
	tome_va_t va;			/* page aligned */
	uint8_t access;			/* READ, WRITE or EXEC */
	bool force;			/* rights do not count (ptrace) */
	bool locked;			/* holds the map's lock (need.c) */
	uint8_t need;			/* enum tome_need */
	uint8_t starved : 4;
	uint8_t ledger : 2;		/* TOME_PAYS_*: there was room for them, if
					 * tries > 0 (need.c) */
	/* The entry, as it was when its number was `seq`. */
	uint8_t prot, advice;
	uint8_t tries;			/* 255: that many, or more */
	uint32_t flags;
	uint32_t seq;
	struct tome_entry *entry;
	tome_va_t start, end;
	struct tome_amap *amap;
	uint64_t slot;			/* of va */
	struct tome_object *object;
	tome_pgoff_t page;		/* of va in the object */
	uint64_t limit;
	struct tome_commit commit;
	struct tome_fill fill;
};

/* Whose new page a ledger is to be charged for. */
#define TOME_PAYS_OWN 1u		/* the entry's */
#define TOME_PAYS_BELOW 2u		/* its object's */

static inline void
tome_attempt_begin(struct tome_attempt *f, struct tome_map *map, tome_va_t va,
    tome_prot_t access)
{
	f->map = map;
	f->vm = map->vm;
	f->va = tome_page_floor(va);
	f->access = (uint8_t)access;
	f->force = false;
	f->tries = 0;
	f->fill.pagein = NULL;
}

/*
 * Find va's entry and take the snapshot; inside an epoch. TOME_RETRY: see need.
 * EACCES: the entry forbids the access.
 */
enum tome_err tome_attempt_lookup(struct tome_attempt *, uint64_t epoch)
    TOME_NODISCARD;
/* Has the entry not changed since? Under the lock that will decide. */
static inline bool
tome_attempt_holds(const struct tome_attempt *f)
{
	return tome_likely(tome_rd_sc(&f->entry->seq) == f->seq);
}
static inline enum tome_err
tome_attempt_needs(struct tome_attempt *f, enum tome_need need)
{
	f->need = (uint8_t)need;
	return TOME_RETRY;
}
/* The entry's own anon, locked in its chunk, has no page. */
static inline enum tome_err
tome_attempt_lacks(struct tome_attempt *f, struct tome_chunk *ch)
{
	f->need = TOME_NEED_FILL;
	return tome_fill_anon(&f->fill, f->amap, ch,
	    (unsigned)(f->slot & TOME_CHUNK_MASK));
}
/* The chunk is packed: opens it, inside the epoch. Always TOME_RETRY. (need.c) */
enum tome_err tome_attempt_open(struct tome_attempt *);
/*
 * Attempt until it succeeds or fails, meeting each need in between; may sleep. The
 * attempt enters and leaves its own epoch. TOME_RETRY: it needs TOME_NEED_PAGE.
 */
enum tome_err tome_attempt_run(struct tome_attempt *,
    enum tome_err (*attempt)(struct tome_attempt *)) TOME_NODISCARD;
/* The same after a first attempt that said TOME_RETRY. */
enum tome_err tome_attempt_go_on(struct tome_attempt *,
    enum tome_err (*attempt)(struct tome_attempt *)) TOME_NODISCARD;
/*
 * Nothing is mapped at va, as far as a fault can see. Under the map's lock: OK if
 * there is an entry after all, or a stack above that grew down to va. EFAULT: a
 * hole. ENOMEM: the stack may not grow. (grow.c)
 */
enum tome_err tome_map_grow(struct tome_map *, tome_va_t va) TOME_NODISCARD;

/* As tome_fault(), with an attempt that was begun. */
enum tome_err tome_fault_run(struct tome_attempt *) TOME_NODISCARD;

/* Will the object's page be seen through this private entry as it is? */
enum tome_below { TOME_BELOW_ZERO, TOME_BELOW_PAGE, TOME_BELOW_PART,
	TOME_BELOW_END };
enum tome_below tome_attempt_below(const struct tome_attempt *);

#endif
