/*
 * stream.c - makes the calls of a stream and prints the answers.
 *
 * Invariant: what is drawn from the generator never depends on an answer, so
 * that two spaces that disagree on a step still make the same next call.
 */
#include "stream_i.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

enum { CONTENTS_EVERY = 8, CHILD_STEPS = 6, MAX_AREAS = 256 };

static void steps(struct stream *, unsigned n);
static void print_all(struct stream *);

/* ---- drawing ------------------------------------------------------------- */

/* splitmix64: every seed is a good one. */
uint64_t
stream_draw(struct stream *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

unsigned
stream_below(struct stream *s, unsigned n)
{
	return (unsigned)(stream_draw(s) >> 33) % n;
}

bool
stream_one_in(struct stream *s, unsigned n)
{
	return stream_below(s, n) == 0;
}

uint64_t
stream_address(struct stream *s)
{
	uint64_t va = s->space->base + stream_below(s, STREAM_PAGES) * STREAM_PAGE;

	return stream_one_in(s, 40) ? va + 1 + stream_below(s, 4095) : va;
}

uint64_t
stream_length(struct stream *s, uint64_t va)
{
	uint64_t room = s->space->base + STREAM_PAGES * STREAM_PAGE - va;
	uint64_t len = STREAM_PAGE *
	    (1 + stream_below(s, stream_one_in(s, 8) ? 24 : 6));

	if (len > room)
		len = room;
	switch (stream_below(s, 48)) {
	case 0:
		return 0;
	case 1:
		return len - stream_below(s, 4000);
	case 2:
		return ~(uint64_t)0 - stream_below(s, 8192);
	default:
		return len;
	}
}

static unsigned
draw_prot(struct stream *s)
{
	static const unsigned usual[] = {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ, PROT_READ, PROT_NONE,
		PROT_READ | PROT_EXEC, PROT_WRITE,
		PROT_READ | PROT_WRITE | PROT_EXEC,
	};

	return stream_pick(s, usual);
}

/* ---- printing ------------------------------------------------------------ */

void
stream_say(struct stream *s, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(s->line + s->used, sizeof s->line - s->used, format, args);
	va_end(args);
	s->used += n > 0 ? (size_t)n : 0;
	if (s->used >= sizeof s->line)
		s->used = sizeof s->line - 1;
}

void
stream_end_line(struct stream *s)
{
	s->space->print(s->space->ctx, s->line);
	s->used = 0;
}

void
stream_say_address(struct stream *s, uint64_t va)
{
	uint64_t at = va - s->space->base;

	if (at > STREAM_PAGES * STREAM_PAGE)
		stream_say(s, " away");
	else if (at % STREAM_PAGE == 0)
		stream_say(s, " %" PRIu64, at / STREAM_PAGE);
	else
		stream_say(s, " %" PRIu64 "+%" PRIu64, at / STREAM_PAGE,
		    at % STREAM_PAGE);
}

void
stream_say_length(struct stream *s, uint64_t len)
{
	if (len % STREAM_PAGE == 0)
		stream_say(s, " *%" PRIu64, len / STREAM_PAGE);
	else
		stream_say(s, " %" PRIx64 "h", len);
}

uint64_t
stream_mix(uint64_t hash, uint64_t value)
{
	for (int i = 0; i < 8; i++) {
		hash ^= value >> (8 * i) & 0xff;
		hash *= 0x100000001b3u;
	}
	return hash;
}

static size_t
merge(struct stream_area *area, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && stream_continues(&area[kept - 1],
		    &area[i]))
			area[kept - 1].end = area[i].end;
		else
			area[kept++] = area[i];
	}
	return kept;
}

static void
say_maps(struct stream *s)
{
	static struct stream_area area[MAX_AREAS];
	uint64_t hash = STREAM_HASH_EMPTY;
	size_t n = s->space->areas(s->space->ctx, area, MAX_AREAS);

	n = merge(area, n);
	for (size_t i = 0; i < n; i++) {
		hash = stream_mix(hash, area[i].start - s->space->base);
		hash = stream_mix(hash, area[i].end - s->space->base);
		hash = stream_mix(hash, area[i].prot | area[i].shared << 4 |
			(uint64_t)area[i].file << 5);
		hash = stream_mix(hash, area[i].offset);
	}
	stream_say(s, " maps %08x", (unsigned)(hash >> 32 ^ hash));
}

