/*
 * tier.c - slots to compressed pages, on many CPUs at once.
 *
 * A page is packed, and unpacked, in its CPU's own scratch, with no lock held; what is
 * copied from there to the pool and back is done under a shard's lock. Shards
 * share nothing but the budget of frames; the slot's cluster says which one.
 *
 * A page of one 32-bit word takes no room in the pool: the word stands where its frame
 * would. One of another 64-bit value is a piece of these 8 bytes, which no packed page
 * is as short as.
 *
 * Locks: a shard's, over its clusters and its pool.
 */
#include <base/lock.h>
#include <base/memory.h>
#include <paging/clusters.h>
#include <paging/pool.h>
#include <paging/tier.h>
#include <paging/wk.h>
#include <tome/kmem.h>

#define SHARDS_MOST 16u

/* A CPU's own, preemption off. */
struct scratch {
	struct tome_wk wk;
	uint8_t piece[TOME_PIECE_MOST];
};

struct shard {
	struct tome_spin lock;
	/* Under it. */
	struct tome_clusters clusters;
	struct tome_pieces pool;
	uint64_t same, stored, loaded, refused, full, written_behind;
};

struct tome_tier {
	struct tome_vm *vm;
	struct tome_cache *cache;		/* of clusters */
	struct scratch **scratch;		/* ncpus of them */
	struct tome_pieces_budget budget;
	_Atomic uint32_t clock;			/* ages */
	unsigned nshards;			/* a power of two */
	struct shard shard[];
};

/* What a page has become. */
struct packed {
	enum { PACKED_NOT, PACKED_WORD, PACKED_PIECE } kind;
	uint32_t word;
	const uint8_t *piece;
	size_t len;
};

static bool tier_keep(struct tome_tier *, uint32_t slot,
    const struct packed *);
static bool slot_set(struct tome_tier *, struct shard *,
    struct tome_cluster *, uint32_t slot, const struct packed *);
static bool slot_clear(struct shard *, struct tome_cluster *, uint32_t slot);
static struct tome_cluster *cluster_spent(struct shard *,
    struct tome_cluster *);
static void shard_resize(struct tome_tier *, struct shard *);
static void slot_moved(void *arg, uint32_t slot, tome_pfn_t);

static inline uint32_t
slot_bit(uint32_t slot)
{
	return (uint32_t)1 << slot % TOME_CLUSTER_SLOTS;
}

static inline struct shard *
shard_of(struct tome_tier *t, uint32_t slot)
{
	return &t->shard[(slot >> TOME_CLUSTER_SHIFT) & (t->nshards - 1)];
}

static struct tome_cluster *
cluster_of(const struct shard *s, uint32_t slot)
{
	return tome_clusters_find(&s->clusters, slot >> TOME_CLUSTER_SHIFT);
}

static uintptr_t
shard_lock(struct tome_tier *t, struct shard *s)
{
	return tome_spin_lock(t->vm, &s->lock, TOME_RANK_TIER);
}

static void
shard_unlock(struct tome_tier *t, struct shard *s, uintptr_t irq)
{
	tome_spin_unlock(t->vm, &s->lock, TOME_RANK_TIER, irq);
}

/* ---- start and stop ---- */

static unsigned
shards_for(unsigned ncpus)
{
	unsigned n = 1;

	while (n < ncpus && n < SHARDS_MOST)
		n *= 2;
	return n;
}

static bool
tier_furnish(struct tome_tier *t)
{
	struct tome_cache_config config = { .name = "swap clusters",
		.size = sizeof(struct tome_cluster) };

	t->scratch = tome_kzalloc(t->vm, t->vm->ncpus * sizeof *t->scratch);
	if (t->scratch == NULL)
		return false;
	for (unsigned cpu = 0; cpu < t->vm->ncpus; cpu++) {
		t->scratch[cpu] = tome_kmalloc(t->vm, sizeof **t->scratch);
		if (t->scratch[cpu] == NULL)
			return false;
	}
	return tome_cache_create(t->vm, &config, &t->cache) == TOME_OK;
}

