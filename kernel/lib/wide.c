/*
 * wide.c - division of 64 bits, which a compiler asks for by these names where a
 * register has 32. Half of a quotient at a time if the divisor fits a register;
 * else bit by bit, at most 32 of them.
 */
#include <stdint.h>

uint64_t __udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest);
uint64_t __udivdi3(uint64_t n, uint64_t d);
uint64_t __umoddi3(uint64_t n, uint64_t d);
int64_t __divdi3(int64_t n, int64_t d);
int64_t __moddi3(int64_t n, int64_t d);

/* high < d: the quotient fits. */
static uint32_t
short_division(uint32_t high, uint32_t low, uint32_t d, uint32_t *rest)
{
	uint64_t r = high;
	uint32_t q = 0;

#ifdef __i386__
	__asm__("divl %4" : "=a"(q), "=d"(high)
	    : "0"(low), "1"(high), "rm"(d) : "cc");
	r = high;
#else
	for (int bit = 31; bit >= 0; bit--) {
		r = r << 1 | (low >> bit & 1);
		if (r >= d) {
			r -= d;
			q |= 1u << bit;
		}
	}
#endif
	*rest = (uint32_t)r;
	return q;
}

static uint64_t
long_division(uint64_t n, uint64_t d, uint64_t *rest)
{
	unsigned shift = n >= d ? (unsigned)(__builtin_clz((uint32_t)(d >> 32)) -
	    __builtin_clz((uint32_t)(n >> 32))) : 0;
	uint64_t q = 0;

	for (d <<= shift;; d >>= 1) {
		q <<= 1;
		if (n >= d) {
			n -= d;
			q |= 1;
		}
		if (shift-- == 0)
			break;
	}
	*rest = n;
	return q;
}

uint64_t
__udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest)
{
	uint32_t high = (uint32_t)(n >> 32), small = (uint32_t)d, r, q;

	if (d >> 32 != 0)
		return long_division(n, d, rest);
	r = high % small;
	high /= small;
	q = short_division(r, (uint32_t)n, small, &r);
	*rest = r;
	return (uint64_t)high << 32 | q;
}

uint64_t
__udivdi3(uint64_t n, uint64_t d)
{
	uint64_t rest;

	return __udivmoddi4(n, d, &rest);
}

uint64_t
__umoddi3(uint64_t n, uint64_t d)
{
	uint64_t rest;

	(void)__udivmoddi4(n, d, &rest);
	return rest;
}

static uint64_t
magnitude(int64_t v)
{
	return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

int64_t
__divdi3(int64_t n, int64_t d)
{
	uint64_t q = __udivdi3(magnitude(n), magnitude(d));

	return (int64_t)((n < 0) != (d < 0) ? 0 - q : q);
}

int64_t
__moddi3(int64_t n, int64_t d)
{
	uint64_t r = __umoddi3(magnitude(n), magnitude(d));

	return (int64_t)(n < 0 ? 0 - r : r);
}
