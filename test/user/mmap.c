/*
 * mmap.c - cases: mapping and unmapping memory.
 */
#include "suite.h"

static void
mmap_reads_as_zero(void)
{
	char *p = suite_map(16, RW);

	REQUIRE(suite_filled(p, 0, 16 * PAGE));
}

static void
mmap_keeps_what_is_written(void)
{
	char *p = suite_map(64, RW);

	for (int i = 0; i < 64; i++)
		memset(p + i * PAGE, i + 1, PAGE);
	for (int i = 0; i < 64; i++)
		REQUIRE(suite_filled(p + i * PAGE, i + 1, PAGE));
}

static void
mmap_takes_a_free_hint(void)
{
	char *p = suite_map_alone(4, RW);

	REQUIRE(munmap(p, 4 * PAGE) == 0);
	REQUIRE(mmap(p, 2 * PAGE, RW, ANON, -1, 0) == p);
}

static void
mmap_rounds_a_hint_down(void)
{
	char *p = suite_map_alone(4, RW);

	REQUIRE(munmap(p, 4 * PAGE) == 0);
	REQUIRE(mmap(p + PAGE + 123, PAGE, RW, ANON, -1, 0) == p + PAGE);
}

static void
mmap_leaves_a_busy_hint(void)
{
	char *p = suite_map(4, RW), *q;

	*p = 7;
	q = mmap(p, 4 * PAGE, RW, ANON, -1, 0);
	REQUIRE(q != MAP_FAILED && q != p);
	REQUIRE(*p == 7 && *q == 0);
}

static void
mmap_fixed_replaces(void)
{
	char *p = suite_map(4, RW);

	memset(p, 9, 4 * PAGE);
	REQUIRE(mmap(p + PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0) ==
	    p + PAGE);
	REQUIRE(suite_filled(p, 9, PAGE));
	REQUIRE(suite_filled(p + PAGE, 0, 2 * PAGE));
	REQUIRE(suite_filled(p + 3 * PAGE, 9, PAGE));
}

