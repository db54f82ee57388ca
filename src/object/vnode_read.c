/*
 * vnode_read.c - what is missing of a file is read, with what will follow.
 *
 * Pages are put into the tree before they are read (FILL, BUSY): whoever comes
 * meanwhile finds them and waits for the same transfer. A transfer that fails takes its
 * pages out again; each who waited looks again, reads alone, and has his own error.
 *
 * Reading ahead: one who goes on where he stopped has his window doubled, up to what
 * the pager takes at once; one who jumps gets the pages around. One who misses a page
 * inside his own last window has lost it before he came to it: there is not enough
 * memory for it, and his window is halved.
 */
#include <base/memory.h>
#include <object/vnode.h>

#define WINDOW_FIRST 4u
#define WINDOW_AROUND 16u

struct window {
	tome_pgoff_t first;
	uint32_t n;
	uint8_t payer;			/* fill.h */
};

static enum tome_err read_window(struct tome_object *, tome_pgoff_t,
    struct window, struct tome_vnode_io **) TOME_NODISCARD;
static bool fill_add(struct tome_vnode_io *, tome_pgoff_t,
    struct tome_io_vec *);
static void read_finish(struct tome_io *);
static struct window plan(struct tome_readahead *, tome_pgoff_t,
    tome_pgoff_t n, unsigned max);

/* Mappings have no opener: all of a file are one. */
static tome_noinline struct window
fault_window(struct tome_vnode *vn, tome_pgoff_t pg)
{
	uint32_t size = tome_rd_relaxed(&vn->fault_size);
	uint64_t next = tome_rd_relaxed(&vn->fault_next);
	struct tome_readahead ra = { .mode = TOME_READAHEAD_NORMAL,
		.next = next, .size = size, .start = next - size };
	struct window w = plan(&ra, pg, 1, vn->pager.max_pages);

	tome_wr_relaxed(&vn->fault_next, w.first + w.n);
	tome_wr_relaxed(&vn->fault_size, w.n);
	return w;
}

/* Until no hole is being made of it. Nothing locked. */
static tome_noinline void
hole_wait(struct tome_object *ob, tome_pgoff_t pg)
{
	unsigned bucket = tome_io_bucket(ob);
	uint32_t seen = tome_io_seen(ob->vm, bucket);

	while (tome_vnode_holed(ob->vnode, pg)) {
		tome_io_wait(ob->vm, bucket, seen, TOME_FOREVER);
		seen = tome_io_seen(ob->vm, bucket);
	}
}

enum tome_err
tome_vnode_read(struct tome_object *ob, tome_pgoff_t pg, bool alone,
    unsigned payer)
{
	struct window w = { pg, 1, 0 };
	struct tome_vnode_io *io;
	enum tome_err err;

	if (tome_unlikely(tome_vnode_holed(ob->vnode, pg)))
		hole_wait(ob, pg);
	if (!alone)
		w = fault_window(ob->vnode, pg);
	w.payer = (uint8_t)payer;
	err = read_window(ob, pg, w, &io);
	if (err == TOME_OK && io != NULL)
		err = tome_vnode_io_wait(io);
	if (err != TOME_EIO || w.n == 1)
		return err;
	w = (struct window){ pg, 1, (uint8_t)payer };
	err = read_window(ob, pg, w, &io);
	return err == TOME_OK && io != NULL ? tome_vnode_io_wait(io) : err;
}

/* Nothing locked. Is the page there, or was it being read until now? */
static enum tome_err
read_settled(struct tome_object *ob, tome_pgoff_t pg, bool *there)
{
	struct tome_pagespot s;

	tome_epoch_enter(ob->vm);
	s = tome_pagetree_find(&ob->vnode->tree, pg);
	tome_epoch_leave(ob->vm);
	*there = s.pfn != TOME_PFN_NONE;
	return *there ? tome_vnode_wait(ob, tome_page(ob->vm, s.pfn),
	    TOME_PAGE_FILL) : TOME_OK;
}

/*
 * Start to read page pg and what is missing of the window next to it. *out: the
 * transfer, counted; NULL: somebody else read it.
 */
static enum tome_err
read_window(struct tome_object *ob, tome_pgoff_t pg, struct window w,
    struct tome_vnode_io **out)
{
	tome_pgoff_t end = tome_object_npages(ob), lo = pg, hi = pg;
	struct tome_vnode_io *io;
	struct tome_io_vec *vec;
	enum tome_err err;
	bool there;

