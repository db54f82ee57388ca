/*
 * answer.h - how the answers to a stream are printed: as lines, or, the form in
 * which they are recorded, as four hex digits of each line's hash, 16 to a row; then
 * the steps that were left out (stream.h, `apart`).
 */
#ifndef TEST_LINUX_ANSWER_H
#define TEST_LINUX_ANSWER_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ANSWER_APART 1024

struct answer {
	bool verbose;
	unsigned column;
	/* Steps left out because of how the kernel keeps its mappings. */
	unsigned napart;
	uint64_t apart[ANSWER_APART];
};

static inline bool
answer_is_apart(const struct answer *a, uint64_t key)
{
	for (unsigned i = 0; i < a->napart; i++)
		if (a->apart[i] == key)
			return true;
	return false;
}

static inline void
answer_add_apart(struct answer *a, uint64_t key)
{
	if (a->napart < ANSWER_APART)
		a->apart[a->napart++] = key;
}

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
	printf("%s", a->column != 0 ? "\n" : "");
	for (unsigned i = 0; i < a->napart; i++)
		printf("APART %" PRIx64 "\n", a->apart[i]);
	printf("END %" PRIu64 "\n", seed);
	fflush(stdout);
}

#endif
