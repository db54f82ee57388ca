/*
 * ranges.c - from ranges of bytes, in any order and overlapping, to runs of
 * frames in ascending order, without memory to sort them in: each step looks
 * through the whole list. Memory maps have tens of ranges.
 */
#include <phys/ranges.h>

static bool run_find_start(const struct tome_boot *, tome_pfn_t *pos);
static bool run_next_usable(const struct tome_boot *, tome_pfn_t *pos);
static bool run_skip_reserved(const struct tome_boot *, tome_pfn_t *pos);
static tome_pfn_t run_extend(const struct tome_boot *, tome_pfn_t end);
static tome_pfn_t run_cut(const struct tome_boot *, tome_pfn_t first,
    tome_pfn_t end);
static struct tome_run run_inside(const struct tome_range *);

tome_cold bool
tome_run_next(const struct tome_boot *boot, tome_pfn_t from,
    struct tome_run *out)
{
	tome_pfn_t first = from > 0 ? from : 1;

	if (!run_find_start(boot, &first))
		return false;
	out->first = first;
	out->end = run_cut(boot, first, run_extend(boot, first + 1));
	return true;
}

/* Move to the first frame at or after *pos that is usable and not reserved. */
static tome_cold bool
run_find_start(const struct tome_boot *boot, tome_pfn_t *pos)
{
	do {
		if (!run_next_usable(boot, pos))
			return false;
	} while (run_skip_reserved(boot, pos));
	return true;
}

static tome_cold bool
run_next_usable(const struct tome_boot *boot, tome_pfn_t *pos)
{
	tome_pfn_t best = 0, start;
	struct tome_run r;
	size_t i;

	for (i = 0; i < boot->nranges; i++) {
		r = run_inside(&boot->ranges[i]);
		start = r.first > *pos ? r.first : *pos;
		if (start < r.end && (best == 0 || start < best))
			best = start;
	}
	*pos = best;
	return best != 0;
}

/* Past the reservations that cover *pos; true if there was one. */
static tome_cold bool
run_skip_reserved(const struct tome_boot *boot, tome_pfn_t *pos)
{
	struct tome_run r;
	size_t i;

	for (i = 0; i < boot->nranges; i++) {
		if (boot->ranges[i].kind != TOME_RANGE_RESERVED)
			continue;
		r = tome_run_touched(&boot->ranges[i]);
		if (r.first <= *pos && *pos < r.end) {
			*pos = r.end;
			return true;
		}
	}
	return false;
}

/* As far as usable ranges overlap or touch. */
static tome_cold tome_pfn_t
run_extend(const struct tome_boot *boot, tome_pfn_t end)
{
	struct tome_run r;
	size_t i = 0;

	while (i < boot->nranges) {
		r = run_inside(&boot->ranges[i++]);
		if (r.first <= end && end < r.end) {
			end = r.end;
			i = 0;
		}
	}
	return end;
}

static tome_cold tome_pfn_t
run_cut(const struct tome_boot *boot, tome_pfn_t first, tome_pfn_t end)
{
	struct tome_run r;
	size_t i;

	for (i = 0; i < boot->nranges; i++) {
		if (boot->ranges[i].kind != TOME_RANGE_RESERVED)
			continue;
		r = tome_run_touched(&boot->ranges[i]);
		if (r.first < r.end && r.first > first && r.first < end)
			end = r.first;
	}
	return end;
}

/* Whole frames of a usable range; nothing of a reserved one. */
static tome_cold struct tome_run
run_inside(const struct tome_range *range)
{
	struct tome_run r = { 0, 0 };
	uint64_t end = (uint64_t)range->base + range->len;

	if (range->kind == TOME_RANGE_USABLE) {
		r.first = tome_pfn_clip(range->base, true);
		r.end = tome_pfn_clip(end, false);
	}
	return r;
}

tome_cold struct tome_run
tome_run_touched(const struct tome_range *range)
{
	uint64_t end = (uint64_t)range->base + range->len;

	return (struct tome_run){
		.first = tome_pfn_clip(range->base, false),
		.end = range->len == 0 ? 0 : tome_pfn_clip(end, true),
	};
}
