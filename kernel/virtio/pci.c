/*
 * pci.c - configuration space through ports 0xcf8 and 0xcfc, and vectors for
 * interrupts that are messages (PCI Local Bus 3.0, 3.2.2.3.2 and 6.8).
 */
#include <lib.h>
#include <tome_host_inline.h>
#include <virtio/virtio.h>
#include <x86.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define REG_ID 0x00
#define REG_COMMAND 0x04
#define REG_HEADER 0x0c
#define REG_BAR 0x10
#define COMMAND_MEMORY 2u
#define COMMAND_MASTER 4u
#define COMMAND_NO_PIN 0x400u
#define MULTI_FUNCTION 0x800000u
#define BAR_IO 1u
#define BAR_64 4u
#define MESSAGE_ADDRESS 0xfee00000u

static struct spinlock config_lock;

static uint32_t
address_of(const struct pci_device *d, unsigned reg)
{
	return 0x80000000u | (uint32_t)d->bus << 16 | (uint32_t)d->slot << 11 |
	    (uint32_t)d->function << 8 | (reg & ~3u);
}

uint32_t
pci_read(const struct pci_device *d, unsigned reg)
{
	uintptr_t irq = spin_lock_irq(&config_lock);
	uint32_t v;

	outl(CONFIG_ADDRESS, address_of(d, reg));
	v = inl(CONFIG_DATA);
	spin_unlock_irq(&config_lock, irq);
	return v;
}

void
pci_write(const struct pci_device *d, unsigned reg, uint32_t v)
{
	uintptr_t irq = spin_lock_irq(&config_lock);

	outl(CONFIG_ADDRESS, address_of(d, reg));
	outl(CONFIG_DATA, v);
	spin_unlock_irq(&config_lock, irq);
}

static bool
probe(struct pci_device *d, void (*fn)(const struct pci_device *))
{
	uint32_t id = pci_read(d, REG_ID);

	if ((id & 0xffff) == 0xffff)
		return false;
	d->vendor = (uint16_t)id;
	d->device = (uint16_t)(id >> 16);
	fn(d);
	return true;
}

/* Bus 0 is all that QEMU gives devices of its own accord. */
void
pci_each(void (*fn)(const struct pci_device *))
{
	for (unsigned slot = 0; slot < 32; slot++) {
		struct pci_device d = { .slot = (uint8_t)slot };
		bool many;

		if (!probe(&d, fn))
			continue;
		many = pci_read(&d, REG_HEADER) & MULTI_FUNCTION;
		for (unsigned f = 1; many && f < 8; f++) {
			d.function = (uint8_t)f;
			(void)probe(&d, fn);
		}
	}
}

uint64_t
pci_bar(const struct pci_device *d, unsigned bar)
{
	uint32_t low = pci_read(d, REG_BAR + 4 * bar), high = 0;
	uint32_t command = pci_read(d, REG_COMMAND);

	if (low & BAR_IO)
		return 0;
	if ((low & 6) == BAR_64)
		high = pci_read(d, REG_BAR + 4 * bar + 4);
	pci_write(d, REG_COMMAND, command | COMMAND_MEMORY | COMMAND_MASTER |
	    COMMAND_NO_PIN);
	return ((uint64_t)high << 32 | low) & ~(uint64_t)15;
}

/* ---- vectors ---- */

static struct {
	void (*fn)(void *arg);
	void *arg;
} handlers[VECTOR_PCI_COUNT];
static unsigned nhandlers;

bool
pci_vector(void (*fn)(void *arg), void *arg, uint64_t *address,
    uint32_t *data)
{
	if (nhandlers == VECTOR_PCI_COUNT)
		return false;
	handlers[nhandlers].fn = fn;
	handlers[nhandlers].arg = arg;
	*address = MESSAGE_ADDRESS | (uint64_t)tables.apic_id[0] << 12;
	*data = VECTOR_PCI + nhandlers++;
	return true;
}

bool
pci_interrupt(unsigned vector)
{
	if (vector < VECTOR_PCI || vector - VECTOR_PCI >= nhandlers)
		return false;
	handlers[vector - VECTOR_PCI].fn(handlers[vector - VECTOR_PCI].arg);
	return true;
}
