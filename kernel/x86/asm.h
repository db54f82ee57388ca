/*
 * asm.h - the machine's instructions that C has no word for, one function each.
 * (Tome's port has its own for translation; these are the kernel's.)
 */
#ifndef KERNEL_ASM_H
#define KERNEL_ASM_H

#include <stdint.h>

#define MSR_APIC_BASE 0x1b
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_SCE (1u << 0)
#define EFER_NXE (1u << 11)

#define CR0_MP (1ul << 1)
#define CR0_EM (1ul << 2)
#define CR0_TS (1ul << 3)
#define CR0_NE (1ul << 5)
#define CR0_WP (1ul << 16)
#define CR0_AM (1ul << 18)

#define CR4_DE (1ul << 3)
#define CR4_PGE (1ul << 7)
#define CR4_OSFXSR (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_UMIP (1ul << 11)
#define CR4_PAE (1ul << 5)
#define CR4_LA57 (1ul << 12)
#define CR4_OSXSAVE (1ul << 18)
#define CR4_SMEP (1ul << 20)
#define CR4_SMAP (1ul << 21)

#define RFLAGS_TF 0x100ul
#define RFLAGS_IF 0x200ul
#define RFLAGS_DF 0x400ul
#define RFLAGS_IOPL 0x3000ul
#define RFLAGS_NT 0x4000ul
#define RFLAGS_AC 0x40000ul

static inline void
outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void
outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void
outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint32_t
inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint8_t
inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t
inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint64_t
rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void
wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
	    : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
	    : "memory");
}

struct cpuid {
	uint32_t a, b, c, d;
};

static inline struct cpuid
cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
	    : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
	    : "a"(leaf), "c"(sub));
	return r;
}

static inline uint64_t
rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

#define ASM_CONTROL(n)                                                   \
	static inline unsigned long                                      \
	read_cr##n(void)                                                 \
	{                                                                \
		unsigned long v;                                         \
                                                                         \
		__asm__ volatile("mov %%cr" #n ", %0"                    \
		    : "=r"(v) : : "memory");                             \
		return v;                                                \
	}                                                                \
	static inline void                                               \
	write_cr##n(unsigned long v)                                     \
	{                                                                \
		__asm__ volatile("mov %0, %%cr" #n                       \
		    : : "r"(v) : "memory");                              \
	}
ASM_CONTROL(0)
ASM_CONTROL(2)
ASM_CONTROL(3)
ASM_CONTROL(4)
#undef ASM_CONTROL

static inline void
irq_on(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void
irq_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

/* a * b / 2^32, of which 64 bits matter. */
static inline uint64_t
scaled(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	return (uint64_t)((unsigned __int128)a * b >> 32);
#else
	uint32_t al = (uint32_t)a, bl = (uint32_t)b;
	uint32_t ah = (uint32_t)(a >> 32), bh = (uint32_t)(b >> 32);

	return ah * b + (uint64_t)al * bh + ((uint64_t)al * bl >> 32);
#endif
}

/* In what tome_host_irq_save() returned. */
static inline int
irq_was_on(uintptr_t flags)
{
	return (flags & RFLAGS_IF) != 0;
}

/* Let an interrupt in, sleeping until there is one; none is lost between. */
static inline void
irq_on_and_halt(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}

#endif
