/*
 * asid_allocator.h - numbers for address spaces, 255 of them for any number of
 * spaces: each descriptor says whose turn with the number it was.
 *
 * What every call promises is in docs/compat/armv7.md, by number.
 */
#ifndef ARMV7_ASID_ALLOCATOR_H
#define ARMV7_ASID_ALLOCATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "../../link.h"

struct ASIDDescriptor {
	uint8_t asid;
	uint32_t cache_iteration;
};

/* Every number has been given out: from now on flushes are due. */
extern bool tlb_everything_allocated
    COMPAT_LINK(armv7, tlb_everything_allocated);

struct ASIDDescriptor asid_request_descriptor(void)
    COMPAT_LINK(armv7, asid_request_descriptor);
/* True: another space had the number since, flush it before use. */
bool asid_check_and_update(struct ASIDDescriptor *)
    COMPAT_LINK(armv7, asid_check_and_update);
void asid_set(uint8_t) COMPAT_LINK(armv7, asid_set);

#endif
