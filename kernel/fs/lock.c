/*
 * lock.c - advisory locks: of records (fcntl), of whole files (flock).
 *
 * An owner is a descriptor table, as POSIX's processes are; of flock's, an open
 * file. The two kinds do not see each other. An inode's locks
 * lie in a list; those of one owner do not overlap, and touching ones of one
 * kind are left as they are.
 * Locks: one for all lists. Waiters sleep on one count of releases.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

struct file_lock {
	struct file_lock *next;
	const void *owner;
	uint64_t start, end;		/* end: the last byte */
	int type, pid;
	bool whole;			/* flock */
};

static struct mutex locks_lock;
static _Atomic uint32_t released;

/* The range of a request, from its whence. */
static int
resolve(struct file *f, const struct flock *l, struct file_lock *out)
{
	int64_t base = l->whence == SEEK_CUR ? (int64_t)f->pos :
	    l->whence == SEEK_END ? (int64_t)f->inode->size : 0;
	int64_t start;

	if (l->whence < SEEK_SET || l->whence > SEEK_END)
		return -EINVAL;
	if (__builtin_add_overflow(base, l->start, &start))
		return -EOVERFLOW;
	if (l->len < 0) {
		out->end = (uint64_t)start - 1;
		start += l->len;
	} else {
		out->end = l->len == 0 ? INT64_MAX :
		    (uint64_t)start + (uint64_t)l->len - 1;
	}
	if (start < 0)
		return -EINVAL;
	out->start = (uint64_t)start;
	out->type = l->type;
	out->owner = current_task()->files;
	out->pid = current_process()->pid;
	out->whole = false;
	return 0;
}

static bool
overlaps(const struct file_lock *a, const struct file_lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static struct file_lock *
conflict(struct inode *i, const struct file_lock *want)
{
	struct file_lock *l;

	for (l = i->locks; l != NULL; l = l->next)
		if (l->owner != want->owner && l->whole == want->whole &&
		    overlaps(l, want) &&
		    (l->type == F_WRLCK || want->type == F_WRLCK))
			return l;
	return NULL;
}

/*
 * Cut `want` out of what its owner has. A lock that sticks out at both ends
 * leaves two: the spare becomes the second.
 */
static void
carve(struct inode *i, const struct file_lock *want, struct file_lock **spare)
{
	struct file_lock **p = &i->locks, *l;

	while ((l = *p) != NULL) {
		bool before = l->start < want->start;
		bool after = l->end > want->end;

		if (l->owner != want->owner || !overlaps(l, want)) {
			p = &l->next;
			continue;
		}
		if (before && after) {
			struct file_lock *second = *spare;

			*spare = NULL;
			*second = *l;
			second->start = want->end + 1;
			l->next = second;
			l->end = want->start - 1;
			p = &second->next;
		} else if (before) {
			l->end = want->start - 1;
			p = &l->next;
		} else if (after) {
			l->start = want->end + 1;
			p = &l->next;
		} else {
			*p = l->next;
			tome_kfree(the_vm, l);
		}
	}
}

static void
tell_waiters(void)
{
	atomic_fetch_add(&released, 1);
	word_wake(&released, UINT32_MAX);
}

/* 0, -EAGAIN: in the way of another's, -ENOMEM. */
static int
set(struct inode *i, const struct file_lock *want)
{
	struct file_lock *spare = tome_kmalloc(the_vm, sizeof *spare);
	struct file_lock *new = tome_kmalloc(the_vm, sizeof *new);
	int err = spare == NULL || new == NULL ? -ENOMEM : 0;

	mutex_lock(&locks_lock);
	if (err == 0 && want->type != F_UNLCK && conflict(i, want) != NULL)
		err = -EAGAIN;
	if (err == 0) {
		carve(i, want, &spare);
		if (want->type != F_UNLCK) {
			*new = *want;
			new->next = i->locks;
			i->locks = new;
			new = NULL;
		}
	}
	mutex_unlock(&locks_lock);
	tome_kfree(the_vm, spare);
	tome_kfree(the_vm, new);
	if (err == 0)
		tell_waiters();
	return err;
}

static int64_t
set_or_wait(struct inode *i, const struct file_lock *want, bool wait)
{
	uint32_t seen;
	int err;

	for (;;) {
		seen = released;
		err = set(i, want);
		if (err != -EAGAIN || !wait)
			return err;
		if (word_wait(&released, seen, TOME_FOREVER, true) ==
		    WAKE_INTERRUPTED)
			return -ERESTART;
	}
}

static void
get(struct inode *i, const struct file_lock *want, struct flock *out)
{
	const struct file_lock *l;

	mutex_lock(&locks_lock);
	l = conflict(i, want);
	out->type = l == NULL ? F_UNLCK : (int16_t)l->type;
	if (l != NULL) {
		out->whence = SEEK_SET;
		out->start = (int64_t)l->start;
		out->len = l->end == INT64_MAX ? 0 :
		    (int64_t)(l->end - l->start + 1);
		out->pid = l->pid;
	}
	mutex_unlock(&locks_lock);
}

int64_t
file_lock_call(struct file *f, unsigned cmd, struct flock *l)
{
	struct file_lock want;
	uint32_t mode = f->flags & O_ACCMODE;
	int err;

	if (l->type < F_RDLCK || l->type > F_UNLCK)
		return -EINVAL;
	err = resolve(f, l, &want);
	if (err != 0)
		return err;
	if (cmd == F_GETLK) {
		get(f->inode, &want, l);
		return 0;
	}
	if ((l->type == F_RDLCK && mode == O_WRONLY) ||
	    (l->type == F_WRLCK && mode == O_RDONLY))
		return -EBADF;
	return set_or_wait(f->inode, &want, cmd == F_SETLKW);
}

enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };

int64_t
file_flock(struct file *f, unsigned op)
{
	const bool wait = !(op & LOCK_NB);
	struct file_lock want = {.owner = f, .end = INT64_MAX, .whole = true,
		.pid = current_process()->pid};

	switch (op & ~(unsigned)LOCK_NB) {
	case LOCK_SH:
		want.type = F_RDLCK;
		break;
	case LOCK_EX:
		want.type = F_WRLCK;
		break;
	case LOCK_UN:
		want.type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	return set_or_wait(f->inode, &want, wait);
}

/* Closing any descriptor of a file drops all its owner's locks on it. */
void
file_locks_drop(struct file *f, const void *owner)
{
	const struct file_lock all = {.owner = owner, .end = INT64_MAX};
	struct file_lock *none = NULL;

	if (f->inode->locks == NULL)
		return;
	mutex_lock(&locks_lock);
	carve(f->inode, &all, &none);
	mutex_unlock(&locks_lock);
	tell_waiters();
}
