/*
 * oom.h - running out of memory.
 */
#ifndef KERNEL_OOM_H
#define KERNEL_OOM_H

#include <abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/*
 * scarce.c: with `scarce=N` on the command line every N-th allocation (at random; `scarce=N,seed`)
 * on behalf of a call fails, with `scarce` alone each of every call's in turn; the call
 * is then done again as if room had been made.
 */
bool scarce_is_on(void);
void scarce_begin(void);	/* a call begins */
bool scarce_again(void);	/* one has failed for that: the same again */
bool scarce_repeat(void);	/* the call has: it begins again */
void scarce_tell(void);		/* at the end: how many failed */
void scarce_end(void);		/* nothing fails from here */

/* Of an error: it was a lack of memory, and some has been made or freed since. For the
 * middle of a call, where what is done already is told instead. */
static inline bool
oom_again(int64_t err)
{
	return __builtin_expect(err == -ENOMEM, 0) && oom_make_room();
}

/* The same after an effect that cannot be undone: whoever has most is killed for it.
 * False: another error, or the caller is to end. */
static inline bool
oom_insist(int64_t err)
{
	return __builtin_expect(err == -ENOMEM, 0) &&
	    (oom_make_room() || out_of_memory());
}

/* tome_kmalloc() where a failure could not be told: NULL only to who is to end. */
void *patient_alloc(size_t);

#endif
