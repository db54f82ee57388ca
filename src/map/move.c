/*
 * move.c - moving and resizing (mremap).
 *
 * Growing in place is like entering beside the mapping. Moving makes new entries at
 * the destination that take over the amaps, slots unchanged, and moves the
 * translations, whole leaf tables where both places lie alike in them. The numbers
 * of old and new entries are odd throughout, so that no fault sees half of it.
 *
 * Locks: takes the map's.
 */
#include <base/memory.h>
#include <map/edit.h>

struct move {
	struct tome_map *map;
	tome_va_t old, old_len, new_len, to;
	unsigned flags;
	struct tome_edit ed;
	struct tome_entry *first;	/* that holds old */
	unsigned pieces;		/* entries in the old range */
	tome_va_t fill, fill_end;	/* a wired mapping grew by this */
	tome_prot_t fill_access;
};

static enum tome_err move_check(const struct move *) TOME_NODISCARD;
static enum tome_err move_locked(struct move *) TOME_NODISCARD;
static enum tome_err move_source(struct move *) TOME_NODISCARD;
static enum tome_err move_limits(const struct move *) TOME_NODISCARD;
static enum tome_err move_shrink(struct move *) TOME_NODISCARD;
static void move_fill(struct move *, const struct tome_entry *, tome_va_t from,
    tome_va_t to);
static bool grows_in_place(const struct move *);
static enum tome_err move_grow(struct move *) TOME_NODISCARD;
static enum tome_err move_place(struct move *) TOME_NODISCARD;
static enum tome_err move_away(struct move *) TOME_NODISCARD;
static void move_commit(struct move *);

/* What is left to do when the map is unlocked. */
struct moved {
	tome_va_t to;
	tome_va_t fill, fill_end;
	tome_prot_t fill_access;
};

static enum tome_err move_range(struct tome_map *, tome_va_t old,
    tome_va_t old_len, tome_va_t new_len, unsigned flags, tome_va_t new_addr,
    struct moved *) TOME_NODISCARD;

enum tome_err
tome_map_move(struct tome_map *map, tome_va_t old, tome_va_t old_len,
    tome_va_t new_len, unsigned flags, tome_va_t new_addr, tome_va_t *out)
{
	struct moved done;
	enum tome_err err = move_range(map, old, old_len, new_len, flags,
	    new_addr, &done);

	if (err != TOME_OK)
		return err;
	if (done.fill < done.fill_end)
		(void)!tome_map_populate(map, done.fill, done.fill_end,
		    done.fill_access);
	*out = done.to;
	return TOME_OK;
}

/* Apart, so that its edit is off the stack when pages are filled. */
static tome_noinline enum tome_err
move_range(struct tome_map *map, tome_va_t old, tome_va_t old_len,
    tome_va_t new_len, unsigned flags, tome_va_t new_addr, struct moved *done)
{
	struct move m = { .map = map, .old = old, .old_len = old_len,
		.new_len = new_len, .flags = flags, .to = new_addr };
	enum tome_err err = move_check(&m);

	if (err != TOME_OK)
		return err;
	tome_edit_init(&m.ed, map);
	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	err = move_locked(&m);
	if (err != TOME_OK)
		tome_edit_abandon(&m.ed);
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	tome_edit_release(&m.ed);
	*done = (struct moved){ m.to, m.fill, m.fill_end, m.fill_access };
	return err;
}

static enum tome_err
move_check(const struct move *m)
{
	const struct tome_map *map = m->map;
	bool fixed = m->flags & TOME_MOVE_FIXED;

	if ((m->flags & ~(TOME_MOVE_MAY | TOME_MOVE_FIXED |
	    TOME_MOVE_DONTUNMAP)) != 0 || m->new_len == 0 ||
	    ((m->old | m->old_len | m->new_len) & TOME_PAGE_MASK) != 0)
		return TOME_EINVAL;
	if ((m->flags & (TOME_MOVE_FIXED | TOME_MOVE_DONTUNMAP)) != 0 &&
	    (m->flags & TOME_MOVE_MAY) == 0)
		return TOME_EINVAL;
	if ((m->flags & TOME_MOVE_DONTUNMAP) && m->old_len != m->new_len)
		return TOME_EINVAL;
	if (fixed && !tome_range_ok(map, m->to, m->new_len))
		return TOME_EINVAL;
	if (fixed && m->to < m->old + m->old_len + (m->old_len == 0) &&
	    m->old < m->to + m->new_len)
		return TOME_EINVAL;
	if (m->old + m->old_len < m->old)
		return TOME_EINVAL;
	return TOME_OK;
}

