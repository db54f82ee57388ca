/*
 * vnode_write.c - modified pages: how they come to be, are written, and how who
 * modified them hears of a failure.
 *
 * Writing a page: clean and BUSY first, its translations narrowed to reading, then
 * wait until nobody who took a translation away has yet to flush (F14), then the
 * transfer. So whatever is modified later makes the page dirty again, and what was
 * modified before is in the transfer.
 *
 * An error is a word per file: the error, a number that changes with each that
 * somebody was told, and whether anybody was. Each opener keeps the word he saw.
 */
#include <base/memory.h>
#include <object/vnode.h>

#define ERROR_CODE 0xffu
#define ERROR_SEEN 0x100u
#define ERROR_STEP 0x200u

/* Who waits for others' transfers looks again after so long. */
#define PAUSE_NS 100000000u
#define THROTTLE_TRIES 20u

static unsigned write_run(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t last);
static bool write_add(struct tome_vnode_io *, tome_pgoff_t,
    struct tome_io_vec *);
static void write_finish(struct tome_io *);
static enum tome_err write_settled(struct tome_object *,
    tome_pgoff_t) TOME_NODISCARD;
static enum tome_err sync_range(struct tome_object *, tome_pgoff_t first,
    tome_pgoff_t n) TOME_NODISCARD;
static enum tome_err sync_pause(struct tome_object *,
    tome_pgoff_t) TOME_NODISCARD;
static bool next_tagged(struct tome_object *, tome_pgoff_t *, tome_pgoff_t last,
    enum tome_pagetag);

static inline struct tome_files *
files_of(struct tome_vm *vm)
{
	return tome_rd(&vm->objects->files);
}

static uint64_t
now_ns(struct tome_vm *vm)
{
	return vm->host->clock_ns(vm->ctx);
}

/* ---- becoming dirty ---- */

void
tome_vnode_dirty(struct tome_object *ob, tome_pgoff_t pg)
{
	struct tome_vnode *vn = ob->vnode;
	bool more;

	tome_pagetree_lock(ob->vm, &vn->tree);
	more = tome_pagetree_tag(&vn->tree, pg, TOME_PAGETAG_DIRTY, true);
	if (more && tome_rd(&vn->tree.tagged[TOME_PAGETAG_DIRTY]) == 1)
		tome_wr(&vn->dirty_since, now_ns(ob->vm));
	tome_pagetree_unlock(ob->vm, &vn->tree);
	if (more)
		tome_add(&files_of(ob->vm)->dirty, 1);
}

enum tome_err
tome_vnode_notify(struct tome_object *ob, tome_pgoff_t pg)
{
	struct tome_vnode *vn = ob->vnode;
	enum tome_err err = TOME_OK;
	struct tome_pagespot s;
	struct tome_page *page;

	tome_vnode_throttle(ob->vm);
	if (vn->pager.write_notify != NULL)
		err = vn->pager.write_notify(vn->ctx, pg);
	if (err != TOME_OK)
		return err;
	tome_epoch_enter(ob->vm);
	page = tome_vnode_find(ob, pg, &s);
	if (page != NULL) {
		if (!tome_vpage_is(page, TOME_PAGE_FILL))
			tome_vnode_dirty(ob, pg);
		tome_vpage_unlock(ob->vm, page);
	}
	tome_epoch_leave(ob->vm);
	return TOME_OK;
}

/* ---- writing ---- */

/* Start to write the run of dirty pages at `first`. How many; 0: it is not dirty, being
 * written, or (`first` stays dirty) there is no request. */
static unsigned
write_run(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t last)
{
	struct tome_vnode *vn = ob->vnode;
	unsigned max = vn->pager.max_pages, n = 0;
	struct tome_vnode_io *io;

	if (last - first < max)
		max = (unsigned)(last - first) + 1;
	io = tome_vnode_io_create(ob, first, max, TOME_IO_WRITE);
	if (io == NULL)
		return 0;
	while (n < max && write_add(io, first + n, &io->vec[n]))
		n++;
	if (n > 0) {
		io->io.n = n;
		if (tome_rd(&vn->mapped))
			tome_epoch_wait(ob->vm);
		tome_vnode_io_start(io, write_finish);
	}
	tome_vnode_io_drop(io);
	return n;
}

