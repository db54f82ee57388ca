/*
 * path_calls.c - system calls on paths.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <oom.h>
#include <process.h>
#include <syscall.h>

/* A path of the caller's, and where a relative one starts. */
struct at {
	char *path;
	struct fd dir;
	struct dentry *base;		/* NULL: the working directory */
};

static int
at_begin(struct at *at, int dirfd, uint64_t user)
{
	int err = path_in(user, &at->path);

	at->base = NULL;
	at->dir = (struct fd){NULL, false};
	if (err != 0 || dirfd == AT_FDCWD || at->path[0] == '/')
		return err;
	at->dir = fd_borrow(dirfd);
	if (at->dir.file == NULL || (at->dir.file->dentry == NULL &&
	    at->path[0] != '\0')) {
		err = at->dir.file == NULL ? -EBADF : -ENOTDIR;
		if (at->dir.file != NULL)
			fd_return(at->dir);
		path_free(at->path);
		return err;
	}
	at->base = at->dir.file->dentry;
	return 0;
}

static void
at_end(struct at *at)
{
	if (at->dir.file != NULL)
		fd_return(at->dir);
	path_free(at->path);
}

/* What the path names, counted; with AT_EMPTY_PATH "" is the descriptor. */
static int
at_inode(int dirfd, uint64_t user, unsigned flags, struct inode **out)
{
	unsigned how = (flags & AT_SYMLINK_NOFOLLOW) ? 0 : WALK_FOLLOW;
	struct dentry *d;
	struct at at;
	int err = at_begin(&at, dirfd, user);

	if (err != 0)
		return err;
	if (at.path[0] == '\0' && (flags & AT_EMPTY_PATH) &&
	    at.dir.file != NULL) {
		*out = at.dir.file->inode;
		inode_ref(*out);
		at_end(&at);
		return 0;
	}
	if (flags & AT_EMPTY_PATH)
		how |= WALK_EMPTY;
	err = path_lookup(at.base, at.path, how, &d);
	at_end(&at);
	if (err == 0) {
		*out = d->inode;
		inode_ref(*out);
		dentry_unref(d);
	}
	return err;
}

static int
fd_inode(int fd, struct inode **out)
{
	struct fd f = fd_borrow(fd);

	if (f.file == NULL)
		return -EBADF;
	*out = f.file->inode;
	inode_ref(*out);
	fd_return(f);
	return 0;
}

/* ---- open ---- */

static int64_t
open_at(int dirfd, uint64_t user, uint32_t flags, uint32_t mode)
{
	struct file *f;
	struct at at;
	int fd, err = fd_room(1);

	if (err == 0)
		err = at_begin(&at, dirfd, user);
	if (err != 0)
		return err;
	err = file_open(at.base, at.path, flags, mode, &f);
	at_end(&at);
	if (err != 0)
		return err;
	do
		fd = fd_install(f, 0, flags & O_CLOEXEC);
	while (oom_insist(fd));
	if (fd < 0)
		file_unref(f);
	return fd;
}

SYSCALL(open)
{
	return open_at(AT_FDCWD, a[0], (uint32_t)a[1], (uint32_t)a[2]);
}

SYSCALL(openat)
{
	return open_at((int)a[0], a[1], (uint32_t)a[2], (uint32_t)a[3]);
}

SYSCALL(creat)
{
	return open_at(AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC,
	    (uint32_t)a[1]);
}

/* ---- attributes ---- */

static int64_t
stat_out(struct inode *i, uint64_t user)
{
	struct stat st;

	inode_stat(i, &st);
	inode_unref(i);
	return copy_out(user, &st, sizeof st);
}

SYSCALL(newfstatat)
{
	struct inode *i;
	int err = at_inode((int)a[0], a[1], (unsigned)a[3], &i);

	return err != 0 ? err : stat_out(i, a[2]);
}

SYSCALL(stat)
{
	struct inode *i;
	int err = at_inode(AT_FDCWD, a[0], 0, &i);

	return err != 0 ? err : stat_out(i, a[1]);
}

SYSCALL(lstat)
{
	struct inode *i;
	int err = at_inode(AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW, &i);

	return err != 0 ? err : stat_out(i, a[1]);
}

SYSCALL(fstat)
{
	struct inode *i;
	int err = fd_inode((int)a[0], &i);

	return err != 0 ? err : stat_out(i, a[1]);
}

