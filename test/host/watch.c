/*
 * watch.c - run a command, and tell for how long the machine stood still
 * meanwhile.
 *
 *	watch COMMAND...
 *
 * A thread wakes every 100 ms and touches the next of its pages, each seldom
 * enough to have been paged out. By how much it comes late is a gap. In the end each
 * of half a second or more is told on the standard error, with the time of day when it
 * was over, and the largest. The status is the command's; `still` judges the gaps.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 100000000l
#define PAGES 128
#define PAGE 4096
#define TOLD_NS 500000000l
#define GAPS 1000

static volatile unsigned char ring[PAGES * PAGE];
static _Atomic long largest_ns;
static struct { long ns, until_ms; } gap[GAPS];
static _Atomic unsigned gaps;

static long
now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000l + t.tv_nsec;
}

static void
was_late(long ns)
{
	unsigned n = gaps;

	if (ns > largest_ns)
		largest_ns = ns;
	if (ns < TOLD_NS || n == GAPS)
		return;
	gap[n].ns = ns;
	gap[n].until_ms = now_ns(CLOCK_REALTIME) / 1000000;
	gaps = n + 1;
}

static void *
tick(void *arg)
{
	const struct timespec pause = {.tv_nsec = TICK_NS};
	long before = now_ns(CLOCK_MONOTONIC), after;

	for (unsigned n = 0;; n++) {
		nanosleep(&pause, NULL);
		ring[n % PAGES * PAGE]++;
		after = now_ns(CLOCK_MONOTONIC);
		was_late(after - before - TICK_NS);
		before = after;
	}
	return arg;
}

static int
run(char **command)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("watch");
		return 1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

static void
tell(void)
{
	for (unsigned n = 0; n < gaps; n++)
		fprintf(stderr, "Tome: stood still for %ld ms until %ld ms\n",
		    gap[n].ns / 1000000, gap[n].until_ms);
	fprintf(stderr, "Tome: the largest gap was %ld ms\n",
	    largest_ns / 1000000);
}

int
main(int argc, char **argv)
{
	pthread_t ticker;
	int status;

	if (argc < 2 || pthread_create(&ticker, NULL, tick, NULL) != 0) {
		fprintf(stderr, "usage: watch COMMAND...\n");
		return 2;
	}
	status = run(argv + 1);
	tell();
	return status;
}
