/*
 * boot.S - the first instructions of each hart: from physical addresses, as the
 * firmware leaves it (a0: the hart; satp 0, interrupts off), to where the kernel is
 * linked. All enter at the same place, as firmware may forget what it was told of a
 * hart that starts (OpenSBI 1.1: one that happens to be awake just then). The boot root has gigapages of Sv39: the image's twice, and the direct map.
 */
#include <asm.h>
#include <cpu.h>

#define SATP_SV39 8
#define ENTRY_RWXAD 0xcf
#define ENTRY_GIGA (1 << 28)	/* what is added from one gigapage to the next */
#define SLOT_IDENTITY 2		/* 0x80000000 */
#define SLOT_IMAGE 510		/* and KERNEL_OFFSET */
#define SLOT_DIRECT 320		/* KERNEL_DIRECT_MAP */
#define SLOTS_DIRECT 128

/* From here on at the linked address, under the boot root. */
.macro GO_HIGH
	lla t0, boot_root
	srli t0, t0, 12
	li t1, SATP_SV39
	slli t1, t1, 60
	or t0, t0, t1
	sfence.vma
	csrw satp, t0
	lla t0, 661f
	li t1, 0xffffffff00000000
	add t0, t0, t1
	jr t0
661:
.endm

	.section .text.boot, "ax"

	/* a1: the devicetree, for who is first. */
	.globl boot_start
boot_start:
	csrw sie, zero
	lla t0, boot_taken
	li t1, 1
	amoswap.w.aqrl t1, t1, (t0)
	bnez t1, another
	mv s0, a0
	mv s1, a1
	lla t0, bss_start
	lla t1, bss_end
1:	sd zero, (t0)
	addi t0, t0, 8
	bltu t0, t1, 1b

	lla t0, boot_root
	li t1, 2 * ENTRY_GIGA + ENTRY_RWXAD
	sd t1, 8 * SLOT_IDENTITY(t0)
	li t2, 8 * SLOT_IMAGE
	add t2, t2, t0
	sd t1, (t2)
	li t1, ENTRY_RWXAD
	li t2, ENTRY_GIGA
	li t3, SLOTS_DIRECT
	li t4, 8 * SLOT_DIRECT
	add t4, t4, t0
2:	sd t1, (t4)
	add t1, t1, t2
	addi t4, t4, 8
	addi t3, t3, -1
	bnez t3, 2b
	GO_HIGH
	lla sp, boot_stack_top
	lla tp, cpus
	csrw sscratch, zero
	lla t0, trap_entry
	csrw stvec, t0
	mv a0, s0
	mv a1, s1
	call machine_start

	/* What it is to be is in ap_number, ap_satp and ap_stack. */
another:
	GO_HIGH
	lla t0, ap_number
	ld s1, (t0)
	lla t0, ap_satp
	ld t0, (t0)
	csrw satp, t0
	sfence.vma
	lla t0, ap_stack
	ld sp, (t0)
	csrw sscratch, zero
	lla t0, trap_entry
	csrw stvec, t0
	lla tp, cpus
	slli t0, s1, 6			/* sizeof(struct cpu) */
	add tp, tp, t0
	mv a0, s1
	call smp_ap_main

	.data
	.balign 4
boot_taken:
	.word 0

	.bss
	.balign 4096
boot_root:
	.skip 4096
boot_stack:
	.skip 16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
