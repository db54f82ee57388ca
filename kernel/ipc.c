/*
 * ipc.c - what System V's semaphores and message queues have in common.
 *
 * Invariant: an object is linked until it is gone; its memory goes with the last who
 *   waited for it.
 * Locks: ipc_lock, a sleeping lock.
 */
#include <abi.h>
#include <ipc.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

struct mutex ipc_lock;

int64_t
ipc_now(void)
{
	return (int64_t)(clock_wall_ns() / 1000000000u);
}

static bool
is_member(const struct cred *c, uint32_t gid)
{
	for (uint32_t i = 0; i < c->ngroups; i++)
		if (c->group[i] == gid)
			return true;
	return c->egid == gid;
}

static bool
may(const struct ipc *i, unsigned want)
{
	const struct cred *c = &current_process()->cred;
	unsigned bits = i->perm.mode;

	if (c->euid == i->perm.uid || c->euid == i->perm.cuid)
		bits >>= 6;
	else if (is_member(c, i->perm.gid) || is_member(c, i->perm.cgid))
		bits >>= 3;
	return (want & ~bits & 7) == 0 || cred_can(c, CAP_IPC_OWNER);
}

static bool
owns(const struct ipc *i)
{
	const struct cred *c = &current_process()->cred;

	return c->euid == i->perm.uid || c->euid == i->perm.cuid ||
	    cred_can(c, CAP_SYS_ADMIN);
}

static struct ipc *
by_key(struct ipc_kind *k, int32_t key)
{
	struct ipc *i;

	list_each(i, &k->all, link)
		if (key != 0 && i->perm.key == key)
			return i;
	return NULL;
}

static int64_t
make(struct ipc_kind *k, int32_t key, int flags, uint64_t size)
{
	const struct cred *c = &current_process()->cred;
	struct ipc *i;

	if (k->n == IPC_MAX)
		return -ENOSPC;
	i = k->make(size);
	if (i == NULL)
		return -ENOMEM;
	i->id = k->last_id++;
	i->perm = (struct ipc_perm){
		.key = key, .uid = c->euid, .gid = c->egid, .cuid = c->euid,
		.cgid = c->egid, .mode = (uint32_t)flags & 0777,
	};
	i->changed = ipc_now();
	i->refs = 1;
	list_add_tail(&k->all, &i->link);
	k->n++;
	return i->id;
}

int64_t
ipc_get(struct ipc_kind *k, int32_t key, int flags, uint64_t size,
    bool (*fits)(const struct ipc *, uint64_t size))
{
	struct ipc *i = by_key(k, key);
	unsigned want = (unsigned)flags;

	if (i == NULL)
		return key == 0 || (flags & IPC_CREAT) ?
		    make(k, key, flags, size) : -ENOENT;
	if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
		return -EEXIST;
	if (!may(i, (want >> 6 | want >> 3 | want) & 7))
		return -EACCES;
	return fits(i, size) ? i->id : -EINVAL;
}

struct ipc *
ipc_find(struct ipc_kind *k, int id, unsigned want, int64_t *err)
{
	struct ipc *i;

	*err = -EINVAL;
	list_each(i, &k->all, link) {
		if (i->id != id)
			continue;
		if (may(i, want))
			return i;
		*err = -EACCES;
	}
	return NULL;
}

int
ipc_highest(const struct ipc_kind *k)
{
	return k->n == 0 ? 0 : k->last_id - 1;
}

int64_t
ipc_set(struct ipc *i, const struct ipc_perm *to)
{
	if (!owns(i))
		return -EPERM;
	i->perm.uid = to->uid;
	i->perm.gid = to->gid;
	i->perm.mode = (i->perm.mode & ~0777u) | (to->mode & 0777);
	i->changed = ipc_now();
	return 0;
}

void
ipc_changed(struct ipc *i)
{
	atomic_fetch_add(&i->event, 1);
	word_wake(&i->event, UINT32_MAX);
}

static void
put(struct ipc_kind *k, struct ipc *i)
{
	if (--i->refs == 0)
		k->free(i);
}

int64_t
ipc_remove(struct ipc_kind *k, struct ipc *i)
{
	if (!owns(i))
		return -EPERM;
	list_remove(&i->link);
	k->n--;
	i->gone = true;
	ipc_changed(i);
	put(k, i);
	return 0;
}

int64_t
ipc_wait(struct ipc_kind *k, struct ipc *i, uint64_t deadline)
{
	uint32_t seen = i->event;
	enum wake_reason why;
	int64_t err = 0;

	i->refs++;
	mutex_unlock(&ipc_lock);
	why = word_wait(&i->event, seen, deadline, true);
	mutex_lock(&ipc_lock);
	if (i->gone)
		err = -EIDRM;
	else if (why == WAKE_TIMEOUT)
		err = -EAGAIN;
	else if (why == WAKE_INTERRUPTED)
		err = -EINTR;
	put(k, i);
	return err;
}
