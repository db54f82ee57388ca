/*
 * uart.c - the console: a 16550 serial port where the devicetree says, the firmware's
 * console until then. Output waits for room in the transmitter; input comes by
 * interrupt and goes to the terminal, or waits in the chip until somebody asks for it.
 */
#include <devicetree.h>
#include <machine.h>
#include <personality.h>
#include <riscv.h>

enum { DATA = 0, INTERRUPTS = 1, STATUS = 5 };
#define STATUS_INPUT 0x01u
#define STATUS_ROOM 0x20u
#define SBI_PUTCHAR 1u

static struct spinlock uart_lock;
static volatile uint8_t *uart;
static uint32_t uart_irq[3];

void
uart_start(void)
{
	struct dt_node n;
	uint64_t base, len;

	if (!dt_find(&n, "ns16550a") || !dt_reg(&n, 0, &base, &len))
		return;
	dt_interrupt(&n, uart_irq);
	uart = direct(base);
}

static void
put(char c)
{
	if (uart == NULL) {
		sbi_call(SBI_PUTCHAR, 0, (uint8_t)c, 0, 0);
		return;
	}
	while (!(uart[STATUS] & STATUS_ROOM))
		tome_host_relax();
	uart[DATA] = (uint8_t)c;
}

void
console_write(const char *s, size_t n)
{
	uintptr_t irq = spin_lock_irq(&uart_lock);

	for (size_t i = 0; i < n; i++)
		put(s[i]);
	spin_unlock_irq(&uart_lock, irq);
}

static void
uart_interrupt(void *arg)
{
	(void)arg;
	while (uart[STATUS] & STATUS_INPUT)
		tty_input(uart[DATA]);
}

void
console_start_input(void)
{
	uintptr_t irq;

	if (uart == NULL || !machine_interrupt(uart_irq, uart_interrupt, NULL))
		return;
	irq = tome_host_irq_save();
	uart_interrupt(NULL);
	uart[INTERRUPTS] = 1;
	tome_host_irq_restore(irq);
}
