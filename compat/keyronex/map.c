/*
 * map.c - maps and their entries, forks and faults.
 *
 * Every mapping is a shared one of an object of its own: copy-on-write is between
 * objects, not between maps, as the document has it. Entries are what the core has;
 * they never merge.
 *
 * Invariant: a map's entries are the core's, each with a name on its object.
 * Locks: the facade's.
 */
#include "keyronex.h"

struct keyronex keyronex_state;
vm_map_t kmap;

/* ---- start and end ---- */

static enum tome_err
kmap_start(void)
{
	const struct tome_map_config config = { .lo = k.hooks.kmap_start,
		.hi = k.hooks.kmap_end, .kernel = true };
	struct tome_map *core = NULL;
	enum tome_err err = TOME_OK;

	if (config.lo < config.hi)
		err = tome_map_create(k.vm, &config, &core);
	kmap = (vm_map_t){ .core = core,
		.pmap = (pmap_t *)tome_pmap_kernel(k.vm) };
	k.maps = &kmap;
	return err;
}

enum tome_err
compat_keyronex_start(struct tome_vm *vm,
    const struct compat_keyronex_hooks *hooks)
{
	enum tome_err err;

	memset(&k, 0, sizeof k);
	k.vm = vm;
	k.hooks = *hooks;
	err = pages_start();
	if (err == TOME_OK)
		err = kmap_start();
	if (err == TOME_OK)
		err = tome_paging_start(vm);
	if (err == TOME_OK) {
		tome_paging_policy(vm, TOME_POLICY_SECOND_CHANCE);
		return TOME_OK;
	}
	if (kmap.core != NULL)
		tome_map_unref(kmap.core);
	pages_stop();
	return err;
}

/* Drop every entry; the core's have gone. */
static void
entries_end(vm_map_t *map)
{
	vm_map_entry_t *en;

	while ((en = map->entries) != NULL) {
		entry_remove(&map->entries, en);
		object_drop(en->obj);
		tome_kfree(k.vm, en);
	}
}

void
compat_keyronex_stop(void)
{
	vm_map_entry_t *en;

	while (k.maps != &kmap)
		vm_map_release(k.maps);
	while ((en = k.heap) != NULL)
		vm_kfree(en->start, en->size / PGSIZE);
	if (kmap.core != NULL)
		tome_map_unref(kmap.core);
	keyronex_lock();
	entries_end(&kmap);
	keyronex_unlock();
	(void)tome_writeback(k.vm, UINT64_MAX, TOME_FOREVER);
	tome_io_run(k.vm);
	while (k.areas != NULL) {
		struct keyronex_area *area = k.areas;

		k.areas = area->next;
		if (tome_swap_remove(k.vm, area->id) == TOME_OK)
			tome_kfree(k.vm, area);
	}
	pages_stop();
	memset(&kmap, 0, sizeof kmap);
}

/* ---- maps ---- */

vm_map_t *
vm_map_new(void)
{
	vm_map_t *map = tome_kzalloc(k.vm, sizeof *map);
	struct tome_map *core;

	if (map == NULL)
		return NULL;
	if (tome_map_create(k.vm, NULL, &core) != TOME_OK) {
		tome_kfree(k.vm, map);
		return NULL;
	}
	map->core = core;
	map->pmap = (pmap_t *)tome_map_pmap(core);
	keyronex_lock();
	map->next = k.maps;
	k.maps->prev = map;
	k.maps = map;
	keyronex_unlock();
	return map;
}

void
vm_map_release(vm_map_t *map)
{
	if (map == NULL || map == &kmap)
		return;
	keyronex_lock();
	map->next->prev = map->prev;		/* kmap is the last */
	if (map->prev != NULL)
		map->prev->next = map->next;
	else
		k.maps = map->next;
	tome_map_unref(map->core);
	entries_end(map);
	keyronex_unlock();
	tome_kfree(k.vm, map);
}

void
vm_activate(vm_map_t *map)
{
	if (map == NULL)
		return;
	tome_pmap_switch((struct tome_pmap *)map->pmap);
}

vm_map_entry_t *
vm_map_lookup(vm_map_t *map, vaddr_t at)
{
	vm_map_entry_t *en;

	if (map == NULL)
		return NULL;
	keyronex_lock();
	en = entry_find(&map->entries, at);
	if (en != NULL && en->start > at)
		en = NULL;
	keyronex_unlock();
	return en;
}

