/*
 * mmap.c - mmap, munmap, mprotect: check as Linux 6.1 does, then one call.
 *
 * The checks stand in Linux's order (ksys_mmap_pgoff, do_mmap, mmap_region),
 * because a call with two faults must report the same one.
 */
#include <posix/posix_i.h>

/* One mmap call on its way to a request. */
struct call {
	struct tome_posix *p;
	const struct tome_posix_file *file;	/* NULL: anonymous */
	unsigned flags;
	uint64_t offset;
	struct tome_map_request req;
};

static enum tome_err check_file(struct call *);
static enum tome_err check_call_huge(const struct call *);
static enum tome_err check_range(struct call *);
static enum tome_err check_place(struct call *);
static enum tome_err check_kind(struct call *);
static enum tome_err shared_file(struct call *);
static enum tome_err mapped_file(struct call *);
static enum tome_err anonymous(struct call *);
static enum tome_err shared_memory(struct call *);
static unsigned placement(const struct call *);

long
tome_posix_mmap(struct tome_posix *p, tome_va_t addr, tome_va_t len, int prot,
    unsigned flags, const struct tome_posix_file *file, uint64_t offset)
{
	struct call c = { .p = p, .flags = flags, .offset = offset,
		.file = flags & MAP_ANONYMOUS ? NULL : file,
		.req = { .addr = addr, .len = len,
		    .prot = (tome_prot_t)prot & TOME_PROT_ALL,
		    .max_prot = TOME_PROT_ALL } };
	tome_va_t at;
	enum tome_err err = check_file(&c);

	if (err == TOME_OK)
		err = check_range(&c);
	if (err == TOME_OK)
		err = check_place(&c);
	if (err == TOME_OK)
		err = check_kind(&c);
	if (err == TOME_OK) {
		c.req.flags |= placement(&c);
		err = tome_map_enter(p->map, &c.req, &at);
	}
	if (err == TOME_OK && (flags & MAP_FIXED) && p->shm != NULL)
		tome_shm_sweep(p->shm);
	return err == TOME_OK ? (long)at : tome_posix_result(err);
}

/* ---- the checks, in order ---- */

static enum tome_err
check_file(struct call *c)
{
	if (!tome_posix_aligned((tome_va_t)c->offset))
		return TOME_EINVAL;
	if (c->flags & MAP_ANONYMOUS)
		return c->flags & MAP_HUGETLB ? check_call_huge(c) : TOME_OK;
	if (c->file == NULL)
		return TOME_EBADF;
	return c->flags & MAP_HUGETLB ? TOME_EINVAL : TOME_OK;
}

/* No pages are set aside for MAP_HUGETLB: the sizes exist, the pages do not. */
static enum tome_err
check_call_huge(const struct call *c)
{
	unsigned log = c->flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

	if ((log != 0 && log != 21 && log != 30) || c->req.len == 0)
		return TOME_EINVAL;
	return TOME_ENOMEM;
}

static enum tome_err
check_range(struct call *c)
{
	if (c->req.len == 0)
		return TOME_EINVAL;
	c->req.len = tome_page_ceil(c->req.len);
	if (c->req.len == 0 || c->req.len > tome_posix_top(c->p) ||
	    tome_posix_entries(c->p) > c->p->max_entries)
		return TOME_ENOMEM;
	return TOME_OK;
}

static enum tome_err
check_fixed(struct call *c)
{
	tome_va_t addr = c->req.addr, len = c->req.len;

	if (addr > tome_posix_top(c->p) - len)
		return TOME_ENOMEM;
	if (!tome_posix_aligned(addr))
		return TOME_EINVAL;
	if (addr < c->p->map->lo)
		return TOME_EPERM;
	if ((c->flags & MAP_FIXED_NOREPLACE) &&
	    tome_posix_occupied(c->p, addr, len))
		return TOME_EEXIST;
	return TOME_OK;
}

