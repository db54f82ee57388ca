/*
 * hog.c - more is asked for than there is: one process, the largest, is killed,
 * and everyone else lives on with what was theirs.
 *
 * Runs with little memory (MEM=64M).
 */
#include "counts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#define ALL (1ul << 30)		/* more than the machine has */

enum { BYSTANDERS = 4, THEIRS = 64 };

/* ---- who wants too much ------------------------------------------------------ */

static void
touch_all(void)
{
	char *p = mmap(NULL, ALL, RW, ANON | MAP_NORESERVE, -1, 0);

	for (size_t i = 0; i < ALL; i += PAGE)
		p[i] = 1;
}

static void
touch_shared(void)
{
	char *p = mmap(NULL, ALL, RW, SHARED_ANON | MAP_NORESERVE, -1, 0);

	for (size_t i = 0; i < ALL; i += PAGE)
		p[i] = 1;
}

/* The kernel touches it, for a call. */
static void
read_into_all(void)
{
	char *p = mmap(NULL, ALL, RW, ANON | MAP_NORESERVE, -1, 0);
	int zero = open("/dev/zero", O_RDONLY);

	for (size_t i = 0; i < ALL; i += 1 << 20)
		if (read(zero, p + i, 1 << 20) <= 0)
			_exit(1);
}

/* Copies: nothing of the parent's may go in their place. */
static void
copy_half_twice(void)
{
	size_t half = 24ul << 20;
	char *p = mmap(NULL, half, RW, ANON, -1, 0);
	pid_t pid;
	int status;

	memset(p, 1, half);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < half; i += PAGE)
			p[i] = 2;
		touch_all();
	}
	status = status_of(pid);
	for (size_t i = 0; i < half; i += PAGE)
		if (p[i] != 1)
			_exit(2);
	/* One of the two was to go. */
	if (status == SIGKILL)
		raise(SIGKILL);
}

/* ---- who wants little -------------------------------------------------------- */

static void
stand_by(int go, uint64_t seed)
{
	char *p = mmap(NULL, THEIRS * PAGE, RW, ANON, -1, 0), byte;

	stamp_pages(p, THEIRS, seed);
	_exit(read(go, &byte, 1) == 1 && stamped(p, THEIRS, seed) ? 0 : 1);
}

static void
hog(const char *name, void (*fn)(void))
{
	struct counts before;
	pid_t pid, others[BYSTANDERS];
	int go[2], status;
	bool unharmed = true;

	before = counts_settled();
	if (pipe(go) != 0)
		failed("hog: no pipe");
	for (int i = 0; i < BYSTANDERS; i++) {
		others[i] = fork();
		if (others[i] == 0)
			stand_by(go[0], (uint64_t)i);
	}
	pid = fork();
	if (pid == 0) {
		fn();
		_exit(0);
	}
	status = pid > 0 ? status_of(pid) : -1;
	if (status == SIGKILL)
		passed("hog: who %s is killed", name);
	else
		failed("hog: who %s ends with %#x", name, status);
	if (write(go[1], "....", BYSTANDERS) != BYSTANDERS)
		failed("hog: no word to the others, errno %d", errno);
	for (int i = 0; i < BYSTANDERS; i++)
		unharmed &= others[i] > 0 && status_of(others[i]) == 0;
	if (unharmed)
		passed("hog: nobody else is harmed when one %s", name);
	else
		failed("hog: others are harmed when one %s", name);
	close(go[0]);
	close(go[1]);
	if (counts_same(name, &before))
		passed("hog: nothing is left when one %s", name);
}

/* ---- who is chosen ----------------------------------------------------------- */

/* A process of so many pages and this oom_score_adj, which are there when it returns; it
 * ends well when told to. */
static pid_t
candidate(unsigned pages, const char *adjust, const int go[2])
{
	int there[2], fd;
	char byte, *p;
	pid_t pid;

	if (pipe(there) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		p = mmap(NULL, pages * PAGE, RW, ANON, -1, 0);
		stamp_pages(p, pages, pages);
		fd = open("/proc/self/oom_score_adj", O_WRONLY);
		if (write(fd, adjust, strlen(adjust)) < 0 ||
		    write(there[1], "!", 1) != 1)
			_exit(2);
		_exit(read(go[0], &byte, 1) == 0 && stamped(p, pages, pages) ?
		    0 : 1);
	}
	close(there[1]);
	if (read(there[0], &byte, 1) != 1)
		failed("hog: no candidate");
	close(there[0]);
	return pid;
}

/* The largest may be told to stay, and a small one to go first. */
static void
adjusted(void)
{
	struct counts before = counts_settled();
	int go[2], status[3];
	pid_t pid[3];

	if (pipe(go) != 0)
		failed("hog: no pipe");
	pid[0] = candidate((24u << 20) / PAGE, "-1000", go);
	pid[1] = candidate((4u << 20) / PAGE, "1000", go);
	pid[2] = fork();
	if (pid[2] == 0)
		touch_all();
	status[2] = status_of(pid[2]);
	close(go[0]);
	close(go[1]);
	for (unsigned i = 0; i < 2; i++)
		status[i] = pid[i] > 0 ? status_of(pid[i]) : -1;
	if (status[0] == 0 && status[1] == SIGKILL && status[2] == SIGKILL)
		passed("hog: oom_score_adj says who goes first, and who stays");
	else
		failed("hog: who was to stay, to go, and wants all: %#x, %#x, %#x",
		    status[0], status[1], status[2]);
	if (counts_same("oom_score_adj", &before))
		passed("hog: nothing is left of the three");
}

/* A call that cannot have what it asks for says so. */
static void
refusals(void)
{
	struct counts before = counts_settled();
	char *p = mmap(NULL, ALL, RW, ANON | MAP_NORESERVE, -1, 0);

	errno = 0;
	if (mlock(p, ALL) == 0 || errno != EAGAIN)
		failed("hog: mlock of all gives errno %d", errno);
	else
		passed("hog: mlock of all is refused");
	munmap(p, ALL);
	if (counts_same("mlock", &before))
		passed("hog: nothing is left of what was not locked");
}

int
main(void)
{
	program_begin();
	hog("touches all memory", touch_all);
	hog("shares all memory", touch_shared);
	hog("reads into all memory", read_into_all);
	hog("copies all memory", copy_half_twice);
	adjusted();
	refusals();
	program_end();
}
