/*
 * advise.c - madvise and minherit, region by region.
 *
 * As Linux: regions are advised in address order; one that does not take the
 * advice ends the call, and what came before stays advised; holes are passed
 * over and make the result ENOMEM. Each region is one step of layer 5.
 */
#include <posix/posix_i.h>

/* What an advice does to one region. */
enum action { ADVISE, INHERIT_NONE, INHERIT_AGAIN, INHERIT_WIPE, INHERIT_KEEP,
	POPULATE, REFUSE };

struct advice {
	enum action action;
	enum tome_advice advice;
};

static bool advice_for(int madv, struct advice *out);
static enum tome_err advise_region(struct tome_posix *, const struct advice *,
    const struct tome_region *);
static enum tome_err check_region(const struct advice *,
    const struct tome_region *);
static enum tome_err inherit_region(struct tome_posix *, enum action,
    const struct tome_region *);
static enum tome_err populate(struct tome_posix *, tome_va_t, tome_va_t len,
    enum tome_advice);

long
tome_posix_madvise(struct tome_posix *p, tome_va_t addr, tome_va_t len,
    int madv)
{
	tome_va_t end = addr + tome_page_ceil(len);
	struct tome_region r;
	struct advice a;
	enum tome_err err = TOME_OK;
	bool hole = false, again = false;

	if (!advice_for(madv, &a) || !tome_posix_aligned(addr) ||
	    (len != 0 && tome_page_ceil(len) == 0) || end < addr)
		return tome_posix_result(TOME_EINVAL);
	if (a.action == POPULATE)
		return tome_posix_result(populate(p, addr, end - addr,
		    a.advice));
	while (err == TOME_OK && tome_posix_piece(p, &addr, end, &r, &hole)) {
		err = advise_region(p, &a, &r);
		/* Unmapped meanwhile by another thread: as if it had been
		 * before. The second time it is memory that lacks. */
		if (err == TOME_ENOMEM && !again) {
			again = true;
			err = TOME_OK;
			addr = r.start;
		}
	}
	if (err == TOME_OK && hole)
		err = TOME_ENOMEM;
	return tome_posix_result(err);
}

/* False: EINVAL. COLLAPSE too: it promises what is not here. */
static bool
advice_for(int madv, struct advice *out)
{
	static const struct advice table[] = {
		[MADV_NORMAL] = { ADVISE, TOME_ADV_NORMAL },
		[MADV_RANDOM] = { ADVISE, TOME_ADV_RANDOM },
		[MADV_SEQUENTIAL] = { ADVISE, TOME_ADV_SEQUENTIAL },
		[MADV_WILLNEED] = { ADVISE, TOME_ADV_WILLNEED },
		[MADV_DONTNEED] = { ADVISE, TOME_ADV_DONTNEED },
		[MADV_DONTNEED + 1] = { REFUSE, 0 },
		[MADV_DONTNEED + 2] = { REFUSE, 0 },
		[MADV_DONTNEED + 3] = { REFUSE, 0 },
		[MADV_FREE] = { ADVISE, TOME_ADV_FREE },
		[MADV_REMOVE] = { ADVISE, TOME_ADV_REMOVE },
		[MADV_DONTFORK] = { INHERIT_NONE, 0 },
		[MADV_DOFORK] = { INHERIT_AGAIN, 0 },
		[MADV_MERGEABLE] = { ADVISE, TOME_ADV_MERGEABLE },
		[MADV_UNMERGEABLE] = { ADVISE, TOME_ADV_UNMERGEABLE },
		[MADV_HUGEPAGE] = { ADVISE, TOME_ADV_HUGE },
		[MADV_NOHUGEPAGE] = { ADVISE, TOME_ADV_NOHUGE },
		[MADV_DONTDUMP] = { ADVISE, TOME_ADV_NODUMP },
		[MADV_DODUMP] = { ADVISE, TOME_ADV_DUMP },
		[MADV_WIPEONFORK] = { INHERIT_WIPE, 0 },
		[MADV_KEEPONFORK] = { INHERIT_KEEP, 0 },
		[MADV_COLD] = { ADVISE, TOME_ADV_COLD },
		[MADV_PAGEOUT] = { ADVISE, TOME_ADV_PAGEOUT },
		[MADV_POPULATE_READ] = { POPULATE, TOME_ADV_POPULATE_READ },
		[MADV_POPULATE_WRITE] = { POPULATE, TOME_ADV_POPULATE_WRITE },
		[MADV_DONTNEED_LOCKED] = { ADVISE, TOME_ADV_DONTNEED_LOCKED },
	};

	if (madv < 0 || (size_t)madv >= sizeof table / sizeof *table ||
	    table[madv].action == REFUSE)
		return false;
	*out = table[madv];
	return true;
}

