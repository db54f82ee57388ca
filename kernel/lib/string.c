/*
 * string.c - memory and string functions. The three that the compiler and Tome
 * call most are the CPU's own string instructions; words at a time, since an
 * emulator and an old CPU count each repetition.
 */
#include <lib.h>
#include <stdbool.h>

void *
memcpy(void *restrict to, const void *restrict from, size_t n)
{
	void *d = to;
	const void *s = from;
	size_t words = n / 8, bytes = n % 8;

	__asm__ volatile("rep movsq"
	    : "+D"(d), "+S"(s), "+c"(words) : : "memory");
	if (bytes != 0)
		__asm__ volatile("rep movsb"
		    : "+D"(d), "+S"(s), "+c"(bytes) : : "memory");
	return to;
}

void *
memset(void *to, int byte, size_t n)
{
	void *d = to;
	size_t words = n / 8, bytes = n % 8;
	uint64_t pattern = 0x0101010101010101u * (uint8_t)byte;

	__asm__ volatile("rep stosq"
	    : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	if (bytes != 0)
		__asm__ volatile("rep stosb"
		    : "+D"(d), "+c"(bytes) : "a"(pattern) : "memory");
	return to;
}

void *
memmove(void *to, const void *from, size_t n)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= n)
		return memcpy(to, from, n);
	while (n-- > 0)
		d[n] = s[n];
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
