/*
 * test_ledger.c - groups of spaces: what they are charged for, and that they have no
 * more than they may.
 */
#include "rig.h"

#define NONE UINT64_MAX

static struct tome_ledger *
ledger(struct rig *r, struct tome_ledger *parent, uint64_t resident,
    uint64_t swapped)
{
	struct tome_ledger_limits limit = { resident, swapped };
	struct tome_ledger *l;

	assert_int_equal(tome_ledger_create(r->vm, parent, &l), TOME_OK);
	tome_ledger_limit(l, &limit);
	return l;
}

static struct tome_map *
map_of(struct rig *r, struct tome_ledger *l, unsigned pages)
{
	struct tome_map *map = rig_map(r);

	tome_map_set_ledger(map, l);
	assert_ptr_equal(tome_map_ledger(map), l);
	rig_enter(map, 0, pages, 0);
	return map;
}

static void
fill(struct tome_map *map, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		rig_poke(map, i, (uint8_t)(i + 1));
}

static void
expect(struct tome_map *map, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++)
		assert_int_equal(rig_peek(map, i), (uint8_t)(i + 1));
}

static void
charged(struct tome_ledger *l, uint64_t resident, uint64_t swapped)
{
	struct tome_ledger_state s;

	tome_ledger_state(l, &s);
	assert_int_equal(s.resident, resident);
	assert_int_equal(s.swapped, swapped);
}

static uint64_t
resident(struct tome_ledger *l)
{
	struct tome_ledger_state s;

	tome_ledger_state(l, &s);
	return s.resident;
}

static void
destroy(struct tome_ledger *l)
{
	assert_int_equal(tome_ledger_destroy(l), TOME_OK);
}

static void
each_page_once(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, NONE, NONE);
	struct tome_map *map = map_of(r, l, 64), *child;

	assert_int_equal(rig_peek(map, 40), 0);		/* the zero page */
	charged(l, 0, 0);
	fill(map, 0, 10);
	fill(map, 0, 10);
	charged(l, 10, 0);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	assert_ptr_equal(tome_map_ledger(child), l);
	expect(child, 0, 10);
	charged(l, 10, 0);
	rig_poke(child, 0, 0x77);
	rig_poke(child, 1, 0x77);
	rig_poke(child, 12, 0x77);
	charged(l, 13, 0);
	rig_check(r);
	tome_map_unref(child);
	rig_check(r);
	charged(l, 10, 0);
	assert_int_equal(tome_map_remove(map, AT, 4 * PG), TOME_OK);
	charged(l, 6, 0);
	rig_check(r);
	tome_map_unref(map);
	charged(l, 0, 0);
	destroy(l);
}

/* The sharer that is left has what the one that went was charged for. */
static void
the_first_to_write_pays(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *a = ledger(r, NULL, NONE, NONE);
	struct tome_ledger *b = ledger(r, NULL, NONE, NONE);
	struct tome_map *map = map_of(r, a, 64), *child;

	fill(map, 0, 8);
	assert_int_equal(tome_map_fork(map, &child), TOME_OK);
	tome_map_set_ledger(child, b);
	rig_poke(child, 3, 0x55);
	charged(a, 8, 0);
	charged(b, 1, 0);
	assert_int_equal(tome_ledger_destroy(a), TOME_EBUSY);
	tome_map_unref(map);
	rig_check(r);
	charged(a, 7, 0);
	destroy(a);			/* ends with its last page */
	expect(child, 0, 3);
	rig_check(r);
	tome_map_set_ledger(child, NULL);
	fill(child, 20, 4);
	charged(b, 1, 0);
	tome_map_unref(child);
	charged(b, 0, 0);
	destroy(b);
}

