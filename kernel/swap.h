/*
 * swap.h - swapon(2), swapoff(2), and what /proc tells of them.
 */
#ifndef KERNEL_SWAP_H
#define KERNEL_SWAP_H

#include <stdbool.h>
#include <stdint.h>

/* swap= of the command line. */
void swap_start(void);

struct swap_info {
	char path[64];
	uint64_t pages, used;
	int priority;
	bool file;			/* else a disk */
};
/* The nth area in use; false: there are fewer. */
bool swap_look(unsigned n, struct swap_info *);
/* What became of the slots of all areas in use (<tome/swap.h>). */
struct tome_swap_stats;
void swap_ledger(struct tome_swap_stats *sum);
/* Of all areas, in pages. */
void swap_totals(uint64_t *pages, uint64_t *used);

#endif
