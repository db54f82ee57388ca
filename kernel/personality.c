/*
 * personality.c - bring-up of the personality, and the first process.
 */
#include <block.h>
#include <fs/vfs.h>
#include <mm.h>
#include <personality.h>
#include <process.h>
#include <swap.h>
#include <virtio/virtio.h>

static const char *const init_env[] = {
	"HOME=/", "TERM=vt100", NULL,
};

static void
open_console(void)
{
	struct file *f;

	if (file_open(NULL, "/dev/console", O_RDWR, 0, &f) != 0) {
		kprintf("no /dev/console: init has no descriptors\n");
		return;
	}
	for (int fd = 0; fd < 3; fd++)
		(void)fd_dup_to(f, fd, false);
	file_unref(f);
}

/* The host's root cannot be written: the initramfs has a place of its own there. */
#define INITRAMFS_PLACE "/run/initramfs"

static void
go_to(const char *path)
{
	struct dentry *d;

	if (path_lookup(NULL, path, WALK_FOLLOW, &d) == 0)
		fs_set_cwd(current_task()->fs, d);
}

static void
unpack_root(bool hosted)
{
	size_t n;
	const void *archive = boot_initrd(&n);

	if (hosted) {
		(void)vfs_mknod(NULL, INITRAMFS_PLACE, S_IFDIR | 0755, 0);
		go_to(INITRAMFS_PLACE);
	}

	if (archive != NULL)
		cpio_unpack(archive, n);
	else
		kprintf("no initramfs\n");
	go_to("/");
}

/* init= from the command line, else the usual places. */
static void
start_init(struct trap_frame *frame)
{
	static const char *const places[] = {
		INITRAMFS_PLACE "/init", "/init", "/sbin/init", "/bin/init", "/bin/sh",
	};
	char named[128];
	const char *argv[2] = {named, NULL};
	int err;

	if (boot_option("init", named, sizeof named) && named[0] != '\0') {
		err = exec_kernel(named, argv, init_env, frame);
		if (err == 0)
			return;
		panic("%s cannot be run: error %d", named, -err);
	}
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		argv[0] = places[i];
		err = exec_kernel(places[i], argv, init_env, frame);
		if (err == 0)
			return;
		if (err != -ENOENT)
			kprintf("%s cannot be run: error %d\n", places[i],
			    -err);
	}
	panic("no init");
}

void
personality_main(void)
{
	struct trap_frame frame;

	process_start();
	signal_start();
	futex_start();
	mm_start();
	syscall_start();
	vfs_start();
	process_become_init();
	virtio_start();
	ramdisk_start();
	unpack_root(vfs_mount_standard());
	swap_start();
	current_task()->fs->umask = 022;
	console_start_input();
	open_console();
	start_init(&frame);
	thread_enter_user(&frame);
}

void
panic_describe_process(void)
{
	struct process *p = current()->process;
	struct tome_region r;
	tome_va_t cookie = 0;

	if (p == NULL || p->space == NULL)
		return;
	kprintf("process %d (%s):\n", p->pid, p->comm);
	while (tome_map_next(p->space->map, &cookie, &r))
		kprintf("  %012lx-%012lx %c%c%c%c %s\n",
		    (unsigned long)r.start, (unsigned long)r.end,
		    r.prot & TOME_PROT_READ ? 'r' : '-',
		    r.prot & TOME_PROT_WRITE ? 'w' : '-',
		    r.prot & TOME_PROT_EXEC ? 'x' : '-',
		    r.shared ? 's' : 'p', r.name);
}
