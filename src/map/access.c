/*
 * access.c - memory of the space that runs on this CPU, through its MMU.
 *
 * The port's copy takes page faults as a user's access would; the kernel's fault
 * vector calls tome_fault() for them, and a copy whose fault has no answer returns
 * what is left. Another space's memory goes by alien.c.
 */
#include <base/memory.h>
#include <map/map_i.h>
#include <pmap/pmap_i.h>

static bool access_in_span(const struct tome_map *, tome_va_t, size_t n);
static bool access_is_current(const struct tome_map *);

enum tome_err
tome_copyin(struct tome_map *map, void *dst, tome_va_t src, size_t n)
{
	if (!access_in_span(map, src, n))
		return TOME_EFAULT;
	if (tome_likely(access_is_current(map)))
		return tome_insn_copy_in(tome_pmap_mmu(map->pmap), dst, src,
		    n) == 0 ? TOME_OK : TOME_EFAULT;
	return tome_alien_in(map, dst, src, n);
}

enum tome_err
tome_copyout(struct tome_map *map, tome_va_t dst, const void *src, size_t n)
{
	if (!access_in_span(map, dst, n))
		return TOME_EFAULT;
	if (tome_likely(access_is_current(map)))
		return tome_insn_copy_out(tome_pmap_mmu(map->pmap), dst, src,
		    n) == 0 ? TOME_OK : TOME_EFAULT;
	return tome_alien_out(map, dst, src, n);
}

enum tome_err
tome_user_zero(struct tome_map *map, tome_va_t dst, size_t n)
{
	const void *zero = tome_frame_va(map->vm, tome_zero_frame(map->vm));
	enum tome_err err = TOME_OK;

	while (n > 0 && err == TOME_OK) {
		size_t part = n < TOME_PAGE_SIZE ? n : (size_t)TOME_PAGE_SIZE;

		err = tome_copyout(map, dst, zero, part);
		dst += part;
		n -= part;
	}
	return err;
}

/* Up to the end of a page at a time: what lies behind the NUL may be unmapped. */
enum tome_err
tome_copyin_string(struct tome_map *map, char *dst, tome_va_t src, size_t max,
    size_t *len)
{
	size_t at = 0;

	while (at < max) {
		size_t part = (size_t)(TOME_PAGE_SIZE -
		    ((src + at) & TOME_PAGE_MASK));
		enum tome_err err;

		if (part > max - at)
			part = max - at;
		err = tome_copyin(map, dst + at, src + at, part);
		if (err != TOME_OK)
			return err;
		for (size_t end = at + part; at < end; at++)
			if (dst[at] == '\0') {
				*len = at;
				return TOME_OK;
			}
	}
	return TOME_ENAMETOOLONG;
}

enum tome_err
tome_fetch_u32(struct tome_map *map, tome_va_t va, uint32_t *out)
{
	if (va % sizeof *out != 0)
		return TOME_EINVAL;
	if (!access_is_current(map))
		return tome_copyin(map, out, va, sizeof *out);
	if (!access_in_span(map, va, sizeof *out) ||
	    !tome_insn_user_load32(tome_pmap_mmu(map->pmap), va, out))
		return TOME_EFAULT;
	return TOME_OK;
}

enum tome_err
tome_cas_u32(struct tome_map *map, tome_va_t va, uint32_t expect,
    uint32_t want, uint32_t *seen)
{
	if (va % sizeof want != 0)
		return TOME_EINVAL;
	if (!access_in_span(map, va, sizeof want))
		return TOME_EFAULT;
	*seen = expect;
	if (!access_is_current(map))
		return tome_alien_cas_u32(map, va, want, seen);
	return tome_insn_user_cas32(tome_pmap_mmu(map->pmap), va, seen,
	    want) ? TOME_OK : TOME_EFAULT;
}

static bool
access_in_span(const struct tome_map *map, tome_va_t va, size_t n)
{
	return va >= map->lo && va <= map->hi && n <= map->hi - va;
}

static bool
access_is_current(const struct tome_map *map)
{
	return tome_pmap_current(map->vm) == map->pmap;
}
