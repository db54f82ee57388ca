/*
 * arena.c - arenas of integers, address ranges above all.
 *
 * After Bonwick and Adams, "Magazines and Vmem" (USENIX 2001). A call reserves
 * the tags it may need before it looks (lock_with()), finds a free segment by
 * one of three fits, carves it. What does not fit is imported from the source:
 * the nearest ancestor that has room passes it down one level at a time, in a
 * loop, so that no arena's code runs inside another's.
 *
 * Small sizes go through per-CPU magazines (quantum caches). Such a segment
 * stays allocated in the tags while it waits there; statistics subtract it,
 * the walk shows it, and only debug builds see that it is freed twice.
 *
 * Locks: a->lock (rank ARENA), never two at once, never across a call to a
 * cache.
 */
#include <kmem/tags.h>

/* A call takes at most two tags; some stay for the next ones. */
#define TAGS_NEEDED 2u
#define TAGS_KEPT 16u
#define HASH_BITS_MAX 18u

/* What is looked for. A plain want is met by any free segment large enough. */
struct want {
	tome_span_t size, align, phase, nocross, min, last;
	bool plain;
};

static enum tome_err alloc_want(struct tome_arena *, const struct want *,
    enum tome_fit, tome_span_t *out);
static enum tome_err carve_want(struct tome_arena *, const struct want *,
    enum tome_fit, tome_span_t *out);
static enum tome_err import(struct tome_arena *, const struct want *);
static void return_imports(struct tome_arena *);
static struct tome_tag *find_fit(struct tome_arena *, const struct want *,
    enum tome_fit, tome_span_t *at);
static void free_segment(struct tome_arena *, tome_span_t base,
    tome_span_t size);
static enum tome_err quantum_caches(struct tome_arena *);
static bool quantum_alloc(struct tome_arena *, tome_span_t size,
    tome_span_t *out);
static bool quantum_free(struct tome_arena *, tome_span_t base,
    tome_span_t size);

static uintptr_t
lock(struct tome_arena *a)
{
	return tome_spin_lock(a->vm, &a->lock, TOME_RANK_ARENA);
}

static void
unlock(struct tome_arena *a, uintptr_t irq)
{
	tome_spin_unlock(a->vm, &a->lock, TOME_RANK_ARENA, irq);
}

/* Lock with at least TAGS_NEEDED in reserve. ENOMEM: not locked. */
static enum tome_err
lock_with(struct tome_arena *a, uintptr_t *irq)
{
	struct tome_tag *t;

	for (;;) {
		*irq = lock(a);
		if (a->nreserve >= TAGS_NEEDED)
			return TOME_OK;
		unlock(a, *irq);
		t = tome_cache_get(a->vm->kmem->tags);
		if (t == NULL)
			return TOME_ENOMEM;
		*irq = lock(a);
		tome_tag_give(a, t);
		unlock(a, *irq);
	}
}

/* Give the cache what the reserve holds beyond `keep`. */
static void
trim_reserve(struct tome_arena *a, uint32_t keep)
{
	struct tome_tag *t;
	uintptr_t irq;

	for (;;) {
		irq = lock(a);
		t = a->nreserve > keep ? tome_tag_take(a) : NULL;
		unlock(a, irq);
		if (t == NULL)
			return;
		tome_cache_put(a->vm->kmem->tags, t);
	}
}

static tome_span_t
round_to(const struct tome_arena *a, tome_span_t size)
{
	tome_span_t mask = a->config.quantum - 1;

	return (size + mask) & ~mask;
}

/* ---- creation ---- */

