/*
 * dir.c - the directory of an amap's chunks: a radix tree that grows upward.
 *
 * The root word is empty, a chunk (the common small amap), or a node tagged 1. It
 * grows by a level when a key does not fit below it: a node is made in private with
 * the old root inside, and put in its place by compare-and-swap. Growth moves no
 * slot but the root word itself, when that named a chunk; whoever replaces a chunk
 * through a stale `where` therefore fails its compare-and-swap and looks again.
 *
 * Locks: none here; all slots change by seq_cst compare-and-swap.
 */
#include <object/dir.h>
#include <base/memory.h>

static struct tome_dirent amap_add(struct tome_amap *, uint64_t slot);
static struct tome_dirent dir_packed(struct tome_amap *,
    _Atomic uintptr_t *where, uint64_t is, uint64_t key);
static bool node_covers(const struct tome_dirnode *, uint64_t key);
static enum tome_err dir_grow(struct tome_amap *,
    uintptr_t root) TOME_NODISCARD;
static enum tome_err dir_step(struct tome_amap *, _Atomic uintptr_t *where,
    uint64_t key, uint32_t height, uintptr_t *out) TOME_NODISCARD;
static struct tome_dirnode *node_create(struct tome_amap *, uint64_t key,
    uint32_t height);
static void node_free(struct tome_amap *, struct tome_dirnode *);
static bool node_next(const struct tome_dirnode *, uint64_t *key,
    uint64_t last, struct tome_dirent *);

/* Packed chunks have another key: finding them costs those who find others nothing. */
static inline struct tome_dirent
dir_lookup(struct tome_amap *am, uint64_t slot)
{
	struct tome_dirent none = { NULL, NULL };
	uint64_t key = tome_slot_key(slot);
	_Atomic uintptr_t *where = &am->root;
	uintptr_t at = tome_rd_sc(where);
	struct tome_dirnode *n = tome_root_node(at);
	uint32_t h;

	if (n != NULL) {
		if (!node_covers(n, key))
			return none;
		for (h = n->height; at != 0 && h > 0; h--) {
			where = &n->child[tome_dir_index(key, h)];
			at = tome_rd_sc(where);
			n = (struct tome_dirnode *)at;
		}
	}
	if (at == 0)
		return none;
	if (tome_unlikely(((struct tome_chunk *)at)->key != key))
		return dir_packed(am, where, ((struct tome_chunk *)at)->key,
		    key);
	return (struct tome_dirent){ where, (struct tome_chunk *)at };
}

/* Below a node every chunk is where it belongs, whatever its key; the root may name any
 * other. */
static tome_noinline struct tome_dirent
dir_packed(struct tome_amap *am, _Atomic uintptr_t *where, uint64_t is,
    uint64_t key)
{
	if (!(is & TOME_CHUNK_PACKED) ||
	    (where == &am->root && is != (key | TOME_CHUNK_PACKED)))
		where = NULL;
	return (struct tome_dirent){ where, NULL };
}

struct tome_dirent
tome_amap_lookup(struct tome_amap *am, uint64_t slot)
{
	return dir_lookup(am, slot);
}

/* What hangs at `where` may be another by now, but for its slots: a node, if that was
 * the root. */
struct tome_dirent
tome_amap_find(struct tome_amap *am, uint64_t slot)
{
	struct tome_dirent d = dir_lookup(am, slot);
	uintptr_t at;

	while (d.where != NULL && d.chunk == NULL) {
		at = tome_rd_sc(d.where);
		if (at == 0 || (at & 1)) {
			d = dir_lookup(am, slot);
			continue;
		}
		d.chunk = (struct tome_chunk *)at;
	}
	return d;
}

enum tome_err
tome_amap_open(struct tome_amap *am, uint64_t slot, struct tome_fill *fill,
    struct tome_dirent *out)
{
	return am->vm->objects->anon_pager->open(am, slot, fill, out);
}

struct tome_dirent
tome_amap_get(struct tome_amap *am, uint64_t slot)
{
	struct tome_dirent d = dir_lookup(am, slot);

	return tome_likely(d.where != NULL) ? d : amap_add(am, slot);
}

