/*
 * insn.h - AArch64: one inline function per instruction Tome needs.
 *
 * The hosted machine replaces this file by functions of the same names
 * (<tome/port.h> lists them).
 */
#ifndef TOME_INSN_H
#define TOME_INSN_H

#include <tome/types.h>
#include <regs.h>
#include <pmap/entry.h>

/* ---- barriers, system registers, the TLB ---- */

static inline void
tome_insn_isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

static inline void
tome_insn_dsb_ish(void)
{
	__asm__ volatile("dsb ish" : : : "memory");
}

static inline void
tome_insn_dsb_ishst(void)
{
	__asm__ volatile("dsb ishst" : : : "memory");
}

#define TOME_A64_READ(name)                                              \
	__asm__ volatile("mrs %0, " name : "=r"(v) : : "memory")
#define TOME_A64_WRITE(name)                                             \
	__asm__ volatile("msr " name ", %0" : : "r"(v) : "memory")

/* The register is a constant wherever these are called. */
static inline uint64_t
tome_insn_read_reg(enum tome_a64_reg r)
{
	uint64_t v;

	switch (r) {
	case TOME_A64_TTBR0: TOME_A64_READ("ttbr0_el1"); break;
	case TOME_A64_TTBR1: TOME_A64_READ("ttbr1_el1"); break;
	case TOME_A64_TCR: TOME_A64_READ("tcr_el1"); break;
	case TOME_A64_MAIR: TOME_A64_READ("mair_el1"); break;
	case TOME_A64_MMFR0: TOME_A64_READ("id_aa64mmfr0_el1"); break;
	case TOME_A64_MMFR1: TOME_A64_READ("id_aa64mmfr1_el1"); break;
	case TOME_A64_MMFR2: TOME_A64_READ("s3_0_c0_c7_2"); break;
	default: TOME_A64_READ("id_aa64isar0_el1"); break;
	}
	return v;
}

static inline void
tome_insn_write_reg(enum tome_a64_reg r, uint64_t v)
{
	switch (r) {
	case TOME_A64_TTBR0: TOME_A64_WRITE("ttbr0_el1"); break;
	case TOME_A64_TTBR1: TOME_A64_WRITE("ttbr1_el1"); break;
	case TOME_A64_TCR: TOME_A64_WRITE("tcr_el1"); break;
	default: TOME_A64_WRITE("mair_el1"); break;
	}
}

#define TOME_A64_TLBI(name)                                              \
	__asm__ volatile("tlbi " name ", %0" : : "r"(arg) : "memory")
#define TOME_A64_TLBI_EVERY(name)                                        \
	__asm__ volatile("tlbi " name : : : "memory")
/* Range forms by their encoding: an assembler for ARMv8.0 lacks their names. */
#define TOME_A64_TLBI_RANGE(code)                                        \
	__asm__ volatile("sys #0, c8, c2, #" code ", %0" : : "r"(arg) : "memory")

static inline void
tome_insn_tlbi(enum tome_a64_tlbi what, uint64_t arg)
{
	switch (what) {
	case TOME_TLBI_VA: TOME_A64_TLBI("vae1"); break;
	case TOME_TLBI_VA_ALL: TOME_A64_TLBI("vaae1"); break;
	case TOME_TLBI_ASID: TOME_A64_TLBI("aside1"); break;
	case TOME_TLBI_ALL: TOME_A64_TLBI_EVERY("vmalle1"); break;
	case TOME_TLBI_VA_IS: TOME_A64_TLBI("vae1is"); break;
	case TOME_TLBI_VA_ALL_IS: TOME_A64_TLBI("vaae1is"); break;
	case TOME_TLBI_ASID_IS: TOME_A64_TLBI("aside1is"); break;
	case TOME_TLBI_ALL_IS: TOME_A64_TLBI_EVERY("vmalle1is"); break;
	case TOME_TLBI_RANGE_IS: TOME_A64_TLBI_RANGE("1"); break;
	default: TOME_A64_TLBI_RANGE("3"); break;
	}
}

/* ---- code ---- */

/* CTR_EL0 has the lines' sizes. */
#define TOME_A64_LINES(op, shift)                                        \
	uintptr_t p = (uintptr_t)at, end = p + len;                      \
	uint64_t ctr;                                                    \
	__asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));                 \
	for (; p < end; p += (uintptr_t)4 << (ctr >> (shift) & 15))      \
		__asm__ volatile(op ", %0" : : "r"(p) : "memory")

/* Data, to the point where instructions are fetched. */
static inline void
tome_insn_clean_code(const void *at, size_t len)
{
	TOME_A64_LINES("dc cvau", 16);
}

/* What the instruction caches of every CPU have. */
static inline void
tome_insn_drop_code(const void *at, size_t len)
{
	TOME_A64_LINES("ic ivau", 0);
}

/* ---- user memory (access.c) ---- */

/* Return the number of bytes not copied. */
size_t tome_a64_copy_in(void *dst, const void *src, size_t len);
size_t tome_a64_copy_out(void *dst, const void *src, size_t len);
/* 0, or 1 when the access faulted. */
int tome_a64_load32(uint32_t *out, const void *src);
int tome_a64_cas32(void *dst, uint32_t *seen, uint32_t v);
int tome_a64_cas32_pan(void *dst, uint32_t *seen, uint32_t v);

static inline size_t
tome_insn_copy_in(const struct tome_mmu *m, void *dst, tome_va_t src,
    size_t len)
{
	(void)m;
	return tome_a64_copy_in(dst, (const void *)(uintptr_t)src, len);
}

static inline size_t
tome_insn_copy_out(const struct tome_mmu *m, tome_va_t dst, const void *src,
    size_t len)
{
	(void)m;
	return tome_a64_copy_out((void *)(uintptr_t)dst, src, len);
}

static inline bool
tome_insn_user_load32(const struct tome_mmu *m, tome_va_t va, uint32_t *out)
{
	(void)m;
	return tome_a64_load32(out, (const void *)(uintptr_t)va) == 0;
}

static inline bool
tome_insn_user_cas32(const struct tome_mmu *m, tome_va_t va, uint32_t *seen,
    uint32_t v)
{
	void *at = (void *)(uintptr_t)va;

	return (m->pan ? tome_a64_cas32_pan(at, seen, v) :
	    tome_a64_cas32(at, seen, v)) == 0;
}

#endif
