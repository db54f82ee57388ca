/*
 * grow.c - stacks that grow down to a touch below them.
 *
 * A guard gap of 256 pages stays between a stack and what lies below it, unless
 * that is a stack of its own or forbids every access. (Linux 4.12 on.)
 *
 * Locks: takes the map's.
 */
#include <map/edit.h>
#include <map/fault.h>

static enum tome_err grow_locked(struct tome_map *, tome_va_t va)
    TOME_NODISCARD;
static enum tome_err grow_edit(struct tome_edit *, tome_va_t va)
    TOME_NODISCARD;
static enum tome_err grow_beside(struct tome_edit *, struct tome_entry *,
    tome_va_t va) TOME_NODISCARD;
static enum tome_err grow_check(struct tome_map *,
    const struct tome_entry *below, const struct tome_entry *en,
    tome_va_t va) TOME_NODISCARD;

enum tome_err
tome_map_grow(struct tome_map *map, tome_va_t va)
{
	enum tome_err err;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	err = grow_locked(map, tome_page_floor(va));
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	return err;
}

static tome_noinline enum tome_err
grow_locked(struct tome_map *map, tome_va_t va)
{
	struct tome_edit ed;
	enum tome_err err;

	tome_edit_init(&ed, map);
	err = grow_edit(&ed, va);
	tome_edit_release(&ed);
	return err;
}

static enum tome_err
grow_edit(struct tome_edit *ed, tome_va_t va)
{
	struct tome_entry *below, *en;
	enum tome_err err;

	tome_tree_around(&ed->map->tree, va, &below, &en);
	if (below != NULL && below->end > va)
		return TOME_OK;
	if (en == NULL || va < ed->map->lo ||
	    !(tome_entry_flags(en) & TOME_ENTRY_GROWSDOWN))
		return TOME_EFAULT;
	err = grow_check(ed->map, below, en, va);
	if (err != TOME_OK)
		return err;
	tome_edit_touch(ed, en);
	if (tome_entry_extendable(en, true,
	    (en->start - va) >> TOME_PAGE_SHIFT)) {
		tome_edit_set_bounds(ed, en, va, en->end);
		tome_edit_finish(ed);
		return TOME_OK;
	}
	tome_edit_finish(ed);
	return grow_beside(ed, en, va);
}

/* A stack that fork shares grows by an entry of its own, which nobody can tell. */
static enum tome_err
grow_beside(struct tome_edit *ed, struct tome_entry *en, tome_va_t va)
{
	struct tome_entry *by;

	if (tome_edit_reserve(ed, va, 1) != TOME_OK)
		return TOME_ENOMEM;
	by = tome_edit_new(ed);
	tome_entry_copy(by, en);
	by->start = va;
	by->end = en->start;
	by->slot = va >> TOME_PAGE_SHIFT;
	by->offset -= tome_entry_pages(by);
	tome_edit_insert(ed, by);
	tome_edit_finish(ed);
	return TOME_OK;
}

/* Of the stack that begins with en, in however many entries. */
static uint64_t
stack_pages(struct tome_map *map, const struct tome_entry *en)
{
	uint64_t pages = 0;
	tome_va_t end = en->start;

	while (en != NULL && en->start == end &&
	    (tome_entry_flags(en) & TOME_ENTRY_GROWSDOWN)) {
		pages += tome_entry_pages(en);
		end = en->end;
		en = tome_tree_find(&map->tree, end);
	}
	return pages;
}

static enum tome_err
grow_check(struct tome_map *map, const struct tome_entry *below,
    const struct tome_entry *en, tome_va_t va)
{
	uint64_t more = (en->start - va) >> TOME_PAGE_SHIFT;

	if (below != NULL && va - below->end < TOME_STACK_GUARD &&
	    below->prot != TOME_PROT_NONE &&
	    !(tome_entry_flags(below) & (TOME_ENTRY_GROWSDOWN | TOME_ENTRY_GUARD)))
		return TOME_EFAULT;
	if (stack_pages(map, en) + more >
	    tome_limit_pages(map->limits.stack) ||
	    map->vpages + more > tome_limit_pages(map->limits.as))
		return TOME_EFAULT;
	if ((tome_entry_flags(en) & TOME_ENTRY_WIRED) && map->locked_pages + more >
	    tome_limit_pages(map->limits.locked))
		return TOME_EFAULT;
	if ((tome_entry_flags(en) & TOME_ENTRY_CHARGED) &&
	    !tome_commit_allows(map->vm, more, 0))
		return TOME_EFAULT;
	if (en->object != NULL && en->offset < more)
		return TOME_EFAULT;
	return TOME_OK;
}
