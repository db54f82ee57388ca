/*
 * vfs.h - files: inodes, names, open files, descriptor tables.
 *
 * An inode is content and attributes. A dentry is a name in the one tree; for
 * file systems that live in memory the tree itself is the directory. A file is
 * one open of an inode. Each is counted: what points holds a reference.
 *
 * Locks, in order: file->pos_lock -> inode->lock (size, attributes, content) ->
 * tree_lock (every dentry's name, parent, links, mounts) -> proc_lock and
 * files->lock, which are spinlocks. User memory is copied with the first two
 * held at most.
 *
 * Functions return 0 or a count, or a negative errno.
 */
#ifndef KERNEL_VFS_H
#define KERNEL_VFS_H

#include <abi.h>
#include <cpu.h>
#include <list.h>
#include <sync.h>
#include <machine.h>
#include <tome/phys.h>
#include <tome/posix.h>

struct cred;
struct tome_io;
struct file;
struct dentry;
struct inode;
struct process;

/*
 * Memory that a read or write transfers: of a space, or (map NULL) the
 * kernel's.
 */
struct ubuf {
	struct tome_map *map;
	uint64_t addr;
};
static inline struct ubuf
ubuf_kernel(const void *p)
{
	return (struct ubuf){NULL, (uintptr_t)p};
}
/* Copy to and from it at `off`; 0 or -EFAULT. */
int ubuf_put(struct ubuf, uint64_t off, const void *src, size_t n);
int ubuf_get(struct ubuf, uint64_t off, void *dst, size_t n);
/* The same with bytes of a frame, which may lie beyond the direct map: _far. */
int ubuf_put_far(struct ubuf, uint64_t off, tome_pfn_t, size_t at, size_t n);
int ubuf_get_far(struct ubuf, uint64_t off, tome_pfn_t, size_t at, size_t n);
static inline int
ubuf_put_frame(struct ubuf to, uint64_t off, tome_pfn_t pfn, size_t at, size_t n)
{
	const char *page = tome_frame_va(the_vm, pfn);

#ifdef MACHINE_WINDOWS
	if (page == NULL)
		return ubuf_put_far(to, off, pfn, at, n);
#endif
	if (__builtin_expect(to.map == NULL, 0))
		return ubuf_put(to, off, page + at, n);
	return -(int)tome_copyout(to.map, to.addr + off, page + at, n);
}
static inline int
ubuf_get_frame(struct ubuf from, uint64_t off, tome_pfn_t pfn, size_t at,
    size_t n)
{
	char *page = tome_frame_va(the_vm, pfn);

#ifdef MACHINE_WINDOWS
	if (page == NULL)
		return ubuf_get_far(from, off, pfn, at, n);
#endif
	return ubuf_get(from, off, page + at, n);
}
int ubuf_zero(struct ubuf, uint64_t off, size_t n);

/* ---- inodes ---- */

struct dir_sink;
struct file_ops {
	const char *name;	/* of files without a dentry, for /proc */
	int64_t (*read)(struct file *, struct ubuf, size_t, uint64_t *pos);
	int64_t (*write)(struct file *, struct ubuf, size_t, uint64_t *pos);
	/* -ENOTTY for what it does not know. */
	int64_t (*ioctl)(struct file *, unsigned cmd, uint64_t arg);
	/* What is ready; NULL: always in and out. */
	unsigned (*poll)(struct file *);
	/*
	 * A number that is another after each change that poll may tell: for
	 * who wants each of them (EPOLLET). NULL: only poll's answer counts.
	 */
	uint32_t (*event)(struct file *);
	/* What was written reaches its store. NULL: there is none. */
	int (*sync)(struct file *);
	/* All entries of a directory whose names in the tree are but a cache. NULL:
	 * they are all, with inode_ops->readdir's. */
	int (*readdir)(struct file *, struct dir_sink *, uint64_t *pos);
	void (*release)(struct file *);		/* the last reference went */
	/*
	 * The object behind, with a reference; NULL result: private zero
	 * memory.
	 */
	int (*object)(struct file *, struct tome_object **);
	/* Pages straight from and to the store, past the cache: to swap to. As
	 * struct tome_swap_device's start. NULL: not here. */
	void (*transfer)(struct file *, struct tome_io *);
	bool seekable;
	bool endless;		/* wherever one seeks, one is at the start */
};

