/*
 * tree.c - searching the entry tree: the readers' lock-free lookup, and the
 * writer's paths.
 *
 * Locks: tome_tree_lookup() none, inside an epoch; the rest under the map's lock.
 */
#include <map/node.h>

static inline bool path_still(const struct tome_tree *, tome_va_t);
static void path_descend(struct tome_tree *, tome_va_t);

/* Turns before a reader asks for the lock: a restart means that a writer passed. */
#define LOOKUP_TURNS 8

void
tome_tree_init(struct tome_tree *tr, struct tome_vm *vm, tome_va_t lo,
    tome_va_t hi)
{
	tr->vm = vm;
	tr->root = 0;
	tr->lo = lo;
	tr->hi = hi;
	tr->last_end = lo;
	tr->last.path.height = 0;
}

/* ---- readers ---- */

/* As inner_index() and leaf_count(), of what may be changing. */
static inline unsigned
reader_index(const struct tome_node *nd, tome_va_t va)
{
	unsigned i = va < tome_rd_seq(&nd->key[TOME_INNER_MAX / 2]) ? 1 :
	    TOME_INNER_MAX / 2 + 1;

	while (i < TOME_INNER_MAX && tome_rd_seq(&nd->key[i]) <= va)
		i++;
	return i - 1;
}

static inline unsigned
reader_count(const struct tome_node *nd, tome_va_t va)
{
	unsigned i = va < tome_rd_seq(&nd->start[TOME_LEAF_MAX / 2]) ? 0 :
	    TOME_LEAF_MAX / 2 + 1;

	while (i < TOME_LEAF_MAX && tome_rd_seq(&nd->start[i]) <= va)
		i++;
	return i;
}

/* Go down to the leaf of va; false: a version changed on the way. */
static inline bool
reader_descend(struct tome_tree *tr, tome_va_t va, struct tome_node **leaf,
    uint32_t *version)
{
	struct tome_node *nd = *leaf, *child;
	uint32_t v, cv;

	tome_host_point();
	v = tome_rd(&nd->version);
	if ((v & 1) || tome_rd(&tr->root) != (uintptr_t)nd)
		return false;
	while (nd->level > 0) {
		child = tome_rd(&nd->child[reader_index(nd, va)]);
		/* A node caught in the middle of a change may show a NULL. */
		if (tome_unlikely(child == NULL))
			return false;
		tome_host_point();
		cv = tome_rd(&child->version);
		tome_fence_seq();
		/* The link was good when the child's version was read. */
		if (tome_unlikely((cv & 1) || tome_rd(&nd->version) != v))
			return false;
		nd = child;
		v = cv;
	}
	*leaf = nd;
	*version = v;
	return true;
}

static inline bool
reader_leaf(const struct tome_node *nd, uint32_t version, tome_va_t va,
    struct tome_entry **out)
{
	unsigned n = reader_count(nd, va);

	*out = n > 0 ? tome_rd(&nd->entry[n - 1]) : NULL;
	tome_host_point();
	tome_fence_seq();
	return tome_rd(&((struct tome_node *)(uintptr_t)nd)->version) == version;
}

enum tome_lookup
tome_tree_lookup(struct tome_tree *tr, tome_va_t va, struct tome_entry **out)
{
	struct tome_node *nd;
	uint32_t version;

	for (unsigned turn = 0; turn < LOOKUP_TURNS; turn++) {
		tome_host_point();
		nd = (struct tome_node *)tome_rd(&tr->root);
		if (nd == NULL)
			return TOME_LOOKUP_HOLE;
		if (tome_likely(reader_descend(tr, va, &nd, &version) &&
		    reader_leaf(nd, version, va, out)))
			return *out != NULL ? TOME_LOOKUP_HIT :
			    TOME_LOOKUP_HOLE;
	}
	return TOME_LOOKUP_BUSY;
}

/* ---- the writer ---- */

/* An operation looks for neighbours of what it has just found. */
void
tome_path_to(struct tome_tree *tr, tome_va_t va, struct tome_path *pa)
{
	const struct tome_path *last = &tr->last.path;
	struct tome_node *root = tree_root(tr);

	if (root == NULL || root->level == 0) {
		pa->height = root != NULL;
		pa->node[0] = root;
		pa->at[0] = root != NULL ? leaf_count(root, va) : 0;
		return;
	}
	if (!path_still(tr, va))
		path_descend(tr, va);
	pa->height = last->height;
	for (unsigned l = 0; l < last->height; l++) {
		pa->node[l] = last->node[l];
		pa->at[l] = last->at[l];
	}
	pa->at[0] = leaf_count(pa->node[0], va);
}

/* Does the last way down, if there is one, lead to va? */
static inline bool
path_still(const struct tome_tree *tr, tome_va_t va)
{
	return tr->last.path.height != 0 && va >= tr->last.from &&
	    va < tr->last.to;
}

