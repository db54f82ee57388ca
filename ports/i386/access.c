/*
 * access.c - i386: touching user memory from the kernel, so that a fault that
 * cannot be resolved ends the access instead of the kernel.
 *
 * Every instruction that may fault has an entry in the table of fixups: where to
 * go on. The _smap forms lift SMAP (STAC) meanwhile. Assembly, because a compiler
 * promises nothing about which instruction touches user memory; cdecl.
 */
#include <tome/port.h>

#define FIXUP(at, resume)                                                \
	".pushsection .rodata.tome_user_fixups, \"a\"\n"                 \
	".long " at " - ., " resume " - .\n"                             \
	".popsection\n"
#define FUNCTION(name)                                                   \
	".globl " name "\n.type " name ", @function\n" name ":\n"

/* Words first; a fault there goes on by bytes, so that the rest is exact. */
#define COPY(name, lift, lower)                                          \
	FUNCTION(name)                                                   \
	"	push %esi\n"                                             \
	"	push %edi\n"                                             \
	"	mov 12(%esp), %edi\n"                                    \
	"	mov 16(%esp), %esi\n"                                    \
	"	mov 20(%esp), %edx\n"                                    \
	lift                                                             \
	"	mov %edx, %ecx\n"                                        \
	"	shr $2, %ecx\n"                                          \
	"	and $3, %edx\n"                                          \
	"1:	rep movsl\n"                                             \
	"	mov %edx, %ecx\n"                                        \
	"2:	rep movsb\n"                                             \
	"4:	mov %ecx, %eax\n"                                        \
	lower                                                            \
	"	pop %edi\n"                                              \
	"	pop %esi\n"                                              \
	"	ret\n"                                                   \
	"3:	lea (%edx,%ecx,4), %ecx\n"                               \
	"	jmp 2b\n"                                                \
	FIXUP("1b", "3b") FIXUP("2b", "4b")

#define LOAD32(name, lift, lower)                                        \
	FUNCTION(name)                                                   \
	"	mov 8(%esp), %ecx\n"                                     \
	"	mov 4(%esp), %edx\n"                                     \
	lift                                                             \
	"1:	mov (%ecx), %eax\n"                                      \
	"	mov %eax, (%edx)\n"                                      \
	"	xor %eax, %eax\n"                                        \
	lower                                                            \
	"	ret\n"                                                   \
	"2:	mov $1, %eax\n"                                          \
	lower                                                            \
	"	ret\n"                                                   \
	FIXUP("1b", "2b")

/* *seen becomes what was there: unchanged means that the value was stored. */
#define CAS32(name, lift, lower)                                         \
	FUNCTION(name)                                                   \
	"	push %esi\n"                                             \
	"	mov 8(%esp), %ecx\n"                                     \
	"	mov 12(%esp), %esi\n"                                    \
	"	mov 16(%esp), %edx\n"                                    \
	lift                                                             \
	"	mov (%esi), %eax\n"                                      \
	"1:	lock cmpxchg %edx, (%ecx)\n"                             \
	"	mov %eax, (%esi)\n"                                      \
	"	xor %eax, %eax\n"                                        \
	"3:\n"                                                           \
	lower                                                            \
	"	pop %esi\n"                                              \
	"	ret\n"                                                   \
	"2:	mov $1, %eax\n"                                          \
	"	jmp 3b\n"                                                \
	FIXUP("1b", "2b")

#define STAC "	stac\n"
#define CLAC "	clac\n"

__asm__(
    ".pushsection .rodata.tome_user_fixups, \"a\"\n"
    ".balign 4\n"
    ".globl tome_i386_fixups\n.hidden tome_i386_fixups\n"
    "tome_i386_fixups:\n"
    ".popsection\n"
    ".pushsection .text\n"
    COPY("tome_i386_copy", "", "")
    COPY("tome_i386_copy_smap", STAC, CLAC)
    LOAD32("tome_i386_load32", "", "")
    LOAD32("tome_i386_load32_smap", STAC, CLAC)
    CAS32("tome_i386_cas32", "", "")
    CAS32("tome_i386_cas32_smap", STAC, CLAC)
    ".popsection\n"
    ".pushsection .rodata.tome_user_fixups, \"a\"\n"
    ".globl tome_i386_fixups_end\n.hidden tome_i386_fixups_end\n"
    "tome_i386_fixups_end:\n"
    ".popsection\n");

#define START tome_i386_fixups
#define END tome_i386_fixups_end
#include <pmap/fixup.h>
