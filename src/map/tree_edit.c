/*
 * tree_edit.c - changing the entry tree in place under its readers.
 *
 * An edit makes the version of every node whose keys or pointers it changes odd
 * before the first store, and all of them even after the last: a reader sees all
 * of it or none. Nodes that are not linked yet, counts, ends and gaps are not read
 * by readers and need no version.
 *
 * Invariant: every key but the first of an inner node is exactly the start of the
 *   first entry below its child; every leaf's floor is the end of the entry before
 *   it; every cached gap is what a recount gives.  [checked: tome_tree_check()]
 * Locks: the map's, everywhere.
 */
#include <map/node.h>

/* Nodes that are odd meanwhile stand in the tree. */
struct edit {
	struct tome_tree *tree;
	struct tome_retired *dead;	/* by their links */
};

static void edit_begin(struct edit *, struct tome_tree *);
static void edit_touch(struct edit *, struct tome_node *);
static void edit_kill(struct edit *, struct tome_node *);
static void edit_end(struct edit *);

static unsigned splits_at(struct tome_tree *, tome_va_t, unsigned inserts);
static enum tome_err spare_fill(struct tome_tree *, struct tome_tree_spare *,
    unsigned want, unsigned height) TOME_NODISCARD;
static void make_room(struct edit *, struct tome_tree_spare *,
    struct tome_path *);
static void split(struct edit *, struct tome_tree_spare *, struct tome_path *,
    unsigned l);
static void shrink(struct edit *, struct tome_path *);
static bool merge_sibling(struct edit *, struct tome_path *, unsigned l);
static void drop_empty(struct edit *, struct tome_path *);
static void first_changed(struct edit *, struct tome_path *, unsigned l,
    tome_va_t start);
static void last_changed(struct tome_tree *, const struct tome_path *,
    tome_va_t end);
static void gaps_up(struct tome_path *, unsigned l);

/* ---- items of nodes ---- */

static inline void
item_copy(struct tome_node *to, unsigned i, const struct tome_node *from,
    unsigned j)
{
	tome_wr(&to->key[i], from->key[j]);
	if (to->level > 0) {
		tome_wr(&to->child[i], from->child[j]);
		to->gap[i] = from->gap[j];
	} else {
		tome_wr(&to->entry[i], from->entry[j]);
		to->end[i] = from->end[j];
	}
}

static inline void
item_clear(struct tome_node *nd, unsigned i)
{
	tome_wr(&nd->key[i], TOME_VA_NONE);
	if (nd->level > 0)
		tome_wr(&nd->child[i], NULL);
	else
		tome_wr(&nd->entry[i], NULL);
}

static void
items_open(struct tome_node *nd, unsigned at)
{
	for (unsigned i = nd->n; i > at; i--)
		item_copy(nd, i, nd, i - 1);
	nd->n++;
}

static void
items_close(struct tome_node *nd, unsigned at)
{
	for (unsigned i = at; i + 1u < nd->n; i++)
		item_copy(nd, i, nd, i + 1);
	item_clear(nd, --nd->n);
}

static void
set_child(struct tome_node *nd, unsigned i, tome_va_t key,
    struct tome_node *child)
{
	tome_wr(&nd->key[i], key);
	tome_wr(&nd->child[i], child);
	nd->gap[i] = tome_node_gap(child);
}

static void
set_entry(struct tome_node *nd, unsigned i, struct tome_entry *en)
{
	tome_wr(&nd->start[i], en->start);
	tome_wr(&nd->entry[i], en);
	nd->end[i] = en->end;
}

uint32_t
tome_node_gap(const struct tome_node *nd)
{
	uint32_t most = 0, gap;

	for (unsigned i = 0; i < nd->n; i++) {
		gap = nd->level > 0 ? nd->gap[i] :
		    gap_pages(leaf_gap_start(nd, i), nd->start[i]);
		if (gap > most)
			most = gap;
	}
	return most;
}

/* ---- memory ---- */

struct tome_node *
tome_node_alloc(struct tome_vm *vm)
{
	struct tome_node *nd = tome_cache_get(vm->maps->nodes);

	if (nd != NULL)
		tome_count(vm, TOME_N_NODES, 1);
	return nd;
}

void
tome_node_init(struct tome_node *nd, unsigned level)
{
	nd->version = 0;
	nd->level = (uint8_t)level;
	nd->n = 0;
	for (unsigned i = 0; i < node_max(nd); i++)
		item_clear(nd, i);
}

void
tome_node_free(struct tome_vm *vm, struct tome_node *nd)
{
	tome_count(vm, TOME_N_NODES, -1);
	tome_cache_put(vm->maps->nodes, nd);
}

