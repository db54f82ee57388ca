/*
 * start.c - the first C code, in the order in which one thing needs another; up
 * to where the generic kernel (main.c) takes over.
 */
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <riscv.h>
#include <sched_i.h>
#include <tome_host_inline.h>

_Noreturn void machine_start(uint64_t hart, uint64_t tree);

/* Where Tome may put heap, devices and stacks: top-level entries that hold
 * nothing of ours, by the number of levels. */
static const uint64_t spans[] = {
	[3] = 0xffffffc000000000u,
	[4] = 0xffffff0000000000u,
	[5] = 0xfffe000000000000u,
};
#define KERNEL_SPAN_SIZE ((uint64_t)64 << 30)

/* The thread that boots and then idles on the first CPU. */
static struct thread boot_thread;
static unsigned ncpus;

/* The hart that boots is CPU 0; the others follow in the tree's order. */
static void
number_harts(uint64_t boot_hart)
{
	const uint64_t *harts;
	unsigned n = dt_cpus(&harts);

	for (unsigned i = 0; i < KERNEL_MAX_CPUS; i++)
		cpus[i].hart = UINT64_MAX;
	cpus[0].hart = boot_hart;
	ncpus = 1;
	for (unsigned i = 0; i < n; i++)
		if (harts[i] != boot_hart && ncpus < KERNEL_MAX_CPUS)
			cpus[ncpus++].hart = harts[i];
}

/* Under the boot tables, which allow writing to the text. */
void
machine_start(uint64_t hart, uint64_t tree)
{
	cpu_start(0, &boot_thread);
	if (!dt_start(direct(tree)))
		panic("no devicetree");
	uart_start();
	dt_read();
	dt_keep(tree);
	number_harts(hart);
	cpu_read_isa();
	memory_start();
	clock_start();
	plic_start();
	sched_adopt_idle(&boot_thread);
	kernel_main();
}

void
machine_describe_memory(struct tome_boot *boot)
{
	boot->ncpus = ncpus;
	boot->ranges = dt_ranges((uintptr_t)kernel_start - KERNEL_OFFSET,
	    memory_taken_end(), &boot->nranges);
	boot->direct_bias = KERNEL_DIRECT_MAP;
	boot->direct_end = dt_highest();
	boot->kernel_start = spans[memory_levels()];
	boot->kernel_end = boot->kernel_start + KERNEL_SPAN_SIZE;
	boot->kernel_root = (memory_satp() & 0xfffffffffffu) << 12;
}

void
machine_cpu_ready(void)
{
	timer_quiet();
}

void
machine_devices_start(void)
{
	machine_cpu_ready();
}

void
machine_cpus_start(void)
{
	smp_start();
}