/* ---- mapping ---- */

static int
map_enter(vm_map_t *map, vm_object_t *ob, vaddr_t *va, size_t size,
    voff_t off, vm_prot_t prot)
{
	struct tome_map_request rq = { .len = size, .object = ob->core,
		.offset = (uint64_t)off, .prot = prot,
		.max_prot = object_is_readonly(ob) ? prot : 0,
		.flags = TOME_MAP_SHARED | TOME_MAP_KEEP };
	vm_map_entry_t *en = tome_kzalloc(k.vm, sizeof *en);
	enum tome_err err;
	tome_va_t at;

	if (en == NULL)
		return -TOME_ENOMEM;
	rq.flags |= *va == VADDR_MAX ? TOME_MAP_BOTTOMUP :
	    TOME_MAP_FIXED | TOME_MAP_NOREPLACE;
	rq.addr = *va == VADDR_MAX ? 0 : *va;
	err = tome_map_enter(map->core, &rq, &at);
	if (err != TOME_OK) {
		tome_kfree(k.vm, en);
		return negative(err);
	}
	entry_bounds(en, (vaddr_t)at, (vaddr_t)at + size);
	en->offset = off;
	en->max_prot = prot;
	en->obj = ob;
	ob->refcnt++;
	entry_insert(&map->entries, en);
	*va = en->start;
	return 0;
}

int
vm_allocate(vm_map_t *map, vm_object_t **out, vaddr_t *va, size_t size)
{
	vm_object_t *ob;
	int r;

	if (size == 0 || !is_aligned(size))
		return -TOME_EINVAL;
	ob = vm_aobj_new(size);
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
	int r = -TOME_ENOMEM;

	if (map == NULL || map->core == NULL || ob == NULL || va == NULL ||
	    size == 0 || !is_aligned(size) || off < 0 ||
	    !is_aligned((uint64_t)off) ||
	    (*va != VADDR_MAX && !is_aligned(*va)))
		return -TOME_EINVAL;
	keyronex_lock();
	if (copy)
		ob = object_copy(ob);
	if (ob != NULL)
		r = map_enter(map, ob, va, size, off,
		    object_is_readonly(ob) ? kVMRead | kVMExecute : kVMAll);
	if (ob != NULL && copy)
		object_drop(ob);
	keyronex_unlock();
	return r;
}

/* ---- changing ---- */

/* One to spare, if `at` cuts the entry. False: no memory. */
static bool
entry_spare(const vm_map_entry_t *en, vaddr_t at, vm_map_entry_t **spare)
{
	if (en == NULL || en->start >= at || en->end <= at)
		return true;
	*spare = tome_kmalloc(k.vm, sizeof *en);
	return *spare != NULL;
}

static void
change_end(vm_map_entry_t *spare[2])
{
	keyronex_unlock();
	tome_kfree(k.vm, spare[0]);
	tome_kfree(k.vm, spare[1]);
}

/*
 * The range is legal, and there is an entry to spare for each end that cuts one (the
 * start's is 0). Locks, or fails.
 */
static int
change_begin(vm_map_t *map, vaddr_t start, size_t size,
    vm_map_entry_t *spare[2])
{
	vaddr_t end = start + size;
	vm_map_entry_t *en;
	bool enough;

	if (map == NULL || map->core == NULL || size == 0 ||
	    !is_aligned(start) || !is_aligned(size) || end < start)
		return -TOME_EINVAL;
	keyronex_lock();
	spare[0] = spare[1] = NULL;
	en = entry_find(&map->entries, start);
	enough = entry_spare(en, start, &spare[0]);
	if (en != NULL && en->end < end)
		en = entry_find(&map->entries, end);
	if (enough && entry_spare(en, end, &spare[1]))
		return 0;
	change_end(spare);
	return -TOME_ENOMEM;
}

/* Two entries where one lay across an end: the second is the spare one. */
static void
map_split(vm_map_t *map, vaddr_t at, vm_map_entry_t **spare)
{
	vm_map_entry_t *en, *by = *spare;

	if (by == NULL)
		return;
	en = entry_find(&map->entries, at);
	*by = *en;
	entry_bounds(by, at, en->end);
	entry_bounds(en, en->start, at);
	by->offset += (voff_t)en->size;
	by->obj->refcnt++;
	entry_insert(&map->entries, by);
	*spare = NULL;
}

