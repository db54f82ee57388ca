/*
 * census.c - what the frames in use are, for who shows memory in terms of his own.
 *
 * Nothing that runs often counts these: each frame is looked at, and each page of each
 * anonymous object. What changes meanwhile is as it was before, or as it is after.
 *
 * Locks: an object's chunk while its pages are counted; epochs, short ones.
 */
#include <object/dir.h>
#include <object/far.h>
#include <paging/paging_i.h>

#define AT_ONCE 64u			/* frames to an epoch */

static bool
is_mapped(const struct tome_page *page)
{
	return tome_rd_relaxed(&page->pv) != 0;
}

static void
count_frame(struct tome_vm *vm, const struct tome_page *page,
    struct tome_census *c)
{
	uint32_t state = tome_rd_relaxed(&page->state);
	uint32_t identity = state & TOME_PAGE_IDENTITY;
	const struct tome_anon *an;

	if (identity != TOME_PAGE_ANON && identity != TOME_PAGE_CACHE)
		return;
	c->wired += state >= TOME_PAGE_WIRE_ONE;
	if (identity == TOME_PAGE_CACHE) {
		c->mapped += is_mapped(page);
		return;
	}
	an = tome_pageout_owner(vm, page);
	c->with_slot += an != NULL && tome_rd_relaxed(&an->slot) != 0;
}

static void
count_frames(struct tome_vm *vm, struct tome_census *c)
{
	const struct tome_page *page;

	for (tome_pfn_t first = 0; first < vm->npfn; first += AT_ONCE) {
		tome_epoch_enter(vm);
		for (unsigned i = 0; i < AT_ONCE; i++) {
			page = tome_page_try(vm, first + i);
			if (page != NULL)
				count_frame(vm, page, c);
		}
		tome_epoch_leave(vm);
	}
}

/* The chunk is locked. One that is packed has no pages in memory. */
static void
count_chunk(struct tome_vm *vm, const struct tome_chunk *ch,
    struct tome_census *c)
{
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++) {
		const struct tome_anon *an = ch->anon[i];
		tome_pfn_t pfn = an == NULL ? TOME_PFN_NONE : tome_rd(&an->pfn);

		if (pfn == TOME_PFN_NONE)
			continue;
		c->shared++;
		c->mapped += is_mapped(tome_page(vm, pfn));
	}
}

/* The chunk is locked. The pages of it that are swapped out, a bit each. */
static uint32_t
chunk_swapped(const struct tome_dirent *d)
{
	uint32_t bits = 0;
	uint64_t id;

	if (tome_chunk_packed(d->chunk))
		return tome_packed_pages(d, &id);
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++) {
		const struct tome_anon *an = d->chunk->anon[i];

		if (an != NULL && tome_rd(&an->pfn) == TOME_PFN_NONE)
			bits |= 1u << i;
	}
	return bits;
}

/* Of the chunk that ends before `end`, the slots [first, last]. */
static uint32_t
chunk_part(uint64_t end, uint64_t first, uint64_t last)
{
	uint64_t base = end - TOME_CHUNK_ANONS;
	uint32_t bits = UINT32_MAX;

	if (first > base)
		bits <<= first - base;
	if (last < end - 1)
		bits &= UINT32_MAX >> (end - 1 - last);
	return bits;
}

uint64_t
tome_amap_swapped(struct tome_amap *am, uint64_t first, uint64_t last)
{
	uint64_t slot = first, n = 0;
	struct tome_dirent d;
	bool more = true;

	while (more) {
		tome_epoch_enter(am->vm);
		more = tome_amap_next(am, &slot, last, &d);
		if (more && tome_dirent_lock(am, &d)) {
			n += tome_pack_bits(chunk_swapped(&d) &
			    chunk_part(slot, first, last));
			tome_chunk_unlock(am, d.chunk);
		} else if (more) {
			slot -= TOME_CHUNK_ANONS;	/* changed: again */
		}
		tome_epoch_leave(am->vm);
	}
	return n;
}

static void
count_object(struct tome_object *ob, struct tome_census *c)
{
	struct tome_dirent d;
	uint64_t slot = 0;
	bool more = true;

	while (more) {
		tome_epoch_enter(ob->vm);
		more = tome_amap_next(ob->amap, &slot, UINT64_MAX, &d);
		if (more && tome_dirent_lock(ob->amap, &d)) {
			if (!tome_chunk_packed(d.chunk))
				count_chunk(ob->vm, d.chunk, c);
			tome_chunk_unlock(ob->amap, d.chunk);
		}
		tome_epoch_leave(ob->vm);
	}
}

void
tome_paging_census(struct tome_vm *vm, struct tome_census *out)
{
	struct tome_object *ob, *next;

	*out = (struct tome_census){ .mapped = 0 };
	count_frames(vm, out);
	for (ob = tome_object_after(vm, NULL); ob != NULL; ob = next) {
		count_object(ob, out);
		next = tome_object_after(vm, ob);
		tome_object_drop(ob);
	}
}