static void
say_touch(struct stream *s, const struct stream_touch *t)
{
	if (t->end == STREAM_FINE) {
		stream_say(s, " %02x", t->byte);
		return;
	}
	stream_say(s, " %s %d at", t->end == STREAM_SEGV ? "SEGV" : "BUS", t->code);
	stream_say_address(s, t->where);
}

/* Four bytes of every page, or how it refuses. */
static void
print_contents(struct stream *s)
{
	const unsigned *offset = stream_offsets(s, false);
	uint64_t hash = STREAM_HASH_EMPTY;

	for (unsigned page = 0; page < STREAM_PAGES; page++) {
		for (unsigned i = 0; i < 4; i++) {
			struct stream_touch t = s->space->touch(s->space->ctx,
			    s->space->base + page * STREAM_PAGE + offset[i],
			    false, 0);

			hash = stream_mix(hash, t.end == STREAM_FINE ? t.byte :
			    0x1000u + t.end * 0x100u + (unsigned)t.code);
			if (t.end != STREAM_FINE)
				break;
		}
	}
	stream_say(s, "%s%u contents %08x", s->child ? "c" : "", s->step,
	    (unsigned)(hash >> 32 ^ hash));
	stream_end_line(s);
}

/* ---- the calls ----------------------------------------------------------- */

int64_t
stream_make_call(struct stream *s, enum stream_call call, uint64_t a,
    uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	const uint64_t arg[6] = { a, b, c, d, e, f };

	return s->space->call(s->space->ctx, call, arg);
}

void
stream_say_answer(struct stream *s, int64_t answer)
{
	stream_say(s, " =");
	if (answer < 0 && answer > -4096)
		stream_say(s, " -%d", (int)-answer);
	else if (answer == 0)
		stream_say(s, " 0");
	else
		stream_say_address(s, (uint64_t)answer);
}

/* Take back what was put where the arena does not reach. */
static void
drop_away(struct stream *s, int64_t answer, uint64_t len)
{
	uint64_t at = (uint64_t)answer - s->space->base;

	if ((answer > 0 || answer <= -4096) && at > STREAM_PAGES * STREAM_PAGE)
		stream_make_call(s, STREAM_MUNMAP, (uint64_t)answer,
		    (len + STREAM_PAGE - 1) & ~(STREAM_PAGE - 1), 0, 0, 0, 0);
}

static unsigned
draw_mapping(struct stream *s)
{
	static const unsigned of_memory[] = {
		MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE | MAP_ANONYMOUS,
		MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS,
		MAP_PRIVATE, MAP_SHARED,
	};
	static const unsigned of_files[] = {
		MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED, MAP_PRIVATE,
		MAP_SHARED, MAP_PRIVATE,
	};

	return s->style == STREAM_MEMORY ? stream_pick(s, of_memory) :
					   stream_pick(s, of_files);
}

static void
step_mmap(struct stream *s)
{
	static const unsigned places[] = {
		MAP_FIXED, MAP_FIXED, MAP_FIXED, MAP_FIXED_NOREPLACE, 0,
	};
	static const unsigned more[] = {
		0, 0, 0, 0, MAP_NORESERVE, MAP_POPULATE, MAP_STACK, MAP_LOCKED,
	};
	uint64_t va = stream_address(s), len = stream_length(s, va);
	unsigned flags = draw_mapping(s);
	unsigned prot;
	uint64_t offset;
	int64_t answer;

	flags |= stream_pick(s, places);
	flags |= stream_pick(s, more);
	prot = stream_one_in(s, 2) ? PROT_READ | PROT_WRITE : draw_prot(s);
	offset = stream_below(s, STREAM_FILE_PAGES) * STREAM_PAGE;
	if (stream_one_in(s, 60))
		flags &= ~(unsigned)MAP_TYPE;
	if (stream_one_in(s, 60))
		offset += 512;
	if (flags & MAP_ANONYMOUS)
		offset = 0;
	stream_say(s, " mmap");
	stream_say_address(s, va);
	stream_say_length(s, len);
	stream_say(s, " %u %x %" PRIx64, prot, flags, offset);
	answer = stream_make_call(s, STREAM_MMAP, va, len, prot, flags,
	    !(flags & MAP_ANONYMOUS), offset);
	stream_say_answer(s, answer);
	drop_away(s, answer, len);
}

static void
step_range(struct stream *s, const char *name, enum stream_call call)
{
	uint64_t va = stream_address(s), len = stream_length(s, va);

	stream_say(s, " %s", name);
	stream_say_address(s, va);
	stream_say_length(s, len);
	stream_say_answer(s, stream_make_call(s, call, va, len, 0, 0, 0, 0));
}

