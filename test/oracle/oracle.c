/*
 * oracle.c - random streams against the naive VM; a stream that fails is cut
 * down to the operations that matter.
 *
 *	oracle [--ops N] [--seed S] [--seeds N] [--mode M] [--minutes M]
 *	       [--fail] [--units] [--cpu C] [--script FILE]
 *
 * Each stream runs in a child process, so that a crash, a sanitizer's report or
 * a hang is a failure like any other. Modes: exact never random speculate walk
 * delay late all, or each (the default: a stream in each of them in turn).
 * --fail injects allocation failures. --units: nothing depends on the size of a
 * page, and the digest (of results, regions, counts and contents) is the same on
 * every page-table format; without it, on all of one size of page. --cpu: what the
 * CPU has and has not (HOSTED_, hosted.h), and not by the seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define HANG_SECONDS 100
#define MAX_OPS 2000000
#define UNIT_BYTES 64u		/* of a page, in streams in units of pages */

static const struct {
	const char *name;
	unsigned modes;
} modes[] = {
	{ "exact", 0 },
	{ "never", HOSTED_NEVER_EVICT },
	{ "random", HOSTED_RANDOM_EVICT },
	{ "speculate", HOSTED_SPECULATE | HOSTED_NEVER_EVICT },
	{ "walk", HOSTED_WALK_CACHE | HOSTED_NEVER_EVICT },
	{ "delay", HOSTED_DELAY_ACKS | HOSTED_NEVER_EVICT },
	{ "late", HOSTED_LATE_ACCESSED | HOSTED_RANDOM_EVICT },
	{ "all", HOSTED_MODES },
};
#define NMODES (sizeof modes / sizeof modes[0])

struct stream {
	struct op *op;
	size_t n;
	bool units;		/* of pages: at their beginnings only */
	unsigned mode, cpu;
	uint64_t seed;
};

/* What a child leaves for its parent. */
struct verdict {
	size_t reached;		/* operations begun */
	bool done;		/* the end, without a divergence */
	uint64_t digest;	/* results, regions, counts, contents */
	char why[512];
};
static struct verdict *verdict;

/* ---- one stream ---- */

struct run {
	const struct stream *s;
	struct world w;
};

static void
run_ops(void *arg)
{
	struct run *r = arg;
	size_t i;

	if (!world_start(&r->w, modes[r->s->mode].modes, r->s->seed,
	    r->s->cpu))
		return;
	r->w.look = r->s->units ? UNIT_BYTES : M_BYTES;
	for (i = 0; i < r->s->n; i++) {
		verdict->reached = i + 1;
		if (!world_step(&r->w, &r->s->op[i]))
			return;
	}
	verdict->reached = r->s->n;
	verdict->done = world_end(&r->w);
	verdict->digest = r->w.digest;
}

static _Noreturn void
child(const struct stream *s, bool quiet)
{
	static struct run r;
	char text[sizeof r.w.why - 16];

	if (quiet && freopen("/dev/null", "w", stderr) == NULL)
		_exit(2);
	alarm(HANG_SECONDS + (unsigned)(s->n / 200));
	r.s = s;
	if (hosted_catch(run_ops, &r, text, sizeof text))
		snprintf(r.w.why, sizeof r.w.why, "panic: %s", text);
	memcpy(verdict->why, r.w.why, sizeof verdict->why);
	_exit(verdict->done ? 0 : 1);
}

/* True: no divergence. */
static bool
run(const struct stream *s, bool quiet)
{
	int status = 0;
	pid_t pid;

	memset(verdict, 0, sizeof *verdict);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child(s, quiet);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("oracle");
		exit(2);
	}
	if (WIFSIGNALED(status))
		snprintf(verdict->why, sizeof verdict->why, "%s",
		    WTERMSIG(status) == SIGALRM ? "hangs" :
		    strsignal(WTERMSIG(status)));
	else if (!verdict->done && verdict->why[0] == '\0')
		snprintf(verdict->why, sizeof verdict->why, "died");
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- cutting down ---- */

/* Without [at, at+n): fails still? Then keep it so. */
static bool
try_without(struct stream *s, size_t at, size_t n)
{
	struct stream t = *s;

	t.op = malloc(s->n * sizeof *t.op);
	if (t.op == NULL)
		return false;
	t.n = s->n - n;
	memcpy(t.op, s->op, at * sizeof *t.op);
	memcpy(t.op + at, s->op + at + n, (s->n - at - n) * sizeof *t.op);
	if (run(&t, true)) {
		free(t.op);
		return false;
	}
	memcpy(s->op, t.op, t.n * sizeof *t.op);
	s->n = verdict->reached < t.n ? verdict->reached : t.n;
	free(t.op);
	return true;
}

static void
shrink(struct stream *s)
{
	size_t n, at;
	bool smaller;

	for (n = s->n / 2; n > 0; n = smaller ? n : n / 2) {
		smaller = false;
		for (at = 0; at + n <= s->n && s->n > 1;)
			if (try_without(s, at, n))
				smaller = true;
			else
				at += n;
	}
}

