/*
 * test_map.c - every allocation refused: entering, removing, changing, moving
 * and copying what is mapped.
 */
#include "world.h"

/* ---- entering ---- */

static long
enter(struct world *w, struct tome_map_request rq)
{
	tome_va_t va;

	rq.prot = RW;
	if (rq.len == 0)
		rq.len = 4 * PG;
	return result(tome_map_enter(w->map, &rq, &va));
}

static long
enter_fixed(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT,
		.flags = TOME_MAP_FIXED });
}

static long
enter_anywhere(struct world *w)
{
	return enter(w, (struct tome_map_request){ .len = 8u << 20 });
}

static long
enter_aligned(struct world *w)
{
	return enter(w, (struct tome_map_request){ .align = 64 * PG,
		.below = AT, .flags = TOME_MAP_BOTTOMUP });
}

static long
enter_named(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT, .name = "name",
		.flags = TOME_MAP_FIXED | TOME_MAP_KEEP, .tag = 3 });
}

static long
enter_shared(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT, .name = "name",
		.flags = TOME_MAP_FIXED | TOME_MAP_SHARED });
}

static long
enter_object(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT,
		.object = w->over, .offset = PG, .limit = 2 * PG + 100,
		.flags = TOME_MAP_FIXED, .name = "file" });
}

static long
enter_object_shared(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT,
		.object = w->ob, .flags = TOME_MAP_FIXED | TOME_MAP_SHARED });
}

static long
enter_populated(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT,
		.flags = TOME_MAP_FIXED | TOME_MAP_POPULATE });
}

static long
enter_locked(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT,
		.flags = TOME_MAP_FIXED | TOME_MAP_LOCKED });
}

static long
enter_locked_on_fault(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT,
		.flags = TOME_MAP_FIXED | TOME_MAP_LOCKED |
		    TOME_MAP_LOCK_ONFAULT });
}

static long
enter_stack(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT,
		.flags = TOME_MAP_FIXED | TOME_MAP_GROWSDOWN });
}

static long
enter_guard(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT,
		.flags = TOME_MAP_FIXED | TOME_MAP_GUARD });
}

static long
enter_no_replace(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT + 8 * PG,
		.flags = TOME_MAP_FIXED | TOME_MAP_NOREPLACE });
}

static long
replace_middle(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT + 2 * PG,
		.name = "x", .flags = TOME_MAP_FIXED });
}

/* Of many entries, cutting the first and the last. */
static void
many(struct world *w)
{
	for (unsigned i = 0; i < 12; i++) {
		world_enter(w, AT + 3 * i * PG, 2, i & 1 ? RW : RO);
		world_poke(w, AT + 3 * i * PG);
	}
}

static long
replace_many(struct world *w)
{
	return enter(w, (struct tome_map_request){ .addr = AT + PG,
		.len = 33 * PG, .flags = TOME_MAP_FIXED | TOME_MAP_SHARED });
}

/* ---- removing and changing ---- */

static long
remove_middle(struct world *w)
{
	return result(tome_map_remove(w->map, AT + 2 * PG, 3 * PG));
}

static long
remove_many(struct world *w)
{
	return result(tome_map_remove(w->map, AT + PG, 33 * PG));
}

static long
protect_middle(struct world *w)
{
	return result(tome_map_protect(w->map, AT + 2 * PG, 3 * PG, RO));
}

static long
protect_all(struct world *w)
{
	return result(tome_map_protect(w->map, AT, 8 * PG, RO));
}

static long
max_middle(struct world *w)
{
	return result(tome_map_set_max_prot(w->map, AT + 2 * PG, PG, RO));
}

static long
inherit_middle(struct world *w)
{
	return result(tome_map_inherit(w->map, AT + 2 * PG, PG,
	    TOME_INHERIT_ZERO));
}

static long
inherit_share(struct world *w)
{
	return result(tome_map_inherit(w->map, AT, 8 * PG,
	    TOME_INHERIT_SHARE));
}

static long
name_middle(struct world *w)
{
	return result(tome_map_set_name(w->map, AT + 2 * PG, PG, "middle"));
}

static long
advise_random(struct world *w)
{
	return result(tome_map_advise(w->map, AT + PG, PG, TOME_ADV_RANDOM));
}

static long
advise_nodump(struct world *w)
{
	return result(tome_map_advise(w->map, AT + PG, 2 * PG,
	    TOME_ADV_NODUMP));
}

static long
discard(struct world *w)
{
	return result(tome_map_advise(w->map, AT + 2 * PG, 3 * PG,
	    TOME_ADV_DONTNEED));
}

