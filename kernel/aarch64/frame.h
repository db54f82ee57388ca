/*
 * frame.h - the registers of an interrupted program, as the entry code stores
 * them. A thread's user frame is at the very top of its kernel stack.
 */
#ifndef KERNEL_FRAME_H
#define KERNEL_FRAME_H

/* Offsets for the entry code; checked in start.c. */
#define FRAME_SP 248
#define FRAME_PC 256
#define FRAME_PSTATE 264
#define FRAME_CODE 272
#define FRAME_FIRST 280
#define FRAME_SIZE 288
/* FP state as entry.S stores it: V0 to V31, FPSR, FPCR, to 16 bytes. */
#define FRAME_FPU_BYTES 528u

#define PSTATE_MODE 0x1fu		/* EL0: 0 */
#define PSTATE_I 0x80u
/* What a user program may set by sigreturn: N Z C V, and DIT, SSBS, TCO, BTYPE not. */
#define PSTATE_USER 0xf0000000u

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

struct trap_frame {
	uint64_t x[31], sp, pc, pstate;
	/* In a system call its number, else ESR. */
	uint64_t code;
	/* X0 as it came: it holds the result then. */
	uint64_t first;
};

static inline bool
frame_is_user(const struct trap_frame *f)
{
	return (f->pstate & PSTATE_MODE) == 0;
}

/* A frame that starts a program at `ip` with stack `sp`, all else zero. */
static inline void
frame_init_user(struct trap_frame *f, uint64_t ip, uint64_t sp)
{
	*f = (struct trap_frame){ .pc = ip, .sp = sp };
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
	return f->x[n];
}

#endif
#endif
