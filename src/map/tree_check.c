/*
 * tree_check.c - does the entry tree keep its invariants?
 *
 * Locks: the map's.
 */
#include <map/node.h>

struct walk {
	struct tome_tree *tree;
	struct tome_path path;
	uint64_t entries;
	tome_va_t end;			/* of the entry before */
};

static const char *check_leaf(struct walk *);
static const char *check_above(struct walk *, unsigned l);

/* In order over the leaves; each inner node as its last child is left. */
tome_cold const char *
tome_tree_check(struct tome_tree *tr, uint64_t nentries)
{
	struct walk w = { .tree = tr, .end = tr->lo };
	const char *why = NULL;
	bool more;

	tome_path_to(tr, 0, &w.path);
	for (more = w.path.height > 0; more && why == NULL;
	    more = tome_path_next_leaf(&w.path)) {
		why = check_leaf(&w);
		for (unsigned l = 1; why == NULL && l < w.path.height; l++)
			why = check_above(&w, l);
	}
	if (why != NULL)
		return why;
	if (w.end != tr->last_end)
		return "entry tree: last end";
	if (w.end > tr->hi)
		return "entry tree: entries beyond the bounds";
	return w.entries == nentries ? NULL : "entry tree: number of entries";
}

static tome_cold const char *
check_node(const struct tome_node *nd, unsigned l)
{
	if (nd->level != l || nd->n == 0 || nd->n > node_max(nd))
		return "entry tree: shape of a node";
	if (nd->version & 1)
		return "entry tree: a version stayed odd";
	for (unsigned i = nd->n; i < node_max(nd); i++)
		if (nd->key[i] != TOME_VA_NONE ||
		    (l > 0 ? (void *)nd->child[i] : (void *)nd->entry[i]) != NULL)
			return "entry tree: an unused place is not empty";
	return NULL;
}

static tome_cold const char *
check_leaf(struct walk *w)
{
	struct tome_node *nd = w->path.node[0];
	const char *why = check_node(nd, 0);

	if (why == NULL && nd->floor != w->end)
		why = "entry tree: floor of a leaf";
	for (unsigned i = 0; why == NULL && i < nd->n; i++) {
		if (nd->start[i] < w->end || nd->end[i] <= nd->start[i])
			why = "entry tree: order of entries";
		if (nd->entry[i]->start != nd->start[i] ||
		    nd->entry[i]->end != nd->end[i])
			why = "entry tree: bounds differ from the entry's";
		w->end = nd->end[i];
		w->entries++;
	}
	return why;
}

static tome_cold const char *
check_above(struct walk *w, unsigned l)
{
	struct tome_node *nd = w->path.node[l];
	unsigned at = w->path.at[l];
	const char *why = check_node(nd, l);
	bool leftmost = true;

	for (unsigned k = 0; k < l; k++)
		leftmost = leftmost && w->path.at[k] == 0;
	if (why == NULL && leftmost && at > 0 &&
	    nd->key[at] != w->path.node[0]->start[0])
		why = "entry tree: a key is not the first start";
	if (why == NULL && nd->gap[at] != tome_node_gap(nd->child[at]))
		why = "entry tree: a cached gap";
	return why;
}
