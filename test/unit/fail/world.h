/*
 * world.h - each allocation of one call refused in turn.
 *
 * A scenario prepares a space, and acts on it once: N = 1, 2, ... the Nth
 * allocation of a kind (or every one from the Nth on) is refused, until the call
 * asks for none that is. Each time it must succeed, or say that memory is short
 * and leave all as it was; then it must succeed when asked again; and in the end
 * nothing is left.
 */
#ifndef TEST_FAIL_WORLD_H
#define TEST_FAIL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include <hosted.h>
#include <tome/kmem.h>
#include <tome/ledger.h>
#include <tome/paging.h>
#include <tome/posix.h>

#include "../fakefile.h"

#define PG ((tome_va_t)TOME_PAGE_SIZE)
#define LOW ((tome_va_t)16 << TOME_PAGE_SHIFT)
/* As far up as user addresses go on every port. */
#define TOP ((tome_va_t)(sizeof(tome_va_t) == 8 ? 0x3fffff0000 : 0x7fff0000))
#define AT ((tome_va_t)0x40000000)
#define BRK ((tome_va_t)0x10000000)
#define RO TOME_PROT_READ
#define RW (TOME_PROT_READ | TOME_PROT_WRITE)

struct world {
	struct hosted_machine *machine;
	struct tome_vm *vm;
	struct tome_shm_ns *shm;
	struct tome_posix *p;
	struct tome_map *map;
	/* What a scenario made, given back after each turn; NULL, 0: none. */
	struct tome_posix *child_space;
	struct tome_map *child;
	struct tome_object *ob, *over, *made;
	struct fakefile *file;
	struct tome_ledger *ledger;	/* the space's */
	/* FAIL_MAIN_PAGING: an area that every turn has. */
	uint8_t *swap;
	unsigned swap_id;
	struct tome_arena *arena;
	struct tome_cache *cache;
	void *memory;
	tome_span_t span;
	tome_va_t kernel;
	int segment;			/* -1: none */
};

/* What a failed call may have changed, and how it may say so. A set. */
#define FAIL_LAZY 1u	/* tables, chunks and amaps without content */
#define FAIL_PARTIAL 2u	/* some of what was asked, by its documentation */
#define FAIL_EFAULT 4u	/* memory of a space: EFAULT, whatever the reason */
#define FAIL_HOLE 8u	/* an object's page, with what showed there before */
#define FAIL_PAGED 16u	/* what is resident: contents are looked at by `verify` */

struct scenario {
	const char *name;
	void (*prepare)(struct world *);
	long (*act)(struct world *);	/* < 0: an errno */
	unsigned flags;
	void (*verify)(struct world *);	/* when it has succeeded; NULL: nothing */
};

/* With layer 6 and a swap area: memory is looked for before a call fails. */
#define FAIL_MAIN_PAGING(scenarios)					\
int									\
main(void)								\
{									\
	fail_paging();							\
	return fail_run(scenarios, sizeof scenarios / sizeof *scenarios); \
}
void fail_paging(void);
#define FAIL_MAIN(scenarios)						\
int									\
main(void)								\
{									\
	return fail_run(scenarios, sizeof scenarios / sizeof *scenarios); \
}
int fail_run(const struct scenario *, size_t n);

static inline long
result(enum tome_err err)
{
	return -(long)err;
}

/* ---- what scenarios are made of; all must succeed ---- */

/* Private memory of n pages at va; and a byte in a page of it. */
void world_enter(struct world *, tome_va_t va, unsigned n, tome_prot_t);
void world_poke(struct world *, tome_va_t va);
/* ob: six pages, of which 0, 2 and 5 are there; over: the same with ob as parent,
 * page 1 its own. */
void world_objects(struct world *);
/* An object in four pages at va. */
void world_map_object(struct world *, struct tome_object *, tome_va_t va,
    unsigned flags, uint64_t limit);
/* A file of six pages, page i filled with the byte i + 1. */
void world_file(struct world *);
/* The space is a group, of so many pages at most. */
void world_limit(struct world *, uint64_t pages);
/* The area of FAIL_MAIN_PAGING, again. */
void world_swap_on(struct world *);
/* A child that shares everything. */
void world_fork(struct world *);
void nothing(struct world *);
/* Eight pages at AT, some touched; the same shared with a child. */
void eight_pages(struct world *);
void eight_shared(struct world *);

#endif