static void
what_was_there_is_not_charged(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, NONE, NONE);
	struct tome_map *map = rig_map(r);

	rig_enter(map, 0, 64, 0);
	fill(map, 0, 8);
	tome_map_set_ledger(map, l);
	expect(map, 0, 8);
	charged(l, 0, 0);
	fill(map, 8, 8);
	charged(l, 8, 0);
	rig_check(r);
	tome_map_unref(map);
	charged(l, 0, 0);
	destroy(l);
}

static void
out_and_in(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, NONE, NONE);
	struct tome_map *map = map_of(r, l, 64);

	rig_swapon(r, 0, 512, 0);
	fill(map, 0, 40);
	rig_page_out(r, map, 0, 32);
	charged(l, 8, 32);
	rig_check(r);
	assert_int_equal(tome_pack_all(r->vm->paging), 1);
	charged(l, 8, 32);
	rig_check(r);
	assert_int_equal(tome_map_remove(map, AT, 4 * PG), TOME_OK);
	charged(l, 8, 28);
	rig_check(r);
	expect(map, 4, 36);
	charged(l, 36, 0);
	rig_page_out(r, map, 0, 40);
	charged(l, 0, 36);
	assert_int_equal(tome_pack_all(r->vm->paging), 2);
	rig_check(r);
	tome_map_unref(map);
	charged(l, 0, 0);
	destroy(l);
}

/* What a chunk holds is packed only if one ledger pays for all of it. */
static void
mixed_chunks_stay(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, NONE, NONE);
	struct tome_map *map = rig_map(r);

	rig_swapon(r, 0, 512, 0);
	rig_enter(map, 0, 64, 0);
	fill(map, 0, 8);
	tome_map_set_ledger(map, l);
	fill(map, 8, 8);
	fill(map, 32, 8);
	rig_page_out(r, map, 0, 64);
	charged(l, 0, 16);
	assert_int_equal(tome_pack_all(r->vm->paging), 1);
	rig_check(r);
	expect(map, 0, 16);
	expect(map, 32, 8);
	charged(l, 16, 0);
	rig_check(r);
	tome_map_unref(map);
	destroy(l);
}

static void
a_group_pages_out_its_own(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, 16, NONE);
	struct tome_map *map = map_of(r, l, 128), *other = rig_map(r);
	struct tome_map_totals t;
	struct tome_ledger_state s;

	rig_swapon(r, 0, 512, 0);
	rig_enter(other, 0, 64, 0);
	fill(other, 0, 64);
	for (unsigned i = 0; i < 128; i++) {
		rig_poke(map, i, (uint8_t)(i + 1));
		assert_true(resident(l) <= 16);
	}
	tome_ledger_state(l, &s);
	assert_int_equal(s.resident + s.swapped, 128);
	assert_int_equal(s.peak, 16);
	assert_int_equal(s.refused, 0);
	rig_check(r);
	for (unsigned i = 0; i < 128; i++) {
		assert_int_equal(rig_peek(map, i), (uint8_t)(i + 1));
		assert_true(resident(l) <= 16);
	}
	tome_map_totals(other, &t);
	assert_int_equal(t.resident_pages, 64);		/* nobody else's */
	rig_check(r);
	tome_map_unref(map);
	tome_map_unref(other);
	destroy(l);
}

/* Together they may have no more than the ledger around them. */
static void
nested(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *top = ledger(r, NULL, 24, NONE);
	struct tome_ledger *a = ledger(r, top, 20, NONE);
	struct tome_ledger *b = ledger(r, top, NONE, NONE);
	struct tome_map *ma = map_of(r, a, 64), *mb = map_of(r, b, 64);
	struct tome_ledger_state s;

	rig_swapon(r, 0, 512, 0);
	fill(ma, 0, 20);
	charged(a, 20, 0);
	charged(top, 20, 0);
	fill(mb, 0, 20);
	assert_true(resident(a) + resident(b) <= 24);
	assert_int_equal(resident(top), resident(a) + resident(b));
	assert_true(resident(a) < 20);
	rig_check(r);
	expect(ma, 0, 20);
	expect(mb, 0, 20);
	assert_true(resident(top) <= 24);
	tome_ledger_state(a, &s);
	assert_true(s.peak <= 20);
	assert_int_equal(tome_ledger_destroy(top), TOME_EBUSY);
	rig_check(r);
	tome_map_unref(ma);
	tome_map_unref(mb);
	charged(top, 0, 0);
	destroy(a);
	destroy(b);
	destroy(top);
}

