/*
 * rig_a.h - Andromeda on the rig: its vectors, and what its tests look at.
 */
#ifndef TEST_COMPAT_RIG_A_H
#define TEST_COMPAT_RIG_A_H

#include <andromeda/glue.h>
#include <mm/vm.h>
#include <rig.h>

#define G ((size_t)PAGE_ALLOC_FACTOR)
#define AT ((uintptr_t)0x10000000)
#define P(x) ((void *)(uintptr_t)(x))

extern char a_log[64][160];
extern unsigned a_lines;

/* An instance with vm_init() done, both CPUs on their page tables. */
int a_up(void **state);
int a_down(void **state);
void a_open(bool clean_frees);

/* This test uses kernel pointers: their faults go to the kernel's vector. */
void a_pointers(void);

/* A task with one segment of n granules at AT, loaded on CPU 0. */
struct vm_segment *a_task(size_t n);
/* Lists are sound and cover the segment; the number of ranges on the list. */
unsigned a_count(struct vm_segment *, struct vm_range_descriptor *list);

#endif