static tome_noinline struct tome_dirent
amap_add(struct tome_amap *am, uint64_t slot)
{
	struct tome_chunk *ch = tome_chunk_create(am, tome_slot_key(slot));
	struct tome_dirent d = { NULL, NULL };

	if (ch == NULL)
		return d;
	if (tome_dir_publish(am, ch, &d) != TOME_OK || d.chunk != ch)
		tome_chunk_discard(am, ch);
	if (d.where != NULL && tome_chunk_packed(d.chunk))
		d.chunk = NULL;
	return d;
}

enum tome_err
tome_dir_publish(struct tome_amap *am, struct tome_chunk *ch,
    struct tome_dirent *out)
{
	uint64_t key = tome_chunk_key(ch);
	enum tome_err err = TOME_OK;

	while (err == TOME_OK) {
		_Atomic uintptr_t *where = &am->root;
		uintptr_t at = tome_rd_sc(where), empty = 0;
		struct tome_dirnode *n = tome_root_node(at);
		struct tome_chunk *only = tome_root_chunk(at);
		uint32_t h = n != NULL ? n->height : 0;

		if ((n != NULL && !node_covers(n, key)) ||
		    (only != NULL && tome_chunk_key(only) != key)) {
			err = dir_grow(am, at);
			continue;
		}
		for (; h > 0; h--) {
			where = &n->child[tome_dir_index(key, h)];
			err = dir_step(am, where, key, h - 1, &at);
			if (err != TOME_OK)
				return err;
			n = (struct tome_dirnode *)at;
		}
		if (at == 0 && !tome_cas_sc(where, &empty, (uintptr_t)ch))
			continue;
		out->where = where;
		out->chunk = at == 0 ? ch : (struct tome_chunk *)at;
		return TOME_OK;
	}
	return err;
}

/* What hangs at `where`; a missing node of this height (not chunk) is made. */
static enum tome_err
dir_step(struct tome_amap *am, _Atomic uintptr_t *where, uint64_t key,
    uint32_t height, uintptr_t *out)
{
	uintptr_t at = tome_rd_sc(where);
	struct tome_dirnode *n;

	if (at == 0 && height > 0) {
		n = node_create(am, key, height);
		if (n == NULL)
			return TOME_ENOMEM;
		if (tome_cas_sc(where, &at, (uintptr_t)n))
			at = (uintptr_t)n;
		else
			node_free(am, n);
	}
	*out = at;
	return TOME_OK;
}

/*
 * Raise the root by one level. OK also if somebody else changed it first: the
 * caller looks again, and grows again while its key is still outside.
 */
static enum tome_err
dir_grow(struct tome_amap *am, uintptr_t root)
{
	struct tome_dirnode *n = tome_root_node(root), *top;
	uint32_t h = 1;
	uint64_t key;

	if (n != NULL) {
		h = n->height + 1;
		key = n->upper << n->height * TOME_DIR_SHIFT;
	} else {
		key = tome_chunk_key(tome_root_chunk(root));
	}
	top = node_create(am, key, h);
	if (top == NULL)
		return TOME_ENOMEM;
	top->child[tome_dir_index(key, h)] = root & ~(uintptr_t)1;
	if (!tome_cas_sc(&am->root, &root, (uintptr_t)top | 1))
		node_free(am, top);
	return TOME_OK;
}

/*
 * A root word that named the chunk itself may have become a node's slot meanwhile;
 * no other change is possible while the chunk is locked.
 */
void
tome_dir_replace(struct tome_amap *am, struct tome_dirent *d,
    struct tome_chunk *by)
{
	uintptr_t seen = (uintptr_t)d->chunk;

	while (!tome_cas_sc(d->where, &seen, (uintptr_t)by)) {
		struct tome_dirent now = tome_amap_find(am,
		    tome_chunk_base(d->chunk));

		TOME_CHECK(am->vm, now.chunk == d->chunk);
		d->where = now.where;
		seen = (uintptr_t)d->chunk;
	}
}

