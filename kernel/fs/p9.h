/*
 * p9.h - what the file system (p9fs.c) asks of the 9P2000.L client (virtio/p9.c).
 *
 * A fid is a number of ours that stands for a file of the server's. Calls sleep;
 * results are 0, a count, or a negative errno as the server told it.
 */
#ifndef KERNEL_FS_P9_H
#define KERNEL_FS_P9_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tome/io.h>

struct p9;

struct p9_qid {
	uint8_t type;
	uint32_t version;
	uint64_t path;
};

struct p9_attr {
	struct p9_qid qid;
	uint32_t mode, uid, gid;
	uint64_t nlink, rdev, size, blksize, blocks;
	uint64_t atime, mtime, ctime;		/* ns since 1970 */
};

/* What p9_setattr changes. */
enum {
	P9_SET_MODE = 1, P9_SET_UID = 2, P9_SET_GID = 4, P9_SET_SIZE = 8,
	P9_SET_ATIME = 0x10 | 0x80, P9_SET_MTIME = 0x20 | 0x100,
};

struct p9_statfs {
	uint32_t type, bsize;
	uint64_t blocks, bfree, bavail, files, ffree, fsid;
	uint32_t namelen;
};

struct p9_entry {
	struct p9_qid qid;
	uint64_t next;			/* position after it */
	uint8_t type;			/* as d_type */
	char name[256];
};

/* The share of that mount tag; NULL: none. */
struct p9 *p9_find(const char *tag);

uint32_t p9_fid(struct p9 *);		/* an unused one */
int p9_attach(struct p9 *, uint32_t fid, struct p9_qid *);
/* name NULL: fid is copied. */
int p9_walk(struct p9 *, uint32_t fid, uint32_t to, const char *name,
    struct p9_qid *);
void p9_clunk(struct p9 *, uint32_t fid);
int p9_getattr(struct p9 *, uint32_t fid, struct p9_attr *);
int p9_setattr(struct p9 *, uint32_t fid, unsigned what,
    const struct p9_attr *);
int p9_open(struct p9 *, uint32_t fid, uint32_t flags);
int p9_readlink(struct p9 *, uint32_t fid, char *buf, size_t size);
/* Calls fn for the entries from position *at on until it is false or a reply is
 * used up; how many it was called for. */
int p9_readdir(struct p9 *, uint32_t fid, uint64_t at,
    bool (*fn)(void *, const struct p9_entry *), void *arg);
int p9_statfs(struct p9 *, uint32_t fid, struct p9_statfs *);
int p9_fsync(struct p9 *, uint32_t fid);
int p9_create(struct p9 *, uint32_t dir, const char *name, uint32_t mode);
int p9_mkdir(struct p9 *, uint32_t dir, const char *name, uint32_t mode);
int p9_symlink(struct p9 *, uint32_t dir, const char *name,
    const char *target);
int p9_link(struct p9 *, uint32_t dir, uint32_t fid, const char *name);
int p9_unlink(struct p9 *, uint32_t dir, const char *name, bool directory);
int p9_rename(struct p9 *, uint32_t from, const char *name, uint32_t to,
    const char *as);

#define P9_PAGES 32u			/* in one transfer, at most */
/* Read or write an open fid; as a pager's functions. */
void p9_transfer(struct p9 *, uint32_t fid, struct tome_io *);

#endif
