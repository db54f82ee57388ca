/*
 * linux_abi.h - what of Linux's system-call interface is 32-bit ARM's own (EABI):
 * structure layouts, system-call numbers, the signal frame's registers.
 */
#ifndef KERNEL_LINUX_ABI_H
#define KERNEL_LINUX_ABI_H

#include <stdint.h>

#define ABI_MACHINE "armv7l"
#define SYS_RESTART 0		/* restart_syscall(2) */
#define ELF_MACHINE 40
#define ABI_O_DIRECTORY 040000	/* O_NOFOLLOW is twice that */
#define ABI_CLONE_CHILD 4	/* clone(2)'s argument, and TLS the other of 3 and 4 */
#define ABI_EPOLL_EVENT
#define ABI_PAIRS_EVEN 1	/* 64 bits begin at an even register */

/* struct stat64 */
struct stat {
	uint64_t dev;
	uint32_t pad, short_ino, mode, nlink, uid, gid;
	uint64_t rdev;
	uint32_t pad2;
	int64_t size;
	uint32_t blksize;
	uint64_t blocks;
	uint32_t atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
	uint64_t ino;
};
_Static_assert(sizeof(struct stat) == 104, "struct stat64 has 104 bytes");

struct sigcontext {
	uint32_t trapno, err, oldmask, r[13], sp, lr, pc, cpsr, fault_address;
};

/* Where user addresses end, and where position-independent programs go. */
#define USER_LOW 0x10000ull
#define USER_TOP 0x7ffff000ull
#define PIE_BASE 0x40000000ull
#define MMAP_RANDOM_BITS 8
#define STACK_GAP ((uint64_t)2 << 20)	/* between stack and mappings */
#define PIE_RANDOM_BITS 8
#define STACK_RANDOM_BITS 11
#define BRK_RANDOM_BITS 13

#endif