static void
shared_object(struct world *w)
{
	world_objects(w);
	world_map_object(w, w->ob, AT, TOME_MAP_SHARED, 0);
}

static long
punch(struct world *w)
{
	return result(tome_map_advise(w->map, AT + PG, 2 * PG,
	    TOME_ADV_REMOVE));
}

static long
populate_read(struct world *w)
{
	return result(tome_map_advise(w->map, AT, 8 * PG,
	    TOME_ADV_POPULATE_READ));
}

static long
populate_write(struct world *w)
{
	return result(tome_map_advise(w->map, AT, 8 * PG,
	    TOME_ADV_POPULATE_WRITE));
}

static long
wire(struct world *w)
{
	return result(tome_map_wire(w->map, AT + PG, 4 * PG, false));
}

static long
wire_on_fault(struct world *w)
{
	return result(tome_map_wire(w->map, AT + PG, 4 * PG, true));
}

static void
wired(struct world *w)
{
	eight_pages(w);
	assert_int_equal(tome_map_wire(w->map, AT, 8 * PG, false), TOME_OK);
}

static long
unwire(struct world *w)
{
	return result(tome_map_unwire(w->map, AT + PG, 4 * PG));
}

static long
wire_all(struct world *w)
{
	return result(tome_map_wire_all(w->map, false));
}

/* ---- moving ---- */

static long
move(struct world *w, tome_va_t from, tome_va_t len, tome_va_t want,
    unsigned flags, tome_va_t to)
{
	return result(tome_map_move(w->map, from, len, want, flags, to, &to));
}

static long
move_grow(struct world *w)
{
	return move(w, AT, 8 * PG, 12 * PG, 0, 0);
}

static void
eight_in_the_way(struct world *w)
{
	eight_pages(w);
	world_enter(w, AT + 8 * PG, 1, RO);
}

static long
move_away(struct world *w)
{
	return move(w, AT, 8 * PG, 12 * PG, TOME_MOVE_MAY, 0);
}

static long
move_part(struct world *w)
{
	return move(w, AT + 2 * PG, 3 * PG, 3 * PG, TOME_MOVE_MAY |
	    TOME_MOVE_FIXED, AT + 100 * PG);
}

static void
eight_and_target(struct world *w)
{
	eight_pages(w);
	world_enter(w, AT + 1024 * PG, 16, RW);
	world_poke(w, AT + 1028 * PG);
}

static long
move_over(struct world *w)
{
	return move(w, AT, 8 * PG, 8 * PG, TOME_MOVE_MAY | TOME_MOVE_FIXED,
	    AT + 1026 * PG);
}

static long
move_keeping(struct world *w)
{
	return move(w, AT, 8 * PG, 8 * PG, TOME_MOVE_MAY |
	    TOME_MOVE_DONTUNMAP, 0);
}

static long
move_second(struct world *w)
{
	return move(w, AT, 0, 4 * PG, TOME_MOVE_MAY, 0);
}

/* Pages of a unit of leaf entries; AT and where it moves to begin one. */
#define LEAF (1u << TOME_PT_UNIT_BITS(0))

static long
move_leaf(struct world *w)
{
	return move(w, AT, LEAF * PG, LEAF * PG, TOME_MOVE_MAY |
	    TOME_MOVE_FIXED, AT + AT / 2);
}

static void
whole_leaf(struct world *w)
{
	world_enter(w, AT, LEAF, RW);
	world_poke(w, AT);
	world_poke(w, AT + (LEAF - 1) * PG);
}

/* ---- whole spaces ---- */

/* One entry of every kind, and a family already. */
static void
every_kind(struct world *w)
{
	world_objects(w);
	eight_pages(w);
	world_map_object(w, w->ob, AT + 16 * PG, TOME_MAP_SHARED, 0);
	world_map_object(w, w->over, AT + 24 * PG, 0, 0);
	world_poke(w, AT + 25 * PG);
	world_map_object(w, w->ob, AT + 32 * PG, 0, PG + 50);
	world_enter(w, AT + 40 * PG, 4, RW);
	assert_int_equal(tome_map_set_name(w->map, AT + 40 * PG, PG, "n"),
	    TOME_OK);
	assert_int_equal(tome_map_inherit(w->map, AT + 41 * PG, PG,
	    TOME_INHERIT_ZERO), TOME_OK);
	assert_int_equal(tome_map_inherit(w->map, AT + 42 * PG, PG,
	    TOME_INHERIT_NONE), TOME_OK);
	assert_int_equal(tome_map_wire(w->map, AT + 3 * PG, PG, false),
	    TOME_OK);
}

