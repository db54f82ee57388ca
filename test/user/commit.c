/*
 * commit.c - cases: what the kernel promises (proc(5): vm.overcommit_memory). Each
 * puts the settings back; cases run one after the other.
 */
#include "suite.h"

static bool
set(const char *name, const char *value)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/sys/vm/%s", name);
	fd = open(path, O_WRONLY);
	n = write(fd, value, strlen(value));
	close(fd);
	return n == (ssize_t)strlen(value);
}

/* kB of a line of /proc/meminfo. */
static unsigned long
meminfo(const char *name)
{
	static char text[4096];
	int fd = open("/proc/meminfo", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	char *at;

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	at = strstr(text, name);
	return at == NULL ? 0 : strtoul(at + strlen(name), NULL, 10);
}

#define LINES 5

static void
meminfo_of_kinds(unsigned long kb[LINES])
{
	static const char *const names[LINES] = { "\nAnonPages:", "\nShmem:",
		"\nMapped:", "\nMlocked:", "\nCached:" };

	for (unsigned i = 0; i < LINES; i++)
		kb[i] = meminfo(names[i]);
}

/* By how much each line grew, in units of SIZE: 0, 1, or 9, which is neither. */
#define SIZE (16ul << 20)
static unsigned
grown(unsigned long kb[LINES])
{
	unsigned long now[LINES], kbs = SIZE / 1024;
	unsigned digits = 0;

	meminfo_of_kinds(now);
	for (unsigned i = 0; i < LINES; i++) {
		unsigned long more = now[i] - kb[i] + kbs / 4;

		digits = digits * 10 + (more < kbs / 2 ? 0 :
		    more >= kbs && more < kbs + kbs / 2 ? 1 : 9);
		kb[i] = now[i];
	}
	return digits;
}

static void *
map(size_t n, int prot, int flags)
{
	return mmap(NULL, n, prot, flags, -1, 0);
}

static void
commit_heuristic_refuses_the_absurd(void)
{
	REQUIRE(map(BIG, RW, ANON) == MAP_FAILED && errno == ENOMEM);
	REQUIRE(map(BIG, RW, SHARED_ANON) == MAP_FAILED && errno == ENOMEM);
	REQUIRE(map(BIG, RW, ANON | MAP_NORESERVE) != MAP_FAILED);
	REQUIRE(map(BIG, PROT_READ, ANON) != MAP_FAILED);
}

static void
commit_late_writing_is_refused(void)
{
	char *p = map(BIG, PROT_READ, ANON);

	REQUIRE(p != MAP_FAILED);
	REQUIRE(mprotect(p, BIG, RW) == -1 && errno == ENOMEM);
	REQUIRE(mprotect(p, PAGE, RW) == 0);
}

static void
commit_always_refuses_nothing(void)
{
	bool mapped;

	REQUIRE(set("overcommit_memory", "1"));
	mapped = map(BIG, RW, ANON) != MAP_FAILED;
	REQUIRE(set("overcommit_memory", "0"));
	REQUIRE(mapped);
}

static void
commit_never_counts_all(void)
{
	unsigned long limit;
	void *half, *more, *none;

	REQUIRE(set("overcommit_memory", "2"));
	limit = meminfo("CommitLimit:") * 1024;
	half = map(limit / 2, RW, ANON);
	more = map(limit - limit / 4, RW, ANON);
	none = map(limit - limit / 4, RW, ANON | MAP_NORESERVE);
	REQUIRE(set("overcommit_memory", "0"));
	REQUIRE(half != MAP_FAILED && more == MAP_FAILED && none == MAP_FAILED);
}

static void
commit_of_what_is_mapped(void)
{
	unsigned long before = meminfo("Committed_AS:");
	void *p = map(64 << 20, RW, ANON);

	REQUIRE(p != MAP_FAILED);
	REQUIRE(meminfo("Committed_AS:") >= before + 60 * 1024);
	munmap(p, 64 << 20);
	REQUIRE(meminfo("Committed_AS:") <= before + 4 * 1024);
}

/* What is there is told as what it is. */
static void
meminfo_tells_kinds_apart(void)
{
	unsigned long kb[LINES];
	void *own = map(SIZE, RW, ANON), *shared = map(SIZE, RW, SHARED_ANON);

	meminfo_of_kinds(kb);
	memset(own, 1, SIZE);
	REQUIRE(grown(kb) == 10000);
	memset(shared, 1, SIZE);
	REQUIRE(grown(kb) == 1101);
	REQUIRE(mlock(own, SIZE) == 0);
	REQUIRE(grown(kb) == 10);
	REQUIRE(munlock(own, SIZE) == 0);
	REQUIRE(madvise(shared, SIZE, MADV_DONTNEED) == 0);	/* there, unmapped */
	meminfo_of_kinds(kb);
	memset(shared, 2, SIZE);
	REQUIRE(grown(kb) == 100);
	REQUIRE(meminfo("MemAvailable:") <= meminfo("MemTotal:"));
	munmap(own, SIZE);
	munmap(shared, SIZE);
}

static void
commit_refuses_nonsense(void)
{
	REQUIRE(!set("overcommit_memory", "3") && errno == EINVAL);
}

const struct suite_case cases_commit[] = {
	CASE(commit_heuristic_refuses_the_absurd),
	CASE(commit_late_writing_is_refused),
	CASE(commit_always_refuses_nothing),
	CASE(commit_never_counts_all),
	CASE(commit_of_what_is_mapped),
	CASE(meminfo_tells_kinds_apart),
	CASE(commit_refuses_nonsense),
	{ NULL, NULL },
};
