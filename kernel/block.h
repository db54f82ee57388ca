/*
 * block.h - disks: where swap areas, and the files /dev/NAME, keep their pages
 * (fs/block.c). Found once, as the machine starts; they never go.
 */
#ifndef KERNEL_BLOCK_H
#define KERNEL_BLOCK_H

#include <stdint.h>
#include <tome/io.h>

#define BLOCK_PAGES 32u			/* in one transfer, at most */

struct block {
	char name[8];
	uint64_t bytes;
	/* As struct tome_swap_device's start, within the disk's bounds. */
	void (*transfer)(struct block *, struct tome_io *);
};

/* One more. What there is no place for is as if it were not there. */
void block_add(struct block *);
/* The nth disk; NULL: there are fewer. */
struct block *block_get(unsigned n);
/* As struct tome_swap_device's start, struct tome_pager's read and write. */
void block_transfer(void *block, struct tome_io *);

/*
 * How long a store may take, in nanoseconds, before who waits for it gets EIO: of
 * patience= seconds; nothing said: PATIENCE_S. 0: for ever. What the device still has
 * then is not used again before it gives it back.
 */
#define PATIENCE_S 30u
uint64_t io_patience(void);

/* ---- ramdisk.c ---- */

/* ram0, of ramdisk= MiB; nothing said: none. */
void ramdisk_start(void);

#endif
