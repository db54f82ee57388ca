/*
 * clone.c - a chunk that is shared, packed or not, gives way to one of the amap's own.
 *
 * Locks: the shared chunk's, which is the caller's; the clone is born locked.
 */
#include <object/dir.h>

tome_cold enum tome_err
tome_dirent_unshare(struct tome_amap *am, struct tome_dirent *d, unsigned lo,
    unsigned hi, struct tome_chunk **old)
{
	if (!tome_chunk_packed(d->chunk))
		return tome_dirent_clone(am, d, lo, hi, old);
	return am->vm->objects->anon_pager->clone(am, d, lo, hi, old);
}