static bool
write_add(struct tome_vnode_io *io, tome_pgoff_t pg, struct tome_io_vec *vec)
{
	struct tome_object *ob = io->object;
	struct tome_pagetree *t = &ob->vnode->tree;
	uint64_t at = (uint64_t)pg << TOME_PAGE_SHIFT, left;
	struct tome_vm *vm = ob->vm;
	struct tome_pagespot s;
	struct tome_page *page;
	bool take = false;

	tome_epoch_enter(vm);
	page = tome_vnode_find(ob, pg, &s);
	left = tome_object_size(ob) > at ? tome_object_size(ob) - at : 0;
	if (page != NULL && left > 0 && !tome_vpage_is(page, TOME_PAGE_BUSY) &&
	    tome_pagetree_has(&s, TOME_PAGETAG_DIRTY)) {
		take = true;
		tome_or(&page->state, TOME_PAGE_BUSY);
		tome_pagetree_lock(vm, t);
		(void)tome_pagetree_tag(t, pg, TOME_PAGETAG_WRITING, true);
		(void)tome_pagetree_tag(t, pg, TOME_PAGETAG_DIRTY, false);
		tome_pagetree_unlock(vm, t);
		tome_page_protect(vm, s.pfn, TOME_PROT_ALL & ~TOME_PROT_WRITE);
		tome_add(&files_of(vm)->writing, 1);
		tome_add(&files_of(vm)->dirty, (uint64_t)-1);
		*vec = (struct tome_io_vec){ .pfn = s.pfn,
			.len = (uint32_t)(left < TOME_PAGE_SIZE ? left :
			    TOME_PAGE_SIZE) };
	}
	if (page != NULL)
		tome_vpage_unlock(vm, page);
	tome_epoch_leave(vm);
	return take;
}

/* The error first: whoever sees a page written must see it. */
static void
write_finish(struct tome_io *base)
{
	struct tome_vnode_io *io = tome_container(base, struct tome_vnode_io,
	    io);
	struct tome_object *ob = io->object;
	struct tome_pagetree *t = &ob->vnode->tree;
	struct tome_vm *vm = ob->vm;

	if (base->err != TOME_OK)
		tome_vnode_error_set(ob->vnode, base->err == TOME_ENOSPC ?
		    TOME_ENOSPC : TOME_EIO);
	for (unsigned i = 0; i < base->n; i++) {
		struct tome_page *page = tome_page(vm, base->vec[i].pfn);

		bool leaves;

		tome_vpage_lock(vm, page);
		tome_pagetree_lock(vm, t);
		(void)tome_pagetree_tag(t, page->index, TOME_PAGETAG_WRITING,
		    false);
		tome_pagetree_unlock(vm, t);
		leaves = tome_vpage_leaves(ob, page);
		tome_and(&page->state, ~(TOME_PAGE_FILL | TOME_PAGE_BUSY));
		if (leaves)
			tome_vnode_take(ob, page, base->vec[i].pfn);
		else
			tome_vpage_unlock(vm, page);
		tome_add(&files_of(vm)->writing, (uint64_t)-1);
	}
	tome_io_progress(vm, base->bucket);
	tome_io_progress(vm, tome_io_bucket(files_of(vm)));
	tome_vnode_io_drop(io);
	tome_object_drop(ob);
}

static bool
next_tagged(struct tome_object *ob, tome_pgoff_t *pg, tome_pgoff_t last,
    enum tome_pagetag tag)
{
	uint64_t index = *pg;
	bool found;

	tome_epoch_enter(ob->vm);
	found = tome_pagetree_next(&ob->vnode->tree, &index, last, tag);
	tome_epoch_leave(ob->vm);
	*pg = index;
	return found;
}

/* Until this page is in no transfer. */
static enum tome_err
write_settled(struct tome_object *ob, tome_pgoff_t pg)
{
	struct tome_pagespot s;

	tome_epoch_enter(ob->vm);
	s = tome_pagetree_find(&ob->vnode->tree, pg);
	tome_epoch_leave(ob->vm);
	return s.pfn == TOME_PFN_NONE ? TOME_OK :
	    tome_vnode_wait(ob, tome_page(ob->vm, s.pfn), TOME_PAGE_BUSY);
}

void
tome_vnode_launder(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t last)
{
	tome_pgoff_t pg = first;
	unsigned wrote;

	while (next_tagged(ob, &pg, last, TOME_PAGETAG_DIRTY)) {
		wrote = write_run(ob, pg, last);
		pg += wrote > 0 ? wrote : 1;
	}
}

static tome_pgoff_t
range_last(tome_pgoff_t first, tome_pgoff_t n)
{
	return n == 0 || first + n < first ? UINT32_MAX : first + n - 1;
}

