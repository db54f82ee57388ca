/*
 * access.c - RISC-V: touching user memory from the kernel, so that a fault that
 * cannot be resolved ends the access instead of the kernel; and the firmware's calls.
 *
 * Every instruction that may fault has an entry in the table of fixups: where to
 * go on. sstatus.SUM lets the kernel through meanwhile. Assembly, because a
 * compiler promises nothing about which instruction touches user memory. A machine
 * that replaces insn.h needs nothing of this file.
 */
#include <tome/port.h>

unsigned tome_riscv_isa;

#define FIXUP(at, resume)                                                \
	".pushsection .rodata.tome_user_fixups, \"a\"\n"                 \
	".word " at " - ., " resume " - .\n"                             \
	".popsection\n"
#define FUNCTION(name)                                                   \
	".globl " name "\n.type " name ", @function\n" name ":\n"
#define SUM "262144"
#define LIFT "	li t6, " SUM "\n	csrs sstatus, t6\n"
#define LOWER "	csrc sstatus, t6\n	ret\n"

__asm__(
    ".pushsection .rodata.tome_user_fixups, \"a\"\n"
    ".balign 4\n"
    ".globl tome_riscv_fixups\n.hidden tome_riscv_fixups\n"
    "tome_riscv_fixups:\n"
    ".popsection\n"
    ".pushsection .text\n"
    /* Eight words, then one, while both are aligned; what faults there goes on by
     * bytes, so that the rest is exact. */
    FUNCTION("tome_riscv_copy") LIFT
    "	or t0, a0, a1\n"
    "	andi t0, t0, 7\n"
    "	bnez t0, 3f\n"
    "	li t1, 64\n"
    "	j 8f\n"
    "7:\n"
    ".irp at, 0, 8, 16, 24, 32, 40, 48, 56\n"
    "71:	ld t2, \\at(a1)\n"
    "72:	sd t2, \\at(a0)\n"
    FIXUP("71b", "3f") FIXUP("72b", "3f")
    ".endr\n"
    "	addi a0, a0, 64\n"
    "	addi a1, a1, 64\n"
    "	addi a2, a2, -64\n"
    "8:	bgeu a2, t1, 7b\n"
    "	li t1, 8\n"
    "1:	bltu a2, t1, 3f\n"
    "2:	ld t2, (a1)\n"
    "21:	sd t2, (a0)\n"
    "	addi a0, a0, 8\n"
    "	addi a1, a1, 8\n"
    "	addi a2, a2, -8\n"
    "	j 1b\n"
    "3:	beqz a2, 6f\n"
    "4:	lbu t2, (a1)\n"
    "5:	sb t2, (a0)\n"
    "	addi a0, a0, 1\n"
    "	addi a1, a1, 1\n"
    "	addi a2, a2, -1\n"
    "	j 3b\n"
    "6:	mv a0, a2\n"
    LOWER
    FIXUP("2b", "3b") FIXUP("21b", "3b") FIXUP("4b", "6b") FIXUP("5b", "6b")

    FUNCTION("tome_riscv_load32") LIFT
    "1:	lw t0, (a1)\n"
    "	sw t0, (a0)\n"
    "	li a0, 0\n"
    LOWER
    "2:	li a0, 1\n"
    LOWER
    FIXUP("1b", "2b")

    /* *seen becomes what was there: unchanged means that the value was stored. */
    FUNCTION("tome_riscv_cas32") LIFT
    "	lw t0, (a1)\n"
    "1:	lr.w.aqrl t1, (a0)\n"
    "	bne t1, t0, 3f\n"
    "2:	sc.w.aqrl t2, a2, (a0)\n"
    "	bnez t2, 1b\n"
    "3:	sw t1, (a1)\n"
    "	li a0, 0\n"
    LOWER
    "4:	li a0, 1\n"
    LOWER
    FIXUP("1b", "4b") FIXUP("2b", "4b")

    /* The number of the call goes to a7 and a6, its arguments to a0 and on. */
    FUNCTION("tome_insn_sbi")
    "	mv t0, a0\n"
    "	mv t1, a1\n"
    "	mv a0, a2\n"
    "	mv a1, a3\n"
    "	mv a2, a4\n"
    "	mv a3, a5\n"
    "	mv a4, a6\n"
    "	mv a6, t1\n"
    "	mv a7, t0\n"
    "	ecall\n"
    "	mv t0, a0\n"
    "	mv a0, a1\n"
    "	beqz t0, 1f\n"
    "	li a0, 0\n"
    "1:	ret\n"
    ".popsection\n"
    ".pushsection .rodata.tome_user_fixups, \"a\"\n"
    ".globl tome_riscv_fixups_end\n.hidden tome_riscv_fixups_end\n"
    "tome_riscv_fixups_end:\n"
    ".popsection\n");

#define START tome_riscv_fixups
#define END tome_riscv_fixups_end
#include <pmap/fixup.h>