static void
path_descend(struct tome_tree *tr, tome_va_t va)
{
	struct tome_path *pa = &tr->last.path;
	struct tome_node *nd = tree_root(tr);
	unsigned i, l;

	tr->last.from = 0;
	tr->last.to = TOME_VA_NONE;
	pa->height = nd->level + 1u;
	for (l = pa->height; l-- > 0;) {
		pa->node[l] = nd;
		if (l == 0)
			break;
		i = inner_index(nd, va);
		if (i > 0)
			tr->last.from = nd->key[i];
		if (i + 1 < nd->n)
			tr->last.to = nd->key[i + 1];
		pa->at[l] = i;
		nd = nd->child[i];
	}
}

/* GCC 12 would otherwise miss what is stored here (sources.mk). */
#if defined(__GNUC__) && !defined(__clang__)
#define WHOLE __attribute__((noipa))
#else
#define WHOLE
#endif

/* Down from the child chosen at level l, along first or last children. */
static void WHOLE
path_down(struct tome_path *pa, unsigned l, bool last)
{
	struct tome_node *nd;

	while (l > 0) {
		nd = pa->node[l]->child[pa->at[l]];
		pa->node[--l] = nd;
		pa->at[l] = last ? nd->n - (l > 0) : 0;
	}
}

bool
tome_path_next_leaf(struct tome_path *pa)
{
	unsigned l = 1;

	while (l < pa->height && pa->at[l] + 1 == pa->node[l]->n)
		l++;
	if (l >= pa->height)
		return false;
	pa->at[l]++;
	path_down(pa, l, false);
	return true;
}

bool
tome_path_prev_leaf(struct tome_path *pa)
{
	unsigned l = 1;

	while (l < pa->height && pa->at[l] == 0)
		l++;
	if (l >= pa->height)
		return false;
	pa->at[l]--;
	path_down(pa, l, true);
	return true;
}

/* The entry at the path's place in its leaf, or the first of the next. */
static struct tome_entry *
path_entry(struct tome_path *pa)
{
	if (pa->at[0] == pa->node[0]->n && !tome_path_next_leaf(pa))
		return NULL;
	return pa->node[0]->entry[pa->at[0]];
}

/* The leaf of va, NULL in an empty tree: all that is needed inside one leaf. */
static struct tome_node *
tree_leaf(struct tome_tree *tr, tome_va_t va)
{
	struct tome_node *root = tree_root(tr);

	if (root == NULL || root->level == 0)
		return root;
	if (!path_still(tr, va))
		path_descend(tr, va);
	return tr->last.path.node[0];
}

/* The first entry beyond the leaf of va. */
static tome_noinline struct tome_entry *
beyond_leaf(struct tome_tree *tr, tome_va_t va)
{
	struct tome_path pa;

	tome_path_to(tr, va, &pa);
	pa.at[0] = pa.node[0]->n;
	return path_entry(&pa);
}

/* The last entry before the leaf of va. */
static tome_noinline struct tome_entry *
before_leaf(struct tome_tree *tr, tome_va_t va)
{
	struct tome_path pa;

	tome_path_to(tr, va, &pa);
	if (!tome_path_prev_leaf(&pa))
		return NULL;
	return pa.node[0]->entry[pa.node[0]->n - 1];
}

struct tome_entry *
tome_tree_find(struct tome_tree *tr, tome_va_t va)
{
	struct tome_node *leaf = tree_leaf(tr, va);
	unsigned i;

	if (leaf == NULL)
		return NULL;
	i = leaf_count(leaf, va);
	if (i > 0 && leaf->end[i - 1] > va)
		i--;
	return i < leaf->n ? leaf->entry[i] : beyond_leaf(tr, va);
}

struct tome_entry *
tome_tree_next(struct tome_tree *tr, struct tome_entry *en)
{
	struct tome_node *leaf = tree_leaf(tr, en->start);
	unsigned i = leaf_count(leaf, en->start);

	return i < leaf->n ? leaf->entry[i] : beyond_leaf(tr, en->start);
}

struct tome_entry *
tome_tree_prev(struct tome_tree *tr, struct tome_entry *en)
{
	struct tome_node *leaf = tree_leaf(tr, en->start);
	unsigned i = leaf_count(leaf, en->start);

	return i > 1 ? leaf->entry[i - 2] : before_leaf(tr, en->start);
}

/*
 * In the leaf of what comes next: who asks about the byte before an entry has just
 * found that. Keys are exact, so its first start is at most va + 1, or there is none
 * below.
 */
void
tome_tree_around(struct tome_tree *tr, tome_va_t va, struct tome_entry **at,
    struct tome_entry **above)
{
	struct tome_node *leaf = tree_leaf(tr, va + 1);
	unsigned i;

	*at = *above = NULL;
	if (leaf == NULL)
		return;
	i = leaf_count(leaf, va);
	*at = i > 0 ? leaf->entry[i - 1] : before_leaf(tr, va + 1);
	*above = i < leaf->n ? leaf->entry[i] : beyond_leaf(tr, va + 1);
}
