/*
 * counts.h - what the programs beside this file share: verdicts, the machine's
 * counts, and options of the kernel's command line.
 *
 * Each is a static program that runs as /init on the reference kernel and
 * prints `ok WHAT` or `FAIL WHAT: why`; its last line is KERNEL-DONE.
 */
#ifndef TEST_KERNEL_COUNTS_H
#define TEST_KERNEL_COUNTS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED_ANON (MAP_SHARED | MAP_ANONYMOUS)

#define COUNTS 16

struct counts {
	/* Of what lives: in the order of counted[] in counts.c. */
	uint64_t live[COUNTS];
	/* Page tables, the kernel's too: one more is forgiven, because its heap
	 * may have reached the next. */
	uint64_t tables;
	/* Other frames that describe memory. (A living process has more tables
	 * where chance lays it across two.) */
	uint64_t metadata;
};

void program_begin(void);
_Noreturn void program_end(void);

/* NAME=value on the kernel's command line. */
unsigned option(const char *name, unsigned otherwise);

void passed(const char *format, ...) __attribute__((format(printf, 1, 2)));
void failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct counts counts_now(void);
/* The same, when nothing has come or gone for a while. */
struct counts counts_settled(void);
/*
 * Everything that lives is what it was; what is still on its way out has a
 * minute to leave. False: the differences were printed as failures of `what`.
 */
bool counts_same(const char *what, const struct counts *before);

/* A word that only (seed, page) has. */
static inline uint64_t
stamp(uint64_t seed, uint64_t page)
{
	uint64_t x = (seed << 32 ^ page) * 0x9e3779b97f4a7c15u;

	return x ^ x >> 29;
}

/* Both ends of each page carry its stamp. */
void stamp_pages(char *, unsigned npages, uint64_t seed);
bool stamped(const char *, unsigned npages, uint64_t seed);
bool zeroed(const char *, unsigned npages);

/*
 * Tells the host `READY EVENT`, and returns when it answers with a line on the console:
 * what it does at that event it has then done, however slow either of the two is.
 */
void await_host(const char *event);

/* Wait for one child; -1: it was none. */
int status_of(pid_t);

#endif
