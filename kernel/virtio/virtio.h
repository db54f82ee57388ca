/*
 * virtio.h - virtio devices (OASIS Virtual I/O Device 1.0): what drivers see, the same
 * over PCI (pci_device.c) and in a devicetree's place (mmio.c); a machine links one.
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
	volatile uint8_t *doorbell;
	void *cookie[VQ_SIZE_MAX];
	struct spinlock lock;		/* taken by interrupts too */
};

struct virtio {
	volatile uint8_t *common, *config;
	uint64_t features;		/* agreed on */
	/* On PCI. */
	struct pci_device pci;
	volatile uint8_t *notify;
	volatile uint32_t *msix;
	uint32_t notify_step;
	/* In its place: the interrupt, and whom it is for. */
	uint32_t interrupt[3];
	void (*fn)(void *arg);
	void *arg;
};

/* Of rings for queue `index` of v, at most `size` long; what the device is told. */
bool vq_alloc(struct virtqueue *, struct virtio *, uint16_t index,
    uint32_t size, tome_pa_t pa[3]);
/* Offer a chain; the queue is locked. False: not enough descriptors. */
bool vq_offer(struct virtqueue *, const struct vq_segment *, unsigned n,
    void *cookie);
void vq_kick(struct virtqueue *);
/* What the device has done with; NULL: nothing more. Locked. */
void *vq_take(struct virtqueue *, uint32_t *len);

/* ---- the transport ---- */

enum { VIRTIO_BLK = 2, VIRTIO_P9 = 9 };
/* Of the device's status. */
enum { S_ACKNOWLEDGE = 1, S_DRIVER = 2, S_DRIVER_OK = 4, S_FEATURES_OK = 8 };
#define F_VERSION_1 ((uint64_t)1 << 32)

/* A device that the bus has. */
struct virtio_at {
	const void *where;		/* the transport's */
};

/* Call fn for each device of a kind. */
void virtio_each(uint16_t kind, void (*fn)(const struct virtio_at *));
/* Reset it, agree on what both have of `want`. False: it cannot be driven. */
bool virtio_begin(struct virtio *, const struct virtio_at *, uint64_t want);
/* Set up queue `index`; fn(arg) when something was used, interrupts off. */
bool virtio_queue(struct virtio *, struct virtqueue *, uint16_t index,
    void (*fn)(void *arg), void *arg);
void virtio_ready(struct virtio *);
/* Something was offered. */
void virtio_notify(struct virtqueue *);

/* ---- drivers ---- */

/* p9.c */
void p9_start(const struct virtio_at *);

/* blk.c. Find all devices; disks become vda and so on (block.h). */
void virtio_start(void);

#endif