static enum tome_err
move_locked(struct move *m)
{
	bool away = m->flags & (TOME_MOVE_FIXED | TOME_MOVE_DONTUNMAP);
	enum tome_err err;

	m->first = tome_tree_find(&m->map->tree, m->old);
	if (m->first == NULL || m->first->start > m->old)
		return TOME_EFAULT;
	if (m->old_len == 0 && !(tome_entry_flags(m->first) & TOME_ENTRY_SHARED))
		return TOME_EINVAL;
	if (!away && m->old_len >= m->new_len)
		return move_shrink(m);
	err = move_source(m);
	if (err == TOME_OK)
		err = move_limits(m);
	if (err != TOME_OK)
		return err;
	if (!away && grows_in_place(m))
		return move_grow(m);
	if (!(m->flags & TOME_MOVE_MAY))
		return TOME_ENOMEM;
	err = move_place(m);
	return err == TOME_OK ? move_away(m) : err;
}

/* ---- checking ---- */

/* The old range is one mapping, in however many entries. */
static enum tome_err
move_source(struct move *m)
{
	struct tome_entry *en = m->first, *next;
	tome_va_t end = m->old + m->old_len;

	m->pieces = 1;
	while (en->end < end) {
		next = tome_tree_next(&m->map->tree, en);
		if (next == NULL || !tome_entry_alike(en, next))
			return TOME_EFAULT;
		en = next;
		m->pieces++;
	}
	if (en->object != NULL && en->offset + ((m->old - m->first->start +
	    m->new_len) >> TOME_PAGE_SHIFT) < en->offset)
		return TOME_EINVAL;
	return TOME_OK;
}

static enum tome_err
move_limits(const struct move *m)
{
	const struct tome_map *map = m->map;
	const struct tome_entry *en = m->first;
	uint64_t more = 0;

	if (m->new_len > m->old_len)
		more = (m->new_len - m->old_len) >> TOME_PAGE_SHIFT;
	if ((tome_entry_flags(en) & TOME_ENTRY_WIRED) && map->locked_pages + more >
	    tome_limit_pages(map->limits.locked))
		return TOME_EAGAIN;
	if (m->flags & TOME_MOVE_DONTUNMAP)
		more = m->new_len >> TOME_PAGE_SHIFT;
	if (map->vpages + more > tome_limit_pages(map->limits.as) ||
	    ((tome_entry_flags(en) & TOME_ENTRY_CHARGED) &&
	    !tome_commit_allows(map->vm, more, 0)))
		return TOME_ENOMEM;
	if (tome_entry_is_data(tome_entry_flags(en), en->prot) &&
	    map->data_pages + more > tome_limit_pages(map->limits.data))
		return TOME_ENOMEM;
	return TOME_OK;
}

/* ---- in place ---- */

static enum tome_err
move_shrink(struct move *m)
{
	tome_va_t start = m->old + m->new_len, end = m->old + m->old_len;
	enum tome_err err = TOME_OK;

	m->to = m->old;
	if (start == end)
		return TOME_OK;
	if (end > m->map->hi)
		return TOME_EINVAL;
	err = tome_edit_remove_reserve(&m->ed, start, end, 0);
	if (err != TOME_OK)
		return err;
	tome_edit_remove(&m->ed, start, end);
	tome_edit_flush(&m->ed);
	tome_edit_finish(&m->ed);
	return TOME_OK;
}

static bool
grows_in_place(const struct move *m)
{
	struct tome_entry *last, *above;
	tome_va_t end = m->old + m->new_len;

	if (m->old_len == 0 || end > m->map->hi || end < m->old)
		return false;
	tome_tree_around(&m->map->tree, m->old + m->old_len - 1, &last,
	    &above);
	return last->end == m->old + m->old_len &&
	    (above == NULL || above->start >= end);
}

