/*
 * cpu.c - one CPU's descriptor tables, control registers and system-call MSRs.
 */
#include <lib.h>
#include <machine.h>
#include <sched_i.h>
#include <x86.h>

_Static_assert(offsetof(struct cpu, preempt) == CPU_PREEMPT, "entry.S");
_Static_assert(offsetof(struct cpu, number) == CPU_NUMBER, "entry.S");
_Static_assert(offsetof(struct cpu, thread) == CPU_THREAD, "entry.S");
_Static_assert(offsetof(struct cpu, stack_top) == CPU_STACK_TOP, "entry.S");
_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "entry.S");

#define DESCRIPTOR_CODE 0x00af9b000000ffffu
#define DESCRIPTOR_DATA 0x00cf93000000ffffu
#define DESCRIPTOR_USER 0x0000600000000000u	/* DPL 3 */
#define DESCRIPTOR_TSS 0x0000890000000000u

struct cpu cpus[KERNEL_MAX_CPUS];

void syscall_entry(void);
void syscall_entry_32(void);

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static void
fill_gdt(struct cpu *cpu)
{
	uint64_t tss = (uintptr_t)&cpu->tss;

	cpu->gdt[GDT_KERNEL_CODE / 8] = DESCRIPTOR_CODE;
	cpu->gdt[GDT_KERNEL_DATA / 8] = DESCRIPTOR_DATA;
	cpu->gdt[GDT_USER_BASE / 8 + 1] = DESCRIPTOR_DATA | DESCRIPTOR_USER;
	cpu->gdt[GDT_USER_BASE / 8 + 2] = DESCRIPTOR_CODE | DESCRIPTOR_USER;
	cpu->gdt[GDT_TSS / 8] = DESCRIPTOR_TSS | (sizeof cpu->tss - 1) |
	    (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	cpu->gdt[GDT_TSS / 8 + 1] = tss >> 32;
}

static void
load_gdt(struct cpu *cpu)
{
	struct table_pointer p = {
		sizeof cpu->gdt - 1, (uintptr_t)cpu->gdt,
	};

	__asm__ volatile(
	    "lgdt %0\n\t"
	    "pushq %1\n\t"
	    "leaq 1f(%%rip), %%rax\n\t"
	    "pushq %%rax\n\t"
	    "lretq\n"
	    "1:\tmovl %2, %%ss\n\t"
	    "movl %3, %%ds\n\t"
	    "movl %3, %%es\n\t"
	    "movl %3, %%fs\n\t"
	    "movl %3, %%gs\n\t"
	    "ltr %w4"
	    : : "m"(p), "i"(GDT_KERNEL_CODE), "r"(GDT_KERNEL_DATA), "r"(0),
	    "r"(GDT_TSS)
	    : "rax", "memory");
}

/* Protections the CPU has. SMAP goes with the patched entry code. */
static void
set_protections(void)
{
	uint64_t cr4 = read_cr4() | CR4_DE;
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

static void
set_syscall(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	wrmsr(MSR_STAR, (uint64_t)(GDT_USER_BASE | 3) << 48 |
	    (uint64_t)GDT_KERNEL_CODE << 32);
	wrmsr(MSR_LSTAR, (uintptr_t)syscall_entry);
	wrmsr(MSR_CSTAR, (uintptr_t)syscall_entry_32);
	wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL |
	    RFLAGS_NT | RFLAGS_AC);
}

void
cpu_start(unsigned number, struct thread *t)
{
	struct cpu *cpu = &cpus[number];

	cpu->number = number;
	cpu->preempt = CPU_NO_RESCHED;
	cpu->thread = t;
	fill_gdt(cpu);
	cpu->tss.iomap = sizeof cpu->tss;
	load_gdt(cpu);
	wrmsr(MSR_GS_BASE, (uintptr_t)cpu);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	trap_load();
	set_protections();
	set_syscall();
	fpu_start();
}

void
cpu_set_special_stacks(unsigned number,
    const uintptr_t top[CPU_SPECIAL_STACKS])
{
	for (unsigned i = 0; i < CPU_SPECIAL_STACKS; i++)
		cpus[number].tss.ist[i] = top[i];
}
