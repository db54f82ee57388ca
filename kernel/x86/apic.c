/*
 * apic.c - the interrupt controllers: each CPU's local APIC (timer, messages
 * between CPUs) and the I/O APIC (the console's interrupt).
 *
 * The timer counts down once from what is written to it. Its rate is measured
 * against the time-stamp counter when the first CPU starts.
 */
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <sched_i.h>
#include <tome/kmem.h>
#include <x86.h>

/* Registers, by byte offset. */
#define APIC_ID 0x20
#define APIC_EOI 0xb0
#define APIC_SPURIOUS_REG 0xf0
#define APIC_COMMAND_LOW 0x300
#define APIC_COMMAND_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define APIC_ENABLE 0x100u
#define APIC_BUSY 0x1000u
#define APIC_MASKED 0x10000u
#define APIC_LVT_NMI 0x400u
#define APIC_OTHERS 0xc0000u
#define APIC_DIVIDE_16 3u

#define IOAPIC_SELECT 0x00
#define IOAPIC_WINDOW 0x10
#define IOAPIC_REDIRECT 0x10
#define IOAPIC_LOW_ACTIVE 0x2000u
#define IOAPIC_LEVEL 0x8000u

#define CALIBRATE_NS 2000000u

static volatile uint8_t *lapic, *ioapic;
/* Timer ticks in 2^32 nanoseconds. */
static uint64_t ticks_scale;

static uint32_t
lapic_read(unsigned reg)
{
	return *(volatile uint32_t *)(lapic + reg);
}

static void
lapic_write(unsigned reg, uint32_t v)
{
	*(volatile uint32_t *)(lapic + reg) = v;
}

static volatile uint8_t *
map_device(tome_pa_t pa)
{
	tome_va_t va;

	if (tome_kmap_phys(the_vm, pa, TOME_PAGE_SIZE, TOME_MEM_DEVICE,
	    TOME_PROT_READ | TOME_PROT_WRITE, &va) != TOME_OK)
		panic("cannot map the device at %#lx", (unsigned long)pa);
	return tome_kva_ptr(the_vm, va);
}

static uint64_t
calibrate_once(void)
{
	uint64_t start, spent;
	uint32_t ticks;

	lapic_write(APIC_TIMER_INITIAL, UINT32_MAX);
	start = clock_ns();
	while ((spent = clock_ns() - start) < CALIBRATE_NS)
		;
	ticks = UINT32_MAX - lapic_read(APIC_TIMER_CURRENT);
	lapic_write(APIC_TIMER_INITIAL, 0);
	return ((uint64_t)ticks << 32) / spent;
}

/* Until two in a row agree: a machine that was not running between two of the readings
 * (an emulator on a busy host) spoils one. */
static void
calibrate(void)
{
	uint64_t before;

	ticks_scale = calibrate_once();
	do {
		before = ticks_scale;
		ticks_scale = calibrate_once();
	} while ((ticks_scale > before ? ticks_scale - before :
	    before - ticks_scale) > before / 16);
}

/* The old controllers: out of the way, then masked. */
static void
disable_pics(void)
{
	static const uint8_t words[2][4] = {
		{ 0x11, 0x20, 0x04, 0x01 }, { 0x11, 0x28, 0x02, 0x01 },
	};

	for (unsigned pic = 0; pic < 2; pic++) {
		uint16_t port = pic == 0 ? 0x20 : 0xa0;

		outb(port, words[pic][0]);
		for (unsigned i = 1; i < 4; i++)
			outb(port + 1, words[pic][i]);
		outb(port + 1, 0xff);
	}
}

void
apic_map(void)
{
	disable_pics();
	lapic = map_device(tables.lapic);
	if (tables.ioapic != 0)
		ioapic = map_device(tables.ioapic);
}

void
apic_start(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 1u << 11);
	lapic_write(APIC_SPURIOUS_REG, APIC_ENABLE | VECTOR_SPURIOUS);
	lapic_write(APIC_LVT_LINT0, APIC_MASKED);
	lapic_write(APIC_LVT_LINT1, APIC_LVT_NMI);	/* for a hung machine */
	lapic_write(APIC_LVT_ERROR, APIC_MASKED);
	lapic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_16);
	lapic_write(APIC_LVT_TIMER, APIC_MASKED);
	if (ticks_scale == 0)
		calibrate();
	lapic_write(APIC_LVT_TIMER, VECTOR_TIMER);
	lapic_write(APIC_EOI, 0);
}

uint32_t
apic_id(void)
{
	return lapic_read(APIC_ID) >> 24;
}

void
apic_end_of_interrupt(void)
{
	lapic_write(APIC_EOI, 0);
}

/* At most the counter's range: the handler arms it again for the rest. */
void
machine_arm(uint64_t ns)
{
	uint64_t ticks = scaled(ns, ticks_scale);

	if (ticks > UINT32_MAX)
		ticks = UINT32_MAX;
	lapic_write(APIC_TIMER_INITIAL, ticks > 0 ? (uint32_t)ticks : 1);
}

/* ---- messages ---- */

/* The two halves of a command belong together: interrupts off between. */
void
apic_send(uint32_t id, uint32_t command)
{
	uintptr_t irq = tome_host_irq_save();

	while (lapic_read(APIC_COMMAND_LOW) & APIC_BUSY)
		tome_host_relax();
	lapic_write(APIC_COMMAND_HIGH, id << 24);
	lapic_write(APIC_COMMAND_LOW, command);
	tome_host_irq_restore(irq);
}

void
apic_send_nmi_others(void)
{
	if (lapic != NULL)
		apic_send(0, APIC_NMI | APIC_OTHERS);
}

void
machine_kick(unsigned cpu)
{
	apic_send(cpus[cpu].apic_id, APIC_FIXED | VECTOR_KICK);
}

void
machine_ask_flush(unsigned cpu)
{
	apic_send(cpus[cpu].apic_id, APIC_FIXED | VECTOR_FLUSH);
}

/* ---- the I/O APIC ---- */

static void
ioapic_write(unsigned reg, uint32_t v)
{
	*(volatile uint32_t *)(ioapic + IOAPIC_SELECT) = reg;
	*(volatile uint32_t *)(ioapic + IOAPIC_WINDOW) = v;
}

/* To the first CPU. Polarity and trigger as the MADT overrides them. */
void
ioapic_route(unsigned irq, uint8_t vector)
{
	uint32_t pin = tables.isa_gsi[irq] - tables.ioapic_base;
	uint32_t low = vector;

	if (ioapic == NULL)
		return;
	if ((tables.isa_flags[irq] & 3) == 3)
		low |= IOAPIC_LOW_ACTIVE;
	if ((tables.isa_flags[irq] >> 2 & 3) == 3)
		low |= IOAPIC_LEVEL;
	ioapic_write(IOAPIC_REDIRECT + 2 * pin + 1,
	    tables.apic_id[0] << 24);
	ioapic_write(IOAPIC_REDIRECT + 2 * pin, low);
}
