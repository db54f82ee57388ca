/*
 * inode.c - inodes: lifetime, rights, attributes; and ubuf, what is copied.
 *
 * Invariant: an inode's number is unique among all; 1 is never given out.
 */
#include <caches.h>
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

static struct tome_cache *inodes;
static _Atomic uint64_t last_ino = 1;

int
ubuf_put(struct ubuf b, uint64_t off, const void *src, size_t n)
{
	if (b.map != NULL)
		return -(int)tome_copyout(b.map, b.addr + off, src, n);
	memcpy((char *)(uintptr_t)b.addr + off, src, n);
	return 0;
}

int
ubuf_get(struct ubuf b, uint64_t off, void *dst, size_t n)
{
	if (b.map != NULL)
		return -(int)tome_copyin(b.map, dst, b.addr + off, n);
	memcpy(dst, (const char *)(uintptr_t)b.addr + off, n);
	return 0;
}

#ifdef MACHINE_WINDOWS
/* A window may not be held across a fault of the other side: by way of here. */
#define BOUNCE 256u

int
ubuf_put_far(struct ubuf to, uint64_t off, tome_pfn_t pfn, size_t at, size_t n)
{
	char some[BOUNCE], *page;
	size_t done, part;
	int err = 0;

	for (done = 0; done < n && err == 0; done += part) {
		part = n - done < BOUNCE ? n - done : BOUNCE;
		page = tome_frame_window(the_vm, pfn);
		memcpy(some, page + at + done, part);
		tome_frame_window_end(the_vm, pfn, page);
		err = ubuf_put(to, off + done, some, part);
	}
	return err;
}

int
ubuf_get_far(struct ubuf from, uint64_t off, tome_pfn_t pfn, size_t at,
    size_t n)
{
	char some[BOUNCE], *page;
	size_t done, part;
	int err = 0;

	for (done = 0; done < n && err == 0; done += part) {
		part = n - done < BOUNCE ? n - done : BOUNCE;
		err = ubuf_get(from, off + done, some, part);
		if (err != 0)
			break;
		page = tome_frame_window(the_vm, pfn);
		memcpy(page + at + done, some, part);
		tome_frame_window_end(the_vm, pfn, page);
	}
	return err;
}
#endif

int
ubuf_zero(struct ubuf b, uint64_t off, size_t n)
{
	if (b.map != NULL)
		return -(int)tome_user_zero(b.map, b.addr + off, n);
	memset((char *)(uintptr_t)b.addr + off, 0, n);
	return 0;
}

uint64_t
wall_ns(void)
{
	return clock_wall_ns();
}

void
inode_start(void)
{
	inodes = cache_new("inode", sizeof(struct inode));
}

struct inode *
inode_new(const struct filesystem *fs, const struct inode_ops *ops,
    uint32_t mode)
{
	struct inode *i = tome_cache_alloc(inodes);
	uint64_t now = wall_ns();

	if (i == NULL)
		return NULL;
	*i = (struct inode){
		.ops = ops, .fs = fs, .refs = 1, .nlink = 1, .mode = mode,
		.ino = atomic_fetch_add(&last_ino, 1) + 1,
		.atime = now, .mtime = now, .ctime = now,
	};
	return i;
}

void
inode_ref(struct inode *i)
{
	atomic_fetch_add(&i->refs, 1);
}

void
inode_unref(struct inode *i)
{
	if (i == NULL || atomic_fetch_sub(&i->refs, 1) != 1)
		return;
	if (i->ops->destroy != NULL)
		i->ops->destroy(i);
	tome_cache_free(inodes, i);
}

static bool
in_group(const struct cred *c, uint32_t gid)
{
	for (unsigned n = 0; n < c->ngroups; n++)
		if (c->group[n] == gid)
			return true;
	return c->fsgid == gid;
}

int
inode_access(struct inode *i, const struct cred *c, unsigned want)
{
	uint32_t mode = i->mode, allowed = mode;

	if (c->fsuid == 0) {
		/* Root: anything, but execution needs some execute bit. */
		bool any = (mode & 0111) != 0 || inode_is(i, S_IFDIR);

		return (want & 1) && !any ? -EACCES : 0;
	}
	if (c->fsuid == i->uid)
		allowed = mode >> 6;
	else if (in_group(c, i->gid))
		allowed = mode >> 3;
	return (want & ~allowed & 7) != 0 ? -EACCES : 0;
}

