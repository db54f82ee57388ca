/*
 * world.c - see world.h.
 */
#include <boot.h>

#include "world.h"

#define AT ((tome_va_t)0x10000000)
#define RW (TOME_PROT_READ | TOME_PROT_WRITE)
#define OVERTAKEN 4u			/* transfers that pass one that is held */

static struct world *the_world;		/* of the waiting hook */

static uint64_t
now_ns(struct world *w)
{
	return w->vm->host->clock_ns(w->vm->ctx);
}

/* ---- transfers ---- */

static uint64_t
io_bytes(const struct tome_io *io)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < io->n; i++)
		n += io->vec[i].len;
	return n;
}

static void
move(struct store *s, struct tome_io *io, uint8_t *page, uint64_t at, size_t n)
{
	size_t there = at >= s->len ? 0 : at + n <= s->len ? n :
	    (size_t)(s->len - at);

	if (io->op == TOME_IO_WRITE) {
		memcpy(s->bytes + at, page, there);
		return;
	}
	memset(page, 0, n);
	memcpy(page, s->bytes + at, there);
}

/* The first n bytes of it. What lies beyond a file's end by now is not written. */
static void
perform(struct store *s, struct tome_io *io, uint64_t n)
{
	uint64_t at = io->at;

	for (unsigned i = 0; i < io->n && n > 0; i++) {
		struct tome_io_vec *v = &io->vec[i];
		size_t part = n < v->len ? (size_t)n : v->len;
		uint8_t *page = tome_frame_window(io->vm, v->pfn);

		move(s, io, page + v->offset, at, part);
		tome_frame_window_end(io->vm, v->pfn, page);
		at += v->len;
		n -= part;
	}
}

static void
done(struct store *s, struct tome_io *io, enum tome_err err)
{
	if (err != TOME_OK && io->op == TOME_IO_WRITE)
		s->failed++;
	tome_io_done(io, err);
}

/* ---- what is held back ---- */

static void
hold(struct store *s, struct tome_io *io)
{
	struct world *w = s->world;
	bool ends = w->wrong == WRONG_LATE || w->wrong == WRONG_CANCELLED;
	uint64_t due = ends ? io->deadline + 1 : TOME_FOREVER;

	assert_true(w->nheld < HELD);
	w->held[w->nheld++] = (struct held){ s, io, due,
		w->transfers + OVERTAKEN, io_bytes(io) };
}

void
world_truncate(struct store *s, uint64_t len)
{
	struct world *w = s->world;

	for (unsigned i = 0; i < w->nheld; i++) {
		struct held *h = &w->held[i];

		if (h->store == s && h->io->at + h->most > len)
			h->most = h->io->at < len ? len - h->io->at : 0;
	}
	s->len = len;
	memset(s->bytes + len, 0, (size_t)(AREA_PAGES * PG - len));
}

static void
let_go(struct world *w, unsigned i, enum tome_err err)
{
	struct held h = w->held[i];

	memmove(&w->held[i], &w->held[i + 1],
	    (w->nheld - i - 1) * sizeof h);
	w->nheld--;
	if (err == TOME_OK)
		perform(h.store, h.io, h.most);
	done(h.store, h.io, err);
}

/* What the time, or the number of those that passed it, lets go. */
static void
let_go_due(struct world *w)
{
	for (unsigned i = w->nheld; i-- > 0;)
		if (now_ns(w) >= w->held[i].due ||
		    (w->wrong == WRONG_REORDERED &&
		    w->transfers >= w->held[i].after))
			let_go(w, i, w->wrong == WRONG_CANCELLED ?
			    TOME_ETIMEDOUT : TOME_OK);
}

/* ---- what goes wrong ---- */

static unsigned
id_of(struct store *s, const struct tome_io *io, unsigned i)
{
	uint64_t at = io->at + (uint64_t)i * PG;
	unsigned id;
	uint8_t *page;

	if (!s->swap)
		return s->first_id + (unsigned)(at >> TOME_PAGE_SHIFT);
	if (io->op == TOME_IO_READ)
		return s->bytes[at + ID_AT];
	page = tome_frame_window(io->vm, io->vec[i].pfn);
	id = page[ID_AT];
	tome_frame_window_end(io->vm, io->vec[i].pfn, page);
	return id;
}

