/*
 * test_epoch.c - nothing is freed while someone may look at it, everything is
 * freed after. One thread plays all CPUs; then real threads race.
 */
#include <hosted.h>
#include <tome_host_inline.h>

#include "support.h"

static const struct tome_range one_range[] = {
	{ 1 * MIB, 4 * MIB, TOME_RANGE_USABLE },
};

static struct support sup;

struct item {
	struct tome_retired retired;
	struct item *more;		/* retired by this one's free */
	unsigned freed;
};

static void
free_item(struct tome_vm *vm, struct tome_retired *r)
{
	struct item *it = tome_container(r, struct item, retired);

	it->freed++;
	if (it->more != NULL)
		tome_epoch_retire(vm, &it->more->retired, free_item);
}

static int
setup(void **state)
{
	support_start(&sup, one_range, 1);
	*state = &sup;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(tome_epoch_pending(sup.vm), 0);
	support_end(&sup);
	return 0;
}

static void
retire(struct item *it)
{
	tome_epoch_retire(sup.vm, &it->retired, free_item);
}

static void
test_free_after_two(void **state)
{
	struct item it = { .freed = 0 };
	uint64_t at;

	(void)state;
	at = sup.vm->epoch.now;
	retire(&it);
	assert_int_equal(tome_epoch_pending(sup.vm), 1);
	tome_epoch_poll(sup.vm);
	assert_int_equal(it.freed, 0);
	assert_int_equal(sup.vm->epoch.now, at + 1);
	tome_epoch_poll(sup.vm);
	assert_int_equal(it.freed, 1);
	assert_int_equal(sup.vm->epoch.now, at + 2);
}

/* A reader from before holds it up; one from after does not. */
static void
test_reader_holds(void **state)
{
	struct item it = { .freed = 0 };
	unsigned i;

	(void)state;
	support_cpu(1);
	tome_epoch_enter(sup.vm);
	support_cpu(0);
	retire(&it);
	for (i = 0; i < 10; i++)
		tome_epoch_poll(sup.vm);
	assert_false(tome_epoch_drain(sup.vm));
	assert_int_equal(it.freed, 0);
	support_cpu(2);
	tome_epoch_enter(sup.vm);
	support_cpu(1);
	tome_epoch_leave(sup.vm);
	support_cpu(0);
	tome_epoch_poll(sup.vm);
	assert_int_equal(it.freed, 1);
	support_cpu(2);
	tome_epoch_leave(sup.vm);
}

static void
test_sections_nest(void **state)
{
	struct item it = { .freed = 0 };
	uint64_t a, b;

	(void)state;
	a = tome_epoch_enter(sup.vm);
	b = tome_epoch_enter(sup.vm);
	assert_true(a == b);
	tome_epoch_leave(sup.vm);
	/* Still inside: retiring only queues, however often. */
	retire(&it);
	tome_epoch_poll(sup.vm);
	tome_epoch_poll(sup.vm);
	tome_epoch_poll(sup.vm);
	assert_false(tome_epoch_drain(sup.vm));
	assert_int_equal(it.freed, 0);
	tome_epoch_leave(sup.vm);
	assert_true(tome_epoch_drain(sup.vm));
	assert_int_equal(it.freed, 1);
}

/* Whoever unlocks a map polls now and then: what waits stays bounded. */
static void
test_batches(void **state)
{
	static struct item items[10000];
	struct tome_mutex m = { 0 };
	unsigned i, most = 0;

	(void)state;
	memset(items, 0, sizeof items);
	for (i = 0; i < 10000; i++) {
		tome_mutex_lock(sup.vm, &m, TOME_RANK_MAP);
		retire(&items[i]);
		tome_mutex_unlock(sup.vm, &m, TOME_RANK_MAP);
		if (tome_epoch_pending(sup.vm) > most)
			most = (unsigned)tome_epoch_pending(sup.vm);
	}
	assert_in_range(most, TOME_EPOCH_BATCH - 1, 4 * TOME_EPOCH_BATCH);
	assert_true(tome_epoch_drain(sup.vm));
	for (i = 0; i < 10000; i++)
		assert_int_equal(items[i].freed, 1);
}

/* A list's slot comes round again before it was emptied. */
static void
test_late_poll(void **state)
{
	struct item old = { .freed = 0 }, young = { .freed = 0 };
	unsigned i;

	(void)state;
	retire(&old);
	support_cpu(1);
	for (i = 0; i < 4; i++)
		tome_epoch_poll(sup.vm);
	support_cpu(0);
	retire(&young);
	assert_int_equal(old.freed, 0);
	tome_epoch_poll(sup.vm);
	assert_int_equal(young.freed, 0);
	tome_epoch_poll(sup.vm);
	assert_int_equal(old.freed, 1);
	assert_int_equal(young.freed, 1);
}

