/*
 * object_i.h - struct tome_object, for layers 4 and 5.
 *
 * An anonymous object's content is its amap (slots are page indexes from 0), of
 * which it holds one reference. Length changes under `resize`, a sleeping lock;
 * faults read npages under the lock of the chunk in question, and a resize that
 * shrinks stores it before it visits the chunks (so either the fault sees the new
 * length, or the visit finds what the fault made).
 */
#ifndef TOME_OBJECT_OBJECT_I_H
#define TOME_OBJECT_OBJECT_I_H

#include <object/fill.h>
#include <object/pagetree.h>
#include <tome/object.h>

struct tome_held;
struct tome_files;
struct tome_vnode;
struct tome_object_look;
enum tome_hold { TOME_HOLD_LOOK, TOME_HOLD_READ, TOME_HOLD_WRITE };

/* Who has a file open (<tome/pager.h>). */
struct tome_opener {
	struct tome_vm *vm;
	_Atomic uint32_t refs;
	_Atomic uint32_t seen;		/* the last error he was told */
};

/*
 * What a vnode object does in its own way (vnode.c); other kinds have none. A table,
 * so that who has no files links none of it.
 */
struct tome_object_ops {
	enum tome_err (*hold)(struct tome_object *, tome_pgoff_t,
	    enum tome_hold, struct tome_held *);
	void (*release)(struct tome_held *);
	/* The page at this distance from the held one, if it can be had at once:
	 * locked. */
	tome_pfn_t (*beside)(struct tome_held *, int distance);
	void (*beside_end)(struct tome_held *, tome_pfn_t);
	/* Meet a lack; uses the fill's count up. */
	enum tome_err (*meet)(struct tome_fill *);
	void (*put)(struct tome_object *, tome_pfn_t, bool written);
	/* The length is stored: pages from `first` on leave, what lies behind the end
	 * in the last is zeroed. */
	void (*shrink)(struct tome_object *, tome_pgoff_t first, uint64_t len);
	/* EIO: one stayed, in a transfer that does not end. */
	enum tome_err (*punch)(struct tome_object *, tome_pgoff_t first,
	    tome_pgoff_t last);
	/* Does its store go with it? */
	bool (*punches)(const struct tome_object *);
	bool (*present)(struct tome_object *, tome_pgoff_t);
	/* For who has it open; NULL: for nobody. */
	enum tome_err (*sync)(struct tome_opener *, struct tome_object *,
	    tome_pgoff_t first, tome_pgoff_t n);
	uint64_t (*resident)(struct tome_object *);
	/* The first page from out->page on that is in memory. False: none. In an epoch. */
	bool (*next)(struct tome_object *, struct tome_object_look *out);
	/* No name is left. False: one is again, for it has pages to be written. */
	bool (*end)(struct tome_object *);
	/* Have the pages of such objects written. */
	void (*settle)(struct tome_vm *);
	/* NULL, or what is wrong; the machine at rest. */
	const char *(*check)(struct tome_object *);
};

struct tome_object {
	struct tome_vm *vm;
	_Atomic uint32_t refs;
	enum tome_object_kind kind;
	uint64_t id;
	void *tag;
	struct tome_mutex resize;
	uint64_t len;			/* bytes */
	uint64_t charged;		/* pages promised, for life */
	/* anonymous */
	struct tome_amap *amap;
	struct tome_object *parent;
	tome_pgoff_t parent_page;
	/* device */
	tome_pfn_t first;
	tome_pgoff_t npages;
	enum tome_memtype type;
	bool claimed;
	_Atomic bool sealed;		/* no mapping punches it */
	/* file */
	const struct tome_object_ops *ops;
	struct tome_vnode *vnode;
	/* Every object of the instance, for checks; under objects->list_lock. */
	struct tome_object *next, *prev;
	/* A fault may still look at it when its last entry has gone. */
	struct tome_retired retired;
};

struct tome_objects {			/* layer 4's state of an instance */
	struct tome_layer layer;
	struct tome_cache *anons, *chunks, *packed, *nodes, *amaps, *objects;
	struct tome_cache *pagenodes;			/* NULL: no files yet */
	struct tome_files *files;
	struct tome_mutex files_lock;			/* to make the two */
	_Atomic uint64_t dirty_limit;			/* 0: default */
	_Atomic uint64_t next_id;
	struct tome_spin list_lock;	/* rank QUEUE */
	struct tome_object *list;
	/*
	 * Layer 5's, installed when it starts: pages from `first` on are gone; drop
	 * the private copies that mappings of the object made of them. May sleep.
	 */
	void (*shrunk)(struct tome_vm *, struct tome_object *,
	    tome_pgoff_t first);
	/* Layer 6's, or NULL: where anons without a page are, and memory when there is
	 * none (nothing locked, may sleep; true: there is some). */
	const struct tome_anon_pager *anon_pager;
	bool (*reclaim)(struct tome_vm *);
	/* Layer 6 chooses which pages leave: true, this one stays. The page is locked,
	 * or its anon is. NULL: one that was used stays. */
	bool (*spares)(struct tome_vm *, struct tome_page *, tome_pfn_t);
	/* The same: it is the next to leave. */
	void (*cools)(struct tome_vm *, struct tome_page *, tome_pfn_t);
	/* Packs that nobody names any more, but whose page names slots; those slots, of
	 * all such packs, and theirs; of packs that a recount has seen (far.c). */
	_Atomic uintptr_t far_ended;
	_Atomic uint64_t far_orphans;
	uint64_t far_seen;
	/* It is told of a frame, which nobody knows yet, for a page of this object; its
	 * index is set. */
	void (*back)(struct tome_vm *, tome_pfn_t, const void *object);
};

