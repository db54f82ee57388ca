/*
 * test_cpu.c - CPUs, IPIs, sleeping, the host table, several machines at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tables.h"

#define VA UINT64_C(0x400000)

/* ---- an instance that only counts its interrupts ---- */

static _Atomic unsigned served[8];

static void
interrupt(struct tome_vm *vm)
{
	(void)vm;
	atomic_fetch_add(&served[tome_host_cpu()], 1);
}

static struct hosted_machine *
machine(unsigned ncpus, unsigned modes)
{
	static int instance;
	struct hosted_machine *m;
	unsigned i;

	m = hosted_create(&(struct hosted_config){ .ncpus = ncpus,
	    .modes = modes });
	assert_non_null(m);
	for (i = 0; i < 8; i++)
		atomic_store(&served[i], 0);
	hosted_attach(m, (struct tome_vm *)(void *)&instance, interrupt, NULL);
	return m;
}

static void
send(struct hosted_machine *m, unsigned cpu)
{
	tome_host_preempt_off();
	hosted_host(m)->ipi(m, cpu);
	tome_host_preempt_on();
}

static void
test_idle_cpu_is_served_for(void **state)
{
	struct hosted_machine *m = machine(3, 0);

	(void)state;
	send(m, 2);
	assert_int_equal(served[2], 1);
	assert_int_equal(served[0] + served[1], 0);
	assert_int_equal(tome_host_cpu(), 0);
	hosted_destroy(m);
}

static void
test_late_acks(void **state)
{
	struct hosted_machine *m = machine(2, HOSTED_DELAY_ACKS);
	unsigned i, late = 0;

	(void)state;
	for (i = 0; i < 50; i++) {
		unsigned before = served[1];

		send(m, 1);
		late += served[1] == before;
		while (served[1] == before)
			tome_host_relax();
	}
	assert_true(late > 10);
	hosted_destroy(m);
}

static void
test_interrupts_off_hold_back(void **state)
{
	struct hosted_machine *m = machine(1, 0);
	uintptr_t outer, inner;

	(void)state;
	outer = tome_host_irq_save();
	send(m, 0);
	inner = tome_host_irq_save();
	tome_host_relax();
	tome_host_irq_restore(inner);
	assert_int_equal(served[0], 0);
	tome_host_irq_restore(outer);
	assert_int_equal(served[0], 1);
	hosted_destroy(m);
}

/* ---- threads ---- */

struct pair {
	struct hosted_machine *m;
	_Atomic uint32_t ready, done;
};

static void
spin_and_serve(void *arg)
{
	struct pair *p = arg;

	atomic_store(&p->ready, 1);
	while (atomic_load(&p->done) == 0)
		tome_host_relax();
}

static void
test_running_cpu_serves_itself(void **state)
{
	struct pair p = { .m = machine(2, 0) };

	(void)state;
	hosted_start(p.m, 1, spin_and_serve, &p);
	while (atomic_load(&p.ready) == 0)
		tome_host_relax();
	send(p.m, 1);
	while (served[1] == 0)
		tome_host_relax();
	atomic_store(&p.done, 1);
	hosted_join(p.m);
	hosted_destroy(p.m);
}

static void
waker(void *arg)
{
	struct pair *p = arg;

	/* The sleeper's CPU idles: its IPI is served while it sleeps. */
	while (atomic_load(&p->ready) == 0)
		tome_host_relax();
	send(p->m, 0);
	while (served[0] == 0)
		tome_host_relax();
	atomic_store(&p->done, 1);
	hosted_host(p->m)->wake(p->m, &p->done, 1);
}

static void
test_wait_and_wake(void **state)
{
	struct pair p = { .m = machine(2, 0) };
	struct tome_host *h = hosted_host(p.m);
	uint64_t until;

	(void)state;
	hosted_start(p.m, 1, waker, &p);
	atomic_store(&p.ready, 1);
	while (atomic_load(&p.done) == 0)
		h->wait(p.m, &p.done, 0, TOME_FOREVER);
	hosted_join(p.m);
	/* A word that has changed, a deadline that passes. */
	h->wait(p.m, &p.done, 0, TOME_FOREVER);
	until = h->clock_ns(p.m) + 2000000;
	while (h->clock_ns(p.m) < until)
		h->wait(p.m, &p.done, 1, until);
	hosted_destroy(p.m);
}

static void
sleep_unpreemptible(void *arg)
{
	struct pair *p = arg;

	tome_host_preempt_off();
	hosted_host(p->m)->wait(p->m, &p->done, 0, TOME_FOREVER);
}

static void
test_sleeping_with_preemption_off(void **state)
{
	struct pair p = { .m = machine(1, 0) };
	char text[128];

	(void)state;
	assert_true(hosted_catch(sleep_unpreemptible, &p, text, sizeof text));
	assert_non_null(strstr(text, "sleeps"));
	hosted_destroy(p.m);
}

