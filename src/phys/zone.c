/*
 * zone.c - watermarks, what zones keep from each other, and pressure.
 *
 * Watermarks: ordinary allocations leave `min` frames, which page-out may use;
 * below `low` someone should make room, up to `high`.
 *
 * Locks: pressure is told with none of this layer's locks held.
 */
#include <phys/phys_i.h>

/*
 * A zone keeps 1/256 of what lies above it from those who would rather have
 * had that (Linux's ratio for DMA): frames with a low address must not all go
 * to who could use any.
 */
#define ZONE_KEEP_SHIFT 8
/* min is 1/128 of the zone: page-out needs a few clusters at any size, and no
 * more than 16 MiB of 4 KiB frames at any. */
#define ZONE_MIN_SHIFT 7
#define ZONE_MIN_LEAST 4u
#define ZONE_MIN_MOST 4096u

void
tome_zone_set_marks(struct tome_zone *z)
{
	tome_pfn_t min = z->total >> ZONE_MIN_SHIFT;

	if (min < ZONE_MIN_LEAST)
		min = ZONE_MIN_LEAST;
	if (min > ZONE_MIN_MOST)
		min = ZONE_MIN_MOST;
	z->min = min;
	z->low = min + min / 2;
	z->high = 2 * min;
}

tome_pfn_t
tome_zone_spare(struct tome_vm *vm, const struct tome_zone *z, unsigned top,
    unsigned flags)
{
	tome_pfn_t keep = 0, above = 0;
	unsigned k;

	if (!(flags & TOME_FRAME_RESERVE)) {
		for (k = z->kind + 1u; k <= top; k++)
			above += vm->phys->zone[k].total;
		keep = z->min + (above >> ZONE_KEEP_SHIFT);
	}
	return z->free > keep ? z->free - keep : 0;
}

bool
tome_pressure(struct tome_vm *vm, enum tome_zone_kind kind, bool failed)
{
	tome_pressure_fn *fn = tome_rd(&vm->phys->pressure);

	if (fn == NULL)
		return false;
	fn(vm, kind, failed);
	return true;
}

void
tome_zone_watch(struct tome_vm *vm, const struct tome_zone *z)
{
	if (tome_unlikely(tome_rd_relaxed(&z->free) < z->low))
		tome_pressure(vm, z->kind, false);
}

void
tome_set_pressure(struct tome_vm *vm, tome_pressure_fn *fn)
{
	tome_wr(&vm->phys->pressure, fn);
}

tome_cold bool
tome_zone_stats(struct tome_vm *vm, enum tome_zone_kind kind,
    struct tome_zone_stats *out)
{
	const struct tome_zone *z;
	tome_pfn_t cached = 0;
	unsigned i;

	if (kind >= TOME_ZONES || vm->phys->zone[kind].total == 0)
		return false;
	z = &vm->phys->zone[kind];
	for (i = 0; i < vm->ncpus; i++)
		cached += tome_rd_relaxed(&vm->phys->cpu[i]->stack[kind].count);
	*out = (struct tome_zone_stats){
		.base = tome_pfn_pa(z->first), .limit = tome_pfn_pa(z->end),
		.total = z->total, .cached = cached,
		.free = tome_rd_relaxed(&z->free) + cached,
		.min = z->min, .low = z->low, .high = z->high,
	};
	return true;
}

tome_pfn_t
tome_frames_free_count(struct tome_vm *vm)
{
	struct tome_zone_stats s;
	tome_pfn_t sum = 0;
	unsigned k;

	for (k = 0; k < TOME_ZONES; k++)
		if (tome_zone_stats(vm, (enum tome_zone_kind)k, &s))
			sum += s.free;
	return sum;
}
