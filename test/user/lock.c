/*
 * lock.c - cases: locked memory and limits.
 */
#include "suite.h"

static void
lock_makes_resident(void)
{
	char *p = suite_map(8, RW);

	REQUIRE(mlock(p + 100, 4 * PAGE) == 0);
	REQUIRE(suite_resident(p, 8 * PAGE) == 5);
	REQUIRE(munlock(p, 8 * PAGE) == 0);
}

static void
lock_on_fault_waits(void)
{
	char *p = suite_map(8, RW);

	REQUIRE(mlock2(p, 8 * PAGE, 1 /* MLOCK_ONFAULT */) == 0);
	REQUIRE(suite_resident(p, 8 * PAGE) == 0);
	p[PAGE] = 1;
	REQUIRE(suite_resident(p, 8 * PAGE) == 1);
}

static void
lock_flag_of_mmap(void)
{
	char *p = mmap(NULL, 8 * PAGE, RW, ANON | MAP_LOCKED, -1, 0);

	REQUIRE(p != MAP_FAILED);
	REQUIRE(suite_resident(p, 8 * PAGE) == 8);
}

static void
lock_all_future(void)
{
	char *p;

	REQUIRE(mlockall(MCL_FUTURE) == 0);
	p = suite_map(4, RW);
	REQUIRE(suite_resident(p, 4 * PAGE) == 4);
	REQUIRE(munlockall() == 0);
	p = suite_map(4, RW);
	REQUIRE(suite_resident(p, 4 * PAGE) == 0);
}

static void
lock_all_current(void)
{
	char *p = suite_map(4, RW);

	REQUIRE(mlockall(MCL_CURRENT) == 0);
	REQUIRE(suite_resident(p, 4 * PAGE) == 4);
	REQUIRE(munlockall() == 0);
}

static void
lock_copies_for_write(void)
{
	char *p = suite_map(4, RW);
	int status;
	pid_t pid;

	memset(p, 1, 4 * PAGE);
	pid = fork();
	if (pid == 0) {
		REQUIRE(mlock(p, 4 * PAGE) == 0);
		memset(p, 2, 4 * PAGE);
		REQUIRE(suite_filled(p, 2, 4 * PAGE));
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
	REQUIRE(suite_filled(p, 1, 4 * PAGE));
}

static void
lock_over_a_hole(void)
{
	char *p = suite_map_alone(4, RW);

	REQUIRE(munmap(p + PAGE, PAGE) == 0);
	REQUIRE_ERRNO(mlock(p, 4 * PAGE), ENOMEM);
	REQUIRE_ERRNO(munlock(p, 4 * PAGE), ENOMEM);
}

static void
lock_of_no_access(void)
{
	char *p = suite_map(2, PROT_NONE);

	REQUIRE_ERRNO(mlock(p, PAGE), ENOMEM);
}

static void
limit_of_address_space(void)
{
	struct rlimit limit = { 64ul << 20, 64ul << 20 };
	char *p;

	REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
	REQUIRE_ERRNO(mmap(NULL, 128ul << 20, RW, ANON, -1, 0), ENOMEM);
	p = suite_map(16, RW);
	REQUIRE(suite_write(p, 1).sig == 0);
	REQUIRE_ERRNO(mremap(p, 16 * PAGE, 128ul << 20, MREMAP_MAYMOVE),
	    ENOMEM);
}

static void
limit_of_data(void)
{
	struct rlimit limit = { 32ul << 20, 32ul << 20 };

	REQUIRE(setrlimit(RLIMIT_DATA, &limit) == 0);
	REQUIRE_ERRNO(mmap(NULL, 64ul << 20, RW, ANON, -1, 0), ENOMEM);
	REQUIRE(mmap(NULL, 64ul << 20, PROT_READ, ANON, -1, 0) != MAP_FAILED);
	REQUIRE(mmap(NULL, 64ul << 20, RW, SHARED_ANON, -1, 0) != MAP_FAILED);
}

/* Linux has kept it, and not looked at it, since 2.4.30. */
static void
limit_of_resident(void)
{
	struct rlimit limit = { PAGE, 64 * PAGE }, now = { 0, 0 };
	char *p = suite_map(64, RW);

	REQUIRE(setrlimit(RLIMIT_RSS, &limit) == 0);
	REQUIRE(getrlimit(RLIMIT_RSS, &now) == 0);
	REQUIRE(now.rlim_cur == PAGE && now.rlim_max == 64 * PAGE);
	for (int i = 0; i < 64; i++)
		REQUIRE(suite_write(p + i * PAGE, 1).sig == 0);
	REQUIRE(suite_map(1024, RW) != NULL);
}

const struct suite_case cases_lock[] = {
	CASE(lock_makes_resident),
	CASE(lock_on_fault_waits),
	CASE(lock_flag_of_mmap),
	CASE(lock_all_future),
	CASE(lock_all_current),
	CASE(lock_copies_for_write),
	CASE(lock_over_a_hole),
	CASE(lock_of_no_access),
	CASE(limit_of_address_space),
	CASE(limit_of_data),
	CASE(limit_of_resident),
	{ NULL, NULL },
};
