/*
 * file.c - open files: opening, reading, writing, directories.
 *
 * Invariant: a file holds a reference on its inode and on its dentry. Its
 *   position moves only under pos_lock.
 */
#include <caches.h>
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <process.h>

static struct tome_cache *files_cache;

void
file_start(void)
{
	files_cache = cache_new("file", sizeof(struct file));
}

struct file *
file_new(const struct file_ops *ops, struct inode *inode,
    struct dentry *dentry, uint32_t flags)
{
	struct file *f = tome_cache_alloc(files_cache);

	if (f == NULL)
		return NULL;
	*f = (struct file){.refs = 1, .flags = flags, .ops = ops,
		.inode = inode, .dentry = dentry,
		.readable = (flags & O_ACCMODE) != O_WRONLY &&
		    !(flags & O_PATH),
		.writable = (flags & O_ACCMODE) != O_RDONLY &&
		    !(flags & O_PATH),
	};
	inode_ref(inode);
	if (dentry != NULL)
		dentry_ref(dentry);
	return f;
}

void
file_ref(struct file *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
}

void
file_unref(struct file *f)
{
	if (f == NULL || atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	if (f->watched)
		epoll_forget(f);
	file_locks_drop(f, f);
	if (!(f->flags & O_PATH))
		inotify_tell_file(f->dentry, f->writable ? IN_CLOSE_WRITE :
		    IN_CLOSE_NOWRITE);
	if (f->ops->release != NULL)
		f->ops->release(f);
	inode_unref(f->inode);
	dentry_unref(f->dentry);
	tome_cache_free(files_cache, f);
}

static unsigned
wanted_access(uint32_t flags)
{
	static const unsigned want[] = {4, 2, 6, 6};

	return want[flags & O_ACCMODE] | ((flags & O_TRUNC) ? 2 : 0);
}

static int
open_check(struct inode *i, uint32_t flags)
{
	if ((flags & O_DIRECTORY) && !inode_is(i, S_IFDIR))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (inode_is(i, S_IFLNK))
		return -ELOOP;
	if (inode_is(i, S_IFDIR) && (wanted_access(flags) & 2))
		return -EISDIR;
	return inode_access(i, &current_process()->cred, wanted_access(flags));
}

int
file_open_dentry(struct dentry *d, uint32_t flags, struct file **out)
{
	int err = open_check(d->inode, flags);

	return err != 0 ? err : file_open_unasked(d, flags, out);
}

int
file_open_unasked(struct dentry *d, uint32_t flags, struct file **out)
{
	struct inode *i = d->inode;
	struct file *f;
	int err = 0;

	f = file_new(i->ops->file, i, d, flags &
	    ~(uint32_t)(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC | O_NOCTTY));
	if (f == NULL)
		return -ENOMEM;
	if (!(flags & O_PATH) && i->ops->open != NULL) {
		f->flags |= flags & O_NOCTTY;
		err = i->ops->open(i, f);
		f->flags &= ~(uint32_t)O_NOCTTY;
	}
	if (err == 0 && (flags & O_TRUNC) && inode_is(i, S_IFREG) &&
	    i->ops->resize != NULL && !(flags & O_PATH))
		err = inode_truncate(i, 0);
	if (err != 0) {
		static const struct file_ops closed = {.name = "closed"};

		f->ops = &closed;	/* it never opened: no release */
		file_unref(f);
		return err;
	}
	if (!(flags & O_PATH))
		inotify_tell_file(d, IN_OPEN);
	*out = f;
	return 0;
}

/* What open(2) leads to: the file that is there, or a new one. */
static int
open_walked(struct walk *w, uint32_t flags, uint32_t mode, struct file **out)
{
	struct dentry *d = w->dentry;
	int err;

	if (!(flags & O_CREAT) || d != NULL) {
		if (d == NULL)
			return -ENOENT;
		if ((flags & O_CREAT) && (flags & O_EXCL))
			return -EEXIST;
		if ((flags & O_CREAT) && inode_is(d->inode, S_IFDIR))
			return -EISDIR;
		return file_open_dentry(d, flags, out);
	}
	err = vfs_create(w, S_IFREG | (mode & 07777), 0, &d);
	if (err != 0)
		return err;
	/* The creator may write even what its own mode forbids. */
	do
		err = file_open_unasked(d, flags & ~(uint32_t)O_TRUNC, out);
	while (oom_insist(err));
	dentry_unref(d);
	return err;
}

int
file_open(struct dentry *base, const char *path, uint32_t flags,
    uint32_t mode, struct file **out)
{
	unsigned how = (flags & O_CREAT) ? WALK_PARENT : 0;
	struct walk w;
	int err;

	if ((flags & (uint32_t)O_TMPFILE & ~(uint32_t)O_DIRECTORY) != 0)
		return -EOPNOTSUPP;
	if (!(flags & O_NOFOLLOW) && !((flags & O_CREAT) && (flags & O_EXCL)))
		how |= WALK_FOLLOW;
	do {
		err = walk_path(base, path, how, &w);
		if (err != 0)
			return err;
		err = open_walked(&w, flags, mode, out);
		walk_end(&w);
		/* Someone else created it meanwhile: open that one. */
	} while (err == -EEXIST && !(flags & O_EXCL));
	return err;
}

#define COUNT_MAX ((size_t)0x7ffff000)

typedef int64_t transfer_fn(struct file *, struct ubuf, size_t, uint64_t *);

/* At the file's own position, which moves; or where there is none. */
static int64_t
transfer_here(struct file *f, transfer_fn *fn, struct ubuf b, size_t n)
{
	int64_t done;

	if (!f->ops->seekable)
		return fn(f, b, n, &f->pos);
	mutex_lock(&f->pos_lock);
	done = fn(f, b, n, &f->pos);
	mutex_unlock(&f->pos_lock);
	return done;
}

static inline int64_t
transfer(struct file *f, transfer_fn *fn, struct ubuf b, size_t n,
    uint64_t *pos)
{
	if (__builtin_expect(fn == NULL, 0))
		return inode_is(f->inode, S_IFDIR) ? -EISDIR : -EINVAL;
	if (n > COUNT_MAX)
		n = COUNT_MAX;
	if (pos == NULL)
		return transfer_here(f, fn, b, n);
	return f->ops->seekable ? fn(f, b, n, pos) : -ESPIPE;
}

int64_t
file_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	return f->readable ? transfer(f, f->ops->read, to, n, pos) : -EBADF;
}

