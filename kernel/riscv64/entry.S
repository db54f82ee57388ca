/*
 * entry.S - into the kernel and out of it, from thread to thread, and the
 * user's floating-point registers.
 *
 * Every entry builds a struct trap_frame (frame.h): of a user program at the top of the
 * thread's stack, else below what runs. Interrupts are off. The way back to user mode
 * looks at the thread's work word and at whether another thread is due.
 */
#include <cpu.h>
#include <frame.h>

	/* op is sd or ld; all but sp and tp. */
.macro REGISTERS op
	\op x1, 8(sp)
	\op x3, 24(sp)
	.irp n, 5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op x\n, 8 * \n(sp)
	.endr
.endm

	/* To the program of the frame at sp. */
.macro LEAVE
	ld t0, FRAME_STATUS(sp)
	ld a2, FRAME_PC(sp)
	/* What was reserved is another's affair. */
	addi t1, sp, FRAME_PC
	sc.d zero, a2, (t1)
	csrw sstatus, t0
	csrw sepc, a2
	REGISTERS ld
	ld tp, 8 * 4(sp)
	ld sp, 8 * 2(sp)
	sret
.endm

	.text

	.balign 4
	.globl trap_entry
trap_entry:
	csrrw tp, sscratch, tp
	bnez tp, 1f
	csrr tp, sscratch
	sd sp, CPU_SCRATCH(tp)
	j 2f
1:	sd sp, CPU_SCRATCH(tp)
	ld sp, CPU_STACK_TOP(tp)
2:	addi sp, sp, -FRAME_SIZE
	REGISTERS sd
	csrr t0, sscratch
	csrw sscratch, zero
	ld t1, CPU_SCRATCH(tp)
	csrr t2, sepc
	csrr s0, sstatus
	sd t1, 8 * 2(sp)
	sd t0, 8 * 4(sp)
	sd t2, FRAME_PC(sp)
	sd s0, FRAME_STATUS(sp)
	li t0, STATUS_SUM
	csrc sstatus, t0
	csrr a1, scause
	csrr a2, stval
	mv a0, sp
	andi t0, s0, STATUS_SPP
	bnez t0, from_kernel

	li t0, CAUSE_ECALL
	bne a1, t0, 1f
	ld t1, 8 * 10(sp)
	addi t2, t2, 4
	sd t1, 0(sp)
	sd t2, FRAME_PC(sp)
	csrsi sstatus, STATUS_SIE
	call syscall_dispatch
	sd a0, 8 * 10(sp)
	j to_user
1:	call trap_user

to_user:
	csrci sstatus, STATUS_SIE
	ld t0, CPU_THREAD(tp)
	lw t1, THREAD_WORK(t0)
	lw t2, CPU_PREEMPT(tp)
	bnez t1, user_return_long
	beqz t2, user_return_long
user_return:
	csrw sscratch, tp
	LEAVE

	.globl user_return_long
user_return_long:
	mv a0, sp
	call trap_user_work
	j user_return

from_kernel:
	call trap_kernel
	/* Back in the kernel: another thread first, if one is due and may. */
	csrci sstatus, STATUS_SIE
	lw t0, CPU_PREEMPT(tp)
	bnez t0, 1f
	ld t0, FRAME_STATUS(sp)
	andi t0, t0, STATUS_SPIE
	beqz t0, 1f
	call sched_preempt_irq
1:	sd tp, 8 * 4(sp)		/* of the CPU that it is on now */
	LEAVE

/* ---- from thread to thread ---- */

	/* void *switch_stacks(void **save, void *to, void *pass) */
	.globl switch_stacks
switch_stacks:
	addi sp, sp, -112
	sd ra, 0(sp)
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11
	sd s\n, 8 * \n + 8(sp)
	.endr
	sd sp, (a0)
	mv sp, a1
	ld ra, 0(sp)
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11
	ld s\n, 8 * \n + 8(sp)
	.endr
	addi sp, sp, 112
	mv a0, a2
	ret

	/* A new thread's first return address; its user frame is above. */
	.globl thread_first_entry
thread_first_entry:
	call thread_begin
	csrci sstatus, STATUS_SIE
	j user_return_long

	/* void thread_enter_frame(struct trap_frame *): abandon this stack. */
	.globl thread_enter_frame
thread_enter_frame:
	csrci sstatus, STATUS_SIE
	mv sp, a0
	j user_return_long

/* ---- floating point: 32 registers, then fcsr ---- */

	.option push
	.option arch, +f, +d

.macro FLOATS op
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op f\n, 8 * \n(a0)
	.endr
.endm

	.globl fpu_save
fpu_save:
	li t0, STATUS_FS
	csrs sstatus, t0
	FLOATS fsd
	frcsr t1
	sd t1, 256(a0)
	ret

	.globl fpu_load
fpu_load:
	li t0, STATUS_FS
	csrs sstatus, t0
	FLOATS fld
	ld t1, 256(a0)
	fscsr t1
	ret

	.option pop

	.section .note.GNU-stack, "", @progbits
