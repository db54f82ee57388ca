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

#include <object/amap.h>
#include <tome/object.h>

struct tome_object {
	struct tome_vm *vm;
	_Atomic uint32_t refs;
	enum tome_object_kind kind;
	uint64_t id;
	void *tag;
	struct tome_mutex resize;
	uint64_t len;			/* bytes */
	/* anonymous */
	struct tome_amap *amap;
	struct tome_object *parent;
	tome_pgoff_t parent_page;
	/* device */
	tome_pfn_t first;
	tome_pgoff_t npages;
	enum tome_memtype type;
	bool claimed;
	/* Every object of the instance, for checks; under objects->list_lock. */
	struct tome_object *next, *prev;
};

struct tome_objects {			/* layer 4's state of an instance */
	struct tome_layer layer;
	struct tome_cache *anons, *chunks, *nodes, *amaps, *objects;
	_Atomic uint64_t next_id;
	struct tome_spin list_lock;	/* rank QUEUE */
	struct tome_object *list;
	/*
	 * Layer 5's, installed when it starts: pages from `first` on are gone; drop
	 * the private copies that mappings of the object made of them. May sleep.
	 */
	void (*shrunk)(struct tome_vm *, struct tome_object *,
	    tome_pgoff_t first);
};

/* Pages, counting a partial last one. */
static inline tome_pgoff_t
tome_object_npages(const struct tome_object *ob)
{
	return (tome_rd(&ob->len) + TOME_PAGE_MASK) >> TOME_PAGE_SHIFT;
}

/*
 * The object's own page: its chunk and anon, both locked. With `create` one is
 * made where there is none (zero, or a copy of the parent's, whose translations
 * are revoked first, since others may have entered it for this object). Inside
 * an epoch, nothing locked but, at most, a map's own chunk. May flush.
 * ENXIO: beyond the end. ENOENT: none, and not create. ENOMEM.
 */
struct tome_held {
	struct tome_amap *amap;
	struct tome_dirent d;
	struct tome_anon *anon;
};
enum tome_err tome_object_hold(struct tome_object *, tome_pgoff_t, bool create,
    struct tome_held *) TOME_NODISCARD;
void tome_held_release(struct tome_held *);
/* Does the parent have a page for this one? */
static inline bool
tome_object_inherits(const struct tome_object *ob, tome_pgoff_t pg)
{
	return ob->parent != NULL &&
	    ob->parent_page + pg < tome_object_npages(ob->parent);
}

/* Start layer 4; called by tome_map_start(). It ends with the instance. */
enum tome_err tome_objects_start(struct tome_vm *) TOME_NODISCARD;

/*
 * Recount invariant 1 with the machine at rest, in place: SUB takes away one
 * reference per call and, on the first call for an amap, what it names; then all
 * counts must be zero (VERIFY); ADD restores them. Call all three for each name of
 * each amap. Returns NULL or what is wrong.
 */
enum tome_recount { TOME_RECOUNT_SUB, TOME_RECOUNT_VERIFY, TOME_RECOUNT_ADD };
const char *tome_recount_amap(struct tome_amap *, enum tome_recount);
/* The same for every object of the instance. */
const char *tome_recount_objects(struct tome_vm *, enum tome_recount);

#endif
