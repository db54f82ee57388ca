/*
 * boot.h - an instance on a hosted machine, in one call; for tests. Inline, so
 * that the machine itself needs no library.
 */
#ifndef HOSTED_BOOT_H
#define HOSTED_BOOT_H

#include <tome/pmap.h>

#include "hosted.h"

/* Of the kernel's addresses so many, the highest, are not the instance's to give
 * out, but for a map of the caller's; *start is the first. */
static inline enum tome_err
hosted_vm_create_aside(struct hosted_machine *m, tome_va_t aside,
    tome_va_t *start, struct tome_vm **out)
{
	struct tome_boot boot;
	enum tome_err err;
	unsigned cpu;

	hosted_become(m, 0);
	hosted_boot(m, &boot);
	hosted_leave_stale(m);
	boot.kernel_end -= aside;
	*start = boot.kernel_end;
	err = tome_vm_create(&boot, out);
	if (err != TOME_OK)
		return err;
	hosted_attach(m, *out, tome_vm_interrupt, tome_frame_identity);
	for (cpu = 1; cpu < boot.ncpus; cpu++) {
		hosted_become(m, cpu);
		tome_pmap_cpu_start(*out);
	}
	hosted_become(m, 0);
	return TOME_OK;
}

/* Create the instance of m, attach it, start every CPU; this thread is then CPU
 * 0 of m. What fails is tome_vm_create()'s error. */
static inline enum tome_err
hosted_vm_create(struct hosted_machine *m, struct tome_vm **out)
{
	tome_va_t end;

	return hosted_vm_create_aside(m, 0, &end, out);
}

/* Tear it down; what tome_vm_destroy() says. The machine stays. */
static inline size_t
hosted_vm_destroy(struct hosted_machine *m, struct tome_vm *vm)
{
	size_t leaked;

	hosted_settle(m);
	hosted_become(m, 0);
	leaked = tome_vm_destroy(vm);
	hosted_attach(m, NULL, NULL, NULL);
	return leaked;
}

#endif
