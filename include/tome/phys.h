/*
 * tome/phys.h - layer 1: frames of physical memory.
 *
 * Zones, a buddy allocator per zone, per-CPU LIFO caches of single frames, the
 * resident page table (one struct tome_page per frame), page queues. A frame is
 * named by its number, tome_pfn_t; frame 0 of the number space is never handed
 * out, so TOME_PFN_NONE (0) means none.
 *
 * Nothing here sleeps. Any context, interrupts included, unless said otherwise.
 * Source of the design: buddy system (Knuth, TAOCP 2.5), per-CPU magazines
 * (Bonwick and Adams, USENIX 2001).
 */
#ifndef TOME_PHYS_H
#define TOME_PHYS_H

#include <tome/vm.h>

#define TOME_PFN_NONE ((tome_pfn_t)0)
#define TOME_MAX_ORDER 10	/* largest buddy block: 2^10 frames */

/* What a frame is (docs/pages.md has the table of legal transitions). */
enum tome_identity {
	TOME_PAGE_ABSENT,	/* no RAM there, or not Tome's */
	TOME_PAGE_FREE,
	TOME_PAGE_RESERVED,	/* RAM the embedder keeps */
	TOME_PAGE_KERNEL,	/* heap, stacks, Tome's own metadata */
	TOME_PAGE_TABLE,	/* page tables */
	TOME_PAGE_ANON,		/* contents of an anon */
	TOME_PAGE_CACHE,	/* contents of a file object */
	TOME_PAGE_DEVICE,
	TOME_PAGE_LOANED,	/* lent to a driver */
	TOME_IDENTITIES,
};

/* How an allocation may be met. A set. */
#define TOME_FRAME_ZERO 1u	/* contents zeroed; else unspecified but never
				 * another space's: freed memory is overwritten
				 * before anyone can map it */
#define TOME_FRAME_RESERVE 2u	/* may dip below the min watermark: page-out */
#define TOME_FRAME_DIRECT 4u	/* must lie in the direct map */

/*
 * One frame from the highest zone that has one, with the identity given
 * (KERNEL, TABLE, ANON, CACHE or DEVICE). ENOMEM: none above the watermark; *out untouched.
 * The common case takes no shared lock.
 */
enum tome_err tome_frame_alloc(struct tome_vm *, enum tome_identity,
    unsigned flags, tome_pfn_t *out) TOME_NODISCARD;

/*
 * Give one frame back. Not wired, on no queue, mapped nowhere (checked in debug
 * builds), and flushed everywhere (invariant 5, the caller's duty).
 */
void tome_frame_free(struct tome_vm *, tome_pfn_t);

/*
 * 2^order contiguous frames, aligned to `align` frames (a power of two, 0 = 1),
 * wholly below physical address `limit` (0 = no limit). EINVAL: order or align
 * out of range. ENOMEM: none.
 */
enum tome_err tome_frames_alloc(struct tome_vm *, enum tome_identity,
    unsigned order, tome_pfn_t align, tome_pa_t limit, unsigned flags,
    tome_pfn_t *out) TOME_NODISCARD;
void tome_frames_free(struct tome_vm *, tome_pfn_t first, unsigned order);

/*
 * Claim precise frames [first, first+n): all free -> identity. EBUSY: one was
 * not free, nothing changed. ENOENT: one is not RAM. Cost grows with n.
 */
enum tome_err tome_frames_claim(struct tome_vm *, enum tome_identity,
    tome_pfn_t first, tome_pfn_t n) TOME_NODISCARD;

enum tome_identity tome_frame_identity(struct tome_vm *, tome_pfn_t);

/* The shared zero page: read-only, unmanaged, never freed. */
tome_pfn_t tome_zero_frame(struct tome_vm *);

/*
 * Address of a frame's contents. tome_frame_va: NULL outside the direct map.
 * The window calls work for any frame; preemption is off between them.
 */
void *tome_frame_va(struct tome_vm *, tome_pfn_t);
void *tome_frame_window(struct tome_vm *, tome_pfn_t);
void tome_frame_window_end(struct tome_vm *, tome_pfn_t, void *);

void tome_frame_zero(struct tome_vm *, tome_pfn_t);
void tome_frame_copy(struct tome_vm *, tome_pfn_t to, tome_pfn_t from);

/* Pins: a pinned (wired) frame is not reclaimed. Of frames of one's own; what is an
 * object's is borrowed from it, or tome_page_pin()'s. EAGAIN: count at its limit. */
enum tome_err tome_frame_wire(struct tome_vm *, tome_pfn_t) TOME_NODISCARD;
void tome_frame_unwire(struct tome_vm *, tome_pfn_t);

/* Watermarks of a zone, in frames. */
struct tome_zone_stats {
	tome_pa_t base, limit;		/* span of addresses */
	tome_pfn_t total, free, cached;	/* cached: in per-CPU caches, also free */
	tome_pfn_t min, low, high;
};
/* False: no such zone, or an empty one. */
bool tome_zone_stats(struct tome_vm *, enum tome_zone_kind,
    struct tome_zone_stats *out);
/* Of all zones together: from the lowest base to the highest limit, and sums. */
void tome_ram_stats(struct tome_vm *, struct tome_zone_stats *out);
tome_pfn_t tome_frames_free_count(struct tome_vm *);

/* Give every per-CPU cache's frames back to the buddy: this CPU's, or, when
 * the others are outside the VM, all. */
void tome_frames_drain(struct tome_vm *, bool all);

/*
 * Pressure: called from any context, with any lock held, when a zone's free frames
 * fall below low, and when an allocation fails: it may note and wake, no more.
 * Installed once by a higher layer or the embedder. NULL removes.
 */
typedef void tome_pressure_fn(struct tome_vm *, enum tome_zone_kind,
    bool failed);
void tome_set_pressure(struct tome_vm *, tome_pressure_fn *);

#endif
