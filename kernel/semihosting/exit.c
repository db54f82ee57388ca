/*
 * exit.c - telling a debugger or an emulator that we are done, and how (Arm's
 * semihosting, SYS_EXIT_EXTENDED). Where nobody listens the call may fault: so it is
 * for boards that are known to have a listener.
 */
#include <asm.h>
#include <semihosting/semihosting.h>

#define SYS_EXIT_EXTENDED 0x20u
#define APPLICATION_EXIT 0x20026u

void
semihosting_exit(int status)
{
	const uintptr_t block[2] = { APPLICATION_EXIT, (uintptr_t)status };

	semihosting_call(SYS_EXIT_EXTENDED, block);
}
