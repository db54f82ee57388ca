/*
 * vm2.h - of the document: the start, pages of the kernel's, and peripherals.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_HEAP_BASE 0xC0000000u
#define HIGH_VECTOR_LOCATION 0xFFFF0000u
#define PAGE_SIZE 4096

struct L1PageTable;
struct L2PageTable;

struct PagePermission {
	enum { KernelRW, KernelRO, UserRO, UserRW } access;
	bool executable;
};

extern struct L1PageTable *const kernell1PageTable;

void vm2_start(void);
void *vm2_allocate_page(struct L1PageTable *, size_t va, bool remap,
    struct PagePermission, struct L2PageTable **created);
size_t vm2_map_peripheral(size_t phys, size_t n_mebibytes);
