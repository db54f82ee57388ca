/*
 * world.h - a machine whose storage goes wrong: two files and a swap device, one
 * transfer of which, or every one from it on, is not done as it should be.
 *
 * Nothing here takes time: the clock stands still but for waits, and who waits has
 * the device go on. A page of anonymous memory carries its number (ID_AT), so that
 * what a transfer held is known wherever it was.
 */
#ifndef TEST_STORAGE_WORLD_H
#define TEST_STORAGE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <hosted.h>
#include <map/map_i.h>
#include <paging/paging_i.h>
#include <tome/pager.h>

#define PG TOME_PAGE_SIZE
#define AREA_PAGES 32u
#define DISK_PAGES 256u
#define PATIENCE 5000000u		/* ns */

enum wrong {
	WRONG_ERROR,			/* EIO, nothing moved */
	WRONG_SHORT,			/* EIO, half of it moved */
	WRONG_LATE,			/* done when nobody waits any more */
	WRONG_REORDERED,		/* done after later ones */
	WRONG_NEVER,			/* given back when the device is reset */
	WRONG_CANCELLED,		/* given back when asked to, or its time is over */
	WRONGS
};

/* What programs see: pages of three kinds, each in every space. */
enum area { SHARED, PRIVATE, ANON, AREAS };
#define IDS (AREAS * AREA_PAGES)
#define ID_AT 8u			/* in a page: its number, */
#define VALUE_AT 16u			/* and what is written to it */

struct store {
	struct world *world;
	uint8_t *bytes;
	uint64_t len;
	unsigned first_id;		/* of a file's pages */
	bool swap, gone;
	unsigned failed;		/* writes that were told to have failed */
	struct tome_object *object;
};

#define HELD 64u
struct world {
	struct hosted_machine *machine;
	struct tome_vm *vm;
	struct tome_map *map[2];	/* a process, and its child */
	struct tome_ledger *ledger;	/* theirs; NULL: none */
	struct store file[2], disk;	/* of SHARED, of PRIVATE; swap */
	unsigned swap_id;
	/* The nth transfer from the start, 1 the first, goes wrong; 0: none. */
	unsigned nth;
	bool on;			/* and so do all later ones */
	enum wrong wrong;
	unsigned transfers, waits;
	bool hit;			/* one did */
	bool lost[IDS];			/* pages it held */
	struct held {
		struct store *store;
		struct tome_io *io;
		uint64_t due;
		unsigned after;		/* so many transfers */
		uint64_t most;		/* bytes to be moved */
	} held[HELD];
	unsigned nheld;
};

void world_create(struct world *, enum wrong, unsigned nth, bool on);
/* The spaces are a group that has so many pages at most. Before any is touched. */
void world_limit(struct world *, uint64_t pages);
/* A file's store, after its object: what is still to be written beyond its new end is
 * not. */
void world_truncate(struct store *, uint64_t len);
/* Add the swap device (again). */
void world_swapon(struct world *);
/* The device does what it should from here on, and what it still has. */
void world_heal(struct world *);
/* Nothing is left, and nothing leaked. */
void world_destroy(struct world *);
/* What was done is finished, and every invariant holds. */
void world_settle(struct world *);

tome_va_t page_va(enum area, unsigned page);
static inline unsigned
page_id(enum area area, unsigned page)
{
	return area * AREA_PAGES + page;
}

#endif
