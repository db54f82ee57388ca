/*
 * memory/vm.h - virtual memory as Xelix has it: contexts and pages.
 *
 * Addresses that the kernel calls physical are those of its identity map. What
 * every call promises is in docs/compat/xelix.md, by number.
 */
#ifndef XELIX_MEMORY_VM_H
#define XELIX_MEMORY_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../link.h"

#define PAGE_SIZE 4096
/* The next page boundary at or above x. */
#define VM_ALIGN(x) (((uintptr_t)(x) + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1))

struct vm_context;

struct vm_page {
	enum {
		VM_SECTION_STACK,	/* Initial stack */
		VM_SECTION_CODE,	/* Program code, read-only */
		VM_SECTION_DATA,	/* Static data */
		VM_SECTION_HEAP,	/* Allocated by brk(2) at runtime */
		VM_SECTION_MMAP,	/* Allocated by mmap(2) at runtime */
		VM_SECTION_KERNEL,	/* Kernel-internal data */
		VM_SECTION_UNMAPPED	/* Unmapped */
	} section;

	bool readonly:1;
	bool cow:1;			/* copy-on-write */
	bool allocated:1;

	void *cow_src_addr;
	void *virt_addr;
	void *phys_addr;
};

/* The kernel's own, the one loaded, and the running process's. */
extern struct vm_context *vm_kernelContext COMPAT_LINK(xelix, vm_kernelContext);
extern struct vm_context *vm_currentContext
    COMPAT_LINK(xelix, vm_currentContext);
extern struct vm_context *vm_processContext
    COMPAT_LINK(xelix, vm_processContext);
/* A fault in this page is logged and ignored: a self-test of the handler. */
extern void *vm_faultAddress COMPAT_LINK(xelix, vm_faultAddress);
/* Told after a page's translation was made or has changed; NULL: nobody. */
extern void (*vm_applyPage)(struct vm_context *, struct vm_page *)
    COMPAT_LINK(xelix, vm_applyPage);

struct vm_context *vm_new(void) COMPAT_LINK(xelix, vm_new);
struct vm_page *vm_new_page(void) COMPAT_LINK(xelix, vm_new_page);

int vm_add_page(struct vm_context *, struct vm_page *)
    COMPAT_LINK(xelix, vm_add_page);
struct vm_page *vm_get_page_virt(struct vm_context *, void *)
    COMPAT_LINK(xelix, vm_get_page_virt);
struct vm_page *vm_get_page_phys(struct vm_context *, void *)
    COMPAT_LINK(xelix, vm_get_page_phys);
struct vm_page *vm_get_page(struct vm_context *, uint32_t n)
    COMPAT_LINK(xelix, vm_get_page);
struct vm_page *vm_rm_page_virt(struct vm_context *, void *)
    COMPAT_LINK(xelix, vm_rm_page_virt);
struct vm_page *vm_rm_page_phys(struct vm_context *, void *)
    COMPAT_LINK(xelix, vm_rm_page_phys);

typedef void (*vm_iterator_t)(struct vm_context *, struct vm_page *, uint32_t);
int vm_iterate(struct vm_context *, vm_iterator_t)
    COMPAT_LINK(xelix, vm_iterate);
uint32_t vm_count_pages(struct vm_context *)
    COMPAT_LINK(xelix, vm_count_pages);
void vm_dump_page(struct vm_page *) COMPAT_LINK(xelix, vm_dump_page);
void vm_dump(struct vm_context *) COMPAT_LINK(xelix, vm_dump);

void vm_handle_fault(uint32_t code, void *addr, void *ip)
    COMPAT_LINK(xelix, vm_handle_fault);
void vm_set_cache(struct vm_context *, void *)
    COMPAT_LINK(xelix, vm_set_cache);
void *vm_get_cache(struct vm_context *) COMPAT_LINK(xelix, vm_get_cache);

#endif
