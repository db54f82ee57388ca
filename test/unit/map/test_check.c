/*
 * test_check.c - the recount of layer 5 sees every violation planted here, and its
 * sentence begins with the invariant's number.
 */
#include "rig.h"

struct planted {
	struct rig *rig;
	struct tome_map *map;
	struct tome_entry *entry;
	struct tome_chunk *chunk;	/* of page AT, which is written */
};

static void
plant(void **state, struct planted *p)
{
	p->rig = *state;
	p->map = rig_map(p->rig);
	rig_enter(p->map, AT, 4, RW);
	assert_int_equal(tome_fault(p->map, AT, TOME_PROT_WRITE), TOME_OK);
	p->entry = tome_tree_find(&p->map->tree, AT);
	tome_epoch_enter(p->rig->vm);
	p->chunk = tome_amap_lookup(p->entry->amap, p->entry->slot).chunk;
	tome_epoch_leave(p->rig->vm);
	rig_check(p->rig);
}

static void
sees(struct planted *p, const char *number)
{
	const char *why = tome_vm_check(p->rig->vm);

	assert_non_null(why);
	if (strncmp(why, number, strlen(number)) != 0)
		fail_msg("%s: not about %s", why, number);
}

static void
ends(struct planted *p)
{
	rig_check(p->rig);
	tome_map_unref(p->map);
}

static void
a_count_too_high(void **state)
{
	struct planted p;

	plant(state, &p);
	tome_amap_ref(p.entry->amap);
	sees(&p, "1:");
	tome_amap_unref(p.entry->amap);
	ends(&p);
}

/* Written to while another space could see it. */
static void
a_shared_page_is_writable(void **state)
{
	struct planted p;

	plant(state, &p);
	p.chunk->count++;
	sees(&p, "7: rights");
	p.chunk->count--;
	p.entry->flags |= TOME_ENTRY_NEEDS_COPY;
	sees(&p, "7: rights");
	p.entry->flags &= (uint16_t)~TOME_ENTRY_NEEDS_COPY;
	ends(&p);
}

static void
rights_beyond_the_bound(void **state)
{
	struct planted p;

	plant(state, &p);
	p.entry->max_prot = RO;
	sees(&p, "6: rights");
	p.entry->max_prot = TOME_PROT_ALL;
	ends(&p);
}

static void
an_entry_beyond_the_map(void **state)
{
	struct planted p;
	tome_va_t hi;

	plant(state, &p);
	hi = p.map->hi;
	p.map->hi = AT + PG;
	sees(&p, "6: bounds");
	p.map->hi = hi;
	ends(&p);
}

static void
an_entry_left_odd(void **state)
{
	struct planted p;

	plant(state, &p);
	p.entry->seq++;
	sees(&p, "entry at rest");
	p.entry->seq--;
	ends(&p);
}

static void
a_translation_grants_too_much(void **state)
{
	struct planted p;

	plant(state, &p);
	p.entry->prot = RO;
	sees(&p, "7: rights");
	p.entry->prot = RW;
	ends(&p);
}

static void
a_translation_of_nothing(void **state)
{
	struct planted p;
	tome_va_t va = AT + 8 * PG;

	plant(state, &p);
	assert_int_equal(tome_pmap_enter(p.map->pmap, va,
	    tome_zero_frame(p.rig->vm), RO, TOME_MEM_WB, 0), TOME_OK);
	sees(&p, "7: translations");
	tome_pmap_remove(p.map->pmap, va, va + PG);
	ends(&p);
}

static void
another_frame(void **state)
{
	struct planted p;
	struct tome_anon *an;
	tome_pfn_t pfn;

	plant(state, &p);
	an = p.chunk->anon[p.entry->slot & TOME_CHUNK_MASK];
	pfn = an->pfn;
	an->pfn = tome_zero_frame(p.rig->vm);
	sees(&p, "frame of the translation");
	an->pfn = pfn;
	ends(&p);
}

static void
wrong_totals(void **state)
{
	struct planted p;

	plant(state, &p);
	p.map->vpages++;
	sees(&p, "11:");
	p.map->vpages--;
	p.map->locked_pages--;
	sees(&p, "11:");
	p.map->locked_pages++;
	ends(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_count_too_high),
		RIG_TEST(a_shared_page_is_writable),
		RIG_TEST(rights_beyond_the_bound),
		RIG_TEST(an_entry_beyond_the_map),
		RIG_TEST(an_entry_left_odd),
		RIG_TEST(a_translation_grants_too_much),
		RIG_TEST(a_translation_of_nothing),
		RIG_TEST(another_frame),
		RIG_TEST(wrong_totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
