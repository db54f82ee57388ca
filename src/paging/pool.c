/*
 * pool.c - frames as slotted pages: a table of pieces grows up from the start, the
 * pieces themselves down from the end.
 *
 *	| n low | piece 0 | .. | piece n-1 |  gap  | data n-1 | .. | data 0 |
 *
 * Invariants, checked by tome_pieces_check():
 *  - data lies in the table's order, the first highest, without overlap, at or above
 *    `low`; what a dropped piece leaves is a hole until the others slide over it, which
 *    they do when the gap is too small;
 *  - a frame's free words, gap and holes, are its descriptor's index; it is on the list
 *    of its class, which is its free words in 64ths of a frame, and never empty;
 *  - a piece in two halves has each begin with the other's frame, and they lie in
 *    different frames.
 *
 * Why best fit and halves: whole pieces, best fit, leave 3-12% of the frames unused
 * where pages shrink to a half or a quarter; a second frame for what is left over
 * leaves 1-2%. Classes of sizes over several frames waste more, and are freed late
 * (docs/compression.md).
 *
 * Locks: the owner's.
 */
#include <base/memory.h>
#include <paging/pool.h>

#define WORDS ((uint32_t)(TOME_PAGE_SIZE / 4))
#define CLASS_WORDS (WORDS / TOME_PIECE_CLASSES)
/* In words: the head of a frame, a piece's place in the table, a half's link. */
#define HEAD 1u
#define ENTRY 2u
#define LINK ((uint32_t)(sizeof(tome_pfn_t) / 4))
/* A half of less than four classes is not worth its entry and its copy. */
#define SPLIT_CLASS 4u

/* Beside the length: which half it is. */
#define FIRST_HALF 0x8000u
#define SECOND_HALF 0x4000u
#define HALVES (FIRST_HALF | SECOND_HALF)
_Static_assert(TOME_PIECE_MOST / 4 + ENTRY < SECOND_HALF, "lengths fit");

struct piece {
	uint32_t key;
	uint16_t at;			/* word of the frame */
	uint16_t len;			/* words, link included, and HALVES */
};

struct frame {
	uint16_t n;			/* pieces */
	uint16_t low;			/* word where the lowest begins */
	struct piece piece[];
};
_Static_assert(sizeof(struct frame) == HEAD * 4, "what is counted");
_Static_assert(sizeof(struct piece) == ENTRY * 4, "what is counted");

static enum tome_err put_in_halves(struct tome_pieces *, uint32_t key,
    const uint8_t *, size_t len, tome_pfn_t *out);
static void frame_add(struct tome_pieces *, tome_pfn_t, uint32_t key,
    unsigned half, tome_pfn_t link, const void *, size_t len);
static uint32_t *frame_carve(struct frame *, uint32_t key, unsigned half,
    uint32_t words);

static inline uint32_t
piece_words(const struct piece *p)
{
	return p->len & ~(uint32_t)HALVES;
}

static inline uint32_t
piece_link_words(const struct piece *p)
{
	return p->len & HALVES ? LINK : 0;
}

static inline uint32_t *
frame_word(struct frame *f, uint32_t at)
{
	return (uint32_t *)(void *)f + at;
}

static inline uint32_t
words_of(size_t len)
{
	return (uint32_t)(len + 3) / 4;
}

void
tome_pieces_init(struct tome_pieces *pool, struct tome_vm *vm,
    struct tome_pieces_budget *budget)
{
	*pool = (struct tome_pieces){ .vm = vm, .budget = budget };
	for (unsigned c = 0; c < TOME_PIECE_CLASSES; c++)
		pool->list[c] = TOME_PFN_NONE;
}

/* ---- frames by free words ---- */

static void
frame_list(struct tome_pieces *pool, tome_pfn_t pfn)
{
	struct tome_page *pg = tome_page(pool->vm, pfn);
	tome_pfn_t *list = &pool->list[pg->index / CLASS_WORDS];

	tome_wr_relaxed(&pg->prev, TOME_PFN_NONE);
	pg->next = *list;
	if (*list != TOME_PFN_NONE)
		tome_wr_relaxed(&tome_page(pool->vm, *list)->prev, pfn);
	*list = pfn;
}

static void
frame_unlist(struct tome_pieces *pool, tome_pfn_t pfn)
{
	struct tome_page *pg = tome_page(pool->vm, pfn);

	if (pg->next != TOME_PFN_NONE)
		tome_wr_relaxed(&tome_page(pool->vm, pg->next)->prev, pg->prev);
	if (pg->prev != TOME_PFN_NONE)
		tome_page(pool->vm, pg->prev)->next = pg->next;
	else
		pool->list[pg->index / CLASS_WORDS] = pg->next;
}