static void
no_room_is_an_error(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, 8, NONE);
	struct tome_map *map = map_of(r, l, 64), *other = rig_map(r);
	struct tome_ledger_state s;

	rig_enter(other, 0, 64, 0);
	fill(map, 0, 8);			/* there is no swap */
	assert_int_equal(tome_fault(map, AT + 20 * PG, TOME_PROT_WRITE),
	    TOME_ENOMEM);
	assert_int_equal(tome_fault(map, AT + 21 * PG, TOME_PROT_READ),
	    TOME_OK);
	fill(other, 0, 64);
	tome_ledger_state(l, &s);
	assert_int_equal(s.resident, 8);
	assert_int_equal(s.refused, 1);
	expect(map, 0, 8);
	rig_check(r);
	assert_int_equal(tome_map_remove(map, AT, 4 * PG), TOME_OK);
	fill(map, 20, 4);
	charged(l, 8, 0);
	tome_map_unref(map);
	tome_map_unref(other);
	destroy(l);
}

static void
swapped_has_its_limit(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, 8, 8);
	struct tome_map *map = map_of(r, l, 64);
	unsigned made = 0;

	rig_swapon(r, 0, 512, 0);
	while (made < 64 && tome_fault(map, AT + made * PG,
	    TOME_PROT_WRITE) == TOME_OK)
		rig_poke(map, made, (uint8_t)(made + 1)), made++;
	/* What was being written when it was full may come on top. */
	assert_in_range(made, 16, 16 + TOME_SWAP_MAX);
	rig_check(r);
	tome_map_unref(map);
	charged(l, 0, 0);
	destroy(l);
}

static void
a_lower_limit_takes_effect(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, NONE, NONE);
	struct tome_map *map = map_of(r, l, 64);
	struct tome_ledger_limits limit = { 10, NONE };

	rig_swapon(r, 0, 512, 0);
	fill(map, 0, 64);
	charged(l, 64, 0);
	tome_ledger_limit(l, &limit);
	assert_int_equal(resident(l), 10);
	expect(map, 0, 64);
	assert_true(resident(l) <= 10);
	rig_check(r);
	tome_map_unref(map);
	destroy(l);
}

/* ---- full ---- */

static struct victim {
	struct tome_map *map;
	unsigned asked;
} victim;

static bool
give_up(void *arg)
{
	struct victim *v = arg;

	if (v->asked++ > 0)
		return false;
	assert_true(tome_oom_reap(v->map) > 0);
	return true;
}

static void
somebody_gives_up(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, 16, NONE);
	struct tome_map *a = map_of(r, l, 64), *b = map_of(r, l, 64);

	victim = (struct victim){ .map = a };
	tome_ledger_full(l, give_up, &victim);
	fill(a, 0, 12);
	fill(b, 0, 16);
	assert_int_equal(victim.asked, 1);
	charged(l, 16, 0);
	assert_int_equal(rig_peek(a, 0), 0);
	expect(b, 0, 16);
	assert_int_equal(tome_fault(b, AT + 20 * PG, TOME_PROT_WRITE),
	    TOME_ENOMEM);
	assert_int_equal(victim.asked, 2);
	rig_check(r);
	tome_map_unref(a);
	tome_map_unref(b);
	destroy(l);
}

/* ---- tables and checks ---- */

