/*
 * devicetree.c - walking a flattened devicetree, and reading its properties.
 *
 * The structure block is a string of big-endian cells: tokens, names and values
 * padded to cells. It is constant from dt_start() on: no locks.
 */
#include <devicetree.h>
#include <lib.h>

#define MAGIC 0xd00dfeedu
enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4, END = 9 };

struct header {
	uint32_t magic, total, structure, strings, reserved, version, last,
	    boot_cpu, strings_size, structure_size;
};

static const struct header *header;
static const uint32_t *first, *end;
static const char *strings;

static uint32_t
big(uint32_t v)
{
	return __builtin_bswap32(v);
}

bool
dt_start(const void *blob)
{
	const struct header *h = blob;
	const char *base = blob;

	if (blob == NULL || big(h->magic) != MAGIC || big(h->last) > 17)
		return false;
	header = h;
	first = (const void *)(base + big(h->structure));
	end = first + big(h->structure_size) / 4;
	strings = base + big(h->strings);
	return true;
}

size_t
dt_length(void)
{
	return big(header->total);
}

/* Behind a node's name, which begins at `at`. */
static const uint32_t *
skip_name(const uint32_t *at)
{
	return at + strlen((const char *)at) / 4 + 1;
}

/* Behind a property, whose length is at `at`. */
static const uint32_t *
skip_property(const uint32_t *at)
{
	return at + 2 + (big(*at) + 3) / 4;
}

static unsigned
cells_or(const struct dt_node *n, const char *name, uint32_t otherwise)
{
	uint32_t v;

	return dt_cell(n, name, 0, &v) && v <= 2 ? v : otherwise;
}

/* A node begins, whose name is at `at`; it is `depth` deep. */
static bool
enter(struct dt_node *n, const uint32_t *at, unsigned depth)
{
	n->name = (const char *)at;
	n->at = skip_name(at);
	n->depth = depth;
	if (depth >= DT_DEPTH)
		return false;
	n->cells[depth].address =
	    (uint8_t)cells_or(n, "#address-cells", 2);
	n->cells[depth].size = (uint8_t)cells_or(n, "#size-cells", 1);
	return true;
}

bool
dt_next(struct dt_node *n)
{
	const uint32_t *at = n->at;
	unsigned depth = n->depth + 1;	/* of what begins now */

	if (at == NULL) {
		at = first;
		depth = 0;
	}
	while (at < end) {
		switch (big(*at++)) {
		case BEGIN_NODE:
			return enter(n, at, depth);
		case END_NODE:
			depth--;
			break;
		case PROPERTY:
			at = skip_property(at);
			break;
		case NOP:
			break;
		default:
			return false;
		}
	}
	return false;
}

const void *
dt_property(const struct dt_node *n, const char *name, size_t *len)
{
	const uint32_t *at = n->at;

	for (; at < end; at++) {
		if (big(*at) == NOP)
			continue;
		if (big(*at) != PROPERTY)
			break;
		if (strcmp(strings + big(at[2]), name) == 0) {
			*len = big(at[1]);
			return at + 3;
		}
		at = skip_property(at + 1) - 1;
	}
	return NULL;
}

bool
dt_cell(const struct dt_node *n, const char *name, unsigned i, uint32_t *cell)
{
	size_t len;
	const uint32_t *p = dt_property(n, name, &len);

	if (p == NULL || (i + 1) * sizeof *p > len)
		return false;
	*cell = big(p[i]);
	return true;
}

/* `cells` of them, at `from`. */
static bool
number(const struct dt_node *n, const char *name, unsigned from,
    unsigned cells, uint64_t *v)
{
	uint32_t cell;

	for (*v = 0; cells > 0; cells--) {
		if (!dt_cell(n, name, from++, &cell))
			return false;
		*v = *v << 32 | cell;
	}
	return true;
}

bool
dt_reg(const struct dt_node *n, unsigned i, uint64_t *base, uint64_t *len)
{
	unsigned address, size;

	if (n->depth == 0)
		return false;
	address = n->cells[n->depth - 1].address;
	size = n->cells[n->depth - 1].size;
	return number(n, "reg", i * (address + size), address, base) &&
	    number(n, "reg", i * (address + size) + address, size, len);
}

bool
dt_is_compatible(const struct dt_node *n, const char *with)
{
	size_t len;
	const char *p = dt_property(n, "compatible", &len);
	const char *stop = p + len;

	if (p == NULL)
		return false;
	for (; p < stop; p += strlen(p) + 1)
		if (strcmp(p, with) == 0)
			return true;
	return false;
}

bool
dt_find(struct dt_node *n, const char *with)
{
	*n = (struct dt_node){0};
	while (dt_next(n))
		if (dt_is_compatible(n, with) && dt_is_usable(n))
			return true;
	return false;
}

bool
dt_is_usable(const struct dt_node *n)
{
	size_t len;
	const char *status = dt_property(n, "status", &len);

	return status == NULL || strcmp(status, "okay") == 0 ||
	    strcmp(status, "ok") == 0;
}

void
dt_interrupt(const struct dt_node *n, uint32_t cells[3])
{
	for (unsigned i = 0; i < 3; i++)
		if (!dt_cell(n, "interrupts", i, &cells[i]))
			cells[i] = 0;
}
