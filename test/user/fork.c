/*
 * fork.c - cases: copies of an address space.
 */
#include "suite.h"

static void
join(pid_t pid)
{
	int status;

	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
	REQUIRE(status == 0);
}

static void
fork_copies(void)
{
	char *p = suite_map(64, RW);
	pid_t pid;

	memset(p, 1, 64 * PAGE);
	pid = fork();
	if (pid == 0) {
		REQUIRE(suite_filled(p, 1, 64 * PAGE));
		memset(p, 2, 64 * PAGE);
		REQUIRE(suite_filled(p, 2, 64 * PAGE));
		_exit(0);
	}
	join(pid);
	REQUIRE(suite_filled(p, 1, 64 * PAGE));
}

/* The parent writes while the child still looks at the old. */
static void
fork_parent_writes_first(void)
{
	char *p = suite_map(64, RW), byte;
	int go[2], gone[2];
	pid_t pid;

	memset(p, 1, 64 * PAGE);
	REQUIRE(pipe(go) == 0 && pipe(gone) == 0);
	pid = fork();
	if (pid == 0) {
		REQUIRE(read(go[0], &byte, 1) == 1);
		REQUIRE(suite_filled(p, 1, 64 * PAGE));
		_exit(0);
	}
	memset(p, 2, 64 * PAGE);
	REQUIRE(write(go[1], "x", 1) == 1);
	join(pid);
	REQUIRE(suite_filled(p, 2, 64 * PAGE));
}

static void
fork_of_a_fork(void)
{
	char *p = suite_map(40, RW);
	pid_t pid;

	memset(p, 1, 40 * PAGE);
	pid = fork();
	if (pid == 0) {
		memset(p, 2, 10 * PAGE);
		pid = fork();
		if (pid == 0) {
			REQUIRE(suite_filled(p, 2, 10 * PAGE));
			REQUIRE(suite_filled(p + 10 * PAGE, 1, 30 * PAGE));
			memset(p, 3, 20 * PAGE);
			_exit(0);
		}
		join(pid);
		REQUIRE(suite_filled(p, 2, 10 * PAGE));
		REQUIRE(suite_filled(p + 10 * PAGE, 1, 30 * PAGE));
		_exit(0);
	}
	join(pid);
	REQUIRE(suite_filled(p, 1, 40 * PAGE));
}

static void
fork_again_and_again(void)
{
	char *p = suite_map(100, RW);

	for (int i = 0; i < 100; i++) {
		pid_t pid;

		p[i * PAGE] = (char)(i + 1);
		pid = fork();
		if (pid == 0) {
			for (int k = 0; k < 100; k++)
				REQUIRE(p[k * PAGE] == (k <= i ? k + 1 : 0));
			memset(p, 0x7f, 100 * PAGE);
			_exit(0);
		}
		join(pid);
	}
}

static void
fork_untouched_stays_zero(void)
{
	char *p = suite_map(8, RW);
	pid_t pid = fork();

	if (pid == 0) {
		memset(p, 1, 8 * PAGE);
		_exit(0);
	}
	join(pid);
	REQUIRE(suite_filled(p, 0, 8 * PAGE));
}

static void
fork_unmap_in_child(void)
{
	char *p = suite_map(8, RW);
	pid_t pid;

	memset(p, 1, 8 * PAGE);
	pid = fork();
	if (pid == 0) {
		REQUIRE(munmap(p, 4 * PAGE) == 0);
		REQUIRE(mprotect(p + 4 * PAGE, PAGE, PROT_NONE) == 0);
		_exit(0);
	}
	join(pid);
	REQUIRE(suite_filled(p, 1, 8 * PAGE));
	memset(p, 2, 8 * PAGE);
}

static void
fork_dontfork(void)
{
	char *p = suite_map_alone(4, RW);
	pid_t pid;

	memset(p, 1, 4 * PAGE);
	REQUIRE(madvise(p + PAGE, PAGE, MADV_DONTFORK) == 0);
	pid = fork();
	if (pid == 0) {
		REQUIRE(*p == 1);
		REQUIRE(traps(suite_read(p + PAGE), SIGSEGV, SEGV_MAPERR,
		    p + PAGE));
		_exit(0);
	}
	join(pid);
	REQUIRE(madvise(p + PAGE, PAGE, MADV_DOFORK) == 0);
	pid = fork();
	if (pid == 0)
		_exit(p[PAGE] == 1 ? 0 : 1);
	join(pid);
}

static void
fork_wipeonfork(void)
{
	char *p = suite_map(4, RW);
	pid_t pid;

	memset(p, 1, 4 * PAGE);
	REQUIRE(madvise(p + PAGE, PAGE, MADV_WIPEONFORK) == 0);
	pid = fork();
	if (pid == 0) {
		REQUIRE(suite_filled(p, 1, PAGE));
		REQUIRE(suite_filled(p + PAGE, 0, PAGE));
		_exit(0);
	}
	join(pid);
	REQUIRE(suite_filled(p, 1, 4 * PAGE));
}

static void
fork_of_private_file(void)
{
	int fd = suite_file(4);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	pid_t pid;

	p[0] = 'P';
	pid = fork();
	if (pid == 0) {
		REQUIRE(p[0] == 'P' && p[PAGE] == 'b');
		p[PAGE] = 'C';
		_exit(0);
	}
	join(pid);
	REQUIRE(p[PAGE] == 'b');
}

static void
fork_drops_locks(void)
{
	char *p = suite_map(2, RW);
	pid_t pid;

	REQUIRE(mlock(p, 2 * PAGE) == 0);
	pid = fork();
	if (pid == 0) {
		REQUIRE(madvise(p, PAGE, MADV_DONTNEED) == 0);
		_exit(0);
	}
	join(pid);
	REQUIRE_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
}

static void
vfork_shares(void)
{
	volatile char *p = suite_map(1, RW);
	pid_t pid = vfork();

	if (pid == 0) {
		p[0] = 42;
		_exit(0);
	}
	join(pid);
	REQUIRE(p[0] == 42);
}

static void
fork_storm(void)
{
	enum { CHILDREN = 16 };
	char *p = suite_map(256, RW);
	pid_t pid[CHILDREN];

	memset(p, 1, 256 * PAGE);
	for (int i = 0; i < CHILDREN; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			memset(p + i * 16 * PAGE, i + 2, 16 * PAGE);
			for (int k = 0; k < CHILDREN; k++)
				REQUIRE(suite_filled(p + k * 16 * PAGE,
				    k == i ? i + 2 : 1, 16 * PAGE));
			_exit(0);
		}
	}
	for (int i = 0; i < CHILDREN; i++)
		join(pid[i]);
	REQUIRE(suite_filled(p, 1, 256 * PAGE));
}

const struct suite_case cases_fork[] = {
	CASE(fork_copies),
	CASE(fork_parent_writes_first),
	CASE(fork_of_a_fork),
	CASE(fork_again_and_again),
	CASE(fork_untouched_stays_zero),
	CASE(fork_unmap_in_child),
	CASE(fork_dontfork),
	CASE(fork_wipeonfork),
	CASE(fork_of_private_file),
	CASE(fork_drops_locks),
	CASE(vfork_shares),
	CASE(fork_storm),
	{ NULL, NULL },
};
