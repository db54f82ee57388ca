/*
 * memory/vm.h - the declarations of Xelix's document (virtual memory in Xelix) and
 * of the calls that it refers to as vm_*.
 */
#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE 4096

struct vm_context;

struct vm_context *vm_new();

struct vm_page {
	enum {
		VM_SECTION_STACK,
		VM_SECTION_CODE,
		VM_SECTION_DATA,
		VM_SECTION_HEAP,
		VM_SECTION_MMAP,
		VM_SECTION_KERNEL,
		VM_SECTION_UNMAPPED
	} section;

	bool readonly:1;
	bool cow:1;
	bool allocated:1;

	void *cow_src_addr;
	void *virt_addr;
	void *phys_addr;
};

struct vm_page *vm_new_page(void);
int vm_add_page(struct vm_context *, struct vm_page *);
struct vm_page *vm_get_page_virt(struct vm_context *, void *);
struct vm_page *vm_get_page_phys(struct vm_context *, void *);
struct vm_page *vm_rm_page_virt(struct vm_context *, void *);
typedef void (*vm_iterator_t)(struct vm_context *, struct vm_page *, uint32_t);
int vm_iterate(struct vm_context *, vm_iterator_t);
