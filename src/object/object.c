/*
 * object.c - an object's life.
 *
 * A file's object may take a name again when its last has gone, to be written.
 *
 * Invariant: an anonymous object holds one reference on its amap and on its
 *   parent; a device object that claimed its frames gives them back at the end.
 * Locks: the list of objects (checks only). The count is atomic.
 */
#include <base/memory.h>
#include <object/object_i.h>

static void object_unlink(struct tome_object *);
static void object_free(struct tome_object *);
static void object_retired(struct tome_vm *, struct tome_retired *);

enum tome_err
tome_object_create_anon(struct tome_vm *vm, uint64_t len,
    struct tome_object *parent, tome_pgoff_t parent_page,
    struct tome_object **out)
{
	struct tome_amap *am;
	enum tome_err err;

	if (len > UINT64_MAX - TOME_PAGE_MASK || (parent != NULL &&
	    (parent->kind == TOME_OBJECT_DEVICE || parent->parent != NULL)))
		return TOME_EINVAL;
	err = tome_amap_create(vm, true, &am);
	if (err != TOME_OK)
		return err;
	err = tome_object_create_over(am, len, parent, parent_page, out);
	if (err != TOME_OK)
		tome_amap_unref(am);
	return err;
}

enum tome_err
tome_object_create_over(struct tome_amap *am, uint64_t len,
    struct tome_object *parent, tome_pgoff_t parent_page,
    struct tome_object **out)
{
	struct tome_object *ob;
	enum tome_err err = tome_object_new(am->vm, TOME_OBJECT_ANON, &ob);

	if (err != TOME_OK)
		return err;
	ob->amap = am;
	ob->len = len;
	ob->parent = parent;
	ob->parent_page = parent_page;
	if (parent != NULL)
		tome_object_ref(parent);
	tome_object_link(ob);
	*out = ob;
	return TOME_OK;
}

tome_cold enum tome_err
tome_object_create_device(struct tome_vm *vm, tome_pfn_t first,
    tome_pgoff_t n, enum tome_memtype type, bool claim,
    struct tome_object **out)
{
	struct tome_object *ob;
	enum tome_err err;

	if (n == 0 || n > (tome_pfn_t)-1 - first)
		return TOME_EINVAL;
	err = tome_object_new(vm, TOME_OBJECT_DEVICE, &ob);
	if (err != TOME_OK)
		return err;
	if (claim)
		err = tome_frames_claim(vm, TOME_PAGE_DEVICE, first,
		    (tome_pfn_t)n);
	if (err != TOME_OK) {
		tome_cache_put(vm->objects->objects, ob);
		return err;
	}
	ob->first = first;
	ob->npages = n;
	ob->type = type;
	ob->claimed = claim;
	ob->len = (uint64_t)n << TOME_PAGE_SHIFT;
	tome_object_link(ob);
	*out = ob;
	return TOME_OK;
}

enum tome_err
tome_object_new(struct tome_vm *vm, enum tome_object_kind kind,
    struct tome_object **out)
{
	struct tome_object *ob = tome_cache_get(vm->objects->objects);

	if (ob == NULL)
		return TOME_ENOMEM;
	memset(ob, 0, sizeof *ob);
	ob->vm = vm;
	ob->kind = kind;
	ob->refs = 1;
	ob->id = tome_add(&vm->objects->next_id, 1);
	*out = ob;
	return TOME_OK;
}

void
tome_object_link(struct tome_object *ob)
{
	struct tome_objects *all = ob->vm->objects;
	uintptr_t irq = tome_spin_lock(ob->vm, &all->list_lock,
	    TOME_RANK_QUEUE);

	ob->next = all->list;
	if (ob->next != NULL)
		ob->next->prev = ob;
	all->list = ob;
	tome_spin_unlock(ob->vm, &all->list_lock, TOME_RANK_QUEUE, irq);
	tome_count(ob->vm, TOME_N_OBJECTS, 1);
}

static void
object_unlink(struct tome_object *ob)
{
	struct tome_objects *all = ob->vm->objects;
	uintptr_t irq = tome_spin_lock(ob->vm, &all->list_lock,
	    TOME_RANK_QUEUE);

	if (ob->next != NULL)
		ob->next->prev = ob->prev;
	if (ob->prev != NULL)
		ob->prev->next = ob->next;
	else
		all->list = ob->next;
	tome_spin_unlock(ob->vm, &all->list_lock, TOME_RANK_QUEUE, irq);
	tome_count(ob->vm, TOME_N_OBJECTS, -1);
}

/* A parent has no parent, so the chain ends after one step. */
void
tome_object_drop(struct tome_object *ob)
{
	while (ob != NULL && tome_drop(&ob->refs) == 0) {
		struct tome_object *parent = ob->parent;

		if (ob->ops != NULL && !ob->ops->end(ob))
			break;
		object_unlink(ob);
		object_free(ob);
		ob = parent;
	}
}

static void
object_free(struct tome_object *ob)
{
	struct tome_vm *vm = ob->vm;

	if (ob->charged != 0)
		tome_count(vm, TOME_N_COMMITTED, -(int64_t)ob->charged);
	if (ob->amap != NULL)
		tome_amap_unref(ob->amap);
	for (tome_pgoff_t i = 0; ob->claimed && i < ob->npages; i++)
		tome_frame_free(vm, ob->first + (tome_pfn_t)i);
	tome_epoch_retire(vm, &ob->retired, object_retired);
}

static void
object_retired(struct tome_vm *vm, struct tome_retired *r)
{
	struct tome_object *ob = tome_container(r, struct tome_object, retired);

	tome_kfree(vm, ob->vnode);
	tome_cache_put(vm->objects->objects, ob);
}

void
tome_object_charge(struct tome_object *ob, uint64_t pages)
{
	ob->charged = pages;
	tome_count(ob->vm, TOME_N_COMMITTED, (int64_t)pages);
}

enum tome_object_kind
tome_object_kind(const struct tome_object *ob)
{
	return ob->kind;
}

uint64_t
tome_object_size(const struct tome_object *ob)
{
	return tome_rd(&ob->len);
}

uint64_t
tome_object_id(const struct tome_object *ob)
{
	return ob->id;
}

void
tome_object_set_tag(struct tome_object *ob, void *tag)
{
	ob->tag = tag;
}

void *
tome_object_tag(const struct tome_object *ob)
{
	return ob->tag;
}

void
tome_object_seal(struct tome_object *ob)
{
	tome_wr(&ob->sealed, true);
}
