/*
 * process.c - cases: another's memory, and what /proc tells.
 */
#include "suite.h"

#include <sys/uio.h>

static ssize_t
copy_from(pid_t pid, void *to, const void *from, size_t n)
{
	struct iovec local = { to, n }, remote = { (void *)(uintptr_t)from, n };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static ssize_t
copy_to(pid_t pid, void *to, const void *from, size_t n)
{
	struct iovec local = { (void *)(uintptr_t)from, n }, remote = { to, n };

	return process_vm_writev(pid, &local, 1, &remote, 1, 0);
}

/* A child that waits on a pipe with p as it was at fork. */
static pid_t
waiting_child(int go[2], void (*before_exit)(char *), char *p)
{
	pid_t pid;
	char byte;

	REQUIRE(pipe(go) == 0);
	pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0) {
		if (read(go[0], &byte, 1) != 1)
			_exit(2);
		before_exit(p);
		_exit(0);
	}
	return pid;
}

static void
release(int go[2], pid_t pid)
{
	int status;

	REQUIRE(write(go[1], "x", 1) == 1);
	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
}

static void
expect_ours(char *p)
{
	REQUIRE(suite_filled(p, 6, 2 * PAGE));
}

static void
process_read_and_write(void)
{
	char *p = suite_map(2, RW), *q = suite_map(2, RW);
	int go[2];
	pid_t pid;

	memset(p, 4, 2 * PAGE);
	pid = waiting_child(go, expect_ours, p);
	memset(p, 5, 2 * PAGE);
	REQUIRE(copy_from(pid, q, p, 2 * PAGE) == 2 * (ssize_t)PAGE);
	REQUIRE(suite_filled(q, 4, 2 * PAGE));
	memset(q, 6, 2 * PAGE);
	REQUIRE(copy_to(pid, p, q, 2 * PAGE) == 2 * (ssize_t)PAGE);
	release(go, pid);
	REQUIRE(suite_filled(p, 5, 2 * PAGE));
}

static void
expect_nothing(char *p)
{
	(void)p;
}

static void
process_copy_stops_at_a_hole(void)
{
	char *p = suite_map_alone(2, RW), *q = suite_map(4, RW);
	int go[2];
	pid_t pid;

	memset(p, 4, 2 * PAGE);
	pid = waiting_child(go, expect_nothing, p);
	REQUIRE(copy_from(pid, q, p, 3 * PAGE) == 2 * (ssize_t)PAGE);
	REQUIRE_ERRNO(copy_from(pid, q, p + 2 * PAGE, PAGE), EFAULT);
	release(go, pid);
	REQUIRE_ERRNO(copy_from(pid, q, p, PAGE), ESRCH);
}

static void
process_copy_respects_rights(void)
{
	char *p = suite_map(2, RW), byte = 1;

	memset(p, 4, 2 * PAGE);
	REQUIRE(mprotect(p, PAGE, PROT_READ) == 0);
	REQUIRE_ERRNO(copy_to(getpid(), p, &byte, 1), EFAULT);
	REQUIRE(copy_from(getpid(), &byte, p, 1) == 1 && byte == 4);
	REQUIRE(mprotect(p, PAGE, PROT_NONE) == 0);
	REQUIRE_ERRNO(copy_from(getpid(), &byte, p, 1), EFAULT);
}

/* The line of /proc/self/maps that starts at p. */
static bool
maps_line(const void *p, char *line, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start;
	bool found = false;

	REQUIRE(maps != NULL);
	while (!found && fgets(line, (int)size, maps) != NULL)
		found = sscanf(line, "%lx-", &start) == 1 &&
		    start == (uintptr_t)p;
	fclose(maps);
	return found;
}

static void
proc_maps_shows_rights(void)
{
	char *p = suite_map_alone(4, RW), line[256], want[64];

	REQUIRE(mprotect(p, 2 * PAGE, PROT_READ | PROT_EXEC) == 0);
	REQUIRE(maps_line(p, line, sizeof line));
	snprintf(want, sizeof want, "%lx-%lx r-xp 00000000 00:00 0",
	    (unsigned long)p, (unsigned long)(p + 2 * PAGE));
	REQUIRE(strncmp(line, want, strlen(want)) == 0);
	REQUIRE(maps_line(p + 2 * PAGE, line, sizeof line));
	REQUIRE(strstr(line, " rw-p ") != NULL);
}

static void
proc_maps_shows_files(void)
{
	int fd = suite_file(4);
	char *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	char line[256], want[32];

	snprintf(want, sizeof want, " r--s %08lx ", PAGE);
	REQUIRE(maps_line(p, line, sizeof line));
	REQUIRE(strstr(line, want) != NULL);
	REQUIRE(strstr(line, "/memfd:suite") != NULL);
}

static void
proc_maps_names_heap_and_stack(void)
{
	FILE *maps;
	char line[256];
	int heap = 0, stack = 0;

	REQUIRE(syscall(SYS_brk, syscall(SYS_brk, 0) + PAGE) > 0);
	maps = fopen("/proc/self/maps", "r");
	REQUIRE(maps != NULL);
	while (fgets(line, sizeof line, maps) != NULL) {
		heap += strstr(line, "[heap]") != NULL;
		stack += strstr(line, "[stack]") != NULL;
	}
	REQUIRE(heap >= 1 && stack == 1);
}

