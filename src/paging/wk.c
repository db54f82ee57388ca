/*
 * wk.c - packing a page's words, and unpacking them.
 *
 * A packed page: a bit for each group of 16 words, set if one of them is not zero;
 * then, for each such group, 32 bits of tags, two a word, the first lowest, and what
 * the words have behind their tags, in order.
 *
 * Invariant: before each word both sides' dictionaries are equal: they change by the
 *   word and its tag alone, which both sides know then.
 * Why any input is safe: a dictionary is indexed by as many bits as it has; a group
 *   is read only when all bytes that its tags speak of are there; and words are written
 *   by count.
 */
#include <base/memory.h>
#include <paging/wk.h>

#define GROUP 16u			/* words */
#define GROUP_BYTES (GROUP * 4)
#define GROUP_MOST (4 + GROUP_BYTES)	/* packed */
#define NEAR_LOW 10			/* bits of a word that may differ */
#define NEAR_MASK ((1u << NEAR_LOW) - 1)
#define TAG_NEXT 30			/* tags are shifted in from above */

/* How many bytes follow is 0, 1, 2, 4. */
enum tag { TAG_AFTER, TAG_EXACT, TAG_NEAR, TAG_WORD };

/* The last two words. */
struct context {
	uint32_t last, before;
};

static inline uint32_t
load32(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

static inline void
store32(uint8_t *p, uint32_t w)
{
	memcpy(p, &w, sizeof w);
}

/* Fibonacci hashing: the high bits of a product know all of the word. */
static inline uint32_t
hash(uint32_t w, unsigned bits)
{
	return w * 0x9e3779b1u >> (32 - bits);
}

static inline uint32_t
after(uint32_t last, uint32_t before)
{
	return hash(last * 5 + before, TOME_WK_AFTER_BITS);
}

static inline uint32_t
exact(uint32_t w)
{
	return hash(w, TOME_WK_EXACT_BITS);
}

static inline uint32_t
near(uint32_t w)
{
	return hash(w >> NEAR_LOW, TOME_WK_NEAR_BITS);
}

/* ---- pages of one value ---- */

bool
tome_wk_same(const void *page, size_t size, uint64_t *value)
{
	const uint8_t *p = page, *end = p + size;
	uint64_t first, w;

	memcpy(&first, p, sizeof first);
	while ((p += sizeof w) < end) {
		memcpy(&w, p, sizeof w);
		if (w != first)
			return false;
	}
	*value = first;
	return true;
}

void
tome_wk_fill(void *page, size_t size, uint64_t value)
{
	uint8_t *p = page, *end = p + size;

	for (; p < end; p += sizeof value)
		memcpy(p, &value, sizeof value);
}

/* ---- packing ---- */

static bool
group_is_zero(const uint8_t *in)
{
	uint64_t some = 0, w;

	for (unsigned i = 0; i < GROUP_BYTES; i += sizeof w) {
		memcpy(&w, in + i, sizeof w);
		some |= w;
	}
	return some == 0;
}

/* A word that was not foreseen: its bytes, and where they end. */
static inline uint8_t *
pack_word(struct tome_wk *wk, uint32_t w, uint8_t *out, uint32_t *tags)
{
	uint32_t e = exact(w), n;
	uint16_t half;

	if (wk->exact[e] == w) {
		*tags |= (uint32_t)TAG_EXACT << TAG_NEXT;
		*out = (uint8_t)e;
		return out + 1;
	}
	wk->exact[e] = w;
	n = near(w);
	if ((wk->near[n] ^ w) <= NEAR_MASK) {
		*tags |= (uint32_t)TAG_NEAR << TAG_NEXT;
		wk->near[n] = w;
		half = (uint16_t)(n << NEAR_LOW | (w & NEAR_MASK));
		memcpy(out, &half, sizeof half);
		return out + sizeof half;
	}
	*tags |= (uint32_t)TAG_WORD << TAG_NEXT;
	wk->near[n] = w;
	store32(out, w);
	return out + 4;
}

static uint8_t *
pack_group(struct tome_wk *wk, struct context *c, const uint8_t *in,
    uint8_t *out)
{
	const uint8_t *end = in + GROUP_BYTES;
	uint32_t last = c->last, before = c->before, tags = 0;
	uint8_t *at = out + 4;

	for (; in != end; in += 4) {
		uint32_t w = load32(in), *a = &wk->after[after(last, before)];

		tags >>= 2;
		if (*a != w) {
			*a = w;
			at = pack_word(wk, w, at, &tags);
		}
		before = last;
		last = w;
	}
	*c = (struct context){ last, before };
	store32(out, tags);
	return at;
}

/* A quarter in, and less than a sixteenth of it was gained. */
static inline bool
looks_hopeless(size_t done, size_t size, size_t packed)
{
	return done == size / 4 && packed > done - done / 16;
}

size_t
tome_wk_pack(struct tome_wk *wk, const void *page, size_t size, void *out,
    size_t limit)
{
	const size_t map_bytes = (size / GROUP_BYTES + 7) / 8;
	uint8_t *map = out, *at = map + map_bytes;
	struct context c = { 0, 0 };
	const uint8_t *in = page;

	if (limit < map_bytes)
		return 0;
	memset(wk, 0, sizeof *wk);
	memset(map, 0, map_bytes);
	for (size_t done = 0; done < size; done += GROUP_BYTES) {
		size_t packed = (size_t)(at - map), g = done / GROUP_BYTES;

		if (looks_hopeless(done, size, packed))
			return 0;
		if (group_is_zero(in + done)) {
			c = (struct context){ 0, 0 };
			continue;
		}
		if (limit - packed < GROUP_MOST)
			return 0;
		map[g / 8] |= (uint8_t)(1u << g % 8);
		at = pack_group(wk, &c, in + done, at);
	}
	return (size_t)(at - map);
}

/* ---- unpacking ---- */

/* Bytes behind tags: 1 for a low bit, 2 for a high one, 1 more for both. */
static inline unsigned
tags_bytes(uint32_t tags)
{
	uint32_t low = tags & 0x55555555u, high = tags >> 1 & 0x55555555u;
	/* A sum of up to 4 fits where each tag was: two bits, then four. */
	uint32_t one = low + (low & high);
	uint32_t sum = (one & 0x33333333u) + (one >> 2 & 0x33333333u) +
	    2 * ((high & 0x33333333u) + (high >> 2 & 0x33333333u));

	sum = (sum & 0x0f0f0f0fu) + (sum >> 4 & 0x0f0f0f0fu);
	return sum * 0x01010101u >> 24;
}

/* The word of a tag that says more follows. */
static inline uint32_t
unpack_word(struct tome_wk *wk, enum tag tag, const uint8_t **in)
{
	const uint8_t *at = *in;
	uint16_t half;
	uint32_t w;

	if (tag == TAG_EXACT) {
		*in = at + 1;
		return wk->exact[*at];
	}
	if (tag == TAG_NEAR) {
		*in = at + 2;
		memcpy(&half, at, sizeof half);
		w = wk->near[half >> NEAR_LOW] & ~NEAR_MASK;
		w |= half & NEAR_MASK;
		wk->near[half >> NEAR_LOW] = w;
	} else {
		*in = at + 4;
		w = load32(at);
		wk->near[near(w)] = w;
	}
	wk->exact[exact(w)] = w;
	return w;
}

static const uint8_t *
unpack_group(struct tome_wk *wk, struct context *c, uint32_t tags,
    const uint8_t *in, uint8_t *out)
{
	uint32_t last = c->last, before = c->before;
	const uint8_t *end = out + GROUP_BYTES;

	for (; out != end; out += 4, tags >>= 2) {
		uint32_t *a = &wk->after[after(last, before)], w = *a;

		if (tags & 3) {
			w = unpack_word(wk, (enum tag)(tags & 3), &in);
			*a = w;
		}
		store32(out, w);
		before = last;
		last = w;
	}
	*c = (struct context){ last, before };
	return in;
}

enum tome_err
tome_wk_unpack(struct tome_wk *wk, const void *in, size_t len, void *page,
    size_t size)
{
	const size_t map_bytes = (size / GROUP_BYTES + 7) / 8;
	const uint8_t *map = in, *end = map + len, *at;
	struct context c = { 0, 0 };
	uint8_t *out = page;

	if (len < map_bytes)
		return TOME_EIO;
	at = map + map_bytes;
	memset(wk, 0, sizeof *wk);
	for (size_t g = 0; g < size / GROUP_BYTES; g++, out += GROUP_BYTES) {
		uint32_t tags;

		if (!(map[g / 8] >> g % 8 & 1)) {
			memset(out, 0, GROUP_BYTES);
			c = (struct context){ 0, 0 };
			continue;
		}
		if (end - at < 4)
			return TOME_EIO;
		tags = load32(at);
		at += 4;
		/* The sum is worth it only near the end. */
		if (end - at < (ptrdiff_t)GROUP_BYTES &&
		    (size_t)(end - at) < tags_bytes(tags))
			return TOME_EIO;
		at = unpack_group(wk, &c, tags, at, out);
	}
	return TOME_OK;
}
