/*
 * sync.c - msync and mincore.
 *
 * Most objects are memory with nothing behind it; what is behind files hears of
 * MS_SYNC only, as on Linux, where MS_ASYNC starts nothing.
 */
#include <posix/posix_i.h>

/* Bytes of mincore's answer gathered on the stack at a time. */
#define VEC 64u

static enum tome_err sync_range(struct tome_posix *, tome_va_t, tome_va_t end,
    int flags);

long
tome_posix_msync(struct tome_posix *p, tome_va_t addr, tome_va_t len,
    int flags)
{
	tome_va_t end = addr + tome_page_ceil(len);
	enum tome_err err, told;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
	    !tome_posix_aligned(addr) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return tome_posix_result(TOME_EINVAL);
	if (end < addr)
		return tome_posix_result(TOME_ENOMEM);
	err = sync_range(p, addr, end, flags);
	if ((flags & MS_SYNC) && (err == TOME_OK || err == TOME_ENOMEM)) {
		told = tome_map_sync(p->map, addr, end - addr);
		if (told != TOME_OK)
			err = told;
	}
	return tome_posix_result(err);
}

static enum tome_err
sync_range(struct tome_posix *p, tome_va_t at, tome_va_t end, int flags)
{
	struct tome_region r;
	bool hole = false;

	while (tome_posix_piece(p, &at, end, &r, &hole)) {
		if (hole && flags == MS_ASYNC)
			break;
		if ((flags & MS_INVALIDATE) && r.wired)
			return TOME_EBUSY;
	}
	return hole ? TOME_ENOMEM : TOME_OK;
}

long
tome_posix_mincore(struct tome_posix *p, tome_va_t addr, tome_va_t len,
    tome_va_t vec)
{
	tome_va_t pages = (len >> TOME_PAGE_SHIFT) +
	    ((len & TOME_PAGE_MASK) != 0);
	enum tome_err err = TOME_OK;
	uint8_t part[VEC];

	if (!tome_posix_aligned(addr))
		return tome_posix_result(TOME_EINVAL);
	if (!tome_posix_in_space(p, addr, len))
		return tome_posix_result(TOME_ENOMEM);
	if (!tome_posix_in_space(p, vec, pages))
		return tome_posix_result(TOME_EFAULT);
	while (err == TOME_OK && pages > 0) {
		tome_va_t n = pages < VEC ? pages : VEC;

		err = addr < p->map->lo ? TOME_ENOMEM :
		    tome_map_incore(p->map, addr, n << TOME_PAGE_SHIFT, part);
		if (err == TOME_OK)
			err = tome_copyout(p->map, vec, part, (size_t)n);
		addr += n << TOME_PAGE_SHIFT;
		vec += n;
		pages -= n;
	}
	return tome_posix_result(err);
}
