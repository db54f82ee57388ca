/*
 * groups.c - a process and its descendants have no more memory than they may: they page
 * out their own, or one of them is killed, and nobody else loses anything.
 */
#include "counts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/swap.h>

#define MIB (1ul << 20)
#define LIMIT (8 * MIB)
#define BYTES (24 * MIB)
#define PAGES (BYTES / PAGE)

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) ==
	    (ssize_t)strlen(text);

	close(fd);
	return done;
}

static uint64_t
read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);

	close(fd);
	if (n <= 0)
		return 0;
	return strncmp(text, "max", 3) == 0 ? UINT64_MAX :
	    strtoull(text, NULL, 10);
}

static char *
memory(size_t bytes)
{
	char *p = mmap(NULL, bytes, RW, ANON, -1, 0);

	if (p == MAP_FAILED)
		_exit(100);
	return p;
}

static bool
limited(uint64_t bytes)
{
	char text[32];

	snprintf(text, sizeof text, "%lu\n", bytes);
	return write_file("/proc/self/memory.max", text) &&
	    read_number("/proc/self/memory.max") == bytes;
}

/* ---- in a child: its verdict is what it exits with -------------------------- */

static int
pages_out_its_own(void)
{
	char *p = memory(BYTES);

	if (!limited(LIMIT))
		return 1;
	stamp_pages(p, PAGES, 1);
	if (read_number("/proc/self/memory.current") > LIMIT + 64 * PAGE)
		return 2;
	if (read_number("/proc/self/memory.swap.current") <
	    BYTES - LIMIT - MIB)
		return 3;
	return stamped(p, PAGES, 1) && stamped(p, PAGES, 1) ? 0 : 4;
}

static bool
has_its_limit(void)
{
	return read_number("/proc/self/memory.current") <=
	    LIMIT + 64 * PAGE &&
	    read_number("/proc/self/memory.swap.current") >=
	    BYTES - LIMIT - MIB;
}

/* Shared memory, and a file in memory that is written and mapped. */
static int
pays_for_what_it_shares(void)
{
	char *p = mmap(NULL, BYTES, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || !limited(LIMIT))
		return 1;
	stamp_pages(p, PAGES, 4);
	if (!has_its_limit())
		return 2;
	return stamped(p, PAGES, 4) ? 0 : 3;
}

static int
pays_for_what_it_writes(void)
{
	int fd = memfd_create("paid", 0);
	static char page[PAGE];

	if (fd < 0 || !limited(LIMIT))
		return 1;
	for (unsigned long i = 0; i < PAGES; i++) {
		memset(page, (int)(i % 251) + 1, PAGE);
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			return 2;
	}
	if (!has_its_limit())
		return 3;
	for (unsigned long i = 0; i < PAGES; i++)
		if (pread(fd, page, PAGE, (off_t)(i * PAGE)) !=
		    (ssize_t)PAGE || page[7] != (char)(i % 251 + 1))
			return 4;
	close(fd);			/* what it had goes soon */
	for (unsigned i = 0; i < 6000; i++) {
		if (read_number("/proc/self/memory.swap.current") < MIB)
			return 0;
		usleep(10000);
	}
	return 5;
}

/* Two of a group share its limit; the second has one of its own below it. */
static int
descendants_share(void)
{
	char *p = memory(BYTES);
	pid_t pid;

	if (!limited(LIMIT))
		return 1;
	stamp_pages(p, PAGES / 2, 1);
	pid = fork();
	if (pid == 0) {
		if (read_number("/proc/self/memory.max") != LIMIT)
			_exit(2);
		if (!limited(2 * LIMIT))	/* more than there is above */
			_exit(3);
		stamp_pages(p, PAGES, 2);
		_exit(stamped(p, PAGES, 2) ? 0 : 4);
	}
	if (status_of(pid) != 0)
		return 5;
	if (read_number("/proc/self/memory.max") != LIMIT ||
	    read_number("/proc/self/memory.current") > LIMIT + 64 * PAGE)
		return 6;
	return stamped(p, PAGES / 2, 1) ? 0 : 7;
}

/* It may not page out: it is killed, and not the larger one who stands by. */
static int
one_of_it_is_killed(void)
{
	if (!write_file("/proc/self/memory.swap.max", "0") || !limited(LIMIT))
		return 1;
	stamp_pages(memory(BYTES), PAGES, 3);
	return 2;
}

static int
refuses_what_is_no_limit(void)
{
	char path[64];

	if (write_file("/proc/self/memory.max", "much") || errno != EINVAL)
		return 1;
	snprintf(path, sizeof path, "/proc/%d/memory.max", (int)getppid());
	if (write_file(path, "0") || errno != EPERM)
		return 2;
	return read_number("/proc/self/memory.max") == UINT64_MAX ? 0 : 3;
}

static void
child(const char *what, int (*fn)(void), int want)
{
	char *p = memory(BYTES / 2);
	pid_t pid;
	int status;

	stamp_pages(p, PAGES / 2, 9);
	pid = fork();
	if (pid == 0)
		_exit(fn());
	status = status_of(pid);
	if (status != want)
		failed("groups: %s: status %#x", what, status);
	else if (!stamped(p, PAGES / 2, 9))
		failed("groups: %s: somebody else lost memory", what);
	else
		passed("groups: %s", what);
	munmap(p, BYTES / 2);
}

/* What left for others' sake comes home before it is counted. */
static struct counts
counts_at_home(void)
{
	if (swapoff("/dev/vda") != 0)
		failed("groups: swapoff: errno %d", errno);
	return counts_settled();
}

int
main(void)
{
	struct counts before;

	program_begin();
	before = counts_at_home();
	if (swapon("/dev/vda", 0) != 0)
		failed("groups: swapon: errno %d", errno);
	child("a process pages out its own", pages_out_its_own, 0);
	child("shared memory is paid for", pays_for_what_it_shares, 0);
	child("a file in memory is paid for", pays_for_what_it_writes, 0);
	child("descendants share a limit", descendants_share, 0);
	child("who has no more room is killed", one_of_it_is_killed, 9);
	child("what is no limit is refused", refuses_what_is_no_limit, 0);
	(void)counts_at_home();
	if (counts_same("groups: at the end", &before))
		passed("groups: every count is what it was");
	program_end();
}
