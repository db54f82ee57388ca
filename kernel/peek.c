/*
 * peek.c - with `peek` on the command line a program can have the kernel do what no kernel
 * should: read the program's memory as if it were its own, or, with `peek=exec`, run code
 * that lies there. Where the CPU guards against that (SMAP and SMEP, PAN and PXN, SUM)
 * this ends in a panic, and a test sees that the guard was up.
 */
#include <lib.h>
#include <machine.h>
#include <syscall.h>

bool
peek(uint64_t number, uint64_t at)
{
	void *there = (void *)(uintptr_t)at;
	char how[8];

	if (number != PEEK_CALL || !boot_option("peek", how, sizeof how))
		return false;
	kprintf("Tome: peek: at %#lx\n", (unsigned long)at);
	if (strcmp(how, "exec") == 0)
		((void (*)(void))there)();
	else
		(void)*(volatile char *)there;
	kprintf("Tome: peek: nothing was in the way\n");
	return true;
}
