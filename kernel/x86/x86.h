/*
 * x86.h - between the files of this directory and those of the two machines that
 * share it, x86_64 and i386.
 */
#ifndef KERNEL_X86_H
#define KERNEL_X86_H

#include <asm.h>
#include <cpu.h>
#include <frame.h>
#include <tome/vm.h>

/* Interrupt vectors of ours. */
#define VECTOR_SERIAL 0x34
#define VECTOR_PCI 0x40u		/* and so many more */
#define VECTOR_PCI_COUNT 16u
#define VECTOR_TIMER 0xf0
#define VECTOR_KICK 0xf1
#define VECTOR_FLUSH 0xf2
#define VECTOR_SPURIOUS 0xff

/* Bounds of the image's parts (linker.ld). */
extern char kernel_start[], text_start[], text_end[], rodata_start[],
    rodata_end[], data_start[], bss_end[], kernel_end[];

/* pvh.c: the start info, copied out. Before anything else. */
void pvh_read(uint64_t start_info);
uint64_t pvh_rsdp(void);
const struct tome_range *pvh_ranges(size_t *n);
tome_pa_t pvh_highest(void);
/* No memory of what is left to us begins in [start, end): may be overwritten. */
bool pvh_is_spare(tome_pa_t start, tome_pa_t end);

/* memory.c: the kernel's own tables, with rights; the direct map. */
void memory_start(void);
/* Those tables; how far RAM is in the direct map; where heap, devices and stacks
 * may be. */
void memory_describe(struct tome_boot *);
unsigned memory_levels(void);	/* of the page tables: 4 or 5 */
tome_pa_t memory_taken_end(void);
void *direct(tome_pa_t);
/* The loader's own data, with Tome running. */
const void *memory_of_loader(tome_pa_t, size_t len);

/* cpu.c: descriptor tables, control registers, MSRs of the calling CPU. */
void cpu_start(unsigned number, struct thread *);
void cpu_set_special_stacks(unsigned number,
    const uintptr_t top[CPU_SPECIAL_STACKS]);
void trap_start(void);		/* the IDT's contents, once */
void trap_load(void);		/* on each CPU */

/* exceptions.c, and what it asks of the machine's trap.c. */
enum {
	DIVIDE = 0, DEBUG = 1, NMI = 2, BREAKPOINT = 3, OVERFLOW = 4, BOUND = 5,
	UNDEFINED = 6, NO_DEVICE = 7, DOUBLE_FAULT = 8, BAD_TSS = 10,
	NO_SEGMENT = 11, STACK_SEGMENT = 12, PROTECTION = 13, PAGE_FAULT = 14,
	X87 = 16, ALIGNMENT = 17, MACHINE_CHECK = 18, SIMD = 19,
};

void trap_stop(unsigned vector);
/* Whether the kernel may go on, after an exception of its own. */
bool trap_forgiven(struct trap_frame *, unsigned vector);
/* Of a frame of user mode; false: it cannot be gone back to. */
bool trap_make_safe(struct trap_frame *);

/* fpu.c */
void fpu_start(void);
void fpu_save(void *area);
void fpu_load(const void *area);
void fpu_init_area(void *area);

/* acpi.c */
struct machine_tables {
	tome_pa_t lapic, ioapic;
	uint32_t ioapic_base;		/* its first interrupt number */
	unsigned ncpus;
	uint32_t apic_id[KERNEL_MAX_CPUS];	/* [0]: the CPU that boots */
	uint16_t pm1a_control, pm1b_control;
	uint16_t sleep_a, sleep_b;	/* SLP_TYP of S5, shifted into place */
	uint16_t reset_port;
	uint8_t reset_value;
	uint32_t isa_gsi[16], isa_flags[16];
};
extern struct machine_tables tables;
void acpi_read(tome_pa_t rsdp);

/* apic.c */
void apic_map(void);		/* once, when Tome can map devices */
void apic_start(void);		/* on each CPU */
void apic_end_of_interrupt(void);
void apic_send(uint32_t apic_id, uint32_t command);
void apic_send_nmi_others(void);
uint32_t apic_id(void);
void ioapic_route(unsigned isa_irq, uint8_t vector);
#define APIC_INIT 0x4500u
#define APIC_STARTUP 0x4600u
#define APIC_FIXED 0x4000u
#define APIC_NMI 0x4400u

/* clock.c */
void clock_start(void);
uint64_t clock_tsc_hz(void);
void clock_delay(uint64_t ns);

/* smp.c */
void smp_start(void);

/* serial.c */
void serial_start(void);
void serial_interrupt(void);

#endif
