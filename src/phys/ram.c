/*
 * ram.c - physical memory as a whole (see tome_ram_stats()).
 */
#include <phys/page.h>

tome_cold void
tome_ram_stats(struct tome_vm *vm, struct tome_zone_stats *out)
{
	struct tome_zone_stats z;

	*out = (struct tome_zone_stats){ .base = ~(tome_pa_t)0 };
	for (int kind = 0; kind < TOME_ZONES; kind++) {
		if (!tome_zone_stats(vm, (enum tome_zone_kind)kind, &z))
			continue;
		out->base = z.base < out->base ? z.base : out->base;
		out->limit = z.limit > out->limit ? z.limit : out->limit;
		out->total += z.total;
		out->free += z.free;
		out->cached += z.cached;
		out->min += z.min;
		out->low += z.low;
		out->high += z.high;
	}
}
