/*
 * pagetree.c - pages of a file object by index.
 *
 * Invariants: a node's `used` is the number of its slots that are not empty; a tag
 *   bit of a slot above the leaves is set while any tag bit of the child is.
 * Locks: the tree's for every change; readers are in an epoch, in which a node that
 *   was unlinked stays as it is.
 */
#include <base/memory.h>
#include <object/object_i.h>
#include <object/pagetree.h>

struct tome_pagenode {
	uint64_t upper;			/* index >> height * SHIFT */
	uint32_t height;		/* 1: a leaf */
	uint32_t used;
	struct tome_pagenode *parent;
	_Atomic uint64_t tag[TOME_PAGETAGS];
	struct tome_retired retired;
	_Atomic uintptr_t slot[TOME_PAGETREE_SLOTS];	/* node, or frame */
};

static bool pagenode_covers(const struct tome_pagenode *, uint64_t index);
static unsigned node_slot(const struct tome_pagenode *, uint64_t index);
static struct tome_pagenode *pagenode_create(struct tome_vm *);
static void pagenode_retired(struct tome_vm *, struct tome_retired *);
static void node_unlink(struct tome_vm *, struct tome_pagetree *,
    struct tome_pagenode *);
static bool tree_extend(struct tome_pagetree *, uint64_t index,
    struct tome_pagenode *spare);
static void tag_up(struct tome_pagenode *, unsigned slot, enum tome_pagetag,
    bool on);

size_t
tome_pagenode_size(void)
{
	return sizeof(struct tome_pagenode);
}

/* ---- looking ---- */

static struct tome_pagenode *
tree_leaf(struct tome_pagetree *t, uint64_t index)
{
	struct tome_pagenode *n = tome_rd(&t->root);

	if (n == NULL || !pagenode_covers(n, index))
		return NULL;
	while (n != NULL && n->height > 1)
		n = (struct tome_pagenode *)tome_rd(
		    &n->slot[node_slot(n, index)]);
	return n;
}

struct tome_pagespot
tome_pagetree_find(struct tome_pagetree *t, uint64_t index)
{
	struct tome_pagespot s = { .pfn = TOME_PFN_NONE };

	s.leaf = tree_leaf(t, index);
	if (s.leaf != NULL) {
		s.slot = node_slot(s.leaf, index);
		s.pfn = (tome_pfn_t)tome_rd(&s.leaf->slot[s.slot]);
	}
	return s;
}

tome_pfn_t
tome_pagetree_beside(const struct tome_pagespot *s, int distance)
{
	unsigned at = s->slot + (unsigned)distance;

	return at < TOME_PAGETREE_SLOTS ?
	    (tome_pfn_t)tome_rd(&s->leaf->slot[at]) : TOME_PFN_NONE;
}

bool
tome_pagetree_has(const struct tome_pagespot *s, enum tome_pagetag tag)
{
	return tome_rd(&s->leaf->tag[tag]) >> s->slot & 1;
}

/* Is the slot, or anything below it, what is looked for? */
static bool
slot_wanted(const struct tome_pagenode *n, unsigned slot, enum tome_pagetag tag)
{
	return tag == TOME_PAGETAGS ? tome_rd(&n->slot[slot]) != 0 :
	    tome_rd(&n->tag[tag]) >> slot & 1;
}

bool
tome_pagetree_next(struct tome_pagetree *t, uint64_t *index, uint64_t last,
    enum tome_pagetag tag)
{
	struct tome_pagenode *root = tome_rd(&t->root), *n = root, *down;
	uint64_t at = *index;
	uint32_t bits;

	if (root == NULL)
		return false;
	bits = root->height * TOME_PAGETREE_SHIFT;
	if (at >> bits < root->upper)
		at = root->upper << bits;
	while (at <= last && pagenode_covers(root, at)) {
		unsigned slot = node_slot(n, at);
		bool wanted = slot_wanted(n, slot, tag);

		if (wanted && n->height == 1) {
			*index = at;
			return true;
		}
		down = wanted ? (struct tome_pagenode *)tome_rd(&n->slot[slot]) :
		    NULL;
		if (down != NULL) {
			n = down;
			continue;
		}
		bits = (n->height - 1) * TOME_PAGETREE_SHIFT;
		at = ((at >> bits) + 1) << bits;
		if (node_slot(n, at) == 0)
			n = root;
	}
	return false;
}

/* ---- pages ---- */

enum tome_err
tome_pagetree_insert(struct tome_vm *vm, struct tome_pagetree *t,
    uint64_t index, tome_pfn_t pfn)
{
	struct tome_pagenode *spare = NULL, *leaf;
	enum tome_err err = TOME_RETRY;
	unsigned slot;

	while (err == TOME_RETRY) {
		tome_pagetree_lock(vm, t);
		while ((leaf = tree_leaf(t, index)) == NULL && spare != NULL &&
		    tree_extend(t, index, spare))
			spare = NULL;
		if (leaf != NULL) {
			slot = node_slot(leaf, index);
			err = tome_rd(&leaf->slot[slot]) != 0 ? TOME_EEXIST :
			    TOME_OK;
		}
		if (err == TOME_OK) {
			leaf->used++;
			tome_wr(&leaf->slot[slot], (uintptr_t)pfn);
			tome_wr(&t->resident, t->resident + 1);
		}
		tome_pagetree_unlock(vm, t);
		if (err == TOME_RETRY && spare == NULL &&
		    (spare = pagenode_create(vm)) == NULL)
			return TOME_ENOMEM;
	}
	if (spare != NULL)
		pagenode_retired(vm, &spare->retired);
	return err;
}

