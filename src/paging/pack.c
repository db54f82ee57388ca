/*
 * pack.c - chunks of what is swapped out shrink to their slot numbers
 * (object/packed.c), so that memory that has left does not hold memory.
 *
 * Every so many pages that left, all amaps are visited: a packed chunk is passed by
 * in a few instructions, any other is given up at the first anon with a page.
 *
 * Locks: none but a chunk's in turn. One thread at a time.
 */
#include <paging/paging_i.h>

/* Their anons take 16 pages, their chunks 10: as much as one visit may find. */
#define PACK_EVERY 4096u

/* How many. */
static uint64_t
amap_pack(struct tome_amap *am)
{
	uint64_t slot = 0, n = 0;
	struct tome_dirent d;
	bool more = true;

	while (more) {
		tome_epoch_enter(am->vm);
		more = tome_amap_next(am, &slot, UINT64_MAX, &d);
		if (more && !tome_chunk_packed(d.chunk))
			n += tome_chunk_pack(am, &d);
		tome_epoch_leave(am->vm);
	}
	return n;
}

uint64_t
tome_pack_all(struct tome_paging *p)
{
	struct tome_each e = { .vm = p->vm };
	struct tome_amap *am;
	uint64_t n = 0;

	if (tome_or(&p->packing, 1) != 0)
		return 0;
	tome_wr(&p->packed_at, tome_rd(&p->swapped_out));
	while ((am = tome_each_next(&e)) != NULL)
		n += amap_pack(am);
	tome_each_end(&e);
	tome_wr(&p->packing, 0);
	tome_add(&p->packed, n);
	if (n > 0) {
		tome_vm_quiesce(p->vm, false);
		(void)tome_kmem_reap(p->vm);
	}
	return n;
}

void
tome_pack_some(struct tome_paging *p)
{
	if (tome_rd(&p->swapped_out) - tome_rd(&p->packed_at) >= PACK_EVERY)
		(void)tome_pack_all(p);
}
