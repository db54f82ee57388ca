/*
 * world.c - run a litmus program's operations on Tome.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <object/far.h>
#include <object/vnode.h>
#include <paging/paging_i.h>
#include <pmap/pmap_i.h>
#include <world.h>

static const struct litmus *current;

static int world_do(struct world *, const struct litmus_op *);

static enum tome_err
world_fault(void *arg, tome_va_t va, tome_prot_t access)
{
	return tome_fault(arg, va, access);
}

static void
world_must(enum tome_err err, const char *what)
{
	if (err != TOME_OK) {
		fprintf(stderr, "litmus: %s failed with %d\n", what, err);
		abort();
	}
}

/* Run the space on this CPU, and let the kernel's own accesses fault into it. */
static void
world_enter(struct world *w, unsigned space)
{
	uintptr_t irq;

	hosted_on_fault(world_fault, w->space[space]);
	tome_host_preempt_off();
	irq = tome_host_irq_save();
	if (w->space[space] != NULL)
		tome_map_switch(w->space[space]);
	else
		tome_pmap_switch(tome_pmap_kernel(w->vm));
	tome_host_irq_restore(irq);
	tome_host_preempt_on();
}

/* A disk that is as fast as memory: done when it is told. */
static void
disk_start(void *ctx, struct tome_io *io)
{
	uint8_t *at = (uint8_t *)ctx + io->at;

	for (unsigned i = 0; i < io->n; i++, at += TOME_PAGE_SIZE) {
		uint8_t *page = tome_frame_window(io->vm, io->vec[i].pfn);

		if (io->op == TOME_IO_READ)
			memcpy(page, at, TOME_PAGE_SIZE);
		else
			memcpy(at, page, TOME_PAGE_SIZE);
		tome_frame_window_end(io->vm, io->vec[i].pfn, page);
	}
	tome_io_done(io, TOME_OK);
}

/* The file's pager: as fast. */
static void
file_start(void *ctx, struct tome_io *io)
{
	struct world *w = ctx;

	for (unsigned i = 0; io->op == TOME_IO_READ && i < io->n; i++)
		w->reads[(io->at >> TOME_PAGE_SHIFT) + i]++;
	disk_start(w->store, io);
}

static enum tome_err
file_notify(void *ctx, tome_pgoff_t pg)
{
	(void)ctx, (void)pg;
	return TOME_OK;
}

static enum tome_err
file_punch(void *ctx, tome_pgoff_t first, tome_pgoff_t n)
{
	struct world *w = ctx;

	memset(w->store + (first << TOME_PAGE_SHIFT), 0,
	    (size_t)(n << TOME_PAGE_SHIFT));
	return TOME_OK;
}

static void
world_file(struct world *w)
{
	static const struct tome_pager pager = { .max_pages = 2,
		.read = file_start, .write = file_start,
		.write_notify = file_notify, .punch = file_punch };

	w->store = calloc(LITMUS_OBJECT_PAGES, TOME_PAGE_SIZE);
	if (w->store == NULL)
		abort();
	for (unsigned i = 0; i < LITMUS_OBJECT_PAGES; i++)
		w->store[i << TOME_PAGE_SHIFT] = (uint8_t)(LITMUS_STORED + i);
	world_must(tome_object_create_vnode(w->vm, &pager, w,
	    (uint64_t)LITMUS_OBJECT_PAGES << TOME_PAGE_SHIFT, &w->object),
	    "file");
}

static void
world_swap_on(struct world *w)
{
	static const struct tome_swap_device device = {
		.max_pages = 2, .start = disk_start };
	unsigned slots = current->how & LITMUS_FAR ? LITMUS_FAR_SLOTS :
	    LITMUS_SLOTS;

	w->disk = malloc(slots * TOME_PAGE_SIZE);
	if (w->disk == NULL)
		abort();
	world_must(tome_paging_start(w->vm), "paging_start");
	world_must(tome_swap_add(w->vm, &device, w->disk, slots, 1, 0,
	    &w->swap_area), "swap_add");
	if (current->how & LITMUS_TIER)
		world_must(tome_swap_compress(w->vm, 8), "compress");
}

