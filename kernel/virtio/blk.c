/*
 * blk.c - virtio block devices (virtio 1.0, 5.2): requests are Tome's page lists,
 * completed from the interrupt.
 *
 * What finds no descriptors waits in a list and is offered by the interrupt that frees
 * some. An error is told, not tried again.
 * Locks: the queue's.
 */
#include <block.h>
#include <lib.h>
#include <machine.h>
#include <tome/io.h>
#include <tome/kmem.h>
#include <virtio/virtio.h>

#define SECTOR 512u

enum { T_IN = 0, T_OUT = 1 };

/* The device reads head and writes status: in one frame with others. */
struct slot {
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} head;
	uint8_t status;
	struct tome_io *io;
	struct slot *next;		/* free */
};

/* Its block first. */
struct disk {
	struct block block;
	struct virtio device;
	struct virtqueue queue;
	/* Under the queue's lock. */
	struct slot *free;
	struct tome_io *first, *last;	/* waiting, by driver[0] */
	tome_pa_t slots_pa;
	struct slot *slots;
};

static char last_letter = 'a' - 1;

static uint64_t
pa_of(struct disk *b, const void *p)
{
	return b->slots_pa + (uint64_t)((const char *)p -
	    (const char *)b->slots);
}

/* The queue is locked. False: no room. */
static bool
offer(struct disk *b, struct tome_io *io)
{
	struct vq_segment s[BLOCK_PAGES + 2];
	struct slot *slot = b->free;
	unsigned n = 0;

	if (slot == NULL)
		return false;
	slot->head.type = io->op == TOME_IO_READ ? T_IN : T_OUT;
	slot->head.sector = io->at / SECTOR;
	slot->status = 0xff;
	slot->io = io;
	s[n++] = (struct vq_segment){ pa_of(b, &slot->head),
		sizeof slot->head, false };
	for (unsigned i = 0; i < io->n; i++)
		s[n++] = (struct vq_segment){ tome_pfn_pa(io->vec[i].pfn) +
			io->vec[i].offset, io->vec[i].len,
			io->op == TOME_IO_READ };
	s[n++] = (struct vq_segment){ pa_of(b, &slot->status), 1, true };
	if (!vq_offer(&b->queue, s, n, slot))
		return false;
	b->free = slot->next;
	return true;
}

static void
disk_transfer(struct block *block, struct tome_io *io)
{
	struct disk *b = (struct disk *)(void *)block;
	uintptr_t irq;

	io->driver[0] = NULL;
	irq = spin_lock_irq(&b->queue.lock);
	if (b->first == NULL && offer(b, io)) {
		vq_kick(&b->queue);
	} else {
		if (b->first == NULL)
			b->first = io;
		else
			b->last->driver[0] = io;
		b->last = io;
	}
	spin_unlock_irq(&b->queue.lock, irq);
}

static void
offer_waiting(struct disk *b)
{
	bool any = false;

	while (b->first != NULL && offer(b, b->first)) {
		b->first = b->first->driver[0];
		any = true;
	}
	if (any)
		vq_kick(&b->queue);
}

/* Interrupts are off. */
static void
disk_interrupt(void *arg)
{
	struct disk *b = arg;
	struct tome_io *done = NULL, *io;
	struct slot *slot;
	uint32_t len;

	spin_lock(&b->queue.lock);
	while ((slot = vq_take(&b->queue, &len)) != NULL) {
		io = slot->io;
		io->driver[1] = slot->status == 0 ? NULL : io;
		io->driver[0] = done;
		done = io;
		slot->next = b->free;
		b->free = slot;
	}
	offer_waiting(b);
	spin_unlock(&b->queue.lock);
	while ((io = done) != NULL) {
		done = io->driver[0];
		tome_io_done(io, io->driver[1] == NULL ? TOME_OK : TOME_EIO);
	}
}

static bool
slots_alloc(struct disk *b)
{
	tome_pfn_t pfn;

	if (tome_frame_alloc(the_vm, TOME_PAGE_KERNEL, TOME_FRAME_ZERO |
	    TOME_FRAME_DIRECT, &pfn) != TOME_OK)
		return false;
	b->slots_pa = tome_pfn_pa(pfn);
	b->slots = tome_frame_va(the_vm, pfn);
	for (size_t i = 0; i < TOME_PAGE_SIZE / sizeof *b->slots; i++) {
		b->slots[i].next = b->free;
		b->free = &b->slots[i];
	}
	return true;
}

static void
disk_start(const struct virtio_at *at)
{
	struct disk *b;

	if (last_letter == 'z')
		return;
	b = tome_kzalloc(the_vm, sizeof *b);
	if (b == NULL)
		return;
	if (!virtio_begin(&b->device, at, 0) || b->device.config == NULL ||
	    !slots_alloc(b) || !virtio_queue(&b->device, &b->queue, 0,
	    disk_interrupt, b)) {
		kprintf("virtio: a disk that cannot be driven\n");
		return;
	}
	b->block = (struct block){ .name = "vd", .transfer = disk_transfer,
		.bytes = SECTOR * *(volatile uint64_t *)(volatile void *)
		b->device.config };
	b->block.name[2] = ++last_letter;
	virtio_ready(&b->device);
	block_add(&b->block);
}

void
virtio_start(void)
{
	virtio_each(VIRTIO_BLK, disk_start);
	virtio_each(VIRTIO_P9, p9_start);
}
