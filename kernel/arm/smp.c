/*
 * smp.c - the other CPUs: started one after another by PSCI, each on the stack of
 * its idle thread; messages between them.
 */
#include <arm.h>
#include <asm.h>
#include <cpu.h>
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <sched_i.h>
#include <tome_host_inline.h>

#define START_LIMIT_NS 120000000000u

extern char ap_start[];

_Noreturn void smp_ap_main(unsigned cpu);

/* What a CPU that starts runs as; written before it does. */
static struct thread *ap_thread;
static _Atomic bool stopping;

static bool
wait_online(unsigned cpu)
{
	uint64_t start = clock_ns();

	while (!atomic_load(&cpus[cpu].online)) {
		if (clock_ns() - start > START_LIMIT_NS)
			return false;
		tome_host_relax();
	}
	return true;
}

static void
start_one(unsigned cpu, uint64_t id)
{
	ap_thread = sched_create_idle(cpu);
	if (ap_thread == NULL)
		panic("no memory for the idle thread of CPU %u", cpu);
	boot_prepare(cpu, (uintptr_t)ap_thread->frame);
	if (!psci_cpu_on(id, memory_physical(ap_start)) || !wait_online(cpu))
		panic("CPU %u does not start", cpu);
}

void
smp_start(void)
{
	const uint64_t *ids;
	unsigned n = dt_cpus(&ids), cpu = 1;

	for (unsigned i = 0; i < n; i++)
		if (ids[i] != cpu_affinity())
			start_one(cpu++, ids[i]);
}

/* Another CPU's first C code. */
void
smp_ap_main(unsigned cpu)
{
	cpu_start(cpu, ap_thread);
	cpus[cpu].stack_low = ap_thread->stack_low;
	cpus[cpu].stack_top = (uintptr_t)ap_thread;
	tome_pmap_cpu_start(the_vm);
	machine_cpu_ready();
	sched_adopt_idle(ap_thread);
	atomic_store(&cpus[cpu].online, 1);
	sched_idle();
}

/* ---- messages ---- */

void
machine_ask_flush(unsigned cpu)
{
	gic_send(cpu, MESSAGE_FLUSH);
}

void
irq_message(unsigned message)
{
	switch (message) {
	case MESSAGE_KICK:
		sched_kicked();
		break;
	case MESSAGE_FLUSH:
		tome_vm_interrupt(the_vm);
		break;
	case MESSAGE_STOP:
		for (;;)
			irq_off_and_wait();
	}
}

bool
smp_stopping(void)
{
	return atomic_load(&stopping);
}

void
smp_stop_others(void)
{
	if (!atomic_exchange(&stopping, true) && cpu_count() > 1)
		gic_send_others(MESSAGE_STOP);
}
