/*
 * mmio.c - a virtio device's registers where the devicetree says (virtio 1.0, 4.2.2).
 *
 * A device has one interrupt for all; drivers here have one queue each.
 */
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <tome/kmem.h>
#include <virtio/virtio.h>

#define MAGIC 0x74726976u	/* "virt" */
#define VERSION 2u

enum {
	R_MAGIC = 0x000, R_VERSION = 0x004, R_KIND = 0x008,
	R_DEVICE_FEATURES = 0x010, R_DEVICE_SELECT = 0x014,
	R_DRIVER_FEATURES = 0x020, R_DRIVER_SELECT = 0x024,
	R_QUEUE_SELECT = 0x030, R_QUEUE_MAX = 0x034, R_QUEUE_SIZE = 0x038,
	R_QUEUE_READY = 0x044, R_QUEUE_NOTIFY = 0x050,
	R_INTERRUPT = 0x060, R_INTERRUPT_ACK = 0x064, R_STATUS = 0x070,
	R_QUEUE_DESC = 0x080, R_QUEUE_DRIVER = 0x090, R_QUEUE_DEVICE = 0x0a0,
	R_CONFIG = 0x100,
};

static volatile uint32_t *
reg(const struct virtio *v, unsigned at)
{
	return (volatile uint32_t *)(volatile void *)(v->common + at);
}

static void
write64(struct virtio *v, unsigned at, uint64_t value)
{
	*reg(v, at) = (uint32_t)value;
	*reg(v, at + 4) = (uint32_t)(value >> 32);
}

static volatile uint8_t *
map_place(const struct dt_node *n)
{
	uint64_t base, len;
	tome_pa_t page;
	tome_va_t va;

	if (!dt_reg(n, 0, &base, &len))
		return NULL;
	page = (tome_pa_t)base & ~(tome_pa_t)TOME_PAGE_MASK;
	if (tome_kmap_phys(the_vm, page,
	    tome_page_ceil((tome_va_t)(base + len - page)), TOME_MEM_DEVICE,
	    TOME_PROT_READ | TOME_PROT_WRITE, &va) != TOME_OK)
		return NULL;
	return (volatile uint8_t *)tome_kva_ptr(the_vm, va) + (base - page);
}

static void
unmap_place(volatile uint8_t *place)
{
	tome_kunmap(the_vm, (tome_va_t)(uintptr_t)place &
	    ~(tome_va_t)TOME_PAGE_MASK);
}

void
virtio_each(uint16_t kind, void (*fn)(const struct virtio_at *))
{
	DT_EACH(n) {
		struct virtio v = {0};
		struct virtio_at at = { .where = &n };
		bool is_kind;

		if (!dt_is_compatible(&n, "virtio,mmio"))
			continue;
		v.common = map_place(&n);
		if (v.common == NULL)
			continue;
		is_kind = *reg(&v, R_MAGIC) == MAGIC &&
		    *reg(&v, R_VERSION) == VERSION &&
		    *reg(&v, R_KIND) == kind;
		unmap_place(v.common);
		if (is_kind)
			fn(&at);
	}
}

static uint64_t
agree(struct virtio *v, uint64_t want)
{
	uint64_t have;

	*reg(v, R_DEVICE_SELECT) = 0;
	have = *reg(v, R_DEVICE_FEATURES);
	*reg(v, R_DEVICE_SELECT) = 1;
	have |= (uint64_t)*reg(v, R_DEVICE_FEATURES) << 32;
	have &= want | F_VERSION_1;
	*reg(v, R_DRIVER_SELECT) = 0;
	*reg(v, R_DRIVER_FEATURES) = (uint32_t)have;
	*reg(v, R_DRIVER_SELECT) = 1;
	*reg(v, R_DRIVER_FEATURES) = (uint32_t)(have >> 32);
	return have;
}

bool
virtio_begin(struct virtio *v, const struct virtio_at *at, uint64_t want)
{
	v->common = map_place(at->where);
	if (v->common == NULL)
		return false;
	v->config = v->common + R_CONFIG;
	dt_interrupt(at->where, v->interrupt);
	*reg(v, R_STATUS) = 0;
	while (*reg(v, R_STATUS) != 0)
		tome_host_relax();
	*reg(v, R_STATUS) = S_ACKNOWLEDGE | S_DRIVER;
	v->features = agree(v, want);
	*reg(v, R_STATUS) = S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK;
	return (v->features & F_VERSION_1) &&
	    (*reg(v, R_STATUS) & S_FEATURES_OK);
}

/* Acknowledged first: what is used after the look interrupts again. */
static void
mmio_interrupt(void *arg)
{
	struct virtio *v = arg;

	*reg(v, R_INTERRUPT_ACK) = *reg(v, R_INTERRUPT);
	v->fn(v->arg);
}

bool
virtio_queue(struct virtio *v, struct virtqueue *q, uint16_t index,
    void (*fn)(void *arg), void *arg)
{
	tome_pa_t pa[3];

	*reg(v, R_QUEUE_SELECT) = index;
	if (v->fn != NULL || *reg(v, R_QUEUE_READY) != 0 ||
	    !vq_alloc(q, v, index, *reg(v, R_QUEUE_MAX), pa))
		return false;
	*reg(v, R_QUEUE_SIZE) = q->size;
	write64(v, R_QUEUE_DESC, pa[0]);
	write64(v, R_QUEUE_DRIVER, pa[1]);
	write64(v, R_QUEUE_DEVICE, pa[2]);
	q->doorbell = v->common + R_QUEUE_NOTIFY;
	*reg(v, R_QUEUE_READY) = 1;
	v->fn = fn;
	v->arg = arg;
	return machine_interrupt(v->interrupt, mmio_interrupt, v);
}

void
virtio_ready(struct virtio *v)
{
	*reg(v, R_STATUS) = S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK |
	    S_DRIVER_OK;
}

void
virtio_notify(struct virtqueue *q)
{
	*(volatile uint32_t *)(volatile void *)q->doorbell = q->index;
}
