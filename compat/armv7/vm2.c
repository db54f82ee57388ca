/*
 * vm2.c - the document's virtual memory manager: start, sections, pages, peripherals.
 *
 * Translations are the core's; a first-level table shows them as the document's
 * entries, which also say of each MiB whether it is free, a section, or a table's.
 * Pages lead to who maps them, so that freeing one takes its translations with it.
 *
 * Invariant: a MiB whose entry is 0 has no translation; heap_end is at most
 *   mmio_start, the one bound that the heap and the peripherals share.
 * Locks: vm2_lock, over entries and bounds.
 */
#include <string.h>

#include <vm2.h>

#include "armv7.h"

#define MIB ((size_t)1 << 20)
#define PAGES_OF_MIB (MIB / PAGE_SIZE)
#define ENTRY_TABLE 1u
#define ENTRY_SECTION 2u
#define BOTH_HALVES ((uint64_t)1 << 32)

struct armv7 armv7_vm;

/* The kernel's table is both halves. */
static struct L1PageTable kernel_table[2] __attribute__((aligned(16384)));
struct L1PageTable *const kernell1PageTable = &kernel_table[0];

static struct tome_mutex vm2_lock;
static size_t heap_end, mmio_start;
static _Atomic unsigned flushes;

/* ---- start and end ---- */

void
compat_armv7_boot(const struct compat_armv7_hooks *hooks)
{
	memset(&armv7_vm, 0, sizeof armv7_vm);
	memset(kernel_table, 0, sizeof kernel_table);
	armv7_vm.hooks = *hooks;
	heap_end = KERNEL_HEAP_BASE;
	mmio_start = KERNEL_MMIO_BASE;
	armv7_asid_start();
}

void
vm2_start(void)
{
	armv7_vm.hooks.map_ram();
	armv7_vm.hooks.drop_identity();
	armv7_vm.vm = armv7_vm.hooks.create();
	if (armv7_vm.vm == NULL) {
		armv7_vm.hooks.fatal("vm2_start: no memory");
		return;
	}
	pmm_init(armv7_vm.hooks.pmm_start, armv7_vm.hooks.pmm_end);
	vm2_set_user_pagetable(NULL);
	vm2_flush_caches();
}

static tome_va_t
kernel_place(size_t va)
{
	return armv7_vm.hooks.window + (tome_va_t)(va - KERNEL_HEAP_BASE);
}

void
compat_armv7_stop(void)
{
	if (armv7_vm.vm == NULL)
		return;
	armv7_pmm_stop();
	tome_pmap_remove(tome_pmap_kernel(armv7_vm.vm),
	    kernel_place(mmio_start), kernel_place(KERNEL_MMIO_BASE));
	armv7_vm.vm = NULL;
}

/* ---- the MMU's state ---- */

/* The core flushes with each change, and before a frame is used again: what is left
 * to a caller is the order of his own stores, which one atomic step is for. */
void
vm2_flush_caches(void)
{
	atomic_fetch_add(&flushes, 1);
}

void
vm2_flush_caches_of_ASID(uint8_t asid)
{
	(void)asid;
	atomic_fetch_add(&flushes, 1);
}

void
vm2_set_user_pagetable(struct L1PageTable *l1)
{
	struct tome_pmap *pmap = l1 == NULL ? tome_pmap_kernel(armv7_vm.vm) :
	    armv7_pmap(l1);

	if (pmap != NULL)
		tome_pmap_switch(pmap);
	else
		armv7_vm.hooks.warn("vm2: not a table");
}

/* ---- places: an address in a table ---- */

struct place {
	struct tome_pmap *pmap;
	tome_va_t va;			/* for the core */
	union L1PagetableEntry *entry;
	bool kernel;
};

/* False: no such table, or not an address of its. */
static bool
find_place(struct L1PageTable *l1, size_t va, struct place *p)
{
	p->kernel = l1 == kernell1PageTable;
	if (p->kernel) {
		p->pmap = tome_pmap_kernel(armv7_vm.vm);
		p->va = kernel_place(va);
		p->entry = &kernel_table[1].entries[va / MIB & 2047];
		return va >= KERNEL_HEAP_BASE && (uint32_t)va == va;
	}
	p->pmap = armv7_pmap(l1);
	if (p->pmap == NULL || va >= KERNEL_VIRTUAL_OFFSET)
		return false;
	p->va = (tome_va_t)va;
	p->entry = &l1->entries[va / MIB];
	return true;
}

/* ---- sections ---- */

/* AP and APX. Users have no rights in the kernel's half, nor the kernel in theirs:
 * it has the linear map. */
