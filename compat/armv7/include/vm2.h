/*
 * vm2.h - virtual memory: the start, sections and pages, peripherals.
 *
 * What every call promises is in docs/compat/armv7.md, by number.
 */
#ifndef ARMV7_VM2_H
#define ARMV7_VM2_H

#include <pmm.h>
#include <stdbool.h>

#define KERNEL_VIRTUAL_OFFSET 0x80000000u	/* of all of RAM */
#define KERNEL_HEAP_BASE 0xC0000000u		/* grows up */
#define KERNEL_MMIO_BASE 0xFFF00000u		/* grows down */
#define HIGH_VECTOR_LOCATION 0xFFFF0000u

enum PageAccess { KernelRW, KernelRO, UserRO, UserRW };

struct PagePermission {
	enum PageAccess access;
	bool executable;
};

/* Of the kernel: addresses from KERNEL_HEAP_BASE on. */
extern struct L1PageTable *const kernell1PageTable
    COMPAT_LINK(armv7, kernell1PageTable);

void vm2_start(void) COMPAT_LINK(armv7, vm2_start);
void vm2_flush_caches(void) COMPAT_LINK(armv7, vm2_flush_caches);
void vm2_flush_caches_of_ASID(uint8_t)
    COMPAT_LINK(armv7, vm2_flush_caches_of_ASID);
void vm2_set_user_pagetable(struct L1PageTable *)
    COMPAT_LINK(armv7, vm2_set_user_pagetable);
bool vm2_l1_map_physical_to_virtual(struct L1PageTable *,
    union L1PagetableEntry, size_t va, bool remap)
    COMPAT_LINK(armv7, vm2_l1_map_physical_to_virtual);
/* The page, in the linear map. */
void *vm2_allocate_page(struct L1PageTable *, size_t va, bool remap,
    struct PagePermission, struct L2PageTable **created)
    COMPAT_LINK(armv7, vm2_allocate_page);
size_t vm2_map_peripheral(size_t phys, size_t n_mebibytes)
    COMPAT_LINK(armv7, vm2_map_peripheral);

#endif
