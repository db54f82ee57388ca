/*
 * power.c - the end: off with a status, or again from the start.
 *
 * Under QEMU the status goes two ways: in decimal to the debug console, and to
 * the isa-debug-exit device, which ends QEMU with 2 * status + 1. A machine
 * without them is switched off through ACPI.
 */
#include <lib.h>
#include <machine.h>
#include <x86.h>

#define DEBUG_CONSOLE 0xe9	/* reads as its own address when present */
#define DEBUG_EXIT 0xf4
#define SLEEP_ENABLE 0x2000u
#define RESET_CONTROL 0xcf9
#define KEYBOARD 0x64

static _Noreturn void
halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void
machine_off(int status)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d\n", status);

	smp_stop_others();
	if (inb(DEBUG_CONSOLE) == DEBUG_CONSOLE)
		for (int i = 0; i < n; i++)
			outb(DEBUG_CONSOLE, (uint8_t)text[i]);
	outl(DEBUG_EXIT, (uint32_t)status);
	if (tables.pm1a_control != 0)
		outw(tables.pm1a_control, tables.sleep_a | SLEEP_ENABLE);
	if (tables.pm1b_control != 0)
		outw(tables.pm1b_control, tables.sleep_b | SLEEP_ENABLE);
	halt();
}

void
machine_reboot(void)
{
	smp_stop_others();
	if (tables.reset_port != 0)
		outb(tables.reset_port, tables.reset_value);
	outb(RESET_CONTROL, 6);
	outb(KEYBOARD, 0xfe);
	halt();
}

/* RDRAND where there is one; else the low bits of the counter, stirred. */
uint64_t
machine_random(void)
{
	static _Atomic uint64_t state;
	unsigned long hard = 0;
	bool good = false;
	uint64_t v;

	if (cpuid(1, 0).c & (1u << 30))
		__asm__ volatile("rdrand %0" : "=r"(hard), "=@ccc"(good));
	v = hard ^ (atomic_fetch_add(&state, 0x9e3779b97f4a7c15u) + rdtsc());
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	(void)good;
	return v ^ v >> 31;
}