/* Memory was lacking. Nothing locked; may sleep. True: try again. */
static inline bool
tome_memory_found(struct tome_vm *vm)
{
	return vm->objects->reclaim != NULL && vm->objects->reclaim(vm);
}

/* Pages, counting a partial last one. */
static inline tome_pgoff_t
tome_object_npages(const struct tome_object *ob)
{
	return (tome_rd(&ob->len) + TOME_PAGE_MASK) >> TOME_PAGE_SHIFT;
}

/*
 * Hold a page of an object: its chunk and anon, both locked. Inside an epoch, with
 * nothing locked but, at most, a map's own chunk. May flush.
 *  LOOK   what is there: its own page, else its parent's. ENOENT: neither.
 *  READ   the same, but a hole is filled with a zero page of its own, unless it
 *         inherits, when the parent's is
 *  WRITE  its own page, made as a copy where it inherits
 * A page of the parent comes with `above`, the object's own chunk, locked too: while
 * it is, the object gets no page of its own there.
 * `read_only`: enter it without the right to write: it is the parent's, or shared
 * with a private copy of this memory (then WRITE makes the object its own).
 * ENXIO: beyond the end. ENOMEM. TOME_RETRY: the page is not resident; h->fill, the
 * caller's, says what is lacking.
 */
struct tome_held {
	struct tome_fill *fill;
	tome_pfn_t pfn;			/* file */
	bool file;			/* which of the two below */
	bool read_only;
	union {
		struct {
			struct tome_amap *amap;
			struct tome_dirent d;
			struct tome_anon *anon;
		};
		struct {
			struct tome_object *object;
			struct tome_pagespot spot;
		};
	};
	struct tome_amap *above_amap;
	struct tome_chunk *above;	/* NULL: the object's own page. A file
					 * leaves it as it was */
};
enum tome_err tome_object_hold(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_held *) TOME_NODISCARD;
void tome_held_release(struct tome_held *);
/*
 * The page at a distance from pg, which is held, if what holds that covers it and it
 * can be had at once, whole: locked until beside_end. NONE: no.
 */
tome_pfn_t tome_held_beside(struct tome_held *, const struct tome_object *,
    tome_pgoff_t pg, int distance);
void tome_held_beside_end(struct tome_held *, const struct tome_object *,
    tome_pgoff_t pg, int distance, tome_pfn_t);
static inline tome_pfn_t
tome_held_pfn(const struct tome_held *h)
{
	return h->file ? h->pfn : h->anon->pfn;
}
/* The slot of `pg`, in the amap that h holds. */
static inline uint64_t
tome_held_slot(const struct tome_held *h, const struct tome_object *ob,
    tome_pgoff_t pg)
{
	return h->above != NULL ? ob->parent_page + pg : pg;
}
/* tome_object_get() once. TOME_RETRY: fill says what is lacking. */
enum tome_err tome_object_try_get(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_fill *, tome_pfn_t *out) TOME_NODISCARD;
/* Does the parent have a page for this one? */
static inline bool
tome_object_inherits(const struct tome_object *ob, tome_pgoff_t pg)
{
	return ob->parent != NULL &&
	    ob->parent_page + pg < tome_object_npages(ob->parent);
}

/* An anonymous object over an amap, which becomes its own. ENOMEM. */
enum tome_err tome_object_create_over(struct tome_amap *, uint64_t len,
    struct tome_object *parent, tome_pgoff_t parent_page,
    struct tome_object **out) TOME_NODISCARD;
/* Any kind, with one reference, its own fields to be set; not yet in the list. ENOMEM. */
enum tome_err tome_object_new(struct tome_vm *, enum tome_object_kind,
    struct tome_object **) TOME_NODISCARD;
void tome_object_link(struct tome_object *);

/* As tome_object_unref(), but starts no transfer: what is left to be written waits for
 * settle. */
void tome_object_drop(struct tome_object *);
/* A reference, unless the last one has gone. Inside an epoch, or under what keeps the
 * object from its end. */
bool tome_object_try_ref(struct tome_object *);

/* Pages of it are promised (map/commit.c): counted until its end. Once. */
void tome_object_charge(struct tome_object *, uint64_t pages);

/* Start layer 4; called by tome_map_start(). It ends with the instance. */
enum tome_err tome_objects_start(struct tome_vm *) TOME_NODISCARD;

/*
 * Recount invariant 1 with the machine at rest, in place: SUB takes away one
 * reference per call and, on the first call for an amap, what it names; then all
 * counts must be zero (VERIFY); ADD restores them. Call all three for each name of
 * each amap. Returns NULL or what is wrong.
 */
const char *tome_recount_amap(struct tome_amap *, enum tome_recount);
/* The same for every object of the instance. */
const char *tome_recount_objects(struct tome_vm *, enum tome_recount);

#endif
