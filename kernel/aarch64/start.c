/*
 * start.c - a CPU's own registers as it starts, what the next one needs, and what it is.
 */
#include <aarch64.h>
#include <arm.h>
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <regs.h>
#include <sched_i.h>
#include <tome/kmem.h>

#define SPARE_STACK 8192u

_Static_assert(offsetof(struct cpu, preempt) == CPU_PREEMPT, "entry.S");
_Static_assert(offsetof(struct cpu, no_resched) == CPU_NO_RESCHED, "entry.S");
_Static_assert(offsetof(struct cpu, thread) == CPU_THREAD, "entry.S");
_Static_assert(offsetof(struct cpu, number) == CPU_NUMBER, "entry.S");
_Static_assert(offsetof(struct cpu, stack_low) == CPU_STACK_LOW, "entry.S");
_Static_assert(offsetof(struct cpu, scratch) == CPU_SCRATCH, "entry.S");
_Static_assert(offsetof(struct cpu, spare_top) == CPU_SPARE_TOP, "entry.S");
_Static_assert(offsetof(struct thread, work) == THREAD_WORK, "entry.S");
_Static_assert(offsetof(struct trap_frame, sp) == FRAME_SP, "entry.S");
_Static_assert(offsetof(struct trap_frame, pc) == FRAME_PC, "entry.S");
_Static_assert(offsetof(struct trap_frame, pstate) == FRAME_PSTATE, "entry.S");
_Static_assert(offsetof(struct trap_frame, code) == FRAME_CODE, "entry.S");
_Static_assert(offsetof(struct trap_frame, first) == FRAME_FIRST, "entry.S");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "entry.S");

struct cpu cpus[KERNEL_MAX_CPUS];
static uint8_t spare_stacks[KERNEL_MAX_CPUS][SPARE_STACK]
    __attribute__((aligned(16)));

extern char trap_vectors[];

/* EL0 reads the counter and its rate, not the timers. */
void
cpu_start(unsigned number, struct thread *t)
{
	struct cpu *cpu = &cpus[number];

	cpu->number = number;
	cpu->no_resched = 1;
	cpu->thread = t;
	cpu->spare_top = (uintptr_t)spare_stacks[number] + SPARE_STACK;
	WRITE_REGISTER("tpidr_el1", (uintptr_t)cpu);
	__asm__ volatile("mov x18, %0" : : "r"(cpu));
	WRITE_REGISTER("vbar_el1", (uintptr_t)trap_vectors);
	WRITE_REGISTER("cntkctl_el1", 3);
	WRITE_REGISTER("mdscr_el1", 0);
	counter_quiet();
}

/* To memory itself: the reader's caches are off. */
static void
clean(const void *at, size_t len)
{
	for (uintptr_t p = (uintptr_t)at & ~(uintptr_t)15;
	    p < (uintptr_t)at + len; p += 16)
		__asm__ volatile("dc cvac, %0" : : "r"(p) : "memory");
	dsb();
}

/* The tables of now: they have the stack. */
void
boot_prepare(unsigned cpu, uintptr_t stack)
{
	boot_state.ttbr1 = READ_REGISTER("ttbr1_el1");
	boot_state.stack = stack;
	boot_state.cpu = cpu;
	clean(&boot_state, sizeof boot_state);
}

/* ---- identity ---- */

/* Linux's bits of AT_HWCAP, each by the least value of a field of ID_AA64ISAR0. */
static const struct {
	uint8_t shift, least, bit;
} capabilities[] = {
	{ 4, 1, 3 }, { 4, 2, 4 },	/* AES, PMULL */
	{ 8, 1, 5 }, { 12, 1, 6 },	/* SHA1, SHA2 */
	{ 16, 1, 7 }, { 20, 2, 8 },	/* CRC32, atomics */
};

#define HWCAP_FP_SIMD 3u

/* Granule and width of the kernel's half, as this CPU walks it. */
static void
name_tables(char *name, size_t len)
{
	static const uint8_t kib[] = { [1] = 16, [2] = 4, [3] = 64 };
	uint64_t tcr = READ_REGISTER("tcr_el1");

	snprintf(name, len, "%u KiB %u-bit",
	    kib[tcr >> TOME_TCR_TG1_SHIFT & 3],
	    64 - (unsigned)(tcr >> 16 & 63));
}

void
cpu_identify(struct cpu_identity *id)
{
	uint64_t isar = READ_REGISTER("id_aa64isar0_el1");
	uint64_t midr = READ_REGISTER("midr_el1");

	*id = (struct cpu_identity){ .hwcap = HWCAP_FP_SIMD };
	for (size_t i = 0; i < sizeof capabilities / sizeof capabilities[0];
	    i++)
		if ((isar >> capabilities[i].shift & 15) >=
		    capabilities[i].least)
			id->hwcap |= 1u << capabilities[i].bit;
	snprintf(id->vendor, sizeof id->vendor, "0x%02x",
	    (unsigned)(midr >> 24 & 0xff));
	strlcpy(id->model_name, "AArch64", sizeof id->model_name);
	name_tables(id->tables, sizeof id->tables);
	id->family = 8;
	id->model = (unsigned)(midr >> 4 & 0xfff);
	id->stepping = (unsigned)(midr & 15);
	id->hz = clock_hz();
}

/* RNDR where there is one; else the low bits of the counter, stirred. */
uint64_t
machine_random(void)
{
	static _Atomic uint64_t state;
	uint64_t v = 0;

	if (READ_REGISTER("id_aa64isar0_el1") >> 60 != 0)
		v = READ_REGISTER("S3_3_C2_C4_0");
	v ^= atomic_fetch_add(&state, 0x9e3779b97f4a7c15u) + counter_read();
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	v = (v ^ v >> 27) * 0x94d049bb133111ebu;
	return v ^ v >> 31;
}
