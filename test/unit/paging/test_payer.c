/*
 * test_payer.c - groups pay for shared memory and for files: once for each page, by who
 * brought it in, and no more of them than they may have.
 */
#include <object/vnode.h>
#include "rig.h"
#include "../fakefile.h"

#define NONE UINT64_MAX
#define CROWD 96u

static struct tome_ledger *
ledger(struct rig *r, struct tome_ledger *parent, uint64_t resident)
{
	struct tome_ledger_limits limit = { resident, NONE };
	struct tome_ledger *l;

	assert_int_equal(tome_ledger_create(r->vm, parent, &l), TOME_OK);
	tome_ledger_limit(l, &limit);
	return l;
}

static struct tome_object *
memory(struct rig *r, unsigned pages, struct tome_object *parent)
{
	struct tome_object *ob;

	assert_int_equal(tome_object_create_anon(r->vm, pages * PG, parent, 0,
	    &ob), TOME_OK);
	return ob;
}

/* A space of the ledger's that has the object at AT. */
static struct tome_map *
map_of(struct rig *r, struct tome_ledger *l, struct tome_object *ob,
    unsigned pages, unsigned flags)
{
	struct tome_map_request rq = { .addr = AT, .len = pages * PG,
		.prot = RW, .flags = TOME_MAP_FIXED | flags, .object = ob };
	struct tome_map *map = rig_map(r);
	tome_va_t va;

	tome_map_set_ledger(map, l);
	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	return map;
}

static struct tome_ledger_state
state_of(struct tome_ledger *l)
{
	struct tome_ledger_state s;

	tome_ledger_state(l, &s);
	return s;
}

static void
charged(struct tome_ledger *l, uint64_t resident, uint64_t swapped)
{
	struct tome_ledger_state s = state_of(l);

	assert_int_equal(s.resident, resident);
	assert_int_equal(s.swapped, swapped);
}

static void
destroy(struct tome_ledger *l)
{
	assert_int_equal(tome_ledger_destroy(l), TOME_OK);
}

/* ---- shared memory ---- */

static void
the_first_to_touch_pays(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *a = ledger(r, NULL, NONE), *b = ledger(r, NULL,
	    NONE);
	struct tome_object *ob = memory(r, 64, NULL);
	struct tome_map *ma = map_of(r, a, ob, 64, TOME_MAP_SHARED);
	struct tome_map *mb = map_of(r, b, ob, 64, TOME_MAP_SHARED);

	for (unsigned i = 0; i < 8; i++)
		rig_poke(ma, i, (uint8_t)(i + 1));
	assert_int_equal(rig_peek(ma, 8), 0);	/* a hole becomes a page */
	charged(a, 9, 0);
	for (unsigned i = 0; i < 9; i++)
		rig_poke(mb, i, (uint8_t)(i + 2));
	rig_poke(mb, 40, 1);
	charged(a, 9, 0);
	charged(b, 1, 0);
	rig_check(r);
	tome_map_unref(ma);
	charged(a, 9, 0);			/* the object has them */
	assert_int_equal(tome_object_punch(ob, 0, 4), TOME_OK);
	charged(a, 5, 0);
	rig_check(r);
	tome_map_unref(mb);
	tome_object_unref(ob);
	tome_vm_quiesce(r->vm, false);
	charged(a, 0, 0);
	charged(b, 0, 0);
	destroy(a);
	destroy(b);
}

static void
what_nobody_paid_for_stays_so(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, NONE);
	struct tome_object *ob = memory(r, 8, NULL);
	struct tome_map *free = map_of(r, NULL, ob, 8, TOME_MAP_SHARED);
	struct tome_map *map = map_of(r, l, ob, 8, TOME_MAP_SHARED);
	struct tome_map *copy = map_of(r, l, ob, 8, 0);

	rig_poke(free, 0, 1);
	rig_poke(map, 0, 2);
	charged(l, 0, 0);
	rig_poke(copy, 0, 3);			/* a page of its own */
	charged(l, 1, 0);
	assert_int_equal(rig_peek(copy, 1), 0);	/* one of the object's */
	charged(l, 2, 0);
	rig_poke(copy, 2, 1);			/* both */
	charged(l, 4, 0);
	rig_poke(copy, 2, 2);
	rig_poke(copy, 1, 2);
	charged(l, 5, 0);
	rig_check(r);
	tome_map_unref(copy);
	charged(l, 2, 0);
	tome_map_unref(map);
	tome_map_unref(free);
	tome_object_unref(ob);
	tome_vm_quiesce(r->vm, false);
	charged(l, 0, 0);
	destroy(l);
}

