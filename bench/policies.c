/*
 * policies.c - replacement policies over recorded traces (trace.h), compared.
 *
 *	policies TRACE...
 *
 * Each trace is run with memory of 10, 20, 40, 60 and 80% of the pages it uses. The
 * first use of a page is a miss of any policy and not counted. FIFO, exact LRU and OPT
 * (Belady, 1966: the page that is used again last goes) are here; the library's
 * policies are its own sources, and see what a kernel does: a bit for each frame that
 * a use sets, and the shadows of pages that left, in a table of SHADOWS for each frame.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <paging/policy.h>
#include <paging/shadow.h>

#include "trace.h"

#define NONE UINT32_MAX
#define LEFT (NONE - 1)	/* no frame, but it had one */
#define KEY_BITS 22
#define SHADOWS 2

static uint32_t *use;		/* pages, numbered by first use, in order of use */
static uint32_t nuses, npages;

static void *
need(size_t n, size_t size)
{
	void *at = calloc(n, size);

	if (at == NULL) {
		perror("policies");
		exit(2);
	}
	return at;
}

/* ---- traces ---------------------------------------------------------------- */

static void
number_pages(const struct trace *t)
{
	uint64_t *key = need((size_t)1 << KEY_BITS, sizeof *key);
	uint32_t *name = need((size_t)1 << KEY_BITS, sizeof *name);

	nuses = (uint32_t)(t->n < TRACE_MAX ? t->n : TRACE_MAX);
	use = need(nuses, sizeof *use);
	npages = 0;
	for (uint32_t i = 0; i < nuses; i++) {
		uint64_t page = (t->record[i] & TRACE_PAGE_MASK) + 1;
		size_t h = page * 0x9e3779b97f4a7c15u >> (64 - KEY_BITS);

		while (key[h] != 0 && key[h] != page)
			h = (h + 1) % ((size_t)1 << KEY_BITS);
		if (key[h] == 0) {
			key[h] = page;
			name[h] = npages++;
		}
		use[i] = name[h];
	}
	free(key);
	free(name);
}

static void
load(const char *file)
{
	struct stat st = {0};
	const struct trace *t = MAP_FAILED;
	int fd = open(file, O_RDONLY);

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof *t)
		t = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
		    0);
	if (t == MAP_FAILED || t->magic != TRACE_MAGIC || (t->n < TRACE_MAX ?
	    t->n : TRACE_MAX) * 8 + sizeof *t > (uint64_t)st.st_size) {
		fprintf(stderr, "policies: %s is no trace\n", file);
		exit(2);
	}
	number_pages(t);
	munmap((void *)(uintptr_t)t, (size_t)st.st_size);
	close(fd);
}

/* ---- by last use and by first ------------------------------------------------ */

/* A ring of pages; entry npages is its head. */
struct ring {
	uint32_t *prev, *next;
};

static void
ring_drop(struct ring *r, uint32_t page)
{
	r->next[r->prev[page]] = r->next[page];
	r->prev[r->next[page]] = r->prev[page];
	r->next[page] = NONE;
}

static void
ring_add(struct ring *r, uint32_t page)
{
	r->prev[page] = npages;
	r->next[page] = r->next[npages];
	r->prev[r->next[page]] = page;
	r->next[npages] = page;
}

static uint64_t
run_ring(uint32_t frames, bool by_use)
{
	struct ring r = { need(npages + 1, 4), need(npages + 1, 4) };
	uint32_t resident = 0;
	uint64_t misses = 0;

	memset(r.next, 0xff, (npages + 1) * sizeof *r.next);
	r.next[npages] = r.prev[npages] = npages;
	for (uint32_t i = 0; i < nuses; i++) {
		uint32_t page = use[i];
		bool here = r.next[page] != NONE;

		if (here && !by_use)
			continue;
		if (here) {
			ring_drop(&r, page);
		} else {
			misses++;
			if (resident == frames)
				ring_drop(&r, r.prev[npages]);
			else
				resident++;
		}
		ring_add(&r, page);
	}
	free(r.prev);
	free(r.next);
	return misses;
}

