/*
 * tmpfs.c - files whose content is an anonymous object of Tome's.
 *
 * The tree of dentries is the directory; here are only inodes. read() and
 * write() copy straight between the object's pinned page and user memory, so a
 * mapping of the same object sees them at once.
 *
 * Invariant: the object's size equals the inode's.
 */
#include <fs/vfs.h>
#include <group.h>
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <process.h>
#include <tome/ledger.h>

static int tmpfs_create(struct inode *, uint32_t, uint64_t, struct inode **);
static int tmpfs_resize(struct inode *, uint64_t);
static int tmpfs_readlink(struct dentry *, char *, size_t, struct dentry **);
static int tmpfs_open(struct inode *, struct file *);
static void tmpfs_destroy(struct inode *);
static int64_t tmpfs_read(struct file *, struct ubuf, size_t, uint64_t *);
static int64_t tmpfs_write(struct file *, struct ubuf, size_t, uint64_t *);
static int tmpfs_object(struct file *, struct tome_object **);

static const struct filesystem tmpfs = {
	.name = "tmpfs", .magic = 0x01021994, .dev = 1, .options = "rw",
};
static const struct filesystem rootfs = {
	.name = "rootfs", .magic = 0x01021994, .dev = 2, .options = "rw",
};
static const struct filesystem devtmpfs = {
	.name = "devtmpfs", .magic = 0x01021994, .dev = 3, .options = "rw",
};

static const struct file_ops tmpfs_file = {
	.read = tmpfs_read, .write = tmpfs_write, .object = tmpfs_object,
	.seekable = true,
};
static const struct file_ops tmpfs_directory = { .seekable = true };

static const struct inode_ops tmpfs_ops = {
	.file = &tmpfs_file, .create = tmpfs_create, .resize = tmpfs_resize,
	.readlink = tmpfs_readlink, .open = tmpfs_open,
	.destroy = tmpfs_destroy,
};

/* Takes over the object's reference. */
static struct inode *
inode_with(const struct filesystem *fs, uint32_t mode,
    struct tome_object *object)
{
	struct inode *i = inode_new(fs, &tmpfs_ops, mode);

	if (i == NULL) {
		if (object != NULL)
			tome_object_unref(object);
		return NULL;
	}
	if (object != NULL) {
		i->object = object;
		i->size = tome_object_size(object);
		/*
		 * /proc/pid/maps tells the object's id: let it be the inode's.
		 */
		i->ino = OBJECT_INO | tome_object_id(object);
	}
	return i;
}

static int
inode_in(const struct filesystem *fs, uint32_t mode, uint64_t rdev,
    struct inode **out)
{
	struct tome_object *object = NULL;

	if ((mode & S_IFMT) == S_IFREG && tome_object_create_anon(the_vm, 0,
	    NULL, 0, &object) != TOME_OK)
		return -ENOMEM;
	*out = inode_with(fs, mode, object);
	if (*out == NULL)
		return -ENOMEM;
	(*out)->rdev = rdev;
	return 0;
}

struct inode *
tmpfs_inode_of(struct tome_object *object)
{
	return inode_with(&tmpfs, S_IFREG | 0777, object);
}

static int
tmpfs_create(struct inode *dir, uint32_t mode, uint64_t rdev,
    struct inode **out)
{
	return inode_in(dir->fs, mode, rdev, out);
}

struct dentry *
tmpfs_root(const char *name)
{
	const struct filesystem *fs = &tmpfs;
	struct inode *i;

	if (strcmp(name, "rootfs") == 0)
		fs = &rootfs;
	else if (strcmp(name, "devtmpfs") == 0)
		fs = &devtmpfs;
	if (inode_in(fs, S_IFDIR | (fs == &tmpfs ? 01777 : 0755), 0, &i) != 0)
		return NULL;
	return dentry_new(NULL, "", i);
}

static void
tmpfs_destroy(struct inode *i)
{
	if (inode_is(i, S_IFREG) && i->object != NULL) {
		tome_object_unref(i->object);	/* mappings may outlive it */
	} else if (inode_is(i, S_IFLNK)) {
		tome_kfree(the_vm, i->target);
	} else if (inode_is(i, S_IFIFO)) {
		pipe_destroy(i->pipe);
	}
}

static int
tmpfs_open(struct inode *i, struct file *f)
{
	switch (i->mode & S_IFMT) {
	case S_IFDIR:
		f->ops = &tmpfs_directory;
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		return device_open(i, f);
	case S_IFIFO:
		return fifo_open(i, f);
	case S_IFREG:
		return 0;
	default:
		return -ENXIO;
	}
}

static int
tmpfs_readlink(struct dentry *d, char *buf, size_t size, struct dentry **jump)
{
	(void)jump;
	strlcpy(buf, d->inode->target, size);
	return 0;
}

