/*
 * start.c - the first C code, in the order in which one thing needs another; up
 * to where the generic kernel (main.c) takes over.
 */
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <sched_i.h>
#include <tome/kmem.h>
#include <x86.h>

#define SPECIAL_STACK_PAGES 2

_Noreturn void machine_start(uint32_t start_info);

/* The thread that boots and then idles on the first CPU. */
static struct thread boot_thread;

extern char smap_sites_start[], smap_sites_end[];

/* CLAC into the places the entry code left for it, where the CPU has SMAP. */
static void
patch_smap(void)
{
	static const uint8_t clac[3] = { 0x0f, 0x01, 0xca };
	uint8_t *const *site = (uint8_t *const *)(void *)smap_sites_start;
	uint8_t *const *end = (uint8_t *const *)(void *)smap_sites_end;

	if (cpuid(0, 0).a < 7 || !(cpuid(7, 0).b & (1u << 20)))
		return;
	for (; site < end; site++)
		memcpy(*site, clac, sizeof clac);
}

/* Under the boot tables, which allow writing to the text. */
void
machine_start(uint32_t start_info)
{
	serial_start();
	patch_smap();
	trap_start();
	cpu_start(0, &boot_thread);
	pvh_read(start_info);
	memory_start();
	acpi_read(pvh_rsdp());
	clock_start();
	cpus[0].apic_id = tables.apic_id[0];
	sched_adopt_idle(&boot_thread);
	kernel_main();
}

void
machine_describe_memory(struct tome_boot *boot)
{
	boot->ncpus = tables.ncpus;
	boot->ranges = pvh_ranges(&boot->nranges);
	boot->direct_bias = KERNEL_DIRECT_MAP;
	memory_describe(boot);
}

static uintptr_t
special_stack(void)
{
	tome_va_t low;

	if (tome_kmap_stack(the_vm, SPECIAL_STACK_PAGES, &low) != TOME_OK)
		panic("no memory for the stacks of exceptions");
	return low + SPECIAL_STACK_PAGES * TOME_PAGE_SIZE;
}

void
machine_cpu_ready(void)
{
	apic_start();
}

void
machine_devices_start(void)
{
	for (unsigned cpu = 0; cpu < tables.ncpus; cpu++) {
		uintptr_t top[CPU_SPECIAL_STACKS];

		for (unsigned i = 0; i < CPU_SPECIAL_STACKS; i++)
			top[i] = special_stack();
		cpu_set_special_stacks(cpu, top);
	}
	apic_map();
	machine_cpu_ready();
}

void
machine_cpus_start(void)
{
	smp_start();
}
