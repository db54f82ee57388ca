/*
 * devicetree.h - a reader of flattened devicetrees (Devicetree Specification 0.3,
 * chapters 2 and 5), and what every board with one says there of memory and CPUs.
 *
 * The tree is read where it lies, in the direct map; nothing is allocated. A damaged
 * tree ends a walk early.
 */
#ifndef KERNEL_DEVICETREE_H
#define KERNEL_DEVICETREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tome/vm.h>

#define DT_DEPTH 8u

/* Where a walk is: a node. All zero: before the first. */
struct dt_node {
	const uint32_t *at;		/* what follows its name */
	const char *name;		/* with @address; the root's is "" */
	unsigned depth;			/* the root's is 0 */
	struct {
		uint8_t address, size;
	} cells[DT_DEPTH];		/* of children of the node at a depth */
};

/* The tree at `blob`; false: there is none. */
bool dt_start(const void *blob);
size_t dt_length(void);
/* The next node of all, parents first; false: there is none. */
bool dt_next(struct dt_node *);
#define DT_EACH(n) for (struct dt_node n = {0}; dt_next(&n);)

/* NULL: it has no such property. Bytes are big endian. */
const void *dt_property(const struct dt_node *, const char *name, size_t *len);
/* Number `i` of a property's cells. */
bool dt_cell(const struct dt_node *, const char *name, unsigned i,
    uint32_t *cell);
/* Number `i` of what it names as its registers: of the parent's cells. */
bool dt_reg(const struct dt_node *, unsigned i, uint64_t *base, uint64_t *len);
bool dt_is_compatible(const struct dt_node *, const char *with);
/* The first compatible node. */
bool dt_find(struct dt_node *, const char *with);
/* `status` does not say that it is out of use. */
bool dt_is_usable(const struct dt_node *);

/* ---- what a board says (devicetree_boot.c) ---- */

#define DT_CPUS 16u

/* Read memory, what is reserved in it, CPUs, and chosen. */
void dt_read(void);
/* The tree itself lies at `pa`, and stays. */
void dt_keep(tome_pa_t pa);
/* The unit addresses of CPUs (hart IDs, MPIDRs), in the tree's order. */
unsigned dt_cpus(const uint64_t **ids);
/* The end of the highest RAM. */
tome_pa_t dt_highest(void);
/* [start, end) is RAM, and nothing is kept there. */
bool dt_is_spare(tome_pa_t start, tome_pa_t end);
/* Memory, and what is reserved; with [start, end) of the caller's own. */
const struct tome_range *dt_ranges(tome_pa_t start, tome_pa_t end, size_t *n);

/* ---- the machine's part ---- */

/* RAM as the kernel reads it, from dt_start() on. */
void *direct(tome_pa_t);
/*
 * The first interrupt that a node names (up to three cells, as the board's controller
 * has them) calls fn(arg), interrupts off. False: none left.
 */
bool machine_interrupt(const uint32_t cells[3], void (*fn)(void *arg),
    void *arg);
void dt_interrupt(const struct dt_node *, uint32_t cells[3]);

#endif
