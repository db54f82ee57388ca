/*
 * world.c - see world.h.
 */
#include "world.h"

/* ---- a world ---- */

#define SWAP_PAGES 256u

static bool paging;

void
fail_paging(void)
{
	paging = true;
}

static void
swap_transfer(void *ctx, struct tome_io *io)
{
	uint8_t *at = (uint8_t *)ctx + io->at;

	for (unsigned i = 0; i < io->n; i++, at += PG) {
		uint8_t *page = tome_frame_window(io->vm, io->vec[i].pfn);

		if (io->op == TOME_IO_READ)
			memcpy(page, at, PG);
		else
			memcpy(at, page, PG);
		tome_frame_window_end(io->vm, io->vec[i].pfn, page);
	}
	tome_io_done(io, TOME_OK);
}

void
world_swap_on(struct world *w)
{
	static const struct tome_swap_device device = { .max_pages = 8,
		.start = swap_transfer };

	if (w->swap == NULL)
		w->swap = malloc(SWAP_PAGES * PG);
	assert_non_null(w->swap);
	assert_int_equal(tome_swap_add(w->vm, &device, w->swap, SWAP_PAGES, 1,
	    0, &w->swap_id), TOME_OK);
}

static void
world_create(struct world *w)
{
	struct hosted_config config = { .ram = 8192 * TOME_PAGE_SIZE,
		.quiet = true };
	struct tome_shm_config shm = { .max_segments = 4 };
	struct tome_map_config mc = { .lo = LOW, .hi = TOP };
	struct tome_posix_config pc = { .brk_start = BRK };
	struct tome_boot boot;

	memset(w, 0, sizeof *w);
	w->segment = -1;
	w->machine = hosted_create(&config);
	hosted_boot(w->machine, &boot);
	assert_int_equal(tome_vm_create(&boot, &w->vm), TOME_OK);
	hosted_attach(w->machine, w->vm, tome_vm_interrupt,
	    tome_frame_identity);
	assert_int_equal(tome_kmem_start(w->vm), TOME_OK);
	assert_int_equal(tome_map_start(w->vm), TOME_OK);
	if (paging) {
		assert_int_equal(tome_paging_start(w->vm), TOME_OK);
		world_swap_on(w);
	}
	assert_int_equal(tome_shm_create(w->vm, &shm, &w->shm), TOME_OK);
	assert_int_equal(tome_map_create(w->vm, &mc, &w->map), TOME_OK);
	pc.map = w->map;
	pc.shm = w->shm;
	assert_int_equal(tome_posix_create(&pc, &w->p), TOME_OK);
	tome_map_unref(w->map);
}

static void
world_destroy(struct world *w)
{
	tome_posix_destroy(w->p);
	tome_shm_destroy(w->shm);
	tome_vm_quiesce(w->vm, true);
	assert_null(tome_vm_check(w->vm));
	assert_int_equal(tome_vm_destroy(w->vm), 0);
	hosted_attach(w->machine, NULL, NULL, NULL);
	hosted_destroy(w->machine);
	free(w->swap);
}

/* Nobody is charged for what is gone. */
static void
ledger_end(struct world *w)
{
	struct tome_ledger_state s;

	if (w->ledger == NULL)
		return;
	tome_vm_quiesce(w->vm, true);
	tome_ledger_state(w->ledger, &s);
	assert_int_equal(s.resident, 0);
	assert_int_equal(s.swapped, 0);
	tome_map_set_ledger(w->map, NULL);
	assert_int_equal(tome_ledger_destroy(w->ledger), TOME_OK);
	w->ledger = NULL;
}

/* What the turn made is given back, whatever it was. */
static void
world_undo(struct world *w)
{
	static const struct tome_cred me = { .pid = 1, .privileged = true };

	if (w->child_space != NULL)
		tome_posix_destroy(w->child_space);
	if (w->child != NULL)
		tome_map_unref(w->child);
	(void)tome_posix_munlockall(w->p);
	(void)tome_posix_brk(w->p, BRK);
	assert_int_equal(tome_posix_munmap(w->p, LOW, TOP - LOW), 0);
	if (w->segment >= 0)
		assert_int_equal(tome_posix_shmctl(w->p, &me, w->segment, 0, 0),
		    0);
	tome_object_unref(w->made);
	tome_object_unref(w->over);
	tome_object_unref(w->ob);
	if (w->file != NULL) {
		fakefile_close(w->file, w->vm);
		free(w->file);
		w->file = NULL;
	}
	ledger_end(w);
	if (w->span != 0)
		tome_arena_free(w->arena, w->span, 3);
	if (w->arena != NULL)
		assert_int_equal(tome_arena_destroy(w->arena), TOME_OK);
	if (w->cache != NULL && w->memory != NULL)
		tome_cache_free(w->cache, w->memory);
	else
		tome_kfree(w->vm, w->memory);
	if (w->cache != NULL)
		assert_int_equal(tome_cache_destroy(w->cache), TOME_OK);
	if (w->kernel != 0)
		tome_kunmap(w->vm, w->kernel);
	w->child_space = NULL;
	w->child = NULL;
	w->made = w->over = w->ob = NULL;
	w->arena = NULL;
	w->cache = NULL;
	w->memory = NULL;
	w->span = 0;
	w->kernel = 0;
	w->segment = -1;
}