static uint64_t
run_fifo(uint32_t frames)
{
	return run_ring(frames, false);
}

static uint64_t
run_lru(uint32_t frames)
{
	return run_ring(frames, true);
}

/* ---- OPT --------------------------------------------------------------------- */

/* Resident pages, a heap: the one whose next use is last on top. */
struct heap {
	uint32_t n, *page, *place, *next;	/* place: of a page, NONE: not here */
};

static void
heap_put(struct heap *h, uint32_t at, uint32_t page)
{
	h->page[at] = page;
	h->place[page] = at;
}

static void
heap_up(struct heap *h, uint32_t at, uint32_t page)
{
	for (; at > 0; at = (at - 1) / 2) {
		uint32_t above = h->page[(at - 1) / 2];

		if (h->next[above] >= h->next[page])
			break;
		heap_put(h, at, above);
	}
	heap_put(h, at, page);
}

/* The top goes, this page comes. */
static void
heap_replace(struct heap *h, uint32_t page)
{
	uint32_t at = 0, below;

	h->place[h->page[0]] = NONE;
	while ((below = 2 * at + 1) < h->n) {
		if (below + 1 < h->n && h->next[h->page[below + 1]] >
		    h->next[h->page[below]])
			below++;
		if (h->next[h->page[below]] <= h->next[page])
			break;
		heap_put(h, at, h->page[below]);
		at = below;
	}
	heap_put(h, at, page);
}

/* For each use, when the page is used next. */
static uint32_t *
next_uses(void)
{
	uint32_t *next = need(nuses, sizeof *next);
	uint32_t *seen = need(npages, sizeof *seen);

	memset(seen, 0xff, npages * sizeof *seen);
	for (uint32_t i = nuses; i-- > 0;) {
		next[i] = seen[use[i]];
		seen[use[i]] = i;
	}
	free(seen);
	return next;
}

static uint64_t
run_opt(uint32_t frames)
{
	struct heap h = { 0, need(frames, 4), need(npages, 4),
		need(npages, 4) };
	uint32_t *next = next_uses();
	uint64_t misses = 0;

	memset(h.place, 0xff, npages * sizeof *h.place);
	for (uint32_t i = 0; i < nuses; i++) {
		uint32_t page = use[i];

		h.next[page] = next[i];
		if (h.place[page] != NONE) {
			heap_up(&h, h.place[page], page);
			continue;
		}
		misses++;
		if (h.n < frames)
			heap_up(&h, h.n++, page);
		else
			heap_replace(&h, page);
	}
	free(h.page);
	free(h.place);
	free(h.next);
	free(next);
	return misses;
}

/* ---- the library's ------------------------------------------------------------ */

struct memory {
	struct tome_policy policy;
	struct tome_shadows shadows;
	uint32_t frames, hand;
	uint32_t *page, *word;		/* by frame */
	uint32_t *frame;		/* by page; LEFT, NONE */
	bool *used;			/* by frame */
};

/* A frame whose page leaves. */
static uint32_t
take(struct memory *m)
{
	for (;;) {
		uint32_t f, *word;
		bool used;

		m->hand = m->hand + 1 == m->frames ? 0 : m->hand + 1;
		f = m->hand;
		word = &m->word[f];
		if (tome_policy_step(&m->policy))
			tome_policy_round(&m->policy);
		if (!tome_policy_asks(&m->policy, *word))
			continue;
		used = m->used[f];
		m->used[f] = false;
		if (!tome_policy_look(&m->policy, word, used))
			continue;
		tome_shadow_put(&m->shadows, m->page[f],
		    tome_policy_left(&m->policy, *word));
		m->frame[m->page[f]] = LEFT;
		return f;
	}
}

static void
arrive(struct memory *m, uint32_t f, uint32_t page)
{
	bool before = m->frame[page] == LEFT;

	m->page[f] = page;
	m->frame[page] = f;
	m->used[f] = true;
	m->word[f] = before ? tome_policy_back(&m->policy,
	    tome_shadow_take(&m->shadows, page)) : 0;
}

