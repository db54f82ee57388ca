/*
 * vmbench.c - what each operation of virtual memory costs, from user space.
 *
 * Runs as /init (then powers the machine off) or as any program. Under QEMU's
 * -icount shift=0 a guest instruction takes a nanosecond of the guest's time, so
 * that as /init the unit is the instruction, and figures repeat on any machine; run natively
 * it is the nanosecond. A counter may tick every few instructions: what is counted is
 * operations in batches. Each row is printed as
 *
 *	NAME (38 columns)  UNITS PER OPERATION  [FLUSHES  IPIS]
 *
 * the last two where /proc/vmstat counts them. Everything runs twice; the
 * first round also pays for what the kernel builds once.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#define RAM_DISK "/dev/ram0"
#define RAM_DISK_MIB 64

static long npages = 4096;	/* the size of the large mappings */
static double unit = 1.0;	/* nanoseconds of a tick, or instructions */
static volatile char sink;

/* What the kernel counted, where it does. */
struct counts {
	bool known;
	double flushes, ipis;
};

static struct counts counts_before;

/* ---- measuring ---------------------------------------------------------- */

#ifdef __x86_64__
static inline uint64_t
ticks(void)
{
	unsigned low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

/* How many instructions a tick is, counted. */
static double
tick(void)
{
	return 1.0;
}
#elif defined(__riscv)
static inline uint64_t
ticks(void)
{
	uint64_t t;

	__asm__ volatile("rdtime %0" : "=r"(t) : : "memory");
	return t;
}

/* QEMU's board: 10 MHz. */
static double
tick(void)
{
	return 100.0;
}
#else
static inline uint64_t
ticks(void)
{
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(t) : : "memory");
	return t;
}

static double
tick(void)
{
	uint64_t frequency;

	__asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
	return 1e9 / (double)frequency;
}
#endif

static struct counts
counts_read(void)
{
	struct counts c = { false, 0, 0 };
	static char text[8192], *line;
	int fd = open("/proc/vmstat", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *value = strchr(line, ' ');

		if (value == NULL || strncmp(line, "tome_", 5) != 0)
			continue;
		c.known = true;
		if (strncmp(line, "tome_flush_", 11) == 0)
			c.flushes += atof(value);
		else if (strncmp(line, "tome_ipis ", 10) == 0)
			c.ipis += atof(value);
	}
	return c;
}

static inline uint64_t
begin(void)
{
	counts_before = counts_read();
	return ticks();
}

static void
report_ticks(const char *name, uint64_t spent, double ops)
{
	struct counts now = counts_read();

	printf("%-38s %10.1f", name, (double)spent * unit / ops);
	if (now.known)
		printf(" %8.3f %8.3f",
		    (now.flushes - counts_before.flushes) / ops,
		    (now.ipis - counts_before.ipis) / ops);
	printf("\n");
	fflush(stdout);
}

#define report(name, since, ops) report_ticks(name, ticks() - (since), ops)

static void
fail(const char *what)
{
	perror(what);
	printf("BENCH-FAILED\n");
	if (getpid() == 1)
		guest_end();
	exit(1);
}

/* ---- small helpers ------------------------------------------------------ */

static char *
map_anon(size_t len)
{
	return mmap(NULL, len, RW, ANON, -1, 0);
}

