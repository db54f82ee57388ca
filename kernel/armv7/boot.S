/*
 * boot.S - from what a boot loader leaves (MMU off, R2 names the devicetree) to C at
 * the linked address; and the same for the other CPUs, from PSCI.
 *
 * boot_table is the first table of both halves: below, the image at its own place;
 * above, the first 256 MiB of the direct map. memory.c goes on with it.
 */

#define BIAS 0x40000000			/* address - physical address */
#define BOOT_STACK_SIZE 16384
/* A section: memory (region 3), shareable, accessed, the kernel's. */
#define MEMORY 0x1040e
#define WALKS 0x6a
/* TEX remap, access flag; caches, prediction, MMU. */
#define SCTLR_ON 0x30001805

/* Of boot_state. */
#define BOOT_ROOT 0
#define BOOT_STACK 4
#define BOOT_CPU 8

	.arch armv7-a
	.fpu neon
	.arm
	.section .text.boot, "ax"

	.globl boot_start
boot_start:
	cpsid aif
	cps #0x13
	mov r10, r2

	/* The loader need not have cleared .bss. */
	ldr r0, =bss_start - BIAS
	ldr r1, =bss_end - BIAS
	mov r2, #0
1:	str r2, [r0], #4
	cmp r0, r1
	blo 1b

	ldr r4, =boot_table - BIAS
	ldr r1, =BIAS | MEMORY
	add r2, r4, #(0x400 * 4)
	add r3, r4, #(0x800 * 4)
	mov r5, #256
2:	str r1, [r2], #4
	str r1, [r3], #4
	add r1, r1, #0x100000
	subs r5, r5, #1
	bne 2b

	mov r0, r4
	ldr r5, =3f
	b mmu_on
3:	ldr sp, =boot_stack + BOOT_STACK_SIZE
	mov r0, r10
	bl machine_start

	/* R4: the lower half's table, R0: the upper's; on at R5. */
mmu_on:	orr r4, r4, #WALKS
	orr r0, r0, #WALKS
	mov r1, #1
	mcr p15, 0, r1, c2, c0, 2
	mcr p15, 0, r4, c2, c0, 0
	mcr p15, 0, r0, c2, c0, 1
	mcr p15, 0, r1, c3, c0, 0
	ldr r1, =0xff0b0188
	mcr p15, 0, r1, c10, c2, 0
	ldr r1, =0x00400040
	mcr p15, 0, r1, c10, c2, 1
	mov r1, #0
	mcr p15, 0, r1, c8, c7, 0
	mcr p15, 0, r1, c7, c5, 0
	dsb
	isb
	ldr r1, =SCTLR_ON
	mrc p15, 0, r0, c1, c0, 0
	orr r0, r0, r1
	mcr p15, 0, r0, c1, c0, 0
	isb
	mrc p15, 0, r0, c1, c0, 2
	orr r0, r0, #0xf00000
	mcr p15, 0, r0, c1, c0, 2
	isb
	mov r0, #0x40000000
	vmsr fpexc, r0
	bx r5

	/* Another CPU; physical address given to PSCI. */
	.globl ap_start
ap_start:
	cpsid aif
	cps #0x13
	ldr r4, =boot_table - BIAS
	ldr r6, =boot_state - BIAS
	ldr r0, [r6, #BOOT_ROOT]
	ldr r5, =4f
	b mmu_on
4:	ldr r6, =boot_state
	ldr sp, [r6, #BOOT_STACK]
	ldr r0, [r6, #BOOT_CPU]
	bl smp_ap_main
	.ltorg

	.bss
	.balign 16384
	.globl boot_table
boot_table:
	.skip 16384
boot_stack:
	.skip BOOT_STACK_SIZE

	.section .note.GNU-stack, "", %progbits
