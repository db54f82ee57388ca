/*
 * armv7.h - what the files of the ARMv7 facade share.
 */
#ifndef COMPAT_ARMV7_H
#define COMPAT_ARMV7_H

#include <vm2.h>
#include <tome/kmem.h>
#include <tome/lock.h>
#include <tome/pmap.h>

#include "glue.h"

struct armv7 {
	struct compat_armv7_hooks hooks;
	struct tome_vm *vm;
};
extern struct armv7 armv7_vm COMPAT_LINK(armv7, armv7_vm);

/* ---- asid.c ---- */

void armv7_asid_start(void) COMPAT_LINK(armv7, asid_start);

/* ---- pmm.c ---- */

/* The translations behind a table; NULL: not one that is allocated. */
struct tome_pmap *armv7_pmap(const struct L1PageTable *)
    COMPAT_LINK(armv7, pmap);
/* An allocated page's frame; remember where the kernel has it. */
tome_pfn_t armv7_page_frame(const struct Page *)
    COMPAT_LINK(armv7, page_frame);
void armv7_page_in_kernel(struct Page *, tome_va_t)
    COMPAT_LINK(armv7, page_in_kernel);
/* An object's physical address. */
tome_pa_t armv7_physical(const void *) COMPAT_LINK(armv7, physical);
void armv7_pmm_stop(void) COMPAT_LINK(armv7, pmm_stop);


#endif
