/*
 * linux_abi.h - what of Linux's system-call interface is RISC-V's own: structure
 * layouts, system-call numbers, the signal frame's registers.
 */
#ifndef KERNEL_LINUX_ABI_H
#define KERNEL_LINUX_ABI_H

#include <stdint.h>

#define ABI_MACHINE "riscv64"
#define SYS_RESTART 128		/* restart_syscall(2) */
#define SYS_SIGRETURN 139	/* rt_sigreturn(2) */
#define ELF_MACHINE 243
#define ABI_O_DIRECTORY 0200000	/* O_NOFOLLOW is twice that */
#define ABI_CLONE_CHILD 4	/* clone(2)'s argument, and TLS the other of 3 and 4 */
#define ABI_EPOLL_EVENT
#define ABI_NO_RESTORER 1

struct stat {
	uint64_t dev, ino;
	uint32_t mode, nlink, uid, gid;
	uint64_t rdev, pad;
	int64_t size;
	int32_t blksize, pad2;
	int64_t blocks;
	uint64_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
	uint32_t spare[2];
};

/* x[0] is the program counter. The last is a union with longer registers. */
struct sigcontext {
	uint64_t x[32];
	uint64_t f[32];
	uint32_t fcsr, rest[67];
} __attribute__((aligned(16)));

/* Where user addresses end, and where position-independent programs go: those of Sv39
 * whatever the mode is. */
#define USER_LOW 0x10000ull
#define USER_TOP 0x3ffffff000ull
#define PIE_BASE 0x2aaaaaa000ull
#define SIGRETURN_AT USER_TOP	/* what signal handlers return to */
#define MMAP_RANDOM_BITS 18
#define STACK_GAP ((uint64_t)2 << 20)	/* between stack and mappings */
#define PIE_RANDOM_BITS 18
#define STACK_RANDOM_BITS 18
#define BRK_RANDOM_BITS 13

#endif