static void
node_retired(struct tome_vm *vm, struct tome_retired *r)
{
	tome_node_free(vm, tome_container(r, struct tome_node, retired));
}

void
tome_node_retire(struct tome_vm *vm, struct tome_node *nd)
{
	tome_epoch_retire(vm, &nd->retired, node_retired);
}

static unsigned
tree_height(const struct tome_tree *tr)
{
	const struct tome_node *root = tree_root(tr);

	return root != NULL ? root->level + 1u : 0;
}

/*
 * A node with less than `inserts` free places may split, and then its parent
 * receives one more. A split leaves two free places on either side, so that one
 * per level is enough for two inserts; places counted for another address come on
 * top.
 */
enum tome_err
tome_tree_reserve(struct tome_tree *tr, struct tome_tree_spare *sp,
    tome_va_t va, unsigned inserts)
{
	return spare_fill(tr, sp, sp->n + splits_at(tr, va, inserts),
	    tree_height(tr));
}

static tome_noinline unsigned
splits_at(struct tome_tree *tr, tome_va_t va, unsigned inserts)
{
	struct tome_path pa;
	unsigned l = 0;

	tome_path_to(tr, va, &pa);
	while (l < pa.height && pa.node[l]->n + inserts > node_max(pa.node[l]))
		l++;
	return l + (l == pa.height);
}

enum tome_err
tome_tree_reserve_most(struct tome_tree *tr, struct tome_tree_spare *sp,
    unsigned inserts)
{
	unsigned height = tree_height(tr);

	return spare_fill(tr, sp, inserts * (height + 1), height);
}

/* Spares are chained by the link that retired nodes have. */
static bool
spare_push(struct tome_tree *tr, struct tome_tree_spare *sp)
{
	struct tome_node *nd = tome_node_alloc(tr->vm);

	if (nd == NULL)
		return false;
	nd->retired.next = sp->node != NULL ? &sp->node->retired : NULL;
	sp->node = nd;
	sp->n++;
	return true;
}

static struct tome_node *
spare_pop(struct tome_tree_spare *sp)
{
	struct tome_node *nd = sp->node;

	sp->node = nd->retired.next == NULL ? NULL :
	    tome_container(nd->retired.next, struct tome_node, retired);
	sp->n--;
	return nd;
}

static enum tome_err
spare_fill(struct tome_tree *tr, struct tome_tree_spare *sp, unsigned want,
    unsigned height)
{
	unsigned had = sp->n;

	if (height == TOME_TREE_HEIGHT)
		return TOME_ENOMEM;
	while (sp->n < want && spare_push(tr, sp))
		;
	if (sp->n >= want)
		return TOME_OK;
	while (sp->n > had)
		tome_node_free(tr->vm, spare_pop(sp));
	return TOME_ENOMEM;
}

void
tome_tree_release(struct tome_tree *tr, struct tome_tree_spare *sp)
{
	while (sp->n > 0)
		tome_node_free(tr->vm, spare_pop(sp));
}

static struct tome_node *
spare_take(struct edit *ed, struct tome_tree_spare *sp, unsigned level)
{
	struct tome_node *nd;

	TOME_CHECK(ed->tree->vm, sp->n > 0);
	nd = spare_pop(sp);
	tome_node_init(nd, level);
	return nd;
}

/* ---- edits ---- */

static void
edit_begin(struct edit *ed, struct tome_tree *tr)
{
	ed->tree = tr;
	ed->dead = NULL;
	tr->nodd = 0;
}

static void
edit_touch(struct edit *ed, struct tome_node *nd)
{
	uint32_t version = tome_rd_relaxed(&nd->version);

	if (version & 1)
		return;
	tome_host_point();
	tome_wr_relaxed(&nd->version, version + 1);
	ed->tree->odd[ed->tree->nodd++] = nd;
	if (nd->level > 0)
		ed->tree->last.path.height = 0;
}

/* Odd from now on: a reader that still comes here turns round. */
static void
edit_kill(struct edit *ed, struct tome_node *nd)
{
	edit_touch(ed, nd);
	nd->n = 0;
	nd->retired.next = ed->dead;
	ed->dead = &nd->retired;
}

static void
edit_end(struct edit *ed)
{
	struct tome_retired *dead, *next;

	for (unsigned i = 0; i < ed->tree->nodd; i++) {
		struct tome_node *nd = ed->tree->odd[i];

		tome_host_point();
		if (nd->n > 0)
			tome_wr(&nd->version, tome_rd_relaxed(&nd->version) + 1);
	}
	for (dead = ed->dead; dead != NULL; dead = next) {
		next = dead->next;
		tome_node_retire(ed->tree->vm,
		    tome_container(dead, struct tome_node, retired));
	}
}

