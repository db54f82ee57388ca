/*
 * range.h - what the files of Andromeda's facade share.
 */
#ifndef COMPAT_ANDROMEDA_RANGE_H
#define COMPAT_ANDROMEDA_RANGE_H

#include <mm/vm.h>
#include <tome/claim.h>
#include <tome/lock.h>
#include <tome/map.h>

#include "glue.h"

/*
 * Behind a segment. Its content is an object, so that it stays when no CPU has it
 * loaded; which parts of it are given out an arena decides, by offset.
 */
struct vm_backing {
	struct tome_mutex lock;		/* ranges, and `loaded` */
	struct tome_object *content;
	struct tome_arena *arena;
	uint32_t loaded;		/* CPUs; the kernel's: bit 0 */
	bool kernel;
	struct vm_range_descriptor *ranges;	/* a tree, by address */
};

struct andromeda {
	struct tome_vm *vm;
	struct compat_andromeda_config config;
	struct tome_object *memory;	/* all of it: offset is address */
	struct tome_claims *claims;	/* of units of it */
	uintptr_t bias;			/* of kernel pointers */
	struct tome_map *kernel;
	struct tome_map *space[CPU_LIMIT];	/* each CPU's page tables */
	struct tome_mutex lock;		/* the list of descriptors */
};
extern struct andromeda andromeda_vm ANDROMEDA(andromeda_vm);

/* The core's errors, as the old system has them; `other` for what it has no
 * number for. */
int andromeda_result(enum tome_err, int other) ANDROMEDA(result);

/* The address of a pointer into the segment. */
static inline tome_va_t
andromeda_va(const struct vm_segment *seg, const void *p)
{
	return (uintptr_t)p - (seg->pages->kernel ? andromeda_vm.bias : 0);
}

/* ---- range.c: descriptors on a segment's lists; its lock is held ---- */

/* A new one, on this list of its segment. */
void andromeda_range_add(struct vm_segment *, struct vm_range_descriptor **,
    struct vm_range_descriptor *, void *base, size_t) ANDROMEDA(range_add);
void andromeda_range_move(struct vm_range_descriptor *,
    struct vm_range_descriptor **) ANDROMEDA(range_move);
/* The range on this list that has the address, or NULL; or that begins there. */
struct vm_range_descriptor *andromeda_range_on(struct vm_segment *,
    struct vm_range_descriptor *const *, uintptr_t at) ANDROMEDA(range_on);
struct vm_range_descriptor *andromeda_range_at(struct vm_segment *,
    struct vm_range_descriptor *const *, const void *base)
    ANDROMEDA(range_at);
/* Of n bytes at base, at the front of a free range, `fresh` becomes the descriptor,
 * on the allocated list. */
void andromeda_range_carve(struct vm_segment *, void *base, size_t n,
    struct vm_range_descriptor *fresh) ANDROMEDA(range_carve);
/* It is free now; touching free ranges become one. */
void andromeda_range_release(struct vm_segment *,
    struct vm_range_descriptor *) ANDROMEDA(range_release);
/* All of them go; what was given out is the arena's again. */
void andromeda_ranges_drop(struct vm_segment *) ANDROMEDA(ranges_drop);
/* The reserve's memory goes back. */
void andromeda_reserve_drop(void) ANDROMEDA(reserve_drop);

/* ---- load.c ---- */

/* Take [base, base+size) out of every CPU's page tables; a fault brings back what is
 * there then. ENOMEM: some still have it. */
enum tome_err andromeda_hide(struct vm_segment *, void *base, size_t size)
    ANDROMEDA(hide) TOME_NODISCARD;
/* And put into the page tables of those that have it loaded what the mapped range
 * holds, or, where that is NULL, the content. ENOMEM: some lack it. */
enum tome_err andromeda_show(struct vm_segment *, void *base, size_t size,
    const struct vm_range_descriptor *) ANDROMEDA(show) TOME_NODISCARD;

/* ---- claim.c ---- */

enum tome_err andromeda_claims_start(void) ANDROMEDA(claims_start)
    TOME_NODISCARD;

#endif
