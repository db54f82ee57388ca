/*
 * start.c - the first C code with the MMU on, in the order in which one thing needs
 * another, up to where the generic kernel (main.c) takes over.
 */
#include <arm.h>
#include <machine.h>
#include <main.h>
#include <sched_i.h>

/* boot.S's. */
_Noreturn void machine_start(tome_pa_t tree);

/* The thread that boots and then idles on the first CPU. */
static struct thread boot_thread;

void
machine_start(tome_pa_t tree)
{
	cpu_start(0, &boot_thread);
	memory_start(tree);
	console_start();
	psci_start();
	clock_start();
	gic_start();
	sched_adopt_idle(&boot_thread);
	kernel_main();
}

void
machine_cpu_ready(void)
{
	gic_cpu_start();
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
