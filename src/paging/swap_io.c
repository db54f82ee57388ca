/*
 * swap_io.c - requests to swap areas, from fixed pools.
 *
 * An area whose requests are all under way, and that answers none for as long as its
 * patience goes, is silent: it is given no slots until it answers one.
 *
 * Locks: layer 6's, over the pools.
 */
#include <paging/paging_i.h>

#define PAUSE_NS 100000000u

static uint64_t
now_ns(struct tome_vm *vm)
{
	return vm->host->clock_ns(vm->ctx);
}

/* A free one. `overdue`: it was waited for in vain. */
static struct tome_swap_io *
io_take(struct tome_paging *p, struct tome_swap_area *a, bool overdue)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	struct tome_swap_io *io = a->free_io;

	if (io != NULL) {
		a->free_io = io->next;
		a->flying++;
	} else if (overdue) {
		a->silent = true;
	}
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	return io;
}

struct tome_swap_io *
tome_swap_io_get(struct tome_paging *p, uint32_t slot)
{
	struct tome_swap_area *a = tome_slot_area(p, slot);
	uint64_t deadline = 0, now;
	struct tome_swap_io *io;
	uint32_t seen;

	for (;;) {
		seen = tome_io_seen(p->vm, tome_io_bucket(p));
		io = io_take(p, a, false);
		if (tome_likely(io != NULL))
			return io;
		now = now_ns(p->vm);
		if (deadline == 0)
			deadline = tome_slot_patience(p, slot);
		if (now >= deadline || tome_rd(&a->silent))
			return io_take(p, a, true);
		tome_io_wait(p->vm, tome_io_bucket(p), seen,
		    deadline - now > PAUSE_NS ? now + PAUSE_NS : deadline);
	}
}

struct tome_swap_io *
tome_swap_io_try(struct tome_paging *p, uint32_t slot)
{
	return io_take(p, tome_slot_area(p, slot), false);
}

void
tome_swap_io_put(struct tome_paging *p, struct tome_swap_io *io)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	struct tome_swap_area *a = io->area;

	tome_wr(&io->reading, 0);
	io->next = a->free_io;
	a->free_io = io;
	a->flying--;
	a->silent = false;
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	tome_io_progress(p->vm, tome_io_bucket(p));
}

uint64_t
tome_slot_patience(struct tome_paging *p, uint32_t slot)
{
	uint64_t patience = tome_slot_area(p, slot)->device.patience;

	return patience == 0 ? TOME_FOREVER : now_ns(p->vm) + patience;
}

uint64_t
tome_swap_io_deadline(struct tome_paging *p, uint32_t slot)
{
	uint64_t deadline = now_ns(p->vm) + PAUSE_NS;
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	const struct tome_swap_area *a = tome_slot_area(p, slot);

	for (unsigned i = 0; a != NULL && i < TOME_SWAP_IOS; i++) {
		const struct tome_swap_io *io = &a->io[i];

		if (tome_rd(&io->reading) && slot - io->slot < io->io.n)
			deadline = io->io.deadline;
	}
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	return deadline;
}

void
tome_swap_io_start(struct tome_paging *p, struct tome_swap_io *io,
    enum tome_io_op op, uint32_t slot, unsigned n,
    void (*finish)(struct tome_io *))
{
	struct tome_swap_area *a = tome_slot_area(p, slot);

	io->area = a;
	io->slot = slot;
	io->io = (struct tome_io){ .vm = p->vm, .op = op, .vec = io->vec,
		.n = n, .finish = finish, .bucket = tome_io_bucket(p),
		.at = (uint64_t)(slot & TOME_SLOT_MASK) << TOME_PAGE_SHIFT,
		.deadline = tome_slot_patience(p, slot) };
	tome_wr(&io->reading, op == TOME_IO_READ);
	a->device.start(a->ctx, &io->io);
}

void
tome_swap_count_writes(struct tome_paging *p, struct tome_swap_area *a,
    unsigned n, bool ok)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);

	if (ok)
		a->n.written += n;
	else
		a->n.write_errors++;
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
}

void
tome_swap_settle(struct tome_paging *p)
{
	unsigned bucket = tome_io_bucket(p);
	uint32_t seen = tome_io_seen(p->vm, bucket);

	tome_io_run(p->vm);
	if (tome_rd(&p->writing) != 0 || tome_behind_orphans(p) != 0)
		tome_io_wait(p->vm, bucket, seen, now_ns(p->vm) + PAUSE_NS);
}

/* Has an area that answers a request under way, and time for it? */
static bool
is_waited_for(struct tome_paging *p, uint64_t since)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	const struct tome_swap_area *a = p->areas;

	while (a != NULL && (a->silent || a->flying == 0 ||
	    (a->device.patience != 0 && since >= a->device.patience)))
		a = a->next;
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	return a != NULL;
}

void
tome_swap_finish(struct tome_paging *p)
{
	uint64_t begun = now_ns(p->vm);

	tome_io_run(p->vm);
	while (tome_rd(&p->writing) != 0 &&
	    is_waited_for(p, now_ns(p->vm) - begun))
		tome_swap_settle(p);
}

static bool
is_calm(struct tome_paging *p, const struct tome_swap_area *a)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
	bool calm = a->flying == 0;

	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	return calm;
}

void
tome_swap_calm(struct tome_paging *p, struct tome_swap_area *a)
{
	unsigned bucket = tome_io_bucket(p);

	for (uint32_t seen = tome_io_seen(p->vm, bucket); !is_calm(p, a);
	    seen = tome_io_seen(p->vm, bucket))
		tome_io_wait(p->vm, bucket, seen, now_ns(p->vm) + PAUSE_NS);
}
