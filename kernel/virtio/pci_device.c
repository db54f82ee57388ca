/*
 * pci_device.c - a virtio device's registers and interrupts on PCI (virtio 1.0, 4.1).
 */
#include <lib.h>
#include <machine.h>
#include <tome/kmem.h>
#include <virtio/virtio.h>

#define VENDOR_VIRTIO 0x1af4
#define DEVICE_TRANSITIONAL 0x1000	/* to 0x103f; a few kinds have one */
#define DEVICE_MODERN 0x1040		/* and the kind */
#define CAP_LIST 0x34
#define CAP_MSIX 0x11
#define CAP_VENDOR 0x09
enum { CFG_COMMON = 1, CFG_NOTIFY = 2, CFG_DEVICE = 4 };

/* The common configuration, by byte offset. */
#define C_DEVICE_SELECT 0
#define C_DEVICE_FEATURES 4
#define C_DRIVER_SELECT 8
#define C_DRIVER_FEATURES 12
#define C_STATUS 20
#define C_QUEUE_SELECT 22
#define C_QUEUE_SIZE 24
#define C_QUEUE_VECTOR 26
#define C_QUEUE_ENABLE 28
#define C_QUEUE_NOTIFY 30
#define C_QUEUE_DESC 32
#define C_QUEUE_DRIVER 40
#define C_QUEUE_DEVICE 48


static volatile uint8_t *
reg8(struct virtio *v, unsigned at)
{
	return v->common + at;
}
static volatile uint16_t *
reg16(struct virtio *v, unsigned at)
{
	return (volatile uint16_t *)(volatile void *)(v->common + at);
}
static volatile uint32_t *
reg32(struct virtio *v, unsigned at)
{
	return (volatile uint32_t *)(volatile void *)(v->common + at);
}

static void
reg_write64(struct virtio *v, unsigned at, uint64_t value)
{
	*reg32(v, at) = (uint32_t)value;
	*reg32(v, at + 4) = (uint32_t)(value >> 32);
}

/* ---- finding the registers ---- */

static volatile uint8_t *
map_part(const struct pci_device *d, unsigned bar, uint32_t offset,
    uint32_t len)
{
	uint64_t pa = pci_bar(d, bar);
	uint64_t page = (pa + offset) & ~(uint64_t)TOME_PAGE_MASK;
	tome_va_t va;

	if (pa == 0 || tome_kmap_phys(the_vm, page,
	    tome_page_ceil(pa + offset + len) - page, TOME_MEM_DEVICE,
	    TOME_PROT_READ | TOME_PROT_WRITE, &va) != TOME_OK)
		return NULL;
	return (volatile uint8_t *)tome_kva_ptr(the_vm, va) +
	    ((pa + offset) & TOME_PAGE_MASK);
}

static void
vendor_capability(struct virtio *v, unsigned at)
{
	uint32_t kind = pci_read(&v->pci, at) >> 24;
	unsigned bar = pci_read(&v->pci, at + 4) & 0xff;
	uint32_t offset = pci_read(&v->pci, at + 8);
	uint32_t len = pci_read(&v->pci, at + 12);

	if (kind == CFG_COMMON && v->common == NULL) {
		v->common = map_part(&v->pci, bar, offset, len);
	} else if (kind == CFG_NOTIFY && v->notify == NULL) {
		v->notify = map_part(&v->pci, bar, offset, len);
		v->notify_step = pci_read(&v->pci, at + 16);
	} else if (kind == CFG_DEVICE && v->config == NULL) {
		v->config = map_part(&v->pci, bar, offset, len);
	}
}

static void
msix_capability(struct virtio *v, unsigned at)
{
	uint32_t control = pci_read(&v->pci, at);
	uint32_t table = pci_read(&v->pci, at + 4);
	unsigned entries = (control >> 16 & 0x7ff) + 1;

	v->msix = (volatile uint32_t *)(volatile void *)map_part(&v->pci,
	    table & 7, table & ~7u, entries * 16);
	if (v->msix != NULL)
		pci_write(&v->pci, at, (control & ~0x40000000u) | 0x80000000u);
}

static void
find_capabilities(struct virtio *v)
{
	unsigned at = pci_read(&v->pci, CAP_LIST) & 0xfc;

	for (unsigned tries = 0; at != 0 && tries < 48; tries++) {
		uint32_t head = pci_read(&v->pci, at);

		if ((head & 0xff) == CAP_VENDOR)
			vendor_capability(v, at);
		else if ((head & 0xff) == CAP_MSIX)
			msix_capability(v, at);
		at = head >> 8 & 0xfc;
	}
}

