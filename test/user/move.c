/*
 * move.c - cases: mremap in its forms.
 */
#include "suite.h"

/* Page i holds i + 1 throughout. */
static void
number_pages(char *p, int n)
{
	for (int i = 0; i < n; i++)
		memset(p + i * PAGE, i + 1, PAGE);
}

static bool
pages_numbered(const char *p, int n)
{
	for (int i = 0; i < n; i++)
		if (!suite_filled(p + i * PAGE, i + 1, PAGE))
			return false;
	return true;
}

static void
move_grows_in_place(void)
{
	char *p = suite_map_alone(8, RW);

	number_pages(p, 4);
	REQUIRE(munmap(p + 4 * PAGE, 4 * PAGE) == 0);
	REQUIRE(mremap(p, 4 * PAGE, 8 * PAGE, 0) == p);
	REQUIRE(pages_numbered(p, 4));
	REQUIRE(suite_filled(p + 4 * PAGE, 0, 4 * PAGE));
	REQUIRE(suite_areas(p, 8 * PAGE) == 1);
}

static void
move_shrinks(void)
{
	char *p = suite_map(8, RW);

	number_pages(p, 8);
	REQUIRE(mremap(p, 8 * PAGE, 3 * PAGE, 0) == p);
	REQUIRE(pages_numbered(p, 3));
	REQUIRE(traps(suite_read(p + 3 * PAGE), SIGSEGV, SEGV_MAPERR,
	    p + 3 * PAGE));
}

static void
move_blocked_fails(void)
{
	char *p = suite_map_alone(8, RW);

	number_pages(p, 8);
	REQUIRE(mprotect(p + 4 * PAGE, PAGE, PROT_READ) == 0);
	REQUIRE_ERRNO(mremap(p, 4 * PAGE, 6 * PAGE, 0), ENOMEM);
	REQUIRE(pages_numbered(p, 8));
}

static void
move_when_blocked(void)
{
	char *p = suite_map_alone(8, RW), *q;

	number_pages(p, 4);
	REQUIRE(mprotect(p + 4 * PAGE, PAGE, PROT_READ) == 0);
	q = mremap(p, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED && q != p);
	REQUIRE(pages_numbered(q, 4));
	REQUIRE(suite_filled(q + 4 * PAGE, 0, 2 * PAGE));
	REQUIRE(suite_read(p).sig == SIGSEGV);
}

static void
move_to_a_place(void)
{
	char *p = suite_map(4, RW), *q = suite_map(4, RW);

	number_pages(p, 4);
	memset(q, 0x55, 4 * PAGE);
	REQUIRE(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    q) == q);
	REQUIRE(pages_numbered(q, 4));
	REQUIRE(suite_read(p).sig == SIGSEGV);
}

static void
move_back_and_forth(void)
{
	char *area = suite_map(2 * 1024, PROT_NONE);
	char *p = suite_map(1024, RW);

	number_pages(p, 100);
	for (int i = 0; i < 21; i++) {
		p = mremap(p, 1024 * PAGE, 1024 * PAGE,
		    MREMAP_MAYMOVE | MREMAP_FIXED, area + (i & 1) * 1024 * PAGE);
		REQUIRE(p == area + (i & 1) * 1024 * PAGE);
		REQUIRE(pages_numbered(p, 100));
	}
	REQUIRE(suite_filled(p + 100 * PAGE, 0, PAGE));
}

static void
move_by_odd_steps(void)
{
	char *area = suite_map_alone(1200, PROT_NONE);
	char *p = suite_map(520, RW);

	number_pages(p, 100);
	for (int i = 0; i < 20; i++) {
		char *to = area + ((i & 1) * 600 + 3 * i + 1) * PAGE;

		REQUIRE(mremap(p, 520 * PAGE, 520 * PAGE,
		    MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
		p = to;
		REQUIRE(pages_numbered(p, 100));
	}
}

static void
move_part_of_an_area(void)
{
	char *p = suite_map_alone(8, RW), *q = suite_map_alone(2, RW);

	number_pages(p, 8);
	REQUIRE(mremap(p + 3 * PAGE, 2 * PAGE, 2 * PAGE,
	    MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
	REQUIRE(suite_filled(q, 4, PAGE) && suite_filled(q + PAGE, 5, PAGE));
	REQUIRE(pages_numbered(p, 3));
	REQUIRE(suite_read(p + 3 * PAGE).sig == SIGSEGV);
	REQUIRE(suite_filled(p + 5 * PAGE, 6, PAGE));
}

static void
move_without_unmapping(void)
{
	char *p = suite_map_alone(4, RW), *q;

	number_pages(p, 4);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
	    NULL);
	REQUIRE(q != MAP_FAILED && q != p);
	REQUIRE(pages_numbered(q, 4));
	REQUIRE(suite_filled(p, 0, 4 * PAGE));
}

static void
move_of_nothing_doubles_shared(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, SHARED_ANON, -1, 0), *q;

	number_pages(p, 4);
	q = mremap(p, 0, 4 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED && q != p);
	REQUIRE(pages_numbered(q, 4));
	q[0] = 77;
	REQUIRE(p[0] == 77);
}

static void
move_of_nothing_private_fails(void)
{
	char *p = suite_map(4, RW);

	REQUIRE_ERRNO(mremap(p, 0, 4 * PAGE, MREMAP_MAYMOVE), EINVAL);
}

static void
move_keeps_rights(void)
{
	char *p = suite_map(2, RW), *q = suite_map(2, RW);

	*p = 3;
	REQUIRE(mprotect(p, 2 * PAGE, PROT_READ) == 0);
	REQUIRE(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    q) == q);
	REQUIRE(*q == 3);
	REQUIRE(traps(suite_write(q, 1), SIGSEGV, SEGV_ACCERR, q));
}

static void
move_of_forked_memory(void)
{
	char *p = suite_map(64, RW), *q = suite_map(64, RW);
	pid_t pid;
	int status;

	number_pages(p, 64);
	pid = fork();
	if (pid == 0) {
		q = mremap(p, 64 * PAGE, 64 * PAGE,
		    MREMAP_MAYMOVE | MREMAP_FIXED, q);
		REQUIRE(pages_numbered(q, 64));
		memset(q, 0, 64 * PAGE);
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
	REQUIRE(pages_numbered(p, 64));
}

static void
move_of_a_file_keeps_offset(void)
{
	int fd = suite_file(8);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 2 * PAGE), *q;

	REQUIRE(p != MAP_FAILED);
	q = mremap(p, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED);
	for (int i = 0; i < 6; i++)
		REQUIRE(suite_filled(q + i * PAGE, 'c' + i, PAGE));
}

const struct suite_case cases_move[] = {
	CASE(move_grows_in_place),
	CASE(move_shrinks),
	CASE(move_blocked_fails),
	CASE(move_when_blocked),
	CASE(move_to_a_place),
	CASE(move_back_and_forth),
	CASE(move_by_odd_steps),
	CASE(move_part_of_an_area),
	CASE(move_without_unmapping),
	CASE(move_of_nothing_doubles_shared),
	CASE(move_of_nothing_private_fails),
	CASE(move_keeps_rights),
	CASE(move_of_forked_memory),
	CASE(move_of_a_file_keeps_offset),
	{ NULL, NULL },
};
