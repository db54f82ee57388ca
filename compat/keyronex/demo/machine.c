/*
 * machine.c - Keyronex's demo on the hosted machine: its fault vector, its context
 * switch, and a vnode whose file is in memory.
 */
#include <string.h>

#include <vm/vm.h>
#include <demo/machine.h>
#include <keyronex/glue.h>

#include "file.h"

int demo_main_keyronex(void);

static struct tome_vm *machine_vm;
static vm_map_t *running;
static unsigned char file[4 * PGSIZE];

static void
on_log(const char *line)
{
	(void)line;
}

static bool
on_starved(void)
{
	return false;
}

static int
on_swap_open(const char *name, struct compat_keyronex_swap *out)
{
	(void)name;
	(void)out;
	return -TOME_ENXIO;
}

static enum tome_err
on_fault(void *arg, tome_va_t va, tome_prot_t access)
{
	unsigned flags = kVMFaultUser |
	    (access == TOME_PROT_WRITE ? kVMFaultWrite : 0) |
	    (access == TOME_PROT_EXEC ? kVMFaultExecute : 0);

	(void)arg;
	return vm_fault(NULL, running, va, (vm_fault_flags_t)flags) ==
	    kVMFaultRetOK ? TOME_OK : TOME_EFAULT;
}

static void
enter(void *space)
{
	running = space;
	if (running != NULL)
		vm_activate(running);
	else
		vm_activate(&kmap);
}

/* ---- the file ---- */

static int
move(vm_mdl_t *mdl, voff_t at, bool in)
{
	for (size_t i = 0; i < mdl->nPages; i++, at += PGSIZE) {
		tome_pfn_t pfn = tome_pa_pfn(mdl->pages[i]->paddr);
		unsigned char *page = tome_frame_window(machine_vm, pfn);

		if (in)
			memcpy(page, file + at, PGSIZE);
		else
			memcpy(file + at, page, PGSIZE);
		tome_frame_window_end(machine_vm, pfn, page);
	}
	return 0;
}

static int
file_getpages(vnode_t *vnode, vm_mdl_t *mdl, voff_t at)
{
	(void)vnode;
	return move(mdl, at, true);
}

static int
file_putpages(vnode_t *vnode, vm_mdl_t *mdl, voff_t at)
{
	(void)vnode;
	return move(mdl, at, false);
}

vm_object_t *
demo_open_file(void)
{
	static const vm_pagerops_t ops = { file_getpages, file_putpages };

	memset(file, 'f', sizeof file);
	return vm_vobj_new(NULL, &ops, sizeof file);
}

void
demo_close_file(vm_object_t *object)
{
	vm_object_release(object);
}

static enum tome_err
start(struct tome_vm *vm)
{
	static const struct compat_keyronex_hooks hooks = { 0, 0, on_log,
		on_starved, on_swap_open };

	machine_vm = vm;
	return compat_keyronex_start(vm, &hooks);
}

const struct demo demo_keyronex = { .name = "keyronex", .start = start,
	.run = demo_main_keyronex, .fault = on_fault, .enter = enter,
	.stop = compat_keyronex_stop };