static void
there_are_so_many(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *all[TOME_LEDGERS], *one;

	for (unsigned i = 0; i < TOME_LEDGERS; i++)
		all[i] = ledger(r, i > 0 ? all[i - 1] : NULL, NONE, NONE);
	assert_int_equal(tome_ledger_create(r->vm, NULL, &one), TOME_ENOSPC);
	for (unsigned i = TOME_LEDGERS; i-- > 0; )
		destroy(all[i]);
	destroy(ledger(r, NULL, NONE, NONE));
}

static void
the_recount_sees(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *l = ledger(r, NULL, NONE, NONE);
	struct tome_map *map = map_of(r, l, 64);

	fill(map, 0, 4);
	l->resident++;
	assert_non_null(tome_vm_check(r->vm));
	l->resident--;
	assert_null(tome_vm_check(r->vm));
	tome_map_unref(map);
	destroy(l);
}

/* ---- threads ---- */

#define CROWD 96u

static struct crowd {
	struct rig *r;
	struct tome_map *map;
	struct tome_ledger *ledger;
	_Atomic unsigned wrong;
} crowd;

/* Each has a byte of every page; they leave and come while children are forked. */
static void
churn(void *arg)
{
	unsigned who = (unsigned)(uintptr_t)arg;
	uint64_t seed = 88172645463325252u * (who + 7);
	uint8_t mine[CROWD] = { 0 }, b;
	struct tome_map *child;
	size_t done;

	for (unsigned n = 0; n < 1500; n++) {
		unsigned pg, what;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		pg = (unsigned)(seed >> 20) % CROWD;
		what = (unsigned)(seed >> 60);
		hosted_poll();
		if (what < 7) {
			b = mine[pg] = (uint8_t)(seed >> 8);
			crowd.wrong += tome_map_write(crowd.map,
			    AT + pg * PG + who, &b, 1, false, &done) != TOME_OK;
		} else if (what < 14) {
			crowd.wrong += tome_map_read(crowd.map,
			    AT + pg * PG + who, &b, 1, false, &done) !=
			    TOME_OK || b != mine[pg];
		} else if (what < 15) {
			(void)tome_pack_all(crowd.r->vm->paging);
		} else if (tome_map_fork(crowd.map, &child) == TOME_OK) {
			b = 1;
			crowd.wrong += tome_map_write(child, AT + pg * PG + who,
			    &b, 1, false, &done) != TOME_OK;
			tome_map_unref(child);
		}
	}
}

static void
many_at_once(void **state)
{
	struct rig *r = *state;
	struct tome_ledger *top = ledger(r, NULL, 48, NONE);

	memset(&crowd, 0, sizeof crowd);
	crowd.r = r;
	crowd.ledger = ledger(r, top, NONE, NONE);
	crowd.map = map_of(r, crowd.ledger, CROWD);
	rig_swapon(r, 0, 1024, 0);
	for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++)
		hosted_start(r->machine, cpu, churn, (void *)(uintptr_t)cpu);
	churn(NULL);
	hosted_join(r->machine);
	assert_int_equal(crowd.wrong, 0);
	rig_check(r);
	assert_true(resident(top) > 0);
	assert_in_range(resident(top), 1, 48 + 8 * RIG_CPUS);
	tome_map_unref(crowd.map);
	rig_check(r);
	charged(top, 0, 0);
	destroy(crowd.ledger);
	destroy(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(each_page_once),
		RIG_TEST(the_first_to_write_pays),
		RIG_TEST(what_was_there_is_not_charged),
		RIG_TEST(out_and_in),
		RIG_TEST(mixed_chunks_stay),
		RIG_TEST(a_group_pages_out_its_own),
		RIG_TEST(nested),
		RIG_TEST(no_room_is_an_error),
		RIG_TEST(swapped_has_its_limit),
		RIG_TEST(a_lower_limit_takes_effect),
		RIG_TEST(somebody_gives_up),
		RIG_TEST(there_are_so_many),
		RIG_TEST(the_recount_sees),
		RIG_TEST(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
