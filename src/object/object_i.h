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
	/* private mappings of it, for truncation: the map layer's list */
	struct tome_spin mappings_lock;
	void *mappings;
	/* device */
	tome_pfn_t first;
	tome_pgoff_t npages;
	enum tome_memtype type;
	bool claimed;
};

struct tome_objects {			/* layer 4's state of an instance */
	struct tome_layer layer;
	struct tome_cache *anons, *chunks, *nodes, *amaps, *objects;
	_Atomic uint64_t next_id;
};

/* Pages, counting a partial last one. */
static inline tome_pgoff_t
tome_object_npages(const struct tome_object *ob)
{
	return (tome_rd(&ob->len) + TOME_PAGE_MASK) >> TOME_PAGE_SHIFT;
}

/* Start and stop layer 4; called by tome_map_start(). */
enum tome_err tome_objects_start(struct tome_vm *) TOME_NODISCARD;

#endif
