/*
 * asm.h - the machine's instructions that C has no word for, one function each.
 * (Tome's port has its own for translation; these are the kernel's.)
 */
#ifndef KERNEL_ASM_H
#define KERNEL_ASM_H

#include <stdint.h>

#define READ_REGISTER(name)                                              \
	__extension__({                                                  \
		uint64_t value_;                                         \
		__asm__ volatile("mrs %0, " name                         \
		    : "=r"(value_) : : "memory");                        \
		value_;                                                  \
	})
#define WRITE_REGISTER(name, value)                                      \
	__asm__ volatile("msr " name ", %0"                              \
	    : : "r"((uint64_t)(value)) : "memory")

static inline void
irq_on(void)
{
	__asm__ volatile("msr daifclr, #2" : : : "memory");
}

static inline void
irq_off(void)
{
	__asm__ volatile("msr daifset, #2" : : : "memory");
}

/* In what tome_host_irq_save() returned. */
static inline int
irq_was_on(uintptr_t flags)
{
	return (flags & 0x80) == 0;
}

/* Sleep until there is an interrupt, then let it in; none is lost between. */
static inline void
irq_on_and_halt(void)
{
	__asm__ volatile("dsb sy\n\twfi\n\tmsr daifclr, #2\n\tisb"
	    : : : "memory");
}

/* For good, FIQ and SError too. */
static inline void
irq_off_and_wait(void)
{
	__asm__ volatile("msr daifset, #15\n\twfi" : : : "memory");
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
	__asm__ volatile("dsb sy" : : : "memory");
}

/* ---- the generic timer ---- */

static inline uint32_t
counter_hz(void)
{
	return (uint32_t)READ_REGISTER("cntfrq_el0");
}

static inline uint64_t
counter_read(void)
{
	isb();
	return READ_REGISTER("cntvct_el0");
}

/* Interrupt when the counter is at `at`. */
static inline void
counter_compare(uint64_t at)
{
	WRITE_REGISTER("cntv_cval_el0", at);
	WRITE_REGISTER("cntv_ctl_el0", 1);
	isb();
}

static inline void
counter_quiet(void)
{
	WRITE_REGISTER("cntv_ctl_el0", 2);
	isb();
}

/* ---- a GICv3's registers in the CPU, by encoding ---- */

#define ICC_SRE "S3_0_C12_C12_5"
#define ICC_PMR "S3_0_C4_C6_0"
#define ICC_IAR1 "S3_0_C12_C12_0"
#define ICC_EOIR1 "S3_0_C12_C12_1"
#define ICC_SGI1R "S3_0_C12_C11_5"
#define ICC_IGRPEN1 "S3_0_C12_C12_7"

/* Affinity 3 in bits 39:32, the others in 23:0. */
static inline uint64_t
cpu_affinity(void)
{
	return READ_REGISTER("mpidr_el1") & 0xff00ffffffu;
}

static inline void
gic_enable(void)
{
	WRITE_REGISTER(ICC_SRE, 1);
	isb();
	WRITE_REGISTER(ICC_PMR, 0xff);
	WRITE_REGISTER(ICC_IGRPEN1, 1);
	isb();
}

static inline uint32_t
gic_acknowledge(void)
{
	uint32_t id = (uint32_t)READ_REGISTER(ICC_IAR1);

	dsb();
	return id;
}

static inline void
gic_end(uint32_t id)
{
	WRITE_REGISTER(ICC_EOIR1, id);
	isb();
}

static inline void
gic_send_to(uint64_t affinity, unsigned message)
{
	WRITE_REGISTER(ICC_SGI1R, (affinity >> 32 & 0xff) << 48 |
	    (affinity >> 16 & 0xff) << 32 | (affinity >> 8 & 0xff) << 16 |
	    (uint64_t)message << 24 | (uint64_t)1 << (affinity & 15));
	isb();
}

/* ---- firmware, debugger ---- */

static inline intptr_t
firmware_call(int smc, uintptr_t what, uintptr_t a, uintptr_t b, uintptr_t c)
{
	register uintptr_t x0 __asm__("x0") = what;
	register uintptr_t x1 __asm__("x1") = a;
	register uintptr_t x2 __asm__("x2") = b;
	register uintptr_t x3 __asm__("x3") = c;

	if (smc)
		__asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2),
		    "+r"(x3) : : "memory", "x4", "x5", "x6", "x7", "x8", "x9",
		    "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17");
	else
		__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2),
		    "+r"(x3) : : "memory", "x4", "x5", "x6", "x7", "x8", "x9",
		    "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17");
	return (intptr_t)x0;
}

static inline void
semihosting_call(uint32_t operation, const void *block)
{
	register uint64_t w0 __asm__("x0") = operation;
	register const void *x1 __asm__("x1") = block;

	__asm__ volatile("hlt #0xf000" : "+r"(w0) : "r"(x1) : "memory");
}

#endif
