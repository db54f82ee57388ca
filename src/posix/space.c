/*
 * space.c - one address space: creation, fork, end, limits, the break.
 *
 * Invariant: [brk_start, brk), rounded out, is mapped, unless the program
 *   unmapped parts of it itself.
 * Locks: p->lock around the break; the map's own inside it.
 */
#include <posix/posix_i.h>

#define ENTRIES_DEFAULT 65530

static long brk_move(struct tome_posix *, tome_va_t want);
static bool brk_allowed(const struct tome_posix *, tome_va_t want);
static bool brk_grow(struct tome_posix *, tome_va_t from, tome_va_t to);

enum tome_err
tome_posix_create(const struct tome_posix_config *config,
    struct tome_posix **out)
{
	struct tome_vm *vm = tome_map_vm(config->map);
	struct tome_posix *p = tome_kzalloc(vm, sizeof *p);

	if (p == NULL)
		return TOME_ENOMEM;
	tome_map_ref(config->map);
	p->vm = vm;
	p->map = config->map;
	p->shm = config->shm;
	p->brk_start = p->brk = config->brk_start;
	p->data_bytes = config->data_bytes;
	p->max_entries = config->max_entries != 0 ? config->max_entries :
	    ENTRIES_DEFAULT;
	p->limits = (struct tome_posix_limits){ UINT64_MAX, UINT64_MAX,
		UINT64_MAX, UINT64_MAX, false };
	*out = p;
	return TOME_OK;
}

enum tome_err
tome_posix_fork(struct tome_posix *p, struct tome_posix **child)
{
	struct tome_posix *c = tome_kzalloc(p->vm, sizeof *c);
	enum tome_err err;

	if (c == NULL)
		return TOME_ENOMEM;
	tome_posix_lock(p);
	err = tome_map_fork(p->map, &c->map);
	c->vm = p->vm;
	c->shm = p->shm;
	c->brk_start = p->brk_start;
	c->brk = p->brk;
	c->data_bytes = p->data_bytes;
	c->max_entries = p->max_entries;
	c->limits = p->limits;
	tome_posix_unlock(p);
	if (err == TOME_OK)
		*child = c;
	else
		tome_kfree(p->vm, c);
	return err;
}

void
tome_posix_destroy(struct tome_posix *p)
{
	struct tome_shm_ns *shm = p->shm;

	tome_map_clear(p->map);
	tome_map_unref(p->map);
	tome_kfree(p->vm, p);
	if (shm != NULL)
		tome_shm_sweep(shm);
}

struct tome_map *
tome_posix_map(struct tome_posix *p)
{
	return p->map;
}

/* ---- limits ---- */

void
tome_posix_set_limits(struct tome_posix *p,
    const struct tome_posix_limits *limits)
{
	struct tome_map_limits below = { .as = limits->as,
		.data = limits->data, .stack = limits->stack,
		.locked = limits->may_lock ? UINT64_MAX : limits->memlock };

	tome_posix_lock(p);
	p->limits = *limits;
	tome_map_set_limits(p->map, &below);
	tome_posix_unlock(p);
}

bool
tome_posix_may_lock(const struct tome_posix *p)
{
	return p->limits.memlock != 0 || p->limits.may_lock;
}

unsigned
tome_posix_future_flags(const struct tome_posix *p)
{
	if (!p->lock_future)
		return 0;
	return TOME_MAP_LOCKED |
	    (p->lock_onfault ? TOME_MAP_LOCK_ONFAULT : 0);
}

/* ---- looking ---- */

uint64_t
tome_posix_pages(struct tome_posix *p)
{
	uint64_t n;

	tome_mutex_lock(p->vm, &p->map->lock, TOME_RANK_MAP);
	n = p->map->vpages;
	tome_mutex_unlock(p->vm, &p->map->lock, TOME_RANK_MAP);
	return n;
}

uint64_t
tome_posix_entries(struct tome_posix *p)
{
	uint64_t n;

	tome_mutex_lock(p->vm, &p->map->lock, TOME_RANK_MAP);
	n = p->map->nentries;
	tome_mutex_unlock(p->vm, &p->map->lock, TOME_RANK_MAP);
	return n;
}

bool
tome_posix_occupied(struct tome_posix *p, tome_va_t va, tome_va_t len)
{
	struct tome_region r;

	return tome_map_lookup(p->map, va, &r) == TOME_OK &&
	    (r.start <= va || r.start - va < len);
}

bool
tome_posix_piece(struct tome_posix *p, tome_va_t *at, tome_va_t end,
    struct tome_region *out, bool *hole)
{
	if (*at >= end)
		return false;
	if (tome_map_lookup(p->map, *at, out) != TOME_OK ||
	    out->start >= end) {
		*hole = true;
		*at = end;
		return false;
	}
	if (out->start > *at)
		*hole = true;
	else
		out->start = *at;
	if (out->end > end)
		out->end = end;
	*at = out->end;
	return true;
}

/* ---- the break ---- */

void
tome_posix_break(struct tome_posix *p, tome_va_t *start, tome_va_t *now)
{
	tome_posix_lock(p);
	*start = p->brk_start;
	*now = p->brk;
	tome_posix_unlock(p);
}

long
tome_posix_brk(struct tome_posix *p, tome_va_t want)
{
	long now;

	tome_posix_lock(p);
	now = brk_move(p, want);
	tome_posix_unlock(p);
	return now;
}

static long
brk_move(struct tome_posix *p, tome_va_t want)
{
	tome_va_t from = tome_page_ceil(p->brk), to = tome_page_ceil(want);

	if (want < p->brk_start || !brk_allowed(p, want))
		return (long)p->brk;
	if (to > from && !brk_grow(p, from, to))
		return (long)p->brk;
	if (to < from && tome_map_remove(p->map, to, from - to) != TOME_OK)
		return (long)p->brk;
	p->brk = want;
	return (long)want;
}

static bool
brk_allowed(const struct tome_posix *p, tome_va_t want)
{
	uint64_t heap = want - p->brk_start;

	return p->brk_start != 0 && want <= tome_posix_top(p) &&
	    (p->limits.data == UINT64_MAX ||
	    (heap <= p->limits.data &&
	    p->data_bytes <= p->limits.data - heap));
}

/* One page stays free above the heap, as below a stack's guard. */
static bool
brk_grow(struct tome_posix *p, tome_va_t from, tome_va_t to)
{
	struct tome_map_request req = { .addr = from, .len = to - from,
		.prot = TOME_PROT_READ | TOME_PROT_WRITE,
		.flags = TOME_MAP_FIXED | TOME_MAP_NOREPLACE |
		    tome_posix_future_flags(p) };
	tome_va_t at;

	if (to < from || tome_posix_occupied(p, from,
	    to - from + TOME_PAGE_SIZE))
		return false;
	return tome_map_enter(p->map, &req, &at) == TOME_OK;
}
