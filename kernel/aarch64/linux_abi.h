/*
 * linux_abi.h - what of Linux's system-call interface is AArch64's own:
 * structure layouts, system-call numbers, the signal frame's registers.
 */
#ifndef KERNEL_LINUX_ABI_H
#define KERNEL_LINUX_ABI_H

#include <stdint.h>

#define ABI_MACHINE "aarch64"
#define SYS_RESTART 128		/* restart_syscall(2) */
#define ELF_MACHINE 183
#define ABI_O_DIRECTORY 040000	/* O_NOFOLLOW is twice that */
#define ABI_CLONE_CHILD 4	/* clone(2)'s argument, and TLS the other of 3 and 4 */
#define ABI_EPOLL_EVENT

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

struct sigcontext {
	uint64_t fault_address, regs[31], sp, pc, pstate;
	uint8_t reserved[4096] __attribute__((aligned(16)));
};

/* Where user addresses end, and where position-independent programs go. */
#define USER_LOW 0x10000ull
#define USER_TOP 0xffffffff0000ull
/* Addresses of more than 48 bits are for programs that name them. */
#define USER_END (((uint64_t)1 << TOME_A64_WIDTH) - 0x10000)
#define PIE_BASE 0xaaaaaaaa0000ull
#define MMAP_RANDOM_BITS 24
#define STACK_GAP ((uint64_t)2 << 20)	/* between stack and mappings */
#define PIE_RANDOM_BITS 24
#define STACK_RANDOM_BITS 18
#define BRK_RANDOM_BITS 13

/* What returns from a handler, in every program (exec.c): MOV X8, #139; SVC #0. */
#define SIGRETURN_CODE (USER_TOP - 0x10000)
#define SIGRETURN_INSTRUCTIONS { 0xd2801168u, 0xd4000001u }

#endif