SYSCALL(statx)
{
	struct statx x = {.mask = STATX_BASIC_STATS};
	struct inode *i;
	struct stat st;
	int err = at_inode((int)a[0], a[1], (unsigned)a[2], &i);

	if (err != 0)
		return err;
	inode_stat(i, &st);
	inode_unref(i);
	x.blksize = (uint32_t)st.blksize;
	x.nlink = (uint32_t)st.nlink;
	x.uid = st.uid;
	x.gid = st.gid;
	x.mode = (uint16_t)st.mode;
	x.ino = st.ino;
	x.size = (uint64_t)st.size;
	x.blocks = (uint64_t)st.blocks;
	x.atime.sec = (int64_t)st.atime;
	x.atime.nsec = (uint32_t)st.atime_nsec;
	x.mtime.sec = (int64_t)st.mtime;
	x.mtime.nsec = (uint32_t)st.mtime_nsec;
	x.ctime.sec = (int64_t)st.ctime;
	x.ctime.nsec = (uint32_t)st.ctime_nsec;
	x.rdev_major = (uint32_t)(st.rdev >> 8);
	x.rdev_minor = (uint32_t)(st.rdev & 255);
	x.dev_minor = (uint32_t)st.dev;
	return copy_out(a[4], &x, sizeof x);
}

static int64_t
statfs_out(struct inode *i, uint64_t user)
{
	struct tome_stats s;
	struct statfs out = {
		.type = (int64_t)i->fs->magic, .bsize = TOME_PAGE_SIZE,
		.namelen = NAME_MAX, .frsize = TOME_PAGE_SIZE,
		.fsid = {(int32_t)i->fs->dev, 0},
	};
	int err = 0;

	tome_vm_stats(the_vm, &s);
	if (i->ops->statfs != NULL) {
		err = i->ops->statfs(i, &out);
	} else if (i->ops->create != NULL) {
		out.blocks = s.frames_total;
		out.bfree = out.bavail = s.frames_free;
		out.files = s.frames_total;
		out.ffree = s.frames_free;
	}
	inode_unref(i);
	return err != 0 ? err : copy_out(user, &out, sizeof out);
}

SYSCALL(statfs)
{
	struct inode *i;
	int err = at_inode(AT_FDCWD, a[0], 0, &i);

	return err != 0 ? err : statfs_out(i, a[1]);
}

SYSCALL(fstatfs)
{
	struct inode *i;
	int err = fd_inode((int)a[0], &i);

	return err != 0 ? err : statfs_out(i, a[1]);
}

/* access(2) asks with the real ids. */
static int64_t
access_at(int dirfd, uint64_t user, unsigned mode, unsigned flags)
{
	struct cred c = current_process()->cred;
	struct inode *i;
	int err;

	if (mode > 7)
		return -EINVAL;
	if (!(flags & 0x200)) {		/* AT_EACCESS */
		c.fsuid = c.uid;
		c.fsgid = c.gid;
	}
	err = at_inode(dirfd, user, flags & ~0x200u, &i);
	if (err != 0)
		return err;
	err = inode_access(i, &c, mode);
	inode_unref(i);
	return err;
}

SYSCALL(access)
{
	return access_at(AT_FDCWD, a[0], (unsigned)a[1], 0);
}

SYSCALL(faccessat)
{
	return access_at((int)a[0], a[1], (unsigned)a[2], 0);
}

SYSCALL(faccessat2)
{
	return access_at((int)a[0], a[1], (unsigned)a[2], (unsigned)a[3]);
}

static int64_t
chmod_at(int dirfd, uint64_t user, uint32_t mode)
{
	struct inode *i;
	int err = at_inode(dirfd, user, 0, &i);

	if (err != 0)
		return err;
	err = inode_set_mode(i, mode);
	inode_unref(i);
	return err;
}

SYSCALL(chmod)
{
	return chmod_at(AT_FDCWD, a[0], (uint32_t)a[1]);
}

SYSCALL(fchmodat)
{
	return chmod_at((int)a[0], a[1], (uint32_t)a[2]);
}

SYSCALL(fchmod)
{
	struct inode *i;
	int err = fd_inode((int)a[0], &i);

	if (err != 0)
		return err;
	err = inode_set_mode(i, (uint32_t)a[1]);
	inode_unref(i);
	return err;
}

static int64_t
chown_at(int dirfd, uint64_t user, uint64_t uid, uint64_t gid, unsigned flags)
{
	struct inode *i;
	int err = at_inode(dirfd, user, flags, &i);

	if (err != 0)
		return err;
	err = inode_set_owner(i, (uint32_t)uid, (uint32_t)gid);
	inode_unref(i);
	return err;
}

SYSCALL(chown)
{
	return chown_at(AT_FDCWD, a[0], a[1], a[2], 0);
}

