/*
 * cpu.c - a hart's registers, and what the devicetree says of all of them: the
 * extensions they have, and how fast their time runs.
 */
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <regs.h>
#include <riscv.h>
#include <sched_i.h>

_Static_assert(offsetof(struct cpu, preempt) == CPU_PREEMPT, "entry.S");
_Static_assert(offsetof(struct cpu, number) == CPU_NUMBER, "entry.S");
_Static_assert(offsetof(struct cpu, thread) == CPU_THREAD, "entry.S");
_Static_assert(offsetof(struct cpu, stack_top) == CPU_STACK_TOP, "entry.S");
_Static_assert(offsetof(struct cpu, scratch) == CPU_SCRATCH, "entry.S");
_Static_assert(sizeof(struct cpu) == 64, "boot.S");

#define COUNTERS 7u		/* cycle, time, instret, for programs */

struct cpu cpus[KERNEL_MAX_CPUS];

/* port's access.c */
extern unsigned tome_riscv_isa;

static const char *isa = "";
static uint32_t timebase = 10000000;

/* On this CPU; tp is its struct already. */
void
cpu_start(unsigned number, struct thread *t)
{
	struct cpu *cpu = &cpus[number];

	cpu->number = number;
	cpu->preempt = CPU_NO_RESCHED;
	cpu->thread = t;
	CSR_CLEAR("sstatus", STATUS_SUM | STATUS_SIE);
	CSR_WRITE("scounteren", COUNTERS);
	CSR_WRITE("sie", (uint64_t)1 << IRQ_SOFTWARE | (uint64_t)1 << IRQ_TIMER |
	    (uint64_t)1 << IRQ_EXTERNAL);
}

/* All harts are taken to be alike. */
void
cpu_read_isa(void)
{
	DT_EACH(n) {
		uint32_t hz;
		size_t len;
		const char *p = dt_property(&n, "riscv,isa", &len);

		if (p != NULL)
			isa = p;
		if (dt_cell(&n, "timebase-frequency", 0, &hz))
			timebase = hz;
	}
	if (cpu_has("svpbmt"))
		tome_riscv_isa |= TOME_RISCV_SVPBMT;
	if (cpu_has("svnapot"))
		tome_riscv_isa |= TOME_RISCV_SVNAPOT;
}

/* A name of several letters, between underscores. */
bool
cpu_has(const char *extension)
{
	size_t n = strlen(extension);

	for (const char *p = isa; (p = strchr(p, '_')) != NULL;) {
		p++;
		if (strncmp(p, extension, n) == 0 &&
		    (p[n] == '\0' || p[n] == '_'))
			return true;
	}
	return false;
}

uint64_t
cpu_timebase(void)
{
	return timebase;
}

/* Single letters, behind "rv64": bit n is letter n of the alphabet. */
static uint32_t
letters(void)
{
	uint32_t set = 0;

	for (const char *p = isa + strnlen(isa, 4); *p >= 'a' && *p <= 'z'; p++)
		set |= 1u << (*p - 'a');
	return set & (1u << ('a' - 'a') | 1u << ('c' - 'a') | 1u << ('d' - 'a') |
	    1u << ('f' - 'a') | 1u << ('i' - 'a') | 1u << ('m' - 'a'));
}

void
cpu_identify(struct cpu_identity *id)
{
	*id = (struct cpu_identity){ .hwcap = letters(), .hz = timebase };
	strlcpy(id->vendor, "RISC-V", sizeof id->vendor);
	strlcpy(id->model_name, isa, sizeof id->model_name);
	snprintf(id->tables, sizeof id->tables, "Sv%u", (unsigned)
	    (39 + 9 * ((CSR_READ("satp") >> TOME_SATP_MODE_SHIFT) -
	    TOME_SATP_SV39)));
}
