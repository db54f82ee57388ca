/*
 * vas2.h - the address space of a process: its table, its number, and what is to be
 * freed with it.
 *
 * What every call promises is in docs/compat/armv7.md, by number.
 */
#ifndef ARMV7_VAS2_H
#define ARMV7_VAS2_H

#include <asid_allocator.h>
#include <vm2.h>

/* Grows from 10 places by doubling. */
struct vas2_list {
	void **at;
	size_t count, capacity;
};

struct vas2 {
	struct ASIDDescriptor asid;
	struct L1PageTable *l1PageTable;
	struct vas2_list l2tables, pages;
};

struct vas2 *create_vas(void) COMPAT_LINK(armv7, create_vas);
void switch_to_vas(struct vas2 *) COMPAT_LINK(armv7, switch_to_vas);
void free_vas(struct vas2 *) COMPAT_LINK(armv7, free_vas);
/* Read and written by the program. */
void allocate_page(struct vas2 *, size_t address, bool executable)
    COMPAT_LINK(armv7, allocate_page);

#endif
