/*
 * test_copy.c - the reference kernel's memcpy(), memmove() and memset(), as it has them
 * on machines without string instructions: every distance, alignment and length up
 * to some words, against a copy by way of a third buffer.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Beside the C library's. */
#define memcpy kernel_memcpy
#define memmove kernel_memmove
#define memset kernel_memset
#define memcmp kernel_memcmp
#define memchr kernel_memchr
#define strlen kernel_strlen
#define strnlen kernel_strnlen
#define strcmp kernel_strcmp
#define strncmp kernel_strncmp
#define strchr kernel_strchr
#define strrchr kernel_strrchr
#define strlcpy kernel_strlcpy
#include "../../../kernel/lib/copy.c"
#undef WORD
#define word string_word
#include "../../../kernel/lib/string.c"
#undef memcmp

enum { ROOM = 192, MOST = 80 };

static unsigned char buffer[ROOM], wanted[ROOM];

static void
fill(void)
{
	for (unsigned i = 0; i < ROOM; i++)
		buffer[i] = wanted[i] = (unsigned char)(i * 7 + 1);
}

static void
move_one(unsigned to, unsigned from, unsigned n)
{
	unsigned char third[MOST];

	fill();
	for (unsigned i = 0; i < n; i++)
		third[i] = wanted[from + i];
	for (unsigned i = 0; i < n; i++)
		wanted[to + i] = third[i];
	assert_ptr_equal(kernel_memmove(buffer + to, buffer + from, n),
	    buffer + to);
	assert_memory_equal(buffer, wanted, ROOM);
}

static void
test_moves_overlap(void **state)
{
	(void)state;
	for (unsigned to = 8; to < 48; to++)
		for (unsigned from = 8; from < 48; from++)
			for (unsigned n = 0; n < MOST; n++)
				move_one(to, from, n);
}

static void
test_copies(void **state)
{
	unsigned char from[MOST];

	(void)state;
	for (unsigned i = 0; i < MOST; i++)
		from[i] = (unsigned char)(i * 5 + 3);
	for (unsigned at = 0; at < 16; at++)
		for (unsigned skip = 0; skip < 8; skip++)
			for (unsigned n = 0; n < MOST - 8; n++) {
				fill();
				for (unsigned i = 0; i < n; i++)
					wanted[at + i] = from[skip + i];
				kernel_memcpy(buffer + at, from + skip, n);
				assert_memory_equal(buffer, wanted, ROOM);
			}
}

static void
test_sets(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 16; at++)
		for (unsigned n = 0; n < MOST; n++) {
			fill();
			for (unsigned i = 0; i < n; i++)
				wanted[at + i] = 0xa5;
			kernel_memset(buffer + at, 0x1a5, n);
			assert_memory_equal(buffer, wanted, ROOM);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves_overlap),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