/* What a read makes below it is the parent's, what a write makes its own. */
static void
inherited(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, NONE);
	struct tome_object *parent = memory(r, 8, NULL);
	struct tome_object *ob = memory(r, 8, parent);
	struct tome_map *map = map_of(r, l, ob, 8, TOME_MAP_SHARED);
	size_t done;

	assert_int_equal(tome_object_write(parent, 0, "x", 1, &done), TOME_OK);
	assert_int_equal(rig_peek(map, 0), 'x');
	charged(l, 0, 0);
	assert_int_equal(rig_peek(map, 1), 0);
	charged(l, 1, 0);
	rig_poke(map, 0, 1);
	rig_poke(map, 1, 1);
	charged(l, 3, 0);
	rig_poke(map, 0, 2);
	charged(l, 3, 0);
	rig_check(r);
	tome_map_unref(map);
	tome_object_unref(ob);
	tome_vm_quiesce(r->vm, false);
	charged(l, 1, 0);
	tome_object_unref(parent);
	tome_vm_quiesce(r->vm, false);
	charged(l, 0, 0);
	destroy(l);
}

static void
shared_memory_has_its_limit(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *top = ledger(r, NULL, 16), *l = ledger(r, top,
	    NONE);
	struct tome_object *ob = memory(r, 128, NULL);
	struct tome_map *map = map_of(r, l, ob, 128, TOME_MAP_SHARED);
	struct tome_map *other = map_of(r, NULL, ob, 128, TOME_MAP_SHARED);

	rig_swapon(r, 0, 512, 0);
	for (unsigned i = 0; i < 128; i++) {
		rig_poke(map, i, (uint8_t)(i + 1));
		assert_true(state_of(top).resident <= 16);
	}
	charged(l, state_of(top).resident, 128 - state_of(top).resident);
	rig_check(r);
	(void)tome_pack_all(r->vm->paging);
	rig_check(r);
	for (unsigned i = 0; i < 128; i++)	/* whoever brings it home */
		assert_int_equal(rig_peek(other, i), (uint8_t)(i + 1));
	assert_true(state_of(top).resident <= 16);
	assert_int_equal(state_of(top).resident + state_of(top).swapped, 128);
	rig_check(r);
	tome_map_unref(map);
	tome_map_unref(other);
	tome_object_unref(ob);
	tome_vm_quiesce(r->vm, false);
	charged(top, 0, 0);
	destroy(l);
	destroy(top);
}

static void
no_room_is_an_error(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, 4);
	struct tome_object *ob = memory(r, 16, NULL);
	struct tome_map *map = map_of(r, l, ob, 16, TOME_MAP_SHARED);
	tome_pfn_t pfn;

	for (unsigned i = 0; i < 4; i++)
		rig_poke(map, i, 1);		/* there is no swap */
	assert_int_equal(tome_fault(map, AT + 4 * PG, TOME_PROT_READ),
	    TOME_ENOMEM);
	assert_int_equal(tome_ledger_get(map, ob, 5, true, &pfn), TOME_ENOMEM);
	assert_int_equal(tome_ledger_get(map, ob, 5, false, &pfn), TOME_ENOENT);
	charged(l, 4, 0);
	assert_int_equal(tome_object_punch(ob, 0, 1), TOME_OK);
	assert_int_equal(tome_ledger_get(map, ob, 5, true, &pfn), TOME_OK);
	tome_object_put(ob, pfn, true);
	charged(l, 4, 0);
	rig_check(r);
	tome_map_unref(map);
	tome_object_unref(ob);
	tome_vm_quiesce(r->vm, false);
	destroy(l);
}

/* ---- files ---- */

static void
files_are_paid_for_while_in_memory(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *a = ledger(r, NULL, NONE), *b = ledger(r, NULL,
	    NONE);
	struct tome_map *ma, *mb;
	struct fakefile f;

	fakefile_open(&f, r->vm, 64 * PG);
	ma = map_of(r, a, f.object, 64, TOME_MAP_SHARED);
	mb = map_of(r, b, f.object, 64, 0);
	assert_int_equal(rig_peek(ma, 20), 21);
	charged(a, fakefile_pages(&f).resident, 0);
	assert_true(state_of(a).resident > 1);	/* what was read with it */
	assert_int_equal(rig_peek(mb, 20), 21);
	charged(b, 0, 0);
	rig_poke(mb, 21, 7);
	charged(b, 1, 0);			/* its copy */
	rig_check(r);
	tome_map_unref(mb);
	charged(b, 0, 0);
	tome_map_unref(ma);
	charged(a, fakefile_pages(&f).resident, 0);
	assert_int_equal(tome_object_discard_clean(f.object, 20, 1), 1);
	charged(a, fakefile_pages(&f).resident, 0);
	assert_int_equal(tome_object_resize(f.object, 0), TOME_OK);
	charged(a, 0, 0);
	rig_check(r);
	fakefile_close(&f, r->vm);
	destroy(a);
	destroy(b);
}

