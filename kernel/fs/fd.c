/*
 * fd.c - descriptor tables, and the root, working directory and umask.
 *
 * Invariant: a slot that is not NULL holds one reference on its file; its
 *   close-on-exec bit means nothing while the slot is NULL.
 * Locks: files->lock for slots and bits; a table used by one task only is read
 *   by it without.
 */
#include <caches.h>
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

#define FIRST_SIZE 64u		/* a multiple of 64, as every size */

static struct tome_cache *tables;

void
fd_start(void)
{
	tables = cache_new("files", sizeof(struct files));
}

static size_t
slots_bytes(unsigned size)
{
	return size * sizeof(struct file *) + size / 8;
}

/* Slots, with the bits behind them. */
static struct file **
slots_new(unsigned size)
{
	return tome_kzalloc(the_vm, slots_bytes(size));
}

static uint64_t *
slots_bits(struct file **slot, unsigned size)
{
	return (uint64_t *)(void *)(slot + size);
}

static struct files *
table_new(unsigned size)
{
	struct files *t = tome_cache_alloc(tables);

	if (t == NULL)
		return NULL;
	*t = (struct files){.refs = 1, .size = size, .slot = slots_new(size)};
	if (t->slot == NULL) {
		tome_cache_free(tables, t);
		return NULL;
	}
	t->cloexec = slots_bits(t->slot, size);
	return t;
}

struct files *
files_new(void)
{
	return table_new(FIRST_SIZE);
}

void
files_ref(struct files *t)
{
	atomic_fetch_add(&t->refs, 1);
}

void
files_unref(struct files *t)
{
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < t->size; i++)
		if (t->slot[i] != NULL) {
			file_locks_drop(t->slot[i], t);
			file_unref(t->slot[i]);
		}
	tome_kfree(the_vm, t->slot);
	tome_cache_free(tables, t);
}

/* The table may grow while we allocate: then try again, larger. */
struct files *
files_copy(struct files *from)
{
	struct files *t;
	unsigned size;

	for (;;) {
		size = from->size;
		t = table_new(size);
		if (t == NULL)
			return NULL;
		spin_lock(&from->lock);
		if (from->size == size)
			break;
		spin_unlock(&from->lock);
		files_unref(t);
	}
	memcpy(t->slot, from->slot, slots_bytes(size));
	for (unsigned i = 0; i < size; i++)
		if (t->slot[i] != NULL)
			file_ref(t->slot[i]);
	spin_unlock(&from->lock);
	return t;
}

/* Take what is in a slot out. */
static struct file *
slot_take(struct files *t, unsigned fd)
{
	struct file *f = NULL;

	spin_lock(&t->lock);
	if (fd < t->size) {
		f = t->slot[fd];
		t->slot[fd] = NULL;
	}
	spin_unlock(&t->lock);
	return f;
}

static bool
is_cloexec(const struct files *t, unsigned fd)
{
	return t->cloexec[fd / 64] >> fd % 64 & 1;
}

static void
set_cloexec(struct files *t, unsigned fd, bool on)
{
	uint64_t bit = (uint64_t)1 << fd % 64;

	if (on)
		t->cloexec[fd / 64] |= bit;
	else
		t->cloexec[fd / 64] &= ~bit;
}

static void
close_file(struct files *t, struct file *f)
{
	file_locks_drop(f, t);
	file_unref(f);
}

/* The table is the caller's alone. */
void
files_exec(struct files *t)
{
	for (unsigned i = 0; i < t->size; i++)
		if (t->slot[i] != NULL && is_cloexec(t, i))
			close_file(t, slot_take(t, i));
}

/* Make room for descriptor fd. */
static int
grow(struct files *t, unsigned fd)
{
	unsigned size = t->size;
	struct file **slot, **old;

	while (size <= fd)
		size *= 2;
	slot = slots_new(size);
	if (slot == NULL)
		return -ENOMEM;
	spin_lock(&t->lock);
	old = t->slot;
	if (t->size < size) {
		memcpy(slot, old, t->size * sizeof *slot);
		memcpy(slots_bits(slot, size), t->cloexec, t->size / 8);
		t->slot = slot;
		t->cloexec = slots_bits(slot, size);
		t->size = size;
	} else {
		old = slot;
	}
	spin_unlock(&t->lock);
	tome_kfree(the_vm, old);
	return 0;
}

/* Lowest free slot at or after min; t->size if all are taken. Locked. */
static unsigned
find_free(struct files *t, unsigned min)
{
	while (min < t->size && t->slot[min] != NULL)
		min++;
	return min;
}

int
fd_room(unsigned n)
{
	struct files *t = current_task()->files;
	unsigned fd, size;

	spin_lock(&t->lock);
	size = t->size;
	for (fd = 0; fd < size && n > 0; fd++)
		n -= t->slot[fd] == NULL;
	spin_unlock(&t->lock);
	if (n == 0 || size + n > FD_LIMIT || size >= process_limit(
	    current_process(), RLIMIT_NOFILE))
		return 0;
	return grow(t, size + n - 1);
}

