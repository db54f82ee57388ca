/*
 * shm.h - System V segments, for shm.c and shmctl.c.
 *
 * Lock: ns->lock, sleeping, of rank POSIX; never together with a space's. Held
 * across calls to layers 4 and 5, but not across access to user memory.
 */
#ifndef TOME_POSIX_SHM_H
#define TOME_POSIX_SHM_H

#include <posix/posix_i.h>

/* An id is a number in the table and, above it, a sequence number. */
#define TOME_SHM_INDEX_BITS 15
#define TOME_SHM_INDEXES (1u << TOME_SHM_INDEX_BITS)
#define TOME_SHM_SEQ_MAX 0xffffu

struct tome_segment {
	struct tome_object *object;	/* one reference; each attachment has
					 * one of its own: their count */
	uint64_t object_id;
	int id;
	int32_t key;
	uint32_t mode, uid, gid, cuid, cgid;
	uint64_t size;			/* bytes, as asked */
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
};

struct tome_shm_ns {
	struct tome_vm *vm;
	struct tome_shm_config config;
	struct tome_mutex lock;
	/* Under lock. */
	struct tome_segment **table;	/* config.max_segments */
	unsigned used;			/* segments there are */
	unsigned end;			/* no index from here on is in use */
	uint32_t seq;
	uint64_t pages;			/* of all segments */
	_Atomic uint32_t dying;		/* segments marked SHM_DEST */
};

void tome_shm_lock(struct tome_shm_ns *);
void tome_shm_unlock(struct tome_shm_ns *);

/* ---- ns locked ---- */

struct tome_segment *tome_shm_find(struct tome_shm_ns *, int id);
uint64_t tome_shm_attached(const struct tome_segment *);
uint64_t tome_shm_pages(const struct tome_segment *);
/* Has the caller the rights of this mode (any of its three groups)? */
bool tome_shm_permits(const struct tome_segment *, const struct tome_cred *,
    uint32_t mode);
bool tome_shm_owns(const struct tome_segment *, const struct tome_cred *);
/* IPC_RMID: at once, or with the last detach. */
void tome_shm_remove(struct tome_shm_ns *, struct tome_segment *);

#endif