/* ---- what a failed call must not change ---- */

#define REGIONS 48

struct snapshot {
	unsigned n;
	struct tome_region region[REGIONS];
	uint64_t content;		/* a sum over every page that is not zero */
	struct tome_stats stats;
};

static uint64_t
sum_page(struct world *w, tome_va_t va)
{
	static uint64_t page[TOME_PAGE_SIZE / 8];
	uint64_t sum = va;
	bool zero = true;
	size_t done;

	if (tome_map_read(w->map, va, page, sizeof page, true, &done) !=
	    TOME_OK)
		return 0;
	for (size_t i = 0; i < sizeof page / sizeof *page; i++) {
		zero = zero && page[i] == 0;
		sum = (sum ^ page[i]) * 0x100000001b3u;
		sum ^= sum >> 29;
	}
	return zero ? 0 : sum;
}

/* Of the region's next pages, of which one call says what is there. */
#define STRIDE (256 * PG)
static uint64_t
sum_stride(struct world *w, const struct tome_region *r, tome_va_t va)
{
	uint8_t present[STRIDE / PG];
	tome_va_t len = r->end - va < STRIDE ? r->end - va : STRIDE;
	uint64_t sum = 0;

	/* To read a page cut by its limit would be to make it. */
	if (r->shared)
		memset(present, 1, sizeof present);
	else if (tome_map_incore(w->map, va, len, present) != TOME_OK)
		return 0;
	for (unsigned i = 0; i < len / PG; i++)
		if (present[i] != 0)
			sum += sum_page(w, va + i * PG);
	return sum;
}

static void
take(struct world *w, struct snapshot *s, unsigned flags)
{
	bool content = !(flags & FAIL_PAGED);
	tome_va_t cookie = 0, va;

	memset(s, 0, sizeof *s);
	tome_vm_quiesce(w->vm, true);
	while (tome_map_next(w->map, &cookie, &s->region[s->n])) {
		struct tome_region *r = &s->region[s->n++];

		assert_true(s->n < REGIONS);
		for (va = r->start; content && va < r->end; va += STRIDE)
			s->content += sum_stride(w, r, va);
	}
	tome_vm_stats(w->vm, &s->stats);
}

static void
compare(const struct snapshot *a, const struct snapshot *b, unsigned flags)
{
	if (flags & FAIL_PARTIAL)
		return;
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->region, b->region, a->n * sizeof *a->region);
	assert_int_equal(a->content, b->content);
	assert_int_equal(a->stats.maps, b->stats.maps);
	assert_int_equal(a->stats.entries, b->stats.entries);
	assert_int_equal(a->stats.objects, b->stats.objects);
	assert_int_equal(a->stats.pmaps, b->stats.pmaps);
	if (!(flags & (FAIL_HOLE | FAIL_PAGED))) {
		assert_int_equal(a->stats.anons, b->stats.anons);
		assert_int_equal(a->stats.frames_anon, b->stats.frames_anon);
	}
	if (flags & (FAIL_LAZY | FAIL_PAGED))
		return;
	assert_int_equal(a->stats.amaps, b->stats.amaps);
	assert_int_equal(a->stats.chunks, b->stats.chunks);
	assert_int_equal(a->stats.nodes, b->stats.nodes);
}

/* ---- turns ---- */

static void
check(struct world *w)
{
	const char *why = tome_vm_check(w->vm);

	if (why != NULL)
		fail_msg("%s", why);
}

/* False: nothing was refused. */
static bool
turn(struct world *w, const struct scenario *sc, const char *kind, uint64_t n,
    bool forever)
{
	static struct snapshot before, after;
	bool refused;
	long got;

	sc->prepare(w);
	take(w, &before, sc->flags);
	hosted_fail_alloc(w->machine, kind, n, forever);
	got = sc->act(w);
	refused = hosted_allocs(w->machine) >= n;
	hosted_fail_alloc(w->machine, NULL, 0, false);
	tome_vm_quiesce(w->vm, true);
	check(w);
	if (got < 0) {
		if (got != -TOME_ENOMEM && got != -TOME_EAGAIN &&
		    (got != -TOME_EFAULT || !(sc->flags & FAIL_EFAULT)))
			fail_msg("the call answered %ld", got);
		assert_true(refused);
		take(w, &after, sc->flags);
		compare(&before, &after, sc->flags);
		got = sc->act(w);
		if (got < 0)
			fail_msg("asked again, the call answered %ld", got);
		check(w);
	}
	if (sc->verify != NULL)
		sc->verify(w);
	world_undo(w);
	return refused;
}

