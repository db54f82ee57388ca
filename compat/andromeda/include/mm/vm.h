/*
 * mm/vm.h - Andromeda's virtual memory: descriptors, segments, ranges.
 *
 * What every call promises is in docs/compat/andromeda.md, by number.
 */
#ifndef ANDROMEDA_MM_VM_H
#define ANDROMEDA_MM_VM_H

#include <stdbool.h>
#include <stddef.h>

#include <andromeda/error.h>
#include <mm/page_alloc.h>

#include "../../../link.h"

#define PAGE_SIZE 0x1000
#define PAGE_ALLOC_UNIT 4
/* What a segment is divided by: 16 KiB. */
#define PAGE_ALLOC_FACTOR (PAGE_SIZE * PAGE_ALLOC_UNIT)

#define CPU_LIMIT 16
#define VM_SEGMENT_NAME_SIZE 32
#define VM_CPL_CORE 0
#define VM_CPL_USER 3

struct vm_segment;
struct vm_backing;

/* A part of a segment, on exactly one of its lists. */
struct vm_range_descriptor {
	void *base;
	size_t size;
	struct vm_range_descriptor *next, *prev;
	struct vm_segment *parent;
	bool static_alloc;

	/* The memory manager's own. */
	struct vm_range_descriptor **list;
	struct vm_range_descriptor *left, *right;
	addr_t phys;
};

struct vm_segment {
	struct vm_descriptor *parent;
	struct vm_segment *next, *prev;
	void *virt_base;
	size_t size;
	struct vm_range_descriptor *allocated, *free, *mapped;
	char name[VM_SEGMENT_NAME_SIZE];
	bool swappable, code;

	struct vm_backing *pages;
};

struct vm_descriptor {
	struct vm_segment *segments;
	unsigned pid;
	int cpl;

	_Atomic unsigned lock;
	struct vm_descriptor *next, *prev;
};

/* The kernel's. */
extern struct vm_descriptor vm_core COMPAT_LINK(andromeda, vm_core);

#define ANDROMEDA(name) COMPAT_LINK(andromeda, name)

int vm_init(void) ANDROMEDA(vm_init);
struct vm_descriptor *vm_new(unsigned pid) ANDROMEDA(vm_new);
int vm_free(struct vm_descriptor *) ANDROMEDA(vm_free);

struct vm_segment *vm_new_segment(void *virt, size_t size,
    struct vm_descriptor *) ANDROMEDA(vm_new_segment);
int vm_segment_grow(struct vm_segment *, size_t by) ANDROMEDA(vm_segment_grow);
int vm_segment_clean(struct vm_segment *) ANDROMEDA(vm_segment_clean);
void *vm_segment_alloc(struct vm_segment *, size_t bytes)
    ANDROMEDA(vm_segment_alloc);
int vm_segment_free(struct vm_segment *, void *) ANDROMEDA(vm_segment_free);
struct vm_segment *vm_find_segment(const char *name)
    ANDROMEDA(vm_find_segment);

void *vm_get_kernel_heap_pages(size_t bytes)
    ANDROMEDA(vm_get_kernel_heap_pages);
int vm_free_kernel_heap_pages(void *) ANDROMEDA(vm_free_kernel_heap_pages);
void *vm_map_heap(void *phys, size_t bytes) ANDROMEDA(vm_map_heap);
int vm_unmap_heap(void *virt) ANDROMEDA(vm_unmap_heap);

void *vm_map(void *virt, void *phys, struct vm_segment *) ANDROMEDA(vm_map);
int vm_unmap(void *virt, struct vm_segment *) ANDROMEDA(vm_unmap);

int vm_segment_load(int cpu, struct vm_segment *) ANDROMEDA(vm_segment_load);
int vm_segment_unload(int cpu, struct vm_segment *)
    ANDROMEDA(vm_segment_unload);
int vm_load_task(int cpu, struct vm_descriptor *) ANDROMEDA(vm_load_task);
int vm_unload_task(int cpu, struct vm_descriptor *) ANDROMEDA(vm_unload_task);
void *vm_get_phys(int cpu, void *virt) ANDROMEDA(vm_get_phys);
/* The page tables of what vm_segment_clean() left, by hand. */
int vm_reset_range(int cpu, void *virt, size_t bytes)
    ANDROMEDA(vm_reset_range);

/* 0: resolved. */
int vm_user_fault_read(addr_t, int mapped) ANDROMEDA(vm_user_fault_read);
int vm_user_fault_write(addr_t, int mapped) ANDROMEDA(vm_user_fault_write);
int vm_kernel_fault_read(addr_t, int mapped, addr_t eip)
    ANDROMEDA(vm_kernel_fault_read);
int vm_kernel_fault_write(addr_t, int mapped) ANDROMEDA(vm_kernel_fault_write);

void vm_dump(struct vm_descriptor *) ANDROMEDA(vm_dump);

/* Range descriptors, and what is kept of them so that none has to be allocated
 * while an allocation is served. */
int vm_range_alloc_init(void) ANDROMEDA(vm_range_alloc_init);
struct vm_range_descriptor *vm_range_alloc(void) ANDROMEDA(vm_range_alloc);
int vm_range_free(struct vm_range_descriptor *) ANDROMEDA(vm_range_free);
int vm_range_update(void) ANDROMEDA(vm_range_update);

#endif
