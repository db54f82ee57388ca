/*
 * kernel.c - the kernel's own memory, its pmap, and paging as it is told of it.
 *
 * Locks: none; all of it is the core's.
 */
#include "../print.h"
#include "keyronex.h"

/* ---- memory ---- */

vaddr_t
vm_kalloc(size_t npages, enum vm_kalloc_flags flags)
{
	enum tome_err err;
	void *at;

	do
		err = tome_heap_alloc(k.heap, npages, &at);
	while (err == TOME_ENOMEM && flags == kVMKSleep && pages_wait(npages));
	return err == TOME_OK ? (vaddr_t)at : 0;
}

void
vm_kfree(vaddr_t addr, size_t npages)
{
	if (tome_heap_free(k.heap, (void *)addr, npages) != TOME_OK)
		k.hooks.log("vm_kfree: not given out");
}

/* ---- pmap ---- */

int
pmap_enter_kern(pmap_t *pmap, paddr_t phys, vaddr_t virt, vm_prot_t prot)
{
	if (pmap != kmap.pmap || phys % PGSIZE != 0 ||
	    (prot & ~(unsigned)kVMAll) != 0)
		return -TOME_EINVAL;
	if (vm_map_lookup(&kmap, virt) != NULL)
		return -TOME_EBUSY;
	return negative(tome_pmap_enter(tome_pmap_kernel(k.vm), virt,
	    tome_pa_pfn(phys), prot, TOME_MEM_WB, 0));
}

vm_page_t *
pmap_unenter_kern(vm_map_t *map, vaddr_t virt)
{
	struct tome_pmap *kernel = tome_pmap_kernel(k.vm);
	struct tome_translation t;

	if (map != &kmap || virt % PGSIZE != 0 ||
	    vm_map_lookup(&kmap, virt) != NULL ||
	    !tome_pmap_extract(kernel, virt, &t) ||
	    t.page_shift != TOME_PAGE_SHIFT)
		return NULL;
	tome_pmap_remove(kernel, virt, virt + PGSIZE);
	return vm_page_from_paddr((paddr_t)t.pa);
}

/* Only pages that have mappings of maps: anons' and objects'. */
static bool
is_pageable(const vm_page_t *page)
{
	struct tome_page_look l;

	return is_page(page) && tome_page_look(k.vm, pfn_of(page), &l) &&
	    l.pageable;
}

void
pmap_reenter_all_readonly(vm_page_t *page)
{
	if (is_pageable(page))
		tome_page_protect(k.vm, pfn_of(page),
		    TOME_PROT_READ | TOME_PROT_EXEC);
}

void
pmap_unenter_all(vm_page_t *page)
{
	if (is_pageable(page))
		tome_page_protect(k.vm, pfn_of(page), TOME_PROT_NONE);
}

bool
pmap_page_accessed(vm_page_t *page, bool reset)
{
	return is_pageable(page) &&
	    tome_page_accessed(k.vm, pfn_of(page), reset);
}

/* ---- the page daemon ---- */

void
vm_pdaemon(void *unused)
{
	(void)unused;
	tome_paging_daemon(k.vm);
}

bool
vm_enoughfree(void)
{
	return !tome_memory_scarce(k.vm);
}

/* The core's daemon hears of low memory from the core; this is for who waits. */
void
vm_pd_signal(void)
{
	k.short_of_pages = true;
}

void
vm_pd_wait(void)
{
	while (k.short_of_pages || !vm_enoughfree()) {
		k.short_of_pages = false;
		if (!pages_wait(TRANSFER_MAX))
			return;
	}
}

/* ---- swap ---- */

int
vm_swapon(const char *name)
{
	struct compat_keyronex_swap swap = { .pages = 0 };
	unsigned id;
	int r;

	if (name == NULL)
		return -TOME_EINVAL;
	r = k.hooks.swap_open(name, &swap);
	return r != 0 ? r : negative(tome_swap_add(k.vm, &swap.device,
	    swap.ctx, swap.pages, 0, 0, &id));
}

vm_pager_ret_t
vm_swp_pageout(vm_page_t *page)
{
	bool leaves = is_page(page) && tome_page_out(k.vm, pfn_of(page));

	tome_io_run(k.vm);
	return leaves ? kVMPagerOK : kVMPagerExhausted;
}

void
vm_swapstat(void)
{
	struct tome_swap_stats s;

	for (size_t id = 0; id < TOME_SWAP_AREAS; id++)
		if (tome_swap_stats(k.vm, (unsigned)id, &s))
			compat_print(k.hooks.log, "swap %zu: %zu of %zu slots "
			    "used, %zu written, %zu read", id, (size_t)s.used,
			    (size_t)s.slots, (size_t)s.written,
			    (size_t)s.read);
}
