/*
 * world.h - an instance on a hosted machine and the model beside it; one
 * operation runs on both, and everything is compared.
 */
#ifndef ORACLE_WORLD_H
#define ORACLE_WORLD_H

#include <boot.h>
#include <tome/ledger.h>
#include <tome/map.h>
#include <tome/pager.h>

#include "model.h"
#include "op.h"

#define W_CPUS 3
#define W_FIRST_FRAME ((tome_pfn_t)256)
#define W_FRAMES 6144u			/* 24 MiB of memory, of 4 KiB pages */
#define W_DIRECT_END ((tome_pfn_t)3328)

/* An area that is swapped to; some slots of a bad one cannot be written. */
#define W_AREAS 2
struct w_area {
	unsigned char *bytes;
	unsigned id;
	int priority;
	bool bad;
};

struct world {
	struct hosted_machine *m;
	struct tome_vm *vm;
	struct model model;
	struct tome_map *map[M_SPACES];		/* NULL: no such space */
	struct tome_object *object[M_OBJECTS];
	struct tome_map *running[W_CPUS];
	struct w_area area[W_AREAS];
	struct tome_ledger *ledger;		/* of every space; NULL: none */
	bool paged;				/* pages may not be resident */
	bool chose;				/* the instance chose which */
	bool executes_all;			/* what is there, whatever its rights */
	uint64_t digest;			/* of all that was seen */
	size_t look;				/* bytes of a page in it */
	char why[512];				/* the first divergence */
};

/* False: w->why. */
bool world_start(struct world *, unsigned modes, uint64_t seed, unsigned cpu);
bool world_step(struct world *, const struct op *);
/* Everything goes; nothing may be left. */
bool world_end(struct world *);

/* ---- for operations ---- */

#define W_LO (((tome_va_t)1 << 30) - 40 * TOME_PAGE_SIZE)
static inline tome_va_t
w_va(unsigned page)
{
	return W_LO + (tome_va_t)page * TOME_PAGE_SIZE;
}

bool w_differ(struct world *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Any CPU of the format, by the seed. */
#define W_ANY_CPU (~0u)
/* Into the digest: n bytes that no page-table format may change. */
void w_digest(struct world *, const void *, size_t n);
/* The same: what an operation answered, and a number with it. */
void w_answer(struct world *, enum tome_err, uint64_t);
/* This thread is CPU cpu and runs the space's map. */
void w_run(struct world *, unsigned cpu, unsigned space);
/* No CPU runs it any more. */
void w_stop(struct world *, struct tome_map *);
/* Names of mappings; the first is none. */
extern const char *const w_names[4];
/* Layer 6, with swap areas in memory, and for some seeds a small group of all. */
bool paging_start(struct world *, uint64_t seed);
/* Nobody is charged for anything any more. */
bool paging_end(struct world *);
/* Carry out op on both. */
bool w_operate(struct world *, const struct op *);

#endif
