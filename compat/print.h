/*
 * print.h - a line of text, for the facades' dumps: they have no printf.
 *
 * What does not fit is left out.
 */
#ifndef COMPAT_PRINT_H
#define COMPAT_PRINT_H

#include <stddef.h>
#include <stdint.h>

struct compat_line {
	char text[160];
	size_t n;
};

static inline void
compat_put(struct compat_line *l, const char *s)
{
	while (*s != '\0' && l->n < sizeof l->text - 1)
		l->text[l->n++] = *s++;
	l->text[l->n] = '\0';
}

/* At least `digits` of them. */
static inline void
compat_put_hex(struct compat_line *l, uint64_t v, unsigned digits)
{
	char s[17];
	unsigned i = sizeof s - 1;

	s[i] = '\0';
	do {
		s[--i] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (i > 0 && (v != 0 || sizeof s - 1 - i < digits));
	compat_put(l, &s[i]);
}

static inline void
compat_put_dec(struct compat_line *l, uint32_t v)
{
	char s[11];
	unsigned i = sizeof s - 1;

	s[i] = '\0';
	do {
		s[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	compat_put(l, &s[i]);
}

static inline void
compat_put_count(struct compat_line *l, const char *what, uint64_t n)
{
	compat_put(l, what);
	compat_put_dec(l, (uint32_t)n);
}

#endif
