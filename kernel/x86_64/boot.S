/*
 * boot.S - from what QEMU's -kernel leaves (the PVH entry: 32-bit protected mode,
 * paging off, EBX names the start info) to C in long mode at the linked address;
 * and the same for the other CPUs, from real mode.
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
#define CR0_PG 0x80000000
#define CR0_NO_CACHE 0x60000000	/* CD, NW */
#define CR4_PAE 0x20
#define CR4_LA57 0x1000
#define CPUID7_ECX_LA57 0x10000
#define CPUIDX1_EDX_NX 0x100000
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define EFER_NXE 0x800

#define BOOT_STACK_SIZE 16384
#define AP_LOAD_ADDRESS 0x8000

	.section .note.Xen, "a"
	.balign 4
	.long 4			/* name size */
	.long 8			/* description size */
	.long 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad PHYS(boot_start)

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

	/* boot_pd: 512 large pages of the first GiB. */
	movl $PHYS(boot_pd), %edi
	movl $(PTE_P | PTE_RW | PTE_LARGE), %eax
	movl $512, %ecx
1:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 1b

	movl $PHYS(boot_pd) + PTE_P + PTE_RW, PHYS(boot_pdpt_low)
	movl $PHYS(boot_pd) + PTE_P + PTE_RW, PHYS(boot_pdpt_high) + 510 * 8
	movl $PHYS(boot_pdpt_low) + PTE_P + PTE_RW, PHYS(boot_pml4)
	movl $PHYS(boot_pdpt_high) + PTE_P + PTE_RW, PHYS(boot_pml4) + 511 * 8

	/* NX and five levels where the CPU has them. */
	movl $EFER_LME, PHYS(boot_efer)
	movl $0x80000001, %eax
	cpuid
	testl $CPUIDX1_EDX_NX, %edx
	jz 2f
	orl $EFER_NXE, PHYS(boot_efer)
2:
	movl $CR4_PAE, PHYS(boot_cr4)
	movl $PHYS(boot_pml4), PHYS(boot_cr3)
	xorl %eax, %eax
	cpuid
	cmpl $7, %eax
	jb 2f
	movl $7, %eax
	xorl %ecx, %ecx
	cpuid
	testl $CPUID7_ECX_LA57, %ecx
	jz 2f
	movl $PHYS(boot_pml4) + PTE_P + PTE_RW, PHYS(boot_pml5)
	movl $PHYS(boot_pml4) + PTE_P + PTE_RW, PHYS(boot_pml5) + 511 * 8
	orl $CR4_LA57, PHYS(boot_cr4)
	movl $PHYS(boot_pml5), PHYS(boot_cr3)

2:	movl $PHYS(bsp_start64), %esi
	jmp long_mode

	/* With paging off: enter long mode and go on at the address in ESI. */
long_mode:
	movl PHYS(boot_cr4), %eax
	movl %eax, %cr4
	movl PHYS(boot_cr3), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl PHYS(boot_efer), %eax
	wrmsr
	movl %cr0, %eax
	andl $~CR0_NO_CACHE, %eax	/* as INIT leaves it */
	orl $(CR0_PG | CR0_PE), %eax
	movl %eax, %cr0
	lgdt PHYS(boot_gdt_pointer)
	ljmp $0x08, $PHYS(long_mode_64)

	.code64
long_mode_64:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	jmp *%rsi

bsp_start64:
	movabsq $1f, %rax
	jmp *%rax
1:	movabsq $boot_stack + BOOT_STACK_SIZE, %rsp
	movl %ebp, %edi
	xorl %ebp, %ebp
	call machine_start
	ud2

ap_start64:
	movabsq $1f, %rax
	jmp *%rax
1:	movq ap_root, %rax
	movq %rax, %cr3
	movq ap_stack, %rsp
	movq ap_cpu, %rdi
	xorl %ebp, %ebp
	call smp_ap_main
	ud2

	/*
	 * Copied to AP_LOAD_ADDRESS, where another CPU starts in real mode. It
	 * shares nothing with the code above but the protected-mode part.
	 */
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
	ljmpl $0x18, $PHYS(ap_start32)
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
	movl $PHYS(ap_start64), %esi
	jmp long_mode

	.section .rodata
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9a000000ffff	/* 64-bit code */
	.quad 0x00cf92000000ffff	/* data */
	.quad 0x00cf9a000000ffff	/* 32-bit code */
boot_gdt_end:
	.balign 4
boot_gdt_pointer:
	.word boot_gdt_end - boot_gdt - 1
	.long PHYS(boot_gdt)

	.bss
	.balign 4096
boot_pml5:
	.skip 4096
boot_pml4:
	.skip 4096
boot_pdpt_low:
	.skip 4096
boot_pdpt_high:
	.skip 4096
boot_pd:
	.skip 4096
boot_stack:
	.skip BOOT_STACK_SIZE

	.balign 8
boot_cr4:
	.skip 4
boot_cr3:
	.skip 4
boot_efer:
	.skip 4
	/* For the one CPU that is being started (smp.c). */
	.balign 8
	.globl ap_root, ap_stack, ap_cpu
ap_root:
	.skip 8
ap_stack:
	.skip 8
ap_cpu:
	.skip 8

	.section .note.GNU-stack, "", @progbits
