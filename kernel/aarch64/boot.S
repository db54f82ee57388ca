/*
 * boot.S - from what a boot loader leaves (the arm64 Image protocol: EL1 or EL2, MMU
 * off, X0 names the devicetree) to C at the linked address; and the same for the
 * other CPUs, from PSCI.
 *
 * The first C function runs with the MMU off, where the image was loaded: all
 * addresses of code that it and its callees make are relative. It makes the
 * page tables that the kernel keeps (memory.c).
 */

#define BOOT_STACK_SIZE 16384

/* Of boot_state. */
#define BOOT_TTBR0 0
#define BOOT_TTBR1 8
#define BOOT_TCR 16
#define BOOT_MAIR 24
#define BOOT_STACK 32
#define BOOT_CPU 40

/*
 * M C I; stack alignment for both; EL0 may use DC ZVA, CTR_EL0, cache maintenance, WFI
 * and WFE; the bits that must be one. One of them is SPAN where the CPU has no PAN; where
 * it has, SPAN is cleared: PAN on at each entry.
 */
#define SCTLR_ON 0x34d5d91d
#define SCTLR_SPAN 0x800000
#define SCTLR_OFF 0x30d00980
#define HCR_RW 0x80000000
#define SPSR_EL1H 0x3c5
#define CPACR_FP 0x300000

	.section .text.boot, "ax"

	.globl image_header
image_header:
	b boot_start
	.long 0
	.quad 0				/* offset from 2 MiB */
	.quad kernel_size
	.quad 0xa			/* little endian, 4 KiB, anywhere */
	.quad 0, 0, 0
	.ascii "ARM\x64"
	.long 0

	/* From EL2, if it is that; to EL1 with MMU and caches off. */
enter_el1:
	ldr x9, =SCTLR_OFF
	msr sctlr_el1, x9
	mrs x10, CurrentEL
	cmp x10, #8
	b.ne 1f
	mov x9, #HCR_RW
	msr hcr_el2, x9
	mov x9, #3			/* counter and timer are EL1's */
	msr cnthctl_el2, x9
	msr cntvoff_el2, xzr
	mov x9, #0x33ff			/* no traps of FP */
	msr cptr_el2, x9
	msr vttbr_el2, xzr
	mrs x9, midr_el1
	msr vpidr_el2, x9
	mrs x9, mpidr_el1
	msr vmpidr_el2, x9
	mrs x9, id_aa64pfr0_el1
	ubfx x9, x9, #24, #4
	cbz x9, 2f
	mrs x9, S3_4_C12_C9_5		/* ICC_SRE_EL2: registers, for EL1 too */
	mov x10, #9
	orr x9, x9, x10
	msr S3_4_C12_C9_5, x9
	isb
2:	mov x9, #SPSR_EL1H
	msr spsr_el2, x9
	msr elr_el2, x30
	eret
1:	isb
	ret

	/* The MMU on by boot_state, then to the address in X0. */
mmu_on:
	adrp x9, boot_state
	add x9, x9, :lo12:boot_state
	ldp x10, x11, [x9, #BOOT_TTBR0]
	msr ttbr0_el1, x10
	msr ttbr1_el1, x11
	ldp x10, x11, [x9, #BOOT_TCR]
	msr tcr_el1, x10
	msr mair_el1, x11
	mov x10, #CPACR_FP
	msr cpacr_el1, x10
	tlbi vmalle1
	ic iallu
	dsb sy
	isb
	ldr x10, =SCTLR_ON
	mrs x9, id_aa64mmfr1_el1
	ubfx x9, x9, #20, #4
	cbz x9, 3f
	bic x10, x10, #SCTLR_SPAN
3:	msr sctlr_el1, x10
	isb
	br x0

boot_start:
	mov x20, x0
	bl enter_el1
	msr daifset, #15

	/* The loader need not have cleared .bss. */
	adrp x0, bss_start
	add x0, x0, :lo12:bss_start
	adrp x1, bss_end
1:	stp xzr, xzr, [x0], #16
	cmp x0, x1
	b.lo 1b

	adrp x0, boot_stack + BOOT_STACK_SIZE
	mov sp, x0
	mov x0, x20
	bl memory_boot
	ldr x0, =1f
	b mmu_on
1:	adrp x0, boot_stack + BOOT_STACK_SIZE
	mov sp, x0
	mov x29, xzr
	mov x30, xzr
	mov x0, x20
	bl machine_start

	/* Another CPU; physical address given to PSCI. */
	.globl ap_start
ap_start:
	bl enter_el1
	msr daifset, #15
	ldr x0, =1f
	b mmu_on
1:	adrp x9, boot_state
	add x9, x9, :lo12:boot_state
	ldp x10, x0, [x9, #BOOT_STACK]
	mov sp, x10
	mov x29, xzr
	mov x30, xzr
	bl smp_ap_main
	.ltorg

	.bss
	.balign 4096
boot_stack:
	.skip BOOT_STACK_SIZE

	.section .note.GNU-stack, "", @progbits
