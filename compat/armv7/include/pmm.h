/*
 * pmm.h - physical memory: first-level tables of 8 KiB, second-level tables of
 * 1 KiB, pages of 4 KiB, from one pool; each aligned to its own size.
 *
 * What every call promises is in docs/compat/armv7.md, by number.
 */
#ifndef ARMV7_PMM_H
#define ARMV7_PMM_H

#include <stddef.h>
#include <stdint.h>

#include "../../link.h"

#define PAGE_SIZE 4096

/* ARMv7-A's short descriptors as the document has them: AP in full. */
union L1PagetableEntry {
	uint32_t entry;
	struct {
		uint32_t type:2;		/* 2 */
		uint32_t bufferable:1;
		uint32_t cacheable:1;
		uint32_t executeNever:1;
		uint32_t domain:4;
		uint32_t reserved:1;
		uint32_t accessPermissions:2;
		uint32_t typeExtension:3;
		uint32_t accessExtension:1;
		uint32_t shareable:1;
		uint32_t notGlobal:1;
		uint32_t super:1;
		uint32_t nonSecure:1;
		uint32_t base_address:12;
	} section;
	struct {
		uint32_t type:2;		/* 1 */
		uint32_t zero:3;
		uint32_t domain:4;
		uint32_t reserved:1;
		uint32_t base_address:22;
	} coarse;
};

struct L1PageTable {
	union L1PagetableEntry entries[2048];
};

struct L2PageTable {
	uint32_t entries[256];
};

struct Page {
	uint8_t bytes[PAGE_SIZE];
};

/* Addresses in the linear map. */
void pmm_init(size_t start, size_t end) COMPAT_LINK(armv7, pmm_init);
struct L1PageTable *pmm_allocate_l1_pagetable(void)
    COMPAT_LINK(armv7, pmm_allocate_l1_pagetable);
struct L2PageTable *pmm_allocate_l2_pagetable(void)
    COMPAT_LINK(armv7, pmm_allocate_l2_pagetable);
struct Page *pmm_allocate_page(void) COMPAT_LINK(armv7, pmm_allocate_page);
void pmm_free_l1_pagetable(struct L1PageTable *)
    COMPAT_LINK(armv7, pmm_free_l1_pagetable);
void pmm_free_l2_pagetable(struct L2PageTable *)
    COMPAT_LINK(armv7, pmm_free_l2_pagetable);
void pmm_free_page(struct Page *) COMPAT_LINK(armv7, pmm_free_page);

#endif
