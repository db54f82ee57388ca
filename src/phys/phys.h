/*
 * phys.h - layer 1 as tome_vm_create() and its kin see it.
 */
#ifndef TOME_PHYS_PHYS_H
#define TOME_PHYS_PHYS_H

#include <tome/phys.h>

/*
 * Carve the instance, its descriptors and stacks from the boot's ranges, and
 * hand the rest to the zones. Errors as tome_vm_create().
 */
enum tome_err tome_phys_init(const struct tome_boot *,
    struct tome_vm **out) TOME_NODISCARD;
/* What is taken by now was taken by tome_vm_create(). */
void tome_phys_booted(struct tome_vm *);
/*
 * As tome_frame_alloc(), from the direct map and preferably of an even number: two
 * descriptors share a cache line, and frames for tables that are allocated one after
 * the other may be locked by different CPUs ever after.
 */
enum tome_err tome_frame_alloc_even(struct tome_vm *, enum tome_identity,
    tome_pfn_t *out) TOME_NODISCARD;
/* Frames that were not given back, logging each kind. */
size_t tome_phys_fini(struct tome_vm *);
/* Frames by use. */
void tome_phys_stats(struct tome_vm *, struct tome_stats *);
/* Recount of zones, blocks, stacks and identities: NULL or a sentence. */
const char *tome_phys_check(struct tome_vm *);

#endif
