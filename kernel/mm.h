/*
 * mm.h - what the kernel adds to layer 7 of Tome: limits, files, faults.
 */
#ifndef KERNEL_MM_H
#define KERNEL_MM_H

#include <tome/io.h>
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

/*
 * A transfer of so much begins: what is read is read for the current task, and a fault
 * that has to read is a major one. (getrusage(2).)
 */
void mm_transfer(const struct tome_io *, uint64_t bytes);
/* Major faults of all tasks since the start. */
uint64_t mm_major_faults(void);

/* RLIMITs, or the right to lock, changed: tell the space of the caller's p. */
void mm_limits_changed(struct process *p);

#endif
