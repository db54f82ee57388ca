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

/* Where programs write, when the root cannot be written. */
static void
mount_writable(void)
{
	static const char *const places[] = {
		"/tmp", "/run", "/var/tmp", "/root", "/mnt",
	};
	struct dentry *where;

	for (size_t n = 0; n < sizeof places / sizeof places[0]; n++)
		if (path_lookup(NULL, places[n], WALK_FOLLOW, &where) == 0) {
			must(vfs_mount(where, tmpfs_root("tmpfs")) == 0);
			dentry_unref(where);
		}
}

/* The host's directory over all there is; what follows is mounted in it. */
static bool
mount_host_root(void)
{
	struct dentry *root;

	if (p9fs_root("root", false, &root) != 0)
		return false;
	must(vfs_mount(root_dentry, root) == 0);
	dentry_ref(root);
	fs_set_root(current_task()->fs, root);
	dentry_ref(root);
	fs_set_cwd(current_task()->fs, root);
	mount_writable();
	return true;
}

static void
mount_share(void)
{
	struct dentry *share;

	if (p9fs_root("share", true, &share) == 0) {
		(void)vfs_mknod(NULL, "/mnt", S_IFDIR | 0755, 0);
		mount_at("/mnt/share", 0755, share);
	}
}

/* So that an initramfs need not. The first process is there already. */
bool
vfs_mount_standard(void)
{
	bool hosted = mount_host_root();

	mount_at("/dev", 0755, devfs_root());
	mount_at("/proc", 0555, procfs_root());
	mount_at("/sys", 0555, sysfs_root());
	(void)vfs_mknod(NULL, "/tmp", S_IFDIR | 01777, 0);
	mount_at("/dev/shm", 01777, tmpfs_root("tmpfs"));
	mount_share();
	return hosted;
}
