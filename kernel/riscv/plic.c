/*
 * plic.c - the platform-level interrupt controller (RISC-V PLIC 1.0): devices'
 * interrupts, all to the CPU that boots.
 *
 * An interrupt is claimed, which says which it is, and completed when its handler is
 * done. Handlers are set once and stay.
 */
#include <devicetree.h>
#include <lib.h>
#include <machine.h>
#include <riscv.h>
#include <sync.h>

#define SOURCES 128u
#define PRIORITY(source) (4u * (source))
#define ENABLE(context) (0x2000u + 0x80u * (context))
#define THRESHOLD(context) (0x200000u + 0x1000u * (context))
#define CLAIM(context) (THRESHOLD(context) + 4u)

static volatile uint8_t *plic;
static unsigned context;
static struct {
	void (*fn)(void *arg);
	void *arg;
} handlers[SOURCES];
static struct spinlock plic_lock;

static volatile uint32_t *
plic_reg(unsigned at)
{
	return (volatile uint32_t *)(volatile void *)(plic + at);
}

/* What the hart's own interrupt controller is called: it is the CPU's child. */
static uint32_t
controller_of(uint64_t hart)
{
	uint64_t id = 0, len;
	uint32_t phandle = 0;

	DT_EACH(n) {
		size_t size;

		if (dt_property(&n, "riscv,isa", &size) != NULL)
			(void)dt_reg(&n, 0, &id, &len);
		else if (dt_is_compatible(&n, "riscv,cpu-intc") && id == hart)
			(void)dt_cell(&n, "phandle", 0, &phandle);
	}
	return phandle;
}

/* Pairs of a controller and the interrupt there: each is a context. */
static bool
find_context(const struct dt_node *n, uint32_t controller)
{
	uint32_t to, irq;

	for (unsigned i = 0; dt_cell(n, "interrupts-extended", 2 * i, &to) &&
	    dt_cell(n, "interrupts-extended", 2 * i + 1, &irq); i++) {
		if (to == controller && irq == IRQ_EXTERNAL) {
			context = i;
			return true;
		}
	}
	return false;
}

void
plic_start(void)
{
	struct dt_node n;
	uint64_t base, len;

	if ((!dt_find(&n, "riscv,plic0") && !dt_find(&n, "sifive,plic-1.0.0")) ||
	    !dt_reg(&n, 0, &base, &len) ||
	    !find_context(&n, controller_of(cpus[0].hart)))
		panic("no interrupt controller");
	plic = direct(base);
	*plic_reg(THRESHOLD(context)) = 0;
}

bool
machine_interrupt(const uint32_t cells[3], void (*fn)(void *arg), void *arg)
{
	uint32_t source = cells[0];
	uintptr_t irq;

	if (source == 0 || source >= SOURCES || handlers[source].fn != NULL)
		return false;
	irq = spin_lock_irq(&plic_lock);
	handlers[source].fn = fn;
	handlers[source].arg = arg;
	*plic_reg(PRIORITY(source)) = 1;
	*plic_reg(ENABLE(context) + source / 32 * 4) |= 1u << source % 32;
	spin_unlock_irq(&plic_lock, irq);
	return true;
}

void
plic_interrupt(void)
{
	uint32_t source;

	while ((source = *plic_reg(CLAIM(context))) != 0) {
		if (source < SOURCES && handlers[source].fn != NULL)
			handlers[source].fn(handlers[source].arg);
		*plic_reg(CLAIM(context)) = source;
	}
}
