/*
 * vnode_io.c - transfers between files and their pages, and the instance's state.
 *
 * From its start to its end a transfer counts its object, so that the object outlives
 * it; it is itself counted by its completion and by who waits. Who waits has patience only as long
 * as the pager says; a transfer that never completes keeps its pages BUSY, and
 * whoever needs one of them has EIO each time.
 *
 * One request is kept for writing when there is no memory for another: cleaning
 * pages must not wait for memory.
 */
#include <base/memory.h>
#include <object/vnode.h>

static void files_destroy(struct tome_vm *);
static struct tome_vnode_io *io_create(struct tome_vm *, unsigned n);
static uint64_t io_deadline(const struct tome_object *);

/* ---- the instance's ---- */

static uint64_t
frames_total(struct tome_vm *vm)
{
	struct tome_zone_stats z;
	uint64_t n = 0;

	for (int kind = 0; kind < TOME_ZONES; kind++)
		if (tome_zone_stats(vm, (enum tome_zone_kind)kind, &z))
			n += z.total;
	return n;
}

enum tome_err
tome_files_create(struct tome_vm *vm)
{
	struct tome_objects *all = vm->objects;
	struct tome_files *files = tome_kzalloc(vm, sizeof *files);
	const struct tome_cache_config nodes = { .name = "page tree",
		.size = tome_pagenode_size() };
	enum tome_err err = TOME_ENOMEM;

	if (files == NULL)
		return TOME_ENOMEM;
	files->end = files_destroy;
	files->limit = frames_total(vm) >> 3;
	files->spare = io_create(vm, TOME_PAGER_MAX);
	if (files->spare != NULL) {
		files->spare->spare = true;
		err = tome_cache_create(vm, &nodes, &all->pagenodes);
	}
	if (err != TOME_OK) {
		tome_kfree(vm, files->spare);
		tome_kfree(vm, files);
		return err;
	}
	tome_wr(&all->files, files);
	return TOME_OK;
}

static void
files_destroy(struct tome_vm *vm)
{
	struct tome_files *files = vm->objects->files;

	tome_kfree(vm, files->spare);
	tome_kfree(vm, files);
	vm->objects->files = NULL;
}

/* ---- requests ---- */

static struct tome_vnode_io *
io_create(struct tome_vm *vm, unsigned n)
{
	struct tome_vnode_io *io = tome_kmalloc(vm,
	    sizeof *io + n * sizeof io->vec[0]);

	if (io != NULL)
		memset(io, 0, sizeof *io);
	return io;
}

struct tome_vnode_io *
tome_vnode_io_create(struct tome_object *ob, tome_pgoff_t first, unsigned n,
    enum tome_io_op op)
{
	struct tome_files *files = ob->vm->objects->files;
	struct tome_vnode_io *io = io_create(ob->vm, n);

	if (io == NULL && op == TOME_IO_WRITE)
		io = tome_swap_sc(&files->spare, (struct tome_vnode_io *)NULL);
	if (io == NULL)
		return NULL;
	io->object = ob;
	io->first = (uint32_t)first;
	io->io.vm = ob->vm;
	io->io.op = op;
	io->io.at = (uint64_t)first << TOME_PAGE_SHIFT;
	io->io.vec = io->vec;
	/* Completion wakes this bucket, and whoever wakes finishes the transfer: so who
	 * waits for a page of it, and for no transfer of his own, waits here too. */
	io->io.bucket = tome_io_bucket(ob);
	io->io.n = 0;
	tome_wr(&io->refs, 1);
	tome_wr(&io->over, 0);
	return io;
}

void
tome_vnode_io_drop(struct tome_vnode_io *io)
{
	struct tome_vm *vm = io->io.vm;

	if (tome_drop(&io->refs) > 0)
		return;
	if (io->spare) {
		tome_wr(&vm->objects->files->spare, io);
		tome_io_progress(vm, tome_io_bucket(vm->objects->files));
	} else {
		tome_kfree(vm, io);
	}
}

void
tome_vnode_io_start(struct tome_vnode_io *io,
    void (*finish)(struct tome_io *))
{
	struct tome_vnode *vn = io->object->vnode;

	tome_add(&io->refs, 1);
	tome_object_ref(io->object);
	io->io.finish = finish;
	io->io.deadline = io_deadline(io->object);
	if (io->io.op == TOME_IO_READ)
		vn->pager.read(vn->ctx, &io->io);
	else
		vn->pager.write(vn->ctx, &io->io);
}

enum tome_err
tome_vnode_io_wait(struct tome_vnode_io *io)
{
	struct tome_vnode *vn = io->object->vnode;
	struct tome_vm *vm = io->io.vm;
	uint64_t deadline = io->io.deadline;
	enum tome_err err = TOME_OK;
	uint32_t seen;

	while (err == TOME_OK) {
		seen = tome_io_seen(vm, io->io.bucket);
		if (tome_rd(&io->over))
			break;
		if (deadline != TOME_FOREVER &&
		    vm->host->clock_ns(vm->ctx) >= deadline)
			err = TOME_EIO;
		else
			tome_io_wait(vm, io->io.bucket, seen, deadline);
	}
	if (err == TOME_OK)
		err = io->io.err;
	else if (vn->pager.cancel != NULL)
		vn->pager.cancel(vn->ctx, &io->io);
	tome_vnode_io_drop(io);
	return err;
}

/* It may be free, and anything again, by now. */
static bool
page_waits(const struct tome_page *page, uint32_t flags)
{
	uint32_t state = tome_rd(&page->state);

	return (state & TOME_PAGE_IDENTITY) == TOME_PAGE_CACHE &&
	    (state & flags);
}

enum tome_err
tome_vnode_wait(struct tome_object *ob, struct tome_page *page,
    uint32_t flags)
{
	struct tome_vm *vm = ob->vm;
	unsigned bucket = tome_io_bucket(ob);
	uint64_t deadline = io_deadline(ob);
	uint32_t seen;

	for (;;) {
		seen = tome_io_seen(vm, bucket);
		if (!page_waits(page, flags))
			return TOME_OK;
		if (deadline != TOME_FOREVER &&
		    vm->host->clock_ns(vm->ctx) >= deadline)
			return TOME_EIO;
		tome_io_wait(vm, bucket, seen, deadline);
	}
}

static uint64_t
io_deadline(const struct tome_object *ob)
{
	struct tome_vm *vm = ob->vm;
	uint64_t patience = ob->vnode->pager.patience;

	return patience == 0 ? TOME_FOREVER :
	    vm->host->clock_ns(vm->ctx) + patience;
}
