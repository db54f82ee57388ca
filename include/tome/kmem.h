/*
 * tome/kmem.h - layer 3: kernel memory.
 *
 * Arenas (vmem: Bonwick and Adams, USENIX 2001), object caches with per-CPU
 * magazines (the same paper, and Bonwick, USENIX 1994), kmalloc over size
 * classes, kernel mappings. Nothing here recurses into itself: what describes
 * a range is reserved before the arena's lock is taken.
 *
 * Unless said otherwise: any thread or preemption-off context, not interrupts;
 * never sleeps; ENOMEM or NULL when out of memory.
 */
#ifndef TOME_KMEM_H
#define TOME_KMEM_H

#include <tome/phys.h>

/* ---- arenas: allocators of integers, address ranges above all ---- */

struct tome_arena;
typedef uint64_t tome_span_t;

enum tome_fit { TOME_FIT_INSTANT, TOME_FIT_BEST, TOME_FIT_NEXT };

/*
 * An arena allocates from [base, base+size) (size 0: empty at first), in units
 * of `quantum`, a power of two. With a source, it imports spans of at least
 * `import_min` from it when empty and releases wholly free ones. Sizes up to
 * qcache_max (0: none, at most 16 quanta) come from per-CPU quantum caches.
 */
struct tome_arena_config {
	const char *name;		/* outlives the arena */
	tome_span_t base, size, quantum, qcache_max;
	struct tome_arena *source;
	tome_span_t import_min;
};
enum tome_err tome_arena_create(struct tome_vm *,
    const struct tome_arena_config *, struct tome_arena **out) TOME_NODISCARD;
/* EBUSY: something is still allocated; nothing changed. */
enum tome_err tome_arena_destroy(struct tome_arena *) TOME_NODISCARD;
/* Add a span by hand. EEXIST: overlaps one that is there. */
enum tome_err tome_arena_add(struct tome_arena *, tome_span_t base,
    tome_span_t size) TOME_NODISCARD;
/* EINVAL: size 0. ENOMEM: nothing fits. */
enum tome_err tome_arena_alloc(struct tome_arena *, tome_span_t size,
    enum tome_fit, tome_span_t *out) TOME_NODISCARD;
/* Constrained: aligned to `align` at `phase`, not crossing a multiple of
 * `nocross` (0: may), within [min, max) (max 0: no bound). */
enum tome_err tome_arena_xalloc(struct tome_arena *, tome_span_t size,
    tome_span_t align, tome_span_t phase, tome_span_t nocross,
    tome_span_t min, tome_span_t max, enum tome_fit,
    tome_span_t *out) TOME_NODISCARD;
/* Size must be what was asked. Panics on a range that is not allocated. */
void tome_arena_free(struct tome_arena *, tome_span_t base, tome_span_t size);
/* Size of the allocation that starts at base, 0 if there is none. */
tome_span_t tome_arena_size_of(struct tome_arena *, tome_span_t base);
struct tome_arena_stats {
	tome_span_t total, used, largest_free;
	uint64_t segments, spans;
};
void tome_arena_stats(struct tome_arena *, struct tome_arena_stats *);
/* Walk segments in address order; allocated or free. Stops when fn is false. */
void tome_arena_walk(struct tome_arena *, bool (*fn)(void *arg,
    tome_span_t base, tome_span_t size, bool allocated), void *arg);

/* ---- object caches ---- */

struct tome_cache;
struct tome_cache_config {
	const char *name;		/* outlives the cache */
	size_t size, align;		/* bytes; align a power of two or 0 */
	/* Run when an object enters the cache's memory, undone by destroy when
	 * it leaves; a freed object must be in constructed state. May be NULL. */
	enum tome_err (*construct)(void *arg, void *object);
	void (*destruct)(void *arg, void *object);
	void *arg;
	/* What was an object's memory is this cache's until every CPU has left the
	 * epoch in which it could be found. */
	bool stable;
};
enum tome_err tome_cache_create(struct tome_vm *,
    const struct tome_cache_config *, struct tome_cache **out) TOME_NODISCARD;
/* EBUSY: objects are still out. */
enum tome_err tome_cache_destroy(struct tome_cache *) TOME_NODISCARD;
void *tome_cache_alloc(struct tome_cache *) TOME_NODISCARD;
void tome_cache_free(struct tome_cache *, void *);
/* Give empty slabs and full magazines back; returns frames freed. */
size_t tome_cache_reap(struct tome_cache *);
struct tome_cache_stats {
	size_t size, live, slabs, frames;
};
void tome_cache_stats(struct tome_cache *, struct tome_cache_stats *);

/* ---- size classes ---- */

/* 16-byte aligned (page aligned from a page up). size 0 gives NULL. */
void *tome_kmalloc(struct tome_vm *, size_t) TOME_NODISCARD;
void *tome_kzalloc(struct tome_vm *, size_t) TOME_NODISCARD;
void tome_kfree(struct tome_vm *, void *);		/* NULL: nothing */
size_t tome_kmalloc_size(struct tome_vm *, void *);	/* usable bytes */
/* Reap every cache; returns frames freed. */
size_t tome_kmem_reap(struct tome_vm *);

/* ---- kernel mappings, in kernel_start .. kernel_end ---- */

/* npages of zeroed memory at contiguous kernel addresses. May sleep. */
enum tome_err tome_kmap_heap(struct tome_vm *, size_t npages,
    tome_va_t *out) TOME_NODISCARD;
/* A physical range, any alignment; the result has the same offset in its page. */
enum tome_err tome_kmap_phys(struct tome_vm *, tome_pa_t, tome_pa_t len,
    enum tome_memtype, tome_prot_t, tome_va_t *out) TOME_NODISCARD;
/* npages of stack between two unmapped guard pages; *out is its lowest byte. */
enum tome_err tome_kmap_stack(struct tome_vm *, size_t npages,
    tome_va_t *out) TOME_NODISCARD;
/* Undo any of the three, by the address given out. Flushes before frames are
 * freed. Threads only, interrupts on. */
void tome_kunmap(struct tome_vm *, tome_va_t);
/* Pointer for such an address. */
void *tome_kva_ptr(struct tome_vm *, tome_va_t);

#endif
