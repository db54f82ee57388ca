/*
 * entry.S - into the kernel and out of it, and from thread to thread.
 *
 * Every entry builds a struct trap_frame (frame.h), with interrupts off and, where
 * the CPU has it, PAN on. In user mode the kernel's stack pointer is at the end of
 * the thread's frame, so an entry need only go down.
 *
 * The way back to user mode is one of two. The short one, when the thread's work word
 * is zero and no other thread is due, does not reload X19 to X29, which C functions
 * keep. The long one calls trap_user_work() and reloads everything.
 */
#include <cpu.h>
#include <frame.h>

#define EC_SVC 0x15
#define EC_FETCH 0x20
#define EC_DATA 0x24

.macro SAVE_REGISTERS
	stp x0, x1, [sp, #0]
	stp x2, x3, [sp, #16]
	stp x4, x5, [sp, #32]
	stp x6, x7, [sp, #48]
	stp x8, x9, [sp, #64]
	stp x10, x11, [sp, #80]
	stp x12, x13, [sp, #96]
	stp x14, x15, [sp, #112]
	stp x16, x17, [sp, #128]
	stp x18, x19, [sp, #144]
	stp x20, x21, [sp, #160]
	stp x22, x23, [sp, #176]
	stp x24, x25, [sp, #192]
	stp x26, x27, [sp, #208]
	stp x28, x29, [sp, #224]
.endm

/* x0 .. x17, x30: what C functions do not keep. */
.macro LOAD_NOT_KEPT
	ldp x0, x1, [sp, #0]
	ldp x2, x3, [sp, #16]
	ldp x4, x5, [sp, #32]
	ldp x6, x7, [sp, #48]
	ldp x8, x9, [sp, #64]
	ldp x10, x11, [sp, #80]
	ldp x12, x13, [sp, #96]
	ldp x14, x15, [sp, #112]
	ldp x16, x17, [sp, #128]
	ldr x30, [sp, #240]
.endm

.macro LOAD_KEPT
	ldr x19, [sp, #152]
	ldp x20, x21, [sp, #160]
	ldp x22, x23, [sp, #176]
	ldp x24, x25, [sp, #192]
	ldp x26, x27, [sp, #208]
	ldp x28, x29, [sp, #224]
.endm

.macro ENTER_USER
	sub sp, sp, #FRAME_SIZE
	SAVE_REGISTERS
	mrs x18, tpidr_el1
	mrs x1, sp_el0
	mrs x2, elr_el1
	mrs x3, spsr_el1
	stp x30, x1, [sp, #240]
	stp x2, x3, [sp, #FRAME_PC]
.endm

/* The frame's pc and pstate, and the user's stack pointer. */
.macro LOAD_USER_STATE
	ldp x1, x2, [sp, #FRAME_SP]
	ldr x3, [sp, #FRAME_PSTATE]
	msr sp_el0, x1
	msr elr_el1, x2
	msr spsr_el1, x3
.endm

	.text

/* ---- from user mode ---- */

user_irq:
	ENTER_USER
	bl trap_interrupt
	b user_return

user_sync:
	ENTER_USER
	mrs x2, esr_el1
	lsr x3, x2, #26
	cmp x3, #EC_SVC
	b.eq 1f
	mrs x1, far_el1
	mov x0, sp
	str x2, [sp, #FRAME_CODE]
	msr daifclr, #2
	cmp x3, #EC_DATA
	b.eq 2f
	cmp x3, #EC_FETCH
	b.eq 2f
	bl trap_user
	b user_return
1:	stp x8, x0, [sp, #FRAME_CODE]
	msr daifclr, #2
	mov x0, sp
	bl syscall_dispatch
	str x0, [sp]
	b user_return
2:	bl trap_user_page_fault

user_return:
	msr daifset, #2
	ldr x1, [x18, #CPU_THREAD]
	ldr w2, [x1, #THREAD_WORK]
	cbnz w2, user_return_long
	ldr x2, [x18, #CPU_PREEMPT]
	cbz x2, user_return_long
	LOAD_USER_STATE
	ldr x18, [sp, #144]
	LOAD_NOT_KEPT
	add sp, sp, #FRAME_SIZE
	eret

/* ---- to user mode, the long way; SP at the frame ---- */

user_return_long:
	mov x0, sp
	bl trap_user_work
	LOAD_USER_STATE
	LOAD_KEPT
	ldr x18, [sp, #144]
	LOAD_NOT_KEPT
	add sp, sp, #FRAME_SIZE
	eret

/* ---- from the kernel ---- */

kernel_sync:
	/* Is there still a stack? */
	stp x0, x1, [x18, #CPU_SCRATCH]
	ldr x0, [x18, #CPU_STACK_LOW]
	sub x1, sp, #FRAME_SIZE
	cmp x1, x0
	b.lo kernel_no_stack
	ldp x0, x1, [x18, #CPU_SCRATCH]
	sub sp, sp, #FRAME_SIZE
	SAVE_REGISTERS
	add x1, sp, #FRAME_SIZE
kernel_sync_saved:
	mrs x2, elr_el1
	mrs x3, spsr_el1
	stp x30, x1, [sp, #240]
	stp x2, x3, [sp, #FRAME_PC]
	mrs x2, esr_el1
	str x2, [sp, #FRAME_CODE]
	mrs x1, far_el1
	mov x0, sp
	bl trap_kernel
	b kernel_return

	/* The page below the stack: what is left to do is to say so. */
kernel_no_stack:
	mov x0, sp
	ldr x1, [x18, #CPU_SPARE_TOP]
	mov sp, x1
	mov x1, x0
	ldr x0, [x18, #CPU_SCRATCH]
	sub sp, sp, #FRAME_SIZE
	SAVE_REGISTERS
	b kernel_sync_saved

kernel_irq:
	sub sp, sp, #FRAME_SIZE
	SAVE_REGISTERS
	add x1, sp, #FRAME_SIZE
	mrs x2, elr_el1
	mrs x3, spsr_el1
	stp x30, x1, [sp, #240]
	stp x2, x3, [sp, #FRAME_PC]
	bl trap_interrupt

	/* Back in the kernel: another thread first, if one is due and may. */
kernel_return:
	msr daifset, #2
	ldr x0, [x18, #CPU_PREEMPT]
	cbnz x0, 1f
	ldr x0, [sp, #FRAME_PSTATE]
	tbnz x0, #7, 1f
	bl sched_preempt_irq
1:	ldp x2, x3, [sp, #FRAME_PC]
	msr elr_el1, x2
	msr spsr_el1, x3
	LOAD_KEPT
	LOAD_NOT_KEPT
	add sp, sp, #FRAME_SIZE
	eret

/* ---- what nobody expects ---- */

kernel_bad:
	mrs x18, tpidr_el1
	ldr x0, [x18, #CPU_SPARE_TOP]
	mov sp, x0
	mrs x0, esr_el1
	mrs x1, elr_el1
	b trap_bad

/* ---- the table ---- */

.macro VECTOR to
	.balign 128
	b \to
.endm

	.balign 2048
	.globl trap_vectors
trap_vectors:
	VECTOR kernel_bad		/* from the kernel, with the user's stack */
	VECTOR kernel_bad
	VECTOR kernel_bad
	VECTOR kernel_bad
	VECTOR kernel_sync
	VECTOR kernel_irq
	VECTOR kernel_bad
	VECTOR kernel_bad
	VECTOR user_sync
	VECTOR user_irq
	VECTOR kernel_bad
	VECTOR kernel_bad
	VECTOR kernel_bad		/* of 32 bits */
	VECTOR kernel_bad
	VECTOR kernel_bad
	VECTOR kernel_bad

/* ---- from thread to thread ---- */

	/* void *switch_stacks(void **save, void *to, void *pass) */
	.globl switch_stacks
switch_stacks:
	stp x29, x30, [sp, #-96]!
	stp x19, x20, [sp, #16]
	stp x21, x22, [sp, #32]
	stp x23, x24, [sp, #48]
	stp x25, x26, [sp, #64]
	stp x27, x28, [sp, #80]
	mov x9, sp
	str x9, [x0]
	mov sp, x1
	ldp x19, x20, [sp, #16]
	ldp x21, x22, [sp, #32]
	ldp x23, x24, [sp, #48]
	ldp x25, x26, [sp, #64]
	ldp x27, x28, [sp, #80]
	ldp x29, x30, [sp], #96
	mov x0, x2
	ret

	/* A new thread's first return address; its user frame is above. */
	.globl thread_first_entry
thread_first_entry:
	bl thread_begin
	msr daifset, #2
	b user_return_long

	/* void thread_enter_frame(struct trap_frame *): abandon this stack. */
	.globl thread_enter_frame
thread_enter_frame:
	msr daifset, #2
	mov sp, x0
	b user_return_long

/* ---- FP and vector registers: 32 of 16 bytes, FPSR, FPCR ---- */

	.globl fpu_save
fpu_save:
	mrs x1, fpsr
	mrs x2, fpcr
	stp q0, q1, [x0, #0]
	stp q2, q3, [x0, #32]
	stp q4, q5, [x0, #64]
	stp q6, q7, [x0, #96]
	stp q8, q9, [x0, #128]
	stp q10, q11, [x0, #160]
	stp q12, q13, [x0, #192]
	stp q14, q15, [x0, #224]
	stp q16, q17, [x0, #256]
	stp q18, q19, [x0, #288]
	stp q20, q21, [x0, #320]
	stp q22, q23, [x0, #352]
	stp q24, q25, [x0, #384]
	stp q26, q27, [x0, #416]
	stp q28, q29, [x0, #448]
	stp q30, q31, [x0, #480]
	str w1, [x0, #512]
	str w2, [x0, #516]
	ret

	.globl fpu_load
fpu_load:
	ldp q0, q1, [x0, #0]
	ldp q2, q3, [x0, #32]
	ldp q4, q5, [x0, #64]
	ldp q6, q7, [x0, #96]
	ldp q8, q9, [x0, #128]
	ldp q10, q11, [x0, #160]
	ldp q12, q13, [x0, #192]
	ldp q14, q15, [x0, #224]
	ldp q16, q17, [x0, #256]
	ldp q18, q19, [x0, #288]
	ldp q20, q21, [x0, #320]
	ldp q22, q23, [x0, #352]
	ldp q24, q25, [x0, #384]
	ldp q26, q27, [x0, #416]
	ldp q28, q29, [x0, #448]
	ldp q30, q31, [x0, #480]
	ldr w1, [x0, #512]
	ldr w2, [x0, #516]
	msr fpsr, x1
	msr fpcr, x2
	ret

	.section .note.GNU-stack, "", @progbits
