# personality.mk - the sources of the operating-system personality.
KERNEL_SRC_PERSONALITY := \
	kernel/caches.c \
	kernel/elf.c \
	kernel/exec.c \
	kernel/fs/cpio.c \
	kernel/fs/dentry.c \
	kernel/fs/dev.c \
	kernel/fs/eventfd.c \
	kernel/fs/fd.c \
	kernel/fs/file.c \
	kernel/fs/inode.c \
	kernel/fs/io_calls.c \
	kernel/fs/lock.c \
	kernel/fs/path_calls.c \
	kernel/fs/pidfd.c \
	kernel/fs/pipe.c \
	kernel/fs/proc.c \
	kernel/fs/proc_pid.c \
	kernel/fs/sys.c \
	kernel/fs/tmpfs.c \
	kernel/fs/tree.c \
	kernel/fs/tty.c \
	kernel/fs/vfs.c \
	kernel/fs/walk.c \
	kernel/futex.c \
	kernel/id_calls.c \
	kernel/mm.c \
	kernel/personality.c \
	kernel/poll.c \
	kernel/process.c \
	kernel/signal.c \
	kernel/signal_calls.c \
	kernel/sys_calls.c \
	kernel/syscall.c \
	kernel/time.c \
	kernel/wait.c \
	kernel/x86_64/sigframe.c
