/*
 * test_failures.c - one program, and each of its transfers going wrong in turn, in
 * every way there is, alone and with all that follow.
 *
 * Whoever touches a page that such a transfer held may be told EIO; nobody else may,
 * and whatever can be read is right. A file's page that could not be written may go
 * back to what the store has. Each opener hears of a failed write once. When the
 * device is good again everything can be read, and in the end nothing is left.
 */
#include "world.h"

#define SHORTER 20u			/* pages of the truncated file */
#define HOLE 4u				/* pages 4 .. 7 */
#define HOLE_PAGES 4u
#define UNWRITTEN (-1)			/* a private page that is the file's */

#define GROUP_PAGES 40u			/* of the 96 that there are, and copies */

/* What there should be. */
struct model {
	struct world *w;
	bool healed;
	unsigned npages;		/* of SHARED's file */
	uint8_t file[AREA_PAGES];
	int own[2][AREA_PAGES], anon[2][AREA_PAGES];
	/* Two openers of each file: one asks after every step, one at the end. */
	uint32_t often[2], once[2];
	unsigned told[2];
};

/* When a device has all requests that there are, none is left to ask it with. */
static bool
excused(struct model *m, enum area area, unsigned p)
{
	return !m->healed && (m->w->lost[page_id(area, p)] ||
	    m->w->nheld >= TOME_SWAP_IOS);
}

/* A group has no room while what it has can neither be written nor dropped. */
static bool
crowded(struct model *m, enum tome_err err)
{
	return err == TOME_ENOMEM && m->w->ledger != NULL && m->w->hit &&
	    !m->healed;
}

/* ---- looking ---- */

static bool
is_right(struct model *m, unsigned who, enum area area, unsigned p, uint8_t v)
{
	if (area == ANON)
		return v == m->anon[who][p];
	if (area == PRIVATE)
		return v == (m->own[who][p] == UNWRITTEN ? p + 1 :
		    (unsigned)m->own[who][p]);
	if (v != m->file[p] && m->w->lost[page_id(area, p)] &&
	    v == m->w->file[0].bytes[p * PG + VALUE_AT])
		m->file[p] = v;
	return v == m->file[p];
}

static void
look(struct model *m, unsigned who, enum area area, unsigned p)
{
	tome_va_t va = page_va(area, p);
	enum tome_err err = tome_fault(m->w->map[who], va, TOME_PROT_READ);
	uint8_t v = 0;
	size_t done;

	if (area == SHARED && p >= m->npages) {
		assert_int_equal(err, TOME_ENXIO);
		return;
	}
	if ((err == TOME_EIO && excused(m, area, p)) || crowded(m, err))
		return;
	assert_int_equal(err, TOME_OK);
	assert_int_equal(tome_map_read(m->w->map[who], va + VALUE_AT, &v, 1,
	    false, &done), TOME_OK);
	if (!is_right(m, who, area, p, v))
		fail_msg("space %u area %d page %u has %u", who, (int)area, p,
		    v);
}

static void
look_at_all(struct model *m)
{
	for (unsigned who = 0; who < 2; who++)
		for (unsigned p = 0; p < AREAS * AREA_PAGES &&
		    m->w->map[who] != NULL; p++)
			look(m, who, (enum area)(p / AREA_PAGES),
			    p % AREA_PAGES);
}

static void
poke(struct model *m, unsigned who, enum area area, unsigned p, uint8_t v)
{
	uint8_t bytes[VALUE_AT - ID_AT + 1] = { (uint8_t)page_id(area, p) };
	tome_va_t va = page_va(area, p);
	enum tome_err err = tome_fault(m->w->map[who], va, TOME_PROT_WRITE);
	size_t done;

	if ((err == TOME_EIO && excused(m, area, p)) || crowded(m, err))
		return;
	assert_int_equal(err, TOME_OK);
	bytes[VALUE_AT - ID_AT] = v;
	assert_int_equal(tome_map_write(m->w->map[who], va + ID_AT, bytes,
	    sizeof bytes, false, &done), TOME_OK);
	if (area == SHARED)
		m->file[p] = v;
	else if (area == PRIVATE)
		m->own[who][p] = v;
	else
		m->anon[who][p] = v;
}

/* ---- the program ---- */

static void
read_the_file(struct model *m)
{
	uint8_t v;
	size_t done;

	for (unsigned p = 0; p < AREA_PAGES / 2; p++) {
		enum tome_err err = tome_object_read(m->w->file[0].object,
		    p * PG + VALUE_AT, &v, 1, &done);

		if (err == TOME_EIO && excused(m, SHARED, p))
			continue;
		assert_int_equal(err, TOME_OK);
		assert_true(is_right(m, 0, SHARED, p, v));
	}
}