/* Memory whose pages stay small. */
static char *
map_small_pages(size_t len)
{
	char *p = map_anon(len);

	if (p == MAP_FAILED)
		fail("mmap");
	madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

static inline void
write_each(char *p, long n, char value)
{
	for (long i = 0; i < n; i++)
		p[i * PAGE] = value;
}

static inline void
read_each(char *p, long n)
{
	for (long i = 0; i < n; i++)
		sink = p[i * PAGE];
}

/* fork without the C library's own work around it. */
static pid_t
fork_bare(void)
{
#ifdef SYS_fork
	return syscall(SYS_fork);
#else
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

static void
exit_bare(void)
{
	syscall(SYS_exit_group, 0);
}

static void
fork_exit_wait(void)
{
	pid_t child = fork_bare();

	if (child == 0)
		exit_bare();
	waitpid(child, NULL, 0);
}

/* ---- the rows, in the order in which they are printed -------------------- */

static void
rows_baseline(void)
{
	uint64_t t = begin();

	for (long i = 0; i < 100000; i++)
		__asm__ volatile("nop");
	report("loop iter", t, 100000);

	t = begin();
	for (long i = 0; i < 2000; i++)
		syscall(SYS_getppid);
	report("getppid", t, 2000);
}

/* Let the kernel's caches fill before anything is counted. */
static void
warm_up(void)
{
	char *p = map_small_pages(4096 * PAGE);

	for (int round = 0; round < 2; round++) {
		write_each(p, 4096, 1);
		madvise(p, 4096 * PAGE, MADV_DONTNEED);
	}
	munmap(p, 4096 * PAGE);
}

static void
rows_anon(void)
{
	char *p = map_small_pages(npages * PAGE);
	uint64_t t = begin();

	write_each(p, npages, 1);
	report("anon write fault", t, npages);

	t = begin();
	munmap(p, npages * PAGE);
	report("munmap per touched page", t, npages);

	p = map_small_pages(npages * PAGE);
	t = begin();
	read_each(p, npages);
	report("anon read fault (zero page)", t, npages);

	t = begin();
	write_each(p, npages, 1);
	report("zero-page -> write upgrade", t, npages);

	t = begin();
	for (int i = 0; i < 20; i++) {
		mprotect(p, npages * PAGE, PROT_READ);
		mprotect(p, npages * PAGE, RW);
	}
	report("mprotect flip per page", t, 40.0 * npages);

	t = begin();
	for (long i = 0; i < 1000; i++) {
		mprotect(p + PAGE * (2 * i + 2), PAGE, PROT_READ);
		mprotect(p + PAGE * (2 * i + 2), PAGE, RW);
	}
	report("mprotect 1pg split / merge", t, 2000);

	t = begin();
	for (long i = 0; i < 1000; i++)
		madvise(p + PAGE * i, PAGE, MADV_DONTNEED);
	report("madvise(DONTNEED) 1pg", t, 1000);

	t = begin();
	write_each(p, 1000, 1);
	report("refault after DONTNEED", t, 1000);
	munmap(p, npages * PAGE);
}

enum { SMALL = 512 };

/* Five shapes of small mappings (after CortenMM's benchmarks). */
static void
rows_small(void)
{
	static char *slot[SMALL];
	uint64_t t = begin();
	char *p;

	for (long i = 0; i < SMALL; i++)
		slot[i] = map_anon(4 * PAGE);
	report("C5 mmap 16K unfixed", t, SMALL);
	for (long i = 0; i < SMALL; i++)
		munmap(slot[i], 4 * PAGE);

	t = begin();
	for (long i = 0; i < SMALL; i++) {
		slot[i] = map_anon(PAGE);
		*(volatile char *)slot[i] = 1;
	}
	report("C5 mmap-PF 4K unfixed", t, SMALL);
	for (long i = 0; i < SMALL; i++)
		munmap(slot[i], PAGE);

	p = map_small_pages(2 * SMALL * PAGE);
	write_each(p, 2 * SMALL, 1);
	t = begin();
	for (long i = 0; i < SMALL; i++)
		munmap(p + i * PAGE, PAGE);
	report("C5 unmap 4K touched", t, SMALL);
	munmap(p, 2 * SMALL * PAGE);

	p = map_small_pages(2 * SMALL * PAGE);
	t = begin();
	for (long i = 0; i < SMALL; i++)
		munmap(p + i * PAGE, PAGE);
	report("C5 unmap-virt 4K", t, SMALL);
	munmap(p, 2 * SMALL * PAGE);

	p = map_small_pages(2 * SMALL * PAGE);
	t = begin();
	for (long i = 0; i < SMALL; i++)
		munmap(p + 2 * i * PAGE, PAGE);
	report("munmap 4K hole (split)", t, SMALL);
	munmap(p, 2 * SMALL * PAGE);
}

static void
rows_pairs(void)
{
	uint64_t t = begin();

	for (long i = 0; i < 2000; i++)
		munmap(map_anon(PAGE), PAGE);
	report("mmap+munmap 4K untouched", t, 2000);

	t = begin();
	for (long i = 0; i < 2000; i++) {
		char *p = map_anon(PAGE);

		*(volatile char *)p = 1;
		munmap(p, PAGE);
	}
	report("mmap+touch+munmap 4K", t, 2000);

	t = begin();
	for (long i = 0; i < 500; i++)
		munmap(map_anon(128ul << 20), 128ul << 20);
	report("wis mmap1 128M untouched", t, 500);
}

/* A child writes every page of p and tells what that took. */
static void
row_cow_copy(char *p)
{
	uint64_t spent;
	int pipes[2];
	pid_t child;

	if (pipe(pipes) != 0)
		fail("pipe");
	counts_before = counts_read();
	child = fork_bare();
	if (child == 0) {
		spent = ticks();
		write_each(p, npages, 3);
		spent = ticks() - spent;
		if (write(pipes[1], &spent, sizeof spent) != sizeof spent)
			_exit(1);
		exit_bare();
	}
	waitpid(child, NULL, 0);
	if (read(pipes[0], &spent, sizeof spent) != sizeof spent)
		fail("read");
	report_ticks("COW copy fault", spent, npages);
	close(pipes[0]);
	close(pipes[1]);
}

/* Leaves the touched pages to the caller: mremap moves them on. */
static char *
rows_fork(void)
{
	uint64_t t = begin(), spent = 0;
	char name[64], *p;

	for (int i = 0; i < 50; i++)
		fork_exit_wait();
	report("fork+exit+wait base", t, 50);

	p = map_small_pages(npages * PAGE);
	write_each(p, npages, 1);
	snprintf(name, sizeof name, "fork+exit+wait %ld anon pg", npages);
	t = begin();
	for (int i = 0; i < 20; i++)
		fork_exit_wait();
	report(name, t, 20);

	snprintf(name, sizeof name, "fork() call only %ld anon pg", npages);
	counts_before = counts_read();
	for (int i = 0; i < 10; i++) {
		uint64_t one = ticks();
		pid_t child = fork_bare();

		if (child == 0)
			exit_bare();
		spent += ticks() - one;
		waitpid(child, NULL, 0);
	}
	report_ticks(name, spent, 10);

	row_cow_copy(p);
	t = begin();
	write_each(p, npages, 4);
	report("COW reuse fault (last ref)", t, npages);
	return p;
}

static void
row_move(char *p)
{
	char *area = mmap(NULL, 2 * npages * PAGE, PROT_NONE, ANON, -1, 0);
	uint64_t t = begin();

	for (long i = 0; i < 20; i++)
		p = mremap(p, npages * PAGE, npages * PAGE,
		    MREMAP_MAYMOVE | MREMAP_FIXED,
		    area + (i & 1) * npages * PAGE);
	report("mremap move per page", t, 20.0 * npages);
	munmap(area, 2 * npages * PAGE);
}

enum { MANY = 10000 };

/* Every second page of a reservation becomes an entry of its own. */
static void
rows_many_entries(void)
{
	char *p = mmap(NULL, 2 * MANY * PAGE, PROT_NONE, ANON | MAP_NORESERVE,
	    -1, 0);
	uint64_t t = begin();

	for (long i = 0; i < MANY; i++)
		if (mmap(p + i * 2 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) ==
		    MAP_FAILED)
			break;
	report("mmap FIXED into PROT_NONE (->20k)", t, MANY);

	t = begin();
	for (long i = 0; i < MANY; i++)
		p[((i * 7919) % MANY) * 2 * PAGE] = 1;
	report("random write fault @20k entries", t, MANY);

	t = begin();
	for (long i = 0; i < 1000; i++)
		mprotect(p + 2 * PAGE * ((i * 7919) % MANY), PAGE, PROT_READ);
	report("mprotect 1 entry @20k", t, 1000);

	t = begin();
	munmap(p, 2 * MANY * PAGE);
	report("munmap whole 20k entries per entry", t, 2 * MANY);
}

/* A file in memory whose every page is filled. */
static int
file_of_pages(long n)
{
	char page[PAGE];
	int fd = memfd_create("f", 0);

	if (fd < 0 || ftruncate(fd, n * PAGE) != 0)
		fail("memfd");
	memset(page, 7, sizeof page);
	for (long i = 0; i < n; i++)
		if (pwrite(fd, page, PAGE, i * PAGE) != (ssize_t)PAGE)
			fail("pwrite");
	return fd;
}

static void
rows_file(void)
{
	int fd = file_of_pages(npages);
	size_t len = npages * PAGE;
	char page[PAGE], *p;
	uint64_t t;

	p = mmap(NULL, len, RW, MAP_SHARED, fd, 0);
	t = begin();
	read_each(p, npages);
	report("shared file read touch/pg (cached)", t, npages);
	munmap(p, len);

	p = mmap(NULL, len, RW, MAP_SHARED, fd, 0);
	madvise(p, len, MADV_RANDOM);
	t = begin();
	write_each(p, npages, 1);
	report("shared file write fault (cached)", t, npages);
	t = begin();
	munmap(p, len);
	report("munmap shared file per page", t, npages);

	p = mmap(NULL, len, RW, MAP_PRIVATE, fd, 0);
	t = begin();
	write_each(p, npages, 1);
	report("private file write fault (copy)", t, npages);
	munmap(p, len);

	t = begin();
	for (long i = 0; i < npages; i++)
		if (pread(fd, page, PAGE, i * PAGE) < 0)
			fail("pread");
	report("pread 4K cached", t, npages);

	t = begin();
	for (int i = 0; i < 100; i++) {
		p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
		munmap(p, len);
	}
	report("mmap+munmap file", t, 100);
	close(fd);
}

static void
rows_brk(void)
{
	uintptr_t end = (uintptr_t)syscall(SYS_brk, 0);
	char *top = (char *)((end + PAGE - 1) & ~(PAGE - 1));
	uint64_t t;

	syscall(SYS_brk, top);
	t = begin();
	for (long i = 0; i < 2000; i++) {
		syscall(SYS_brk, top + PAGE);
		syscall(SYS_brk, top);
	}
	report("brk +/- 1pg untouched (per call)", t, 4000);

	t = begin();
	for (long i = 0; i < 2000; i++) {
		syscall(SYS_brk, top + PAGE);
		*(volatile char *)top = 1;
		syscall(SYS_brk, top);
	}
	report("brk grow+touch+shrink", t, 2000);
}

static void
rows_huge(void)
{
	const size_t huge = 2ul << 20;
	char *p = map_anon(2 * huge);
	char *aligned = (char *)(((uintptr_t)p + huge - 1) & ~(huge - 1));
	uint64_t t;

	madvise(aligned, huge, MADV_HUGEPAGE);
	t = begin();
	*(volatile char *)aligned = 1;
	report("THP 2M write fault (1)", t, 1);
	t = begin();
	munmap(p, 2 * huge);
	report("munmap of it", t, 1);
}

static void
row_populate(void)
{
	char *p = map_small_pages(npages * PAGE);
	uint64_t t = begin();

	madvise(p, npages * PAGE, MADV_POPULATE_WRITE);
	report("POPULATE_WRITE per page", t, npages);
	munmap(p, npages * PAGE);
}

/* Linux has its own as a module. Whether there is one. */
static bool
ram_disk(void)
{
	char sizes[40];
	int fd = open("/module.ko", O_RDONLY);

	snprintf(sizes, sizeof sizes, "rd_nr=1 rd_size=%d", RAM_DISK_MIB << 10);
	if (fd >= 0) {
		if (syscall(SYS_finit_module, fd, sizes, 0) != 0 &&
		    errno != EEXIST)
			fail("/module.ko");
		close(fd);
	}
	return access(RAM_DISK, F_OK) == 0;
}

/* What mkswap(8) leaves in the first page. */
static void
swap_on(void)
{
	static char page[PAGE];
	uint32_t header[2] = { 1, (RAM_DISK_MIB << 20) / PAGE - 1 };
	int fd = open(RAM_DISK, O_WRONLY);

	memcpy(page + 1024, header, sizeof header);
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	if (fd < 0 || write(fd, page, PAGE) != (ssize_t)PAGE ||
	    fsync(fd) != 0 || close(fd) != 0 || swapon(RAM_DISK, 0) != 0)
		fail(RAM_DISK);
}

static long
pages_resident(char *p)
{
	static unsigned char in[1 << 16];
	long n = 0;

	if (mincore(p, npages * PAGE, in) != 0)
		fail("mincore");
	for (long i = 0; i < npages; i++)
		n += in[i] & 1;
	return n;
}

static void
rows_swap(void)
{
	char *p = map_small_pages(npages * PAGE);
	uint64_t t;
	long left;

	if (!ram_disk())
		return;
	swap_on();
	for (long i = 0; i < npages; i++)
		*(long *)(p + i * PAGE) = i;
	t = begin();
	madvise(p, npages * PAGE, MADV_PAGEOUT);
	left = npages - pages_resident(p);
	report("swap-out to RAM disk per page", t, left);
	if (left < npages / 2)
		fail("MADV_PAGEOUT");

	t = begin();
	read_each(p, npages);
	report("swap-in from RAM disk per page", t, left);
	for (long i = 0; i < npages; i++)
		if (*(long *)(p + i * PAGE) != i)
			fail("what was swapped in");
	munmap(p, npages * PAGE);
	if (swapoff(RAM_DISK) != 0)
		fail("swapoff");
}

static void
all_rows(void)
{
	rows_anon();
	rows_small();
	rows_pairs();
	row_move(rows_fork());
	rows_many_entries();
	rows_file();
	rows_brk();
	rows_huge();
	row_populate();
	rows_swap();
}

/* ---- running ------------------------------------------------------------ */

/* Outside an instruction-counting machine, ticks become nanoseconds. */
static void
calibrate(void)
{
	struct timespec a, b;
	uint64_t t = ticks();
	double ns;

	clock_gettime(CLOCK_MONOTONIC, &a);
	do {
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec);
	} while (ns < 2e8);
	unit = ns / (double)(ticks() - t);
	printf("in nanoseconds; the tick is %.3f GHz\n", 1 / unit);
}

int
main(int argc, char **argv)
{
	bool init = getpid() == 1;

	if (init) {
		guest_begin();
		unit = tick();
	} else
		calibrate();
	if (argc > 1 && !init)
		npages = atol(argv[1]);
	rows_baseline();
	warm_up();
	for (int round = 0; round < 2; round++) {
		printf("-- round %d\n", round);
		all_rows();
	}
	printf("BENCH-DONE\n");
	if (init)
		guest_end();
	return 0;
}
