/*
 * memory.c - the kernel's first table as Tome receives it: the direct map of all RAM,
 * in sections, and the devices we need before Tome can map them.
 */
#include <armv7.h>
#include <arm.h>
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <tome_host_inline.h>

#define MIB 0x100000u
#define ENTRY(va) ((va) / MIB)
/* Sections of the kernel's: memory, which may be executed; a device. */
#define MEMORY 0x1040eu
#define DEVICE 0x11412u

extern uint32_t boot_table[4096];
struct boot_state boot_state;

static uintptr_t next_device = KERNEL_DEVICES;
static const struct tome_range *ranges;
static size_t nranges;

static void
map(uintptr_t va, uint32_t section)
{
	boot_table[ENTRY(va)] = section;
	dsb();
	CP15_WRITE("c8, c7, 0", 0);
	dsb();
	isb();
}

void *
memory_map_device(uint64_t pa, uint64_t len)
{
	uintptr_t at = next_device;
	uint32_t offset = (uint32_t)pa & (MIB - 1);
	uint32_t first = (uint32_t)pa - offset, i;

	for (i = 0; i < offset + (uint32_t)len; i += MIB)
		map(at + i, (first + i) | DEVICE);
	next_device += i;
	return (void *)(at + offset);
}

tome_pa_t
memory_physical(const void *in_image)
{
	return (uintptr_t)in_image - KERNEL_DIRECT_MAP + RAM_BASE;
}

void *
direct(tome_pa_t pa)
{
	return (void *)(KERNEL_DIRECT_MAP + (uintptr_t)(pa - RAM_BASE));
}

/* As much of RAM as there is, and no more. */
void
memory_start(tome_pa_t tree)
{
	tome_pa_t at;

	if (!dt_start(direct(tree)))
		panic("no devicetree");
	dt_read();
	dt_keep(tree);
	ranges = dt_ranges(RAM_BASE, memory_physical(kernel_end), &nranges);
	for (at = 0; at < DIRECT_SIZE; at += MIB)
		map(KERNEL_DIRECT_MAP + at, RAM_BASE + at < dt_highest() ?
		    (RAM_BASE + at) | MEMORY : 0);
}

void
machine_describe_memory(struct tome_boot *boot)
{
	const uint64_t *ids;

	boot->ncpus = dt_cpus(&ids);
	boot->ranges = ranges;
	boot->nranges = nranges;
	boot->direct_bias = KERNEL_DIRECT_MAP - RAM_BASE;
	boot->direct_end = dt_highest();
	boot->kernel_start = KERNEL_SPAN;
	boot->kernel_end = KERNEL_DEVICES;
	boot->kernel_root = memory_physical(boot_table);
}
