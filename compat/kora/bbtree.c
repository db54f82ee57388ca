/*
 * bbtree.c - areas by address: a binary tree, kept shallow by ranks that are as good
 * as random (a treap: Seidel and Aragon, Algorithmica 1996).
 *
 * Invariant: in order of values; a child's rank is at most its parent's.
 * Locks: the space's, held by the caller.
 */
#include "kora.h"

static bbnode_t **
link_of(bbtree_t *t, bbnode_t *n)
{
	if (n->parent_ == NULL)
		return &t->root_;
	return n->parent_->left_ == n ? &n->parent_->left_ :
	    &n->parent_->right_;
}

/* The child comes up, its parent goes down on the other side. */
static void
rotate_up(bbtree_t *t, bbnode_t *n)
{
	bbnode_t *p = n->parent_, *middle;

	*link_of(t, p) = n;
	if (p->left_ == n) {
		middle = n->right_;
		p->left_ = middle;
		n->right_ = p;
	} else {
		middle = n->left_;
		p->right_ = middle;
		n->left_ = p;
	}
	if (middle != NULL)
		middle->parent_ = p;
	n->parent_ = p->parent_;
	p->parent_ = n;
}

void
kora_tree_insert(bbtree_t *t, bbnode_t *n)
{
	bbnode_t **at = &t->root_;

	n->parent_ = n->left_ = n->right_ = NULL;
	n->rank_ = (unsigned)(n->value_ / PAGE_SIZE) * 2654435761u;
	while (*at != NULL) {
		n->parent_ = *at;
		at = n->value_ < (*at)->value_ ? &(*at)->left_ :
		    &(*at)->right_;
	}
	*at = n;
	while (n->parent_ != NULL && n->parent_->rank_ < n->rank_)
		rotate_up(t, n);
	t->count_++;
}

void
kora_tree_remove(bbtree_t *t, bbnode_t *n)
{
	bbnode_t *child;

	while (n->left_ != NULL && n->right_ != NULL)
		rotate_up(t, n->left_->rank_ > n->right_->rank_ ? n->left_ :
		    n->right_);
	child = n->left_ != NULL ? n->left_ : n->right_;
	*link_of(t, n) = child;
	if (child != NULL)
		child->parent_ = n->parent_;
	t->count_--;
}

bbnode_t *
kora_tree_below(const bbtree_t *t, size_t value)
{
	bbnode_t *best = NULL;

	for (bbnode_t *n = t->root_; n != NULL;) {
		if (n->value_ <= value)
			best = n;
		n = n->value_ <= value ? n->right_ : n->left_;
	}
	return best;
}

bbnode_t *
kora_tree_above(const bbtree_t *t, size_t value)
{
	bbnode_t *best = NULL;

	for (bbnode_t *n = t->root_; n != NULL;) {
		if (n->value_ > value)
			best = n;
		n = n->value_ > value ? n->left_ : n->right_;
	}
	return best;
}