static void
report(struct stream *s, bool cut)
{
	size_t i;

	if (cut) {
		s->n = verdict->reached;
		shrink(s);
		(void)run(s, false);
	}
	printf("FAIL oracle: mode %s seed %" PRIu64 ": %s (at operation %zu of"
	    " these %zu; --script runs them)\n", modes[s->mode].name, s->seed,
	    verdict->why, verdict->reached, s->n);
	printf("mode %s seed %" PRIu64 "\n", modes[s->mode].name, s->seed);
	for (i = 0; i < s->n; i++)
		op_print(stdout, &s->op[i]);
}

/* ---- streams ---- */

/* Of the seeds, in every third all that leaves was told to: so that what is resident
 * stays the same on every format (digest_totals). */
static bool
chooses(const struct stream *s)
{
	return s->seed % 3 != 0;
}

static void
generate(struct stream *s, bool failing)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		op_random(&s->op[i], s->seed, i, failing);
		if (s->op[i].kind == OP_RECLAIM && !chooses(s))
			s->op[i].kind = OP_PAGE_OUT;
		if (s->units) {
			s->op[i].off = 0;
			s->op[i].len = 1 + s->op[i].value % UNIT_BYTES;
		}
	}
	/* Begin with a space: the rest needs one. */
	s->op[0].kind = OP_SPACE;
	s->op[0].space = 0;
}

static unsigned
mode_named(const char *name)
{
	unsigned i;

	for (i = 0; i < NMODES; i++)
		if (strcmp(modes[i].name, name) == 0)
			return i;
	fprintf(stderr, "oracle: no mode %s\n", name);
	exit(2);
}

/* A report's lines, as printed. */
static void
read_script(const char *path, struct stream *s)
{
	FILE *f = fopen(path, "r");
	char line[512], mode[32];

	if (f == NULL) {
		perror(path);
		exit(2);
	}
	s->n = 0;
	while (fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "mode %31s seed %" SCNu64, mode, &s->seed) ==
		    2)
			s->mode = mode_named(mode);
		else if (s->n < MAX_OPS && op_parse(line, &s->op[s->n]))
			s->n++;
	}
	fclose(f);
}

struct wish {
	uint64_t ops, seed, seeds, minutes;
	unsigned cpu;
	const char *mode, *script;
	bool failing, units;
};

static void
read_wish(struct wish *o, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		const char *v = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--fail") == 0) {
			o->failing = true;
			continue;
		}
		if (strcmp(argv[i], "--units") == 0) {
			o->units = true;
			continue;
		}
		if (strcmp(argv[i], "--ops") == 0)
			o->ops = strtoull(v, NULL, 0);
		else if (strcmp(argv[i], "--seed") == 0)
			o->seed = strtoull(v, NULL, 0);
		else if (strcmp(argv[i], "--seeds") == 0)
			o->seeds = strtoull(v, NULL, 0);
		else if (strcmp(argv[i], "--minutes") == 0)
			o->minutes = strtoull(v, NULL, 0);
		else if (strcmp(argv[i], "--cpu") == 0)
			o->cpu = (unsigned)strtoul(v, NULL, 0);
		else if (strcmp(argv[i], "--mode") == 0)
			o->mode = v;
		else if (strcmp(argv[i], "--script") == 0)
			o->script = v;
		else
			fprintf(stderr, "oracle: what is %s?\n", argv[i]),
			    exit(2);
		i++;
	}
	if (o->ops == 0 || o->ops > MAX_OPS)
		fprintf(stderr, "oracle: 1 to %d operations\n", MAX_OPS),
		    exit(2);
}

static bool
one_seed(const struct wish *o, struct stream *s, uint64_t seed)
{
	s->seed = seed;
	s->n = o->ops;
	s->mode = strcmp(o->mode, "each") == 0 ? (unsigned)(seed % NMODES) :
	    mode_named(o->mode);
	s->units = o->units;
	generate(s, o->failing);
	if (run(s, true)) {
		printf("ok oracle: mode %s seed %" PRIu64 ": %zu operations,"
		    " digest %016" PRIx64 "\n", modes[s->mode].name, seed,
		    s->n, verdict->digest);
		return true;
	}
	report(s, true);
	return false;
}

int
main(int argc, char **argv)
{
	struct wish o = { .ops = 2000, .seed = 1, .seeds = NMODES,
		.cpu = W_ANY_CPU, .mode = "each" };
	struct stream s = { .mode = 0 };
	time_t end = 0;
	uint64_t i;
	bool ok = true;

	read_wish(&o, argc, argv);
	s.cpu = o.cpu;
	s.op = calloc(o.script != NULL ? MAX_OPS : o.ops, sizeof *s.op);
	verdict = mmap(NULL, sizeof *verdict, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s.op == NULL || verdict == MAP_FAILED)
		return 2;
	if (o.script != NULL) {
		read_script(o.script, &s);
		ok = run(&s, false);
		if (ok)
			printf("ok oracle: script %s\n", o.script);
		else
			report(&s, false);
		o.seeds = o.minutes = 0;
	}
	if (o.minutes != 0)
		end = time(NULL) + (time_t)(o.minutes * 60);
	for (i = 0; ok && (end != 0 ? time(NULL) < end : i < o.seeds); i++)
		ok = one_seed(&o, &s, o.seed + i);
	free(s.op);
	return ok ? 0 : 1;
}
