/*
 * copy.c - memcpy() and memset() for machines without string instructions: four
 * words at a time where both ends are aligned alike.
 *
 * What memmove() relies upon: a copy goes upwards, and nothing is stored before what
 * lay there was loaded. So the two may overlap, and are not `restrict` here.
 */
#include <lib.h>

/* May be anything's: no assumption about types follows from it. */
typedef unsigned long __attribute__((may_alias)) word;

#define WORD sizeof(word)

/* Whether words can be moved from s to d once d is aligned; how they are loaded. */
#ifdef __ARM_FEATURE_UNALIGNED
#define BY_WORDS(d, s) 1
typedef unsigned long __attribute__((may_alias, aligned(1))) source;
#else
#define BY_WORDS(d, s) ((((uintptr_t)(d) ^ (uintptr_t)(s)) & (WORD - 1)) == 0)
typedef word source;
#endif

/* Clears whole blocks from d on, at most n bytes, if the CPU can; says how many bytes. */
#if __has_include(<clear.h>)
#include <clear.h>
#else
static inline size_t
clear_blocks(void *d, size_t n)
{
	(void)d, (void)n;
	return 0;
}
#endif
#define CLEAR_LEAST 1024u		/* less is not worth asking */

static inline void
copy_four(word *d, const source *s)
{
	word a = s[0], b = s[1], c = s[2], e = s[3];

	d[0] = a;
	d[1] = b;
	d[2] = c;
	d[3] = e;
}

static inline void
set_four(word *d, word pattern)
{
	for (unsigned i = 0; i < 4; i++)
		d[i] = pattern;
}

void *
memcpy(void *to, const void *from, size_t n)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	if (BY_WORDS(d, s)) {
		for (; n > 0 && ((uintptr_t)d & (WORD - 1)) != 0; n--)
			*d++ = *s++;
		for (; n >= 8 * WORD; n -= 8 * WORD) {
			copy_four((word *)(void *)d,
			    (const source *)(const void *)s);
			copy_four((word *)(void *)d + 4,
			    (const source *)(const void *)s + 4);
			d += 8 * WORD;
			s += 8 * WORD;
		}
		for (; n >= WORD; n -= WORD) {
			*(word *)(void *)d = *(const source *)(const void *)s;
			d += WORD;
			s += WORD;
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
	if (byte == 0 && n >= CLEAR_LEAST) {
		size_t cleared = clear_blocks(d, n);

		d += cleared;
		n -= cleared;
	}
	for (; n >= 8 * WORD; n -= 8 * WORD, d += 8 * WORD) {
		set_four((word *)(void *)d, pattern);
		set_four((word *)(void *)d + 4, pattern);
	}
	for (; n >= WORD; n -= WORD, d += WORD)
		*(word *)(void *)d = pattern;
	while (n-- > 0)
		*d++ = (uint8_t)byte;
	return to;
}
