/*
 * devicetree_boot.c - what the devicetree says of memory, CPUs and the boot loader's
 * choices. Read once, on the first CPU, before Tome is there.
 */
#include <devicetree.h>
#include <lib.h>
#include <machine.h>

#define MAX_RANGES 32

static char cmdline[1024];
static tome_pa_t initrd_pa;
static size_t initrd_len;
/* RAM and what is reserved in it, then those of dt_ranges(). */
static struct tome_range ranges[MAX_RANGES + 3];
static size_t nranges;
static tome_pa_t highest;
static uint64_t cpu_ids[DT_CPUS];
static unsigned ncpus;

static void
add_range(tome_pa_t base, tome_pa_t len, enum tome_range_kind kind)
{
	if (len == 0 || nranges == MAX_RANGES)
		return;
	ranges[nranges++] = (struct tome_range){ base, len, kind };
}

static void
add_regs(const struct dt_node *n, enum tome_range_kind kind)
{
	uint64_t base, len;

	for (unsigned i = 0; dt_reg(n, i, &base, &len); i++) {
		add_range((tome_pa_t)base, (tome_pa_t)len, kind);
		if (kind == TOME_RANGE_USABLE && base + len > highest)
			highest = (tome_pa_t)(base + len);
	}
}

static bool
is_kind(const struct dt_node *n, const char *type)
{
	size_t len;
	const char *p = dt_property(n, "device_type", &len);

	return p != NULL && strcmp(p, type) == 0;
}

static void
add_cpu(const struct dt_node *n)
{
	uint64_t id, none;

	if (ncpus < DT_CPUS && dt_is_usable(n) && dt_reg(n, 0, &id, &none))
		cpu_ids[ncpus++] = id;
}

/* One or two cells. */
static uint64_t
chosen_address(const struct dt_node *n, const char *name)
{
	uint32_t high = 0, low = 0;
	size_t len;

	if (dt_property(n, name, &len) == NULL)
		return 0;
	(void)dt_cell(n, name, len > 4 ? 1 : 0, &low);
	if (len > 4)
		(void)dt_cell(n, name, 0, &high);
	return (uint64_t)high << 32 | low;
}

static void
read_chosen(const struct dt_node *n)
{
	size_t len;
	const char *args = dt_property(n, "bootargs", &len);

	if (args != NULL)
		strlcpy(cmdline, args, sizeof cmdline);
	initrd_pa = (tome_pa_t)chosen_address(n, "linux,initrd-start");
	initrd_len = (size_t)(chosen_address(n, "linux,initrd-end") -
	    initrd_pa);
}

void
dt_read(void)
{
	unsigned reserved = 0;		/* depth of what it contains */

	DT_EACH(n) {
		if (n.depth <= 1)
			reserved = strcmp(n.name, "reserved-memory") == 0 ?
			    2 : 0;
		if (n.depth == 1 && strcmp(n.name, "chosen") == 0)
			read_chosen(&n);
		else if (reserved != 0 && n.depth == reserved)
			add_regs(&n, TOME_RANGE_RESERVED);
		else if (is_kind(&n, "memory"))
			add_regs(&n, TOME_RANGE_USABLE);
		else if (is_kind(&n, "cpu"))
			add_cpu(&n);
	}
	add_range(initrd_pa, initrd_len, TOME_RANGE_RESERVED);
}

/* The tree lies at `pa`. */
void
dt_keep(tome_pa_t pa)
{
	add_range(pa, dt_length(), TOME_RANGE_RESERVED);
}

unsigned
dt_cpus(const uint64_t **ids)
{
	*ids = cpu_ids;
	return ncpus;
}

tome_pa_t
dt_highest(void)
{
	return highest;
}

bool
dt_is_spare(tome_pa_t start, tome_pa_t end)
{
	bool in_ram = false;

	for (size_t i = 0; i < nranges; i++) {
		const struct tome_range *r = &ranges[i];

		if (r->kind != TOME_RANGE_USABLE) {
			if (start < r->base + r->len && end > r->base)
				return false;
		} else if (start >= r->base && end <= r->base + r->len) {
			in_ram = true;
		}
	}
	return in_ram;
}

const struct tome_range *
dt_ranges(tome_pa_t start, tome_pa_t end, size_t *n)
{
	add_range(start, end - start, TOME_RANGE_RESERVED);
	*n = nranges;
	return ranges;
}

const char *
boot_cmdline(void)
{
	return cmdline;
}

const void *
boot_initrd(size_t *len)
{
	*len = initrd_len;
	return initrd_len != 0 ? direct(initrd_pa) : NULL;
}
