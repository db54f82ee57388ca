/*
 * posix_i.h - struct tome_posix, for the files of layer 7.
 *
 * Lock: `lock`, a sleeping one of rank POSIX, held across calls to layer 5
 * where the break or the lock-all flag must not change between look and act.
 */
#ifndef TOME_POSIX_POSIX_I_H
#define TOME_POSIX_POSIX_I_H

#include <base/memory.h>
#include <map/map_i.h>
#include <posix/abi.h>
#include <tome/posix.h>

struct tome_posix {
	struct tome_vm *vm;
	struct tome_map *map;
	struct tome_shm_ns *shm;
	tome_va_t brk_start;
	uint64_t data_bytes, max_entries;
	struct tome_mutex lock;
	/* Under lock to write; read anywhere. */
	tome_va_t brk;
	struct tome_posix_limits limits;
	bool lock_future, lock_onfault;
};

/* As the system call returns it. */
static inline long
tome_posix_result(enum tome_err err)
{
	return -(long)err;
}

static inline bool
tome_posix_aligned(tome_va_t va)
{
	return (va & TOME_PAGE_MASK) == 0;
}

static inline void
tome_posix_lock(struct tome_posix *p)
{
	tome_mutex_lock(p->vm, &p->lock, TOME_RANK_POSIX);
}

static inline void
tome_posix_unlock(struct tome_posix *p)
{
	tome_mutex_unlock(p->vm, &p->lock, TOME_RANK_POSIX);
}

/* The size of the space: Linux's TASK_SIZE. */
static inline tome_va_t
tome_posix_top(const struct tome_posix *p)
{
	return p->map->hi;
}

/* Does [va, va+len) lie in what user addresses can be (access_ok)? */
static inline bool
tome_posix_in_space(const struct tome_posix *p, tome_va_t va, tome_va_t len)
{
	return len <= tome_posix_top(p) && va <= tome_posix_top(p) - len;
}

/* May this process lock at all (can_do_mlock)? */
bool tome_posix_may_lock(const struct tome_posix *);
/* Flags that a mapping made now gets because of mlockall(MCL_FUTURE). */
unsigned tome_posix_future_flags(const struct tome_posix *);
/* How much the space has mapped, and in how many entries. */
uint64_t tome_posix_pages(struct tome_posix *);
uint64_t tome_posix_entries(struct tome_posix *);
/* Is anything mapped in [va, va+len)? */
bool tome_posix_occupied(struct tome_posix *, tome_va_t, tome_va_t len);

/*
 * The pieces of [*at, end) in order, each clipped to the range. False: no more.
 * *hole is set when a gap was crossed, at the end too.
 */
bool tome_posix_piece(struct tome_posix *, tome_va_t *at, tome_va_t end,
    struct tome_region *out, bool *hole);

/* Something may have been detached: segments to go with it go. */
void tome_shm_sweep(struct tome_shm_ns *);

#endif
