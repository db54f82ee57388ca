/*
 * gic.c - the generic interrupt controller, versions 2 and 3: one distributor; for
 * each CPU an interface, which is memory in version 2 and registers in version
 * 3, where each CPU's own interrupts have a redistributor, too.
 *
 * Shared interrupts go to the first CPU. An interrupt that is handled is ended
 * first and raised again by its level if it still is there.
 */
#include <arm.h>
#include <asm.h>
#include <devicetree.h>
#include <machine.h>
#include <sched_i.h>
#include <lib.h>

/* Of the distributor; of a redistributor's second frame, too. */
enum {
	D_CONTROL = 0x000, D_GROUP = 0x080, D_ENABLE = 0x100, D_PRIORITY = 0x400,
	D_TARGETS = 0x800, D_SEND = 0xf00, D_ROUTE = 0x6000,
};
/* Of version 2's interface. */
enum { C_CONTROL = 0x00, C_MASK = 0x04, C_ACKNOWLEDGE = 0x0c, C_END = 0x10 };
/* Of a redistributor. */
enum { R_TYPE = 0x08, R_WAKER = 0x14, R_SGI = 0x10000, R_SIZE = 0x20000 };

#define V3_CONTROL 0x12u	/* affinity routing, group 1 */
#define WAKER_SLEEP 2u
#define WAKER_ASLEEP 4u
#define R_VIRTUAL 2u		/* of type: it has two frames more */
#define R_LAST 16u

#define INTERRUPTS 288u
#define FIRST_SHARED 32u
#define TIMER 27u		/* the virtual one's */
#define SPURIOUS 1020u

static bool v3;
static volatile uint8_t *distributor, *interface, *redistributors;
static uint64_t redistributors_len;
static uint64_t affinity[KERNEL_MAX_CPUS];	/* version 3 */

static struct {
	void (*fn)(void *arg);
	void *arg;
} handlers[INTERRUPTS];

static volatile uint32_t *
reg(volatile uint8_t *of, unsigned at)
{
	return (volatile uint32_t *)(volatile void *)(of + at);
}

static void *
map_reg(const struct dt_node *n, unsigned i, uint64_t *len)
{
	uint64_t pa;

	if (!dt_reg(n, i, &pa, len))
		panic("an interrupt controller without registers");
	return memory_map_device(pa, *len);
}

void
gic_start(void)
{
	struct dt_node n;
	uint64_t len;

	v3 = dt_find(&n, "arm,gic-v3");
	if (!v3 && !dt_find(&n, "arm,cortex-a15-gic") &&
	    !dt_find(&n, "arm,gic-400"))
		panic("no interrupt controller that we know");
	distributor = map_reg(&n, 0, &len);
	if (v3)
		redistributors = map_reg(&n, 1, &redistributors_len);
	else
		interface = map_reg(&n, 1, &len);
	*reg(distributor, D_CONTROL) = v3 ? V3_CONTROL : 1;
}

/* The frame of the calling CPU's redistributor. */
static volatile uint8_t *
own_redistributor(uint32_t own)
{
	volatile uint8_t *r = redistributors;

	while (r < redistributors + redistributors_len) {
		uint32_t type = *reg(r, R_TYPE);

		if (*reg(r, R_TYPE + 4) == own)
			return r;
		if (type & R_LAST)
			break;
		r += type & R_VIRTUAL ? 2 * R_SIZE : R_SIZE;
	}
	panic("CPU %u has no redistributor", cpu_number());
}

static void
v3_cpu_start(void)
{
	uint64_t own = cpu_affinity();
	volatile uint8_t *r = own_redistributor((uint32_t)(own & 0xffffff) |
	    (uint32_t)(own >> 32 & 0xff) << 24);

	affinity[cpu_number()] = own;
	*reg(r, R_WAKER) &= ~WAKER_SLEEP;
	while (*reg(r, R_WAKER) & WAKER_ASLEEP)
		;
	*reg(r, R_SGI + D_GROUP) = UINT32_MAX;
	*reg(r, R_SGI + D_ENABLE) = 0xffffu | 1u << TIMER;
	gic_enable();
}

void
gic_cpu_start(void)
{
	if (v3) {
		v3_cpu_start();
		return;
	}
	*reg(distributor, D_ENABLE) = 0xffffu | 1u << TIMER;
	*reg(interface, C_MASK) = 0xff;
	*reg(interface, C_CONTROL) = 1;
}

/* ---- messages ---- */

void
gic_send(unsigned cpu, unsigned message)
{
	dsb();
	if (v3)
		gic_send_to(affinity[cpu], message);
	else
		*reg(distributor, D_SEND) = 1u << (16 + cpu) | message;
}

void
gic_send_others(unsigned message)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		if (cpu != cpu_number())
			gic_send(cpu, message);
}

void
machine_kick(unsigned cpu)
{
	gic_send(cpu, MESSAGE_KICK);
}

/* ---- shared interrupts ---- */

bool
machine_interrupt(const uint32_t cells[3], void (*fn)(void *arg), void *arg)
{
	uint32_t id = cells[1] + FIRST_SHARED;

	if (cells[0] != 0 || id >= INTERRUPTS || handlers[id].fn != NULL)
		return false;
	handlers[id].fn = fn;
	handlers[id].arg = arg;
	if (v3) {
		*reg(distributor, D_GROUP + id / 32 * 4) |= 1u << id % 32;
		*reg(distributor, D_ROUTE + id * 8) = (uint32_t)affinity[0];
		*reg(distributor, D_ROUTE + id * 8 + 4) =
		    (uint32_t)(affinity[0] >> 32);
	} else {
		distributor[D_TARGETS + id] = 1;
	}
	*reg(distributor, D_ENABLE + id / 32 * 4) = 1u << id % 32;
	return true;
}

static uint32_t
acknowledge(void)
{
	return v3 ? gic_acknowledge() : *reg(interface, C_ACKNOWLEDGE);
}

static void
end(uint32_t word)
{
	if (v3)
		gic_end(word);
	else
		*reg(interface, C_END) = word;
}

/* The timer is silenced first, since its level lasts. */
static void
handle(uint32_t id, uint32_t word)
{
	if (id == TIMER) {
		counter_quiet();
		end(word);
		timer_interrupt();
	} else if (id < 16) {
		end(word);
		irq_message(id);
	} else if (id < INTERRUPTS && handlers[id].fn != NULL) {
		handlers[id].fn(handlers[id].arg);
		end(word);
	} else {
		panic("interrupt %u, which nobody asked for", id);
	}
}

void
gic_interrupt(void)
{
	for (;;) {
		uint32_t word = acknowledge();
		uint32_t id = word & 0x3ff;

		if (id >= SPURIOUS)
			return;
		handle(id, word);
	}
}
