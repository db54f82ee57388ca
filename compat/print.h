/*
 * print.h - a line of text, for the facades' dumps: they have no printf.
 *
 * Of printf's language this is %s, %zu and %0Nzx, N digits or as many as it takes. What
 * does not fit in a line is left out.
 */
#ifndef COMPAT_PRINT_H
#define COMPAT_PRINT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

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

static inline void
compat_put_number(struct compat_line *l, size_t v, bool hex, unsigned digits)
{
	char s[24];
	unsigned i = sizeof s - 1;

	s[i] = '\0';
	do {
		s[--i] = "0123456789abcdef"[hex ? v & 15 : v % 10];
		v = hex ? v >> 4 : v / 10;
	} while (v != 0 || sizeof s - 1 - i < digits);
	compat_put(l, &s[i]);
}

/* What is at `f`, behind a percent sign; where it ends. */
static inline const char *
compat_put_argument(struct compat_line *l, const char *f, va_list *args)
{
	unsigned digits = 1;

	if (*f == 's') {
		compat_put(l, va_arg(*args, const char *));
		return f + 1;
	}
	if (*f == '0') {
		digits = (unsigned)(f[1] - '0');
		f += 2;
	}
	compat_put_number(l, va_arg(*args, size_t), f[1] == 'x', digits);
	return f + 2;
}

static inline __attribute__((format(printf, 2, 3))) void
compat_print(void (*log)(const char *), const char *format, ...)
{
	struct compat_line l = { .n = 0 };
	char one[2] = "";
	va_list args;

	va_start(args, format);
	while (*format != '\0')
		if (*format == '%') {
			format = compat_put_argument(&l, format + 1, &args);
		} else {
			one[0] = *format++;
			compat_put(&l, one);
		}
	va_end(args);
	log(l.text);
}

#endif