enum tome_err
tome_tier_start(struct tome_vm *vm, tome_pfn_t frames, struct tome_tier **out)
{
	unsigned n = shards_for(vm->ncpus);
	struct tome_tier *t = tome_kzalloc(vm, sizeof *t +
	    n * sizeof t->shard[0]);

	if (t == NULL)
		return TOME_ENOMEM;
	t->vm = vm;
	t->nshards = n;
	tome_tier_limit(t, frames);
	for (unsigned i = 0; i < n; i++) {
		tome_clusters_init(&t->shard[i].clusters);
		tome_pieces_init(&t->shard[i].pool, vm, &t->budget);
	}
	if (!tier_furnish(t)) {
		tome_tier_stop(t);
		return TOME_ENOMEM;
	}
	*out = t;
	return TOME_OK;
}

static void
shard_empty(struct tome_tier *t, struct shard *s)
{
	struct tome_cluster *c, *next;

	for (c = tome_clusters_next(&s->clusters, NULL); c != NULL; c = next) {
		next = tome_clusters_next(&s->clusters, c);
		for (unsigned i = 0; i < TOME_CLUSTER_SLOTS; i++)
			(void)slot_clear(s, c,
			    c->number << TOME_CLUSTER_SHIFT | i);
		tome_cache_free(t->cache, cluster_spent(s, c));
	}
	if (s->clusters.table != s->clusters.few)
		tome_kfree(t->vm, s->clusters.table);
}

/* Also of one that was not fully started. */
void
tome_tier_stop(struct tome_tier *t)
{
	for (unsigned i = 0; i < t->nshards; i++)
		shard_empty(t, &t->shard[i]);
	TOME_CHECK(t->vm, tome_rd(&t->budget.frames) == 0);
	if (t->cache != NULL) {
		enum tome_err err;

		while (!tome_epoch_drain(t->vm))
			;
		err = tome_cache_destroy(t->cache);

		TOME_CHECK(t->vm, err == TOME_OK);
	}
	for (unsigned cpu = 0; t->scratch != NULL && cpu < t->vm->ncpus; cpu++)
		tome_kfree(t->vm, t->scratch[cpu]);
	tome_kfree(t->vm, t->scratch);
	tome_kfree(t->vm, t);
}

void
tome_tier_limit(struct tome_tier *t, tome_pfn_t frames)
{
	/* Half of what a count can say, so that adding to it never wraps. */
	uint32_t most = UINT32_MAX / 2;

	tome_wr_relaxed(&t->budget.limit,
	    frames < most ? (uint32_t)frames : most);
}

tome_pfn_t
tome_tier_excess(struct tome_tier *t)
{
	uint32_t frames = tome_rd_relaxed(&t->budget.frames);
	uint32_t limit = tome_rd_relaxed(&t->budget.limit);

	limit -= limit / 8;
	return frames > limit ? frames - limit : 0;
}

/* ---- clusters that go ---- */

static void
cluster_retired(struct tome_vm *vm, struct tome_retired *r)
{
	struct tome_cluster *c = tome_container(r, struct tome_cluster,
	    retired);

	(void)vm;
	tome_cache_free(c->cache, c);
}

/* Nobody looks at it any more, but who gives up a slot may have little stack left. */
static void
cluster_retire(struct tome_tier *t, struct tome_cluster *c)
{
	if (c == NULL)
		return;
	c->cache = t->cache;
	tome_epoch_retire(t->vm, &c->retired, cluster_retired);
}

/* ---- storing ---- */

/* In this CPU's scratch. */
static struct packed
page_pack(struct tome_tier *t, tome_pfn_t pfn)
{
	struct scratch *mine = t->scratch[tome_host_cpu()];
	struct packed pk = { .kind = PACKED_NOT, .piece = mine->piece };
	void *page = tome_frame_window(t->vm, pfn);
	uint64_t value;

	if (tome_wk_same(page, TOME_PAGE_SIZE, &value)) {
		pk.kind = value >> 32 == (uint32_t)value ? PACKED_WORD :
		    PACKED_PIECE;
		pk.word = (uint32_t)value;
		pk.len = sizeof value;
		memcpy(mine->piece, &value, sizeof value);
	} else {
		pk.len = tome_wk_pack(&mine->wk, page, TOME_PAGE_SIZE,
		    mine->piece, sizeof mine->piece);
		if (pk.len > 0)
			pk.kind = PACKED_PIECE;
	}
	tome_frame_window_end(t->vm, pfn, page);
	return pk;
}

