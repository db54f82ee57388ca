/* far.c - a process bigger than the direct map: filled, forked, pushed out to swap, read
 * back. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1u << 20)
#define PAGE 4096u

static uint32_t *memory;
static size_t pages;

static uint32_t
word(size_t page, uint32_t salt)
{
	return (uint32_t)page * 2654435761u ^ salt;
}

static void
fill(size_t from, size_t to, uint32_t salt)
{
	for (size_t p = from; p < to; p++)
		memory[p * (PAGE / 4) + p % 1024] = word(p, salt);
}

static int
wrong(size_t from, size_t to, uint32_t salt)
{
	int n = 0;

	for (size_t p = from; p < to; p++)
		n += memory[p * (PAGE / 4) + p % 1024] != word(p, salt);
	return n;
}

/* The child changes the first half for itself; the parent's stays. */
static int
forked(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		fill(0, pages / 2, 2);
		_exit(wrong(0, pages / 2, 2) != 0 ||
		    wrong(pages / 2, pages, 1) != 0);
	}
	return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}

/* A line of /proc/vmstat. */
static unsigned long
counted(const char *name)
{
	FILE *f = fopen("/proc/vmstat", "r");
	unsigned long n = 0, v;
	char line[64];

	while (f != NULL && fscanf(f, "%63s %lu", line, &v) == 2)
		if (strcmp(line, name) == 0)
			n = v;
	if (f != NULL)
		fclose(f);
	return n;
}

int
main(int argc, char **argv)
{
	size_t bytes = (size_t)(argc > 1 ? atoi(argv[1]) : 1400) * MIB;
	int bad;

	mkdir("/proc", 0755);
	if (mount("none", "/proc", "proc", 0, NULL) != 0)
		perror("mount");
	pages = bytes / PAGE;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	fill(0, pages, 1);
	bad = wrong(0, pages, 1);
	printf("filled: %d wrong\n", bad);
	bad += forked();
	printf("forked: %d wrong\n", bad);
	if (madvise(memory, bytes, 21) != 0)	/* MADV_PAGEOUT */
		bad++;
	bad += wrong(0, pages, 1);
	/* All of it went to the disk and came from there. */
	bad += counted("pswpout") < pages || counted("pswpin") < pages;
	printf("paged out and read back: %d wrong\n", bad);
	return bad != 0;
}