static void
what_was_not_read_is_not_charged(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, NONE);
	struct tome_map *map;
	struct fakefile f;

	fakefile_open(&f, r->vm, 64 * PG);
	map = map_of(r, l, f.object, 64, TOME_MAP_SHARED);
	f.fail_with = TOME_EIO;
	f.fail_read = 1;
	assert_int_equal(rig_peek(map, 0), 1);	/* alone, the second time */
	charged(l, 1, 0);
	f.fail_read = 1;
	assert_int_equal(tome_map_advise(map, AT, 64 * PG, TOME_ADV_RANDOM),
	    TOME_OK);
	assert_int_equal(tome_fault(map, AT + 9 * PG, TOME_PROT_READ),
	    TOME_EIO);
	charged(l, 1, 0);
	rig_check(r);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
	charged(l, 0, 0);
	destroy(l);
}

static void
files_have_their_limit(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, 16);
	struct fakefile mine, other;
	struct tome_map *map, *free;

	fakefile_open(&mine, r->vm, 128 * PG);
	fakefile_open(&other, r->vm, 32 * PG);
	map = map_of(r, l, mine.object, 128, TOME_MAP_SHARED);
	free = map_of(r, NULL, other.object, 32, TOME_MAP_SHARED);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(rig_peek(free, i), i + 1);
	for (unsigned i = 0; i < 128; i++) {
		assert_int_equal(rig_peek(map, i), i + 1);
		assert_true(state_of(l).resident <= 16);
	}
	for (unsigned i = 0; i < 128; i++) {	/* modified ones are written */
		rig_poke(map, i, (uint8_t)(i + 3));
		assert_true(state_of(l).resident <= 16);
	}
	for (unsigned i = 0; i < 128; i++)
		assert_int_equal(rig_peek(map, i), (uint8_t)(i + 3));
	assert_int_equal(fakefile_pages(&other).resident, 32);
	assert_int_equal(state_of(l).refused, 0);
	rig_check(r);
	tome_map_unref(map);
	tome_map_unref(free);
	fakefile_close(&mine, r->vm);
	fakefile_close(&other, r->vm);
	charged(l, 0, 0);
	destroy(l);
}

/* A wide limit: what is read ahead is within it. */
static void
reading_ahead_stays_within(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, 128);
	struct tome_readahead ra = { 0 };
	struct tome_map *map;
	struct fakefile f;
	tome_pfn_t pfn;

	fakefile_open(&f, r->vm, 256 * PG);
	map = map_of(r, l, f.object, 256, TOME_MAP_SHARED);
	for (unsigned i = 0; i < 256; i++) {
		tome_ledger_readahead(map, f.object, &ra, i, 1);
		assert_int_equal(tome_ledger_get(map, f.object, i, false,
		    &pfn), TOME_OK);
		tome_object_put(f.object, pfn, false);
		assert_true(state_of(l).resident <= 128);
		assert_int_equal(fakefile_pages(&f).resident,
		    state_of(l).resident);
	}
	assert_true(f.reads < 64);
	assert_int_equal(tome_map_advise(map, AT, 256 * PG, TOME_ADV_WILLNEED),
	    TOME_OK);
	rig_check(r);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
	charged(l, 0, 0);
	destroy(l);
}

/* One whose writing does not end is not waited for for ever. */
static void
silent_storage_is_no_room(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, 4);
	struct tome_map *map;
	struct fakefile f;
	uint64_t patience;

	fakefile_open(&f, r->vm, 16 * PG);
	patience = f.object->vnode->pager.patience;
	f.object->vnode->pager.patience = 1000000;
	map = map_of(r, l, f.object, 16, TOME_MAP_SHARED);
	assert_int_equal(tome_map_advise(map, AT, 16 * PG, TOME_ADV_RANDOM),
	    TOME_OK);
	for (unsigned i = 0; i < 4; i++)
		rig_poke(map, i, 9);
	f.queued = true;
	assert_int_equal(tome_fault(map, AT + 8 * PG, TOME_PROT_READ),
	    TOME_ENOMEM);
	assert_int_equal(state_of(l).refused, 1);
	charged(l, 4, 0);
	fakefile_run(&f, false);
	f.queued = false;
	f.object->vnode->pager.patience = patience;
	assert_int_equal(rig_peek(map, 8), 9);
	assert_true(state_of(l).resident <= 4);
	rig_check(r);
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
	destroy(l);
}

