/*
 * look.c - what objects and frames hold, for whoever wants to see it.
 *
 * Locks: an anonymous object's chunk while it is looked at; the list of objects while the
 * names of an anon are counted: slots of the others are only read, inside the epoch.
 */
#include <object/object_i.h>
#include <tome/look.h>

/* No slot's number has this bit. */
#define FAR_ANON ((uint64_t)1 << 63)

static bool look_file(struct tome_object *, tome_pgoff_t from,
    struct tome_object_look *);
static bool look_anons(struct tome_object *, tome_pgoff_t from,
    struct tome_object_look *);
static bool look_chunk(struct tome_amap *, struct tome_dirent *,
    uint64_t base, tome_pgoff_t from, struct tome_object_look *);
static void look_packed(struct tome_vm *, const struct tome_dirent *,
    unsigned i, struct tome_object_look *);
static void look_slot(const struct tome_chunk *, unsigned i,
    struct tome_object_look *);
static unsigned anon_names(struct tome_vm *, tome_pgoff_t,
    const struct tome_anon *);
static bool object_has(struct tome_object *, uint64_t anon,
    tome_pgoff_t *page);
static struct tome_object *object_above(struct tome_vm *, uint64_t id);
static void look_home(struct tome_vm *, const struct tome_page *, tome_pfn_t,
    struct tome_page_look *);

tome_cold bool
tome_object_look(struct tome_object *ob, tome_pgoff_t from,
    struct tome_object_look *out)
{
	bool is = false;

	*out = (struct tome_object_look){ .names = 1 };
	tome_epoch_enter(ob->vm);
	if (ob->ops != NULL)
		is = look_file(ob, from, out);
	else if (ob->amap != NULL)
		is = look_anons(ob, from, out);
	if (out->anon != 0 && (out->anon & 1) == 0)
		out->names = anon_names(ob->vm, out->page,
		    (struct tome_anon *)(uintptr_t)out->anon);
	tome_epoch_leave(ob->vm);
	return is;
}

static tome_cold bool
look_file(struct tome_object *ob, tome_pgoff_t from,
    struct tome_object_look *out)
{
	out->page = from;
	return ob->ops->next(ob, out);
}

static tome_cold bool
look_anons(struct tome_object *ob, tome_pgoff_t from,
    struct tome_object_look *out)
{
	uint64_t slot = from;
	struct tome_dirent d;

	while (tome_amap_next(ob->amap, &slot, UINT64_MAX, &d))
		if (look_chunk(ob->amap, &d, slot - TOME_CHUNK_ANONS, from,
		    out))
			return true;
	return false;
}

/* One that was replaced meanwhile is looked up again. */
static tome_cold bool
look_chunk(struct tome_amap *am, struct tome_dirent *d, uint64_t base,
    tome_pgoff_t from, struct tome_object_look *out)
{
	unsigned i = from > base ? (unsigned)(from - base) : 0;

	while (d->chunk != NULL && !tome_dirent_lock(am, d))
		*d = tome_amap_find(am, base);
	if (d->chunk == NULL)
		return false;
	for (; i < TOME_CHUNK_ANONS && out->anon == 0; i++) {
		out->page = base + i;
		if (tome_chunk_packed(d->chunk))
			look_packed(am->vm, d, i, out);
		else
			look_slot(d->chunk, i, out);
	}
	tome_chunk_unlock(am, d->chunk);
	return out->anon != 0;
}

/* Known by its slot; or, if the slot is not known here, by where its number is. */
static tome_cold void
look_packed(struct tome_vm *vm, const struct tome_dirent *d, unsigned i,
    struct tome_object_look *out)
{
	const struct tome_chunk *ch = d->chunk;
	uint32_t count = tome_rd(&ch->count), word = tome_rd(&ch->word);
	uint64_t id;

	if (!(vm->objects->anon_pager->pages(d, &id) >> i & 1))
		return;
	out->names = word & TOME_CHUNK_PACK ? 1 : word & TOME_CHUNK_FAR ?
	    count - 1 : count;
	out->slot = word & TOME_CHUNK_FAR ? 0 : ch->slot[i];
	out->anon = word & TOME_CHUNK_FAR ? FAR_ANON | (id + i) << 1 | 1 :
	    (uint64_t)out->slot << 1 | 1;
}

static tome_cold void
look_slot(const struct tome_chunk *ch, unsigned i,
    struct tome_object_look *out)
{
	const struct tome_anon *an = ch->anon[i];

	if (an == NULL)
		return;
	out->anon = (uintptr_t)an;
	out->pfn = tome_rd(&an->pfn);
	out->slot = tome_rd_relaxed(&an->slot);
}

