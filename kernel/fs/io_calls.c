/*
 * io_calls.c - system calls on descriptors.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>
#include <syscall.h>

#define IOV_MAX 1024u

static int advise(struct file *, uint64_t off, uint64_t len,
    enum content_advice);

static struct ubuf
user_buf(uint64_t addr)
{
	return (struct ubuf){current_map(), addr};
}

SYSCALL(read)
{
	struct fd f = fd_borrow((int)a[0]);
	int64_t n;

	if (f.file == NULL)
		return -EBADF;
	n = file_read(f.file, user_buf(a[1]), a[2], NULL);
	fd_return(f);
	return n;
}

SYSCALL(write)
{
	struct fd f = fd_borrow((int)a[0]);
	int64_t n;

	if (f.file == NULL)
		return -EBADF;
	n = file_write(f.file, user_buf(a[1]), a[2], NULL);
	fd_return(f);
	return n;
}

SYSCALL(pread64)
{
	struct fd f = fd_borrow((int)a[0]);
	uint64_t pos = a[3];
	int64_t n;

	if (f.file == NULL)
		return -EBADF;
	n = (int64_t)pos < 0 ? -EINVAL :
	    file_read(f.file, user_buf(a[1]), a[2], &pos);
	fd_return(f);
	return n;
}

SYSCALL(pwrite64)
{
	struct fd f = fd_borrow((int)a[0]);
	uint64_t pos = a[3];
	int64_t n;

	if (f.file == NULL)
		return -EBADF;
	n = (int64_t)pos < 0 ? -EINVAL :
	    file_write(f.file, user_buf(a[1]), a[2], &pos);
	fd_return(f);
	return n;
}

/* ---- vectors ---- */

typedef int64_t one_fn(struct file *, struct ubuf, size_t, uint64_t *);

static int
vector_in(uint64_t user, uint64_t n, struct iovec **out)
{
	struct iovec *v;
	uint64_t total = 0;
	int err;

	*out = NULL;
	if (n > IOV_MAX)
		return -EINVAL;
	if (n == 0)
		return 0;
	v = tome_kmalloc(the_vm, n * sizeof *v);
	if (v == NULL)
		return -ENOMEM;
	err = copy_in(v, user, n * sizeof *v);
	for (uint64_t i = 0; err == 0 && i < n; i++) {
		total += v[i].len;
		if ((abi_long)v[i].len < 0 || (abi_long)total < 0)
			err = -EINVAL;
	}
	if (err != 0)
		tome_kfree(the_vm, v);
	else
		*out = v;
	return err;
}

static int64_t
each_segment(struct file *f, one_fn *fn, const struct iovec *v, uint64_t n,
    uint64_t *pos)
{
	int64_t done = 0, part = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (v[i].len == 0)
			continue;
		part = fn(f, user_buf(v[i].base), v[i].len, pos);
		if (part > 0)
			done += part;
		if (part < (int64_t)v[i].len)
			break;
	}
	return done > 0 ? done : part;
}

/*
 * A small vector goes out as one write, so that what a pipe or a terminal
 * promises of one write holds for it. -E2BIG: it is not small.
 */
static int64_t
write_gathered(struct file *f, const struct iovec *v, uint64_t n)
{
	uint64_t total = 0;
	int64_t done;
	char *buf;

	for (uint64_t i = 0; i < n; i++)
		total += v[i].len;
	if (total > TOME_PAGE_SIZE || f->ops->seekable)
		return -E2BIG;
	buf = tome_kmalloc(the_vm, total + 1);
	if (buf == NULL)
		return -ENOMEM;
	done = 0;
	for (uint64_t i = 0, at = 0; i < n && done == 0; at += v[i++].len)
		done = copy_in(buf + at, v[i].base, v[i].len);
	if (done == 0)
		done = file_write(f, ubuf_kernel(buf), total, NULL);
	tome_kfree(the_vm, buf);
	return done;
}

static int64_t
vector_call(const uint64_t *a, one_fn *fn, uint64_t *pos)
{
	struct fd f = fd_borrow((int)a[0]);
	struct iovec *v;
	int64_t done;

	if (f.file == NULL)
		return -EBADF;
	done = vector_in(a[1], a[2], &v);
	if (done == 0) {
		done = fn == file_write && a[2] > 1 && pos == NULL ?
		    write_gathered(f.file, v, a[2]) : -E2BIG;
		if (done == -E2BIG)
			done = each_segment(f.file, fn, v, a[2], pos);
		tome_kfree(the_vm, v);
	}
	fd_return(f);
	return done;
}

SYSCALL(readv)
{
	return vector_call(a, file_read, NULL);
}