static tome_cold bool
is_power(tome_span_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static tome_cold bool
config_is_good(const struct tome_arena_config *c)
{
	tome_span_t mask = c->quantum - 1;

	if (!is_power(c->quantum) || (c->base & mask) != 0 ||
	    (c->size & mask) != 0 || (c->qcache_max & mask) != 0)
		return false;
	if (c->size != 0 && c->base + (c->size - 1) < c->base)
		return false;
	if (c->source != NULL && c->source->config.quantum < c->quantum)
		return false;
	return c->qcache_max >> tome_log2(c->quantum) <= TOME_ARENA_QUANTA;
}

tome_cold enum tome_err
tome_arena_create(struct tome_vm *vm, const struct tome_arena_config *config,
    struct tome_arena **out)
{
	struct tome_arena *a;
	enum tome_err err;

	if (!config_is_good(config))
		return TOME_EINVAL;
	a = tome_cache_get(vm->kmem->arenas);
	if (a == NULL)
		return TOME_ENOMEM;
	memset(a, 0, sizeof *a);
	a->vm = vm;
	a->config = *config;
	a->shift = tome_log2(config->quantum);
	a->hash = a->small;
	a->hash_bits = TOME_ARENA_SMALL_BITS;
	tome_kmem_enlist(vm->kmem, &vm->kmem->all_arenas, &a->listed);
	err = quantum_caches(a);
	if (err == TOME_OK && config->size > 0)
		err = tome_arena_add(a, config->base, config->size);
	if (err == TOME_OK)
		*out = a;
	else
		TOME_CHECK(vm, tome_arena_destroy(a) == TOME_OK);
	return err;
}

tome_cold enum tome_err
tome_arena_destroy(struct tome_arena *a)
{
	struct tome_kmem *km = a->vm->kmem;

	tome_arena_trim(a, true);
	if (a->nallocated > 0)
		return TOME_EBUSY;
	while (a->spans != NULL)
		tome_tags_remove_span(a, a->spans);
	tome_arena_trim(a, true);
	tome_kmem_delist(km, &km->all_arenas, &a->listed);
	for (unsigned i = 0; i < a->ncached; i++)
		tome_cache_put(km->sets, a->quantum[i]);
	tome_cache_put(km->arenas, a);
	return TOME_OK;
}

static enum tome_err
add_span(struct tome_arena *a, tome_span_t base, tome_span_t size,
    bool imported)
{
	uintptr_t irq;
	bool added;

	if (lock_with(a, &irq) != TOME_OK)
		return TOME_ENOMEM;
	added = tome_tags_add_span(a, base, size, imported);
	unlock(a, irq);
	return added ? TOME_OK : TOME_EEXIST;
}

enum tome_err
tome_arena_add(struct tome_arena *a, tome_span_t base, tome_span_t size)
{
	tome_span_t mask = a->config.quantum - 1;

	if (size == 0 || ((base | size) & mask) != 0 ||
	    base + (size - 1) < base)
		return TOME_EINVAL;
	return add_span(a, base, size, false);
}

/* ---- the hash of allocated segments grows and shrinks ---- */

static void
resize_hash(struct tome_arena *a, struct tome_tag **table, unsigned bits)
{
	struct tome_tag **old;
	uintptr_t irq = lock(a);

	if (table == a->small)
		memset(a->small, 0, sizeof a->small);
	old = tome_tags_rehash(a, table, bits);
	unlock(a, irq);
	if (old != a->small)
		tome_kfree(a->vm, old);
}

static bool
hash_is_short(struct tome_arena *a)
{
	return tome_rd_relaxed(&a->nallocated) >
	    (uint64_t)2 << tome_rd_relaxed(&a->hash_bits);
}

/* Best effort: without memory chains just get longer. */
static void
grow_hash(struct tome_arena *a)
{
	unsigned bits = a->hash_bits + 2;
	struct tome_tag **table;

	if (bits > HASH_BITS_MAX)
		return;
	table = tome_kzalloc(a->vm, sizeof(struct tome_tag *) << bits);
	if (table != NULL)
		resize_hash(a, table, bits);
}

/* ---- allocation ---- */

enum tome_err
tome_arena_alloc(struct tome_arena *a, tome_span_t size, enum tome_fit fit,
    tome_span_t *out)
{
	struct want w = { .size = round_to(a, size), .last = UINT64_MAX,
		.plain = true };

	if (size == 0)
		return TOME_EINVAL;
	if (w.size < size)
		return TOME_ENOMEM;
	if (quantum_alloc(a, w.size, out))
		return TOME_OK;
	w.align = a->config.quantum;
	return alloc_want(a, &w, fit, out);
}

enum tome_err
tome_arena_xalloc(struct tome_arena *a, tome_span_t size, tome_span_t align,
    tome_span_t phase, tome_span_t nocross, tome_span_t min, tome_span_t max,
    enum tome_fit fit, tome_span_t *out)
{
	tome_span_t quantum = a->config.quantum;
	struct want w = { .size = round_to(a, size),
		.align = align > quantum ? align : quantum, .phase = phase,
		.nocross = nocross, .min = round_to(a, min),
		.last = max == 0 ? UINT64_MAX : max - 1 };

	if (size == 0 || (align != 0 && !is_power(align)) ||
	    phase >= w.align || (phase & (quantum - 1)) != 0 ||
	    (nocross != 0 && (!is_power(nocross) || nocross < w.size)))
		return TOME_EINVAL;
	if (w.size < size || w.min < min)
		return TOME_ENOMEM;
	return alloc_want(a, &w, fit, out);
}

/*
 * Try here; else bring room one level down from the nearest ancestor that has
 * it, and try again. Each round moves room closer, so the loop ends.
 */
static enum tome_err
alloc_want(struct tome_arena *a, const struct want *w, enum tome_fit fit,
    tome_span_t *out)
{
	enum tome_err err;

	if (tome_unlikely(hash_is_short(a)))
		grow_hash(a);
	for (;;) {
		err = carve_want(a, w, fit, out);
		if (err == TOME_RETRY)
			err = import(a, w);
		else if (err == TOME_OK)
			return TOME_OK;
		if (err != TOME_OK) {
			return_imports(a);
			return err;
		}
	}
}

/* An imported span that nobody came to use, unlinked; false: none. */
static bool
unlink_unused(struct tome_arena *a, tome_span_t *base, tome_span_t *size)
{
	uintptr_t irq = lock(a);
	struct tome_tag *span = a->spans;

	while (span != NULL && !(span->imported &&
	    span->next->kind == TOME_TAG_FREE &&
	    span->next->size == span->size))
		span = span->after;
	if (span != NULL) {
		*base = span->base;
		*size = span->size;
		tome_tags_remove_span(a, span);
	}
	unlock(a, irq);
	return span != NULL;
}

/* After a failure: what had come part of the way down goes back up. */
static void
return_imports(struct tome_arena *a)
{
	tome_span_t base, size;

	for (; a->config.source != NULL; a = a->config.source)
		while (unlink_unused(a, &base, &size))
			free_segment(a->config.source, base, size);
}

/* RETRY: nothing here fits. */
static enum tome_err
carve_want(struct tome_arena *a, const struct want *w, enum tome_fit fit,
    tome_span_t *out)
{
	struct tome_tag *t;
	tome_span_t at;
	uintptr_t irq;

	if (lock_with(a, &irq) != TOME_OK)
		return TOME_ENOMEM;
	t = find_fit(a, w, fit, &at);
	if (t != NULL) {
		tome_tags_carve(a, t, at, w->size);
		a->rotor = at + w->size;
		*out = at;
	}
	unlock(a, irq);
	return t != NULL ? TOME_OK : TOME_RETRY;
}

/* What `a` asks its source for, to be able to meet the want. */
static bool
want_above(const struct tome_arena *a, struct want *w)
{
	tome_span_t quantum = a->config.source->config.quantum;
	tome_span_t size = w->size;

	if (w->plain && size < a->config.import_min)
		size = a->config.import_min;
	w->size = (size + quantum - 1) & ~(quantum - 1);
	w->align = w->align > quantum ? w->align : quantum;
	return w->size >= size && (w->phase & (quantum - 1)) == 0 &&
	    (w->nocross == 0 || w->nocross >= w->size);
}

static enum tome_err
import(struct tome_arena *a, const struct want *want)
{
	struct want w = *want;
	tome_span_t base;
	enum tome_err err;

	for (; a->config.source != NULL; a = a->config.source) {
		if (!want_above(a, &w))
			return TOME_ENOMEM;
		err = carve_want(a->config.source, &w, TOME_FIT_INSTANT,
		    &base);
		if (err == TOME_RETRY)
			continue;
		if (err == TOME_OK && add_span(a, base, w.size, true) !=
		    TOME_OK) {
			free_segment(a->config.source, base, w.size);
			err = TOME_ENOMEM;
		}
		return err;
	}
	return TOME_ENOMEM;
}

/* ---- fits ---- */

/* `at` rounded up to the want's alignment and phase; false: past the end. */
static bool
align_up(const struct want *w, tome_span_t *at)
{
	tome_span_t up = ((*at - w->phase + w->align - 1) & ~(w->align - 1)) +
	    w->phase;
	bool fits = up >= *at;

	*at = up;
	return fits;
}

static bool
crosses(const struct want *w, tome_span_t at)
{
	return w->nocross != 0 &&
	    ((at ^ (at + (w->size - 1))) & ~(w->nocross - 1)) != 0;
}

/* The lowest place for the want inside a free segment. */
static bool
place(const struct tome_tag *t, const struct want *w, tome_span_t *out)
{
	tome_span_t at = t->base > w->min ? t->base : w->min;
	tome_span_t last = tome_tag_last(t) < w->last ? tome_tag_last(t) :
	    w->last;

	if (t->size < w->size || !align_up(w, &at))
		return false;
	if (crosses(w, at)) {
		at = (at | (w->nocross - 1)) + 1;
		if (at == 0 || !align_up(w, &at) || crosses(w, at))
			return false;
	}
	*out = at;
	return at <= last && last - at >= w->size - 1;
}

/* The first (or smallest) segment of a free list that takes the want. */
static struct tome_tag *
search_list(struct tome_tag *t, const struct want *w, bool smallest,
    tome_span_t *at)
{
	struct tome_tag *best = NULL;
	tome_span_t here;

	for (; t != NULL; t = t->after) {
		if ((best != NULL && t->size >= best->size) ||
		    !place(t, w, &here))
			continue;
		best = t;
		*at = here;
		if (!smallest)
			break;
	}
	return best;
}

/* Lists from `i` up; larger lists hold larger segments only. */
static struct tome_tag *
search_up(struct tome_arena *a, unsigned i, const struct want *w,
    bool smallest, tome_span_t *at)
{
	uint64_t left = i < TOME_ARENA_LISTS ? a->nonempty >> i : 0;
	struct tome_tag *t = NULL;

	for (; t == NULL && left != 0; left >>= 1, i++) {
		for (; !(left & 1); i++)
			left >>= 1;
		t = search_list(a->free[i], w, smallest, at);
	}
	return t;
}

static struct tome_tag *
instant_fit(struct tome_arena *a, const struct want *w, tome_span_t *at)
{
	unsigned i = tome_tags_list(a, w->size);
	struct tome_tag *t = NULL;

	/* All on the lists above are large enough: no search. */
	if (w->plain)
		t = search_up(a, i + 1, w, false, at);
	return t != NULL ? t : search_up(a, i, w, false, at);
}

/* The first above where the last one ended, then the first of all. */
static struct tome_tag *
next_fit(struct tome_arena *a, const struct want *want, tome_span_t *at)
{
	struct want w = *want;

	if (w.min < a->rotor)
		w.min = a->rotor;
	for (unsigned turn = 0; turn < 2; turn++, w = *want)
		for (struct tome_tag *t = a->first; t != NULL; t = t->next)
			if (t->kind == TOME_TAG_FREE && place(t, &w, at))
				return t;
	return NULL;
}

static struct tome_tag *
find_fit(struct tome_arena *a, const struct want *w, enum tome_fit fit,
    tome_span_t *at)
{
	switch (fit) {
	case TOME_FIT_BEST:
		return search_up(a, tome_tags_list(a, w->size), w, true, at);
	case TOME_FIT_NEXT:
		return next_fit(a, w, at);
	case TOME_FIT_INSTANT:
		break;
	}
	return instant_fit(a, w, at);
}

/* ---- freeing ---- */

void
tome_arena_free(struct tome_arena *a, tome_span_t base, tome_span_t size)
{
	size = round_to(a, size);
	if (!quantum_free(a, base, size))
		free_segment(a, base, size);
}

/* The span that the freed segment leaves empty, if it was imported. */
static struct tome_tag *
empty_import(struct tome_tag *t)
{
	struct tome_tag *span = t->prev;

	return span->kind == TOME_TAG_SPAN && span->imported &&
	    span->size == t->size ? span : NULL;
}

/* Free here; a span that becomes empty is freed in the source, and so on up. */
static void
free_segment(struct tome_arena *a, tome_span_t base, tome_span_t size)
{
	for (bool up = true; up; a = a->config.source) {
		uintptr_t irq = lock(a);
		struct tome_tag *t = tome_tags_find(a, base), *span;
		bool many;

		TOME_CHECK(a->vm, t != NULL && t->size == size);
		span = empty_import(tome_tags_release(a, t));
		up = span != NULL;
		if (up) {
			base = span->base;
			size = span->size;
			tome_tags_remove_span(a, span);
		}
		many = a->nreserve > TAGS_KEPT;
		unlock(a, irq);
		if (many)
			trim_reserve(a, TAGS_KEPT / 2);
	}
}

/* ---- quantum caches ---- */

static tome_cold enum tome_err
quantum_caches(struct tome_arena *a)
{
	struct tome_kmem *km = a->vm->kmem;
	unsigned n = (unsigned)(a->config.qcache_max >> a->shift);

	for (; a->ncached < n; a->ncached++) {
		struct tome_magazines *m = tome_cache_get(km->sets);

		if (m == NULL)
			return TOME_ENOMEM;
		tome_magazines_init(m, km, TOME_MAGAZINE_ROUNDS);
		a->quantum[a->ncached] = m;
	}
	return TOME_OK;
}

/* A base as a round of a magazine, never NULL: its number in quanta, plus 1. */
static void *
round_of(const struct tome_arena *a, tome_span_t base)
{
	return (void *)(uintptr_t)((base >> a->shift) + 1);
}

static tome_span_t
base_of(const struct tome_arena *a, const void *round)
{
	return (tome_span_t)((uintptr_t)round - 1) << a->shift;
}

static struct tome_magazines *
quantum_for(const struct tome_arena *a, tome_span_t size)
{
	tome_span_t quanta = size >> a->shift;

	return quanta - 1 < a->ncached ? a->quantum[quanta - 1] : NULL;
}

#ifdef TOME_DEBUG
/* The segment must be allocated, and in a magazine exactly when `was`. */
static void
mark_cached(struct tome_arena *a, tome_span_t base, tome_span_t size, bool was)
{
	uintptr_t irq = lock(a);
	struct tome_tag *t = tome_tags_find(a, base);

	TOME_CHECK(a->vm, t != NULL && t->size == size && t->cached == was);
	t->cached = !was;
	t->note = 0;
	unlock(a, irq);
}
#else
static void
mark_cached(struct tome_arena *a, tome_span_t base, tome_span_t size, bool was)
{
	(void)a, (void)base, (void)size, (void)was;
}
#endif

static bool
quantum_alloc(struct tome_arena *a, tome_span_t size, tome_span_t *out)
{
	struct tome_magazines *m = quantum_for(a, size);
	void *round;

	if (m == NULL)
		return false;
	tome_host_preempt_off();
	round = tome_magazines_pop(m);
	tome_host_preempt_on();
	if (round == NULL)
		return false;
	*out = base_of(a, round);
	mark_cached(a, *out, size, true);
	return true;
}

static void
drain_rounds(struct tome_arena *a, struct tome_magazine *mg, uint32_t rounds,
    tome_span_t size)
{
	for (uint32_t i = 0; i < rounds; i++)
		free_segment(a, base_of(a, mg->round[i]), size);
	tome_magazine_free(a->vm->kmem, mg);
}

static bool
quantum_free(struct tome_arena *a, tome_span_t base, tome_span_t size)
{
	struct tome_magazines *m = quantum_for(a, size);
	void *round = round_of(a, base);
	struct tome_magazine *spill;
	bool kept;

	/* A base that a round cannot hold (32-bit CPUs) stays outside. */
	if (m == NULL || round == NULL || base_of(a, round) != base)
		return false;
	mark_cached(a, base, size, false);
	tome_host_preempt_off();
	kept = tome_magazines_push(m, round, &spill);
	if (spill != NULL)
		drain_rounds(a, spill, m->capacity, size);
	tome_host_preempt_on();
	return kept;
}

static void
drain_quantum(struct tome_arena *a, unsigned i, bool all)
{
	struct tome_magazines *m = a->quantum[i];
	tome_span_t size = (tome_span_t)(i + 1) << a->shift;
	struct tome_magazine *mg;
	uint32_t rounds;

	tome_host_preempt_off();
	for (unsigned cpu = 0; cpu < a->vm->ncpus; cpu++)
		if (all || cpu == tome_host_cpu())
			while (tome_magazines_strip_cpu(m, cpu, &mg, &rounds))
				drain_rounds(a, mg, rounds, size);
	while (tome_magazines_strip_depot(m, &mg, &rounds))
		drain_rounds(a, mg, rounds, size);
	tome_host_preempt_on();
}

void
tome_arena_trim(struct tome_arena *a, bool all)
{
	for (unsigned i = 0; i < a->ncached; i++)
		drain_quantum(a, i, all);
	trim_reserve(a, 0);
	if (a->hash != a->small && a->nallocated <= 1u << TOME_ARENA_SMALL_BITS)
		resize_hash(a, a->small, TOME_ARENA_SMALL_BITS);
}

/* ---- looking ---- */

tome_span_t
tome_arena_size_of(struct tome_arena *a, tome_span_t base)
{
	uintptr_t irq = lock(a);
	struct tome_tag *t = tome_tags_find(a, base);
	tome_span_t size = t != NULL ? t->size : 0;

	unlock(a, irq);
	return size;
}

void
tome_arena_set_note(struct tome_arena *a, tome_span_t base, uint64_t note)
{
	uintptr_t irq = lock(a);
	struct tome_tag *t = tome_tags_find(a, base);

	TOME_CHECK(a->vm, t != NULL);
	t->note = note;
	unlock(a, irq);
}

uint64_t
tome_arena_take_note(struct tome_arena *a, tome_span_t base, uint64_t mask,
    uint64_t kind)
{
	uintptr_t irq = lock(a);
	struct tome_tag *t = tome_tags_find(a, base);
	uint64_t note = 0;

	if (t != NULL && (t->note & mask) == kind) {
		note = t->note;
		t->note = 0;
	}
	unlock(a, irq);
	return note;
}

static tome_span_t
cached_bytes(struct tome_arena *a)
{
	tome_span_t n = 0;

	for (unsigned i = 0; i < a->ncached; i++)
		n += tome_magazines_rounds(a->quantum[i], a->vm->ncpus) *
		    (i + 1) << a->shift;
	return n;
}

tome_cold void
tome_arena_stats(struct tome_arena *a, struct tome_arena_stats *out)
{
	uintptr_t irq = lock(a);

	*out = (struct tome_arena_stats){ .total = a->total, .used = a->used,
		.segments = a->nfree + a->nallocated, .spans = a->nspans };
	if (a->nonempty != 0)
		for (struct tome_tag *t = a->free[tome_log2(a->nonempty)];
		    t != NULL; t = t->after)
			if (t->size > out->largest_free)
				out->largest_free = t->size;
	unlock(a, irq);
	out->used -= cached_bytes(a);
}

uint64_t
tome_arena_allocated(struct tome_arena *a)
{
	return a->nallocated;
}

/* The first segment that ends at or above `from`. */
static bool
segment_at(struct tome_arena *a, tome_span_t from, struct tome_tag *out)
{
	uintptr_t irq = lock(a);
	struct tome_tag *t = a->first;

	while (t != NULL && (t->kind == TOME_TAG_SPAN ||
	    tome_tag_last(t) < from))
		t = t->next;
	if (t != NULL)
		*out = *t;
	unlock(a, irq);
	return t != NULL;
}

/* By address, not by tag: fn runs with the arena unlocked. */
void
tome_arena_walk(struct tome_arena *a, bool (*fn)(void *, tome_span_t,
    tome_span_t, bool), void *arg)
{
	tome_span_t at = 0;
	struct tome_tag t;

	while (segment_at(a, at, &t) && fn(arg, t.base, t.size,
	    t.kind == TOME_TAG_ALLOCATED)) {
		at = t.base + t.size;
		if (at == 0)
			return;		/* it ended at the top */
	}
}

tome_cold const char *
tome_arena_check(struct tome_arena *a)
{
	uintptr_t irq = lock(a);
	const char *why = tome_tags_check(a);

	unlock(a, irq);
	return why;
}
