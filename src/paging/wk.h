/*
 * wk.h - a page as its words: the compressor of the tier in memory.
 *
 * Of the WKdm family (Wilson, Kaplan, Smaragdakis, USENIX 1999): 32-bit words, small
 * direct-mapped dictionaries, two bits of tag a word. Three things differ, because
 * measured on pages of real programs (bench/compress.c) they pay:
 *
 *  - a word may be what followed the last two words when they were met before: that
 *    costs its tag alone. What zero's tag is in WKdm, this is here;
 *  - zero comes in 64 bytes at once: one bit;
 *  - the rest of a word is whole bytes, in one stream with the tags: 1 names one of
 *    the last 256 words, 2 name one of 64 words alike in 22 bits and give the other
 *    10, 4 are the word.
 *
 * Words are in the machine's own byte order, as the page is. A page of any size that
 * is a multiple of 64 bytes, up to 64 KiB. Nothing is allocated; no locks.
 */
#ifndef TOME_PAGING_WK_H
#define TOME_PAGING_WK_H

#include <tome/types.h>

#define TOME_WK_EXACT_BITS 8
#define TOME_WK_NEAR_BITS 6
#define TOME_WK_AFTER_BITS 9

/* The dictionaries, alike on both sides. Of one CPU, or of one thread. */
struct tome_wk {
	uint32_t exact[1u << TOME_WK_EXACT_BITS];
	uint32_t near[1u << TOME_WK_NEAR_BITS];
	uint32_t after[1u << TOME_WK_AFTER_BITS];
};

/* Is the page one 64-bit value throughout? Then that is *value. */
bool tome_wk_same(const void *page, size_t size, uint64_t *value);
void tome_wk_fill(void *page, size_t size, uint64_t value);

/*
 * Pack a page into out, at most `limit` bytes. Returns how many; 0: refused, it does
 * not get that small. What looks incompressible is refused after a quarter.
 */
size_t tome_wk_pack(struct tome_wk *, const void *page, size_t size, void *out,
    size_t limit);
/*
 * The other way. Any input is safe. EIO: it is none of pack's, and the page holds
 * anything. Bytes behind the end are not looked at.
 */
enum tome_err tome_wk_unpack(struct tome_wk *, const void *in, size_t len,
    void *page, size_t size) TOME_NODISCARD;

#endif