struct statfs;
struct inode_attr;
struct inode_ops {
	const struct file_ops *file;
	/* Names that are not in the tree. NULL: none. */
	int (*lookup)(struct dentry *dir, const char *name, struct dentry **);
	/* Entries beyond those in the tree. NULL: none. */
	int (*readdir)(struct dentry *dir, struct dir_sink *, uint64_t *pos);
	/* A new inode for this directory. NULL: read-only. */
	int (*create)(struct inode *dir, uint32_t mode, uint64_t rdev,
	    struct inode **);
	int (*resize)(struct inode *, uint64_t size);
	/* A symbolic link's text, or in *jump the dentry it leads to (counted).
	 * tree_lock held. */
	int (*readlink)(struct dentry *, char *buf, size_t size,
	    struct dentry **jump);
	int (*open)(struct inode *, struct file *);
	void (*destroy)(struct inode *);

	/*
	 * Where names have a store behind them, the tree remembers what was looked up:
	 * `cached`, and the rest is called with tree_lock held before the tree changes.
	 * NULL: read-only. `make` is create() with a name, and a symbolic link's text.
	 */
	bool cached;
	bool (*valid)(struct dentry *);		/* NULL: it does not change */
	int (*make)(struct dentry *dir, const char *name, uint32_t mode,
	    uint64_t rdev, const char *target, struct inode **);
	int (*link)(struct dentry *dir, const char *name, struct inode *);
	int (*remove)(struct dentry *);
	int (*rename)(struct dentry *, struct dentry *dir, const char *name);
	/* Tell the store what is to change (ATTR_*). inode->lock held. NULL: only the
	 * inode changes. */
	int (*set)(struct inode *, unsigned what, const struct inode_attr *);
	/* What the inode itself does not know. NULL: nothing. */
	void (*stat)(struct inode *, struct stat *);
	int (*statfs)(struct inode *, struct statfs *);
};

enum { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_ATIME = 8,
	ATTR_MTIME = 16 };
struct inode_attr {
	uint32_t mode, uid, gid;
	uint64_t atime, mtime;
};

struct filesystem {
	const char *name;
	uint64_t magic;
	uint32_t dev;
	const char *options;
};

struct inode {
	/* Constant. */
	const struct inode_ops *ops;
	const struct filesystem *fs;
	uint64_t rdev;
	_Atomic uint64_t ino;
	int pid, fd;			/* which /proc entry */
	union {
		struct tome_object *object;	/* regular file in memory */
		char *target;			/* symbolic link */
		struct pipe *pipe;		/* fifo */
		const struct proc_node *node;	/* /proc and /sys */
	};
	void *data;			/* the file system's own */
	struct mutex lock;
	/* Under lock to write; read anywhere. */
	_Atomic uint32_t refs;
	_Atomic uint32_t mode, uid, gid, nlink;
	_Atomic uint64_t size;
	_Atomic uint64_t atime, mtime, ctime;	/* ns since 1970 */
	struct file_lock *locks;
	unsigned seals;
	_Atomic bool swapping;			/* its content is not its own */
};

struct inode *inode_new(const struct filesystem *, const struct inode_ops *,
    uint32_t mode);
void inode_ref(struct inode *);
void inode_unref(struct inode *);
static inline bool
inode_is(const struct inode *i, uint32_t type)
{
	return (i->mode & S_IFMT) == type;
}
/* May these credentials read (4), write (2), execute or search (1) it? */
int inode_access(struct inode *, const struct cred *, unsigned want);
void inode_stat(struct inode *, struct stat *);
int inode_set_mode(struct inode *, uint32_t mode);
int inode_set_owner(struct inode *, uint32_t uid, uint32_t gid);
/* Nanoseconds since 1970; UTIME_OMIT's meaning is UINT64_MAX. */
int inode_set_times(struct inode *, uint64_t atime, uint64_t mtime, bool now);
int inode_truncate(struct inode *, uint64_t size);
int64_t inode_add_seals(struct inode *, unsigned seals, bool writable);
uint64_t wall_ns(void);
void inode_start(void);

/* ---- names ---- */

