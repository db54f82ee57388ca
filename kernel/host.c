/*
 * host.c - what Tome asks of this kernel (struct tome_host).
 */
#include <lib.h>
#include <machine.h>
#include <main.h>
#include <sched.h>
#include <sync.h>

static void
host_wait(void *ctx, _Atomic uint32_t *word, uint32_t seen, uint64_t deadline)
{
	(void)ctx;
	word_wait(word, seen, deadline, false);
}

static void
host_wake(void *ctx, _Atomic uint32_t *word, uint32_t n)
{
	(void)ctx;
	word_wake(word, n);
}

static void
host_ipi(void *ctx, unsigned cpu)
{
	(void)ctx;
	machine_ask_flush(cpu);
}

static uint64_t
host_clock(void *ctx)
{
	(void)ctx;
	return clock_ns();
}

static uint64_t
host_random(void *ctx)
{
	(void)ctx;
	return machine_random();
}

static void
host_log(void *ctx, const char *line)
{
	(void)ctx;
	kprintf("tome: %s\n", line);
}

static void host_panic(void *, const char *) __attribute__((noreturn));

static void
host_panic(void *ctx, const char *why)
{
	(void)ctx;
	panic("%s", why);
}

const struct tome_host kernel_host = {
	.version = TOME_HOST_VERSION,
	.wait = host_wait,
	.wake = host_wake,
	.ipi = host_ipi,
	.clock_ns = host_clock,
	.random = host_random,
	.log = host_log,
	.panic = host_panic,
#ifdef MACHINE_WINDOWS
	.window_enter = machine_window_enter,
	.window_leave = machine_window_leave,
#endif
};
