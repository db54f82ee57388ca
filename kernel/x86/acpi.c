/*
 * acpi.c - the few facts we need from ACPI's tables: which CPUs there are
 * (MADT), where their interrupt controllers are, how to switch off (FADT, and
 * the \_S5_ package of the DSDT) and to reset.
 */
#include <lib.h>
#include <machine.h>
#include <x86.h>

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
} __attribute__((packed));

struct madt {
	struct header header;
	uint32_t lapic, flags;
	uint8_t entries[];
} __attribute__((packed));

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC64 = 5 };

struct madt_entry {
	uint8_t type, length;
	union {
		struct {
			uint8_t acpi_id, apic_id;
			uint32_t flags;
		} __attribute__((packed)) lapic;
		struct {
			uint8_t id, reserved;
			uint32_t address, base;
		} __attribute__((packed)) ioapic;
		struct {
			uint8_t bus, source;
			uint32_t gsi;
			uint16_t flags;
		} __attribute__((packed)) override;
		struct {
			uint16_t reserved;
			uint64_t address;
		} __attribute__((packed)) lapic64;
	};
} __attribute__((packed));

/* Offsets in the FADT, which grew over time. */
#define FADT_DSDT 40
#define FADT_PM1A_CONTROL 64
#define FADT_PM1B_CONTROL 68
#define FADT_RESET_SPACE 116	/* address-space id; 1 is port I/O */
#define FADT_RESET_ADDRESS 120
#define FADT_RESET_VALUE 128

struct machine_tables tables = { .lapic = 0xfee00000, .ncpus = 1 };

static void read_madt(const struct madt *);
static void read_fadt(const struct header *);

static bool
is_signed(const struct header *h, const char *signature)
{
	return memcmp(h->signature, signature, 4) == 0;
}

static void
read_table(tome_pa_t pa)
{
	const struct header *h = direct(pa);

	if (is_signed(h, "APIC"))
		read_madt(direct(pa));
	else if (is_signed(h, "FACP"))
		read_fadt(h);
}

/* The root table holds addresses of 4 or 8 bytes. */
static void
read_root(tome_pa_t pa, unsigned width)
{
	const struct header *h = direct(pa);
	const uint8_t *p = (const uint8_t *)(h + 1);
	uint32_t n = (h->length - (uint32_t)sizeof *h) / width;

	for (uint32_t i = 0; i < n; i++, p += width) {
		uint64_t at = 0;

		memcpy(&at, p, width);
		read_table(at);
	}
}

void
acpi_read(tome_pa_t pa)
{
	const struct rsdp *r = direct(pa);

	for (unsigned irq = 0; irq < 16; irq++)
		tables.isa_gsi[irq] = irq;
	if (pa == 0 || memcmp(r->signature, "RSD PTR ", 8) != 0)
		panic("no ACPI tables");
	/* The CPU that reads is the first. */
	tables.apic_id[0] = cpuid(1, 0).b >> 24;
	if (r->revision >= 2 && r->xsdt != 0)
		read_root(r->xsdt, 8);
	else
		read_root(r->rsdt, 4);
}

static void
add_cpu(uint32_t id, uint32_t flags)
{
	if (!(flags & 1) || id == tables.apic_id[0])
		return;
	if (tables.ncpus == KERNEL_MAX_CPUS) {
		kprintf("CPU with APIC id %u left idle\n", id);
		return;
	}
	tables.apic_id[tables.ncpus++] = id;
}

static void
read_madt_entry(const struct madt_entry *e)
{
	switch (e->type) {
	case MADT_LAPIC:
		add_cpu(e->lapic.apic_id, e->lapic.flags);
		break;
	case MADT_IOAPIC:
		if (tables.ioapic == 0) {
			tables.ioapic = e->ioapic.address;
			tables.ioapic_base = e->ioapic.base;
		}
		break;
	case MADT_OVERRIDE:
		if (e->override.source < 16) {
			tables.isa_gsi[e->override.source] = e->override.gsi;
			tables.isa_flags[e->override.source] =
			    e->override.flags;
		}
		break;
	case MADT_LAPIC64:
		tables.lapic = e->lapic64.address;
		break;
	}
}

static void
read_madt(const struct madt *m)
{
	const uint8_t *p = m->entries;
	const uint8_t *end = (const uint8_t *)m + m->header.length;

	tables.lapic = m->lapic;
	while (p + 2 <= end && p[1] >= 2) {
		read_madt_entry((const struct madt_entry *)(const void *)p);
		p += p[1];
	}
}

/* A small integer of AML: ZeroOp, OneOp, or BytePrefix and a byte. */
static unsigned
aml_byte(const uint8_t **p)
{
	if (**p == 0x0a)
		(*p)++;
	return *(*p)++;
}

/*
 * SLP_TYP of S5: the first two elements of the package named _S5_. AML is not
 * interpreted: the name is searched for, as its contents are always literal.
 */
static void
read_s5(const struct header *dsdt)
{
	const uint8_t *p = (const uint8_t *)(dsdt + 1);
	const uint8_t *end = (const uint8_t *)dsdt + dsdt->length - 10;

	while (p < end && memcmp(p, "_S5_", 4) != 0)
		p++;
	if (p >= end || p[4] != 0x12)
		return;
	p += 5;
	p += (*p >> 6) + 2;		/* PkgLength, NumElements */
	tables.sleep_a = (uint16_t)(aml_byte(&p) << 10);
	tables.sleep_b = (uint16_t)(aml_byte(&p) << 10);
}

static void
read_fadt(const struct header *h)
{
	const uint8_t *fadt = (const uint8_t *)h;
	uint32_t dsdt;

	memcpy(&dsdt, fadt + FADT_DSDT, sizeof dsdt);
	memcpy(&tables.pm1a_control, fadt + FADT_PM1A_CONTROL, 2);
	memcpy(&tables.pm1b_control, fadt + FADT_PM1B_CONTROL, 2);
	if (dsdt != 0)
		read_s5(direct(dsdt));
	if (h->length > FADT_RESET_VALUE && fadt[FADT_RESET_SPACE] == 1) {
		memcpy(&tables.reset_port, fadt + FADT_RESET_ADDRESS, 2);
		tables.reset_value = fadt[FADT_RESET_VALUE];
	}
}
