/*
 * trace.h - the form of a recorded trace of pages: a header, then records.
 *
 * A record is a word: thousands (1,024) of instructions since the beginning in its
 * upper 28 bits, the page's number in its lower 36. A program and the children it
 * forks write one trace: a page has one name in all of them.
 */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <stdint.h>

#define TRACE_MAGIC 0x3130656361727450u
#define TRACE_PAGE_BITS 36
#define TRACE_PAGE_MASK (((uint64_t)1 << TRACE_PAGE_BITS) - 1)
#define TRACE_TIME_SHIFT 10
/* Uses of the last so many pages of a thread are not recorded again: no memory in
 * question is as small. */
#define TRACE_RECENT 128
#define TRACE_MAX ((uint64_t)1 << 28)

struct trace {
	uint64_t magic;
	uint64_t n;		/* records; more than TRACE_MAX: the rest is lost */
	uint64_t reserved[6];
	uint64_t record[];
};

#endif
