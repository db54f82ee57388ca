/*
 * psci.c - CPUs and power, by firmware calls (Arm's Power State Coordination
 * Interface 1.1); and the end of a run, which tells its status first.
 */
#include <arm.h>
#include <asm.h>
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <semihosting/semihosting.h>

#define PSCI_CPU_ON_32 0x84000003u
#define PSCI_CPU_ON_64 0xc4000003u
#define PSCI_OFF 0x84000008u
#define PSCI_RESET 0x84000009u

static bool present, by_smc;

void smp_stop_others(void);

void
psci_start(void)
{
	struct dt_node n;
	const char *method;
	size_t len;

	if (!dt_find(&n, "arm,psci-1.0") && !dt_find(&n, "arm,psci-0.2"))
		return;
	method = dt_property(&n, "method", &len);
	present = method != NULL;
	by_smc = present && strcmp(method, "smc") == 0;
}

static intptr_t
psci(uintptr_t what, uintptr_t a, uintptr_t b)
{
	return present ? firmware_call(by_smc, what, a, b, 0) : -1;
}

bool
psci_cpu_on(uint64_t cpu, uint64_t entry)
{
	return psci(sizeof(void *) == 8 ? PSCI_CPU_ON_64 : PSCI_CPU_ON_32,
	    (uintptr_t)cpu, (uintptr_t)entry) == 0;
}

void
machine_off(int status)
{
	smp_stop_others();
	semihosting_exit(status);
	psci(PSCI_OFF, 0, 0);
	for (;;)
		irq_off();
}

void
machine_reboot(void)
{
	smp_stop_others();
	psci(PSCI_RESET, 0, 0);
	for (;;)
		irq_off();
}
