/*
 * counts.c - see counts.h.
 */
#include "counts.h"

#include <errno.h>
#include <stdarg.h>

#include "../../bench/guest.h"

#define PAUSE_US 50000
enum { TRIES = 1200, CALM = 3 };

/* As /proc/vmstat calls them. */
static const char *const counted[COUNTS] = {
	"nr_anon_pages", "nr_file_pages", "tome_maps", "tome_entries",
	"tome_nodes", "tome_amaps", "tome_chunks", "tome_anons",
	"tome_objects", "tome_pmaps", "tome_frames_other",
};
static const char *const metadata[] = {
	"tome_frames_kernel", "tome_frames_bootstrap",
};

/*
 * Every page that this program may write, and a stack deeper than it needs, is its
 * own from now on: what it uses itself is the same at each count. Data is
 * written after a fork, because that gives it an amap apart from what the C
 * library has made read-only beside it, which keeps the one of both.
 */
static void
touch_own(void)
{
	extern char __data_start, _end;
	volatile char stack[16 * PAGE], *data;
	pid_t pid;

	for (size_t i = 0; i < sizeof stack; i += PAGE)
		stack[i] = 0;
	if (mlockall(MCL_CURRENT) != 0 || munlockall() != 0)
		failed("counts: mlockall");
	pid = fork();
	if (pid == 0)
		_exit(0);
	if (pid < 0 || status_of(pid) != 0)
		failed("counts: fork");
	data = (char *)((uintptr_t)&__data_start & ~(PAGE - 1));
	for (; data < &_end; data += PAGE)
		*data = *data;
}

void
program_begin(void)
{
	guest_begin();
	setvbuf(stdout, NULL, _IONBF, 0);
	touch_own();
}

void
await_host(const char *event)
{
	char byte = 0;

	printf("READY %s\n", event);
	while (byte != '\n')
		if (read(STDIN_FILENO, &byte, 1) != 1) {
			failed("%s: the host does not answer", event);
			break;
		}
}

void
program_end(void)
{
	printf("KERNEL-DONE\n");
	guest_end();
	for (;;)
		pause();
}

/* The text of a file of /proc, in one read: it is then of one moment. */
static const char *
text_of(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	text[n < 0 ? 0 : n] = '\0';
	close(fd);
	return text;
}

unsigned
option(const char *name, unsigned otherwise)
{
	const char *at = strstr(text_of("/proc/cmdline"), name);

	if (at == NULL || at[strlen(name)] != '=')
		return otherwise;
	return (unsigned)strtoul(at + strlen(name) + 1, NULL, 10);
}

static void
verdict(const char *word, const char *format, va_list list)
{
	char line[200];

	vsnprintf(line, sizeof line, format, list);
	printf("%s %s\n", word, line);
}

void
passed(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	verdict("ok", format, list);
	va_end(list);
}

void
failed(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	verdict("FAIL", format, list);
	va_end(list);
}

static uint64_t
value_of(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *at = text;

	while (at != NULL && !(strncmp(at, name, len) == 0 && at[len] == ' ')) {
		at = strchr(at, '\n');
		at += at != NULL;
	}
	if (at == NULL || *at == '\0') {
		failed("counts: no %s in /proc/vmstat", name);
		program_end();
	}
	return strtoull(at + len, NULL, 10);
}

struct counts
counts_now(void)
{
	const char *text = text_of("/proc/vmstat");
	struct counts c = { .metadata = 0 };

	for (int i = 0; i < COUNTS && counted[i] != NULL; i++)
		c.live[i] = value_of(text, counted[i]);
	c.tables = value_of(text, "nr_page_table_pages");
	for (size_t i = 0; i < sizeof metadata / sizeof metadata[0]; i++)
		c.metadata += value_of(text, metadata[i]);
	return c;
}

static bool
same(const struct counts *a, const struct counts *b)
{
	return memcmp(a->live, b->live, sizeof a->live) == 0 &&
	    b->tables <= a->tables + 1;
}

struct counts
counts_settled(void)
{
	struct counts now = counts_now(), was;

	for (int calm = 0; calm < CALM;) {
		usleep(PAUSE_US);
		was = now;
		now = counts_now();
		calm = same(&was, &now) ? calm + 1 : 0;
	}
	return now;
}

bool
counts_same(const char *what, const struct counts *before)
{
	struct counts now = counts_now();

	for (int tries = 0; tries < TRIES && !same(before, &now); tries++) {
		usleep(PAUSE_US);
		now = counts_now();
	}
	if (same(before, &now))
		return true;
	for (int i = 0; i < COUNTS && counted[i] != NULL; i++)
		if (now.live[i] != before->live[i])
			failed("%s: %s was %lu, is %lu", what, counted[i],
			    before->live[i], now.live[i]);
	if (now.tables > before->tables + 1)
		failed("%s: page tables were %lu, are %lu", what,
		    before->tables, now.tables);
	return false;
}

void
stamp_pages(char *p, unsigned npages, uint64_t seed)
{
	uint64_t *word;

	for (unsigned i = 0; i < npages; i++) {
		word = (uint64_t *)(p + i * PAGE);
		word[0] = stamp(seed, i);
		word[PAGE / 8 - 1] = ~stamp(seed, i);
	}
}

bool
stamped(const char *p, unsigned npages, uint64_t seed)
{
	const uint64_t *word;

	for (unsigned i = 0; i < npages; i++) {
		word = (const uint64_t *)(p + i * PAGE);
		if (word[0] != stamp(seed, i) ||
		    word[PAGE / 8 - 1] != ~stamp(seed, i))
			return false;
	}
	return true;
}

bool
zeroed(const char *p, unsigned npages)
{
	const uint64_t *word = (const uint64_t *)p;

	for (size_t i = 0; i < npages * PAGE / 8; i++)
		if (word[i] != 0)
			return false;
	return true;
}

int
status_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			return -1;
	return status;
}
