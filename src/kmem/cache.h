/*
 * cache.h - object caches with their fast path; private to the library.
 *
 * An object is handed out from, and put back into, this CPU's loaded magazine:
 * an array used as a stack, touched with preemption off and by no other CPU.
 * Behind it stand a second magazine, the cache's depot of full and empty ones
 * (one leaf-side lock), and the slabs (the same lock). Caches are never used
 * from interrupts.
 *
 * `careful` caches take the long way round on each call: the host wants to be
 * asked (may_alloc), or the build checks objects (TOME_DEBUG).
 */
#ifndef TOME_KMEM_CACHE_H
#define TOME_KMEM_CACHE_H

#include <tome/kmem.h>
#include <phys/page.h>

/* 256 bytes on 64-bit CPUs with the link: 16 magazines a frame. */
#define TOME_MAGAZINE_ROUNDS 31u

struct tome_magazine {
	struct tome_magazine *next;
	void *round[TOME_MAGAZINE_ROUNDS];
};

/* A CPU's two. `loaded` NULL: rounds and room are 0, and so is `spare`. */
struct tome_magazine_cpu {
	struct tome_magazine *loaded;
	uint32_t rounds;		/* in loaded */
	uint32_t room;			/* what loaded may hold */
	struct tome_magazine *spare;	/* NULL: none */
	uint32_t spare_rounds;		/* 0 or room */
} __attribute__((aligned(64)));

struct tome_magazines {
	struct tome_kmem *kmem;
	struct tome_spin lock;		/* rank SLAB */
	uint32_t capacity;		/* rounds a magazine; 0: not cached */
	/* Under lock: the depot. */
	struct tome_magazine *full, *empty;
	uint32_t nfull, nempty;
	struct tome_magazine_cpu cpu[];	/* ncpus */
};

/* Slabs, by how many of their objects are out. */
enum tome_slab_list { TOME_SLAB_EMPTY, TOME_SLAB_PARTIAL, TOME_SLAB_FULL,
	TOME_SLAB_LISTS };

/* In a registry of layer 3 (init.c); under kmem->lock. */
struct tome_listed {
	struct tome_listed *next, *prev;
	uint32_t pins;			/* walks that stand on it */
};

struct tome_cache {
	bool careful;
	bool own;			/* of layer 3: no leak is counted */
	uint8_t order, low_order;	/* of a slab; when memory is low */
	struct tome_vm *vm;
	uint32_t size;			/* bytes asked at creation */
	uint32_t stride;		/* bytes an object takes in a slab */
	uint32_t link;			/* where a free object holds its link */
	uint32_t align, colours;	/* last colour, bytes */
	struct tome_cache_config config;
	struct tome_listed listed;
	/* Under mag.lock. */
	tome_pfn_t slabs[TOME_SLAB_LISTS];	/* first slab's head frame */
	uint32_t nslabs, nempty, colour;
	uint64_t live, frames;		/* objects out; frames in slabs */
	struct tome_magazines mag;
};

/* The long way round; preemption as the caller has it. `who` is recorded in
 * debug builds. */
void *tome_cache_alloc_slow(struct tome_cache *, void *who);
void tome_cache_free_slow(struct tome_cache *, void *object, void *who);

#define TOME_CALLER __builtin_return_address(0)

/* tome_cache_alloc() where preemption is off already. */
static inline void *
tome_cache_get_pinned(struct tome_cache *c)
{
	struct tome_magazine_cpu *m = &c->mag.cpu[tome_host_cpu()];

	if (tome_unlikely(m->rounds == 0 || c->careful))
		return tome_cache_alloc_slow(c, TOME_CALLER);
	return m->loaded->round[--m->rounds];
}

static inline void
tome_cache_put_pinned(struct tome_cache *c, void *object)
{
	struct tome_magazine_cpu *m = &c->mag.cpu[tome_host_cpu()];

	if (tome_unlikely(m->rounds == m->room || c->careful)) {
		tome_cache_free_slow(c, object, TOME_CALLER);
		return;
	}
	m->loaded->round[m->rounds++] = object;
}

/* Does this lie in a slab of the cache now? It may be any pointer. */
bool tome_cache_has(struct tome_cache *, const void *);

/* tome_cache_alloc() and tome_cache_free(), inline. */
static inline void *
tome_cache_get(struct tome_cache *c)
{
	void *object;

	tome_host_preempt_off();
	object = tome_cache_get_pinned(c);
	tome_host_preempt_on();
	return object;
}

static inline void
tome_cache_put(struct tome_cache *c, void *object)
{
	tome_host_preempt_off();
	tome_cache_put_pinned(c, object);
	tome_host_preempt_on();
}

#endif
