/*
 * copy.c - memcpy() and memset() by the CPU's own string instructions; words at a
 * time, since an emulator and an old CPU count each repetition.
 */
#include <lib.h>

void *
memcpy(void *restrict to, const void *restrict from, size_t n)
{
	void *d = to;
	const void *s = from;
	size_t words = n / 4, bytes = n % 4;

	__asm__ volatile("rep movsl"
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
	size_t words = n / 4, bytes = n % 4;
	uint32_t pattern = 0x01010101u * (uint8_t)byte;

	__asm__ volatile("rep stosl"
	    : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	if (bytes != 0)
		__asm__ volatile("rep stosb"
		    : "+D"(d), "+c"(bytes) : "a"(pattern) : "memory");
	return to;
}