static void
go_wrong(struct store *s, struct tome_io *io)
{
	struct world *w = s->world;

	w->hit = true;
	for (unsigned i = 0; i < io->n && w->wrong != WRONG_REORDERED; i++)
		w->lost[id_of(s, io, i)] = true;
	if (w->wrong == WRONG_SHORT)
		perform(s, io, io_bytes(io) / 2);
	if (w->wrong == WRONG_ERROR || w->wrong == WRONG_SHORT)
		done(s, io, TOME_EIO);
	else
		hold(s, io);
}

static void
start(void *ctx, struct tome_io *io)
{
	struct store *s = ctx;
	struct world *w = s->world;
	unsigned n = ++w->transfers;

	if (w->nth != 0 && (n == w->nth || (w->on && n > w->nth))) {
		go_wrong(s, io);
	} else {
		perform(s, io, io_bytes(io));
		done(s, io, TOME_OK);
	}
	let_go_due(w);
}

static void
cancel(void *ctx, struct tome_io *io)
{
	struct world *w = ((struct store *)ctx)->world;

	for (unsigned i = 0; i < w->nheld; i++)
		if (w->wrong == WRONG_CANCELLED && w->held[i].io == io) {
			let_go(w, i, TOME_ECANCELED);
			return;
		}
}

static enum tome_err
punch(void *ctx, tome_pgoff_t first, tome_pgoff_t n)
{
	struct store *s = ctx;

	memset(s->bytes + first * PG, 0, (size_t)n * PG);
	return TOME_OK;
}

static void
gone(void *ctx)
{
	((struct store *)ctx)->gone = true;
}

/* Somebody sleeps: the device goes on, or time passes. */
static void
wait(void *ctx, _Atomic uint32_t *word, uint32_t seen, uint64_t until)
{
	struct world *w = the_world;
	uint64_t next = until;

	(void)ctx;
	assert_true(++w->waits < (w->ledger == NULL ? 20000u : 40000u));
	if (*word != seen)
		return;
	if (w->wrong == WRONG_REORDERED && w->nheld > 0) {
		let_go(w, w->nheld - 1, TOME_OK);
		return;
	}
	for (unsigned i = 0; i < w->nheld; i++)
		if (w->held[i].due < next)
			next = w->held[i].due;
	if (next == TOME_FOREVER)
		fail_msg("a wait without end");
	if (next > now_ns(w))
		hosted_clock_advance(w->machine, next - now_ns(w));
	let_go_due(w);
}

/* ---- a world ---- */

static void
file_create(struct world *w, unsigned n, enum area area)
{
	static const struct tome_pager pager = { .max_pages = 8,
		.patience = PATIENCE, .read = start, .write = start,
		.punch = punch, .cancel = cancel, .gone = gone };
	struct store *s = &w->file[n];

	*s = (struct store){ .world = w, .len = AREA_PAGES * PG,
		.first_id = page_id(area, 0) };
	s->bytes = calloc(AREA_PAGES, PG);
	assert_non_null(s->bytes);
	for (unsigned i = 0; i < AREA_PAGES; i++) {
		s->bytes[i * PG + ID_AT] = (uint8_t)page_id(area, i);
		s->bytes[i * PG + VALUE_AT] = (uint8_t)(i + 1);
	}
	assert_int_equal(tome_object_create_vnode(w->vm, &pager, s, s->len,
	    &s->object), TOME_OK);
}

static void
disk_create(struct world *w)
{
	w->disk = (struct store){ .world = w, .len = DISK_PAGES * PG,
		.swap = true };
	w->disk.bytes = calloc(DISK_PAGES, PG);
	assert_non_null(w->disk.bytes);
	world_swapon(w);
}

void
world_swapon(struct world *w)
{
	static const struct tome_swap_device device = { .max_pages = 4,
		.patience = PATIENCE, .start = start, .cancel = cancel };

	assert_int_equal(tome_swap_add(w->vm, &device, &w->disk, DISK_PAGES, 1,
	    0, &w->swap_id), TOME_OK);
}

tome_va_t
page_va(enum area area, unsigned page)
{
	return AT + page_id(area, page) * PG;
}

