/*
 * magic.h - how the coherence program speaks to the plugin that watches it.
 *
 * An eight-byte no-operation whose last four bytes are the message: any CPU
 * executes it as nothing, and the plugin knows it when it is translated.
 */
#ifndef BENCH_MAGIC_H
#define BENCH_MAGIC_H

#define MAGIC_OPCODE { 0x0f, 0x1f, 0x84, 0x00 }
#define MAGIC_LEN 8

enum magic {
	MAGIC_START = 1,	/* forget all lines, count; with the test's number */
	MAGIC_RESET = 2,	/* keep the lines, set the counts to zero */
	MAGIC_STOP = 3,		/* stop counting and write the counts down */
};

/* 0x6dNNVV00: N test, V verb; the low byte stays clear of real code's habits. */
#define MAGIC_WORD(verb, test) (0x6d000000u | (test) << 16 | (verb) << 8)

#define MAGIC(verb, test)                                                     \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t.long %c0"          \
			 ::"i"(MAGIC_WORD(verb, test))                        \
			 : "memory")

#endif
