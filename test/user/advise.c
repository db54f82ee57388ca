/*
 * advise.c - cases: madvise, msync, mincore.
 */
#include "suite.h"

static void
advise_dontneed_zeroes(void)
{
	char *p = suite_map(8, RW);

	memset(p, 1, 8 * PAGE);
	REQUIRE(madvise(p + 2 * PAGE, 3 * PAGE, MADV_DONTNEED) == 0);
	REQUIRE(suite_filled(p, 1, 2 * PAGE));
	REQUIRE(suite_resident(p, 8 * PAGE) == 5);
	REQUIRE(suite_filled(p + 2 * PAGE, 0, 3 * PAGE));
	REQUIRE(suite_filled(p + 5 * PAGE, 1, 3 * PAGE));
}

static void
advise_dontneed_again_and_again(void)
{
	char *p = suite_map(64, RW);

	for (int i = 1; i < 100; i++) {
		memset(p, i, 64 * PAGE);
		REQUIRE(madvise(p, 64 * PAGE, MADV_DONTNEED) == 0);
		REQUIRE(p[(i % 64) * PAGE] == 0);
	}
}

static void
advise_dontneed_after_fork(void)
{
	char *p = suite_map(8, RW);
	int status;
	pid_t pid;

	memset(p, 1, 8 * PAGE);
	pid = fork();
	if (pid == 0) {
		REQUIRE(madvise(p, 4 * PAGE, MADV_DONTNEED) == 0);
		REQUIRE(suite_filled(p, 0, 4 * PAGE));
		REQUIRE(suite_filled(p + 4 * PAGE, 1, 4 * PAGE));
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
	REQUIRE(suite_filled(p, 1, 8 * PAGE));
}

static void
advise_dontneed_shared_keeps(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, SHARED_ANON, -1, 0);

	memset(p, 5, 4 * PAGE);
	REQUIRE(madvise(p, 4 * PAGE, MADV_DONTNEED) == 0);
	REQUIRE(suite_filled(p, 5, 4 * PAGE));
}

static void
advise_dontneed_private_file(void)
{
	int fd = suite_file(4);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);

	memset(p, 'z', 4 * PAGE);
	REQUIRE(madvise(p, 4 * PAGE, MADV_DONTNEED) == 0);
	for (int i = 0; i < 4; i++)
		REQUIRE(suite_filled(p + i * PAGE, 'a' + i, PAGE));
}

static void
advise_free_lets_write(void)
{
	char *p = suite_map(4, RW);

	memset(p, 1, 4 * PAGE);
	REQUIRE(madvise(p, 4 * PAGE, MADV_FREE) == 0);
	for (int i = 0; i < 4; i++) {
		char seen = p[i * PAGE];

		REQUIRE(seen == 0 || seen == 1);
		p[i * PAGE] = 9;
		REQUIRE(p[i * PAGE] == 9);
	}
}

static void
advise_free_of_shared_fails(void)
{
	char *p = mmap(NULL, PAGE, RW, SHARED_ANON, -1, 0);

	REQUIRE_ERRNO(madvise(p, PAGE, MADV_FREE), EINVAL);
}

static void
advise_remove_punches(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, SHARED_ANON, -1, 0);

	memset(p, 5, 4 * PAGE);
	REQUIRE(madvise(p + PAGE, PAGE, MADV_REMOVE) == 0);
	REQUIRE(suite_filled(p, 5, PAGE));
	REQUIRE(suite_filled(p + PAGE, 0, PAGE));
	REQUIRE_ERRNO(madvise(suite_map(1, RW), PAGE, MADV_REMOVE), EINVAL);
}

static void
advise_populate(void)
{
	char *p = suite_map(16, RW);

	REQUIRE(madvise(p, 8 * PAGE, MADV_POPULATE_WRITE) == 0);
	REQUIRE(suite_resident(p, 16 * PAGE) == 8);
	REQUIRE(madvise(p, 16 * PAGE, MADV_POPULATE_READ) == 0);
	REQUIRE(suite_resident(p, 16 * PAGE) == 16);
	REQUIRE(suite_filled(p, 0, 16 * PAGE));
}

