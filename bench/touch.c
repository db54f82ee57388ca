/*
 * touch.c - touches all of memory but a little, and tells what describing it
 * took: frames of kernel memory (page descriptors, anons, chunks, entries; the
 * reference kernel's own few too) and of page tables, against all of RAM.
 *
 * Runs as /init.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096ul

/* A number of /proc/FILE. */
static unsigned long
figure(const char *file, const char *name)
{
	FILE *f = fopen(file, "r");
	char line[128];
	unsigned long value = 0;

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoul(line + strlen(name) + 1, NULL, 10);
	if (f != NULL)
		fclose(f);
	return value;
}

int
main(void)
{
	unsigned long total, described, len, touched = 0;
	char *p;

	guest_begin();
	len = figure("/proc/meminfo", "MemFree:") * 1024 / 100 * 97;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		perror("mmap");
		guest_end();
	}
	for (; touched < len / PAGE; touched++)
		p[touched * PAGE] = 1;
	total = figure("/proc/vmstat", "tome_frames_total");
	described = figure("/proc/vmstat", "tome_frames_kernel") +
	    figure("/proc/vmstat", "nr_page_table_pages");
	printf("METADATA touched %lu of %lu frames, described by %lu: %lu.%02lu%%\n",
	    touched, total, described, described * 100 / total,
	    described * 10000 / total % 100);
	printf("TOUCH-DONE\n");
	guest_end();
	return 0;
}