bool
tome_amap_next(struct tome_amap *am, uint64_t *slot, uint64_t last,
    struct tome_dirent *out)
{
	uint64_t key = tome_slot_key(*slot), end = tome_slot_key(last);
	uintptr_t at = tome_rd_sc(&am->root);
	struct tome_dirnode *n = tome_root_node(at);
	bool found;

	if (n != NULL) {
		found = node_next(n, &key, end, out);
	} else {
		out->where = &am->root;
		out->chunk = tome_root_chunk(at);
		found = out->chunk != NULL &&
		    tome_chunk_key(out->chunk) >= key &&
		    tome_chunk_key(out->chunk) <= end;
		if (found)
			key = tome_chunk_key(out->chunk);
	}
	if (found)
		*slot = (key + 1) << TOME_CHUNK_SHIFT;
	return found;
}

/* The first chunk with a key in [*key, last] below the root node. */
static bool
node_next(const struct tome_dirnode *root, uint64_t *key, uint64_t last,
    struct tome_dirent *out)
{
	uint64_t low = root->upper << root->height * TOME_DIR_SHIFT;
	const struct tome_dirnode *n = root;
	uint32_t h = root->height;

	if (*key < low)
		*key = low;
	while (*key <= last && node_covers(root, *key)) {
		const _Atomic uintptr_t *where =
		    &n->child[tome_dir_index(*key, h)];
		uintptr_t at = tome_rd_sc(where);

		if (at == 0) {		/* skip what the empty slot covers */
			uint32_t bits = (h - 1) * TOME_DIR_SHIFT;

			*key = ((*key >> bits) + 1) << bits;
			if (tome_dir_index(*key, h) == 0) {
				n = root;
				h = root->height;
			}
		} else if (h > 1) {
			n = (const struct tome_dirnode *)at;
			h--;
		} else {
			out->where = (_Atomic uintptr_t *)(uintptr_t)where;
			out->chunk = (struct tome_chunk *)at;
			return true;
		}
	}
	return false;
}

/* Depth first without recursion: nobody looks any more, so that `upper` may say
 * where we came from, and `height` where to go on. */
void
tome_dir_destroy(struct tome_amap *am,
    void (*fn)(struct tome_amap *, struct tome_chunk *))
{
	uintptr_t root = tome_rd(&am->root), child;
	struct tome_dirnode *n = NULL, *below = tome_root_node(root);
	uint32_t h = below != NULL ? below->height + 1 : 0;

	if (tome_root_chunk(root) != NULL)
		fn(am, tome_root_chunk(root));
	for (;;) {
		if (below != NULL) {
			below->upper = (uintptr_t)n;
			below->height = 0;
			n = below;
			below = NULL;
			h--;
		}
		if (n == NULL)
			break;
		if (n->height == TOME_DIR_FANOUT) {
			struct tome_dirnode *done = n;

			n = (struct tome_dirnode *)(uintptr_t)done->upper;
			node_free(am, done);
			h++;
			continue;
		}
		child = tome_rd(&n->child[n->height++]);
		if (child != 0 && h == 1)
			fn(am, (struct tome_chunk *)child);
		else
			below = (struct tome_dirnode *)child;
	}
	tome_wr(&am->root, 0);
}

static bool
node_covers(const struct tome_dirnode *n, uint64_t key)
{
	uint32_t bits = n->height * TOME_DIR_SHIFT;

	return (bits < 64 ? key >> bits : 0) == n->upper;
}

static struct tome_dirnode *
node_create(struct tome_amap *am, uint64_t key, uint32_t height)
{
	struct tome_dirnode *n = tome_cache_get(am->vm->objects->nodes);
	uint32_t bits = height * TOME_DIR_SHIFT;

	if (n == NULL)
		return NULL;
	memset(n, 0, sizeof *n);
	n->upper = bits < 64 ? key >> bits : 0;
	n->height = height;
	tome_count(am->vm, TOME_N_NODES, 1);
	return n;
}

static void
node_free(struct tome_amap *am, struct tome_dirnode *n)
{
	tome_count(am->vm, TOME_N_NODES, -1);
	tome_cache_put(am->vm->objects->nodes, n);
}
