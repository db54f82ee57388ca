/*
 * tome_host_direct.h - the part of tome_host_inline.h that machines share: all frames and
 * the kernel's own addresses are found by one bias, and threads are scheduled freely.
 */
#ifndef TOME_HOST_DIRECT_H
#define TOME_HOST_DIRECT_H

#include <tome/types.h>

static inline void *
tome_host_frame_va(uintptr_t bias, tome_pa_t pa)
{
	return (void *)(bias + (uintptr_t)pa);
}

static inline void *
tome_host_kva(uintptr_t bias, tome_va_t va)
{
	return (void *)((uintptr_t)va + bias);
}

static inline void
tome_host_point(void)
{
}

#endif