/* Of a frame on no list. */
static void
frame_charge(struct tome_pieces *pool, tome_pfn_t pfn, uint32_t words)
{
	tome_page(pool->vm, pfn)->index -= words;
	pool->free -= words;
}

static void
frame_credit(struct tome_pieces *pool, tome_pfn_t pfn, uint32_t words)
{
	tome_page(pool->vm, pfn)->index += words;
	pool->free += words;
}

/* Of the fullest class all of whose frames have the room. */
static tome_pfn_t
frame_fitting(struct tome_pieces *pool, uint32_t words)
{
	unsigned c = (words + CLASS_WORDS - 1) / CLASS_WORDS;

	while (c < TOME_PIECE_CLASSES && pool->list[c] == TOME_PFN_NONE)
		c++;
	return c < TOME_PIECE_CLASSES ? pool->list[c] : TOME_PFN_NONE;
}

static tome_pfn_t
frame_emptiest(struct tome_pieces *pool, unsigned least)
{
	unsigned c = TOME_PIECE_CLASSES;

	while (c-- > least)
		if (pool->list[c] != TOME_PFN_NONE)
			return pool->list[c];
	return TOME_PFN_NONE;
}

/* A frame more, on no list yet. NONE: the budget or memory is used up. */
static tome_pfn_t
frame_new(struct tome_pieces *pool)
{
	struct tome_pieces_budget *b = pool->budget;
	struct frame *f;
	tome_pfn_t pfn;

	if (tome_add(&b->frames, 1) > tome_rd_relaxed(&b->limit) ||
	    tome_frame_alloc(pool->vm, TOME_PAGE_KERNEL, TOME_FRAME_RESERVE,
	    &pfn) != TOME_OK) {
		tome_drop(&b->frames);
		return TOME_PFN_NONE;
	}
	f = tome_frame_window(pool->vm, pfn);
	f->n = 0;
	f->low = (uint16_t)WORDS;
	tome_frame_window_end(pool->vm, pfn, f);
	pool->frames++;
	frame_credit(pool, pfn, WORDS - HEAD);
	return pfn;
}

/* On no list; back on its own, or to whom it came from if it is empty. */
static void
frame_settle(struct tome_pieces *pool, tome_pfn_t pfn)
{
	if (tome_page(pool->vm, pfn)->index < WORDS - HEAD) {
		frame_list(pool, pfn);
		return;
	}
	pool->free -= WORDS - HEAD;
	pool->frames--;
	tome_drop(&pool->budget->frames);
	tome_frame_free(pool->vm, pfn);
}

/* ---- putting ---- */

enum tome_err
tome_pieces_put(struct tome_pieces *pool, uint32_t key, const void *data,
    size_t len, tome_pfn_t *out)
{
	tome_pfn_t pfn = frame_fitting(pool, words_of(len) + ENTRY);

	TOME_ASSERT(pool->vm, len > 0 && len <= TOME_PIECE_MOST);
	if (pfn == TOME_PFN_NONE)
		return put_in_halves(pool, key, data, len, out);
	frame_unlist(pool, pfn);
	frame_add(pool, pfn, key, 0, TOME_PFN_NONE, data, len);
	pool->pieces++;
	*out = pfn;
	return TOME_OK;
}

/* No frame is sure to have room for all: fill the emptiest, and go on elsewhere. */
static enum tome_err
put_in_halves(struct tome_pieces *pool, uint32_t key, const uint8_t *data,
    size_t len, tome_pfn_t *out)
{
	tome_pfn_t first = frame_emptiest(pool, SPLIT_CLASS), second;
	uint32_t room;
	size_t cut;

	if (first == TOME_PFN_NONE)
		first = frame_new(pool);
	else
		frame_unlist(pool, first);
	if (first == TOME_PFN_NONE)
		return TOME_ENOMEM;
	room = tome_page(pool->vm, first)->index;
	if (room >= words_of(len) + ENTRY) {
		frame_add(pool, first, key, 0, TOME_PFN_NONE, data, len);
	} else {
		cut = (size_t)(room - ENTRY - LINK) * 4;
		second = frame_fitting(pool,
		    words_of(len - cut) + ENTRY + LINK);
		if (second != TOME_PFN_NONE)
			frame_unlist(pool, second);
		else
			second = frame_new(pool);
		if (second == TOME_PFN_NONE) {
			frame_settle(pool, first);
			return TOME_ENOMEM;
		}
		frame_add(pool, second, key, SECOND_HALF, first, data + cut,
		    len - cut);
		frame_add(pool, first, key, FIRST_HALF, second, data, cut);
	}
	pool->pieces++;
	*out = first;
	return TOME_OK;
}

