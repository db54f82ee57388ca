/*
 * linux_abi.h - what of Linux's system-call interface is i386's own:
 * structure layouts, system-call numbers, the signal frame's registers.
 */
#ifndef KERNEL_LINUX_ABI_H
#define KERNEL_LINUX_ABI_H

#include <stdint.h>

#define ABI_MACHINE "i686"
#define SYS_RESTART 0		/* restart_syscall(2) */
#define ELF_MACHINE 3

/* A number of 64 bits in user space's structures lies on a multiple of 4. */
#define ABI_WIDE_ALIGN 4

#define ABI_O_DIRECTORY 0200000
#define ABI_CLONE_CHILD 4
#define ABI_EPOLL_EVENT
#define SIGFPU_FSAVE 112u

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
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct stat) == 96, "struct stat64 has 96 bytes");

struct sigcontext {
	uint32_t gs, fs, es, ds, di, si, bp, sp, bx, dx, cx, ax, trapno, err, ip,
	    cs, flags, sp_at_signal, ss, fpstate, oldmask, cr2;
};

/* Where user addresses end, and where position-independent programs go. */
#define USER_LOW 0x10000ull
#if TOME_I386_PAE
#define USER_TOP 0x7ffff000ull
#else
#define USER_TOP 0xbffff000ull
#endif
#define USER_HALF_END USER_TOP	/* of addresses that fault as user's */
#define PIE_BASE 0x40000000ull
#define MMAP_RANDOM_BITS 8
#define STACK_GAP ((uint64_t)2 << 20)	/* between stack and mappings */
#define PIE_RANDOM_BITS 8
#define STACK_RANDOM_BITS 11
#define BRK_RANDOM_BITS 13

#endif
