/*
 * rig.c - see rig.h.
 */
#include "rig.h"

struct rig rig;

/* ---- after every call (facade.mk: checked) ---- */

static _Thread_local bool watched;
static _Thread_local unsigned inside;

void __cyg_profile_func_enter(void *, void *);
void __cyg_profile_func_exit(void *, void *);

void
__cyg_profile_func_enter(void *function, void *caller)
{
	(void)function, (void)caller;
	inside++;
}

void
__cyg_profile_func_exit(void *function, void *caller)
{
	(void)function, (void)caller;
	if (--inside == 0 && watched)
		rig_check();
}

void
rig_watch(bool on)
{
	watched = on;
}

/* ---- start and end ---- */

void
rig_open(uint64_t ram, unsigned ncpus, hosted_fault_fn *fault)
{
	struct hosted_config config = { .ram = ram, .ncpus = ncpus,
		.quiet = true };

	rig.machine = hosted_create(&config);
	assert_non_null(rig.machine);
	assert_int_equal(hosted_vm_create_aside(rig.machine, RIG_KERNEL,
	    &rig.kernel_lo, &rig.vm), TOME_OK);
	rig.kernel_hi = rig.kernel_lo + RIG_KERNEL;
	assert_int_equal(tome_kmem_start(rig.vm), TOME_OK);
	assert_int_equal(tome_map_start(rig.vm), TOME_OK);
	rig.fault = fault;
	inside = 0;
	rig_watch(true);
}

void
rig_close(void)
{
	char text[256] = "";

	rig_check();
	rig_watch(false);
	tome_vm_quiesce(rig.vm, true);
	assert_int_equal(hosted_vm_destroy(rig.machine, rig.vm), 0);
	hosted_take_violation(rig.machine, NULL, text, sizeof text);
	assert_string_equal(text, "");
	hosted_become(NULL, 0);
	hosted_destroy(rig.machine);
}

void
rig_check(void)
{
	const char *why = tome_vm_check(rig.vm);

	if (why != NULL)
		fail_msg("%s", why);
}

int
rig_peek(uintptr_t at)
{
	uint8_t byte;

	return hosted_read(at, &byte, 1, rig.fault, NULL) == TOME_OK ? byte :
	    -1;
}

bool
rig_poke(uintptr_t at, int byte)
{
	uint8_t b = (uint8_t)byte;

	return hosted_write(at, &b, 1, rig.fault, NULL) == TOME_OK;
}

int
rig_fetch(uintptr_t at)
{
	uint8_t byte;

	return hosted_exec(at, &byte, 1, rig.fault, NULL) == TOME_OK ? byte :
	    -1;
}

uint64_t
rig_free_frames(void)
{
	(void)tome_kmem_reap(rig.vm);
	tome_vm_quiesce(rig.vm, true);
	tome_frames_drain(rig.vm, true);
	return tome_frames_free_count(rig.vm);
}

void
rig_each_failure(bool (*attempt)(void))
{
	uint64_t n = 0;
	uint64_t asked;

	do {
		hosted_fail_alloc(rig.machine, NULL, ++n, false);
		(void)attempt();
		asked = hosted_allocs(rig.machine);
		hosted_fail_alloc(rig.machine, NULL, 0, false);
		rig_check();
	} while (asked >= n);
	assert_true(n > 1);
}
