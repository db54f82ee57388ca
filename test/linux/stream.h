/*
 * stream.h - a random stream of memory calls, made from a seed.
 *
 * The stream knows no kernel: it speaks to a space through struct
 * stream_space, of which there are several (the system calls of the kernel we
 * run on; a map on the hosted machine). The same seed gives the same calls,
 * whatever the answers, so that answers can be compared line by line.
 *
 * All calls fall into an arena of STREAM_PAGES pages that nothing else uses.
 * Each step prints one line:
 *
 *	STEP CALL ARGUMENTS = ANSWER maps HASH
 *
 * with addresses as page+offset within the arena, an answer that is an
 * address in the arena, `away` (an address elsewhere), a number, or an errno;
 * and a hash of what is mapped, neighbours merged. A touch prints what it met:
 * the byte, or the signal with its code and address. Every few steps a line
 * `contents HASH` follows, for which four bytes of every page are read, and, where the
 * stream is about the file, one with its length and a hash of what it holds.
 */
#ifndef TEST_LINUX_STREAM_H
#define TEST_LINUX_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_PAGE ((uint64_t)4096)
#define STREAM_PAGES 64u
#define STREAM_FILE_PAGES 24u	/* pages the file has room for */
#define STREAM_FILE_BYTES (10 * STREAM_PAGE + 2048)	/* its length */

/*
 * What a stream is about: memory, with a file that stays as it is; or the file, which
 * is truncated, written and punched beside its mappings, in one style with what
 * mincore says, in the other with pages that leave.
 */
enum stream_style { STREAM_MEMORY, STREAM_RESIDENT, STREAM_PAGED, STREAM_STYLES };

/* Seeds of every second hundred are about the file. */
static inline enum stream_style
stream_style(uint64_t seed)
{
	if (seed / 100 % 2 == 0)
		return STREAM_MEMORY;
	return seed % 2 == 0 ? STREAM_RESIDENT : STREAM_PAGED;
}

/* What a space is asked for; arguments as those of the system calls. */
enum stream_call {
	STREAM_MMAP,	/* addr, len, prot, flags, file (1) or none (0), offset */
	STREAM_MUNMAP,
	STREAM_MPROTECT,
	STREAM_MREMAP,	/* old, old_len, new_len, flags, new, key of the step */
	STREAM_MADVISE,
	STREAM_MSYNC,
	STREAM_MINCORE,	/* addr, len, vector (a pointer; 0: dropped) */
	STREAM_MLOCK,
	STREAM_MLOCK2,
	STREAM_MUNLOCK,
	STREAM_TRUNCATE,	/* the file: len */
	STREAM_PREAD,	/* buffer (a pointer), n, offset */
	STREAM_PWRITE,
	STREAM_PUNCH,	/* offset, len */
	STREAM_SIZE,
	STREAM_PRESSURE,	/* memory is short by so many pages */
	STREAM_CALLS,
};

/*
 * What mremap answers where the kernel says EFAULT because it keeps what looks like
 * one piece as several mappings (docs/differences.md, 1). The other kernel is told
 * the key of the step, makes no call there, and answers the same.
 */
#define STREAM_KEPT_APART (-4000)

/* How a touch ended. */
enum stream_end { STREAM_FINE, STREAM_SEGV, STREAM_BUS };

struct stream_touch {
	enum stream_end end;
	int code;	/* si_code */
	uint64_t where;	/* si_addr */
	uint8_t byte;	/* what was read */
};

/* A piece of what is mapped, inside the arena, in address order. */
struct stream_area {
	uint64_t start, end;
	unsigned prot;		/* PROT_ bits */
	bool shared;
	bool file;
	uint64_t offset;	/* bytes, of shared and file areas; else 0 */
};

struct stream_space {
	void *ctx;
	uint64_t base;		/* the arena's first address */
	/* Address or number; -errno. */
	int64_t (*call)(void *ctx, enum stream_call, const uint64_t arg[6]);
	struct stream_touch (*touch)(void *ctx, uint64_t va, bool write,
	    uint8_t byte);
	size_t (*areas)(void *ctx, struct stream_area *, size_t max);
	/*
	 * Run `child` in a copy of the space, as fork makes it; return when it
	 * has ended and the copy is gone.
	 */
	void (*fork)(void *ctx, void (*child)(void *), void *arg);
	/* One line, without newline; from a child too, in order. */
	void (*print)(void *ctx, const char *line);
};

/* Are these one piece to whoever looks at rights and offsets alone? */
static inline bool
stream_continues(const struct stream_area *a, const struct stream_area *b)
{
	bool backed = a->shared || a->file;

	return a->end == b->start && a->prot == b->prot &&
	    a->shared == b->shared && a->file == b->file &&
	    (!backed || a->offset + (a->end - a->start) == b->offset);
}

void stream_run(const struct stream_space *, uint64_t seed, unsigned steps);

/* The content of the file at a byte: both sides fill it by this. */
static inline uint8_t
stream_file_byte(uint64_t offset)
{
	return (uint8_t)(0x80 + offset / STREAM_PAGE);
}

#endif
