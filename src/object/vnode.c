/*
 * vnode.c - a file's object: its life, and how others reach its pages.
 *
 * Invariants: a page in the tree has identity CACHE, its owner is the object, its
 *   index its place; it is STRAY exactly when it has left the tree.
 * Locks: a page's, then the tree's (vnode.h).
 */
#include <base/memory.h>
#include <object/vnode.h>
#include <tome/look.h>

static enum tome_err files_start(struct tome_vm *) TOME_NODISCARD;
static enum tome_err vnode_hold(struct tome_object *, tome_pgoff_t,
    enum tome_hold, struct tome_held *) TOME_NODISCARD;
static enum tome_err vnode_lacks(struct tome_object *, tome_pgoff_t,
    struct tome_fill *, enum tome_lack);
static void vnode_release(struct tome_held *);
static tome_pfn_t vnode_beside(struct tome_held *, int distance);
static void vnode_beside_end(struct tome_held *, tome_pfn_t);
static enum tome_err vnode_meet(struct tome_fill *) TOME_NODISCARD;
static void vnode_put(struct tome_object *, tome_pfn_t, bool written);
static void vnode_shrink(struct tome_object *, tome_pgoff_t first,
    uint64_t len);
static bool vnode_punches(const struct tome_object *);
static bool vnode_present(struct tome_object *, tome_pgoff_t);
static uint64_t vnode_resident(struct tome_object *);
static bool vnode_next(struct tome_object *, struct tome_object_look *);
static bool vnode_end(struct tome_object *);
static const char *vnode_check(struct tome_object *);

static const struct tome_object_ops vnode_ops = {
	.hold = vnode_hold,
	.release = vnode_release,
	.beside = vnode_beside,
	.beside_end = vnode_beside_end,
	.meet = vnode_meet,
	.put = vnode_put,
	.shrink = vnode_shrink,
	.punch = tome_vnode_punch,
	.punches = vnode_punches,
	.present = vnode_present,
	.sync = tome_opener_sync,
	.resident = vnode_resident,
	.next = vnode_next,
	.end = vnode_end,
	.settle = tome_vnode_settle,
	.check = vnode_check,
};

/* ---- life ---- */

enum tome_err
tome_object_create_vnode(struct tome_vm *vm, const struct tome_pager *pager,
    void *ctx, uint64_t len, struct tome_object **out)
{
	struct tome_object *ob;
	struct tome_vnode *vn;
	enum tome_err err;

	if (pager->max_pages == 0 || pager->max_pages > TOME_PAGER_MAX)
		return TOME_EINVAL;
	if (len > (uint64_t)UINT32_MAX << TOME_PAGE_SHIFT)
		return TOME_EFBIG;
	err = files_start(vm);
	if (err != TOME_OK)
		return err;
	vn = tome_kzalloc(vm, sizeof *vn);
	if (vn == NULL)
		return TOME_ENOMEM;
	vn->pager = *pager;
	vn->ctx = ctx;
	err = tome_object_new(vm, TOME_OBJECT_VNODE, &ob);
	if (err != TOME_OK) {
		tome_kfree(vm, vn);
		return err;
	}
	ob->len = len;
	ob->ops = &vnode_ops;
	ob->vnode = vn;
	tome_object_link(ob);
	*out = ob;
	return TOME_OK;
}

/*
 * No name is left, so no transfer is under way: each has one. What is dirty is
 * written first (tome_vnode_settle), by transfers that name the object again.
 */
static bool
vnode_end(struct tome_object *ob)
{
	struct tome_vnode *vn = ob->vnode;

	if (tome_rd(&vn->tree.tagged[TOME_PAGETAG_DIRTY]) != 0) {
		tome_wr(&ob->refs, 1);
		tome_vnode_end_later(ob);
		return false;
	}
	tome_vnode_empty(ob);
	tome_pagetree_end(ob->vm, &vn->tree);
	if (vn->pager.gone != NULL)
		vn->pager.gone(vn->ctx);
	return true;
}

/* ---- the instance's ---- */

static enum tome_err
files_start(struct tome_vm *vm)
{
	struct tome_objects *all = vm->objects;
	enum tome_err err = TOME_OK;

	tome_mutex_lock(vm, &all->files_lock, TOME_RANK_MAP);
	if (all->files == NULL)
		err = tome_files_create(vm);
	tome_mutex_unlock(vm, &all->files_lock, TOME_RANK_MAP);
	return err;
}

/* ---- pages ---- */

struct tome_page *
tome_vnode_find(struct tome_object *ob, tome_pgoff_t pg,
    struct tome_pagespot *s)
{
	struct tome_page *page;