static void
advise_populate_refused(void)
{
	char *p = suite_map_alone(4, RW);

	REQUIRE(mprotect(p, PAGE, PROT_READ) == 0);
	REQUIRE_ERRNO(madvise(p, PAGE, MADV_POPULATE_WRITE), EINVAL);
	REQUIRE(mprotect(p, PAGE, PROT_NONE) == 0);
	REQUIRE_ERRNO(madvise(p, PAGE, MADV_POPULATE_READ), EINVAL);
	REQUIRE(munmap(p + 2 * PAGE, PAGE) == 0);
	REQUIRE_ERRNO(madvise(p + PAGE, 3 * PAGE, MADV_POPULATE_READ), ENOMEM);
}

static void
advise_hints_are_taken(void)
{
	static const int hints[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		MADV_DONTDUMP, MADV_DODUMP, MADV_COLD, MADV_PAGEOUT,
	};
	char *p = suite_map(4, RW);

	memset(p, 1, 4 * PAGE);
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
		REQUIRE(madvise(p, 4 * PAGE, hints[i]) == 0);
	REQUIRE(suite_filled(p, 1, 4 * PAGE));
}

static void
advise_over_a_hole(void)
{
	char *p = suite_map_alone(4, RW);

	memset(p, 1, 4 * PAGE);
	REQUIRE(munmap(p + PAGE, PAGE) == 0);
	REQUIRE_ERRNO(madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	REQUIRE(suite_filled(p, 0, PAGE));
	REQUIRE(suite_filled(p + 2 * PAGE, 0, 2 * PAGE));
}

static void
advise_dontneed_of_locked_fails(void)
{
	char *p = suite_map(2, RW);

	memset(p, 1, 2 * PAGE);
	REQUIRE(mlock(p, PAGE) == 0);
	REQUIRE_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	REQUIRE_ERRNO(madvise(p, PAGE, MADV_FREE), EINVAL);
	REQUIRE(*p == 1);
	REQUIRE(munlock(p, PAGE) == 0);
	REQUIRE(madvise(p, PAGE, MADV_DONTNEED) == 0);
	REQUIRE(*p == 0);
}

static void
mincore_tells(void)
{
	char *p = suite_map(4, RW);
	unsigned char present[4];

	p[PAGE] = 1;
	REQUIRE(mincore(p, 4 * PAGE, present) == 0);
	REQUIRE(!(present[0] & 1) && present[1] & 1 && !(present[2] & 1));
}

static void
msync_of_memory(void)
{
	char *p = suite_map_alone(4, RW);

	REQUIRE(msync(p, 4 * PAGE, MS_SYNC) == 0);
	REQUIRE(msync(p, 4 * PAGE, MS_ASYNC) == 0);
	REQUIRE(msync(p, 4 * PAGE, MS_INVALIDATE) == 0);
	REQUIRE(mlock(p, PAGE) == 0);
	REQUIRE_ERRNO(msync(p, PAGE, MS_INVALIDATE), EBUSY);
	REQUIRE(munmap(p + PAGE, PAGE) == 0);
	REQUIRE_ERRNO(msync(p, 4 * PAGE, MS_SYNC), ENOMEM);
}

const struct suite_case cases_advise[] = {
	CASE(advise_dontneed_zeroes),
	CASE(advise_dontneed_again_and_again),
	CASE(advise_dontneed_after_fork),
	CASE(advise_dontneed_shared_keeps),
	CASE(advise_dontneed_private_file),
	CASE(advise_free_lets_write),
	CASE(advise_free_of_shared_fails),
	CASE(advise_remove_punches),
	CASE(advise_populate),
	CASE(advise_populate_refused),
	CASE(advise_hints_are_taken),
	CASE(advise_over_a_hole),
	CASE(advise_dontneed_of_locked_fails),
	CASE(mincore_tells),
	CASE(msync_of_memory),
	{ NULL, NULL },
};
