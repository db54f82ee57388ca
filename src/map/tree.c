/*
 * tree.c - searching the entry tree: the readers' lock-free lookup, and the
 * writer's paths.
 *
 * Locks: tome_tree_lookup() none, inside an epoch; the rest under the map's lock.
 */
#include <map/node.h>

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
}

/* ---- readers ---- */

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
		child = tome_rd(&nd->child[inner_index(nd, va)]);
		/* A node caught in the middle of a change may show a NULL. */
		if (tome_unlikely(child == NULL))
			return false;
		tome_host_point();
		cv = tome_rd(&child->version);
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
	unsigned n = leaf_count(nd, va);

	*out = n > 0 ? tome_rd(&nd->entry[n - 1]) : NULL;
	tome_host_point();
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

void
tome_path_to(const struct tome_tree *tr, tome_va_t va, struct tome_path *pa)
{
	struct tome_node *nd = tree_root(tr);
	unsigned l;

	if (nd == NULL) {
		pa->height = 0;
		return;
	}
	l = nd->level;
	pa->height = l + 1;
	for (;; l--) {
		pa->node[l] = nd;
		if (l == 0)
			break;
		pa->at[l] = inner_index(nd, va);
		nd = nd->child[pa->at[l]];
	}
	pa->at[0] = leaf_count(nd, va);
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

struct tome_entry *
tome_tree_find(struct tome_tree *tr, tome_va_t va)
{
	struct tome_path pa;

	tome_path_to(tr, va, &pa);
	if (pa.height == 0)
		return NULL;
	if (pa.at[0] > 0 && pa.node[0]->end[pa.at[0] - 1] > va)
		pa.at[0]--;
	return path_entry(&pa);
}

struct tome_entry *
tome_tree_next(struct tome_tree *tr, struct tome_entry *en)
{
	struct tome_path pa;

	tome_path_to(tr, en->start, &pa);
	return path_entry(&pa);
}

struct tome_entry *
tome_tree_prev(struct tome_tree *tr, struct tome_entry *en)
{
	struct tome_path pa;

	tome_path_to(tr, en->start, &pa);
	if (pa.at[0] > 1)
		return pa.node[0]->entry[pa.at[0] - 2];
	if (!tome_path_prev_leaf(&pa))
		return NULL;
	return pa.node[0]->entry[pa.node[0]->n - 1];
}

/* An address below every start of its leaf is below all entries: keys are exact. */
void
tome_tree_around(struct tome_tree *tr, tome_va_t va, struct tome_entry **at,
    struct tome_entry **above)
{
	struct tome_path pa;

	*at = *above = NULL;
	tome_path_to(tr, va, &pa);
	if (pa.height == 0)
		return;
	if (pa.at[0] > 0)
		*at = pa.node[0]->entry[pa.at[0] - 1];
	*above = path_entry(&pa);
}
