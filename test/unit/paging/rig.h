/*
 * rig.h - a machine with little memory, all layers, and a swap device in memory whose
 * transfers can be queued, and made to fail.
 */
#ifndef TEST_PAGING_RIG_H
#define TEST_PAGING_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <hosted.h>
#include <map/map_i.h>
#include <paging/paging_i.h>

#define RIG_CPUS 4
#define PG TOME_PAGE_SIZE
#define AT ((tome_va_t)0x10000000)
#define RW (TOME_PROT_READ | TOME_PROT_WRITE)

#define RIG_QUEUE 64u

/* A swap device. */
struct disk {
	uint8_t *bytes;
	uint64_t pages;
	struct tome_swap_device device;
	unsigned id;
	bool queued;			/* transfers wait for disk_run() */
	struct tome_io *queue[RIG_QUEUE];
	_Atomic unsigned nqueue;
	_Atomic unsigned reads, writes, cancelled;
	/* The n-th from now fails, 1 the next; 0: none. */
	_Atomic unsigned fail_read, fail_write;
	uint64_t bad;			/* writes to this page fail; NONE: ~0 */
};

struct rig {
	struct hosted_machine *machine;
	struct tome_vm *vm;
	struct disk disk[2];
};

int rig_setup(void **state);
/* The same on another machine; how much memory it has is not the caller's to say. */
int rig_setup_machine(void **state, struct hosted_config);
int rig_teardown(void **state);
#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

/* Add disk d of so many pages. */
void rig_swapon(struct rig *, unsigned d, uint64_t pages, int priority);
/* Do what is queued; the last first if `reversed`. */
unsigned disk_run(struct disk *, bool reversed);

struct tome_map *rig_map(struct rig *);
void rig_enter(struct tome_map *, unsigned first, unsigned pages,
    unsigned flags);
/* Page n's first byte, as the space's own access; peek gives -error. */
void rig_poke(struct tome_map *, unsigned n, uint8_t);
int rig_peek(struct tome_map *, unsigned n);
/* madvise(PAGEOUT), and what it started is finished. */
void rig_page_out(struct rig *, struct tome_map *, unsigned first,
    unsigned pages);
void rig_check(struct rig *);
struct tome_swap_stats rig_swap(struct rig *, unsigned d);
uint64_t rig_anon_frames(struct rig *);

#endif
