/*
 * ranges.h - the boot's list of physical ranges, read as runs of whole frames.
 */
#ifndef TOME_PHYS_RANGES_H
#define TOME_PHYS_RANGES_H

#include <phys/phys_i.h>

struct tome_run {
	tome_pfn_t first, end;
};

/*
 * The lowest run of frames at or above `from` that are wholly usable, not
 * touched by a reservation and not frame 0. Runs are maximal. False: no more.
 */
bool tome_run_next(const struct tome_boot *, tome_pfn_t from,
    struct tome_run *out);
/* Every frame a range touches. */
struct tome_run tome_run_touched(const struct tome_range *);

#define TOME_EACH_RUN(boot, run)                                         \
	for ((run).end = 1; tome_run_next((boot), (run).end, &(run));)

#endif
