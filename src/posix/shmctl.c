/*
 * shmctl.c - shmctl, and its structures in Linux's layout: its words
 * are C's longs, but of times, which have 64 bits everywhere.
 *
 * User memory is read before the table is locked and written after.
 */
#include <posix/shm.h>

typedef unsigned long word;
typedef int64_t stamp __attribute__((aligned(4)));

struct perm64 {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad[sizeof(word) / 2 - 1];
	word unused[2];
};

struct shmid64 {
	struct perm64 perm;
	word size;
	stamp atime, dtime, ctime;
	int32_t cpid, lpid;
	word attached, unused[2];
};

struct shminfo64 {
	word max, min, segments, per_process, all, unused[4];
};

struct shm_info64 {
	word used, pages, resident, swapped, attempts, successes;
};

_Static_assert(sizeof(struct shmid64) == (sizeof(word) == 8 ? 112 : 84),
    "struct shmid64_ds");
_Static_assert(sizeof(struct shminfo64) == 9 * sizeof(word),
    "struct shminfo64");
_Static_assert(sizeof(struct shm_info64) == 6 * sizeof(word),
    "struct shm_info");

static long stat(struct tome_posix *, const struct tome_cred *, int id,
    int cmd, tome_va_t buf);
static long set(struct tome_posix *, const struct tome_cred *, int id,
    tome_va_t buf);
static long remove_segment(struct tome_shm_ns *, const struct tome_cred *,
    int id);
static long lock_segment(struct tome_posix *, const struct tome_cred *, int id,
    bool lock);
static long limits(struct tome_posix *, tome_va_t buf);
static long usage(struct tome_posix *, tome_va_t buf);

