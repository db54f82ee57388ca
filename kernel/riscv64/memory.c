/*
 * memory.c - the kernel's page tables as Tome receives them: the image with each
 * part's own rights, and the direct map of all RAM and the devices below it in large
 * leaves (a device's physical attributes hold whatever the leaf says). Nothing of the
 * low half.
 *
 * Table frames are taken one after another from behind the image, before
 * anything else owns memory; dt_ranges() gets them as reserved.
 */
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <riscv.h>
#include <tome_host_inline.h>

#define PAGE 4096u
#define SATP_MODE_SHIFT 60
#define SATP_SV39 8u

#define PTE_V 0x01u
#define PTE_R 0x02u
#define PTE_W 0x04u
#define PTE_X 0x08u
#define PTE_G 0x20u
#define PTE_A 0x40u
#define PTE_D 0x80u
#define PTE_N ((uint64_t)1 << 63)
#define RUN 0x10000u		/* Svnapot's: 16 pages */

#define RIGHTS_TEXT (PTE_V | PTE_R | PTE_X | PTE_G | PTE_A | PTE_D)
#define RIGHTS_RODATA (PTE_V | PTE_R | PTE_G | PTE_A | PTE_D)
#define RIGHTS_DATA (PTE_V | PTE_R | PTE_W | PTE_G | PTE_A | PTE_D)

static tome_pa_t root, next_table;
static unsigned levels, leaves, in_runs;

static tome_pa_t
physical(const char *image)
{
	return (uintptr_t)image - KERNEL_OFFSET;
}

void *
direct(tome_pa_t pa)
{
	return (void *)(KERNEL_DIRECT_MAP + pa);
}

unsigned
memory_levels(void)
{
	return levels;
}

static tome_pa_t
new_table(void)
{
	tome_pa_t pa = next_table;

	if (!dt_is_spare(pa, pa + PAGE))
		panic("no room for page tables behind the image");
	next_table += PAGE;
	memset(direct(pa), 0, PAGE);
	return pa;
}

/* The entry for va in the table of `level`, its upper tables made. */
static uint64_t *
entry_for(uint64_t va, unsigned level)
{
	uint64_t *table = direct(root);

	for (unsigned l = levels - 1; l > level; l--) {
		uint64_t *e = &table[va >> (12 + 9 * l) & 511];

		if (*e == 0)
			*e = new_table() >> 2 | PTE_V;
		table = direct(*e >> 10 << 12);
	}
	return &table[va >> (12 + 9 * level) & 511];
}

/* Pages that fill a run are of one, if the harts know such. */
static void
map_image(const char *start, const char *end, uint64_t rights)
{
	for (uintptr_t va = (uintptr_t)start; va < (uintptr_t)end; va += PAGE) {
		uintptr_t run = va & ~(uintptr_t)(RUN - 1);
		tome_pa_t pa = va - KERNEL_OFFSET;
		uint64_t n = 0;

		if (cpu_has("svnapot") && run >= (uintptr_t)start &&
		    run + RUN <= (uintptr_t)end) {
			pa = run - KERNEL_OFFSET + RUN / 2;
			n = PTE_N;
			in_runs++;
		}
		*entry_for(va, 0) = pa >> 2 | rights | n;
		leaves++;
	}
}

/* Tome wants no leaves in the root. */
static void
map_ram(tome_pa_t end)
{
	unsigned level = levels > 3 ? 2 : 1;
	tome_pa_t step = (tome_pa_t)1 << (12 + 9 * level);

	for (tome_pa_t pa = 0; pa < end; pa += step)
		*entry_for(KERNEL_DIRECT_MAP + pa, level) =
		    pa >> 2 | RIGHTS_DATA;
}

/* A write of a mode that is not there changes nothing. */
static bool
try_levels(unsigned n)
{
	levels = n;
	leaves = in_runs = 0;
	next_table = physical(kernel_end);
	root = new_table();
	map_image(text_start, text_end, RIGHTS_TEXT);
	map_image(rodata_start, rodata_end, RIGHTS_RODATA);
	map_image(data_start, bss_end, RIGHTS_DATA);
	map_ram(dt_highest());
	CSR_WRITE("satp", memory_satp());
	__asm__ volatile("sfence.vma" : : : "memory");
	return CSR_READ("satp") == memory_satp();
}

/* satp=39, 48 or 57 on the command line: no more than that. */
static unsigned
most_levels(void)
{
	char word[4];

	if (!boot_option("satp", word, sizeof word))
		return 5;
	return strcmp(word, "39") == 0 ? 3 : strcmp(word, "48") == 0 ? 4 : 5;
}

void
memory_start(void)
{
	unsigned n = most_levels();

	while (!try_levels(n))
		n--;
	kprintf("memory: %u of %u pages of the kernel's image are in runs\n",
	    in_runs, leaves);
}

uint64_t
memory_satp(void)
{
	return (uint64_t)(SATP_SV39 + levels - 3) << SATP_MODE_SHIFT |
	    root >> 12;
}

tome_pa_t
memory_taken_end(void)
{
	return next_table;
}