struct dentry {
	_Atomic uint32_t refs;
	/* Constant. */
	struct inode *inode;
	/* Under tree_lock. */
	struct dentry *parent;		/* NULL: a root */
	char *name;
	bool linked;			/* in its parent's directory */
	bool unlinked;			/* no longer */
	bool used;			/* since dentry_shrink() came by */
	struct dentry *hash_next;
	struct list children, sibling;	/* linked ones, in order of cookie */
	uint64_t cookie, last_cookie;
	struct dentry *mounted;		/* the root that covers this one */
	struct dentry *covers;		/* of a root: what it covers */
	struct list mount;		/* of a root: in the list of mounts */
};

extern struct mutex tree_lock;
extern struct dentry *root_dentry;
extern struct dentry *nowhere_dentry;	/* parent of names outside the tree */

void dentry_start(void);
struct dentry *dentry_new(struct dentry *parent, const char *name,
    struct inode *);	/* takes over the inode's reference, even on NULL */
void dentry_ref(struct dentry *);
void dentry_unref(struct dentry *);	/* NULL: nothing */
/* The following with tree_lock held. */
struct dentry *dentry_child(struct dentry *dir, const char *name);
void dentry_link(struct dentry *);
void dentry_unlink(struct dentry *);
/* Forget names that are but cached and were not used lately, about n. */
void dentry_shrink(unsigned n);
/* The absolute path below `root`; " (deleted)" if it has none any more.
 * A pointer into buf, at its end; NULL: too long. Takes tree_lock. */
char *dentry_path(struct dentry *, struct dentry *root, char *buf, size_t);
char *dentry_path_locked(struct dentry *, struct dentry *root, char *buf,
    size_t);

/* ---- walking ---- */

#define WALK_FOLLOW 1u		/* a symbolic link at the end */
#define WALK_PARENT 2u		/* the last name need not exist */
#define WALK_EMPTY 4u		/* "" is the base itself */

struct walk {
	struct dentry *dir;		/* counted; parent of the last name */
	struct dentry *dentry;		/* counted; NULL: the name is absent */
	bool slash;			/* the path ended in one */
	bool dots;			/* the last name is . or .. or / */
	char last[NAME_MAX + 1];
};
/* Walk path from base (NULL: the working directory). */
int walk_path(struct dentry *base, const char *path, unsigned flags,
    struct walk *);
void walk_end(struct walk *);
/* Just the dentry. */
int path_lookup(struct dentry *base, const char *path, unsigned flags,
    struct dentry **);

/* ---- changing the tree (tree.c) ---- */

/* Link a new inode (taken over) without asking for rights. */
int vfs_add(struct dentry *dir, const char *name, struct inode *,
    struct dentry **borrowed);
/* Forget every name below root. tree_lock held. */
void vfs_prune(struct dentry *root);
int vfs_create(struct walk *, uint32_t mode, uint64_t rdev, struct dentry **);
int vfs_symlink(const char *target, struct dentry *base, const char *path);
int vfs_mknod(struct dentry *base, const char *path, uint32_t mode,
    uint64_t rdev);
int vfs_link(struct dentry *from, struct dentry *base, const char *path);
int vfs_unlink(struct dentry *base, const char *path, bool directory);
int vfs_rename(struct dentry *from_base, const char *from,
    struct dentry *to_base, const char *to, unsigned flags);
int vfs_mount(struct dentry *where, struct dentry *root);
int vfs_unmount(struct dentry *root);
/* Calls fn for each mount, with tree_lock held, until it is false. */
void vfs_mounts(bool (*fn)(void *, struct dentry *root), void *);

/* ---- open files ---- */

struct file {
	_Atomic uint32_t refs;
	_Atomic uint32_t flags;		/* O_* but the creation ones */
	/* Constant once open. */
	bool readable, writable;
	const struct file_ops *ops;
	struct inode *inode;
	struct dentry *dentry;		/* NULL: not in the tree */
	_Atomic bool watched;		/* some epoll has it */
	union {
		void *data;
		_Atomic uint64_t word;
	};
	struct mutex pos_lock;
	uint64_t pos;			/* under pos_lock */
};