int
fd_install(struct file *f, int min, bool cloexec)
{
	struct files *t = current_task()->files;
	uint64_t limit = process_limit(current_process(), RLIMIT_NOFILE);
	unsigned fd, size;
	int err;

	for (;;) {
		spin_lock(&t->lock);
		fd = find_free(t, (unsigned)min);
		size = t->size;
		if (fd < limit && fd < size) {
			t->slot[fd] = f;
			set_cloexec(t, fd, cloexec);
			spin_unlock(&t->lock);
			return (int)fd;
		}
		spin_unlock(&t->lock);
		if (fd >= limit || fd >= FD_LIMIT)
			return -EMFILE;
		err = grow(t, fd);
		if (err != 0)
			return err;
	}
}

struct file *
files_get(struct files *t, unsigned fd)
{
	struct file *f = NULL;

	spin_lock(&t->lock);
	if (fd < t->size && t->slot[fd] != NULL) {
		f = t->slot[fd];
		file_ref(f);
	}
	spin_unlock(&t->lock);
	return f;
}

struct file *
fd_get(int fd)
{
	return files_get(current_task()->files, (unsigned)fd);
}

struct fd
fd_borrow(int fd)
{
	struct files *t = current_task()->files;

	if (t->refs != 1)
		return (struct fd){files_get(t, (unsigned)fd), true};
	if ((unsigned)fd >= t->size)
		return (struct fd){NULL, false};
	return (struct fd){t->slot[fd], false};
}

int
fd_close(int fd)
{
	struct files *t = current_task()->files;
	struct file *f = slot_take(t, (unsigned)fd);

	if (f == NULL)
		return -EBADF;
	close_file(t, f);
	return 0;
}

int
fd_dup_to(struct file *f, int fd, bool cloexec)
{
	struct files *t = current_task()->files;
	struct file *old;
	int err;

	if (fd < 0 || (uint64_t)fd >= process_limit(current_process(),
	    RLIMIT_NOFILE) || fd >= (int)FD_LIMIT)
		return -EBADF;
	if ((unsigned)fd >= t->size && (err = grow(t, (unsigned)fd)) != 0)
		return err;
	file_ref(f);
	spin_lock(&t->lock);
	old = t->slot[fd];
	t->slot[fd] = f;
	set_cloexec(t, (unsigned)fd, cloexec);
	spin_unlock(&t->lock);
	if (old != NULL)
		close_file(t, old);
	return fd;
}

int
fd_cloexec(int fd)
{
	struct files *t = current_task()->files;
	int on = -EBADF;

	spin_lock(&t->lock);
	if ((unsigned)fd < t->size && t->slot[fd] != NULL)
		on = is_cloexec(t, (unsigned)fd);
	spin_unlock(&t->lock);
	return on;
}

int
fd_set_cloexec(int fd, bool on)
{
	struct files *t = current_task()->files;
	int err = -EBADF;

	spin_lock(&t->lock);
	if ((unsigned)fd < t->size && t->slot[fd] != NULL) {
		set_cloexec(t, (unsigned)fd, on);
		err = 0;
	}
	spin_unlock(&t->lock);
	return err;
}

/* ---- root, working directory, umask ---- */

struct fs *
fs_new(void)
{
	struct fs *fs = tome_kmalloc(the_vm, sizeof *fs);

	if (fs == NULL)
		return NULL;
	*fs = (struct fs){.refs = 1, .root = root_dentry,
		.cwd = root_dentry};
	dentry_ref(root_dentry);
	dentry_ref(root_dentry);
	return fs;
}

struct fs *
fs_copy(struct fs *from)
{
	struct fs *fs = tome_kmalloc(the_vm, sizeof *fs);

	if (fs == NULL)
		return NULL;
	mutex_lock(&tree_lock);
	*fs = (struct fs){.refs = 1, .umask = from->umask, .root = from->root,
		.cwd = from->cwd};
	dentry_ref(fs->root);
	dentry_ref(fs->cwd);
	mutex_unlock(&tree_lock);
	return fs;
}

void
fs_unref(struct fs *fs)
{
	if (fs == NULL || atomic_fetch_sub(&fs->refs, 1) != 1)
		return;
	dentry_unref(fs->root);
	dentry_unref(fs->cwd);
	tome_kfree(the_vm, fs);
}

static void
exchange(struct dentry **where, struct dentry *d)
{
	struct dentry *old;

	mutex_lock(&tree_lock);
	old = *where;
	*where = d;
	mutex_unlock(&tree_lock);
	dentry_unref(old);
}

void
fs_set_cwd(struct fs *fs, struct dentry *d)
{
	exchange(&fs->cwd, d);
}

void
fs_set_root(struct fs *fs, struct dentry *d)
{
	exchange(&fs->root, d);
}
