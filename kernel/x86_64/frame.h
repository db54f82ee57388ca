/*
 * frame.h - the registers of an interrupted program, as the entry code pushes
 * them. A thread's user frame is at the very top of its kernel stack.
 */
#ifndef KERNEL_FRAME_H
#define KERNEL_FRAME_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame {
	/* Kept by C functions. */
	uint64_t r15, r14, r13, r12, rbp, rbx;
	/* Not kept by C functions. */
	uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	/*
	 * In a system call its number, else the CPU's error code (0 where it
	 * gives none). rax holds the number too until the result replaces it.
	 */
	uint64_t code;
	/* What the CPU itself pushes. */
	uint64_t rip, cs, rflags, rsp, ss;
};

#define FRAME_USER_CS 0x33
#define FRAME_USER_SS 0x2b
#define FRAME_KERNEL_CS 0x10

/* Flags a user program may set by sigreturn: CF PF AF ZF SF TF DF OF NT RF AC ID. */
#define FRAME_USER_FLAGS 0x00254dd5u
#define FRAME_FLAGS_IF 0x200u

static inline bool
frame_is_user(const struct trap_frame *f)
{
	return (f->cs & 3) != 0;
}

static inline uintptr_t
frame_ip(const struct trap_frame *f)
{
	return f->rip;
}

static inline void
frame_set_ip(struct trap_frame *f, uintptr_t ip)
{
	f->rip = ip;
}

static inline uintptr_t
frame_flags(const struct trap_frame *f)
{
	return f->rflags;
}

/* A frame that starts a program at `ip` with stack `sp`, all else zero. */
static inline void
frame_init_user(struct trap_frame *f, uint64_t ip, uint64_t sp)
{
	*f = (struct trap_frame){
		.rip = ip,
		.cs = FRAME_USER_CS,
		.rflags = FRAME_FLAGS_IF,
		.rsp = sp,
		.ss = FRAME_USER_SS,
	};
}

/* The Linux convention: number, arguments, result. */
static inline uint64_t
frame_syscall_number(const struct trap_frame *f)
{
	return f->code;
}

static inline uint64_t
frame_syscall_arg(const struct trap_frame *f, unsigned n)
{
	const uint64_t arg[] = {
		f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9,
	};

	return arg[n];
}

#endif