bool
tome_tier_store(struct tome_tier *t, uint32_t slot, tome_pfn_t pfn)
{
	struct packed pk = { 0 };
	bool kept;

	tome_host_preempt_off();
	pk = page_pack(t, pfn);
	kept = tier_keep(t, slot, &pk);
	tome_host_preempt_on();
	if (kept)
		shard_resize(t, shard_of(t, slot));
	return kept;
}

static bool
tier_keep(struct tome_tier *t, uint32_t slot, const struct packed *pk)
{
	struct tome_cluster *c, *fresh = NULL, *spent = NULL;
	struct shard *s = shard_of(t, slot);
	uintptr_t irq = shard_lock(t, s);
	bool kept = false;

	c = cluster_of(s, slot);
	if (c == NULL && pk->kind != PACKED_NOT) {
		shard_unlock(t, s, irq);
		fresh = tome_cache_alloc(t->cache);
		irq = shard_lock(t, s);
		c = cluster_of(s, slot);
		if (c == NULL && fresh != NULL) {
			c = fresh;
			fresh = NULL;
			memset(c, 0, sizeof *c);
			c->number = slot >> TOME_CLUSTER_SHIFT;
			tome_clusters_add(&s->clusters, c);
		}
	}
	if (c != NULL) {
		kept = slot_set(t, s, c, slot, pk);
		spent = cluster_spent(s, c);
	}
	s->stored += kept;
	s->refused += pk->kind == PACKED_NOT;
	s->full += pk->kind != PACKED_NOT && !kept;
	shard_unlock(t, s, irq);
	cluster_retire(t, fresh);
	cluster_retire(t, spent);
	return kept;
}

static bool
slot_set(struct tome_tier *t, struct shard *s, struct tome_cluster *c,
    uint32_t slot, const struct packed *pk)
{
	tome_pfn_t *at = &c->at[slot % TOME_CLUSTER_SLOTS];

	(void)slot_clear(s, c, slot);
	switch (pk->kind) {
	case PACKED_WORD:
		*at = pk->word;
		c->same |= slot_bit(slot);
		s->same++;
		break;
	case PACKED_PIECE:
		if (tome_pieces_put(&s->pool, slot, pk->piece, pk->len, at) !=
		    TOME_OK)
			return false;
		tome_clusters_renew(&s->clusters, c, tome_add(&t->clock, 1));
		break;
	default:
		return false;
	}
	c->held |= slot_bit(slot);
	return true;
}

/* A bigger table, or a smaller one, if there is memory for it. */
static void
shard_resize(struct tome_tier *t, struct shard *s)
{
	struct tome_cluster **table = NULL;
	unsigned bits;
	uintptr_t irq;

	irq = shard_lock(t, s);
	bits = tome_clusters_bits(&s->clusters);
	if (tome_likely(bits == s->clusters.bits)) {
		shard_unlock(t, s, irq);
		return;
	}
	shard_unlock(t, s, irq);
	if (bits > TOME_CLUSTERS_FEW_BITS) {
		table = tome_kmalloc(t->vm, sizeof *table << bits);
		if (table == NULL)
			return;
	}
	irq = shard_lock(t, s);
	if (bits == tome_clusters_bits(&s->clusters) &&
	    bits != s->clusters.bits)
		table = tome_clusters_rehash(&s->clusters, table, bits);
	shard_unlock(t, s, irq);
	tome_kfree(t->vm, table);
}

/* ---- loading ---- */

/* A copy of what the slot holds, in this CPU's scratch. */
static bool
slot_get(struct tome_tier *t, uint32_t slot, bool comes_back,
    struct packed *pk)
{
	struct scratch *mine = t->scratch[tome_host_cpu()];
	struct shard *s = shard_of(t, slot);
	uintptr_t irq = shard_lock(t, s);
	const struct tome_cluster *c = cluster_of(s, slot);
	bool held = c != NULL && c->held & slot_bit(slot);