static void
set_root(struct edit *ed, struct tome_node *nd)
{
	tome_host_point();
	tome_wr(&ed->tree->root, (uintptr_t)nd);
	ed->tree->last.path.height = 0;
}

/* ---- insert ---- */

void
tome_tree_insert(struct tome_tree *tr, struct tome_tree_spare *sp,
    struct tome_entry *en)
{
	struct tome_path pa;
	struct edit ed;
	struct tome_node *leaf;

	edit_begin(&ed, tr);
	tome_path_to(tr, en->start, &pa);
	make_room(&ed, sp, &pa);
	leaf = pa.node[0];
	edit_touch(&ed, leaf);
	items_open(leaf, pa.at[0]);
	set_entry(leaf, pa.at[0], en);
	if (tree_root(tr) == NULL)
		set_root(&ed, leaf);
	if (pa.at[0] + 1 == leaf->n)
		last_changed(tr, &pa, en->end);
	gaps_up(&pa, 0);
	edit_end(&ed);
}

/* Split the full nodes of the path, from the top, so that each parent has room. */
static void
make_room(struct edit *ed, struct tome_tree_spare *sp, struct tome_path *pa)
{
	unsigned l = 0;

	while (l < pa->height && pa->node[l]->n == node_max(pa->node[l]))
		l++;
	if (l == pa->height) {
		struct tome_node *root = spare_take(ed, sp, l);

		if (l > 0) {
			edit_touch(ed, pa->node[l - 1]);
			set_child(root, 0, 0, pa->node[l - 1]);
			root->n = 1;
			set_root(ed, root);
		} else {
			root->floor = ed->tree->lo;
		}
		pa->node[l] = root;
		pa->at[l] = 0;
		pa->height++;
	}
	while (l-- > 0)
		split(ed, sp, pa, l);
}

/*
 * Where to split: in the middle, or near the end where the insert goes, since
 * inserts come in runs; either side keeps two free places.
 */
static unsigned
split_point(const struct tome_node *nd, unsigned at)
{
	unsigned max = node_max(nd);

	if (at >= max - max / 4)
		return max - 2;
	if (at <= max / 4)
		return 2;
	return max / 2;
}

/* The node at level l is full, its parent is not. The path follows the insert. */
static void
split(struct edit *ed, struct tome_tree_spare *sp, struct tome_path *pa,
    unsigned l)
{
	struct tome_node *nd = pa->node[l], *up = pa->node[l + 1];
	struct tome_node *right = spare_take(ed, sp, l);
	unsigned cut = split_point(nd, pa->at[l]), i, at = pa->at[l + 1];

	edit_touch(ed, nd);
	edit_touch(ed, up);
	for (i = cut; i < nd->n; i++)
		item_copy(right, i - cut, nd, i);
	right->n = (uint8_t)(nd->n - cut);
	if (l == 0)
		right->floor = nd->end[cut - 1];
	while (nd->n > cut)
		item_clear(nd, --nd->n);
	items_open(up, at + 1);
	set_child(up, at + 1, right->key[0], right);
	up->gap[at] = tome_node_gap(nd);
	/* A leaf's place may be its end; a child that exists must be found. */
	if (pa->at[l] > cut || (l > 0 && pa->at[l] == cut)) {
		pa->node[l] = right;
		pa->at[l] -= cut;
		pa->at[l + 1]++;
	}
}

/* ---- remove ---- */

static void
path_of(struct tome_tree *tr, struct tome_entry *en, struct tome_path *pa)
{
	tome_path_to(tr, en->start, pa);
	TOME_CHECK(tr->vm, pa->height > 0 && pa->at[0] > 0);
	pa->at[0]--;
	TOME_CHECK(tr->vm, pa->node[0]->entry[pa->at[0]] == en);
}

void
tome_tree_remove(struct tome_tree *tr, struct tome_entry *en)
{
	struct tome_path pa;
	struct edit ed;
	struct tome_node *leaf;
	unsigned at;

	edit_begin(&ed, tr);
	path_of(tr, en, &pa);
	leaf = pa.node[0];
	at = pa.at[0];
	edit_touch(&ed, leaf);
	items_close(leaf, at);
	if (at == leaf->n)
		last_changed(tr, &pa, leaf_gap_start(leaf, at));
	if (leaf->n == 0) {
		drop_empty(&ed, &pa);
	} else {
		if (at == 0)
			first_changed(&ed, &pa, 0, leaf->start[0]);
		gaps_up(&pa, 0);
		shrink(&ed, &pa);
	}
	edit_end(&ed);
}

