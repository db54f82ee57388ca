/*
 * access.c - AArch64: touching user memory from the kernel, so that a fault that
 * cannot be resolved ends the access instead of the kernel.
 *
 * Every instruction that may fault has an entry in the table of fixups: where to
 * go on. Loads and stores are the unprivileged ones, which PAN lets through and which
 * have the user's rights; for the exclusive pair PAN is lifted. Assembly, because a
 * compiler promises nothing about which instruction touches user memory. A machine
 * that replaces insn.h needs nothing of this file.
 */
#include <tome/port.h>

#define FIXUP(at, resume)                                                \
	".pushsection .rodata.tome_user_fixups, \"a\"\n"                 \
	".word " at " - ., " resume " - .\n"                             \
	".popsection\n"
#define FUNCTION(name)                                                   \
	".globl " name "\n.type " name ", %function\n" name ":\n"

/* Words, then bytes; a fault in a word goes on by bytes, so that the rest is exact. */
#define COPY(name, word_load, word_store, byte_load, byte_store)         \
	FUNCTION(name)                                                   \
	"1:	cmp x2, #8\n"                                            \
	"	b.lo 3f\n"                                               \
	"2:	" word_load "\n"                                         \
	"21:	" word_store "\n"                                        \
	"	add x0, x0, #8\n"                                        \
	"	add x1, x1, #8\n"                                        \
	"	sub x2, x2, #8\n"                                        \
	"	b 1b\n"                                                  \
	"3:	cbz x2, 6f\n"                                            \
	"4:	" byte_load "\n"                                         \
	"5:	" byte_store "\n"                                        \
	"	add x0, x0, #1\n"                                        \
	"	add x1, x1, #1\n"                                        \
	"	sub x2, x2, #1\n"                                        \
	"	b 3b\n"                                                  \
	"6:	mov x0, x2\n"                                            \
	"	ret\n"                                                   \
	FIXUP("2b", "3b") FIXUP("21b", "3b") FIXUP("4b", "6b") FIXUP("5b", "6b")

/* *seen becomes what was there: unchanged means that the value was stored. */
#define CAS32(name, lift, lower)                                         \
	FUNCTION(name)                                                   \
	lift                                                             \
	"	ldr w3, [x1]\n"                                          \
	"1:	ldaxr w4, [x0]\n"                                        \
	"	cmp w4, w3\n"                                            \
	"	b.ne 3f\n"                                               \
	"2:	stlxr w5, w2, [x0]\n"                                    \
	"	cbnz w5, 1b\n"                                           \
	"3:	str w4, [x1]\n"                                          \
	lower                                                            \
	"	mov w0, #0\n"                                            \
	"	ret\n"                                                   \
	"4:\n"                                                           \
	lower                                                            \
	"	mov w0, #1\n"                                            \
	"	ret\n"                                                   \
	FIXUP("1b", "4b") FIXUP("2b", "4b")

/* MSR PAN, #0 and #1, for assemblers that do not know it. */
#define PAN_OFF "	.inst 0xd500409f\n"
#define PAN_ON "	.inst 0xd500419f\n"

__asm__(
    ".pushsection .rodata.tome_user_fixups, \"a\"\n"
    ".balign 4\n"
    ".globl tome_a64_fixups\n.hidden tome_a64_fixups\n"
    "tome_a64_fixups:\n"
    ".popsection\n"
    ".pushsection .text\n"
    COPY("tome_a64_copy_in", "ldtr x3, [x1]", "str x3, [x0]",
	"ldtrb w3, [x1]", "strb w3, [x0]")
    COPY("tome_a64_copy_out", "ldr x3, [x1]", "sttr x3, [x0]",
	"ldrb w3, [x1]", "sttrb w3, [x0]")
    FUNCTION("tome_a64_load32")
    "1:	ldtr w2, [x1]\n"
    "	str w2, [x0]\n"
    "	mov w0, #0\n"
    "	ret\n"
    "2:	mov w0, #1\n"
    "	ret\n"
    FIXUP("1b", "2b")
    CAS32("tome_a64_cas32", "", "")
    CAS32("tome_a64_cas32_pan", PAN_OFF, PAN_ON)
    ".popsection\n"
    ".pushsection .rodata.tome_user_fixups, \"a\"\n"
    ".globl tome_a64_fixups_end\n.hidden tome_a64_fixups_end\n"
    "tome_a64_fixups_end:\n"
    ".popsection\n");

#define START tome_a64_fixups
#define END tome_a64_fixups_end
#include <pmap/fixup.h>
