/*
 * advise.c - advice on a range: remembered, acted on, or only checked.
 *
 * FREE acts at once, as DONTNEED does: its content may go at any time.
 *
 * Locks: take the map's, and drop it where pages are made or an object is punched.
 */
#include <map/edit.h>

static enum tome_err advise_flags(struct tome_map *, tome_va_t start,
    tome_va_t len, uint32_t clear, uint32_t set) TOME_NODISCARD;
static enum tome_err advise_remember(struct tome_map *, tome_va_t start,
    tome_va_t len, enum tome_advice) TOME_NODISCARD;
static enum tome_err advise_each(struct tome_map *, tome_va_t start,
    tome_va_t end, enum tome_advice) TOME_NODISCARD;
static enum tome_err advise_hint(struct tome_map *, tome_va_t start,
    tome_va_t len, enum tome_advice) TOME_NODISCARD;
static enum tome_err advise_remove(struct tome_map *, tome_va_t start,
    tome_va_t end) TOME_NODISCARD;
static enum tome_err advise_populate(struct tome_map *, tome_va_t start,
    tome_va_t end, tome_prot_t) TOME_NODISCARD;

enum tome_err
tome_map_advise(struct tome_map *map, tome_va_t start, tome_va_t len,
    enum tome_advice advice)
{
	if (!tome_range_ok(map, start, len))
		return TOME_EINVAL;
	switch (advice) {
	case TOME_ADV_NORMAL:
	case TOME_ADV_RANDOM:
	case TOME_ADV_SEQUENTIAL:
		return advise_remember(map, start, len, advice);
	case TOME_ADV_DUMP:
		return advise_flags(map, start, len, TOME_ENTRY_NODUMP, 0);
	case TOME_ADV_NODUMP:
		return advise_flags(map, start, len, 0, TOME_ENTRY_NODUMP);
	case TOME_ADV_HUGE:
		return advise_flags(map, start, len, TOME_ENTRY_NOHUGE,
		    TOME_ENTRY_HUGE);
	case TOME_ADV_NOHUGE:
		return advise_flags(map, start, len, TOME_ENTRY_HUGE,
		    TOME_ENTRY_NOHUGE);
	case TOME_ADV_MERGEABLE:
		return advise_flags(map, start, len, 0, TOME_ENTRY_MERGEABLE);
	case TOME_ADV_UNMERGEABLE:
		return advise_flags(map, start, len, TOME_ENTRY_MERGEABLE, 0);
	case TOME_ADV_POPULATE_READ:
		return advise_populate(map, start, start + len,
		    TOME_PROT_READ);
	case TOME_ADV_POPULATE_WRITE:
		return advise_populate(map, start, start + len,
		    TOME_PROT_WRITE);
	case TOME_ADV_REMOVE:
		return advise_remove(map, start, start + len);
	case TOME_ADV_PAGEOUT:
	case TOME_ADV_WILLNEED:
	case TOME_ADV_COLD:
		return advise_hint(map, start, len, advice);
	case TOME_ADV_DONTNEED:
	case TOME_ADV_DONTNEED_LOCKED:
	case TOME_ADV_FREE:
		return advise_each(map, start, start + len, advice);
	}
	return TOME_EINVAL;
}

/* ---- remembered ---- */

static bool
flags_differ(const struct tome_change *ch, const struct tome_entry *en)
{
	return (tome_entry_flags(en) & (ch->clear | ch->value)) != ch->value;
}

static void
flags_set(const struct tome_change *ch, struct tome_edit *ed,
    struct tome_entry *en)
{
	(void)ed;
	tome_wr(&en->flags, (en->flags & ~ch->clear) | ch->value);
}

static tome_noinline enum tome_err
advise_flags(struct tome_map *map, tome_va_t start, tome_va_t len,
    uint32_t clear, uint32_t set)
{
	struct tome_change change = { .differs = flags_differ,
		.set = flags_set, .value = set, .clear = clear };

	return tome_map_change(map, start, len, &change);
}

static bool
advice_differs(const struct tome_change *ch, const struct tome_entry *en)
{
	return en->advice != ch->value;
}

static void
advice_set(const struct tome_change *ch, struct tome_edit *ed,
    struct tome_entry *en)
{
	(void)ed;
	tome_wr(&en->advice, (uint8_t)ch->value);
}

static tome_noinline enum tome_err
advise_remember(struct tome_map *map, tome_va_t start, tome_va_t len,
    enum tome_advice advice)
{
	struct tome_change change = { .differs = advice_differs,
		.set = advice_set, .value = (uint32_t)advice };

	return tome_map_change(map, start, len, &change);
}

/* ---- entry by entry, under the lock ---- */

/* May an entry take it? */
static bool
advise_takes(const struct tome_entry *en, enum tome_advice advice)
{
	bool wired = tome_entry_flags(en) & TOME_ENTRY_WIRED;

	switch (advice) {
	case TOME_ADV_FREE:
		return !wired && en->object == NULL;
	case TOME_ADV_DONTNEED:
	case TOME_ADV_COLD:
	case TOME_ADV_PAGEOUT:
		return !wired;
	default:
		return true;
	}
}

static enum tome_err
advise_entry(struct tome_map *map, struct tome_entry *en, tome_va_t start,
    tome_va_t end, enum tome_advice advice)
{
	if (!advise_takes(en, advice))
		return TOME_EINVAL;
	if (advice == TOME_ADV_WILLNEED || advice == TOME_ADV_COLD ||
	    advice == TOME_ADV_PAGEOUT || (tome_entry_flags(en) & TOME_ENTRY_GUARD))
		return TOME_OK;
	return tome_entry_discard(map, en, start, end);
}