SYSCALL(writev)
{
	return vector_call(a, file_write, NULL);
}

SYSCALL(preadv)
{
	uint64_t pos = a[3];

	return (int64_t)pos < 0 ? -EINVAL : vector_call(a, file_read, &pos);
}

SYSCALL(pwritev)
{
	uint64_t pos = a[3];

	return (int64_t)pos < 0 ? -EINVAL : vector_call(a, file_write, &pos);
}

/* The same with flags: none of them asks for what is not done anyway. */
#define RWF_KNOWN 0x1fu

static int64_t
vector_call2(const uint64_t *a, one_fn *fn)
{
	uint64_t pos = a[3];

	if (a[5] & ~(uint64_t)RWF_KNOWN)
		return -EOPNOTSUPP;
	if ((int64_t)pos == -1)
		return vector_call(a, fn, NULL);
	return (int64_t)pos < 0 ? -EINVAL : vector_call(a, fn, &pos);
}

SYSCALL(preadv2)
{
	return vector_call2(a, file_read);
}

SYSCALL(pwritev2)
{
	return vector_call2(a, file_write);
}

/* ---- pipes and memory, locks, reading ahead ---- */

/* User memory goes into a pipe, or comes out of one, as by writev or readv. */
SYSCALL(vmsplice)
{
	struct fd f = fd_borrow((int)a[0]);
	bool writes;

	if (f.file == NULL)
		return -EBADF;
	writes = f.file->writable;
	if (!inode_is(f.file->inode, S_IFIFO)) {
		fd_return(f);
		return -EBADF;
	}
	fd_return(f);
	return vector_call(a, writes ? file_write : file_read, NULL);
}

SYSCALL(flock)
{
	struct fd f = fd_borrow((int)a[0]);
	int64_t err;

	if (f.file == NULL)
		return -EBADF;
	err = file_flock(f.file, (unsigned)a[1]);
	fd_return(f);
	return err;
}

/* As WILLNEED below, which it is older than. */
SYSCALL(readahead)
{
	struct fd f = fd_borrow((int)a[0]);
	int err;

	if (f.file == NULL)
		return -EBADF;
	if ((f.file->flags & O_PATH) ||
	    (f.file->flags & O_ACCMODE) == O_WRONLY)
		err = -EBADF;
	else if (!inode_is(f.file->inode, S_IFREG) &&
	    !inode_is(f.file->inode, S_IFBLK))
		err = -EINVAL;
	else
		err = advise(f.file, a[1], a[2], ADVISE_WILLNEED);
	fd_return(f);
	return err;
}

/* ---- position, size ---- */

static int64_t
seek(struct file *f, int64_t off, int whence)
{
	int64_t size = (int64_t)f->inode->size, from;

	if (!f->ops->seekable)
		return -ESPIPE;
	if (f->ops->endless)
		return f->pos = 0;
	switch (whence) {
	case SEEK_SET:
		from = 0;
		break;
	case SEEK_CUR:
		from = (int64_t)f->pos;
		break;
	case SEEK_END:
		from = size;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		/* All is data up to the end, as the call allows. */
		if (off < 0 || off >= size)
			return -ENXIO;
		from = whence == SEEK_HOLE ? size - off : 0;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(from, off, &from))
		return -EOVERFLOW;
	if (from < 0)
		return -EINVAL;
	f->pos = (uint64_t)from;
	return from;
}

SYSCALL(lseek)
{
	struct fd f = fd_borrow((int)a[0]);
	int64_t result;

	if (f.file == NULL)
		return -EBADF;
	mutex_lock(&f.file->pos_lock);
	result = seek(f.file, (int64_t)a[1], (int)a[2]);
	mutex_unlock(&f.file->pos_lock);
	fd_return(f);
	return result;
}

SYSCALL(ftruncate)
{
	struct fd f = fd_borrow((int)a[0]);
	int64_t err;

	if (f.file == NULL)
		return -EBADF;
	if ((int64_t)a[1] < 0 || (f.file->flags & O_ACCMODE) == O_RDONLY ||
	    !inode_is(f.file->inode, S_IFREG))
		err = -EINVAL;
	else
		err = inode_truncate(f.file->inode, a[1]);
	fd_return(f);
	return err;
}

#define FALLOC_KEEP_SIZE 1u
#define FALLOC_PUNCH_HOLE 2u

/*
 * The pages wholly inside are dropped; what sticks out at the ends is zeroed.
 */
