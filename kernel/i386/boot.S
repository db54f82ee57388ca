/*
 * boot.S - from what QEMU's -kernel leaves (the PVH entry: 32-bit protected mode,
 * paging off, EBX names the start info) to C at the linked address; and the same
 * for the other CPUs, from real mode.
 *
 * The page tables made here map the first GiB twice, at 0 and at the linked
 * address, with every right. memory.c replaces them for good; the other CPUs
 * pass through them once more on their way.
 */
#include <cpu.h>

#define PHYS(symbol) (symbol - KERNEL_BASE)

#define PTE_P 0x001
#define PTE_RW 0x002
#define PTE_LARGE 0x080

#define CR0_PE 0x1
#define CR0_WP 0x10000
#define CR0_PG 0x80000000
#define CR0_NO_CACHE 0x60000000	/* CD, NW */
#define CR4_PSE 0x10
#define CR4_PAE 0x20
#define CPUIDX1_EDX_NX 0x100000
#define MSR_EFER 0xc0000080
#define EFER_NXE 0x800

#define BOOT_STACK_SIZE 16384
#define AP_LOAD_ADDRESS 0x8000

	.section .note.Xen, "a"
	.balign 4
	.long 4			/* name size */
	.long 4			/* description size */
	.long 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long PHYS(boot_start)

	.section .text.boot, "ax"
	.code32

	.globl boot_start
boot_start:
	cli
	cld
	movl %ebx, %ebp			/* start info */

	/* The loader need not have cleared .bss. */
	movl $PHYS(bss_start), %edi
	movl $PHYS(bss_end), %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	xorl %eax, %eax
	rep stosl

	movl $(PTE_P | PTE_RW | PTE_LARGE), %eax
#if TOME_I386_PAE
	/* 512 large pages of the first GiB. */
	movl $PHYS(boot_pd), %edi
	movl $512, %ecx
1:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 1b
	movl $PHYS(boot_pd) + PTE_P, PHYS(boot_root)
	movl $PHYS(boot_pd) + PTE_P, PHYS(boot_root) + 3 * 8
#else
	/* 256 large pages, twice. */
	movl $PHYS(boot_root), %edi
	movl $256, %ecx
1:	movl %eax, (%edi)
	movl %eax, 768 * 4(%edi)
	addl $0x400000, %eax
	addl $4, %edi
	loop 1b
#endif
	movl $PHYS(bsp_high), %esi
	jmp enable_paging

	/* Turn translation on and go on at the address in ESI. */
enable_paging:
#if TOME_I386_PAE
	movl $0x80000001, %eax
	cpuid
	testl $CPUIDX1_EDX_NX, %edx
	jz 1f
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_NXE, %eax
	wrmsr
1:	movl $CR4_PAE, %eax
#else
	movl $CR4_PSE, %eax
#endif
	movl %eax, %cr4
	movl $PHYS(boot_root), %eax
	movl %eax, %cr3
	movl %cr0, %eax
	andl $~CR0_NO_CACHE, %eax	/* as INIT leaves it */
	orl $(CR0_PG | CR0_PE), %eax
	movl %eax, %cr0
	jmp *%esi

bsp_high:
	movl $1f, %eax
	jmp *%eax
1:	movl $boot_stack + BOOT_STACK_SIZE, %esp
	pushl %ebp
	xorl %ebp, %ebp
	call machine_start
	ud2

ap_high:
	movl $1f, %eax
	jmp *%eax
1:	movl ap_root, %eax
	movl %eax, %cr3
	movl ap_stack, %esp
	pushl ap_cpu
	xorl %ebp, %ebp
	call smp_ap_main
	ud2

	/* Copied to AP_LOAD_ADDRESS, where another CPU starts in real mode. */
	.code16
	.globl ap_trampoline, ap_trampoline_end
ap_trampoline:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl AP_LOAD_ADDRESS + (ap_gdt_pointer - ap_trampoline)
	movl %cr0, %eax
	orl $CR0_PE, %eax
	movl %eax, %cr0
	ljmpl $0x08, $PHYS(ap_start32)
	.balign 8
ap_gdt_pointer:
	.word boot_gdt_end - boot_gdt - 1
	.long PHYS(boot_gdt)
ap_trampoline_end:

	.code32
ap_start32:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $PHYS(ap_high), %esi
	jmp enable_paging

	.section .rodata
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00cf9a000000ffff	/* code */
	.quad 0x00cf92000000ffff	/* data */
boot_gdt_end:

	.bss
	.balign 4096
boot_root:
	.skip 4096
boot_pd:
	.skip 4096
boot_stack:
	.skip BOOT_STACK_SIZE

	/* For the one CPU that is being started (smp.c). */
	.globl ap_root, ap_stack, ap_cpu
ap_root:
	.skip 4
ap_stack:
	.skip 4
ap_cpu:
	.skip 4

	.section .note.GNU-stack, "", @progbits
