/*
 * kernel/mmu.h - Kora: pages of physical memory, and who uses them.
 */
#ifndef KORA_KERNEL_MMU_H
#define KORA_KERNEL_MMU_H

#include <stdbool.h>
#include <stddef.h>

#include "../../../link.h"

#define KORA(name) COMPAT_LINK(kora, name)

#define PAGE_SIZE 4096

typedef unsigned long page_t;

/* A bit for each page of the first 4 GiB, 1 where it is used (or is no RAM), as of
 * the moment it is asked for; and its length in bytes. */
#define MMU_BMP (mmu_bitmap())
#define MMU_LG ((size_t)128 << 10)
unsigned char *mmu_bitmap(void) KORA(mmu_bitmap);

#endif
