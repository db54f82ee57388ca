/*
 * init.c - start and end of the layer, and the registry of its caches.
 *
 * One block of frames holds struct tome_kmem and the cache of caches; every
 * other cache comes from that one. Order of birth: caches, magazines, tags,
 * arenas, classes, kernel addresses.
 *
 * Locks: the registry is under kmem->lock. A walk pins the cache it stands on
 *   and runs with preemption off, so that destruction waits for it in a spin.
 */
#include <kmem/kmem_i.h>
#include <kmem/tags.h>
#include <base/text.h>

static enum tome_err start_caches(struct tome_kmem *);
static enum tome_err start_classes(struct tome_kmem *);
static const char *kmem_check(struct tome_vm *);
static void kmem_quiesce(struct tome_vm *, bool drain);
static size_t kmem_fini(struct tome_vm *);
static void kmem_release(struct tome_kmem *);

/* Steps of an eighth or less of a page's share: 16 up to 128, then four to
 * each doubling up to 1024, then what still fills a slab well. */
static const uint16_t class_size[TOME_KMALLOC_CLASSES] = {
	16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448,
	512, 640, 768, 896, 1024, 1280, 1536, 2048, TOME_KMALLOC_CLASS_MAX
};

static tome_cold size_t
kmem_bytes(void)
{
	return (sizeof(struct tome_kmem) + 63) & ~(size_t)63;
}

static tome_cold struct tome_kmem *
kmem_place(struct tome_vm *vm)
{
	size_t need = kmem_bytes() + tome_cache_bytes(vm->ncpus);
	struct tome_kmem *km;
	unsigned order = 0;
	tome_pfn_t pfn;

	while ((size_t)TOME_PAGE_SIZE << order < need)
		order++;
	if (tome_frames_alloc(vm, TOME_PAGE_KERNEL, order, 0, 0,
	    TOME_FRAME_DIRECT | TOME_FRAME_ZERO, &pfn) != TOME_OK)
		return NULL;
	km = tome_frame_va(vm, pfn);
	km->vm = vm;
	km->order = order;
	km->caches = (void *)((char *)km + kmem_bytes());
	km->layer = (struct tome_layer){ .name = "kmem", .check = kmem_check,
		.quiesce = kmem_quiesce, .fini = kmem_fini };
	return km;
}

tome_cold enum tome_err
tome_kmem_start(struct tome_vm *vm)
{
	struct tome_kmem *km = kmem_place(vm);
	enum tome_err err;

	if (km == NULL)
		return TOME_ENOMEM;
	vm->kmem = km;
	err = start_caches(km);
	if (err == TOME_OK)
		err = start_classes(km);
	if (err == TOME_OK)
		err = tome_kmap_start(km);
	if (err != TOME_OK) {
		kmem_release(km);
		return err;
	}
	tome_layer_install(vm, &km->layer);
	return TOME_OK;
}

/* One of the layer's own, which no leak is counted for. */
static tome_cold enum tome_err
own_cache(struct tome_kmem *km, const char *name, size_t size, size_t align,
    struct tome_cache **out)
{
	struct tome_cache_config config = { .name = name, .size = size,
		.align = align };
	enum tome_err err = tome_cache_create(km->vm, &config, out);

	if (err == TOME_OK)
		(*out)->own = true;
	return err;
}

/* The two that have no magazines: caches and magazines themselves. */
static tome_cold enum tome_err
start_bottom(struct tome_kmem *km)
{
	struct tome_cache_config caches = { .name = "caches",
		.size = tome_cache_bytes(km->vm->ncpus), .align = 64 };
	struct tome_cache_config magazines = { .name = "magazines",
		.size = sizeof(struct tome_magazine), .align = 8 };
	enum tome_err err = tome_cache_init(km->caches, km, &caches, false);

	if (err != TOME_OK)
		return err;
	km->magazines = tome_cache_get(km->caches);
	if (km->magazines == NULL)
		return TOME_ENOMEM;
	return tome_cache_init(km->magazines, km, &magazines, false);
}

