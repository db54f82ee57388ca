/*
 * page.h - struct tome_page, the descriptor of a frame; private to the library.
 *
 * 32 bytes on 64-bit CPUs. Who may read and write which field, under what lock:
 *
 *  state    atomic word: identity, lock bits, flags, and in its upper half
 *           the wire count (TOME_PAGE_WIRE_ONE). Every change of a page that
 *           others may know is a read-modify-write.
 *  owner    FREE: none. ANON: the anon. CACHE: the object. TABLE: the pmap.
 *           KERNEL: the slab or run it belongs to. Written by whoever changes
 *           identity.
 *  index    CACHE: page index in the object. TABLE: number of valid entries,
 *           under its lock. FREE head of a block: its order.
 *  pv       ANON, CACHE, DEVICE: the reverse map, under PV_LOCK (pmap/pv.c).
 *           TABLE: base address and level. Others: free for the layer that owns
 *           the page.
 *  next,    queue links, frame numbers, under the queue's or zone's lock.
 *  prev     Pages on no queue: free for their owner. prev is written at once: who
 *           looks for pages that may leave reads it with no lock. next of CACHE:
 *           who pays for it, as an anon's word says, 0 nobody; under its LOCK.
 */
#ifndef TOME_PHYS_PAGE_H
#define TOME_PHYS_PAGE_H

#include <tome/phys.h>
#include <base/vm_i.h>

struct tome_page {
	_Atomic uint32_t state;
	uint32_t index;
	union {
		struct {
			void *owner;
			_Atomic uint64_t pv;
		};
		struct tome_retired retired;	/* TABLE, stray: in an epoch */
	};
	tome_pfn_t next, prev;
};

#define TOME_PAGE_IDENTITY 0x000fu
#define TOME_PAGE_PV_LOCK 0x0010u	/* leaf side; TABLE pages: unused */
#define TOME_PAGE_TABLE_LOCK 0x0020u	/* flush side; TABLE pages */
#define TOME_PAGE_LOCK 0x0020u		/* flush side; CACHE pages */
#define TOME_PAGE_STRAY 0x0040u		/* TABLE: detached, awaits its epoch;
					 * CACHE: left its file, the same */
#define TOME_PAGE_BUSY 0x0080u		/* I/O in flight */
#define TOME_PAGE_MODIFIED 0x0200u	/* gathered from PTEs that went away */
#define TOME_PAGE_ACCESSED 0x0100u	/* same */
#define TOME_PAGE_HEAD 0x0400u		/* FREE: first frame of a buddy block */
#define TOME_PAGE_FILL 0x0400u		/* CACHE: content is being read */
#define TOME_PAGE_QUEUE 0x3800u		/* which queue, 0 none */
#define TOME_PAGE_STALE_CODE 0x4000u	/* written since the last sync_icache */
#define TOME_PAGE_ORPHAN 0x8000u	/* its anon went while it was borrowed: the
					 * last unwire frees it */
#define TOME_PAGE_WIRE_ONE 0x10000u	/* upper half: wire count */

/* 2^15 frames a section: 128 MiB of 4 KiB pages. */
#define TOME_SECTION_SHIFT 15

/* The frame must have a descriptor (it is RAM). */
static inline struct tome_page *
tome_page(struct tome_vm *vm, tome_pfn_t pfn)
{
	return &vm->section[pfn >> TOME_SECTION_SHIFT]
	    [pfn & (((tome_pfn_t)1 << TOME_SECTION_SHIFT) - 1)];
}

/* NULL when the frame has no descriptor (device memory). */
static inline struct tome_page *
tome_page_try(struct tome_vm *vm, tome_pfn_t pfn)
{
	if (pfn >= vm->npfn || vm->section[pfn >> TOME_SECTION_SHIFT] == NULL)
		return NULL;
	return tome_page(vm, pfn);
}

static inline enum tome_identity
tome_page_identity(const struct tome_page *pg)
{
	return (enum tome_identity)(tome_rd_relaxed(&pg->state) &
	    TOME_PAGE_IDENTITY);
}

static inline uint32_t
tome_page_wired(const struct tome_page *pg)
{
	return tome_rd_relaxed(&pg->state) / TOME_PAGE_WIRE_ONE;
}

/*
 * Change identity; panics (TOME_CHECK) unless docs/pages.md allows it. The one
 * place where identities change, beside its short form for frames that only
 * the caller knows (phys_i.h: the common allocation and free).
 */
void tome_page_become(struct tome_vm *, struct tome_page *,
    enum tome_identity from, enum tome_identity to);

/*
 * Queues: intrusive lists of frames, each with its own leaf-side lock. Push
 * panics if the page is on a queue; remove does nothing if it is not on this
 * one any more (someone popped it). pop: the oldest, or NONE.
 */
struct tome_queue {
	struct tome_spin lock;		/* rank QUEUE */
	unsigned id;			/* what TOME_PAGE_QUEUE holds, 1..7 */
	tome_pfn_t head, tail;
	uint64_t count;
};
void tome_queue_init(struct tome_queue *, unsigned id);
void tome_queue_push(struct tome_vm *, struct tome_queue *, tome_pfn_t);
void tome_queue_remove(struct tome_vm *, struct tome_queue *, tome_pfn_t);
tome_pfn_t tome_queue_pop(struct tome_vm *, struct tome_queue *);

#endif