static void
mmap_noreplace_refuses(void)
{
	char *p = suite_map(4, RW);

	*p = 5;
	REQUIRE_ERRNO(mmap(p + 3 * PAGE, 2 * PAGE, RW,
	    ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	REQUIRE(*p == 5);
}

static void
mmap_noreplace_takes_a_gap(void)
{
	char *p = suite_map_alone(4, RW);

	REQUIRE(munmap(p + PAGE, 2 * PAGE) == 0);
	REQUIRE(mmap(p + PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1,
	    0) == p + PAGE);
}

#ifdef __x86_64__
static void
mmap_32bit_lies_low(void)
{
	char *p = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);

	REQUIRE(p != MAP_FAILED);
	REQUIRE((uintptr_t)p + PAGE <= 1ul << 31);
	*p = 1;
}
#endif

static void
mmap_populate_is_resident(void)
{
	char *p = mmap(NULL, 16 * PAGE, RW, ANON | MAP_POPULATE, -1, 0);

	REQUIRE(p != MAP_FAILED);
	REQUIRE(suite_resident(p, 16 * PAGE) == 16);
}

static void
mmap_is_lazy(void)
{
	char *p = suite_map(16, RW);

	REQUIRE(suite_resident(p, 16 * PAGE) == 0);
	p[3 * PAGE] = 1;
	REQUIRE(suite_resident(p, 16 * PAGE) == 1);
}

static void
mmap_of_too_much_fails(void)
{
	REQUIRE_ERRNO(mmap(NULL, TOO_LONG, RW, ANON, -1, 0), ENOMEM);
	REQUIRE_ERRNO(mmap(NULL, USER_END, RW,
	    ANON | MAP_NORESERVE, -1, 0), ENOMEM);
}

static void
mmap_neighbours_merge(void)
{
	char *p = suite_map_alone(6, RW);

	REQUIRE(munmap(p + 2 * PAGE, 2 * PAGE) == 0);
	REQUIRE(suite_areas(p, 6 * PAGE) == 2);
	REQUIRE(mmap(p + 2 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0) ==
	    p + 2 * PAGE);
	REQUIRE(suite_areas(p, 6 * PAGE) == 1);
}

static void
mmap_large_sparse(void)
{
	const size_t len = BIG < 1ul << 31 ? BIG : 1ul << 36;
	char *p = mmap(NULL, len, RW, ANON | MAP_NORESERVE, -1, 0);

	REQUIRE(p != MAP_FAILED);
	for (size_t at = 0; at < len; at += len / 64)
		p[at] = (char)(at / (len / 64) + 1);
	for (size_t at = 0; at < len; at += len / 64)
		REQUIRE(p[at] == (char)(at / (len / 64) + 1));
	REQUIRE(munmap(p, len) == 0);
}

static void
munmap_leaves_nothing(void)
{
	char *p = suite_map(4, RW);

	memset(p, 1, 4 * PAGE);
	REQUIRE(munmap(p, 4 * PAGE) == 0);
	for (int i = 0; i < 4; i++)
		REQUIRE(traps(suite_read(p + i * PAGE), SIGSEGV, SEGV_MAPERR,
		    p + i * PAGE));
}

static void
munmap_of_a_middle_splits(void)
{
	char *p = suite_map_alone(5, RW);

	memset(p, 3, 5 * PAGE);
	REQUIRE(munmap(p + 2 * PAGE, PAGE) == 0);
	REQUIRE(suite_areas(p, 5 * PAGE) == 2);
	REQUIRE(suite_filled(p, 3, 2 * PAGE));
	REQUIRE(suite_filled(p + 3 * PAGE, 3, 2 * PAGE));
	REQUIRE(suite_read(p + 2 * PAGE).sig == SIGSEGV);
}

static void
munmap_over_holes(void)
{
	char *p = suite_map(8, RW);

	REQUIRE(munmap(p + PAGE, PAGE) == 0);
	REQUIRE(munmap(p + 4 * PAGE, PAGE) == 0);
	REQUIRE(munmap(p, 8 * PAGE) == 0);
	REQUIRE(munmap(p, 8 * PAGE) == 0);
}

static void
munmap_then_mmap_is_zero_again(void)
{
	char *p = suite_map(8, RW);

	for (int round = 0; round < 50; round++) {
		REQUIRE(suite_filled(p, 0, 8 * PAGE));
		memset(p, 0xee, 8 * PAGE);
		REQUIRE(munmap(p, 8 * PAGE) == 0);
		REQUIRE(mmap(p, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
	}
}

static void
munmap_of_many_pieces(void)
{
	enum { PIECES = 1000 };
	char *p = suite_map_alone(2 * PIECES, PROT_NONE);

	for (int i = 0; i < PIECES; i++)
		REQUIRE(mmap(p + 2 * i * PAGE, PAGE, RW, ANON | MAP_FIXED, -1,
		    0) == p + 2 * i * PAGE);
	REQUIRE(suite_areas(p, 2 * PIECES * PAGE) == 2 * PIECES);
	for (int i = 0; i < PIECES; i++)
		p[2 * i * PAGE] = 1;
	REQUIRE(munmap(p, 2 * PIECES * PAGE) == 0);
	REQUIRE(suite_areas(p, 2 * PIECES * PAGE) == 0);
}

static void
mmap_growsdown_grows(void)
{
	const size_t room = 600 * PAGE;	/* the guard gap is 256 pages */
	char *p = suite_map_alone(600, PROT_NONE), *stack;

	REQUIRE(munmap(p, room) == 0);
	stack = mmap(p + room - PAGE, PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED,
	    -1, 0);
	REQUIRE(stack == p + room - PAGE);
	for (int i = 0; i < 64; i++)
		REQUIRE(suite_write(stack - i * PAGE, 1).sig == 0);
}

static void
mmap_growsdown_keeps_a_gap(void)
{
	char *p = suite_map_alone(64, RW);

	REQUIRE(munmap(p + PAGE, 63 * PAGE) == 0);
	REQUIRE(mmap(p + 63 * PAGE, PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED,
	    -1, 0) == p + 63 * PAGE);
	REQUIRE(suite_write(p + 63 * PAGE, 1).sig == 0);
	REQUIRE(traps(suite_write(p + 63 * PAGE - 1, 1), SIGSEGV, SEGV_MAPERR,
	    p + 63 * PAGE - 1));
}

const struct suite_case cases_mmap[] = {
	CASE(mmap_reads_as_zero),
	CASE(mmap_keeps_what_is_written),
	CASE(mmap_takes_a_free_hint),
	CASE(mmap_rounds_a_hint_down),
	CASE(mmap_leaves_a_busy_hint),
	CASE(mmap_fixed_replaces),
	CASE(mmap_noreplace_refuses),
	CASE(mmap_noreplace_takes_a_gap),
#ifdef __x86_64__
	CASE(mmap_32bit_lies_low),
#endif
	CASE(mmap_populate_is_resident),
	CASE(mmap_is_lazy),
	CASE(mmap_of_too_much_fails),
	CASE(mmap_neighbours_merge),
	CASE(mmap_large_sparse),
	CASE(munmap_leaves_nothing),
	CASE(munmap_of_a_middle_splits),
	CASE(munmap_over_holes),
	CASE(munmap_then_mmap_is_zero_again),
	CASE(munmap_of_many_pieces),
	CASE(mmap_growsdown_grows),
	CASE(mmap_growsdown_keeps_a_gap),
	{ NULL, NULL },
};