	if (held) {
		tome_pfn_t at = c->at[slot % TOME_CLUSTER_SLOTS];

		s->loaded += comes_back;
		pk->kind = c->same & slot_bit(slot) ? PACKED_WORD :
		    PACKED_PIECE;
		pk->piece = mine->piece;
		if (pk->kind == PACKED_WORD)
			pk->word = (uint32_t)at;
		else
			pk->len = tome_pieces_get(&s->pool, slot, at,
			    mine->piece);
	}
	shard_unlock(t, s, irq);
	return held;
}

static enum tome_err
page_unpack(struct tome_wk *wk, const struct packed *pk, void *page)
{
	uint64_t value;

	if (pk->kind == PACKED_PIECE && pk->len != sizeof value)
		return tome_wk_unpack(wk, pk->piece, pk->len, page,
		    TOME_PAGE_SIZE);
	if (pk->kind == PACKED_PIECE)
		memcpy(&value, pk->piece, sizeof value);
	else
		value = (uint64_t)pk->word << 32 | pk->word;
	tome_wk_fill(page, TOME_PAGE_SIZE, value);
	return TOME_OK;
}

static tome_noinline enum tome_err
tier_load(struct tome_tier *t, uint32_t slot, tome_pfn_t pfn, bool comes_back)
{
	enum tome_err err = TOME_ENOENT;
	struct packed pk = { 0 };
	void *page;

	tome_host_preempt_off();
	if (slot_get(t, slot, comes_back, &pk)) {
		page = tome_frame_window(t->vm, pfn);
		err = page_unpack(&t->scratch[tome_host_cpu()]->wk, &pk, page);
		tome_frame_window_end(t->vm, pfn, page);
	}
	tome_host_preempt_on();
	return err;
}

enum tome_err
tome_tier_load(struct tome_tier *t, uint32_t slot, tome_pfn_t pfn)
{
	return tier_load(t, slot, pfn, true);
}

enum tome_err
tome_tier_copy(struct tome_tier *t, uint32_t slot, tome_pfn_t pfn)
{
	return tier_load(t, slot, pfn, false);
}

bool
tome_tier_has(struct tome_tier *t, uint32_t slot)
{
	struct shard *s = shard_of(t, slot);
	uintptr_t irq = shard_lock(t, s);
	const struct tome_cluster *c = cluster_of(s, slot);
	bool held = c != NULL && c->held & slot_bit(slot);

	shard_unlock(t, s, irq);
	return held;
}

/* ---- dropping ---- */

/* False: it held nothing. */
static bool
slot_clear(struct shard *s, struct tome_cluster *c, uint32_t slot)
{
	uint32_t bit = slot_bit(slot);

	if (!(c->held & bit))
		return false;
	if (c->same & bit)
		s->same--;
	else
		tome_pieces_drop(&s->pool, slot,
		    c->at[slot % TOME_CLUSTER_SLOTS]);
	c->held &= ~bit;
	c->same &= ~bit;
	return true;
}

/* The cluster to be freed, once its shard is unlocked, if it holds nothing. */
static struct tome_cluster *
cluster_spent(struct shard *s, struct tome_cluster *c)
{
	if (c->held != 0) {
		tome_clusters_settle(&s->clusters, c);
		return NULL;
	}
	tome_clusters_remove(&s->clusters, c);
	return c;
}

static bool
tier_drop(struct tome_tier *t, uint32_t slot, bool written)
{
	struct shard *s = shard_of(t, slot);
	uintptr_t irq = shard_lock(t, s);
	struct tome_cluster *c = cluster_of(s, slot), *spent = NULL;
	bool held = false;

	if (c != NULL) {
		held = slot_clear(s, c, slot);
		spent = cluster_spent(s, c);
		tome_pieces_compact(&s->pool, slot_moved, s);
	}
	s->written_behind += held && written;
	shard_unlock(t, s, irq);
	cluster_retire(t, spent);
	return held;
}

static void
slot_moved(void *arg, uint32_t slot, tome_pfn_t pfn)
{
	cluster_of(arg, slot)->at[slot % TOME_CLUSTER_SLOTS] = pfn;
}

