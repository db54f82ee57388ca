/*
 * demo.c - the ARM document's memory map: the start, the kernel's upper gigabyte,
 * and two processes below.
 */
#include <vas2.h>

#include <demo.h>

#define PROGRAM ((size_t)0x8000)
#define BOARD ((size_t)0xf0000000u)	/* peripherals, away from RAM */

static void
kernel_page(const char *what, size_t at)
{
	struct PagePermission perm = { KernelRW, false };
	void *page = vm2_allocate_page(kernell1PageTable, at, false, perm,
	    NULL);

	demo_say("   0x%08lx %s%s\n", (unsigned long)at, what,
	    page != NULL ? "" : ": no");
}

static void
peripherals(const char *what, size_t phys, size_t n)
{
	size_t at = vm2_map_peripheral(phys, n);

	if (at != 0)
		demo_say("   0x%08lx %s, %lu MiB\n", (unsigned long)at, what,
		    (unsigned long)n);
}

static void
upper_gigabyte(void)
{
	demo_say("the upper gigabyte:\n");
	kernel_page("heap", KERNEL_HEAP_BASE);
	kernel_page("heap", KERNEL_HEAP_BASE + PAGE_SIZE);
	kernel_page("high vectors", HIGH_VECTOR_LOCATION);
	peripherals("mailbox and timers", BOARD, 16);
	peripherals("local interrupts", BOARD + (16 << 20), 1);
	kernel_page("heap below the peripherals", 0xFEDFF000);
	kernel_page("heap where they begin", 0xFEE00000);
	peripherals("one more where the heap is", BOARD + (32 << 20), 1);
}

static struct vas2 *
process(char mark)
{
	struct vas2 *vas = create_vas();

	allocate_page(vas, PROGRAM, true);
	allocate_page(vas, 0x7FFF0000, false);
	demo_switch(vas);
	demo_poke(PROGRAM, mark);
	demo_poke(0x7FFF0ff0, mark);
	return vas;
}

static void
show(struct vas2 *vas, const char *name)
{
	demo_switch(vas);
	demo_say("%s reads '%c', which %s run; has '%c' on its stack, which "
	    "%s\n", name, demo_peek(PROGRAM), demo_fetch(PROGRAM) < 0 ?
	    "does not" : "does", demo_peek(0x7FFF0ff0),
	    demo_fetch(0x7FFF0ff0) < 0 ? "does not" : "does");
}

int
main(void)
{
	struct vas2 *one, *two;

	vm2_start();
	upper_gigabyte();
	one = process('1');
	two = process('2');
	show(one, "one");
	show(two, "two");
	demo_say("two reads the kernel's half: %s\n",
	    demo_peek(0x80080000u) < 0 ? "no" : "yes");
	demo_switch(NULL);
	free_vas(one);
	demo_switch(two);
	show(two, "two, when one has ended,");
	demo_switch(NULL);
	free_vas(two);
	return 0;
}
