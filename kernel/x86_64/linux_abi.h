/*
 * linux_abi.h - what of Linux's system-call interface is x86-64's own:
 * structure layouts, system-call numbers, the signal frame's registers.
 */
#ifndef KERNEL_LINUX_ABI_H
#define KERNEL_LINUX_ABI_H

#include <stdint.h>

#define ABI_MACHINE "x86_64"
#define SYS_RESTART 219		/* restart_syscall(2) */
#define ELF_MACHINE 62
#define ABI_O_DIRECTORY 0200000	/* O_NOFOLLOW is twice that */
#define ABI_CLONE_CHILD 3	/* clone(2)'s argument, and TLS the other of 3 and 4 */
#define ABI_EPOLL_EVENT __attribute__((packed))
#define ABI_SEM_GAP(n) abi_ulong gap##n;

struct stat {
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad;
	uint64_t rdev;
	int64_t size, blksize, blocks;
	uint64_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
	int64_t spare[3];
};

struct sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax,
	    cx, sp, ip, flags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};

enum {
	ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS,
};

/* Where user addresses end, and where position-independent programs go. */
#define USER_LOW 0x10000ull
#define USER_TOP 0x7ffffffff000ull
#define USER_HALF_END 0x8000000000000000ull	/* of addresses that fault as user's */
#define PIE_BASE 0x555555554000ull
#define MMAP_RANDOM_BITS 28
#define STACK_GAP ((uint64_t)2 << 20)	/* between stack and mappings */
#define PIE_RANDOM_BITS 28
#define STACK_RANDOM_BITS 18
#define BRK_RANDOM_BITS 13

#endif
