/*
 * vfs.c - bring-up of the file systems.
 */
#include <fs/vfs.h>
#include <lib.h>
#include <machine.h>
#include <process.h>

struct dentry *nowhere_dentry;

static void
must(bool fine)
{
	if (!fine)
		panic("no memory for the file systems");
}

void
vfs_start(void)
{
	inode_start();
	dentry_start();
	file_start();
	fd_start();
	root_dentry = tmpfs_root("rootfs");
	nowhere_dentry = tmpfs_root("tmpfs");
	must(root_dentry != NULL && nowhere_dentry != NULL &&
	    vfs_mount(NULL, root_dentry) == 0);
	dentry_ref(root_dentry);
}

static void
mount_at(const char *path, uint32_t mode, struct dentry *root)
{
	struct dentry *where;

	must(root != NULL);
	(void)vfs_mknod(NULL, path, S_IFDIR | mode, 0);
	must(path_lookup(NULL, path, WALK_FOLLOW, &where) == 0);
	must(vfs_mount(where, root) == 0);
	dentry_unref(where);
}

/* So that an initramfs need not. The first process is there already. */
void
vfs_mount_standard(void)
{
	mount_at("/dev", 0755, devfs_root());
	mount_at("/proc", 0555, procfs_root());
	mount_at("/sys", 0555, sysfs_root());
	(void)vfs_mknod(NULL, "/tmp", S_IFDIR | 01777, 0);
	mount_at("/dev/shm", 01777, tmpfs_root("tmpfs"));
}
