/*
 * access.S - x86-64: touching user memory from the kernel, so that a fault that
 * cannot be resolved ends the access instead of the kernel.
 *
 * Each access that may fault has a label; user_fixups pairs it with where to go
 * on. The _smap forms lift SMAP (STAC) meanwhile. System V calling convention.
 */

	.text

/* size_t tome_x86_copy(void *dst, const void *src, size_t len) */
/* Words first; a fault there finishes by bytes, so that the rest is exact. */
	.macro COPY name, before, after
	.globl	\name
	.type	\name, @function
\name:
	\before
	mov	%rdx, %rcx
	shr	$3, %rcx
	and	$7, %edx
.L\name\()_words:
	rep movsq
	mov	%edx, %ecx
.L\name\()_bytes:
	rep movsb
	xor	%eax, %eax
	\after
	ret
.L\name\()_words_fixup:
	lea	(%rdx,%rcx,8), %rcx
	jmp	.L\name\()_bytes
.L\name\()_bytes_fixup:
	mov	%rcx, %rax
	\after
	ret
	.size	\name, . - \name
	.pushsection .rodata.tome_user_fixups, "a"
	.quad	.L\name\()_words, .L\name\()_words_fixup
	.quad	.L\name\()_bytes, .L\name\()_bytes_fixup
	.popsection
	.endm

/* int tome_x86_load32(uint32_t *out, const void *src): 1 if it faulted */
	.macro LOAD32 name, before, after
	.globl	\name
	.type	\name, @function
\name:
	\before
.L\name\()_at:
	mov	(%rsi), %eax
	mov	%eax, (%rdi)
	xor	%eax, %eax
	\after
	ret
.L\name\()_fixup:
	mov	$1, %eax
	\after
	ret
	.size	\name, . - \name
	.pushsection .rodata.tome_user_fixups, "a"
	.quad	.L\name\()_at, .L\name\()_fixup
	.popsection
	.endm

/* int tome_x86_cas32(void *dst, uint32_t *seen, uint32_t v) */
/* *seen becomes what was there: unchanged means that v was stored. */
	.macro CAS32 name, before, after
	.globl	\name
	.type	\name, @function
\name:
	\before
	mov	(%rsi), %eax
.L\name\()_at:
	lock cmpxchg %edx, (%rdi)
	mov	%eax, (%rsi)
	xor	%eax, %eax
	\after
	ret
.L\name\()_fixup:
	mov	$1, %eax
	\after
	ret
	.size	\name, . - \name
	.pushsection .rodata.tome_user_fixups, "a"
	.quad	.L\name\()_at, .L\name\()_fixup
	.popsection
	.endm

	.section .rodata.tome_user_fixups, "a"
	.balign	8
	.globl	tome_x86_fixups
tome_x86_fixups:
	.text

	COPY	tome_x86_copy, , 
	COPY	tome_x86_copy_smap, stac, clac
	LOAD32	tome_x86_load32, , 
	LOAD32	tome_x86_load32_smap, stac, clac
	CAS32	tome_x86_cas32, , 
	CAS32	tome_x86_cas32_smap, stac, clac

	.section .rodata.tome_user_fixups, "a"
	.globl	tome_x86_fixups_end
tome_x86_fixups_end:

	.section .note.GNU-stack, "", @progbits
