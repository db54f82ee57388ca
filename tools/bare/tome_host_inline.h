/*
 * tome_host_inline.h - the inline half of the host contract as plain functions.
 *
 * For builds that are never run: what the library asks of a host then shows up
 * as undefined symbols and can be compared with <tome/host.h>. See tools/names.
 */
#ifndef TOME_HOST_INLINE_H
#define TOME_HOST_INLINE_H

#include <tome/types.h>

unsigned tome_host_cpu(void);
void tome_host_preempt_off(void);
void tome_host_preempt_on(void);
uintptr_t tome_host_irq_save(void);
void tome_host_irq_restore(uintptr_t was);
void tome_host_relax(void);
void *tome_host_frame_va(uintptr_t bias, tome_pa_t pa);
void *tome_host_kva(uintptr_t bias, tome_va_t va);

static inline void
tome_host_point(void)
{
}

#endif
