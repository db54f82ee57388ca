/*
 * boot.S - from the loader to C: one CPU in SVC mode with the MMU on, the first MiB of
 * RAM at its place and at 0x80000000, in the table at 0x4000.
 */
#define TABLE 0x4000
#define OFFSET 0x80000000
/* A section: memory (region 3), shareable, accessed, the kernel's. */
#define MEMORY 0x1040e

	.arch armv7-a
	.arch_extension virt
	.fpu vfpv3-d16
	.arm
	.section .text.boot, "ax"
	.globl boot_entry
boot_entry:
	cpsid	aif
	mrc	p15, 0, r0, c0, c0, 5
	ands	r0, r0, #3
1:	wfene
	bne	1b

	/* Out of Hyp mode, if it is that. */
	mrs	r0, cpsr
	and	r1, r0, #0x1f
	cmp	r1, #0x1a
	bne	2f
	bic	r0, r0, #0x1f
	orr	r0, r0, #0x13
	msr	spsr_cxsf, r0
	adr	r0, 2f
	msr	elr_hyp, r0
	eret

	/* The table and what starts as zero. */
2:	mov	r0, #TABLE
	mov	r1, #0x8000
	bl	zero
	ldr	r0, =bss_start - OFFSET
	ldr	r1, =image_end - OFFSET
	bl	zero
	mov	r0, #TABLE
	ldr	r1, =MEMORY
	str	r1, [r0]
	add	r0, r0, #0x2000
	str	r1, [r0]
	mov	r0, #TABLE

	/* Registers as ports/armv7 will have them, but for the split. */
	mov	r1, #0
	mcr	p15, 0, r1, c2, c0, 2
	orr	r0, r0, #0x6a
	mcr	p15, 0, r0, c2, c0, 0
	mcr	p15, 0, r0, c2, c0, 1
	mov	r0, #1
	mcr	p15, 0, r0, c3, c0, 0
	ldr	r0, =0xff0b0188
	mcr	p15, 0, r0, c10, c2, 0
	ldr	r0, =0x00400040
	mcr	p15, 0, r0, c10, c2, 1
	mcr	p15, 0, r1, c8, c7, 0
	mcr	p15, 0, r1, c7, c5, 0
	dsb
	isb
	/* TEX remap, access flag; caches, prediction, MMU. */
	ldr	r1, =0x30001805
	mrc	p15, 0, r0, c1, c0, 0
	orr	r0, r0, r1
	mcr	p15, 0, r0, c1, c0, 0
	isb

	/* The FPU, which compilers copy through. */
	mrc	p15, 0, r0, c1, c0, 2
	orr	r0, r0, #0xf00000
	mcr	p15, 0, r0, c1, c0, 2
	isb
	mov	r0, #0x40000000
	vmsr	fpexc, r0

	ldr	sp, =boot_stack
	ldr	pc, =board_main

/* From r0 to r1. */
zero:	mov	r2, #0
3:	cmp	r0, r1
	strlo	r2, [r0], #4
	blo	3b
	bx	lr
	.ltorg

/* What is copied to 0xFFFF0000: each vector jumps to its word behind. */
	.section .rodata
	.globl board_vectors, board_vectors_end
	.balign 4
board_vectors:
	.rept	8
	ldr	pc, [pc, #24]
	.endr
	.word	fault, fault, answer, fault, data_abort, fault, fault, fault
board_vectors_end:

	.text
/* A supervisor call, from this mode: the answer is what was asked, plus one. */
answer:	add	r0, r0, #1
	movs	pc, lr

/* The instruction after the one that faulted goes on, with r0 0. */
data_abort:
	mov	r0, #0
	subs	pc, lr, #4

fault:	mov	r0, lr
	ldr	sp, =boot_stack
	b	board_fault

	.bss
	.balign 8
	.space	16384
boot_stack:
