/*
 * insn.h - i386: one inline function per instruction Tome needs.
 *
 * The hosted machine replaces this file by functions of the same names
 * (<tome/port.h> lists them).
 */
#ifndef TOME_INSN_H
#define TOME_INSN_H

#include <tome/types.h>
#include <regs.h>

/* ---- entries of page tables ---- */

#if TOME_I386_PAE
/*
 * Wider than a register: CMPXCHG8B reads and writes them whole. (Compilers would call a
 * library, or use the FPU.) So the words of <pmap/entry.h> are not wanted.
 */
#define TOME_PMAP_ENTRY_H

static inline bool
tome_insn_pte_cas(tome_pte_t *p, tome_pte_t *seen, tome_pte_t v)
{
	uint32_t low = (uint32_t)*seen, high = (uint32_t)(*seen >> 32);
	bool done;

	/* The jump: CMPXCHG8B begins a block, in which alone QEMU 7.2 knows the
	 * flags it leaves. */
	__asm__ volatile("jmp 1f\n"
	    "1:\tlock cmpxchg8b %0"
	    : "+m"(*p), "+a"(low), "+d"(high), "=@ccz"(done)
	    : "b"((uint32_t)v), "c"((uint32_t)(v >> 32)) : "memory");
	if (!done)
		*seen = (tome_pte_t)high << 32 | low;
	return done;
}

static inline tome_pte_t
tome_insn_pte_load(const tome_pte_t *p)
{
	tome_pte_t seen = 0;

	(void)tome_insn_pte_cas((tome_pte_t *)(uintptr_t)p, &seen, 0);
	return seen;
}

static inline tome_pte_t
tome_insn_pte_xchg(tome_pte_t *p, tome_pte_t v)
{
	tome_pte_t old = tome_insn_pte_load(p);

	while (!tome_insn_pte_cas(p, &old, v))
		;
	return old;
}

/* Of an entry no CPU can reach. */
static inline void
tome_insn_pte_store(tome_pte_t *p, tome_pte_t v)
{
	(void)tome_insn_pte_xchg(p, v);
}
#else
#include <pmap/entry.h>
#endif

/* ---- the TLB and the control registers ---- */

static inline void
tome_insn_invlpg(tome_va_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline uint32_t
tome_insn_read_cr3(void)
{
	uint32_t v;

	__asm__ volatile("mov %%cr3, %0" : "=r"(v) : : "memory");
	return v;
}

static inline void
tome_insn_write_cr3(uint32_t v)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}

static inline uint32_t
tome_insn_read_cr4(void)
{
	uint32_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v) : : "memory");
	return v;
}

static inline void
tome_insn_write_cr4(uint32_t v)
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
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void
tome_insn_wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v),
	    "d"((uint32_t)(v >> 32)) : "memory");
}

/* ---- user memory; `smap`: the CPU enforces it, lift it meanwhile ---- */

/* access.c; return the number of bytes not copied. */
size_t tome_i386_copy(void *dst, const void *src, size_t len);
size_t tome_i386_copy_smap(void *dst, const void *src, size_t len);
/* 0, or 1 when the access faulted. */
int tome_i386_load32(uint32_t *out, const void *src);
int tome_i386_load32_smap(uint32_t *out, const void *src);
int tome_i386_cas32(void *dst, uint32_t *seen, uint32_t v);
int tome_i386_cas32_smap(void *dst, uint32_t *seen, uint32_t v);

static inline size_t
tome_insn_copy_in(const struct tome_mmu *m, void *dst, tome_va_t src,
    size_t len)
{
	const void *from = (const void *)(uintptr_t)src;

	return m->smap ? tome_i386_copy_smap(dst, from, len) :
	    tome_i386_copy(dst, from, len);
}

static inline size_t
tome_insn_copy_out(const struct tome_mmu *m, tome_va_t dst, const void *src,
    size_t len)
{
	void *to = (void *)(uintptr_t)dst;

	return m->smap ? tome_i386_copy_smap(to, src, len) :
	    tome_i386_copy(to, src, len);
}

static inline bool
tome_insn_user_load32(const struct tome_mmu *m, tome_va_t va, uint32_t *out)
{
	const void *from = (const void *)(uintptr_t)va;

	return (m->smap ? tome_i386_load32_smap(out, from) :
	    tome_i386_load32(out, from)) == 0;
}

static inline bool
tome_insn_user_cas32(const struct tome_mmu *m, tome_va_t va, uint32_t *seen,
    uint32_t v)
{
	void *at = (void *)(uintptr_t)va;

	return (m->smap ? tome_i386_cas32_smap(at, seen, v) :
	    tome_i386_cas32(at, seen, v)) == 0;
}

#endif
