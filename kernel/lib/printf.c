/*
 * printf.c - formatted output into a buffer. A conversion is parsed into a
 * struct spec, turned into digits or text, and padded in one place.
 */
#include <lib.h>
#include <stdbool.h>

struct out {
	char *buf;
	size_t size, len;	/* len counts what did not fit too */
};

struct spec {
	bool left, zero, plus, space, alternate;
	int width, precision;	/* precision < 0: none given */
	int size;		/* -2 char, -1 short, 0 int, 1 long and wider */
	char conversion;
};

static const char *spec_parse(struct spec *, const char *, va_list *);
static void put_integer(struct out *, const struct spec *, va_list *);
static void put_text(struct out *, const struct spec *, const char *);
static void put_field(struct out *, const struct spec *, const char *prefix,
    unsigned zeros, const char *body, size_t len);

static void
put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void
put_conversion(struct out *o, const struct spec *s, va_list *args)
{
	char one[1];

	switch (s->conversion) {
	case 'c':
		one[0] = (char)va_arg(*args, int);
		put_field(o, s, "", 0, one, 1);
		break;
	case 's':
		put_text(o, s, va_arg(*args, const char *));
		break;
	case '%':
		put(o, '%');
		break;
	default:
		put_integer(o, s, args);
	}
}

int
vsnprintf(char *buf, size_t size, const char *format, va_list args)
{
	struct out o = { .buf = buf, .size = size };
	va_list ap;

	va_copy(ap, args);
	while (*format != '\0') {
		struct spec s;

		if (*format != '%') {
			put(&o, *format++);
			continue;
		}
		format = spec_parse(&s, format + 1, &ap);
		if (s.conversion == '\0')
			break;
		put_conversion(&o, &s, &ap);
	}
	va_end(ap);
	if (size > 0)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int
snprintf(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(buf, size, format, args);
	va_end(args);
	return len;
}

static const char *
parse_flags(struct spec *s, const char *f)
{
	for (;; f++) {
		if (*f == '-')
			s->left = true;
		else if (*f == '0')
			s->zero = true;
		else if (*f == '+')
			s->plus = true;
		else if (*f == ' ')
			s->space = true;
		else if (*f == '#')
			s->alternate = true;
		else
			return f;
	}
}

static const char *
parse_number(int *n, const char *f, va_list *args)
{
	*n = 0;
	if (*f == '*') {
		*n = va_arg(*args, int);
		return f + 1;
	}
	while (*f >= '0' && *f <= '9')
		*n = *n * 10 + (*f++ - '0');
	return f;
}

static const char *
spec_parse(struct spec *s, const char *f, va_list *args)
{
	*s = (struct spec){ .precision = -1 };
	f = parse_flags(s, f);
	f = parse_number(&s->width, f, args);
	if (s->width < 0) {
		s->left = true;
		s->width = -s->width;
	}
	if (*f == '.')
		f = parse_number(&s->precision, f + 1, args);
	for (;; f++) {
		if (*f == 'h')
			s->size--;
		else if (*f == 'l' || *f == 'z' || *f == 't')
			s->size++;
		else if (*f == 'j')
			s->size = 2;
		else
			break;
	}
	s->conversion = *f;
	return *f == '\0' ? f : f + 1;
}

static uint64_t
fetch_unsigned(const struct spec *s, va_list *args)
{
	if (s->size > 1)
		return va_arg(*args, uintmax_t);
	if (s->size > 0)
		return va_arg(*args, unsigned long);
	if (s->size == 0)
		return va_arg(*args, unsigned);
	return s->size == -1 ? (uint16_t)va_arg(*args, unsigned) :
	    (uint8_t)va_arg(*args, unsigned);
}

static int64_t
fetch_signed(const struct spec *s, va_list *args)
{
	if (s->size > 1)
		return va_arg(*args, intmax_t);
	if (s->size > 0)
		return va_arg(*args, long);
	if (s->size == 0)
		return va_arg(*args, int);
	return s->size == -1 ? (int16_t)va_arg(*args, int) :
	    (int8_t)va_arg(*args, int);
}

static const char *
sign_prefix(const struct spec *s, bool negative)
{
	if (negative)
		return "-";
	return s->plus ? "+" : s->space ? " " : "";
}

/* Digits of v, the last one at end[-1]; returns the first. */
static char *
digits(char *end, uint64_t v, unsigned base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	do {
		*--end = set[v % base];
		v /= base;
	} while (v != 0);
	return end;
}

static void
put_integer(struct out *o, const struct spec *s, va_list *args)
{
	char buf[24], *end = buf + sizeof buf, *p;
	const char *prefix = "";
	unsigned base = 10, zeros = 0, len;
	struct spec as = *s;
	uint64_t v;

	if (s->conversion == 'p')
		as.size = 1;
	if (s->conversion == 'd' || s->conversion == 'i') {
		int64_t n = fetch_signed(&as, args);

		prefix = sign_prefix(s, n < 0);
		v = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	} else {
		v = fetch_unsigned(&as, args);
		base = s->conversion == 'u' ? 10 : s->conversion == 'o' ? 8 : 16;
		if (base == 16 && (s->alternate || s->conversion == 'p'))
			prefix = "0x";
	}
	p = digits(end, v, base, s->conversion == 'X');
	len = (unsigned)(end - p);
	if (s->precision > (int)len)
		zeros = (unsigned)s->precision - len;
	else if (s->zero && !s->left && s->precision < 0 &&
	    s->width > (int)(len + strlen(prefix)))
		zeros = (unsigned)s->width - len - (unsigned)strlen(prefix);
	put_field(o, s, prefix, zeros, p, len);
}

static void
put_text(struct out *o, const struct spec *s, const char *text)
{
	size_t max = s->precision < 0 ? SIZE_MAX : (size_t)s->precision;

	if (text == NULL)
		text = "(null)";
	put_field(o, s, "", 0, text, strnlen(text, max));
}

static void
put_field(struct out *o, const struct spec *s, const char *prefix,
    unsigned zeros, const char *body, size_t len)
{
	size_t total = strlen(prefix) + zeros + len;
	size_t pad = s->width > 0 && (size_t)s->width > total ?
	    (size_t)s->width - total : 0;

	for (size_t i = 0; i < pad && !s->left; i++)
		put(o, ' ');
	while (*prefix != '\0')
		put(o, *prefix++);
	for (unsigned i = 0; i < zeros; i++)
		put(o, '0');
	for (size_t i = 0; i < len; i++)
		put(o, body[i]);
	for (size_t i = 0; i < pad && s->left; i++)
		put(o, ' ');
}
