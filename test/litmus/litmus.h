/*
 * litmus.h - programs, operations and their outcomes.
 */
#ifndef LITMUS_H
#define LITMUS_H

#include <stdbool.h>
#include <stdint.h>

/* Pages are numbered from 0 in an arena of two leaf tables' span each; page
 * LEAF is the first of the second table. */
#define LITMUS_LEAF 512u
#define LITMUS_PAGES 1024u
#define LITMUS_SPACES 3u
#define LITMUS_OPS 6u		/* of one CPU */
#define LITMUS_CPUS 3u
#define LITMUS_OBJECT_PAGES 8u

/* A set: how the machine is. */
#define LITMUS_FEW_ASIDS 1u	/* numbers 0 to 3 only */
#define LITMUS_SPECULATE 2u	/* TLBs fill by themselves */
#define LITMUS_BROADCAST 4u	/* the MMU takes flushes to all CPUs */
#define LITMUS_SWAP 8u		/* there is a swap area */
#define LITMUS_FILE 16u		/* the object is a file: page i holds
				 * LITMUS_STORED + i */
#define LITMUS_ONCE 32u		/* no page of the file is read twice */
#define LITMUS_TIER 64u		/* what is swapped out is packed first */
#define LITMUS_FAR 128u		/* the object has 15 pages more, far beyond, each in a
				 * chunk of its own, swapped out: OP_AWAY takes it */
#define LITMUS_STORED 32

enum litmus_kind {
	OP_END,
	OP_READ,	/* page's first byte: got = value, or -error */
	OP_WRITE,	/* value there: got = 0 or -error */
	OP_MAP,		/* n pages of zero, private, replacing */
	OP_MAP_SHARED,	/* n pages of the object, from its page `value` */
	OP_MAP_PRIVATE,	/* the same, privately */
	OP_UNMAP,	/* n pages */
	OP_PROTECT,	/* n pages; value: TOME_PROT_* */
	OP_DISCARD,	/* MADV_DONTNEED of n pages */
	OP_MOVE,	/* n pages to page `value` */
	OP_FORK,	/* space to space `value` */
	OP_END_SPACE,	/* drop the space */
	OP_RESIZE,	/* object to n pages */
	OP_PUNCH,	/* object's pages [page, page + n) */
	OP_ALIEN_WRITE,	/* value at page, as another space's writer */
	OP_ALIEN_READ,
	OP_SWITCH,	/* run this space on this CPU */
	OP_WIRE, OP_UNWIRE,	/* n pages */
	OP_MIGRATE,	/* give the page another frame, from the page side, as
			 * page-out comes: no effect that a program sees */
	OP_PAGE_OUT,	/* n pages to swap: no effect either */
	OP_PACK,	/* chunks that can be packed are */
	OP_AWAY,	/* the same, and leave memory if there are enough */
	OP_SWAP_OFF,	/* the area goes; nor here */
	OP_UNTIER,	/* from now on nothing is packed first; nor here */
	OP_BEHIND,	/* what is packed is written to its slots; nor here */
	OP_SHARE,	/* inherited shared; what is shared is not written any more */
	OP_QUIESCE,	/* what waits for an epoch is freed */
	OP_SYNC,	/* what the pages show of the file is written */
	OP_FILE_SYNC,	/* the same, n of the object's pages */
	OP_EVICT,	/* the object's page leaves, whoever maps it */
	OP_FILE_READ,	/* the object's page's first byte */
	OP_FILE_WRITE,	/* value there */
	OP_CAS,		/* word at page from 0 to value, through copy and access */
};

struct litmus_op {
	enum litmus_kind kind;
	unsigned space, page, n;
	int value;
};

struct litmus_done {
	const struct litmus_op *op;
	uint64_t began, ended;
	int got;
};

struct litmus {
	const char *name;
	unsigned cpus;
	unsigned how;			/* LITMUS_* */
	struct litmus_op before[LITMUS_OPS * 3];
	struct litmus_op run[LITMUS_CPUS][LITMUS_OPS];
};

struct litmus_list {
	const struct litmus *program;
	unsigned count;
};
extern const struct litmus_list litmus_memory, litmus_files;

/*
 * Does some order of the n operations, each within its time, give their results,
 * after `before`? And the contents of every page as `final` reads them (the last
 * operations of the list, done alone).
 */
bool litmus_explains(const struct litmus *, const struct litmus_done *,
    unsigned n);

#endif