/* What follows `last` from va on, with nothing written yet. Counts are taken. */
static void
describe_more(struct tome_entry *more, const struct tome_entry *last,
    tome_va_t start, tome_va_t end)
{
	tome_entry_copy(more, last);
	more->start = start;
	more->end = end;
	more->slot = start >> TOME_PAGE_SHIFT;
	more->offset = last->offset + tome_entry_pages(last);
	if (more->limit == 0)
		return;
	/* The object's part ends before. */
	more->limit = 0;
	more->offset = 0;
	tome_object_drop(more->object);
	more->object = NULL;
}

static enum tome_err
move_grow(struct move *m)
{
	tome_va_t from = m->old + m->old_len, end = m->old + m->new_len;
	struct tome_entry *last = tome_tree_find(&m->map->tree, from - 1);
	struct tome_edit *ed = &m->ed;
	struct tome_entry *more;
	enum tome_err err = tome_edit_reserve(ed, from, 1);

	if (err != TOME_OK)
		return err;
	tome_edit_touch(ed, last);
	if (tome_entry_extendable(last, false, (end - from) >>
	    TOME_PAGE_SHIFT) && last->limit == 0) {
		tome_edit_set_bounds(ed, last, last->start, end);
	} else {
		more = tome_edit_new(ed);
		describe_more(more, last, from, end);
		tome_edit_insert(ed, more);
	}
	tome_edit_merge(ed, end, end);
	m->to = m->old;
	move_fill(m, last, from, end);
	tome_edit_finish(ed);
	return TOME_OK;
}

/* What a wired mapping grew by is filled once the map is unlocked. */
static void
move_fill(struct move *m, const struct tome_entry *en, tome_va_t from,
    tome_va_t to)
{
	if ((tome_entry_flags(en) & (TOME_ENTRY_WIRED | TOME_ENTRY_ONFAULT |
	    TOME_ENTRY_GUARD)) != TOME_ENTRY_WIRED ||
	    en->prot == TOME_PROT_NONE)
		return;
	m->fill = from;
	m->fill_end = to;
	m->fill_access = tome_entry_fill_access(en);
}

/* ---- away ---- */

/*
 * Congruent to the old place by the span of a leaf table, so that whole tables move:
 * ask for room from a table's start on.
 */
static enum tome_err
move_place(struct move *m)
{
	struct tome_map_request rq = { .len = m->new_len };
	tome_va_t span = tome_leaf_span(), skew = m->old & (span - 1);

	if (m->flags & TOME_MOVE_FIXED)
		return TOME_OK;
	if (m->flags & TOME_MOVE_DONTUNMAP)
		rq.addr = m->to;
	if (rq.addr == 0 && m->old_len >= span && skew != 0) {
		rq.align = span;
		rq.len += skew;
		if (rq.len > skew && tome_map_place(m->map, &rq, &m->to)) {
			m->to += skew;
			return TOME_OK;
		}
		rq.align = 0;
		rq.len = m->new_len;
	}
	return tome_map_place(m->map, &rq, &m->to) ? TOME_OK : TOME_ENOMEM;
}

/* How much of the old range has content to move. */
static tome_va_t
moved_len(const struct move *m)
{
	return m->old_len < m->new_len ? m->old_len : m->new_len;
}

static void
touch_source(struct move *m)
{
	struct tome_tree *tr = &m->map->tree;
	struct tome_entry *en = tome_tree_find(tr, m->old);

	for (; en != NULL && en->start < m->old + moved_len(m);
	    en = tome_tree_next(tr, en))
		tome_edit_touch(&m->ed, en);
}

/*
 * Reserve for the worst: a new entry per piece, one more for growth, two where the
 * old range is cut out of larger entries, one for a hole made at the destination.
 */
static enum tome_err
move_away(struct move *m)
{
	struct tome_edit *ed = &m->ed;
	enum tome_err err = TOME_OK;
	bool fixed = m->flags & TOME_MOVE_FIXED;

	if (fixed)
		err = tome_edit_remove_reserve(ed, m->to, m->to + m->new_len,
		    0);
	if (err == TOME_OK)
		err = tome_edit_reserve_many(ed, m->pieces + 3 + fixed);
	if (err == TOME_OK && moved_len(m) > 0) {
		/* From here on no fault makes a translation to be moved. */
		touch_source(m);
		err = tome_range_move_reserve(m->map->pmap, m->old, m->to,
		    moved_len(m));
	}
	if (err != TOME_OK)
		return err;
	if (fixed) {
		/* The tables just reserved there are among them. */
		tome_edit_gather(ed)->keep_tables = true;
		tome_edit_remove(ed, m->to, m->to + m->new_len);
		tome_edit_flush(ed);
	}
	move_commit(m);
	return TOME_OK;
}

