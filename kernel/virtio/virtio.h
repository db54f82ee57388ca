/*
 * virtio.h - virtio devices over PCI (OASIS Virtual I/O Device 1.0, sections 2, 4.1,
 * 5.2): what drivers see.
 */
#ifndef KERNEL_VIRTIO_VIRTIO_H
#define KERNEL_VIRTIO_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sync.h>
#include <tome/io.h>

/* ---- pci.c ---- */

struct pci_device {
	uint8_t bus, slot, function;
	uint16_t vendor, device;
};
uint32_t pci_read(const struct pci_device *, unsigned reg);
void pci_write(const struct pci_device *, unsigned reg, uint32_t v);
/* Call fn for each device there is. */
void pci_each(void (*fn)(const struct pci_device *));
/* Address of a memory BAR; 0: it is none. */
uint64_t pci_bar(const struct pci_device *, unsigned bar);

/*
 * Interrupts as messages: the next free vector calls fn(arg), interrupts off. The
 * device is told by its MSI-X entry, which gets address and data. False: none left.
 */
bool pci_vector(void (*fn)(void *arg), void *arg, uint64_t *address,
    uint32_t *data);
/* trap.c's: an interrupt of this vector. False: it is not one of ours. */
bool pci_interrupt(unsigned vector);

/* ---- queue.c ---- */

#define VQ_SIZE_MAX 256u

struct vq_segment {
	uint64_t pa;
	uint32_t len;
	bool to_us;			/* the device writes it */
};

struct virtio;
struct virtqueue {
	struct virtio *device;
	uint16_t index, size, free, nfree, last;
	volatile struct vq_desc *desc;
	volatile struct vq_avail *avail;
	volatile struct vq_used *used;
	volatile uint16_t *doorbell;
	void *cookie[VQ_SIZE_MAX];
	struct spinlock lock;		/* taken by interrupts too */
};

struct virtio {
	struct pci_device pci;
	volatile uint8_t *common, *config, *notify;
	volatile uint32_t *msix;
	uint32_t notify_step;
	uint64_t features;		/* agreed on */
};

/* Reset it, agree on what both have of `want`. False: it cannot be driven. */
bool virtio_begin(struct virtio *, const struct pci_device *, uint64_t want);
/* Set up queue `index`; fn(arg) when something was used, interrupts off. */
bool virtio_queue(struct virtio *, struct virtqueue *, uint16_t index,
    void (*fn)(void *arg), void *arg);
void virtio_ready(struct virtio *);

/* Offer a chain; the queue is locked. False: not enough descriptors. */
bool vq_offer(struct virtqueue *, const struct vq_segment *, unsigned n,
    void *cookie);
void vq_kick(struct virtqueue *);
/* What the device has done with; NULL: nothing more. Locked. */
void *vq_take(struct virtqueue *, uint32_t *len);

/* ---- p9.c ---- */

void p9_start(const struct pci_device *);

/* ---- blk.c ---- */

/* Find all devices; disks become vda and so on (block.h). */
void virtio_start(void);

#endif
