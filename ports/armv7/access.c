/*
 * access.c - ARMv7-A: touching user memory from the kernel, so that a fault that
 * cannot be resolved ends the access instead of the kernel.
 *
 * Every instruction that may fault has an entry in the table of fixups: where to
 * go on. Loads and stores are the unprivileged ones, which have the user's rights; the
 * exclusive pair comes after one that had them. Assembly (A32), because a compiler
 * promises nothing about which instruction touches user memory. A machine that
 * replaces insn.h needs nothing of this file.
 */
#include <tome/port.h>

#define FIXUP(at, resume)                                                \
	".pushsection .rodata.tome_user_fixups, \"a\"\n"                 \
	".word " at " - ., " resume " - .\n"                             \
	".popsection\n"
#define FUNCTION(name)                                                   \
	".globl " name "\n.type " name ", %function\n" name ":\n"

/* Words while both are aligned, then bytes; a fault in a word goes on by bytes, so
 * that the rest is exact. r12 holds what is on its way. */
#define COPY(name, word_load, word_store, byte_load, byte_store)         \
	FUNCTION(name)                                                   \
	"	orr r3, r0, r1\n"                                        \
	"	tst r3, #3\n"                                            \
	"	bne 3f\n"                                                \
	"1:	cmp r2, #4\n"                                            \
	"	blo 3f\n"                                                \
	"2:	" word_load "\n"                                         \
	"21:	" word_store "\n"                                        \
	"	add r0, r0, #4\n"                                        \
	"	add r1, r1, #4\n"                                        \
	"	sub r2, r2, #4\n"                                        \
	"	b 1b\n"                                                  \
	"3:	cmp r2, #0\n"                                            \
	"	beq 6f\n"                                                \
	"4:	" byte_load "\n"                                         \
	"5:	" byte_store "\n"                                        \
	"	add r0, r0, #1\n"                                        \
	"	add r1, r1, #1\n"                                        \
	"	sub r2, r2, #1\n"                                        \
	"	b 3b\n"                                                  \
	"6:	mov r0, r2\n"                                            \
	"	bx lr\n"                                                 \
	FIXUP("2b", "3b") FIXUP("21b", "3b") FIXUP("4b", "6b") FIXUP("5b", "6b")

__asm__(
    ".pushsection .rodata.tome_user_fixups, \"a\"\n"
    ".balign 4\n"
    ".globl tome_arm_fixups\n.hidden tome_arm_fixups\n"
    "tome_arm_fixups:\n"
    ".popsection\n"
    ".pushsection .text\n"
    ".balign 4\n"
    ".arm\n"
    COPY("tome_arm_copy_in", "ldrt r12, [r1], #0", "str r12, [r0]",
	"ldrbt r12, [r1], #0", "strb r12, [r0]")
    COPY("tome_arm_copy_out", "ldr r12, [r1]", "strt r12, [r0], #0",
	"ldrb r12, [r1]", "strbt r12, [r0], #0")
    FUNCTION("tome_arm_load32")
    "1:	ldrt r2, [r1], #0\n"
    "	str r2, [r0]\n"
    "	mov r0, #0\n"
    "	bx lr\n"
    "2:	mov r0, #1\n"
    "	bx lr\n"
    FIXUP("1b", "2b")

    /* *seen becomes what was there: unchanged means that the value was stored. */
    FUNCTION("tome_arm_cas32")
    "	push {r4, r5}\n"
    "	ldr r12, [r1]\n"
    "1:	ldrt r3, [r0], #0\n"
    "2:	ldrex r3, [r0]\n"
    "	cmp r3, r12\n"
    "	bne 4f\n"
    "	dmb\n"
    "3:	strex r4, r2, [r0]\n"
    "	cmp r4, #0\n"
    "	bne 2b\n"
    "4:	dmb\n"
    "	str r3, [r1]\n"
    "	mov r0, #0\n"
    "	pop {r4, r5}\n"
    "	bx lr\n"
    "5:	mov r0, #1\n"
    "	pop {r4, r5}\n"
    "	bx lr\n"
    FIXUP("1b", "5b") FIXUP("2b", "5b") FIXUP("3b", "5b")
    ".popsection\n"
    ".pushsection .rodata.tome_user_fixups, \"a\"\n"
    ".globl tome_arm_fixups_end\n.hidden tome_arm_fixups_end\n"
    "tome_arm_fixups_end:\n"
    ".popsection\n");

#define START tome_arm_fixups
#define END tome_arm_fixups_end
#include <pmap/fixup.h>