void
tome_tier_drop(struct tome_tier *t, uint32_t slot)
{
	(void)tier_drop(t, slot, false);
}

void
tome_tier_written(struct tome_tier *t, uint32_t slot)
{
	(void)tier_drop(t, slot, true);
}

/* ---- writing behind ---- */

/* The shard with the oldest cluster; ages are compared as they wrap. NULL: none. */
static struct shard *
shard_oldest(struct tome_tier *t)
{
	uint32_t now = tome_rd_relaxed(&t->clock), most = 0;
	struct shard *best = NULL;

	for (unsigned i = 0; i < t->nshards; i++) {
		struct shard *s = &t->shard[i];
		uintptr_t irq = shard_lock(t, s);
		const struct tome_cluster *c = s->clusters.oldest;

		if (c != NULL && (best == NULL || now - c->age > most)) {
			best = s;
			most = now - c->age;
		}
		shard_unlock(t, s, irq);
	}
	return best;
}

unsigned
tome_tier_oldest(struct tome_tier *t, uint32_t *slots, unsigned n)
{
	struct shard *s = shard_oldest(t);
	struct tome_cluster *c;
	unsigned found = 0;
	uintptr_t irq;

	if (s == NULL)
		return 0;
	irq = shard_lock(t, s);
	c = s->clusters.oldest;
	for (unsigned i = 0; c != NULL && i < TOME_CLUSTER_SLOTS; i++)
		if (c->held & ~c->same & slot_bit(i) && found < n)
			slots[found++] = c->number << TOME_CLUSTER_SHIFT | i;
	/* Who asks next is told of another, whatever becomes of these. */
	if (c != NULL)
		tome_clusters_renew(&s->clusters, c, tome_add(&t->clock, 1));
	shard_unlock(t, s, irq);
	return found;
}

/* ---- figures ---- */

void
tome_tier_stats(struct tome_tier *t, struct tome_compress_stats *out)
{
	memset(out, 0, sizeof *out);
	out->frames = tome_rd_relaxed(&t->budget.frames);
	for (unsigned i = 0; i < t->nshards; i++) {
		struct shard *s = &t->shard[i];
		uintptr_t irq = shard_lock(t, s);

		out->pages += s->same + s->pool.pieces;
		out->same_value += s->same;
		out->bytes += s->pool.bytes;
		out->index_bytes += sizeof(struct tome_cluster) *
		    s->clusters.count + (sizeof(void *) << s->clusters.bits);
		out->stored += s->stored;
		out->loaded += s->loaded;
		out->refused += s->refused;
		out->full += s->full;
		out->written_behind += s->written_behind;
		shard_unlock(t, s, irq);
	}
}

static const char *
shard_check(const struct shard *s, uint64_t *pieces, uint64_t *same)
{
	const struct tome_cluster *c = NULL;
	uint32_t clusters = 0;

	while ((c = tome_clusters_next(&s->clusters, c)) != NULL) {
		clusters++;
		if (c->held == 0 || c->same & ~c->held)
			return "11: a cluster of swap slots holds nothing";
		for (uint32_t bits = c->held; bits != 0; bits &= bits - 1)
			++*pieces;
		for (uint32_t bits = c->same; bits != 0; bits &= bits - 1)
			++*same;
	}
	*pieces -= *same;
	return clusters == s->clusters.count ? NULL :
	    "11: clusters of swap slots are miscounted";
}

const char *
tome_tier_check(struct tome_tier *t)
{
	uint32_t frames = 0;

	for (unsigned i = 0; i < t->nshards; i++) {
		struct shard *s = &t->shard[i];
		uint64_t pieces = 0, same = 0;
		const char *why = shard_check(s, &pieces, &same);

		if (why == NULL)
			why = tome_pieces_check(&s->pool);
		if (why == NULL && (pieces != s->pool.pieces ||
		    same != s->same))
			why = "11: swap slots held compressed are miscounted";
		if (why != NULL)
			return why;
		frames += s->pool.frames;
	}
	return frames == tome_rd(&t->budget.frames) ? NULL :
	    "11: frames of compressed pages are miscounted";
}
