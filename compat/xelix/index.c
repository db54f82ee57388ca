/*
 * index.c - see index.h.
 *
 * Chains double in number when there are more nodes than chains; when memory for
 * that is short they just grow longer.
 */
#include <string.h>

#include "index.h"

#define FIRST_CHAINS 64

#define OWNER struct xelix_index
#define FIRST(o) ((o)->first)
#define LAST(o) ((o)->last)
#define COUNT(o) ((o)->count)
#define NODE struct xelix_node
#define NEXT(n) ((n)->next)
#define PREV(n) ((n)->prev)
#define LIST(verb) node_##verb
#include "../list.h"

static size_t
slot_of(uintptr_t key, size_t nchains)
{
	return (size_t)((key >> TOME_PAGE_SHIFT) * 0x9e3779b1u >> 7) &
	    (nchains - 1);
}

static void
chain_append(struct xelix_index *ix, int by, struct xelix_node *n)
{
	struct xelix_node **at = &ix->chain[by][slot_of(n->key[by],
	    ix->nchains)];

	while (*at != NULL)
		at = &(*at)->by[by];
	n->by[by] = NULL;
	*at = n;
}

static void
chain_remove(struct xelix_index *ix, int by, struct xelix_node *n)
{
	struct xelix_node **at = &ix->chain[by][slot_of(n->key[by],
	    ix->nchains)];

	while (*at != n)
		at = &(*at)->by[by];
	*at = n->by[by];
}

enum tome_err
xelix_index_init(struct tome_vm *vm, struct xelix_index *ix)
{
	memset(ix, 0, sizeof *ix);
	ix->chain[0] = tome_kzalloc(vm, 2 * FIRST_CHAINS *
	    sizeof *ix->chain[0]);
	if (ix->chain[0] == NULL)
		return TOME_ENOMEM;
	ix->chain[1] = ix->chain[0] + FIRST_CHAINS;
	ix->nchains = FIRST_CHAINS;
	return TOME_OK;
}

void
xelix_index_fini(struct tome_vm *vm, struct xelix_index *ix)
{
	while (ix->first != NULL)
		xelix_index_remove(vm, ix, ix->first);
	tome_kfree(vm, ix->chain[0]);
}

static void
index_grow(struct tome_vm *vm, struct xelix_index *ix)
{
	size_t n = ix->nchains * 2;
	struct xelix_node **chains = tome_kzalloc(vm, 2 * n * sizeof *chains);
	struct xelix_node *node;

	if (chains == NULL)
		return;
	tome_kfree(vm, ix->chain[0]);
	ix->chain[0] = chains;
	ix->chain[1] = chains + n;
	ix->nchains = n;
	for (node = ix->first; node != NULL; node = node->next) {
		chain_append(ix, BY_VIRT, node);
		chain_append(ix, BY_PHYS, node);
	}
}

enum tome_err
xelix_index_add(struct tome_vm *vm, struct xelix_index *ix,
    struct vm_page *page, struct xelix_node **out)
{
	struct xelix_node *n = tome_kmalloc(vm, sizeof *n);

	if (n == NULL)
		return TOME_ENOMEM;
	if (ix->count >= ix->nchains)
		index_grow(vm, ix);
	n->page = page;
	n->key[BY_VIRT] = (uintptr_t)page->virt_addr;
	n->key[BY_PHYS] = (uintptr_t)page->phys_addr;
	node_append(ix, n);
	chain_append(ix, BY_VIRT, n);
	chain_append(ix, BY_PHYS, n);
	*out = n;
	return TOME_OK;
}

void
xelix_index_remove(struct tome_vm *vm, struct xelix_index *ix,
    struct xelix_node *n)
{
	chain_remove(ix, BY_VIRT, n);
	chain_remove(ix, BY_PHYS, n);
	node_unlink(ix, n);
	tome_kfree(vm, n);
}

struct xelix_node *
xelix_index_find(const struct xelix_index *ix, int by, const void *key)
{
	struct xelix_node *n = ix->chain[by][slot_of((uintptr_t)key,
	    ix->nchains)];

	while (n != NULL && n->key[by] != (uintptr_t)key)
		n = n->by[by];
	return n;
}

void
xelix_index_moved(struct xelix_index *ix, struct xelix_node *n)
{
	chain_remove(ix, BY_PHYS, n);
	n->key[BY_PHYS] = (uintptr_t)n->page->phys_addr;
	chain_append(ix, BY_PHYS, n);
}
