/*
 * ahead.c - how many anons to read at once: more and more for who goes on where he
 * stopped, fewer and fewer for who jumps.
 *
 * Known by where the last ones were, for each 512 slots of an amap: neighbouring
 * arrays that share one are told apart. What is remembered may be another's who has
 * the same row: it is advice.
 *
 * Locks: the stream's row, written and read field by field; a mixture is bad advice.
 */
#include <paging/paging_i.h>

#define REGION_SHIFT 9

static struct tome_stream *
stream_of(struct tome_paging *p, const struct tome_amap *am, uint64_t index)
{
	uint64_t key = (uintptr_t)am + (index >> REGION_SHIFT) *
	    0x9e3779b97f4a7c15u;

	return &p->stream[(key * 0x9e3779b97f4a7c15u) >> 32 &
	    (TOME_STREAMS - 1)];
}

/* Within a window of what was read last: what lies between was still there. */
static bool
is_onward(const struct tome_stream *s, uint32_t at, uint32_t size)
{
	uint32_t first = tome_rd_relaxed(&s->first);
	uint32_t end = tome_rd_relaxed(&s->end);

	return at - end < size || (at < first && first - at <= size);
}

unsigned
tome_ahead_window(struct tome_paging *p, const struct tome_amap *am,
    uint64_t index)
{
	struct tome_stream *s = stream_of(p, am, index);
	uint32_t size = tome_rd_relaxed(&s->size);

	if (size == 0 || !is_onward(s, (uint32_t)index, size))
		size = size > 1 ? size / 2 : 1;
	else
		size *= 2;
	if (size > TOME_AHEAD_MOST)
		size = TOME_AHEAD_MOST;
	tome_wr_relaxed(&s->size, size);
	return size;
}

void
tome_ahead_read(struct tome_paging *p, const struct tome_amap *am,
    uint64_t first, unsigned n)
{
	struct tome_stream *s = stream_of(p, am, first);

	tome_wr_relaxed(&s->first, (uint32_t)first);
	tome_wr_relaxed(&s->end, (uint32_t)first + n);
	/* More could not be had: they lie apart. */
	if (n < tome_rd_relaxed(&s->size))
		tome_wr_relaxed(&s->size, n);
}
