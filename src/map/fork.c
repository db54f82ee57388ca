/*
 * fork.c - a copy of a space, by each entry's inheritance.
 *
 * Copies are deferred: both entries name one amap and are needs-copy. The child is
 * built in private and shown to nobody before it is whole; the parent's private
 * translations lose the right to write in one gather, while the numbers of their
 * entries are odd (models: fork).
 *
 * Locks: the parent's map. The child's is not needed.
 */
#include <map/edit.h>

/* How often pages are sent out for a child's root. */
#define ROOT_TRIES 8u

struct fork {
	struct tome_edit ed;		/* the parent's */
	struct tome_map *child;
	struct tome_entry *first;	/* child's entries, in order, chained */
	struct tome_entry *last;
};

static enum tome_err fork_child(struct fork *, struct tome_map *parent)
    TOME_NODISCARD;
static enum tome_err fork_build(struct fork *) TOME_NODISCARD;
static void fork_commit(struct fork *);
static void fork_undo(struct fork *);

enum tome_err
tome_map_fork(struct tome_map *parent, struct tome_map **child)
{
	struct fork f = { .first = NULL };
	enum tome_err err = fork_child(&f, parent);

	if (err != TOME_OK)
		return err;
	tome_edit_init(&f.ed, parent);
	tome_mutex_lock(parent->vm, &parent->lock, TOME_RANK_MAP);
	f.child->ledger = parent->ledger;
	err = tome_map_share_private(parent);
	if (err == TOME_OK)
		err = fork_build(&f);
	if (err == TOME_OK)
		fork_commit(&f);
	tome_mutex_unlock(parent->vm, &parent->lock, TOME_RANK_MAP);
	if (err != TOME_OK) {
		fork_undo(&f);
		return err;
	}
	*child = f.child;
	return TOME_OK;
}

/* ---- in private ---- */

/* A root may take a run of frames, which is there when more are free. */
static enum tome_err
fork_child(struct fork *f, struct tome_map *parent)
{
	unsigned tries = 0;
	enum tome_err err;

	do
		err = tome_map_create_like(parent, &f->child);
	while (err == TOME_ENOMEM && tries++ < ROOT_TRIES &&
	    tome_memory_found(parent->vm));
	return err;
}

/* Nothing of what the parent sees: zero, whatever lay below. */
static void
entry_forget(struct tome_entry *en)
{
	en->slot = en->start >> TOME_PAGE_SHIFT;
	if (en->object != NULL)
		tome_object_drop(en->object);
	en->object = NULL;
	en->offset = 0;
	en->limit = 0;
}

/* What the child gets of an entry, but for the amap. */
static struct tome_entry *
fork_entry(struct fork *f, const struct tome_entry *en)
{
	struct tome_entry *by = tome_entry_alloc(f->child);

	if (by == NULL)
		return NULL;
	tome_entry_copy(by, en);
	by->flags &= ~(TOME_ENTRY_WIRED | TOME_ENTRY_ONFAULT);
	if (by->inherit == TOME_INHERIT_ZERO &&
	    !(by->flags & TOME_ENTRY_SHARED))
		entry_forget(by);
	by->seq = 0;
	return by;
}

static struct tome_entry *
fork_next(void *arg)
{
	struct tome_entry **at = arg, *en = *at;

	if (en != NULL)
		*at = tome_entry_chained(en);
	return en;
}

static enum tome_err
fork_build(struct fork *f)
{
	struct tome_tree *tr = &f->ed.map->tree;
	struct tome_entry *en, *by;

	for (en = tome_tree_find(tr, 0); en != NULL;
	    en = tome_tree_next(tr, en)) {
		if (en->inherit == TOME_INHERIT_NONE ||
		    en->inherit == TOME_INHERIT_NONE_ZERO)
			continue;
		if ((tome_entry_flags(en) & TOME_ENTRY_CHARGED) &&
		    !tome_commit_allows(f->child->vm, tome_entry_pages(en), 0))
			return TOME_ENOMEM;
		by = fork_entry(f, en);
		if (by == NULL)
			return TOME_ENOMEM;
		if (f->last != NULL)
			tome_entry_chain(f->last, by);
		else
			f->first = by;
		f->last = by;
		tome_entry_count(f->child, by);
		f->child->nentries++;
	}
	en = f->first;
	return tome_tree_build(&f->child->tree, fork_next, &en);
}

static void
fork_undo(struct fork *f)
{
	struct tome_entry *en, *next;

	tome_tree_clear(&f->child->tree);
	f->child->nentries = 0;
	for (en = f->first; en != NULL; en = next) {
		next = tome_entry_chained(en);
		tome_entry_uncount(f->child, en);
		tome_entry_drop(f->child->vm, en);
		tome_entry_free(f->child->vm, en);
	}
	tome_map_unref(f->child);
}

/* ---- the parent ---- */

static bool
is_copied(const struct tome_entry *en)
{
	return en->inherit == TOME_INHERIT_COPY &&
	    (tome_entry_flags(en) & (TOME_ENTRY_SHARED | TOME_ENTRY_GUARD)) == 0;
}

/* Both name the amap from now on, and neither may write to it. */
static void
fork_share(struct fork *f, struct tome_entry *en, struct tome_entry *by)
{
	if (tome_entry_amap(en) == NULL)
		return;
	tome_edit_touch(&f->ed, en);
	by->amap = en->amap;
	by->slot = en->slot;
	tome_amap_ref(by->amap);
	by->flags |= TOME_ENTRY_NEEDS_COPY;
	tome_wr(&en->flags, en->flags | TOME_ENTRY_NEEDS_COPY);
	if (en->prot & TOME_PROT_WRITE)
		tome_edit_narrow(&f->ed, en->start, en->end,
		    en->prot & ~TOME_PROT_WRITE);
}

/* An entry without an amap has written nothing: what it maps is read-only. */
static void
fork_commit(struct fork *f)
{
	struct tome_tree *tr = &f->ed.map->tree;
	struct tome_entry *en = tome_tree_find(tr, 0), *by;

	for (by = f->first; by != NULL; by = tome_entry_chained(by)) {
		while (en->start < by->start)
			en = tome_tree_next(tr, en);
		if (is_copied(en))
			fork_share(f, en, by);
	}
	tome_edit_flush(&f->ed);
	tome_edit_finish(&f->ed);
	tome_edit_release(&f->ed);
}
