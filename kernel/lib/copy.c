/*
 * copy.c - memcpy() and memset() for machines without string instructions: four
 * words at a time where both ends are aligned alike.
 */
#include <lib.h>

/* May be anything's: no assumption about types follows from it. */
typedef unsigned long __attribute__((may_alias)) word;

#define WORD sizeof(word)

void *
memcpy(void *restrict to, const void *restrict from, size_t n)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	if ((((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
		for (; n > 0 && ((uintptr_t)d & (WORD - 1)) != 0; n--)
			*d++ = *s++;
		for (; n >= 4 * WORD; n -= 4 * WORD) {
			word a = ((const word *)(const void *)s)[0];
			word b = ((const word *)(const void *)s)[1];
			word c = ((const word *)(const void *)s)[2];
			word e = ((const word *)(const void *)s)[3];

			((word *)(void *)d)[0] = a;
			((word *)(void *)d)[1] = b;
			((word *)(void *)d)[2] = c;
			((word *)(void *)d)[3] = e;
			d += 4 * WORD;
			s += 4 * WORD;
		}
	}
	while (n-- > 0)
		*d++ = *s++;
	return to;
}

void *
memset(void *to, int byte, size_t n)
{
	unsigned char *d = to;
	word pattern = (word)-1 / 255 * (uint8_t)byte;

	for (; n > 0 && ((uintptr_t)d & (WORD - 1)) != 0; n--)
		*d++ = (uint8_t)byte;
	for (; n >= 4 * WORD; n -= 4 * WORD, d += 4 * WORD)
		for (unsigned i = 0; i < 4; i++)
			((word *)(void *)d)[i] = pattern;
	while (n-- > 0)
		*d++ = (uint8_t)byte;
	return to;
}