/* The leaf is empty: unlink it, and every node above that this empties. */
static void
drop_empty(struct edit *ed, struct tome_path *pa)
{
	unsigned l = 0;

	do {
		edit_kill(ed, pa->node[l]);
		if (++l == pa->height) {
			set_root(ed, NULL);
			return;
		}
		edit_touch(ed, pa->node[l]);
		items_close(pa->node[l], pa->at[l]);
	} while (pa->node[l]->n == 0);
	if (pa->at[l] == 0)
		first_changed(ed, pa, l, pa->node[l]->key[0]);
	gaps_up(pa, l);
	shrink(ed, pa);
}

/* Merge nodes that have become small with a neighbour; drop a root of one child. */
static void
shrink(struct edit *ed, struct tome_path *pa)
{
	unsigned l = 0;
	struct tome_node *root;

	while (l < pa->height && pa->node[l]->n == 0)
		l++;
	while (l + 1 < pa->height && merge_sibling(ed, pa, l))
		l++;
	for (root = tree_root(ed->tree); root->level > 0 && root->n == 1;
	    root = tree_root(ed->tree)) {
		set_root(ed, root->child[0]);
		edit_kill(ed, root);
	}
}

/* Move the right node's items to the left one's end. */
static void
nodes_merge(struct edit *ed, struct tome_node *up, unsigned left)
{
	struct tome_node *nd = up->child[left], *right = up->child[left + 1];
	unsigned first = nd->n;

	edit_touch(ed, nd);
	edit_touch(ed, up);
	for (unsigned i = 0; i < right->n; i++)
		item_copy(nd, first + i, right, i);
	tome_wr(&nd->key[first], up->key[left + 1]);
	nd->n = (uint8_t)(first + right->n);
	edit_kill(ed, right);
	items_close(up, left + 1);
	up->gap[left] = tome_node_gap(nd);
}

/* A third full is small; a merged node keeps two places free (hysteresis). */
static bool
merge_sibling(struct edit *ed, struct tome_path *pa, unsigned l)
{
	struct tome_node *nd = pa->node[l], *up = pa->node[l + 1];
	unsigned at = pa->at[l + 1], most = node_max(nd) - 2;

	if (nd->n > node_max(nd) / 3)
		return false;
	if (at + 1 < up->n && nd->n + up->child[at + 1]->n <= most)
		nodes_merge(ed, up, at);
	else if (at > 0 && nd->n + up->child[at - 1]->n <= most)
		nodes_merge(ed, up, at - 1);
	else
		return false;
	return true;
}

/* ---- bounds ---- */

void
tome_tree_bounds(struct tome_tree *tr, struct tome_entry *en, tome_va_t start,
    tome_va_t end)
{
	struct tome_path pa;
	struct edit ed;
	struct tome_node *leaf;
	unsigned at;

	edit_begin(&ed, tr);
	path_of(tr, en, &pa);
	leaf = pa.node[0];
	at = pa.at[0];
	if (start != leaf->start[at]) {
		edit_touch(&ed, leaf);
		tome_wr(&leaf->start[at], start);
		if (at == 0)
			first_changed(&ed, &pa, 0, start);
	}
	if (end != leaf->end[at]) {
		leaf->end[at] = end;
		if (at + 1u == leaf->n)
			last_changed(tr, &pa, end);
	}
	gaps_up(&pa, 0);
	edit_end(&ed);
}

/* ---- what changes elsewhere ---- */

/* The first entry below node[l] starts elsewhere now: one key above names it. */
static void
first_changed(struct edit *ed, struct tome_path *pa, unsigned l, tome_va_t start)
{
	while (++l < pa->height)
		if (pa->at[l] > 0) {
			edit_touch(ed, pa->node[l]);
			tome_wr(&pa->node[l]->key[pa->at[l]], start);
			return;
		}
}

/* The path's leaf ends elsewhere now: the gap below the next leaf's first entry. */
static void
last_changed(struct tome_tree *tr, const struct tome_path *pa, tome_va_t end)
{
	struct tome_path next = *pa;

	if (tome_path_next_leaf(&next)) {
		next.node[0]->floor = end;
		gaps_up(&next, 0);
	} else {
		tr->last_end = end;
	}
}

/* node[l]'s gaps changed: tell those above, as far as it matters to them. */
static void
gaps_up(struct tome_path *pa, unsigned l)
{
	uint32_t gap;

	for (; l + 1 < pa->height; l++) {
		gap = tome_node_gap(pa->node[l]);
		if (pa->node[l + 1]->gap[pa->at[l + 1]] == gap)
			return;
		pa->node[l + 1]->gap[pa->at[l + 1]] = gap;
	}
}
