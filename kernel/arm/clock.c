/*
 * clock.c - time from the generic timer's virtual counter, whose rate the CPU
 * tells; the date from a PL031.
 */
#include <arm.h>
#include <asm.h>
#include <devicetree.h>
#include <machine.h>
#include <sched_i.h>

#define NS_PER_S 1000000000u

static uint64_t hz, boot;
/* Nanoseconds in 2^32 ticks, ticks in 2^32 nanoseconds. */
static uint64_t ns_scale, tick_scale;
/* Of 1970, when clock_ns() was 0. */
static uint64_t wall_base;

/* a * b / 2^32, in words that every machine multiplies. */
static uint64_t
scaled(uint64_t a, uint64_t b)
{
	uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);

	return (a >> 32) * b + (a & UINT32_MAX) * (b >> 32) + (low >> 32);
}

/* By shifts: a machine of 32 bits has no such division. */
static uint64_t
shifted_ratio(uint32_t a, uint32_t b)
{
	uint64_t whole = a / b, rest = a % b;

	for (unsigned i = 0; i < 32; i++) {
		rest <<= 1;
		whole = whole << 1 | (rest >= b);
		if (rest >= b)
			rest -= b;
	}
	return whole;
}

static uint32_t
date_seconds(void)
{
	struct dt_node n;
	uint64_t pa, len;

	if (!dt_find(&n, "arm,pl031") || !dt_reg(&n, 0, &pa, &len))
		return 0;
	return *(volatile uint32_t *)memory_map_device(pa, len);
}

void
clock_start(void)
{
	hz = counter_hz();
	ns_scale = shifted_ratio(NS_PER_S, (uint32_t)hz);
	tick_scale = shifted_ratio((uint32_t)hz, NS_PER_S);
	boot = counter_read();
	wall_base = (uint64_t)date_seconds() * NS_PER_S;
}

uint64_t
clock_ns(void)
{
	return scaled(counter_read() - boot, ns_scale);
}

uint64_t
clock_wall_ns(void)
{
	return wall_base + clock_ns();
}

uint64_t
clock_hz(void)
{
	return hz;
}

void
machine_arm(uint64_t ns)
{
	/* Longer than that is never. */
	if (ns > (uint64_t)1 << 60)
		ns = (uint64_t)1 << 60;
	counter_compare(counter_read() + scaled(ns, tick_scale) + 1);
}
