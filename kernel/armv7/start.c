/*
 * start.c - a CPU's own registers as it starts, what the next one needs, and what it is.
 */
#include <armv7.h>
#include <arm.h>
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <sched_i.h>

_Static_assert(offsetof(struct cpu, preempt) == CPU_PREEMPT, "entry.S");
_Static_assert(offsetof(struct cpu, no_resched) == CPU_NO_RESCHED, "entry.S");
_Static_assert(offsetof(struct cpu, thread) == CPU_THREAD, "entry.S");
_Static_assert(offsetof(struct cpu, number) == CPU_NUMBER, "entry.S");
_Static_assert(offsetof(struct thread, work) == THREAD_WORK, "entry.S");
_Static_assert(offsetof(struct trap_frame, sp) == FRAME_SP, "entry.S");
_Static_assert(offsetof(struct trap_frame, lr) == FRAME_LR, "entry.S");
_Static_assert(offsetof(struct trap_frame, code) == FRAME_CODE, "entry.S");
_Static_assert(offsetof(struct trap_frame, first) == FRAME_FIRST, "entry.S");
_Static_assert(offsetof(struct trap_frame, pc) == FRAME_PC, "entry.S");
_Static_assert(offsetof(struct trap_frame, cpsr) == FRAME_CPSR, "entry.S");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "entry.S");

struct cpu cpus[KERNEL_MAX_CPUS];

extern char trap_vectors[];

/* Users read the virtual counter. */
void
cpu_start(unsigned number, struct thread *t)
{
	struct cpu *cpu = &cpus[number];

	cpu->number = number;
	cpu->no_resched = 1;
	cpu->thread = t;
	CP15_WRITE(CP15_PRIVATE, (uintptr_t)cpu);
	__asm__ volatile("mov r9, %0" : : "r"(cpu));
	CP15_WRITE(CP15_VBAR, (uintptr_t)trap_vectors);
	CP15_WRITE("c14, c1, 0", 2);
	counter_quiet();
}

/* To memory itself: the reader's caches are off. */
static void
clean(const void *at, size_t len)
{
	for (uintptr_t p = (uintptr_t)at & ~(uintptr_t)15;
	    p < (uintptr_t)at + len; p += 16)
		CP15_WRITE("c7, c10, 1", p);
	dsb();
}

/* The tables of now: they have the stack. */
void
boot_prepare(unsigned cpu, uintptr_t stack)
{
	boot_state.root = CP15_READ(CP15_TTBR1) & ~16383u;
	boot_state.stack = stack;
	boot_state.cpu = cpu;
	clean(&boot_state, sizeof boot_state);
}

/* Linux's: half, Thumb, fast multiply, VFP, EDSP, NEON, VFPv3, TLS, VFPv4, division
 * in both sets, 32 registers. */
#define HWCAP (1u << 1 | 1u << 2 | 1u << 4 | 1u << 6 | 1u << 7 | 1u << 12 | \
	1u << 13 | 1u << 15 | 1u << 16 | 1u << 17 | 1u << 18 | 1u << 19)

void
cpu_identify(struct cpu_identity *id)
{
	uint32_t midr = CP15_READ(CP15_MIDR);

	*id = (struct cpu_identity){ .hwcap = HWCAP, .family = 7,
		.model = midr >> 4 & 0xfff, .stepping = midr & 15 };
	snprintf(id->vendor, sizeof id->vendor, "0x%02x",
	    (unsigned)(midr >> 24));
	strlcpy(id->model_name, "ARMv7", sizeof id->model_name);
	strlcpy(id->tables, CP15_READ(CP15_TTBCR) >> 31 ? "long-descriptor" :
	    "short-descriptor", sizeof id->tables);
	id->hz = clock_hz();
}

/* The low bits of the counter, stirred. */
uint64_t
machine_random(void)
{
	static _Atomic uint64_t state;
	uint64_t v = atomic_fetch_add(&state, 0x9e3779b97f4a7c15u) ^
	    counter_read();

	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}
