/*
 * pool.h - where in its frame an object of a pool lies (pool.c).
 *
 * A frame of a pool begins with a header of 64 bytes; its objects follow. A
 * pool's frames lie in the direct map, page aligned.
 */
#ifndef TOME_PMAP_POOL_H
#define TOME_PMAP_POOL_H

#include <pmap/pmap_i.h>

struct pool_object {
	struct pool_object *next;
};

struct pool_frame {
	struct pool_frame *next, *prev;	/* partial ones */
	struct pool_object *free;
	uint32_t used;
	tome_pfn_t frame;
} __attribute__((aligned(64)));

static inline struct pool_frame *
tome_pool_header(const void *object)
{
	return (struct pool_frame *)((uintptr_t)object &
	    ~(uintptr_t)TOME_PAGE_MASK);
}

static inline tome_pfn_t
tome_pool_frame(const void *object)
{
	return tome_pool_header(object)->frame;
}

/* How many objects of `size` go into n bytes. There are few; and not every CPU
 * can divide. */
static inline unsigned
tome_pool_count(size_t n, size_t size)
{
	unsigned count = 0;

	for (; n >= size; n -= size)
		count++;
	return count;
}

static inline void *
tome_pool_at(const struct tome_pool *p, void *frame, unsigned place)
{
	return (char *)frame + sizeof(struct pool_frame) +
	    (size_t)place * p->size;
}

static inline unsigned
tome_pool_place(const struct tome_pool *p, const void *object)
{
	size_t at = (uintptr_t)object & (uintptr_t)TOME_PAGE_MASK;

	return tome_pool_count(at - sizeof(struct pool_frame), p->size);
}

#endif
