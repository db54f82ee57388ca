/*
 * iterate.c - looking at a map: regions, in order or by address, and the key of an
 * address.
 *
 * A region is a run of entries that differ in nothing a user can name: where their
 * memory lies in different amaps they stay several entries, and are shown as one.
 *
 * Locks: take the map's.
 */
#include <base/memory.h>
#include <map/edit.h>

static void region_fill(const struct tome_entry *, struct tome_region *);

/* The end of the run that begins with en. */
tome_va_t
tome_entry_run_end(struct tome_map *map, struct tome_entry *en)
{
	struct tome_entry *next;

	while ((next = tome_tree_next(&map->tree, en)) != NULL &&
	    tome_entry_alike(en, next))
		en = next;
	return en->end;
}

static struct tome_entry *
run_first(struct tome_map *map, struct tome_entry *en)
{
	struct tome_entry *prev;

	while ((prev = tome_tree_prev(&map->tree, en)) != NULL &&
	    tome_entry_alike(prev, en))
		en = prev;
	return en;
}

/* A region that grew down over the cookie since is shown from there on. */
bool
tome_map_next(struct tome_map *map, tome_va_t *cookie, struct tome_region *out)
{
	struct tome_entry *en;
	uint64_t shown;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	en = tome_tree_find(&map->tree, *cookie);
	if (en != NULL) {
		region_fill(en, out);
		out->end = tome_entry_run_end(map, en);
		shown = *cookie > en->start ? *cookie - en->start : 0;
		out->start += (tome_va_t)shown;
		out->offset += out->object != NULL ? shown : 0;
		*cookie = out->end;
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	return en != NULL;
}

enum tome_err
tome_map_lookup(struct tome_map *map, tome_va_t va, struct tome_region *out)
{
	struct tome_entry *en;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	en = tome_tree_find(&map->tree, va);
	if (en != NULL) {
		en = run_first(map, en);
		region_fill(en, out);
		out->end = tome_entry_run_end(map, en);
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	return en != NULL ? TOME_OK : TOME_ENOENT;
}

static void
region_fill(const struct tome_entry *en, struct tome_region *out)
{
	memset(out, 0, sizeof *out);
	out->start = en->start;
	out->end = en->end;
	out->prot = en->prot;
	out->max_prot = en->max_prot;
	out->shared = tome_entry_flags(en) & TOME_ENTRY_SHARED;
	out->growsdown = tome_entry_flags(en) & TOME_ENTRY_GROWSDOWN;
	out->wired = tome_entry_flags(en) & TOME_ENTRY_WIRED;
	out->onfault = tome_entry_flags(en) & TOME_ENTRY_ONFAULT;
	out->guard = tome_entry_flags(en) & TOME_ENTRY_GUARD;
	out->keep = tome_entry_flags(en) & TOME_ENTRY_KEEP;
	out->nodump = tome_entry_flags(en) & TOME_ENTRY_NODUMP;
	out->inherit = (enum tome_inherit)en->inherit;
	out->advice = (enum tome_advice)en->advice;
	out->object = en->object;
	if (en->object != NULL) {
		out->object_id = tome_object_id(en->object);
		out->object_tag = tome_object_tag(en->object);
		out->offset = en->offset << TOME_PAGE_SHIFT;
	}
	out->tag = en->tag;
	if (en->name != NULL)
		memcpy(out->name, en->name->text, sizeof out->name);
}

enum tome_err
tome_map_key(struct tome_map *map, tome_va_t va, struct tome_key *out)
{
	enum tome_err err = TOME_EFAULT;
	struct tome_entry *en;

	tome_mutex_lock(map->vm, &map->lock, TOME_RANK_MAP);
	en = tome_tree_find(&map->tree, va);
	if (en != NULL && en->start <= va) {
		err = TOME_OK;
		out->space = map->id | (uint64_t)1 << 63;
		out->offset = va;
		if (tome_entry_flags(en) & TOME_ENTRY_SHARED) {
			out->space = tome_object_id(en->object);
			out->offset = (en->offset << TOME_PAGE_SHIFT) +
			    (va - en->start);
		}
	}
	tome_mutex_unlock(map->vm, &map->lock, TOME_RANK_MAP);
	return err;
}
