/*
 * lock.c - mlock, mlock2, munlock, mlockall, munlockall.
 *
 * Locks: p->lock around the lock-all flag. Layer 5 knows the limit (none, for
 *   a process that may lock anything) and says ENOMEM beyond it.
 */
#include <posix/posix_i.h>

/* What a call on [addr, addr+len) covers: whole pages. EINVAL: it wraps. */
static enum tome_err
whole_pages(tome_va_t *addr, tome_va_t *len)
{
	tome_va_t start = tome_page_floor(*addr);

	*len = tome_page_ceil(*len + (*addr - start));
	*addr = start;
	return start + *len < start ? TOME_EINVAL : TOME_OK;
}

static enum tome_err
in_bounds(const struct tome_posix *p, tome_va_t addr, tome_va_t len)
{
	return addr < p->map->lo || !tome_posix_in_space(p, addr, len) ?
	    TOME_ENOMEM : TOME_OK;
}

static bool
beyond_limit(const struct tome_posix *p, tome_va_t len)
{
	return !p->limits.may_lock && len > p->limits.memlock;
}

/* Linux compares with the limit first, then looks at the range: either error
 * is ENOMEM but a range that wraps. */
static enum tome_err
lock_range(struct tome_posix *p, tome_va_t addr, tome_va_t len, bool onfault)
{
	enum tome_err err;

	if (!tome_posix_may_lock(p))
		return TOME_EPERM;
	err = whole_pages(&addr, &len);
	if (len != 0 && beyond_limit(p, len))
		return TOME_ENOMEM;
	if (err != TOME_OK || len == 0)
		return err;
	err = in_bounds(p, addr, len);
	if (err == TOME_OK)
		err = tome_map_wire(p->map, addr, len, onfault);
	/* A page that rights or the object's end keep from being touched. */
	return err == TOME_EFAULT || err == TOME_EACCES || err == TOME_ENXIO ?
	    TOME_ENOMEM : err;
}

long
tome_posix_mlock(struct tome_posix *p, tome_va_t addr, tome_va_t len)
{
	return tome_posix_result(lock_range(p, addr, len, false));
}

long
tome_posix_mlock2(struct tome_posix *p, tome_va_t addr, tome_va_t len,
    unsigned flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return tome_posix_result(TOME_EINVAL);
	return tome_posix_result(lock_range(p, addr, len,
	    (flags & MLOCK_ONFAULT) != 0));
}

long
tome_posix_munlock(struct tome_posix *p, tome_va_t addr, tome_va_t len)
{
	enum tome_err err = whole_pages(&addr, &len);

	if (err != TOME_OK || len == 0)
		return tome_posix_result(err);
	err = in_bounds(p, addr, len);
	if (err == TOME_OK)
		err = tome_map_unwire(p->map, addr, len);
	return tome_posix_result(err);
}

/* ---- all ---- */

static enum tome_err
lock_current(struct tome_posix *p, bool onfault)
{
	uint64_t pages = tome_posix_pages(p);

	if (!p->limits.may_lock &&
	    pages > p->limits.memlock >> TOME_PAGE_SHIFT)
		return TOME_ENOMEM;
	return tome_map_wire_all(p->map, onfault);
}

long
tome_posix_mlockall(struct tome_posix *p, int flags)
{
	bool onfault = (flags & MCL_ONFAULT) != 0;
	enum tome_err err = TOME_OK;

	if (flags == 0 || flags == MCL_ONFAULT ||
	    (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0)
		return tome_posix_result(TOME_EINVAL);
	if (!tome_posix_may_lock(p))
		return tome_posix_result(TOME_EPERM);
	tome_posix_lock(p);
	if (flags & MCL_CURRENT)
		err = lock_current(p, onfault);
	if (err == TOME_OK) {
		p->lock_future = (flags & MCL_FUTURE) != 0;
		p->lock_onfault = onfault;
	}
	tome_posix_unlock(p);
	return tome_posix_result(err);
}

long
tome_posix_munlockall(struct tome_posix *p)
{
	tome_posix_lock(p);
	p->lock_future = p->lock_onfault = false;
	tome_map_unwire_all(p->map);
	tome_posix_unlock(p);
	return 0;
}
