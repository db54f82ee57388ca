/*
 * pool.h - pieces of a few bytes to most of a page, in whole frames that are taken
 * and given back one at a time.
 *
 * A piece is named by its key, which the caller chooses, and by the frame that the
 * pool put it in. In its frame it may move: nobody points into one. A piece that fits
 * in no frame there is, is put in two: what would be left over in many frames is
 * what few pieces are cut by.
 *
 * Metadata: 8 bytes a piece, 4 bytes a frame, both in the frame; the lists of frames
 * are in their descriptors. Frames may lie outside the direct map.
 *
 * Locks: none here: a pool belongs to whoever holds its owner's lock, preemption
 * off. Nothing sleeps. A get or put opens one window at a time, a compaction two.
 */
#ifndef TOME_PAGING_POOL_H
#define TOME_PAGING_POOL_H

#include <phys/page.h>

/* The largest piece, in bytes: 27 of 32 parts of a page. Beyond it little is saved. */
#define TOME_PIECE_MOST ((size_t)(TOME_PAGE_SIZE / 32 * 27))
#define TOME_PIECE_CLASSES 64u

/* What pools of one owner share. */
struct tome_pieces_budget {
	_Atomic uint32_t frames;	/* that all have */
	_Atomic uint32_t limit;
};

struct tome_pieces {
	struct tome_vm *vm;
	struct tome_pieces_budget *budget;
	uint32_t frames, pieces;	/* a piece in two counts once */
	uint64_t free;			/* words free in them */
	uint64_t bytes;			/* of pieces, as stored */
	/* Frames by words free: lists, linked by next and prev. */
	tome_pfn_t list[TOME_PIECE_CLASSES];
};

void tome_pieces_init(struct tome_pieces *, struct tome_vm *,
    struct tome_pieces_budget *);

/*
 * Keep a copy of len bytes, 1 .. TOME_PIECE_MOST, under a key that the pool does not
 * have. *out is the frame. ENOMEM: no frame, or the budget is used up; nothing changed.
 */
enum tome_err tome_pieces_put(struct tome_pieces *, uint32_t key, const void *data,
    size_t len, tome_pfn_t *out) TOME_NODISCARD;
/* Copy a piece out; its length, rounded up to 4. It must be there. */
size_t tome_pieces_get(struct tome_pieces *, uint32_t key, tome_pfn_t, void *out);
void tome_pieces_drop(struct tome_pieces *, uint32_t key, tome_pfn_t);

/*
 * If a quarter of the pool is free: empty its emptiest frame into others and give
 * it back. `moved` hears of each piece whose frame is another now.
 */
void tome_pieces_compact(struct tome_pieces *,
    void (*moved)(void *arg, uint32_t key, tome_pfn_t), void *arg);

/* NULL, or what a recount finds. */
const char *tome_pieces_check(struct tome_pieces *);

#endif
