/*
 * large.c - memory for the kernel that may be larger than a page: that much in one piece
 * is hard to find once memory is scarce, so that it is mapped together.
 */
#include <large.h>
#include <lib.h>
#include <machine.h>
#include <tome/kmem.h>

void *
large_alloc(size_t size)
{
	tome_va_t at;

	if (size <= TOME_PAGE_SIZE)
		return tome_kmalloc(the_vm, size);
	if (tome_kmap_heap(the_vm, tome_page_ceil(size) >> TOME_PAGE_SHIFT,
	    &at) != TOME_OK)
		return NULL;
	return tome_kva_ptr(the_vm, at);
}

void
large_free(void *p, size_t size)
{
	if (size <= TOME_PAGE_SIZE)
		tome_kfree(the_vm, p);
	else
		tome_kunmap(the_vm, (tome_va_t)(uintptr_t)p);
}
