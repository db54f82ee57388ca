/*
 * fakefile.h - a file system of one file in memory, for tests of vnode objects.
 *
 * Transfers are done at once, or queued until fakefile_run(). Any may be made to
 * fail. Page-aligned growth is the test's to do (store is as large as it gets).
 */
#ifndef TEST_UNIT_FAKEFILE_H
#define TEST_UNIT_FAKEFILE_H

#include <tome/pager.h>

#define FAKEFILE_BYTES (256u * (size_t)TOME_PAGE_SIZE)
#define FAKEFILE_QUEUE 64u

struct fakefile {
	struct tome_pager pager;
	struct tome_object *object;
	uint8_t *store;
	uint64_t len;			/* of what is stored */
	bool queued;			/* transfers wait for fakefile_run() */
	struct tome_io *queue[FAKEFILE_QUEUE];
	_Atomic unsigned nqueue;
	/* The n-th read or write from now fails, 1 the next; 0: none. */
	unsigned fail_read, fail_write;
	enum tome_err fail_with;
	enum tome_err notify;		/* what write_notify says */
	/* Seen so far. */
	_Atomic unsigned reads, writes, pages_read, pages_written, notified,
	    cancelled;
	bool gone;
};

/* A file of len bytes; page i is filled with the byte i + 1. */
void fakefile_open(struct fakefile *, struct tome_vm *, uint64_t len);
/* Do what is queued, the last first if `reversed`. How many. */
unsigned fakefile_run(struct fakefile *, bool reversed);

/*
 * The last name goes; what it started is finished; the object ends, and the store with
 * it.
 */
void fakefile_close(struct fakefile *, struct tome_vm *);
struct tome_object_pages fakefile_pages(struct fakefile *);

#endif