static int
punch(struct inode *i, uint64_t off, uint64_t len)
{
	static const char zero[256];
	uint64_t end = off + len < i->size ? off + len : i->size;
	uint64_t first = (off + TOME_PAGE_MASK) >> TOME_PAGE_SHIFT;
	uint64_t last = end >> TOME_PAGE_SHIFT;
	enum tome_err err = TOME_OK;
	size_t done, part;

	if (first < last)
		err = tome_object_punch(i->object, first, last - first);
	while (err == TOME_OK && off < end) {
		if (first < last && off == first << TOME_PAGE_SHIFT)
			off = last << TOME_PAGE_SHIFT;
		part = TOME_PAGE_SIZE - (off & TOME_PAGE_MASK);
		if (part > end - off)
			part = end - off;
		if (part > sizeof zero)
			part = sizeof zero;
		if (part == 0)
			break;
		err = tome_object_write(i->object, off, zero, part, &done);
		off += part;
	}
	return -(int)err;
}

static int
reserve(struct inode *i, uint64_t end, bool keep)
{
	int err;

	if (end <= i->size)
		return 0;
	err = (int)tome_posix_may_resize(i->seals, i->size, end);
	return err != 0 || keep ? err : i->ops->resize(i, end);
}

SYSCALL(fallocate)
{
	struct fd f = fd_borrow((int)a[0]);
	unsigned mode = (unsigned)a[1];
	uint64_t off = a[2], len = a[3];
	struct inode *i;
	int err;

	if (f.file == NULL)
		return -EBADF;
	i = f.file->inode;
	if ((int64_t)off < 0 || (int64_t)len <= 0)
		err = -EINVAL;
	else if ((int64_t)(off + len) < 0)
		err = -EFBIG;
	else if (mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE) ||
	    mode == FALLOC_PUNCH_HOLE)
		err = -EOPNOTSUPP;
	else if ((f.file->flags & O_ACCMODE) == O_RDONLY)
		err = -EBADF;
	else if (!inode_is(i, S_IFREG) || i->ops->resize == NULL)
		err = inode_is(i, S_IFIFO) ? -ESPIPE : -ENODEV;
	else if ((mode & FALLOC_PUNCH_HOLE) && f.file->ops->sync != NULL)
		err = -EOPNOTSUPP;	/* no store here has holes made */
	else {
		mutex_lock(&i->lock);
		if (!(mode & FALLOC_PUNCH_HOLE))
			err = reserve(i, off + len, mode & FALLOC_KEEP_SIZE);
		else
			err = (int)tome_posix_may_write(i->seals, 0, i->size);
		if (err == 0 && (mode & FALLOC_PUNCH_HOLE))
			err = punch(i, off, len);
		mutex_unlock(&i->lock);
	}
	fd_return(f);
	return err;
}

/* Most is in memory, with nothing behind it. */
static int64_t
sync_file(uint64_t fd)
{
	struct fd f = fd_borrow((int)fd);
	int err = 0;

	if (f.file == NULL)
		return -EBADF;
	if (f.file->flags & O_PATH)
		err = -EBADF;
	else if (f.file->ops->sync != NULL)
		err = f.file->ops->sync(f.file);
	fd_return(f);
	return err;
}

static int64_t
is_open(uint64_t fd)
{
	struct fd f = fd_borrow((int)fd);

	if (f.file == NULL)
		return -EBADF;
	fd_return(f);
	return 0;
}

/* The object, counted, of a file that is written back; NULL: it is none, and there is
 * nothing to do. */
static int
synced_object(struct file *f, struct tome_object **ob)
{
	*ob = NULL;
	return f->ops->sync == NULL || f->ops->object == NULL ? 0 :
	    f->ops->object(f, ob);
}

/* Only what has a store behind it, by way of the cache, has anything to do. */
static int
sync_range(struct file *f, uint64_t off, uint64_t len, unsigned what)
{
	uint64_t first = off >> TOME_PAGE_SHIFT;
	uint64_t last = (off + len + TOME_PAGE_MASK) >> TOME_PAGE_SHIFT;
	struct tome_object *ob;
	int err;

	err = synced_object(f, &ob);
	if (err != 0 || ob == NULL)
		return err;
	if (tome_object_kind(ob) == TOME_OBJECT_VNODE)
		err = content_sync_range(ob, f, first, len == 0 ? 0 :
		    last - first, what);
	tome_object_unref(ob);
	return err;
}

