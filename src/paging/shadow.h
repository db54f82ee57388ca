/*
 * shadow.h - what is remembered of pages that left: a word each, in a table of fixed
 * size, found by a key (a swap slot, a page of a file).
 *
 * A row of four is searched for a key's tag; what is oldest makes room. So a shadow
 * may be lost, and rarely belong to another page: it is advice.
 *
 * Words of 32 bits: a shadow's epoch is in it, so the table keeps no time. The key's
 * row and the tag beside it are from one hash.
 */
#ifndef TOME_PAGING_SHADOW_H
#define TOME_PAGING_SHADOW_H

#include <stdint.h>

#define TOME_SHADOW_ROW 4u

struct tome_shadow {
	uint16_t tag[TOME_SHADOW_ROW];
	uint32_t word[TOME_SHADOW_ROW];		/* the latest first; 0: none */
};

struct tome_shadows {
	struct tome_shadow *row;
	uint32_t mask;				/* rows, a power of two, less 1 */
};

/* Rows for so many frames: as many shadows at least. */
uint32_t tome_shadow_rows(uint32_t frames);
/* Zeroed rows, the caller's. */
void tome_shadows_init(struct tome_shadows *, struct tome_shadow *,
    uint32_t rows);
void tome_shadow_put(struct tome_shadows *, uint64_t key, uint32_t shadow);
/* And forget it. 0: not known. */
uint32_t tome_shadow_take(struct tome_shadows *, uint64_t key);

#endif
