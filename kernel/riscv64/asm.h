/*
 * asm.h - the machine's instructions that C has no word for, one function each.
 * (Tome's port has its own for translation; these are the kernel's.)
 */
#ifndef KERNEL_ASM_H
#define KERNEL_ASM_H

/* sstatus */
#define STATUS_SIE 0x2
#define STATUS_SPIE 0x20
#define STATUS_SPP 0x100
#define STATUS_FS 0x6000
#define STATUS_FS_INITIAL 0x2000
#define STATUS_FS_CLEAN 0x4000
#define STATUS_SUM 0x40000
#define STATUS_UXL64 0x200000000

/* scause; interrupts have the top bit set, too. */
#define CAUSE_ECALL 8
#define CAUSE_FETCH_FAULT 12
#define CAUSE_LOAD_FAULT 13
#define CAUSE_STORE_FAULT 15
#define IRQ_SOFTWARE 1
#define IRQ_TIMER 5
#define IRQ_EXTERNAL 9

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

#define CSR_READ(name)                                                   \
	__extension__({                                                  \
		uint64_t v_;                                             \
		__asm__ volatile("csrr %0, " name                        \
		    : "=r"(v_) : : "memory");                            \
		v_;                                                      \
	})
#define CSR_WRITE(name, v)                                               \
	__asm__ volatile("csrw " name ", %0"                             \
	    : : "r"((uint64_t)(v)) : "memory")
#define CSR_SET(name, v)                                                 \
	__asm__ volatile("csrs " name ", %0"                             \
	    : : "r"((uint64_t)(v)) : "memory")
#define CSR_CLEAR(name, v)                                               \
	__asm__ volatile("csrc " name ", %0"                             \
	    : : "r"((uint64_t)(v)) : "memory")
#define CSR_STIMECMP "0x14d"

static inline uint64_t
read_time(void)
{
	uint64_t v;

	__asm__ volatile("rdtime %0" : "=r"(v) : : "memory");
	return v;
}

/* The firmware's; what it returns besides its error is nobody's wish here. */
static inline void
sbi_call(uint64_t extension, uint64_t function, uint64_t arg0, uint64_t arg1,
    uint64_t arg2)
{
	register uint64_t a0 __asm__("a0") = arg0;
	register uint64_t a1 __asm__("a1") = arg1;
	register uint64_t a2 __asm__("a2") = arg2;
	register uint64_t a6 __asm__("a6") = function;
	register uint64_t a7 __asm__("a7") = extension;

	__asm__ volatile("ecall"
	    : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
}

static inline void
irq_on(void)
{
	__asm__ volatile("csrsi sstatus, 2" : : : "memory");
}

static inline void
irq_off(void)
{
	__asm__ volatile("csrci sstatus, 2" : : : "memory");
}

/* By what tome_host_irq_save() returned. */
static inline bool
irq_was_on(uintptr_t status)
{
	return status & STATUS_SIE;
}

/* Let an interrupt in, sleeping until there is one; none is lost between: WFI ends for
 * one that is pending though it is off. */
static inline void
irq_on_and_halt(void)
{
	__asm__ volatile("wfi" : : : "memory");
	irq_on();
}

#endif
#endif
