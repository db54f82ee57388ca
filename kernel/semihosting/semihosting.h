/*
 * semihosting.h - what a kernel asks of the debugger or emulator it runs under. The
 * machine's <asm.h> has semihosting_call(operation, block): the instruction.
 */
#ifndef KERNEL_SEMIHOSTING_H
#define KERNEL_SEMIHOSTING_H

/* Returns only if nobody listens. */
void semihosting_exit(int status);

#endif
