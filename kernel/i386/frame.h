/*
 * frame.h - the registers of an interrupted program, as the entry code pushes
 * them. A thread's user frame is at the very top of its kernel stack. A frame of
 * the kernel's own ends with eflags: the stack pointer was just above it.
 */
#ifndef KERNEL_FRAME_H
#define KERNEL_FRAME_H

#include <stdbool.h>
#include <stdint.h>

struct trap_frame {
	uint32_t gs, fs, es, ds;
	uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax;
	/*
	 * In a system call its number, else the CPU's error code (0 where it
	 * gives none). eax holds the number too until the result replaces it.
	 */
	uint32_t code;
	/* What the CPU itself pushes; the last two from user mode only. */
	uint32_t eip, cs, eflags, esp, ss;
};

#define FRAME_USER_CS 0x73u
#define FRAME_USER_DS 0x7bu

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
	return f->eip;
}

static inline void
frame_set_ip(struct trap_frame *f, uintptr_t ip)
{
	f->eip = ip;
}

static inline uintptr_t
frame_flags(const struct trap_frame *f)
{
	return f->eflags;
}

/* A frame that starts a program at `ip` with stack `sp`, all else zero. */
static inline void
frame_init_user(struct trap_frame *f, uint64_t ip, uint64_t sp)
{
	*f = (struct trap_frame){
		.eip = (uint32_t)ip,
		.cs = FRAME_USER_CS,
		.ds = FRAME_USER_DS,
		.es = FRAME_USER_DS,
		.eflags = FRAME_FLAGS_IF,
		.esp = (uint32_t)sp,
		.ss = FRAME_USER_DS,
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
	const uint32_t arg[] = {
		f->ebx, f->ecx, f->edx, f->esi, f->edi, f->ebp,
	};

	return arg[n];
}

#endif
