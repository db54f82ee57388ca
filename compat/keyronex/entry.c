/*
 * entry.c - entries by address: splay trees, as the document has them.
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

#define NODE vm_map_entry_t
#define KEY vaddr_t
#define LEFT(n) ((n)->link.left)
#define RIGHT(n) ((n)->link.right)
#define START(n) ((n)->start)
#define END(n) ((n)->end)
#define SPLAY(verb) entry_##verb
#include "../splay.h"
