/*
 * mm/vm.h - the declarations of Andromeda's document: its structures by name, its
 * functions, and those it lists under "todo".
 */
#include <stddef.h>

#define PAGE_ALLOC_FACTOR 0x4000

struct vm_descriptor;
struct vm_segment;
struct vm_range_descriptor;

struct vm_descriptor *vm_new(unsigned pid);
struct vm_segment *vm_new_segment(void *virt, size_t size,
    struct vm_descriptor *);
int vm_segment_grow(struct vm_segment *, size_t by);
int vm_segment_clean(struct vm_segment *);
int vm_free(struct vm_descriptor *);

void *vm_segment_alloc(struct vm_segment *, size_t bytes);
int vm_segment_free(struct vm_segment *, void *);
void *vm_get_kernel_heap_pages(size_t bytes);
int vm_free_kernel_heap_pages(void *);
void *vm_map_heap(void *phys, size_t bytes);
int vm_unmap_heap(void *virt);

void *vm_map(void *virt, void *phys, struct vm_segment *);
int vm_unmap(void *virt, struct vm_segment *);
int vm_segment_load(int cpu, struct vm_segment *);
int vm_segment_unload(int cpu, struct vm_segment *);
void *vm_get_phys(int cpu, void *virt);
int vm_load_task(int cpu, struct vm_descriptor *);
int vm_unload_task(int cpu, struct vm_descriptor *);
