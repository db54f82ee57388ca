/*
 * copy.c - memcpy() and memset() by the CPU's own string instructions; words at a
 * time, since an emulator and an old CPU count each repetition.
 */
#include <lib.h>

#define WORD sizeof(long)
#ifdef __x86_64__
#define WORDS "q"
#else
#define WORDS "l"
#endif

void *
memcpy(void *restrict to, const void *restrict from, size_t n)
{
	void *d = to;
	const void *s = from;
	size_t words = n / WORD, bytes = n % WORD;

	__asm__ volatile("rep movs" WORDS
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
	size_t words = n / WORD, bytes = n % WORD;
	unsigned long pattern = ~0ul / 255 * (uint8_t)byte;

	__asm__ volatile("rep stos" WORDS
	    : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	if (bytes != 0)
		__asm__ volatile("rep stosb"
		    : "+D"(d), "+c"(bytes) : "a"(pattern) : "memory");
	return to;
}