enum tome_err
tome_object_sync_wait(struct tome_object *ob, tome_pgoff_t first,
    tome_pgoff_t n)
{
	tome_pgoff_t last = range_last(first, n), pg = first;
	enum tome_err err = TOME_OK;

	if (ob->kind != TOME_OBJECT_VNODE)
		return TOME_OK;
	for (; err == TOME_OK && next_tagged(ob, &pg, last,
	    TOME_PAGETAG_WRITING); pg++)
		err = write_settled(ob, pg);
	return err;
}

/* Until what is dirty in the range was written, well or not. */
static enum tome_err
sync_range(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t n)
{
	tome_pgoff_t last = range_last(first, n), pg = first;
	enum tome_err err = TOME_OK;

	while (err == TOME_OK && next_tagged(ob, &pg, last,
	    TOME_PAGETAG_DIRTY)) {
		unsigned wrote = write_run(ob, pg, last);

		pg += wrote;
		if (wrote == 0)
			err = sync_pause(ob, pg);
	}
	return err == TOME_OK ? tome_object_sync_wait(ob, first, n) : err;
}

enum tome_err
tome_object_sync(struct tome_object *ob, tome_pgoff_t first, tome_pgoff_t n,
    bool wait)
{
	enum tome_err err;
	uint32_t failures;

	if (ob->kind != TOME_OBJECT_VNODE)
		return TOME_OK;
	if (!wait) {
		tome_vnode_launder(ob, first, range_last(first, n));
		return TOME_OK;
	}
	failures = tome_rd(&ob->vnode->failures);
	err = sync_range(ob, first, n);
	if (err == TOME_OK && tome_rd(&ob->vnode->failures) != failures)
		err = (enum tome_err)(tome_rd(&ob->vnode->error) & ERROR_CODE);
	return err;
}

/* A dirty page could not be taken: it is in a transfer, or all requests are. */
static enum tome_err
sync_pause(struct tome_object *ob, tome_pgoff_t pg)
{
	struct tome_vm *vm = ob->vm;
	struct tome_files *files = files_of(vm);
	uint32_t seen = tome_io_seen(vm, tome_io_bucket(files));

	if (tome_rd(&files->spare) == NULL)
		tome_io_wait(vm, tome_io_bucket(files), seen,
		    now_ns(vm) + PAUSE_NS);
	return write_settled(ob, pg);
}

/* ---- errors ---- */

void
tome_vnode_error_set(struct tome_vnode *vn, enum tome_err err)
{
	uint32_t was = tome_rd(&vn->error), is;

	do {
		is = (was & ~(ERROR_CODE | ERROR_SEEN)) | (uint32_t)err;
		if (was & ERROR_SEEN)
			is += ERROR_STEP;
	} while (!tome_cas_sc(&vn->error, &was, is));
	tome_add(&vn->failures, 1);
}

uint32_t
tome_object_error_now(struct tome_object *ob)
{
	uint32_t now = ob->vnode != NULL ? tome_rd(&ob->vnode->error) : 0;

	return now & ERROR_SEEN ? now : 0;
}

enum tome_err
tome_object_error(struct tome_object *ob, uint32_t *seen)
{
	uint32_t now = ob->vnode != NULL ? tome_rd(&ob->vnode->error) : 0;

	if (now == *seen || now == 0)
		return TOME_OK;
	if (!(now & ERROR_SEEN) &&
	    tome_cas_sc(&ob->vnode->error, &now, now | ERROR_SEEN))
		now |= ERROR_SEEN;
	if (now == *seen)
		return TOME_OK;
	*seen = now;
	return (enum tome_err)(now & ERROR_CODE);
}

/* ---- who has it open ---- */

enum tome_err
tome_opener_create(struct tome_object *ob, struct tome_opener **out)
{
	struct tome_opener *o = tome_kmalloc(ob->vm, sizeof *o);

	*out = o;
	if (o == NULL)
		return TOME_ENOMEM;
	o->vm = ob->vm;
	o->refs = 1;
	o->seen = tome_object_error_now(ob);
	return TOME_OK;
}

/* Of several who ask at once, one is told. */
enum tome_err
tome_opener_error(struct tome_opener *o, struct tome_object *ob)
{
	uint32_t was = tome_rd(&o->seen), now = was;
	enum tome_err err = tome_object_error(ob, &now);

	return now == was || tome_cas_sc(&o->seen, &was, now) ? err : TOME_OK;
}

