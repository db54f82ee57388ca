/*
 * enter.c - new mappings: check, find a place, then extend a neighbour or insert
 * an entry.
 *
 * The common case, anonymous memory beside anonymous memory with the same rights,
 * allocates nothing: the neighbour's bounds move.
 *
 * Locks: takes the map's.
 */
#include <base/memory.h>
#include <map/edit.h>

struct enter {
	const struct tome_map_request *rq;
	struct tome_entry like;		/* what the new entry will be */
	struct tome_edit ed;
	bool fill;
};

static enum tome_err enter_check(const struct tome_map *,
    const struct tome_map_request *) TOME_NODISCARD;
static enum tome_err enter_describe(struct enter *, struct tome_map *)
    TOME_NODISCARD;
static enum tome_err enter_locked(struct enter *, struct tome_map *)
    TOME_NODISCARD;
static enum tome_err enter_place(struct enter *, struct tome_map *)
    TOME_NODISCARD;
static enum tome_err enter_limits(struct enter *, struct tome_map *)
    TOME_NODISCARD;
static bool enter_extend(struct enter *, struct tome_map *);
static enum tome_err enter_insert(struct enter *, struct tome_map *)
    TOME_NODISCARD;

/* What is left to do when the map is unlocked. */
struct entered {
	tome_va_t start, end;
	tome_prot_t fill;		/* access to fill with; NONE: do not */
};

static enum tome_err enter_entry(struct tome_map *,
    const struct tome_map_request *, struct entered *) TOME_NODISCARD;

enum tome_err
tome_map_enter(struct tome_map *map, const struct tome_map_request *rq,
    tome_va_t *out)
{
	struct entered done;
	enum tome_err err = enter_entry(map, rq, &done);

	if (err != TOME_OK)
		return err;
	/* As Linux: the mapping stands, whatever could be filled. */
	if (done.fill != TOME_PROT_NONE)
		(void)!tome_map_populate(map, done.start, done.end, done.fill);
	*out = done.start;
	return TOME_OK;
}

/* Apart, so that its edit is off the stack when the pages are filled. */
static tome_noinline enum tome_err
enter_entry(struct tome_map *map, const struct tome_map_request *rq,
    struct entered *done)
{
	struct enter e;
	enum tome_err err = enter_check(map, rq);

	if (err != TOME_OK)
		return err;
	e.rq = rq;
	err = enter_describe(&e, map);
	if (err != TOME_OK)
		return err;
	tome_edit_init(&e.ed, map);
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	err = enter_locked(&e, map);
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	tome_edit_release(&e.ed);
	tome_entry_drop(map->vm, &e.like);
	if (err != TOME_OK)
		return err;
	done->start = e.like.start;
	done->end = e.like.end;
	done->fill = err == TOME_OK && e.fill ?
	    tome_entry_fill_access(&e.like) : TOME_PROT_NONE;
	return TOME_OK;
}

/* ---- checking ---- */

static bool
aligned(uint64_t x)
{
	return (x & TOME_PAGE_MASK) == 0;
}

static enum tome_err
enter_check(const struct tome_map *map, const struct tome_map_request *rq)
{
	tome_prot_t max = rq->max_prot != 0 ? rq->max_prot : TOME_PROT_ALL;

	if (rq->len == 0 || !aligned(rq->len) || !aligned(rq->offset) ||
	    rq->limit > rq->len || rq->offset + rq->len < rq->offset ||
	    (rq->prot & ~max) != 0 || (max & ~TOME_PROT_ALL) != 0 ||
	    (rq->align & (rq->align - 1)) != 0)
		return TOME_EINVAL;
	if ((rq->flags & TOME_MAP_GUARD) != 0 && rq->object != NULL)
		return TOME_EINVAL;
	if (rq->limit != 0 && rq->object == NULL)
		return TOME_EINVAL;
	if ((rq->flags & TOME_MAP_FIXED) != 0 && !aligned(rq->addr))
		return TOME_EINVAL;
	if (rq->len > map->hi - map->lo)
		return TOME_ENOMEM;
	if ((rq->flags & TOME_MAP_FIXED) != 0 && (rq->addr < map->lo ||
	    rq->addr > map->hi - rq->len))
		return TOME_ENOMEM;
	return TOME_OK;
}

