/*
 * entry.S - into the kernel and out of it, and from thread to thread.
 *
 * Every entry builds a struct trap_frame (frame.h), loads the kernel's segments
 * and, from user mode, clears AC where the CPU has SMAP: the three-byte no-ops
 * marked SMAP_CLAC become CLAC then (start.c).
 *
 * Before a return to user mode trap_user_work() is called if the thread's work
 * word is not zero or another thread is due.
 */
#include <cpu.h>

#define FRAME_EAX (11 * 4)
#define FRAME_CODE (12 * 4)
#define FRAME_CS (14 * 4)
#define FRAME_EFLAGS (15 * 4)

#define EFLAGS_IF 0x200

.macro SMAP_CLAC
661:	.byte 0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a"
	.long 661b
	.popsection
.endm

/* Everything below eax, in the frame's order; the kernel's segments. */
.macro PUSH_REGISTERS
	pushl %ecx
	pushl %edx
	pushl %ebx
	pushl %esp
	pushl %ebp
	pushl %esi
	pushl %edi
	pushl %ds
	pushl %es
	pushl %fs
	pushl %gs
	movl $GDT_KERNEL_DATA, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	movl $GDT_CPU, %ecx
	movl %ecx, %fs
	cld
.endm

.macro POP_GENERAL
	popl %edi
	popl %esi
	popl %ebp
	addl $4, %esp
	popl %ebx
	popl %edx
	popl %ecx
	popl %eax
	addl $4, %esp
.endm

	.text

/* ---- system calls ---- */

	.balign 16
	.globl syscall_entry
syscall_entry:
	pushl %eax
	pushl %eax
	PUSH_REGISTERS
	SMAP_CLAC
	sti
	pushl %esp
	call syscall_dispatch
	addl $4, %esp
	movl %eax, FRAME_EAX(%esp)
	cli

	/* Interrupts off, ESP at the frame. */
user_return_check:
	movl %fs:CPU_THREAD, %ecx
	cmpl $0, THREAD_WORK(%ecx)
	jne user_return_long
	cmpl $0, %fs:CPU_PREEMPT
	je user_return_long

	/*
	 * A selector that has become invalid faults here, in the kernel: it is 0
	 * then (trap.c).
	 */
	.globl user_pops, user_pops_end
user_return_short:
user_pops:
	popl %gs
	popl %fs
	popl %es
	popl %ds
user_pops_end:
	POP_GENERAL
	iretl

	.globl user_return_long
user_return_long:
	pushl %esp
	call trap_user_work
	addl $4, %esp
	jmp user_return_short

/* ---- page faults: vector 14, the hot one ---- */

	.balign 16
	.globl page_fault_entry
page_fault_entry:
	pushl %eax
	PUSH_REGISTERS
	movl %esp, %ecx
	movl %cr2, %eax
	pushl FRAME_CODE(%esp)
	pushl %eax
	pushl %ecx
	testb $3, FRAME_CS(%ecx)
	jz 1f
	SMAP_CLAC
	sti
	call trap_user_page_fault
	cli
	addl $12, %esp
	jmp user_return_check
1:	call trap_kernel_page_fault
	addl $12, %esp
	jmp kernel_return

/* ---- every other vector ---- */

	/* eax pushed, vector in eax. */
trap_common:
	PUSH_REGISTERS
	movl %esp, %ecx
	pushl %eax
	pushl %ecx
	testb $3, FRAME_CS(%ecx)
	jz 1f
	SMAP_CLAC
	call trap_user
	cli
	addl $8, %esp
	jmp user_return_check
1:	call trap_kernel
	addl $8, %esp
kernel_return:
	/* Back in the kernel: another thread first, if one is due and may. */
	cli
	cmpl $0, %fs:CPU_PREEMPT
	jne 2f
	testl $EFLAGS_IF, FRAME_EFLAGS(%esp)
	jz 2f
	call sched_preempt_irq
	/* GS was the user's on entry and is not the kernel's to change; FS may
	 * name another CPU's data by now, and stays. */
2:	addl $8, %esp
	popl %es
	popl %ds
	POP_GENERAL
	iretl

/* ---- a double fault: a task of its own, whose stack is good ---- */

	.globl double_fault_entry
double_fault_entry:
	call trap_double_fault
	ud2

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
	pushl $0
	.endif
	pushl %eax
	movl $vector, %eax
	jmp trap_common
	vector = vector + 1
	.endr

/* ---- from thread to thread ---- */

	/* void *switch_stacks(void **save, void *to, void *pass) */
	.balign 16
	.globl switch_stacks
switch_stacks:
	movl 4(%esp), %ecx
	movl 8(%esp), %edx
	movl 12(%esp), %eax
	pushl %ebx
	pushl %ebp
	pushl %esi
	pushl %edi
	movl %esp, (%ecx)
	movl %edx, %esp
	popl %edi
	popl %esi
	popl %ebp
	popl %ebx
	ret

	/* A new thread's first return address; its user frame is above. */
	.globl thread_first_entry
thread_first_entry:
	pushl %eax
	call thread_begin
	addl $4, %esp
	cli
	jmp user_return_long

	/* void thread_enter_frame(struct trap_frame *): abandon this stack. */
	.globl thread_enter_frame
thread_enter_frame:
	cli
	movl 4(%esp), %esp
	jmp user_return_long

	.section .note.GNU-stack, "", @progbits