	for (;;) {
		*s = tome_pagetree_find(&ob->vnode->tree, pg);
		if (s->pfn == TOME_PFN_NONE)
			return NULL;
		page = tome_page(ob->vm, s->pfn);
		tome_vpage_lock(ob->vm, page);
		if (tome_likely(!tome_vpage_is(page, TOME_PAGE_STRAY)))
			return page;
		tome_vpage_unlock(ob->vm, page);
	}
}

/* The length is read under the page's lock: a truncation stores it before it visits
 * the pages. */
static enum tome_err
vnode_hold(struct tome_object *ob, tome_pgoff_t pg, enum tome_hold how,
    struct tome_held *h)
{
	struct tome_vnode *vn = ob->vnode;
	enum tome_err err = TOME_OK;
	struct tome_page *page;

	if (pg >= tome_object_npages(ob))
		return TOME_ENXIO;
	page = tome_vnode_find(ob, pg, &h->spot);
	if (page == NULL)
		return vnode_lacks(ob, pg, h->fill, TOME_LACK_READ);
	if (pg >= tome_object_npages(ob))
		err = TOME_ENXIO;
	else if (tome_unlikely(tome_vpage_is(page, TOME_PAGE_FILL)))
		err = vnode_lacks(ob, pg, h->fill, TOME_LACK_READ);
	else if (how == TOME_HOLD_WRITE && vn->pager.write == NULL)
		err = TOME_EACCES;
	else if (how == TOME_HOLD_WRITE &&
	    !tome_pagetree_has(&h->spot, TOME_PAGETAG_DIRTY)) {
		if (vn->pager.write_notify != NULL ||
		    tome_vnode_crowded(ob->vm))
			err = vnode_lacks(ob, pg, h->fill, TOME_LACK_NOTIFY);
		else
			tome_vnode_dirty(ob, pg);
	}
	if (err != TOME_OK) {
		tome_vpage_unlock(ob->vm, page);
		return err;
	}
	if (how == TOME_HOLD_WRITE && tome_rd_relaxed(&vn->mapped) == 0)
		tome_wr(&vn->mapped, 1);
	h->file = true;
	h->object = ob;
	h->pfn = h->spot.pfn;
	h->read_only = how != TOME_HOLD_WRITE;
	return TOME_OK;
}

static enum tome_err
vnode_lacks(struct tome_object *ob, tome_pgoff_t pg, struct tome_fill *fill,
    enum tome_lack lack)
{
	if (!tome_object_try_ref(ob))
		lack = TOME_LACK_AGAIN;
	fill->object = ob;
	fill->page = (uint32_t)pg;
	fill->lack = (uint8_t)lack;
	fill->payer = 0;
	return TOME_RETRY;
}

static enum tome_err
vnode_meet(struct tome_fill *fill)
{
	struct tome_object *ob = fill->object;
	enum tome_err err = fill->lack == TOME_LACK_READ ?
	    tome_vnode_read(ob, fill->page, fill->alone, fill->payer) :
	    tome_vnode_notify(ob, fill->page);

	tome_object_drop(ob);
	return err;
}

static void
vnode_release(struct tome_held *h)
{
	tome_vpage_unlock(h->object->vm, tome_page(h->object->vm, h->pfn));
}

static tome_pfn_t
vnode_beside(struct tome_held *h, int distance)
{
	struct tome_vm *vm = h->object->vm;
	tome_pfn_t pfn = tome_pagetree_beside(&h->spot, distance);
	struct tome_page *page;

	if (pfn == TOME_PFN_NONE)
		return TOME_PFN_NONE;
	page = tome_page(vm, pfn);
	if (!tome_bit_trylock(vm, &page->state, TOME_PAGE_LOCK,
	    TOME_RANK_OBJECT_ANON))
		return TOME_PFN_NONE;
	if (!tome_vpage_is(page, TOME_PAGE_STRAY | TOME_PAGE_FILL) &&
	    page->index < tome_object_npages(h->object))
		return pfn;
	tome_vpage_unlock(vm, page);
	return TOME_PFN_NONE;
}

static void
vnode_beside_end(struct tome_held *h, tome_pfn_t pfn)
{
	tome_vpage_unlock(h->object->vm, tome_page(h->object->vm, pfn));
}