void file_start(void);
/* Takes over no reference; NULL: no memory. */
struct file *file_new(const struct file_ops *, struct inode *,
    struct dentry *, uint32_t flags);
void file_ref(struct file *);
void file_unref(struct file *);
int file_open(struct dentry *base, const char *path, uint32_t flags,
    uint32_t mode, struct file **);
int file_open_dentry(struct dentry *, uint32_t flags, struct file **);
/* Without asking for rights: what is run need not be readable. */
int file_open_unasked(struct dentry *, uint32_t flags, struct file **);
/* At a position of its own (pos) or the file's (NULL). */
int64_t file_read(struct file *, struct ubuf, size_t, uint64_t *pos);
int64_t file_write(struct file *, struct ubuf, size_t, uint64_t *pos);
unsigned file_poll(struct file *);
/* The name of a file that has no dentry. */
void file_name(struct file *, char *buf, size_t);
/* Its path or name, for /proc; as dentry_path. */
char *file_path(struct file *, struct dentry *root, char *buf, size_t);

/* What getdents64 collects. */
struct dir_sink {
	struct ubuf to;
	size_t size, used;
	bool full;
};
/* False: no room, stop. `next` is the position after it. */
bool dir_emit(struct dir_sink *, const char *name, uint64_t ino,
    uint32_t mode, uint64_t next);
int64_t file_readdir(struct file *, struct dir_sink *);

/* Record locks (fcntl), and of the whole file (flock). */
struct file_lock;
int64_t file_flock(struct file *, unsigned op);
int64_t file_lock_call(struct file *, unsigned cmd, struct flock *);
void file_locks_drop(struct file *, const void *owner);

/* ---- descriptors ---- */

#define FD_LIMIT 65536u
struct files {
	_Atomic uint32_t refs;
	struct spinlock lock;
	unsigned size;			/* slots */
	uint64_t *cloexec;
	struct file **slot;
};
struct files *files_new(void);
struct files *files_copy(struct files *);
void files_ref(struct files *);
void files_unref(struct files *);
void files_exec(struct files *);	/* close what is close-on-exec */
/* Make room for n more descriptors, where an effect comes before fd_install(). That a
 * limit is reached is found out there. */
int fd_room(unsigned n);
/* The lowest free descriptor >= min; takes over the file's reference on
 * success. */
int fd_install(struct file *, int min, bool cloexec);
struct file *fd_get(int fd);		/* counted; NULL: EBADF */
int fd_close(int fd);
/* Put f (a reference is taken) at this descriptor, closing what is there. */
int fd_dup_to(struct file *f, int fd, bool cloexec);
int fd_cloexec(int fd);			/* 0, 1, -EBADF */
int fd_set_cloexec(int fd, bool on);
void fd_start(void);
/* Counted, of another task's table. */
struct file *files_get(struct files *, unsigned fd);

/*
 * A borrowed file of the running thread: no count is touched while the table
 * is this thread's alone.
 */
struct fd {
	struct file *file;
	bool counted;
};
struct fd fd_borrow(int fd);
static inline void
fd_return(struct fd f)
{
	if (f.counted)
		file_unref(f.file);
}

/* Root, working directory, umask. */
struct fs {
	_Atomic uint32_t refs, umask;
	struct dentry *root, *cwd;	/* under tree_lock */
};
struct fs *fs_new(void);
struct fs *fs_copy(struct fs *);
void fs_unref(struct fs *);
/* Take over a reference on d, as the root or the working directory. */
void fs_set_cwd(struct fs *, struct dentry *d);
void fs_set_root(struct fs *, struct dentry *d);

/* ---- readiness ---- */

/* Something that poll could report may have changed. Any context. */
void poll_notify(void);
/*
 * Sleep until look(arg) is not 0, which is then the result; 0: the deadline
 * passed; -EINTR. look is called again whenever something may have changed.
 */
int64_t poll_wait(int64_t (*look)(void *arg), void *arg, uint64_t deadline);
/* The file is about to end: epoll forgets it. */
void epoll_forget(struct file *);
/* A signal set in force during the call only; 0: none. */
int poll_suspend_mask(uint64_t user_set, uint64_t size);

/* ---- who watches is told (inotify.c) ---- */

