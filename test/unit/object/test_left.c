/*
 * test_left.c - what must be gone, and what must stay, when an object loses pages
 * that it shares, or when two make the same thing at once.
 */
#include "rig.h"

#include <stdlib.h>

#define PG TOME_PAGE_SIZE

static void
put(struct tome_object *ob, uint64_t off, uint8_t byte)
{
	size_t done;

	assert_int_equal(tome_object_write(ob, off, &byte, 1, &done), TOME_OK);
}

static int
get(struct tome_object *ob, uint64_t off)
{
	uint8_t byte = 0;
	size_t done;

	assert_int_equal(tome_object_read(ob, off, &byte, 1, &done), TOME_OK);
	return byte;
}

/* Pages 1, 2, 40 and 70 written, in three chunks that a second amap shares. */
static struct tome_object *
shared_object(struct rig *r, struct tome_amap **sharer)
{
	struct tome_object *ob;

	assert_int_equal(tome_object_create_anon(r->vm, 96 * PG, NULL, 0, &ob),
	    TOME_OK);
	put(ob, 1 * PG, 1);
	put(ob, 2 * PG, 2);
	put(ob, 40 * PG, 40);
	put(ob, 70 * PG, 70);
	assert_int_equal(tome_amap_share(ob->amap, 0, 95, sharer), TOME_OK);
	return ob;
}

static void
sharer_keeps_all(struct tome_amap *sharer)
{
	assert_int_equal(rig_look(sharer, 1), 1);
	assert_int_equal(rig_look(sharer, 2), 2);
	assert_int_equal(rig_look(sharer, 40), 40);
	assert_int_equal(rig_look(sharer, 70), 70);
}

static void
part_of_a_shared_chunk(void **state)
{
	struct tome_amap *sharer;
	struct tome_object *ob = shared_object(*state, &sharer);

	assert_int_equal(tome_object_punch(ob, 2, 1), TOME_OK);
	assert_int_equal(get(ob, 1 * PG), 1);
	assert_int_equal(get(ob, 2 * PG), 0);
	sharer_keeps_all(sharer);
	tome_amap_unref(sharer);
	tome_object_unref(ob);
	rig_expect(*state, 0, 0, 0);
}

static void
whole_shared_chunks(void **state)
{
	struct tome_amap *sharer;
	struct tome_object *ob = shared_object(*state, &sharer);

	assert_int_equal(tome_object_punch(ob, 2, 69), TOME_OK);
	assert_int_equal(get(ob, 1 * PG), 1);
	assert_int_equal(get(ob, 40 * PG), 0);
	assert_int_equal(get(ob, 70 * PG), 0);
	sharer_keeps_all(sharer);
	assert_int_equal(tome_object_resize(ob, 0), TOME_OK);
	sharer_keeps_all(sharer);
	tome_amap_unref(sharer);
	tome_object_unref(ob);
	rig_expect(*state, 0, 0, 0);
}

/* A file that shrinks into a page and grows again has zeros there. */
static void
tail_of_the_last_page(void **state)
{
	struct rig *r = *state;
	struct tome_object *ob;

	assert_int_equal(tome_object_create_anon(r->vm, PG, NULL, 0, &ob),
	    TOME_OK);
	put(ob, 99, 1);
	put(ob, 100, 2);
	assert_int_equal(tome_object_resize(ob, 100), TOME_OK);
	assert_int_equal(tome_object_resize(ob, PG), TOME_OK);
	assert_int_equal(get(ob, 99), 1);
	assert_int_equal(get(ob, 100), 0);
	tome_object_unref(ob);
}

/* ---- two at once, under every schedule ---- */

struct race {
	struct rig rig;
	struct tome_amap *am;		/* of nobody, or the sharer */
	struct tome_object *ob;
	bool bad;			/* a call failed that must not */
};

static struct race *
race_start(struct hosted_machine *m)
{
	struct race *w = calloc(1, sizeof *w);
	struct tome_boot boot;

	w->rig.machine = m;
	hosted_boot(m, &boot);
	assert_int_equal(tome_vm_create(&boot, &w->rig.vm), TOME_OK);
	hosted_attach(m, w->rig.vm, tome_vm_interrupt, tome_frame_identity);
	assert_int_equal(tome_kmem_start(w->rig.vm), TOME_OK);
	assert_int_equal(tome_objects_start(w->rig.vm), TOME_OK);
	return w;
}

