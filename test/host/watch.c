/*
 * watch.c - run a command, and tell for how long the machine stood still
 * meanwhile.
 *
 *	watch LIMIT-MS COMMAND...
 *
 * A thread wakes every 100 ms and touches the next of its pages, each seldom
 * enough to have been paged out. By how much it comes late is a gap. The
 * largest one is told; beyond the limit that is a failure, whatever the
 * command's status.
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

static volatile unsigned char ring[PAGES * PAGE];
static _Atomic long largest_ns;

static long
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000l + t.tv_nsec;
}

static void *
tick(void *arg)
{
	const struct timespec pause = {.tv_nsec = TICK_NS};
	long before = now_ns(), after, late;

	for (unsigned n = 0;; n++) {
		nanosleep(&pause, NULL);
		ring[n % PAGES * PAGE]++;
		after = now_ns();
		late = after - before - TICK_NS;
		if (late > largest_ns)
			largest_ns = late;
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

int
main(int argc, char **argv)
{
	long limit_ms = argc > 2 ? atol(argv[1]) : 0, gap_ms;
	pthread_t ticker;
	int status;

	if (limit_ms <= 0 || pthread_create(&ticker, NULL, tick, NULL) != 0) {
		fprintf(stderr, "usage: watch LIMIT-MS COMMAND...\n");
		return 2;
	}
	status = run(argv + 2);
	gap_ms = largest_ns / 1000000;
	fflush(stdout);
	printf("Tome: the largest gap was %ld ms\n", gap_ms);
	if (gap_ms > limit_ms) {
		printf("stood still for more than %ld ms\n", limit_ms);
		return 3;
	}
	return status;
}
