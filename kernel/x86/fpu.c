/*
 * fpu.c - FPU and vector registers: FXSAVE's form, or XSAVE's standard one with
 * all that the CPU has of x87, SSE, AVX and AVX-512.
 *
 * fpu_set() takes bytes a user wrote: reserved bits of MXCSR and of the
 * header would fault in the kernel, so they are dropped first.
 */
#include <lib.h>
#include <machine.h>
#include <sched.h>
#include <x86.h>

/* The forms with addresses of 64 bits. */
#ifdef __x86_64__
#define WIDE "64"
#else
#define WIDE ""
#endif

#define XFEATURES 0xe7u		/* x87 SSE AVX, opmask ZMM_Hi256 Hi16_ZMM */
#define XFEATURE_LEGACY 3u
#define LEGACY_SIZE 512u
#define HEADER_SIZE 64u
#define MXCSR_DEFAULT 0x1f80u
#define FCW_DEFAULT 0x037fu

struct legacy {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t rest[LEGACY_SIZE - 32];
};

struct area {
	struct legacy legacy;
	uint64_t present, compact, reserved[6];
};

static uint64_t features;	/* XCR0; 0: no XSAVE */
static size_t size = LEGACY_SIZE;
static uint32_t mxcsr_mask = 0xffbf;

static void
set_xcr0(uint64_t v)
{
	__asm__ volatile("xsetbv"
	    : : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static void
start_xsave(void)
{
	struct cpuid have;

	write_cr4(read_cr4() | CR4_OSXSAVE);
	have = cpuid(0xd, 0);
	features = have.a & XFEATURES;
	if ((features & 0xe0) != 0xe0)
		features &= 7;
	set_xcr0(features);
	size = cpuid(0xd, 0).b;
}

/* The bits of MXCSR this CPU has; 0 in the image means the oldest set. */
static void
learn_mxcsr(void)
{
	static struct legacy image __attribute__((aligned(16)));

	__asm__ volatile("fxsave" WIDE " %0" : "=m"(image));
	if (image.mxcsr_mask != 0)
		mxcsr_mask = image.mxcsr_mask;
}

void
fpu_start(void)
{
	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
	if (cpuid(1, 0).c & (1u << 26))
		start_xsave();
	__asm__ volatile("fninit");
	learn_mxcsr();
}

size_t
fpu_size(void)
{
	return size;
}

uint64_t
fpu_features(void)
{
	return features;
}

void
fpu_save(void *area)
{
	if (features != 0)
		__asm__ volatile("xsave" WIDE " (%0)"
		    : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxsave" WIDE " (%0)" : : "r"(area) : "memory");
}

void
fpu_load(const void *area)
{
	if (features != 0)
		__asm__ volatile("xrstor" WIDE " (%0)"
		    : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxrstor" WIDE " (%0)" : : "r"(area) : "memory");
}

void
fpu_init_area(void *to)
{
	struct legacy *l = to;

	memset(to, 0, size);
	l->fcw = FCW_DEFAULT;
	l->mxcsr = MXCSR_DEFAULT;
}

void
fpu_get(void *state)
{
	uintptr_t irq = tome_host_irq_save();

	/* XSAVE does not write all of the header. */
	memset(state, 0, size);
	fpu_save(state);
	tome_host_irq_restore(irq);
}

static void
make_safe(void *state)
{
	struct area *a = state;

	a->legacy.mxcsr &= mxcsr_mask;
	if (features == 0)
		return;
	a->present &= features;
	a->compact = 0;
	memset(a->reserved, 0, sizeof a->reserved);
}

/* By way of the thread's own area: the caller's may be read-only. */
void
fpu_set(const void *state)
{
	struct thread *t = current();
	uintptr_t irq = tome_host_irq_save();

	memcpy(t->fpu, state, size);
	make_safe(t->fpu);
	fpu_load(t->fpu);
	tome_host_irq_restore(irq);
}

void
fpu_reset(void)
{
	struct thread *t = current();
	uintptr_t irq = tome_host_irq_save();

	fpu_init_area(t->fpu);
	fpu_load(t->fpu);
	tome_host_irq_restore(irq);
}