/* Frees that retire: drain gets to the end of the chain. */
static void
test_chain(void **state)
{
	static struct item chain[8];
	unsigned i;

	(void)state;
	memset(chain, 0, sizeof chain);
	for (i = 0; i < 7; i++)
		chain[i].more = &chain[i + 1];
	retire(&chain[0]);
	while (!tome_epoch_drain(sup.vm))
		;
	for (i = 0; i < 8; i++)
		assert_int_equal(chain[i].freed, 1);
}

static void
test_drain_takes_all(void **state)
{
	struct item it[4] = { { .freed = 0 } };
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		support_cpu(i);
		retire(&it[i]);
	}
	support_cpu(2);
	assert_true(tome_epoch_drain(sup.vm));
	for (i = 0; i < 4; i++)
		assert_int_equal(it[i].freed, 1);
}

/* A pointer remembered at e is good in any section that entered at e. */
static void
test_hint(void **state)
{
	struct item it = { .freed = 0 };
	uint64_t then;

	(void)state;
	then = tome_epoch_enter(sup.vm);
	tome_epoch_leave(sup.vm);
	support_cpu(1);
	retire(&it);
	tome_epoch_poll(sup.vm);
	while (it.freed == 0) {
		support_cpu(0);
		if (tome_epoch_enter(sup.vm) == then)
			assert_int_equal(it.freed, 0);
		tome_epoch_leave(sup.vm);
		support_cpu(1);
		tome_epoch_poll(sup.vm);
	}
	support_cpu(0);
	assert_true(tome_epoch_enter(sup.vm) != then);
	tome_epoch_leave(sup.vm);
}

static void
poll_locked(void *arg)
{
	tome_bit_lock(sup.vm, arg, 1, TOME_RANK_CHUNK);
	tome_epoch_poll(sup.vm);
}

/* Frees take locks of any rank. */
static void
test_no_lock_while_freeing(void **state)
{
	_Atomic uint32_t word = 0;
	const char *why;

	(void)state;
	assert_true(support_panics(poll_locked, (void *)&word, &why));
	support_drop(&sup);
}

/* ---- threads ---- */

#define READERS 3
#define ROUNDS 20000u
#define ALIVE 0x600dc0deu

struct node {
	struct tome_retired retired;
	_Atomic uint32_t magic;
};

static struct tome_vm *raced;
static struct node nodes[4096];
static struct node *_Atomic published;
static _Atomic uint32_t done, bad;
static _Atomic uint32_t freed;

static void
free_node(struct tome_vm *vm, struct tome_retired *r)
{
	(void)vm;
	atomic_store(&tome_container(r, struct node, retired)->magic, 0);
	atomic_fetch_add(&freed, 1);
}

static void
reader(void *arg)
{
	struct node *n;

	(void)arg;
	while (!atomic_load(&done)) {
		tome_epoch_enter(raced);
		n = tome_rd_sc(&published);
		for (unsigned i = 0; i < 20; i++)
			if (atomic_load(&n->magic) != ALIVE)
				atomic_fetch_add(&bad, 1);
		tome_epoch_leave(raced);
		hosted_poll();
	}
}

/* Publish a node, retire the one before; take the next that is dead. */
static void
writer(void *arg)
{
	struct node *old, *next = nodes;
	unsigned i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		while (atomic_load(&next->magic) == ALIVE) {
			next = next == &nodes[4095] ? nodes : next + 1;
			if (next == nodes) {
				tome_epoch_poll(raced);
				hosted_poll();
			}
		}
		atomic_store(&next->magic, ALIVE);
		old = tome_swap_sc(&published, next);
		tome_epoch_retire(raced, &old->retired, free_node);
		if (i % 32 == 0)
			tome_epoch_poll(raced);
	}
	atomic_store(&done, 1);
}

static void
test_threads(void **state)
{
	struct hosted_config config = { .ncpus = READERS + 1 };
	struct hosted_machine *m;
	struct tome_boot boot;
	unsigned i;

	(void)state;
	hosted_self = NULL;
	m = hosted_create(&config);
	hosted_boot(m, &boot);
	assert_int_equal(tome_phys_init(&boot, &raced), TOME_OK);
	atomic_store(&nodes[0].magic, ALIVE);
	published = nodes;
	for (i = 0; i < READERS; i++)
		hosted_start(m, i + 1, reader, NULL);
	writer(NULL);
	hosted_join(m);
	assert_int_equal(bad, 0);
	while (!tome_epoch_drain(raced))
		;
	assert_int_equal(freed, ROUNDS);
	hosted_destroy(m);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_free_after_two),
		T(test_reader_holds),
		T(test_sections_nest),
		T(test_batches),
		T(test_late_poll),
		T(test_chain),
		T(test_drain_takes_all),
		T(test_hint),
		cmocka_unit_test_setup(test_no_lock_while_freeing, setup),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
