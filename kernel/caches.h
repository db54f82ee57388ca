/*
 * caches.h - the personality's object caches, listed for /proc/slabinfo.
 */
#ifndef KERNEL_CACHES_H
#define KERNEL_CACHES_H

#include <tome/kmem.h>

/* At bring-up; panics if there is no memory. The name is constant. */
struct tome_cache *cache_new(const char *name, size_t size);
/* The n-th; false: there are not so many. */
bool cache_look(unsigned n, const char **name, struct tome_cache_stats *);

#endif
