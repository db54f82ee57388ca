/*
 * cycles.c - fork, exec, exit, again and again: nothing may be left of it.
 *
 * cycles=N on the command line (1000). After a tenth of them and at the end,
 * every count of what lives is what it was before the first, and the most that
 * describing memory ever took is no more at the end than after the first tenth:
 * children look at that while they live.
 *
 * The child is this program again, with an argument.
 */
#include <sys/personality.h>

#include "counts.h"

#define LOOK_EVERY 8	/* cycles in which the child looks */
#define LOOK_FD 9

static char *const looks[] = { "/init", "look", NULL };
static char *const leaves[] = { "/init", "leave", NULL };

static int
child(bool look)
{
	uint64_t frames;

	if (look) {
		frames = counts_now().metadata;
		if (write(LOOK_FD, &frames, sizeof frames) != sizeof frames)
			return 2;
	}
	return 7;
}

/* True if the child came to its end as it should. */
static bool
cycle(bool look)
{
	static char *const nothing[] = { NULL };
	pid_t pid = fork();

	if (pid == 0) {
		execve("/init", look ? looks : leaves, nothing);
		_exit(1);
	}
	return pid > 0 && status_of(pid) == 7 << 8;
}

/* The most frames seen; 0: a cycle failed. */
static uint64_t
run(unsigned n, int seen)
{
	uint64_t most = 0, frames;

	for (unsigned i = 0; i < n; i++) {
		if (!cycle(i % LOOK_EVERY == 0)) {
			failed("cycles: number %u did not end well", i);
			return 0;
		}
		if (i % LOOK_EVERY != 0)
			continue;
		if (read(seen, &frames, sizeof frames) != sizeof frames)
			return 0;
		if (frames > most)
			most = frames;
	}
	return most;
}

int
main(int argc, char **argv)
{
	uint64_t first, then;
	struct counts before;
	unsigned n;
	int ends[2];

	if (argc > 1)
		return child(strcmp(argv[1], "look") == 0);
	/* Where things lie decides how many chunks and tables describe them: let it be
	 * the same each time. */
	if (personality(ADDR_NO_RANDOMIZE) != 0)
		failed("cycles: no fixed places");
	program_begin();
	n = option("cycles", 1000);
	if (pipe(ends) != 0 || dup2(ends[1], LOOK_FD) < 0)
		failed("cycles: no pipe");
	/* The pipe has its page then. */
	if (run(2, ends[0]) == 0)
		program_end();
	before = counts_settled();
	first = run(n / 10, ends[0]);
	if (counts_same("after the first cycles", &before))
		passed("cycles: after %u, every count is what it was", n / 10);
	then = run(n - n / 10, ends[0]);
	if (counts_same("after the last cycle", &before))
		passed("cycles: after %u, every count is what it was", n);
	if (first != 0 && then != 0 && then <= first)
		passed("cycles: at most %lu frames of metadata, as after %u",
		    first, n / 10);
	else
		failed("cycles: %lu frames of metadata after %u, then %lu",
		    first, n / 10, then);
	program_end();
}
