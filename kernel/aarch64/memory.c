/*
 * memory.c - the kernel's page tables as Tome receives them: the image with each
 * part's own rights, the direct map of all RAM, and the devices we need before
 * Tome can map them. Entries are the port's.
 *
 * Tables come from a pool in .bss. The first are made with the MMU off, where a
 * pointer is a physical address; later ones through the linked address.
 */
#include <aarch64.h>
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <regs.h>
#include <tome/port.h>
#include <tome_host_inline.h>

#define TABLES 40u
#define ENTRIES (TOME_PAGE_SIZE / sizeof(tome_pte_t))
#define TREE_MAX 0x200000u

#define READ_WRITE (TOME_PROT_READ | TOME_PROT_WRITE)
#define READ_EXEC (TOME_PROT_READ | TOME_PROT_EXEC)

void memory_boot(tome_pa_t tree);

static tome_pte_t pool[TABLES][ENTRIES]
    __attribute__((aligned(TOME_PAGE_SIZE)));
static unsigned taken;
static struct tome_mmu mmu;
static tome_pte_t *kernel_root;
/* What to add to a physical address of the image for a pointer. */
static uintptr_t image_bias;
static tome_pa_t image;
static uintptr_t next_device = KERNEL_DEVICES;
static unsigned leaves, in_runs;

struct boot_state boot_state;

static tome_pa_t
table_pa(const tome_pte_t *table)
{
	return (uintptr_t)table - image_bias;
}

static tome_pte_t *
new_table(void)
{
	if (taken == TABLES)
		panic("no page table left for the kernel's own");
	return pool[taken++];
}

/* The entry for va in the table of `level`, its upper tables made. */
static tome_pte_t *
entry_for(tome_pte_t *table, uint64_t va, unsigned level)
{
	unsigned bits = TOME_PT_ROOT_BITS(TOME_A64_LEVELS);

	for (unsigned l = TOME_A64_LEVELS - 1;; l--) {
		tome_pte_t *e = &table[va >> TOME_PT_SHIFT(l) &
		    ((1u << bits) - 1)];

		if (l == level)
			return e;
		if (*e == 0)
			*e = tome_pte_table(&mmu, l, table_pa(new_table()), 0);
		table = (tome_pte_t *)(tome_pte_table_pa(*e) + image_bias);
		bits = TOME_A64_BITS;
	}
}

/* The largest leaf that both addresses and the length allow. */
static unsigned
level_for(uint64_t va, tome_pa_t pa, uint64_t len)
{
	unsigned level = TOME_PAGE_SHIFT == 12 ? 2 : 1;

	while (level > 0 && (((va | pa) & (((uint64_t)1 <<
	    TOME_PT_SHIFT(level)) - 1)) != 0 ||
	    len < (uint64_t)1 << TOME_PT_SHIFT(level)))
		level--;
	return level;
}

/*
 * Is the leaf at va one of a run of them, which a TLB may hold as one? Of pages, as the
 * port has it; of blocks 16, or 32 of larger pages.
 */
static bool
is_in_run(uint64_t va, tome_pa_t pa, uint64_t start, uint64_t end, unsigned level)
{
	unsigned bits = level == 0 ? TOME_PORT_RUN_BITS :
	    TOME_PAGE_SHIFT == 12 ? 4 : 5;
	uint64_t run = (uint64_t)1 << (TOME_PT_SHIFT(level) + bits);
	uint64_t first = va & ~(run - 1);

	return first >= start && end >= run && first <= end - run &&
	    ((va ^ pa) & (run - 1)) == 0;
}

static void
map(tome_pte_t *root, uint64_t va, tome_pa_t pa, uint64_t len, tome_prot_t prot,
    enum tome_memtype type)
{
	uint64_t start = va, end = va + len;

