/*
 * serial.c - the console: the first 16550 serial port. Output waits for room in
 * the transmitter; input comes by interrupt and goes to the terminal, or
 * waits in the chip until somebody asks for it.
 */
#include <machine.h>
#include <personality.h>
#include <x86.h>

#define PORT 0x3f8
#define DATA (PORT + 0)
#define INTERRUPTS (PORT + 1)
#define FIFO (PORT + 2)
#define LINE (PORT + 3)
#define MODEM (PORT + 4)
#define STATUS (PORT + 5)

#define STATUS_INPUT 0x01u
#define STATUS_ROOM 0x20u
#define FIFO_BYTES 16u
#define IRQ 4

#define MODEM_LOOPBACK 0x10u

static struct spinlock lock;
/* Under lock: bytes the transmitter certainly takes. */
static unsigned room;
/* What had been typed before we were there; enabling the FIFO empties it. */
static uint8_t early[FIFO_BYTES];
static unsigned nearly;

/* In loopback nothing new comes in meanwhile; the read that ends serial_start()
 * tells QEMU that there is room again. */
static void
save_early_input(void)
{
	outb(MODEM, MODEM_LOOPBACK);
	while (nearly < FIFO_BYTES && (inb(STATUS) & STATUS_INPUT))
		early[nearly++] = inb(DATA);
}

void
serial_start(void)
{
	outb(INTERRUPTS, 0);
	save_early_input();
	outb(LINE, 0x80);		/* divisor: 115200 baud */
	outb(DATA, 1);
	outb(INTERRUPTS, 0);
	outb(LINE, 0x03);		/* 8 bits, no parity, one stop bit */
	outb(FIFO, 0x07);		/* on and empty, interrupt at one byte */
	outb(MODEM, 0x0b);		/* DTR, RTS, interrupts to the bus */
	(void)inb(DATA);
}

static void
put(char c)
{
	while (room == 0)
		if (inb(STATUS) & STATUS_ROOM)
			room = FIFO_BYTES;
	room--;
	outb(DATA, (uint8_t)c);
}

void
console_write(const char *s, size_t n)
{
	uintptr_t irq = spin_lock_irq(&lock);

	room = 0;
	for (size_t i = 0; i < n; i++)
		put(s[i]);
	spin_unlock_irq(&lock, irq);
}

void
serial_interrupt(void)
{
	while (inb(STATUS) & STATUS_INPUT)
		tty_input(inb(DATA));
}

void
console_start_input(void)
{
	uintptr_t irq = tome_host_irq_save();

	ioapic_route(IRQ, VECTOR_SERIAL);
	for (unsigned i = 0; i < nearly; i++)
		tty_input(early[i]);
	serial_interrupt();
	outb(INTERRUPTS, 1);
	tome_host_irq_restore(irq);
}