SYSCALL(lchown)
{
	return chown_at(AT_FDCWD, a[0], a[1], a[2], AT_SYMLINK_NOFOLLOW);
}

SYSCALL(fchownat)
{
	return chown_at((int)a[0], a[1], a[2], a[3], (unsigned)a[4]);
}

SYSCALL(fchown)
{
	struct inode *i;
	int err = fd_inode((int)a[0], &i);

	if (err != 0)
		return err;
	err = inode_set_owner(i, (uint32_t)a[1], (uint32_t)a[2]);
	inode_unref(i);
	return err;
}

/* *now: both are to be the time it is, which takes no more than to write. */
static int
times_in(uint64_t user, uint64_t ns[2], bool *now)
{
	struct timespec ts[2];
	int err;

	ns[0] = ns[1] = wall_ns();
	*now = user == 0;
	if (user == 0)
		return 0;
	err = timespecs_in(ts, user, 2);
	*now = err == 0 && ts[0].nsec == UTIME_NOW && ts[1].nsec == UTIME_NOW;
	for (int n = 0; n < 2 && err == 0; n++)
		if (ts[n].nsec == UTIME_OMIT)
			ns[n] = UINT64_MAX;
		else if (ts[n].nsec != UTIME_NOW)
			err = timespec_ns(&ts[n], &ns[n]);
	return err;
}

SYSCALL(utimensat)
{
	struct inode *i;
	uint64_t ns[2];
	bool now;
	int err = times_in(a[2], ns, &now);

	if (err != 0)
		return err;
	err = a[1] == 0 ? fd_inode((int)a[0], &i) :
	    at_inode((int)a[0], a[1], (unsigned)a[3], &i);
	if (err != 0)
		return err;
	err = inode_set_times(i, ns[0], ns[1], now);
	inode_unref(i);
	return err;
}

SYSCALL(truncate)
{
	struct inode *i;
	int err;

	if ((int64_t)a[1] < 0)
		return -EINVAL;
	err = at_inode(AT_FDCWD, a[0], 0, &i);
	if (err != 0)
		return err;
	err = inode_access(i, &current_process()->cred, 2);
	if (err == 0)
		err = inode_truncate(i, a[1]);
	inode_unref(i);
	return err;
}

/* ---- names ---- */

static int64_t
mknod_at(int dirfd, uint64_t user, uint32_t mode, uint64_t rdev)
{
	struct at at;
	int err = at_begin(&at, dirfd, user);

	if (err != 0)
		return err;
	err = vfs_mknod(at.base, at.path, mode, rdev);
	at_end(&at);
	return err;
}

SYSCALL(mkdir)
{
	return mknod_at(AT_FDCWD, a[0], S_IFDIR | (a[1] & 01777), 0);
}

SYSCALL(mkdirat)
{
	return mknod_at((int)a[0], a[1], S_IFDIR | (a[2] & 01777), 0);
}

static int64_t
node_at(int dirfd, uint64_t user, uint32_t mode, uint64_t rdev)
{
	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (!cred_can(&current_process()->cred, CAP_MKNOD))
			return -EPERM;
		break;
	default:
		return (mode & S_IFMT) == S_IFDIR ? -EPERM : -EINVAL;
	}
	return mknod_at(dirfd, user, mode, rdev);
}

SYSCALL(mknod)
{
	return node_at(AT_FDCWD, a[0], (uint32_t)a[1], (uint32_t)a[2]);
}

SYSCALL(mknodat)
{
	return node_at((int)a[0], a[1], (uint32_t)a[2], (uint32_t)a[3]);
}

static int64_t
unlink_at(int dirfd, uint64_t user, bool directory)
{
	struct at at;
	int err = at_begin(&at, dirfd, user);

	if (err != 0)
		return err;
	err = vfs_unlink(at.base, at.path, directory);
	at_end(&at);
	return err;
}

SYSCALL(unlink)
{
	return unlink_at(AT_FDCWD, a[0], false);
}

SYSCALL(rmdir)
{
	return unlink_at(AT_FDCWD, a[0], true);
}