/* A page that left while it was borrowed is freed by the last to give it back. */
static void
vnode_put(struct tome_object *ob, tome_pfn_t pfn, bool written)
{
	struct tome_vm *vm = ob->vm;
	struct tome_page *page = tome_page(vm, pfn);
	uint32_t now;

	if (written) {
		tome_vpage_lock(vm, page);
		if (!tome_vpage_is(page, TOME_PAGE_STRAY))
			tome_vnode_dirty(ob, page->index);
		tome_or(&page->state, TOME_PAGE_STALE_CODE);
		tome_vpage_unlock(vm, page);
	}
	if (!tome_vpage_is(page, TOME_PAGE_ACCESSED))
		tome_or(&page->state, TOME_PAGE_ACCESSED);
	now = __atomic_sub_fetch((uint32_t *)&page->state, TOME_PAGE_WIRE_ONE,
	    __ATOMIC_ACQ_REL);
	if (tome_unlikely(now & TOME_PAGE_ORPHAN) && now < TOME_PAGE_WIRE_ONE) {
		tome_and(&page->state, ~TOME_PAGE_ORPHAN);
		tome_vnode_stray(vm, page);
	}
}

/* What is not resident needs no zeroes: its pager gives them. */
static void
vnode_shrink(struct tome_object *ob, tome_pgoff_t first, uint64_t len)
{
	size_t at = (size_t)(len & TOME_PAGE_MASK);
	struct tome_pagespot s;
	struct tome_page *page = NULL;
	uint8_t *bytes;

	tome_epoch_enter(ob->vm);
	if (at != 0)
		page = tome_vnode_find(ob, first - 1, &s);
	if (page != NULL) {
		bytes = tome_frame_window(ob->vm, s.pfn);
		memset(bytes + at, 0, (size_t)TOME_PAGE_SIZE - at);
		tome_frame_window_end(ob->vm, s.pfn, bytes);
		tome_vpage_unlock(ob->vm, page);
	}
	tome_epoch_leave(ob->vm);
	/* One whose transfer never ends leaves when it does (see finish). */
	(void)!tome_vnode_drop(ob, first, UINT64_MAX);
}

static bool
vnode_punches(const struct tome_object *ob)
{
	return ob->vnode->pager.punch != NULL;
}

static bool
vnode_present(struct tome_object *ob, tome_pgoff_t pg)
{
	struct tome_pagespot s;
	bool there;

	tome_epoch_enter(ob->vm);
	s = tome_pagetree_find(&ob->vnode->tree, pg);
	there = s.pfn != TOME_PFN_NONE &&
	    !tome_vpage_is(tome_page(ob->vm, s.pfn), TOME_PAGE_FILL);
	tome_epoch_leave(ob->vm);
	return there;
}

static uint64_t
vnode_resident(struct tome_object *ob)
{
	return tome_rd(&ob->vnode->tree.resident);
}

static tome_cold bool
vnode_next(struct tome_object *ob, struct tome_object_look *out)
{
	struct tome_pagetree *t = &ob->vnode->tree;
	struct tome_pagespot s;

	for (; tome_pagetree_next(t, &out->page, UINT64_MAX, TOME_PAGETAGS);
	    out->page++) {
		s = tome_pagetree_find(t, out->page);
		if (s.pfn == TOME_PFN_NONE)
			continue;
		out->pfn = s.pfn;
		out->dirty = tome_pagetree_has(&s, TOME_PAGETAG_DIRTY);
		return true;
	}
	return false;
}

void
tome_object_pages(struct tome_object *ob, struct tome_object_pages *out)
{
	struct tome_vnode *vn = ob->vnode;

	*out = (struct tome_object_pages){ 0 };
	if (vn == NULL)
		return;
	out->resident = tome_rd(&vn->tree.resident);
	out->dirty = tome_rd(&vn->tree.tagged[TOME_PAGETAG_DIRTY]);
	out->writing = tome_rd(&vn->tree.tagged[TOME_PAGETAG_WRITING]);
}

/* ---- invariant 3 ---- */

static const char *
vnode_check(struct tome_object *ob)
{
	struct tome_pagetree *t = &ob->vnode->tree;
	uint64_t n = 0, dirty = 0, index;

	for (index = 0; tome_pagetree_next(t, &index, UINT64_MAX,
	    TOME_PAGETAGS); index++) {
		struct tome_pagespot s = tome_pagetree_find(t, index);
		struct tome_page *page = tome_page(ob->vm, s.pfn);

		if (tome_page_identity(page) != TOME_PAGE_CACHE ||
		    page->owner != ob || page->index != index ||
		    tome_vpage_is(page, TOME_PAGE_STRAY | TOME_PAGE_LOCK))
			return "3: a file's page is not its own";
		if (index >= tome_object_npages(ob) &&
		    !tome_vpage_is(page, TOME_PAGE_BUSY))
			return "3: a file has a page beyond its end";
		dirty += tome_pagetree_has(&s, TOME_PAGETAG_DIRTY);
		n++;
	}
	if (n != t->resident || dirty != t->tagged[TOME_PAGETAG_DIRTY])
		return "11: a file's pages are not as many as counted";
	return NULL;
}
