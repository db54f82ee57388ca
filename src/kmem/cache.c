/*
 * cache.c - object caches: magazines over slabs.
 *
 * The fast paths are in cache.h. Here: what they fall back to, creation and
 * destruction, reaping, counts.
 *
 * Invariant: an object is handed out, in a magazine, or on a slab's free list;
 *   `live` counts the first two, and the magazines know the second.
 * Locks: none of its own; see magazine.c and slab.c.
 */
#include <kmem/kmem_i.h>

static void *from_slabs(struct tome_cache *);
static uint32_t capacity_for(size_t size);
static void drain_magazine(struct tome_cache *, struct tome_magazine *,
    uint32_t rounds);
static void drain_cpu(struct tome_cache *, unsigned cpu);
static void drain_depot(struct tome_cache *);

void *
tome_cache_alloc(struct tome_cache *c)
{
	return tome_cache_get(c);
}

void
tome_cache_free(struct tome_cache *c, void *object)
{
	tome_cache_put(c, object);
}

void *
tome_cache_alloc_slow(struct tome_cache *c, void *who)
{
	const struct tome_host *host = c->vm->host;
	void *object;

	if (host->may_alloc != NULL && !host->may_alloc(c->vm->ctx, "object"))
		return NULL;
	tome_host_preempt_off();
	object = tome_magazines_pop(&c->mag);
	if (object == NULL)
		object = from_slabs(c);
	tome_host_preempt_on();
	if (object != NULL && c->careful)
		tome_debug_alloc(c, object, who);
	return object;
}

void
tome_cache_free_slow(struct tome_cache *c, void *object, void *who)
{
	struct tome_magazine *spill;

	if (c->careful)
		tome_debug_free(c, object, who);
	tome_host_preempt_off();
	if (!tome_magazines_push(&c->mag, object, &spill))
		tome_slab_give(c, &object, 1);
	if (spill != NULL) {
		tome_slab_give(c, spill->round, c->mag.capacity);
		tome_magazine_free(c->mag.kmem, spill);
	}
	tome_host_preempt_on();
}

/*
 * A magazine is filled in one visit to the shared slabs, and one of its rounds is
 * the caller's. It is on no CPU meanwhile: whoever makes room for the slabs'
 * frames may reap this cache, or allocate from it.
 */
static void *
from_slabs(struct tome_cache *c)
{
	struct tome_magazine *mg = tome_magazines_unload(&c->mag);
	void *object = NULL;
	uint32_t n;

	if (mg == NULL)
		return tome_slab_take(c, &object, 1) > 0 ? object : NULL;
	n = tome_slab_take(c, mg->round, c->mag.capacity);
	if (n > 0)
		object = mg->round[--n];
	if (!tome_magazines_load(&c->mag, mg, n))
		drain_magazine(c, mg, n);
	return object;
}

/* ---- creation ---- */

size_t
tome_cache_bytes(unsigned ncpus)
{
	return offsetof(struct tome_cache, mag) + tome_magazines_size(ncpus);
}

/* Large objects wait in small numbers: at most 8 KiB or so a magazine. */
static uint32_t
capacity_for(size_t size)
{
	if (size <= 256)
		return TOME_MAGAZINE_ROUNDS;
	return size <= 1024 ? 12 : 4;
}

tome_cold enum tome_err
tome_cache_init(struct tome_cache *c, struct tome_kmem *km,
    const struct tome_cache_config *config, bool magazines)
{
	if (config->size > UINT32_MAX / 2 || config->align > TOME_PAGE_SIZE)
		return TOME_EINVAL;
	memset(c, 0, offsetof(struct tome_cache, mag));
	c->vm = km->vm;
	c->config = *config;
	c->size = (uint32_t)config->size;
	c->careful = km->vm->host->may_alloc != NULL;
#ifdef TOME_DEBUG
	c->careful = true;
#endif
	tome_magazines_init(&c->mag, km,
	    magazines ? capacity_for(config->size) : 0);
	return tome_slab_layout(c);
}

tome_cold enum tome_err
tome_cache_create(struct tome_vm *vm, const struct tome_cache_config *config,
    struct tome_cache **out)
{
	struct tome_kmem *km = vm->kmem;
	struct tome_cache *c = tome_cache_get(km->caches);
	enum tome_err err;

	if (c == NULL)
		return TOME_ENOMEM;
	err = tome_cache_init(c, km, config, true);
	if (err != TOME_OK) {
		tome_cache_put(km->caches, c);
		return err;
	}
	tome_kmem_enlist(km, &km->all_caches, &c->listed);
	*out = c;
	return TOME_OK;
}

tome_cold enum tome_err
tome_cache_destroy(struct tome_cache *c)
{
	struct tome_kmem *km = c->mag.kmem;

	if (tome_cache_live(c) > 0)
		return TOME_EBUSY;
	tome_kmem_delist(km, &km->all_caches, &c->listed);
	tome_cache_reap_cpus(c, true);
	tome_cache_put(km->caches, c);
	return TOME_OK;
}

/* ---- reaping ---- */

static void
drain_magazine(struct tome_cache *c, struct tome_magazine *mg, uint32_t rounds)
{
	if (rounds > 0)
		tome_slab_give(c, mg->round, rounds);
	tome_magazine_free(c->mag.kmem, mg);
}

static void
drain_cpu(struct tome_cache *c, unsigned cpu)
{
	struct tome_magazine *mg;
	uint32_t rounds;

	while (tome_magazines_strip_cpu(&c->mag, cpu, &mg, &rounds))
		drain_magazine(c, mg, rounds);
}

static void
drain_depot(struct tome_cache *c)
{
	struct tome_magazine *mg;
	uint32_t rounds;

	while (tome_magazines_strip_depot(&c->mag, &mg, &rounds))
		drain_magazine(c, mg, rounds);
}

static uint64_t
frames_now(struct tome_cache *c)
{
	uintptr_t irq = tome_spin_lock(c->vm, &c->mag.lock, TOME_RANK_SLAB);
	uint64_t n = c->frames;

	tome_spin_unlock(c->vm, &c->mag.lock, TOME_RANK_SLAB, irq);
	return n;
}

size_t
tome_cache_reap_cpus(struct tome_cache *c, bool all)
{
	uint64_t before = frames_now(c);

	tome_host_preempt_off();
	if (!all)
		drain_cpu(c, tome_host_cpu());
	else
		for (unsigned i = 0; i < c->vm->ncpus; i++)
			drain_cpu(c, i);
	drain_depot(c);
	tome_slab_reap(c, false);
	tome_host_preempt_on();
	return (size_t)(before - frames_now(c));
}

size_t
tome_cache_reap(struct tome_cache *c)
{
	return tome_cache_reap_cpus(c, false);
}

/* ---- counts ---- */

uint64_t
tome_cache_live(struct tome_cache *c)
{
	return c->live - tome_magazines_rounds(&c->mag, c->vm->ncpus);
}

tome_cold void
tome_cache_stats(struct tome_cache *c, struct tome_cache_stats *out)
{
	out->size = c->size;
	out->live = (size_t)tome_cache_live(c);
	out->slabs = c->nslabs;
	out->frames = (size_t)c->frames;
}
