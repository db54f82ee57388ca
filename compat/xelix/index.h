/*
 * index.h - the pages of a context: in the order of their adding, and by virtual
 * and physical address; private to the facade.
 *
 * Invariant: a node is in the list, in the chain of its page's virtual address, and
 *   in that of the physical address it had when it was last put there. Chains keep
 *   the order of adding, so that the first match is the oldest.
 * Locks: the context's, held by the caller.
 */
#ifndef COMPAT_XELIX_INDEX_H
#define COMPAT_XELIX_INDEX_H

#include <memory/vm.h>
#include <tome/kmem.h>

#define INDEX_NAME(name) COMPAT_LINK(xelix, index_##name)

struct xelix_node {
	struct vm_page *page;
	struct xelix_node *next, *prev;		/* in the order of adding */
	struct xelix_node *by[2];		/* next in its chains */
	uintptr_t key[2];
};

enum { BY_VIRT, BY_PHYS };

struct xelix_index {
	struct xelix_node *first, *last;
	struct xelix_node **chain[2];
	size_t nchains;				/* a power of two */
	uint32_t count;
};

/* ENOMEM. */
enum tome_err xelix_index_init(struct tome_vm *, struct xelix_index *)
    INDEX_NAME(init) TOME_NODISCARD;
/* The nodes go, the pages stay. */
void xelix_index_fini(struct tome_vm *, struct xelix_index *)
    INDEX_NAME(fini);
/* Behind all others; ENOMEM: nothing changed. */
enum tome_err xelix_index_add(struct tome_vm *, struct xelix_index *,
    struct vm_page *, struct xelix_node **out) INDEX_NAME(add) TOME_NODISCARD;
void xelix_index_remove(struct tome_vm *, struct xelix_index *,
    struct xelix_node *) INDEX_NAME(remove);
/* The first with this key, or NULL. */
struct xelix_node *xelix_index_find(const struct xelix_index *, int by,
    const void *) INDEX_NAME(find);
/* The page's physical address is another now. */
void xelix_index_moved(struct xelix_index *, struct xelix_node *)
    INDEX_NAME(moved);

#endif