/* The frame is on no list, has the room, and is on its list afterwards. */
static void
frame_add(struct tome_pieces *pool, tome_pfn_t pfn, uint32_t key, unsigned half,
    tome_pfn_t link, const void *data, size_t len)
{
	uint32_t words = words_of(len) + (half ? LINK : 0);
	struct frame *f = tome_frame_window(pool->vm, pfn);
	uint32_t *at = frame_carve(f, key, half, words);

	if (half) {
		memcpy(at, &link, sizeof link);
		at += LINK;
	}
	memcpy(at, data, len);
	tome_frame_window_end(pool->vm, pfn, f);
	frame_charge(pool, pfn, words + ENTRY);
	pool->bytes += words_of(len) * 4;
	frame_list(pool, pfn);
}

/* Close the holes. */
static void
frame_slide(struct frame *f)
{
	uint32_t top = WORDS;

	for (unsigned i = 0; i < f->n; i++) {
		struct piece *p = &f->piece[i];

		top -= piece_words(p);
		if (p->at != top)
			memmove(frame_word(f, top), frame_word(f, p->at),
			    (size_t)piece_words(p) * 4);
		p->at = (uint16_t)top;
	}
	f->low = (uint16_t)top;
}

static uint32_t *
frame_carve(struct frame *f, uint32_t key, unsigned half, uint32_t words)
{
	if (f->low < HEAD + (f->n + 1) * ENTRY + words)
		frame_slide(f);
	f->low = (uint16_t)(f->low - words);
	f->piece[f->n++] = (struct piece){ .key = key, .at = f->low,
		.len = (uint16_t)(words | half) };
	return frame_word(f, f->low);
}

/* ---- getting, dropping ---- */

static unsigned
frame_find(struct tome_pieces *pool, const struct frame *f, uint32_t key)
{
	unsigned i = 0;

	while (i < f->n && f->piece[i].key != key)
		i++;
	TOME_CHECK(pool->vm, i < f->n);
	return i;
}

static tome_pfn_t
piece_link(struct frame *f, const struct piece *p)
{
	tome_pfn_t link = TOME_PFN_NONE;

	if (p->len & HALVES)
		memcpy(&link, frame_word(f, p->at), sizeof link);
	return link;
}

/* What this frame has of a piece, at the place given; what follows it, if any. */
static tome_pfn_t
frame_get(struct tome_pieces *pool, uint32_t key, tome_pfn_t pfn, uint8_t *out,
    size_t *len)
{
	struct frame *f = tome_frame_window(pool->vm, pfn);
	const struct piece *p = &f->piece[frame_find(pool, f, key)];
	uint32_t skip = piece_link_words(p);
	tome_pfn_t next = p->len & FIRST_HALF ? piece_link(f, p) :
	    TOME_PFN_NONE;

	*len = (size_t)(piece_words(p) - skip) * 4;
	memcpy(out, frame_word(f, p->at + skip), *len);
	tome_frame_window_end(pool->vm, pfn, f);
	return next;
}

size_t
tome_pieces_get(struct tome_pieces *pool, uint32_t key, tome_pfn_t pfn, void *out)
{
	size_t len, more = 0;

	pfn = frame_get(pool, key, pfn, out, &len);
	if (pfn != TOME_PFN_NONE)
		(void)frame_get(pool, key, pfn, (uint8_t *)out + len, &more);
	return len + more;
}

static void
frame_forget(struct frame *f, unsigned i)
{
	f->n--;
	if (i == f->n)
		f->low = (uint16_t)(f->low + piece_words(&f->piece[i]));
	memmove(&f->piece[i], &f->piece[i + 1],
	    (f->n - i) * sizeof f->piece[0]);
}

/* The frame is on its list, or gone, afterwards. Says where the other half is. */
static tome_pfn_t
frame_drop(struct tome_pieces *pool, uint32_t key, tome_pfn_t pfn)
{
	struct frame *f = tome_frame_window(pool->vm, pfn);
	unsigned i = frame_find(pool, f, key);
	struct piece p = f->piece[i];
	tome_pfn_t link = piece_link(f, &p);

	frame_forget(f, i);
	tome_frame_window_end(pool->vm, pfn, f);
	pool->bytes -= (piece_words(&p) - piece_link_words(&p)) * 4;
	frame_unlist(pool, pfn);
	frame_credit(pool, pfn, piece_words(&p) + ENTRY);
	frame_settle(pool, pfn);
	return link;
}

