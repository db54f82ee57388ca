/*
 * kmem_i.h - what the files of layer 3 share.
 *
 * No recursion: magazines come from a cache that has slabs only; slabs are
 * described by their own frames' descriptors; boundary tags come from a cache,
 * and caches never use an arena.
 */
#ifndef TOME_KMEM_KMEM_I_H
#define TOME_KMEM_KMEM_I_H

#include <base/memory.h>
#include <kmem/cache.h>

/* kmalloc: up to CLASS_MAX from classes, found by 16-byte step. */
#define TOME_KMALLOC_STEP_SHIFT 4
#define TOME_KMALLOC_CLASS_MAX 3072u
#define TOME_KMALLOC_CLASSES 24u

struct tome_kmem {			/* layer 3's state of an instance */
	struct tome_layer layer;
	struct tome_vm *vm;
	unsigned order;			/* of the block this lies in */
	struct tome_cache *caches;	/* struct tome_cache */
	struct tome_cache *magazines;	/* struct tome_magazine; slabs only */
	struct tome_cache *sets;	/* struct tome_magazines of arenas */
	struct tome_cache *tags;	/* struct tome_tag */
	struct tome_cache *arenas;	/* struct tome_arena */
	struct tome_cache *class[TOME_KMALLOC_CLASSES];
	uint8_t class_of[(TOME_KMALLOC_CLASS_MAX >>
	    TOME_KMALLOC_STEP_SHIFT) + 1];
	_Atomic uint32_t runs;
	struct tome_arena *kva;		/* kernel addresses (kmap.c) */
	/* Under lock, rank ARENA: every cache and arena. */
	struct tome_spin lock;
	struct tome_listed *all_caches, *all_arenas;
};

/* ---- the direct map, both ways ---- */

/* Frame of an object; the direct map is linear in the bias. */
static inline tome_pfn_t
tome_object_pfn(struct tome_vm *vm, const void *object)
{
	uintptr_t base = (uintptr_t)tome_host_frame_va(vm->direct_bias, 0);

	return (tome_pfn_t)(((uintptr_t)object - base) >> TOME_PAGE_SHIFT);
}

/* ---- magazines (magazine.c): preemption off ---- */

size_t tome_magazines_size(unsigned ncpus);
void tome_magazines_init(struct tome_magazines *, struct tome_kmem *,
    uint32_t capacity);
/* NULL: neither this CPU nor the depot has one. */
void *tome_magazines_pop(struct tome_magazines *);
/*
 * False: no magazine to put it in. If *spill is set afterwards the depot was
 * full: its `capacity` rounds are the caller's to give back, and then the
 * magazine itself by tome_magazine_free().
 */
bool tome_magazines_push(struct tome_magazines *, void *round,
    struct tome_magazine **spill);
void tome_magazine_free(struct tome_kmem *, struct tome_magazine *);
/*
 * After a pop of NULL: an empty magazine, the CPU's own if it has one, to fill from
 * the slabs; NULL: none. And back, with its rounds; false: the CPU has got others
 * meanwhile, and this one is the caller's to empty and free.
 */
struct tome_magazine *tome_magazines_unload(struct tome_magazines *);
bool tome_magazines_load(struct tome_magazines *, struct tome_magazine *,
    uint32_t rounds);
/* Take every magazine of the CPU (or the depot) away, one after another: false
 * when there are no more. */
bool tome_magazines_strip_cpu(struct tome_magazines *, unsigned cpu,
    struct tome_magazine **out, uint32_t *rounds);
bool tome_magazines_strip_depot(struct tome_magazines *,
    struct tome_magazine **out, uint32_t *rounds);
/* Rounds held; exact when the other CPUs are outside. */
uint64_t tome_magazines_rounds(struct tome_magazines *, unsigned ncpus);

/* ---- slabs (slab.c) ---- */

/* Derive stride, orders and colours. EINVAL: does not fit 8 frames. */
enum tome_err tome_slab_layout(struct tome_cache *) TOME_NODISCARD;
/* Up to n objects into out; how many. */
uint32_t tome_slab_take(struct tome_cache *, void **out, uint32_t n);
void tome_slab_give(struct tome_cache *, void *const *in, uint32_t n);
/* Free empty slabs, or all of them; frames freed. */
size_t tome_slab_reap(struct tome_cache *, bool force);
/* NULL, or what is wrong. */
const char *tome_slab_check(struct tome_cache *);

/* ---- caches (cache.c) ---- */

size_t tome_cache_bytes(unsigned ncpus);
enum tome_err tome_cache_init(struct tome_cache *, struct tome_kmem *,
    const struct tome_cache_config *, bool magazines) TOME_NODISCARD;
/* Reap with `all`: every CPU's magazines (the others are outside). */
size_t tome_cache_reap_cpus(struct tome_cache *, bool all);
uint64_t tome_cache_live(struct tome_cache *);

/* ---- registry (init.c) ---- */

void tome_kmem_enlist(struct tome_kmem *, struct tome_listed **list,
    struct tome_listed *);
/* Waits for walks that stand on it. */
void tome_kmem_delist(struct tome_kmem *, struct tome_listed **list,
    struct tome_listed *);

/* ---- debug builds (debug.c) ---- */

#ifdef TOME_DEBUG
/* What follows an object in its slab. */
struct tome_trailer {
	uint32_t state;
	uint32_t asked;			/* kmalloc: bytes asked; else 0 */
	void *who;			/* who allocated, or freed it last */
	uint32_t link;
};
static inline struct tome_trailer *
tome_trailer(struct tome_cache *c, void *object)
{
	return (void *)((char *)object + (c->link -
	    offsetof(struct tome_trailer, link)));
}
void tome_debug_born(struct tome_cache *, void *object);
void tome_debug_alloc(struct tome_cache *, void *object, void *who);
void tome_debug_free(struct tome_cache *, void *object, void *who);
void tome_debug_asked(struct tome_cache *, void *object, uint32_t asked);
#else
static inline void
tome_debug_born(struct tome_cache *c, void *object)
{
	(void)c, (void)object;
}
static inline void
tome_debug_alloc(struct tome_cache *c, void *object, void *who)
{
	(void)c, (void)object, (void)who;
}
static inline void
tome_debug_free(struct tome_cache *c, void *object, void *who)
{
	(void)c, (void)object, (void)who;
}
static inline void
tome_debug_asked(struct tome_cache *c, void *object, uint32_t asked)
{
	(void)c, (void)object, (void)asked;
}
#endif

/* ---- arenas (arena.c) and kernel mappings (kmap.c) ---- */

/* A word kept with an allocated segment, 0 at first. take: 0 unless one starts
 * there whose note has these bits under the mask; it has none afterwards. */
void tome_arena_set_note(struct tome_arena *, tome_span_t base, uint64_t note);
uint64_t tome_arena_take_note(struct tome_arena *, tome_span_t base,
    uint64_t mask, uint64_t kind);
/* Give back what is held in reserve. `all`: every CPU's magazines (the others
 * are outside). */
void tome_arena_trim(struct tome_arena *, bool all);
const char *tome_arena_check(struct tome_arena *);
uint64_t tome_arena_allocated(struct tome_arena *);

enum tome_err tome_kmap_start(struct tome_kmem *) TOME_NODISCARD;

#endif