SYSCALL(unlinkat)
{
	if (a[2] & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	return unlink_at((int)a[0], a[1], a[2] != 0);
}

static int64_t
rename_at(int from_fd, uint64_t from, int to_fd, uint64_t to, unsigned flags)
{
	struct at f, t;
	int err = at_begin(&f, from_fd, from);

	if (err != 0)
		return err;
	err = at_begin(&t, to_fd, to);
	if (err == 0) {
		err = vfs_rename(f.base, f.path, t.base, t.path, flags);
		at_end(&t);
	}
	at_end(&f);
	return err;
}

SYSCALL(rename)
{
	return rename_at(AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

SYSCALL(renameat)
{
	return rename_at((int)a[0], a[1], (int)a[2], a[3], 0);
}

SYSCALL(renameat2)
{
	return rename_at((int)a[0], a[1], (int)a[2], a[3], (unsigned)a[4]);
}

static int64_t
link_at(int from_fd, uint64_t from, int to_fd, uint64_t to, unsigned flags)
{
	struct dentry *d = NULL;
	struct at f, t;
	int err = at_begin(&f, from_fd, from);

	if (err != 0)
		return err;
	err = path_lookup(f.base, f.path,
	    (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
	    (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &d);
	at_end(&f);
	if (err == 0 && (err = at_begin(&t, to_fd, to)) == 0) {
		err = vfs_link(d, t.base, t.path);
		at_end(&t);
	}
	dentry_unref(d);
	return err;
}

SYSCALL(link)
{
	return link_at(AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

SYSCALL(linkat)
{
	return link_at((int)a[0], a[1], (int)a[2], a[3], (unsigned)a[4]);
}

static int64_t
symlink_at(uint64_t target, int dirfd, uint64_t user)
{
	char *text;
	struct at at;
	int err = path_in(target, &text);

	if (err != 0)
		return err;
	err = at_begin(&at, dirfd, user);
	if (err == 0) {
		err = vfs_symlink(text, at.base, at.path);
		at_end(&at);
	}
	path_free(text);
	return err;
}

SYSCALL(symlink)
{
	return symlink_at(a[0], AT_FDCWD, a[1]);
}

SYSCALL(symlinkat)
{
	return symlink_at(a[0], (int)a[1], a[2]);
}

static int64_t
link_text(struct dentry *d, uint64_t user, uint64_t size)
{
	struct dentry *jump = NULL, *root = current_task()->fs->root;
	char *buf = tome_kmalloc(the_vm, PATH_MAX), *text = buf;
	size_t n;
	int64_t err;

	if (buf == NULL)
		return -ENOMEM;
	buf[0] = '\0';
	mutex_lock(&tree_lock);
	err = d->inode->ops->readlink(d, buf, PATH_MAX, &jump);
	mutex_unlock(&tree_lock);
	/* A link that leads somewhere without a text of its own: its path. */
	if (err == 0 && buf[0] == '\0' && jump != NULL)
		text = dentry_path(jump, root, buf, PATH_MAX);
	dentry_unref(jump);
	if (text == NULL)
		err = -ENAMETOOLONG;
	if (err == 0) {
		n = strlen(text);
		if (n > size)
			n = size;
		err = copy_out(user, text, n);
		if (err == 0)
			err = (int64_t)n;
	}
	tome_kfree(the_vm, buf);
	return err;
}

static int64_t
readlink_at(int dirfd, uint64_t user, uint64_t out, uint64_t size)
{
	struct dentry *d;
	struct at at;
	int64_t err;

	if ((int)size <= 0)
		return -EINVAL;
	err = at_begin(&at, dirfd, user);
	if (err != 0)
		return err;
	err = path_lookup(at.base, at.path, at.base != NULL ? WALK_EMPTY : 0,
	    &d);
	at_end(&at);
	if (err != 0)
		return err;
	err = inode_is(d->inode, S_IFLNK) ? link_text(d, out, size) : -EINVAL;
	dentry_unref(d);
	return err;
}

SYSCALL(readlink)
{
	return readlink_at(AT_FDCWD, a[0], a[1], a[2]);
}

SYSCALL(readlinkat)
{
	return readlink_at((int)a[0], a[1], a[2], a[3]);
}

/* ---- where the caller is ---- */

static int
enterable(struct dentry *d)
{
	if (!inode_is(d->inode, S_IFDIR))
		return -ENOTDIR;
	return inode_access(d->inode, &current_process()->cred, 1);
}

static int64_t
change(uint64_t user, void (*set)(struct fs *, struct dentry *))
{
	struct dentry *d;
	struct at at;
	int err = at_begin(&at, AT_FDCWD, user);

	if (err != 0)
		return err;
	err = path_lookup(NULL, at.path, WALK_FOLLOW, &d);
	at_end(&at);
	if (err != 0)
		return err;
	err = enterable(d);
	if (err == 0)
		set(current_task()->fs, d);
	else
		dentry_unref(d);
	return err;
}

SYSCALL(chdir)
{
	return change(a[0], fs_set_cwd);
}

SYSCALL(chroot)
{
	return !cred_can(&current_process()->cred, CAP_SYS_CHROOT) ? -EPERM :
	    change(a[0], fs_set_root);
}

SYSCALL(fchdir)
{
	struct fd f = fd_borrow((int)a[0]);
	int err;

	if (f.file == NULL)
		return -EBADF;
	err = f.file->dentry == NULL ? -ENOTDIR : enterable(f.file->dentry);
	if (err == 0) {
		dentry_ref(f.file->dentry);
		fs_set_cwd(current_task()->fs, f.file->dentry);
	}
	fd_return(f);
	return err;
}

SYSCALL(getcwd)
{
	struct fs *fs = current_task()->fs;
	char *buf = tome_kmalloc(the_vm, PATH_MAX), *path;
	int64_t n = -ENOENT;

	if (buf == NULL)
		return -ENOMEM;
	path = dentry_path(fs->cwd, fs->root, buf, PATH_MAX);
	if (path == NULL)
		n = -ERANGE;
	else if (!fs->cwd->unlinked) {
		n = (int64_t)strlen(path) + 1;
		if ((uint64_t)n > a[1])
			n = -ERANGE;
		else if (copy_out(a[0], path, (size_t)n) != 0)
			n = -EFAULT;
	}
	tome_kfree(the_vm, buf);
	return n;
}

SYSCALL(umask)
{
	return atomic_exchange(&current_task()->fs->umask, a[0] & 0777);
}

/* ---- mounts ---- */

#define MS_RDONLY 1u
#define MS_REMOUNT 0x20u
#define MS_BIND 0x1000u
#define MS_PROPAGATION 0x1e0000u

static struct dentry *
new_root(const char *type)
{
	static const struct {
		const char *type;
		struct dentry *(*root)(void);
	} known[] = {
		{"proc", procfs_root}, {"sysfs", sysfs_root},
		{"devtmpfs", devfs_root},
	};

	for (size_t n = 0; n < sizeof known / sizeof known[0]; n++)
		if (strcmp(type, known[n].type) == 0)
			return known[n].root();
	return tmpfs_root("tmpfs");
}

static bool
is_known(const char *type)
{
	static const char *const types[] = {
		"proc", "sysfs", "devtmpfs", "tmpfs", "ramfs", "9p",
	};

	for (size_t n = 0; n < sizeof types / sizeof types[0]; n++)
		if (strcmp(type, types[n]) == 0)
			return true;
	return false;
}

static int64_t
name_in(uint64_t user, char *name, size_t size, int too_long)
{
	size_t len;
	enum tome_err err = tome_copyin_string(current_map(), name, user, size,
	    &len);

	return err == TOME_ENAMETOOLONG ? too_long : -(int)err;
}

/* The source counts for 9p alone: the tag of a share. */
static int64_t
mount_new(struct dentry *where, const uint64_t *a)
{
	char type[32], tag[32];
	struct dentry *root;
	int64_t err = name_in(a[2], type, sizeof type, -ENODEV);

	if (err == 0 && !is_known(type))
		err = -ENODEV;
	if (err == 0 && strcmp(type, "9p") == 0)
		err = name_in(a[0], tag, sizeof tag, -ENOENT);
	else if (err == 0)
		return vfs_mount(where, new_root(type));
	if (err != 0)
		return err;
	err = p9fs_root(tag, !(a[3] & MS_RDONLY), &root);
	return err != 0 ? err : vfs_mount(where, root);
}

SYSCALL(mount)
{
	unsigned flags = (unsigned)a[3];
	struct dentry *where;
	char *path;
	int64_t err;

	if (!cred_can(&current_process()->cred, CAP_SYS_ADMIN))
		return -EPERM;
	err = path_in(a[1], &path);
	if (err != 0)
		return err;
	err = path_lookup(NULL, path, WALK_FOLLOW, &where);
	path_free(path);
	if (err != 0)
		return err;
	if (!inode_is(where->inode, S_IFDIR))
		err = -ENOTDIR;
	else if (flags & MS_BIND)
		err = -EINVAL;
	else if ((flags & (MS_REMOUNT | MS_PROPAGATION)) == 0)
		err = mount_new(where, a);
	dentry_unref(where);
	return err;
}

SYSCALL(umount2)
{
	struct dentry *d;
	char *path;
	int err;

	if (!cred_can(&current_process()->cred, CAP_SYS_ADMIN))
		return -EPERM;
	err = path_in(a[0], &path);
	if (err != 0)
		return err;
	err = path_lookup(NULL, path, WALK_FOLLOW, &d);
	path_free(path);
	if (err != 0)
		return err;
	err = vfs_unmount(d);
	dentry_unref(d);
	return err;
}