/* Neighbours, without which the object's first chunk would not leave. */
static void
world_far(struct world *w)
{
	const unsigned n = TOME_PACK_LEAST;
	uint8_t byte = 1;
	size_t done;

	world_must(tome_object_resize(w->object,
	    (uint64_t)n * TOME_CHUNK_ANONS << TOME_PAGE_SHIFT), "resize");
	for (unsigned i = 1; i < n; i++)
		world_must(tome_object_write(w->object,
		    (uint64_t)i * TOME_CHUNK_ANONS << TOME_PAGE_SHIFT, &byte, 1,
		    &done), "a neighbour");
	for (unsigned i = 0; i < 4; i++) {
		(void)tome_reclaim(w->vm, n);
		tome_io_run(w->vm);
		tome_vm_quiesce(w->vm, true);
	}
}

static void *
world_setup(struct hosted_machine *m)
{
	struct world *w = calloc(1, sizeof *w);
	struct tome_boot boot;

	w->litmus = current;
	w->machine = m;
	w->base = (tome_va_t)1 << 30;
	hosted_boot(m, &boot);
	world_must(tome_vm_create(&boot, &w->vm), "vm_create");
	hosted_attach(m, w->vm, tome_vm_interrupt, tome_frame_identity);
	world_must(tome_kmem_start(w->vm), "kmem_start");
	world_must(tome_map_start(w->vm), "map_start");
	if (current->how & LITMUS_SWAP)
		world_swap_on(w);
	if (current->how & LITMUS_FEW_ASIDS)
		w->vm->pmaps->mmu.asids = 4;
	world_must(tome_map_create(w->vm, NULL, &w->space[0]), "map_create");
	if (current->how & LITMUS_FILE)
		world_file(w);
	else
		world_must(tome_object_create_anon(w->vm,
		    (uint64_t)LITMUS_OBJECT_PAGES << TOME_PAGE_SHIFT, NULL, 0,
		    &w->object), "object");
	for (unsigned c = 1; c < current->cpus; c++) {
		uintptr_t irq;

		hosted_become(m, c);
		irq = tome_host_irq_save();
		tome_pmap_cpu_start(w->vm);
		tome_host_irq_restore(irq);
	}
	hosted_become(m, 0);
	world_enter(w, 0);
	if (current->how & LITMUS_FAR)
		world_far(w);
	for (unsigned i = 0; current->before[i].kind != OP_END; i++)
		(void)world_do(w, &current->before[i]);
	return w;
}

static void
world_body(struct world *w, unsigned cpu)
{
	const struct litmus_op *op = w->litmus->run[cpu];

	world_enter(w, op->space);
	for (; op->kind != OP_END; op++) {
		struct litmus_done *d =
		    &w->done[cpu * LITMUS_OPS + w->ndone[cpu]++];

		d->op = op;
		d->began = ++w->clock;
		d->got = world_do(w, op);
		d->ended = ++w->clock;
	}
}

static void
world_body0(void *w)
{
	world_body(w, 0);
}

static void
world_body1(void *w)
{
	world_body(w, 1);
}

static void
world_body2(void *w)
{
	world_body(w, 2);
}

static const char *
world_judge(void *state)
{
	static char why[256];
	struct world *w = state;
	struct litmus_done all[LITMUS_CPUS * LITMUS_OPS];
	const char *bad = tome_vm_check(w->vm);
	char text[120];
	unsigned n = 0;

	for (unsigned c = 0; c < LITMUS_CPUS; c++)
		for (unsigned i = 0; i < w->ndone[c]; i++)
			all[n++] = w->done[c * LITMUS_OPS + i];
	if (bad != NULL)
		return bad;
	hosted_judge(w->machine);
	if (hosted_take_violation(w->machine, NULL, text, sizeof text)) {
		snprintf(why, sizeof why, "the machine: %s", text);
		return why;
	}
	for (unsigned i = 0; w->litmus->how & LITMUS_ONCE &&
	    i < LITMUS_OBJECT_PAGES; i++)
		if (w->reads[i] > 1)
			return "a page was read twice";
	if (litmus_explains(w->litmus, all, n))
		return NULL;
	snprintf(why, sizeof why, "no order explains:");
	for (unsigned i = 0; i < n; i++)
		snprintf(why + strlen(why), sizeof why - strlen(why),
		    " %d@%u=%d[%u,%u]", all[i].op->kind, all[i].op->page,
		    all[i].got, (unsigned)all[i].began, (unsigned)all[i].ended);
	return why;
}

