/*
 * queue.c - a virtio device's registers, and split virtqueues (virtio 1.0, 2.4, 4.1.4).
 *
 * A queue's rings are ours to write but for `used`; indexes run freely modulo 2^16.
 * Locks: each queue's, held by interrupts too.
 */
#include <lib.h>
#include <machine.h>
#include <tome/kmem.h>
#include <virtio/virtio.h>

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

enum { S_ACKNOWLEDGE = 1, S_DRIVER = 2, S_DRIVER_OK = 4, S_FEATURES_OK = 8 };
#define F_VERSION_1 ((uint64_t)1 << 32)

struct vq_desc {
	uint64_t pa;
	uint32_t len;
	uint16_t flags, next;
};
enum { DESC_NEXT = 1, DESC_WRITE = 2 };
struct vq_avail {
	uint16_t flags, index, ring[VQ_SIZE_MAX];
};
struct vq_used {
	uint16_t flags, index;
	struct {
		uint32_t id, len;
	} ring[VQ_SIZE_MAX];
};

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

bool
virtio_begin(struct virtio *v, const struct pci_device *d, uint64_t want)
{
	uint64_t have;

	v->pci = *d;
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

/* Three frames each, one after the other: descriptors, what we offer, what was used. */
static bool
rings_alloc(struct virtqueue *q, tome_pa_t *pa)
{
	tome_pfn_t pfn;

	if (tome_frames_alloc(the_vm, TOME_PAGE_KERNEL, 2, 0, 0,
	    TOME_FRAME_ZERO | TOME_FRAME_DIRECT, &pfn) != TOME_OK)
		return false;
	*pa = tome_pfn_pa(pfn);
	q->desc = tome_frame_va(the_vm, pfn);
	q->avail = tome_frame_va(the_vm, pfn + 1);
	q->used = tome_frame_va(the_vm, pfn + 2);
	return true;
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
	tome_pa_t pa;

	*reg16(v, C_QUEUE_SELECT) = index;
	q->device = v;
	q->index = index;
	q->size = *reg16(v, C_QUEUE_SIZE);
	if (q->size > VQ_SIZE_MAX)
		q->size = VQ_SIZE_MAX;
	if (q->size == 0 || !rings_alloc(q, &pa) || !route(v, index, fn, arg))
		return false;
	for (uint16_t i = 0; i < q->size; i++)
		q->desc[i].next = (uint16_t)(i + 1);
	q->nfree = q->size;
	*reg16(v, C_QUEUE_SIZE) = q->size;
	*reg16(v, C_QUEUE_VECTOR) = index;
	reg_write64(v, C_QUEUE_DESC, pa);
	reg_write64(v, C_QUEUE_DRIVER, pa + TOME_PAGE_SIZE);
	reg_write64(v, C_QUEUE_DEVICE, pa + 2 * TOME_PAGE_SIZE);
	q->doorbell = (volatile uint16_t *)(volatile void *)(v->notify +
	    *reg16(v, C_QUEUE_NOTIFY) * v->notify_step);
	*reg16(v, C_QUEUE_ENABLE) = 1;
	return *reg16(v, C_QUEUE_VECTOR) == index;
}

void
virtio_ready(struct virtio *v)
{
	*reg8(v, C_STATUS) = S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK |
	    S_DRIVER_OK;
}

/* ---- use ---- */

bool
vq_offer(struct virtqueue *q, const struct vq_segment *s, unsigned n,
    void *cookie)
{
	uint16_t head = q->free, at = head;

	if (n > q->nfree)
		return false;
	for (unsigned i = 0; i < n; i++) {
		volatile struct vq_desc *d = &q->desc[at];

		d->pa = s[i].pa;
		d->len = s[i].len;
		d->flags = (uint16_t)((i + 1 < n ? DESC_NEXT : 0) |
		    (s[i].to_us ? DESC_WRITE : 0));
		at = d->next;
	}
	q->free = at;
	q->nfree = (uint16_t)(q->nfree - n);
	q->cookie[head] = cookie;
	q->avail->ring[q->avail->index % q->size] = head;
	atomic_thread_fence(memory_order_release);
	q->avail->index = (uint16_t)(q->avail->index + 1);
	return true;
}

void
vq_kick(struct virtqueue *q)
{
	atomic_thread_fence(memory_order_seq_cst);
	*q->doorbell = q->index;
}

void *
vq_take(struct virtqueue *q, uint32_t *len)
{
	uint16_t head, at, n = 1;

	if (q->used->index == q->last)
		return NULL;
	atomic_thread_fence(memory_order_acquire);
	head = (uint16_t)q->used->ring[q->last % q->size].id;
	*len = q->used->ring[q->last % q->size].len;
	q->last++;
	for (at = head; q->desc[at].flags & DESC_NEXT; at = q->desc[at].next)
		n++;
	q->desc[at].next = q->free;
	q->free = head;
	q->nfree = (uint16_t)(q->nfree + n);
	return q->cookie[head];
}
