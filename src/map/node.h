/*
 * node.h - a node of the entry tree, and paths through it; private to tree*.c
 * and gap.c.
 *
 *  version  odd while the node changes, odd for ever once it is dead.
 *  level    0 for a leaf; constant.
 *  n        items; the writer's only. Unused keys are all ones, unused pointers
 *           NULL, so that readers need no count.
 *  key      leaf: start of entry i. Inner: start of the first entry below child i,
 *           exactly; key[0] is not kept up to date and means minus infinity.
 *  end      leaf: end of entry i.          } the writer's only, on cache
 *  floor    leaf: end of the entry before.  } lines that readers do not
 *  gap      inner: largest gap below child. } touch (but for part of end)
 *
 * Gaps are counted in pages and saturate: a cached gap of TOME_GAP_MAX means "at
 * least"; there can be few such, so a search that looks into each stays short.
 *
 * Readers load with acquire, or fence before they look at the version again; the
 * writer makes the version odd, stores with release (so that whoever sees new data
 * sees the odd number too), and makes it even. It alone reads plainly.
 */
#ifndef TOME_MAP_NODE_H
#define TOME_MAP_NODE_H

#include <map/map_i.h>

#define TOME_NODE_SIZE 256
#define TOME_NODE_READ 192	/* what readers of inner nodes touch */
#define TOME_VA_NONE (~(tome_va_t)0)
#define TOME_GAP_MAX UINT32_MAX

enum {
	NODE_HEAD = 8,
	INNER_BY_READ = (TOME_NODE_READ - NODE_HEAD) /
	    (sizeof(tome_va_t) + sizeof(void *)),
	/* The last line ends with the link of retired nodes. */
	INNER_BY_GAP = (TOME_NODE_SIZE - TOME_NODE_READ -
	    sizeof(struct tome_retired)) / sizeof(uint32_t),
	TOME_INNER_MAX = (int)INNER_BY_READ < (int)INNER_BY_GAP ?
	    (int)INNER_BY_READ : (int)INNER_BY_GAP,
	TOME_LEAF_MAX = (TOME_NODE_SIZE - NODE_HEAD - sizeof(tome_va_t)) /
	    (2 * sizeof(tome_va_t) + sizeof(void *)),
	/* Where addresses are short, leaves have more. */
	TOME_KEY_MAX = (int)TOME_LEAF_MAX > (int)TOME_INNER_MAX ?
	    (int)TOME_LEAF_MAX : (int)TOME_INNER_MAX,
};

struct tome_node {
	_Atomic uint32_t version;
	uint8_t level, n;
	union {
		tome_va_t key[TOME_KEY_MAX];	/* of either */
		struct {
			tome_va_t inner_key[TOME_INNER_MAX];
			struct tome_node *child[TOME_INNER_MAX];
		};
		struct {
			tome_va_t start[TOME_LEAF_MAX];
			struct tome_entry *entry[TOME_LEAF_MAX];
			tome_va_t end[TOME_LEAF_MAX];
			tome_va_t floor;
		};
		struct {
			unsigned char read[TOME_NODE_READ - NODE_HEAD];
			uint32_t gap[TOME_INNER_MAX];
		};
		struct {
			unsigned char live[TOME_NODE_SIZE - NODE_HEAD -
			    sizeof(struct tome_retired)];
			struct tome_retired retired;
		};
	};
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct tome_node) == TOME_NODE_SIZE, "four lines");
_Static_assert(offsetof(struct tome_node, key) ==
    offsetof(struct tome_node, start), "one array of keys for both");

static inline unsigned
node_max(const struct tome_node *nd)
{
	return nd->level > 0 ? TOME_INNER_MAX : TOME_LEAF_MAX;
}

/* The writer's: number of entries of a leaf with start <= va. */
static inline unsigned
leaf_count(const struct tome_node *nd, tome_va_t va)
{
	unsigned i = va < nd->start[TOME_LEAF_MAX / 2] ? 0 :
	    TOME_LEAF_MAX / 2 + 1;

	while (i < TOME_LEAF_MAX && nd->start[i] <= va)
		i++;
	return i;
}

/* The writer's: the child of an inner node under which va lies. */
static inline unsigned
inner_index(const struct tome_node *nd, tome_va_t va)
{
	unsigned i = va < nd->key[TOME_INNER_MAX / 2] ? 1 :
	    TOME_INNER_MAX / 2 + 1;

	while (i < TOME_INNER_MAX && nd->key[i] <= va)
		i++;
	return i - 1;
}

static inline struct tome_node *
tree_root(const struct tome_tree *tr)
{
	return (struct tome_node *)tome_rd_relaxed(
	    &((struct tome_tree *)(uintptr_t)tr)->root);
}

void tome_path_to(struct tome_tree *, tome_va_t, struct tome_path *);
/* To the start of the next leaf, or the end of the one before; false: none. */
bool tome_path_next_leaf(struct tome_path *);
bool tome_path_prev_leaf(struct tome_path *);

static inline uint32_t
gap_pages(tome_va_t from, tome_va_t to)
{
	tome_va_t n = (to - from) >> TOME_PAGE_SHIFT;

	return n < TOME_GAP_MAX ? (uint32_t)n : TOME_GAP_MAX;
}

static inline tome_va_t
leaf_gap_start(const struct tome_node *nd, unsigned i)
{
	return i > 0 ? nd->end[i - 1] : nd->floor;
}

/* Largest gap below a node, counted afresh from what it holds. */
uint32_t tome_node_gap(const struct tome_node *);

/* Memory (tree_edit.c). */
struct tome_node *tome_node_alloc(struct tome_vm *);
void tome_node_init(struct tome_node *, unsigned level);
void tome_node_free(struct tome_vm *, struct tome_node *);
void tome_node_retire(struct tome_vm *, struct tome_node *);

#endif
