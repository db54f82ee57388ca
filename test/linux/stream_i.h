/*
 * stream_i.h - what the files of a stream share: drawing, printing, calling.
 */
#ifndef TEST_LINUX_STREAM_I_H
#define TEST_LINUX_STREAM_I_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "stream.h"

#include <inttypes.h>
#include <sys/mman.h>

struct stream {
	const struct stream_space *space;
	enum stream_style style;
	uint64_t random;
	unsigned step;
	bool child;
	char line[256];
	size_t used;
};

/* ---- drawing ---- */

uint64_t stream_draw(struct stream *);
unsigned stream_below(struct stream *, unsigned n);
bool stream_one_in(struct stream *, unsigned n);
/* A page of the arena; seldom an address inside one. */
uint64_t stream_address(struct stream *);
/* Mostly a few pages; seldom nothing, a part of a page, or too much. */
uint64_t stream_length(struct stream *, uint64_t va);
#define stream_pick(s, table)                                               \
	((table)[stream_below(s, sizeof(table) / sizeof(*(table)))])

/* ---- printing ---- */

#define STREAM_HASH_EMPTY 0xcbf29ce484222325u

uint64_t stream_mix(uint64_t hash, uint64_t value);
void stream_say(struct stream *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void stream_say_address(struct stream *, uint64_t va);
void stream_say_length(struct stream *, uint64_t len);
void stream_say_answer(struct stream *, int64_t answer);
void stream_end_line(struct stream *);

/* ---- calling ---- */

int64_t stream_make_call(struct stream *, enum stream_call, uint64_t,
    uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

/* ---- steps of files (stream_file.c) ---- */

void stream_step_truncate(struct stream *);
void stream_step_pread(struct stream *);
void stream_step_pwrite(struct stream *);
void stream_step_punch(struct stream *);
void stream_step_free(struct stream *);
void stream_step_pressure(struct stream *);
void stream_step_incore(struct stream *);
/* A line about the file's length and content. */
void stream_print_file(struct stream *);

/*
 * Where pages of a style are touched and looked at. Nothing is written behind the
 * middle of a page of a file: what a mapping writes behind the file's end is kept as
 * long as the kernel likes, and an end lies on a page's border or in its middle.
 */
static inline const unsigned *
stream_offsets(const struct stream *s, bool touch)
{
	static const unsigned of_memory[] = { 0, 1, 2048, 4095 };
	static const unsigned of_files[] = { 0, 1, 1000, 2047 };
	static const unsigned looked_at[] = { 0, 1000, 2047, 4095 };

	if (s->style == STREAM_MEMORY)
		return of_memory;
	return touch ? of_files : looked_at;
}

#endif
