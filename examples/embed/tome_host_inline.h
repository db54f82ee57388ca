/* One CPU that never turns interrupts on; the direct map is boot.S's. */
#ifndef TOME_HOST_INLINE_H
#define TOME_HOST_INLINE_H
#include <tome/types.h>
static inline unsigned tome_host_cpu(void) { return 0; }
static inline void tome_host_preempt_off(void) {}
static inline void tome_host_preempt_on(void) {}
static inline uintptr_t tome_host_irq_save(void) { return 0; }
static inline void tome_host_irq_restore(uintptr_t was) { (void)was; }
static inline void tome_host_relax(void) {}
static inline void tome_host_point(void) {}
static inline void *tome_host_frame_va(uintptr_t bias, tome_pa_t pa)
{ return (void *)(bias + pa); }
#endif
