/*
 * text.c - building short sentences without a C library.
 *
 * Invariant: *at is the terminator, and at <= last.
 * Locks: none; a text belongs to who made it.
 */
#include <base/text.h>

static void text_char(struct tome_text *, char);

struct tome_text
tome_text_begin(char *buf, size_t size)
{
	*buf = '\0';
	return (struct tome_text){ .at = buf, .last = buf + size - 1 };
}

void
tome_text_str(struct tome_text *t, const char *s)
{
	for (; *s != '\0'; s++)
		text_char(t, *s);
}

/*
 * Digits from the left, each by subtraction: 64-bit division is a library call on
 * some CPUs.
 */
void
tome_text_dec(struct tome_text *t, uint64_t n)
{
	static const uint64_t power[] = { 1, 10, 100, 1000, 10000, 100000,
		1000000, 10000000, 100000000, 1000000000, 10000000000,
		100000000000, 1000000000000, 10000000000000,
		100000000000000, 1000000000000000, 10000000000000000,
		100000000000000000, 1000000000000000000,
		10000000000000000000u };
	unsigned i = sizeof power / sizeof power[0] - 1;
	char digit;

	while (i > 0 && n < power[i])
		i--;
	for (;; i--) {
		for (digit = '0'; n >= power[i]; n -= power[i])
			digit++;
		text_char(t, digit);
		if (i == 0)
			break;
	}
}

void
tome_text_hex(struct tome_text *t, uint64_t n)
{
	unsigned shift = 60;

	tome_text_str(t, "0x");
	while (shift > 0 && n >> shift == 0)
		shift -= 4;
	for (;; shift -= 4) {
		text_char(t, "0123456789abcdef"[n >> shift & 15]);
		if (shift == 0)
			break;
	}
}

static void
text_char(struct tome_text *t, char c)
{
	if (t->at == t->last)
		return;
	*t->at++ = c;
	*t->at = '\0';
}