static void
write_all_kinds(struct model *m)
{
	for (unsigned p = 2; p < SHORTER + 4; p += p % 5 == 0 ? 6 : 1)
		poke(m, 0, SHARED, p, (uint8_t)(0x80 + p));
	for (unsigned p = 0; p < AREA_PAGES; p++) {
		look(m, 0, PRIVATE, p);
		if (p % 3 == 0)
			poke(m, 0, PRIVATE, p, (uint8_t)(0x40 + p));
		if (p < 24)
			poke(m, 0, ANON, p, (uint8_t)(0x20 + p));
	}
}

static void
fork_and_write(struct model *m)
{
	assert_int_equal(tome_map_fork(m->w->map[0], &m->w->map[1]), TOME_OK);
	memcpy(m->own[1], m->own[0], sizeof m->own[0]);
	memcpy(m->anon[1], m->anon[0], sizeof m->anon[0]);
	for (unsigned p = 0; p < 8; p++)
		poke(m, 1, ANON, p, (uint8_t)(0xa0 + p));
	poke(m, 1, PRIVATE, 1, 0xb1);
	poke(m, 1, PRIVATE, 3, 0xb3);
	poke(m, 1, SHARED, 9, 0xb9);
}

/* All that is not lost is in the store. */
static void
check_stored(struct model *m)
{
	for (unsigned p = 0; p < m->npages; p++)
		if (!m->w->lost[page_id(SHARED, p)])
			assert_int_equal(m->w->file[0].bytes[p * PG +
			    VALUE_AT], m->file[p]);
}

static void
sync_the_mapping(struct model *m)
{
	enum tome_err err = tome_map_sync(m->w->map[0], page_va(SHARED, 0),
	    AREA_PAGES * PG);

	if (err != TOME_EIO || !m->w->hit)
		assert_int_equal(err, TOME_OK);
	if (err == TOME_OK)
		check_stored(m);
}

static void
page_out(struct model *m)
{
	for (unsigned who = 0; who < 2 && m->w->map[who] != NULL; who++)
		(void)tome_map_page_out(m->w->map[who], page_va(SHARED, 0),
		    AREAS * AREA_PAGES * PG);
	world_settle(m->w);
	(void)tome_reclaim(m->w->vm, 64);
	(void)tome_reclaim(m->w->vm, 64);
}

static void
write_again(struct model *m)
{
	for (unsigned p = 0; p < 12; p++) {
		poke(m, p & 1, ANON, p, (uint8_t)(0xc0 + p));
		poke(m, ~p & 1, SHARED, p + 8, (uint8_t)(0xd0 + p));
	}
	poke(m, 1, PRIVATE, 30, 0x77);
}

/* The object first, then the store. */
static void
truncate_and_grow(struct model *m)
{
	struct store *s = &m->w->file[0];

	assert_int_equal(tome_object_resize(s->object, SHORTER * PG), TOME_OK);
	world_truncate(s, SHORTER * PG);
	m->npages = SHORTER;
	look_at_all(m);
	s->len = AREA_PAGES * PG;
	assert_int_equal(tome_object_resize(s->object, s->len), TOME_OK);
	m->npages = AREA_PAGES;
	memset(m->file + SHORTER, 0, AREA_PAGES - SHORTER);
}

static void
punch_a_hole(struct model *m)
{
	enum tome_err err = tome_map_advise(m->w->map[0],
	    page_va(SHARED, HOLE), HOLE_PAGES * PG, TOME_ADV_REMOVE);

	if (err == TOME_EIO && m->w->hit)
		return;
	assert_int_equal(err, TOME_OK);
	memset(m->file + HOLE, 0, HOLE_PAGES);
}

static void
write_in_the_background(struct model *m)
{
	(void)tome_writeback(m->w->vm, UINT64_MAX, TOME_FOREVER);
	tome_object_willneed(m->w->file[0].object, 0, AREA_PAGES);
}

static void
end_the_child(struct model *m)
{
	tome_map_unref(m->w->map[1]);
	m->w->map[1] = NULL;
}

static void
sync_the_file(struct model *m)
{
	enum tome_err err = tome_object_sync(m->w->file[0].object, 0, 0, true);

	if (err != TOME_EIO || !m->w->hit)
		assert_int_equal(err, TOME_OK);
	if (err == TOME_OK)
		check_stored(m);
}

