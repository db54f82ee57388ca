/*
 * paging.c - more memory than there is: what was written is what is read, in
 * private and shared memory, before and after fork, while swap goes and comes.
 *
 * Runs with a third of the memory it uses, and a swap area on /dev/vda.
 */
#include "counts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/swap.h>

#define BYTES (160ul << 20)
#define PAGES (BYTES / PAGE)

static char *
memory(size_t bytes, int flags)
{
	char *p = mmap(NULL, bytes, RW, flags | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		failed("paging: mmap: errno %d", errno);
		program_end();
	}
	return p;
}

/* What follows the name in a file. */
static uint64_t
figure(const char *file, const char *name)
{
	static char text[8192];
	int fd = open(file, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	char *at;

	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strstr(text, name);
	return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

static uint64_t
vmstat(const char *name)
{
	return figure("/proc/vmstat", name);
}

/* Pages of swap in use. The files must agree in what there is, and what of it is used. */
static uint64_t
swap_used(void)
{
	uint64_t total = figure("/proc/meminfo", "SwapTotal:");
	uint64_t used = total - figure("/proc/meminfo", "SwapFree:");
	uint64_t size = figure("/proc/swaps", "partition\t");
	char name[32];

	snprintf(name, sizeof name, "partition\t%lu\t\t", size);
	if (total != size || used != figure("/proc/swaps", name))
		failed("paging: /proc/swaps is not what /proc/meminfo says: %lu of %lu",
		    used, total);
	return used * 1024 / PAGE;
}

/* Of the mapping that begins at p: kB that smaps says are swapped out. */
static uint64_t
swap_of(const char *p)
{
	char line[256], start[20];
	bool here = false;
	unsigned long kb = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	snprintf(start, sizeof start, "%08lx-", (unsigned long)p);
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		here = here || strncmp(line, start, strlen(start)) == 0;
		if (here && sscanf(line, "Swap: %lu kB", &kb) == 1)
			break;
	}
	if (f != NULL)
		fclose(f);
	return kb;
}

static void
large(void)
{
	char *p = memory(BYTES, ANON);

	stamp_pages(p, PAGES, 1);
	if (!stamped(p, PAGES, 1))
		failed("paging: three times the memory: not what was written");
	else if (vmstat("pswpout ") < PAGES / 2 || vmstat("pswpin ") == 0)
		failed("paging: of %lu pages %lu were paged out, %lu in",
		    PAGES, vmstat("pswpout "), vmstat("pswpin "));
	else
		passed("paging: three times the memory");
	munmap(p, BYTES);
}

/* Swapped out when it forks; both sides then write. */
static void
forked(void)
{
	char *p = memory(BYTES / 2, ANON), *s = memory(BYTES / 8, SHARED_ANON);
	pid_t pid;
	int status;

	stamp_pages(p, PAGES / 2, 2);
	stamp_pages(s, PAGES / 8, 3);
	pid = fork();
	if (pid == 0) {
		bool good = stamped(p, PAGES / 2, 2) &&
		    stamped(s, PAGES / 8, 3);

		stamp_pages(p, PAGES / 4, 4);
		stamp_pages(s, PAGES / 16, 5);
		good = good && stamped(p, PAGES / 4, 4) &&
		    stamped(p + BYTES / 4, 1, 0) == false;
		_exit(good ? 0 : 1);
	}
	stamp_pages(p + BYTES / 4, PAGES / 4, 6);
	status = pid < 0 ? -1 : status_of(pid);
	if (status != 0)
		failed("paging: the child's memory: status %d", status);
	else if (!stamped(p + BYTES / 4, PAGES / 4, 6) ||
	    !stamped(p, 64, 2) || !stamped(s, PAGES / 16, 5))
		failed("paging: the parent's memory after fork");
	else
		passed("paging: fork of what is swapped out");
	munmap(p, BYTES / 2);
	munmap(s, BYTES / 8);
}

static void
locked(void)
{
	char *l = memory(64 * PAGE, ANON), *p;
	unsigned char in[64];
	unsigned here = 0;

	stamp_pages(l, 64, 7);
	mlock(l, 64 * PAGE);
	p = memory(BYTES, ANON);
	stamp_pages(p, PAGES, 8);
	mincore(l, 64 * PAGE, in);
	for (unsigned i = 0; i < 64; i++)
		here += in[i] & 1;
	if (here != 64 || !stamped(l, 64, 7))
		failed("paging: of 64 locked pages %u are there", here);
	else
		passed("paging: locked pages stay");
	munmap(p, BYTES);
	munmap(l, 64 * PAGE);
}

static void
advised(void)
{
	char *p = memory(256 * PAGE, ANON);
	uint64_t before, used;

	stamp_pages(p, 256, 9);
	before = vmstat("pswpout ");
	used = swap_used();
	if (madvise(p, 256 * PAGE, MADV_PAGEOUT) != 0)
		failed("paging: MADV_PAGEOUT: errno %d", errno);
	else if (vmstat("pswpout ") - before < 200 || !stamped(p, 256, 9))
		failed("paging: MADV_PAGEOUT took %lu of 256",
		    vmstat("pswpout ") - before);
	else
		passed("paging: MADV_PAGEOUT");
	stamp_pages(p, 256, 10);
	before = swap_used();
	madvise(p, 256 * PAGE, MADV_PAGEOUT);
	if (swap_used() < before + 200)
		failed("paging: %lu pages of swap are used, %lu were before",
		    swap_used(), before);
	munmap(p, 256 * PAGE);
	if (swap_used() > used)
		failed("paging: %lu pages of swap are used, not %lu",
		    swap_used(), used);
}

/* What nothing can compress. */
static void
noise(char *p, unsigned npages)
{
	for (size_t i = 0; i < npages * PAGE / sizeof(uint64_t); i++)
		((uint64_t *)p)[i] = stamp(11, i);
}

/* What each file says of pages that were sent out; and to have them back is to read. */
static void
told(void)
{
	char *p = memory(256 * PAGE, ANON);
	struct rusage before, after;
	uint64_t major, out, smaps;

	noise(p, 256);
	stamp_pages(p, 256, 12);
	madvise(p, 256 * PAGE, MADV_PAGEOUT);
	out = figure("/proc/self/status", "VmSwap:");
	smaps = swap_of(p);
	getrusage(RUSAGE_SELF, &before);
	major = vmstat("pgmajfault ");
	if (!stamped(p, 256, 12))
		failed("paging: not what was sent out");
	getrusage(RUSAGE_SELF, &after);
	major = vmstat("pgmajfault ") - major;
	if (out < 200 * PAGE / 1024 || smaps < 200 * PAGE / 1024)
		failed("paging: of 1024 kB out, VmSwap is %lu, smaps' %lu", out,
		    smaps);
	else if (major == 0 || after.ru_majflt == before.ru_majflt ||
	    after.ru_inblock - before.ru_inblock < 200 * (long)PAGE / 512)
		failed("paging: %lu major faults, %ld of them here, %ld blocks",
		    major, after.ru_majflt - before.ru_majflt,
		    after.ru_inblock - before.ru_inblock);
	else
		passed("paging: what is out, and what it takes to come back");
	munmap(p, 256 * PAGE);
}

/* What a child had is told when it has ended. */
static void
told_of_children(void)
{
	struct rusage of;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		stamp_pages(memory(2048 * PAGE, ANON), 2048, 13);
		_exit(0);
	}
	if (wait4(pid, &status, 0, &of) != pid || status != 0)
		failed("paging: a child of 2048 pages: status %d", status);
	else if (of.ru_minflt < 2048)
		failed("paging: a child of 2048 pages had %ld faults",
		    of.ru_minflt);
	else
		passed("paging: what a child had");
}

