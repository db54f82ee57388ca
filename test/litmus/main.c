/*
 * main.c - run every litmus program under every schedule of at most two
 * preemptions (`-p N`: N; `-r N`: at most N runs each, an even sample beyond; `-q`:
 * stop at the first failure), or one program (`-n NAME`) under one schedule (`-s NUMBER`).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>
#include <world.h>

static bool
explore(const struct litmus *l, unsigned preemptions, uint64_t max_runs)
{
	struct hosted_program p;
	struct hosted_explored e;

	litmus_program(l, &p);
	if (hosted_explore(&p, preemptions, max_runs, &e)) {
		printf("ok litmus: %s (%" PRIu64 " schedules, %s, %u points)\n",
		    l->name, e.runs, e.complete ? "all" : "a sample",
		    e.points);
		return true;
	}
	printf("FAIL litmus: %s: schedule %" PRIu64 ": %s\n", l->name,
	    e.schedule, e.why);
	return false;
}

static bool
replay(const struct litmus *l, uint64_t schedule)
{
	struct hosted_program p;
	struct hosted_explored e;

	litmus_program(l, &p);
	if (hosted_replay(&p, schedule, &e))
		return true;
	printf("%s: schedule %" PRIu64 ": %s\n", l->name, schedule, e.why);
	return false;
}

static const struct litmus *
nth(unsigned i)
{
	return i < litmus_memory.count ? &litmus_memory.program[i] :
	    &litmus_files.program[i - litmus_memory.count];
}

int
main(int argc, char **argv)
{
	unsigned count = litmus_memory.count + litmus_files.count;
	unsigned preemptions = 2, failed = 0;
	uint64_t max_runs = 0, schedule = 0;
	const char *name = NULL;
	bool one = false, quick = false;
	int c;

	while ((c = getopt(argc, argv, "p:r:n:s:q")) != -1)
		switch (c) {
		case 'p':
			preemptions = (unsigned)atoi(optarg);
			break;
		case 'r':
			max_runs = strtoull(optarg, NULL, 0);
			break;
		case 'q':
			quick = true;
			break;
		case 'n':
			name = optarg;
			break;
		case 's':
			schedule = strtoull(optarg, NULL, 0);
			one = true;
			break;
		default:
			return 2;
		}
	for (unsigned i = 0; i < count && !(quick && failed); i++) {
		const struct litmus *l = nth(i);

		if (name != NULL && strcmp(name, l->name) != 0)
			continue;
		if (!(one ? replay(l, schedule) :
		    explore(l, preemptions, max_runs)))
			failed++;
		fflush(stdout);
	}
	return failed != 0;
}
