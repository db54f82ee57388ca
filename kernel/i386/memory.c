/*
 * memory.c - the kernel's page tables as Tome receives them: RAM from KERNEL_BASE
 * up, as far as it fits (the direct map), with the image in it, each part with its
 * own rights; and windows, through which a CPU sees other frames for a moment.
 * Nothing of the low half.
 *
 * The address space from the windows' first byte up is ours: a window is an entry
 * that only its CPU uses, so that only its own TLB may hold it. Below lie the
 * tables of ACPI, which are beyond the direct map where there is much RAM.
 */
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <tome/kmem.h>
#include <tome_host_inline.h>
#include <x86.h>

#define PAGE 4096u
#define LARGE (TOME_I386_PAE ? 0x200000u : 0x400000u)
#define BITS (TOME_I386_PAE ? 9u : 10u)
#define ENTRIES (1u << BITS)
#define TOP (TOME_I386_PAE ? 2u : 1u)
#define BOOT_END 0x40000000u		/* what the boot tables map */

#define WINDOWS_BASE 0xffc00000u
#define WINDOWS 4u			/* a CPU's: a thread's two, an interrupt's */
#define FAR_BASE 0xff400000u		/* two large pages at most */
#if TOME_I386_PAE
#define DIRECT_MAX 0x3f000000u
#define KERNEL_SPAN 0x80000000u		/* the root has an entry for it */
#define KERNEL_SPAN_END 0xc0000000u
#else
#define DIRECT_MAX 0x20000000u
#define KERNEL_SPAN 0xe0000000u
#define KERNEL_SPAN_END 0xff000000u
#endif

#define PTE_P 0x001u
#define PTE_W 0x002u
#define PTE_A 0x020u
#define PTE_D 0x040u
#define PTE_LARGE 0x080u
#define PTE_GLOBAL 0x100u
#if TOME_I386_PAE
#define PTE_NX ((tome_pte_t)1 << 63)
#else
#define PTE_NX ((tome_pte_t)0)
#endif

#define RIGHTS_TEXT (PTE_P | PTE_A)
#define RIGHTS_RODATA (PTE_P | PTE_A | PTE_NX)
#define RIGHTS_DATA (PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX)

static tome_pa_t root, next_table;
static tome_pte_t reserved_bits;	/* in an entry, on this CPU */
static tome_pa_t far_start;		/* what lies at FAR_BASE */
static volatile tome_pte_t *windows;

static tome_pa_t
physical(const char *image)
{
	return (uintptr_t)image - KERNEL_BASE;
}

static tome_pa_t
direct_end(void)
{
	return pvh_highest() < DIRECT_MAX ? pvh_highest() : DIRECT_MAX;
}

static tome_pte_t *
table_at(tome_pa_t pa)
{
	return (tome_pte_t *)(KERNEL_BASE + (uintptr_t)pa);
}

static tome_pa_t
new_table(void)
{
	tome_pa_t pa = next_table;

	if (!pvh_is_spare(pa, pa + PAGE) || pa + PAGE > BOOT_END)
		panic("no room for page tables behind the image");
	next_table += PAGE;
	memset(table_at(pa), 0, PAGE);
	return pa;
}

/* The entry for va in the table of `level`, its upper tables made. In PAE's root all
 * but P is reserved. */
static tome_pte_t *
entry_for(uint32_t va, unsigned level)
{
	tome_pa_t table = root;

	for (unsigned l = TOP; l > level; l--) {
		tome_pte_t *e = &table_at(table)[va >> (12 + BITS * l) &
		    (ENTRIES - 1)];

		if (*e == 0)
			*e = new_table() | PTE_P |
			    (l == 2 ? 0 : PTE_W | PTE_A);
		table = *e & ~(tome_pte_t)(PAGE - 1);
	}
	return &table_at(table)[va >> (12 + BITS * level) & (ENTRIES - 1)];
}

static void
map_large(uint32_t va, tome_pa_t pa)
{
	*entry_for(va, 1) = (pa | RIGHTS_DATA | PTE_LARGE | PTE_GLOBAL) &
	    ~reserved_bits;
}