	*out = NULL;
	err = read_settled(ob, pg, &there);
	if (err != TOME_OK || there)
		return err;
	if (w.first + w.n > end)
		w.n = w.first < end ? (uint32_t)(end - w.first) : 0;
	if (pg < w.first || pg >= w.first + w.n)
		return TOME_ENXIO;
	io = tome_vnode_io_create(ob, w.first, w.n, TOME_IO_READ);
	if (io == NULL)
		return TOME_ENOMEM;
	io->payer = w.payer;
	vec = io->vec;
	while (hi < w.first + w.n && fill_add(io, hi, &vec[hi - w.first]))
		hi++;
	while (hi > pg && lo > w.first &&
	    fill_add(io, lo - 1, &vec[lo - 1 - w.first]))
		lo--;
	if (hi == pg) {
		tome_vnode_io_drop(io);
		err = read_settled(ob, pg, &there);
		return err != TOME_OK || there ||
		    tome_vnode_holed(ob->vnode, pg) ? err : TOME_ENOMEM;
	}
	io->io.vec = &vec[lo - w.first];
	io->io.n = (unsigned)(hi - lo);
	io->io.at = (uint64_t)lo << TOME_PAGE_SHIFT;
	io->first = (uint32_t)lo;
	tome_vnode_io_start(io, read_finish);
	*out = io;
	return TOME_OK;
}

/* A page that is not in its file after all. A hand may have it locked just now. */
static tome_noinline void
fill_unmake(struct tome_vm *vm, struct tome_page *page, tome_pfn_t pfn)
{
	tome_vpage_lock(vm, page);
	tome_or(&page->state, TOME_PAGE_STRAY);
	tome_and(&page->state, ~(TOME_PAGE_FILL | TOME_PAGE_BUSY));
	page->index = (uint32_t)pfn;
	tome_vpage_unlock(vm, page);
	tome_vnode_stray(vm, page);
}

/* It came into its file while that is being punched. */
static tome_noinline void
fill_undo(struct tome_object *ob, struct tome_page *page, tome_pfn_t pfn)
{
	tome_vpage_lock(ob->vm, page);
	tome_and(&page->state, ~(TOME_PAGE_FILL | TOME_PAGE_BUSY));
	tome_vnode_take(ob, page, pfn);
	tome_io_progress(ob->vm, tome_io_bucket(ob));
}

/*
 * A new page, to be read. False: there is one, or no memory. The owner is told last:
 * whoever goes by before passes on (evict_lock), and after that finds it busy.
 */
static bool
fill_add(struct tome_vnode_io *io, tome_pgoff_t pg, struct tome_io_vec *vec)
{
	struct tome_object *ob = io->object;
	struct tome_vm *vm = ob->vm;
	struct tome_page *page;
	tome_pfn_t pfn;

	if (tome_frame_alloc(vm, TOME_PAGE_CACHE, 0, &pfn) != TOME_OK)
		return false;
	page = tome_page(vm, pfn);
	page->index = (uint32_t)pg;
	if (vm->objects->back != NULL)
		vm->objects->back(vm, pfn, ob);
	tome_or(&page->state, TOME_PAGE_FILL | TOME_PAGE_BUSY);
	tome_wr(&page->owner, ob);
	if (tome_pagetree_insert(vm, &ob->vnode->tree, pg, pfn) != TOME_OK) {
		fill_unmake(vm, page, pfn);
		return false;
	}
	if (tome_unlikely(tome_vnode_holed(ob->vnode, pg))) {
		fill_undo(ob, page, pfn);
		return false;
	}
	/* It stays in its file until it is read. */
	if (tome_unlikely(io->payer != 0))
		tome_wr_relaxed(&page->next,
		    vm->objects->anon_pager->charge(vm, io->payer));
	*vec = (struct tome_io_vec){ .pfn = pfn,
		.len = (uint32_t)TOME_PAGE_SIZE };
	return true;
}

void
tome_vnode_unpaid(struct tome_vm *vm, struct tome_page *page)
{
	vm->objects->anon_pager->uncharge(vm, page->next, true);
	tome_wr_relaxed(&page->next, 0);
}

/* What a truncation passed by while it was being read goes at once. */
static void
read_finish(struct tome_io *base)
{
	struct tome_vnode_io *io = tome_container(base, struct tome_vnode_io,
	    io);
	struct tome_object *ob = io->object;
	struct tome_vm *vm = ob->vm;

	for (unsigned i = 0; i < base->n; i++) {
		struct tome_page *page = tome_page(vm, base->vec[i].pfn);

		bool leaves;

		tome_vpage_lock(vm, page);
		leaves = base->err != TOME_OK || tome_vpage_leaves(ob, page);
		tome_and(&page->state, ~(TOME_PAGE_FILL | TOME_PAGE_BUSY));
		if (leaves) {
			tome_vnode_take(ob, page, base->vec[i].pfn);
		} else {
			tome_or(&page->state, TOME_PAGE_STALE_CODE);
			tome_vpage_unlock(vm, page);
		}
	}
	if (base->err != TOME_OK)
		base->err = TOME_EIO;
	tome_wr(&io->over, 1);
	tome_io_progress(vm, base->bucket);
	tome_vnode_io_drop(io);
	tome_object_drop(ob);
}