void
inode_stat(struct inode *i, struct stat *st)
{
	uint64_t size = i->size;

	*st = (struct stat){
		.dev = i->fs->dev, .ino = i->ino, .nlink = i->nlink,
		.mode = i->mode, .uid = i->uid, .gid = i->gid, .rdev = i->rdev,
		.size = (int64_t)size, .blksize = 4096,
		.atime = i->atime / 1000000000u,
		.atime_nsec = i->atime % 1000000000u,
		.mtime = i->mtime / 1000000000u,
		.mtime_nsec = i->mtime % 1000000000u,
		.ctime = i->ctime / 1000000000u,
		.ctime_nsec = i->ctime % 1000000000u,
	};
	if (i->ops->stat != NULL)
		i->ops->stat(i, st);
	else if (inode_is(i, S_IFREG) && i->ops->resize != NULL)
		st->blocks = (int64_t)(tome_object_resident(i->object) * 8);
}

static bool
owns(struct inode *i)
{
	const struct cred *c = &current_process()->cred;

	return c->fsuid == 0 || c->fsuid == i->uid;
}

/* The store first, then what we know. */
static int
set(struct inode *i, unsigned what, const struct inode_attr *to)
{
	int err = 0;

	mutex_lock(&i->lock);
	if (i->ops->cached && i->ops->set == NULL)
		err = -EROFS;
	else if (i->ops->set != NULL)
		err = i->ops->set(i, what, to);
	if (err == 0 && (what & ATTR_MODE))
		i->mode = (i->mode & S_IFMT) | (to->mode & 07777);
	if (err == 0 && (what & ATTR_UID))
		i->uid = to->uid;
	if (err == 0 && (what & ATTR_GID))
		i->gid = to->gid;
	if (err == 0 && (what & ATTR_ATIME))
		i->atime = to->atime;
	if (err == 0 && (what & ATTR_MTIME))
		i->mtime = to->mtime;
	if (err == 0)
		i->ctime = wall_ns();
	mutex_unlock(&i->lock);
	if (err == 0)
		inotify_tell_inode(i, IN_ATTRIB);
	return err;
}

int
inode_set_mode(struct inode *i, uint32_t mode)
{
	const struct inode_attr to = { .mode = mode };

	return owns(i) ? set(i, ATTR_MODE, &to) : -EPERM;
}

int
inode_set_owner(struct inode *i, uint32_t uid, uint32_t gid)
{
	const struct cred *c = &current_process()->cred;
	unsigned what = (uid != UINT32_MAX ? ATTR_UID : 0) |
	    (gid != UINT32_MAX ? ATTR_GID : 0);
	struct inode_attr to = { .uid = uid, .gid = gid };

	if (c->fsuid != 0 &&
	    ((uid != UINT32_MAX && uid != i->uid) || c->fsuid != i->uid ||
	    (gid != UINT32_MAX && !in_group(c, gid))))
		return -EPERM;
	if (!inode_is(i, S_IFDIR)) {
		to.mode = i->mode & ~(uint32_t)(S_ISUID | S_ISGID);
		what |= ATTR_MODE;
	}
	return set(i, what, &to);
}

int
inode_set_times(struct inode *i, uint64_t atime, uint64_t mtime, bool now)
{
	unsigned what = (atime != UINT64_MAX ? ATTR_ATIME : 0) |
	    (mtime != UINT64_MAX ? ATTR_MTIME : 0);
	const struct inode_attr to = { .atime = atime, .mtime = mtime };

	if (!owns(i) && !now)
		return -EPERM;
	if (!owns(i) && inode_access(i, &current_process()->cred, 2) != 0)
		return -EACCES;
	return set(i, what, &to);
}

int
inode_truncate(struct inode *i, uint64_t size)
{
	int err = i->ops->cached ? -EROFS : -EINVAL;

	if (inode_is(i, S_IFDIR))
		return -EISDIR;
	mutex_lock(&i->lock);
	if (i->ops->resize != NULL) {
		err = (int)tome_posix_may_resize(i->seals, i->size, size);
		if (err == 0)
			err = i->ops->resize(i, size);
	}
	if (err == 0)
		i->mtime = i->ctime = wall_ns();
	mutex_unlock(&i->lock);
	return err;
}