static tome_pte_t
rights_at(uint32_t va)
{
	if (va >= (uintptr_t)text_start && va < (uintptr_t)text_end)
		return RIGHTS_TEXT;
	if (va >= (uintptr_t)rodata_start && va < (uintptr_t)rodata_end)
		return RIGHTS_RODATA;
	return RIGHTS_DATA;
}

/* Where the image lies, by pages; then in large leaves. */
static void
map_ram(tome_pa_t end)
{
	tome_pa_t pa = 0;

	for (; pa < physical(kernel_end) || (pa & (LARGE - 1)); pa += PAGE) {
		uint32_t va = KERNEL_BASE + (uint32_t)pa;

		*entry_for(va, 0) = (pa | rights_at(va) | PTE_GLOBAL) &
		    ~reserved_bits;
	}
	for (; pa < end; pa += LARGE)
		map_large(KERNEL_BASE + (uint32_t)pa, pa);
}

void
memory_start(void)
{
	if (TOME_I386_PAE && !(rdmsr(MSR_EFER) & EFER_NXE))
		reserved_bits = PTE_NX;
	next_table = physical(kernel_end);
	root = new_table();
	map_ram(direct_end());
	windows = entry_for(WINDOWS_BASE, 0);
	write_cr3((uint32_t)root);
}

void
memory_describe(struct tome_boot *boot)
{
	boot->direct_end = direct_end();
	boot->kernel_start = KERNEL_SPAN;
	boot->kernel_end = KERNEL_SPAN_END;
	boot->kernel_root = root;
}

tome_pa_t
memory_taken_end(void)
{
	return next_table;
}

/* ---- what is not in the direct map ---- */

/* Firmware's tables lie together, at the end of RAM below 4 GiB. */
void *
direct(tome_pa_t pa)
{
	if (pa < direct_end())
		return (void *)(KERNEL_DIRECT_MAP + (uintptr_t)pa);
	if (far_start == 0) {
		far_start = (pa - LARGE / 2) & ~(tome_pa_t)(LARGE - 1);
		map_large(FAR_BASE, far_start);
		map_large(FAR_BASE + LARGE, far_start + LARGE);
	}
	if (pa < far_start || pa - far_start >= 2 * LARGE)
		panic("tables of the firmware lie far apart");
	return (void *)(FAR_BASE + (uintptr_t)(pa - far_start));
}

const void *
memory_of_loader(tome_pa_t pa, size_t len)
{
	tome_pa_t start = pa & ~(tome_pa_t)(PAGE - 1);
	tome_va_t va;

	if (pa + len <= direct_end())
		return direct(pa);
	if (tome_kmap_phys(the_vm, start,
	    tome_page_ceil((size_t)(pa - start) + len), TOME_MEM_WB,
	    TOME_PROT_READ, &va) != TOME_OK)
		panic("no room for what the loader left");
	return (const uint8_t *)tome_kva_ptr(the_vm, va) + (pa - start);
}

/* An entry no other CPU uses; the word with P last, or first when it goes. */
static void
window_set(volatile tome_pte_t *e, tome_pte_t v)
{
	*e = 0;
	*e = v & ~(tome_pte_t)PTE_P;
	*e = v;
}

void *
machine_window_enter(void *ctx, tome_pa_t pa)
{
	uintptr_t irq = tome_host_irq_save();
	unsigned n = tome_host_cpu() * WINDOWS, end = n + WINDOWS;

	(void)ctx;
	while (n < end && windows[n] != 0)
		n++;
	if (n == end)
		panic("more windows than a CPU has");
	window_set(&windows[n], (pa | RIGHTS_DATA) & ~reserved_bits);
	tome_host_irq_restore(irq);
	return (void *)(WINDOWS_BASE + n * PAGE);
}

void
machine_window_leave(void *ctx, void *at)
{
	unsigned n = ((uintptr_t)at - WINDOWS_BASE) / PAGE;

	(void)ctx;
	/* First the P bit, which lies in the lower half. */
	*(volatile uint32_t *)&windows[n] = 0;
	windows[n] = 0;
	__asm__ volatile("invlpg (%0)" : : "r"(WINDOWS_BASE + n * PAGE)
	    : "memory");
}
