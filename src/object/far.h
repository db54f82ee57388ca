/*
 * far.h - packed chunks whose slot numbers are on disk; private to layer 4 and to who
 * reads and writes them (layer 6).
 *
 * A pack is TOME_PACK_CHUNKS neighbours' slot numbers, which fill a page of a swap
 * slot, and one struct tome_chunk that hangs in the directory in place of each of them. It
 * is one amap's. One of them alone that is wanted, or shared, becomes a slip, which
 * names the pack; when the page has been read, an ordinary packed chunk.
 */
#ifndef TOME_OBJECT_FAR_H
#define TOME_OBJECT_FAR_H

#include <object/dir.h>

#define TOME_PACK_CHUNKS 32u
/* Fewer are not worth a page. */
#define TOME_PACK_LEAST (TOME_PACK_CHUNKS / 2)
#define TOME_PACK_SLOTS (TOME_PACK_CHUNKS * TOME_CHUNK_ANONS)
#define TOME_PACK_BYTES (TOME_PACK_SLOTS * sizeof(uint32_t))
_Static_assert(TOME_PACK_BYTES <= 4096, "in the smallest page");
_Static_assert(TOME_PACK_CHUNKS <= TOME_DIR_FANOUT, "below one node");

/* Of a pack: behind it are the pages that each of its chunks has, a bit each. */
#define TOME_PACK_SIZE (offsetof(struct tome_chunk, far) + \
	sizeof(struct tome_far))

static inline uint32_t *
tome_pack_pages(struct tome_chunk *pack)
{
	return (void *)((uint8_t *)pack + TOME_PACK_SIZE);
}

static inline unsigned
tome_pack_bits(uint32_t bits)
{
	unsigned n = 0;

	for (; bits != 0; bits &= bits - 1)
		n++;
	return n;
}

/* ---- in the directory ---- */

/* Inside an epoch, nothing locked. d names one that was far: what it lacks is noted, and
 * TOME_RETRY. OK: look again. ENOMEM. */
enum tome_err tome_far_lack(struct tome_amap *, struct tome_dirent *d,
    struct tome_fill *) TOME_NODISCARD;
/* d names a far one, which is locked: it is a slip now, locked. NULL: no memory, and it
 * is unlocked. */
struct tome_chunk *tome_far_slip(struct tome_amap *, struct tome_dirent *d);
/* As the others of struct tome_anon_pager. */
enum tome_err tome_far_clone(struct tome_amap *, struct tome_dirent *,
    unsigned lo, unsigned hi, struct tome_chunk **old) TOME_NODISCARD;
/* The pages that these name, a bit each. */
uint32_t tome_slots_pages(const uint32_t *slots);
uint32_t tome_far_pages(const struct tome_dirent *, uint64_t *id);
const char *tome_far_recount(struct tome_vm *, struct tome_chunk *,
    enum tome_recount, struct tome_chunk **next);
/* No directory names this one any more. */
void tome_far_leave(struct tome_vm *, struct tome_chunk *);

/* ---- slips ---- */

/* Nothing locked. Where a counted slip's numbers are; NULL: it has them. */
struct tome_chunk *tome_slip_pack(struct tome_vm *, struct tome_chunk *slip);
/* It has them now; they are in the page. It may have them already. The pack that it
 * named, a count of which is the caller's now, or NULL. */
struct tome_chunk *tome_slip_read(struct tome_vm *, struct tome_chunk *slip,
    const uint32_t *page);
/* Give the count back. */
void tome_slip_put(struct tome_vm *, struct tome_chunk *slip);

/* ---- packs ---- */

/* A far chunk: its pack holds what ended, and will be read for nobody. */
static inline bool
tome_pack_rests(const struct tome_chunk *far)
{
	return (tome_rd_relaxed(&far->word) & TOME_CHUNK_PACK) &&
	    tome_rd(&far->count) - 1 <
	    tome_pack_bits(tome_rd(&far->far.held));
}

/* Inside an epoch: the slot numbers of a packed chunk that could be in a pack, of this
 * ledger, unless it is the first. */
bool tome_pack_copy(struct tome_amap *, struct tome_dirent *, uint32_t *slots,
    bool first, uint32_t *ledger);
/* A pack with one count, the caller's, for the neighbours of d. NULL: no memory. */
struct tome_chunk *tome_pack_create(struct tome_vm *);
void tome_pack_discard(struct tome_vm *, struct tome_chunk *);
void tome_pack_begin(struct tome_vm *, struct tome_chunk *pack, uint64_t key,
    uint32_t ledger, uint32_t at, uint32_t sum);
/* Inside an epoch: d's chunk is in the pack, if it is what was written still. */
bool tome_pack_put(struct tome_amap *, struct tome_dirent *d,
    struct tome_chunk *pack, const uint32_t *slots);
/* A count less. */
void tome_pack_drop(struct tome_vm *, struct tome_chunk *pack);
/* After its epoch. It is no more, or, if its page has yet to be read, in far_ended. */
void tome_pack_ended(struct tome_vm *, struct tome_chunk *pack);
/* Of one that has ended: the slots that its page names are free. Then again
 * tome_pack_ended(). */
void tome_pack_release(struct tome_vm *, struct tome_chunk *pack,
    const uint32_t *page);

#endif
