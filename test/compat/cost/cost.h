/*
 * cost.h - what a facade's call costs beside the core's call behind it, in instructions.
 *
 * The library is built as for a kernel, on a CPU without an MMU; each call is done step
 * by step under the trap flag, so the figures are exact, and the same everywhere.
 */
#ifndef TEST_COMPAT_COST_H
#define TEST_COMPAT_COST_H

#include <stdlib.h>

#include <tome/paging.h>

/* Each is done, counted, and undone, a few times; or made possible first. */
struct cost_call {
	const char *what;
	void (*core)(void), (*facade)(void);
	void (*core_first)(void), (*facade_first)(void);
	void (*core_undo)(void), (*facade_undo)(void);
	/* At most so many hundredths more; 0: 10. docs/compat says why. */
	unsigned allowed;
};

/* Of the machine, from address 0. */
#define COST_RAM ((size_t)64 << 20)

struct cost {
	const char *system;
	/* Layers 0-5 run. */
	void (*start)(struct tome_vm *);
	const struct cost_call *calls;	/* ends with a NULL name */
};

/* What must succeed. */
#define MUST(condition) do { \
	if (!(condition)) \
		abort(); \
} while (0)

#endif
