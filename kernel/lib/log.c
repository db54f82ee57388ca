/*
 * log.c - the kernel's log: a ring of bytes, echoed to the console unless the
 * command line says "quiet". One line is formatted on the stack and appended
 * under the lock, so lines of two CPUs do not mix.
 */
#include <lib.h>
#include <machine.h>
#include <sync.h>

#define LOG_SIZE 16384u		/* a power of two */

/* Under lock. */
static struct spinlock log_lock;
static char ring[LOG_SIZE];
static size_t written;
static bool loud, decided;

static bool
log_is_loud(void)
{
	char value[4];

	if (!decided && boot_cmdline() != NULL) {
		loud = !boot_option("quiet", value, sizeof value);
		decided = true;
	}
	return loud;
}

void
log_loud(void)
{
	loud = true;
	decided = true;
}

/* A terminal wants a carriage return with each new line. */
static void
echo(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n')
			console_write("\r", 1);
		console_write(&s[i], 1);
	}
}

void
kvprintf(const char *format, va_list args)
{
	char line[256];
	int len = vsnprintf(line, sizeof line, format, args);
	uintptr_t irq;

	if (len >= (int)sizeof line)
		len = sizeof line - 1;
	irq = spin_lock_irq(&log_lock);
	for (int i = 0; i < len; i++)
		ring[written++ % LOG_SIZE] = line[i];
	if (log_is_loud())
		echo(line, (size_t)len);
	spin_unlock_irq(&log_lock, irq);
}

void
kprintf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	kvprintf(format, args);
	va_end(args);
}

size_t
log_read(char *buf, size_t len)
{
	uintptr_t irq = spin_lock_irq(&log_lock);
	size_t kept = written < LOG_SIZE ? written : LOG_SIZE;
	size_t n = len < kept ? len : kept;

	for (size_t i = 0; i < n; i++)
		buf[i] = ring[(written - n + i) % LOG_SIZE];
	spin_unlock_irq(&log_lock, irq);
	return n;
}
