/*
 * answer.h - how the answers to a stream are printed: as lines, or, the form in
 * which they are recorded, as four hex digits of each line's hash, 16 to a row.
 */
#ifndef TEST_LINUX_ANSWER_H
#define TEST_LINUX_ANSWER_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct answer {
	bool verbose;
	unsigned column;
};

static inline unsigned
answer_hash(const char *line)
{
	uint32_t hash = 0x811c9dc5u;

	for (; *line != '\0'; line++)
		hash = (hash ^ (uint8_t)*line) * 0x01000193u;
	return (hash >> 16 ^ hash) & 0xffff;
}

static inline void
answer_begin(struct answer *a, uint64_t seed, unsigned steps)
{
	a->column = 0;
	printf("SEED %" PRIu64 " %u\n", seed, steps);
}

static inline void
answer_line(struct answer *a, const char *line)
{
	if (a->verbose) {
		puts(line);
		return;
	}
	printf("%04x", answer_hash(line));
	a->column = (a->column + 1) % 16;
	if (a->column == 0)
		putchar('\n');
}

static inline void
answer_end(struct answer *a, uint64_t seed)
{
	printf("%sEND %" PRIu64 "\n", a->column != 0 ? "\n" : "", seed);
	fflush(stdout);
}

#endif