int
vm_deallocate(vm_map_t *map, vaddr_t start, size_t size)
{
	vm_map_entry_t *spare[2], *en;
	vaddr_t end = start + size;
	int r = change_begin(map, start, size, spare);

	if (r != 0)
		return r;
	r = negative(tome_map_remove(map->core, start, size));
	if (r == 0) {
		map_split(map, start, &spare[0]);
		map_split(map, end, &spare[1]);
		while (start < end && (en = entry_find(&map->entries,
		    start)) != NULL && en->start < end) {
			start = en->end;
			entry_remove(&map->entries, en);
			object_drop(en->obj);
			tome_kfree(k.vm, en);
		}
	}
	change_end(spare);
	return r;
}

/* All of it is mapped, and may be protected so. */
static int
protectable(vm_map_t *map, vaddr_t start, vaddr_t end, vm_prot_t prot)
{
	vm_map_entry_t *en;

	for (; start < end; start = en->end) {
		en = entry_find(&map->entries, start);
		if (en == NULL || en->start > start)
			return -TOME_ENOMEM;
		if ((prot & kVMWrite) && object_is_readonly(en->obj))
			return -TOME_EACCES;
	}
	return 0;
}

int
vm_map_protect(vm_map_t *map, vaddr_t start, size_t size, vm_prot_t prot)
{
	vm_map_entry_t *spare[2], *en;
	int r;

	if ((prot & ~(unsigned)kVMAll) != 0)
		return -TOME_EINVAL;
	r = change_begin(map, start, size, spare);
	if (r != 0)
		return r;
	r = protectable(map, start, start + size, prot);
	if (r == 0)
		r = negative(tome_map_protect(map->core, start, size, prot));
	if (r == 0) {
		map_split(map, start, &spare[0]);
		map_split(map, start + size, &spare[1]);
		for (vaddr_t at = start; at < start + size; at = en->end) {
			en = entry_find(&map->entries, at);
			en->max_prot = prot;
		}
	}
	change_end(spare);
	return r;
}

/* ---- forking ---- */

/* The child's object: a copy of anonymous memory, one for all entries that map it. */
static vm_object_t *
fork_object(vm_object_t *ob)
{
	if (ob->type == kVMObjFile)
		return ob;
	if (ob->twin == NULL)
		ob->twin = object_copy(ob);
	return ob->twin;
}

static int
fork_entries(vm_map_t *map, vm_map_t *child)
{
	vm_map_entry_t *en = entry_find(&map->entries, 0);
	vm_object_t *ob;
	int r = 0;

	for (; en != NULL && r == 0; en = entry_find(&map->entries, en->end)) {
		vaddr_t at = en->start;

		ob = fork_object(en->obj);
		r = ob == NULL ? -TOME_ENOMEM : map_enter(child, ob, &at,
		    en->size, en->offset, en->max_prot);
	}
	return r;
}

/* The entries of the child name the copies now, if anything does. */
static void
fork_forget(vm_map_t *map)
{
	vm_map_entry_t *en = entry_find(&map->entries, 0);

	for (; en != NULL; en = entry_find(&map->entries, en->end))
		if (en->obj->twin != NULL) {
			object_drop(en->obj->twin);
			en->obj->twin = NULL;
		}
}

vm_map_t *
vm_map_fork(vm_map_t *map)
{
	vm_map_t *child;
	int r;

	if (map == NULL || map == &kmap)
		return NULL;
	child = vm_map_new();
	if (child == NULL)
		return NULL;
	keyronex_lock();
	r = fork_entries(map, child);
	fork_forget(map);
	keyronex_unlock();
	if (r == 0)
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

	(void)frame;
	if (!(flags & kVMFaultUser) && va >= k.hooks.kmap_start &&
	    va < k.hooks.kmap_end)
		map = &kmap;
	if (map == NULL || map->core == NULL)
		return kVMFaultRetFailure;
	switch (tome_fault(map->core, va, access)) {
	case TOME_OK:
		return kVMFaultRetOK;
	case TOME_ENOMEM:
		return kVMFaultRetPageShortage;
	default:
		return kVMFaultRetFailure;
	}
}
