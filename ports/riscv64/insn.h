/*
 * insn.h - RISC-V: one inline function per instruction Tome needs.
 *
 * The hosted machine replaces this file by functions of the same names
 * (<tome/port.h> lists them).
 */
#ifndef TOME_INSN_H
#define TOME_INSN_H

#include <tome/types.h>
#include <regs.h>
#include <sbi.h>
#include <pmap/entry.h>

/* ---- the TLB and satp ---- */

static inline uint64_t
tome_insn_read_satp(void)
{
	uint64_t v;

	__asm__ volatile("csrr %0, satp" : "=r"(v) : : "memory");
	return v;
}

static inline void
tome_insn_write_satp(uint64_t v)
{
	__asm__ volatile("csrw satp, %0" : : "r"(v) : "memory");
}

static inline void
tome_insn_sfence_all(void)
{
	__asm__ volatile("sfence.vma" : : : "memory");
}

/* All that is not global under the ASID; 0 is one, too. */
static inline void
tome_insn_sfence_asid(uint64_t asid)
{
	__asm__ volatile("sfence.vma x0, %0" : : "r"(asid) : "memory");
}

/* Under every ASID, and global. */
static inline void
tome_insn_sfence_va(tome_va_t va)
{
	__asm__ volatile("sfence.vma %0, x0" : : "r"(va) : "memory");
}

static inline void
tome_insn_sfence_va_asid(tome_va_t va, uint64_t asid)
{
	__asm__ volatile("sfence.vma %0, %1" : : "r"(va), "r"(asid) : "memory");
}

/* What this hart has stored, before what it asks others for. */
static inline void
tome_insn_fence(void)
{
	__asm__ volatile("fence" : : : "memory");
}

/* All of this hart's; `frame` is what it is wanted for. */
static inline void
tome_insn_fence_i(const void *frame)
{
	(void)frame;
	__asm__ volatile("fence.i" : : : "memory");
}

/* TOME_RISCV_: the embedder's word. */
extern unsigned tome_riscv_isa;

static inline unsigned
tome_insn_isa(void)
{
	return tome_riscv_isa;
}

/* ---- user memory (access.c) ---- */

/* Return the number of bytes not copied. */
size_t tome_riscv_copy(void *dst, const void *src, size_t len);
/* 0, or 1 when the access faulted. */
int tome_riscv_load32(uint32_t *out, const void *src);
int tome_riscv_cas32(void *dst, uint32_t *seen, uint32_t v);

static inline size_t
tome_insn_copy_in(const struct tome_mmu *m, void *dst, tome_va_t src,
    size_t len)
{
	(void)m;
	return tome_riscv_copy(dst, (const void *)(uintptr_t)src, len);
}

static inline size_t
tome_insn_copy_out(const struct tome_mmu *m, tome_va_t dst, const void *src,
    size_t len)
{
	(void)m;
	return tome_riscv_copy((void *)(uintptr_t)dst, src, len);
}

static inline bool
tome_insn_user_load32(const struct tome_mmu *m, tome_va_t va, uint32_t *out)
{
	(void)m;
	return tome_riscv_load32(out, (const void *)(uintptr_t)va) == 0;
}

static inline bool
tome_insn_user_cas32(const struct tome_mmu *m, tome_va_t va, uint32_t *seen,
    uint32_t v)
{
	(void)m;
	return tome_riscv_cas32((void *)(uintptr_t)va, seen, v) == 0;
}

#endif
