/*
 * asm.h - the machine's instructions that C has no word for, one function each.
 * (Tome's port has its own for translation; these are the kernel's.)
 */
#ifndef KERNEL_ASM_H
#define KERNEL_ASM_H

#include <stdbool.h>
#include <stdint.h>

#define CP15_READ(where)                                                 \
	__extension__({                                                  \
		uint32_t value_;                                         \
		__asm__ volatile("mrc p15, 0, %0, " where                \
		    : "=r"(value_) : : "memory");                        \
		value_;                                                  \
	})
#define CP15_WRITE(where, value)                                         \
	__asm__ volatile("mcr p15, 0, %0, " where                        \
	    : : "r"((uint32_t)(value)) : "memory")

#define CP15_TTBR1 "c2, c0, 1"
#define CP15_TTBCR "c2, c0, 2"
#define CP15_MPIDR "c0, c0, 5"
#define CP15_MIDR "c0, c0, 0"
#define CP15_VBAR "c12, c0, 0"
#define CP15_DFAR "c6, c0, 0"
#define CP15_USER_RO "c13, c0, 3"	/* thread pointer that users read */
#define CP15_USER_RW "c13, c0, 2"
#define CP15_PRIVATE "c13, c0, 4"

static inline void
irq_on(void)
{
	__asm__ volatile("cpsie i" : : : "memory");
}

static inline void
irq_off(void)
{
	__asm__ volatile("cpsid i" : : : "memory");
}

/* In what tome_host_irq_save() returned. */
static inline bool
irq_was_on(uintptr_t flags)
{
	return !(flags & 0x80);
}

/* Sleep until there is an interrupt, then let it in; none is lost between. */
static inline void
irq_on_and_halt(void)
{
	__asm__ volatile("dsb\n\twfi\n\tcpsie i\n\tisb" : : : "memory");
}

/* For good, FIQ too. */
static inline void
irq_off_and_wait(void)
{
	__asm__ volatile("cpsid if\n\twfi" : : : "memory");
}

static inline void
isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

/* Stores before it are seen by devices and by CPUs that interrupts wake. */
static inline void
dsb(void)
{
	__asm__ volatile("dsb" : : : "memory");
}

/* ---- the generic timer ---- */

static inline uint32_t
counter_hz(void)
{
	return CP15_READ("c14, c0, 0");
}

static inline uint64_t
counter_read(void)
{
	uint64_t v;

	__asm__ volatile("isb\n\tmrrc p15, 1, %Q0, %R0, c14"
	    : "=r"(v) : : "memory");
	return v;
}

/* Interrupt when the counter is at `at`. */
static inline void
counter_compare(uint64_t at)
{
	__asm__ volatile("mcrr p15, 3, %Q0, %R0, c14" : : "r"(at) : "memory");
	CP15_WRITE("c14, c3, 1", 1);
	isb();
}

static inline void
counter_quiet(void)
{
	CP15_WRITE("c14, c3, 1", 2);
	isb();
}

/* ---- a GICv3's registers in the CPU ---- */

static inline uint64_t
cpu_affinity(void)
{
	return CP15_READ(CP15_MPIDR) & 0xffffffu;
}

static inline void
gic_enable(void)
{
	CP15_WRITE("c12, c12, 5", 1);
	isb();
	CP15_WRITE("c4, c6, 0", 0xff);
	CP15_WRITE("c12, c12, 7", 1);
	isb();
}

static inline uint32_t
gic_acknowledge(void)
{
	uint32_t id = CP15_READ("c12, c12, 0");

	dsb();
	return id;
}

static inline void
gic_end(uint32_t id)
{
	CP15_WRITE("c12, c12, 1", id);
	isb();
}

static inline void
gic_send_to(uint64_t affinity, unsigned message)
{
	uint64_t v = (affinity >> 16 & 0xff) << 32 |
	    (affinity >> 8 & 0xff) << 16 | (uint64_t)message << 24 |
	    (uint64_t)1 << (affinity & 15);

	__asm__ volatile("mcrr p15, 0, %Q0, %R0, c12" : : "r"(v) : "memory");
	isb();
}

/* ---- firmware, debugger ---- */

static inline intptr_t
firmware_call(int smc, uintptr_t what, uintptr_t a, uintptr_t b, uintptr_t c)
{
	register uintptr_t r0 __asm__("r0") = what;
	register uintptr_t r1 __asm__("r1") = a;
	register uintptr_t r2 __asm__("r2") = b;
	register uintptr_t r3 __asm__("r3") = c;

	if (smc)
		__asm__ volatile(".arch_extension sec\n\tsmc #0" : "+r"(r0),
		    "+r"(r1), "+r"(r2), "+r"(r3) : : "memory");
	else
		__asm__ volatile(".arch_extension virt\n\thvc #0" : "+r"(r0),
		    "+r"(r1), "+r"(r2), "+r"(r3) : : "memory");
	return (intptr_t)r0;
}

static inline void
semihosting_call(uint32_t operation, const void *block)
{
	register uint32_t r0 __asm__("r0") = operation;
	register const void *r1 __asm__("r1") = block;

	__asm__ volatile("svc #0x123456" : "+r"(r0) : "r"(r1) : "memory",
	    "lr");
}

#endif
