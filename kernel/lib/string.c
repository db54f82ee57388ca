/*
 * string.c - memory and string functions, but for the two that are called most:
 * memcpy() and memset() are the machine's (copy.c, which is here for those without
 * instructions of that kind).
 */
#include <lib.h>
#include <stdbool.h>

/* May be anything's: no assumption about types follows from it. */
typedef unsigned long __attribute__((may_alias)) word;

#define WORD sizeof(word)

/* Upwards is memcpy()'s way (copy.c); downwards by words where both ends are
 * aligned alike. */
void *
memmove(void *to, const void *from, size_t n)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= n)
		return memcpy(to, from, n);
	d += n;
	s += n;
	if ((((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
		for (; n > 0 && ((uintptr_t)d & (WORD - 1)) != 0; n--)
			*--d = *--s;
		for (; n >= WORD; n -= WORD) {
			d -= WORD;
			s -= WORD;
			*(word *)(void *)d = *(const word *)(const void *)s;
		}
	}
	while (n-- > 0)
		*--d = *--s;
	return to;
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

void *
memchr(const void *in, int byte, size_t n)
{
	const unsigned char *p = in;

	for (size_t i = 0; i < n; i++)
		if (p[i] == (unsigned char)byte)
			return (void *)(uintptr_t)&p[i];
	return NULL;
}

size_t
strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

size_t
strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int
strncmp(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];

		if (x != y)
			return x < y ? -1 : 1;
		if (x == '\0')
			break;
	}
	return 0;
}

int
strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *
strchr(const char *s, int byte)
{
	for (;; s++) {
		if (*s == (char)byte)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

char *
strrchr(const char *s, int byte)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)byte)
			last = s;
		if (*s == '\0')
			return (char *)(uintptr_t)last;
	}
}

size_t
strlcpy(char *to, const char *from, size_t size)
{
	size_t len = strlen(from);

	if (size > 0) {
		size_t n = len < size ? len : size - 1;

		memcpy(to, from, n);
		to[n] = '\0';
	}
	return len;
}
