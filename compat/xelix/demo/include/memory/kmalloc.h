/*
 * memory/kmalloc.h - the kernel's allocator, which the document names.
 */
#include <stddef.h>

void *kmalloc(size_t);
void kfree(void *);
