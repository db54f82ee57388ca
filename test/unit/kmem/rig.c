/*
 * rig.c - see rig.h.
 */
#include "rig.h"

void
rig_quiesce(struct rig *r)
{
	for (unsigned cpu = RIG_CPUS; cpu-- > 0;) {
		hosted_become(r->machine, cpu);
		tome_vm_quiesce(r->vm, true);
	}
}

/* The kernel keeps the tables of addresses it has used, and tags for what is alone and
 * for what is aligned to a run of leaves. */
static void
rig_warm_up(struct rig *r)
{
	tome_va_t few, many;

	assert_int_equal(tome_kmap_heap(r->vm, 3, &few), TOME_OK);
	assert_int_equal(tome_kmap_heap(r->vm, 64, &many), TOME_OK);
	tome_kunmap(r->vm, many);
	tome_kunmap(r->vm, few);
}

int
rig_setup(void **state)
{
	struct hosted_config config = { .ncpus = RIG_CPUS, .quiet = true };
	struct rig *r = calloc(1, sizeof *r);
	struct tome_boot boot;

	r->machine = hosted_create(&config);
	assert_non_null(r->machine);
	hosted_boot(r->machine, &boot);
	assert_int_equal(tome_vm_create(&boot, &r->vm), TOME_OK);
	hosted_attach(r->machine, r->vm, tome_vm_interrupt,
	    tome_frame_identity);
	assert_int_equal(tome_kmem_start(r->vm), TOME_OK);
	rig_warm_up(r);
	rig_quiesce(r);
	r->frames = tome_frames_free_count(r->vm);
	*state = r;
	return 0;
}

void
rig_assert_clean(struct rig *r)
{
	const char *why = tome_vm_check(r->vm);

	assert_string_equal(why == NULL ? "" : why, "");
	rig_quiesce(r);
	assert_int_equal(tome_frames_free_count(r->vm), r->frames);
}

int
rig_teardown(void **state)
{
	struct rig *r = *state;

	if (!r->broken) {
		rig_assert_clean(r);
		hosted_attach(r->machine, NULL, NULL, NULL);
		assert_int_equal(tome_vm_destroy(r->vm), 0);
	}
	hosted_destroy(r->machine);
	free(r);
	return 0;
}

void
rig_assert_panics(struct rig *r, void (*fn)(void *), void *arg,
    const char *part)
{
	char text[256];

	assert_true(hosted_catch(fn, arg, text, sizeof text));
	r->broken = true;
	hosted_attach(r->machine, NULL, NULL, NULL);
	if (strstr(text, part) == NULL)
		fail_msg("panicked otherwise: %s", text);
}