static void
enter(struct world *w, enum area area, struct tome_object *ob, unsigned flags)
{
	struct tome_map_request rq = { .addr = page_va(area, 0),
		.len = AREA_PAGES * PG, .prot = RW, .object = ob,
		.flags = TOME_MAP_FIXED | flags };
	tome_va_t va;

	assert_int_equal(tome_map_enter(w->map[0], &rq, &va), TOME_OK);
}

void
world_create(struct world *w, enum wrong wrong, unsigned nth, bool on)
{
	struct hosted_config config = { .ram = 512 * TOME_PAGE_SIZE,
		.quiet = true,
		.virtual_clock = true };

	memset(w, 0, sizeof *w);
	the_world = w;
	w->machine = hosted_create(&config);
	hosted_host(w->machine)->wait = wait;
	assert_int_equal(hosted_vm_create(w->machine, &w->vm), TOME_OK);
	assert_int_equal(tome_kmem_start(w->vm), TOME_OK);
	assert_int_equal(tome_map_start(w->vm), TOME_OK);
	assert_int_equal(tome_paging_start(w->vm), TOME_OK);
	file_create(w, 0, SHARED);
	file_create(w, 1, PRIVATE);
	disk_create(w);
	assert_int_equal(tome_map_create(w->vm, NULL, &w->map[0]), TOME_OK);
	enter(w, SHARED, w->file[0].object, TOME_MAP_SHARED);
	enter(w, PRIVATE, w->file[1].object, 0);
	enter(w, ANON, NULL, 0);
	w->wrong = wrong;
	w->nth = nth;
	w->on = on;
}

void
world_limit(struct world *w, uint64_t pages)
{
	struct tome_ledger_limits limit = { pages, UINT64_MAX };

	assert_int_equal(tome_ledger_create(w->vm, NULL, &w->ledger), TOME_OK);
	tome_ledger_limit(w->ledger, &limit);
	tome_map_set_ledger(w->map[0], w->ledger);
}

/* Nobody is charged for what is gone. */
static void
ledger_end(struct world *w)
{
	struct tome_ledger_state s;

	if (w->ledger == NULL)
		return;
	tome_ledger_state(w->ledger, &s);
	assert_int_equal(s.resident, 0);
	assert_int_equal(s.swapped, 0);
	assert_int_equal(tome_ledger_destroy(w->ledger), TOME_OK);
}

void
world_settle(struct world *w)
{
	const char *why;

	tome_io_run(w->vm);
	tome_vm_quiesce(w->vm, true);
	why = tome_vm_check(w->vm);
	if (why != NULL)
		fail_msg("%s", why);
}

void
world_heal(struct world *w)
{
	w->nth = 0;
	while (w->nheld > 0)
		let_go(w, 0, w->wrong == WRONG_LATE ||
		    w->wrong == WRONG_REORDERED ? TOME_OK : TOME_EIO);
	world_settle(w);
}

/* Every slot that was given out ended in one of the ways there are. */
static void
check_ledger(struct world *w)
{
	struct tome_swap_stats s;

	assert_true(tome_swap_stats(w->vm, w->swap_id, &s));
	assert_int_equal(s.used, 0);
	assert_int_equal(s.allocated, s.retired + s.superseded + s.dropped +
	    s.unwritten + s.home);
}

void
world_destroy(struct world *w)
{
	struct tome_stats s;

	for (unsigned i = 0; i < 2; i++)
		if (w->map[i] != NULL)
			tome_map_unref(w->map[i]);
	for (unsigned i = 0; i < 2; i++)
		tome_object_unref(w->file[i].object);
	world_settle(w);
	check_ledger(w);
	ledger_end(w);
	assert_int_equal(tome_swap_remove(w->vm, w->swap_id), TOME_OK);
	tome_vm_quiesce(w->vm, true);
	tome_vm_stats(w->vm, &s);
	assert_int_equal(s.anons, 0);
	assert_int_equal(s.frames_anon, 0);
	assert_int_equal(s.frames_cache, 0);
	assert_true(w->file[0].gone && w->file[1].gone);
	assert_int_equal(hosted_vm_destroy(w->machine, w->vm), 0);
	hosted_destroy(w->machine);
	for (unsigned i = 0; i < 2; i++)
		free(w->file[i].bytes);
	free(w->disk.bytes);
}
