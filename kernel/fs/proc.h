/*
 * proc.h - file systems of generated text (/proc, /sys): a tree of tables.
 *
 * A node is a directory (children, or entries by number), a file whose text
 * `show` makes anew at each read from position 0, one that `read` answers for wherever
 * it is read, or a symbolic link. The same table of nodes serves every process; which
 * one is meant is the inode's pid.
 */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include <fs/vfs.h>

struct process;

/* Text that grows. Once out of memory it stays as it is, and says so. */
/*
 * What a file of /proc shows. Long ones come in windows: show() stops when text_full(),
 * saying with text_stop() where it goes on (`next`; 0: from the start).
 */
#define TEXT_WINDOW 8192u
struct text {
	char *buf;
	size_t len, size;
	uint64_t base;			/* the position of what is in buf */
	uint64_t next;
	bool begun, more, failed;
};
static inline bool
text_full(const struct text *t)
{
	return t->len >= TEXT_WINDOW;
}
static inline void
text_stop(struct text *t, uint64_t next)
{
	t->next = next;
	t->more = true;
}
void text_add(struct text *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void text_bytes(struct text *, const void *, size_t);

struct proc_node {
	const char *name;
	uint32_t mode;			/* type and rights */
	void (*show)(struct text *, int pid);
	int64_t (*store)(int pid, const char *, size_t);
	int64_t (*read)(int pid, struct ubuf, size_t, uint64_t *pos);
	int (*link)(struct inode *, char *buf, size_t, struct dentry **jump);
	const struct proc_node *children;	/* up to a NULL name */
	/* Entries by number: the one at or after n (-1: none), its node. */
	int (*next)(int pid, int n);
	const struct proc_node *numbered;
};

/* pagemap.c: struct proc_node's read. */
int64_t pagemap_read(int pid, struct ubuf, size_t, uint64_t *pos);

struct dentry *proc_tree(const struct filesystem *, const struct proc_node *);

/* proc_pid.c: what is in /proc/PID, and its list of processes. */
extern const struct proc_node proc_pid;
int proc_next_pid(int pid, int n);

/* The process, or the one whose task this is. proc_lock held. */
struct process *proc_process(int pid);
/* Its space, counted; NULL: none. */
struct space *proc_space(int pid);

#endif
