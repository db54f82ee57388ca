/*
 * smp.c - the other CPUs: started one after another with INIT and STARTUP
 * messages (Intel SDM volume 3, 9.4.4), each on the stack of its idle thread.
 */
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <sched_i.h>
#include <x86.h>

#define TRAMPOLINE 0x8000u
#define START_LIMIT_NS 120000000000u

extern char ap_trampoline[], ap_trampoline_end[];
extern uintptr_t ap_root, ap_stack, ap_cpu;

_Noreturn void smp_ap_main(uintptr_t number);

/* What a CPU that starts runs as; written before its STARTUP. */
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
start_one(unsigned cpu)
{
	uint32_t id = tables.apic_id[cpu];

	ap_thread = sched_create_idle(cpu);
	if (ap_thread == NULL)
		panic("no memory for the idle thread of CPU %u", cpu);
	cpus[cpu].apic_id = id;
	ap_stack = (uintptr_t)ap_thread->frame;
	ap_cpu = cpu;
	apic_send(id, APIC_INIT);
	clock_delay(10000000);
	for (unsigned i = 0; i < 2 && !atomic_load(&cpus[cpu].online); i++) {
		apic_send(id, APIC_STARTUP | TRAMPOLINE >> 12);
		clock_delay(200000);
	}
	if (!wait_online(cpu))
		panic("CPU %u does not start", cpu);
}

void
smp_start(void)
{
	memcpy(direct(TRAMPOLINE), ap_trampoline,
	    (size_t)(ap_trampoline_end - ap_trampoline));
	/* Where the stacks are; without a tag. */
	ap_root = read_cr3() & ~(uintptr_t)0xfff;
	for (unsigned cpu = 1; cpu < tables.ncpus; cpu++)
		start_one(cpu);
}

/* Another CPU's first C code. */
void
smp_ap_main(uintptr_t number)
{
	unsigned cpu = (unsigned)number;

	cpu_start(cpu, ap_thread);
	cpus[cpu].stack_top = (uintptr_t)ap_thread;
	tome_pmap_cpu_start(the_vm);
	machine_cpu_ready();
	sched_adopt_idle(ap_thread);
	atomic_store(&cpus[cpu].online, 1);
	sched_idle();
}

bool
smp_stopping(void)
{
	return atomic_load(&stopping);
}

void
smp_stop_others(void)
{
	atomic_store(&stopping, true);
	apic_send_nmi_others();
}
