/*
 * entry.S - into the kernel and out of it, and from thread to thread.
 *
 * Every entry builds a struct trap_frame (frame.h) on the stack of SVC mode, with
 * interrupts off. In user mode that stack's pointer is at the end of the thread's
 * frame, so an entry need only go down. Back in the kernel R9 stays: the thread may
 * have moved.
 */
#include <cpu.h>
#include <frame.h>

#define SVC 0x13

	.arch armv7-a
	.arch_extension sec
	.fpu neon
	.arm

/* In the exception's mode, LR where to go on. */
.macro ENTER
	srsdb sp!, #SVC
	cps #SVC
	sub sp, sp, #FRAME_PC
	stmia sp, {r0-r12}
	mrc p15, 0, r9, c13, c0, 4
	ldr r0, [sp, #FRAME_CPSR]
	tst r0, #15
.endm

.macro SAVE_USER
	add r1, sp, #FRAME_SP
	stmia r1, {sp, lr}^
	nop
.endm

.macro SAVE_KERNEL
	add r1, sp, #FRAME_SIZE
	str r1, [sp, #FRAME_SP]
	str lr, [sp, #FRAME_LR]
.endm

	.text
	.balign 4

/* ---- system calls ---- */

vector_svc:
	ENTER
	SAVE_USER
	ldr r0, [sp]
	str r7, [sp, #FRAME_CODE]
	str r0, [sp, #FRAME_FIRST]
	cpsie i
	mov r0, sp
	bl trap_syscall
	str r0, [sp]

user_return:
	cpsid i
	ldr r1, [r9, #CPU_THREAD]
	ldr r2, [r1, #THREAD_WORK]
	cmp r2, #0
	bne user_return_long
	ldr r2, [r9, #CPU_PREEMPT]
	ldr r3, [r9, #CPU_NO_RESCHED]
	orrs r2, r2, r3
	beq user_return_long
user_load:
	clrex
	add r0, sp, #FRAME_SP
	ldmia r0, {sp, lr}^
	nop
	ldmia sp, {r0-r12}
	add sp, sp, #FRAME_PC
	rfeia sp!

user_return_long:
	mov r0, sp
	bl trap_user_work
	b user_load

/* ---- aborts ---- */

vector_data:
	sub lr, lr, #8
	ENTER
	mrc p15, 0, r4, c6, c0, 0
	mrc p15, 0, r5, c5, c0, 0
	mov r6, #0
	b abort

vector_fetch:
	sub lr, lr, #4
	ENTER
	mrc p15, 0, r4, c6, c0, 2
	mrc p15, 0, r5, c5, c0, 1
	mov r6, #1
	b abort

vector_undefined:
	sub lr, lr, #4
	ENTER
	mov r4, #0
	mov r5, #0
	mov r6, #2

/* R4: address, R5: status, R6: which; flags: from user mode if equal. */
abort:	str r5, [sp, #FRAME_CODE]
	bne 1f
	SAVE_USER
	cpsie i
	mov r0, sp
	mov r1, r4
	mov r2, r5
	mov r3, r6
	bl trap_user
	b user_return
1:	SAVE_KERNEL
	mov r0, sp
	mov r1, r4
	mov r2, r5
	mov r3, r6
	bl trap_kernel
	b kernel_return

/* ---- interrupts ---- */

vector_irq:
	sub lr, lr, #4
	ENTER
	bne 1f
	SAVE_USER
	bl gic_interrupt
	b user_return
1:	SAVE_KERNEL
	bl gic_interrupt

	/* Back in the kernel: another thread first, if one is due and may. */
kernel_return:
	cpsid i
	ldr r0, [r9, #CPU_PREEMPT]
	ldr r1, [r9, #CPU_NO_RESCHED]
	orrs r0, r0, r1
	bne 1f
	ldr r0, [sp, #FRAME_CPSR]
	tst r0, #CPSR_I
	bne 1f
	bl sched_preempt_irq
1:	clrex
	ldr lr, [sp, #FRAME_LR]
	add r12, sp, #40
	ldmia r12, {r10, r11, r12}
	ldmia sp, {r0-r8}
	add sp, sp, #FRAME_PC
	rfeia sp!

vector_bad:
	cps #SVC
	mov r0, lr
	b trap_bad

	.balign 32
	.globl trap_vectors
trap_vectors:
	b vector_bad
	b vector_undefined
	b vector_svc
	b vector_fetch
	b vector_data
	b vector_bad
	b vector_irq
	b vector_bad

/* ---- from thread to thread ---- */

	/* void *switch_stacks(void **save, void *to, void *pass) */
	.globl switch_stacks
switch_stacks:
	push {r4-r8, r10, r11, lr}
	str sp, [r0]
	mov sp, r1
	mov r0, r2
	pop {r4-r8, r10, r11, pc}

	/* A new thread's first return address; its user frame is above. */
	.globl thread_first_entry
thread_first_entry:
	bl thread_begin
	cpsid i
	b user_return_long

	/* void thread_enter_frame(struct trap_frame *): abandon this stack. */
	.globl thread_enter_frame
thread_enter_frame:
	cpsid i
	mov sp, r0
	b user_return_long

/* ---- FP registers: 32 of 8 bytes, FPSCR ---- */

	.globl fpu_save
fpu_save:
	vstmia r0!, {d0-d15}
	vstmia r0!, {d16-d31}
	vmrs r1, fpscr
	str r1, [r0]
	bx lr

	.globl fpu_load
fpu_load:
	vldmia r0!, {d0-d15}
	vldmia r0!, {d16-d31}
	ldr r1, [r0]
	vmsr fpscr, r1
	bx lr

	.section .note.GNU-stack, "", %progbits