static int
tmpfs_resize(struct inode *i, uint64_t size)
{
	enum tome_err err;

	if (!inode_is(i, S_IFREG))
		return -EINVAL;
	if (size > INT64_MAX)
		return -EFBIG;
	err = tome_object_resize(i->object, size);
	if (err == TOME_OK)
		i->size = size;
	return -(int)err;
}

static int
tmpfs_object(struct file *f, struct tome_object **out)
{
	tome_object_ref(f->inode->object);
	*out = f->inode->object;
	return 0;
}

/* One page's share of a read: straight from the page, holes are zero. */
static inline int
read_page(struct inode *i, uint64_t at, struct ubuf to, uint64_t off, size_t n)
{
	tome_pfn_t pfn;
	enum tome_err err;
	int result;

	err = tome_object_get(i->object, at >> TOME_PAGE_SHIFT, false, &pfn);
	if (err == TOME_ENOENT)
		return ubuf_zero(to, off, n);
	if (err != TOME_OK)
		return -(int)err;
	result = ubuf_put_frame(to, off, pfn, at & TOME_PAGE_MASK, n);
	tome_object_put(i->object, pfn, false);
	return result;
}

static int
write_page(struct inode *i, uint64_t at, struct ubuf from, uint64_t off,
    size_t n)
{
	struct tome_map *payer = group_payer();
	tome_pgoff_t pg = at >> TOME_PAGE_SHIFT;
	tome_pfn_t pfn;
	enum tome_err err;
	int result;

	err = payer == NULL ? tome_object_get(i->object, pg, true, &pfn) :
	    tome_ledger_get(payer, i->object, pg, true, &pfn);
	if (err != TOME_OK)
		return -(int)err;
	result = ubuf_get_frame(from, off, pfn, at & TOME_PAGE_MASK, n);
	tome_object_put(i->object, pfn, true);
	return result;
}

static size_t
page_share(uint64_t at, size_t n)
{
	size_t room = TOME_PAGE_SIZE - (at & TOME_PAGE_MASK);

	return n < room ? n : room;
}

/* Over several pages. A truncation that comes between ends the read. */
static int64_t
read_pages(struct inode *i, struct ubuf to, size_t n, uint64_t *pos)
{
	uint64_t at = *pos;
	size_t done, part;
	int err = 0;

	for (done = 0; done < n; done += part) {
		part = page_share(at + done, n - done);
		do
			err = read_page(i, at + done, to, done, part);
		while (oom_again(err));
		if (err != 0)
			break;
	}
	*pos = at + done;
	return done > 0 || err == -ENXIO ? (int64_t)done : err;
}

static int64_t
tmpfs_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	struct inode *i = f->inode;
	uint64_t at = *pos, size = i->size;
	int err;

	if (at >= size)
		return 0;
	if (n > size - at)
		n = size - at;
	if (n > TOME_PAGE_SIZE - (at & TOME_PAGE_MASK))
		return read_pages(i, to, n, pos);
	err = read_page(i, at, to, 0, n);
	if (err != 0)
		return err == -ENXIO ? 0 : err;
	*pos = at + n;
	return (int64_t)n;
}

static int64_t
write_locked(struct inode *i, struct ubuf from, size_t n, uint64_t *pos)
{
	uint64_t at = *pos, end = at + n;
	size_t done, part;
	int err = i->seals == 0 ? 0 :
	    (int)tome_posix_may_write(i->seals, end, i->size);

	if (err == 0 && end > i->size)
		err = tmpfs_resize(i, end);
	if (err != 0)
		return err;
	for (done = 0; done < n; done += part) {
		part = page_share(at + done, n - done);
		do
			err = write_page(i, at + done, from, done, part);
		while (oom_again(err));
		if (err != 0)
			break;
	}
	*pos = at + done;
	i->mtime = i->ctime = wall_ns();
	return done > 0 ? (int64_t)done : err == -ENOMEM ? -ENOSPC : err;
}

static int64_t
tmpfs_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	struct inode *i = f->inode;
	int64_t done;
	uint64_t was;

	if (n == 0)
		return 0;
	mutex_lock(&i->lock);
	was = i->size;
	if (f->flags & O_APPEND)
		*pos = was;
	if (*pos + n < n || *pos + n > INT64_MAX)
		done = -EFBIG;
	else
		done = write_locked(i, from, n, pos);
	/* What was made room for and could not be written is not there. */
	if (i->size > was && i->size > *pos &&
	    (done < 0 || (size_t)done < n))
		(void)tmpfs_resize(i, *pos > was ? *pos : was);
	mutex_unlock(&i->lock);
	return done;
}
