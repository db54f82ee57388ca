/*
 * vnode_drop.c - pages that leave their file: truncated, evicted, or never read.
 *
 * A page that left is STRAY: whoever found it in the tree sees that under its lock.
 * Its frame is freed when every CPU has left the epoch in which it could have been
 * found, or in which somebody took a translation of it away and has yet to flush
 * (invariant 5, F14: tome_stray()).
 */
#include <base/memory.h>
#include <object/vnode.h>

static bool doom(struct tome_object *, tome_pgoff_t);
static bool forget_next(struct tome_object *, tome_pgoff_t *,
    tome_pgoff_t last, bool clean, struct tome_page **busy);

/* Out of the tree. The page is locked, and s names it. */
static void
page_leave(struct tome_object *ob, struct tome_page *page,
    struct tome_pagespot *s)
{
	struct tome_vm *vm = ob->vm;
	struct tome_pagetree *t = &ob->vnode->tree;
	bool dirty;

	tome_pagetree_lock(vm, t);
	*s = tome_pagetree_find(t, page->index);
	dirty = tome_pagetree_has(s, TOME_PAGETAG_DIRTY);
	tome_pagetree_remove(vm, t, page->index);
	tome_pagetree_unlock(vm, t);
	if (dirty)
		tome_add(&vm->objects->files->dirty, (uint64_t)-1);
	if (tome_unlikely(page->next != 0))
		tome_vnode_unpaid(vm, page);
	tome_or(&page->state, TOME_PAGE_STRAY);
	page->index = s->pfn;
}

/* Who borrowed it frees it, if he is not done by now. */
static void
page_left(struct tome_vm *vm, struct tome_page *page)
{
	tome_vpage_unlock(vm, page);
	if (tome_page_wired(page) > 0) {
		if (tome_or(&page->state, TOME_PAGE_ORPHAN) >=
		    TOME_PAGE_WIRE_ONE)
			return;
		tome_and(&page->state, ~TOME_PAGE_ORPHAN);
	}
	tome_vnode_stray(vm, page);
}

/* Its translations first: whoever finds no page may take it that nobody sees the one
 * there was. */
void
tome_vnode_take(struct tome_object *ob, struct tome_page *page, tome_pfn_t pfn)
{
	struct tome_pagespot s;

	tome_page_protect(ob->vm, pfn, TOME_PROT_NONE);
	page_leave(ob, page, &s);
	page_left(ob->vm, page);
}

/* Its index is its own frame's number. */
void
tome_vnode_stray(struct tome_vm *vm, struct tome_page *page)
{
	tome_stray(vm, &vm->objects->files->strays, page->index);
}

/* ---- ranges ---- */

enum tome_err
tome_vnode_drop(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t last)
{
	enum tome_err err = TOME_OK;
	tome_pgoff_t pg = first;
	struct tome_page *busy;

	if (last > UINT32_MAX)
		last = UINT32_MAX;
	while (forget_next(ob, &pg, last, false, &busy))
		if (busy != NULL && tome_vnode_wait(ob, busy,
		    TOME_PAGE_BUSY) != TOME_OK && doom(ob, pg)) {
			err = TOME_EIO;
			pg++;
		}
	return err;
}

/* It leaves when its transfer ends, and cannot be had until then. False: that ended. */
static bool
doom(struct tome_object *ob, tome_pgoff_t pg)
{
	struct tome_vm *vm = ob->vm;
	struct tome_pagespot s;
	struct tome_page *page;
	bool busy;

	tome_epoch_enter(vm);
	page = tome_vnode_find(ob, pg, &s);
	busy = page != NULL && tome_vpage_is(page, TOME_PAGE_BUSY);
	if (busy) {
		tome_or(&page->state, TOME_PAGE_DOOMED);
		tome_page_protect(vm, s.pfn, TOME_PROT_NONE);
	}
	if (page != NULL)
		tome_vpage_unlock(vm, page);
	tome_epoch_leave(vm);
	return busy;
}

/*
 * From here on nothing of the range is put into the tree (fill_add looks after it has
 * done so, under the lock that this takes): who wants it waits for the end.
 */
static void
hole_begin(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t last)
{
	struct tome_vnode *vn = ob->vnode;
	uint64_t end = last < UINT32_MAX ? last + 1 : UINT32_MAX;

	tome_pagetree_lock(ob->vm, &vn->tree);
	if (first < end)
		tome_wr(&vn->hole, (uint64_t)first << 32 | end);
	tome_pagetree_unlock(ob->vm, &vn->tree);
}

static void
hole_end(struct tome_object *ob)
{
	tome_wr(&ob->vnode->hole, 0);
	tome_io_progress(ob->vm, tome_io_bucket(ob));
}

/* Nothing dirty is left that could reach the store after its hole was made, and nobody
 * reads what it had before. */
enum tome_err
tome_vnode_punch(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t last)
{
	const struct tome_vnode *vn = ob->vnode;
	enum tome_err err;

	hole_begin(ob, first, last);
	err = tome_vnode_drop(ob, first, last);
	if (err == TOME_OK && vn->pager.punch != NULL)
		err = vn->pager.punch(vn->ctx, first, last - first + 1);
	hole_end(ob);
	return err;
}

/* Nothing maps it either. */
void
tome_vnode_empty(struct tome_object *ob)
{
	struct tome_pagespot s;
	struct tome_page *page;
	uint64_t pg = 0;

	tome_epoch_enter(ob->vm);
	while (tome_pagetree_next(&ob->vnode->tree, &pg, UINT32_MAX,
	    TOME_PAGETAGS)) {
		page = tome_vnode_find(ob, pg, &s);
		TOME_CHECK(ob->vm, !tome_vpage_is(page, TOME_PAGE_BUSY));
		page_leave(ob, page, &s);
		page_left(ob->vm, page);
	}
	tome_epoch_leave(ob->vm);
}