/* ---- bring-up ---- */

static uint16_t
kind_of(uint16_t device)
{
	switch (device) {
	case DEVICE_TRANSITIONAL + 1:
		return VIRTIO_BLK;
	case DEVICE_TRANSITIONAL + 9:
		return VIRTIO_P9;
	default:
		return device < DEVICE_MODERN ? 0 :
		    (uint16_t)(device - DEVICE_MODERN);
	}
}

/* What virtio_each() looks for, while it does: at bring-up, in one thread. */
static uint16_t wanted;
static void (*wanted_by)(const struct virtio_at *);

static void
offer_device(const struct pci_device *d)
{
	struct virtio_at at = { .where = d };

	if (d->vendor == VENDOR_VIRTIO && kind_of(d->device) == wanted)
		wanted_by(&at);
}

void
virtio_each(uint16_t kind, void (*fn)(const struct virtio_at *))
{
	wanted = kind;
	wanted_by = fn;
	pci_each(offer_device);
}

bool
virtio_begin(struct virtio *v, const struct virtio_at *at, uint64_t want)
{
	uint64_t have;

	v->pci = *(const struct pci_device *)at->where;
	find_capabilities(v);
	if (v->common == NULL || v->notify == NULL || v->msix == NULL)
		return false;
	*reg8(v, C_STATUS) = 0;
	while (*reg8(v, C_STATUS) != 0)
		tome_host_relax();
	*reg8(v, C_STATUS) = S_ACKNOWLEDGE | S_DRIVER;
	*reg32(v, C_DEVICE_SELECT) = 0;
	have = *reg32(v, C_DEVICE_FEATURES);
	*reg32(v, C_DEVICE_SELECT) = 1;
	have |= (uint64_t)*reg32(v, C_DEVICE_FEATURES) << 32;
	v->features = have & (want | F_VERSION_1);
	*reg32(v, C_DRIVER_SELECT) = 0;
	*reg32(v, C_DRIVER_FEATURES) = (uint32_t)v->features;
	*reg32(v, C_DRIVER_SELECT) = 1;
	*reg32(v, C_DRIVER_FEATURES) = (uint32_t)(v->features >> 32);
	*reg8(v, C_STATUS) = S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK;
	return (v->features & F_VERSION_1) &&
	    (*reg8(v, C_STATUS) & S_FEATURES_OK);
}

static bool
route(struct virtio *v, uint16_t entry, void (*fn)(void *arg), void *arg)
{
	uint64_t address;
	uint32_t data;

	if (!pci_vector(fn, arg, &address, &data))
		return false;
	v->msix[4 * entry] = (uint32_t)address;
	v->msix[4 * entry + 1] = (uint32_t)(address >> 32);
	v->msix[4 * entry + 2] = data;
	v->msix[4 * entry + 3] = 0;
	return true;
}

bool
virtio_queue(struct virtio *v, struct virtqueue *q, uint16_t index,
    void (*fn)(void *arg), void *arg)
{
	tome_pa_t pa[3];

	*reg16(v, C_QUEUE_SELECT) = index;
	if (!vq_alloc(q, v, index, *reg16(v, C_QUEUE_SIZE), pa) ||
	    !route(v, index, fn, arg))
		return false;
	*reg16(v, C_QUEUE_SIZE) = q->size;
	*reg16(v, C_QUEUE_VECTOR) = index;
	reg_write64(v, C_QUEUE_DESC, pa[0]);
	reg_write64(v, C_QUEUE_DRIVER, pa[1]);
	reg_write64(v, C_QUEUE_DEVICE, pa[2]);
	q->doorbell = v->notify + *reg16(v, C_QUEUE_NOTIFY) * v->notify_step;
	*reg16(v, C_QUEUE_ENABLE) = 1;
	return *reg16(v, C_QUEUE_VECTOR) == index;
}

void
virtio_ready(struct virtio *v)
{
	*reg8(v, C_STATUS) = S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK |
	    S_DRIVER_OK;
}

void
virtio_notify(struct virtqueue *q)
{
	*(volatile uint16_t *)(volatile void *)q->doorbell = q->index;
}
