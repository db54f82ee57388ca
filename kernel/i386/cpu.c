/*
 * cpu.c - one CPU's descriptor tables, task segments and control registers.
 */
#include <lib.h>
#include <machine.h>
#include <sched_i.h>
#include <x86.h>

_Static_assert(offsetof(struct cpu, preempt) == CPU_PREEMPT, "entry.S");
_Static_assert(offsetof(struct cpu, number) == CPU_NUMBER, "entry.S");
_Static_assert(offsetof(struct cpu, thread) == CPU_THREAD, "entry.S");

#define DESCRIPTOR_CODE 0x00cf9b000000ffffull
#define DESCRIPTOR_DATA 0x00cf93000000ffffull
#define DESCRIPTOR_USER 0x0000600000000000ull	/* DPL 3 */
#define DESCRIPTOR_BYTES 0x0040930000000000ull	/* data, limit in bytes */
#define DESCRIPTOR_TSS 0x0000890000000000ull

struct cpu cpus[KERNEL_MAX_CPUS];

void double_fault_entry(void);

struct table_pointer {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

static uint64_t
descriptor(uint64_t kind, const void *at, size_t size)
{
	uint64_t base = (uintptr_t)at;

	return kind | (size - 1) | (base & 0xffffff) << 16 |
	    (base >> 24) << 56;
}

static void
fill_gdt(struct cpu *cpu)
{
	cpu->gdt[GDT_KERNEL_CODE / 8] = DESCRIPTOR_CODE;
	cpu->gdt[GDT_KERNEL_DATA / 8] = DESCRIPTOR_DATA;
	cpu->gdt[GDT_USER_CODE / 8] = DESCRIPTOR_CODE | DESCRIPTOR_USER;
	cpu->gdt[GDT_USER_DATA / 8] = DESCRIPTOR_DATA | DESCRIPTOR_USER;
	cpu->gdt[GDT_CPU / 8] = descriptor(DESCRIPTOR_BYTES, cpu, sizeof *cpu);
	cpu->gdt[GDT_TSS / 8] = descriptor(DESCRIPTOR_TSS, &cpu->tss,
	    sizeof cpu->tss);
	cpu->gdt[GDT_FAULT_TSS / 8] = descriptor(DESCRIPTOR_TSS,
	    &cpu->fault_tss, sizeof cpu->fault_tss);
}

/* What a double fault goes on with: all of it is the kernel's. */
static void
fill_tasks(struct cpu *cpu)
{
	cpu->tss.ss0 = GDT_KERNEL_DATA;
	cpu->tss.iomap = sizeof cpu->tss;
	cpu->fault_tss = (struct tss){
		.cr3 = cpu->fault_tss.cr3,
		.eip = (uintptr_t)double_fault_entry, .eflags = 2,
		.cs = GDT_KERNEL_CODE, .ss = GDT_KERNEL_DATA,
		.ds = GDT_KERNEL_DATA, .es = GDT_KERNEL_DATA, .fs = GDT_CPU,
		.esp = cpu->fault_tss.esp, .iomap = sizeof cpu->fault_tss,
	};
}

static void
load_gdt(struct cpu *cpu)
{
	struct table_pointer p = {
		sizeof cpu->gdt - 1, (uintptr_t)cpu->gdt,
	};

	__asm__ volatile(
	    "lgdt %0\n\t"
	    "ljmp %1, $1f\n"
	    "1:\tmovl %2, %%ss\n\t"
	    "movl %2, %%ds\n\t"
	    "movl %2, %%es\n\t"
	    "movl %3, %%fs\n\t"
	    "movl %4, %%gs\n\t"
	    "ltr %w5"
	    : : "m"(p), "i"(GDT_KERNEL_CODE), "r"(GDT_KERNEL_DATA),
	    "r"(GDT_CPU), "r"(0), "r"(GDT_TSS)
	    : "memory");
}

/* Protections the CPU has. SMAP goes with the patched entry code. */
static void
set_protections(void)
{
	unsigned long cr4 = read_cr4() | CR4_DE;
	struct cpuid one = cpuid(0, 0);

	if (one.a >= 7) {
		struct cpuid seven = cpuid(7, 0);

		if (seven.b & (1u << 7))
			cr4 |= CR4_SMEP;
		if (seven.b & (1u << 20))
			cr4 |= CR4_SMAP;
		if (seven.c & (1u << 2))
			cr4 |= CR4_UMIP;
	}
	write_cr4(cr4);
	write_cr0(read_cr0() | CR0_WP | CR0_AM);
}

void
cpu_start(unsigned number, struct thread *t)
{
	struct cpu *cpu = &cpus[number];

	cpu->number = number;
	cpu->preempt = CPU_NO_RESCHED;
	cpu->thread = t;
	fill_gdt(cpu);
	fill_tasks(cpu);
	load_gdt(cpu);
	trap_load();
	set_protections();
	fpu_start();
}

void
cpu_set_special_stacks(unsigned number,
    const uintptr_t top[CPU_SPECIAL_STACKS])
{
	cpus[number].fault_tss.esp = top[0];
	cpus[number].fault_tss.cr3 = (uint32_t)read_cr3();
}