/* What is swapped out comes home, or the call is refused and nothing is lost. */
static void
swapped_off(void)
{
	char *p = memory(BYTES / 8, ANON), *q = memory(BYTES, ANON);

	stamp_pages(p, PAGES / 8, 10);
	stamp_pages(q, PAGES, 11);
	if (swapoff("/dev/vda") == 0 || errno != ENOMEM)
		failed("paging: swapoff without room: errno %d", errno);
	else if (!stamped(q, PAGES, 11) || !stamped(p, PAGES / 8, 10))
		failed("paging: swapoff without room lost something");
	else
		passed("paging: swapoff without room is refused");
	munmap(q, BYTES);
	if (swapoff("/dev/vda") != 0)
		failed("paging: swapoff: errno %d", errno);
	else if (!stamped(p, PAGES / 8, 10))
		failed("paging: swapoff lost something");
	else
		passed("paging: swapoff brings all home");
	if (swapon("/dev/vda", 0) != 0)
		failed("paging: swapon: errno %d", errno);
	munmap(p, BYTES / 8);
}

int
main(void)
{
	struct counts before;

	program_begin();
	before = counts_settled();
	large();
	forked();
	locked();
	advised();
	told();
	told_of_children();
	swapped_off();
	if (counts_same("paging: at the end", &before))
		passed("paging: every count is what it was");
	program_end();
}
