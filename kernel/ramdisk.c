/*
 * ramdisk.c - a disk in memory, /dev/ram0: what swapping takes where the device costs
 * a copy and nothing else (bench/vmbench.c). All of it is there from the start.
 */
#include <block.h>
#include <lib.h>
#include <cpu.h>
#include <machine.h>
#include <tome/kmem.h>

static struct ramdisk {
	struct block block;
	tome_pfn_t *pfn;
} ram;

static void
copy_page(tome_pfn_t to, tome_pfn_t from)
{
#ifdef MACHINE_WINDOWS
	tome_frame_copy(the_vm, to, from);
#else
	memcpy(tome_frame_va(the_vm, to), tome_frame_va(the_vm, from),
	    TOME_PAGE_SIZE);
#endif
}

static void
ramdisk_transfer(struct block *b, struct tome_io *io)
{
	tome_pfn_t *pfn = ram.pfn + (io->at >> TOME_PAGE_SHIFT);

	(void)b;
	for (unsigned i = 0; i < io->n; i++) {
		const struct tome_io_vec *v = &io->vec[i];

		if (io->op == TOME_IO_READ)
			copy_page(v->pfn, pfn[i]);
		else
			copy_page(pfn[i], v->pfn);
	}
	tome_io_done(io, TOME_OK);
}

/* MiB; 0: none, or what is no number. */
static uint64_t
asked_for(void)
{
	char text[6];
	uint64_t n = 0;

	if (!boot_option("ramdisk", text, sizeof text))
		return 0;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return 0;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	return n;
}

static bool
frames_take(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (tome_frame_alloc(the_vm, TOME_PAGE_KERNEL, TOME_FRAME_ZERO |
		    TOME_FRAME_DIRECT, &ram.pfn[i]) != TOME_OK) {
			while (i-- > 0)
				tome_frame_free(the_vm, ram.pfn[i]);
			return false;
		}
	return true;
}

void
ramdisk_start(void)
{
	uint64_t bytes = asked_for() << 20, n = bytes >> TOME_PAGE_SHIFT;

	if (n == 0)
		return;
	ram.pfn = tome_kmalloc(the_vm, n * sizeof *ram.pfn);
	if (ram.pfn == NULL || !frames_take(n)) {
		kprintf("no memory for a disk of %ju MiB\n", bytes >> 20);
		tome_kfree(the_vm, ram.pfn);
		return;
	}
	ram.block = (struct block){ .name = "ram0", .bytes = bytes,
		.transfer = ramdisk_transfer };
	block_add(&ram.block);
}
