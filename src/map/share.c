/*
 * share.c - private memory that parent and child are to share from now on.
 *
 * At fork, a private entry with inheritance SHARE becomes a shared mapping of a new
 * anonymous object that takes over its content: the object's amap shares the
 * chunks, with page numbers equal to the entry's slots. What the entry saw of an
 * object below it, the new object inherits from that as its parent.
 *
 * Locks: the map's.
 */
#include <map/edit.h>

static enum tome_err share_entry(struct tome_map *, struct tome_entry *)
    TOME_NODISCARD;
static enum tome_err share_content(struct tome_entry *,
    struct tome_object *) TOME_NODISCARD;

/* An object may have one parent above it, and inherits all of it: entries that see
 * less, or more, are copied after all. */
static bool
is_shareable(const struct tome_entry *en)
{
	return en->inherit == TOME_INHERIT_SHARE &&
	    (tome_entry_flags(en) & (TOME_ENTRY_SHARED | TOME_ENTRY_GUARD)) == 0 &&
	    en->limit == 0 && (en->object == NULL ||
	    (en->object->kind == TOME_OBJECT_ANON &&
	    en->object->parent == NULL));
}

enum tome_err
tome_map_share_private(struct tome_map *map)
{
	struct tome_entry *en = tome_tree_find(&map->tree, 0);
	enum tome_err err = TOME_OK;

	for (; en != NULL && err == TOME_OK;
	    en = tome_tree_next(&map->tree, en))
		if (is_shareable(en))
			err = share_entry(map, en);
	return err;
}

static enum tome_err
share_entry(struct tome_map *map, struct tome_entry *en)
{
	struct tome_object *ob, *below = en->object;
	struct tome_edit ed;
	uint64_t slot = tome_rd(&en->slot);
	enum tome_err err = tome_object_create_anon(map->vm,
	    (slot + tome_entry_pages(en)) << TOME_PAGE_SHIFT, below,
	    en->offset - slot, &ob);

	if (err != TOME_OK)
		return err;
	tome_edit_init(&ed, map);
	tome_edit_touch(&ed, en);
	err = share_content(en, ob);
	if (err == TOME_OK) {
		tome_edit_unmap(&ed, en->start, en->end);
		tome_edit_flush(&ed);
		tome_entry_uncount(map, en);
		tome_wr(&en->object, ob);
		tome_wr(&en->offset, en->slot);
		if (en->flags & TOME_ENTRY_CHARGED)
			tome_object_charge(ob, tome_entry_pages(en));
		tome_wr(&en->flags, ((en->flags |
		    TOME_ENTRY_SHARED) & ~(TOME_ENTRY_NEEDS_COPY |
		    TOME_ENTRY_CHARGED)));
		tome_entry_count(map, en);
		ob = below;
	}
	tome_edit_finish(&ed);
	tome_edit_release(&ed);
	if (ob != NULL)
		tome_object_drop(ob);
	return err;
}

/* Nobody else knows the object yet: its amap can be exchanged. */
static enum tome_err
share_content(struct tome_entry *en, struct tome_object *ob)
{
	struct tome_amap *am, *old = en->amap;
	enum tome_err err;

	if (old == NULL)
		return TOME_OK;
	err = tome_amap_share(old, en->slot,
	    en->slot + tome_entry_pages(en) - 1, &am);
	if (err != TOME_OK)
		return err;
	am->object = true;
	tome_amap_unref(ob->amap);
	ob->amap = am;
	tome_wr(&en->amap, NULL);
	tome_amap_unref(old);
	return TOME_OK;
}