SYSCALL(sync_file_range)
{
	struct fd f = fd_borrow((int)a[0]);
	int64_t off = (int64_t)a[1], len = (int64_t)a[2];
	const struct inode *i;
	int err = 0;

	if (f.file == NULL)
		return -EBADF;
	i = f.file->inode;
	if (f.file->flags & O_PATH)
		err = -EBADF;
	else if ((unsigned)a[3] & ~(SYNC_BEFORE | SYNC_WRITE | SYNC_AFTER) ||
	    off < 0 || len < 0 || (int64_t)((uint64_t)off + (uint64_t)len) < 0)
		err = -EINVAL;
	else if (i == NULL || !(inode_is(i, S_IFREG) || inode_is(i, S_IFBLK) ||
	    inode_is(i, S_IFDIR) || inode_is(i, S_IFLNK)))
		err = -ESPIPE;
	else
		err = sync_range(f.file, (uint64_t)off, (uint64_t)len,
		    (unsigned)a[3]);
	fd_return(f);
	return err;
}

SYSCALL(fsync)
{
	return sync_file(a[0]);
}

SYSCALL(fdatasync)
{
	return sync_file(a[0]);
}

/* Pages that the range touches; of what is not needed, those that it covers. */
static int
advise(struct file *f, uint64_t off, uint64_t len, enum content_advice advice)
{
	uint64_t up = TOME_PAGE_MASK, end = off + len, first, last;
	struct tome_object *ob;
	int err;

	err = synced_object(f, &ob);
	if (err != 0 || ob == NULL)
		return err;
	if (len == 0 || end < off || end > tome_object_size(ob))
		end = (tome_object_size(ob) + up) & ~up;
	first = (advice == ADVISE_DONTNEED ? off + up : off) >> TOME_PAGE_SHIFT;
	last = (advice == ADVISE_DONTNEED ? end : end + up) >> TOME_PAGE_SHIFT;
	if (tome_object_kind(ob) == TOME_OBJECT_VNODE)
		content_advise(ob, f, first, first < last ? last - first : 0,
		    advice);
	tome_object_unref(ob);
	return 0;
}

SYSCALL(fadvise64)
{
	struct fd f = fd_borrow((int)a[0]);
	int err;

	if (f.file == NULL)
		return -EBADF;
	if (f.file->flags & O_PATH)
		err = -EBADF;
	else if (f.file->inode != NULL && inode_is(f.file->inode, S_IFIFO))
		err = -ESPIPE;
	else if ((int64_t)a[2] < 0 || a[3] > ADVISE_NOREUSE)
		err = -EINVAL;
	else
		err = advise(f.file, a[1], a[2], (enum content_advice)a[3]);
	fd_return(f);
	return err;
}

SYSCALL(sync)
{
	content_sync_all();
	return 0;
}

SYSCALL(getdents64)
{
	struct fd f = fd_borrow((int)a[0]);
	struct dir_sink sink = {.to = user_buf(a[1]), .size = (unsigned)a[2]};
	int64_t n;

	if (f.file == NULL)
		return -EBADF;
	n = file_readdir(f.file, &sink);
	fd_return(f);
	return n;
}

/* ---- descriptors ---- */

SYSCALL(close)
{
	return fd_close((int)a[0]);
}

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