static tome_prot_t
section_prot(union L1PagetableEntry e, bool kernel)
{
	unsigned ap = e.section.accessPermissions;
	tome_prot_t prot = TOME_PROT_READ;

	if (ap == 0 || (ap == 1 && !kernel))
		return TOME_PROT_NONE;
	if (!e.section.accessExtension && (ap != 2 || kernel))
		prot |= TOME_PROT_WRITE;
	return e.section.executeNever ? prot : prot | TOME_PROT_EXEC;
}

static enum tome_memtype
section_type(union L1PagetableEntry e)
{
	if (e.section.cacheable)
		return TOME_MEM_WB;
	return e.section.typeExtension ? TOME_MEM_UC : TOME_MEM_DEVICE;
}

/*
 * Of n frames none is memory that somebody else may have; *ram: some are RAM, which
 * has one type everywhere.
 */
static bool
may_map(tome_pfn_t first, size_t n, bool *ram)
{
	*ram = false;
	for (size_t i = 0; i < n; i++)
		switch (tome_frame_identity(armv7_vm.vm,
		    first + (tome_pfn_t)i)) {
		case TOME_PAGE_ABSENT:
			break;
		case TOME_PAGE_RESERVED:
		case TOME_PAGE_DEVICE:
			*ram = true;
			break;
		default:
			return false;
		}
	return true;
}

/* Frame by frame; a failure leaves nothing. */
static bool
enter_mib(const struct place *p, tome_pfn_t first, tome_prot_t prot,
    enum tome_memtype type)
{
	enum tome_err err = TOME_OK;
	size_t i;

	for (i = 0; i < PAGES_OF_MIB && err == TOME_OK; i++)
		err = tome_pmap_enter(p->pmap,
		    p->va + (tome_va_t)(i * PAGE_SIZE), first + (tome_pfn_t)i,
		    prot, type, TOME_PMAP_MODIFIED);
	if (err != TOME_OK)
		tome_pmap_remove(p->pmap, p->va, p->va + (tome_va_t)MIB);
	return err == TOME_OK;
}

/* What is wrong with it, or NULL: it is done. */
static const char *
map_section(struct L1PageTable *l1, union L1PagetableEntry e, size_t va,
    bool remap, bool *replaced)
{
	tome_pfn_t first = (tome_pfn_t)e.section.base_address * PAGES_OF_MIB;
	struct place p;
	bool ram;

	if (!find_place(l1, va & ~(MIB - 1), &p) ||
	    e.section.type != ENTRY_SECTION || e.section.super)
		return "vm2: not a section of a table";
	if (p.entry->entry != 0 && !remap)
		return "vm2: mapped already";
	if (!may_map(first, PAGES_OF_MIB, &ram))
		return "vm2: memory that is not the caller's";
	*replaced = p.entry->entry != 0;
	if (*replaced)
		tome_pmap_remove(p.pmap, p.va, p.va + (tome_va_t)MIB);
	p.entry->entry = 0;
	if (!enter_mib(&p, first, section_prot(e, p.kernel),
	    ram ? TOME_MEM_WB : section_type(e)))
		return "vm2: no memory for a section, which is empty now";
	*p.entry = e;
	return NULL;
}

bool
vm2_l1_map_physical_to_virtual(struct L1PageTable *l1,
    union L1PagetableEntry e, size_t va, bool remap)
{
	bool replaced = false;
	const char *wrong;

	tome_lock(armv7_vm.vm, &vm2_lock);
	wrong = map_section(l1, e, va, remap, &replaced);
	tome_unlock(armv7_vm.vm, &vm2_lock);
	if (wrong != NULL)
		armv7_vm.hooks.fatal(wrong);
	else if (replaced)
		vm2_flush_caches();
	return wrong == NULL && replaced;
}

/* ---- pages ---- */

static tome_prot_t
page_prot(struct PagePermission perm, bool kernel)
{
	tome_prot_t x = perm.executable ? TOME_PROT_EXEC : 0;
	bool user = perm.access == UserRO || perm.access == UserRW;

	if ((unsigned)perm.access > UserRW) {
		armv7_vm.hooks.warn("vm2: unknown access, so none");
		return TOME_PROT_NONE;
	}
	if (!user && !kernel)
		return TOME_PROT_NONE;
	return TOME_PROT_READ | x | (perm.access == KernelRW ||
	    perm.access == UserRW ? TOME_PROT_WRITE : 0);
}

/* The heap ends where peripherals begin; above them are vectors. */
static bool
in_bounds(const struct place *p, size_t va)
{
	return !p->kernel || va >= KERNEL_MMIO_BASE || va < mmio_start;
}

/* The table that a MiB wants and does not have; false: no memory. */
static bool
supply_table(const struct place *p, struct L2PageTable **created)
{
	*created = NULL;
	if (p->entry->entry != 0)
		return true;
	*created = pmm_allocate_l2_pagetable();
	return *created != NULL;
}

