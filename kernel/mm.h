/*
 * mm.h - what the kernel adds to layer 7 of Tome: limits, files, faults.
 */
#ifndef KERNEL_MM_H
#define KERNEL_MM_H

#include <tome/posix.h>

struct process;

/* System V shared memory, one for the whole system. */
extern struct tome_shm_ns *mm_shm;
void mm_start(void);

/* What a new space starts with. */
struct mm_start {
	struct tome_map *map;
	uint64_t brk, data_bytes;
};

/* RLIMITs, or the right to lock, changed: tell the space of the caller's p. */
void mm_limits_changed(struct process *p);

#endif
