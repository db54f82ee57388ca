/*
 * bbtree.c - areas by address, as splay trees.
 *
 * Every node is an area's (vma_t.node).
 * Locks: the space's, held by the caller.
 */
#include "kora.h"

#define NODE bbnode_t
#define KEY size_t
#define LEFT(n) ((n)->left_)
#define RIGHT(n) ((n)->right_)
#define START(n) ((n)->value_)
#define END(n) ((n)->value_ + ((vma_t *)(n))->length)
#define SPLAY(verb) kora_tree_##verb
#include "../splay.h"
