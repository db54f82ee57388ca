/*
 * map.c - maps and their entries, forks and faults.
 *
 * Every mapping is a shared one of an object of its own: copy-on-write is between
 * objects, not between maps, as the document has it. The core's entries carry their
 * object as a tag and never merge; it tells when one is cut or dies (entry_changed),
 * and so each has a name on its object. The tree of a map shows them, when asked.
 *
 * Locks: the facade's.
 */
#include "keyronex.h"

vm_map_t kmap;

#define NODE vm_map_entry_t
#define LEFT(n) ((n)->link.left)
#define RIGHT(n) ((n)->link.right)
#define START(n) ((n)->start)
#define END(n) ((n)->end)
#define SPLAY(verb) entry_##verb
#include "../splay.h"

/* ---- entries ---- */

/* The lock is held by who changes the map. */
static void
entry_changed(void *unused, uint64_t tag, tome_va_t start, tome_va_t end,
    bool dead)
{
	vm_object_t *ob = (vm_object_t *)(uintptr_t)tag;

	(void)unused;
	(void)start;
	(void)end;
	if (dead)
		object_drop(ob);
	else
		ob->refcnt++;
}

/* The tree becomes what the core has, as far as memory goes; what begins in an entry
 * that was is that entry. */
static void
entries_show(vm_map_t *map)
{
	vm_map_entry_t *old = map->entries, *en;
	struct tome_region r;
	tome_va_t at = 0;

	map->stale = false;
	map->entries = NULL;
	while (map->core != NULL && tome_map_next(map->core, &at, &r)) {
		en = entry_at(&old, (vaddr_t)r.start);
		if (en != NULL)
			entry_remove(&old, en);
		else
			en = tome_kmalloc(k.vm, sizeof *en);
		map->stale |= en == NULL;
		if (en == NULL)
			continue;
		*en = (vm_map_entry_t){ .start = (vaddr_t)r.start,
			.end = (vaddr_t)r.end, .size = r.end - r.start,
			.offset = (voff_t)r.offset,
			.max_prot = (vm_prot_t)r.prot, .obj = r.object_tag };
		entry_insert(&map->entries, en);
	}
	while ((en = old) != NULL) {
		entry_remove(&old, en);
		tome_kfree(k.vm, en);
	}
}

vm_map_entry_t *
vm_map_lookup(vm_map_t *map, vaddr_t at)
{
	vm_map_entry_t *en;

	if (map == NULL)
		return NULL;
	keyronex_lock();
	if (map->stale)
		entries_show(map);
	en = entry_at(&map->entries, at);
	keyronex_unlock();
	return en;
}

/* ---- maps ---- */

enum tome_err
map_begin(vm_map_t *map, tome_va_t lo, tome_va_t hi, bool kernel)
{
	const struct tome_map_config config = { .lo = lo, .hi = hi,
		.kernel = kernel, .entry_changed = entry_changed };
	struct tome_map *core;
	enum tome_err err = tome_map_create(k.vm, &config, &core);

	if (err == TOME_OK) {
		map->core = core;
		map->pmap = (pmap_t *)tome_map_pmap(core);
		tome_pmap_set_tag(tome_map_pmap(core), map);
	}
	return err;
}

void
map_end(vm_map_t *map)
{
	keyronex_lock();
	tome_map_clear(map->core);
	tome_map_unref(map->core);
	map->core = NULL;
	entries_show(map);
	keyronex_unlock();
}

vm_map_t *
vm_map_new(void)
{
	vm_map_t *map = tome_kzalloc(k.vm, sizeof *map);

	if (map == NULL || map_begin(map, 0, 0, false) != TOME_OK) {
		tome_kfree(k.vm, map);
		return NULL;
	}
	return map;
}

void
vm_map_release(vm_map_t *map)
{
	if (map == NULL || map == &kmap)
		return;
	map_end(map);
	tome_kfree(k.vm, map);
}

void
vm_activate(vm_map_t *map)
{
	if (map != NULL)
		tome_pmap_switch((struct tome_pmap *)map->pmap);
}

/* ---- mapping ---- */