static void
step_munmap(struct stream *s)
{
	step_range(s, "munmap", STREAM_MUNMAP);
}

static void
step_mlock(struct stream *s)
{
	step_range(s, "mlock", STREAM_MLOCK);
}

static void
step_munlock(struct stream *s)
{
	step_range(s, "munlock", STREAM_MUNLOCK);
}

static void
step_mincore(struct stream *s)
{
	uint64_t va = stream_address(s), len = stream_length(s, va);

	if (len > STREAM_PAGES * STREAM_PAGE)
		len = STREAM_PAGE;	/* the vector ends somewhere too */
	stream_say(s, " mincore");
	stream_say_address(s, va);
	stream_say_length(s, len);
	stream_say_answer(s, stream_make_call(s, STREAM_MINCORE, va, len, 0, 0, 0, 0));
}

/* A range and one number more; where it begins. */
static uint64_t
step_range_with(struct stream *s, const char *name, enum stream_call call,
    unsigned value)
{
	uint64_t va = stream_address(s), len = stream_length(s, va);

	stream_say(s, " %s", name);
	stream_say_address(s, va);
	stream_say_length(s, len);
	stream_say(s, " %u", value);
	stream_say_answer(s, stream_make_call(s, call, va, len, value, 0, 0, 0));
	return va;
}

static void
step_mprotect(struct stream *s)
{
	unsigned prot = draw_prot(s);

	if (stream_one_in(s, 60))
		prot |= 0x40;
	step_range_with(s, "mprotect", STREAM_MPROTECT, prot);
}

static void
step_mlock2(struct stream *s)
{
	step_range_with(s, "mlock2", STREAM_MLOCK2, stream_below(s, 3));
}

static void
step_msync(struct stream *s)
{
	step_range_with(s, "msync", STREAM_MSYNC,
	    stream_one_in(s, 10) ? 15 : 1 + stream_below(s, 7));
}

/* Which of the pages paged out have left is the kernel's choice: all are asked for again. */
static void
read_on(struct stream *s, uint64_t va)
{
	uint64_t end = s->space->base + STREAM_PAGES * STREAM_PAGE;

	for (; va >= s->space->base && va < end; va += STREAM_PAGE)
		(void)s->space->touch(s->space->ctx, va, false, 0);
}

/*
 * Not MADV_FREE (8), after which what is read is the kernel's choice, but by
 * stream_step_free(). Not
 * 14, 15, 25 and what lies beyond: huge pages, and advice to the kernel as a
 * whole, may be configured out.
 */
static void
step_madvise(struct stream *s)
{
	static const unsigned often[] = { 4, 4, 4, 10, 11, 18, 19 };
	static const unsigned of_files[] = { 3, 4, 4, 9, 9, 20, 21, 21 };
	static const unsigned all[] = {
		0, 1, 2, 3, 4, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23, 24,
		5, 6, 7, 77, 200,
	};

	unsigned advice;
	uint64_t va;

	if (!stream_one_in(s, 2))
		advice = stream_pick(s, all);
	else if (s->style == STREAM_MEMORY)
		advice = stream_pick(s, often);
	else
		advice = stream_pick(s, of_files);
	va = step_range_with(s, "madvise", STREAM_MADVISE, advice);
	if (advice == 21)
		read_on(s, va);
}

/*
 * Linux unmaps the target, and the end of a range that shrinks, before it finds
 * out that the move cannot be made; a kernel that leaves all as it was is as
 * right. After a failure both ranges go, on either, so that what follows compares.
 */
static void
forget_failed_move(struct stream *s, uint64_t va, uint64_t len,
    uint64_t target, uint64_t new_len)
{
	stream_make_call(s, STREAM_MUNMAP, va, len, 0, 0, 0, 0);
	stream_make_call(s, STREAM_MUNMAP, target, new_len, 0, 0, 0, 0);
}

static void
step_mremap(struct stream *s)
{
	static const unsigned flags_of[] = {
		0, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED,
		MREMAP_MAYMOVE | MREMAP_FIXED,
		MREMAP_MAYMOVE | MREMAP_FIXED,
		MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
		MREMAP_FIXED, MREMAP_MAYMOVE | 8, MREMAP_DONTUNMAP,
	};
	uint64_t va = stream_address(s), len = stream_length(s, va);
	uint64_t target = stream_address(s);
	unsigned flags = stream_pick(s, flags_of);
	uint64_t new_len = stream_one_in(s, 2) ? len : stream_length(s, target);
	int64_t answer;

	stream_say(s, " mremap");
	stream_say_address(s, va);
	stream_say_length(s, len);
	stream_say_length(s, new_len);
	stream_say(s, " %u", flags);
	stream_say_address(s, target);
	answer = stream_make_call(s, STREAM_MREMAP, va, len, new_len, flags, target,
	    s->random);
	stream_say_answer(s, answer);
	if (answer < 0 && answer > -4096 && flags & MREMAP_FIXED)
		forget_failed_move(s, va, len, target, new_len);
	else
		drop_away(s, answer, new_len);
}