static void
note_page(const struct place *p, size_t va, struct Page *page,
    const struct L2PageTable *l2)
{
	if (l2 != NULL) {
		p->entry->entry = ENTRY_TABLE;
		p->entry->coarse.base_address =
		    (uint32_t)(armv7_physical(l2) / sizeof *l2) & 0x3fffff;
	}
	if (!p->kernel)
		return;
	armv7_page_in_kernel(page, p->va);
	if (va < KERNEL_MMIO_BASE && va + PAGE_SIZE > heap_end)
		heap_end = va + PAGE_SIZE;
}

/* A page at a place that may have one; NULL: no memory, and nothing has changed. */
static struct Page *
enter_page(const struct place *p, size_t va, struct PagePermission perm,
    struct L2PageTable **created)
{
	struct Page *page = pmm_allocate_page();

	*created = NULL;
	if (page != NULL && supply_table(p, created) &&
	    tome_pmap_enter(p->pmap, p->va, armv7_page_frame(page),
	    page_prot(perm, p->kernel), TOME_MEM_WB,
	    TOME_PMAP_MODIFIED) == TOME_OK) {
		note_page(p, va, page, *created);
		return page;
	}
	pmm_free_page(page);
	pmm_free_l2_pagetable(*created);
	*created = NULL;
	return NULL;
}

static struct Page *
page_locked(struct L1PageTable *l1, size_t va, bool remap,
    struct PagePermission perm, struct L2PageTable **created, bool *mapped)
{
	struct tome_translation t;
	struct place p;

	if (!find_place(l1, va, &p) || !in_bounds(&p, va) ||
	    p.entry->coarse.type == ENTRY_SECTION)
		return NULL;
	*mapped = !remap && tome_pmap_extract(p.pmap, p.va, &t);
	return *mapped ? NULL : enter_page(&p, va, perm, created);
}

void *
vm2_allocate_page(struct L1PageTable *l1, size_t va, bool remap,
    struct PagePermission perm, struct L2PageTable **created)
{
	struct L2PageTable *l2 = NULL;
	bool mapped = false;
	struct Page *page;

	tome_lock(armv7_vm.vm, &vm2_lock);
	page = page_locked(l1, va & ~(size_t)(PAGE_SIZE - 1), remap, perm,
	    &l2, &mapped);
	tome_unlock(armv7_vm.vm, &vm2_lock);
	if (mapped)
		armv7_vm.hooks.fatal("vm2: mapped already");
	if (created != NULL)
		*created = l2;
	return page;
}

/* ---- peripherals ---- */

static bool
map_device_mib(size_t phys, size_t va)
{
	union L1PagetableEntry e = { .entry = 0 };
	struct place p;

	e.section.type = ENTRY_SECTION;
	e.section.bufferable = 1;
	e.section.executeNever = 1;
	e.section.accessPermissions = 1;
	e.section.base_address = (uint32_t)(phys / MIB) & 0xfff;
	if (!find_place(kernell1PageTable, va, &p) ||
	    !enter_mib(&p, tome_pa_pfn((tome_pa_t)phys),
	    TOME_PROT_READ | TOME_PROT_WRITE, TOME_MEM_DEVICE))
		return false;
	*p.entry = e;
	return true;
}

static void
unmap_mibs(size_t va, size_t n)
{
	for (; n > 0; n--, va += MIB) {
		kernel_table[1].entries[va / MIB & 2047].entry = 0;
		tome_pmap_remove(tome_pmap_kernel(armv7_vm.vm),
		    kernel_place(va), kernel_place(va + MIB));
	}
}

/* Where they are now; 0: no room, no memory, or RAM. */
static size_t
carve(size_t phys, size_t n)
{
	size_t va = mmio_start - n * MIB;
	bool ram;

	if (!may_map(tome_pa_pfn((tome_pa_t)phys), n * PAGES_OF_MIB, &ram) ||
	    ram)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!map_device_mib(phys + i * MIB, va + i * MIB)) {
			unmap_mibs(va, i);
			return 0;
		}
	mmio_start = va;
	return va;
}

size_t
vm2_map_peripheral(size_t phys, size_t n)
{
	size_t va = 0;

	tome_lock(armv7_vm.vm, &vm2_lock);
	if (n > 0 && phys % MIB == 0 && n <= (mmio_start - heap_end) / MIB &&
	    (uint64_t)phys + (uint64_t)n * MIB <= BOTH_HALVES)
		va = carve(phys, n);
	tome_unlock(armv7_vm.vm, &vm2_lock);
	if (va == 0)
		armv7_vm.hooks.warn("vm2: no such peripheral, or no room");
	return va;
}
