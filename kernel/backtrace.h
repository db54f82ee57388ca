/*
 * backtrace.h - who called whom, for last words.
 */
#ifndef KERNEL_BACKTRACE_H
#define KERNEL_BACKTRACE_H

#include <stdbool.h>
#include <stdint.h>

/* Bounds of the image's text (linker.ld). */
extern char text_start[], text_end[];
bool is_text(uintptr_t);

void backtrace(uintptr_t ip, uintptr_t sp);

/* The machine's part: what stands before a possible return address in the text; the
 * target of a direct call. */
enum call { NO_CALL, DIRECT, INDIRECT };
enum call machine_call_before(uintptr_t ret, uintptr_t *target);
/* And: print the registers of what was interrupted; where it was, and where its callers
 * lie. */
struct trap_frame;
void machine_registers(const struct trap_frame *, uintptr_t *ip,
    uintptr_t *sp);

#endif