tome_cold long
tome_posix_shmctl(struct tome_posix *p, const struct tome_cred *cred, int id,
    int cmd, tome_va_t buf)
{
	if (p->shm == NULL)
		return tome_posix_result(TOME_ENOSYS);
	if (cmd < 0 || id < 0)
		return tome_posix_result(TOME_EINVAL);
	switch (cmd) {
	case IPC_INFO:
		return limits(p, buf);
	case SHM_INFO:
		return usage(p, buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return stat(p, cred, id, cmd, buf);
	case IPC_SET:
		return set(p, cred, id, buf);
	case IPC_RMID:
		return remove_segment(p->shm, cred, id);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return lock_segment(p, cred, id, cmd == SHM_LOCK);
	default:
		return tome_posix_result(TOME_EINVAL);
	}
}

static tome_cold long
put(struct tome_posix *p, tome_va_t buf, const void *from, size_t n,
    long result)
{
	return tome_copyout(p->map, buf, from, n) == TOME_OK ? result :
	    tome_posix_result(TOME_EFAULT);
}

/* ---- one segment ---- */

static tome_cold void
describe(const struct tome_segment *s, struct shmid64 *out)
{
	*out = (struct shmid64){
		.perm = { .key = s->key, .uid = s->uid, .gid = s->gid,
		    .cuid = s->cuid, .cgid = s->cgid, .mode = s->mode,
		    .seq = (uint16_t)(s->id >> TOME_SHM_INDEX_BITS) },
		.size = s->size, .atime = s->atime, .dtime = s->dtime,
		.ctime = s->ctime, .cpid = s->cpid, .lpid = s->lpid,
		.attached = tome_shm_attached(s) };
}

static tome_cold struct tome_segment *
at_index(struct tome_shm_ns *ns, int index)
{
	return (unsigned)index < ns->end ? ns->table[index] : NULL;
}

static tome_noinline long
stat(struct tome_posix *p, const struct tome_cred *cred, int id, int cmd,
    tome_va_t buf)
{
	struct tome_shm_ns *ns = p->shm;
	struct tome_segment *s;
	struct shmid64 ds;
	long result = 0;

	tome_shm_lock(ns);
	s = cmd == IPC_STAT ? tome_shm_find(ns, id) : at_index(ns, id);
	if (s == NULL) {
		result = tome_posix_result(TOME_EINVAL);
	} else if (cmd != SHM_STAT_ANY && !tome_shm_permits(s, cred, 0444)) {
		result = tome_posix_result(TOME_EACCES);
	} else {
		describe(s, &ds);
		result = cmd == IPC_STAT ? 0 : s->id;
	}
	tome_shm_unlock(ns);
	return result < 0 ? result : put(p, buf, &ds, sizeof ds, result);
}

/* The segment, if the caller may change it; else NULL and why. */
static tome_cold struct tome_segment *
owned(struct tome_shm_ns *ns, const struct tome_cred *cred, int id, long *why)
{
	struct tome_segment *s = tome_shm_find(ns, id);

	*why = s == NULL ? tome_posix_result(TOME_EINVAL) :
	    tome_shm_owns(s, cred) ? 0 : tome_posix_result(TOME_EPERM);
	return *why == 0 ? s : NULL;
}

static tome_noinline long
set(struct tome_posix *p, const struct tome_cred *cred, int id, tome_va_t buf)
{
	struct tome_segment *s;
	struct shmid64 ds;
	long result;

	if (tome_copyin(p->map, &ds, buf, sizeof ds) != TOME_OK)
		return tome_posix_result(TOME_EFAULT);
	tome_shm_lock(p->shm);
	s = owned(p->shm, cred, id, &result);
	if (s != NULL) {
		s->uid = ds.perm.uid;
		s->gid = ds.perm.gid;
		s->mode = (s->mode & ~0777u) | (ds.perm.mode & 0777);
		s->ctime = cred->now;
	}
	tome_shm_unlock(p->shm);
	return result;
}

static tome_cold long
remove_segment(struct tome_shm_ns *ns, const struct tome_cred *cred, int id)
{
	struct tome_segment *s;
	long result;

	tome_shm_lock(ns);
	s = owned(ns, cred, id, &result);
	if (s != NULL)
		tome_shm_remove(ns, s);
	tome_shm_unlock(ns);
	return result;
}

/* Nothing is paged out yet: the mark is what there is to keep. */
static tome_cold long
lock_segment(struct tome_posix *p, const struct tome_cred *cred, int id,
    bool lock)
{
	struct tome_segment *s;
	long result = 0;

	tome_shm_lock(p->shm);
	s = tome_shm_find(p->shm, id);
	if (s == NULL)
		result = tome_posix_result(TOME_EINVAL);
	else if (!p->limits.may_lock && (!tome_shm_owns(s, cred) ||
	    (lock && p->limits.memlock == 0)))
		result = tome_posix_result(TOME_EPERM);
	else if (lock)
		s->mode |= SHM_LOCKED;
	else
		s->mode &= ~SHM_LOCKED;
	tome_shm_unlock(p->shm);
	return result;
}

/* ---- all of them; both return the highest index in use ---- */

static tome_cold long
highest(const struct tome_shm_ns *ns)
{
	return ns->end > 0 ? (long)ns->end - 1 : 0;
}

static tome_noinline long
limits(struct tome_posix *p, tome_va_t buf)
{
	struct tome_shm_ns *ns = p->shm;
	struct shminfo64 info = { .max = ns->config.max_bytes, .min = 1,
		.segments = ns->config.max_segments,
		.per_process = ns->config.max_segments,
		.all = ns->config.all_pages };
	long result;

	tome_shm_lock(ns);
	result = highest(ns);
	tome_shm_unlock(ns);
	return put(p, buf, &info, sizeof info, result);
}

static tome_noinline long
usage(struct tome_posix *p, tome_va_t buf)
{
	struct tome_shm_ns *ns = p->shm;
	struct shm_info64 info = { 0 };
	long result;

	tome_shm_lock(ns);
	info.used = (int32_t)ns->used;
	info.pages = ns->pages;
	for (unsigned i = 0; i < ns->end; i++)
		if (ns->table[i] != NULL)
			info.resident +=
			    tome_object_resident(ns->table[i]->object);
	result = highest(ns);
	tome_shm_unlock(ns);
	return put(p, buf, &info, sizeof info, result);
}
