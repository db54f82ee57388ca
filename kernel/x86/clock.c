/*
 * clock.c - time from the time-stamp counter, whose rate is measured
 * against the 8254 interval timer (1,193,182 Hz on every PC); the date from the
 * MC146818 clock chip.
 *
 * Each reading of the 8254 is bracketed by two of the counter and taken again
 * when they lie far apart, and two measurements must agree, so that a machine that
 * was not running for a while (an emulator on a busy host; the 8254 comes round in
 * 55 ms) does not spoil them.
 */
#include <lib.h>
#include <machine.h>
#include <sched.h>
#include <x86.h>

#define PIT_HZ 1193182u
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61		/* bit 0 gates channel 2, bit 1 the speaker */
#define PIT_WINDOW 11932u	/* ticks: 10 ms */
#define TRIES 16

#define NS_PER_S 1000000000u

static uint64_t tsc_hz, tsc_boot;
/* Nanoseconds in 2^32 ticks. */
static uint64_t ns_scale;
/* Of 1970, when clock_ns() was 0. */
static uint64_t wall_base;

struct reading {
	uint64_t tsc, spread;
	uint16_t pit;
};

static struct reading
read_once(void)
{
	struct reading r;
	uint64_t before = rdtsc();

	outb(PIT_COMMAND, 0x80);	/* latch channel 2 */
	r.pit = inb(PIT_CHANNEL2);
	r.pit |= (uint16_t)(inb(PIT_CHANNEL2) << 8);
	r.tsc = rdtsc();
	r.spread = r.tsc - before;
	r.tsc = before + r.spread / 2;
	return r;
}

/* The reading with the closest bracket of several. */
static struct reading
read_well(void)
{
	struct reading best = read_once();

	for (unsigned i = 1; i < TRIES; i++) {
		struct reading r = read_once();

		if (r.spread < best.spread)
			best = r;
	}
	return best;
}

/* Channel 2 counts 65536 down to 0 in 55 ms, from now. */
static void
start_pit(void)
{
	outb(PIT_GATE, (inb(PIT_GATE) & ~2u) | 1);
	outb(PIT_COMMAND, 0xb0);	/* channel 2, both bytes, mode 0 */
	outb(PIT_CHANNEL2, 0xff);
	outb(PIT_CHANNEL2, 0xff);
}

static uint64_t
measure_tsc_once(void)
{
	struct reading first, last;

	start_pit();
	first = read_well();
	do
		last = read_once();
	while ((uint16_t)(first.pit - last.pit) < PIT_WINDOW);
	last = read_well();
	return (last.tsc - first.tsc) * PIT_HZ /
	    (uint16_t)(first.pit - last.pit);
}

/* Two in a row within 1% of each other. */
static uint64_t
measure_tsc(void)
{
	uint64_t before, now = measure_tsc_once();

	do {
		before = now;
		now = measure_tsc_once();
	} while ((now > before ? now - before : before - now) > now / 128);
	return now;
}

/* ---- the date ---- */

static uint8_t
rtc_read(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static unsigned
rtc_number(uint8_t reg, bool binary)
{
	uint8_t v = rtc_read(reg);

	return binary ? v : (v >> 4) * 10u + (v & 15u);
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar; March is
 * taken as the year's first month, so that the leap day is its last. */
static uint64_t
days_since_1970(unsigned year, unsigned month, unsigned day)
{
	unsigned y = month <= 2 ? year - 1 : year;
	unsigned m = month <= 2 ? month + 9 : month - 3;

	return 365ul * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
	    day - 1 - 719468;
}

static uint64_t
rtc_seconds_once(void)
{
	bool binary = rtc_read(0x0b) & 4;
	unsigned year;
	uint64_t days;

	while (rtc_read(0x0a) & 0x80)
		tome_host_relax();
	year = 2000 + rtc_number(9, binary);
	days = days_since_1970(year, rtc_number(8, binary),
	    rtc_number(7, binary));
	return days * 86400 + rtc_number(4, binary) * 3600ul +
	    rtc_number(2, binary) * 60ul + rtc_number(0, binary);
}

/* Twice the same: it may tick between two of the registers. */
static uint64_t
rtc_seconds(void)
{
	uint64_t before, now = rtc_seconds_once();

	do {
		before = now;
		now = rtc_seconds_once();
	} while (now != before);
	return now;
}

/* ---- the clock ---- */

void
clock_start(void)
{
	tsc_hz = measure_tsc();
	ns_scale = ((uint64_t)NS_PER_S << 32) / tsc_hz;
	tsc_boot = rdtsc();
	wall_base = rtc_seconds() * NS_PER_S;
}

uint64_t
clock_ns(void)
{
	return scaled(rdtsc() - tsc_boot, ns_scale);
}

uint64_t
clock_wall_ns(void)
{
	return wall_base + clock_ns();
}

uint64_t
clock_tsc_hz(void)
{
	return tsc_hz;
}

void
clock_delay(uint64_t ns)
{
	uint64_t start = clock_ns();

	while (clock_ns() - start < ns)
		tome_host_relax();
}
