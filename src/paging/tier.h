/*
 * tier.h - the compressed tier: what swap slots hold, in memory, as long as there is
 * room.
 *
 * Keyed by the slot's number. What is kept is a copy: it stays until it is dropped,
 * and who loads it has another copy. A slot that others may store, load or drop at the
 * same moment is found before or after that, never between; nobody does so to a slot he
 * does not own.
 *
 * Any thread, preemption on or off; not from interrupts. Nothing sleeps.
 * Locks: each shard's own, rank TIER, leaf side. So a drop may come with any lock of
 *   lower rank held; a store and a load are long (tens of thousands of
 *   instructions, preemption off), and are best made with none.
 */
#ifndef TOME_PAGING_TIER_H
#define TOME_PAGING_TIER_H

#include <tome/swap.h>

struct tome_tier;

/* At most `frames` frames for what is kept. ENOMEM. */
enum tome_err tome_tier_start(struct tome_vm *, tome_pfn_t frames,
    struct tome_tier **out) TOME_NODISCARD;
/* Nobody else uses it any more. Whatever it holds is gone. */
void tome_tier_stop(struct tome_tier *);

/* Lowering it drops nothing. */
void tome_tier_limit(struct tome_tier *, tome_pfn_t frames);
/* Frames beyond seven eighths of that: what is oldest leaves, so that what comes has
 * room. */
tome_pfn_t tome_tier_excess(struct tome_tier *);

/*
 * Keep a copy of a frame under a slot; what it held before is dropped. False: it is
 * incompressible, or there is no room; the slot then holds nothing here.
 */
bool tome_tier_store(struct tome_tier *, uint32_t slot, tome_pfn_t);
/* Into a frame. ENOENT: the slot holds nothing here. EIO: what was kept is damaged. */
enum tome_err tome_tier_load(struct tome_tier *, uint32_t slot,
    tome_pfn_t) TOME_NODISCARD;
/* The same, not counted as one that came back. */
enum tome_err tome_tier_copy(struct tome_tier *, uint32_t slot,
    tome_pfn_t) TOME_NODISCARD;
bool tome_tier_has(struct tome_tier *, uint32_t slot);
/* Nothing if it holds nothing. */
void tome_tier_drop(struct tome_tier *, uint32_t slot);
/* The same, of a slot that was written to its area. */
void tome_tier_written(struct tome_tier *, uint32_t slot);

/*
 * The slots stored longest ago, in runs, at most n; how many. By groups of 32
 * neighbours, and in each as the last of them was stored. Those that take no room are
 * left out. They stay where they are.
 */
unsigned tome_tier_oldest(struct tome_tier *, uint32_t *slots, unsigned n);

void tome_tier_stats(struct tome_tier *, struct tome_compress_stats *out);

/* NULL, or what a recount finds. Nobody else uses the tier. */
const char *tome_tier_check(struct tome_tier *);

#endif