/* A page may have been modified again while it was being written: twice. */
static void
world_settle(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		(void)tome_writeback(w->vm, UINT64_MAX, TOME_FOREVER);
		tome_io_run(w->vm);
		tome_vm_quiesce(w->vm, true);
	}
}

static void
world_teardown(void *state, bool failed)
{
	struct world *w = state;

	if (!failed) {
		tome_host_preempt_off();
		for (unsigned c = 0; c < w->litmus->cpus; c++) {
			hosted_become(w->machine, c);
			uintptr_t irq = tome_host_irq_save();
			tome_pmap_switch(tome_pmap_kernel(w->vm));
			tome_host_irq_restore(irq);
		}
		hosted_become(w->machine, 0);
		tome_host_preempt_on();
		for (unsigned i = 0; i < LITMUS_SPACES; i++)
			if (w->space[i] != NULL)
				tome_map_unref(w->space[i]);
		tome_object_unref(w->object);
		world_settle(w);
		if (tome_vm_destroy(w->vm) != 0) {
			fprintf(stderr, "litmus %s: leaked\n",
			    w->litmus->name);
			abort();
		}
		hosted_attach(w->machine, NULL, NULL, NULL);
	}
	free(w->disk);
	free(w->store);
	free(w);
}

static tome_va_t
world_va(const struct world *w, unsigned page)
{
	return w->base + ((tome_va_t)page << TOME_PAGE_SHIFT);
}

static int
world_map(struct world *w, const struct litmus_op *op)
{
	struct tome_map_request r = {
		.addr = world_va(w, op->page),
		.len = (tome_va_t)op->n << TOME_PAGE_SHIFT,
		.prot = TOME_PROT_READ | TOME_PROT_WRITE,
		.flags = TOME_MAP_FIXED,
	};
	tome_va_t at;

	if (op->kind != OP_MAP) {
		r.object = w->object;
		r.offset = (uint64_t)op->value << TOME_PAGE_SHIFT;
	}
	if (op->kind == OP_MAP_SHARED)
		r.flags |= TOME_MAP_SHARED;
	return -(int)tome_map_enter(w->space[op->space], &r, &at);
}

static int
world_move(struct world *w, const struct litmus_op *op)
{
	tome_va_t len = (tome_va_t)op->n << TOME_PAGE_SHIFT, at;

	return -(int)tome_map_move(w->space[op->space], world_va(w, op->page),
	    len, len, TOME_MOVE_MAY | TOME_MOVE_FIXED,
	    world_va(w, (unsigned)op->value), &at);
}

static int
world_cas(struct world *w, const struct litmus_op *op)
{
	uint32_t seen;
	enum tome_err err = tome_cas_u32(w->space[op->space],
	    world_va(w, op->page), 0, (uint32_t)op->value, &seen);

	return err != TOME_OK ? -(int)err : (int)seen;
}

static int
world_end_space(struct world *w, unsigned space)
{
	struct tome_map *map = w->space[space];

	w->space[space] = NULL;
	world_enter(w, space);
	tome_map_unref(map);
	return 0;
}

/* Its anon is locked: another frame for it, when nothing maps the old one. */
static void
migrate(struct tome_vm *vm, struct tome_anon *an)
{
	tome_pfn_t old = an->pfn, by;

	if (tome_frame_alloc(vm, TOME_PAGE_ANON, 0, &by) != TOME_OK)
		return;
	tome_page_protect(vm, old, TOME_PROT_NONE);
	tome_frame_copy(vm, by, old);
	tome_wr(&tome_page(vm, by)->owner, an);
	an->pfn = by;
	tome_wr(&tome_page(vm, old)->owner, NULL);
	tome_frame_free(vm, old);
}

