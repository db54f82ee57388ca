/*
 * rig_v.c - see rig_v.h.
 */
#include "rig_v.h"

struct rig_v v;

static void
map_ram(void)
{
	strcat(v.order, "ram ");
}

static void
drop_identity(void)
{
	strcat(v.order, "identity ");
}

static struct tome_vm *
create(void)
{
	strcat(v.order, "create");
	return v.no_instance ? NULL : rig.vm;
}

static void
on_warn(const char *line)
{
	assert_non_null(line);
	v.warnings++;
}

static void
on_fatal(const char *line)
{
	assert_non_null(line);
	v.fatals++;
}

static void
on_running(uint8_t asid)
{
	v.asid = asid;
}

/* From the first zone's start to the last one's end. */
static void
find_ram(void)
{
	tome_pa_t lo = 0, hi = 0;
	struct tome_zone_stats zone;
	unsigned kind;
	uintptr_t bias;

	for (kind = 0; kind < TOME_ZONES; kind++)
		if (tome_zone_stats(rig.vm, (enum tome_zone_kind)kind,
		    &zone)) {
			lo = lo == 0 ? zone.base : lo;
			hi = zone.limit;
		}
	bias = (uintptr_t)tome_frame_va(rig.vm, tome_zero_frame(rig.vm)) -
	    (uintptr_t)tome_pfn_pa(tome_zero_frame(rig.vm));
	v.start = (size_t)lo + bias;
	v.end = (size_t)hi + bias;
}

void
rig_v_boot(void)
{
	struct compat_armv7_hooks hooks = { map_ram, drop_identity, create,
		on_warn, on_fatal, on_running, v.start, v.end, v.window };

	compat_armv7_boot(&hooks);
}

int
rig_v_up(void **state)
{
	(void)state;
	memset(&v, 0, sizeof v);
	rig_open((uint64_t)32 << 20, 2, NULL);
	find_ram();
	v.window = sizeof(tome_va_t) == 4 ? (tome_va_t)KERNEL_HEAP_BASE :
	    rig.kernel_lo;
	rig_v_boot();
	DO(vm2_start());
	return 0;
}

int
rig_v_down(void **state)
{
	(void)state;
	if (!v.no_instance)
		DO(vm2_set_user_pagetable(NULL));
	DO(compat_armv7_stop());
	rig_close();
	return 0;
}