static void
step_touch(struct stream *s)
{
	const unsigned *offset = stream_offsets(s, true);
	uint64_t va = s->space->base +
	    stream_below(s, STREAM_PAGES) * STREAM_PAGE +
	    offset[stream_below(s, 4)];
	bool write = !stream_one_in(s, 3);
	uint8_t byte = (uint8_t)stream_draw(s);
	struct stream_touch t = s->space->touch(s->space->ctx, va, write, byte);

	stream_say(s, write ? " write" : " read");
	stream_say_address(s, va);
	if (write)
		stream_say(s, " %02x", byte);
	stream_say(s, " =");
	say_touch(s, &t);
}

struct child {
	struct stream stream;
};

static void
child_steps(void *arg)
{
	struct child *c = arg;

	steps(&c->stream, CHILD_STEPS);
	print_all(&c->stream);
}

/* A child makes a few steps of its own, then its parent goes on. */
static void
step_fork(struct stream *s)
{
	struct child c = { *s };

	stream_say(s, " fork");
	if (s->child) {
		stream_say(s, " not in a child");
		return;
	}
	c.stream.random = stream_draw(s);
	c.stream.child = true;
	c.stream.used = 0;
	c.stream.step = 0;
	stream_end_line(s);
	s->space->fork(s->space->ctx, child_steps, &c);
	stream_say(s, "%u joined", s->step);
}

/* How often, in a stream of each style. */
static const struct {
	unsigned weight[STREAM_STYLES];
	void (*make)(struct stream *);
} kinds[] = {
	{ { 26, 26, 26 }, step_touch },
	{ { 26, 20, 20 }, step_mmap },
	{ { 5, 4, 4 }, step_munmap },
	{ { 14, 8, 8 }, step_mprotect },
	{ { 12, 8, 8 }, step_mremap },
	{ { 10, 12, 12 }, step_madvise },
	{ { 2, 2, 2 }, step_mlock },
	{ { 1, 1, 1 }, step_mlock2 },
	{ { 2, 3, 3 }, step_munlock },
	{ { 2, 4, 4 }, step_msync },
	{ { 1, 0, 0 }, step_mincore },
	{ { 2, 3, 3 }, step_fork },
	{ { 0, 5, 5 }, stream_step_truncate },
	{ { 0, 4, 4 }, stream_step_pread },
	{ { 0, 6, 6 }, stream_step_pwrite },
	{ { 0, 3, 3 }, stream_step_punch },
	{ { 0, 3, 3 }, stream_step_free },
	{ { 0, 4, 0 }, stream_step_incore },
	{ { 0, 0, 6 }, stream_step_pressure },
};

static void
step(struct stream *s)
{
	unsigned total = 0, at, i;

	for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
		total += kinds[i].weight[s->style];
	at = stream_below(s, total);
	for (i = 0; at >= kinds[i].weight[s->style]; i++)
		at -= kinds[i].weight[s->style];
	stream_say(s, "%s%u", s->child ? "c" : "", s->step);
	kinds[i].make(s);
	say_maps(s);
	stream_end_line(s);
}

static void
print_all(struct stream *s)
{
	print_contents(s);
	if (s->style != STREAM_MEMORY)
		stream_print_file(s);
}

static void
steps(struct stream *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		s->step++;
		step(s);
		if (s->step % CONTENTS_EVERY == 0)
			print_all(s);
	}
}

void
stream_run(const struct stream_space *space, uint64_t seed, unsigned nsteps)
{
	struct stream s = { .space = space, .random = seed,
		.style = stream_style(seed) };
	/* The last pages may have grown beyond the arena. */
	const uint64_t all[6] = { space->base, 2 * STREAM_PAGES * STREAM_PAGE };

	space->call(space->ctx, STREAM_MUNMAP, all);
	steps(&s, nsteps);
	print_all(&s);
	space->call(space->ctx, STREAM_MUNMAP, all);
}
