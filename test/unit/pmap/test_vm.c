/*
 * test_vm.c - an instance from creation to teardown, and the layers that hook
 * into it.
 */
#include <hosted.h>

#include "support.h"

static struct hosted_machine *machine;
static struct tome_vm *vm;

static int
setup(void **state)
{
	struct hosted_config config = { .ncpus = 2,
		.ram = 4096 * TOME_PAGE_SIZE };
	struct tome_boot boot;

	machine = hosted_create(&config);
	hosted_boot(machine, &boot);
	assert_int_equal(tome_vm_create(&boot, &vm), TOME_OK);
	hosted_attach(machine, vm, tome_vm_interrupt, tome_frame_identity);
	*state = vm;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hosted_destroy(machine);
	return 0;
}

/* What hooked layers were asked, in order: a letter each. */
static char calls[16];

static void
called(char what)
{
	size_t n = strlen(calls);

	assert_true(n + 1 < sizeof calls);
	calls[n] = what;
}

static const char *complaint;

static const char *
old_check(struct tome_vm *v)
{
	assert_ptr_equal(v, vm);
	called('o');
	return complaint;
}

static const char *
new_check(struct tome_vm *v)
{
	(void)v;
	called('n');
	return NULL;
}

static void
new_stats(struct tome_vm *v, struct tome_stats *out)
{
	(void)v;
	out->entries += 5;
}

static void
new_quiesce(struct tome_vm *v, bool drain)
{
	(void)v;
	called(drain ? 'd' : 'q');
}

static size_t
old_fini(struct tome_vm *v)
{
	(void)v;
	called('O');
	return 2;
}

static size_t
new_fini(struct tome_vm *v)
{
	(void)v;
	called('N');
	return 1;
}

/* Newest first; leaks add up; a hook may be missing. */
static void
test_layers(void **state)
{
	static struct tome_layer old, new;
	struct tome_stats st;

	(void)state;
	old = (struct tome_layer){ .check = old_check, .fini = old_fini };
	new = (struct tome_layer){ .check = new_check, .stats = new_stats,
		.quiesce = new_quiesce, .fini = new_fini };
	tome_layer_install(vm, &old);
	tome_layer_install(vm, &new);
	memset(calls, 0, sizeof calls);
	assert_null(tome_vm_check(vm));
	complaint = "old complains";
	assert_string_equal(tome_vm_check(vm), "old complains");
	complaint = NULL;
	tome_vm_quiesce(vm, false);
	tome_count(vm, TOME_N_ENTRIES, 2);
	tome_vm_stats(vm, &st);
	assert_int_equal(st.entries, 7);
	hosted_attach(machine, NULL, NULL, NULL);
	assert_int_equal(tome_vm_destroy(vm), 3);
	assert_string_equal(calls, "nonoqdNO");
}

static void
test_figures(void **state)
{
	struct tome_stats st;

	(void)state;
	tome_vm_stats(vm, &st);
	assert_int_equal(st.frames_total, 4096);
	assert_int_equal(st.frames_total, st.frames_free +
	    st.frames_bootstrap + st.frames_reserved);
	assert_int_equal(st.frames_anon + st.frames_cache + st.frames_other,
	    0);
	assert_int_equal(st.deferred, 0);
	assert_int_equal(st.pmaps, 0);
	assert_null(tome_vm_check(vm));
	hosted_attach(machine, NULL, NULL, NULL);
	assert_int_equal(tome_vm_destroy(vm), 0);
}

static struct tome_retired retired;
static bool was_freed;

static void
note_free(struct tome_vm *v, struct tome_retired *r)
{
	assert_ptr_equal(v, vm);
	assert_ptr_equal(r, &retired);
	was_freed = true;
}

static void
test_quiesce(void **state)
{
	struct tome_stats st;

	(void)state;
	was_freed = false;
	tome_epoch_retire(vm, &retired, note_free);
	tome_vm_stats(vm, &st);
	assert_int_equal(st.deferred, 1);
	tome_vm_quiesce(vm, false);
	assert_true(was_freed);
	hosted_attach(machine, NULL, NULL, NULL);
	assert_int_equal(tome_vm_destroy(vm), 0);
}

static void
test_leaks(void **state)
{
	tome_pfn_t pfn;

	(void)state;
	assert_int_equal(tome_frame_alloc(vm, TOME_PAGE_DEVICE, 0, &pfn),
	    TOME_OK);
	hosted_attach(machine, NULL, NULL, NULL);
	assert_int_equal(tome_vm_destroy(vm), 1);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_layers),
		T(test_figures),
		T(test_quiesce),
		T(test_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
