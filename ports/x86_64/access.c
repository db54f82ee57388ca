/*
 * access.c - x86-64: touching user memory from the kernel, so that a fault that
 * cannot be resolved ends the access instead of the kernel.
 *
 * Every instruction that may fault has an entry in the table of fixups: where to
 * go on. The _smap forms lift SMAP (STAC) meanwhile. Assembly, because a compiler
 * promises nothing about which instruction touches user memory; System V calling
 * convention. A machine that replaces insn.h needs nothing of this file.
 */
#include <tome/port.h>

/* Words first; a fault there goes on by bytes, so that the rest is exact. */
#define COPY(name, lift, lower)                                          \
	".globl " name "\n.type " name ", @function\n" name ":\n"        \
	lift "\n"                                                        \
	"	mov %rdx, %rcx\n"                                        \
	"	shr $3, %rcx\n"                                          \
	"	and $7, %edx\n"                                          \
	"1:	rep movsq\n"                                             \
	"	mov %edx, %ecx\n"                                        \
	"2:	rep movsb\n"                                             \
	"	xor %eax, %eax\n"                                        \
	lower "\n"                                                       \
	"	ret\n"                                                   \
	"3:	lea (%rdx,%rcx,8), %rcx\n"                               \
	"	jmp 2b\n"                                                \
	"4:	mov %rcx, %rax\n"                                        \
	lower "\n"                                                       \
	"	ret\n"                                                   \
	".size " name ", . - " name "\n"                                 \
	FIXUP("1b", "3b") FIXUP("2b", "4b")

#define LOAD32(name, lift, lower)                                        \
	".globl " name "\n.type " name ", @function\n" name ":\n"        \
	lift "\n"                                                        \
	"1:	mov (%rsi), %eax\n"                                      \
	"	mov %eax, (%rdi)\n"                                      \
	"	xor %eax, %eax\n"                                        \
	lower "\n"                                                       \
	"	ret\n"                                                   \
	"2:	mov $1, %eax\n"                                          \
	lower "\n"                                                       \
	"	ret\n"                                                   \
	".size " name ", . - " name "\n"                                 \
	FIXUP("1b", "2b")

/* *seen becomes what was there: unchanged means that the value was stored. */
#define CAS32(name, lift, lower)                                         \
	".globl " name "\n.type " name ", @function\n" name ":\n"        \
	lift "\n"                                                        \
	"	mov (%rsi), %eax\n"                                      \
	"1:	lock cmpxchg %edx, (%rdi)\n"                             \
	"	mov %eax, (%rsi)\n"                                      \
	"	xor %eax, %eax\n"                                        \
	lower "\n"                                                       \
	"	ret\n"                                                   \
	"2:	mov $1, %eax\n"                                          \
	lower "\n"                                                       \
	"	ret\n"                                                   \
	".size " name ", . - " name "\n"                                 \
	FIXUP("1b", "2b")

#define FIXUP(at, resume)                                                \
	".pushsection .rodata.tome_user_fixups, \"a\"\n"                 \
	".long " at " - ., " resume " - .\n"                             \
	".popsection\n"

__asm__(
    ".pushsection .rodata.tome_user_fixups, \"a\"\n"
    ".balign 4\n"
    ".globl tome_x86_fixups\n.hidden tome_x86_fixups\n"
    "tome_x86_fixups:\n"
    ".popsection\n"
    ".pushsection .text\n"
    COPY("tome_x86_copy", "", "")
    COPY("tome_x86_copy_smap", "stac", "clac")
    LOAD32("tome_x86_load32", "", "")
    LOAD32("tome_x86_load32_smap", "stac", "clac")
    CAS32("tome_x86_cas32", "", "")
    CAS32("tome_x86_cas32_smap", "stac", "clac")
    ".popsection\n"
    ".pushsection .rodata.tome_user_fixups, \"a\"\n"
    ".globl tome_x86_fixups_end\n.hidden tome_x86_fixups_end\n"
    "tome_x86_fixups_end:\n"
    ".popsection\n");

#define START tome_x86_fixups
#define END tome_x86_fixups_end
#include <pmap/fixup.h>
