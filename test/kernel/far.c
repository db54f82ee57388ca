/*
 * far.c - swap on a server that fails: what a page had is there, or its owner is told
 * by a signal; nobody else is.
 *
 * Run with less memory than it uses, told on the kernel's command line what the server
 * will do: lost=0: nothing may be lost; lost=1: something must be, for a while; lost=2:
 * for good; most=: no more than so much of it need be looked at. The host is told when a
 * part of its memory is out, which is when the server does it, and when it was looked at.
 */
#include "counts.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>

#define PAGES ((42ul << 20) / PAGE)
#define TRIES 40

static sigjmp_buf away;
static volatile bool looking;

/* Outside of look() nothing is lost: what the program itself needs is locked. */
static void
on_bus(int sig)
{
	(void)sig;
	if (!looking)
		_exit(3);
	siglongjmp(away, 1);
}

/* 1: as written; 0: something else; -1: it cannot be had. */
static int
look(const char *p, unsigned i)
{
	int is = -1;

	looking = true;
	if (sigsetjmp(away, 1) == 0)
		is = *(const volatile uint64_t *)(p + i * PAGE) == stamp(1, i);
	looking = false;
	return is;
}

struct seen {
	unsigned right, wrong, lost;
};

/* Every page, until `most` cannot be had. */
static struct seen
look_at_all(const char *p, unsigned most)
{
	struct seen s = { 0 };

	for (unsigned i = 0; i < PAGES && s.lost < most; i++) {
		int is = look(p, i);

		s.right += is == 1;
		s.wrong += is == 0;
		s.lost += is < 0;
	}
	return s;
}

/* A process whose few pages are its own, and stay: until told to end. */
static pid_t
bystander(int end[2])
{
	pid_t pid = fork();
	char *p, byte;

	if (pid != 0)
		return pid;
	signal(SIGBUS, SIG_DFL);
	close(end[1]);
	p = mmap(NULL, 16 * PAGE, RW, ANON, -1, 0);
	if (mlockall(MCL_CURRENT) != 0)
		_exit(2);
	for (unsigned n = 0;; n++) {
		stamp_pages(p, 16, n);
		if (!stamped(p, 16, n))
			_exit(1);
		if (read(end[0], &byte, 1) == 0)
			_exit(0);
		usleep(2000);
	}
}

static uint64_t
vmstat(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at == NULL ? UINT64_MAX : strtoull(at + strlen(name), NULL, 10);
}

/* Every slot that was given out is used, retired, or ended in a way that is counted. */
static void
ledger(void)
{
	static char text[8192];
	int fd = open("/proc/vmstat", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	uint64_t allocated, ends;

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	allocated = vmstat(text, "tome_swap_allocated ");
	ends = vmstat(text, "tome_swap_used ") +
	    vmstat(text, "tome_swap_retired ") +
	    vmstat(text, "tome_swap_superseded ") +
	    vmstat(text, "tome_swap_dropped ") +
	    vmstat(text, "tome_swap_unwritten ") +
	    vmstat(text, "tome_swap_home ");
	if (allocated == 0 || allocated != ends)
		failed("far: of %lu slots %lu are accounted for", allocated,
		    ends);
	else
		passed("far: the ledger closes");
	printf("far: %lu slots, %lu reads and %lu writes failed\n", allocated,
	    vmstat(text, "tome_swap_read_errors "),
	    vmstat(text, "tome_swap_write_errors "));
}

/* What could not be had for a while can be: each page when asked for often enough. */
static void
come_back(const char *p)
{
	unsigned wrong = 0, lost = 0;

	for (unsigned i = 0; i < PAGES && lost == 0; i++) {
		int is = look(p, i);

		for (unsigned n = 0; n < TRIES && is < 0; n++) {
			if (n > 8)
				sleep(1);
			is = look(p, i);
		}
		wrong += is == 0;
		lost += is < 0;
	}
	if (wrong + lost > 0)
		failed("far: later %u pages wrong, %u lost", wrong, lost);
	else
		passed("far: all of it can be had in the end");
}

int
main(void)
{
	unsigned lost = option("lost", 0);
	struct seen s;
	int end[2];
	pid_t pid;
	char *p;

	program_begin();
	signal(SIGBUS, on_bus);
	if (pipe2(end, O_NONBLOCK) != 0)
		program_end();
	pid = bystander(end);
	printf("far: begins\n");	/* what printing needs is there */
	if (mlockall(MCL_CURRENT) != 0)
		failed("far: mlockall: errno %d", errno);
	p = mmap(NULL, PAGES * PAGE, RW, ANON | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		program_end();
	stamp_pages(p, PAGES, 1);
	await_host("out");
	s = look_at_all(p, option("most", PAGES));
	printf("far: %u pages right, %u lost\n", s.right, s.lost);
	if (s.wrong > 0 || s.right == 0)
		failed("far: %u pages are wrong, %u right", s.wrong, s.right);
	else if ((s.lost > 0) != (lost > 0))
		failed("far: %u pages were lost", s.lost);
	else
		passed("far: what can be had is right");
	await_host("looked");
	if (lost == 1)
		come_back(p);
	close(end[1]);
	if (status_of(pid) != 0)
		failed("far: a bystander suffered");
	else
		passed("far: a bystander goes on");
	ledger();
	munmap(p, PAGES * PAGE);
	program_end();
}
