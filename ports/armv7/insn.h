/*
 * insn.h - ARMv7-A: one inline function per instruction Tome needs.
 *
 * The hosted machine replaces this file by functions of the same names
 * (<tome/port.h> lists them).
 */
#ifndef TOME_INSN_H
#define TOME_INSN_H

#include <tome/types.h>
#include <regs.h>
#include <pmap/entry.h>

/* ---- barriers, coprocessor 15, the TLB ---- */

static inline void
tome_insn_isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

static inline void
tome_insn_dsb(void)
{
	__asm__ volatile("dsb ish" : : : "memory");
}

#define TOME_ARM_READ(where)                                             \
	__asm__ volatile("mrc p15, 0, %0, " where : "=r"(v) : : "memory")
#define TOME_ARM_WRITE(where)                                            \
	__asm__ volatile("mcr p15, 0, %0, " where : : "r"(v) : "memory")

/* The register is a constant wherever these are called. */
static inline uint32_t
tome_insn_read_reg(enum tome_arm_reg r)
{
	uint32_t v;

	switch (r) {
	case TOME_ARM_SCTLR: TOME_ARM_READ("c1, c0, 0"); break;
	case TOME_ARM_TTBR0: TOME_ARM_READ("c2, c0, 0"); break;
	case TOME_ARM_TTBR1: TOME_ARM_READ("c2, c0, 1"); break;
	case TOME_ARM_TTBCR: TOME_ARM_READ("c2, c0, 2"); break;
	case TOME_ARM_DACR: TOME_ARM_READ("c3, c0, 0"); break;
	case TOME_ARM_PRRR: TOME_ARM_READ("c10, c2, 0"); break;
	case TOME_ARM_NMRR: TOME_ARM_READ("c10, c2, 1"); break;
	case TOME_ARM_CONTEXTIDR: TOME_ARM_READ("c13, c0, 1"); break;
	default: TOME_ARM_READ("c0, c1, 7"); break;
	}
	return v;
}

static inline void
tome_insn_write_reg(enum tome_arm_reg r, uint32_t v)
{
	switch (r) {
	case TOME_ARM_SCTLR: TOME_ARM_WRITE("c1, c0, 0"); break;
	case TOME_ARM_TTBR0: TOME_ARM_WRITE("c2, c0, 0"); break;
	case TOME_ARM_TTBR1: TOME_ARM_WRITE("c2, c0, 1"); break;
	case TOME_ARM_TTBCR: TOME_ARM_WRITE("c2, c0, 2"); break;
	case TOME_ARM_DACR: TOME_ARM_WRITE("c3, c0, 0"); break;
	case TOME_ARM_PRRR: TOME_ARM_WRITE("c10, c2, 0"); break;
	case TOME_ARM_NMRR: TOME_ARM_WRITE("c10, c2, 1"); break;
	default: TOME_ARM_WRITE("c13, c0, 1"); break;
	}
}

static inline void
tome_insn_tlbi(enum tome_arm_tlbi what, uint32_t v)
{
	switch (what) {
	case TOME_TLBI_VA: TOME_ARM_WRITE("c8, c7, 1"); break;
	case TOME_TLBI_VA_ALL: TOME_ARM_WRITE("c8, c7, 3"); break;
	case TOME_TLBI_ASID: TOME_ARM_WRITE("c8, c7, 2"); break;
	case TOME_TLBI_ALL: TOME_ARM_WRITE("c8, c7, 0"); break;
	case TOME_TLBI_VA_IS: TOME_ARM_WRITE("c8, c3, 1"); break;
	case TOME_TLBI_VA_ALL_IS: TOME_ARM_WRITE("c8, c3, 3"); break;
	case TOME_TLBI_ASID_IS: TOME_ARM_WRITE("c8, c3, 2"); break;
	default: TOME_ARM_WRITE("c8, c3, 0"); break;
	}
}

/* Lines of the caches are 32 bytes at least. */
#define TOME_ARM_LINE ((uintptr_t)32)

/* Data, to where walks and fetches read. */
static inline void
tome_insn_clean(const void *at, size_t len)
{
	uintptr_t v = (uintptr_t)at & ~(TOME_ARM_LINE - 1);
	uintptr_t end = (uintptr_t)at + len;

	for (; v < end; v += TOME_ARM_LINE)
		TOME_ARM_WRITE("c7, c11, 1");
}

/* Instructions and branch targets that every CPU has of it. */
static inline void
tome_insn_drop_code(const void *at, size_t len)
{
	uintptr_t v = (uintptr_t)at, end = v + len;

	for (; v < end; v += TOME_ARM_LINE)
		TOME_ARM_WRITE("c7, c5, 1");
	v = 0;
	TOME_ARM_WRITE("c7, c1, 6");
}

/* ---- user memory (access.c) ---- */

/* Return the number of bytes not copied. */
size_t tome_arm_copy_in(void *dst, const void *src, size_t len);
size_t tome_arm_copy_out(void *dst, const void *src, size_t len);
/* 0, or 1 when the access faulted. */
int tome_arm_load32(uint32_t *out, const void *src);
int tome_arm_cas32(void *dst, uint32_t *seen, uint32_t v);

static inline size_t
tome_insn_copy_in(const struct tome_mmu *m, void *dst, tome_va_t src,
    size_t len)
{
	(void)m;
	return tome_arm_copy_in(dst, (const void *)(uintptr_t)src, len);
}

static inline size_t
tome_insn_copy_out(const struct tome_mmu *m, tome_va_t dst, const void *src,
    size_t len)
{
	(void)m;
	return tome_arm_copy_out((void *)(uintptr_t)dst, src, len);
}

static inline bool
tome_insn_user_load32(const struct tome_mmu *m, tome_va_t va, uint32_t *out)
{
	(void)m;
	return tome_arm_load32(out, (const void *)(uintptr_t)va) == 0;
}

static inline bool
tome_insn_user_cas32(const struct tome_mmu *m, tome_va_t va, uint32_t *seen,
    uint32_t v)
{
	(void)m;
	return tome_arm_cas32((void *)(uintptr_t)va, seen, v) == 0;
}

#endif
