/*
 * memory/kmalloc.h - the kernel's allocator. From PAGE_SIZE bytes on what it
 * returns is page aligned, and its address is physical.
 */
#ifndef XELIX_MEMORY_KMALLOC_H
#define XELIX_MEMORY_KMALLOC_H

#include <stddef.h>

#include "../../../link.h"

/* NULL: no memory, or no bytes. */
void *kmalloc(size_t) COMPAT_LINK(xelix, kmalloc);
void kfree(void *) COMPAT_LINK(xelix, kfree);

#endif
