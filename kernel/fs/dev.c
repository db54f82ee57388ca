/*
 * dev.c - memory devices, and the directory /dev.
 */
#include <block.h>
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

static uint64_t
device(unsigned major, unsigned minor)
{
	return (uint64_t)major << 8 | minor;
}

static int64_t
null_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	(void)f, (void)to, (void)n, (void)pos;
	return 0;
}

static int64_t
null_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	(void)f, (void)from, (void)pos;
	return (int64_t)n;
}

static int64_t
full_write(struct file *f, struct ubuf from, size_t n, uint64_t *pos)
{
	(void)f, (void)from, (void)n, (void)pos;
	return -ENOSPC;
}

static int64_t
zero_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	int err = ubuf_zero(to, 0, n);

	(void)f, (void)pos;
	return err != 0 ? err : (int64_t)n;
}

static int64_t
random_read(struct file *f, struct ubuf to, size_t n, uint64_t *pos)
{
	size_t done, part;
	uint64_t word;
	int err = 0;

	(void)f, (void)pos;
	for (done = 0; done < n; done += part) {
		part = n - done < sizeof word ? n - done : sizeof word;
		word = machine_random();
		err = ubuf_put(to, done, &word, part);
		if (err != 0 || ((done & 4095) == 0 && signal_waiting()))
			break;
	}
	return done > 0 || err == 0 ? (int64_t)done : err;
}

int64_t
random_bytes(struct ubuf to, size_t n)
{
	return random_read(NULL, to, n, NULL);
}

/* Mapped: memory that starts as zero; shared, an object of its own. */
static int
zero_object(struct file *f, struct tome_object **out)
{
	(void)f;
	*out = NULL;
	return 0;
}

static const struct file_ops null_ops = {
	.read = null_read, .write = null_write, .seekable = true,
	.endless = true,
};
static const struct file_ops zero_ops = {
	.read = zero_read, .write = null_write, .object = zero_object,
	.seekable = true, .endless = true,
};
static const struct file_ops full_ops = {
	.read = zero_read, .write = full_write, .seekable = true,
	.endless = true,
};
static const struct file_ops random_ops = {
	.read = random_read, .write = null_write, .seekable = true,
};

int
device_open(struct inode *i, struct file *f)
{
	static const struct {
		unsigned minor;
		const struct file_ops *ops;
	} memory[] = {
		{3, &null_ops}, {5, &zero_ops}, {7, &full_ops},
		{8, &random_ops}, {9, &random_ops},
	};

	if (i->rdev == device(5, 0) || i->rdev == device(5, 1) ||
	    i->rdev == device(4, 64))
		return tty_open(i, f);
	if (block_of(i) != NULL)
		return block_open(i, f);
	for (size_t n = 0; n < sizeof memory / sizeof memory[0]; n++)
		if (i->rdev == device(1, memory[n].minor)) {
			f->ops = memory[n].ops;
			return 0;
		}
	return -ENXIO;
}

static int
add(struct dentry *dir, const char *name, uint32_t mode, uint64_t rdev)
{
	struct inode *i;
	int err = dir->inode->ops->create(dir->inode, mode, rdev, &i);

	return err != 0 ? err : vfs_add(dir, name, i, NULL);
}

static int
add_link(struct dentry *dir, const char *name, const char *target)
{
	size_t n = strlen(target) + 1;
	struct inode *i;
	int err = dir->inode->ops->create(dir->inode, S_IFLNK | 0777, 0, &i);

	if (err != 0)
		return err;
	i->target = tome_kmalloc(the_vm, n);
	if (i->target == NULL) {
		inode_unref(i);
		return -ENOMEM;
	}
	memcpy(i->target, target, n);
	i->size = n - 1;
	return vfs_add(dir, name, i, NULL);
}

static int
add_disks(struct dentry *root)
{
	int err = 0;

	for (unsigned n = 0; err == 0 && block_get(n) != NULL; n++)
		err = add(root, block_get(n)->name, S_IFBLK | 0660,
		    device(BLOCK_MAJOR, n));
	return err;
}

static int
populate(struct dentry *root)
{
	static const struct {
		const char *name;
		unsigned major, minor, mode;
	} nodes[] = {
		{"null", 1, 3, 0666}, {"zero", 1, 5, 0666},
		{"full", 1, 7, 0666},
		{"random", 1, 8, 0666}, {"urandom", 1, 9, 0666},
		{"tty", 5, 0, 0666}, {"console", 5, 1, 0600},
		{"ttyS0", 4, 64, 0660},
	};
	static const struct {
		const char *name, *target;
	} links[] = {
		{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
		{"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
	};
	int err = add(root, "shm", S_IFDIR | 01777, 0);

	for (size_t n = 0; err == 0 && n < sizeof nodes / sizeof nodes[0]; n++)
		err = add(root, nodes[n].name, S_IFCHR | nodes[n].mode,
		    device(nodes[n].major, nodes[n].minor));
	for (size_t n = 0; err == 0 && n < sizeof links / sizeof links[0]; n++)
		err = add_link(root, links[n].name, links[n].target);
	return err != 0 ? err : add_disks(root);
}

/* Each mount has nodes of its own; the devices behind are the same. */
struct dentry *
devfs_root(void)
{
	struct dentry *root = tmpfs_root("devtmpfs");

	if (root != NULL && populate(root) != 0) {
		mutex_lock(&tree_lock);
		vfs_prune(root);
		mutex_unlock(&tree_lock);
		dentry_unref(root);
		root = NULL;
	}
	return root;
}
