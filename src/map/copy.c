/*
 * copy.c - the deferred half of a copy: give an entry that names a shared amap one
 * of its own, which shares that amap's chunks.
 *
 * The caller has made the entry's number odd. A count of 1 cannot rise meanwhile:
 * only an entry that names the amap could share it, and ours is the only one.
 */
#include <map/map_i.h>

enum tome_err
tome_entry_resolve_copy(struct tome_entry *en)
{
	uint64_t pages = (en->end - en->start) >> TOME_PAGE_SHIFT;
	struct tome_amap *shared = en->amap, *own;
	enum tome_err err;

	if (!(en->flags & TOME_ENTRY_NEEDS_COPY))
		return TOME_OK;
	if (shared != NULL && tome_rd(&shared->refs) > 1) {
		err = tome_amap_share(shared, en->slot, en->slot + pages - 1,
		    &own);
		if (err != TOME_OK)
			return err;
		tome_wr(&en->amap, own);
		tome_amap_unref(shared);
	} else if (shared != NULL) {
		tome_amap_tighten(shared, en->slot, pages);
	}
	tome_wr(&en->flags,
	    en->flags & ~TOME_ENTRY_NEEDS_COPY);
	return TOME_OK;
}