/* NULL: there was no memory for the object. */
static int
map_enter(vm_map_t *map, vm_object_t *ob, vaddr_t *va, size_t size,
    voff_t off, vm_prot_t prot)
{
	struct tome_map_request rq = { .len = size, .offset = (uint64_t)off,
		.prot = prot, .flags = TOME_MAP_SHARED | TOME_MAP_KEEP,
		.tag = (uintptr_t)ob };
	enum tome_err err;
	tome_va_t at;

	if (ob == NULL)
		return -TOME_ENOMEM;
	rq.object = ob->core;
	if (ob->type == kVMObjFile && ob->pager->putpages == NULL)
		rq.prot = rq.max_prot = prot & ~(tome_prot_t)TOME_PROT_WRITE;
	rq.flags |= *va == VADDR_MAX ? TOME_MAP_BOTTOMUP :
	    TOME_MAP_FIXED | TOME_MAP_NOREPLACE;
	rq.addr = *va == VADDR_MAX ? 0 : *va;
	err = tome_map_enter(map->core, &rq, &at);
	if (err == TOME_OK) {
		map->stale = true;
		ob->refcnt++;
		*va = (vaddr_t)at;
	}
	return negative(err);
}

int
vm_allocate(vm_map_t *map, vm_object_t **out, vaddr_t *va, size_t size)
{
	vm_object_t *ob = vm_aobj_new(size);
	int r;

	if (ob == NULL)
		return -TOME_ENOMEM;
	r = vm_map_object(map, ob, va, size, 0, false);
	if (r == 0 && out != NULL)
		*out = ob;
	vm_object_release(ob);
	return r;
}

int
vm_map_object(vm_map_t *map, vm_object_t *ob, vaddr_t *va, size_t size,
    voff_t off, bool copy)
{
	int r;

	if (map == NULL || map->core == NULL || ob == NULL || va == NULL ||
	    off < 0)
		return -TOME_EINVAL;
	keyronex_lock();
	if (copy)
		ob = object_copy(ob);
	r = map_enter(map, ob, va, size, off, kVMAll);
	if (copy)
		object_drop(ob);
	keyronex_unlock();
	return r;
}

/* ---- changing ---- */

int
vm_deallocate(vm_map_t *map, vaddr_t start, size_t size)
{
	enum tome_err err;

	if (map == NULL || map->core == NULL)
		return -TOME_EINVAL;
	keyronex_lock();
	err = tome_map_remove(map->core, start, size);
	map->stale = true;
	keyronex_unlock();
	return negative(err);
}

int
vm_map_protect(vm_map_t *map, vaddr_t start, size_t size, vm_prot_t prot)
{
	enum tome_err err;

	if (map == NULL || map->core == NULL)
		return -TOME_EINVAL;
	keyronex_lock();
	err = tome_map_may_protect(map->core, start, size, prot);
	if (err == TOME_OK)
		err = tome_map_protect(map->core, start, size, prot);
	map->stale = true;
	keyronex_unlock();
	return negative(err);
}

/* ---- forking ---- */

/* The child's object: a copy of anonymous memory, one for all entries that map it. */
static int
fork_entry(vm_map_t *child, const struct tome_region *r)
{
	vm_object_t *ob = r->object_tag;
	vaddr_t va = (vaddr_t)r->start;

	if (ob->type == kVMObjAnon && ob->twin == NULL)
		ob->twin = object_copy(ob);
	return map_enter(child, ob->type == kVMObjAnon ? ob->twin : ob, &va,
	    r->end - r->start, (voff_t)r->offset, (vm_prot_t)r->prot);
}

vm_map_t *
vm_map_fork(vm_map_t *map)
{
	vm_map_t *child = map == NULL || map == &kmap ? NULL : vm_map_new();
	struct tome_region r;
	tome_va_t at;
	int left = 0;

	if (child == NULL)
		return NULL;
	keyronex_lock();
	for (at = 0; left == 0 && tome_map_next(map->core, &at, &r);)
		left = fork_entry(child, &r);
	/* The child's entries name the copies now, if anything does. */
	for (at = 0; tome_map_next(map->core, &at, &r);) {
		vm_object_t *ob = r.object_tag;

		object_drop(ob->twin);
		ob->twin = NULL;
	}
	keyronex_unlock();
	if (left == 0)
		return child;
	vm_map_release(child);
	return NULL;
}

/* ---- faults ---- */

vm_fault_ret_t
vm_fault(md_intr_frame_t *frame, vm_map_t *map, vaddr_t va,
    vm_fault_flags_t flags)
{
	tome_prot_t access = flags & kVMFaultWrite ? TOME_PROT_WRITE :
	    flags & kVMFaultExecute ? TOME_PROT_EXEC : TOME_PROT_READ;
	enum tome_err err;

	(void)frame;
	if (!(flags & kVMFaultUser) && va >= k.hooks.kmap_start &&
	    va < k.hooks.kmap_end)
		map = &kmap;
	if (map == NULL || map->core == NULL)
		return kVMFaultRetFailure;
	err = tome_fault(map->core, va, access);
	return err == TOME_OK ? kVMFaultRetOK :
	    err == TOME_ENOMEM ? kVMFaultRetPageShortage : kVMFaultRetFailure;
}
