/*
 * ipc.h - what System V's semaphores and message queues have in common: numbers, keys,
 * rights, and an end that those who wait hear of.
 *
 * Locks: ipc_lock over all of it.
 */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include <abi.h>
#include <list.h>
#include <stdbool.h>
#include <stdint.h>
#include <sync.h>

enum { IPC_CREAT = 01000, IPC_EXCL = 02000, IPC_NOWAIT = 04000 };
enum { IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO };
#define IPC_MAX 32000u

/* Seconds since 1970 in the structures; where words have 32 bits, two of them. */
typedef int64_t ipc_time __attribute__((aligned(4)));

/* struct ipc64_perm */
struct ipc_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad[ABI_WORDS_32 ? 1 : 3];
	abi_ulong unused[2];
};

struct ipc {
	struct list link;		/* of its kind; not once it is gone */
	int id;
	struct ipc_perm perm;
	int64_t changed;		/* seconds since 1970 */
	uint32_t refs;			/* one while it is not gone; who waits */
	bool gone;
	_Atomic uint32_t event;		/* raised with each change */
};
struct ipc_kind {
	struct list all;
	int last_id;
	unsigned n;
	struct ipc *(*make)(uint64_t size);	/* all zero but its own */
	void (*free)(struct ipc *);
};
extern struct mutex ipc_lock;

int64_t ipc_now(void);
/* The following with ipc_lock held. Find by key, or make; its id. `fits` says whether what is
 * there serves for this size. */
int64_t ipc_get(struct ipc_kind *, int32_t key, int flags, uint64_t size,
    bool (*fits)(const struct ipc *, uint64_t size));
/* NULL and *err: EINVAL, or EACCES where `want` (4 to read, 2 to change) is not allowed. */
struct ipc *ipc_find(struct ipc_kind *, int id, unsigned want, int64_t *err);
/* The highest id, for *_INFO. */
int ipc_highest(const struct ipc_kind *);
/* EPERM to whom it does not belong. */
int64_t ipc_set(struct ipc *, const struct ipc_perm *);
int64_t ipc_remove(struct ipc_kind *, struct ipc *);
void ipc_changed(struct ipc *);
/*
 * Wait until it changes; the lock is let go meanwhile. 0, or why not to go on: EIDRM,
 * EAGAIN at the deadline, EINTR.
 */
int64_t ipc_wait(struct ipc_kind *, struct ipc *, uint64_t deadline);

/* The process ended: what its semaphore operations were to have undone. */
void sem_exit(int pid);

#endif
