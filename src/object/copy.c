/*
 * copy.c - an object with the content of another, copied when one of them is written.
 *
 * The copy's amap shares the chunks of the original's, before anybody knows it. From
 * then on every fault finds the chunk shared and enters its pages read-only, or copies
 * them; what is left is to take the right to write from the translations that are there.
 *
 * Locks: the original's length. An anon while its translations are narrowed.
 */
#include <object/object_i.h>

static enum tome_err copy_content(struct tome_object *,
    struct tome_object **) TOME_NODISCARD;
static void amap_narrow(struct tome_amap *);
static void chunk_narrow(struct tome_amap *, struct tome_chunk *);

tome_cold enum tome_err
tome_object_copy(struct tome_object *ob, struct tome_object **out)
{
	enum tome_err err;

	if (ob->kind != TOME_OBJECT_ANON)
		return TOME_EINVAL;
	tome_mutex_lock(ob->vm, &ob->resize, TOME_RANK_MAP);
	err = copy_content(ob, out);
	tome_mutex_unlock(ob->vm, &ob->resize, TOME_RANK_MAP);
	return err;
}

static tome_cold enum tome_err
copy_content(struct tome_object *ob, struct tome_object **out)
{
	struct tome_amap *am;
	enum tome_err err = tome_amap_share(ob->amap, 0, UINT64_MAX, &am);

	if (err != TOME_OK)
		return err;
	err = tome_object_create_over(am, tome_rd(&ob->len), ob->parent,
	    ob->parent_page, out);
	if (err != TOME_OK)
		tome_amap_unref(am);
	else
		amap_narrow(am);
	return err;
}

/* The copy's. Nobody writes to it yet: a chunk that is not there any more was packed,
 * and has no translations. */
static tome_cold void
amap_narrow(struct tome_amap *am)
{
	uint64_t slot = 0;
	struct tome_dirent d;

	tome_epoch_enter(am->vm);
	while (tome_amap_next(am, &slot, UINT64_MAX, &d)) {
		if (!tome_dirent_lock(am, &d))
			continue;
		if (!tome_chunk_packed(d.chunk))
			chunk_narrow(am, d.chunk);
		tome_chunk_unlock(am, d.chunk);
	}
	tome_epoch_leave(am->vm);
}

static tome_cold void
chunk_narrow(struct tome_amap *am, struct tome_chunk *ch)
{
	for (unsigned i = 0; i < TOME_CHUNK_ANONS; i++) {
		struct tome_anon *an = ch->anon[i];

		if (an == NULL)
			continue;
		tome_anon_lock(am, an);
		if (tome_anon_resident(an))
			tome_page_protect(am->vm, an->pfn,
			    TOME_PROT_READ | TOME_PROT_EXEC);
		tome_anon_unlock(am, an);
	}
}