uint64_t
tome_object_discard_clean(struct tome_object *ob, tome_pgoff_t first,
    tome_pgoff_t n)
{
	tome_pgoff_t pg = first, last = n == 0 || first + n < first ?
	    UINT32_MAX : first + n - 1;
	struct tome_page *busy;
	uint64_t gone = 0;

	if (ob->kind != TOME_OBJECT_VNODE)
		return 0;
	while (forget_next(ob, &pg, last, true, &busy)) {
		if (busy != NULL)
			pg++;
		else
			gone++;
	}
	return gone;
}

/*
 * The next page of the range leaves; false: there is none. *busy: this one, at *pg,
 * could not. `clean`: neither could one that is dirty, mapped or borrowed.
 */
static bool
forget_next(struct tome_object *ob, tome_pgoff_t *pg, tome_pgoff_t last,
    bool clean, struct tome_page **busy)
{
	struct tome_vm *vm = ob->vm;
	struct tome_pagespot s;
	struct tome_page *page = NULL;
	uint64_t index = *pg;

	*busy = NULL;
	tome_epoch_enter(vm);
	while (page == NULL && tome_pagetree_next(&ob->vnode->tree, &index,
	    last, TOME_PAGETAGS))
		page = tome_vnode_find(ob, index, &s);
	if (page != NULL && (tome_vpage_is(page, TOME_PAGE_BUSY) || (clean &&
	    (tome_pagetree_has(&s, TOME_PAGETAG_DIRTY) ||
	    tome_page_wired(page) > 0 || tome_page_mappings(vm, s.pfn) > 0)))) {
		*busy = page;
		tome_vpage_unlock(vm, page);
	} else if (page != NULL) {
		tome_vnode_take(ob, page, s.pfn);
	}
	tome_epoch_leave(vm);
	*pg = index;
	return page != NULL;
}

/* ---- eviction ---- */

/*
 * Lock the page if it is in a file, which is the result; what it is may change at any time
 * until then. One that is just being made has no owner yet.
 */
static struct tome_object *
evict_lock(struct tome_vm *vm, struct tome_page *page, enum tome_evict *why)
{
	struct tome_object *ob;
	uint32_t seen = tome_rd(&page->state);

	tome_host_preempt_off();
	do {
		*why = seen & TOME_PAGE_LOCK ? TOME_EVICT_BUSY :
		    TOME_EVICT_KEPT;
		if ((seen & TOME_PAGE_IDENTITY) != TOME_PAGE_CACHE ||
		    (seen & (TOME_PAGE_LOCK | TOME_PAGE_STRAY))) {
			tome_host_preempt_on();
			return NULL;
		}
	} while (!tome_cas_sc(&page->state, &seen, seen | TOME_PAGE_LOCK));
	tome_rank_acquire(vm, TOME_RANK_OBJECT_ANON, &page->state, true);
	ob = tome_rd(&page->owner);
	if (ob == NULL)
		tome_vpage_unlock(vm, page);
	return ob;
}

static bool
evict_spares(struct tome_vm *vm, struct tome_page *page, tome_pfn_t pfn)
{
	if (vm->objects->spares != NULL)
		return vm->objects->spares(vm, page, pfn);
	return tome_page_accessed(vm, pfn, true);
}

static enum tome_evict
evict_cools(struct tome_vm *vm, struct tome_page *page, tome_pfn_t pfn)
{
	vm->objects->cools(vm, page, pfn);
	return TOME_EVICT_USED;
}

enum tome_evict
tome_cache_evict(struct tome_vm *vm, struct tome_page *page,
    enum tome_evict_which which)
{
	struct tome_object *ob;
	struct tome_pagespot s;
	enum tome_evict what;
	tome_pgoff_t pg = 0;

	tome_epoch_enter(vm);
	ob = evict_lock(vm, page, &what);
	if (ob != NULL) {
		pg = page->index;
		s = tome_pagetree_find(&ob->vnode->tree, pg);
		what = TOME_EVICT_FREED;
		if (tome_vpage_is(page, TOME_PAGE_BUSY))
			what = TOME_EVICT_BUSY;
		else if (tome_page_wired(page) > 0)
			what = TOME_EVICT_KEPT;
		else if ((which == TOME_EVICT_OWN || which == TOME_EVICT_COOL) &&
		    tome_page_mappings(vm, s.pfn) > 1)
			what = TOME_EVICT_KEPT;
		else if (which == TOME_EVICT_COOL)
			what = evict_cools(vm, page, s.pfn);
		else if (which == TOME_EVICT_UNUSED &&
		    evict_spares(vm, page, s.pfn))
			what = TOME_EVICT_USED;
		else if (tome_pagetree_has(&s, TOME_PAGETAG_DIRTY))
			what = tome_object_try_ref(ob) ? TOME_EVICT_STARTED :
			    TOME_EVICT_BUSY;
		if (what == TOME_EVICT_FREED)
			tome_vnode_take(ob, page, s.pfn);
		else
			tome_vpage_unlock(vm, page);
	}
	tome_epoch_leave(vm);
	if (what == TOME_EVICT_STARTED) {
		tome_vnode_launder(ob, pg, pg + TOME_PAGER_MAX);
		tome_object_drop(ob);
	}
	return what;
}
