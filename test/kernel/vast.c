/*
 * vast.c - far more memory than there is, in one process: a word of its own in every
 * page of `mib` MiB (16 GiB are 256 times the memory); a sample in no order,
 * then all is read back. What describes memory that has left must leave too.
 *
 * Runs with 64 MiB, and a swap area of more than all on /dev/vda.
 */
#include "counts.h"

#include <errno.h>
#include <sys/swap.h>
#include <time.h>

#define SAMPLE 2048u
/* Of memory, at most so much may describe what is not there. */
#define DESCRIBED (40u << 20)

static uint64_t npages;

static unsigned
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)now.tv_sec;
}

static uint64_t *
page_at(char *p, uint64_t i)
{
	return (uint64_t *)(p + i * PAGE);
}

static void
fill(char *p)
{
	for (uint64_t i = 0; i < npages; i++) {
		*page_at(p, i) = stamp(1, i);
		if (i % (npages / 8) == 0)
			printf(".. %lu MiB written after %u s\n", i >> 8,
			    seconds());
	}
}

/* In an order that visits no neighbours. */
static bool
sampled(char *p)
{
	uint64_t at = 0;

	for (unsigned n = 0; n < SAMPLE; n++) {
		at = (at + npages / 2 + 7919) % npages;
		if (*page_at(p, at) != stamp(1, at))
			return false;
	}
	return true;
}

static uint64_t
all_there(char *p)
{
	uint64_t i = 0;

	for (; i < npages && *page_at(p, i) == stamp(1, i); i++)
		if (i % (npages / 8) == 0)
			printf(".. %lu MiB read after %u s\n", i >> 8,
			    seconds());
	return i;
}

/* Everything that describes memory, but for what the kernel began with. */
static uint64_t
described(const struct counts *before)
{
	struct counts now = counts_now();

	return (now.metadata + now.tables - before->metadata -
	    before->tables) * PAGE;
}

static void
vast(void)
{
	struct counts before = counts_settled();
	uint64_t bytes = npages * PAGE, bad;
	char *p = mmap(NULL, bytes, RW, ANON | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		failed("vast: mmap: errno %d", errno);
		return;
	}
	fill(p);
	printf(".. %lu KiB describe %lu MiB\n", described(&before) >> 10,
	    bytes >> 20);
	if (described(&before) > DESCRIBED)
		failed("vast: what left is still described");
	if (!sampled(p))
		failed("vast: a sample is not what was written");
	bad = all_there(p);
	if (bad < npages)
		failed("vast: page %lu of %lu is not what was written", bad,
		    npages);
	else
		passed("vast: %lu MiB, each page as it was written",
		    bytes >> 20);
	munmap(p, bytes);
	if (swapoff("/dev/vda") != 0)		/* what else has left, comes home */
		failed("vast: swapoff: errno %d", errno);
	if (counts_same("vast: at the end", &before))
		passed("vast: every count is what it was");
}

int
main(void)
{
	program_begin();
	npages = (uint64_t)option("mib", 1024) << 8;
	vast();
	program_end();
}