void
tome_pieces_drop(struct tome_pieces *pool, uint32_t key, tome_pfn_t pfn)
{
	tome_pfn_t other = frame_drop(pool, key, pfn);

	if (other != TOME_PFN_NONE)
		(void)frame_drop(pool, key, other);
	pool->pieces--;
}

/* ---- compaction ---- */

static void
piece_relink(struct tome_pieces *pool, uint32_t key, tome_pfn_t pfn,
    tome_pfn_t to)
{
	struct frame *f = tome_frame_window(pool->vm, pfn);

	memcpy(frame_word(f, f->piece[frame_find(pool, f, key)].at), &to,
	    sizeof to);
	tome_frame_window_end(pool->vm, pfn, f);
}

/*
 * The last piece of a frame on no list goes where it fits, whole, and not beside its
 * other half. NONE: nowhere.
 */
static tome_pfn_t
frame_move_last(struct tome_pieces *pool, tome_pfn_t from, struct piece *p)
{
	struct frame *f = tome_frame_window(pool->vm, from), *t;
	tome_pfn_t to, link;
	uint32_t words;

	*p = f->piece[f->n - 1];
	words = piece_words(p);
	link = piece_link(f, p);
	to = frame_fitting(pool, words + ENTRY);
	if (to != TOME_PFN_NONE && to != link) {
		frame_unlist(pool, to);
		t = tome_frame_window(pool->vm, to);
		memcpy(frame_carve(t, p->key, p->len & HALVES, words),
		    frame_word(f, p->at), (size_t)words * 4);
		tome_frame_window_end(pool->vm, to, t);
		frame_forget(f, f->n - 1u);
		frame_charge(pool, to, words + ENTRY);
		frame_credit(pool, from, words + ENTRY);
		frame_list(pool, to);
	}
	tome_frame_window_end(pool->vm, from, f);
	if (to == link)
		return TOME_PFN_NONE;
	if (to != TOME_PFN_NONE && link != TOME_PFN_NONE)
		piece_relink(pool, p->key, link, to);
	return to;
}

void
tome_pieces_compact(struct tome_pieces *pool,
    void (*moved)(void *arg, uint32_t key, tome_pfn_t), void *arg)
{
	tome_pfn_t from, to;
	struct piece p;

	if (pool->frames < 4 ||
	    pool->free < (uint64_t)pool->frames * (WORDS / 4))
		return;
	from = frame_emptiest(pool, 1);
	frame_unlist(pool, from);
	while (tome_page(pool->vm, from)->index < WORDS - HEAD) {
		to = frame_move_last(pool, from, &p);
		if (to == TOME_PFN_NONE)
			break;
		if (!(p.len & SECOND_HALF))
			moved(arg, p.key, to);
	}
	frame_settle(pool, from);
}

/* ---- the recount ---- */

/* Words that one frame's pieces take, table and head included; 0: it is unsound. */
static uint32_t
frame_recount(const struct frame *f, uint32_t *pieces)
{
	uint32_t words = HEAD, top = WORDS;

	for (unsigned i = 0; i < f->n; i++) {
		const struct piece *p = &f->piece[i];

		if (p->at + piece_words(p) > top)
			return 0;
		top = p->at;
		words += piece_words(p) + ENTRY;
		*pieces += !(p->len & SECOND_HALF);
	}
	return f->n > 0 && f->low <= top && f->low >= HEAD + f->n * ENTRY ?
	    words : 0;
}

const char *
tome_pieces_check(struct tome_pieces *pool)
{
	uint32_t frames = 0, pieces = 0, used;
	uint64_t room = 0;

	for (unsigned c = 0; c < TOME_PIECE_CLASSES; c++)
		for (tome_pfn_t pfn = pool->list[c]; pfn != TOME_PFN_NONE;
		    pfn = tome_page(pool->vm, pfn)->next) {
			uint32_t left = tome_page(pool->vm, pfn)->index;
			struct frame *f = tome_frame_window(pool->vm, pfn);

			used = frame_recount(f, &pieces);
			tome_frame_window_end(pool->vm, pfn, f);
			if (used + left != WORDS || left / CLASS_WORDS != c)
				return "11: a frame of compressed pages is "
				    "not as full as it is listed";
			frames++;
			room += left;
		}
	if (frames != pool->frames || pieces != pool->pieces ||
	    room != pool->free)
		return "11: compressed pieces or their frames are miscounted";
	return NULL;
}
