/*
 * entry.c - splay trees of entries, by address (Sleator and Tarjan, JACM 1985).
 *
 * Whatever was asked for last is at the root, which is what a client that looks at
 * map->entries finds.
 *
 * Locks: the facade's.
 */
#include "keyronex.h"

void
entry_bounds(vm_map_entry_t *en, vaddr_t start, vaddr_t end)
{
	en->start = start;
	en->end = end;
	en->size = end - start;
}

/* Bring what holds `at`, or a neighbour of where it would be, to the root. */
static vm_map_entry_t *
splay(vm_map_entry_t *root, vaddr_t at)
{
	vm_map_entry_t split = { .size = 0 }, *below = &split, *above = &split;
	vm_map_entry_t *next;

	while (at < root->start || at >= root->end) {
		bool left = at < root->start;

		next = left ? root->link.left : root->link.right;
		if (next == NULL)
			break;
		if (left && at < next->start && next->link.left != NULL) {
			root->link.left = next->link.right;
			next->link.right = root;
			root = next;
			next = root->link.left;
		} else if (!left && at >= next->end &&
		    next->link.right != NULL) {
			root->link.right = next->link.left;
			next->link.left = root;
			root = next;
			next = root->link.right;
		}
		if (left) {
			above->link.left = root;
			above = root;
		} else {
			below->link.right = root;
			below = root;
		}
		root = next;
	}
	below->link.right = root->link.left;
	above->link.left = root->link.right;
	root->link.left = split.link.right;
	root->link.right = split.link.left;
	return root;
}

vm_map_entry_t *
entry_find(vm_map_entry_t **root, vaddr_t at)
{
	vm_map_entry_t *en = *root;

	if (en == NULL)
		return NULL;
	*root = en = splay(en, at);
	if (en->end > at)
		return en;
	en = en->link.right;
	while (en != NULL && en->link.left != NULL)
		en = en->link.left;
	return en;
}

void
entry_insert(vm_map_entry_t **root, vm_map_entry_t *en)
{
	vm_map_entry_t *old = *root;

	en->link.left = en->link.right = NULL;
	*root = en;
	if (old == NULL)
		return;
	old = splay(old, en->start);
	if (old->start > en->start) {
		en->link.left = old->link.left;
		en->link.right = old;
		old->link.left = NULL;
	} else {
		en->link.right = old->link.right;
		en->link.left = old;
		old->link.right = NULL;
	}
}

void
entry_remove(vm_map_entry_t **root, vm_map_entry_t *en)
{
	vm_map_entry_t *left;

	*root = splay(*root, en->start);
	left = en->link.left;
	if (left == NULL || en->link.right == NULL) {
		*root = left == NULL ? en->link.right : left;
		return;
	}
	left = splay(left, en->start);
	left->link.right = en->link.right;
	*root = left;
}
