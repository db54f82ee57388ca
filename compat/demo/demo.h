/*
 * demo.h - what a demo has beside its system's own header: a voice, and the
 * accesses of a program that runs in the address space that is loaded.
 */
#ifndef COMPAT_DEMO_H
#define COMPAT_DEMO_H

#include <stdbool.h>
#include <stdint.h>

/* A piece of the transcript. */
void demo_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * One byte read, written, or fetched as an instruction by the program. -1, false:
 * the fault it took could not be resolved, which is where a kernel kills it.
 */
int demo_peek(uintptr_t at);
bool demo_poke(uintptr_t at, int byte);
int demo_fetch(uintptr_t at);

/* The program's address space from now on, whatever type the system has for it;
 * NULL: none. (A context switch; systems that have a call for it use theirs.) */
void demo_switch(void *space);

/* A file, by name. */
void *demo_file(const char *name);

/* The physical address of free memory, 16 KiB of it and aligned to that. */
uintptr_t demo_frames(void);

#endif
