/*
 * oom.h - running out of memory.
 */
#ifndef KERNEL_OOM_H
#define KERNEL_OOM_H

#include <stdbool.h>
#include <stddef.h>

/* From now on who finds no memory has somebody killed. */
void oom_start(void);

/*
 * A fault of the caller could not be met. True: try it again, some memory may
 * be free now. False: the caller's process is to end. May sleep.
 */
bool out_of_memory(void);
/* The same of a group that is at its limit: only who is in it may be killed. False: nobody
 * can be, or it is the caller. */
struct group;
bool out_of_room(const struct group *);

/* Little memory is left: have some pages leave. False: there is enough, or none can. */
bool oom_make_room(void);

/* tome_kmalloc() where a failure could not be told: NULL only to who is to end. */
void *patient_alloc(size_t);

#endif