enum {
	IN_MODIFY = 2, IN_ATTRIB = 4, IN_CLOSE_WRITE = 8,
	IN_CLOSE_NOWRITE = 0x10, IN_OPEN = 0x20, IN_MOVED_FROM = 0x40,
	IN_MOVED_TO = 0x80, IN_CREATE = 0x100, IN_DELETE = 0x200,
	IN_DELETE_SELF = 0x400, IN_MOVE_SELF = 0x800, IN_IGNORED = 0x8000,
	IN_ISDIR = 0x40000000,
};
void inotify_tell_inode(struct inode *, uint32_t mask);
/* Of a name in a directory; no lock is taken that would be above tree_lock. */
void inotify_tell_name(struct dentry *dir, const char *name, struct inode *,
    uint32_t mask, uint32_t cookie);
/* Both, of an open file's dentry (NULL: nothing). Takes tree_lock. */
void inotify_tell_file(struct dentry *, uint32_t mask);
/* What ties the two events of a renaming together. */
uint32_t inotify_cookie(void);

/* ---- the file systems ---- */

void vfs_start(void);
/* True: the root is the host's, and what the boot loader left goes elsewhere. */
bool vfs_mount_standard(void);
struct dentry *tmpfs_root(const char *name);
/* Of this content (taken over), without a name. */
struct inode *tmpfs_inode_of(struct tome_object *);
#define OBJECT_INO ((uint64_t)1 << 32)	/* in numbers made of an object's id */
struct dentry *devfs_root(void);
struct dentry *procfs_root(void);
struct dentry *sysfs_root(void);
void cpio_unpack(const void *archive, size_t n);
int device_open(struct inode *, struct file *);
int64_t random_bytes(struct ubuf, size_t);
int pipe_new(struct file *ends[2], uint32_t flags);
int fifo_open(struct inode *, struct file *);
void pipe_destroy(struct pipe *);
int64_t pipe_size(struct file *, uint64_t size);
#define PIPE_BUF 4096u			/* so much is written at once */
bool file_is_pipe(const struct file *);
/* Until a write of n, at most PIPE_BUF, does not wait; what is no pipe has room.
 * -EAGAIN, -ERESTART. */
int pipe_await_room(struct file *, size_t n);
int tty_open(struct inode *, struct file *);

/* Content that is a vnode object (content.c); open sets f->data. */
int content_open(struct tome_object *, struct file *);
void content_close(struct file *);
struct tome_opener *content_opener(const struct file *);
int64_t content_read(struct tome_object *, struct file *, struct ubuf, size_t,
    uint64_t *pos);
int64_t content_write(struct tome_object *, struct ubuf, size_t,
    uint64_t *pos);
int content_sync(struct tome_object *, struct file *);
/* Pages [first, first+n) (n 0: to the end), as sync_file_range(2) has it. */
#define SYNC_BEFORE 1u
#define SYNC_WRITE 2u
#define SYNC_AFTER 4u
int content_sync_range(struct tome_object *, struct file *, uint64_t first,
    uint64_t n, unsigned what);
void content_sync_all(void);
/* What posix_fadvise(2) says of pages [first, first+n). */
enum content_advice { ADVISE_NORMAL, ADVISE_RANDOM, ADVISE_SEQUENTIAL,
	ADVISE_WILLNEED, ADVISE_DONTNEED, ADVISE_NOREUSE };
void content_advise(struct tome_object *, struct file *, uint64_t first,
    uint64_t n, enum content_advice);
/* Another machine's files (p9fs.c): the share of that tag; -ENOENT: no such. */
int p9fs_root(const char *tag, bool writable, struct dentry **out);

/* Disks (block.c): device numbers BLOCK_MAJOR, nth disk. */
#define BLOCK_MAJOR 253u
int block_open(struct inode *, struct file *);
/* The disk of such an inode; NULL: it is none. */
struct block *block_of(const struct inode *);
/* Its content, counted; NULL: no memory. */
struct tome_object *block_object(const struct inode *);

/* Of no process yet. */
struct file *pidfd_new(uint32_t flags);
/* The next two with proc_lock held. */
void pidfd_set(struct file *, const struct process *);
/* NULL: not such a file, or the process is gone. */
struct process *pidfd_process(const struct file *);

#endif