static uint32_t
entry_flags(unsigned flags)
{
	static const struct {
		uint16_t map, entry;
	} same[] = {
		{ TOME_MAP_SHARED, TOME_ENTRY_SHARED },
		{ TOME_MAP_GROWSDOWN, TOME_ENTRY_GROWSDOWN },
		{ TOME_MAP_KEEP, TOME_ENTRY_KEEP },
		{ TOME_MAP_GUARD, TOME_ENTRY_GUARD },
		{ TOME_MAP_NORESERVE, TOME_ENTRY_NORESERVE },
		{ TOME_MAP_ZERO_SHARED_READ, TOME_ENTRY_ZERO_SHARED_READ },
		{ TOME_MAP_LOCKED, TOME_ENTRY_WIRED },
		{ TOME_MAP_LOCK_ONFAULT, TOME_ENTRY_ONFAULT },
	};
	uint32_t out = 0;

	if (!(flags & TOME_MAP_LOCKED))
		flags &= ~TOME_MAP_LOCK_ONFAULT;
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
		if (flags & same[i].map)
			out |= same[i].entry;
	return out;
}

/* The object of a shared mapping that names none. Its owners are all who map it. */
static enum tome_err
enter_object(struct tome_map *map, const struct tome_map_request *rq,
    struct tome_object **out)
{
	uint64_t pages = rq->len >> TOME_PAGE_SHIFT;
	uint32_t flags = entry_flags(rq->flags & ~TOME_MAP_SHARED);
	bool charge = tome_commit_applies(map, flags, TOME_PROT_WRITE);
	enum tome_err err;

	if (charge && !tome_commit_allows(map->vm, pages, 0))
		return TOME_ENOMEM;
	err = tome_object_create_anon(map->vm, rq->len, NULL, 0, out);
	if (err == TOME_OK && charge)
		tome_object_charge(*out, pages);
	return err;
}

/* Counts on object and name are the description's; the entry takes its own. */
static enum tome_err
enter_describe(struct enter *e, struct tome_map *map)
{
	const struct tome_map_request *rq = e->rq;
	struct tome_entry *en = &e->like;
	enum tome_err err;

	memset(en, 0, sizeof *en);
	en->map = map;
	en->prot = (uint8_t)rq->prot;
	en->max_prot = (uint8_t)(rq->max_prot != 0 ? rq->max_prot :
	    TOME_PROT_ALL);
	en->flags = entry_flags(rq->flags);
	if (tome_commit_applies(map, en->flags, en->prot))
		en->flags |= TOME_ENTRY_CHARGED;
	if (map->ledger != NULL)
		en->flags |= TOME_ENTRY_LEDGER;
	en->inherit = (uint8_t)rq->inherit;
	en->tag = rq->tag;
	err = tome_name_create(map->vm, rq->name, rq->opener, &en->name);
	if (err != TOME_OK)
		return err;
	en->object = rq->object;
	if (en->object != NULL) {
		tome_object_ref(en->object);
		en->offset = rq->offset >> TOME_PAGE_SHIFT;
		en->limit = rq->limit < rq->len ? rq->limit : 0;
	} else if ((rq->flags & (TOME_MAP_SHARED | TOME_MAP_GUARD)) ==
	    TOME_MAP_SHARED) {
		err = enter_object(map, rq, &en->object);
		if (err != TOME_OK)
			tome_name_unref(map->vm, en->name);
	}
	return err;
}

/* ---- under the lock ---- */

static enum tome_err
enter_locked(struct enter *e, struct tome_map *map)
{
	struct tome_entry *en = &e->like;
	enum tome_err err = enter_place(e, map);

	if (err != TOME_OK)
		return err;
	e->fill = (e->rq->flags & TOME_MAP_POPULATE) != 0 ||
	    (tome_entry_flags(en) & (TOME_ENTRY_WIRED | TOME_ENTRY_ONFAULT)) ==
	    TOME_ENTRY_WIRED;
	if (en->prot == TOME_PROT_NONE || (tome_entry_flags(en) & TOME_ENTRY_GUARD))
		e->fill = false;
	err = enter_limits(e, map);
	if (err != TOME_OK)
		return err;
	return enter_extend(e, map) ? TOME_OK : enter_insert(e, map);
}

static enum tome_err
enter_place(struct enter *e, struct tome_map *map)
{
	const struct tome_map_request *rq = e->rq;
	struct tome_entry *en = &e->like, *there;
	tome_va_t va = rq->addr;

	if ((rq->flags & TOME_MAP_FIXED) == 0) {
		if (!tome_map_place(map, rq, &va))
			return TOME_ENOMEM;
	} else if (rq->flags & TOME_MAP_NOREPLACE) {
		there = tome_tree_find(&map->tree, va);
		if (there != NULL && there->start < va + rq->len)
			return TOME_EEXIST;
	}
	en->start = va;
	en->end = va + rq->len;
	en->slot = va >> TOME_PAGE_SHIFT;
	return TOME_OK;
}

