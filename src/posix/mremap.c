/*
 * mremap.c - mremap in all its forms, checked in Linux 6.1's order.
 */
#include <posix/posix_i.h>

static bool mapped_at(struct tome_posix *, tome_va_t old, tome_va_t *end);
static enum tome_err check(tome_va_t old, tome_va_t old_len,
    tome_va_t new_len, unsigned flags);
static enum tome_err check_target(const struct tome_posix *, tome_va_t old,
    tome_va_t old_len, tome_va_t new_len, tome_va_t new_addr);
static enum tome_err shrink(struct tome_posix *, tome_va_t old,
    tome_va_t old_len, tome_va_t new_len);
static enum tome_err move_head(struct tome_posix *, tome_va_t old,
    tome_va_t old_len, tome_va_t new_len, unsigned flags, tome_va_t new_addr,
    tome_va_t *at);
static unsigned move_flags(unsigned flags);

long
tome_posix_mremap(struct tome_posix *p, tome_va_t old, tome_va_t old_len,
    tome_va_t new_len, unsigned flags, tome_va_t new_addr)
{
	tome_va_t at = old, end;
	enum tome_err err = check(old, old_len, new_len, flags);

	if (err != TOME_OK)
		return tome_posix_result(err);
	old_len = tome_page_ceil(old_len);
	new_len = tome_page_ceil(new_len);
	if (!mapped_at(p, old, &end))
		return tome_posix_result(TOME_EFAULT);
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		err = check_target(p, old, old_len, new_len, new_addr);
	else if (old_len >= new_len)
		err = shrink(p, old, old_len, new_len);
	if (err == TOME_OK && ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) ||
	    old_len < new_len))
		err = tome_map_move(p->map, old, old_len, new_len,
		    move_flags(flags), new_addr, &at);
	if (err == TOME_EFAULT && old_len > new_len && end - old >= new_len)
		err = move_head(p, old, old_len, new_len, flags, new_addr, &at);
	if (err == TOME_OK && p->shm != NULL)
		tome_shm_sweep(p->shm);
	return err == TOME_OK ? (long)at : tome_posix_result(err);
}

/* Is old mapped, and how far? */
static tome_noinline bool
mapped_at(struct tome_posix *p, tome_va_t old, tome_va_t *end)
{
	struct tome_region r;

	if (tome_map_lookup(p->map, old, &r) != TOME_OK || r.start > old)
		return false;
	*end = r.end;
	return true;
}

static enum tome_err
check(tome_va_t old, tome_va_t old_len, tome_va_t new_len, unsigned flags)
{
	if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return TOME_EINVAL;
	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) &&
	    !(flags & MREMAP_MAYMOVE))
		return TOME_EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && old_len != new_len)
		return TOME_EINVAL;
	if (!tome_posix_aligned(old) || tome_page_ceil(new_len) == 0)
		return TOME_EINVAL;
	return TOME_OK;
}

/* Linux looks at the new address of DONTUNMAP too, fixed or not. */
static enum tome_err
check_target(const struct tome_posix *p, tome_va_t old, tome_va_t old_len,
    tome_va_t new_len, tome_va_t new_addr)
{
	if (!tome_posix_aligned(new_addr) ||
	    !tome_posix_in_space(p, new_addr, new_len))
		return TOME_EINVAL;
	if (old + old_len > new_addr && new_addr + new_len > old)
		return TOME_EINVAL;
	/* A second mapping over the first: Linux has unmapped it by now. */
	if (old_len == 0 && new_addr <= old && old - new_addr < new_len)
		return TOME_EFAULT;
	return TOME_OK;
}

/* The tail is unmapped, whatever is in it. */
static enum tome_err
shrink(struct tome_posix *p, tome_va_t old, tome_va_t old_len,
    tome_va_t new_len)
{
	if (old_len == new_len)
		return TOME_OK;
	if (!tome_posix_in_space(p, old, old_len))
		return TOME_EINVAL;
	return tome_map_remove(p->map, old + new_len, old_len - new_len);
}

/*
 * A move that shrinks is of what stays; the tail may be of other mappings, or
 * of none, and goes first. It stays gone if the move fails, as on Linux.
 */
static enum tome_err
move_head(struct tome_posix *p, tome_va_t old, tome_va_t old_len,
    tome_va_t new_len, unsigned flags, tome_va_t new_addr, tome_va_t *at)
{
	enum tome_err err = shrink(p, old, old_len, new_len);

	if (err != TOME_OK)
		return err;
	return tome_map_move(p->map, old, new_len, new_len, move_flags(flags),
	    new_addr, at);
}

static unsigned
move_flags(unsigned flags)
{
	return (flags & MREMAP_MAYMOVE ? TOME_MOVE_MAY : 0) |
	    (flags & MREMAP_FIXED ? TOME_MOVE_FIXED : 0) |
	    (flags & MREMAP_DONTUNMAP ? TOME_MOVE_DONTUNMAP : 0);
}
