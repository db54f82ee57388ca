/*
 * wide.S - what compilers call for words of 64 bits by ARM's own names: division,
 * whose quotient and rest come back in registers, and counting zeros.
 */
	.arch armv7-a
	.arm
	.text

	/* R0:R1 by R2:R3; the quotient in R0:R1, the rest in R2:R3. */
	.globl __aeabi_uldivmod
__aeabi_uldivmod:
	push {r6, lr}
	sub sp, sp, #16
	add r12, sp, #8
	str r12, [sp]
	bl __udivmoddi4
	ldr r2, [sp, #8]
	ldr r3, [sp, #12]
	add sp, sp, #16
	pop {r6, pc}

	/* Of R0:R1, from the lowest bit; not 0. */
	.globl __ctzdi2
__ctzdi2:
	rbit r2, r0
	rbit r3, r1
	clz r2, r2
	clz r3, r3
	cmp r0, #0
	movne r0, r2
	addeq r0, r3, #32
	bx lr

	.section .note.GNU-stack, "", %progbits