/* What is mapped is advised though there be holes; the first entry that does not
 * take it ends it (Linux). */
static tome_noinline enum tome_err
advise_each(struct tome_map *map, tome_va_t start, tome_va_t end,
    enum tome_advice advice)
{
	enum tome_err err = TOME_OK;
	struct tome_entry *en;
	tome_va_t va = start, from;
	bool hole = false;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	for (en = tome_tree_find(&map->tree, va);
	    en != NULL && en->start < end && err == TOME_OK;
	    en = tome_tree_next(&map->tree, en)) {
		from = en->start > start ? en->start : start;
		hole = hole || from > va;
		va = en->end;
		err = advise_entry(map, en, from, va < end ? va : end, advice);
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	if (err != TOME_OK)
		return err;
	return hole || va < end ? TOME_ENOMEM : TOME_OK;
}

/* What takes it was looked at; then without the lock, which a page's way out must not
 * wait for. */
static tome_noinline enum tome_err
advise_hint(struct tome_map *map, tome_va_t start, tome_va_t len,
    enum tome_advice advice)
{
	enum tome_err err = advise_each(map, start, start + len, advice);

	if (err == TOME_OK)
		tome_map_hint(map, start, len, advice);
	return err;
}

/* ---- REMOVE: punch the object, with the map unlocked ---- */

struct punch {
	struct tome_object *object;	/* counted */
	tome_pgoff_t first, n;
	tome_va_t next;
};

/* The part of an entry from va on, up to end: pages of its object. */
static tome_noinline void
punch_take(struct punch *p, const struct tome_entry *en, tome_va_t va,
    tome_va_t end)
{
	p->next = en->end < end ? en->end : end;
	p->object = en->object;
	p->first = en->offset + ((va - en->start) >> TOME_PAGE_SHIFT);
	p->n = (p->next - va) >> TOME_PAGE_SHIFT;
	tome_object_ref(p->object);
}

static tome_noinline enum tome_err
remove_find(struct tome_map *map, tome_va_t va, tome_va_t end, struct punch *p)
{
	struct tome_entry *en = tome_tree_find(&map->tree, va);

	if (en == NULL || en->start > va)
		return TOME_ENOMEM;
	if ((tome_entry_flags(en) & TOME_ENTRY_WIRED) ||
	    !(tome_entry_flags(en) & TOME_ENTRY_SHARED) ||
	    en->object->kind == TOME_OBJECT_DEVICE)
		return TOME_EINVAL;
	if (!(en->max_prot & TOME_PROT_WRITE))
		return TOME_EACCES;
	if (tome_rd(&en->object->sealed))
		return TOME_EPERM;
	if (en->object->ops != NULL && !en->object->ops->punches(en->object))
		return TOME_EOPNOTSUPP;
	punch_take(p, en, va, end);
	return TOME_OK;
}

static tome_noinline enum tome_err
advise_remove(struct tome_map *map, tome_va_t start, tome_va_t end)
{
	struct punch p = { .next = start };
	enum tome_err err = TOME_OK;

	while (p.next < end && err == TOME_OK) {
		tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
		err = remove_find(map, p.next, end, &p);
		tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
		if (err != TOME_OK)
			break;
		err = tome_object_punch(p.object, p.first, p.n);
		tome_object_drop(p.object);
	}
	return err;
}

/* ---- msync ---- */

/* The next shared mapping of a file in [va, end), and its name, counted. False: there is
 * none. */
static bool
sync_find(struct tome_map *map, tome_va_t va, tome_va_t end, struct punch *p,
    struct tome_name **name)
{
	struct tome_entry *en = tome_tree_find(&map->tree, va);

	while (en != NULL && en->start < end && (en->object == NULL ||
	    en->object->ops == NULL ||
	    !(tome_entry_flags(en) & TOME_ENTRY_SHARED)))
		en = tome_tree_next(&map->tree, en);
	if (en == NULL || en->start >= end)
		return false;
	punch_take(p, en, en->start > va ? en->start : va, end);
	*name = tome_name_ref(en->name);
	return true;
}

enum tome_err
tome_map_sync(struct tome_map *map, tome_va_t start, tome_va_t len)
{
	struct punch p = { .next = start };
	struct tome_name *name;
	enum tome_err err = TOME_OK;
	bool found;

	while (err == TOME_OK && p.next < start + len) {
		tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
		found = sync_find(map, p.next, start + len, &p, &name);
		tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
		if (!found)
			break;
		err = p.object->ops->sync(name != NULL ? name->opener : NULL,
		    p.object, p.first, p.n);
		tome_name_unref(map->vm, name);
		tome_object_drop(p.object);
	}
	return err;
}

/* ---- POPULATE ---- */

static tome_va_t
mapped_until(struct tome_map *map, tome_va_t start, tome_va_t end)
{
	tome_va_t to;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	to = tome_range_mapped(map, start, end);
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	return to;
}

/* In the terms of madvise(2). A hole is not touched: no stack grows into it. */
static enum tome_err
advise_populate(struct tome_map *map, tome_va_t start, tome_va_t end,
    tome_prot_t access)
{
	tome_va_t to = mapped_until(map, start, end);

	switch (tome_map_populate(map, start, to, access)) {
	case TOME_OK:
		return to < end ? TOME_ENOMEM : TOME_OK;
	case TOME_EACCES:
		return TOME_EINVAL;
	case TOME_ENXIO:
	case TOME_EIO:
		return TOME_EFAULT;
	default:
		return TOME_ENOMEM;
	}
}
