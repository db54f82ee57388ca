/*
 * lib.h - memory and string functions, formatted output.
 */
#ifndef KERNEL_LIB_H
#define KERNEL_LIB_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict, const void *restrict, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);
void *memchr(const void *, int, size_t);
size_t strlen(const char *);
size_t strnlen(const char *, size_t);
int strcmp(const char *, const char *);
int strncmp(const char *, const char *, size_t);
char *strchr(const char *, int);
char *strrchr(const char *, int);
/* Copies at most size - 1 bytes and always ends with a NUL; returns strlen(src). */
size_t strlcpy(char *, const char *src, size_t size);

/*
 * %d %i %u %x %X %o %c %s %p %% with flags 0 - + space #, width, precision (both also
 * *), and sizes hh h l ll z j t. Return what the whole would have taken.
 */
int vsnprintf(char *, size_t, const char *, va_list);
int snprintf(char *, size_t, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/* To the log, and to the console unless "quiet". Any context. */
void kprintf(const char *, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *, va_list);
/* The log's last bytes, oldest first; returns how many. */
size_t log_read(char *, size_t);
/* From now on the console hears all. */
void log_loud(void);

#endif