	while (va < end) {
		unsigned level = level_for(va, pa, end - va);
		uint64_t step = (uint64_t)1 << TOME_PT_SHIFT(level);
		tome_pte_t leaf = tome_pte_leaf(&mmu, level, pa, prot, type,
		    TOME_LEAF_KERNEL | TOME_LEAF_ACCESSED | TOME_LEAF_MODIFIED);

		if (is_in_run(va, pa, start, end, level)) {
			leaf = tome_pte_run(&mmu, leaf);
			in_runs++;
		}
		*entry_for(root, va, level) = leaf;
		leaves++;
		va += step;
		pa += step;
	}
	dsb();
	isb();
}

static void
map_part(const char *start, const char *end, tome_prot_t prot)
{
	tome_pa_t pa = (uintptr_t)start;

	map(kernel_root, pa - image + KERNEL_BASE, pa,
	    (uint64_t)(end - start), prot, TOME_MEM_WB);
}

/* With the MMU off, and image_bias 0. */
void
memory_boot(tome_pa_t tree)
{
	tome_pte_t *low = new_table();

	kernel_root = new_table();
	image = (uintptr_t)kernel_start;
	if (!tome_mmu_probe(&mmu))
		for (;;)
			__asm__ volatile("wfi");
	map(low, image, image, (uint64_t)(text_end - kernel_start), READ_EXEC,
	    TOME_MEM_WB);
	map_part(text_start, text_end, READ_EXEC);
	map_part(rodata_start, rodata_end, TOME_PROT_READ);
	map_part(data_start, bss_end, READ_WRITE);
	map(kernel_root, KERNEL_TREE, tree & ~(tome_pa_t)TOME_PAGE_MASK,
	    TREE_MAX, TOME_PROT_READ, TOME_MEM_WB);
	boot_state.ttbr0 = table_pa(low);
	boot_state.ttbr1 = table_pa(kernel_root);
	boot_state.tcr = mmu.tcr;
	boot_state.mair = TOME_MAIR_TYPES;
}

void *
memory_map_device(uint64_t pa, uint64_t len)
{
	uintptr_t at = next_device;
	uint64_t offset = pa & TOME_PAGE_MASK;

	len = (offset + len + TOME_PAGE_MASK) & ~(uint64_t)TOME_PAGE_MASK;
	map(kernel_root, at, pa - offset, len, READ_WRITE, TOME_MEM_DEVICE);
	next_device += len;
	return (void *)(at + offset);
}

tome_pa_t
memory_physical(const void *in_image)
{
	return (uintptr_t)in_image - image_bias;
}

/* ---- with the MMU on ---- */

static const struct tome_range *ranges;
static size_t nranges;

void
memory_start(tome_pa_t tree)
{
	image_bias = KERNEL_BASE - image;
	kernel_root = (tome_pte_t *)((uintptr_t)kernel_root + image_bias);
	if (!dt_start((void *)(KERNEL_TREE + (tree & TOME_PAGE_MASK))))
		panic("no devicetree");
	dt_read();
	dt_keep(tree);
	ranges = dt_ranges(image, image + (uintptr_t)(kernel_end -
	    kernel_start), &nranges);
	for (size_t i = 0; i < nranges; i++)
		if (ranges[i].kind == TOME_RANGE_USABLE)
			map(kernel_root, KERNEL_DIRECT_MAP + ranges[i].base,
			    ranges[i].base, ranges[i].len, READ_WRITE,
			    TOME_MEM_WB);
	if (!dt_start(direct(tree)))
		panic("no devicetree in RAM");
}

void
machine_describe_memory(struct tome_boot *boot)
{
	const uint64_t *ids;

	kprintf("memory: %u of %u leaves of the kernel's are in runs\n", in_runs,
	    leaves);
	boot->ncpus = dt_cpus(&ids);
	boot->ranges = ranges;
	boot->nranges = nranges;
	boot->direct_bias = KERNEL_DIRECT_MAP;
	boot->direct_end = dt_highest();
	boot->kernel_start = KERNEL_SPAN;
	boot->kernel_end = KERNEL_SPAN + KERNEL_SPAN_SIZE;
	boot->kernel_root = table_pa(kernel_root);
}

void *
direct(tome_pa_t pa)
{
	return (void *)(KERNEL_DIRECT_MAP + pa);
}
