/*
 * stream_file.c - steps of a stream that has a file: its length, its content beside
 * what is mapped of it, holes, and pages that leave.
 *
 * Ends lie on a page's border or in its middle, and so do ends of what is written
 * (see stream_offsets()).
 */
#include "stream_i.h"

#include <string.h>

enum { HALF = STREAM_PAGE / 2, MOST = 3 * STREAM_PAGE };

static uint64_t
draw_page(struct stream *s)
{
	return stream_below(s, STREAM_FILE_PAGES) * STREAM_PAGE;
}

void
stream_step_truncate(struct stream *s)
{
	uint64_t len = draw_page(s);

	if (stream_one_in(s, 3))
		len += HALF;
	stream_say(s, " ftruncate");
	stream_say_length(s, len);
	stream_say_answer(s, stream_make_call(s, STREAM_TRUNCATE, len, 0, 0, 0,
	    0, 0));
}

static void
say_bytes(struct stream *s, const uint8_t *bytes, int64_t n)
{
	uint64_t hash = STREAM_HASH_EMPTY;

	for (int64_t i = 0; i < n; i++)
		hash = stream_mix(hash, bytes[i]);
	stream_say(s, " = %d %08x", (int)n, (unsigned)(hash >> 32 ^ hash));
}

static void
read_and_say(struct stream *s, uint64_t at, uint64_t n)
{
	static uint8_t bytes[STREAM_FILE_PAGES * STREAM_PAGE];

	say_bytes(s, bytes, stream_make_call(s, STREAM_PREAD,
	    (uint64_t)(uintptr_t)bytes, n, at, 0, 0, 0));
}

void
stream_step_pread(struct stream *s)
{
	uint64_t at = draw_page(s) + stream_below(s, STREAM_PAGE);
	uint64_t n = 1 + stream_below(s, MOST);

	stream_say(s, " pread %" PRIx64 "h %" PRIx64 "h", at, n);
	read_and_say(s, at, n);
}

void
stream_step_pwrite(struct stream *s)
{
	static uint8_t bytes[MOST];
	uint64_t at = draw_page(s) + stream_below(s, STREAM_PAGE);
	uint64_t end = at + 1 + stream_below(s, MOST - HALF);
	uint8_t byte = (uint8_t)stream_draw(s);
	int64_t done;

	end = (end + HALF - 1) / HALF * HALF;
	if (end > STREAM_FILE_PAGES * STREAM_PAGE)
		end = STREAM_FILE_PAGES * STREAM_PAGE;
	for (uint64_t i = 0; i < end - at; i++)
		bytes[i] = (uint8_t)(byte + i / 512);
	stream_say(s, " pwrite %" PRIx64 "h to %" PRIx64 "h %02x", at, end,
	    byte);
	done = stream_make_call(s, STREAM_PWRITE, (uint64_t)(uintptr_t)bytes,
	    end - at, at, 0, 0, 0);
	stream_say(s, " = %d", (int)done);
}

void
stream_step_punch(struct stream *s)
{
	uint64_t at = draw_page(s);
	uint64_t len = (1 + stream_below(s, 6)) * STREAM_PAGE;

	if (stream_one_in(s, 4))
		at += HALF;
	if (stream_one_in(s, 4))
		len -= HALF;
	stream_say(s, " punch %" PRIx64 "h", at);
	stream_say_length(s, len);
	stream_say_answer(s, stream_make_call(s, STREAM_PUNCH, at, len, 0, 0,
	    0, 0));
}

static bool
write_looked_at(struct stream *s, uint64_t va, uint8_t byte)
{
	static const unsigned offset[] = { 0, 1, 1000, 2047, 4095 };
	bool fine = true;

	for (unsigned i = 0; i < sizeof offset / sizeof *offset; i++)
		fine = fine && s->space->touch(s->space->ctx, va + offset[i],
		    true, byte).end == STREAM_FINE;
	return fine;
}

/*
 * When a freed page loses what it held is the kernel's choice, until it is written to:
 * so that is done at once. One that cannot be is unmapped.
 */
void
stream_step_free(struct stream *s)
{
	uint64_t va = s->space->base +
	    stream_below(s, STREAM_PAGES) * STREAM_PAGE;
	uint8_t byte = (uint8_t)stream_draw(s);
	int64_t answer;

	stream_say(s, " free");
	stream_say_address(s, va);
	answer = stream_make_call(s, STREAM_MADVISE, va, STREAM_PAGE, 8, 0, 0,
	    0);
	stream_say_answer(s, answer);
	if (answer == 0 && !write_looked_at(s, va, byte))
		stream_make_call(s, STREAM_MUNMAP, va, STREAM_PAGE, 0, 0, 0, 0);
}

/* Memory is short: nothing that a program could tell. */
void
stream_step_pressure(struct stream *s)
{
	unsigned n = 1 + stream_below(s, 128);

	stream_say(s, " pressure %u", n);
	stream_make_call(s, STREAM_PRESSURE, n, 0, 0, 0, 0, 0);
}

void
stream_step_incore(struct stream *s)
{
	uint8_t vector[STREAM_PAGES + 1] = { 0 };
	uint64_t va = s->space->base +
	    stream_below(s, STREAM_PAGES) * STREAM_PAGE;
	unsigned n = 1 + stream_below(s, 24);
	int64_t answer;

	stream_say(s, " mincore");
	stream_say_address(s, va);
	stream_say(s, " *%u", n);
	answer = stream_make_call(s, STREAM_MINCORE, va, n * STREAM_PAGE,
	    (uint64_t)(uintptr_t)vector, 0, 0, 0);
	stream_say_answer(s, answer);
	/* docs/differences.md, 13 */
	for (unsigned i = 0; answer == 0 && !s->child && i < n; i++)
		stream_say(s, "%s%u", i == 0 ? " " : "", vector[i] & 1);
}

void
stream_print_file(struct stream *s)
{
	int64_t len = stream_make_call(s, STREAM_SIZE, 0, 0, 0, 0, 0, 0);

	stream_say(s, "%s%u file", s->child ? "c" : "", s->step);
	stream_say_length(s, (uint64_t)len);
	read_and_say(s, 0, STREAM_FILE_PAGES * STREAM_PAGE);
	stream_end_line(s);
}
