/*
 * large.h - memory for the kernel that may be larger than a page.
 */
#ifndef KERNEL_LARGE_H
#define KERNEL_LARGE_H

#include <stddef.h>

/* NULL: no memory. May sleep. */
void *large_alloc(size_t);
/* With the size it was made with; NULL: nothing, of size 0. */
void large_free(void *, size_t);

#endif
