/*
 * memory.c - the kernel's page tables as Tome receives them: the image with each
 * part's own rights, and the direct map of all RAM in large leaves. Nothing of
 * the low half.
 *
 * Table frames are taken one after another from behind the image, before
 * anything else owns memory; pvh_ranges() reports them as reserved.
 */
#include <lib.h>
#include <machine.h>
#include <tome_host_inline.h>
#include <x86.h>

#define PAGE 4096u
#define LARGE 0x200000u
#define HUGE 0x40000000u

#define KERNEL_SPAN_4 0xffffc90000000000u
#define KERNEL_SPAN_5 0xffa0000000000000u
#define KERNEL_SPAN_SIZE ((uint64_t)64 << 30)

#define PTE_P 0x001u
#define PTE_W 0x002u
#define PTE_A 0x020u
#define PTE_D 0x040u
#define PTE_LARGE 0x080u
#define PTE_GLOBAL 0x100u
#define PTE_NX ((uint64_t)1 << 63)

#define RIGHTS_TEXT (PTE_P | PTE_A)
#define RIGHTS_RODATA (PTE_P | PTE_A | PTE_NX)
#define RIGHTS_DATA (PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX)

static tome_pa_t root, next_table;
static uint64_t reserved_bits;		/* in an entry, on this CPU */

static tome_pa_t
physical(const char *image)
{
	return (uintptr_t)image - KERNEL_BASE;
}

unsigned
memory_levels(void)
{
	return read_cr4() & CR4_LA57 ? 5 : 4;
}

/* The boot tables still map the first GiB at KERNEL_BASE. */
static uint64_t *
table_at(tome_pa_t pa)
{
	return (uint64_t *)(KERNEL_BASE + pa);
}

static tome_pa_t
new_table(void)
{
	tome_pa_t pa = next_table;

	if (!pvh_is_spare(pa, pa + PAGE) || pa + PAGE > HUGE)
		panic("no room for page tables behind the image");
	next_table += PAGE;
	memset(table_at(pa), 0, PAGE);
	return pa;
}

/* The entry for va in the table of `level`, its upper tables made. */
static uint64_t *
entry_for(uint64_t va, unsigned level)
{
	tome_pa_t table = root;

	for (unsigned l = memory_levels() - 1; l > level; l--) {
		uint64_t *e = &table_at(table)[va >> (12 + 9 * l) & 511];

		if (*e == 0)
			*e = new_table() | PTE_P | PTE_W | PTE_A;
		table = *e & ~(uint64_t)(PAGE - 1);
	}
	return &table_at(table)[va >> (12 + 9 * level) & 511];
}

static void
map_image(const char *start, const char *end, uint64_t rights)
{
	for (const char *p = start; p < end; p += PAGE)
		*entry_for((uintptr_t)p, 0) =
		    (physical(p) | rights | PTE_GLOBAL) & ~reserved_bits;
}

/* All addresses up to the highest RAM; holes of devices are mapped elsewhere,
 * by whoever drives them, with their own type. */
static void
map_ram(tome_pa_t end)
{
	bool huge = cpuid(0x80000001, 0).d & (1u << 26);
	tome_pa_t step = huge ? HUGE : LARGE;

	for (tome_pa_t pa = 0; pa < end; pa += step)
		*entry_for(KERNEL_DIRECT_MAP + pa, huge ? 2 : 1) =
		    (pa | RIGHTS_DATA | PTE_LARGE | PTE_GLOBAL) &
		    ~reserved_bits;
}

void
memory_start(void)
{
	if (!(rdmsr(MSR_EFER) & EFER_NXE))
		reserved_bits = PTE_NX;
	next_table = physical(kernel_end);
	root = new_table();
	map_image(text_start, text_end, RIGHTS_TEXT);
	map_image(rodata_start, rodata_end, RIGHTS_RODATA);
	map_image(data_start, bss_end, RIGHTS_DATA);
	map_ram(pvh_highest());
	write_cr3(root);
}

/* The span: top-level entries that hold nothing of ours, by the number of levels. */
void
memory_describe(struct tome_boot *boot)
{
	boot->direct_end = pvh_highest();
	boot->kernel_start = memory_levels() == 5 ? KERNEL_SPAN_5 :
	    KERNEL_SPAN_4;
	boot->kernel_end = boot->kernel_start + KERNEL_SPAN_SIZE;
	boot->kernel_root = root;
}

tome_pa_t
memory_taken_end(void)
{
	return next_table;
}

void *
direct(tome_pa_t pa)
{
	return (void *)(KERNEL_DIRECT_MAP + pa);
}

const void *
memory_of_loader(tome_pa_t pa, size_t len)
{
	(void)len;
	return direct(pa);
}