static void
the_recount_sees(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, NONE);
	struct tome_pagespot s;
	struct tome_page *page;
	struct tome_map *map;
	struct fakefile f;

	fakefile_open(&f, r->vm, 4 * PG);
	map = map_of(r, l, f.object, 4, TOME_MAP_SHARED);
	assert_int_equal(rig_peek(map, 0), 1);
	assert_null(tome_vm_check(r->vm));
	tome_epoch_enter(r->vm);
	s = tome_pagetree_find(&f.object->vnode->tree, 0);
	tome_epoch_leave(r->vm);
	page = tome_page(r->vm, s.pfn);
	page->next = 0;
	assert_non_null(tome_vm_check(r->vm));
	page->next = l->word;
	assert_null(tome_vm_check(r->vm));
	tome_map_unref(map);
	fakefile_close(&f, r->vm);
	destroy(l);
}

/* ---- threads ---- */

static struct crowd {
	struct tome_map *map[2];
	struct tome_object *memory;
	struct fakefile file;
	_Atomic unsigned wrong;
} crowd;

/* Each has a byte of every page, of shared memory and of a file, in one of two groups. */
static void
churn(void *arg)
{
	unsigned who = (unsigned)(uintptr_t)arg;
	uint64_t seed = 88172645463325252u * (who + 7);
	struct tome_map *map = crowd.map[who & 1];
	uint8_t mine[2 * CROWD] = { 0 }, b;
	size_t done;

	for (unsigned n = 0; n < 1200; n++) {
		unsigned pg, what;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		pg = (unsigned)(seed >> 20) % (2 * CROWD);
		what = (unsigned)(seed >> 60);
		hosted_poll();
		if (what < 7) {
			b = mine[pg] = (uint8_t)(seed >> 8);
			crowd.wrong += tome_map_write(map, AT + pg * PG + who,
			    &b, 1, false, &done) != TOME_OK;
		} else if (what < 15) {
			crowd.wrong += tome_map_read(map, AT + pg * PG + who,
			    &b, 1, false, &done) != TOME_OK ||
			    b != mine[pg];
		} else {
			(void)tome_object_discard_clean(crowd.file.object,
			    pg % CROWD, 4);
		}
	}
}

static struct tome_map *
crowd_map(struct rig *r, struct tome_ledger *l)
{
	struct tome_map *map = map_of(r, l, crowd.memory, CROWD,
	    TOME_MAP_SHARED);
	struct tome_map_request rq = { .addr = AT + CROWD * PG,
		.len = CROWD * PG, .prot = RW,
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED,
		.object = crowd.file.object };
	tome_va_t va;

	assert_int_equal(tome_map_enter(map, &rq, &va), TOME_OK);
	return map;
}

static void
many_at_once(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *top = ledger(r, NULL, 48), *l[2];

	memset(&crowd, 0, sizeof crowd);
	crowd.memory = memory(r, CROWD, NULL);
	fakefile_open(&crowd.file, r->vm, CROWD * PG);
	memset(crowd.file.store, 0, CROWD * PG);
	rig_swapon(r, 0, 1024, 0);
	for (unsigned i = 0; i < 2; i++) {
		l[i] = ledger(r, top, NONE);
		crowd.map[i] = crowd_map(r, l[i]);
	}
	for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++)
		hosted_start(r->machine, cpu, churn, (void *)(uintptr_t)cpu);
	churn(NULL);
	hosted_join(r->machine);
	tome_io_run(r->vm);
	assert_int_equal(crowd.wrong, 0);
	rig_check(r);
	assert_in_range(state_of(top).resident, 1, 48 + 8 * RIG_CPUS);
	assert_int_equal(state_of(top).resident,
	    state_of(l[0]).resident + state_of(l[1]).resident);
	for (unsigned i = 0; i < 2; i++)
		tome_map_unref(crowd.map[i]);
	tome_object_unref(crowd.memory);
	fakefile_close(&crowd.file, r->vm);
	tome_vm_quiesce(r->vm, false);
	charged(top, 0, 0);
	destroy(l[0]);
	destroy(l[1]);
	destroy(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(the_first_to_touch_pays),
		RIG_TEST(what_nobody_paid_for_stays_so),
		RIG_TEST(inherited),
		RIG_TEST(shared_memory_has_its_limit),
		RIG_TEST(no_room_is_an_error),
		RIG_TEST(files_are_paid_for_while_in_memory),
		RIG_TEST(what_was_not_read_is_not_charged),
		RIG_TEST(files_have_their_limit),
		RIG_TEST(reading_ahead_stays_within),
		RIG_TEST(silent_storage_is_no_room),
		RIG_TEST(the_recount_sees),
		RIG_TEST(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