/* A field of the mapping at p in /proc/self/smaps, in kB; -1: it is not there. */
static long
smaps_kb(const void *p, const char *field)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long start;
	bool here = false;
	char line[256];
	long kb = -1;

	REQUIRE(smaps != NULL);
	while (kb < 0 && fgets(line, sizeof line, smaps) != NULL) {
		if (sscanf(line, "%lx-", &start) == 1 &&
		    strchr(line, '-') != NULL)
			here = start == (uintptr_t)p;
		if (here && strncmp(line, field, strlen(field)) == 0 &&
		    line[strlen(field)] == ':')
			kb = atol(line + strlen(field) + 1);
	}
	fclose(smaps);
	return kb;
}

/* Each of two mappings has half of a page that both show. */
static void
proc_smaps_shares_out(void)
{
	int fd = suite_file(4);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	long kb = (long)PAGE / 1024;

	REQUIRE(p != MAP_FAILED && q != MAP_FAILED);
	memset(p, 1, 4 * PAGE);
	REQUIRE(smaps_kb(p, "Rss") == 4 * kb && smaps_kb(p, "Pss") == 4 * kb);
	memset(q, 1, 2 * PAGE);
	REQUIRE(smaps_kb(p, "Rss") == 4 * kb && smaps_kb(p, "Pss") == 3 * kb);
	REQUIRE(smaps_kb(q, "Rss") == 2 * kb && smaps_kb(q, "Pss") == kb);
	REQUIRE(smaps_kb(p, "Swap") == 0 && smaps_kb(q, "Private_Dirty") == 0);
}

#define IS_PRESENT ((uint64_t)1 << 63)
#define IS_SHARED ((uint64_t)1 << 61)
#define IS_MAPPED_ONCE ((uint64_t)1 << 56)

/* What /proc/self/pagemap says of the page at p; neither its frame nor whether it was
 * written to since somebody asked. */
static uint64_t
pagemap_word(const void *p)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	off64_t at = (off64_t)((uintptr_t)p / PAGE * sizeof(uint64_t));
	uint64_t word;

	REQUIRE(fd >= 0);
	REQUIRE(pread64(fd, &word, sizeof word, at) == sizeof word);
	close(fd);
	return word & (IS_PRESENT | IS_SHARED | IS_MAPPED_ONCE | 1ull << 62);
}

static void
proc_pagemap_says_where(void)
{
	volatile char *p = suite_map(4, RW);
	char *s = mmap(NULL, PAGE, RW, SHARED_ANON, -1, 0);

	REQUIRE(pagemap_word((char *)p) == 0);
	REQUIRE(p[0] == 0);
	REQUIRE(pagemap_word((char *)p) == IS_PRESENT);
	p[0] = p[PAGE] = s[0] = 1;
	REQUIRE(pagemap_word((char *)p) == (IS_PRESENT | IS_MAPPED_ONCE));
	REQUIRE(pagemap_word(s) == (IS_PRESENT | IS_SHARED | IS_MAPPED_ONCE));
	REQUIRE(pagemap_word((char *)p + 2 * PAGE) == 0);
	REQUIRE(madvise((char *)p, PAGE, MADV_DONTNEED) == 0);
	REQUIRE(pagemap_word((char *)p) == 0);
}

static void
look_at_forked(void *arg)
{
	volatile char *p = arg;

	REQUIRE(*p == 1);
	REQUIRE(pagemap_word(arg) == IS_PRESENT);
	*p = 2;
	REQUIRE(pagemap_word(arg) == (IS_PRESENT | IS_MAPPED_ONCE));
}

static void
proc_pagemap_says_what_is_shared(void)
{
	char *p = suite_map(1, RW);

	*p = 1;
	REQUIRE(suite_child(look_at_forked, p) == 0);
}

static void
proc_pagemap_ends(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t words[2];

	REQUIRE(fd >= 0);
	REQUIRE_ERRNO(pread64(fd, words, sizeof words - 1, 0), EINVAL);
	REQUIRE_ERRNO(pread64(fd, words, sizeof words, 4), EINVAL);
	REQUIRE(pread64(fd, words, sizeof words, (off64_t)1 << 60) == 0);
	close(fd);
}

/* A field of /proc/self/status, in kB. */
static long
status_kb(const char *field)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	REQUIRE(status != NULL);
	while (kb < 0 && fgets(line, sizeof line, status) != NULL)
		if (strncmp(line, field, strlen(field)) == 0 &&
		    line[strlen(field)] == ':')
			kb = atol(line + strlen(field) + 1);
	fclose(status);
	return kb;
}

static void
proc_status_counts(void)
{
	long size = status_kb("VmSize"), resident = status_kb("VmRSS");
	char *p = suite_map(1024, RW);

	REQUIRE(size > 0 && resident > 0);
	REQUIRE(status_kb("VmSize") - size >= 4096);
	memset(p, 1, 512 * PAGE);
	REQUIRE(status_kb("VmRSS") - resident >= 1900);
	REQUIRE(munmap(p, 1024 * PAGE) == 0);
	REQUIRE(status_kb("VmSize") - size < 4096);
	REQUIRE(mlock(suite_map(16, RW), 16 * PAGE) == 0);
	REQUIRE(status_kb("VmLck") == 16 * PAGE / 1024);
}

const struct suite_case cases_process[] = {
	CASE(process_read_and_write),
	CASE(process_copy_stops_at_a_hole),
	CASE(process_copy_respects_rights),
	CASE(proc_maps_shows_rights),
	CASE(proc_maps_shows_files),
	CASE(proc_maps_names_heap_and_stack),
	CASE(proc_smaps_shares_out),
	CASE(proc_pagemap_says_where),
	CASE(proc_pagemap_says_what_is_shared),
	CASE(proc_pagemap_ends),
	CASE(proc_status_counts),
	{ NULL, NULL },
};
