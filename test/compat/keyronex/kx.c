/*
 * kx.c - see kx.h.
 */
#include <stdio.h>

#include "kx.h"

struct kx kx;

static void
on_log(const char *line)
{
	snprintf(kx.log, sizeof kx.log, "%s", line);
	kx.lines++;
}

static bool
on_starved(void)
{
	return ++kx.starved <= kx.patience;
}

void *
kx_contents(vm_page_t *page)
{
	return tome_frame_va(rig.vm, tome_pa_pfn(page->paddr));
}

static int
move(uint8_t *store, vm_mdl_t *mdl, bool write)
{
	for (size_t i = 0; i < mdl->nPages; i++) {
		if (write)
			memcpy(store + i * PGSIZE, kx_contents(mdl->pages[i]),
			    PGSIZE);
		else
			memcpy(kx_contents(mdl->pages[i]), store + i * PGSIZE,
			    PGSIZE);
	}
	return 0;
}

static void
disk_transfer(void *dev, struct tome_io *io)
{
	bool write = io->op == TOME_IO_WRITE;
	uint8_t *store = &kx.disk[io->at];

	assert_ptr_equal(dev, &kx);
	assert_true(io->at / PGSIZE + io->n <= DISK_PAGES);
	*(write ? &kx.writes : &kx.reads) += io->n;
	for (unsigned i = 0; i < io->n; i++, store += PGSIZE) {
		void *page = tome_frame_va(rig.vm, io->vec[i].pfn);

		assert_int_equal(io->vec[i].len, PGSIZE);
		memcpy(write ? store : page, write ? page : store, PGSIZE);
	}
	tome_io_done(io, kx.broken && !write ? TOME_EIO : TOME_OK);
}

static int
on_swap_open(const char *name, struct compat_keyronex_swap *out)
{
	if (strcmp(name, "/dev/disk") != 0)
		return -TOME_ENOENT;
	*out = (struct compat_keyronex_swap){ { .max_pages = 8,
		.start = disk_transfer }, &kx, DISK_PAGES };
	return 0;
}

static enum tome_err
vector(void *arg, tome_va_t va, tome_prot_t access)
{
	unsigned flags = kVMFaultUser |
	    (access == TOME_PROT_WRITE ? kVMFaultWrite : 0) |
	    (access == TOME_PROT_EXEC ? kVMFaultExecute : 0);

	(void)arg;
	kx.fault = vm_fault(NULL, kx.map, va, (vm_fault_flags_t)flags);
	return kx.fault == kVMFaultRetOK ? TOME_OK : TOME_EFAULT;
}

int
kx_up(void **state)
{
	static const struct compat_keyronex_hooks hooks = { KMAP, KMAP_END,
		on_log, on_starved, on_swap_open };

	(void)state;
	memset(&kx, 0, sizeof kx);
	for (size_t i = 0; i < FILE_PAGES; i++)
		memset(&kx.file[i * PGSIZE], (int)(i + 1), PGSIZE);
	rig_open((uint64_t)16 << 20, 2, vector);
	assert_int_equal(compat_keyronex_start(rig.vm, &hooks), TOME_OK);
	return 0;
}

int
kx_down(void **state)
{
	(void)state;
	kx_run(NULL);
	DO(compat_keyronex_stop());
	rig_close();
	return 0;
}

void
kx_run(vm_map_t *map)
{
	kx.map = map;
	vm_activate(map != NULL ? map : &kmap);
}

vm_map_t *
kx_space(vaddr_t *at, size_t n, vm_object_t **ob)
{
	vm_map_t *map = DID(vm_map_new());

	assert_non_null(map);
	if (*at == 0)
		*at = VADDR_MAX;
	assert_int_equal(DID(vm_allocate(map, ob, at, n * PGSIZE)), 0);
	kx_run(map);
	return map;
}

void
kx_end(vm_map_t *map)
{
	kx_run(NULL);
	DO(vm_map_release(map));
}

static int
file_get(vnode_t *vnode, vm_mdl_t *mdl, voff_t at)
{
	assert_ptr_equal(vnode, &kx);
	kx.gets += (unsigned)mdl->nPages;
	return kx.file_error != 0 ? kx.file_error :
	    move(&kx.file[at], mdl, false);
}

static int
file_put(vnode_t *vnode, vm_mdl_t *mdl, voff_t at)
{
	assert_ptr_equal(vnode, &kx);
	kx.puts += (unsigned)mdl->nPages;
	return kx.file_error != 0 ? kx.file_error :
	    move(&kx.file[at], mdl, true);
}

const vm_pagerops_t kx_ops = { file_get, file_put };

vm_object_t *
kx_file(bool writable)
{
	static const vm_pagerops_t ro = { file_get, NULL };
	vm_object_t *ob = DID(vm_vobj_new((vnode_t *)(void *)&kx,
	    writable ? &kx_ops : &ro, sizeof kx.file));

	assert_non_null(ob);
	return ob;
}

vm_anon_t *
kx_anon(vm_object_t *ob, size_t page)
{
	return DID(amap_anon_at(ob->anon.amap, page));
}

unsigned
kx_rights(vm_map_t *map, vaddr_t at)
{
	struct tome_translation t;

	return tome_pmap_extract((struct tome_pmap *)map->pmap, at, &t) ?
	    t.prot : 0;
}

void
kx_entries(vm_map_t *map, unsigned n)
{
	struct tome_region r;
	tome_va_t at = 0;
	unsigned seen = 0;

	for (; tome_map_next(map->core, &at, &r); seen++) {
		vm_map_entry_t *en = vm_map_lookup(map, r.start);

		if (en == NULL)			/* there was no memory */
			en = vm_map_lookup(map, r.start);
		assert_non_null(en);
		assert_int_equal(en->start, r.start);
		assert_int_equal(en->end, r.end);
		assert_int_equal(en->size, r.end - r.start);
		assert_int_equal(en->offset, r.offset);
		assert_int_equal(en->max_prot, r.prot);
		assert_ptr_equal(en->obj->core, r.object);
		assert_ptr_equal(map->entries, en);
	}
	assert_int_equal(seen, n);
}
