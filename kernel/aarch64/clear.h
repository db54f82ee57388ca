/*
 * clear.h - memory cleared a block of the cache at a time (DC ZVA), where the block is
 * no more than 512 bytes and d is where one begins.
 */
#ifndef KERNEL_CLEAR_H
#define KERNEL_CLEAR_H

#include <stddef.h>
#include <stdint.h>

#define DCZID_PROHIBITED 0x10u

static inline size_t
clear_blocks(void *d, size_t n)
{
	uintptr_t at = (uintptr_t)d, end;
	uint64_t id;
	size_t block;

	__asm__("mrs %0, dczid_el0" : "=r"(id));
	block = (size_t)4 << (id & 15);
	if ((id & DCZID_PROHIBITED) || block > 512 || (at & (block - 1)) != 0)
		return 0;
	for (end = at + (n & ~(2 * block - 1)); at != end; at += 2 * block)
		__asm__ volatile("dc zva, %0\n\tdc zva, %1"
		    : : "r"(at), "r"(at + block) : "memory");
	return (size_t)(at - (uintptr_t)d);
}

#endif
