/*
 * memory.h - the four C library functions Tome asks of its host.
 */
#ifndef TOME_BASE_MEMORY_H
#define TOME_BASE_MEMORY_H

#include <stddef.h>

void *memcpy(void *restrict, const void *restrict, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);

#endif