SYSCALL(close_range)
{
	struct task *task = current_task();
	unsigned flags = (unsigned)a[2], last = (unsigned)a[1];

	if ((unsigned)a[0] > last ||
	    flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if ((flags & CLOSE_RANGE_UNSHARE) && !task_own_files(task))
		return -ENOMEM;
	if (last >= FD_LIMIT)
		last = FD_LIMIT - 1;
	for (unsigned fd = (unsigned)a[0]; fd <= last &&
	    fd < task->files->size; fd++)
		if (flags & CLOSE_RANGE_CLOEXEC)
			(void)fd_set_cloexec((int)fd, true);
		else
			(void)fd_close((int)fd);
	return 0;
}

static int64_t
dup_at(int fd, int min, bool cloexec)
{
	struct file *f = fd_get(fd);
	int result;

	if (f == NULL)
		return -EBADF;
	result = fd_install(f, min, cloexec);
	if (result < 0)
		file_unref(f);
	return result;
}

SYSCALL(dup)
{
	return dup_at((int)a[0], 0, false);
}

static int64_t
dup_onto(int from, int to, bool cloexec)
{
	struct file *f = fd_get(from);
	int result;

	if (f == NULL)
		return -EBADF;
	result = fd_dup_to(f, to, cloexec);
	file_unref(f);
	return result;
}

SYSCALL(dup2)
{
	if ((int)a[0] == (int)a[1])
		return is_open(a[0]) != 0 ? -EBADF : (int)a[1];
	return dup_onto((int)a[0], (int)a[1], false);
}

SYSCALL(dup3)
{
	if ((a[2] & ~(uint64_t)O_CLOEXEC) != 0 || (int)a[0] == (int)a[1])
		return -EINVAL;
	return dup_onto((int)a[0], (int)a[1], a[2] != 0);
}

static int64_t
pipe_call(uint64_t user, uint64_t flags)
{
	struct file *ends[2];
	int fd[2], err;

	if (flags & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = pipe_new(ends, (uint32_t)flags & O_NONBLOCK);
	if (err != 0)
		return err;
	fd[0] = fd_install(ends[0], 0, flags & O_CLOEXEC);
	if (fd[0] < 0) {
		file_unref(ends[0]);
		file_unref(ends[1]);
		return fd[0];
	}
	fd[1] = fd_install(ends[1], 0, flags & O_CLOEXEC);
	if (fd[1] < 0)
		file_unref(ends[1]);
	err = fd[1] < 0 ? fd[1] : copy_out(user, fd, sizeof fd);
	if (err != 0) {
		(void)fd_close(fd[0]);
		if (fd[1] >= 0)
			(void)fd_close(fd[1]);
	}
	return err;
}

SYSCALL(pipe)
{
	return pipe_call(a[0], 0);
}

SYSCALL(pipe2)
{
	return pipe_call(a[0], (unsigned)a[1]);
}

static int64_t
set_flags(struct file *f, uint32_t flags)
{
	const uint32_t settable = O_APPEND | O_NONBLOCK | 040000 | 01000000;

	f->flags = (f->flags & ~settable) | (flags & settable);
	return 0;
}

static int64_t
lock_call(struct file *f, unsigned cmd, uint64_t user)
{
	struct flock l;
	int64_t err = copy_in(&l, user, sizeof l);

	if (err == 0)
		err = file_lock_call(f, cmd, &l);
	if (err == 0 && cmd == F_GETLK)
		err = copy_out(user, &l, sizeof l);
	return err;
}

static int64_t
fcntl_file(struct file *f, const uint64_t *a)
{
	switch ((unsigned)a[1]) {
	case F_GETFL:
		return f->flags | 0100000;	/* large files, always */
	case F_SETFL:
		return set_flags(f, (uint32_t)a[2]);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
		return lock_call(f, (unsigned)a[1], a[2]);
	case F_SETOWN:
	case F_GETOWN:
		return 0;
	case F_GETPIPE_SZ:
		return pipe_size(f, 0);
	case F_SETPIPE_SZ:
		return a[2] == 0 ? -EINVAL : pipe_size(f, a[2]);
	case F_ADD_SEALS:
		return inode_add_seals(f->inode, (unsigned)a[2],
		    (f->flags & O_ACCMODE) != O_RDONLY);
	case F_GET_SEALS:
		if (!inode_is(f->inode, S_IFREG) ||
		    f->inode->ops->resize == NULL)
			return -EINVAL;
		return f->inode->seals;
	default:
		return -EINVAL;
	}
}

SYSCALL(fcntl)
{
	int fd = (int)a[0];
	struct fd f;
	int64_t result;

	switch ((unsigned)a[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (a[2] >= process_limit(current_process(), RLIMIT_NOFILE))
			return -EINVAL;
		return dup_at(fd, (int)a[2], (unsigned)a[1] != F_DUPFD);
	case F_GETFD:
		return fd_cloexec(fd);
	case F_SETFD:
		return fd_set_cloexec(fd, a[2] & 1);
	}
	f = fd_borrow(fd);
	if (f.file == NULL)
		return -EBADF;
	result = fcntl_file(f.file, a);
	fd_return(f);
	return result;
}

SYSCALL(ioctl)
{
	struct fd f = fd_borrow((int)a[0]);
	unsigned cmd = (unsigned)a[1];
	int64_t result = -ENOTTY;
	int32_t n;

	if (f.file == NULL)
		return -EBADF;
	if (f.file->flags & O_PATH)
		result = -EBADF;
	else if (cmd == FIOCLEX || cmd == FIONCLEX)
		result = fd_set_cloexec((int)a[0], cmd == FIOCLEX);
	else if (cmd == FIONBIO) {
		result = copy_in(&n, a[2], sizeof n);
		if (result == 0)
			result = set_flags(f.file, n != 0 ?
			    f.file->flags | O_NONBLOCK :
			    f.file->flags & ~(uint32_t)O_NONBLOCK);
	} else if (f.file->ops->ioctl != NULL)
		result = f.file->ops->ioctl(f.file, cmd, a[2]);
	else if (cmd == FIONREAD && inode_is(f.file->inode, S_IFREG)) {
		n = (int32_t)(f.file->inode->size - f.file->pos);
		result = copy_out(a[2], &n, sizeof n);
	}
	fd_return(f);
	return result;
}
