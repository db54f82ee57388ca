/*
 * boot.S - from QEMU's -kernel (PVH: 32-bit protected mode, EBX names the start
 * info) to C; and the page-fault vector. The tables here map the first GiB in
 * one leaf, at 0 until C runs and at BASE for good: image and direct map both.
 */
#define BASE 0xffffffff80000000
#define PHYS(symbol) ((symbol) - BASE)
	.section .note.Xen, "a"
	.long 4, 8, 18			/* sizes; XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad PHYS(start)
	.text
	.code32
	.globl start, page_fault_entry, memcpy, memset, boot_root
start:	movl $PHYS(boot_root), %eax
	movl %eax, %cr3
	movl $0x20, %eax; movl %eax, %cr4	/* PAE */
	movl $0xc0000080, %ecx		/* EFER: long mode */
	movl $0x100, %eax; xorl %edx, %edx; wrmsr
	movl $0x80010001, %eax; movl %eax, %cr0	/* paging, and WP for us too */
	lgdt PHYS(gdt_low)
	ljmp $8, $PHYS(1f)
	.code64
1:	lgdt gdt_high
	xorl %eax, %eax; movl %eax, %ss
	movl %ebx, %edi; addq $BASE, %rdi
	movq $stack_top, %rsp
	movq $kernel_main, %rax
	call *%rax
page_fault_entry:			/* on the stack: error code, RIP, ... */
	.irp r, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
	push %\r
	.endr
	movq %cr2, %rdi; movq 72(%rsp), %rsi
	call page_fault
	.irp r, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
	pop %\r
	.endr
	addq $8, %rsp; iretq
memcpy:	mov %rdi, %rax; mov %rdx, %rcx; rep movsb; ret
memset:	push %rdi; mov %esi, %eax; mov %rdx, %rcx; rep stosb; pop %rax; ret
	.data
gdt:	.quad 0, 0x00af9a000000ffff	/* 64-bit code */
gdt_low: .word 15; .quad PHYS(gdt)
gdt_high: .word 15; .quad gdt
	.balign 4096
boot_root: .quad PHYS(boot_1g) + 3; .skip 510 * 8; .quad PHYS(boot_1g) + 3
boot_1g: .quad 0x83; .skip 509 * 8; .quad 0x83, 0	/* a leaf, writable */
	.skip 16384; stack_top:
