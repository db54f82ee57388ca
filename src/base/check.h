/*
 * check.h - broken invariants stop the machine; they are never an error code.
 *
 * TOME_CHECK stays in release builds and guards metadata. TOME_ASSERT is for
 * debug builds (TOME_DEBUG) and may cost.
 */
#ifndef TOME_BASE_CHECK_H
#define TOME_BASE_CHECK_H

#include <tome/host.h>

/* Panics through the instance's host; file:line and the text. */
_Noreturn void tome_panic_at(struct tome_vm *, const char *what,
    const char *file, unsigned line);

#define TOME_CHECK(vm, cond)                                             \
	((cond) ? (void)0 : tome_panic_at((vm), #cond, __FILE__, __LINE__))
#ifdef TOME_DEBUG
#define TOME_ASSERT(vm, cond) TOME_CHECK(vm, cond)
#else
#define TOME_ASSERT(vm, cond) ((void)sizeof((cond) ? 1 : 0))
#endif

#endif