/* From the frame to its anon, whose lock is only tried; do both name each other? */
static int
world_migrate(struct world *w, const struct litmus_op *op)
{
	struct tome_vm *vm = w->vm;
	struct tome_translation t;
	struct tome_page *pg = NULL;
	struct tome_anon *an = NULL;

	tome_epoch_enter(vm);
	if (tome_pmap_extract(tome_map_pmap(w->space[op->space]),
	    world_va(w, op->page), &t))
		pg = tome_page_try(vm, tome_pa_pfn(t.pa));
	if (pg != NULL && tome_page_identity(pg) == TOME_PAGE_ANON)
		an = tome_rd(&pg->owner);
	if (an != NULL && tome_bit_trylock(vm, &an->word, TOME_ANON_LOCK,
	    TOME_RANK_ANON)) {
		if (an->pfn == tome_pa_pfn(t.pa) && tome_rd(&pg->owner) == an)
			migrate(vm, an);
		tome_bit_unlock(vm, &an->word, TOME_ANON_LOCK, TOME_RANK_ANON);
	}
	tome_epoch_leave(vm);
	return 0;
}

/* Of a space that may have ended, or end meanwhile. */
static void
world_page_out(struct tome_map *map, tome_va_t va, tome_va_t len)
{
	if (map == NULL)
		return;
	tome_map_ref(map);
	(void)tome_map_page_out(map, va, len);
	tome_map_unref(map);
}

/* As the hand of page-out does, which has the page's number from somewhere. */
static void
world_evict(struct world *w, unsigned page)
{
	struct tome_vm *vm = w->vm;
	struct tome_pagespot s;

	tome_epoch_enter(vm);
	s = tome_pagetree_find(&w->object->vnode->tree, page);
	tome_epoch_leave(vm);
	if (s.pfn != TOME_PFN_NONE)
		(void)tome_cache_evict(vm, tome_page(vm, s.pfn),
		    TOME_EVICT_ANY);
	tome_io_run(vm);
}

/* The file system's part comes after the object's. */
static int
world_resize(struct world *w, uint64_t len)
{
	enum tome_err err = tome_object_resize(w->object, len);

	if (err == TOME_OK && w->store != NULL)
		memset(w->store + len, 0, (size_t)(((uint64_t)
		    LITMUS_OBJECT_PAGES << TOME_PAGE_SHIFT) - len));
	return -(int)err;
}

static int
world_file_io(struct world *w, const struct litmus_op *op)
{
	uint64_t at = (uint64_t)op->page << TOME_PAGE_SHIFT;
	uint8_t byte = (uint8_t)op->value;
	size_t done = 0;
	enum tome_err err = op->kind == OP_FILE_READ ?
	    tome_object_read(w->object, at, &byte, 1, &done) :
	    tome_object_write(w->object, at, &byte, 1, &done);

	if (err != TOME_OK || done == 0)
		return err != TOME_OK ? -(int)err : -TOME_ENXIO;
	return op->kind == OP_FILE_READ ? byte : 0;
}

/* ---- what a thread does, by kind ---- */

