/*
 * memfd.c - memory files: what memfd_create checks, and the rules of seals.
 *
 * The descriptor and the inode are the kernel's own; here is what Linux 6.1
 * decides about them (mm/memfd.c, mm/shmem.c).
 */
#include <posix/posix_i.h>

static enum tome_err
check_flags(unsigned flags)
{
	unsigned known = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB;

	if (flags & MFD_HUGETLB)
		known |= MAP_HUGE_MASK << MAP_HUGE_SHIFT;
	return flags & ~known ? TOME_EINVAL : TOME_OK;
}

static enum tome_err
read_name(struct tome_posix *p, tome_va_t uname, char *name)
{
	size_t len;
	enum tome_err err = tome_copyin_string(p->map, name, uname,
	    TOME_MEMFD_NAME + 1, &len);

	return err == TOME_ENAMETOOLONG ? TOME_EINVAL : err;
}

/* Sizes exist, pages do not: none are set aside. */
static enum tome_err
check_huge(unsigned flags)
{
	unsigned log = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

	if (!(flags & MFD_HUGETLB))
		return TOME_OK;
	return log == 0 || log == 21 || log == 30 ? TOME_ENOMEM : TOME_ENODEV;
}

long
tome_posix_memfd(struct tome_posix *p, tome_va_t uname, unsigned flags,
    char *name, unsigned *seals, struct tome_object **out)
{
	enum tome_err err = check_flags(flags);

	if (err == TOME_OK)
		err = read_name(p, uname, name);
	if (err == TOME_OK)
		err = check_huge(flags);
	if (err == TOME_OK)
		err = tome_object_create_anon(p->vm, 0, NULL, 0, out);
	if (err == TOME_OK)
		*seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
	return tome_posix_result(err);
}

long
tome_posix_add_seals(unsigned *seals, unsigned add, bool writable,
    bool shared_writers)
{
	if (!writable)
		return tome_posix_result(TOME_EPERM);
	if (add & ~F_SEALS)
		return tome_posix_result(TOME_EINVAL);
	if (*seals & F_SEAL_SEAL)
		return tome_posix_result(TOME_EPERM);
	if ((add & F_SEAL_WRITE) && !(*seals & F_SEAL_WRITE) && shared_writers)
		return tome_posix_result(TOME_EBUSY);
	*seals |= add;
	return 0;
}

long
tome_posix_may_write(unsigned seals, uint64_t end, uint64_t size)
{
	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return tome_posix_result(TOME_EPERM);
	return (seals & F_SEAL_GROW) && end > size ?
	    tome_posix_result(TOME_EPERM) : 0;
}

long
tome_posix_may_resize(unsigned seals, uint64_t size, uint64_t want)
{
	if ((want < size && (seals & F_SEAL_SHRINK)) ||
	    (want > size && (seals & F_SEAL_GROW)))
		return tome_posix_result(TOME_EPERM);
	return 0;
}
