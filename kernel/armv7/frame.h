/*
 * frame.h - the registers of an interrupted program, as the entry code stores
 * them. A thread's user frame is at the very top of its kernel stack.
 */
#ifndef KERNEL_FRAME_H
#define KERNEL_FRAME_H

/* Offsets for the entry code; checked in start.c. */
#define FRAME_SP 52
#define FRAME_LR 56
#define FRAME_CODE 60
#define FRAME_FIRST 64
#define FRAME_PC 72
#define FRAME_CPSR 76
#define FRAME_SIZE 80
/* FP state as entry.S stores it: D0 to D31, FPSCR, to 8 bytes. */
#define FRAME_FPU_BYTES 264u

#define CPSR_MODE 0x1fu
#define CPSR_MODE_USER 0x10u
#define CPSR_T 0x20u
#define CPSR_I 0x80u
/* What a user program may set by sigreturn: N Z C V Q, GE, IT, E not, T. */
#define CPSR_USER 0xfe0ffc20u

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

struct trap_frame {
	uint32_t r[13], sp, lr;
	/* In a system call its number, else the fault's status. */
	uint32_t code;
	/* R0 as it came: it holds the result then. */
	uint32_t first;
	uint32_t pad;
	uint32_t pc, cpsr;
};

static inline bool
frame_is_user(const struct trap_frame *f)
{
	return (f->cpsr & CPSR_MODE) == CPSR_MODE_USER;
}

/* Where a program goes on: an odd address is Thumb code. */
static inline void
frame_set_pc(struct trap_frame *f, uint32_t at)
{
	f->cpsr = (f->cpsr & ~(CPSR_T | 0x0600fc00u)) | (at & 1 ? CPSR_T : 0);
	f->pc = at & ~1u;
}

/* A frame that starts a program at `ip` with stack `sp`, all else zero. */
static inline void
frame_init_user(struct trap_frame *f, uint64_t ip, uint64_t sp)
{
	*f = (struct trap_frame){ .sp = (uint32_t)sp,
		.cpsr = CPSR_MODE_USER };
	frame_set_pc(f, (uint32_t)ip);
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
	return f->r[n];
}

#endif
#endif