static tome_cold enum tome_err
start_caches(struct tome_kmem *km)
{
	enum tome_err err = start_bottom(km);

	if (err == TOME_OK)
		err = own_cache(km, "tags", sizeof(struct tome_tag), 8,
		    &km->tags);
	if (err == TOME_OK)
		err = own_cache(km, "arenas", sizeof(struct tome_arena), 8,
		    &km->arenas);
	if (err == TOME_OK)
		err = own_cache(km, "quantum sets",
		    tome_magazines_size(km->vm->ncpus), 64, &km->sets);
	return err;
}

static tome_cold enum tome_err
start_classes(struct tome_kmem *km)
{
	enum tome_err err = TOME_OK;
	unsigned step = 0;

	for (unsigned i = 0; i < TOME_KMALLOC_CLASSES && err == TOME_OK; i++) {
		err = own_cache(km, "kmalloc", class_size[i], 16,
		    &km->class[i]);
		for (; step << TOME_KMALLOC_STEP_SHIFT <= class_size[i]; step++)
			km->class_of[step] = (uint8_t)i;
	}
	return err;
}

/* ---- the registry ---- */

tome_cold void
tome_kmem_enlist(struct tome_kmem *km, struct tome_listed **list,
    struct tome_listed *it)
{
	uintptr_t irq = tome_spin_lock(km->vm, &km->lock, TOME_RANK_ARENA);

	*it = (struct tome_listed){ .next = *list };
	if (it->next != NULL)
		it->next->prev = it;
	*list = it;
	tome_spin_unlock(km->vm, &km->lock, TOME_RANK_ARENA, irq);
}

static tome_cold bool
try_delist(struct tome_kmem *km, struct tome_listed **list,
    struct tome_listed *it)
{
	uintptr_t irq = tome_spin_lock(km->vm, &km->lock, TOME_RANK_ARENA);
	bool quiet = it->pins == 0;

	if (quiet) {
		if (it->prev != NULL)
			it->prev->next = it->next;
		else
			*list = it->next;
		if (it->next != NULL)
			it->next->prev = it->prev;
	}
	tome_spin_unlock(km->vm, &km->lock, TOME_RANK_ARENA, irq);
	return quiet;
}

tome_cold void
tome_kmem_delist(struct tome_kmem *km, struct tome_listed **list,
    struct tome_listed *it)
{
	while (!try_delist(km, list, it))
		tome_host_relax();
}

/* What follows `at` (NULL: the first), pinned; `at` is unpinned. */
static tome_cold struct tome_listed *
next_pinned(struct tome_kmem *km, struct tome_listed **list,
    struct tome_listed *at)
{
	uintptr_t irq = tome_spin_lock(km->vm, &km->lock, TOME_RANK_ARENA);
	struct tome_listed *next = at == NULL ? *list : at->next;

	if (next != NULL)
		next->pins++;
	if (at != NULL)
		at->pins--;
	tome_spin_unlock(km->vm, &km->lock, TOME_RANK_ARENA, irq);
	return next;
}

static tome_cold struct tome_cache *
cache_of(struct tome_listed *it)
{
	return tome_container(it, struct tome_cache, listed);
}

static tome_cold struct tome_arena *
arena_of(struct tome_listed *it)
{
	return tome_container(it, struct tome_arena, listed);
}

static tome_cold size_t
reap_caches(struct tome_kmem *km)
{
	struct tome_listed *it = NULL;
	size_t frames = 0;

	tome_host_preempt_off();
	while ((it = next_pinned(km, &km->all_caches, it)) != NULL)
		frames += tome_cache_reap(cache_of(it));
	/* What the others' magazines and structures lay in goes last. */
	frames += tome_slab_reap(km->magazines, false);
	frames += tome_slab_reap(km->caches, false);
	tome_host_preempt_on();
	return frames;
}

