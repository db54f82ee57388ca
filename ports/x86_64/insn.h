/*
 * insn.h - x86-64: one inline function per instruction Tome needs.
 *
 * The hosted machine replaces this file by functions of the same names
 * (<tome/port.h> lists them).
 */
#ifndef TOME_INSN_H
#define TOME_INSN_H

#include <tome/types.h>
#include <regs.h>
#include <pmap/entry.h>

/* ---- the TLB and the control registers ---- */

static inline void
tome_insn_invlpg(tome_va_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void
tome_insn_invpcid(unsigned type, uint64_t pcid, tome_va_t va)
{
	struct {
		uint64_t pcid, va;
	} d = {pcid, va};

	__asm__ volatile("invpcid %0, %1" : : "m"(d), "r"((uint64_t)type)
	    : "memory");
}

/* AMD APM volume 3: to every CPU; done everywhere after TLBSYNC. */
static inline void
tome_insn_invlpgb(uint64_t rax, uint32_t ecx, uint32_t edx)
{
	__asm__ volatile(".byte 0x0f, 0x01, 0xfe"
	    : : "a"(rax), "c"(ecx), "d"(edx) : "memory");
}

static inline void
tome_insn_tlbsync(void)
{
	__asm__ volatile(".byte 0x0f, 0x01, 0xff" : : : "memory");
}

static inline uint64_t
tome_insn_read_cr3(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr3, %0" : "=r"(v) : : "memory");
	return v;
}

static inline void
tome_insn_write_cr3(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}

static inline uint64_t
tome_insn_read_cr4(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v) : : "memory");
	return v;
}

static inline void
tome_insn_write_cr4(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

static inline void
tome_insn_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	__asm__ volatile("cpuid"
	    : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
	    : "a"(leaf), "c"(sub));
}

static inline uint64_t
tome_insn_rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void
tome_insn_wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v),
	    "d"((uint32_t)(v >> 32)) : "memory");
}

/* ---- user memory; `smap`: the CPU enforces it, lift it meanwhile ---- */

/* access.c; return the number of bytes not copied. */
size_t tome_x86_copy(void *dst, const void *src, size_t len);
size_t tome_x86_copy_smap(void *dst, const void *src, size_t len);
/* 0, or 1 when the access faulted. */
int tome_x86_load32(uint32_t *out, const void *src);
int tome_x86_load32_smap(uint32_t *out, const void *src);
int tome_x86_cas32(void *dst, uint32_t *seen, uint32_t v);
int tome_x86_cas32_smap(void *dst, uint32_t *seen, uint32_t v);

static inline size_t
tome_insn_copy_in(const struct tome_mmu *m, void *dst, tome_va_t src,
    size_t len)
{
	const void *from = (const void *)(uintptr_t)src;

	return m->smap ? tome_x86_copy_smap(dst, from, len) :
	    tome_x86_copy(dst, from, len);
}

static inline size_t
tome_insn_copy_out(const struct tome_mmu *m, tome_va_t dst, const void *src,
    size_t len)
{
	void *to = (void *)(uintptr_t)dst;

	return m->smap ? tome_x86_copy_smap(to, src, len) :
	    tome_x86_copy(to, src, len);
}

static inline bool
tome_insn_user_load32(const struct tome_mmu *m, tome_va_t va, uint32_t *out)
{
	const void *from = (const void *)(uintptr_t)va;

	return (m->smap ? tome_x86_load32_smap(out, from) :
	    tome_x86_load32(out, from)) == 0;
}

static inline bool
tome_insn_user_cas32(const struct tome_mmu *m, tome_va_t va, uint32_t *seen,
    uint32_t v)
{
	void *at = (void *)(uintptr_t)va;

	return (m->smap ? tome_x86_cas32_smap(at, seen, v) :
	    tome_x86_cas32(at, seen, v)) == 0;
}

#endif
