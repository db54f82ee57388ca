/*
 * object.c - objects: anonymous ones, above a vnode's or not, and vnodes'.
 *
 * An object here is one of the core's, with the names that maps, parents and clients
 * have of it; the core's references are its own, so content lives as long as the core
 * needs it. A vnode's object is freed when its pager is not needed any more.
 *
 * Locks: the facade's, over names. None while an object ends: its pages may be written.
 */
#include "keyronex.h"

/* An object without a bound: as much as can be mapped anywhere. */
#define UNBOUNDED ((uint64_t)1 << 56)

/* ---- anonymous ---- */

/* Takes the core's reference. NULL: no memory, and it is given back. */
static vm_object_t *
anon_object(struct tome_object *core, size_t size, vm_object_t *parent)
{
	vm_object_t *ob = tome_kzalloc(k.vm, sizeof *ob);

	if (ob == NULL) {
		tome_object_unref(core);
		return NULL;
	}
	*ob = (vm_object_t){ .refcnt = 1, .type = kVMObjAnon, .size = size,
		.anon = { &ob->amap, size, parent }, .amap = { .obj = ob },
		.core = core };
	tome_object_set_tag(core, ob);
	if (parent != NULL)
		parent->refcnt++;
	return ob;
}

vm_object_t *
vm_aobj_new(size_t size)
{
	uint64_t bytes = size == 0 ? UNBOUNDED : PGROUNDUP((uint64_t)size);
	struct tome_object *core;

	if (bytes < size || bytes > UNBOUNDED ||
	    tome_object_create_anon(k.vm, bytes, NULL, 0, &core) != TOME_OK)
		return NULL;
	return anon_object(core, size == 0 ? 0 : (size_t)bytes, NULL);
}

/* A vnode's has no anons to be copied: what is made lies above it. */
vm_object_t *
object_copy(vm_object_t *ob)
{
	struct tome_object *core;
	enum tome_err err = ob->type == kVMObjAnon ?
	    tome_object_copy(ob->core, &core) :
	    tome_object_create_anon(k.vm, ob->size, ob->core, 0, &core);

	if (err != TOME_OK)
		return NULL;
	return anon_object(core, ob->size,
	    ob->type == kVMObjAnon ? ob->anon.parent : ob);
}

vm_object_t *
vm_object_copy(vm_object_t *ob)
{
	vm_object_t *copy;

	keyronex_lock();
	copy = ob == NULL ? NULL : object_copy(ob);
	keyronex_unlock();
	return copy;
}

/* ---- names ---- */

void
vm_object_retain(vm_object_t *ob)
{
	keyronex_lock();
	if (ob != NULL)
		ob->refcnt++;
	keyronex_unlock();
}

/* A parent has none. */
void
object_drop(vm_object_t *ob)
{
	while (ob != NULL && --ob->refcnt == 0) {
		tome_object_set_tag(ob->core, NULL);
		amap_clear(&ob->amap);
		ob->next = k.dead;
		k.dead = ob;
		ob = ob->type == kVMObjAnon ? ob->anon.parent : NULL;
	}
}

void
keyronex_unlock(void)
{
	vm_object_t *ob, *dead = k.dead;

	k.dead = NULL;
	tome_unlock(k.vm, &k.lock);
	while ((ob = dead) != NULL) {
		struct tome_object *core = ob->core;

		dead = ob->next;
		if (ob->type == kVMObjAnon)
			tome_kfree(k.vm, ob);
		tome_object_unref(core);
	}
}

void
vm_object_release(vm_object_t *ob)
{
	keyronex_lock();
	object_drop(ob);
	keyronex_unlock();
}

/* ---- vnodes ---- */

static void
file_gone(void *ctx)
{
	tome_kfree(k.vm, ctx);
}

/* A transfer as a page list, for as long as the pager takes. */
static void
file_transfer(void *ctx, struct tome_io *io)
{
	const vm_object_t *ob = ctx;
	union {
		vm_mdl_t mdl;
		char room[sizeof(vm_mdl_t) + TRANSFER_MAX * sizeof(void *)];
	} t = { .mdl = { .nPages = io->n } };
	int r;

	for (unsigned i = 0; i < io->n; i++) {
		t.mdl.pages[i] = page_of(io->vec[i].pfn);
		t.mdl.nBytes += io->vec[i].len;
	}
	r = (io->op == TOME_IO_WRITE ? ob->pager->putpages :
	    ob->pager->getpages)(ob->file.vnode, &t.mdl, (voff_t)io->at);
	tome_io_done(io, r == 0 ? TOME_OK :
	    r == -TOME_ENOSPC ? TOME_ENOSPC : TOME_EIO);
}

vm_object_t *
vm_vobj_new(vnode_t *vnode, const vm_pagerops_t *ops, size_t size)
{
	const struct tome_pager pager = { .max_pages = TRANSFER_MAX,
		.read = file_transfer, .gone = file_gone, .write =
		ops != NULL && ops->putpages != NULL ? file_transfer : NULL };
	vm_object_t *ob;
	struct tome_object *core;

	if (ops == NULL || ops->getpages == NULL)
		return NULL;
	ob = tome_kzalloc(k.vm, sizeof *ob);
	if (ob == NULL || tome_object_create_vnode(k.vm, &pager, ob, size,
	    &core) != TOME_OK) {
		tome_kfree(k.vm, ob);
		return NULL;
	}
	*ob = (vm_object_t){ .refcnt = 1, .type = kVMObjFile, .size = size,
		.file = { .vnode = vnode }, .core = core, .pager = ops };
	tome_object_set_tag(core, ob);
	return ob;
}

int
vm_object_flush(vm_object_t *ob)
{
	if (ob == NULL || ob->type != kVMObjFile)
		return -TOME_EINVAL;
	return negative(tome_object_sync(ob->core, 0, 0, true));
}

/* ---- a vnode object's tree of pages ---- */

#define NODE vm_page_t
#define LEFT(n) ((n)->objlink.left)
#define RIGHT(n) ((n)->objlink.right)
#define RED(n) ((n)->objlink.red)
#define BALANCE(verb) pages_##verb
#include "../balance.h"

/* A list in order, by right links, first. */
vm_page_t *
vm_object_pages(vm_object_t *ob)
{
	struct tome_object_look l;
	tome_pgoff_t from = 0;
	vm_page_t **link;
	size_t n = 0;

	if (ob == NULL || ob->type != kVMObjFile)
		return NULL;
	keyronex_lock();
	link = &ob->file.pages;
	for (; tome_object_look(ob->core, from, &l); from = l.page + 1) {
		*link = page_of(l.pfn);
		(void)page_show(*link, true);
		link = &(*link)->objlink.right;
		n++;
	}
	*link = NULL;
	pages_tree(&ob->file.pages, n);
	keyronex_unlock();
	return ob->file.pages;
}