static tome_cold void
trim_arenas(struct tome_kmem *km)
{
	struct tome_listed *it = NULL;

	tome_host_preempt_off();
	while ((it = next_pinned(km, &km->all_arenas, it)) != NULL)
		tome_arena_trim(arena_of(it), false);
	tome_host_preempt_on();
}

tome_cold size_t
tome_kmem_reap(struct tome_vm *vm)
{
	trim_arenas(vm->kmem);
	return reap_caches(vm->kmem);
}

/* ---- the layer's hooks ---- */

/* Of the magazines, this CPU's: the others may be in use. */
static tome_cold void
kmem_quiesce(struct tome_vm *vm, bool drain)
{
	if (drain)
		(void)tome_kmem_reap(vm);
}

static tome_cold const char *
check_cache(struct tome_cache *c)
{
	if (tome_magazines_rounds(&c->mag, c->vm->ncpus) > c->live)
		return "magazines hold more objects than slabs gave";
	return tome_slab_check(c);
}

static tome_cold const char *
kmem_check(struct tome_vm *vm)
{
	struct tome_kmem *km = vm->kmem;
	const char *why = tome_slab_check(km->caches);

	if (why == NULL)
		why = tome_slab_check(km->magazines);
	for (struct tome_listed *it = km->all_caches; it != NULL && why == NULL;
	    it = it->next)
		why = check_cache(cache_of(it));
	for (struct tome_listed *it = km->all_arenas; it != NULL && why == NULL;
	    it = it->next)
		why = tome_arena_check(arena_of(it));
	return why;
}

static tome_cold bool
is_class(struct tome_kmem *km, struct tome_cache *c)
{
	for (unsigned i = 0; i < TOME_KMALLOC_CLASSES; i++)
		if (km->class[i] == c)
			return true;
	return false;
}

/* Log it, when there is any. */
static tome_cold size_t
leaked(struct tome_vm *vm, const char *of, uint64_t n)
{
	if (n > 0)
		tome_log_count(vm, "kmem: leaked ", n, of);
	return (size_t)n;
}

static tome_cold size_t
count_leaks(struct tome_kmem *km)
{
	uint64_t caches = 0, objects = 0, blocks = km->runs, arenas = 0;

	for (struct tome_listed *it = km->all_caches; it != NULL;
	    it = it->next) {
		struct tome_cache *c = cache_of(it);

		caches += !c->own;
		if (!c->own)
			objects += tome_cache_live(c);
		else if (is_class(km, c))
			blocks += tome_cache_live(c);
	}
	for (struct tome_listed *it = km->all_arenas; it != NULL; it = it->next)
		arenas += arena_of(it) != km->kva;
	return leaked(km->vm, " caches", caches) +
	    leaked(km->vm, " objects", objects) +
	    leaked(km->vm, " blocks of kmalloc", blocks) +
	    leaked(km->vm, " arenas", arenas) +
	    leaked(km->vm, " kernel mappings", tome_arena_allocated(km->kva));
}

/* Free every frame of the layer, whoever still uses what lies in them. */
static tome_cold void
kmem_release(struct tome_kmem *km)
{
	struct tome_vm *vm = km->vm;

	for (struct tome_listed *it = km->all_caches; it != NULL;
	    it = it->next) {
		tome_cache_reap_cpus(cache_of(it), true);
		tome_slab_reap(cache_of(it), true);
	}
	if (km->magazines != NULL)
		tome_slab_reap(km->magazines, true);
	tome_slab_reap(km->caches, true);
	vm->kmem = NULL;
	tome_frames_free(vm, tome_object_pfn(vm, km), km->order);
}

static tome_cold size_t
kmem_fini(struct tome_vm *vm)
{
	struct tome_kmem *km = vm->kmem;
	size_t n;

	/* Before leaks are counted: tables and tags of arenas are kmalloc's. */
	for (struct tome_listed *it = km->all_arenas; it != NULL; it = it->next)
		tome_arena_trim(arena_of(it), true);
	n = count_leaks(km);
	kmem_release(km);
	return n;
}