static void *
node_setup(struct hosted_machine *m)
{
	struct race *w = race_start(m);

	assert_int_equal(tome_amap_create(w->rig.vm, false, &w->am), TOME_OK);
	/* Two levels of nodes; below slot 2^15 there is none of the lower. */
	rig_fill(w->am, 0, 1);
	rig_fill(w->am, (uint64_t)1 << 16, 2);
	return w;
}

/* A chunk below a node that is not there yet. */
static void
node_get(void *state)
{
	struct race *w = state;
	tome_epoch_enter(w->rig.vm);
	if (tome_amap_get(w->am, (uint64_t)1 << 15).where == NULL)
		w->bad = true;
	tome_epoch_leave(w->rig.vm);
}

static void
race_teardown(void *state, bool failed)
{
	struct race *w = state;

	assert_false(failed || w->bad);
	if (w->ob != NULL)
		tome_object_unref(w->ob);
	tome_amap_unref(w->am);
	tome_vm_quiesce(w->rig.vm, true);
	assert_int_equal(tome_vm_destroy(w->rig.vm), 0);
	hosted_attach(w->rig.machine, NULL, NULL, NULL);
	free(w);
}

static void
node_made_by_two(void **state)
{
	struct hosted_program p = { .name = "node", .nthreads = 2,
		.config = { .ram = 1024 * TOME_PAGE_SIZE, .quiet = true },
		.setup = node_setup, .body = { node_get, node_get },
		.teardown = race_teardown };
	struct hosted_explored e;

	(void)state;
	assert_true(hosted_explore(&p, 1, 0, &e));
	assert_true(e.points > 4);
}

static void *
shared_setup(struct hosted_machine *m)
{
	struct race *w = race_start(m);

	w->ob = shared_object(&w->rig, &w->am);
	return w;
}

static void
write_one(struct race *w, uint64_t off, uint8_t byte)
{
	size_t done;

	if (tome_object_write(w->ob, off, &byte, 1, &done) != TOME_OK)
		w->bad = true;
}

static void
write_first(void *w)
{
	write_one(w, PG + 1, 11);
}

static void
write_second(void *w)
{
	write_one(w, PG + 2, 12);
	write_one(w, 40 * PG + 1, 13);
}

static void
punch(void *state)
{
	struct race *w = state;

	if (tome_object_punch(w->ob, 2, 69) != TOME_OK)
		w->bad = true;
}

static const char *
shared_judge(void *state)
{
	struct race *w = state;

	return rig_look(w->am, 1) == 1 && rig_look(w->am, 2) == 2 &&
	    rig_look(w->am, 40) == 40 && rig_look(w->am, 70) == 70 ? NULL :
	    "the sharer lost something";
}

static const char *
writers_judge(void *state)
{
	struct race *w = state;

	if (get(w->ob, PG) != 1 || get(w->ob, PG + 1) != 11 ||
	    get(w->ob, PG + 2) != 12)
		return "a write was lost";
	return shared_judge(w);
}

static void
shared_chunk_by_two(void **state)
{
	struct hosted_program p = { .name = "shared", .nthreads = 2,
		.config = { .ram = 1024 * TOME_PAGE_SIZE, .quiet = true },
		.setup = shared_setup, .body = { write_first, write_second },
		.judge = writers_judge, .teardown = race_teardown };
	struct hosted_explored e;

	(void)state;
	if (!hosted_explore(&p, 1, 0, &e))
		fail_msg("two writers: %s", e.why);
	p.body[0] = punch;
	p.judge = shared_judge;
	if (!hosted_explore(&p, 1, 0, &e))
		fail_msg("punch and write: %s", e.why);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_start, rig_end)
	const struct CMUnitTest tests[] = {
		TEST(part_of_a_shared_chunk),
		TEST(whole_shared_chunks),
		TEST(tail_of_the_last_page),
		cmocka_unit_test(node_made_by_two),
		cmocka_unit_test(shared_chunk_by_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