/* A CPU that a sender borrows cannot be run by a thread meanwhile, and the
 * flush that the interrupt does is the borrowed CPU's own. */
static struct tables *flushed;
static void
flush_here(struct tome_vm *vm)
{
	(void)vm;
	hosted_x86_write_cr3(flushed->root);
}

static void
test_flush_by_ipi(void **state)
{
	static int instance;
	struct tables t;
	uint8_t b;

	(void)state;
	t_init(&t, &(struct hosted_config){ .ncpus = 2,
	    .modes = HOSTED_NEVER_EVICT | HOSTED_DELAY_ACKS });
	flushed = &t;
	hosted_attach(t.m, (struct tome_vm *)(void *)&instance, flush_here,
	    NULL);
	t_map(&t, VA, t_frame(&t), T_USER);
	hosted_become(t.m, 1);
	hosted_x86_write_cr3(t.root);
	assert_int_equal(hosted_read(VA, &b, 1, NULL, NULL), TOME_OK);
	hosted_become(t.m, 0);
	t_map(&t, VA, 0, 0);
	assert_false(hosted_judge(t.m));
	assert_true(t_violated(&t, HOSTED_STALE));
	send(t.m, 1);
	hosted_settle(t.m);
	assert_true(hosted_judge(t.m));
	hosted_destroy(t.m);
}

/* ---- several machines ---- */

static void
test_two_machines(void **state)
{
	struct tables a, b;
	uint8_t x = 1, y = 2;

	(void)state;
	t_init(&a, &(struct hosted_config){ 0 });
	assert_ptr_equal(hosted_current(), a.m);
	hosted_become(NULL, 0);
	t_init(&b, &(struct hosted_config){ 0 });
	assert_int_not_equal(a.boot.ranges[0].base, b.boot.ranges[0].base);
	t_map(&b, VA, t_frame(&b), T_USER);
	assert_int_equal(hosted_write(VA, &y, 1, NULL, NULL), TOME_OK);
	hosted_become(a.m, 0);
	assert_int_equal(hosted_read(VA, &x, 1, NULL, NULL), TOME_EFAULT);
	t_map(&a, VA, t_frame(&a), T_USER);
	assert_int_equal(hosted_write(VA, &x, 1, NULL, NULL), TOME_OK);
	hosted_become(b.m, 0);
	assert_int_equal(hosted_read(VA, &x, 1, NULL, NULL), TOME_OK);
	assert_int_equal(x, 2);
	hosted_destroy(a.m);
	hosted_destroy(b.m);
}

/* ---- the host table ---- */

static void
test_failing_allocations(void **state)
{
	struct hosted_machine *m = machine(1, 0);
	struct tome_host *h = hosted_host(m);

	(void)state;
	assert_true(h->may_alloc(m, "frame"));
	hosted_fail_alloc(m, "frame", 2, false);
	assert_true(h->may_alloc(m, "frame"));
	assert_true(h->may_alloc(m, "object"));
	assert_false(h->may_alloc(m, "frame"));
	assert_true(h->may_alloc(m, "frame"));
	assert_int_equal(hosted_allocs(m), 3);
	hosted_fail_alloc(m, NULL, 2, true);
	assert_true(h->may_alloc(m, "frame"));
	assert_false(h->may_alloc(m, "object"));
	assert_false(h->may_alloc(m, "frame"));
	hosted_fail_alloc(m, NULL, 0, false);
	assert_true(h->may_alloc(m, "frame"));
	hosted_destroy(m);
}

static void
test_dice_follow_the_seed(void **state)
{
	struct hosted_machine *a, *b, *c;
	uint64_t x;

	(void)state;
	a = hosted_create(&(struct hosted_config){ .seed = 5 });
	b = hosted_create(&(struct hosted_config){ .seed = 5 });
	c = hosted_create(&(struct hosted_config){ .seed = 6 });
	x = hosted_host(a)->random(a);
	assert_true(x == hosted_host(b)->random(b));
	assert_true(x != hosted_host(c)->random(c));
	hosted_destroy(a);
	hosted_destroy(b);
	hosted_destroy(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_cpu_is_served_for),
		cmocka_unit_test(test_late_acks),
		cmocka_unit_test(test_interrupts_off_hold_back),
		cmocka_unit_test(test_running_cpu_serves_itself),
		cmocka_unit_test(test_wait_and_wake),
		cmocka_unit_test(test_sleeping_with_preemption_off),
		cmocka_unit_test(test_flush_by_ipi),
		cmocka_unit_test(test_two_machines),
		cmocka_unit_test(test_failing_allocations),
		cmocka_unit_test(test_dice_follow_the_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