/* To paging, to the object, to the machine. */
static int
world_do_paging(struct world *w, const struct litmus_op *op)
{
	tome_va_t len = (tome_va_t)op->n << TOME_PAGE_SHIFT;

	switch (op->kind) {
	case OP_PAGE_OUT:
		world_page_out(w->space[op->space], world_va(w, op->page), len);
		break;
	case OP_PACK:
		(void)tome_pack_all(w->vm->paging);
		break;
	case OP_AWAY:
		(void)tome_pack_away(w->vm->paging);
		break;
	case OP_SWAP_OFF:
		world_must(tome_swap_remove(w->vm, w->swap_area), "swapoff");
		break;
	case OP_UNTIER:
		world_must(tome_swap_compress(w->vm, 0), "compress");
		break;
	case OP_BEHIND:
		tome_behind(w->vm->paging, true);
		tome_io_run(w->vm);
		break;
	case OP_EVICT:
		world_evict(w, op->page);
		break;
	case OP_MIGRATE:
		return world_migrate(w, op);
	case OP_RESIZE:
		return world_resize(w, len);
	case OP_PUNCH:
		return -(int)tome_object_punch(w->object, op->page, op->n);
	case OP_FILE_SYNC:
		return -(int)tome_object_sync(w->object, op->page, op->n, true);
	case OP_FILE_READ:
	case OP_FILE_WRITE:
		return world_file_io(w, op);
	case OP_SWITCH:
		world_enter(w, op->space);
		break;
	case OP_QUIESCE:
		tome_vm_quiesce(w->vm, false);
		break;
	default:			/* OP_END */
		break;
	}
	return 0;
}

/* To a space's map. */
static int
world_do_map(struct world *w, const struct litmus_op *op)
{
	struct tome_map *map = w->space[op->space];
	tome_va_t va = world_va(w, op->page);
	tome_va_t len = (tome_va_t)op->n << TOME_PAGE_SHIFT;

	switch (op->kind) {
	case OP_MAP:
	case OP_MAP_SHARED:
	case OP_MAP_PRIVATE:
		return world_map(w, op);
	case OP_UNMAP:
		return -(int)tome_map_remove(map, va, len);
	case OP_PROTECT:
		return -(int)tome_map_protect(map, va, len,
		    (tome_prot_t)op->value);
	case OP_DISCARD:
		return -(int)tome_map_advise(map, va, len, TOME_ADV_DONTNEED);
	case OP_MOVE:
		return world_move(w, op);
	case OP_FORK:
		return -(int)tome_map_fork(map, &w->space[op->value]);
	case OP_END_SPACE:
		return world_end_space(w, op->space);
	case OP_WIRE:
		return -(int)tome_map_wire(map, va, len, false);
	case OP_UNWIRE:
		return -(int)tome_map_unwire(map, va, len);
	case OP_SHARE:
		return -(int)tome_map_inherit(map, va, len,
		    TOME_INHERIT_SHARE);
	case OP_SYNC:
		return -(int)tome_map_sync(map, va, len);
	default:
		return world_do_paging(w, op);
	}
}

/* Accesses of a program, and of others to its memory. */
static int
world_do(struct world *w, const struct litmus_op *op)
{
	struct tome_map *map = w->space[op->space];
	tome_va_t va = world_va(w, op->page);
	uint8_t byte = (uint8_t)op->value;
	size_t done;
	enum tome_err err;

	switch (op->kind) {
	case OP_READ:
		err = hosted_read(va, &byte, 1, world_fault, map);
		return err == TOME_OK ? byte : -(int)err;
	case OP_WRITE:
		return -(int)hosted_write(va, &byte, 1, world_fault, map);
	case OP_ALIEN_READ:
		err = tome_map_read(map, va, &byte, 1, false, &done);
		return err == TOME_OK ? byte : -(int)err;
	case OP_ALIEN_WRITE:
		return -(int)tome_map_write(map, va, &byte, 1, false, &done);
	case OP_CAS:
		return world_cas(w, op);
	default:
		return world_do_map(w, op);
	}
}

void
litmus_program(const struct litmus *l, struct hosted_program *out)
{
	current = l;
	memset(out, 0, sizeof *out);
	out->name = l->name;
	out->nthreads = l->cpus;
	out->config.ram = 2u << 20;
	out->config.modes = HOSTED_NEVER_EVICT | HOSTED_WALK_CACHE |
	    (l->how & LITMUS_SPECULATE ? HOSTED_SPECULATE : 0);
	out->config.cpu = l->how & LITMUS_BROADCAST ? HOSTED_X86_INVLPGB : 0;
	out->config.quiet = true;
	out->setup = world_setup;
	out->body[0] = world_body0;
	out->body[1] = world_body1;
	out->body[2] = world_body2;
	out->judge = world_judge;
	out->teardown = world_teardown;
}
