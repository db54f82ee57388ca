/*
 * tree_build.c - whole trees: building one bottom up, emptying one, checking one.
 *
 * Locks: the map's; nobody reads a tree that is being built.
 */
#include <map/node.h>

/* The right edge of a tree that grows: one open node per level. */
struct spine {
	struct tome_tree *tree;
	unsigned height;
	struct tome_node *node[TOME_TREE_HEIGHT];
};

static struct tome_node *spine_open(struct spine *, unsigned l);
static bool spine_add(struct spine *, struct tome_entry *);
static void spine_gaps(struct spine *, unsigned l);

/* Nodes are left with room for two inserts: most children change little. */
static inline bool
spine_full(const struct tome_node *nd)
{
	return nd->n + 2u >= node_max(nd);
}

enum tome_err
tome_tree_build(struct tome_tree *tr, struct tome_entry *(*next)(void *),
    void *arg)
{
	struct spine sp = { .tree = tr };
	struct tome_entry *en;
	bool ok = true;

	while (ok && (en = next(arg)) != NULL)
		ok = spine_add(&sp, en);
	if (sp.height > 0)
		tome_wr(&tr->root, (uintptr_t)sp.node[sp.height - 1]);
	tr->last.path.height = 0;
	for (unsigned l = 0; l + 1 < sp.height; l++)
		spine_gaps(&sp, l);
	if (ok)
		return TOME_OK;
	tome_tree_clear(tr);
	return TOME_ENOMEM;
}

static bool
spine_add(struct spine *sp, struct tome_entry *en)
{
	struct tome_node *leaf = sp->height > 0 ? sp->node[0] : NULL;

	if (leaf == NULL || spine_full(leaf)) {
		leaf = spine_open(sp, 0);
		if (leaf == NULL)
			return false;
		leaf->floor = sp->tree->last_end;
	}
	leaf->start[leaf->n] = en->start;
	leaf->entry[leaf->n] = en;
	leaf->end[leaf->n++] = en->end;
	sp->tree->last_end = en->end;
	/* The first entry of a node is its key above. */
	for (unsigned l = 1; leaf->n == 1 && l < sp->height; l++) {
		sp->node[l]->key[sp->node[l]->n - 1] = en->start;
		if (sp->node[l]->n > 1)
			break;
	}
	return true;
}

/* Is there a node above level l that can take one more child? */
static unsigned
spine_levels(const struct spine *sp, unsigned l)
{
	while (l < sp->height && spine_full(sp->node[l]))
		l++;
	return l;
}

/*
 * A new node at level l, and above it as far up as nodes are full; all are got
 * first, since half a spine is no tree.
 */
static struct tome_node *
spine_open(struct spine *sp, unsigned l)
{
	unsigned top = spine_levels(sp, l), n = 0;
	struct tome_node *got[TOME_TREE_HEIGHT + 1], *old;

	if (top >= TOME_TREE_HEIGHT)
		return NULL;
	for (; n < top - l + (top == sp->height); n++) {
		got[n] = tome_node_alloc(sp->tree->vm);
		if (got[n] == NULL)
			break;
	}
	if (n < top - l + (top == sp->height)) {
		while (n > 0)
			tome_node_free(sp->tree->vm, got[--n]);
		return NULL;
	}
	if (top == sp->height) {
		old = top > 0 ? sp->node[top - 1] : NULL;
		sp->node[top] = got[--n];
		tome_node_init(sp->node[top], top);
		sp->height++;
		if (old != NULL) {
			sp->node[top]->child[0] = old;
			sp->node[top]->key[0] = 0;
			sp->node[top]->n = 1;
		}
	}
	for (unsigned k = l; k < top; k++)
		spine_gaps(sp, k);
	while (top-- > l) {
		sp->node[top] = got[--n];
		tome_node_init(sp->node[top], top);
		old = sp->node[top + 1];
		old->child[old->n++] = sp->node[top];
	}
	return sp->node[l];
}

/* The open node of level l is done: its parent's last gap is known. */
static void
spine_gaps(struct spine *sp, unsigned l)
{
	struct tome_node *up = sp->node[l + 1];

	up->gap[up->n - 1] = tome_node_gap(sp->node[l]);
}

/* Post-order: a node's retired link lies over its gaps, its children do not. */
void
tome_tree_clear(struct tome_tree *tr)
{
	struct tome_path pa;
	unsigned l = 0;

	tome_path_to(tr, 0, &pa);
	tome_wr(&tr->root, 0);
	tr->last.path.height = 0;
	tr->last_end = tr->lo;
	while (l < pa.height) {
		struct tome_node *dead = pa.node[l];

		if (++l < pa.height && ++pa.at[l] < pa.node[l]->n)
			for (; l > 0; l--) {
				pa.node[l - 1] = pa.node[l]->child[pa.at[l]];
				pa.at[l - 1] = 0;
			}
		tome_wr(&dead->version, tome_rd_relaxed(&dead->version) | 1);
		tome_node_retire(tr->vm, dead);
	}
}
