/*
 * frame.h - the registers of an interrupted program, as the entry code stores
 * them. A thread's user frame is at the very top of its kernel stack.
 */
#ifndef KERNEL_FRAME_H
#define KERNEL_FRAME_H

#include <asm.h>

#define FRAME_SIZE 272
#define FRAME_PC 256
#define FRAME_STATUS 264

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

enum {
	X_RA = 1, X_SP = 2, X_GP = 3, X_TP = 4, X_A0 = 10, X_A1, X_A2, X_A7 = 17,
};

struct trap_frame {
	/* x0 is the first argument of a system call, until it is restarted. */
	uint64_t x[32];
	uint64_t pc, status;
};

_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "entry.S");

static inline bool
frame_is_user(const struct trap_frame *f)
{
	return !(f->status & STATUS_SPP);
}

/* A frame that starts a program at `ip` with stack `sp`, all else zero. */
static inline void
frame_init_user(struct trap_frame *f, uint64_t ip, uint64_t sp)
{
	*f = (struct trap_frame){
		.x[X_SP] = sp,
		.pc = ip,
		.status = STATUS_SPIE | STATUS_FS_INITIAL | STATUS_UXL64,
	};
}

/* The Linux convention: number, arguments, result. */
static inline uint64_t
frame_syscall_number(const struct trap_frame *f)
{
	return f->x[X_A7];
}

static inline uint64_t
frame_syscall_arg(const struct trap_frame *f, unsigned n)
{
	return f->x[X_A0 + n];
}

#endif
#endif
