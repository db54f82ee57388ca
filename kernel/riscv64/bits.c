/*
 * bits.c - what the compiler calls for operations on bits that the base instruction
 * set lacks.
 */
#include <stdint.h>

uint32_t __bswapsi2(uint32_t);
uint64_t __bswapdi2(uint64_t);
int __clzdi2(uint64_t);
int __ctzdi2(uint64_t);
int __popcountdi2(uint64_t);

uint32_t
__bswapsi2(uint32_t v)
{
	v = (v & 0xff00ff) << 8 | (v >> 8 & 0xff00ff);
	return v << 16 | v >> 16;
}

uint64_t
__bswapdi2(uint64_t v)
{
	return (uint64_t)__bswapsi2((uint32_t)v) << 32 |
	    __bswapsi2((uint32_t)(v >> 32));
}

int
__popcountdi2(uint64_t v)
{
	v -= v >> 1 & 0x5555555555555555u;
	v = (v & 0x3333333333333333u) + (v >> 2 & 0x3333333333333333u);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (int)(v * 0x0101010101010101u >> 56);
}

int
__ctzdi2(uint64_t v)
{
	return __popcountdi2((v & -v) - 1);
}

/* Of all ones from the highest one down. */
int
__clzdi2(uint64_t v)
{
	for (unsigned by = 1; by < 64; by *= 2)
		v |= v >> by;
	return __popcountdi2(~v);
}
