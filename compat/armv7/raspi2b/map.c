/*
 * map.c - the memory map as it is: read from the kernel's table and the tables below
 * it, with each page's attributes.
 *
 * Nothing here asks Tome: what the CPU will find is what counts.
 */
#include "board.h"

#include "../../print.h"

#define PAGE 4096u
#define NOTHING 0u
/* Of a page, brought into one form: its address, and of these. */
#define CACHED 1u
#define DEVICE 2u
#define WRITE 4u
#define EXEC 8u
#define USER 16u
#define VALID 32u

struct run {
	uint32_t va, pages, first;
};

/* The region's type in PRRR, and its inner policy in NMRR. */
static uint32_t
region(unsigned tex0, unsigned c, unsigned b)
{
	unsigned n = tex0 << 2 | c << 1 | b;
	uint32_t prrr, nmrr, type;

	__asm__ volatile("mrc p15, 0, %0, c10, c2, 0" : "=r"(prrr));
	__asm__ volatile("mrc p15, 0, %0, c10, c2, 1" : "=r"(nmrr));
	type = prrr >> 2 * n & 3;
	if (type != 2)
		return DEVICE;
	return nmrr >> 2 * n & 3 ? CACHED : 0;
}

static uint32_t
section(uint32_t e, uint32_t va)
{
	return (e & ~(MIB - 1)) | (va & (MIB - PAGE)) | VALID |
	    region(e >> 12 & 1, e >> 3 & 1, e >> 2 & 1) |
	    (e & 1u << 15 ? 0 : WRITE) | (e & 1u << 11 ? USER : 0) |
	    (e & 1u << 4 ? 0 : EXEC);
}

static uint32_t
small(uint32_t e)
{
	return (e & ~(PAGE - 1)) | VALID |
	    region(e >> 6 & 1, e >> 3 & 1, e >> 2 & 1) |
	    (e & 1u << 9 ? 0 : WRITE) | (e & 1u << 5 ? USER : 0) |
	    (e & 1 ? 0 : EXEC);
}

/* The table that the CPU walks from 0x80000000 up: Tome's copy of the start's. */
static const volatile uint32_t *
root(void)
{
	uint32_t ttbr1;

	__asm__ volatile("mrc p15, 0, %0, c2, c0, 1" : "=r"(ttbr1));
	return (void *)(LINEAR + (ttbr1 & ~16383u));
}

/* Of the lower half there is nothing: walks of TTBR0 are off. */
static bool
no_user_table(void)
{
	uint32_t ttbcr;

	__asm__ volatile("mrc p15, 0, %0, c2, c0, 2" : "=r"(ttbcr));
	return ttbcr == (1u << 4 | 1);
}

static uint32_t
look(uint32_t va)
{
	const volatile uint32_t *l2;
	uint32_t e = root()[va / MIB];

	if ((e & 3) == 2)
		return section(e, va);
	if ((e & 3) != 1)
		return NOTHING;
	l2 = (void *)(LINEAR + (e & ~1023u));
	e = l2[va / PAGE & 255];
	return e & 2 ? small(e) : NOTHING;
}

/* RAM is cached, what is above is a device; nothing is the users'. */
static void
judge(uint32_t page)
{
	bool ram = page < PERIPHERALS;

	must(ram || !(page & CACHED));
	must(ram || (page & DEVICE));
	must(ram || !(page & EXEC));
	must(!ram || (page & CACHED));
	must(!(page & USER));
}

/* Where a page is matters: in the direct map, and of devices. Elsewhere it is whatever
 * frame was free. */
static bool
is_fixed(uint32_t va, uint32_t page)
{
	return va - LINEAR < (1u << 30) || (page & DEVICE);
}

/* What the next page of the run would look like. */
static bool
goes_on(const struct run *r, uint32_t page)
{
	uint32_t next = r->first;

	if (is_fixed(r->va, r->first))
		next += r->pages * PAGE;
	else
		page = (page & (PAGE - 1)) | (next & ~(PAGE - 1));
	return r->pages > 0 && page == next;
}

static void
say_run(const struct run *r)
{
	if (r->pages == 0)
		return;
	compat_print(board_say, "   0x%08zx-0x%08zx", (size_t)r->va,
	    (size_t)(r->va + (r->pages * PAGE - 1)));
	if (is_fixed(r->va, r->first))
		compat_print(board_say, " physical 0x%08zx",
		    (size_t)(r->first & ~(PAGE - 1)));
	compat_print(board_say, " %s %s%s\n",
	    r->first & CACHED ? "memory" : "device",
	    r->first & WRITE ? "rw" : "r", r->first & EXEC ? "x" : "");
}

/* The run goes on with this page, or ends and another begins. */
static void
add(struct run *r, uint32_t va, uint32_t page)
{
	if (page != NOTHING)
		judge(page);
	if (goes_on(r, page)) {
		r->pages++;
		return;
	}
	say_run(r);
	*r = (struct run){ va, page != NOTHING, page };
}

void
map_show(void)
{
	struct run r = { 0, 0, 0 };
	uint32_t va = LINEAR;

	must(no_user_table());
	do {
		add(&r, va, look(va));
		va += PAGE;
	} while (va != 0);
	say_run(&r);
}
