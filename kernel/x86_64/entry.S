/*
 * entry.S - into the kernel and out of it, and from thread to thread.
 *
 * Every entry builds a struct trap_frame (frame.h). Entries from user mode
 * start at the top of the thread's stack with interrupts off, exchange GS, and
 * clear AC where the CPU has SMAP: the three-byte no-ops marked SMAP_CLAC
 * become CLAC then (cpu.c).
 *
 * The way back to user mode is one of two. The short one, when the thread's
 * work word is zero and no other thread is due, does not reload the six
 * registers that C functions keep. The long one calls trap_user_work() and
 * reloads everything.
 *
 * NMI, double fault and machine check have stacks of their own and may come
 * between an entry and its SWAPGS: they look at GS's base instead of CS.
 */
#include <cpu.h>

#define FRAME_KEPT (6 * 8)		/* r15 .. rbx */
#define FRAME_CODE (15 * 8)
#define FRAME_CS (17 * 8)
#define FRAME_RFLAGS (18 * 8)
#define FRAME_RAX (10 * 8)

#define USER_CS 0x33
#define USER_SS 0x2b
#define RFLAGS_IF 0x200
#define MSR_GS_BASE 0xc0000101

.macro SMAP_CLAC
661:	.byte 0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a"
	.quad 661b
	.popsection
.endm

/* Everything below `code`, in the frame's order. */
.macro PUSH_REGISTERS rdi_done=0
	.if \rdi_done == 0
	pushq %rdi
	.endif
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
.endm

.macro POP_KEPT
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
.endm

.macro POP_NOT_KEPT
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
.endm

/* Interrupts off. To `long` if the short way will not do. */
.macro CHECK_WORK long
	movq %gs:CPU_THREAD, %rcx
	cmpl $0, THREAD_WORK(%rcx)
	jne \long
	cmpl $0, %gs:CPU_PREEMPT
	je \long
.endm

	.text

/* ---- system calls ---- */

	.balign 16
	.globl syscall_entry
syscall_entry:
	swapgs
	movq %rsp, %gs:CPU_USER_RSP
	movq %gs:CPU_STACK_TOP, %rsp
	pushq $USER_SS
	pushq %gs:CPU_USER_RSP
	pushq %r11
	pushq $USER_CS
	pushq %rcx
	pushq %rax
	PUSH_REGISTERS
	sti
	movq %rsp, %rdi
	call syscall_dispatch
	movq %rax, FRAME_RAX(%rsp)
	cli
	CHECK_WORK user_return_long
	addq $FRAME_KEPT, %rsp
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rcx			/* rax is in place */
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	movq 4 * 8(%rsp), %rsp
	swapgs
	sysretq

	/* 32-bit system calls are not offered; there is no such code segment. */
	.globl syscall_entry_32
syscall_entry_32:
	movl $-38, %eax
	sysretl

/* ---- page faults: vector 14, the hot one ---- */

	.balign 16
	.globl page_fault_entry
page_fault_entry:
	PUSH_REGISTERS
	cld
	movq %rsp, %rdi
	movq %cr2, %rsi
	movq FRAME_CODE(%rsp), %rdx
	testb $3, FRAME_CS(%rsp)
	jz 1f
	swapgs
	SMAP_CLAC
	sti
	call trap_user_page_fault
	cli
	CHECK_WORK user_return_long
	addq $FRAME_KEPT, %rsp
	POP_NOT_KEPT
	addq $8, %rsp
	swapgs
	iretq
1:	call trap_kernel_page_fault
	jmp kernel_return

/* ---- every other vector ---- */

	/* rdi pushed, vector in edi. */
trap_common:
	PUSH_REGISTERS rdi_done=1
	cld
	movl %edi, %esi
	movq %rsp, %rdi
	testb $3, FRAME_CS(%rsp)
	jz 1f
	swapgs
	SMAP_CLAC
	call trap_user
	cli
	CHECK_WORK user_return_long
	addq $FRAME_KEPT, %rsp
	POP_NOT_KEPT
	addq $8, %rsp
	swapgs
	iretq
1:	call trap_kernel
kernel_return:
	/* Back in the kernel: another thread first, if one is due and may. */
	cli
	cmpl $0, %gs:CPU_PREEMPT
	jne 2f
	testl $RFLAGS_IF, FRAME_RFLAGS(%rsp)
	jz 2f
	call sched_preempt_irq
2:	POP_KEPT
	POP_NOT_KEPT
	addq $8, %rsp
	iretq

/* ---- to user mode, the long way; RSP at the frame ---- */

	.globl user_return_long
user_return_long:
	movq %rsp, %rdi
	call trap_user_work
	POP_KEPT
	POP_NOT_KEPT
	addq $8, %rsp
	swapgs
	iretq

/* ---- NMI, double fault, machine check ---- */

	/* As trap_common, but GS's base decides. r12: whether to swap back. */
trap_paranoid:
	PUSH_REGISTERS rdi_done=1
	cld
	SMAP_CLAC
	movl %edi, %ebx
	xorl %r12d, %r12d
	movl $MSR_GS_BASE, %ecx
	rdmsr
	testl %edx, %edx
	js 1f
	swapgs
	incl %r12d
1:	movl %ebx, %esi
	movq %rsp, %rdi
	call trap_special
	testl %r12d, %r12d
	jz 2f
	swapgs
2:	POP_KEPT
	POP_NOT_KEPT
	addq $8, %rsp
	iretq

/* ---- one entry per vector, 16 bytes each ---- */

	.balign 16
	.globl trap_stubs
trap_stubs:
	vector = 0
	.rept 256
	.balign 16
	.if vector != 8 && vector != 10 && vector != 11 && vector != 12 && \
	    vector != 13 && vector != 14 && vector != 17 && vector != 21 && \
	    vector != 29 && vector != 30
	pushq $0
	.endif
	pushq %rdi
	movl $vector, %edi
	.if vector == 2 || vector == 8 || vector == 18
	jmp trap_paranoid
	.else
	jmp trap_common
	.endif
	vector = vector + 1
	.endr

/* ---- from thread to thread ---- */

	/* void *switch_stacks(void **save, void *to, void *pass) */
	.balign 16
	.globl switch_stacks
switch_stacks:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	POP_KEPT
	movq %rdx, %rax
	ret

	/* A new thread's first return address; its user frame is above. */
	.globl thread_first_entry
thread_first_entry:
	movq %rax, %rdi
	call thread_begin
	cli
	jmp user_return_long

	/* void thread_enter_frame(struct trap_frame *): abandon this stack. */
	.globl thread_enter_frame
thread_enter_frame:
	cli
	movq %rdi, %rsp
	jmp user_return_long

	.section .note.GNU-stack, "", @progbits