void
tome_pagetree_remove(struct tome_vm *vm, struct tome_pagetree *t,
    uint64_t index)
{
	struct tome_pagenode *leaf = tree_leaf(t, index);
	unsigned slot = node_slot(leaf, index);

	for (unsigned tag = 0; tag < TOME_PAGETAGS; tag++)
		(void)tome_pagetree_tag(t, index, (enum tome_pagetag)tag,
		    false);
	tome_wr(&leaf->slot[slot], (uintptr_t)0);
	tome_wr(&t->resident, t->resident - 1);
	if (--leaf->used == 0)
		node_unlink(vm, t, leaf);
}

bool
tome_pagetree_tag(struct tome_pagetree *t, uint64_t index,
    enum tome_pagetag tag, bool on)
{
	struct tome_pagenode *leaf = tree_leaf(t, index);
	unsigned slot = node_slot(leaf, index);

	if ((tome_rd(&leaf->tag[tag]) >> slot & 1) == on)
		return false;
	tag_up(leaf, slot, tag, on);
	tome_wr(&t->tagged[tag], t->tagged[tag] + (on ? 1 : -1u));
	return true;
}

static void
tag_up(struct tome_pagenode *n, unsigned slot, enum tome_pagetag tag, bool on)
{
	for (; n != NULL; n = n->parent) {
		uint64_t was = tome_rd_relaxed(&n->tag[tag]);
		uint64_t bit = (uint64_t)1 << slot;

		tome_wr(&n->tag[tag], on ? was | bit : was & ~bit);
		if (on ? was != 0 : (was & ~bit) != 0)
			return;
		if (n->parent != NULL)
			slot = node_slot(n->parent, n->upper <<
			    n->height * TOME_PAGETREE_SHIFT);
	}
}

void
tome_pagetree_end(struct tome_vm *vm, struct tome_pagetree *t)
{
	TOME_CHECK(vm, t->resident == 0);
	/* What is left are nodes that an insertion made and did not use. */
	while (t->root != NULL) {
		struct tome_pagenode *n = t->root;
		unsigned i = 0;

		while (n->height > 1 && i < TOME_PAGETREE_SLOTS) {
			if (n->slot[i] != 0) {
				n = (struct tome_pagenode *)n->slot[i];
				i = 0;
			} else {
				i++;
			}
		}
		node_unlink(vm, t, n);
	}
}

/* ---- nodes ---- */

static bool
pagenode_covers(const struct tome_pagenode *n, uint64_t index)
{
	return index >> n->height * TOME_PAGETREE_SHIFT == n->upper;
}

static unsigned
node_slot(const struct tome_pagenode *n, uint64_t index)
{
	return (unsigned)(index >> (n->height - 1) * TOME_PAGETREE_SHIFT) &
	    (TOME_PAGETREE_SLOTS - 1);
}

static struct tome_pagenode *
pagenode_create(struct tome_vm *vm)
{
	struct tome_pagenode *n = tome_cache_get(vm->objects->pagenodes);

	if (n == NULL)
		return NULL;
	memset(n, 0, sizeof *n);
	tome_count(vm, TOME_N_NODES, 1);
	return n;
}

static void
pagenode_retired(struct tome_vm *vm, struct tome_retired *r)
{
	tome_count(vm, TOME_N_NODES, -1);
	tome_cache_put(vm->objects->pagenodes,
	    tome_container(r, struct tome_pagenode, retired));
}

/* It is empty: and so may be what is above it. */
static void
node_unlink(struct tome_vm *vm, struct tome_pagetree *t,
    struct tome_pagenode *n)
{
	struct tome_pagenode *parent;

	for (; n != NULL && n->used == 0; n = parent) {
		parent = n->parent;
		if (parent == NULL) {
			tome_wr(&t->root, (struct tome_pagenode *)NULL);
		} else {
			tome_wr(&parent->slot[node_slot(parent, n->upper <<
			    n->height * TOME_PAGETREE_SHIFT)], (uintptr_t)0);
			parent->used--;
		}
		tome_epoch_retire(vm, &n->retired, pagenode_retired);
	}
}

static void
node_init(struct tome_pagenode *n, uint64_t index, uint32_t height)
{
	n->height = height;
	n->upper = index >> height * TOME_PAGETREE_SHIFT;
}

/* Add one of the nodes that are missing between the root and this index's leaf, from
 * the top. False: none is. */
static bool
tree_extend(struct tome_pagetree *t, uint64_t index,
    struct tome_pagenode *spare)
{
	struct tome_pagenode *root = tome_rd(&t->root), *n = root, *next;
	unsigned slot;

	if (root == NULL) {
		node_init(spare, index, 1);
		tome_wr(&t->root, spare);
		return true;
	}
	if (!pagenode_covers(root, index)) {
		uint64_t first = root->upper <<
		    root->height * TOME_PAGETREE_SHIFT;

		node_init(spare, first, root->height + 1);
		slot = node_slot(spare, first);
		spare->slot[slot] = (uintptr_t)root;
		spare->used = 1;
		for (unsigned tag = 0; tag < TOME_PAGETAGS; tag++)
			spare->tag[tag] = (uint64_t)(root->tag[tag] != 0) <<
			    slot;
		root->parent = spare;
		tome_wr(&t->root, spare);
		return true;
	}
	while (n->height > 1) {
		slot = node_slot(n, index);
		next = (struct tome_pagenode *)tome_rd(&n->slot[slot]);
		if (next == NULL) {
			node_init(spare, index, n->height - 1);
			spare->parent = n;
			n->used++;
			tome_wr(&n->slot[slot], (uintptr_t)spare);
			return true;
		}
		n = next;
	}
	return false;
}