/* Copies of an object have their pages at the same index. */
static tome_cold unsigned
anon_names(struct tome_vm *vm, tome_pgoff_t page, const struct tome_anon *an)
{
	struct tome_objects *all = vm->objects;
	uintptr_t irq = tome_spin_lock(vm, &all->list_lock, TOME_RANK_QUEUE);
	const struct tome_object *ob;
	unsigned n = 0;

	for (ob = all->list; ob != NULL; ob = ob->next) {
		struct tome_chunk *ch = ob->amap == NULL ? NULL :
		    tome_amap_lookup(ob->amap, page).chunk;

		n += ch != NULL &&
		    tome_rd(&ch->anon[page & TOME_CHUNK_MASK]) == an;
	}
	tome_spin_unlock(vm, &all->list_lock, TOME_RANK_QUEUE, irq);
	return n;
}

/* Objects come and go meanwhile: they are taken in the order of their numbers. */
tome_cold bool
tome_anon_home(struct tome_vm *vm, uint64_t anon, struct tome_object **object,
    tome_pgoff_t *page)
{
	struct tome_object *ob;

	tome_epoch_enter(vm);
	ob = object_above(vm, 0);
	while (ob != NULL && !object_has(ob, anon, page))
		ob = object_above(vm, ob->id);
	tome_epoch_leave(vm);
	*object = ob;
	return ob != NULL;
}

static tome_cold bool
object_has(struct tome_object *ob, uint64_t anon, tome_pgoff_t *page)
{
	struct tome_object_look l = { .anon = 0 };
	tome_pgoff_t from = 0;

	while (ob->amap != NULL && look_anons(ob, from, &l) &&
	    l.anon != anon) {
		from = l.page + 1;
		l.anon = 0;
	}
	*page = l.page;
	return anon != 0 && l.anon == anon;
}

/* The one of the lowest number above this; in an epoch, in which it stays. */
static tome_cold struct tome_object *
object_above(struct tome_vm *vm, uint64_t id)
{
	struct tome_objects *all = vm->objects;
	uintptr_t irq = tome_spin_lock(vm, &all->list_lock, TOME_RANK_QUEUE);
	struct tome_object *ob, *next = NULL;

	for (ob = all->list; ob != NULL; ob = ob->next)
		if (ob->id > id && (next == NULL || ob->id < next->id))
			next = ob;
	tome_spin_unlock(vm, &all->list_lock, TOME_RANK_QUEUE, irq);
	return next;
}

tome_cold bool
tome_page_look(struct tome_vm *vm, tome_pfn_t pfn, struct tome_page_look *out)
{
	struct tome_page *pg = tome_page_try(vm, pfn);
	enum tome_identity is = pg == NULL ? TOME_PAGE_ABSENT :
	    tome_page_identity(pg);

	if (is == TOME_PAGE_ABSENT || is == TOME_PAGE_RESERVED)
		return false;
	*out = (struct tome_page_look){ .identity = is,
		.wired = tome_page_wired(pg),
		.busy = tome_rd(&pg->state) & TOME_PAGE_BUSY };
	out->pageable = is == TOME_PAGE_ANON || is == TOME_PAGE_CACHE;
	out->accessed = out->pageable && tome_page_accessed(vm, pfn, false);
	out->dirty = out->pageable && tome_page_modified(vm, pfn, false);
	if (is == TOME_PAGE_ANON)
		out->anon = (uintptr_t)tome_rd(&pg->owner);
	if (is == TOME_PAGE_CACHE)
		look_home(vm, pg, pfn, out);
	return true;
}

/*
 * A file's page: which file's, and what it knows of it. What is a file's in an epoch is
 * not another's before the epoch ends; one that is just being made has no owner yet.
 */
static tome_cold void
look_home(struct tome_vm *vm, const struct tome_page *pg, tome_pfn_t pfn,
    struct tome_page_look *out)
{
	struct tome_object_look there = { .names = 1 };
	struct tome_object *ob = NULL;

	tome_epoch_enter(vm);
	if ((tome_rd(&pg->state) & (TOME_PAGE_IDENTITY | TOME_PAGE_STRAY)) ==
	    TOME_PAGE_CACHE)
		ob = tome_rd(&pg->owner);
	if (ob != NULL) {
		out->object = ob;
		out->page = there.page = pg->index;
		out->dirty |= ob->ops->next(ob, &there) &&
		    there.pfn == pfn && there.dirty;
	}
	tome_epoch_leave(vm);
}