/* A hint is rounded down, raised to the lowest address, and never an error. */
static enum tome_err
check_place(struct call *c)
{
	if (c->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return check_fixed(c);
	c->req.addr = tome_page_floor(c->req.addr);
	if (c->req.addr != 0 && c->req.addr < c->p->map->lo)
		c->req.addr = c->p->map->lo;
	if (c->req.addr > tome_posix_top(c->p) - c->req.len)
		c->req.addr = 0;
#if UINTPTR_MAX > UINT32_MAX
	if (c->flags & MAP_32BIT)
		c->req.below = (tome_va_t)1 << 31;
#endif
	return TOME_OK;
}

static enum tome_err
check_kind(struct call *c)
{
	if ((c->flags & MAP_LOCKED) && !tome_posix_may_lock(c->p))
		return TOME_EPERM;
	return c->file != NULL ? mapped_file(c) : anonymous(c);
}

/* ---- files ---- */

/* The last byte has an offset that a file can have. */
static bool
offset_is_possible(const struct call *c)
{
	uint64_t most = INT64_MAX;

	return c->req.len <= most && c->offset >> TOME_PAGE_SHIFT <=
	    (most - c->req.len) >> TOME_PAGE_SHIFT;
}

static enum tome_err
mapped_file(struct call *c)
{
	const struct tome_posix_file *f = c->file;
	enum tome_err err = TOME_OK;

	if (!offset_is_possible(c))
		return TOME_EOVERFLOW;
	switch (c->flags & MAP_TYPE) {
	case MAP_SHARED:
	case MAP_SHARED_VALIDATE:
		err = shared_file(c);
		break;
	case MAP_PRIVATE:
		break;
	default:
		return TOME_EINVAL;
	}
	if (err != TOME_OK)
		return err;
	if (!f->readable)
		return TOME_EACCES;
	if (f->noexec && (c->req.prot & TOME_PROT_EXEC))
		return TOME_EPERM;
	if (f->object == NULL && !f->zero)
		return TOME_ENODEV;
	if (c->flags & MAP_GROWSDOWN)
		return TOME_EINVAL;
	if (f->noexec)
		c->req.max_prot &= ~TOME_PROT_EXEC;
	c->req.tag = f->tag;
	c->req.name = f->name;
	c->req.opener = f->opener;
	if (!f->zero) {
		c->req.object = f->object;
		c->req.offset = c->offset;
	}
	return c->req.flags & TOME_MAP_SHARED ? shared_memory(c) : TOME_OK;
}

static enum tome_err
shared_file(struct call *c)
{
	const struct tome_posix_file *f = c->file;

	if ((c->flags & MAP_TYPE) == MAP_SHARED_VALIDATE &&
	    (c->flags & ~MAP_LEGACY))
		return TOME_EOPNOTSUPP;
	if ((c->req.prot & TOME_PROT_WRITE) && !f->writable)
		return TOME_EACCES;
	if (f->append && f->writable)
		return TOME_EACCES;
	if (!f->writable)
		c->req.max_prot &= ~TOME_PROT_WRITE;
	c->req.flags |= TOME_MAP_SHARED;
	return TOME_OK;
}

/* Seals: a mapping that could write is refused; a future one could not. */
static enum tome_err
shared_memory(struct call *c)
{
	const struct tome_posix_file *f = c->file;

	if (!f->writable)
		return TOME_OK;
	if ((f->seals & F_SEAL_WRITE) || ((f->seals & F_SEAL_FUTURE_WRITE) &&
	    (c->req.prot & TOME_PROT_WRITE)))
		return TOME_EPERM;
	if (f->seals & F_SEAL_FUTURE_WRITE)
		c->req.max_prot &= ~TOME_PROT_WRITE;
	return TOME_OK;
}

/* ---- memory without a file ---- */

static enum tome_err
anonymous(struct call *c)
{
	switch (c->flags & MAP_TYPE) {
	case MAP_SHARED:
		if (c->flags & MAP_GROWSDOWN)
			return TOME_EINVAL;
		c->req.flags |= TOME_MAP_SHARED;
		return TOME_OK;
	case MAP_PRIVATE:
		if (c->flags & MAP_GROWSDOWN)
			c->req.flags |= TOME_MAP_GROWSDOWN;
		return TOME_OK;
	default:
		return TOME_EINVAL;
	}
}

/* ---- where, and how soon ---- */

static unsigned
placement(const struct call *c)
{
	unsigned flags = tome_posix_future_flags(c->p);

	if (c->flags & MAP_FIXED_NOREPLACE)
		flags |= TOME_MAP_FIXED | TOME_MAP_NOREPLACE;
	else if (c->flags & MAP_FIXED)
		flags |= TOME_MAP_FIXED;
	else if (c->req.below != 0)
		flags |= TOME_MAP_BOTTOMUP;
	if (c->flags & MAP_LOCKED)
		flags |= TOME_MAP_LOCKED;
	if ((c->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		flags |= TOME_MAP_POPULATE;
	if (c->flags & MAP_NORESERVE)
		flags |= TOME_MAP_NORESERVE;
	return flags;
}

/* ---- munmap ---- */

long
tome_posix_munmap(struct tome_posix *p, tome_va_t addr, tome_va_t len)
{
	tome_va_t lo = p->map->lo, end = addr + tome_page_ceil(len);
	enum tome_err err;

	if (!tome_posix_aligned(addr) || !tome_posix_in_space(p, addr, len) ||
	    end == addr)
		return tome_posix_result(TOME_EINVAL);
	if (end <= lo)
		return 0;		/* nothing can be there */
	if (addr < lo)
		addr = lo;
	err = tome_map_remove(p->map, addr, end - addr);
	if (err == TOME_OK && p->shm != NULL)
		tome_shm_sweep(p->shm);
	return tome_posix_result(err);
}

/* ---- mprotect ---- */

/* PROT_GROWSDOWN: from the start of the stack that addr lies in. */
static tome_noinline enum tome_err
grow_start(struct tome_posix *p, tome_va_t *addr, tome_va_t end)
{
	struct tome_region r;

	if (tome_map_lookup(p->map, *addr, &r) != TOME_OK || r.start >= end)
		return TOME_ENOMEM;
	*addr = r.start;
	return r.growsdown ? TOME_OK : TOME_EINVAL;
}

/* PROT_GROWSUP: no mapping grows up here. */
static tome_noinline enum tome_err
grow_end(struct tome_posix *p, tome_va_t addr)
{
	struct tome_region r;

	if (tome_map_lookup(p->map, addr, &r) != TOME_OK || r.start > addr)
		return TOME_ENOMEM;
	return TOME_EINVAL;
}

static enum tome_err
protect(struct tome_posix *p, tome_va_t addr, tome_va_t end, tome_prot_t prot)
{
	tome_va_t top = tome_posix_top(p), last = end < top ? end : top;
	enum tome_err err;

	if (addr < p->map->lo || addr >= top)
		return TOME_ENOMEM;
	err = tome_map_protect(p->map, addr, last - addr, prot);
	return err == TOME_OK && last < end ? TOME_ENOMEM : err;
}

long
tome_posix_mprotect(struct tome_posix *p, tome_va_t addr, tome_va_t len,
    unsigned prot)
{
	unsigned grow = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	tome_va_t end = addr + tome_page_ceil(len);
	enum tome_err err = TOME_OK;

	prot &= ~grow;
	if (grow == (PROT_GROWSDOWN | PROT_GROWSUP) ||
	    !tome_posix_aligned(addr))
		return tome_posix_result(TOME_EINVAL);
	if (len == 0)
		return 0;
	if (end <= addr)
		return tome_posix_result(TOME_ENOMEM);
	if (prot & ~(TOME_PROT_ALL | PROT_SEM))
		return tome_posix_result(TOME_EINVAL);
	if (grow == PROT_GROWSDOWN)
		err = grow_start(p, &addr, end);
	else if (grow == PROT_GROWSUP)
		err = grow_end(p, addr);
	if (err == TOME_OK)
		err = protect(p, addr, end, prot & TOME_PROT_ALL);
	return tome_posix_result(err);
}