/* Splits at the ends of the old range; its first piece. */
static struct tome_entry *
cut_source(struct move *m, tome_va_t end)
{
	struct tome_tree *tr = &m->map->tree;
	struct tome_entry *en = tome_tree_find(tr, m->old), *last;

	if (en->start < m->old)
		en = tome_edit_split(&m->ed, en, m->old);
	last = tome_tree_find(tr, end - 1);
	if (last->end > end)
		(void)tome_edit_split(&m->ed, last, end);
	return en;
}

/* The new entry of one piece, which gives its amap away. */
static struct tome_entry *
move_piece(struct move *m, struct tome_entry *en)
{
	struct tome_edit *ed = &m->ed;
	struct tome_entry *by = tome_edit_new(ed);

	tome_edit_touch(ed, en);
	tome_entry_copy(by, en);
	by->flags |= tome_entry_flags(en) & TOME_ENTRY_NEEDS_COPY;
	by->start = en->start - m->old + m->to;
	by->end = en->end - m->old + m->to;
	by->amap = en->amap;
	if (by->amap == NULL)
		by->slot = by->start >> TOME_PAGE_SHIFT;
	tome_wr(&en->amap, NULL);
	if (m->flags & TOME_MOVE_DONTUNMAP) {
		tome_entry_uncount(m->map, en);
		tome_wr(&en->slot, (uint64_t)(en->start >> TOME_PAGE_SHIFT));
		tome_wr(&en->flags, en->flags & 
		    ~(TOME_ENTRY_NEEDS_COPY | TOME_ENTRY_WIRED |
		    TOME_ENTRY_ONFAULT));
		tome_entry_count(m->map, en);
	}
	tome_edit_insert(ed, by);
	tome_entry_tell(m->map, by, false);
	return by;
}

static struct tome_entry *
move_pieces(struct move *m, tome_va_t end)
{
	struct tome_entry *en = cut_source(m, end), *next, *by = NULL;

	for (; en != NULL && en->start < end; en = next) {
		by = move_piece(m, en);
		next = en->end < end ?
		    tome_tree_find(&m->map->tree, en->end) : NULL;
		if (!(m->flags & TOME_MOVE_DONTUNMAP))
			tome_edit_kill(&m->ed, en);
	}
	tome_range_move(tome_edit_gather(&m->ed), m->old, m->to, end - m->old);
	return by;
}

/* old_len 0: a second mapping of the same part of the object. */
static struct tome_entry *
second_mapping(struct move *m)
{
	struct tome_entry *by = tome_edit_new(&m->ed);
	struct tome_entry *en = tome_tree_find(&m->map->tree, m->old);

	tome_entry_copy(by, en);
	by->offset += (m->old - en->start) >> TOME_PAGE_SHIFT;
	by->slot = m->to >> TOME_PAGE_SHIFT;
	by->start = m->to;
	by->end = m->to + m->new_len;
	by->limit = 0;
	tome_edit_insert(&m->ed, by);
	tome_entry_tell(m->map, by, false);
	return by;
}

static void
move_commit(struct move *m)
{
	tome_va_t tail = m->old + moved_len(m), end = m->to + m->new_len;
	struct tome_edit *ed = &m->ed;
	struct tome_entry *by, *more;

	if (m->old_len == 0)
		by = second_mapping(m);
	else
		by = move_pieces(m, tail);
	move_fill(m, by, by->end, end);
	if (by->end < end && by->limit == 0 && tome_entry_extendable(by, false,
	    (end - by->end) >> TOME_PAGE_SHIFT)) {
		tome_edit_set_bounds(ed, by, by->start, end);
	} else if (by->end < end) {
		more = tome_edit_new(ed);
		describe_more(more, by, by->end, end);
		tome_edit_insert(ed, more);
	}
	/* A fixed move may shrink, too. */
	if (m->old_len > m->new_len)
		tome_edit_remove(ed, tail, m->old + m->old_len);
	tome_edit_flush(ed);
	tome_edit_merge(ed, m->to, end);
	if (m->flags & TOME_MOVE_DONTUNMAP)
		tome_edit_merge(ed, m->old, tail);
	tome_edit_finish(ed);
}
