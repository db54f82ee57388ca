/*
 * pl011.c - the console: a PL011 serial port. Output waits for room in the
 * transmitter; input comes by interrupt and goes to the terminal, or waits in the
 * chip until somebody asks for it.
 */
#include <arm.h>
#include <asm.h>
#include <devicetree.h>
#include <machine.h>
#include <personality.h>
#include <sync.h>

enum {
	DATA = 0x00, FLAGS = 0x18, LINE = 0x2c, CONTROL = 0x30, MASK = 0x38,
	CLEAR = 0x44,
};
#define FLAG_FULL 0x20u
#define FLAG_EMPTY 0x10u
#define LINE_8_FIFO 0x70u
#define CONTROL_ON 0x301u
#define RECEIVED 0x50u		/* something, and nothing more for a while */

static struct spinlock lock;
static volatile uint8_t *port;
static uint32_t interrupt[3];

static volatile uint32_t *
reg(unsigned at)
{
	return (volatile uint32_t *)(volatile void *)(port + at);
}

void
console_start(void)
{
	struct dt_node n;
	uint64_t pa, len;

	if (!dt_find(&n, "arm,pl011") || !dt_reg(&n, 0, &pa, &len))
		return;
	port = memory_map_device(pa, len);
	dt_interrupt(&n, interrupt);
	*reg(MASK) = 0;
	*reg(LINE) = LINE_8_FIFO;
	*reg(CONTROL) = CONTROL_ON;
}

void
console_write(const char *s, size_t n)
{
	uintptr_t irq;

	if (port == NULL)
		return;
	irq = spin_lock_irq(&lock);
	for (size_t i = 0; i < n; i++) {
		while (*reg(FLAGS) & FLAG_FULL)
			;
		*reg(DATA) = (uint8_t)s[i];
	}
	spin_unlock_irq(&lock, irq);
}

static void
take_input(void *arg)
{
	(void)arg;
	*reg(CLEAR) = RECEIVED;
	while (!(*reg(FLAGS) & FLAG_EMPTY))
		tty_input((uint8_t)*reg(DATA));
}

void
console_start_input(void)
{
	uintptr_t irq;

	if (port == NULL || !machine_interrupt(interrupt, take_input, NULL))
		return;
	irq = tome_host_irq_save();
	take_input(NULL);
	*reg(MASK) = RECEIVED;
	tome_host_irq_restore(irq);
}
