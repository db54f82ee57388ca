/*
 * sigfpu.h - the FPU state in a signal frame, for sigframe.c.
 */
#ifndef KERNEL_SIGFPU_H
#define KERNEL_SIGFPU_H

#include <stddef.h>
#include <stdint.h>

/* FSAVE's header, where there is one: 112 bytes. */
#ifndef SIGFPU_FSAVE
#define SIGFPU_FSAVE 0u
#endif

size_t sigfpu_bytes(void);
/* Of the caller's thread, to and from user space. From 0: as at a program's start. */
int sigfpu_put(uint64_t at);
int sigfpu_get(uint64_t at);

#endif