static uint64_t
run_policy(const struct tome_policy_ops *ops, uint32_t frames)
{
	struct memory *m = need(1, sizeof *m);
	uint32_t resident = 0, rows;
	uint64_t misses = 0;

	m->frames = frames;
	m->page = need(frames, 4);
	m->word = need(frames, 4);
	m->used = need(frames, sizeof *m->used);
	m->frame = need(npages, 4);
	memset(m->frame, 0xff, npages * sizeof *m->frame);
	rows = tome_shadow_rows(SHADOWS * frames);
	tome_shadows_init(&m->shadows, need(rows, sizeof *m->shadows.row),
	    rows);
	tome_policy_init(&m->policy, ops, frames);
	for (uint32_t i = 0; i < nuses; i++) {
		uint32_t page = use[i];

		if (m->frame[page] < LEFT) {
			m->used[m->frame[page]] = true;
			continue;
		}
		misses++;
		arrive(m, resident < frames ? resident++ : take(m), page);
	}
	free(m->page);
	free(m->word);
	free(m->used);
	free(m->frame);
	free(m->shadows.row);
	free(m);
	return misses;
}

static uint64_t
run_second(uint32_t frames)
{
	return run_policy(&tome_policy_second_chance, frames);
}

static uint64_t
run_clock_pro(uint32_t frames)
{
	return run_policy(&tome_policy_clock_pro, frames);
}

static uint64_t
run_generations(uint32_t frames)
{
	return run_policy(&tome_policy_generations, frames);
}

/* ---- the table ----------------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t (*run)(uint32_t frames);
} columns[] = {
	{ "FIFO", run_fifo },
	{ "second", run_second },
	{ "LRU", run_lru },
	{ "clock-pro", run_clock_pro },
	{ "default", run_generations },
	{ "OPT", run_opt },
};
#define COLUMNS (sizeof columns / sizeof columns[0])
enum { LRU = 2, DEFAULT = 4, OPT = 5 };
static const uint32_t sizes[] = { 10, 20, 40, 60, 80 };
#define SIZES (sizeof sizes / sizeof sizes[0])

static void
print_row(const char *what, const double *misses)
{
	double gap = misses[LRU] - misses[OPT];

	printf("%-14s", what);
	for (size_t c = 0; c < COLUMNS; c++)
		printf(" %10.0f", misses[c]);
	if (gap > 0)
		printf(" %8.1f%%", 100 * (misses[LRU] - misses[DEFAULT]) / gap);
	printf("\n");
	fflush(stdout);
}

/* Adds each column's mean over the sizes, in misses per thousand uses. */
static void
run_trace(const char *file, double *rates)
{
	const char *name = strrchr(file, '/');
	double mean[COLUMNS] = {0}, misses[COLUMNS];
	char what[32];

	load(file);
	name = name != NULL ? name + 1 : file;
	printf("%s: %u pages, %u uses\n", name, npages, nuses);
	for (size_t s = 0; s < SIZES; s++) {
		uint32_t frames = npages / 100 * sizes[s] + 1;

		for (size_t c = 0; c < COLUMNS; c++) {
			misses[c] = (double)(columns[c].run(frames) - npages);
			mean[c] += misses[c] / SIZES;
		}
		snprintf(what, sizeof what, "  %2u%%", sizes[s]);
		print_row(what, misses);
	}
	print_row("  mean", mean);
	for (size_t c = 0; c < COLUMNS; c++)
		rates[c] += 1e6 * mean[c] / nuses;
	free(use);
}

int
main(int argc, char **argv)
{
	double rates[COLUMNS] = {0};

	printf("%-14s", "misses");
	for (size_t c = 0; c < COLUMNS; c++)
		printf(" %10s", columns[c].name);
	printf("  gap closed\n");
	for (int i = 1; i < argc; i++)
		run_trace(argv[i], rates);
	for (size_t c = 0; c < COLUMNS && argc > 1; c++)
		rates[c] /= argc - 1;
	print_row("per 10^6 uses", rates);
	return argc > 1 ? 0 : 2;
}