static enum tome_err
advise_region(struct tome_posix *p, const struct advice *a,
    const struct tome_region *r)
{
	enum tome_err err = check_region(a, r);

	if (err != TOME_OK)
		return err;
	if (a->action != ADVISE)
		return inherit_region(p, a->action, r);
	return tome_map_advise(p->map, r->start, r->end - r->start, a->advice);
}

static bool
is_device(const struct tome_region *r)
{
	return r->object != NULL &&
	    tome_object_kind(r->object) == TOME_OBJECT_DEVICE;
}

/* Does this kind of region take it? */
static enum tome_err
check_region(const struct advice *a, const struct tome_region *r)
{
	if (a->action == INHERIT_WIPE)
		return r->shared || r->object != NULL ? TOME_EINVAL : TOME_OK;
	if (a->action == INHERIT_AGAIN)
		return is_device(r) ? TOME_EINVAL : TOME_OK;
	if (a->action != ADVISE)
		return TOME_OK;
	switch (a->advice) {
	case TOME_ADV_DONTNEED:
	case TOME_ADV_COLD:
	case TOME_ADV_PAGEOUT:
		return r->wired || is_device(r) ? TOME_EINVAL : TOME_OK;
	case TOME_ADV_DONTNEED_LOCKED:
	case TOME_ADV_DUMP:
		return is_device(r) ? TOME_EINVAL : TOME_OK;
	case TOME_ADV_FREE:
		return r->wired || r->shared || r->object != NULL ?
		    TOME_EINVAL : TOME_OK;
	case TOME_ADV_REMOVE:
		if (r->wired || r->object == NULL || is_device(r))
			return TOME_EINVAL;
		return r->shared && (r->max_prot & TOME_PROT_WRITE) ?
		    TOME_OK : TOME_EACCES;
	default:
		return TOME_OK;
	}
}

/* Linux keeps two flags, DONTFORK and WIPEONFORK: an inheritance is a pair. */
static enum tome_inherit
inheritance(bool none, bool wipe)
{
	if (none)
		return wipe ? TOME_INHERIT_NONE_ZERO : TOME_INHERIT_NONE;
	return wipe ? TOME_INHERIT_ZERO : TOME_INHERIT_COPY;
}

static enum tome_err
inherit_region(struct tome_posix *p, enum action action,
    const struct tome_region *r)
{
	bool none = r->inherit == TOME_INHERIT_NONE ||
	    r->inherit == TOME_INHERIT_NONE_ZERO;
	bool wipe = r->inherit == TOME_INHERIT_ZERO ||
	    r->inherit == TOME_INHERIT_NONE_ZERO;
	enum tome_inherit to;

	if (action == INHERIT_NONE || action == INHERIT_AGAIN)
		none = action == INHERIT_NONE;
	else
		wipe = action == INHERIT_WIPE;
	to = inheritance(none, wipe);
	if (to == r->inherit || (to == TOME_INHERIT_COPY &&
	    r->inherit == TOME_INHERIT_SHARE))
		return TOME_OK;
	return tome_map_inherit(p->map, r->start, r->end - r->start, to);
}

/*
 * Rights that forbid the touch are EINVAL, wherever they stand; a hole is
 * stepped over and is ENOMEM in the end. What came before is populated.
 */
static enum tome_err
populate(struct tome_posix *p, tome_va_t at, tome_va_t len,
    enum tome_advice advice)
{
	tome_prot_t need = advice == TOME_ADV_POPULATE_WRITE ?
	    TOME_PROT_WRITE : TOME_PROT_READ;
	tome_va_t end = at + len;
	struct tome_region r;
	enum tome_err err = TOME_OK;
	bool hole = false;

	while (err == TOME_OK && tome_posix_piece(p, &at, end, &r, &hole)) {
		if (!(r.prot & need) || is_device(&r))
			return TOME_EINVAL;
		err = tome_map_advise(p->map, r.start, r.end - r.start,
		    advice);
	}
	return err == TOME_OK && hole ? TOME_ENOMEM : err;
}

/* ---- minherit ---- */

long
tome_posix_minherit(struct tome_posix *p, tome_va_t addr, tome_va_t len,
    int inherit)
{
	static const enum tome_inherit to[] = { TOME_INHERIT_SHARE,
		TOME_INHERIT_COPY, TOME_INHERIT_NONE, TOME_INHERIT_ZERO };
	tome_va_t start = tome_page_floor(addr);
	tome_va_t end = tome_page_ceil(addr + len);

	if (inherit < 0 || (size_t)inherit >= sizeof to / sizeof *to ||
	    addr + len < addr || (len != 0 && end <= start))
		return tome_posix_result(TOME_EINVAL);
	if (len == 0)
		return 0;
	if (start < p->map->lo || end > tome_posix_top(p))
		return tome_posix_result(TOME_ENOMEM);
	return tome_posix_result(tome_map_inherit(p->map, start, end - start,
	    to[inherit]));
}
