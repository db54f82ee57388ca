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

/* X3 to X10 at an address and what follows it, by an instruction that may fault. */
#define EIGHT(insn, at)                                                  \
	".irp r, 3, 4, 5, 6, 7, 8, 9, 10\n"                              \
	"8:	" insn " x\\r, [" at ", #(\\r - 3) * 8]\n"              \
	FIXUP("8b", "5f")                                                \
	".endr\n"
/* The same by pairs, where nothing faults, and on to what follows. */
#define PAIRS(insn, at)                                                  \
	"	" insn " x5, x6, [" at ", #16]\n"                        \
	"	" insn " x7, x8, [" at ", #32]\n"                        \
	"	" insn " x9, x10, [" at ", #48]\n"                       \
	"	" insn " x3, x4, [" at "], #64\n"
#define ADVANCE(bytes)                                                   \
	"	add x0, x0, #" bytes "\n"                                \
	"	add x1, x1, #" bytes "\n"

/*
 * Eight words, one, then bytes. A fault among words goes on by bytes, so that the rest
 * is exact. `step`: past the eight words on the user's side; `undo`: back before what
 * the other side was read from already.
 */
#define COPY(name, loads, stores, step, undo, load, store)               \
	FUNCTION(name)                                                   \
	"	b 2f\n"                                                  \
	"1:\n" loads stores                                              \
	"	" step "\n"                                              \
	"2:	subs x2, x2, #64\n"                                      \
	"	b.hs 1b\n"                                               \
	"	add x2, x2, #64\n"                                       \
	"	b 4f\n"                                                  \
	"3:	" load " x3, [x1]\n"                                     \
	"31:	" store " x3, [x0]\n" ADVANCE("8")                       \
	"4:	subs x2, x2, #8\n"                                       \
	"	b.hs 3b\n"                                               \
	"	add x2, x2, #8\n"                                        \
	"	b 7f\n"                                                  \
	"5:	add x2, x2, #64\n"                                       \
	"	" undo "\n"                                              \
	"6:	" load "b w3, [x1]\n"                                    \
	"61:	" store "b w3, [x0]\n" ADVANCE("1")                      \
	"	sub x2, x2, #1\n"                                        \
	"7:	cbnz x2, 6b\n"                                           \
	"71:	mov x0, x2\n"                                            \
	"	ret\n"                                                   \
	"9:	add x2, x2, #8\n"                                        \
	"	b 6b\n"                                                  \
	FIXUP("3b", "9b") FIXUP("31b", "9b") FIXUP("6b", "71b")          \
	FIXUP("61b", "71b")

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
    COPY("tome_a64_copy_in", EIGHT("ldtr", "x1"), PAIRS("stp", "x0"),
	"add x1, x1, #64", "", "ldtr", "str")
    COPY("tome_a64_copy_out", PAIRS("ldp", "x1"), EIGHT("sttr", "x0"),
	"add x0, x0, #64", "sub x1, x1, #64", "ldr", "sttr")
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