int64_t
file_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	int64_t done = f->writable ? transfer(f, f->ops->write, from, n, pos) :
	    -EBADF;

	if (done > 0)
		inotify_tell_file(f->dentry, IN_MODIFY);
	return done;
}

unsigned
file_poll(struct file *f)
{
	if (f->ops->poll != NULL)
		return f->ops->poll(f);
	return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
}

/* "kind:[inode]", but where the kind says all. */
void
file_name(struct file *f, char *buf, size_t size)
{
	if (strchr(f->ops->name, '[') != NULL)
		strlcpy(buf, f->ops->name, size);
	else
		snprintf(buf, size, "%s:[%lu]", f->ops->name,
		    (unsigned long)f->inode->ino);
}

char *
file_path(struct file *f, struct dentry *root, char *buf, size_t size)
{
	if (f->dentry != NULL)
		return dentry_path(f->dentry, root, buf, size);
	file_name(f, buf, size);
	return buf;
}

/* ---- directories ---- */

bool
dir_emit(struct dir_sink *s, const char *name, uint64_t ino, uint32_t mode,
    uint64_t next)
{
	union {
		struct dirent64 e;
		char bytes[sizeof(struct dirent64) + NAME_MAX + 1 + 8];
	} entry;
	size_t n = strlen(name), len;

	len = (offsetof(struct dirent64, name) + n + 1 + 7) & ~(size_t)7;
	if (s->full || len > s->size - s->used) {
		s->full = true;
		return false;
	}
	memset(&entry, 0, len);
	entry.e = (struct dirent64){.ino = ino, .off = (int64_t)next,
		.reclen = (uint16_t)len, .type = (uint8_t)((mode >> 12) & 15)};
	memcpy(entry.e.name, name, n);
	if (ubuf_put(s->to, s->used, &entry, len) != 0) {
		s->full = true;
		return false;
	}
	s->used += len;
	return true;
}

/*
 * One name from the tree after position *pos, copied while the tree is locked:
 * copying to the user happens outside.
 */
static bool
next_child(struct dentry *dir, uint64_t *pos, char *name, uint64_t *ino,
    uint32_t *mode)
{
	struct dentry *d;
	bool found = false;

	mutex_lock(&tree_lock);
	list_each(d, &dir->children, sibling) {
		if (d->cookie + 2 <= *pos)
			continue;
		strlcpy(name, d->name, NAME_MAX + 1);
		*ino = d->inode->ino;
		*mode = d->inode->mode;
		*pos = d->cookie + 2;
		found = true;
		break;
	}
	mutex_unlock(&tree_lock);
	return found;
}

/* Positions: 0 is ".", 1 is "..", then cookies, then what readdir adds. */
#define POS_EXTRA ((uint64_t)1 << 40)

static void
read_tree(struct file *f, struct dir_sink *s)
{
	struct dentry *dir = f->dentry;
	struct dentry *up = dir->parent != NULL ? dir->parent : dir;
	char name[NAME_MAX + 1];
	uint64_t next, ino;
	uint32_t mode;

	if (f->pos == 0 && dir_emit(s, ".", dir->inode->ino, S_IFDIR, 1))
		f->pos = 1;
	if (f->pos == 1 && dir_emit(s, "..", up->inode->ino, S_IFDIR, 2))
		f->pos = 2;
	while (!s->full && f->pos < POS_EXTRA) {
		next = f->pos;
		if (!next_child(dir, &next, name, &ino, &mode)) {
			f->pos = POS_EXTRA;
			break;
		}
		if (dir_emit(s, name, ino, mode, next))
			f->pos = next;
	}
}

int64_t
file_readdir(struct file *f, struct dir_sink *s)
{
	uint64_t extra;
	int err = 0;

	if (f->dentry == NULL || !inode_is(f->inode, S_IFDIR))
		return -ENOTDIR;
	mutex_lock(&f->pos_lock);
	if (f->ops->readdir != NULL)
		err = f->ops->readdir(f, s, &f->pos);
	else
		read_tree(f, s);
	if (!s->full && f->inode->ops->readdir != NULL) {
		extra = f->pos - POS_EXTRA;
		err = f->inode->ops->readdir(f->dentry, s, &extra);
		f->pos = extra + POS_EXTRA;
	}
	mutex_unlock(&f->pos_lock);
	if (s->used == 0 && s->full)
		return -EINVAL;
	return err != 0 ? err : (int64_t)s->used;
}