/* ---- reading ahead ---- */

static tome_pgoff_t
min(tome_pgoff_t a, tome_pgoff_t b)
{
	return a < b ? a : b;
}

static struct window
plan(struct tome_readahead *ra, tome_pgoff_t pg, tome_pgoff_t n, unsigned max)
{
	bool onward = pg == ra->next && ra->size != 0;
	bool lost = !onward && pg >= ra->start && pg < ra->start + ra->size;
	tome_pgoff_t at = pg, size;

	if (ra->mode == TOME_READAHEAD_RANDOM) {
		size = n;
	} else if (ra->mode == TOME_READAHEAD_SEQUENTIAL) {
		size = max;
	} else if (onward) {
		size = (tome_pgoff_t)ra->size * 2;
	} else if (lost) {
		size = ra->size / 2;
	} else if (pg == 0) {
		size = WINDOW_FIRST;
	} else {
		at = pg & ~(tome_pgoff_t)(WINDOW_AROUND - 1);
		size = WINDOW_AROUND;
	}
	if (at == pg && size < n)
		size = n;
	if (size == 0)
		size = 1;
	if (size > max) {
		at = pg;
		size = max;
	}
	return (struct window){ at, (uint32_t)size, 0 };
}

void
tome_object_willneed(struct tome_object *ob, tome_pgoff_t first,
    tome_pgoff_t n)
{
	tome_vnode_willneed(ob, first, n, 0);
}

void
tome_vnode_willneed(struct tome_object *ob, tome_pgoff_t first,
    tome_pgoff_t n, unsigned payer)
{
	tome_pgoff_t end, pg;
	struct tome_vnode_io *io;
	unsigned max;

	if (ob->kind != TOME_OBJECT_VNODE)
		return;
	max = ob->vnode->pager.max_pages;
	end = tome_object_npages(ob);
	end = first < end ? first + min(n, end - first) : first;
	for (pg = first; pg < end; pg++) {
		struct window w = { pg, (uint32_t)min(max, end - pg),
			(uint8_t)payer };

		if (ob->ops->present(ob, pg))
			continue;
		if (read_window(ob, pg, w, &io) != TOME_OK)
			return;
		if (io == NULL)
			continue;
		pg = io->first + io->io.n - 1;
		tome_vnode_io_drop(io);
	}
}

void
tome_object_readahead(struct tome_object *ob, struct tome_readahead *ra,
    tome_pgoff_t first, tome_pgoff_t n)
{
	tome_vnode_readahead(ob, ra, first, n, 0);
}

/* Was it read for him, and has left before he came? */
static bool
is_lost(struct tome_object *ob, const struct tome_readahead *ra,
    tome_pgoff_t pg)
{
	struct tome_pagespot s;

	if (pg < ra->start || pg >= ra->start + ra->size)
		return false;
	tome_epoch_enter(ob->vm);
	s = tome_pagetree_find(&ob->vnode->tree, pg);
	tome_epoch_leave(ob->vm);
	return s.pfn == TOME_PFN_NONE;
}

/* The window of a reader who begins, jumps, comes to the end of what was asked for, or
 * has lost some of it. */
static void
window_begin(struct tome_object *ob, struct tome_readahead *ra,
    tome_pgoff_t first, tome_pgoff_t n, bool onward)
{
	struct tome_readahead was = *ra;
	struct window w;

	if (onward)
		was.next = is_lost(ob, ra, first) ? first + 1 : first;
	w = plan(&was, first, n, ob->vnode->pager.max_pages);
	if (!onward && w.first < first)
		w = (struct window){ first, (uint32_t)n, 0 };
	ra->start = w.first;
	ra->size = w.n;
}

/*
 * The window is asked for whole when its first page is read, and the one behind it
 * when the reader comes to this one's second half.
 */
void
tome_vnode_readahead(struct tome_object *ob, struct tome_readahead *ra,
    tome_pgoff_t first, tome_pgoff_t n, unsigned payer)
{
	tome_pgoff_t end = ra->start + ra->size;
	bool onward = first == ra->next || first + 1 == ra->next;

	if (ob->kind != TOME_OBJECT_VNODE || n == 0)
		return;
	if (ra->mode == TOME_READAHEAD_RANDOM) {
		tome_vnode_willneed(ob, first, n, payer);
	} else if (ra->size == 0 || !onward || first >= end ||
	    is_lost(ob, ra, first)) {
		window_begin(ob, ra, first, n, onward);
		tome_vnode_willneed(ob, ra->start, ra->size, payer);
	} else if (first + n > ra->start + ra->size / 2) {
		ra->start = end;
		ra->size = (uint32_t)min((tome_pgoff_t)ra->size * 2,
		    ob->vnode->pager.max_pages);
		tome_vnode_willneed(ob, end, ra->size, payer);
	}
	ra->next = first + n;
}