enum tome_err
tome_opener_sync(struct tome_opener *o, struct tome_object *ob,
    tome_pgoff_t first, tome_pgoff_t n)
{
	enum tome_err err, told;

	if (o == NULL || ob->kind != TOME_OBJECT_VNODE)
		return tome_object_sync(ob, first, n, true);
	err = sync_range(ob, first, n);
	told = tome_opener_error(o, ob);
	return told != TOME_OK ? told : err;
}

/* ---- in the background, and when there are too many ---- */

static struct tome_object *
dirty_after(struct tome_vm *vm, struct tome_object *ob, uint64_t before)
{
	struct tome_objects *all = vm->objects;
	uintptr_t irq = tome_spin_lock(vm, &all->list_lock, TOME_RANK_QUEUE);

	for (ob = ob != NULL ? ob->next : all->list; ob != NULL; ob = ob->next)
		if (ob->kind == TOME_OBJECT_VNODE && tome_rd(
		    &ob->vnode->tree.tagged[TOME_PAGETAG_DIRTY]) != 0 &&
		    tome_rd(&ob->vnode->dirty_since) <= before &&
		    tome_object_try_ref(ob))
			break;
	tome_spin_unlock(vm, &all->list_lock, TOME_RANK_QUEUE, irq);
	return ob;
}

static uint64_t
writeback(struct tome_vm *vm, uint64_t n, uint64_t before)
{
	struct tome_object *ob, *next;
	uint64_t started = 0;

	for (ob = dirty_after(vm, NULL, before); ob != NULL; ob = next) {
		tome_pgoff_t pg = 0;
		unsigned wrote = 1;

		while (started < n && wrote > 0 && next_tagged(ob, &pg,
		    UINT32_MAX, TOME_PAGETAG_DIRTY)) {
			wrote = write_run(ob, pg, UINT32_MAX);
			started += wrote;
			pg += wrote;
		}
		next = started < n ? dirty_after(vm, ob, before) : NULL;
		tome_object_drop(ob);
	}
	return started;
}

uint64_t
tome_writeback(struct tome_vm *vm, uint64_t n, uint64_t before)
{
	if (files_of(vm) == NULL)
		return 0;
	tome_vnode_settle(vm);
	return writeback(vm, n, before);
}

void
tome_writeback_limit(struct tome_vm *vm, uint64_t pages)
{
	tome_wr(&vm->objects->dirty_limit, pages);
}

bool
tome_vnode_crowded(struct tome_vm *vm)
{
	struct tome_files *files = files_of(vm);
	uint64_t limit = tome_rd_relaxed(&vm->objects->dirty_limit);

	if (limit == 0)
		limit = files->limit;
	return tome_rd_relaxed(&files->dirty) +
	    tome_rd_relaxed(&files->writing) > limit;
}

void
tome_vnode_throttle(struct tome_vm *vm)
{
	struct tome_files *files = files_of(vm);
	unsigned bucket = tome_io_bucket(files);
	uint32_t seen;

	for (unsigned i = 0; i < THROTTLE_TRIES && tome_vnode_crowded(vm);
	    i++) {
		seen = tome_io_seen(vm, bucket);
		if (writeback(vm, TOME_PAGER_MAX, TOME_FOREVER) == 0 &&
		    tome_rd(&files->writing) == 0)
			return;
		tome_io_wait(vm, bucket, seen, now_ns(vm) + PAUSE_NS);
	}
}

/* ---- objects that end when they are written ---- */

void
tome_vnode_end_later(struct tome_object *ob)
{
	struct tome_files *files = files_of(ob->vm);
	uintptr_t irq = tome_spin_lock(ob->vm, &files->lock, TOME_RANK_QUEUE);

	ob->vnode->ending = files->ending;
	tome_wr(&files->ending, ob);
	tome_spin_unlock(ob->vm, &files->lock, TOME_RANK_QUEUE, irq);
}

void
tome_vnode_settle(struct tome_vm *vm)
{
	struct tome_files *files = files_of(vm);
	struct tome_object *ob, *next;
	uintptr_t irq;

	if (tome_likely(tome_rd(&files->ending) == NULL))
		return;
	irq = tome_spin_lock(vm, &files->lock, TOME_RANK_QUEUE);
	ob = files->ending;
	tome_wr(&files->ending, (struct tome_object *)NULL);
	tome_spin_unlock(vm, &files->lock, TOME_RANK_QUEUE, irq);
	for (; ob != NULL; ob = next) {
		next = ob->vnode->ending;
		tome_vnode_launder(ob, 0, UINT32_MAX);
		tome_object_drop(ob);
	}
}