static void
to_share(struct world *w)
{
	every_kind(w);
	assert_int_equal(tome_map_inherit(w->map, AT + 4 * PG, 2 * PG,
	    TOME_INHERIT_SHARE), TOME_OK);
	assert_int_equal(tome_map_inherit(w->map, AT + 43 * PG, PG,
	    TOME_INHERIT_SHARE), TOME_OK);
}

static long
fork_space(struct world *w)
{
	return result(tome_map_fork(w->map, &w->child));
}

static void
every_kind_shared(struct world *w)
{
	struct tome_map *first;

	every_kind(w);
	world_fork(w);
	first = w->child;
	world_poke(w, AT);
	w->child = NULL;
	tome_map_unref(first);
}

static long
create_space(struct world *w)
{
	return result(tome_map_create(w->vm, NULL, &w->child));
}

static const struct scenario scenarios[] = {
	{ "enter, fixed", nothing, enter_fixed, 0, NULL },
	{ "enter, anywhere", nothing, enter_anywhere, 0, NULL },
	{ "enter, aligned and bounded", nothing, enter_aligned, 0, NULL },
	{ "enter, named and kept", nothing, enter_named, 0, NULL },
	{ "enter, shared memory", nothing, enter_shared, 0, NULL },
	{ "enter, an object's copy", world_objects, enter_object, 0, NULL },
	{ "enter, an object", world_objects, enter_object_shared, 0, NULL },
	{ "enter, populated", nothing, enter_populated, 0, NULL },
	{ "enter, locked", nothing, enter_locked, FAIL_PARTIAL, NULL },
	{ "enter, locked as touched", nothing, enter_locked_on_fault, 0, NULL },
	{ "enter, a stack", nothing, enter_stack, 0, NULL },
	{ "enter, a guard", nothing, enter_guard, 0, NULL },
	{ "enter, not replacing", eight_pages, enter_no_replace, 0, NULL },
	{ "replace the middle", eight_pages, replace_middle, 0, NULL },
	{ "replace the middle of what is shared", eight_shared,
	    replace_middle, 0, NULL },
	{ "replace many", many, replace_many, 0, NULL },
	{ "remove the middle", eight_pages, remove_middle, 0, NULL },
	{ "remove the middle of what is shared", eight_shared,
	    remove_middle, 0, NULL },
	{ "remove many", many, remove_many, 0, NULL },
	{ "protect the middle", eight_pages, protect_middle, 0, NULL },
	{ "protect all", eight_shared, protect_all, 0, NULL },
	{ "most rights of the middle", eight_pages, max_middle, 0, NULL },
	{ "inherit the middle", eight_pages, inherit_middle, 0, NULL },
	{ "inherit by sharing", eight_shared, inherit_share, 0, NULL },
	{ "name the middle", eight_pages, name_middle, 0, NULL },
	{ "advise RANDOM", eight_pages, advise_random, 0, NULL },
	{ "advise NODUMP", eight_pages, advise_nodump, 0, NULL },
	{ "advise DONTNEED", eight_pages, discard, 0, NULL },
	{ "advise DONTNEED of what is shared", eight_shared, discard,
	    FAIL_LAZY, NULL },
	{ "advise REMOVE", shared_object, punch, 0, NULL },
	{ "populate for reads", eight_pages, populate_read, FAIL_PARTIAL,
	    NULL },
	{ "populate for writes", eight_shared, populate_write, FAIL_PARTIAL,
	    NULL },
	{ "wire", eight_pages, wire, FAIL_PARTIAL, NULL },
	{ "wire as touched", eight_pages, wire_on_fault, 0, NULL },
	{ "unwire the middle", wired, unwire, 0, NULL },
	{ "wire all", eight_shared, wire_all, FAIL_PARTIAL, NULL },
	{ "move: grow in place", eight_pages, move_grow, 0, NULL },
	{ "move: away", eight_in_the_way, move_away, 0, NULL },
	{ "move: a part", eight_pages, move_part, 0, NULL },
	{ "move: a part of what is shared", eight_shared, move_part, 0, NULL },
	{ "move: over others", eight_and_target, move_over, 0, NULL },
	{ "move: leaving the range", eight_pages, move_keeping, 0, NULL },
	{ "move: a second mapping", shared_object, move_second, 0, NULL },
	{ "move: a whole leaf table", whole_leaf, move_leaf, 0, NULL },
	{ "fork", every_kind, fork_space, 0, NULL },
	{ "fork again", every_kind_shared, fork_space, 0, NULL },
	{ "fork, sharing", to_share, fork_space, FAIL_PARTIAL, NULL },
	{ "create a space", nothing, create_space, 0, NULL },
};

FAIL_MAIN(scenarios)