static void
run(const struct scenario *sc, const char *kind, bool forever)
{
	static struct snapshot before, after;
	struct world w;
	uint64_t n = 1;

	world_create(&w);
	take(&w, &before, 0);
	while (turn(&w, sc, kind, n, forever)) {
		take(&w, &after, 0);
		compare(&before, &after, 0);
		assert_true(++n < 400);
	}
	world_destroy(&w);
}

static void
test_scenario(void **state)
{
	static const char *const kinds[] = { NULL, "frame", "table", "object" };
	const struct scenario *sc = *state;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		run(sc, kinds[i], false);
		/* Where pages come and go, some for one kind and never for another is
		 * nothing that a machine does. */
		if (!paging || kinds[i] == NULL)
			run(sc, kinds[i], true);
	}
}

int
fail_run(const struct scenario *sc, size_t n)
{
	struct CMUnitTest *tests = calloc(n, sizeof *tests);
	int failed;

	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){ .name = sc[i].name,
			.test_func = test_scenario,
			.initial_state = (void *)(uintptr_t)&sc[i] };
	failed = _cmocka_run_group_tests("fail", tests, n, NULL, NULL);
	free(tests);
	return failed;
}

/* ---- what scenarios are made of ---- */

void
nothing(struct world *w)
{
	(void)w;
}

void
world_enter(struct world *w, tome_va_t va, unsigned n, tome_prot_t prot)
{
	struct tome_map_request rq = { .addr = va, .len = n * PG, .prot = prot,
		.flags = TOME_MAP_FIXED };

	assert_int_equal(tome_map_enter(w->map, &rq, &va), TOME_OK);
}

void
world_poke(struct world *w, tome_va_t va)
{
	uint8_t byte = (uint8_t)(va >> TOME_PAGE_SHIFT) | 1;
	size_t done;

	assert_int_equal(tome_map_write(w->map, va, &byte, 1, true, &done),
	    TOME_OK);
}

static struct tome_object *
object_of(struct world *w, struct tome_object *parent)
{
	struct tome_object *ob;

	assert_int_equal(tome_object_create_anon(w->vm, 6 * PG, parent, 0,
	    &ob), TOME_OK);
	return ob;
}

static void
fill(struct tome_object *ob, unsigned page)
{
	uint8_t bytes[2] = { 0x50, (uint8_t)page };
	size_t done;

	assert_int_equal(tome_object_write(ob, page * PG, bytes, 2, &done),
	    TOME_OK);
}

void
world_objects(struct world *w)
{
	w->ob = object_of(w, NULL);
	fill(w->ob, 0);
	fill(w->ob, 2);
	fill(w->ob, 5);
	w->over = object_of(w, w->ob);
	fill(w->over, 1);
}

void
world_map_object(struct world *w, struct tome_object *ob, tome_va_t va,
    unsigned flags, uint64_t limit)
{
	struct tome_map_request rq = { .addr = va, .len = 4 * PG, .prot = RW,
		.object = ob, .flags = TOME_MAP_FIXED | flags,
		.limit = limit };

	assert_int_equal(tome_map_enter(w->map, &rq, &va), TOME_OK);
}

void
world_file(struct world *w)
{
	w->file = calloc(1, sizeof *w->file);
	assert_non_null(w->file);
	fakefile_open(w->file, w->vm, 6 * PG);
}

void
world_limit(struct world *w, uint64_t pages)
{
	struct tome_ledger_limits limit = { pages, UINT64_MAX };

	assert_int_equal(tome_ledger_create(w->vm, NULL, &w->ledger), TOME_OK);
	tome_ledger_limit(w->ledger, &limit);
	tome_map_set_ledger(w->map, w->ledger);
}

void
world_fork(struct world *w)
{
	assert_int_equal(tome_map_fork(w->map, &w->child), TOME_OK);
}

void
eight_pages(struct world *w)
{
	world_enter(w, AT, 8, RW);
	world_poke(w, AT);
	world_poke(w, AT + 3 * PG);
	world_poke(w, AT + 5 * PG);
}

void
eight_shared(struct world *w)
{
	eight_pages(w);
	world_fork(w);
}