/* Pages that a fixed mapping replaces, of entries with these flags: they no longer
 * count. */
static uint64_t
overlap_pages(struct tome_map *map, const struct tome_entry *en,
    uint32_t flags)
{
	struct tome_entry *there = tome_tree_find(&map->tree, en->start);
	uint64_t pages = 0;
	tome_va_t from, to;

	for (; there != NULL && there->start < en->end;
	    there = tome_tree_next(&map->tree, there)) {
		from = there->start > en->start ? there->start : en->start;
		to = there->end < en->end ? there->end : en->end;
		if ((tome_entry_flags(there) & flags) == flags)
			pages += (to - from) >> TOME_PAGE_SHIFT;
	}
	return pages;
}

/* The locked limit does not look at what is replaced (as Linux). */
static enum tome_err
enter_limits(struct enter *e, struct tome_map *map)
{
	const struct tome_entry *en = &e->like;
	uint64_t n = tome_entry_pages(en), more = n;

	if ((e->rq->flags & TOME_MAP_FIXED) != 0 &&
	    (map->limits.as != UINT64_MAX || map->limits.data != UINT64_MAX))
		more -= overlap_pages(map, en, 0);
	if (map->vpages + more > tome_limit_pages(map->limits.as))
		return TOME_ENOMEM;
	if (tome_entry_is_data(tome_entry_flags(en), en->prot) &&
	    map->data_pages + more > tome_limit_pages(map->limits.data))
		return TOME_ENOMEM;
	if ((tome_entry_flags(en) & TOME_ENTRY_CHARGED) &&
	    !tome_commit_allows(map->vm, n, 0) &&
	    ((e->rq->flags & TOME_MAP_FIXED) == 0 ||
	    !tome_commit_allows(map->vm, n,
	    overlap_pages(map, en, TOME_ENTRY_CHARGED))))
		return TOME_ENOMEM;
	if ((tome_entry_flags(en) & TOME_ENTRY_WIRED) &&
	    map->locked_pages + n > tome_limit_pages(map->limits.locked))
		return TOME_EAGAIN;
	return TOME_OK;
}

/*
 * A neighbour that agrees grows over the new range; if both do they become one.
 * Nothing is allocated. False: something lies there, or nobody agrees.
 */
static bool
enter_extend(struct enter *e, struct tome_map *map)
{
	struct tome_entry *en = &e->like, *below, *above;
	struct tome_edit *ed = &e->ed;

	tome_tree_around(&map->tree, en->start, &below, &above);
	if ((below != NULL && below->end > en->start) ||
	    (above != NULL && above->start < en->end))
		return false;
	if (below != NULL && tome_entry_joinable(below, en)) {
		tome_edit_touch(ed, below);
		if (tome_entry_joinable(below, en))
			tome_edit_set_bounds(ed, below, below->start, en->end);
		else
			below = NULL;
	} else if (above != NULL && tome_entry_joinable(en, above)) {
		tome_edit_touch(ed, above);
		if (tome_entry_joinable(en, above))
			tome_edit_set_bounds(ed, above, en->start, above->end);
		else
			above = NULL;
		below = above;
	} else {
		return false;
	}
	if (below != NULL && above != NULL && above->start == en->end)
		tome_edit_merge(ed, en->end, en->end);
	tome_edit_finish(ed);
	return below != NULL;
}

static bool
overlaps(struct tome_map *map, const struct tome_entry *en)
{
	struct tome_entry *there = tome_tree_find(&map->tree, en->start);

	return there != NULL && there->start < en->end;
}

static enum tome_err
enter_insert(struct enter *e, struct tome_map *map)
{
	struct tome_entry *like = &e->like, *en;
	struct tome_edit *ed = &e->ed;
	enum tome_err err;

	err = tome_edit_remove_reserve(ed, like->start, like->end, 1);
	if (err == TOME_OK)
		err = tome_edit_reserve(ed, like->start, 2);
	/* Where whole entries go, the insert may come to lie elsewhere. */
	if (err == TOME_OK && overlaps(map, like))
		err = tome_tree_reserve_most(&map->tree, &ed->nodes, 1);
	if (err != TOME_OK) {
		tome_edit_abandon(ed);
		return err;
	}
	tome_edit_remove(ed, like->start, like->end);
	en = tome_edit_new(ed);
	tome_entry_copy(en, like);
	tome_edit_insert(ed, en);
	tome_edit_flush(ed);
	tome_edit_merge(ed, like->start, like->end);
	tome_edit_finish(ed);
	return TOME_OK;
}
