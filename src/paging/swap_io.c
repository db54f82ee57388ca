/*
 * swap_io.c - requests to swap areas, from a fixed pool.
 *
 * Locks: layer 6's, over the pool.
 */
#include <paging/paging_i.h>

#define PAUSE_NS 100000000u

static uint64_t
now_ns(struct tome_vm *vm)
{
	return vm->host->clock_ns(vm->ctx);
}

struct tome_swap_io *
tome_swap_io_get(struct tome_paging *p)
{
	unsigned bucket = tome_io_bucket(p);
	struct tome_swap_io *io;
	uint32_t seen;
	uintptr_t irq;

	for (;;) {
		seen = tome_io_seen(p->vm, bucket);
		irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);
		io = p->free_io;
		if (io != NULL)
			p->free_io = io->next;
		tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
		if (io != NULL)
			return io;
		tome_io_wait(p->vm, bucket, seen, now_ns(p->vm) + PAUSE_NS);
	}
}

void
tome_swap_io_put(struct tome_paging *p, struct tome_swap_io *io)
{
	uintptr_t irq = tome_spin_lock(p->vm, &p->lock, TOME_RANK_QUEUE);

	io->next = p->free_io;
	p->free_io = io;
	tome_spin_unlock(p->vm, &p->lock, TOME_RANK_QUEUE, irq);
	tome_io_progress(p->vm, tome_io_bucket(p));
}

uint64_t
tome_slot_patience(struct tome_paging *p, uint32_t slot)
{
	uint64_t patience = tome_slot_area(p, slot)->device.patience;

	return patience == 0 ? TOME_FOREVER : now_ns(p->vm) + patience;
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
	a->device.start(a->ctx, &io->io);
}

void
tome_swap_settle(struct tome_paging *p)
{
	unsigned bucket = tome_io_bucket(p);
	uint32_t seen = tome_io_seen(p->vm, bucket);

	tome_io_run(p->vm);
	if (tome_rd(&p->writing) != 0)
		tome_io_wait(p->vm, bucket, seen, now_ns(p->vm) + PAUSE_NS);
}
