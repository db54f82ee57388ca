/*
 * store.c - a file whose store fails for a while: what could not be written is told
 * once to each who has it open, by fsync or by msync; what cannot be read, to who reads
 * it; what is in memory is as it was.
 *
 * The file is the disk. The host is told what the store should do from now on.
 */
#include "counts.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>

#define DISK "/dev/vda"
#define PAGES 64u
#define AHEAD (32ul << 20)		/* read when asked to, not before */
#define UNREAD (64ul << 20)		/* nobody has read from here on */
#define TRIES 6000u

static sigjmp_buf away;
static int a, b;			/* two who have it open */
static char *shared;			/* a's */

static void
on_bus(int sig)
{
	(void)sig;
	siglongjmp(away, 1);
}

/* 0, or the error. */
static int
result(int returned)
{
	return returned == 0 ? 0 : errno;
}

static int
synced(void)
{
	return result(msync(shared, PAGES * PAGE, MS_SYNC));
}

static void
expect(const char *what, int is, int want)
{
	if (is != want)
		failed("store: %s: %d, not %d", what, is, want);
}

static void
writes_fail(void)
{
	int late;

	stamp_pages(shared, PAGES, 2);
	expect("msync", synced(), EIO);
	expect("msync again", synced(), 0);
	expect("fsync of the same opener", result(fsync(a)), 0);
	expect("fdatasync of another", result(fdatasync(b)), EIO);
	expect("fsync of it", result(fsync(b)), 0);
	late = open(DISK, O_RDWR);
	expect("a late one", result(fsync(late)), 0);
	close(late);
	stamp_pages(shared, 1, 3);
	expect("sync_file_range", result(sync_file_range(b, 0, PAGE, 7)), EIO);
	expect("sync_file_range again", result(sync_file_range(b, 0, PAGE, 7)),
	    0);
	expect("msync of the other", synced(), EIO);
	if (stamped(shared, 1, 3) && stamped(shared + PAGE, 1, 0) == false)
		passed("store: a failed write is told once to each opener");
	else
		failed("store: what was written is not in memory");
}

/* How many of a mapping's pages are in memory. */
static unsigned
resident(void *mapping)
{
	unsigned char in[PAGES];
	unsigned n = 0;

	if (mincore(mapping, PAGES * PAGE, in) != 0)
		return PAGES;
	for (unsigned i = 0; i < PAGES; i++)
		n += in[i] & 1;
	return n;
}

static void
writes_succeed(void)
{
	stamp_pages(shared, PAGES, 4);
	expect("msync of a good store", synced(), 0);
	expect("fsync of a good store", result(fsync(b)), 0);
	if (madvise(shared, PAGES * PAGE, MADV_PAGEOUT) != 0 ||
	    resident(shared) > PAGES / 2)
		failed("store: %u pages stay in memory", resident(shared));
	else if (!stamped(shared, PAGES, 4))
		failed("store: what was written is not what is read");
	else
		passed("store: what was written is in the store");
}

/* What is asked for is on its way, and what nobody needs goes. */
static void
advice(void)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, a, AHEAD);
	unsigned before = resident(p), tries = 0;

	expect("readahead", result((int)readahead(a, AHEAD, PAGES * PAGE)), 0);
	while (resident(p) < PAGES && tries++ < TRIES)
		usleep(10000);
	if (before != 0 || resident(p) != PAGES)
		failed("store: %u pages, and %u after readahead", before,
		    resident(p));
	else if (posix_fadvise(a, AHEAD, PAGES * PAGE,
	    POSIX_FADV_DONTNEED) != 0 || resident(p) != 0)
		failed("store: %u pages that nobody needs", resident(p));
	else
		passed("store: what is asked for comes, what is not needed goes");
	munmap(p, PAGES * PAGE);
}

/* Whether the word could be had: 1, or -1: a signal. */
static int
touch(const char *p)
{
	if (sigsetjmp(away, 1) != 0)
		return -1;
	return *(const volatile uint64_t *)p == 0;
}

static void
reads_fail(const char *unread)
{
	uint64_t word;

	if (touch(unread) != -1)
		failed("store: what cannot be read was had");
	else if (pread(a, &word, sizeof word, UNREAD + 99 * PAGE) != -1 ||
	    errno != EIO)
		failed("store: read: errno %d", errno);
	else if (!stamped(shared, PAGES, 4))
		failed("store: what is in memory is not what it was");
	else
		passed("store: what cannot be read is told to who reads it");
	await_host("good");
	if (touch(unread) != 1 || pread(a, &word, sizeof word, UNREAD +
	    99 * PAGE) != sizeof word || word != 0)
		failed("store: what can be read again: errno %d", errno);
	else
		passed("store: what can be read again is there");
}

int
main(void)
{
	char *unread;

	program_begin();
	signal(SIGBUS, on_bus);
	a = open(DISK, O_RDWR);
	b = open(DISK, O_RDWR);
	shared = mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, a, 0);
	unread = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, b, UNREAD);
	if (a < 0 || b < 0 || shared == MAP_FAILED || unread == MAP_FAILED) {
		failed("store: no disk: errno %d", errno);
		program_end();
	}
	stamp_pages(shared, PAGES, 1);
	expect("msync at first", synced(), 0);
	await_host("writes fail");
	writes_fail();
	await_host("writes succeed");
	writes_succeed();
	advice();
	await_host("reads fail");
	reads_fail(unread);
	program_end();
}
