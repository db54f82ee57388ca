/*
 * pvh.c - what the boot loader left: the PVH start info (Xen's
 * public/arch-x86/hvm/start_info.h describes it): command line, initrd, memory
 * map, RSDP. Read while the boot tables map the first GiB.
 */
#include <lib.h>
#include <machine.h>
#include <x86.h>

#define PVH_MAGIC 0x336ec578u
#define MAX_RANGES 64

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_pa, cmdline_pa, rsdp_pa;
	uint64_t memmap_pa;		/* from version 1 on */
	uint32_t memmap_entries, reserved;
};

struct module {
	uint64_t pa, size, cmdline_pa, reserved;
};

struct memmap_entry {
	uint64_t base, size;
	uint32_t type, reserved;	/* 1: RAM; the types of E820 */
};

#define E820_RAM 1

static char cmdline[1024];
static tome_pa_t initrd_pa;
static size_t initrd_len;
static uint64_t rsdp;
/* RAM and what is reserved in it, then four of our own (pvh_ranges). */
static struct tome_range ranges[MAX_RANGES + 4];
static size_t nranges;
static tome_pa_t highest;

static const void *
early(uint64_t pa)
{
	return (const void *)(KERNEL_BASE + (uintptr_t)pa);
}

static void
add_range(tome_pa_t base, tome_pa_t len, enum tome_range_kind kind)
{
	if (len == 0 || nranges == MAX_RANGES)
		return;
	ranges[nranges++] = (struct tome_range){ base, len, kind };
}

/* What adjoins RAM is RAM that the firmware kept, ACPI's tables for one: it is
 * mapped, though not given out. The loader's list is sorted. */
static void
read_memmap(const struct start_info *info)
{
	const struct memmap_entry *e = early(info->memmap_pa);

	for (uint32_t i = 0; i < info->memmap_entries; i++, e++) {
		if ((tome_pa_t)(e->base + e->size) < e->size)
			break;		/* beyond what an entry can name */
		if (e->type == E820_RAM)
			add_range(e->base, e->size, TOME_RANGE_USABLE);
		if (e->type == E820_RAM || e->base == highest)
			highest = e->base + e->size;
	}
}

void
pvh_read(uint64_t start_info)
{
	const struct start_info *info = early(start_info);

	if (info->magic != PVH_MAGIC || info->version < 1)
		panic("not started by a PVH boot loader");
	if (info->cmdline_pa != 0)
		strlcpy(cmdline, early(info->cmdline_pa), sizeof cmdline);
	if (info->nr_modules > 0) {
		const struct module *m = early(info->modlist_pa);

		initrd_pa = m->pa;
		initrd_len = m->size;
	}
	rsdp = info->rsdp_pa;
	read_memmap(info);
}

uint64_t
pvh_rsdp(void)
{
	return rsdp;
}

tome_pa_t
pvh_highest(void)
{
	return highest;
}

bool
pvh_is_spare(tome_pa_t start, tome_pa_t end)
{
	bool in_ram = false;

	for (size_t i = 0; i < nranges; i++)
		if (start >= ranges[i].base &&
		    end <= ranges[i].base + ranges[i].len)
			in_ram = true;
	return in_ram &&
	    (end <= initrd_pa || start >= initrd_pa + initrd_len);
}

/* The memory map with what we keep: the first MiB (trampoline, firmware), the
 * image and the tables after it, the initrd. */
const struct tome_range *
pvh_ranges(size_t *n)
{
	tome_pa_t image = (uintptr_t)kernel_start - KERNEL_BASE;

	add_range(0, 0x100000, TOME_RANGE_RESERVED);
	add_range(image, memory_taken_end() - image, TOME_RANGE_RESERVED);
	add_range(initrd_pa, initrd_len, TOME_RANGE_RESERVED);
	*n = nranges;
	return ranges;
}

const char *
boot_cmdline(void)
{
	return cmdline;
}

const void *
boot_initrd(size_t *len)
{
	*len = initrd_len;
	return initrd_len != 0 ? memory_of_loader(initrd_pa, initrd_len) :
	    NULL;
}