static void
take_the_swap_away(struct model *m)
{
	enum tome_err err = tome_swap_remove(m->w->vm, m->w->swap_id);

	if (err == TOME_EIO && m->w->hit)
		return;
	assert_int_equal(err, TOME_OK);
	world_swapon(m->w);
}

static void (*const steps[])(struct model *) = {
	read_the_file, write_all_kinds, fork_and_write, sync_the_mapping,
	page_out, look_at_all, write_again, page_out, truncate_and_grow,
	look_at_all, write_again, write_in_the_background, punch_a_hole,
	page_out, look_at_all, take_the_swap_away, page_out, end_the_child,
	look_at_all, sync_the_file,
};

/* ---- errors are told once ---- */

static void
hear(struct world *w, unsigned file, uint32_t *seen, bool failed)
{
	struct tome_object *ob = w->file[file].object;

	assert_int_equal(tome_object_error(ob, seen), failed ? TOME_EIO :
	    TOME_OK);
	assert_int_equal(tome_object_error(ob, seen), TOME_OK);
}

static void
hear_often(struct model *m)
{
	for (unsigned f = 0; f < 2; f++) {
		unsigned failed = m->w->file[f].failed;

		hear(m->w, f, &m->often[f], failed != m->told[f]);
		m->told[f] = failed;
	}
}

/* ---- turns ---- */

static void
model_begin(struct model *m, struct world *w)
{
	memset(m, 0, sizeof *m);
	m->w = w;
	m->npages = AREA_PAGES;
	for (unsigned p = 0; p < AREA_PAGES; p++) {
		m->file[p] = (uint8_t)(p + 1);
		m->own[0][p] = UNWRITTEN;
	}
	for (unsigned f = 0; f < 2; f++)
		m->often[f] = m->once[f] =
		    tome_object_error_now(w->file[f].object);
}

static void
model_end(struct model *m)
{
	world_heal(m->w);
	hear_often(m);
	m->healed = true;
	look_at_all(m);
	assert_int_equal(tome_object_sync(m->w->file[0].object, 0, 0, true),
	    TOME_OK);
	check_stored(m);
	for (unsigned f = 0; f < 2; f++)
		hear(m->w, f, &m->once[f], m->w->file[f].failed > 0);
}

/* False: there are fewer transfers than n. */
static bool
turn(enum wrong wrong, unsigned n, bool on, bool group)
{
	static struct world w;
	static struct model m;

	world_create(&w, wrong, n, on);
	if (group)
		world_limit(&w, GROUP_PAGES);
	model_begin(&m, &w);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		steps[i](&m);
		world_settle(&w);
		hear_often(&m);
	}
	model_end(&m);
	world_destroy(&w);
	return w.hit;
}

/* Not all of them, unless there is time. */
static unsigned
step(unsigned usual)
{
	return getenv("STORAGE_EVERY") != NULL ? 1 : usual;
}

static void
every_transfer(void **state)
{
	enum wrong wrong = (enum wrong)(uintptr_t)*state;
	unsigned n = 1;
	while (turn(wrong, n, false, false))
		n++;
	assert_true(n > 60);
	for (n = 1; turn(wrong, n, true, false); n += step(17))
		;
}

/* The same in a group that has to page out its own all the time. */
static void
some_transfers_of_a_group(void **state)
{
	enum wrong wrong = (enum wrong)(uintptr_t)*state;
	unsigned n;

	for (n = 1; turn(wrong, n, false, true); n += step(37))
		;
	assert_true(n > 120);
	for (n = 1; turn(wrong, n, true, true); n += step(197))
		;
}

static void
nothing_goes_wrong(void **state)
{
	(void)state;
	assert_false(turn(WRONG_ERROR, 0, false, false));
	assert_false(turn(WRONG_ERROR, 0, false, true));
}

int
main(void)
{
#define T(kind) { .name = #kind, .test_func = every_transfer, \
	.initial_state = (void *)(uintptr_t)(kind) }
#define G(kind) { .name = "a group's " #kind, \
	.test_func = some_transfers_of_a_group, \
	.initial_state = (void *)(uintptr_t)(kind) }
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_goes_wrong),
		T(WRONG_ERROR), T(WRONG_SHORT), T(WRONG_LATE),
		T(WRONG_REORDERED), T(WRONG_NEVER), T(WRONG_CANCELLED),
		G(WRONG_ERROR), G(WRONG_SHORT), G(WRONG_LATE),
		G(WRONG_REORDERED), G(WRONG_NEVER), G(WRONG_CANCELLED),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
