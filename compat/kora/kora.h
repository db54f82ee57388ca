/*
 * kora.h - what the files of Kora's facade share.
 */
#ifndef COMPAT_KORA_H
#define COMPAT_KORA_H

#include <kernel/memory.h>
#include <tome/lock.h>
#include <tome/map.h>

#include "glue.h"

struct mspace_backing {
	struct tome_mutex lock;
	struct tome_map *map;
	struct tome_pmap *pmap;		/* the map's */
	uintptr_t bias;			/* pointer - address; 0 for users */
	vma_t *dead;			/* to be scavenged */
	uint64_t rounds;		/* when phys_pg_count was counted */
	mspace_t *next, *prev;		/* all user spaces */
};

struct kora {
	struct tome_vm *vm;
	struct compat_kora_hooks hooks;
	struct tome_object *memory;	/* all of it: offset is address */
	mspace_t *kspace;
	struct tome_mutex lock;		/* list of spaces */
	mspace_t *spaces;
};
extern struct kora kora_vm KORA(kora_vm);

#define KORA_MAX_VMA ((size_t)1 << 30)

/* Sets errno; -1, or 0 if there is none. */
int kora_result(enum tome_err) KORA(result);

/* ---- mspace.c ---- */

/* A space over a map, which it owns from now on even if there is no memory (NULL). */
mspace_t *kora_space_new(struct tome_map *, uintptr_t bias, size_t lo,
    size_t hi) KORA(space_new);
void kora_space_free(mspace_t *) KORA(space_free);
/* The space that `va` belongs to: the kernel's, or ms; and the one this CPU runs. */
mspace_t *kora_space_of(mspace_t *ms, size_t va) KORA(space_of);
mspace_t *kora_space_now(void) KORA(space_now);

/* The area that holds va; its lock is held. */
vma_t *kora_vma_at(mspace_t *, size_t va) KORA(vma_at);
/* What is present now becomes phys_pg_count; the lock is held. */
void kora_recount(mspace_t *) KORA(recount);
/* The same, if pages may have been taken since it was counted. */
void kora_count(mspace_t *) KORA(count);

#endif
